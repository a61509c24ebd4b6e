#!/usr/bin/env python3
"""Seconds and peak memory of Reconstruct at growing raster sizes: memory must stay flat.

    python scripts/bench_scale.py --sizes 1000 3000 10000 [--out docs/benchmark_scale.md]

Each size is a raster of its own (one rendered town, mirrored side by side) and a process of its
own, as in QGIS: the command line with default parameters and the bundled model.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

BACKEND = Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"
sys.path.insert(0, str(BACKEND))

import numpy as np  # noqa: E402
import rasterio  # noqa: E402
from rasterio.transform import from_origin  # noqa: E402
from rasterio.windows import Window  # noqa: E402

TOWN_PX = 1000
GSD_M = 0.5


def render_town() -> np.ndarray:
    """One rendered town [H, W, 3]."""
    from semantic3d.datasets.procedural import render_scene

    return render_scene(7, size_px=TOWN_PX, gsd_m=GSD_M).rgb


def write_mosaic(path: Path, size_px: int, town: np.ndarray) -> None:
    """Write a size x size raster of the town [H, W, 3] and its mirror images, town by town."""
    profile = {
        "driver": "GTiff", "width": size_px, "height": size_px, "count": 3, "dtype": "uint8", "tiled": True,
        "crs": "EPSG:32632", "transform": from_origin(500000, 5200000, GSD_M, GSD_M), "compress": "deflate",
        "photometric": "RGB", "BIGTIFF": "IF_SAFER",
    }
    with rasterio.open(path, "w", **profile) as target:
        for top in range(0, size_px, TOWN_PX):
            for left in range(0, size_px, TOWN_PX):
                piece = town[:: -1 if top // TOWN_PX % 2 else 1, :: -1 if left // TOWN_PX % 2 else 1]
                high, wide = min(TOWN_PX, size_px - top), min(TOWN_PX, size_px - left)
                target.write(piece[:high, :wide].transpose(2, 0, 1), window=Window(left, top, wide, high))


def run(image: Path, folder: Path) -> tuple[float, float]:
    """Reconstruct in a new process; wall seconds and its peak memory in MB."""
    outputs = ["--height", folder / "h.tif", "--sigma", folder / "s.tif", "--land-cover", folder / "c.tif"]
    command = [sys.executable, "-m", "semantic3d.cli", "reconstruct", str(image), *map(str, outputs)]
    started = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(BACKEND)}, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if status:
        raise SystemExit(f"reconstruct failed with status {status}")
    kilobytes = usage.ru_maxrss if sys.platform != "darwin" else usage.ru_maxrss / 1024
    return seconds, kilobytes / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 3000, 10000])
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()

    # In a process of its own: a child's peak counts from its parent's, and rendering takes more than reconstructing.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        town = pool.apply(render_town)
    lines = [
        "# Time and memory against raster size",
        "",
        f"{date.today().isoformat()}, `python scripts/bench_scale.py --sizes {' '.join(map(str, args.sizes))}`, "
        f"{os.cpu_count()} cores of {platform.machine()}, no GPU; height, sigma and land cover, default parameters.",
        "",
        "| raster | megapixels | seconds | seconds per megapixel | peak memory, MB |",
        "|---|---|---|---|---|",
    ]
    for size_px in args.sizes:
        with tempfile.TemporaryDirectory() as folder:
            image = Path(folder) / "image.tif"
            write_mosaic(image, size_px, town)
            seconds, megabytes = run(image, Path(folder))
        megapixels = size_px**2 / 1e6
        lines.append(
            f"| {size_px} x {size_px} | {megapixels:.0f} | {seconds:.0f} | {seconds / megapixels:.2f} | {megabytes:.0f} |"
        )
        print(lines[-1], flush=True)
    text = "\n".join(lines) + "\n"
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

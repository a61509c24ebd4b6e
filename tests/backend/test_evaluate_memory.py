"""The memory of an evaluation is bounded, however large the rasters."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from evaluation_scene import GROUND
from rasterio.windows import Window

BACKEND = Path(__file__).resolve().parents[2] / "semantic3d_plugin" / "backend"
PEAK = """
import sys
from semantic3d.cli import main
code = main(sys.argv[1:])
print([line for line in open("/proc/self/status") if line.startswith("VmHWM")][0].split()[1])
sys.exit(code)
"""
BLOCK = 512


def layer(path, side, block):
    """A raster of one block again and again, compressed: its file is small, its pixels are not."""
    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=1, dtype=block.dtype, transform=GROUND,
        crs="EPSG:32632", tiled=True, blockxsize=BLOCK, blockysize=BLOCK, compress="deflate",
    ) as dataset:  # fmt: skip
        for row in range(0, side, BLOCK):
            for column in range(0, side, BLOCK):
                dataset.write(block, 1, window=Window(column, row, BLOCK, BLOCK))
    return str(path)


def peak_kb(folder, side):
    folder.mkdir()
    steps = np.arange(BLOCK * BLOCK).reshape(BLOCK, BLOCK)
    truth = (steps % 7).astype(np.float32)
    sigma = 0.5 + (steps % 5).astype(np.float32)
    arguments = [
        "evaluate", "--height", layer(folder / "height.tif", side, truth + sigma),
        "--reference", layer(folder / "truth.tif", side, truth), "--sigma", layer(folder / "sigma.tif", side, sigma),
        "--error", str(folder / "error.tif"), "--report", str(folder / "report.html"),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(BACKEND)}
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return int(done.stdout.split()[-1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow_with_the_rasters(tmp_path):
    # Both fill the cache of blocks; held whole, the four rasters would take 105 and 340 MB.
    small, large = peak_kb(tmp_path / "small", 5 * BLOCK), peak_kb(tmp_path / "large", 9 * BLOCK)
    assert large < 1.1 * small

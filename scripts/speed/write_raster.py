"""Write a raster of a given size, in a process of its own: python -m speed.write_raster IMAGE SIZE_PX.

What renders a town takes memory, and a process that is started counts its parent's peak as its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

from semantic3d.datasets.procedural import render_scene

TOWN_PX = 1000
GSD_M = 0.5


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


def main() -> None:
    write_mosaic(Path(sys.argv[1]), int(sys.argv[2]), render_scene(7, size_px=TOWN_PX, gsd_m=GSD_M).rgb)


if __name__ == "__main__":
    main()

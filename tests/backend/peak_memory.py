"""The peak memory of a job in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine
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


def tiled_raster(path, side, block, wide=None):
    """A raster [side, wide or side] of one block [bands, 512, 512] again and again: a small file of many pixels."""
    wide = wide or side
    with rasterio.open(
        path, "w", driver="GTiff", width=wide, height=side, count=len(block), dtype=block.dtype, crs="EPSG:32632",
        transform=Affine(0.5, 0, 5e5, 0, -0.5, 5e6), tiled=True, blockxsize=BLOCK, blockysize=BLOCK, compress="deflate",
    ) as dataset:  # fmt: skip
        for row in range(0, side, BLOCK):
            for column in range(0, wide, BLOCK):
                dataset.write(block, window=Window(column, row, BLOCK, BLOCK))
    return str(path)


def peak_kb(*arguments):
    """Run the command line (Linux alone): its peak memory in kB, and what it said."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *arguments], env={**os.environ, "PYTHONPATH": str(BACKEND)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return int(done.stdout.split()[-1]), done.stdout + done.stderr


def steps():
    """0, 1, 2, ... [1, 512, 512]."""
    return np.arange(BLOCK * BLOCK).reshape(1, BLOCK, BLOCK)

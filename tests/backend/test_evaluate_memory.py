"""The memory of an evaluation is bounded, however large the rasters."""

import sys

import numpy as np
import pytest
import rasterio
from peak_memory import BLOCK, peak_kb, steps, tiled_raster
from rasterio.transform import Affine


def peak_of_evaluation(folder, side):
    folder.mkdir()
    truth = (steps() % 7).astype(np.float32)
    sigma = 0.5 + (steps() % 5).astype(np.float32)
    return peak_kb(
        "evaluate", "--height", tiled_raster(folder / "height.tif", side, truth + sigma),
        "--reference", tiled_raster(folder / "truth.tif", side, truth),
        "--sigma", tiled_raster(folder / "sigma.tif", side, sigma),
        "--error", str(folder / "error.tif"), "--report", str(folder / "report.html"),
    )[0]  # fmt: skip


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow_with_the_rasters(tmp_path):
    # Both fill the cache of blocks; held whole, the four rasters would take 105 and 340 MB.
    small, large = peak_of_evaluation(tmp_path / "small", 5 * BLOCK), peak_of_evaluation(tmp_path / "large", 9 * BLOCK)
    assert large < 1.1 * small


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow_with_the_references_resolution(tmp_path):
    height = tmp_path / "height.tif"
    profile = {"driver": "GTiff", "width": 100, "height": 100, "count": 1, "dtype": "float32", "crs": "EPSG:32632"}
    with rasterio.open(height, "w", transform=Affine(25.6, 0, 5e5, 0, -25.6, 5e6), **profile) as dataset:
        dataset.write(np.ones((1, 100, 100), np.float32))
    truth = tiled_raster(tmp_path / "truth.tif", 10 * BLOCK, (steps() % 7).astype(np.float32))  # 51 pixels to one
    none, fine = (peak_kb("evaluate", "--height", str(height), "--reference", path)[0] for path in (str(height), truth))
    assert fine < none + 100_000  # all of it in float64, with its mask, takes 240 MB

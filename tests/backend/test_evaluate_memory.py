"""The memory of an evaluation is bounded, however large the rasters."""

import sys

import numpy as np
import pytest
from peak_memory import BLOCK, peak_kb, steps, tiled_raster


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

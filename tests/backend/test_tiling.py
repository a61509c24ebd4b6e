"""Tiles cover the axis, weights sum to 1, reflection is numpy's symmetric padding."""

import numpy as np
import pytest

from s3d_protocol import InvalidParameter
from semantic3d.raster.tiling import Axis, reflected, window_weights

CASES = [
    (1, 64, 0), (1, 64, 16), (50, 64, 16), (64, 64, 32), (65, 64, 32), (333, 64, 16), (1000, 64, 0), (1000, 64, 1),
    (777, 64, 56), (2000, 512, 128), (129, 32, 20),
]  # fmt: skip


@pytest.mark.parametrize("size, tile, overlap", CASES)
def test_weights_sum_to_one_at_every_pixel(size, tile, overlap):
    axis = Axis(size, tile, overlap)
    total = np.zeros(size)
    for index in range(axis.count):
        weights = axis.weights(index)
        assert (weights > 0).all()
        for offset, weight in enumerate(weights):
            if 0 <= axis.start(index) + offset < size:
                total[axis.start(index) + offset] += weight
    np.testing.assert_allclose(total, 1.0, atol=1e-12)


@pytest.mark.parametrize("size, tile, overlap", CASES)
def test_no_tile_is_superfluous_and_ends_share_the_overhang(size, tile, overlap):
    axis = Axis(size, tile, overlap)
    before, after = -axis.start(0), axis.start(axis.count - 1) + tile - size
    assert before >= 0 and after >= 0 and abs(before - after) <= 1
    if axis.count > 1:
        assert before + after < axis.stride_px


@pytest.mark.parametrize("size, tile, overlap", CASES)
def test_touching_finds_exactly_the_tiles_that_share_a_pixel(size, tile, overlap):
    axis = Axis(size, tile, overlap)
    for low, high in {(0, 1), (0, size), (size // 2, size // 2 + 1), (size - 1, size)}:
        expected = [i for i in range(axis.count) if axis.start(i) < high and axis.start(i) + tile > low]
        assert list(axis.touching(low, high)) == expected


def test_neighbouring_ramps_are_smooth_and_complementary():
    weights = window_weights(64, 16)
    np.testing.assert_allclose(weights[:16] + weights[-16:], 1.0, atol=1e-12)
    assert np.abs(np.diff(weights)).max() < np.pi / 2 / 16 + 1e-9


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_reflection_is_symmetric_padding(size):
    values = np.arange(size)
    np.testing.assert_array_equal(values[reflected(-30, size + 30, size)], np.pad(values, 30, mode="symmetric"))


@pytest.mark.parametrize("overlap", [-1, 57, 64, 1000])
def test_an_overlap_that_cannot_work_is_refused(overlap):
    with pytest.raises(InvalidParameter, match="from 0 to 56"):
        Axis(100, 64, overlap)

"""A small picture of a raster that passes by in windows: every nth pixel is kept."""
from __future__ import annotations

import math

import numpy as np

LONGEST_PX = 720


class Thumbnail:
    """Picked values of one layer.

    Attributes:
        values: [rows, columns], float64.
        valid: [rows, columns].
    """

    def __init__(self, width: int, height: int, longest_px: int = LONGEST_PX):
        """For a raster of `width` x `height` pixels."""
        self._step = max(1, math.ceil(max(width, height) / longest_px))
        shape = (math.ceil(height / self._step), math.ceil(width / self._step))
        self.values, self.valid = np.zeros(shape), np.zeros(shape, bool)

    def add(self, column: int, row: int, values: np.ndarray, valid: np.ndarray) -> None:
        """Add a window [H, W] whose first pixel is (column, row)."""
        step = self._step
        first_row, first_column = -row % step, -column % step
        picked = np.s_[first_row::step, first_column::step]
        part = values[picked]
        top, left = (row + first_row) // step, (column + first_column) // step
        target = np.s_[top:top + part.shape[0], left:left + part.shape[1]]
        self.values[target], self.valid[target] = part, valid[picked]

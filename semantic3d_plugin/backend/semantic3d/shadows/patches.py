"""Small patches: removed from a mask, and holes in it filled, from a window that shows only a part of the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Runs:
    """The runs of True along the rows of a mask, with the area of the patch that each belongs to.

    Patches are 4-connected: pixels that touch by a corner alone are apart.

    Attributes:
        shape: of the mask.
        first, last: one-dimensional positions in rows of shape[1] + 1, `last` exclusive, [n].
        patch: number of the patch, [n]; area_px: its area, [n].
    """

    shape: tuple
    first: np.ndarray
    last: np.ndarray
    patch: np.ndarray
    area_px: np.ndarray

    def touching(self, sides: tuple) -> np.ndarray:
        """Tell which runs belong to a patch that meets one of the (top, bottom, left, right) `sides`, bool [n]."""
        row, column = np.divmod(self.first, self.shape[1] + 1)
        end = self.last - row * (self.shape[1] + 1)
        meets = np.zeros(len(row), bool)
        for side, at in zip(sides, (row == 0, row == self.shape[0] - 1, column == 0, end == self.shape[1])):
            if side:
                meets |= at
        return np.isin(self.patch, self.patch[meets])

    def holding(self, mask: np.ndarray) -> np.ndarray:
        """Tell which runs belong to a patch that has a pixel of `mask` [H, W], bool [n]."""
        flat = np.zeros((self.shape[0], self.shape[1] + 1), np.int64)
        flat[:, :-1] = mask
        before = np.concatenate([[0], np.cumsum(flat.ravel())])
        meets = before[self.last] > before[self.first]
        return np.isin(self.patch, self.patch[meets])

    def paint(self, chosen: np.ndarray) -> np.ndarray:
        """Return the mask [H, W] of the chosen runs."""
        steps = np.zeros(self.shape[0] * (self.shape[1] + 1) + 1, np.int8)
        steps[self.first[chosen]] = 1
        steps[self.last[chosen]] -= 1
        return np.cumsum(steps[:-1], dtype=np.int8).reshape(self.shape[0], -1)[:, :-1].astype(bool)


def find_runs(mask: np.ndarray) -> Runs:
    """Find the runs and patches of a mask [H, W]."""
    rows, columns = mask.shape
    flat = np.zeros(rows * (columns + 1) + 1, np.int8)
    flat[1:].reshape(rows, columns + 1)[:, :columns] = mask  # a gap after each row ends its runs
    steps = np.diff(flat)
    first, last = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    below, above = _neighbours(first, last, columns + 1)
    patch = _joined(len(first), below, above)
    area_px = np.bincount(patch, last - first, minlength=len(first)).astype(np.int64)[patch]
    return Runs((rows, columns), first, last, patch, area_px)


def clean(mask: np.ndarray, valid: np.ndarray, least_px: int, open_sides: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Remove patches below `least_px` pixels from a mask, then fill holes below it: what the mask alone encloses.

    What lies beyond an open side is not known, so that there are two answers: one that takes every unfinished
    patch for small and leaves unfinished holes, one the other way round. The answer for the whole image lies
    between them; where both agree, it is this.

    Args:
        mask: bool [H, W], inside of `valid`.
        valid: bool [H, W]; invalid pixels are neither shadow nor hole, and what borders them or the end of the
            image is no hole.
        open_sides: whether the image goes on beyond (top, bottom, left, right).

    Returns:
        The least and the most that the mask can be, bool [H, W] each.
    """
    runs = find_runs(mask)
    small, unfinished = runs.area_px < least_px, runs.touching(open_sides)
    least = mask & ~runs.paint(small)
    most = mask & ~runs.paint(small & ~unfinished)
    rim = _rim(valid, open_sides)
    holes = find_runs(valid & ~least)
    enclosed = ~holes.holding(rim)
    least = least | holes.paint((holes.area_px < least_px) & enclosed & ~holes.touching(open_sides))
    holes = find_runs(valid & ~most)
    most = most | holes.paint((holes.area_px < least_px) & ~holes.holding(rim))
    return least, most


def _rim(valid: np.ndarray, open_sides: tuple) -> np.ndarray:
    """Valid pixels beside an invalid one, or at a side where the image ends, bool [H, W]."""
    top, bottom, left, right = open_sides
    goes_on = np.pad(valid, 1, constant_values=True)
    goes_on[0], goes_on[-1] = top, bottom
    goes_on[1:-1, 0], goes_on[1:-1, -1] = left, right
    enclosed = goes_on[:-2, 1:-1] & goes_on[2:, 1:-1] & goes_on[1:-1, :-2] & goes_on[1:-1, 2:]
    return valid & ~enclosed


def _neighbours(first: np.ndarray, last: np.ndarray, row_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of runs that share an edge: each run with those of the row above it."""
    begin = np.searchsorted(last + row_px, first, side="right")
    end = np.maximum(np.searchsorted(first + row_px, last, side="left"), begin)
    count = end - begin
    below = np.repeat(np.arange(len(first)), count)
    above = np.arange(len(below)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(begin, count)
    return below, above


def _joined(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Number of the set of each of `count` things once all pairs are joined: its smallest member."""
    root = np.arange(count)
    while True:
        a, b = root[one], root[other]
        apart = a != b
        if not apart.any():
            return root
        one, other = one[apart], other[apart]
        np.minimum.at(root, np.maximum(a, b)[apart], np.minimum(a, b)[apart])
        while True:
            further = root[root]
            if np.array_equal(further, root):
                break
            root = further

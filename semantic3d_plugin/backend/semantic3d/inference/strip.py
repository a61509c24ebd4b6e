"""The image under a few tiles of a row, as the model's tiles see it."""

from __future__ import annotations

import numpy as np

from ..raster.model_grid import ModelImage
from ..raster.tiling import Axis, reflected

_SOME_IMAGE = 1e-6


class Strip:
    """The normalised image under a piece of a row of tiles, and its validity."""

    def __init__(self, image: ModelImage, rows: Axis, columns: Axis, tile_row: int, tile_columns: range, final: int):
        """Read it, keeping the rows below the first `final` for the next row of tiles."""
        self._columns = columns
        top, tile = rows.start(tile_row), rows.tile_px
        row_index = reflected(top, top + tile, rows.size_px)
        first, last = columns.start(tile_columns[0]), columns.start(tile_columns[-1]) + tile
        column_index = reflected(first, last, columns.size_px)
        self._top, self._left = int(row_index.min()), int(column_index.min())
        self._row_index = row_index - self._top
        self._pixels, self._share = image.read(
            self._top, int(row_index.max()) + 1, self._left, int(column_index.max()) + 1, top + final
        )

    def _of_tile(self, index: int) -> np.ndarray:
        start = self._columns.start(index)
        return reflected(start, start + self._columns.tile_px, self._columns.size_px) - self._left

    def tile(self, index: int, out: np.ndarray) -> bool:
        """Copy a tile [3, T, T] to `out`, reflected at the raster's edge; False where it holds no image."""
        columns = self._of_tile(index)
        if self._share is not None and not (_cut(self._share, self._row_index, columns) > _SOME_IMAGE).any():
            return False
        out[...] = _cut(self._pixels, self._row_index, columns)
        return True

    def gaps(self, index: int) -> np.ndarray | None:
        """Tell where a tile has no image, bool [T, T]; None without a mask."""
        return None if self._share is None else _cut(self._share, self._row_index, self._of_tile(index)) < 0.5

    def share_between(self, left: int, right: int) -> np.ndarray:
        """Return the share of valid image [T, right - left] for these model columns inside the raster."""
        return _cut(self._share, self._row_index, np.arange(left - self._left, right - self._left))


def _cut(planes: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return planes[..., rows, columns]; a view where the indices run straight on."""
    for axis, index in ((-2, rows), (-1, columns)):
        if len(index) and (np.diff(index) == 1).all():  # there is none where a tile completes no column of the extent
            part = slice(int(index[0]), int(index[-1]) + 1)
            planes = planes[..., part, :] if axis == -2 else planes[..., part]
        else:
            planes = np.take(planes, index, axis=axis)
    return planes

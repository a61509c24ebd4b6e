"""What a row of tiles leaves for the next one, over a chunk's whole width."""

from __future__ import annotations

import numpy as np

from ..raster.shelf import Shelf


class CarriedRows:
    """float32 [planes, rows, any width], zeros at first, in slots of columns on a shelf.

    Attributes:
        rows: how many are carried.
    """

    def __init__(self, planes: int, rows: int, slot_px: int, shelf: Shelf):
        self.rows = rows
        self._shape, self._shelf = (planes, rows, slot_px), shelf

    def read(self, first: int, into: np.ndarray) -> None:
        """Copy the columns from `first` on into an array [planes, rows, n]."""
        for index, inside, outside in self._slots(first, into.shape[2]):
            slot = self._shelf.pop(index)
            if slot is None:
                into[:, :, outside] = 0.0
                continue
            into[:, :, outside] = slot[:, :, inside]
            self._shelf.put(index, slot)

    def write(self, first: int, values: np.ndarray) -> None:
        """Put values [planes, rows, n] in the place of the columns from `first` on."""
        for index, inside, outside in self._slots(first, values.shape[2]):
            slot = self._shelf.pop(index, wanted=inside.stop - inside.start < self._shape[2])
            if slot is None:
                slot = np.zeros(self._shape, np.float32)
            slot[:, :, inside] = values[:, :, outside]
            self._shelf.put(index, slot)

    def _slots(self, first: int, count: int):
        """Yield (slot, its columns, the same columns counted from `first`) for `count` columns."""
        end, size = first + count, self._shape[2]
        for index in range(first // size, -(-end // size)):
            start = index * size
            low, high = max(first, start), min(end, start + size)
            yield index, slice(low - start, high - start), slice(low - first, high - first)

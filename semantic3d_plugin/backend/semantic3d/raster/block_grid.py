"""A raster cut into blocks: what is finished, recorded and done again as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Iterator, NamedTuple

import numpy as np


class Block(NamedTuple):
    """One block by its place in the raster, counted in blocks."""

    row: int
    column: int

    @property
    def name(self) -> str:
        return f"r{self.row:04d}_c{self.column:04d}"


class Blocks(NamedTuple):
    """A rectangle of blocks."""

    row: int
    column: int
    rows: int
    columns: int

    def __iter__(self) -> Iterator[Block]:  # type: ignore[override]
        for row in range(self.row, self.row + self.rows):
            for column in range(self.column, self.column + self.columns):
                yield Block(row, column)


@dataclass(frozen=True)
class BlockGrid:
    """The blocks of a raster; those at its right and bottom are what is left.

    Attributes:
        width, height: of the raster, pixels.
        block_px: side of a block, pixels.
    """

    width: int
    height: int
    block_px: int

    @property
    def columns(self) -> int:
        return -(-self.width // self.block_px)

    @property
    def rows(self) -> int:
        return -(-self.height // self.block_px)

    @property
    def count(self) -> int:
        return self.rows * self.columns

    def all(self) -> Blocks:
        return Blocks(0, 0, self.rows, self.columns)

    def window(self, part: Block | Blocks) -> tuple[int, int, int, int]:
        """Return (column, row, width, height) of a block or a rectangle of blocks, pixels of the raster."""
        rows, columns = (part.rows, part.columns) if isinstance(part, Blocks) else (1, 1)
        left, top = part.column * self.block_px, part.row * self.block_px
        right = min(self.width, left + columns * self.block_px)
        bottom = min(self.height, top + rows * self.block_px)
        return left, top, right - left, bottom - top

    def touching(self, column: int, row: int, width: int, height: int) -> Blocks:
        """Return the blocks that share a pixel with a window of the raster."""
        top, left = row // self.block_px, column // self.block_px
        bottom, right = (row + height - 1) // self.block_px, (column + width - 1) // self.block_px
        return Blocks(top, left, bottom - top + 1, right - left + 1)

    def rectangles(self, missing: Iterable[Block], most_columns: int, most_rows: int) -> list[Blocks]:
        """Cover blocks by rectangles without overlap, the largest first; of equal ones that nearest to the top left.

        Args:
            most_columns, most_rows: of a rectangle, at least 1.
        """
        open_ = np.zeros((self.rows, self.columns), bool)
        for block in missing:
            open_[block] = True
        found = []
        while open_.any():
            found.append(_largest(open_, most_columns, most_rows))
            row, column, rows, columns = tuple.__iter__(found[-1])
            open_[row : row + rows, column : column + columns] = False
        return found


def _largest(open_: np.ndarray, most_columns: int, most_rows: int) -> Blocks:
    """Return the largest rectangle of True; for each row as its lower edge, all widths are tried at once."""
    best, best_key = None, ()
    heights = np.zeros(open_.shape[1], int)
    for row, line in enumerate(open_):
        heights = np.where(line, np.minimum(heights + 1, most_rows), 0)
        lowest = heights
        for width in range(1, min(most_columns, open_.shape[1]) + 1):
            if width > 1:
                lowest = np.minimum(lowest[:-1], heights[width - 1 :])
            column = int(lowest.argmax())
            height = int(lowest[column])
            if not height:
                break
            key = (height * width, -(row - height + 1), -column)
            if key > best_key:
                best, best_key = Blocks(row - height + 1, column, height, width), key
    return best

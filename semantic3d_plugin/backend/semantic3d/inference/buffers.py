"""How much memory a walk over the image takes, and how wide its chunks may be."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..raster.model_grid import ModelAxis

_EMIT_BYTES = 2_000_000
_EMITS = 10  # blocks of this size that exist together, on their way from the buffer to the disk
_EMIT_SHARE = 1 / 64  # of the memory, where that is little
_LEAST_EMIT_BYTES = 500_000
_CARRY_BYTES = 64_000_000
_MB = 1_000_000


@dataclass(frozen=True)
class Buffers:
    """Sizes that keep a walk within its memory.

    Attributes:
        batch_size: tiles of a row that are worked on together; more took more memory and no less time.
        halo_px: finished model rows kept for image rows that are not complete yet.
        chunk_tiles: tiles of a row in one chunk; neighbouring chunks compute the tiles between them twice.
        emit_bytes: of a block of results that is handed out at once.
        batch_bytes: that a batch's tiles and their results take.
        fixed_bytes: that any walk takes, however narrow, with one batch at a time.
        bytes_per_column: that each model column of a chunk takes.
    """

    batch_size: int
    halo_px: int
    chunk_tiles: int
    emit_bytes: int
    batch_bytes: float
    fixed_bytes: float
    bytes_per_column: float

    @classmethod
    def plan(
        cls, columns: ModelAxis, rows: ModelAxis, channels: int, has_mask: bool, batch_size: int, max_memory_mb: float
    ) -> Buffers:
        """Choose the sizes.

        Args:
            channels: of all outputs together.
            has_mask: whether the image has invalid pixels.
            max_memory_mb: for the buffers; one piece of tiles is always worked on.
        """
        tiles, planes = columns.tiles, channels + (1 if has_mask else 0)
        tile_px = tiles.tile_px
        halo_px = _halo_px(rows)
        emit_bytes = int(min(_EMIT_BYTES, max(_LEAST_EMIT_BYTES, max_memory_mb * _MB * _EMIT_SHARE)))
        piece_px = min(tiles.size_px, tile_px + (batch_size - 1) * tiles.stride_px)
        strips = 3 * (3 + has_mask)  # one in use, one being cut, one being read
        batch = 4.0 * batch_size * tile_px**2 * (3 + channels)
        fixed = 3 * batch + _EMITS * emit_bytes  # a batch that is cut, one that runs, one that is added
        fixed += 4.0 * piece_px * (3 * planes * (tile_px + halo_px) + (strips + 4) * tile_px)
        read = 4.0 * tile_px / tiles.stride_px  # of the image and its mask; pieces keep what they share each for itself
        per_column = 4.0 * (planes + read) * (tile_px - rows.tiles.stride_px + halo_px)
        room = min(_CARRY_BYTES, max(0.0, max_memory_mb * _MB - fixed))
        width_px = room / max(1.0, per_column)
        chunk_tiles = max(batch_size, int((width_px - tiles.overlap_px) // tiles.stride_px) - 1)
        return cls(batch_size, halo_px, chunk_tiles, emit_bytes, batch, fixed, per_column)

    def least_mb(self, columns: ModelAxis) -> float:
        """Return the limit in MB below which not even the narrowest chunk fits."""
        chunk_px = self._chunk_px(columns, self.batch_size)
        rest = self.fixed_bytes - _EMITS * self.emit_bytes + self.bytes_per_column * chunk_px
        return max(rest + _EMITS * _LEAST_EMIT_BYTES, rest / (1.0 - _EMITS * _EMIT_SHARE)) / _MB

    def expected_mb(self, columns: ModelAxis, width_px: int, lanes: int = 1) -> float:
        """Return the MB that a walk over so many model columns takes, with so many batches side by side."""
        width_px = min(width_px, self._chunk_px(columns, self.chunk_tiles))
        batches = (lanes - 1) * self.batch_bytes
        return (self.fixed_bytes + batches + self.bytes_per_column * width_px) / _MB

    @staticmethod
    def _chunk_px(columns: ModelAxis, count: int) -> int:
        return min(columns.tiles.size_px, columns.tiles.tile_px + count * columns.tiles.stride_px)


def _halo_px(rows: ModelAxis) -> int:
    plan = rows.to_image
    return 0 if plan.is_identity else 2 * math.ceil(max(1.0, 1.0 / plan.scale)) + math.ceil(1.0 / plan.scale) + 4

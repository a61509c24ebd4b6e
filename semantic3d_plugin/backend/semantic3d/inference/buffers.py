"""How much memory a walk over the image takes, and how wide its chunks may be."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..raster.model_grid import ModelAxis

_EMIT_BYTES = 2_000_000
_EMITS = 10  # blocks of this size that exist together, on their way from the buffer to the disk
_EMIT_SHARE = 1 / 64  # of the memory, where that is little
_LEAST_EMIT_BYTES = 500_000
_SHELVED_BYTES = 16_000_000  # of what rows of tiles leave for the next, as much as lies in memory
_SHELVED_SHARE = 1 / 8  # of the memory, where that is little
_SLOT_PX = 512
_MOST_CARRIED_BYTES = 1_000_000_000  # of a chunk's, on the disk for the most part
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
        carried_bytes: of the carried results, at most in memory.
        kept_bytes: of the image that is read once for two rows of tiles, at most in memory.
        carried_per_column, kept_per_column: of both for each model column of a chunk, in memory or on the disk.
        slot_px: model columns of the carried results that come and go together.
    """

    batch_size: int
    halo_px: int
    chunk_tiles: int
    emit_bytes: int
    batch_bytes: float
    fixed_bytes: float
    carried_bytes: int
    kept_bytes: int
    carried_per_column: float
    kept_per_column: float
    slot_px: int

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
        emit_bytes = int(_emit_bytes(max_memory_mb * _MB))
        piece_px = min(tiles.size_px, tile_px + (batch_size - 1) * tiles.stride_px)
        strips = 3 * (3 + has_mask)  # one in use, one being cut, one being read
        batch = 4.0 * batch_size * tile_px**2 * (3 + channels)
        fixed = 3 * batch + _EMITS * emit_bytes  # a batch that is cut, one that runs, one that is added
        fixed += 4.0 * piece_px * (3 * planes * (tile_px + halo_px) + (strips + 4) * tile_px)
        overlap_px = tile_px - rows.tiles.stride_px
        carried = 4.0 * planes * (overlap_px + halo_px)
        kept = 4.0 * (3 + has_mask) * overlap_px * tile_px / tiles.stride_px  # what pieces share each keeps for itself
        in_memory = _shelved_bytes(max_memory_mb * _MB)
        width_px = _MOST_CARRIED_BYTES / max(1.0, carried + kept)
        chunk_tiles = max(batch_size, int((width_px - tiles.overlap_px) // tiles.stride_px) - 1)
        carried_bytes = int(in_memory * carried / max(1.0, carried + kept))
        slot_px = int(min(_SLOT_PX, max(16.0, carried_bytes / max(1.0, 4 * carried))))  # of four, two are in use
        return cls(
            batch_size, halo_px, chunk_tiles, emit_bytes, batch, fixed, carried_bytes,
            int(in_memory) - carried_bytes, carried, kept, slot_px,
        )

    def least_mb(self, columns: ModelAxis) -> float:
        """Return the limit in MB that a walk over these columns keeps."""
        rest = self.fixed_bytes - _EMITS * self.emit_bytes
        left = (self.carried_per_column + self.kept_per_column) * columns.tiles.size_px
        limit = rest
        for _ in range(40):  # some buffers are shares of the limit, of less than a third together
            limit = rest + _EMITS * _emit_bytes(limit) + min(_shelved_bytes(limit), left)
        return limit / _MB

    def expected_mb(self, width_px: int, lanes: int = 1) -> float:
        """Return the MB that a walk over so many model columns takes, with so many batches side by side."""
        carried = min(self.carried_per_column * width_px, self.carried_bytes)
        kept = min(self.kept_per_column * width_px, self.kept_bytes)
        return (self.fixed_bytes + (lanes - 1) * self.batch_bytes + carried + kept) / _MB

    def temporary_mb(self, columns: ModelAxis, width_px: int) -> float:
        """Return the MB of temporary files that a walk over so many model columns takes."""
        width_px = min(width_px, self._chunk_px(columns, self.chunk_tiles))
        carried, kept = self.carried_per_column * width_px, self.kept_per_column * width_px
        in_file = carried * (carried > self.carried_bytes) + kept * (kept > self.kept_bytes)  # all of it, in turn
        return in_file / _MB

    @staticmethod
    def _chunk_px(columns: ModelAxis, count: int) -> int:
        return min(columns.tiles.size_px, columns.tiles.tile_px + count * columns.tiles.stride_px)


def _emit_bytes(limit_bytes: float) -> float:
    return min(_EMIT_BYTES, max(_LEAST_EMIT_BYTES, limit_bytes * _EMIT_SHARE))


def _shelved_bytes(limit_bytes: float) -> float:
    return min(_SHELVED_BYTES, limit_bytes * _SHELVED_SHARE)


def _halo_px(rows: ModelAxis) -> int:
    plan = rows.to_image
    return 0 if plan.is_identity else 2 * math.ceil(max(1.0, 1.0 / plan.scale)) + math.ceil(1.0 / plan.scale) + 4

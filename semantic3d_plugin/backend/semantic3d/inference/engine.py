"""Tiles through the model and back onto the image's pixels, in memory that does not grow with the raster.

The engine walks over chunks of columns, in each from top to bottom over rows of tiles, and along a row in
pieces of a few tiles. A buffer of a piece's size collects weighted results in row-major order of the tiles;
pixels that no later tile touches are resampled to the image's grid and handed out. Only the rows that the next
row of tiles overlaps are carried over the whole chunk's width. Neither the extent, nor the width of chunks and
pieces, nor the order in which tiles are computed changes any sum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Iterator, Protocol, Sequence

import numpy as np

from ..raster.model_grid import ModelAxis, ModelImage
from ..raster.resample import resample_columns, resample_rows
from ..raster.tiling import reflected

_EMIT_BYTES = 8_000_000
_PIECE_TILES = 4
_CARRY_BYTES = 96_000_000
_INVALID_WEIGHT = np.float32(1e-3)  # what a result counts that the model gave for a pixel without image
_SOME_IMAGE = 1e-6
_MB = 1_000_000


class Model(Protocol):
    """What the engine asks of a model (`inference.session.InferenceSession`)."""

    def run(self, images: np.ndarray, roles: tuple) -> dict:
        """float32 [N, 3, T, T] to role -> float32 [N, C, T, T]."""


@dataclass(frozen=True)
class Fields:
    """Results for a rectangle of image pixels.

    Attributes:
        column, row: first pixel, in the whole image.
        values: role -> float32 [C, height, width]; variances and probabilities are blended, not their roots.
        known: bool [height, width], False where no tile was computed; None where all were.
    """

    column: int
    row: int
    values: dict
    known: np.ndarray | None


@dataclass(frozen=True)
class Settings:
    """How to run.

    Attributes:
        mean, std: the model's normalisation per band, after [0, 1].
        roles: outputs wanted, and how many channels each has, in the order of the buffer's planes.
        batch_size: tiles per run.
        max_memory_mb: for the buffers; at least one tile's width is always used.
        tile_order: permutes the tile columns of a row before they are computed; for tests.
    """

    mean: tuple
    std: tuple
    roles: dict
    batch_size: int = 1
    max_memory_mb: float = 2048
    tile_order: Callable[[list], Sequence] | None = None


class Engine:
    """One job's walk over the image."""

    def __init__(
        self,
        image: ModelImage,
        model: Model,
        columns: ModelAxis,
        rows: ModelAxis,
        window: tuple[int, int, int, int],
        settings: Settings,
        has_mask: bool,
    ):
        """Plan the walk.

        Args:
            window: (column, row, width, height), the image pixels wanted.
            has_mask: whether the image has invalid pixels.
        """
        self._image, self._model, self._settings = image, model, settings
        self._columns, self._rows = columns, rows
        self._has_mask = has_mask
        self._tile_px = columns.tiles.tile_px
        self._channels = sum(settings.roles.values())
        self._planes = self._channels + (1 if has_mask else 0)
        self._mean = np.asarray(settings.mean, np.float32)[:, None, None]
        self._inverse_std = (1.0 / np.asarray(settings.std, np.float64)).astype(np.float32)[:, None, None]
        column, row, width, height = window
        self._window_rows = row, row + height
        self._tile_rows = rows.tiles.touching(*rows.to_image.needs(row, row + height))
        self.chunks = self._plan_chunks(column, column + width)

    @property
    def tile_count(self) -> int:
        """Tiles of the whole walk; those that two chunks share are counted twice."""
        return len(self._tile_rows) * sum(len(self._tile_columns(chunk)) for chunk in self.chunks)

    def _tile_columns(self, chunk: tuple[int, int]) -> range:
        return self._columns.tiles.touching(*self._columns.to_image.needs(*chunk))

    def _plan_chunks(self, left: int, right: int) -> list[tuple[int, int]]:
        """Cut the image columns where a tile begins, so that neighbours compute few tiles twice."""
        carried_px = self._tile_px - self._rows.tiles.stride_px + self._halo_px
        per_column = 4.0 * (self._planes + 4) * carried_px
        fixed = 8.0 * self._settings.batch_size * (3 + self._channels) * self._tile_px**2 + 10 * _EMIT_BYTES
        tiles = self._columns.tiles
        piece_px = tiles.tile_px + (self._piece_tiles - 1) * tiles.stride_px
        fixed += 4.0 * piece_px * (self._planes * (self._tile_px + self._halo_px) + 10 * self._tile_px)
        room = min(_CARRY_BYTES, max(0.0, self._settings.max_memory_mb * _MB - fixed))
        width = room / max(1.0, per_column)
        step = max(self._piece_tiles, int((width - tiles.overlap_px) // tiles.stride_px) - 1)
        cuts = [self._columns.to_image.ready(max(0, tiles.start(i))) for i in range(step, tiles.count, step)]
        edges = [left, *sorted({cut for cut in cuts if left < cut < right}), right]
        return list(zip(edges, edges[1:]))

    @property
    def _piece_tiles(self) -> int:
        """Tiles of a row that are worked on together: full batches."""
        size = self._settings.batch_size
        return size * max(1, round(_PIECE_TILES / size))

    @property
    def _halo_px(self) -> int:
        """Finished model rows to keep for image rows that are not complete yet."""
        plan = self._rows.to_image
        return 0 if plan.is_identity else 2 * math.ceil(max(1.0, 1.0 / plan.scale)) + math.ceil(1.0 / plan.scale) + 4

    def run(self, on_tiles: Callable[[int, int], None] | None = None) -> Iterator[Fields]:
        """Compute, yielding rectangles that tile the window.

        Args:
            on_tiles: called with (tiles done, tiles in all) after each step of work; may raise to stop.
        """
        progress = _Progress(self.tile_count, on_tiles)
        for chunk in self.chunks:
            yield from self._run_chunk(chunk, progress)

    def _run_chunk(self, chunk: tuple[int, int], progress: _Progress) -> Iterator[Fields]:
        rows, halo, tile = self._rows, self._halo_px, self._tile_px
        model_left, model_right = self._columns.to_image.needs(*chunk)
        carried = np.zeros((self._planes, halo + tile - rows.tiles.stride_px, model_right - model_left), np.float32)
        done = self._window_rows[0]
        for tile_row in self._tile_rows:
            is_last = tile_row == self._tile_rows[-1]
            final = tile if is_last else rows.tiles.stride_px
            ready = min(self._window_rows[1], rows.to_image.ready(rows.tiles.start(tile_row) + final))
            if is_last:
                ready = self._window_rows[1]
            yield from self._run_row(chunk, tile_row, final, (done, max(done, ready)), carried, progress)
            done = max(done, ready)

    def _run_row(self, chunk, tile_row: int, final: int, image_rows, carried, progress) -> Iterator[Fields]:
        """Compute a row of tiles piece by piece and hand out its finished image pixels.

        Args:
            final: rows of the tiles that no later tile touches.
            image_rows: (first, end) rows of the image that become ready.
            carried: [planes, halo + overlap, W], what the row above left for this one; becomes what this
                row leaves for the next.
        """
        halo, tiles, to_image = self._halo_px, self._columns.tiles, self._columns.to_image
        model_left, model_right = to_image.needs(*chunk)
        tile_columns = self._tile_columns(chunk)
        top = self._rows.tiles.start(tile_row)
        left = closed = model_left  # first column of the buffer; first one that a later tile touches
        column = chunk[0]  # first image column not handed out
        rest = np.zeros((self._planes, halo + self._tile_px, 0), np.float32)
        for first in tile_columns[:: self._piece_tiles]:
            piece = range(first, min(first + self._piece_tiles, tile_columns.stop))
            is_last = piece.stop == tile_columns.stop
            end = model_right if is_last else min(model_right, tiles.start(piece[-1]) + self._tile_px)
            buffer = np.zeros((*rest.shape[:2], end - left), np.float32)
            fresh = rest.shape[2]
            buffer[:, :, :fresh] = rest
            buffer[:, : carried.shape[1], fresh:] = carried[:, :, left + fresh - model_left : end - model_left]
            was_closed, closed = closed, end if is_last else max(closed, tiles.start(piece.stop))
            new = slice(was_closed - left, closed - left)
            share = self._add_tiles(buffer[:, halo:], tile_row, piece, left, final, (was_closed, closed), progress)
            self._finish(buffer[:, halo : halo + final, new], None if share is None else share[:final])
            column_end = chunk[1] if is_last else min(chunk[1], to_image.ready(closed))
            if column_end > column:
                yield from self._emit(buffer, top - halo, left, (column, column_end), *image_rows)
                column = column_end
            if final == self._rows.tiles.stride_px:
                carried[:, :, was_closed - model_left : closed - model_left] = buffer[:, final:, new]
            if not is_last:
                start = min(closed, to_image.needs(column, chunk[1])[0])
                rest = buffer[:, :, start - left :].copy()
                left = start

    def _add_tiles(
        self, buffer, tile_row: int, tile_columns: range, left: int, final: int, closed: tuple[int, int], progress
    ) -> np.ndarray | None:
        """Compute some tiles of a row and add them, weighted, in order.

        Args:
            buffer: [planes, T, W], its first column is model pixel `left`, its first row the tile row's first.
            final: rows that no later tile touches.
            closed: (first, end) model columns that are complete with these tiles.

        Returns:
            The share of valid image [T, end - first] under the complete columns, or None without a mask.
        """
        tiles = self._columns.tiles
        strip = _Strip(self._image, self._rows.tiles, tiles, tile_row, tile_columns, final)
        row_weights = self._rows.tiles.weights(tile_row)
        order = list(tile_columns)
        if self._settings.tile_order is not None:
            order = list(self._settings.tile_order(order))
        waiting: dict[int, np.ndarray | None] = {}
        following = tile_columns.start
        for index, result in self._computed(strip, order, progress):
            waiting[index] = result
            while following in waiting:
                planes = waiting.pop(following)
                if planes is not None:
                    weights = np.outer(row_weights, tiles.weights(following)).astype(np.float32)
                    _add_weighted(buffer, planes, weights, tiles.start(following) - left)
                following += 1
        return strip.share_between(*closed) if self._has_mask else None

    def _computed(self, strip: _Strip, order: list, progress) -> Iterator[tuple[int, np.ndarray | None]]:
        """Yield (tile column, planes [channels, T, T]); None for a tile without image."""
        size, tile = self._settings.batch_size, self._tile_px
        batch, indices = np.empty((size, 3, tile, tile), np.float32), []
        for index in order:
            progress.check()
            if not strip.tile(index, batch[len(indices)]):
                yield index, None
                progress.add(1)
                continue
            self._standardise(batch[len(indices)], strip.gaps(index))
            indices.append(index)
            if len(indices) == size:
                yield from self._run_batch(batch, indices)
                progress.add(len(indices))
                indices = []
        if indices:
            yield from self._run_batch(batch[: len(indices)], indices)
            progress.add(len(indices))

    def _run_batch(self, batch: np.ndarray, indices: list) -> Iterator[tuple[int, np.ndarray]]:
        roles = self._settings.roles
        outputs = self._model.run(batch, tuple(roles))
        for position, index in enumerate(indices):
            yield index, [outputs[role][position] for role in roles]

    def _standardise(self, image: np.ndarray, gaps: np.ndarray | None) -> None:
        """Normalise a tile in place; pixels without image get the tile's mean, which stands out least."""
        image -= self._mean
        image *= self._inverse_std
        if gaps is not None and gaps.any():
            some = ~gaps
            count = np.count_nonzero(some)
            for band in image:
                band[gaps] = band[some].mean(dtype=np.float64) if count else 0.0

    def _finish(self, rows: np.ndarray, share: np.ndarray | None) -> None:
        """Turn weighted sums into results, in place; the weights, if any, become those for resampling."""
        if share is None:
            return
        weight = rows[-1]
        computed = weight > 0
        rows[:-1] /= np.where(computed, weight, np.float32(1.0))
        weight[...] = np.where(computed, np.where(share >= 0.5, np.float32(1.0), _INVALID_WEIGHT), np.float32(0.0))
        rows[:-1] *= weight

    def _emit(self, buffer, first_in: int, model_left: int, chunk, low: int, high: int) -> Iterator[Fields]:
        """Resample finished rows to the image's and yield them in blocks of bounded size."""
        left, right = chunk
        step = max(1, _EMIT_BYTES // (4 * self._planes * max(right - left, buffer.shape[2])))
        for top in range(low, high, step):
            bottom = min(high, top + step)
            block = resample_rows(buffer, self._rows.to_image, first_in, top, bottom)
            block = resample_columns(block, self._columns.to_image, model_left, left, right)
            known = None
            if self._has_mask:
                known = block[-1] > 0
                block = block[:-1] / np.where(known, block[-1], np.float32(1.0))
            values, first = {}, 0
            for role, channels in self._settings.roles.items():
                values[role] = block[first : first + channels]
                first += channels
            yield Fields(left, top, values, known)


class _Strip:
    """The normalised image under one row of tiles, and its validity."""

    def __init__(self, image: ModelImage, rows, columns, tile_row: int, tile_columns: range, final: int):
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


class _Progress:
    """Counts tiles for the caller."""

    def __init__(self, total: int, callback: Callable[[int, int], None] | None):
        self._done, self._total, self._callback = 0, total, callback

    def add(self, count: int) -> None:
        self._done += count
        self.check()

    def check(self) -> None:
        if self._callback is not None:
            self._callback(self._done, self._total)


def _cut(planes: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return planes[..., rows, columns]; a view where the indices run straight on."""
    for axis, index in ((-2, rows), (-1, columns)):
        if len(index) == int(index[-1]) - int(index[0]) + 1 and (len(index) == 1 or index[1] > index[0]):
            part = slice(int(index[0]), int(index[-1]) + 1)
            planes = planes[..., part, :] if axis == -2 else planes[..., part]
        else:
            planes = np.take(planes, index, axis=axis)
    return planes


def _add_weighted(buffer: np.ndarray, outputs: list, weights: np.ndarray, left: int) -> None:
    """Add a tile's outputs, each [C, T, T] and used up here, times its weights [T, T] at column `left`.

    The last plane of the buffer, where there is one more than channels, collects the weights.
    """
    tile, width = weights.shape[1], buffer.shape[2]
    low, high = max(0, -left), min(tile, width - left)
    if low >= high:
        return
    weights = weights[:, low:high]
    plane = 0
    for output in outputs:
        for channel in output:
            part = channel[:, low:high]
            part = np.multiply(part, weights)
            buffer[plane, :, left + low : left + high] += part
            plane += 1
    if plane < buffer.shape[0]:
        buffer[plane, :, left + low : left + high] += weights

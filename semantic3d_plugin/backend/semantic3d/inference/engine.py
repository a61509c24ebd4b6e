"""Tiles through the model and back onto the image's pixels, in memory that does not grow with the raster.

The engine walks over chunks of columns, in each from top to bottom over rows of tiles, and along a row in
pieces of a few tiles. A thread reads the next piece, others run the model on the next batches, while the caller's
adds up the last one and hands out what is finished. A buffer of a piece's size collects weighted results in
row-major order of the tiles; pixels that no later tile touches are resampled to the image's grid and handed out.
Only the rows that the next row of tiles overlaps are carried over the whole chunk's width, on a shelf of which a few
MB lie in memory. Neither the extent, nor the width of chunks and pieces, nor the order in which tiles are computed
changes any sum.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Callable, Iterator, Protocol, Sequence

import numpy as np

from ..raster.gaps import fill_gaps
from ..raster.model_grid import ModelAxis, ModelImage
from ..raster.resample import resample_columns, resample_rows
from ..raster.shelf import Shelf
from .ahead import computed_ahead
from .buffers import Buffers
from .carried import CarriedRows
from .heap import return_free_pages
from .strip import Strip

_SWEEP_S = 0.5  # between sweeps the heap tears: a long walk took 70 MB more than a short one
_INVALID_WEIGHT = np.float32(1e-3)  # what a result counts that the model gave for a pixel without image


class Model(Protocol):
    """What the engine asks of a model (`inference.session.InferenceSession`)."""

    lanes: int
    """How many threads should call `run` side by side."""

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
        max_memory_mb: for the buffers; one piece of tiles is always worked on.
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
        folder: str | None = None,
    ):
        """Plan the walk.

        Args:
            window: (column, row, width, height), the image pixels wanted.
            has_mask: whether the image has invalid pixels.
            folder: for a temporary file, which a wide chunk takes; None for the system's.
        """
        self._image, self._model, self._settings = image, model, settings
        self._columns, self._rows = columns, rows
        self._has_mask, self._folder = has_mask, folder
        self._tile_px = columns.tiles.tile_px
        self._channels = sum(settings.roles.values())
        self._planes = self._channels + (1 if has_mask else 0)
        self._weights, self._scratch = _Weights(), np.empty((self._tile_px, self._tile_px), np.float32)
        self._mean = np.asarray(settings.mean, np.float32)[:, None, None]
        self._inverse_std = (1.0 / np.asarray(settings.std, np.float64)).astype(np.float32)[:, None, None]
        column, row, width, height = window
        self._window_rows = row, row + height
        self._tile_rows = rows.tiles.touching(*rows.to_image.needs(row, row + height))
        self.buffers = Buffers.plan(
            columns, rows, self._channels, has_mask, settings.batch_size, settings.max_memory_mb
        )
        self._halo_px = self.buffers.halo_px
        self.chunks = self._plan_chunks(column, column + width)

    @property
    def tile_count(self) -> int:
        """Tiles of the whole walk; those that two chunks share are counted twice."""
        return len(self._tile_rows) * sum(len(self._tile_columns(chunk)) for chunk in self.chunks)

    def _tile_columns(self, chunk: tuple[int, int]) -> range:
        return self._columns.tiles.touching(*self._columns.to_image.needs(*chunk))

    def _plan_chunks(self, left: int, right: int) -> list[tuple[int, int]]:
        """Cut the image columns into like parts where a tile begins, so that neighbours compute one tile twice."""
        columns = self._columns
        touched = self._tile_columns((left, right))
        count = math.ceil(len(touched) / self.buffers.chunk_tiles)
        step = math.ceil(len(touched) / count)
        starts = (columns.tiles.start(index) for index in range(touched.start + step, touched.stop, step))
        cuts = [columns.to_image.ready(max(0, start)) for start in starts]
        edges = [left, *sorted({cut for cut in cuts if left < cut < right}), right]
        return list(zip(edges, edges[1:]))

    def run(self, on_tiles: Callable[[int, int], None] | None = None) -> Iterator[Fields]:
        """Compute, yielding rectangles that tile the window.

        Args:
            on_tiles: called with (tiles done, tiles in all) after each step of work; may raise to stop.
        """
        progress = _Progress(self.tile_count, on_tiles)
        reader = ThreadPoolExecutor(1, "semantic3d-read")
        runner = ThreadPoolExecutor(self._model.lanes, "semantic3d-model")
        try:
            computed = self._computed(reader, runner, progress)
            for chunk in self.chunks:
                with closing(Shelf(self.buffers.carried_bytes, self._folder)) as shelf:
                    yield from self._run_chunk(chunk, computed, shelf)
        finally:
            runner.shutdown(wait=False, cancel_futures=True)  # a batch under way may take long; it needs nobody
            reader.shutdown(wait=True, cancel_futures=True)  # it reads the image, which is closed after this

    def _pieces(self) -> Iterator[tuple[int, range, int]]:
        """Yield (tile row, tile columns, final rows) of all pieces in the order of the walk."""
        for chunk in self.chunks:
            tile_columns = self._tile_columns(chunk)
            for tile_row in self._tile_rows:
                for piece in self._cut_in_pieces(tile_columns):
                    yield tile_row, piece, self._final_rows(tile_row)

    def _cut_in_pieces(self, tile_columns: range) -> Iterator[range]:
        size = self._settings.batch_size
        for first in tile_columns[::size]:
            yield range(first, min(first + size, tile_columns.stop))

    def _final_rows(self, tile_row: int) -> int:
        """Return the rows of these tiles that no later tile touches."""
        return self._tile_px if tile_row == self._tile_rows[-1] else self._rows.tiles.stride_px

    def _run_chunk(self, chunk: tuple[int, int], computed: Iterator, shelf: Shelf) -> Iterator[Fields]:
        rows = self._rows
        overlap_px = self._tile_px - rows.tiles.stride_px
        carried = CarriedRows(self._planes, self._halo_px + overlap_px, self.buffers.slot_px, shelf)
        done = self._window_rows[0]
        for tile_row in self._tile_rows:
            is_last = tile_row == self._tile_rows[-1]
            final = self._final_rows(tile_row)
            ready = min(self._window_rows[1], rows.to_image.ready(rows.tiles.start(tile_row) + final))
            if is_last:
                ready = self._window_rows[1]
            yield from self._run_row(chunk, tile_row, final, (done, max(done, ready)), carried, computed)
            done = max(done, ready)

    def _run_row(self, chunk, tile_row: int, final: int, image_rows, carried, computed) -> Iterator[Fields]:
        """Compute a row of tiles piece by piece and hand out its finished image pixels.

        Args:
            final: rows of the tiles that no later tile touches.
            image_rows: (first, end) rows of the image that become ready.
            carried: the halo and the overlap that the row above left for this one; becomes what this row leaves
                for the next.
            computed: what `_computed` yields.
        """
        halo, tiles, to_image = self._halo_px, self._columns.tiles, self._columns.to_image
        model_left, model_right = to_image.needs(*chunk)
        tile_columns = self._tile_columns(chunk)
        top = self._rows.tiles.start(tile_row)
        left = closed = model_left  # first column of the buffer; first one that a later tile touches
        column = chunk[0]  # first image column not handed out
        rest = np.zeros((self._planes, halo + self._tile_px, 0), np.float32)
        for piece in self._cut_in_pieces(tile_columns):
            is_last = piece.stop == tile_columns.stop
            end = model_right if is_last else min(model_right, tiles.start(piece[-1]) + self._tile_px)
            buffer = np.zeros((*rest.shape[:2], end - left), np.float32)
            fresh = rest.shape[2]
            buffer[:, :, :fresh] = rest
            carried.read(left + fresh - model_left, buffer[:, : carried.rows, fresh:])
            was_closed, closed = closed, end if is_last else max(closed, tiles.start(piece.stop))
            new = slice(was_closed - left, closed - left)
            share = self._add_tiles(buffer[:, halo:], tile_row, piece, left, (was_closed, closed), computed)
            self._finish(buffer[:, halo : halo + final, new], None if share is None else share[:final])
            column_end = chunk[1] if is_last else min(chunk[1], to_image.ready(closed))
            if column_end > column:
                yield from self._emit(buffer, top - halo, left, (column, column_end), *image_rows)
                column = column_end
            if final == self._rows.tiles.stride_px:
                carried.write(was_closed - model_left, buffer[:, final:, new])
            if not is_last:
                start = min(closed, to_image.needs(column, chunk[1])[0])
                rest = buffer[:, :, start - left :].copy()
                left = start

    def _add_tiles(
        self, buffer, tile_row: int, tile_columns: range, left: int, closed: tuple[int, int], computed: Iterator
    ) -> np.ndarray | None:
        """Take the results of some tiles of a row and add them, weighted, in order.

        Args:
            buffer: [planes, T, W], its first column is model pixel `left`, its first row the tile row's first.
            closed: (first, end) model columns that are complete with these tiles.

        Returns:
            The share of valid image [T, end - first] under the complete columns, or None without a mask.
        """
        tiles = self._columns.tiles
        row_weights = self._rows.tiles.weights(tile_row)
        waiting: dict[int, list | None] = {}
        following = tile_columns.start
        while following < tile_columns.stop:
            strip, results = next(computed)
            waiting.update(results)
            while following in waiting:
                planes = waiting.pop(following)
                if planes is not None:
                    weights = self._weights.outer(row_weights, tiles.weights(following))
                    _add_weighted(buffer, planes, weights, tiles.start(following) - left, self._scratch)
                following += 1
        return strip.share_between(*closed) if self._has_mask else None

    def _computed(self, reader: Executor, runner: Executor, progress: _Progress) -> Iterator[tuple[Strip, dict]]:
        """Yield (strip, {tile column: planes [channels, T, T], or None without image}) batch by batch."""
        reads = (
            partial(Strip, self._image, self._rows.tiles, self._columns.tiles, tile_row, piece, final)
            for tile_row, piece, final in self._pieces()
        )
        strips = computed_ahead(reader, reads, progress.check)
        batches = (
            partial(self._run_batch, strip, *batch)
            for (_, piece, _), strip in zip(self._pieces(), strips)
            for batch in self._batches(strip, piece, progress)
        )
        swept = time.monotonic()
        for strip, results in computed_ahead(runner, batches, progress.check, self._model.lanes):
            progress.add(len(results))
            if time.monotonic() - swept > _SWEEP_S:
                return_free_pages()
                swept = time.monotonic()
            yield strip, results

    def _batches(self, strip: Strip, piece: range, progress: _Progress) -> Iterator[tuple[np.ndarray, list, list]]:
        """Yield (images [n, 3, T, T], their tile columns, columns of tiles without image) for a piece."""
        size, tile = self._settings.batch_size, self._tile_px
        order = list(piece)
        if self._settings.tile_order is not None:
            order = list(self._settings.tile_order(order))
        images, indices, empty = np.empty((size, 3, tile, tile), np.float32), [], []
        for index in order:
            progress.check()
            if not strip.tile(index, images[len(indices)]):
                empty.append(index)
                continue
            self._standardise(images[len(indices)], strip.gaps(index))
            indices.append(index)
            if len(indices) == size:
                yield images, indices, empty
                images, indices, empty = np.empty((size, 3, tile, tile), np.float32), [], []
        if indices or empty:
            yield images[: len(indices)], indices, empty

    def _run_batch(self, strip: Strip, images: np.ndarray, indices: list, empty: list) -> tuple[Strip, dict]:
        roles = self._settings.roles
        results: dict = dict.fromkeys(empty)
        if indices:
            outputs = self._model.run(images, tuple(roles))
            for position, index in enumerate(indices):
                results[index] = [outputs[role][position] for role in roles]
        return strip, results

    def _standardise(self, image: np.ndarray, gaps: np.ndarray | None) -> None:
        """Normalise a tile in place, and put something in the place of pixels without image."""
        image -= self._mean
        image *= self._inverse_std
        if gaps is not None and gaps.any():
            fill_gaps(image, gaps)

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
        step = max(1, self.buffers.emit_bytes // (4 * self._planes * max(right - left, buffer.shape[2])))
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


class _Weights:
    """A tile's weights in the plane; most tiles have those of the tile before."""

    def __init__(self):
        self._rows = self._columns = np.zeros(0)
        self._plane = np.zeros((0, 0), np.float32)

    def outer(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return rows times columns, float32 [T, T]; not to be written to."""
        if not (np.array_equal(rows, self._rows) and np.array_equal(columns, self._columns)):
            self._rows, self._columns = rows, columns
            self._plane = np.outer(rows, columns).astype(np.float32)
        return self._plane


def _add_weighted(buffer: np.ndarray, outputs: list, weights: np.ndarray, left: int, scratch: np.ndarray) -> None:
    """Add a tile's outputs, each [C, T, T], times its weights [T, T] at column `left`.

    The last plane of the buffer, where there is one more than channels, collects the weights.

    Args:
        scratch: [T, T], written over.
    """
    tile, width = weights.shape[1], buffer.shape[2]
    low, high = max(0, -left), min(tile, width - left)
    if low >= high:
        return
    weights, product = weights[:, low:high], scratch[:, : high - low]
    plane = 0
    for output in outputs:
        for channel in output:
            buffer[plane, :, left + low : left + high] += np.multiply(channel[:, low:high], weights, out=product)
            plane += 1
    if plane < buffer.shape[0]:
        buffer[plane, :, left + low : left + high] += weights

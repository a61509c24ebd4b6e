"""The one block function: results of the model as finished, recorded blocks.

Whatever computes blocks (this process over the whole image at once, or workers somewhere else one by one) comes
through here, and gives the same pixels: the tiles' lattice depends on the image alone. Reading, the model, and
writing overlap, each in a thread of its own.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from threading import Semaphore
from typing import Callable

import numpy as np
import rasterio

from ..inference.engine import Engine, Fields, Model
from ..models.package import HEIGHT
from ..raster.block_grid import Block, Blocks
from ..raster.model_grid import ModelImage
from ..raster.shelf import Shelf
from ..raster.source import ImageSource
from .image_identity import ImageFiles
from .layers import METRE_STEPS, encode, layer_specs
from .reconstruct_plan import Plan
from .work_folder import BlockAttempt, BlockRecord

_MOST_ROWS = 32  # of blocks that are open together, where one is wider than what the engine does at once
MOST_COLUMNS = 8  # beside each other: an interruption costs no more than these
_WAITING_WRITES = 1  # rectangles of results, each some MB
_WAITING_BLOCKS = 8  # complete ones that wait for the disk

Check = Callable[[], None]


def compute_block(
    plan: Plan,
    session: Model,
    folder: str,
    block: Block,
    check_cancelled: Check = lambda: None,
    on_tiles: Callable[[int], None] = lambda done: None,
) -> BlockRecord:
    """Compute one block of the job; done twice, the second takes the place of the first.

    Args:
        plan: of the job; it can be pickled, and names files only by their paths.
        session: the loaded model.
        folder: the job's work folder.
        check_cancelled: called often; may raise to stop.
        on_tiles: called as often, with how many of the block's tiles are done.

    Raises:
        Semantic3DError: the image cannot be read or has changed, the model fails, the disk is full.
    """
    records: list[BlockRecord] = []

    def look_up(done: int, total: int) -> None:
        check_cancelled()
        on_tiles(done)

    compute_region(
        plan, session, folder, Blocks(*block, 1, 1), ImageFiles(plan.job.image_path), look_up, records.append,
        check_cancelled,
    )
    return records[0]


def regions(plan: Plan, missing: list) -> list[Blocks]:
    """Cut what is missing into rectangles that the engine walks over at once; as wide as its temporary files may be."""
    buffers, columns = plan.buffers, plan.columns
    whole_px = (buffers.chunk_tiles - 2) * columns.tiles.stride_px / columns.to_model.scale
    most_columns = int(whole_px // plan.block_px)
    most_rows = plan.blocks.rows if most_columns else _MOST_ROWS
    return plan.blocks.rectangles(missing, min(MOST_COLUMNS, max(1, most_columns)), most_rows)


def tile_count(plan: Plan, part: Blocks) -> int:
    """Return how many tiles this rectangle of blocks takes."""
    return _engine(plan, None, None, part).tile_count


def compute_region(
    plan: Plan,
    session: Model,
    folder: str,
    part: Blocks,
    files: ImageFiles,
    on_tiles: Callable[[int, int], None],
    on_block: Callable[[BlockRecord], None],
    check_cancelled: Check,
    temporary_folder: str | None = None,
) -> None:
    """Compute a rectangle of blocks in one walk, no tile inside it twice.

    Args:
        files: of the image; a block counts only if they are still the same at its end.
        on_tiles: called with (tiles done, tiles of this rectangle); may raise to stop.
        on_block: called with each finished block, from another thread.
        temporary_folder: for what does not lie in memory; None for the system's, on a worker, whose disk is nearer.

    Raises:
        Semantic3DError: as `compute_block`; blocks finished before stay.
    """
    with (
        ImageSource(plan.job.image_path, plan.job.bands) as source,
        ImageSource(plan.job.image_path, plan.job.bands) as mask_source,
        closing(Shelf(plan.buffers.kept_bytes, temporary_folder)) as shelf,
        ThreadPoolExecutor(1, "semantic3d-write") as writer,
        ThreadPoolExecutor(1, "semantic3d-finish") as finisher,
    ):
        image = ModelImage(source, plan.normalisation, plan.columns, plan.rows, shelf)
        engine = _engine(plan, image, session, part, temporary_folder)
        collector = _Collector(plan, folder, part, mask_source, files, on_block, check_cancelled)
        try:
            with closing(engine.run(on_tiles)) as results:
                collector.take(results, writer, finisher)
        finally:
            for pool in (writer, finisher):  # in this order: the writer may wait for the finisher
                pool.shutdown(wait=True, cancel_futures=True)
            collector.discard()


def _engine(plan: Plan, image, session, part: Blocks, folder: str | None = None) -> Engine:
    column, row, width, height = plan.blocks.window(part)
    window = plan.window[0] + column, plan.window[1] + row, width, height
    return Engine(image, session, plan.columns, plan.rows, window, plan.settings, plan.has_mask, folder)


class _Collector:
    """Puts rectangles of results together to blocks. Its own methods run in the threads of two pools."""

    def __init__(self, plan: Plan, folder: str, part: Blocks, source: ImageSource, files, on_block, check_cancelled):
        self._plan, self._folder, self._part = plan, folder, part
        self._source, self._files = source, files
        self._on_block, self._check_cancelled = on_block, check_cancelled
        self._specs = layer_specs(list(plan.layers), plan.package, {})
        self._open: dict[Block, _OpenBlock] = {}
        self._finishing: dict[Block, BlockAttempt] = {}

    def take(self, results, writer: Executor, finisher: Executor) -> None:
        """Take all results; what fails in a thread is raised here, at the next result at the latest."""
        writing: deque[Future] = deque()
        finishing: deque[Future] = deque()
        room = Semaphore(_WAITING_BLOCKS)

        def add(fields: Fields) -> None:
            for block in self._add(fields):
                room.acquire()
                finishing.append(finisher.submit(finish, block))

        def finish(block: _OpenBlock) -> None:
            try:
                self._finish(block)
            finally:
                room.release()

        for fields in results:
            writing.append(writer.submit(add, fields))
            while len(writing) > _WAITING_WRITES:
                writing.popleft().result()
            while finishing and finishing[0].done():
                finishing.popleft().result()
        for waiting in (writing, finishing):
            while waiting:
                waiting.popleft().result()

    def _add(self, fields: Fields) -> list[_OpenBlock]:
        """Write one rectangle of results; returns the blocks that are complete with it."""
        plan, values = self._plan, fields.values
        height_px, width_px = next(iter(values.values())).shape[1:]
        with rasterio.Env():
            valid = fields.known
            if valid is not None:
                _, of_image = self._source.read(fields.column, fields.row, width_px, height_px)
                valid = valid & of_image
            stored = {name: encode(name, values, valid, plan.package) for name in plan.layers}
            heights_m = None
            if HEIGHT in values:
                heights_m = stored["height"] if "height" in stored else encode("height", values, valid, plan.package)
            left, top = fields.column - plan.window[0], fields.row - plan.window[1]
            complete = []
            for block in plan.blocks.touching(left, top, width_px, height_px):
                if self._opened(block).add(left, top, stored, heights_m, valid):
                    complete.append(self._open.pop(block))
                    self._finishing[block] = complete[-1].attempt
        return complete

    def _opened(self, block: Block) -> _OpenBlock:
        if block not in self._open:
            window = self._plan.blocks.window(block)
            attempt = BlockAttempt(self._folder, block, *window[2:], self._specs)
            self._open[block] = _OpenBlock(block, window, attempt)
        return self._open[block]

    def _finish(self, block: _OpenBlock) -> None:
        with rasterio.Env():
            record = block.attempt.finish(
                block.height_steps, block.height_count, block.class_pixels(), self._check_cancelled,
                self._files.check_unchanged,
            )
        del self._finishing[block.block]
        self._on_block(record)

    def discard(self) -> None:
        """Delete blocks that are not finished; call it when no thread works any more."""
        for attempt in (*(block.attempt for block in self._open.values()), *self._finishing.values()):
            attempt.discard()
        self._open, self._finishing = {}, {}


class _OpenBlock:
    """A block that still lacks pixels, and its totals so far: whole numbers, so that no order changes them."""

    def __init__(self, block: Block, window: tuple[int, int, int, int], attempt: BlockAttempt):
        self.block, self.attempt = block, attempt
        self._window = window
        self._lacking = window[2] * window[3]
        self._class_pixels = np.zeros(256, np.int64)
        self.height_steps, self.height_count = 0, 0

    def add(self, left: int, top: int, stored: dict, heights_m: np.ndarray | None, valid: np.ndarray | None) -> bool:
        """Write what of a rectangle at pixel (left, top) of the outputs belongs to this block; tell whether it is
        complete now."""
        column, row, width, height = self._window
        shape = next(iter(stored.values())).shape
        rows = slice(max(0, row - top), min(shape[1], row + height - top))
        columns = slice(max(0, column - left), min(shape[2], column + width - left))
        for layer, values in stored.items():
            part = values[:, rows, columns]
            self.attempt.write(layer, left + columns.start - column, top + rows.start - row, part)
            if layer == "land_cover":
                self._class_pixels += np.bincount(part.ravel(), minlength=256)
        if heights_m is not None:
            part = heights_m[0, rows, columns]
            chosen = part if valid is None else part[valid[rows, columns]]
            self.height_steps += int(np.rint(chosen * METRE_STEPS).sum(dtype=np.int64))
            self.height_count += chosen.size
        self._lacking -= (rows.stop - rows.start) * (columns.stop - columns.start)
        return self._lacking == 0

    def class_pixels(self) -> dict[str, int]:
        return {str(number): int(count) for number, count in enumerate(self._class_pixels) if count}

"""How far a reconstruct job is, in tiles: those of this run, and what an earlier one has kept."""

from __future__ import annotations

from typing import Mapping

from s3d_protocol import JobControl

from ..raster.block_grid import Block
from .reconstruct_plan import Plan


class TileProgress:
    """Progress over all parts of the work, and over what an earlier run has done."""

    def __init__(self, plan: Plan, tiles: int, kept_blocks: int, control: JobControl):
        kept_share = kept_blocks / plan.blocks.count
        self._before = round(tiles * kept_share / (1.0 - kept_share)) if kept_share < 1.0 else 0
        self._total = self._before + tiles
        self._megapixels, self._control, self._last = plan.grid.megapixels, control, -1

    def on_tiles(self, done: int, total: int) -> None:
        """Stop when the job is cancelled; report every change."""
        self._control.check_cancelled()
        done += self._before
        if done != self._last:
            self._last = done
            share = done / self._total
            self._control.progress(done, self._total, "tiles", megapixels=self._megapixels * share)

    def part_is_done(self, tiles: int) -> None:
        self._before += tiles


class TilesOnWorkers:
    """Tiles of blocks that workers compute: a finished block's all, of one under way what its worker tells.

    The count never falls: a block that is begun anew elsewhere is first caught up with.
    """

    def __init__(self, tiles: Mapping[Block, int]):
        """Begin with blocks to do, and how many tiles each takes."""
        self._tiles, self._done = dict(tiles), dict.fromkeys(tiles, 0)
        self.total = sum(self._tiles.values())

    def count(self) -> int:
        return sum(self._done.values())

    def finished(self, block: Block) -> None:
        self._done[block] = self._tiles[block]

    def hear(self, event: object) -> None:
        """Take in what `told` gave a worker, with the time at which it came; from Dask's thread.

        Whoever reaches the scheduler can send anything: what is no such message is passed over.
        """
        message = event[1] if isinstance(event, (tuple, list)) and len(event) == 2 else None
        numbers = message.get("tiles") if isinstance(message, dict) else None
        if not isinstance(numbers, (tuple, list)) or [type(number) for number in numbers] != [int] * 3:
            return
        block, done = Block(*numbers[:2]), numbers[2]
        if 0 <= done <= self._tiles.get(block, -1):
            self._done[block] = max(self._done[block], done)


def told(block: Block, done: int) -> dict:
    """Return the message that so many tiles of a block are done, for `TilesOnWorkers.hear`."""
    return {"tiles": [block.row, block.column, done]}

"""Tiles that workers of a cluster have done, as the client counts them."""

from types import SimpleNamespace

import pytest
from block_scene import Watch
from semantic3d.jobs.tile_progress import TileProgress, TilesOnWorkers, told
from semantic3d.raster.block_grid import Block

TILES = {Block(0, 0): 10, Block(0, 1): 6}


def test_counts_what_is_finished_and_what_is_told():
    tiles = TilesOnWorkers(TILES)
    assert (tiles.count(), tiles.total) == (0, 16)
    tiles.hear((0.0, told(Block(0, 0), 4)))
    assert tiles.count() == 4
    tiles.hear((1.0, told(Block(0, 0), 1)))  # another worker begins it anew
    tiles.hear((2.0, told(Block(0, 1), 6)))
    assert tiles.count() == 10
    tiles.finished(Block(0, 0))
    tiles.hear((3.0, told(Block(0, 0), 9)))  # late
    assert tiles.count() == 16


@pytest.mark.parametrize("event", [
    None, (), "event", (0.0,), (0.0, None), (0.0, {"action": "add-client"}), (0.0, {"tiles": 3}),
    (0.0, {"tiles": [0, 0]}), (0.0, {"tiles": [0, 0, 11]}), (0.0, {"tiles": [0, 0, -1]}), (0.0, {"tiles": [7, 0, 1]}),
    (0.0, {"tiles": [0, 0, 1.5]}), (0.0, {"tiles": [0, 0, True]}), (0.0, {"tiles": [[], {}, 1]}),
])  # fmt: skip
def test_what_no_worker_sends_is_passed_over(event):
    tiles = TilesOnWorkers(TILES)
    tiles.hear(event)
    assert tiles.count() == 0


@pytest.mark.parametrize("kept, first", [(0, (0, 100)), (3, (300, 400)), (1, (33, 133))])
def test_what_an_earlier_run_kept_counts(kept, first):
    """Three of four blocks kept: the 100 tiles of the last are a quarter of the work."""
    plan = SimpleNamespace(blocks=SimpleNamespace(count=4), grid=SimpleNamespace(megapixels=8.0))
    control = Watch()
    progress = TileProgress(plan, 100, kept, control)
    progress.on_tiles(0, 100)
    progress.on_tiles(0, 100)  # nothing new
    progress.on_tiles(100, 100)
    found = [(message["done"], message["total"]) for message in control.messages]
    assert found == [first, (first[1], first[1])]
    assert control.messages[-1]["megapixels"] == 8.0

"""The engine with models written in numpy: blending, seams, extents, order, chunks, masks, memory."""

import threading
import time
import tracemalloc

import numpy as np
import pytest

from semantic3d.inference import buffers
from semantic3d.inference.ahead import NotYet, computed_ahead
from semantic3d.inference.engine import Engine, Settings
from semantic3d.raster.gaps import fill_gaps
from semantic3d.raster.grid import Grid, PixelSize
from semantic3d.raster.model_grid import ModelImage, plan_axes
from semantic3d.raster.normalisation import Normalisation
from semantic3d.raster.shelf import Shelf

UNIT = Normalisation((0.0,) * 3, (1.0,) * 3, "")


class ArraySource:
    """An image in memory, or one that a function of (rows, columns) makes on demand."""

    def __init__(self, pixels, valid=None, shape=None):
        self._pixels, self._valid = pixels, valid
        height, width = shape or pixels.shape[1:]
        self.grid = Grid(None, None, width, height)
        self.has_mask = valid is not None
        self.pixels_read = 0

    def read(self, column, row, width, height):
        assert 0 <= column and 0 <= row and column + width <= self.grid.width and row + height <= self.grid.height
        self.pixels_read += width * height
        rows, columns = slice(row, row + height), slice(column, column + width)
        if callable(self._pixels):
            return self._pixels(np.arange(row, row + height), np.arange(column, column + width)), None
        valid = None if self._valid is None else self._valid[rows, columns]
        return self._pixels[:, rows, columns].copy(), valid


class MeanModel:
    """Height is 10 times the mean of the bands; probabilities are red and its rest."""

    lanes = 1

    def run(self, images, roles):
        height = 10 * images.mean(axis=1, keepdims=True, dtype=np.float32)
        shares = np.concatenate([images[:, :1], 1 - images[:, :1]], axis=1)
        values = {"height": height, "shares": shares}
        return {role: values[role] for role in roles}


class ShiftyModel(MeanModel):
    """A model with a context and with trouble at its edges: as GroupNorm and zero padding make it."""

    def run(self, images, roles):
        smooth = images.copy()
        for axis in (2, 3):
            smooth = sum(np.roll(smooth, shift, axis) for shift in (-4, -2, 0, 2, 4)) / 5
        smooth += images.mean(axis=(2, 3), keepdims=True) * 0.2
        smooth[:, :, :6] = smooth[:, :, -6:] = smooth[:, :, :, :6] = smooth[:, :, :, -6:] = 0
        return super().run(smooth.astype(np.float32), roles)


def run(source, model, *, gsd_m=(0.5, 0.5), overlap=16, tile=64, window=None, memory_mb=2048, order=None, batch=1,
        roles=None, kept_bytes=10**9):
    columns, rows = plan_axes(
        source.grid.width, source.grid.height, PixelSize(*gsd_m, ""), 0.5, tile, overlap
    )
    roles = roles or {"height": 1, "shares": 2}
    settings = Settings((0.0,) * 3, (1.0,) * 3, roles, batch, memory_mb, order)
    window = window or (0, 0, source.grid.width, source.grid.height)
    image = ModelImage(source, UNIT, columns, rows, Shelf(kept_bytes))
    engine = Engine(image, model, columns, rows, window, settings, source.has_mask)
    return engine


def collected(engine, window):
    """Join the engine's blocks; checks that they tile the window."""
    column, row, width, height = window
    times = np.zeros((height, width), int)
    joined, known = {}, np.ones((height, width), bool)
    for fields in engine.run():
        for role, values in fields.values.items():
            part = np.s_[
                fields.row - row : fields.row - row + values.shape[1],
                fields.column - column : fields.column - column + values.shape[2],
            ]
            joined.setdefault(role, np.zeros((len(values), height, width), np.float32))[(slice(None), *part)] = values
        times[part] += 1
        if fields.known is not None:
            known[part] = fields.known
    assert (times == 1).all()
    return joined, known


def results(source, model, **options):
    window = options.get("window") or (0, 0, source.grid.width, source.grid.height)
    return collected(run(source, model, **options), window)[0]


def picture(height=200, width=260, seed=0):
    return np.random.default_rng(seed).random((3, height, width), dtype=np.float32)


@pytest.mark.parametrize("overlap", [0, 16, 50])
@pytest.mark.parametrize("shape", [(200, 260), (51, 51), (64, 64), (300, 1), (1, 1)])
def test_without_resampling_each_pixel_gets_its_own_answer(shape, overlap):
    pixels = picture(*shape)
    values = results(ArraySource(pixels), MeanModel(), overlap=overlap)
    np.testing.assert_allclose(values["height"][0], 10 * pixels.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(values["shares"].sum(axis=0), 1.0, atol=1e-6)


@pytest.mark.parametrize("gsd_m", [(0.1, 0.1), (0.3, 0.3), (0.8, 0.8), (2.0, 2.0), (0.25, 1.0)])
def test_a_smooth_image_survives_the_way_to_the_model_and_back(gsd_m):
    rows, columns = np.mgrid[:120, :150].astype(np.float32)
    pixels = np.stack([0.5 + 0.3 * np.sin(rows / 20), 0.5 + 0.3 * np.cos(columns / 25), rows / 240 + 0.2])
    pixels = pixels.astype(np.float32)
    values = results(ArraySource(pixels), MeanModel(), gsd_m=gsd_m)
    inner = np.s_[10:-10, 10:-10]
    np.testing.assert_allclose(values["height"][0][inner], 10 * pixels.mean(axis=0)[inner], atol=0.03)


OPTIONS = [{"gsd_m": (0.5, 0.5)}, {"gsd_m": (0.3, 0.3)}, {"gsd_m": (1.1, 0.9)}]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("masked", [False, True])
def test_extent_chunks_pieces_and_order_change_no_bit(options, masked, monkeypatch):
    pixels = picture(310, 420)
    valid = np.random.default_rng(5).random((310, 420)) > 0.4 if masked else None
    if masked:
        valid[:, :90] = False
        pixels[:, ~valid] = np.nan
    source = ArraySource(pixels, valid)
    whole = results(source, ShiftyModel(), **options)
    for window in [(0, 0, 420, 310), (37, 51, 100, 3), (400, 0, 20, 310), (101, 7, 1, 1), (33, 200, 300, 110)]:
        part = results(source, ShiftyModel(), window=window, **options)
        column, row, width, height = window
        for role, values in part.items():
            np.testing.assert_array_equal(values, whole[role][:, row : row + height, column : column + width])
    for changed in (
        {"memory_mb": 0.01, "kept_bytes": 0},  # what rows of tiles leave for the next lies in files
        {"order": lambda tiles: tiles[::-1]},
        {"order": lambda tiles: np.random.default_rng(1).permutation(tiles).tolist()},
    ):
        again = results(source, ShiftyModel(), **changed, **options)
        for role, values in again.items():
            np.testing.assert_array_equal(values, whole[role])
    monkeypatch.setattr(buffers, "_MOST_CARRIED_BYTES", 0)
    assert len(run(source, ShiftyModel(), **options).chunks) > 1
    for role, values in results(source, ShiftyModel(), **options).items():
        np.testing.assert_array_equal(values, whole[role])
    monkeypatch.undo()
    for batch in (1, 3, 1000):  # tiles that are worked on together, too
        again = results(source, ShiftyModel(), batch=batch, **options)
        for role, values in again.items():
            np.testing.assert_array_equal(values, whole[role])


def test_overlap_hides_the_tiles_edges():
    pixels = np.full((3, 400, 400), 0.5, np.float32)
    cut = results(ArraySource(pixels), ShiftyModel(), overlap=0)["height"][0]
    blended = results(ArraySource(pixels), ShiftyModel(), overlap=48)["height"][0]
    step = [np.abs(np.diff(values[60:-60, 60:-60], axis=1)).max() for values in (cut, blended)]
    assert step[0] > 5.0  # the model gives 0 along its edges and 6 inside
    assert step[1] < 0.35


def test_pixels_without_image_change_nothing_and_get_nothing():
    pixels = picture(200, 260)
    valid = np.ones((200, 260), bool)
    valid[50:120, 80:200] = False
    pixels[:, ~valid] = np.nan
    engine = run(ArraySource(pixels, valid), MeanModel())
    values, known = collected(engine, (0, 0, 260, 200))
    np.testing.assert_allclose(values["height"][0][valid], 10 * pixels.mean(axis=0)[valid], atol=1e-5)
    assert known[valid].all()
    assert np.isfinite(values["height"]).all()


@pytest.mark.parametrize("gsd_m", [0.1, 0.3, 0.8, 2.0])
def test_beside_gaps_resampling_uses_valid_pixels_only(gsd_m):
    pixels = np.full((3, 150, 150), 0.25, np.float32)
    valid = np.ones((150, 150), bool)
    valid[40:90, 30:60] = False
    valid[100:, 100:] = False
    valid[120, 130] = True  # alone
    pixels[:, ~valid] = 1e30
    engine = run(ArraySource(pixels, valid), MeanModel(), gsd_m=(gsd_m, gsd_m))
    values, known = collected(engine, (0, 0, 150, 150))
    assert known[valid].all()
    alone = np.zeros_like(valid)
    alone[110:135, 120:145] = True
    np.testing.assert_allclose(values["height"][0][valid & ~alone], 2.5, atol=1e-3)
    assert 0.0 <= values["height"][0][120, 130] <= 10.0


def test_gaps_show_the_mirrored_tile_and_then_its_mean():
    image = np.arange(32, dtype=np.float32).reshape(2, 4, 4)
    gaps = np.ones((4, 4), bool)
    gaps[1, 0] = gaps[2, 1] = False
    before = image.copy()
    fill_gaps(image, gaps)
    for band, old in zip(image, before):
        assert band[1, 3] == band[2, 0] == band[2, 3] == old[1, 0]  # left to right, upside down, both
        assert band[2, 2] == band[1, 1] == band[1, 2] == old[2, 1]
        assert (band[[1, 2], [0, 1]] == old[[1, 2], [0, 1]]).all()
        assert (band[[0, 3]] == (old[1, 0] + old[2, 1]) / 2).all()  # four pixels of each value are there now


def test_without_a_gap_nothing_changes_and_without_an_image_all_is_zero():
    image = np.ones((3, 4, 4), np.float32)
    fill_gaps(image, np.zeros((4, 4), bool))
    assert (image == 1).all()
    fill_gaps(image, np.ones((4, 4), bool))
    assert (image == 0).all()


def test_what_the_model_says_of_gaps_stays_out_of_the_image():
    pixels = np.full((3, 150, 150), 0.1, np.float32)
    pixels[:, :, 40:] = 0.9  # so the gap is filled with something far from 0.1
    valid = np.ones((150, 150), bool)
    valid[20:130, 10:20] = False
    engine = run(ArraySource(pixels, valid), MeanModel(), gsd_m=(0.3, 0.3))
    values, _ = collected(engine, (0, 0, 150, 150))
    beside = np.s_[20:130, 20:23]
    np.testing.assert_allclose(values["height"][0][beside], 1.0, atol=0.03)


@pytest.mark.parametrize("gsd_m", [0.09, 0.7, 2.0, 4.0])
def test_rows_between_two_tile_rows_are_made_of_both(gsd_m):
    source = ArraySource(picture(97, 83))
    tiled = results(source, MeanModel(), gsd_m=(gsd_m, gsd_m), overlap=0)
    at_once = results(source, MeanModel(), gsd_m=(gsd_m, gsd_m), tile=1024)
    np.testing.assert_allclose(tiled["height"], at_once["height"], atol=1e-4)


class CountingModel(MeanModel):
    def __init__(self):
        self.tiles = 0

    def run(self, images, roles):
        self.tiles += len(images)
        return super().run(images, roles)


def test_tiles_without_image_are_not_computed():
    pixels, valid = picture(400, 400), np.zeros((400, 400), bool)
    valid[:60, :60] = True
    model = CountingModel()
    engine = run(ArraySource(pixels, valid), model)
    _, known = collected(engine, (0, 0, 400, 400))
    assert model.tiles <= 4 < engine.tile_count
    assert known[valid].all() and not known[200:, 200:].any()


def test_progress_counts_every_tile_once_and_can_stop():
    seen = []
    source = ArraySource(picture())
    engine = run(source, MeanModel(), batch=2)
    for _ in engine.run(lambda done, total: seen.append((done, total))):
        pass
    assert seen[-1] == (engine.tile_count, engine.tile_count)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)

    def stop(done, total):
        if done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(engine.run(stop))


@pytest.mark.parametrize("batch", [1, 2])
def test_batches_side_by_side_give_the_same_sums_whichever_is_done_first(batch):
    class Uneven(ShiftyModel):
        """Three at once, or none goes on; the earlier ones take longer."""

        lanes, calls = 3, 0
        meeting = threading.Barrier(3, timeout=20.0)

        def run(self, images, roles):
            turn, self.calls = self.calls % 3, self.calls + 1
            if self.calls <= 3:
                self.meeting.wait()
                time.sleep(0.05 * (2 - turn))
            return super().run(images, roles)

    source = ArraySource(picture())
    alone, beside = results(source, ShiftyModel(), batch=batch), results(source, Uneven(), batch=batch)
    for role in alone:
        np.testing.assert_array_equal(alone[role], beside[role])


def test_reading_the_model_and_writing_go_on_at_the_same_time():
    """Reader and model stay at each piece for a while, until the writer has seen both at work while it has one, too."""
    met, at_work = threading.Event(), set()

    def stay(who):
        at_work.add(who)
        met.wait(1)
        at_work.discard(who)

    class SlowSource(ArraySource):
        def read(self, *window):
            stay("reader")
            return super().read(*window)

    class SlowModel(MeanModel):
        def run(self, images, roles):
            stay("model")
            return super().run(images, roles)

    source = SlowSource(np.random.default_rng(0).random((3, 200, 200), np.float32))
    for _ in run(source, SlowModel()).run():
        ends_s = time.monotonic() + 0.5
        while not met.is_set() and time.monotonic() < ends_s:
            if at_work == {"reader", "model"}:
                met.set()
            time.sleep(0.01)
    assert met.is_set()


def test_stopping_does_not_wait_for_a_batch_under_way():
    entered, released, left = threading.Event(), threading.Event(), threading.Event()

    class SlowModel(MeanModel):
        def run(self, images, roles):
            entered.set()
            released.wait(10.0)
            left.set()
            return super().run(images, roles)

    def stop(done, total):
        if entered.is_set():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run(ArraySource(picture(100, 100)), SlowModel()).run(stop))
    was_left = left.is_set()
    released.set()
    assert not was_left


@pytest.mark.parametrize("outcome", [5, NotYet("the task's own")])
def test_a_task_that_ends_just_when_the_waiting_ends(outcome):
    class JustDone:
        """Its first wait ends a moment too early."""

        def result(self, timeout=None):
            if timeout is not None:
                raise NotYet
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        def done(self):
            return True

    class Pool:
        def submit(self, task):
            return JustDone()

    def all_of():
        return list(computed_ahead(Pool(), [len], lambda: None))

    if isinstance(outcome, Exception):
        with pytest.raises(NotYet, match="own"):
            all_of()
    else:
        assert all_of() == [outcome]


def test_only_the_extents_surroundings_are_read():
    source = ArraySource(picture(2000, 2000))
    results(source, MeanModel(), window=(900, 900, 50, 50))
    assert source.pixels_read < 300 * 300


class ManyChannels(MeanModel):
    def run(self, images, roles):
        return {"height": images[:, :1], "shares": np.repeat(images[:, 1:2], 8, axis=1)}


@pytest.mark.parametrize("gsd_m", [0.5, 0.4])
def test_memory_does_not_grow_with_the_raster(gsd_m):
    def made(rows, columns):
        values = ((rows[:, None] * 7 + columns) % 97 / 97).astype(np.float32)
        return np.broadcast_to(values, (3, len(rows), len(columns)))

    def peak_mb(width, height):
        source = ArraySource(made, shape=(height, width))
        engine = run(source, ManyChannels(), gsd_m=(gsd_m, gsd_m), memory_mb=24, tile=128, overlap=96,
                     roles={"height": 1, "shares": 8}, kept_bytes=1_000_000)
        tracemalloc.start()
        for fields in engine.run():
            assert fields.values["height"].shape[0] == 1
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        return peak

    small, tall, wide = peak_mb(2000, 400), peak_mb(2000, 1600), peak_mb(12000, 400)
    assert tall < small * 1.1 + 2
    assert wide < small * 1.1 + 2  # what rows of tiles share would be 40 MB more

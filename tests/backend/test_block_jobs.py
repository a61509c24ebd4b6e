"""Blocks by themselves: their grid, the one block function, what is said before the work."""

import os
import pickle
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from block_scene import Watch
from fake_model import write_fake_package
from rasterio.transform import Affine

from s3d_protocol import InvalidParameter, JobControl, OutOfMemory, OutputFailed, ReconstructJob
from semantic3d.inference import buffers
from semantic3d.inference.session import InferenceSession
from semantic3d.jobs import preflight
from semantic3d.jobs.reconstruct import run
from semantic3d.jobs.reconstruct_blocks import compute_block, regions, tile_count
from semantic3d.jobs.reconstruct_plan import make_plan
from semantic3d.jobs.work_folder import WorkFolder, block_path, record_block
from semantic3d.models.package import load_package
from semantic3d.raster.block_grid import Block, BlockGrid
from semantic3d.raster.source import ImageSource

pytestmark = pytest.mark.usefixtures("small_blocks")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "i.tif"
    pixels = np.random.default_rng(4).integers(1, 256, (3, 150, 200)).astype(np.uint8)
    pixels[:, 20:90, 50:90] = 0
    with rasterio.open(path, "w", driver="GTiff", width=200, height=150, count=3, dtype="uint8", crs="EPSG:32632",
                       transform=Affine(0.5, 0, 5e5, 0, -0.5, 5e6), nodata=0) as dataset:
        dataset.write(pixels)
    return str(path)


def job_for(image, package, folder, **options):
    outputs = {f"{name}_path": str(folder / f"{name}.tif") for name in ("height", "land_cover")}
    return ReconstructJob(image, package, overlap_px=16, **outputs, **options)


def test_blocks_cover_the_raster_once():
    grid = BlockGrid(200, 150, 64)
    assert (grid.rows, grid.columns, grid.count) == (3, 4, 12)
    times = np.zeros((150, 200), int)
    for block in grid.all():
        column, row, width, height = grid.window(block)
        times[row : row + height, column : column + width] += 1
    assert (times == 1).all()
    assert list(grid.touching(63, 64, 2, 64)) == [Block(1, 0), Block(1, 1)]


@pytest.mark.parametrize("seed, most_columns, most_rows", [(0, 20, 20), (1, 3, 20), (2, 1, 2), (3, 2, 1)])
def test_rectangles_cover_what_is_missing_and_nothing_else(seed, most_columns, most_rows):
    grid = BlockGrid(64 * 9, 64 * 7, 64)
    missing = [block for block in grid.all() if np.random.default_rng([seed, *block]).random() < 0.7]
    found = grid.rectangles(missing, most_columns, most_rows)
    assert sorted(block for part in found for block in part) == sorted(missing)
    assert all(part.columns <= most_columns and part.rows <= most_rows for part in found)
    areas = [part.columns * part.rows for part in found]
    assert areas == sorted(areas, reverse=True)
    assert len(BlockGrid(640, 640, 64).rectangles(BlockGrid(640, 640, 64).all(), 10, 10)) == 1


def test_one_block_by_itself_is_a_part_of_the_whole(tmp_path, image, package):
    """As a worker somewhere else does it: with a plan that has travelled and a folder's path."""
    job = job_for(image, package, tmp_path)
    run(job, JobControl())
    with ImageSource(image) as source:
        plan = pickle.loads(pickle.dumps(make_plan(job, load_package(package), source, JobControl())))
    session = InferenceSession(plan.package, "cpu")
    folder = WorkFolder(str(tmp_path / "work"), {"test": 1})

    def recorded(block):
        return record_block(folder.path, compute_block(plan, session, folder.path, block), "cpu")

    first = {block: recorded(block) for block in plan.blocks.all()}
    again = recorded(Block(1, 1))
    assert again.block == Block(1, 1) and again.attempt != first[Block(1, 1)].attempt
    kept = folder.finished(plan.layers, plan.blocks, lambda: None)
    assert kept == {**first, Block(1, 1): again}  # the later attempt counts, the files of the first are gone
    assert len(list(Path(folder.path, "height").iterdir())) == 12
    for layer in plan.layers:
        with rasterio.open(tmp_path / f"{layer}.tif") as dataset:
            whole = dataset.read()
        for block, record in kept.items():
            column, row, width, height = plan.blocks.window(block)
            with rasterio.open(block_path(folder.path, layer, record)) as dataset:
                np.testing.assert_array_equal(
                    dataset.read(), whole[:, row : row + height, column : column + width], f"{layer} {block}"
                )
    folder.remove()
    assert not os.path.exists(folder.path)


def wide_image(folder, width=20000):
    path = folder / "wide.tif"
    pixels = np.random.default_rng(3).integers(0, 255, (3, 100, width), np.uint8)
    with rasterio.open(path, "w", driver="GTiff", width=width, height=100, count=3, dtype="uint8", crs="EPSG:32632",
                       transform=Affine(0.5, 0, 5e5, 0, -0.5, 5e6)) as dataset:
        dataset.write(pixels)
    return str(path)


def test_a_wide_image_is_walked_over_at_once_under_any_memory_limit(tmp_path, package, monkeypatch):
    path = wide_image(tmp_path)
    for limit_mb in (64, 2048):
        job = job_for(path, package, tmp_path, max_memory_mb=limit_mb)
        with ImageSource(path) as source:
            plan = make_plan(job, load_package(package), source, JobControl())
        parts = regions(plan, list(plan.blocks.all()))
        widest_px = max(plan.blocks.window(part)[2] for part in parts)
        assert plan.buffers.expected_mb(widest_px) < limit_mb * 0.75
        assert sum(tile_count(plan, part) for part in parts) <= 417 * 3 + 4 * len(parts) * 3
        assert max(part.columns for part in parts) == 8
    monkeypatch.setattr(buffers, "_MOST_CARRIED_BYTES", 200_000)  # of temporary files
    narrow = regions(plan, list(plan.blocks.all()))
    assert 0 < max(part.columns for part in narrow) < 8
    assert sum(part.columns * part.rows for part in narrow) == plan.blocks.count


def test_what_it_will_take_is_said_before(tmp_path, image, package):
    control = Watch()
    values = run(job_for(image, package, tmp_path), control)
    expected = values["preflight"]
    assert expected["tiles"] == 4 * 3  # 200 and 150 pixels in tiles of 64 that overlap by 16
    assert 0 < expected["expected_s"] < 60
    assert expected["disk_mb"] == 0 and isinstance(expected["memory_mb"], int)  # 0.3 MB
    (said,) = [text for text in control.logs if text.startswith("To do: 12 tiles of 64 pixels on cpu, about ")]
    assert f"about {expected['memory_mb']} MB of main memory" in said
    assert control.logs.index(said) < control.logs.index("Writing height.")


def test_a_machine_without_the_room_is_told_with_numbers(tmp_path, image, package, monkeypatch):
    monkeypatch.setattr(preflight, "free_memory_mb", lambda: 1)
    monkeypatch.setattr(preflight, "free_swap_mb", lambda: 0)
    job = job_for(image, package, tmp_path)
    with pytest.raises(OutOfMemory, match=r"about \d+ MB of main memory beside the model, and 1 MB are free.*2048 MB"):
        run(job, Watch())
    assert not os.path.exists(job.height_path)
    monkeypatch.setattr(preflight, "free_swap_mb", lambda: 10**6)
    run(job, Watch())


def test_a_batch_without_the_room_is_told_before_it_is_tried(tmp_path, image, package, monkeypatch):
    job, sizes, peak_mb = replace(job_for(image, package, tmp_path), batch_size=4), [], [100]
    real = preflight.InferenceSession.run

    def watched(self, images, roles):
        sizes.append(len(images))
        peak_mb[0] += 40 * len(images)
        return real(self, images, roles)

    monkeypatch.setattr(preflight.InferenceSession, "run", watched)
    monkeypatch.setattr(preflight, "peak_memory_mb", lambda: peak_mb[0])
    monkeypatch.setattr(preflight, "free_memory_mb", lambda: 167)
    monkeypatch.setattr(preflight, "free_swap_mb", lambda: 0)
    with pytest.raises(OutOfMemory, match="A batch of 4 tiles takes about 168 MB .* and 167 MB are free"):
        run(job, Watch())
    assert sizes == [1]


def test_few_tiles_are_not_timed_besides(tmp_path, image, package):
    control = Watch()
    job = replace(job_for(image, package, tmp_path), batch_size=4)
    assert run(job, control)["preflight"]["expected_s"] is None  # 12 tiles are three batches
    assert [text for text in control.logs if text.startswith("To do: 12 tiles of 64 pixels on cpu, about ")]


def test_too_little_memory_is_refused_with_numbers(tmp_path, image):
    package = write_fake_package(tmp_path / "large", tile_px=1024)
    with pytest.raises(InvalidParameter, match="limit is 64 MB, and tiles of 1024 pixels.* need at least") as caught:
        run(job_for(image, package, tmp_path, max_memory_mb=64), JobControl())
    needed_mb = caught.value.details["needed_mb"]
    with pytest.raises(InvalidParameter, match="need at least"):
        run(job_for(image, package, tmp_path, max_memory_mb=needed_mb - 2), JobControl())
    run(job_for(image, package, tmp_path, max_memory_mb=needed_mb), JobControl())


def test_the_limit_that_a_refusal_names_is_enough(tmp_path, package):
    with ImageSource(wide_image(tmp_path)) as source:
        job = replace(job_for(source.path, package, tmp_path, max_memory_mb=1), overlap_px=48)
        small = make_plan(job, load_package(package), source, JobControl())
        with pytest.raises(InvalidParameter, match="need at least") as caught:
            preflight.check_memory(small)
        enough = replace(small, job=replace(job, max_memory_mb=caught.value.details["needed_mb"]))
        preflight.check_memory(enough)


def test_temporary_files_lie_beside_the_blocks_and_the_disk_must_hold_them(tmp_path, package, monkeypatch):
    monkeypatch.setenv("SEMANTIC3D_BLOCK_PX", "512")
    path = wide_image(tmp_path, 3000)
    run(job_for(path, package, tmp_path), JobControl())
    expected = (tmp_path / "height.tif").read_bytes()
    folders, made = set(), tempfile.TemporaryFile

    def noted(*how, dir=None, **more):
        folders.add(os.path.basename(dir).partition("-")[0])
        return made(*how, dir=dir, **more)

    monkeypatch.setattr(buffers, "_SHELVED_BYTES", 0)
    monkeypatch.setattr(tempfile, "TemporaryFile", noted)
    (tmp_path / "again").mkdir()
    again = job_for(path, package, tmp_path / "again")
    run(again, JobControl())
    assert (tmp_path / "again" / "height.tif").read_bytes() == expected
    assert folders == {".semantic3d"}
    with ImageSource(path) as source:
        plan = make_plan(again, load_package(package), source, JobControl())
    temporary_mb = plan.buffers.temporary_mb(plan.columns, 3000)
    assert 1 < temporary_mb < 10
    in_all_mb = preflight.check_disk(plan, JobControl())
    assert in_all_mb == pytest.approx(temporary_mb + 3000 * 100 * 11.3e-6, abs=1.1)
    monkeypatch.setattr(buffers, "_SHELVED_BYTES", 10**9)
    assert preflight.check_disk(plan, JobControl()) == pytest.approx(in_all_mb - temporary_mb, abs=1.1)


def test_the_disk_must_hold_blocks_and_outputs_but_not_what_is_there(tmp_path, image, package, monkeypatch):
    needed = 32_000_000 + 200 * 150 * 5 * 2 + 200 * 150 * 4 // 3  # spare, pixels of 5 bytes twice, heights' overviews
    free = type("Usage", (), {"free": needed - 1})
    monkeypatch.setattr("semantic3d.raster.writer.shutil.disk_usage", lambda folder: free)
    with pytest.raises(OutputFailed, match="0.03 GB free"):
        run(job_for(image, package, tmp_path), JobControl())
    free.free += 1
    control = Watch()
    control.send_progress = lambda message: None
    run(job_for(image, package, tmp_path), control)

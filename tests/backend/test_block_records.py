"""What the records of blocks are good for, and what happens when the folder, the card or the memory goes away.

Blocks and tiles are 64 pixels, as in test_resume.py.
"""

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import rasterio
from block_scene import (
    BLOCKS,
    LAYERS,
    Watch,
    acting,
    contents,
    folder_of_work,
    job_for,
    on_a_card,
    whole_run,
    write_image,
)

from s3d_protocol import Cancelled, OutOfMemory, OutputFailed
from semantic3d import cli
from semantic3d.inference.session import InferenceSession
from semantic3d.jobs import work_folder
from semantic3d.jobs.reconstruct import run
from semantic3d.jobs.reconstruct_finish import Totals
from semantic3d.jobs.work_folder import BlockAttempt, BlockRecord, WorkFolder, read_record, record_block, record_path
from semantic3d.raster.block_grid import Block, BlockGrid
from semantic3d.raster.writer import RasterSpec

pytestmark = pytest.mark.usefixtures("small_blocks")
SPECS = {name: RasterSpec("uint8", 0, ("one",), ("",)) for name in ("height", "sigma")}


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return write_image(tmp_path_factory.mktemp("image") / "image.tif")


@pytest.fixture(scope="module")
def expected(image, package, tmp_path_factory):
    """The bytes of an uninterrupted run in one block, by name."""
    return whole_run(image, package, tmp_path_factory.mktemp("whole"))


def records_in(folder):
    return [json.loads(path.read_text()) for path in sorted((folder_of_work(folder) / "records").glob("*.json"))]


def test_a_block_that_is_damaged_in_the_midst_never_reaches_the_result(image, package, expected, tmp_path):
    def damage():
        path = next(iter(sorted((folder_of_work(tmp_path) / "height").iterdir())))
        path.write_bytes(path.read_bytes()[:-1] + b"\x7f")

    job = job_for(image, package, tmp_path)
    with acting({12: damage}), pytest.raises(OutputFailed, match="was damaged after it had been written"):
        run(job, Watch())
    assert not set(expected) & {path.name for path in tmp_path.iterdir()}
    run(job, control := Watch())
    assert f"Continuing: {BLOCKS - 1} of {BLOCKS} blocks are there." in control.logs
    assert contents(tmp_path) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what is being brought to the disk")
def test_each_step_of_a_block_is_on_the_disk_before_the_next(image, package, tmp_path, monkeypatch):
    """A power cut leaves no record without its files: they are synchronised first, and so are their names."""
    acts, replace = [], os.replace

    def sync(number):
        acts.append(("sync", os.readlink(f"/proc/self/fd/{number}")))

    def move(aside, path):
        acts.append(("move", str(aside), str(path)))
        replace(aside, path)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", move)
    with acting({12: lambda: acts.append("stop")}):
        run(job_for(image, package, tmp_path, keep_blocks=True), Watch())
    acts = acts[:acts.index("stop")]
    moves = [(step, *act[1:]) for step, act in enumerate(acts) if act[0] == "move"]
    records = [path for _, _, path in moves if os.path.basename(os.path.dirname(path)) == "records"]
    assert len(records) > 5
    for (step, aside, path), after in zip(moves, [*moves[1:], (len(acts),)]):
        assert ("sync", aside) in acts[:step]
        assert after[0] == len(acts) or ("sync", os.path.dirname(path)) in acts[step:after[0]]
    for record in records:
        block = os.path.basename(record).removesuffix(".json")
        steps = {os.path.basename(os.path.dirname(path)): step for step, _, path in moves if
                 os.path.basename(path).startswith(block + ".")}
        assert set(steps) == {*LAYERS, "records"} and max(steps.values()) == steps["records"]


# -- records --------------------------------------------------------------------------------------------------


@pytest.fixture
def good(tmp_path):
    """A block's record on the disk: its path, its values, and what reads it again from other values."""
    grid, layers = BlockGrid(100, 64, 64), ("height",)
    (tmp_path / "records").mkdir()
    files = {"height": [4096, "0" * 64]}
    record = record_block(str(tmp_path), BlockRecord(0, 1, "0badc0de", files, 5000, 2304, {"3": 2000}), "cpu")
    path = record_path(str(tmp_path), record.block)
    assert read_record(path, layers, grid) == record
    values = json.loads(Path(path).read_text())

    def read(changed, rehashed):
        if rehashed:
            changed = {name: value for name, value in changed.items() if name != "sha256"}
            changed["sha256"] = work_folder.identity_of(changed)
        Path(path).write_text(json.dumps(changed))
        return read_record(path, layers, grid)

    assert read(values, rehashed=True) == record
    return values, read


@pytest.mark.parametrize(
    ("field", "value"),
    [("height_steps", 5001), ("height_count", 2303), ("class_pixels", {"3": 1999}), ("device", "cuda"),
     ("attempt", "0badc0df"), ("files", {"height": [4096, "1" * 64]})],
)
def test_a_record_that_was_edited_does_not_count(good, field, value):
    values, read = good
    assert read({**values, field: value}, rehashed=False) is None
    assert read({**values, field: value}, rehashed=True) is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [("height_steps", 10**400), ("height_steps", 2**63), ("height_steps", 1.5), ("height_steps", True),
     ("height_count", 36 * 64 + 1), ("height_count", -1), ("height_count", 0), ("row", True), ("row", -1),
     ("column", 2), ("class_pixels", {"3": 2305}), ("class_pixels", {"3": 2000, "4": 2000}),
     ("class_pixels", {"3": -1}), ("class_pixels", {"300": 1}), ("class_pixels", [3]), ("device", "../x"),
     ("device", None), ("attempt", "../../x"), ("files", {"height": [True, "0" * 64]}),
     ("files", {"height": [4096, "../../x"]}), ("more", 1)],
)
def test_a_record_that_makes_no_sense_does_not_count(good, field, value):
    values, read = good
    assert read({**values, field: value}, rehashed=True) is None


def test_a_record_of_an_older_version_does_not_count(good):
    values, read = good
    for missing in ("sha256", "device"):
        old = {name: value for name, value in values.items() if name not in ("sha256", missing)}
        assert read(old, rehashed=False) is None
    assert read([values], rehashed=False) is None


def test_totals_name_each_device_once():
    records = [BlockRecord(0, n, "0badc0de", {}, 0, 0, {}, device) for n, device in
               enumerate(["cuda", "", "cpu, cuda", "cuda"])]
    assert Totals.of(records).device == "cpu, cuda"
    assert Totals.of(records[:2]).device == "cuda"


# -- the card -------------------------------------------------------------------------------------------------


def test_a_result_names_both_devices_whichever_run_lost_the_card(tmp_path, image, package, monkeypatch):
    lose_it = on_a_card(monkeypatch)
    job, control = job_for(image, package, str(tmp_path / "out")), Watch()
    with monkeypatch.context() as patch, pytest.raises(Cancelled):
        with acting({3: lambda: lose_it(patch), 25: control.cancel}):
            run(job, control)
    kept = [values["device"] for values in records_in(tmp_path / "out")]
    assert kept.count("cuda") >= 3 and "cpu, cuda" in kept
    control = Watch()
    values = run(job, control)  # the card is back
    assert any(text.startswith("Continuing: ") for text in control.logs)
    assert values["device"] == "cpu, cuda"
    for path in (job.height_path, job.sigma_path, job.land_cover_path):
        with rasterio.open(path) as dataset:
            assert dataset.tags()["SEMANTIC3D_DEVICE"] == "cpu, cuda"
    assert "cpu, cuda" in Path(job.report_path).read_text()


# -- the folder -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOSPC])
def test_a_folder_that_the_disk_refuses_is_said_in_our_words(tmp_path, monkeypatch, number):
    folder = WorkFolder(str(tmp_path / "work"), {})
    make = os.mkdir

    def refused(path, *arguments):
        if os.path.basename(path) == "sigma":
            raise OSError(number, os.strerror(number), path)
        make(path, *arguments)

    monkeypatch.setattr(os, "mkdir", refused)
    with pytest.raises(OutputFailed, match=f"sigma cannot be written: .*{os.strerror(number)}"):
        BlockAttempt(folder.path, Block(0, 0), 16, 16, SPECS)
    assert list(Path(folder.path, "height").iterdir()) == []  # nothing is left of the layer before
    folder.release()


def test_a_file_in_the_place_of_a_layers_folder(tmp_path):
    folder = WorkFolder(str(tmp_path / "work"), {})
    Path(folder.path, "sigma").write_text("not a folder")
    with pytest.raises(OutputFailed, match="sigma cannot be written: .*File exists"):
        BlockAttempt(folder.path, Block(0, 0), 16, 16, SPECS)
    assert folder.finished(SPECS, BlockGrid(16, 16, 16), lambda: None) == {}  # takes it away, as all that is foreign
    BlockAttempt(folder.path, Block(0, 0), 16, 16, SPECS).discard()
    folder.remove()


def test_a_folder_that_cannot_be_read_is_said_in_our_words(tmp_path, monkeypatch):
    folder = WorkFolder(str(tmp_path / "work"), {})

    def refused(path):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    with monkeypatch.context() as patch, pytest.raises(OutputFailed, match="Permission denied"):
        patch.setattr(os, "listdir", refused)
        folder.finished(SPECS, BlockGrid(16, 16, 16), lambda: None)
    folder.remove()


@pytest.mark.parametrize("what", ["manifest.json", "run.json", "records/r0001_c0000.json", "height/r0001_c0000."])
def test_what_cannot_be_read_for_a_moment_costs_no_blocks(tmp_path, image, package, expected, monkeypatch, what):
    job, control, opened = job_for(image, package, str(tmp_path / "out")), Watch(), open
    with acting({7: control.cancel}), pytest.raises(Cancelled):
        run(job, control)

    def failing(path, *arguments, **options):
        if ".semantic3d-" in str(path) and what in str(path) and not str(path).endswith(".partial"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return opened(path, *arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(OutputFailed, match=f"{what}.*Input/output error. Nothing was"):
        patch.setattr("builtins.open", failing)
        run(job, Watch())
    control = Watch()
    run(job, control)
    assert f"Continuing: 7 of {BLOCKS} blocks are there." in control.logs
    assert contents(tmp_path / "out") == expected


def test_the_command_line_shows_no_traceback_for_a_path_that_is_refused(tmp_path, image, monkeypatch, capsys):
    def refused(job, control):
        raise PermissionError(errno.EACCES, "Permission denied", job.height_path)

    monkeypatch.setattr("semantic3d.jobs.reconstruct.run", refused)
    assert cli.main(["reconstruct", image, "--height", str(tmp_path / "h.tif")]) == 1
    assert "h.tif" in (said := capsys.readouterr().err) and "cannot be used" in said and "Traceback" not in said


@pytest.mark.parametrize("what", ["work folder", "output folder"])
def test_a_folder_that_goes_away_is_not_made_anew(tmp_path, image, package, expected, what):
    folder, aside = tmp_path / "out", tmp_path / "aside"
    gone = []

    def take_away():
        gone.append(folder_of_work(folder) if what == "work folder" else folder)
        os.rename(gone[0], aside)

    control = Watch()
    with acting({7: take_away}), pytest.raises(OutputFailed, match="work folder .* is gone: it was deleted") as caught:
        run(job_for(image, package, str(folder)), control)
    assert not gone[0].exists() and not list(tmp_path.glob("out/.semantic3d-*"))
    assert "kept" not in caught.value.message
    after = control.logs[next(n for n, text in enumerate(control.logs, 1) if text.startswith("To do: ")) :]
    assert not [text for text in after if "kept" in text or "could not be deleted" in text]
    os.rename(aside, gone[0])
    control = Watch()
    run(job_for(image, package, str(folder)), control)
    assert any(text.startswith("Continuing: ") for text in control.logs)
    assert contents(folder) == expected


def test_only_blocks_that_are_there_are_said_to_be_kept(tmp_path, image, package):
    control, folder = Watch(), tmp_path / "out"

    def lose_one():
        next(iter((folder_of_work(folder) / "records").glob("*.json"))).unlink()
        control.cancel()

    with acting({7: lose_one}), pytest.raises(Cancelled):
        run(job_for(image, package, str(folder)), control)
    assert f"6 of {BLOCKS} blocks are kept in " in control.logs[-1]


def test_no_folder_is_made_above_the_work_folder(tmp_path):
    with pytest.raises(OutputFailed, match="cannot be used: No such file"):
        WorkFolder(str(tmp_path / "gone" / "work"), {})
    assert not (tmp_path / "gone").exists()
    folder = WorkFolder(str(tmp_path / "work"), {})
    shutil.rmtree(folder.path)
    folder.remove()  # says nothing
    assert list(tmp_path.iterdir()) == []


# -- the memory -----------------------------------------------------------------------------------------------


def test_memory_that_runs_out_in_the_midst_keeps_the_finished_blocks(tmp_path, image, package, expected, monkeypatch):
    def too_large(self, images, roles):
        raise MemoryError("Unable to allocate 9.00 GiB")

    folder, control = tmp_path / "out", Watch()
    with monkeypatch.context() as patch, pytest.raises(OutOfMemory, match="allowed 2048 MB. Lower the memory limit"):
        with acting({5: lambda: patch.setattr(InferenceSession, "run", too_large)}):
            run(job_for(image, package, str(folder)), control)
    kept = len(records_in(folder))
    assert 5 <= kept < BLOCKS
    assert f"stopped by an error. {kept} of {BLOCKS} blocks are kept" in control.logs[-1]
    control = Watch()
    run(job_for(image, package, str(folder)), control)
    assert f"Continuing: {kept} of {BLOCKS} blocks are there." in control.logs
    assert contents(folder) == expected

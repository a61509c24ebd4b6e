"""Interrupted jobs: what is kept, what is done again, and that the bytes are those of an uninterrupted run.

Blocks are 64 pixels here (SEMANTIC3D_BLOCK_PX), tiles too, so that an image of 260 x 330 has 5 x 6 blocks.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import rasterio
import s3d_protocol
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

from s3d_protocol import Cancelled, InvalidInput, JobControl, OutputFailed, ReconstructJob
from s3d_protocol.file_lock import FileLock
from semantic3d.jobs.reconstruct import run

BACKEND = str(Path(s3d_protocol.__file__).resolve().parents[1])
pytestmark = pytest.mark.usefixtures("small_blocks")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write_image(tmp_path_factory.mktemp("image") / "image.tif")


@pytest.fixture
def image(original, tmp_path):
    return str(shutil.copy2(original, tmp_path / "image.tif"))


@pytest.fixture(scope="module")
def expected(original, package, tmp_path_factory):
    """The bytes of an uninterrupted run in one block, by name."""
    return whole_run(original, package, tmp_path_factory.mktemp("whole"))


def finished(folder):
    """Names of the blocks that a work folder records."""
    return sorted(path.stem for path in (folder_of_work(folder) / "records").glob("*.json"))


def interrupted(image, package, folder, after=7):
    """Run until some blocks are finished, then cancel; returns the control."""
    control = Watch()
    with acting({after: control.cancel}), pytest.raises(Cancelled):
        run(job_for(image, package, str(folder)), control)
    return control


def test_a_cancelled_job_continues_and_gives_the_same_bytes(tmp_path, image, package, expected):
    folder = tmp_path / "out"
    before = interrupted(image, package, folder)
    kept = finished(folder)
    assert len(kept) == 7
    assert [path.name for path in folder.iterdir()] == [folder_of_work(folder).name]
    assert f"{len(kept)} of {BLOCKS} blocks are kept in {folder_of_work(folder)}" in before.logs[-1]
    inodes = {path.name: path.stat().st_ino for path in (folder_of_work(folder) / "height").iterdir()}

    again = Watch()
    seen = {}
    again.send_progress = lambda message: seen or seen.update(
        {path.name: path.stat().st_ino for path in (folder_of_work(folder) / "height").iterdir()}, done=message["done"],
        total=message["total"],
    )
    values = run(job_for(image, package, str(folder)), again)
    assert f"Continuing: {len(kept)} of {BLOCKS} blocks are there." in again.logs
    first_done, total = seen.pop("done"), seen.pop("total")
    assert first_done / total == pytest.approx(len(kept) / BLOCKS, abs=0.05)
    assert {name: seen.get(name) for name in inodes} == inodes  # taken, not computed again
    assert values["preflight"]["tiles"] < 6 * 7
    assert contents(folder) == expected


def test_cancelled_while_it_looks_over_the_blocks_it_keeps_them(tmp_path, image, package, expected):
    folder = tmp_path / "out"
    interrupted(image, package, folder)
    control, log = Watch(), Watch.log

    def cancel_at_the_check(text, level="info"):
        log(control, text, level)
        if text.startswith("Checking the blocks"):
            control.cancel()

    control.log = cancel_at_the_check
    with pytest.raises(Cancelled):
        run(job_for(image, package, str(folder)), control)
    assert len(finished(folder)) == 7
    assert control.logs[-1].startswith("The blocks of an earlier run are kept in ")
    run(job_for(image, package, str(folder)), JobControl())
    assert contents(folder) == expected


def test_a_job_that_is_to_keep_nothing_leaves_nothing(tmp_path, image, package):
    control = Watch()
    job = replace(job_for(image, package, str(tmp_path / "out")), keep_blocks=False)
    with acting({7: control.cancel}), pytest.raises(Cancelled):
        run(job, control)
    assert list((tmp_path / "out").iterdir()) == []
    assert not [text for text in control.logs if "kept" in text]


@pytest.mark.parametrize("block_px", ["64", "512"])
def test_outputs_in_the_current_folder(tmp_path, image, package, expected, monkeypatch, block_px):
    monkeypatch.setenv("SEMANTIC3D_BLOCK_PX", block_px)
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    job = replace(job_for(image, package, "."), **{f"{name}_path": f"{name}.tif" for name in LAYERS})
    control = Watch()
    run(replace(job, report_path="report.html"), control)
    assert contents(tmp_path / "out") == expected
    assert not [text for text in control.logs if "delete" in text]


@pytest.mark.parametrize(
    "harm",
    ["flip", "short", "gone", "torn record", "lying record", "foreign record", "false totals", "old record", "litter"],
)
def test_what_is_damaged_is_done_again(tmp_path, image, package, expected, harm):
    folder = tmp_path / "out"
    interrupted(image, package, folder)
    work, kept = folder_of_work(folder), finished(folder)
    record = work / "records" / f"{kept[0]}.json"
    (block,) = (work / "height").glob(f"{kept[0]}.*.tif")
    lost = 1
    if harm == "flip":
        data = bytearray(block.read_bytes())
        data[len(data) // 2] ^= 1
        block.write_bytes(data)
    elif harm == "short":
        os.truncate(block, 1000)
    elif harm == "gone":
        block.unlink()
    elif harm == "torn record":
        record.write_bytes(record.read_bytes()[:70])
    elif harm == "lying record":
        values = json.loads(record.read_text())
        record.write_text(json.dumps({**values, "attempt": "../../../x"}))
    elif harm == "foreign record":
        record.rename(record.with_name("r0000_c0099.json"))
    elif harm == "false totals":
        values = json.loads(record.read_text())
        record.write_text(json.dumps({**values, "height_steps": values["height_steps"] + 10**12}))
    elif harm == "old record":
        values = json.loads(record.read_text())
        record.write_text(json.dumps({name: values[name] for name in values if name not in ("sha256", "device")}))
    else:
        lost = 0
        (work / "height" / "r0000_c0000.0badc0de.tif.partial").write_bytes(b"half")
        (work / "records" / "r0004_c0000.json.0badc0de.partial").write_bytes(b"{")
    control = Watch()
    run(job_for(image, package, str(folder)), control)
    assert f"Continuing: {len(kept) - lost} of {BLOCKS} blocks are there." in control.logs
    assert contents(folder) == expected


def test_another_job_takes_no_foreign_blocks(tmp_path, image, package):
    folder = tmp_path / "out"
    interrupted(image, package, folder)
    first = folder_of_work(folder)
    control = Watch()
    run(job_for(image, package, str(folder), gsd_m=0.45), control)
    assert not [text for text in control.logs if text.startswith("Continuing")]
    assert any(first.name in text and "other jobs" in text for text in control.logs)
    assert first.exists()
    other = tmp_path / "other"
    run(job_for(image, package, str(other), gsd_m=0.45), JobControl())
    assert {name: (folder / name).read_bytes() for name in contents(other)} == contents(other)
    (first / "manifest.json").write_text('{"format": 1, "job": {"layers": []}}')  # the name alone proves nothing
    control = Watch()
    run(job_for(image, package, str(folder)), control)
    assert not [text for text in control.logs if text.startswith("Continuing")]


def test_nothing_is_left_where_no_block_is_finished_or_there_is_only_one(tmp_path, image, package, monkeypatch):
    control = Watch()
    control.send_progress = lambda message: message["done"] and control.cancel()
    with pytest.raises(Cancelled):
        run(job_for(image, package, str(tmp_path / "a")), control)
    assert contents(tmp_path / "a") == {}
    monkeypatch.setenv("SEMANTIC3D_BLOCK_PX", "512")
    control = Watch()
    control.send_log = lambda text, level: control.cancel() if text.startswith("Writing sigma") else None
    with pytest.raises(Cancelled):
        run(job_for(image, package, str(tmp_path / "b")), control)
    assert contents(tmp_path / "b") == {}


def test_an_image_that_changes_is_noticed(tmp_path, image, package, expected):
    folder = tmp_path / "out"
    with acting({4: lambda: os.utime(image, ns=(1, 1))}):
        with pytest.raises(InvalidInput, match="image changed.*image.tif was changed"):
            run(job_for(image, package, str(folder)), Watch())
    assert contents(folder) == {}  # no job would ask for those blocks again
    write_image(image)
    run(job_for(image, package, str(folder)), Watch())
    assert contents_of_files(folder) == expected


def test_an_image_that_went_away_may_come_back(tmp_path, image, package, expected):
    folder, aside = tmp_path / "out", tmp_path / "aside.tif"
    with acting({4: lambda: os.rename(image, aside)}):
        with pytest.raises(InvalidInput, match="image.tif is gone"):
            run(job_for(image, package, str(folder)), Watch())
    os.rename(aside, image)
    control = Watch()
    run(job_for(image, package, str(folder)), control)
    assert f"Continuing: 4 of {BLOCKS} blocks are there." in control.logs
    assert contents_of_files(folder) == expected


def test_a_nodata_value_beside_the_image_makes_another_job(tmp_path, image, package):
    def set_nodata(value):
        bands = "".join(
            f'<PAMRasterBand band="{band}"><NoDataValue>{value}</NoDataValue></PAMRasterBand>' for band in (1, 2, 3)
        )
        Path(image + ".aux.xml").write_text(f"<PAMDataset>{bands}</PAMDataset>")

    set_nodata(254)
    interrupted(image, package, tmp_path / "out")
    set_nodata(255)
    control = Watch()
    run(job_for(image, package, str(tmp_path / "out")), control)
    assert not [text for text in control.logs if text.startswith("Continuing")]


def test_blocks_of_other_code_are_not_continued(tmp_path, image, package, monkeypatch):
    interrupted(image, package, tmp_path / "out")
    monkeypatch.setattr("semantic3d.jobs.reconstruct_work.code_fingerprint", lambda: "of a later commit")
    control = Watch()
    run(job_for(image, package, str(tmp_path / "out")), control)
    assert not [text for text in control.logs if text.startswith("Continuing")]


def test_a_result_says_that_the_card_was_lost_in_the_midst(tmp_path, image, package, monkeypatch):
    lose_it = on_a_card(monkeypatch)
    job = job_for(image, package, str(tmp_path / "out"))
    with acting({3: lose_it}):
        run(job, JobControl())
    with rasterio.open(job.height_path) as dataset:
        assert dataset.tags()["SEMANTIC3D_DEVICE"] == "cpu, cuda"


def test_a_missing_image_is_said_to_be_missing(tmp_path, package):
    with pytest.raises(InvalidInput, match="no.tif does not exist"):
        run(job_for(str(tmp_path / "no.tif"), package, str(tmp_path)), JobControl())


def contents_of_files(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}


# -- other processes ------------------------------------------------------------------------------------------


def command(image, package, folder):
    outputs = [part for name in LAYERS for part in (f"--{name.replace('_', '-')}", os.path.join(folder, f"{name}.tif"))]
    outputs += ["--report", os.path.join(folder, "report.html")]
    start = [sys.executable, "-m", "semantic3d.cli", "reconstruct", image, "--model", package, "--overlap", "16"]
    return start + outputs


ENVIRONMENT = {**os.environ, "PYTHONPATH": BACKEND, "PYTHONDONTWRITEBYTECODE": "1", "SEMANTIC3D_BLOCK_PX": "64"}


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL there")
def test_killed_twenty_times_it_gives_the_same_bytes(tmp_path, image, package, expected):
    """Each child is forked from one process that has everything imported, so that twenty take seconds."""
    folder = tmp_path / "out"
    job = job_for(image, package, str(folder))
    chance = random.Random(11)
    kills, kept = 0, []
    script = tmp_path / "killed.py"
    script.write_text(_FORKING)
    process = subprocess.Popen(
        [sys.executable, str(script), json.dumps(job.to_dict())], env=ENVIRONMENT, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )
    with process:
        for _ in range(400):
            process.stdin.write("go\n")
            process.stdin.flush()
            child = int(process.stdout.readline())
            if kills < 20:
                _wait_for_blocks(folder, chance.randrange(0, 3) + (len(kept) and kept[-1]))
                time.sleep(chance.random() * 0.03)
                os.kill(child, signal.SIGKILL)
            status = int(process.stdout.readline())
            if status == 0:
                if kills >= 20:
                    break
                for name in expected:  # it was quicker than we: once more from the start
                    (folder / name).unlink()
                kept = []
                continue
            assert status == -signal.SIGKILL
            kills += 1
            assert not set(expected) & set(contents_of_files(folder))
            kept.append(len(finished(folder)) if list(folder.glob(".semantic3d-*")) else 0)
        process.stdin.close()
    assert kills == 20
    assert contents_of_files(folder) == expected
    assert not list(folder.glob(".semantic3d-*"))


def test_outputs_that_a_killed_run_has_begun_go_with_the_next(tmp_path, image, package, expected):
    """A kill while outputs are put together, and another job's unfinished output beside."""
    folder = tmp_path / "out"
    interrupted(image, package, folder)
    work = folder_of_work(folder)
    killed = json.loads((work / "run.json").read_text())["job_id"]
    for name in (f".height.{killed}.partial.tif", f".height.{killed}.partial.qml", f".report.{killed}.partial.html"):
        (folder / name).write_text("half")
    (folder / ".height.other.partial.tif").write_text("at work")
    job = job_for(image, package, str(folder))
    run(replace(job, height_path=str(folder / "other.tif"), sigma_path=""), JobControl())  # other blocks, other folder
    assert (folder / f".height.{killed}.partial.tif").exists()
    run(replace(job, report_path=str(folder / "other.html")), JobControl())  # the same blocks, another name
    assert not list(folder.glob(f".*{killed}*"))
    assert (folder / ".height.other.partial.tif").read_bytes() == b"at work"


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL there")
def test_what_a_killed_run_of_one_block_has_left_goes_with_the_next(tmp_path, image, package, expected, monkeypatch):
    folder, code = tmp_path / "out", (
        "import os, signal, sys; from semantic3d import cli; from semantic3d.jobs import reconstruct\n"
        "write = reconstruct.write_from_blocks\n"
        "reconstruct.write_from_blocks = lambda *all: (write(*all), os.kill(os.getpid(), signal.SIGKILL))\n"
        "cli.main(sys.argv[1:])\n"
    )
    folder.mkdir()
    job = command(image, package, str(folder))[3:]
    subprocess.run([sys.executable, "-c", code, *job], env={**ENVIRONMENT, "SEMANTIC3D_BLOCK_PX": "512"}, check=False)
    assert len(list(folder.glob(".*partial*"))) > 1
    at_work = folder / ".height.other.partial.tif.work"
    shutil.copytree(next(folder.glob(".*.work")), at_work)
    held = FileLock(str(at_work / "lock"))
    monkeypatch.setenv("SEMANTIC3D_BLOCK_PX", "512")
    run(job_for(image, package, str(folder)), JobControl())
    assert [path.name for path in folder.iterdir() if path.is_dir()] == [at_work.name]
    assert contents_of_files(folder) == expected
    held.release()


@pytest.mark.parametrize(
    "text",
    ["", "[1]", '{"job_id": "../h"}', '{"job_id": 1}', "{", '{"job_id": "a", "outputs": [1, "/", "\\u0000"]}'],
)
def test_a_note_that_makes_no_sense_is_no_run(tmp_path, image, package, expected, text):
    folder = tmp_path / "out"
    interrupted(image, package, folder)
    work = folder_of_work(folder)
    (work / "run.json").write_text(text)
    run(job_for(image, package, str(folder)), JobControl())
    assert contents_of_files(folder) == expected


def _wait_for_blocks(folder, count):
    limit_s = time.monotonic() + 5
    while time.monotonic() < limit_s and not (folder / "report.html").exists():
        if len(list(folder.glob(".semantic3d-*/records/*.json"))) >= min(count, BLOCKS - 2):
            return
        time.sleep(0.002)


_FORKING = """
import json, os, sys
os.fsync = lambda fd: None
import semantic3d.jobs.reconstruct as reconstruct, onnxruntime, rasterio._env, rasterio.warp
from s3d_protocol import JobControl, ReconstructJob
job = ReconstructJob.from_dict(json.loads(sys.argv[1]))
for line in sys.stdin:
    child = os.fork()
    if not child:
        reconstruct.run(job, JobControl())
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_two_processes_do_not_do_the_same_job_at_once(tmp_path, image, package, expected):
    folder = tmp_path / "out"
    interrupted(image, package, folder)
    holder = subprocess.Popen(
        [sys.executable, "-c", "import sys; from s3d_protocol.file_lock import FileLock; "
         "lock = FileLock(sys.argv[1]); print('held', flush=True); sys.stdin.read()",
         str(folder_of_work(folder) / "lock")],
        env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        before = contents_of_files(folder_of_work(folder) / "height")
        with pytest.raises(OutputFailed, match=f"Process {holder.pid} is already doing this very job"):
            run(job_for(image, package, str(folder)), JobControl())
        assert contents_of_files(folder_of_work(folder) / "height") == before
        os.kill(holder.pid, signal.SIGKILL)  # the system opens the lock of a dead process
        holder.wait()
    run(job_for(image, package, str(folder)), JobControl())
    assert contents(folder) == expected


@pytest.mark.skipif(os.name == "nt", reason="there is no limit of file sizes there")
def test_a_full_disk_in_the_midst_keeps_the_finished_blocks(tmp_path, image, package, expected):
    folder = tmp_path / "out"
    os.makedirs(folder)
    code = (
        "import resource, sys; from pathlib import Path; import semantic3d.raster.block_file as block_file\n"
        "from semantic3d import cli\n"
        "made = [0]; create = block_file.BlockFile.__init__\n"
        "def counted(self, *arguments):\n"
        "    made[0] += 1\n"
        "    if made[0] == 40: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))\n"
        "    create(self, *arguments)\n"
        "block_file.BlockFile.__init__ = counted\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    full = subprocess.run(
        [sys.executable, "-c", code, *command(image, package, str(folder))[3:]], env=ENVIRONMENT, capture_output=True,
        text=True,
    )
    assert full.returncode == 1, full.stderr
    last = full.stderr.strip().splitlines()[-1]
    assert last.startswith("semantic3d: ") and "GB are free" in last and "Traceback" not in full.stderr
    assert "blocks are kept" in full.stderr
    assert 0 < len(finished(folder)) < BLOCKS
    assert not contents_of_files(folder)
    again = subprocess.run(command(image, package, str(folder)), env=ENVIRONMENT, capture_output=True, text=True)
    assert again.returncode == 0 and "Continuing: " in again.stderr, again.stderr
    assert contents(folder) == expected


def test_a_disk_that_fills_while_the_output_is_written_is_noticed(tmp_path, image, package, expected, monkeypatch):
    """With several threads GDAL leaves a short file on a full disk and says nothing (seen with GDAL 3.10)."""
    import semantic3d.raster.writer as writer

    folder = tmp_path / "out"
    copy = writer.rasterio.shutil.copy

    def copy_to_full_disk(source, path, **options):
        copy(source, path, **options)
        if "land_cover" in path:
            os.truncate(path, os.path.getsize(path) - 500)

    monkeypatch.setattr(writer.rasterio.shutil, "copy", copy_to_full_disk)
    with pytest.raises(OutputFailed, match="land_cover.*cannot be written"):
        run(job_for(image, package, str(folder)), JobControl())
    assert len(finished(folder)) == BLOCKS and not contents_of_files(folder)
    monkeypatch.setattr(writer.rasterio.shutil, "copy", copy)
    values = run(job_for(image, package, str(folder)), JobControl())
    assert values["preflight"]["tiles"] == 0
    assert contents(folder) == expected


@pytest.mark.skipif(os.name == "nt", reason="counts letters there")
def test_a_name_too_long_for_what_is_written_aside_is_refused_before_the_work(tmp_path, image, package):
    most = os.pathconf(tmp_path, "PC_NAME_MAX") - len("...partial.work") - 32
    for letters, fits in ((most - len(".tif"), True), (most - len(".tif") + 1, False), (230, False)):
        job = ReconstructJob(image, package, height_path=str(tmp_path / ("h" * letters + ".tif")), overlap_px=16)
        if fits:
            run(job, JobControl())
            assert os.path.isfile(job.height_path)
            continue
        with pytest.raises(OutputFailed, match=f"Choose a name of {most} bytes or less"):
            run(job, JobControl())
    assert len(os.listdir(tmp_path)) == 3  # the image, one height and its style

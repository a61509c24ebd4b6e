"""Cancelled and killed runs: no process and no output is left; finished blocks may be, in a work folder."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from conftest import write_image


@pytest.fixture(scope="module")
def large_image(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "large.tif"
    write_image(path, 6000, 6000)
    return path


def processes_with(text):
    """Ids of living processes whose command line or environment names `text`, zombies left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and text.encode() in words and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def outputs_in(folder):
    """What lies in a folder besides the work folder, which keeps finished blocks for the next run."""
    return [path.name for path in folder.iterdir() if not path.name.startswith(".semantic3d-")]


def wait_for(condition, limit_s):
    """Seconds until `condition` held, at most `limit_s`; None where it did not."""
    started_s = time.monotonic()
    while time.monotonic() - started_s < limit_s:
        if condition():
            return time.monotonic() - started_s
        time.sleep(0.05)
    return None


@pytest.fixture
def running(qgis, small_tiles_model, large_image, tmp_path):
    """A long run in the midst of its work: (process, output folder, the mark its worker carries)."""
    mark = f"semantic3d-test-{os.getpid()}-{time.monotonic_ns()}"
    folder = tmp_path / "out"
    folder.mkdir()
    process = qgis.start(
        "run", "semantic3d:reconstruct", f"--INPUT={large_image}", f"--MODEL={small_tiles_model}/manifest.json",
        "--DEVICE=cpu", "--OVERLAP=32", f"--HEIGHT={folder / 'h.tif'}", f"--SIGMA={folder / 's.tif'}", E2E_MARK=mark,
    )
    begun = wait_for(lambda: any(folder.iterdir()) or process.poll() is not None, 60)
    assert begun is not None and process.poll() is None, "the run did not begin, or ended too soon"
    time.sleep(0.5)
    yield process, folder, mark
    for pid in processes_with(mark):
        os.kill(pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    process.stderr.close()


def test_interrupt_ends_it_within_two_seconds(running):
    process, folder, mark = running
    process.send_signal(signal.SIGINT)
    # qgis_process itself takes a moment to shut down; the worker and its files must be gone at once.
    assert wait_for(lambda: not outputs_in(folder), 2.0) is not None, list(folder.iterdir())
    process.wait(20)
    assert process.returncode != 0
    assert processes_with(mark) == []
    assert not outputs_in(folder)


def test_killing_qgis_ends_the_worker(running):
    process, folder, mark = running
    process.kill()
    assert wait_for(lambda: not processes_with(mark), 5.0) is not None
    assert not (folder / "h.tif").exists() and not (folder / "s.tif").exists()
    assert wait_for(lambda: not outputs_in(folder), 2.0) is not None, list(folder.iterdir())


def test_killing_the_worker_is_one_clear_message(running):
    process, folder, mark = running
    (worker,) = [pid for pid in processes_with("worker.py") if pid in processes_with(mark)]
    os.kill(worker, signal.SIGKILL)
    out, err = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "SIGKILL" in out + err and "memory" in out + err
    assert not outputs_in(folder)


def test_the_same_run_after_a_kill_goes_on_and_gives_the_same_bytes(qgis, small_tiles_model, large_image, tmp_path):
    """Killed with its worker while some of nine blocks are finished, then the same form once more."""

    def arguments(folder):
        outputs = {"HEIGHT": folder / "h.tif", "SIGMA": folder / "s.tif"}
        named = {"INPUT": large_image, "MODEL": f"{small_tiles_model}/manifest.json", "DEVICE": "cpu", "OVERLAP": 32}
        extent = "500000,501500,5398500,5400000"  # 3000 x 3000 pixels
        named = {**named, "EXTENT": extent, **outputs}
        return ["run", "semantic3d:reconstruct", *(f"--{name}={value}" for name, value in named.items())]

    first, whole = tmp_path / "first", tmp_path / "whole"
    for folder in (first, whole):
        folder.mkdir()
    small = {"SEMANTIC3D_BLOCK_PX": "1024"}
    process = qgis.start(*arguments(first), **small)
    begun = wait_for(lambda: list(first.glob(".semantic3d-*/records/*.json")) or process.poll() is not None, 120)
    assert begun is not None and process.poll() is None, "no block was finished, or all were"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert wait_for(lambda: not processes_with(str(first)), 5.0) is not None
    (work,) = first.glob(".semantic3d-*")
    finished = len(list((work / "records").glob("*.json")))
    assert 0 < finished < 9 and not (first / "h.tif").exists()

    code, out, err = qgis.call(*arguments(first), **small)
    assert code == 0, out + err
    assert f"Continuing: {finished} of 9 blocks are there." in out + err
    code, out, err = qgis.call(*arguments(whole), **small)
    assert code == 0 and "Continuing" not in out + err, out + err
    names = sorted(path.name for path in whole.iterdir())
    assert names == ["h.qml", "h.tif", "s.qml", "s.tif"] == sorted(path.name for path in first.iterdir())
    for name in ("h.tif", "s.tif"):
        assert (first / name).read_bytes() == (whole / name).read_bytes()

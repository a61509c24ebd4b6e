"""What tells one job's work folder from another's, and who may work in it."""

import errno
import os
import shutil
from pathlib import Path

import pytest
import semantic3d

from s3d_protocol.file_lock import Busy, FileLock
from semantic3d.jobs.reconstruct_work import code_fingerprint


def test_the_code_that_makes_pixels_is_known_by_its_text(tmp_path, monkeypatch):
    before = code_fingerprint()
    copied = shutil.copytree(Path(semantic3d.__file__).parent, tmp_path / "semantic3d")
    monkeypatch.setattr("semantic3d.jobs.reconstruct_work.__file__", str(copied / "jobs" / "reconstruct_work.py"))
    assert code_fingerprint.__wrapped__() == before  # the place does not matter
    with open(copied / "inference" / "engine.py", "a") as file:
        file.write("\n")
    assert code_fingerprint.__wrapped__() != before


def test_a_lock_on_a_file_that_is_deleted_meanwhile_counts_for_nothing(tmp_path):
    path = str(tmp_path / "lock")
    first = FileLock(path)
    with pytest.raises(Busy):
        FileLock(path)
    first.release(remove=True)
    assert not os.path.exists(path)
    second = FileLock(path)
    with pytest.raises(Busy) as caught:
        FileLock(path)
    assert caught.value.pid == os.getpid()
    second.release()
    FileLock(path).release()


def test_a_lock_that_cannot_be_written_is_let_go_of(tmp_path, monkeypatch):
    def full(fd, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = str(tmp_path / "lock")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space") as caught:  # noqa: F841 # keeps the traceback, and the lock in it
            FileLock(path)
    FileLock(path).release()

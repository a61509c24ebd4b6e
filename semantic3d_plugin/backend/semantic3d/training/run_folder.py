"""The folder beside a package in which its training run keeps its checkpoint. What others put there stays."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from s3d_protocol import OutputFailed
from s3d_protocol.file_lock import Busy, FileLock

LEDGER, BEST, STATE = "ledger.json", "best.safetensors", "state.safetensors"
_OWN = (LEDGER, BEST, STATE, ".ledger.partial", ".best.partial", ".state.partial")
_LOCK = "lock"  # held by the process that trains here
_UNFINISHED = re.compile(r"\.tmp\w{6}")  # what safetensors leaves where it is killed while it writes


def check_run_folder(folder: Path) -> None:
    """Check that a run may keep its checkpoint there.

    Raises:
        OutputFailed: it is a file, or a folder of somebody else's things alone.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputFailed(f"{folder} is a file, but checkpoints need the place. Move it, or choose another package.")
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    if names and not any(name == _LOCK or _is_own(name) for name in names):
        raise OutputFailed(
            f"The folder {folder} is for this package's checkpoints, but holds other things ({names[0]}). Move them, "
            "or choose another package."
        )


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make the folder and keep other runs out of it meanwhile; at the end it goes if nothing is in it.

    Raises:
        OutputFailed: another process trains there, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(str(folder / _LOCK), needed=False)
    except Busy as busy:
        who = f"Process {busy.pid}" if busy.pid else "Another process"
        raise OutputFailed(
            f"{who} is already training for this package (its checkpoints are in {folder}). Wait for it or end it "
            "first, or choose another package.",
            {"pid": busy.pid, "folder": str(folder)},
        ) from busy
    except OSError as error:
        raise OutputFailed(f"The folder {folder} for checkpoints cannot be made: {error}.") from error
    try:
        yield
    finally:
        with suppress(OSError):  # the folder was deleted meanwhile, or holds a checkpoint
            lock.release(remove=True)
            folder.rmdir()


def clear(folder: Path) -> None:
    """Delete a run's files, and nothing else."""
    for name in os.listdir(folder):
        if _is_own(name):
            (folder / name).unlink(missing_ok=True)


def _is_own(name: str) -> bool:
    return name in _OWN or _UNFINISHED.fullmatch(name) is not None

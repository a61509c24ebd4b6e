"""The folder beside a package in which its training run keeps its checkpoint. What others put there stays."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from s3d_protocol import OutputFailed
from s3d_protocol.file_lock import Busy, FileLock

LEDGER, BEST, STATE = "ledger.json", "best.safetensors", "state.safetensors"
LENGTH = ("steps", "validate_every")  # settings that only say how long a run is; QGIS makes the second of the first
_OWN = (LEDGER, BEST, STATE, ".ledger.partial", ".best.partial", ".state.partial")
_LOCK = "lock"  # held by the process that trains here
_UNFINISHED = re.compile(r"\.tmp\w{6}")  # what safetensors leaves where it is killed while it writes


@dataclass(frozen=True)
class RunIdentity:
    """What a run is, to tell whether a checkpoint is its own.

    Attributes:
        fingerprint: of settings, base and data together; all that earlier versions noted.
        settings: name -> value (JSON) of all that decides about the weights beside base and data.
        data: fingerprint of base, images and labels.
    """

    fingerprint: str
    settings: dict
    data: str

    @classmethod
    def of(cls, stored: dict) -> RunIdentity | None:
        """The identity in a ledger's file; None in one of an earlier version."""
        if "settings" not in stored or "data" not in stored:
            return None
        return cls(stored["fingerprint"], stored["settings"], stored["data"])

    def differences(self, stored: dict) -> dict[str, str]:
        """How the run of a ledger's file differs: name of a setting, or "data" -> in words. Empty where it is this."""
        other = RunIdentity.of(stored)
        if stored["fingerprint"] == self.fingerprint:
            return {}
        if other is None:
            return {"data": "other settings, base or data; an earlier version noted no more"}
        found = {
            name: f"its {name} is {other.settings.get(name)}, not {value}"
            for name, value in self.settings.items()
            if other.settings.get(name) != value
        }
        return found | ({"data": "other images, labels or base"} if other.data != self.data else {})


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


def set_aside(folder: Path) -> Path:
    """Move a run's files into a new folder beside theirs, and return it.

    Raises:
        OSError: the disk refuses.
    """
    number = 1
    while (aside := folder.with_name(f"{folder.name}.{number}")).exists():
        number += 1
    aside.mkdir()
    for name in os.listdir(folder):
        if _is_own(name):
            (folder / name).replace(aside / name)
    return aside


def _is_own(name: str) -> bool:
    return name in _OWN or _UNFINISHED.fullmatch(name) is not None

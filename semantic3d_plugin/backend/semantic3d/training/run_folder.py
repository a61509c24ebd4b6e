"""The folder beside a package in which its training run keeps its checkpoint. What others put there stays."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from s3d_protocol import OutputFailed

LEDGER, BEST, STATE = "ledger.json", "best.safetensors", "state.safetensors"
_OWN = (LEDGER, BEST, STATE, ".ledger.partial", ".best.partial", ".state.partial")
_UNFINISHED = re.compile(r"\.tmp\w{6}")  # what safetensors leaves where it is killed while it writes


def check_run_folder(folder: Path) -> None:
    """Check that a run may keep its checkpoint there.

    Raises:
        OutputFailed: it is a file, or a folder of somebody else's things alone.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputFailed(f"{folder} is a file, but checkpoints need the place. Move it, or choose another package.")
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    if names and not any(_is_own(name) for name in names):
        raise OutputFailed(
            f"The folder {folder} is for this package's checkpoints, but holds other things ({names[0]}). Move them, "
            "or choose another package."
        )


def clear(folder: Path) -> None:
    """Delete a run's files, and nothing else."""
    for name in os.listdir(folder):
        if _is_own(name):
            (folder / name).unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Delete a finished run's files, and the folder if nothing else is in it; what will not go stays."""
    with suppress(OSError):
        clear(folder)
        folder.rmdir()


def _is_own(name: str) -> bool:
    return name in _OWN or _UNFINISHED.fullmatch(name) is not None

"""One installer at a time: a lock of the operating system on a file that names its owner.

The system lets go of the lock when the owner ends, however it ends, so that a killed installer blocks nobody, and a
process that later gets its number does not either.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from ..backend.s3d_protocol.errors import OutputFailed

_LOCKED_BYTE = 1 << 20  # Windows keeps others from reading what is locked: a byte beyond the text


class Ownership:
    """Hold `path` while an environment is built or removed.

    Raises:
        OutputFailed: another living process holds it, or the folder cannot be written.
    """

    def __init__(self, path: Path):
        self._path = path
        self._file: IO | None = None

    def __enter__(self) -> Ownership:
        deadline_s = time.monotonic() + 1.0
        while self._file is None:
            try:
                self._file = self._try_lock()
            except BlockingIOError:
                owner = self._owner()
                raise OutputFailed(
                    f"Another setup of the backend is running (process {owner}). Wait until it has finished, and try "
                    "again.",
                    {"pid": owner},
                ) from None
            except OSError as error:
                raise OutputFailed(
                    f"The lock {self._path} cannot be taken ({error.strerror or error}). Set SEMANTIC3D_HOME to a "
                    "folder that can be written."
                ) from error
            if self._file is None and time.monotonic() > deadline_s:
                raise OutputFailed(f"The lock {self._path} could not be taken. Try again in a moment.")
        return self

    def __exit__(self, *exception: object) -> None:
        if os.name == "nt":  # an open file cannot be removed there; who comes first afterwards uses it again
            self._file.close()
            with suppress(OSError):
                self._path.unlink()
        else:
            self._path.unlink(missing_ok=True)
            self._file.close()
        self._file = None

    def _try_lock(self) -> IO | None:
        """Return the locked file; None where it was removed meanwhile. BlockingIOError where another holds it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = open(self._path, "a+", encoding="utf-8")
        try:
            _lock(file)
            if not _is_still(file, self._path):
                file.close()
                return None
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid()}))
            file.flush()
        except BaseException:
            file.close()
            raise
        return file

    def _owner(self) -> int | str:
        try:
            stamp = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return "unknown"
        pid = stamp.get("pid") if isinstance(stamp, dict) else None
        return pid if isinstance(pid, int) else "unknown"


def _lock(file: IO) -> None:
    """Lock a file for this process alone, without waiting; BlockingIOError where another holds it."""
    if os.name != "nt":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    import msvcrt

    file.seek(_LOCKED_BYTE)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError as error:
        raise BlockingIOError(error.errno, "locked") from error


def _is_still(file: IO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False

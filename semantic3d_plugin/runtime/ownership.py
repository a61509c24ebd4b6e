"""One installer at a time: a lock on a file that names its owner."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ..backend.s3d_protocol.errors import OutputFailed
from ..backend.s3d_protocol.file_lock import Busy, FileLock


class Ownership:
    """Hold `path` while an environment is built or removed.

    Raises:
        OutputFailed: another living process holds it, or the folder cannot be written.
    """

    def __init__(self, path: Path):
        self._path = path
        self._lock: FileLock | None = None

    def __enter__(self) -> Ownership:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(str(self._path))
        except Busy as busy:
            owner = busy.pid or "unknown"
            raise OutputFailed(
                f"Another setup of the backend is running (process {owner}). Wait until it has finished, and try "
                "again.",
                {"pid": owner},
            ) from None
        except OSError as error:
            raise OutputFailed(
                f"The lock {self._path} cannot be taken ({error.strerror or error}). Set SEMANTIC3D_HOME to a "
                "folder that can be written, on a disk that can lock files."
            ) from error
        return self

    def __exit__(self, *exception: object) -> None:
        with suppress(OSError):  # a lock file that stays is harmless: who comes next uses it again
            self._lock.release(remove=True)
        self._lock = None

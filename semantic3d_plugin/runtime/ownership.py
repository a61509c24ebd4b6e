"""One installer at a time: a lock file that carries its owner's process id."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from ..backend.s3d_protocol.errors import OutputFailed

_STILL_ACTIVE = 259


def is_alive(pid: int) -> bool:
    """Whether a process of this number exists."""
    if pid <= 0:
        return False
    if os.name == "nt":
        return _is_alive_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_alive_windows(pid: int) -> bool:
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return False
    code = ctypes.c_ulong()
    known = kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return bool(known) and code.value == _STILL_ACTIVE


class Ownership:
    """Hold `path` while an environment is built or removed.

    Raises:
        OutputFailed: another living process holds it. A dead owner's lock is taken over.
    """

    def __init__(self, path: Path):
        self._path = path
        self._stamp = {"pid": os.getpid(), "since": time.time_ns()}

    def __enter__(self) -> Ownership:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(3):
            if self._try_create():
                return self
            owner = self._owner()
            if owner is not None and is_alive(owner):
                raise OutputFailed(
                    f"Another setup of the backend is running (process {owner}). Wait until it has finished; "
                    f"if there is none, delete {self._path}.",
                    {"pid": owner},
                )
            self._path.unlink(missing_ok=True)
        raise OutputFailed(f"The lock {self._path} could not be taken. Try again in a moment.")

    def __exit__(self, *exception: object) -> None:
        if self._read() == self._stamp:
            self._path.unlink(missing_ok=True)

    def _try_create(self) -> bool:
        # The content is complete before the name exists, so no reader ever sees half a lock.
        own = self._path.with_name(f"{self._path.name}.{self._stamp['pid']}.{self._stamp['since']}")
        own.write_text(json.dumps(self._stamp), encoding="utf-8")
        try:
            if os.name == "nt":
                own.rename(self._path)  # fails there where the name exists
            else:
                os.link(own, self._path)
        except FileExistsError:
            return False
        except OSError:  # a file system without links: the lock is then a promise among the well-behaved
            if self._path.exists():
                return False
            own.replace(self._path)
        finally:
            own.unlink(missing_ok=True)
        return True

    def _read(self) -> dict | None:
        try:
            stamp = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return stamp if isinstance(stamp, dict) else None

    def _owner(self) -> int | None:
        stamp = self._read()
        return stamp.get("pid") if stamp and isinstance(stamp.get("pid"), int) else None

"""A lock that one process holds on a file, and that the operating system opens when the process dies.

However it dies: a killed one blocks nobody, and neither does a process that later gets its number.
"""

from __future__ import annotations

import errno
import json
import os
import time

if os.name == "nt":
    import msvcrt
else:
    import fcntl

_BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, getattr(errno, "EOPNOTSUPP", errno.ENOSYS))  # of some network disks
_FAR_BYTE = 1 << 30  # Windows locks bytes against reading, too: not those that hold the process's id
_TRIES, _PAUSE_S = 50, 0.02


class Busy(Exception):
    """Another process holds the lock.

    Attributes:
        pid: which one; None where it has not said so yet.
    """

    def __init__(self, pid: int | None):
        super().__init__(f"held by process {pid}")
        self.pid = pid


class FileLock:
    """The lock, held from the making of this object to `release`."""

    def __init__(self, path: str, *, needed: bool = True):
        """Take the lock; the file is created and names this process.

        Args:
            needed: whether a disk that knows no locks is an error; else it keeps nobody out there.

        Raises:
            Busy: another process, or another job of this one, holds it.
            OSError: the file cannot be written, or locked.
        """
        self._path = path
        self._fd = _open_locked(path, needed)
        try:
            os.ftruncate(self._fd, 0)
            os.write(self._fd, json.dumps({"pid": os.getpid()}).encode())
        except OSError:  # the disk is full
            self.release()
            raise

    def release(self, remove: bool = False) -> None:
        """Let go of the lock, and delete its file if asked to; harmless when done twice."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        try:
            if remove and os.name != "nt":
                os.remove(self._path)
        finally:
            os.close(fd)
        if remove and os.name == "nt":  # an open file cannot be deleted there
            os.remove(self._path)


def _open_locked(path: str, needed: bool) -> int:
    for _ in range(_TRIES):
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                _lock(fd)
            except OSError as error:
                if needed or error.errno not in _NO_LOCKS:
                    raise
            if os.path.exists(path) and os.path.samestat(os.fstat(fd), os.stat(path)):
                return fd  # else its holder has deleted it since: that lock protects nothing
        except OSError as error:
            os.close(fd)
            if error.errno in _BUSY:
                raise Busy(_pid_in(path)) from error
            raise
        os.close(fd)
        time.sleep(_PAUSE_S)
    raise OSError(errno.ENOLCK, f"The file {path} is never the one that was opened; that disk cannot lock files")


def _lock(fd: int) -> None:
    if os.name == "nt":
        os.lseek(fd, _FAR_BYTE, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        os.lseek(fd, 0, os.SEEK_SET)
    else:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _pid_in(path: str) -> int | None:
    try:
        with open(path, "rb") as file:
            stamp = json.loads(file.read(64))
    except (OSError, ValueError):  # gone by now, or not yet written
        return None
    pid = stamp.get("pid") if isinstance(stamp, dict) else None
    return pid if isinstance(pid, int) else None

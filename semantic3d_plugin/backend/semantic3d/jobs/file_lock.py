"""A lock that one process holds on a file, and that the operating system opens when the process dies."""

from __future__ import annotations

import errno
import os

if os.name == "nt":
    import msvcrt
else:
    import fcntl

_BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, getattr(errno, "EOPNOTSUPP", errno.ENOSYS))  # of some network disks
_FAR_BYTE = 1 << 30  # Windows locks bytes against reading, too: not those that hold the process's id


class Busy(Exception):
    """Another process holds the lock.

    Attributes:
        pid: which one; None where it has not said so yet.
    """

    def __init__(self, pid: int | None):
        super().__init__(f"held by process {pid}")
        self.pid = pid


class FileLock:
    """The lock, held from the making of this object to `release`. Where a disk knows no locks it keeps nobody out."""

    def __init__(self, path: str):
        """Take the lock; the file is created and names this process.

        Raises:
            Busy: another process, or another job of this one, holds it.
            OSError: the file cannot be written.
        """
        self._path = path
        self._fd = _open_locked(path)
        try:
            os.ftruncate(self._fd, 0)
            os.write(self._fd, f"{os.getpid()}\n".encode())
        except OSError:  # the disk is full
            self.release()
            raise

    def release(self, remove: bool = False) -> None:
        """Let go of the lock, and delete its file if asked to; harmless when done twice."""
        if self._fd is None:
            return
        if remove and os.name != "nt":
            os.remove(self._path)
        os.close(self._fd)
        self._fd = None
        if remove and os.name == "nt":  # an open file cannot be deleted there
            os.remove(self._path)


def _open_locked(path: str) -> int:
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                _lock(fd)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
            if os.path.exists(path) and os.path.samestat(os.fstat(fd), os.stat(path)):
                return fd  # else its holder has deleted it since: that lock protects nothing
        except OSError as error:
            os.close(fd)
            if error.errno in _BUSY:
                raise Busy(_pid_in(path)) from error
            raise
        os.close(fd)


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
            text = file.read(32).strip()
    except OSError:  # gone by now
        return None
    return int(text) if text.isdigit() else None

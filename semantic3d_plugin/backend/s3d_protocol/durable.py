"""What is written reaches the disk: a power cut takes none of it."""

from __future__ import annotations

import errno
import os

_NO_FOLDERS = {errno.EINVAL, errno.EBADF, errno.ENOTSUP}  # some network and shared folders cannot be synchronised


def sync_file(path: str) -> None:
    """Bring a file's content to the disk."""
    _sync(path, os.O_RDWR)  # Windows takes no other mode


def sync_folder(path: str) -> None:
    """Bring a folder's entries to the disk, where the system knows how to."""
    if os.name != "nt":  # where folders cannot be opened
        try:
            _sync(path, os.O_RDONLY)
        except OSError as error:
            if error.errno not in _NO_FOLDERS:
                raise


def replace_durably(aside: str, path: str) -> None:
    """Bring a file written aside to the disk, and put it in its place: whatever happens, one of the two is whole."""
    sync_file(aside)
    os.replace(aside, path)
    sync_folder(os.path.dirname(path))


def _sync(path: str, mode: int) -> None:
    number = os.open(path, mode)
    try:
        os.fsync(number)
    finally:
        os.close(number)

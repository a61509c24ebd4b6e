"""Arrays that are put aside and soon wanted again: a few MB of them in memory, the rest in a file without a name.

What one row of tiles leaves for the next is as wide as the image. On a shelf it takes no more memory for a wide
image than for a narrow one; the file is read and written in the order of the walk, from the system's cache mostly.
"""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from contextlib import suppress
from typing import Hashable

import numpy as np

from s3d_protocol import OutputFailed

from .gdal_errors import reason
from .writer import free_text


class Shelf:
    """Arrays by key, for one thread; close it when done."""

    def __init__(self, memory_bytes: int, folder: str | None = None):
        """Make an empty shelf.

        Args:
            memory_bytes: that may lie in memory; the array put last always does.
            folder: for the file, which is made when it is needed; None for the system's folder.
        """
        self._memory_bytes, self._folder = memory_bytes, folder
        self._near: OrderedDict[Hashable, np.ndarray] = OrderedDict()  # the one used last at the end
        self._near_bytes = 0
        self._far: dict[Hashable, tuple[int, tuple, np.dtype]] = {}  # where in the file, shape, type
        self._places: dict[Hashable, tuple[int, int]] = {}  # where each key's array goes, and how many bytes fit
        self._file, self._end = None, 0

    def put(self, key: Hashable, array: np.ndarray) -> None:
        """Put an array on the shelf; it is the shelf's from now on, and may be changed until the next `put`.

        Raises:
            OutputFailed: the file cannot be written; the disk is full.
        """
        self.pop(key, wanted=False)
        self._near[key] = array
        self._near_bytes += array.nbytes
        while self._near_bytes > self._memory_bytes and len(self._near) > 1:
            oldest, moved = self._near.popitem(last=False)
            self._near_bytes -= moved.nbytes
            self._write(oldest, moved)

    def pop(self, key: Hashable, wanted: bool = True) -> np.ndarray | None:
        """Take an array off the shelf, bit by bit as it was put there; None where there is none.

        Raises:
            OutputFailed: the file cannot be read.
        """
        if key in self._near:
            array = self._near.pop(key)
            self._near_bytes -= array.nbytes
            return array
        found = self._far.pop(key, None)
        if found is None or not wanted:
            return None
        place, shape, dtype = found
        array = np.empty(shape, dtype)
        rest = memoryview(array.reshape(-1).view(np.uint8))
        try:
            self._file.seek(place)
            while rest.nbytes:
                count = self._file.readinto(rest)
                if not count:
                    raise OSError("it has become shorter")
                rest = rest[count:]
        except OSError as error:
            raise self._failed("read", error) from error
        return array

    def _write(self, key: Hashable, array: np.ndarray) -> None:
        place, room = self._places.get(key, (self._end, -1))
        if array.nbytes > room:
            place, room = self._end, array.nbytes
        rest = memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0, prefix=".semantic3d_", dir=self._folder)
            self._file.seek(place)
            while rest.nbytes:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._failed("written", error) from error
        self._places[key], self._end = (place, room), max(self._end, place + room)
        self._far[key] = place, array.shape, array.dtype

    def _failed(self, what: str, error: OSError) -> OutputFailed:
        folder = self._folder or tempfile.tempdir
        where, free = (f"in {folder}", free_text(f"{folder}/x")) if folder else ("in the system's folder for them", "")
        return OutputFailed(
            f"A temporary file {where} cannot be {what}: {reason(error)} {free} "
            "Check that the folder is writable and the disk has room.",
            {"path": folder or ""},
        )

    def close(self) -> None:
        """Forget everything; the file goes with it."""
        self._near.clear()
        self._far.clear()
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # a disk that only now says it is full: nobody wants these bytes any more
                file.close()

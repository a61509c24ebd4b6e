"""Which image this is, and whether it is still the same: cheap on an image of any size."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import Iterator

import numpy as np

from s3d_protocol import InvalidInput

from ..raster.block_sizes import file_holding, files_below, stamp_of
from ..raster.source import ImageSource, open_raster

_HEAD_BYTES = 65_536
_SAMPLES = 5  # along each axis
_SAMPLE_PX = 32
_NOT_PIXELS = (".aux.xml", ".ovr")  # QGIS and GDAL write these beside an image that is merely looked at


class ImageChanged(InvalidInput):
    """The image is another one than at the job's start: none of its blocks will be wanted again."""


class ImageFiles:
    """The files that an image's pixels come from, as they were when this was made.

    Parts of a virtual raster and masks count, and of an archive (/vsizip/) the archive. What does not lie on a disk of
    ours (/vsis3/, https) has no stamp: rasterio cannot ask a server for the time of an object.

    Attributes:
        far: names of what has no stamp.
    """

    def __init__(self, path: str):
        """Look at the files.

        Raises:
            InvalidInput: there is no image, or its files have names that cannot be read.
        """
        self._path = path
        with open_raster(path) as dataset:
            names = files_below(dataset, path)
        held = {name: file_holding(name) for name in names if not name.lower().endswith(_NOT_PIXELS)}
        self.far = sorted(name for name, file in held.items() if file is None and name.startswith("/vsi"))
        self._names = sorted({file for file in held.values() if file is not None})
        # an archive may hold many images: which one, the archive's name does not say
        self._members = sorted(
            name.rpartition(os.path.basename(file))[2] for name, file in held.items() if file not in (None, name)
        )
        self._stamps = [stamp_of(name) for name in self._names]

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Around work on the image: where it cannot be read because its files changed, the error says so."""
        try:
            yield
        except ImageChanged:
            raise
        except InvalidInput as error:
            try:
                self.check_unchanged()
            except ImageChanged as change:
                said = f"{error.message} Since the job began its files were changed: make sure that nothing writes to them."
                raise InvalidInput(said, {**error.details, **change.details}) from error
            raise

    def check_unchanged(self) -> None:
        """Look at the files again.

        Raises:
            ImageChanged: one was changed or replaced since.
            InvalidInput: one is gone, or its number changed alone; finished blocks are good once it is back.
        """
        for name, before in zip(self._names, self._stamps):
            now = stamp_of(name)
            if now == before:
                continue
            if now is None:
                raise InvalidInput(
                    f"The image went away while it was worked on: {name} is gone. Bring it back (is its disk still "
                    "connected?), then run the job again.",
                    {"path": name},
                )
            if now[1:] == before[1:]:  # a copy with the size and time of before, or a disk that numbers its files anew
                raise InvalidInput(
                    f"The image changed while it was worked on: {name} was replaced by a file of its size and "
                    "time. Run the job again; finished blocks are taken if it is the same image.",
                    {"path": name},
                )
            raise ImageChanged(
                f"The image changed while it was worked on: {name} was changed or replaced. What was computed of it is "
                "thrown away. Make sure that nothing writes to the image, then run the job again.",
                {"path": name},
            )

    def fingerprint(self, source: ImageSource) -> str:
        """Return 64 hexadecimal digits from names, sizes and times of the files, what is read of archives, the first
        bytes of the first file, how it is read and pixels from all over the image; huge images are not read.

        Args:
            source: the open image.
        """
        digest = hashlib.sha256()
        for name, (_, size, mtime_ns) in zip(self._names, self._stamps):
            digest.update(f"{os.path.basename(name)} {size} {mtime_ns}\n".encode())
        for member in self._members:
            digest.update(f"{member}\n".encode())
        if self._path in self._names:
            with open(self._path, "rb") as file:
                digest.update(file.read(_HEAD_BYTES))
        add_samples(digest, source)
        return digest.hexdigest()


def add_samples(digest, source: ImageSource) -> None:
    """Add to a hashlib digest how an open image is read, and pixels from all over it."""
    digest.update(source.reading)
    for row in _spread(source.grid.height):
        for column in _spread(source.grid.width):
            width, height = min(_SAMPLE_PX, source.grid.width), min(_SAMPLE_PX, source.grid.height)
            pixels, valid = source.read(column, row, width, height)
            digest.update(np.ascontiguousarray(pixels).tobytes())
            if valid is not None:
                digest.update(valid.tobytes())


def _spread(size: int) -> list[int]:
    last = max(0, size - _SAMPLE_PX)
    return sorted({last * step // (_SAMPLES - 1) for step in range(_SAMPLES)})

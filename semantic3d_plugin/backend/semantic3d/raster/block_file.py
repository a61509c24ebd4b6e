"""One block of one layer on disk: plain, uncompressed and proven to be whole before anybody may rely on it."""

from __future__ import annotations

import os
import warnings
from typing import Callable

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window

from s3d_protocol.durable import sync_file
from s3d_protocol.errors import OutputFailed
from s3d_protocol.file_hash import file_hash

from .gdal_errors import GDAL_ERRORS, reason
from .writer import RasterSpec, free_text

_TILE_PX = 512


class BlockFile:
    """A block under way. It knows neither its place nor its tags: the mosaic over all blocks holds them.

    Attributes:
        path: the file.
    """

    def __init__(self, path: str, width: int, height: int, spec: RasterSpec):
        """Create the file.

        Args:
            width, height: of the block, pixels.

        Raises:
            OutputFailed: it cannot be created.
        """
        self.path = path
        tile_px = min(_TILE_PX, 16 * -(-max(width, height) // 16))
        tiles = -(-width // tile_px) * -(-height // tile_px) * len(spec.bands)
        self._least_bytes = tiles * tile_px**2 * np.dtype(spec.dtype).itemsize
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                self._dataset = rasterio.open(
                    path, "w", driver="GTiff", width=width, height=height, count=len(spec.bands), dtype=spec.dtype,
                    tiled=True, blockxsize=tile_px, blockysize=tile_px, interleave="band", BIGTIFF="IF_SAFER",
                )
        except GDAL_ERRORS as error:
            raise self._failed(reason(error)) from error

    def write(self, column: int, row: int, values: np.ndarray) -> None:
        """Write a rectangle [bands, H, W], in the file's type, at a pixel of the block.

        Raises:
            OutputFailed: the disk refuses.
        """
        try:
            self._dataset.write(values, window=Window(column, row, values.shape[2], values.shape[1]))
        except GDAL_ERRORS as error:
            raise self._failed(reason(error)) from error

    def finish(self, check_cancelled: Callable[[], None]) -> tuple[int, str]:
        """Close the file and bring it to the disk itself.

        Returns:
            Its bytes and their SHA-256.

        Raises:
            OutputFailed: not all of it could be written.
        """
        try:
            self._dataset.close()
            size = os.path.getsize(self.path)
            if size < self._least_bytes:  # GDAL says nothing of what fails while it closes a file
                raise self._failed(f"only {size} of {self._least_bytes} bytes were taken.")
            sync_file(self.path)
            return size, file_hash(self.path, check_cancelled)
        except GDAL_ERRORS as error:
            raise self._failed(reason(error)) from error

    def close(self) -> None:
        """Let go of the file; harmless after `finish`."""
        self._dataset.close()

    def _failed(self, text: str) -> OutputFailed:
        return OutputFailed(
            f"{self.path} cannot be written: {text} {free_text(self.path)} Check that the folder is writable and make "
            "room on its disk; the same job run again continues with the blocks that are kept.",
            {"path": self.path},
        )

"""Results on disk: rectangles into an interim file, then statistics, then a cloud optimised GeoTIFF.

The interim file is plain and uncompressed, so that rectangles can come in any order and size; the final one is
tiled, compressed, carries overviews, and holds everything that a program needs to show it right. Nothing in
it depends on when, where or in which chunks it was written: the same results give the same bytes.
"""

from __future__ import annotations

import math
import os
import shutil
import warnings
from dataclasses import dataclass, field
from typing import Callable, Iterator

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window

from s3d_protocol.errors import OutputFailed

from .gdal_errors import GDAL_ERRORS, reason
from .grid import Grid

_BLOCK_PX = 512
_ROOM_FACTOR = 2.0  # interim file, overviews on the way, final file
_ROOM_SPARE_BYTES = 32_000_000


@dataclass(frozen=True)
class RasterSpec:
    """What a raster output holds.

    Attributes:
        dtype: of all bands.
        nodata: value of pixels without a result.
        bands: description of each band.
        units: of each band, empty where it has none.
        scale: stored value times this is the value meant.
        colours: value -> (red, green, blue, alpha), for class ids.
        tags: of the whole file.
        overviews: GDAL's resampling for them.
    """

    dtype: str
    nodata: float
    bands: tuple
    units: tuple
    scale: float = 1.0
    colours: dict = field(default_factory=dict)
    tags: dict = field(default_factory=dict)
    overviews: str = "AVERAGE"

    def bytes_per_pixel(self) -> int:
        return np.dtype(self.dtype).itemsize * len(self.bands)


@dataclass(frozen=True)
class BandStatistics:
    """Of one band's valid pixels, in meant values (scale applied).

    Attributes:
        count: valid pixels; with 0, the numbers are NaN.
        minimum, maximum, mean, std: as they say.
    """

    count: int
    minimum: float
    maximum: float
    mean: float
    std: float


class RasterWriter:
    """One raster output under way.

    Attributes:
        path: where the final file is written (a partial name).
        spec, grid: what and where.
    """

    def __init__(self, path: str, grid: Grid, spec: RasterSpec):
        """Create the interim file.

        Raises:
            OutputFailed: it cannot be created.
        """
        self.path, self.grid, self.spec = path, grid, spec
        self._interim = path + ".interim.tif"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)  # as the image, so the result
                self._dataset = self._create()
        except GDAL_ERRORS as error:
            raise _failed(path, error) from error

    def _create(self):
        spec, grid = self.spec, self.grid
        dataset = rasterio.open(
            self._interim, "w+", driver="GTiff", width=grid.width, height=grid.height, count=len(spec.bands),
            dtype=spec.dtype, nodata=spec.nodata, crs=grid.crs, transform=grid.transform, tiled=True,
            blockxsize=_BLOCK_PX, blockysize=_BLOCK_PX, interleave="band", BIGTIFF="IF_SAFER",
        )
        dataset.descriptions = spec.bands
        dataset.units = spec.units
        if spec.scale != 1.0:
            dataset.scales = (spec.scale,) * len(spec.bands)
        if spec.colours:
            dataset.write_colormap(1, spec.colours)
        else:
            dataset.colorinterp = (ColorInterp.gray,) + (ColorInterp.undefined,) * (len(spec.bands) - 1)
        dataset.update_tags(**spec.tags)
        return dataset

    def write(self, column: int, row: int, values: np.ndarray) -> None:
        """Write a rectangle [bands, H, W], in the file's type, at a pixel of the output's own grid."""
        window = Window(column, row, values.shape[2], values.shape[1])
        try:
            self._dataset.write(values, window=window)
        except GDAL_ERRORS as error:
            raise _failed(self.path, error) from error

    def blocks(self) -> Iterator[tuple[Window, np.ndarray]]:
        """Yield (window, stored values [bands, h, w]) over the whole raster, always in the same order."""
        for row in range(0, self.grid.height, _BLOCK_PX):
            for column in range(0, self.grid.width, 4 * _BLOCK_PX):
                window = Window(
                    column, row, min(4 * _BLOCK_PX, self.grid.width - column), min(_BLOCK_PX, self.grid.height - row)
                )
                yield window, self._dataset.read(window=window)

    def finish(self, threads: int, check_cancelled: Callable[[], None]) -> list[BandStatistics]:
        """Add statistics, write the final file, delete the interim one.

        Returns:
            Statistics of each band.

        Raises:
            OutputFailed: the disk is full or refuses.
        """
        try:
            statistics = self._statistics(check_cancelled)
            for band, values in enumerate(statistics, 1):
                self._dataset.update_tags(band, **_statistics_tags(values, self.grid, self.spec.scale))
            self._dataset.close()
            check_cancelled()
            rasterio.shutil.copy(
                self._interim, self.path, driver="COG", COMPRESS="DEFLATE", LEVEL="4", PREDICTOR="YES",
                BLOCKSIZE=str(_BLOCK_PX), OVERVIEW_RESAMPLING=self.spec.overviews, OVERVIEWS="IGNORE_EXISTING",
                NUM_THREADS=str(threads), BIGTIFF="IF_SAFER",
            )
            os.remove(self._interim)
        except GDAL_ERRORS as error:
            raise _failed(self.path, error) from error
        return statistics

    def close(self) -> None:
        """Let go of the interim file; harmless after `finish`."""
        self._dataset.close()

    def _statistics(self, check_cancelled) -> list[BandStatistics]:
        count = len(self.spec.bands)
        moments = [_Moments() for _ in range(count)]
        for _, values in self.blocks():
            check_cancelled()
            for band in range(count):
                moments[band].add(self._meant(values[band]))
        return [moment.result() for moment in moments]

    def _meant(self, stored: np.ndarray) -> np.ndarray:
        valid = stored[stored != np.dtype(self.spec.dtype).type(self.spec.nodata)]
        return valid if self.spec.scale == 1.0 else valid.astype(np.float64) * self.spec.scale


class _Moments:
    def __init__(self):
        self._count, self._sum, self._squares = 0, 0.0, 0.0
        self._low, self._high = math.inf, -math.inf

    def add(self, values: np.ndarray) -> None:
        if values.size:
            wide = values.astype(np.float64)
            self._count += values.size
            self._sum += float(wide.sum())
            self._squares += float(np.square(wide).sum())
            self._low, self._high = min(self._low, float(wide.min())), max(self._high, float(wide.max()))

    def result(self) -> BandStatistics:
        if not self._count:
            return BandStatistics(0, *(math.nan,) * 4)
        mean = self._sum / self._count
        std = math.sqrt(max(0.0, self._squares / self._count - mean * mean))
        return BandStatistics(self._count, self._low, self._high, mean, std)


def check_room(sizes: dict) -> None:
    """Check that the outputs fit on their disks, roughly.

    Args:
        sizes: path -> uncompressed bytes.

    Raises:
        OutputFailed: a disk has too little room.
    """
    by_device: dict[int, list] = {}
    for path, size in sizes.items():
        folder = os.path.dirname(os.path.abspath(path))
        entry = by_device.setdefault(os.stat(folder).st_dev, [folder, 0])
        entry[1] += size
    for folder, size in by_device.values():
        needed = int(size * _ROOM_FACTOR) + _ROOM_SPARE_BYTES
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise OutputFailed(
                f"The disk that holds {folder} has {free / 1e9:.2f} GB free, and the outputs need up to "
                f"{needed / 1e9:.2f} GB while they are "
                "written. Make room, or choose another disk or a smaller extent.",
                {"free_bytes": free, "needed_bytes": needed},
            )


def _statistics_tags(values: BandStatistics, grid: Grid, scale: float) -> dict:
    """Return GDAL's statistics tags, which speak of stored values."""
    if not values.count:
        return {}
    numbers = {"MINIMUM": values.minimum, "MAXIMUM": values.maximum, "MEAN": values.mean, "STDDEV": values.std}
    tags = {f"STATISTICS_{name}": f"{number / scale:.9g}" for name, number in numbers.items()}
    tags["STATISTICS_VALID_PERCENT"] = f"{100.0 * values.count / (grid.width * grid.height):.4g}"
    return tags


def _failed(path: str, error: BaseException) -> OutputFailed:
    return OutputFailed(
        f"The output {path} cannot be written: {reason(error)} "
        "Check that the folder is writable and the disk has room.",
        {"path": path},
    )

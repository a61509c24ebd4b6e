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
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window

from s3d_protocol.errors import OutputFailed

from .gdal_errors import GDAL_ERRORS, reason
from .grid import Grid

_BLOCK_PX = 512
_OVERVIEWS = {  # settings that users have for files of their own must not reach these
    "GDAL_TIFF_OVR_BLOCKSIZE": _BLOCK_PX, "INTERLEAVE_OVERVIEW": "BAND", "BIGTIFF_OVERVIEW": "IF_SAFER",
    "COMPRESS_OVERVIEW": "NONE", "SPARSE_OK_OVERVIEW": "NO", "USE_RRD": "NO", "VRT_VIRTUAL_OVERVIEWS": "NO",
}  # fmt: skip
_ROOM_FACTOR = 2.0  # interim file, overviews on the way, final file
_ROOM_SPARE_BYTES = 32_000_000
_SUMMED_AT_ONCE = 32_768  # values that stay in the processor's cache as float64


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
        overviews: how pixels become one of an overview.
    """

    dtype: str
    nodata: float
    bands: tuple
    units: tuple
    scale: float = 1.0
    colours: dict = field(default_factory=dict)
    tags: dict = field(default_factory=dict)
    overviews: Resampling = Resampling.average

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
            raise failed(path, error) from error

    def _create(self):
        spec, grid = self.spec, self.grid
        dataset = rasterio.open(
            self._interim, "w+", driver="GTiff", width=grid.width, height=grid.height, count=len(spec.bands),
            dtype=spec.dtype, nodata=spec.nodata, crs=grid.crs, transform=grid.transform, tiled=True,
            blockxsize=_BLOCK_PX, blockysize=_BLOCK_PX, interleave="band", BIGTIFF="IF_SAFER",
        )
        describe(dataset, spec)
        return dataset

    def write(self, column: int, row: int, values: np.ndarray) -> None:
        """Write a rectangle [bands, H, W], in the file's type, at a pixel of the output's own grid."""
        window = Window(column, row, values.shape[2], values.shape[1])
        try:
            self._dataset.write(values, window=window)
        except GDAL_ERRORS as error:
            raise failed(self.path, error) from error

    def finish(self, threads: int, check_cancelled: Callable[[], None]) -> list[BandStatistics]:
        """Add statistics, write the final file, delete the interim one.

        Returns:
            Statistics of each band.

        Raises:
            OutputFailed: the disk is full or refuses.
        """
        try:
            statistics = raster_statistics(self._dataset, self.spec, check_cancelled)
            for band, values in enumerate(statistics, 1):
                self._dataset.update_tags(band, **statistics_tags(values, self.grid, self.spec.scale))
            self._dataset.close()
            self._check_size()
            check_cancelled()
            write_cog(self._interim, self.path, self.spec, threads, check_cancelled)
            os.remove(self._interim)
        except GDAL_ERRORS as error:
            raise failed(self.path, error) from error
        return statistics

    def _check_size(self) -> None:
        """GDAL says nothing of what fails while it closes a file, but the file is short then."""
        least = self.spec.bytes_per_pixel() * self.grid.width * self.grid.height
        size = os.path.getsize(self._interim)
        if size < least:
            raise OSError(f"only {size} of {least} bytes were taken")

    def close(self) -> None:
        """Let go of the interim file; harmless after `finish`."""
        self._dataset.close()


def describe(dataset, spec: RasterSpec) -> None:
    """Write names, units, scale, colours and tags into a dataset that is open for writing."""
    dataset.descriptions = spec.bands
    dataset.units = spec.units
    if spec.scale != 1.0:
        dataset.scales = (spec.scale,) * len(spec.bands)
    if spec.colours:
        dataset.write_colormap(1, spec.colours)
    else:
        dataset.colorinterp = (ColorInterp.gray,) + (ColorInterp.undefined,) * (len(spec.bands) - 1)
    dataset.update_tags(**spec.tags)


def raster_blocks(dataset) -> Iterator[np.ndarray]:
    """Yield stored values [bands, h, w] over a whole open raster, always in the same order.

    Each lies where the one before did: fresh memory for each took as long as reading it.
    """
    wide, high = min(4 * _BLOCK_PX, dataset.width), min(_BLOCK_PX, dataset.height)
    memory = np.empty(dataset.count * high * wide, dataset.dtypes[0])
    for row in range(0, dataset.height, high):
        for column in range(0, dataset.width, wide):
            window = Window(column, row, min(wide, dataset.width - column), min(high, dataset.height - row))
            shape = dataset.count, window.height, window.width
            yield dataset.read(window=window, out=memory[: math.prod(shape)].reshape(shape))


def raster_statistics(dataset, spec: RasterSpec, check_cancelled: Callable[[], None]) -> list[BandStatistics]:
    """Return the statistics of each band of an open raster."""
    moments = [_Moments() for _ in spec.bands]
    for values in raster_blocks(dataset):
        check_cancelled()
        for moment, stored in zip(moments, values):
            moment.add(_meant(stored, spec))
    return [moment.result() for moment in moments]


def _meant(stored: np.ndarray, spec: RasterSpec) -> np.ndarray:
    is_valid = stored != np.dtype(spec.dtype).type(spec.nodata)
    valid = stored.ravel() if is_valid.all() else stored[is_valid]
    return valid if spec.scale == 1.0 else valid.astype(np.float64) * spec.scale


def write_cog(
    source_path: str, path: str, spec: RasterSpec, threads: int, check_cancelled: Callable[[], None]
) -> None:
    """Write a raster anew as cloud optimised GeoTIFF, and read it once.

    With several threads GDAL does not say that the disk was full: the file is then broken.

    Args:
        source_path: an interim file or a VRT; it gets overviews, too.

    Raises:
        GDAL_ERRORS: as GDAL raises them.
    """
    levels = _add_overviews(source_path, spec)
    check_cancelled()
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="FALSE"):  # else the overviews beside a VRT may not be seen
        rasterio.shutil.copy(
            source_path, path, driver="COG", COMPRESS="DEFLATE", LEVEL="1", PREDICTOR="YES",
            BLOCKSIZE=str(_BLOCK_PX), OVERVIEWS="FORCE_USE_EXISTING", NUM_THREADS=str(threads), BIGTIFF="IF_SAFER",
        )
    with rasterio.open(path) as whole:
        if len(whole.overviews(1)) != levels:
            raise OSError(f"it has {len(whole.overviews(1))} overviews instead of {levels}")
    for options in ({}, *({"overview_level": level} for level in range(levels))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path, NUM_THREADS=str(threads), **options) as dataset:
                for _ in raster_blocks(dataset):
                    check_cancelled()


def _add_overviews(path: str, spec: RasterSpec) -> int:
    """Add overviews to a raster, in itself or (a VRT) beside it; returns how many.

    Uncompressed and band by band, which takes a sixth of the time in which GDAL's COG driver makes its own.
    """
    beside = path + ".ovr"
    if os.path.exists(beside):  # of a run that was killed
        os.remove(beside)
    with rasterio.Env(**_OVERVIEWS), rasterio.open(path, "r+") as dataset:
        width, height = dataset.width, dataset.height
        factors = [2**step for step in range(1, 31) if max(width, height) > _BLOCK_PX * 2 ** (step - 1)]
        if not factors:
            return 0
        before = os.path.getsize(path)
        dataset.build_overviews(factors, spec.overviews)
    size = os.path.getsize(beside) if os.path.exists(beside) else os.path.getsize(path) - before
    least = spec.bytes_per_pixel() * sum((width // factor) * (height // factor) for factor in factors)
    if size < least:  # GDAL says nothing of what fails while it closes a file
        raise OSError(f"only {size} of {least} bytes of overviews were taken")
    return len(factors)


class _Moments:
    def __init__(self):
        self._count, self._sum, self._squares = 0, 0.0, 0.0
        self._low, self._high = math.inf, -math.inf

    def add(self, values: np.ndarray) -> None:
        if not values.size:
            return
        self._count += values.size
        self._low, self._high = min(self._low, float(values.min())), max(self._high, float(values.max()))
        for first in range(0, values.size, _SUMMED_AT_ONCE):
            wide = values[first : first + _SUMMED_AT_ONCE].astype(np.float64)
            self._sum += float(wide.sum())
            self._squares += float(np.square(wide, out=wide).sum())

    def result(self) -> BandStatistics:
        if not self._count:
            return BandStatistics(0, *(math.nan,) * 4)
        mean = self._sum / self._count
        std = math.sqrt(max(0.0, self._squares / self._count - mean * mean))
        return BandStatistics(self._count, self._low, self._high, mean, std)


def check_room(sizes: dict, factor: float = _ROOM_FACTOR) -> None:
    """Check that the outputs fit on their disks, roughly.

    Args:
        sizes: path -> uncompressed bytes.
        factor: bytes on disk while the work lasts, for each of these bytes.

    Raises:
        OutputFailed: a disk has too little room.
    """
    by_device: dict[int, list] = {}
    for path, size in sizes.items():
        folder = os.path.dirname(os.path.abspath(path))
        entry = by_device.setdefault(os.stat(folder).st_dev, [folder, 0])
        entry[1] += size
    for folder, size in by_device.values():
        needed = int(size * factor) + _ROOM_SPARE_BYTES
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise OutputFailed(
                f"The disk that holds {folder} has {free / 1e9:.2f} GB free, and the outputs need up to "
                f"{needed / 1e9:.2f} GB while they are "
                "written. Make room, or choose another disk or a smaller extent.",
                {"free_bytes": free, "needed_bytes": needed},
            )


def statistics_tags(values: BandStatistics, grid: Grid, scale: float) -> dict:
    """Return GDAL's statistics tags, which speak of stored values."""
    if not values.count:
        return {}
    numbers = {"MINIMUM": values.minimum, "MAXIMUM": values.maximum, "MEAN": values.mean, "STDDEV": values.std}
    tags = {f"STATISTICS_{name}": f"{number / scale:.9g}" for name, number in numbers.items()}
    tags["STATISTICS_VALID_PERCENT"] = f"{100.0 * values.count / (grid.width * grid.height):.4g}"
    return tags


def failed(path: str, error: BaseException) -> OutputFailed:
    """Return the error that says why an output cannot be written."""
    return OutputFailed(
        f"The output {path} cannot be written: {reason(error)} {free_text(path)} "
        "Check that the folder is writable and the disk has room.",
        {"path": path},
    )


def free_text(path: str) -> str:
    """Say how much room the disk of a file has."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        return f"{shutil.disk_usage(folder).free / 1e9:.2f} GB are free there."
    except OSError:
        return f"The folder {folder} cannot be reached."

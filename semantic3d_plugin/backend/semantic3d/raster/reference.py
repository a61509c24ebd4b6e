"""Reference rasters on another raster's grid: any CRS, any pixel size, several files of a kind.

What is finer than the grid is averaged (heights) or put to the vote (classes), what is coarser is interpolated
(heights) or repeated (classes). A pixel whose value would come mostly from NoData has none, so that nothing is
invented across a gap or beyond an edge.
"""

from __future__ import annotations

import math
from typing import Callable, Iterator

import numpy as np
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.warp import reproject
from rasterio.windows import Window

from s3d_protocol.errors import InvalidInput

from .block_sizes import open_bounded
from .gdal_errors import GDAL_ERRORS, reason
from .grid import Grid, apply
from .grid_pixels import to_pixels
from .one_band import alpha_band, metres_per_unit, validity

LOWEST_M, HIGHEST_M = -500.0, 9000.0  # beyond, a number is a NoData value that nobody declared
_CHUNK_PX = 1024
_SOURCE_PX = 4_000_000  # of a reference that are in memory together
_MARGIN_PX = 3  # invalid pixels around what is read, so that an edge is an edge
_EDGE_POINTS = 9
_LEAST_VALID = 0.5
_FINER = 1.1  # a reference with more pixels than this along a side of the grid's pixel is averaged
_LOCAL_CRS = CRS.from_epsg(3857)  # stands for the unknown one that both rasters share


class Reference:
    """An open raster of heights or classes, in its first band. Close it, or use it as a context manager."""

    def __init__(self, path: str, what: str):
        """Open it.

        Args:
            what: what it is to the user, such as "nDSM".

        Raises:
            InvalidInput: it cannot be opened, holds no numbers, or has blocks of gigabytes.
        """
        self.path, self.what = path, what
        try:
            self._dataset = open_bounded(path)
        except (*GDAL_ERRORS, ValueError) as error:
            raise InvalidInput(f"The {what} {path} cannot be opened: {reason(error)} Check the path.") from error
        if self._dataset.count == 0 or self._dataset.dtypes[0].startswith("complex"):
            self._dataset.close()
            raise InvalidInput(f"The {what} {path} has no band of real numbers.")

    @property
    def unit_word(self) -> str:
        """What the user should know of the unit of heights, "" where it is metres."""
        word = metres_per_unit(self._dataset, 1)[1]
        return f"The {self.what} {self.path} {word}." if word else ""

    @property
    def band_word(self) -> str:
        """What the user should know of further bands, "" where there is one, alpha apart."""
        count = self._dataset.count - bool(alpha_band(self._dataset))
        return f"The {self.what} {self.path} has {count} bands, and the first is taken." if count > 1 else ""

    def heights(self, grid: Grid, check_cancelled: Callable[[], None], lowest_m: float = LOWEST_M) -> np.ndarray:
        """Read metres onto a grid, float32 [H, W], NaN where unknown.

        Args:
            lowest_m: values below are taken for NoData.
        """
        out = np.full((grid.height, grid.width), np.nan, np.float32)
        unit_m = metres_per_unit(self._dataset, 1)[0]
        scale, offset = self._dataset.scales[0] * unit_m, self._dataset.offsets[0] * unit_m
        for place, values, valid, source in self._pieces(grid, check_cancelled):
            metres = values.astype(np.float64) * scale + offset
            valid = valid & np.isfinite(metres) & (metres >= lowest_m) & (metres <= HIGHEST_M)
            metres = np.where(valid, metres, 0.0).astype(np.float32)
            method = Resampling.average if source.is_finer else Resampling.bilinear
            share = source.warp(valid.astype(np.float32), method)
            total = source.warp(metres, method)
            known = share >= _LEAST_VALID
            out[place][known] = total[known] / share[known]
        return out

    def classes(self, grid: Grid, check_cancelled: Callable[[], None], code_of: dict[int, int]) -> np.ndarray:
        """Read class codes onto a grid, uint8 [H, W], 0 where unknown or not in `code_of`.

        Args:
            code_of: value in the raster -> code.
        """
        out = np.zeros((grid.height, grid.width), np.uint8)
        for place, values, valid, source in self._pieces(grid, check_cancelled):
            codes = np.zeros(values.shape, np.uint8)
            for value, code in code_of.items():
                codes[valid & (values == value)] = code
            out[place] = source.warp(codes, Resampling.mode if source.is_finer else Resampling.nearest)
        return out

    def values(self, grids: list[Grid], check_cancelled: Callable[[], None]) -> dict[int, int]:
        """Count the raster's whole values on some grids: value -> pixels; classes beyond 65536 kinds are refused.

        What lies beyond the grids is not read: a land cover may be of a whole country. Where grids overlap, pixels
        count for each.

        Raises:
            InvalidInput: it holds fractions or too many values to be classes, or cannot be laid over a grid.
        """
        counts: dict[int, int] = {}
        for window in (part for grid in grids for part in self._parts_under(grid)):
            check_cancelled()
            values, valid = self._read(window)
            values = values[valid]
            if values.dtype.kind == "f":
                values = values[~np.isnan(values)]  # a gap, also where nobody declared it
            found, numbers = np.unique(values, return_counts=True)
            if found.dtype.kind == "f" and not (np.isfinite(found) & (found == np.round(found))).all():
                wrong = found[~np.isfinite(found) | (found != np.round(found))]
                raise InvalidInput(
                    f"The {self.what} {self.path} holds fractions ({wrong[0]:g}), which are no classes. Give a raster "
                    "of whole numbers, one for each class."
                )
            for value, number in zip(found, numbers):
                counts[int(value)] = counts.get(int(value), 0) + int(number)
            if len(counts) > 65536:
                raise InvalidInput(f"The {self.what} {self.path} holds more than 65536 values, which are no classes.")
        return counts

    def _parts_under(self, grid: Grid) -> Iterator[Window]:
        """Windows of this raster that cover a grid together."""
        self._check_crs(grid)
        reach = self._window_of(grid, 0)
        if reach is not None:
            for part in _windows(reach.width, reach.height, 2048):
                yield Window(reach.col_off + part.col_off, reach.row_off + part.row_off, part.width, part.height)

    def _check_crs(self, grid: Grid) -> None:
        if (grid.crs is None) != (self._dataset.crs is None):
            lacking = "image" if grid.crs is None else self.what
            raise InvalidInput(
                f"The {self.what} {self.path} cannot be laid over the image: the {lacking} has no CRS. "
                "Assign the CRS, for instance with Raster > Projections > Assign Projection."
            )

    def _pieces(self, grid: Grid, check_cancelled) -> Iterator[tuple]:
        """Yield (slices of the grid, source values, their validity, how to warp them) where both meet."""
        self._check_crs(grid)
        ratio = self._pixels_per_grid_pixel(grid)
        if ratio is None:
            return
        side = max(16, min(_CHUNK_PX, int(math.sqrt(_SOURCE_PX) / max(ratio, 1e-6))))
        for window in _windows(grid.width, grid.height, side):
            check_cancelled()
            chunk = grid.window(window.col_off, window.row_off, window.width, window.height)
            source = self._window_of(chunk, _MARGIN_PX + math.ceil(2 * ratio))
            if source is None:
                continue
            values, valid = self._read_padded(source)
            if not valid.any():
                continue
            origin = apply(self._dataset.transform, (source.col_off, source.row_off))
            a, b, _, d, e, _ = self._dataset.transform[:6]
            transform = Affine(a, b, origin[0], d, e, origin[1])
            place = (slice(window.row_off, window.row_off + window.height),
                     slice(window.col_off, window.col_off + window.width))
            yield place, values, valid, _Warp(transform, self._dataset.crs, chunk, ratio > _FINER)

    def _pixels_per_grid_pixel(self, grid: Grid) -> float | None:
        """How many pixels of this raster lie along a side of a grid's pixel; None where the two cannot be tied."""
        middle = grid.window(grid.width // 2, grid.height // 2, 1, 1)
        corners = self._to_pixels(middle, [(0, 0), (1, 0), (0, 1)])
        if corners is None:
            return None
        (x, y), (x_right, y_right), (x_down, y_down) = corners
        area = abs((x_right - x) * (y_down - y) - (x_down - x) * (y_right - y))
        return math.sqrt(area) if area > 0 else None

    def _window_of(self, chunk: Grid, margin_px: int) -> Window | None:
        """The window of this raster, margin included and possibly beyond its edges, that a chunk of grid needs."""
        steps = np.linspace(0, 1, _EDGE_POINTS)
        inside = [(x * chunk.width, y * chunk.height) for x in steps for y in steps]
        points = self._to_pixels(chunk, inside)
        if points is None:
            return None
        columns, rows = [x for x, _ in points], [y for _, y in points]
        left, right = math.floor(min(columns)) - margin_px, math.ceil(max(columns)) + margin_px
        top, bottom = math.floor(min(rows)) - margin_px, math.ceil(max(rows)) + margin_px
        left, right = max(left, -margin_px), min(right, self._dataset.width + margin_px)
        top, bottom = max(top, -margin_px), min(bottom, self._dataset.height + margin_px)
        touches = right > 0 and bottom > 0 and left < self._dataset.width and top < self._dataset.height
        return Window(left, top, right - left, bottom - top) if touches and left < right and top < bottom else None

    def _to_pixels(self, grid: Grid, points: list) -> list | None:
        """Pixels of a grid as pixels of this raster; None where the way between the CRSs fails."""
        dataset = self._dataset
        return to_pixels(Grid(dataset.crs, dataset.transform, dataset.width, dataset.height), grid, points)

    def _read_padded(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Read a window that may reach beyond the raster, where nothing is valid."""
        left, top = max(0, window.col_off), max(0, window.row_off)
        right = min(self._dataset.width, window.col_off + window.width)
        bottom = min(self._dataset.height, window.row_off + window.height)
        values, valid = self._read(Window(left, top, right - left, bottom - top))
        padding = ((top - window.row_off, window.row_off + window.height - bottom),
                   (left - window.col_off, window.col_off + window.width - right))
        return np.pad(values, padding), np.pad(valid, padding)

    def _read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        try:
            return self._dataset.read(1, window=window), validity(self._dataset, 1, window)
        except GDAL_ERRORS as error:
            raise InvalidInput(
                f"The {self.what} {self.path} cannot be read: {reason(error)} The file is damaged."
            ) from error

    def close(self) -> None:
        self._dataset.close()

    def __enter__(self) -> Reference:
        return self

    def __exit__(self, *_) -> None:
        self.close()


class _Warp:
    """The way of a piece of a reference onto a piece of the grid."""

    def __init__(self, transform: Affine, crs: CRS | None, chunk: Grid, is_finer: bool):
        self._transform, self._crs, self._chunk, self.is_finer = transform, crs or _LOCAL_CRS, chunk, is_finer

    def warp(self, values: np.ndarray, method: Resampling) -> np.ndarray:
        """Resample [h, w] onto the chunk's [H, W], 0 where nothing lies."""
        out = np.zeros((self._chunk.height, self._chunk.width), values.dtype)
        reproject(
            values, out, src_transform=self._transform, src_crs=self._crs, dst_transform=self._chunk.transform,
            dst_crs=self._chunk.crs or _LOCAL_CRS, resampling=method,
        )
        return out


def merged(parts: Iterator[np.ndarray]) -> np.ndarray | None:
    """The first known value of each pixel (NaN and class 0 are unknown); None without parts."""
    result = None
    for part in parts:
        if result is None:
            result = part
        else:
            unknown = np.isnan(result) if result.dtype.kind == "f" else result == 0
            result[unknown] = part[unknown]
    return result


def _windows(width: int, height: int, side: int) -> Iterator[Window]:
    for row in range(0, height, side):
        for column in range(0, width, side):
            yield Window(column, row, min(side, width - column), min(side, height - row))

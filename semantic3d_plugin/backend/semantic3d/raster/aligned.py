"""A band of any raster, read by windows on another raster's grid."""

from __future__ import annotations

import math
import os
from functools import partial

import numpy as np
from rasterio.coords import disjoint_bounds
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from s3d_protocol.errors import InvalidInput

from .block_sizes import is_plain_path, open_bounded
from .gdal_errors import GDAL_ERRORS, reason
from .grid import Grid, apply
from .grid_pixels import to_pixels
from .one_band import metres_per_unit, open_one_band, validity

_PIXEL_PLANE = CRS.from_epsg(3857)  # stands in where no raster has a CRS: it is never left, so its shape is nothing
_SAME_PX = 1e-6
_FINE = 16.0  # pixels under one of the target's, from which on a raster is warped piece by piece
_PIECE_SOURCE_PX = 2_000_000
_WIDE_PX = 2048
_LARGEST = 1e30  # more is an undeclared NoData value
_LARGEST_ID = 2.0**53


def grid_of(path: str, label: str) -> Grid:
    """Return the grid of a raster.

    Raises:
        InvalidInput: it cannot be opened.
    """
    with open_dataset(path, label) as dataset:
        return Grid(dataset.crs, dataset.transform, dataset.width, dataset.height)


class AlignedBand:
    """One band on a target grid, in metres where it is a height: as it is where the grids are the same, else warped window by window.

    Heights are interpolated bilinearly between valid pixels, and averaged where the target's pixels are larger; where
    the pixel itself has no value there is none. Classes and ids take the nearest pixel.

    Attributes:
        label: what the raster is, for messages.
        warnings: what the user should know about how it is placed.
        is_warped: whether its own grid is another one.
        least, most: the smallest and the largest value read so far, or 0; of heights and the like, in metres.
    """

    def __init__(self, path: str, label: str, grid: Grid, continuous: bool, band: int = 1):
        """Open it, and check that it lies over the target.

        Args:
            path: any raster that GDAL reads.
            label: a noun with its article, such as "the reference height".
            grid: the target.
            continuous: heights and the like; False for classes and ids.
            band: one-based.

        Raises:
            InvalidInput: it cannot be opened, has no such band, or does not overlap the target.
        """
        self.path, self.label, self.warnings = path, label, []
        self._continuous, self._band = continuous, band
        self._target, self._piece_px = grid, 0
        self._scale_options: dict[str, str] = {}  # else GDAL guesses the scale from each piece, margins included
        self._warped = self._single = None
        self.least = self.most = 0.0
        self._dataset = open_dataset(path, label)
        try:
            self._check_band()
            self._place(grid)
        except BaseException:
            self.close()
            raise

    def _check_band(self) -> None:
        dataset = self._dataset
        if dataset.count < self._band:
            raise InvalidInput(f"{self._Label} {self.path} has {dataset.count} bands; band {self._band} is needed.")
        if dataset.dtypes[self._band - 1].startswith("complex"):
            raise InvalidInput(f"{self._Label} {self.path} holds complex numbers. Choose a raster of real ones.")
        metres, word = metres_per_unit(dataset, self._band) if self._continuous else (1.0, "")
        if word:
            self.warnings.append(f"{self._Label} {os.path.basename(self.path)} {word}.")
        self._scale, self._offset = (x[self._band - 1] * metres for x in (dataset.scales, dataset.offsets))

    def _place(self, grid: Grid) -> None:
        dataset = self._dataset
        own = Grid(dataset.crs, dataset.transform, dataset.width, dataset.height)
        self.is_warped = not _same_grid(own, grid)
        if not self.is_warped:
            return
        if (own.crs is None) != (grid.crs is None):
            self.warnings.append(
                f"{self._Label} {os.path.basename(self.path)} {'has no' if own.crs is None else 'has a'} CRS and the "
                f"prediction has {'one' if own.crs is None else 'none'}: both are taken to be in the same CRS."
            )
        if own.crs is None and grid.crs is None and own.transform.is_identity and grid.transform.is_identity:
            raise InvalidInput(
                f"{self._Label} {self.path} has {own.width} x {own.height} pixels and the prediction {grid.width} x "
                f"{grid.height}, and neither says where it lies: which pixels belong together is not known. Give both "
                "a CRS and a place, for instance with QGIS's Georeferencer, or rasters of one size.",
                {"size": [own.width, own.height], "prediction": [grid.width, grid.height]},
            )
        common = own.crs or grid.crs or _PIXEL_PLANE
        target_crs = grid.crs or common
        bounds = self._checked_overlap(own, own.crs or target_crs, grid, target_crs)
        self._single = dataset if dataset.count == 1 else open_one_band(dataset, self._band)
        self._warp = partial(
            WarpedVRT, self._single, src_crs=own.crs or target_crs, crs=target_crs, add_alpha=True,
            resampling=Resampling.bilinear if self._continuous else Resampling.nearest,
            dtype="float64" if self._continuous else None,
        )  # fmt: skip
        (a, b), (c, d) = _pixels_along(own, grid, bounds)
        if abs(a * d - b * c) > _FINE:
            self._piece_px = max(1, int(math.sqrt(_PIECE_SOURCE_PX / abs(a * d - b * c))))
            across, down = abs(a) + abs(c), abs(b) + abs(d)
            self._scale_options = {"XSCALE": f"{min(1, 1 / across):.9g}", "YSCALE": f"{min(1, 1 / down):.9g}"}
        else:
            self._warped = self._warp(transform=grid.transform, width=grid.width, height=grid.height)

    def _checked_overlap(self, own: Grid, own_crs: CRS, grid: Grid, crs: CRS) -> tuple[float, float, float, float]:
        """Return this raster's bounds (left, bottom, right, top) in the target's CRS."""
        try:
            bounds = transform_bounds(own_crs, crs, *own.bounds())
        except GDAL_ERRORS as error:
            raise InvalidInput(
                f"{self._Label} {self.path} cannot be brought to the prediction's CRS: {reason(error)}"
            ) from error
        target = grid.bounds()
        if not all(map(math.isfinite, bounds)) or disjoint_bounds(bounds, target):
            raise InvalidInput(
                f"{self._Label} {self.path} does not overlap the prediction: in the prediction's CRS it covers "
                f"({_numbers(bounds)}), the prediction ({_numbers(target)}). Choose rasters of the same place, or "
                "correct the CRS.",
                {"bounds": list(bounds), "prediction": list(target)},
            )
        return bounds

    @property
    def is_striped(self) -> bool:
        """Whether its blocks are whole rows, and few of them, of a wide raster on the target's own grid."""
        height, width = self._dataset.block_shapes[self._band - 1]
        return not self.is_warped and width > 8 * height and width > _WIDE_PX

    @property
    def tags(self) -> dict:
        """Tags of the file."""
        return self._dataset.tags()

    @property
    def _Label(self) -> str:  # noqa: N802 # the label at the head of a sentence
        return self.label[0].upper() + self.label[1:]

    def read(self, column: int, row: int, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
        """Read a window of the target grid.

        Returns:
            Values [height, width], float64 with the band's scale applied, or int64 for ids; and where they are valid,
            bool. Invalid ones are 0.

        Raises:
            InvalidInput: the file is damaged, a height is beyond all sense, or an id is no whole number.
        """
        window = Window(column, row, width, height)
        try:
            if self.is_warped:  # its masks know nothing of what NoData and mask made of its alpha band
                values, alpha = self._read_warped(window)
                valid = alpha > 0
            else:
                values = self._dataset.read(self._band, window=window)
                valid = validity(self._dataset, self._band, window)
        except GDAL_ERRORS as error:
            raise InvalidInput(
                f"{self._Label} {self.path} cannot be read at columns {column} to {column + width} and rows {row} to "
                f"{row + height} of the prediction: {reason(error)} The file may be damaged; get it again."
            ) from error
        if values.dtype.kind == "f":
            valid &= np.isfinite(values)
        values = np.where(valid, values, 0)
        if not self._continuous:
            return self._ids(values), valid
        values = values.astype(np.float64) * self._scale + self._offset * valid
        self._check_measure(values)
        return values, valid

    def _read_warped(self, window: Window) -> np.ndarray:
        """Values and alpha [2, height, width].

        GDAL holds all pixels under a warped block of 512 x 128 at once, so that of a much finer raster small pieces
        are warped one by one.
        """
        if self._warped is not None:
            return self._warped.read([1, 2], window=window)
        found, side = None, self._piece_px
        for top in range(0, window.height, side):
            for left in range(0, window.width, side):
                width, height = min(side, window.width - left), min(side, window.height - top)
                part = self._target.window(window.col_off + left, window.row_off + top, width, height)
                with self._warp(transform=part.transform, width=width, height=height, **self._scale_options) as warped:
                    piece = warped.read([1, 2])
                if found is None:
                    found = np.zeros((2, window.height, window.width), piece.dtype)
                found[:, top : top + height, left : left + width] = piece
        return found

    def _check_measure(self, values: np.ndarray) -> None:
        least, most = float(values.min(initial=0.0)), float(values.max(initial=0.0))
        self.least, self.most = min(self.least, least), max(self.most, most)
        absurd = least if abs(least) > most else most
        if abs(absurd) > _LARGEST:
            raise InvalidInput(
                f"{self._Label} {self.path} holds {absurd:g}, which is no height. If it means that there is no data, "
                f"declare it: gdal_edit.py -a_nodata {absurd:.17g} FILE, or in QGIS Raster > Conversion > Translate.",
                {"value": absurd},
            )

    def _ids(self, values: np.ndarray) -> np.ndarray:
        if values.dtype.kind == "f":
            broken = (values != np.rint(values)) | (np.abs(values) > _LARGEST_ID)
            if broken.any():
                raise InvalidInput(
                    f"{self._Label} {self.path} holds {values[broken].flat[0]:g}, but whole numbers below 2**53 are needed: "
                    "it has ids, not measurements. Choose another raster."
                )
        return values.astype(np.int64)

    def close(self) -> None:
        for dataset in (self._warped, self._single, self._dataset):
            if dataset is not None:
                dataset.close()


def open_dataset(path: str, label: str):
    """Open a raster that lies on a map grid.

    Raises:
        InvalidInput: it does not exist, is no raster, has blocks of gigabytes, or is placed by control points.
    """
    try:
        dataset = open_bounded(path)
    except (*GDAL_ERRORS, ValueError) as error:
        if is_plain_path(path) and not os.path.exists(path):
            raise InvalidInput(f"There is no file {path} for {label}. Check the path.") from error
        raise InvalidInput(f"The file {path} for {label} cannot be opened: {reason(error)}") from error
    if not all(map(math.isfinite, dataset.transform[:6])) or dataset.transform.determinant == 0:
        fault = f"has a geotransform that maps all pixels to one line: {dataset.transform[:6]}"
    elif dataset.transform.is_identity and (dataset.gcps[0] or dataset.rpcs is not None):
        fault = "is placed by control points or polynomials and not yet on a map grid. Warp it first"
    else:
        return dataset
    dataset.close()
    raise InvalidInput(f"The file {path} for {label} {fault}.")


def _pixels_along(own: Grid, grid: Grid, bounds: tuple) -> tuple[tuple, tuple]:
    """Pixels (columns, rows) of a raster along a column and along a row of a grid, in the middle of what both cover.

    Args:
        own: the raster's grid; grid: the target's.
        bounds: of the raster in the target's CRS: left, bottom, right, top.

    Returns:
        Steps of one target pixel to the right and down; zeros where the way between the CRSs fails there.
    """
    left, bottom, right, top = (pick(pair) for pick, pair in zip((max, max, min, min), zip(bounds, grid.bounds())))
    column, row = apply(~grid.transform, ((left + right) / 2, (bottom + top) / 2))
    corners = to_pixels(own, grid, [(column, row), (column + 1, row), (column, row + 1)])
    if corners is None:
        return (0.0, 0.0), (0.0, 0.0)
    (x, y), (x_right, y_right), (x_down, y_down) = corners
    return (x_right - x, y_right - y), (x_down - x, y_down - y)


def _same_grid(a: Grid, b: Grid) -> bool:
    if (a.width, a.height) != (b.width, b.height) or a.crs != b.crs:
        return False
    corners = [(0, 0), (a.width, 0), (0, a.height), (a.width, a.height)]
    inverse = ~b.transform
    for column, row in corners:
        x = a.transform.a * column + a.transform.b * row + a.transform.c
        y = a.transform.d * column + a.transform.e * row + a.transform.f
        at_column = inverse.a * x + inverse.b * y + inverse.c
        at_row = inverse.d * x + inverse.e * y + inverse.f
        if abs(at_column - column) > _SAME_PX * a.width or abs(at_row - row) > _SAME_PX * a.height:
            return False
    return True


def _numbers(values) -> str:
    return ", ".join(f"{value:.10g}" for value in values)

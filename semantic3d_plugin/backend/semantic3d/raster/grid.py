"""Where pixels lie: CRS, transform and size of a raster, and the metres that a pixel covers on the ground."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.transform import Affine
from rasterio.warp import transform as transform_points

from s3d_protocol.errors import InvalidParameter

from .gdal_errors import GDAL_ERRORS

_WGS84_A_M = 6378137.0
_WGS84_E2 = 0.0066943799901413165
_PROBE_PX = 50.0  # half the distance over which the ground is measured
_SITE_UNIT = re.compile(  # of a CRS of a building site, whatever its words
    r"^(?:LOCAL_CS|ENGCRS|ENGINEERINGCRS)\b.*?\b(?:LENGTH)?UNIT\s*\[\s*\"[^\"]*\"\s*,\s*([0-9.eE+-]+)", re.DOTALL
)
_TRUE_SCALE_TOLERANCE = 0.02  # map scales nearer to 1 than this are left alone (UTM and the like)


@dataclass(frozen=True)
class Grid:
    """A rectangle of pixels on the ground.

    Attributes:
        crs: coordinate reference system, None if unknown.
        transform: pixel (column, row) to CRS coordinates; the corner of pixel (0, 0) is (0, 0).
        width, height: in pixels.
    """

    crs: CRS | None
    transform: Affine
    width: int
    height: int

    def window(self, column: int, row: int, width: int, height: int) -> Grid:
        """Return the grid of a part of this one; `column` and `row` are its first pixel."""
        a, b, _, d, e, _ = self.transform[:6]
        x, y = apply(self.transform, (column, row))
        return Grid(self.crs, Affine(a, b, x, d, e, y), width, height)

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6

    def pixel_window(self, extent: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
        """Return (column, row, width, height) of the pixels that an extent touches, cut to the grid.

        Args:
            extent: (xmin, ymin, xmax, ymax) in the grid's CRS. On a rotated grid, the pixel rectangle around it.

        Raises:
            InvalidParameter: the extent lies outside the grid.
        """
        xmin, ymin, xmax, ymax = extent
        inverse = ~self.transform
        corners = [apply(inverse, point) for point in ((xmin, ymin), (xmin, ymax), (xmax, ymin), (xmax, ymax))]
        columns, rows = [c for c, _ in corners], [r for _, r in corners]
        left, right = _snapped(min(columns), max(columns), self.width)
        top, bottom = _snapped(min(rows), max(rows), self.height)
        if left >= right or top >= bottom:
            bounds = self.bounds()
            raise InvalidParameter(
                f"The extent ({_numbers(extent)}) does not touch the image, which covers ({_numbers(bounds)}). "
                "Give xmin, ymin, xmax, ymax in the image's own CRS.",
                {"extent": list(extent), "image": list(bounds)},
            )
        return left, top, right - left, bottom - top

    def bounds(self) -> tuple[float, float, float, float]:
        """Return (xmin, ymin, xmax, ymax) of the grid in its CRS."""
        corners = [apply(self.transform, (column, row)) for column in (0, self.width) for row in (0, self.height)]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return min(xs), min(ys), max(xs), max(ys)

    def is_georeferenced(self) -> bool:
        return self.crs is not None and self.transform != Affine.identity()


def apply(transform: Affine, point: tuple[float, float]) -> tuple[float, float]:
    """Return the point that a transform maps this one to (affine's own operator changed between its versions)."""
    x, y = point
    return (
        transform.a * x + transform.b * y + transform.c,
        transform.d * x + transform.e * y + transform.f,
    )


@dataclass(frozen=True)
class PixelSize:
    """Ground size of a pixel along the image's columns and rows, and how it was found.

    Attributes:
        x_m: from one column to the next, metres.
        y_m: from one row to the next, metres.
        source: sentence part for reports.
    """

    x_m: float
    y_m: float
    source: str

    @property
    def gsd_m(self) -> float:
        """One number for both axes: the geometric mean."""
        return math.sqrt(self.x_m * self.y_m)


def pixel_size(grid: Grid, gsd_m: float = 0.0) -> PixelSize | None:
    """Find the ground size of the grid's pixels at the scene's centre.

    Projected CRS: the transform in the CRS's unit (metre, foot, ...), corrected for the map's scale where
    that is off by more than 2 % (Web Mercator). Geographic CRS: measured on the ellipsoid.

    Args:
        gsd_m: overrides the size where above 0; the ratio of the axes is kept.

    Returns:
        None where the grid does not tell and no `gsd_m` is given.
    """
    measured = _from_crs(grid)
    if gsd_m <= 0:
        return measured
    if measured is not None:
        ratio = math.sqrt(measured.x_m / measured.y_m)
    else:
        columns, rows = _steps(grid.transform)
        ratio = math.sqrt(columns / rows) if columns > 0 and rows > 0 else 1.0
    return PixelSize(gsd_m * ratio, gsd_m / ratio, "given by the user")


def pixel_size_range(grid: Grid) -> tuple[float, float] | None:
    """Least and largest GSD in metres along the grid's edges; None where the grid does not tell."""
    last_column, last_row = max(0, grid.width - 1), max(0, grid.height - 1)
    edges = (
        (0, 0, grid.width, 1), (0, last_row, grid.width, 1), (0, 0, 1, grid.height), (last_column, 0, 1, grid.height)
    )  # fmt: skip
    sizes = [pixel_size(grid.window(*edge)) for edge in edges]
    if None in sizes:
        return None
    return min(size.gsd_m for size in sizes), max(size.gsd_m for size in sizes)


def _from_crs(grid: Grid) -> PixelSize | None:
    if not grid.is_georeferenced():
        return None
    columns, rows = _steps(grid.transform)
    if not (columns > 0 and rows > 0):
        return None
    true_size = _measured_on_ellipsoid(grid)
    if grid.crs.is_geographic:
        return true_size and PixelSize(*true_size, "measured on the ellipsoid at the scene's centre")
    unit_m = _unit_m(grid.crs)
    if unit_m is None:
        return true_size and PixelSize(*true_size, "measured on the ellipsoid at the scene's centre")
    x_m, y_m = columns * unit_m, rows * unit_m
    if true_size and max(abs(true_size[0] / x_m - 1), abs(true_size[1] / y_m - 1)) > _TRUE_SCALE_TOLERANCE:
        return PixelSize(*true_size, "from the image's grid, corrected for the map's scale at the scene's centre")
    return PixelSize(x_m, y_m, "from the image's grid")


def _steps(transform: Affine) -> tuple[float, float]:
    return math.hypot(transform.a, transform.d), math.hypot(transform.b, transform.e)


def _unit_m(crs: CRS) -> float | None:
    try:
        factor = crs.linear_units_factor[1]
    except CRSError:  # GDAL asks projected ones alone
        site = _SITE_UNIT.search(crs.to_wkt())
        factor = float(site[1]) if site else 0.0
    return factor if math.isfinite(factor) and factor > 0 else None


def _measured_on_ellipsoid(grid: Grid) -> tuple[float, float] | None:
    """Return metres per column and per row at the centre, or None where the CRS cannot be tied to the Earth."""
    column, row, d = grid.width / 2, grid.height / 2, _PROBE_PX
    if grid.crs.is_geographic:  # no further from the centre than the image reaches
        d = max(0.5, min(d, grid.width / 2, grid.height / 2))
    points = [
        apply(grid.transform, point)
        for point in ((column - d, row), (column + d, row), (column, row - d), (column, row + d))
    ]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    try:
        longitudes, latitudes = transform_points(grid.crs, CRS.from_epsg(4326), xs, ys)
    except GDAL_ERRORS:  # another planet, a local CRS
        return None
    if not all(map(math.isfinite, [*longitudes, *latitudes])) or max(map(abs, latitudes)) > 90:
        return None
    x_m = _ground_distance_m(longitudes[0], latitudes[0], longitudes[1], latitudes[1]) / (2 * d)
    y_m = _ground_distance_m(longitudes[2], latitudes[2], longitudes[3], latitudes[3]) / (2 * d)
    return (x_m, y_m) if x_m > 0 and y_m > 0 else None


def _ground_distance_m(lon_1_deg: float, lat_1_deg: float, lon_2_deg: float, lat_2_deg: float) -> float:
    """Distance of near points on the WGS 84 ellipsoid by its radii of curvature at their mean latitude."""
    latitude = math.radians((lat_1_deg + lat_2_deg) / 2)
    turn_deg = (lon_2_deg - lon_1_deg + 180.0) % 360.0 - 180.0  # the short way, over the date line too
    w2 = 1.0 - _WGS84_E2 * math.sin(latitude) ** 2
    meridian_m = _WGS84_A_M * (1.0 - _WGS84_E2) / w2**1.5
    normal_m = _WGS84_A_M / math.sqrt(w2)
    east_m = normal_m * math.cos(latitude) * math.radians(turn_deg)
    north_m = meridian_m * math.radians(lat_2_deg - lat_1_deg)
    return math.hypot(east_m, north_m)


def _snapped(low: float, high: float, size: int) -> tuple[int, int]:
    """Round an interval outwards to whole pixels, forgiving a thousandth of a pixel, and cut it to the image."""
    return max(0, math.floor(low + 1e-3)), min(size, math.ceil(high - 1e-3))


def _numbers(values) -> str:
    return ", ".join(f"{value:.10g}" for value in values)

"""Where the pixels of one grid lie on another."""

from __future__ import annotations

import numpy as np
from rasterio.warp import transform as transform_points

from .gdal_errors import GDAL_ERRORS
from .grid import Grid, apply


def to_pixels(own: Grid, grid: Grid, points: list) -> list | None:
    """Return points (column, row) of a grid as points of another, `own`; None where the way between the CRSs fails.

    Where one has no CRS both are taken to be in the same.
    """
    mapped = [apply(grid.transform, point) for point in points]
    if own.crs is not None and grid.crs is not None and grid.crs != own.crs:
        try:
            xs, ys = transform_points(grid.crs, own.crs, *map(list, zip(*mapped)))
        except GDAL_ERRORS:
            return None
        mapped = list(zip(xs, ys))
    if not np.isfinite(mapped).all():
        return None
    back = ~own.transform
    return [apply(back, point) for point in mapped]

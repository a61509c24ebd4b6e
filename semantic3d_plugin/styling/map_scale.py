"""What a map unit is on the ground, and so how many of them a metre of height is."""

import math

from qgis.core import QgsCsException, QgsDistanceArea, QgsPointXY, QgsUnitTypes

TRUE_SCALE_TOLERANCE = 0.02  # as in the backend's raster/grid.py
_PROBE_M = 100.0  # over which the map's scale is measured


def height_scale(crs, place, transform_context):
    """Map units of one metre on the ground at `place` (in `crs`), the mean of both directions.

    A height times this stands on the map as it stands on the ground: about 2 in Web Mercator at 60 degrees.
    """
    width_m, height_m = metres_per_map_unit(crs, place, transform_context)
    return 1.0 / math.sqrt(width_m * height_m)


def map_units_per_metre(crs):
    """1 for metres, 3.28 for feet, 1/111320 for degrees; 1 where the CRS is unknown."""
    if not crs.isValid():
        return 1.0
    factor = QgsUnitTypes.fromUnitToUnitFactor(QgsUnitTypes.DistanceUnit.DistanceMeters, crs.mapUnits())
    return factor if factor > 0 else 1.0


def metres_per_map_unit(crs, centre, transform_context):
    """Ground metres of one map unit at `centre`, towards x and towards y.

    The unit of a projected CRS holds unless the map's scale is off by more than 2 % there, as in Web Mercator: the
    backend finds the same for the export.
    """
    unit_m = 1.0 / map_units_per_metre(crs)
    measured = _measured_on_ellipsoid(crs, centre, _PROBE_M / unit_m, transform_context)
    if measured is None:
        return unit_m, unit_m
    off = max(abs(size_m / unit_m - 1.0) for size_m in measured)
    return measured if crs.isGeographic() or off > TRUE_SCALE_TOLERANCE else (unit_m, unit_m)


def _measured_on_ellipsoid(crs, centre, step, transform_context):
    """Metres per map unit over `step` map units in x and y; None where the CRS cannot be tied to the Earth."""
    measure = QgsDistanceArea()
    measure.setSourceCrs(crs, transform_context)
    if not measure.setEllipsoid(crs.ellipsoidAcronym()) or not measure.willUseEllipsoid():
        return None
    x, y, half = centre.x(), centre.y(), step / 2
    try:
        lengths_m = (
            measure.measureLine(QgsPointXY(x - half, y), QgsPointXY(x + half, y)),
            measure.measureLine(QgsPointXY(x, y - half), QgsPointXY(x, y + half)),
        )
    except QgsCsException:  # outside the CRS's domain
        return None
    found = tuple(length_m / step for length_m in lengths_m)
    return found if all(math.isfinite(size_m) and size_m > 0 for size_m in found) else None

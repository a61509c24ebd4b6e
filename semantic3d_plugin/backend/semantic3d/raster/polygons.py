"""Polygons from a GeoJSON file, burnt into a grid."""

from __future__ import annotations

import json
import math
import re
import reprlib
from collections import Counter
from contextlib import contextmanager
from typing import Iterator

import numpy as np
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.features import bounds as geometry_bounds, rasterize
from rasterio.warp import transform_geom

from s3d_protocol.errors import InvalidInput

from .gdal_errors import GDAL_ERRORS, reason
from .grid import Grid

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,15}")
_FARTHEST = 1e30  # no CRS has coordinates beyond
_WGS84 = CRS.from_epsg(4326)


class Polygons:
    """The polygons of a GeoJSON file.

    Attributes:
        count: polygons and multipolygons.
        crs: as the file's `crs` member says; None where it has none.
    """

    def __init__(self, path: str):
        """Read them; other kinds of geometry, and empty ones, are left out.

        Raises:
            InvalidInput: no GeoJSON, no polygon in it, coordinates that are none, or a CRS that is not known.
        """
        self.path = path
        try:
            with open(path, encoding="utf-8-sig") as stream:
                content = json.load(stream)
        except (OSError, ValueError) as error:
            raise InvalidInput(
                f"The polygons {path} cannot be read as GeoJSON: {error}. Convert other formats to it first, for "
                "instance with ogr2ogr, or with Export > Save Features As in QGIS."
            ) from error
        if not isinstance(content, dict):
            raise InvalidInput(f"{path} is no GeoJSON: an object is needed at its top.")
        found = [shape for shape in _geometries(content) if _is_polygon(shape)]
        self._geometries = [shape for number, given in enumerate(found, 1) if (shape := _sound(given, number, path))]
        self.count = len(self._geometries)
        if not self.count:
            raise InvalidInput(f"{path} holds no polygons. Give a layer of building outlines.")
        self.crs = _crs_member(content, path)

    def burn(self, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
        """Mark pixels whose centre a polygon covers.

        Returns:
            bool [H, W]; and bool [H, W], true within the rectangle (in the grid's CRS) around all polygons.

        Raises:
            InvalidInput: the coordinates cannot be brought into the grid's CRS.
        """
        with self._burning():
            shapes = self._in_crs_of(grid)
            covered = rasterize(shapes, (grid.height, grid.width), transform=grid.transform, dtype=np.uint8) > 0
            rectangle = _rectangle(shapes)
            near = rasterize([rectangle], (grid.height, grid.width), transform=grid.transform, dtype=np.uint8) > 0
        return covered, near

    def placed(self, grid: Grid) -> list[dict]:
        """Return the polygons' geometries in the grid's CRS.

        Raises:
            InvalidInput: they cannot be brought there.
        """
        with self._burning():
            return self._in_crs_of(grid)

    def burnt(self, pairs: list[tuple[dict, int]], grid: Grid, dtype: type) -> np.ndarray:
        """Return values [H, W] of pixels whose centre a geometry of these pairs covers; 0 elsewhere.

        Args:
            pairs: (geometry in the grid's CRS, value), at least one; of several on a pixel the first counts.

        Raises:
            InvalidInput: they cannot be burnt.
        """
        with self._burning():  # the last that is burnt stays
            return rasterize(pairs[::-1], (grid.height, grid.width), transform=grid.transform, dtype=dtype)

    @contextmanager
    def _burning(self) -> Iterator[None]:
        try:
            yield
        except (*GDAL_ERRORS, ValueError, TypeError, IndexError) as error:
            raise InvalidInput(f"The polygons {self.path} cannot be burnt: {reason(error)}") from error

    def _in_crs_of(self, grid: Grid) -> list:
        crs = self.crs
        if crs is None and grid.crs is not None and not grid.crs.is_geographic and self._looks_like_degrees():
            crs = _WGS84  # RFC 7946: a file without a CRS
        if crs is None or grid.crs is None or crs == grid.crs:
            return self._geometries
        try:
            return list(transform_geom(crs, grid.crs, self._geometries))
        except (*GDAL_ERRORS, ValueError, TypeError) as error:
            raise InvalidInput(
                f"The polygons {self.path} cannot be brought into the image's CRS: {reason(error)}"
            ) from error

    def _looks_like_degrees(self) -> bool:
        west, south, east, north = _bounds(self._geometries)
        return -180 <= west <= east <= 180 and -90 <= south <= north <= 90


class FieldPolygons(Polygons):
    """Polygons whose class or name stands in a field.

    Attributes:
        values: of each polygon, as `class_value` gives it.
    """

    def __init__(self, path: str, field_name: str):
        """Read them with their values.

        Raises:
            InvalidInput: they cannot be read, or have no such field, or no value in it.
        """
        super().__init__(path)
        properties = [shape.get("properties") or {} for shape in self._geometries]
        names = sorted({name for own in properties for name in own})
        if field_name not in names:
            raise InvalidInput(
                f"The polygons {path} have no field {field_name!r}. "
                + (f"They have: {', '.join(names)}." if names else "They have no fields at all."),
                {"fields": names},
            )
        self.values = [class_value(own.get(field_name)) for own in properties]
        if not any(value is not None for value in self.values):
            raise InvalidInput(f"The field {field_name} of the polygons {path} is empty. Choose another field.")

    def counts(self) -> Counter:
        """Value -> polygons, without those that have none."""
        return Counter(value for value in self.values if value is not None)

    def burn_codes(self, grid: Grid, code_of_value: dict) -> np.ndarray:
        """Codes uint8 [H, W] of pixels whose centre a polygon with a class covers; 0 elsewhere.

        Raises:
            InvalidInput: the coordinates cannot be brought into the grid's CRS.
        """
        codes = [code_of_value.get(value, 0) for value in self.values]
        return self.burnt([(shape, code) for shape, code in zip(self._in_crs_of(grid), codes) if code], grid, np.uint8)


def class_value(value: object) -> int | str | None:
    """A field's value as class maps name it: a whole number, also where it is stored as a text, or a text."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, (bool, int, float)) and value == int(value):
        return int(value)
    text = value.strip() if isinstance(value, str) else json.dumps(value)
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else text or None


def _geometries(content: dict) -> list:
    """All geometries of a FeatureCollection, Feature, GeometryCollection or geometry."""
    kind = content.get("type")
    if kind == "FeatureCollection":
        parts = content.get("features")
    elif kind == "Feature":
        parts = [content.get("geometry")]
    elif kind == "GeometryCollection":
        parts = content.get("geometries")
    else:
        return [content]
    own = {"properties": content.get("properties")} if kind == "Feature" else {}  # of each of its polygons
    return [{**shape, **own} for item in parts or () if isinstance(item, dict) for shape in _geometries(item)]


def _is_polygon(shape: dict) -> bool:
    return shape.get("type") in ("Polygon", "MultiPolygon") and bool(shape.get("coordinates"))


def _sound(shape: dict, number: int, path: str) -> dict | None:
    """A polygon without its empty rings and parts; None if nothing is left.

    Raises:
        InvalidInput: it has coordinates that are no numbers, on which GDAL's readers fail, or crash.
    """
    is_multi = shape["type"] == "MultiPolygon"
    try:
        parts = _listed(shape["coordinates"]) if is_multi else [shape["coordinates"]]
        parts = [_listed(part) for part in parts if part]
        parts = [[[_position(pair) for pair in _listed(ring)] for ring in part if ring] for part in parts if part[0]]
    except (ValueError, TypeError) as error:
        raise InvalidInput(
            f"Polygon {number} of {path} has coordinates that cannot be used: {error}. Repair the layer (in QGIS: Fix "
            "geometries) and give it again."
        ) from error
    return {**shape, "coordinates": parts if is_multi else parts[0]} if parts else None


def _listed(value) -> list:
    if not isinstance(value, list):
        raise TypeError(f"{reprlib.repr(value)} in the place of a list")
    return value


def _position(pair) -> list:
    """x and y of a position; a third coordinate is nothing that can be burnt."""
    x, y = _listed(pair)[:2]
    if not all(isinstance(value, (int, float)) and abs(value) < _FARTHEST for value in (x, y)):  # NaN is not less
        raise ValueError(f"{reprlib.repr(pair)} in the place of x and y")
    return [x, y]


def _crs_member(content: dict, path: str) -> CRS | None:
    member = content.get("crs")
    if not isinstance(member, dict):
        return None
    name = (member.get("properties") or {}).get("name")
    try:
        return CRS.from_user_input(name)
    except (CRSError, TypeError, ValueError) as error:
        raise InvalidInput(f"{path} states a CRS that is not known: {name!r}.") from error


def _bounds(shapes: list) -> tuple[float, float, float, float]:
    boxes = np.array([geometry_bounds(shape) for shape in shapes])
    return (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))


def _rectangle(shapes: list) -> dict:
    west, south, east, north = _bounds(shapes)
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"type": "Polygon", "coordinates": [ring]}

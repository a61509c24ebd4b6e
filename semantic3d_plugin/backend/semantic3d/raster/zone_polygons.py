"""Zones that are polygons, read by windows of another raster's grid as a band of ids is."""

from __future__ import annotations

import numpy as np
from rasterio.features import bounds as geometry_bounds

from s3d_protocol.errors import InvalidInput
from s3d_protocol.messages import shown_text

from .grid import Grid
from .polygons import FieldPolygons, Polygons

_LONGEST_NAME = 200
_LARGEST_ID = 2**53  # a number beyond stands for none, as -1.8e308 in files of Esri's


class ZonePolygons:
    """Polygons as ids on a target grid; where several lie, the first that has one counts.

    Attributes:
        path, label, warnings, tags, is_warped, is_striped: as of `aligned.AlignedBand`.
        names: id -> value of the field; empty where ids are the field's whole numbers, or count the polygons.
    """

    is_warped = is_striped = False

    def __init__(self, path: str, label: str, grid: Grid, field: str, most: int):
        """Read them.

        Args:
            field: whose values tell which polygons are one zone; empty makes each polygon a zone, numbered from 1.
            most: zones.

        Raises:
            InvalidInput: they cannot be read or brought to the grid's CRS, have no such field, are too many zones, or
                do not lie on the grid.
        """
        self.path, self.label, self.warnings, self.tags = path, label, [], {}
        polygons = FieldPolygons(path, field) if field else Polygons(path)
        values = polygons.values if field else list(range(1, polygons.count + 1))
        values = [None if isinstance(value, int) and abs(value) > _LARGEST_ID else value for value in values]
        kinds = sorted({value for value in values if value is not None}, key=lambda value: (isinstance(value, str), value))
        if len(kinds) > most:
            raise InvalidInput(
                f"{path} holds {len(kinds)} zones, and at most {most} are told apart. Give a field whose values many "
                "polygons share, such as a land use.",
                {"zones": len(kinds)},
            )
        are_numbers = all(isinstance(value, int) for value in kinds)
        ids = {value: value if are_numbers else number for number, value in enumerate(kinds, 1)}
        self.names = {} if are_numbers else {ids[value]: shown_text(value)[:_LONGEST_NAME] for value in kinds}
        self._grid = grid
        self._named = np.array([value is not None for value in values])
        self._ids = np.array([0, *(ids.get(value, 0) for value in values)], np.int64)  # of what is burnt: number + 1
        self._polygons, self._shapes = polygons, polygons.placed(grid)
        self._boxes = np.array([geometry_bounds(shape) for shape in self._shapes])
        unnamed = sum(value is None for value in values)
        if unnamed:
            self.warnings.append(f"{unnamed} of {len(values)} polygons of {path} have no {field}: they are no zone.")
        if not self._chosen(grid):
            raise InvalidInput(
                f"The zones {path} do not lie over the prediction. Give polygons of the same place, or correct the CRS."
            )

    def read(self, column: int, row: int, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ids int64 [height, width] of a window of the target grid, and where there is one, bool."""
        part = self._grid.window(column, row, width, height)
        chosen = [number for number in self._chosen(part) if self._named[number]]
        if not chosen:
            return np.zeros((height, width), np.int64), np.zeros((height, width), bool)
        numbers = self._polygons.burnt([(self._shapes[number], number + 1) for number in chosen], part, np.int32)
        return self._ids[numbers], numbers > 0

    def _chosen(self, part: Grid) -> list[int]:
        """The polygons whose boxes touch a part of the grid."""
        left, bottom, right, top = part.bounds()
        boxes = self._boxes
        touches = (boxes[:, 0] < right) & (boxes[:, 2] > left) & (boxes[:, 1] < top) & (boxes[:, 3] > bottom)
        return np.flatnonzero(touches).tolist()

    def close(self) -> None:
        """Nothing is open."""

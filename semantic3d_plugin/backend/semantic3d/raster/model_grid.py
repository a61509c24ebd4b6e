"""The image seen through a model's grid: same frame, other pixel size, anchored at the image's corner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .grid import PixelSize
from .normalisation import Normalisation
from .resample import AxisPlan, plan_axis, resample_columns, resample_rows
from .shelf import Shelf
from .source import ImageSource
from .tiling import Axis

_READ_COLUMNS_PX = 4096
_READ_PX = 2_097_152
_HALF = np.float32(0.5)


@dataclass(frozen=True)
class ModelAxis:
    """One axis of the image on the model's grid.

    Attributes:
        to_model: image pixels to model pixels.
        to_image: the way back, for results.
        tiles: the model's windows.
    """

    to_model: AxisPlan
    to_image: AxisPlan
    tiles: Axis

    @classmethod
    def plan(cls, size_px: int, image_gsd_m: float, model_gsd_m: float, tile_px: int, overlap_px: int) -> ModelAxis:
        to_model = plan_axis(size_px, image_gsd_m, model_gsd_m, "cubic")
        return cls(to_model, to_model.inverse("triangle"), Axis(to_model.out_px, tile_px, overlap_px))


def plan_axes(
    width: int, height: int, size: PixelSize, model_gsd_m: float, tile_px: int, overlap_px: int
) -> tuple[ModelAxis, ModelAxis]:
    """Plan columns and rows; the pixel may have another size along each."""
    return (
        ModelAxis.plan(width, size.x_m, model_gsd_m, tile_px, overlap_px),
        ModelAxis.plan(height, size.y_m, model_gsd_m, tile_px, overlap_px),
    )


class ModelImage:
    """The normalised image on the model's grid, read by rectangles inside the raster.

    Rows that the last rectangle of the same columns held are not read again, if they were asked to be kept.
    """

    def __init__(
        self, source: ImageSource, normalisation: Normalisation, columns: ModelAxis, rows: ModelAxis,
        shelf: Shelf | None = None,
    ):
        """Set up.

        Args:
            shelf: for rows that are kept, which the caller closes; None where none will be.
        """
        self._source = source
        self._normalisation = normalisation
        self._columns, self._rows = columns.to_model, rows.to_model
        self._planes = 4 if source.has_mask else 3
        self._shelf = shelf
        self._kept_from: dict[tuple[int, int], int] = {}  # columns -> first row of what lies on the shelf

    def read(
        self, top: int, bottom: int, left: int, right: int, keep_from: int
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Read the model pixels of rows [top, bottom) and columns [left, right).

        Args:
            keep_from: rows from here on are kept for the next rectangle of the same columns.

        Returns:
            Values in [0, 1], float32 [3, rows, columns], 0 where invalid; and the share of valid image in each
            pixel, float32 [rows, columns] (about 0 to 1), or None where the image has no mask. A pixel counts
            as valid from a share of one half.
        """
        planes = np.empty((self._planes, bottom - top, right - left), np.float32)
        first = top
        kept = None if self._shelf is None else self._shelf.pop((left, right))
        if kept is not None:
            kept_top = self._kept_from[left, right]
            kept_bottom = kept_top + kept.shape[1]
            if kept_top <= top < kept_bottom <= bottom:
                planes[:, : kept_bottom - top] = kept[:, top - kept_top :]
                first = kept_bottom
        self._fill(planes[:, first - top :], first, bottom, left, right)
        if self._shelf is not None and top <= keep_from < bottom:
            self._kept_from[left, right] = keep_from
            self._shelf.put((left, right), planes[:, keep_from - top :].copy())
        return planes[:3], planes[3] if self._planes == 4 else None

    def _fill(self, planes: np.ndarray, top: int, bottom: int, left: int, right: int) -> None:
        step_columns = max(1, int(_READ_COLUMNS_PX * self._columns.scale))
        for x in range(left, right, step_columns):
            x_end = min(right, x + step_columns)
            image_left, image_right = self._columns.needs(x, x_end)
            step_rows = max(1, int(_READ_PX / (image_right - image_left) * self._rows.scale))
            for y in range(top, bottom, step_rows):
                y_end = min(bottom, y + step_rows)
                image_top, image_bottom = self._rows.needs(y, y_end)
                block = self._read_image(image_left, image_top, image_right, image_bottom)
                block = resample_rows(block, self._rows, image_top, y, y_end)
                block = resample_columns(block, self._columns, image_left, x, x_end)
                planes[:, y - top : y_end - top, x - left : x_end - left] = self._finished(block)

    def _read_image(self, left: int, top: int, right: int, bottom: int) -> np.ndarray:
        """Return normalised values and, with a mask, validity as a fourth plane; invalid values are 0."""
        pixels, valid = self._source.read(left, top, right - left, bottom - top)
        values = self._normalisation.apply(pixels)
        if valid is None:
            return values
        values[:, ~valid] = 0.0
        return np.concatenate([values, valid[None].astype(np.float32)])

    def _finished(self, block: np.ndarray) -> np.ndarray:
        resampled = not (self._columns.is_identity and self._rows.is_identity)
        if resampled and self._planes == 4:
            share = block[3]
            usable = share >= _HALF
            block[:3] /= np.where(usable, share, np.float32(1.0))
            block[:3] *= usable
        if resampled:
            np.clip(block[:3], 0.0, 1.0, out=block[:3])
        return block

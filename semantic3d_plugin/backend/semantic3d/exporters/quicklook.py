"""One picture of a result: image, height, uncertainty and land cover side by side, with their scales."""
from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from ..raster.block_sizes import open_quietly
from .canvas import FAINT_INK, INK, Canvas, text_height, text_width
from .png import png_bytes
from .preview import (
    class_picture, height_limit_m, image_picture, ramp_picture, sigma_limit_m, stored_classes,
)
from .ramps import HEIGHT_RAMP, SIGMA_RAMP, Ramp, nice_maximum, number_text, rgb, ticks

_PANEL_PX = 520
_TALLEST_PX = 780
_MARGIN, _GAP = 24, 20
_TITLE_PX, _BAR_PX = 30, 14
_LEGEND_LINES = 5


@dataclass(frozen=True)
class _Panel:
    title: str
    picture: np.ndarray
    ramp: Ramp | None = None
    limit: float = 0.0
    unit: str = ""
    classes: tuple = ()


def write_quicklook(path: str, image_path: str, height_path: str = "", sigma_path: str = "", land_cover_path: str = "",
                    bands=(), gsd_m: float = 0.0, classes=(), title: str = "") -> None:
    """Write the picture as PNG.

    Args:
        path: the PNG to write.
        image_path: the image; the part under the outputs is shown.
        height_path, sigma_path, land_cover_path: outputs; those left empty get no panel.
        bands: one-based bands of the image for red, green, blue; empty lets the file say.
        gsd_m: ground sampling distance of the image's pixels in metres; 0 leaves the scale bar out.
        classes: of the land cover (id, name, colour); empty takes those stored in the file.
    """
    picture = quicklook(image_path, height_path, sigma_path, land_cover_path, bands, gsd_m, classes, title)
    with open(path, "wb") as stream:
        stream.write(png_bytes(picture))


def quicklook(image_path: str, height_path: str = "", sigma_path: str = "", land_cover_path: str = "",
              bands=(), gsd_m: float = 0.0, classes=(), title: str = "") -> np.ndarray:
    """The picture of `write_quicklook` as [rows, columns, 3] uint8."""
    like = height_path or sigma_path or land_cover_path
    panels = [_Panel("Image", image_picture(image_path, bands, like=like))]
    if height_path:
        limit = height_limit_m(height_path)
        panels.append(_Panel("Height above ground", ramp_picture(height_path, HEIGHT_RAMP, limit), HEIGHT_RAMP, limit,
                             "m"))
    if sigma_path:
        limit = sigma_limit_m(sigma_path)
        panels.append(_Panel("Uncertainty (1 sigma)", ramp_picture(sigma_path, SIGMA_RAMP, limit), SIGMA_RAMP, limit,
                             "m"))
    if land_cover_path:
        classes = tuple(classes) or stored_classes(land_cover_path)
        panels.append(_Panel("Land cover", class_picture(land_cover_path, classes), classes=classes))
    return _drawn(panels, _pixel_width_m(like or image_path, panels[0].picture, gsd_m), title)


def _pixel_width_m(path: str, picture: np.ndarray, gsd_m: float) -> float:
    """Metres that one picture column spans; 0 when unknown."""
    with open_quietly(path) as source:
        gsd_m = gsd_m or _leading_number(source.tags().get("SEMANTIC3D_GSD_M", ""))
        return gsd_m * source.width / picture.shape[1]


def _leading_number(text: str) -> float:
    """0.5 from "0.5 x 0.5, given"; 0 where there is none."""
    match = re.match(r"\d+(\.\d+)?(e-?\d+)?", text)
    return float(match.group()) if match else 0.0


def _drawn(panels: list, pixel_width_m: float, title: str) -> np.ndarray:
    rows, columns = panels[0].picture.shape[:2]
    scale = min(_PANEL_PX / columns, _TALLEST_PX / rows)
    width, height = max(1, round(columns * scale)), max(1, round(rows * scale))
    panel_px = max(width, 260)
    top = _MARGIN + (text_height(True) + 12 if title else 0)
    bottom = top + _TITLE_PX + height
    canvas = Canvas(2 * _MARGIN + len(panels) * panel_px + (len(panels) - 1) * _GAP,
                    bottom + 16 + _LEGEND_LINES * text_height() + _MARGIN)
    if title:
        canvas.text(_MARGIN, _MARGIN, title, bold=True, width=canvas.pixels.shape[1] - 2 * _MARGIN)
    for index, panel in enumerate(panels):
        left = _MARGIN + index * (panel_px + _GAP)
        canvas.text(left, top, panel.title, bold=True, width=panel_px)
        canvas.paste(left, top + _TITLE_PX, resized(panel.picture, height, width))
        canvas.frame(left, top + _TITLE_PX, width, height)
        if panel.ramp is not None:
            _draw_ramp(canvas, left, bottom + 16, width, panel)
        elif panel.classes:
            _draw_classes(canvas, left, bottom + 14, panel_px, panel.classes)
        elif pixel_width_m > 0:
            _draw_scale_bar(canvas, left, bottom + 16, width, pixel_width_m * columns / width)
    return canvas.pixels


def resized(picture: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """A picture [h, w, 3] at another size: mean over blocks when shrinking, nearest when growing."""
    height, width = picture.shape[:2]
    if rows >= height or columns >= width:
        y, x = (np.arange(rows) * height) // rows, (np.arange(columns) * width) // columns
        return picture[y][:, x]
    y, x = (np.arange(rows + 1) * height) // rows, (np.arange(columns + 1) * width) // columns
    sums = np.add.reduceat(np.add.reduceat(picture.astype(np.float64), y[:-1], axis=0), x[:-1], axis=1)
    counts = np.diff(y)[:, None, None] * np.diff(x)[None, :, None]
    return np.rint(sums / counts).astype(np.uint8)


def _draw_ramp(canvas: Canvas, x: int, y: int, width: int, panel: _Panel) -> None:
    colours = panel.ramp.colours(np.linspace(0.0, 1.0, width))
    canvas.paste(x, y, np.repeat(colours[None], _BAR_PX, axis=0))
    canvas.frame(x, y, width, _BAR_PX)
    values = ticks(panel.limit, most=6 if width > 300 else 4)
    for value in values:
        at = x + round(value / panel.limit * (width - 1))
        canvas.rectangle(at, y + _BAR_PX, 1, 5, INK)
        text = number_text(value) + (f" {panel.unit}" if value == values[-1] else "")
        half = text_width(text) // 2
        canvas.text(min(max(at, x + half), x + width - half), y + _BAR_PX + 7, text, anchor="middle")
    canvas.text(x, y + _BAR_PX + 9 + text_height(), "grey: no data", colour=FAINT_INK, width=width)


def _draw_classes(canvas: Canvas, x: int, y: int, width: int, classes: tuple) -> None:
    columns = 1 if len(classes) <= _LEGEND_LINES else 2
    column_px = width // columns
    lines = min(_LEGEND_LINES, math.ceil(len(classes) / columns))
    for index, item in enumerate(classes[:columns * _LEGEND_LINES]):
        column, line = divmod(index, lines)
        left, up = x + column * column_px, y + line * text_height()
        canvas.rectangle(left + 1, up + 3, 22, 12, rgb(item.colour))
        canvas.frame(left + 1, up + 3, 22, 12)
        canvas.text(left + 30, up, item.name, width=column_px - 34)


def _draw_scale_bar(canvas: Canvas, x: int, y: int, width: int, metres_per_px: float) -> None:
    """A bar of a round length, about a third of the panel, in two halves."""
    wanted = width / 3 * metres_per_px
    length_m = nice_maximum(wanted, 0.0)
    while length_m > wanted * 1.3:
        length_m = nice_maximum(length_m * 0.6, 0.0)
    length_px = max(2, round(length_m / metres_per_px))
    canvas.rectangle(x, y + 4, length_px, 8, INK)
    canvas.rectangle(x + length_px // 2, y + 5, length_px - length_px // 2 - 1, 6, (255, 255, 255))
    text = f"{number_text(length_m / 1000)} km" if length_m >= 1000 else f"{number_text(length_m)} m"
    canvas.text(x + length_px + 8, y - 1, text)

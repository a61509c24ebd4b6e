"""Small pictures of large rasters: decimated reads, bounded memory."""
from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.windows import Window

from ..models.package import LandCoverClass
from ..raster.block_sizes import open_quietly
from ..raster.source import band_names, colour_positions
from .ramps import NODATA_COLOUR, Ramp, nice_maximum, rgb

LONGEST_PX = 1024
SMALLEST_HEIGHT_M = 5.0
SMALLEST_SIGMA_M = 1.0
_PERCENTILE = 99.5
_CACHE_BYTES = 128_000_000  # a row of blocks must fit: the rows of pixels picked from them are read one by one


@dataclass(frozen=True)
class Preview:
    """A decimated band stack.

    values: [bands, rows, columns]; valid: [rows, columns]; step_px: raster pixels per preview pixel.
    """

    values: np.ndarray
    valid: np.ndarray
    step_px: float


def read_preview(path: str, bands=(1,), longest_px: int = LONGEST_PX, averaged: bool = False,
                 like: str = "") -> Preview:
    """Read bands with at most `longest_px` pixels along the longer side.

    Args:
        bands: one-based.
        averaged: whether pixels are averaged (pictures) or picked (classes, statistics).
        like: another raster on the same pixel lattice whose extent is wanted instead of the whole.
    """
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES), open_quietly(path) as source:
        window = _window_like(source, like) if like else Window(0, 0, source.width, source.height)
        step = max(1.0, max(window.width, window.height) / longest_px)
        shape = (max(1, round(window.height / step)), max(1, round(window.width / step)))
        resampling = Resampling.average if averaged and step > 1 else Resampling.nearest
        read = {"window": window, "out_shape": (len(bands), *shape), "boundless": _sticks_out(window, source)}
        values = source.read(list(bands), resampling=resampling, **read)
        valid = _valid(source, bands, values, {**read, "out_shape": shape})
    return Preview(values, valid, float(step))


def height_limit_m(path: str) -> float:
    """Upper end of the height scale in metres: a round number from the 99.5th percentile, at least 5."""
    return _limit(path, SMALLEST_HEIGHT_M)


def sigma_limit_m(path: str) -> float:
    """Upper end of the uncertainty scale in metres: a round number from the 99.5th percentile, at least 1."""
    return _limit(path, SMALLEST_SIGMA_M)


def image_picture(path: str, bands=(), longest_px: int = LONGEST_PX, like: str = "") -> np.ndarray:
    """The image as [rows, columns, 3] uint8; other types than uint8 are stretched between percentiles 2 and 98.

    Without `bands` the file's own red, green and blue are shown, else its first three, else its only one in grey.
    """
    palette = _palette(path)
    preview = read_preview(path, bands or _colour_bands(path), longest_px, averaged=palette is None, like=like)
    values = preview.values
    if palette is not None:
        values = np.moveaxis(palette[values[0]], -1, 0)
    elif values.dtype != np.uint8:
        values = _stretched(values.astype(np.float64), preview.valid)
    picture = np.moveaxis(values, 0, -1).copy()
    picture[~preview.valid] = NODATA_COLOUR
    return picture


def ramp_picture(path: str, ramp: Ramp, limit: float, longest_px: int = LONGEST_PX, band: int = 1) -> np.ndarray:
    """A band as [rows, columns, 3] uint8, coloured from 0 to `limit`."""
    preview = read_preview(path, (band,), longest_px, averaged=True)
    picture = ramp.colours(np.nan_to_num(preview.values[0].astype(np.float64)) / limit)
    picture[~preview.valid] = NODATA_COLOUR
    return picture


def class_picture(path: str, classes, longest_px: int = LONGEST_PX) -> np.ndarray:
    """Land cover as [rows, columns, 3] uint8 in the classes' colours."""
    preview = read_preview(path, (1,), longest_px)
    table = np.full((256, 3), NODATA_COLOUR, dtype=np.uint8)
    for item in classes:
        table[item.id] = rgb(item.colour)
    picture = table[preview.values[0].astype(np.uint8)]
    picture[~preview.valid] = NODATA_COLOUR
    return picture


def stored_classes(path: str) -> tuple:
    """The classes that a LAND_COVER file carries: its SEMANTIC3D_CLASSES tag, else its colour table."""
    with open_quietly(path) as source:
        text = source.tags().get("SEMANTIC3D_CLASSES", "")
        if text:
            return tuple(LandCoverClass(int(item[0]), str(item[1]), str(item[2])) for item in json.loads(text))
        present = np.unique(read_preview(path).values)
        if source.colorinterp[0] != ColorInterp.palette:
            return tuple(LandCoverClass(int(v), f"class {v}", "#7f7f7f") for v in present if v)
        table = source.colormap(1)
    return tuple(LandCoverClass(int(v), f"class {v}", "#%02x%02x%02x" % table[int(v)][:3]) for v in present if v)


def _palette(path: str):
    """Colours [256, 3] uint8 of an image that stores indices; None for others."""
    with open_quietly(path) as source:
        if source.count != 1 or source.colorinterp[0] != ColorInterp.palette or source.dtypes[0] != "uint8":
            return None
        table = np.zeros((256, 3), dtype=np.uint8)
        for index, colour in source.colormap(1).items():
            table[index] = colour[:3]
    return table


def _colour_bands(path: str) -> tuple:
    with open_quietly(path) as source:
        chosen = colour_positions(list(source.colorinterp), band_names(source))
        if chosen:
            return tuple(position + 1 for position in chosen)
        return (1, 2, 3) if source.count >= 3 else (1, 1, 1)


def _limit(path: str, smallest: float) -> float:
    preview = read_preview(path)
    values = preview.values[0][preview.valid]
    return nice_maximum(float(np.percentile(values, _PERCENTILE)) if values.size else 0.0, smallest)


def _window_like(source, like: str) -> Window:
    with open_quietly(like) as other:
        inverse, x, y = ~source.transform, other.transform.c, other.transform.f
        column = inverse.a * x + inverse.b * y + inverse.c
        row = inverse.d * x + inverse.e * y + inverse.f
        return Window(round(column), round(row), other.width, other.height)


def _sticks_out(window: Window, source) -> bool:
    return (window.col_off < 0 or window.row_off < 0 or window.col_off + window.width > source.width
            or window.row_off + window.height > source.height)


def _valid(source, bands, values: np.ndarray, read: dict) -> np.ndarray:
    valid = np.ones(values.shape[1:], dtype=bool)
    for band in bands:
        if MaskFlags.all_valid not in source.mask_flag_enums[band - 1] or read["boundless"]:
            valid &= source.read_masks(band, resampling=Resampling.nearest, **read) > 0
    if np.issubdtype(values.dtype, np.floating):
        valid &= np.isfinite(values).all(axis=0)
    return valid


def _stretched(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    seen = values[:, valid]
    if not seen.size:
        return np.zeros(values.shape, dtype=np.uint8)
    low, high = np.percentile(seen, (2, 98))
    scaled = (np.nan_to_num(values) - low) / max(high - low, 1e-12)
    return np.rint(np.clip(scaled, 0, 1) * 255).astype(np.uint8)

"""How much a raster makes GDAL decode at once: a block as a whole, whatever the window."""

from __future__ import annotations

import math
import os
import warnings

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from s3d_protocol.errors import InvalidInput

from .gdal_errors import GDAL_ERRORS

_LARGEST_BLOCK_BYTES = 1 << 30
_MOST_PARTS = 256  # of a VRT, looked at on each level: a header on a disk takes less than a millisecond
_MOST_FAR_PARTS = 8  # of those that are asked of a server, a request or two each
_MOST_LEVELS = 4  # of VRTs in VRTs
_ARCHIVES = ("/vsizip/", "/vsitar/", "/vsigzip/", "/vsi7z/", "/vsirar/")  # may lie in each other
_sound_vrts: set[tuple] = set()  # (path, stamp) where the parts were looked at: a job opens its image again and again


def open_quietly(path: str):
    """rasterio.open without the warning about rasters in pixel coordinates: each reader judges that itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path)


def open_bounded(path: str):
    """As `open_quietly`, and `check_blocks`."""
    dataset = open_quietly(path)
    try:
        check_blocks(dataset, path)
    except BaseException:
        dataset.close()
        raise
    return dataset


def is_plain_path(path: str) -> bool:
    """Tell whether a path is one of the file system, and none of GDAL's virtual ones or a URL."""
    return "://" not in path and not path.startswith("/vsi")


def file_holding(name: str) -> str | None:
    """Return the file on a disk of ours that holds what GDAL calls `name`: that file itself, or the archive around
    it (/vsizip//maps/town.zip/a.tif lies in /maps/town.zip); None where there is none, as in an object store."""
    if os.path.isfile(name):
        return name
    inside = name
    while inside.startswith(_ARCHIVES):
        inside = inside.split("/", 2)[2]
    if inside == name:
        return None
    for inside in (inside, inside.replace("{", "").replace("}", "")):  # GDAL knows /vsizip/{town.zip}/a.tif, too
        while not os.path.isfile(inside) and os.path.dirname(inside) != inside:
            inside = os.path.dirname(inside)
        if os.path.isfile(inside):
            return inside
    return None


def pixel_bytes(dataset) -> int:
    """Bytes of a pixel in all bands; numpy knows no complex integers."""
    return sum(4 if name.startswith("complex_int") else np.dtype(name).itemsize for name in dataset.dtypes)


def check_blocks(dataset, path: str) -> None:
    """Check that a block of an open raster, of those that a VRT reads and of masks beside them fits into memory.

    Raises:
        InvalidInput: one is too large.
    """
    _check_file(dataset, path, path)
    state = path, stamp_of(path)
    if dataset.driver == "VRT" and state not in _sound_vrts:  # its own blocks are small, whatever it reads
        _check_parts(dataset, path)
        _sound_vrts.add(state)


def files_of(dataset, path: str) -> list[str]:
    """Return the names of an open raster's files, and of those that a VRT reads.

    Raises:
        InvalidInput: one is no UTF-8.
    """
    try:
        return dataset.files
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} names a file in letters that are not UTF-8. Write it anew, in UTF-8.") from error


def files_below(dataset, path: str) -> list[str]:
    """Return the names of all files that an open raster's pixels come from: VRTs in VRTs and masks are followed, too.

    Raises:
        InvalidInput: one is no UTF-8.
    """
    found, waiting = {path: None}, files_of(dataset, path)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = None
        if name.lower().endswith(".vrt"):
            try:
                with open_quietly(name) as inner:
                    waiting += files_of(inner, name)
            except (*GDAL_ERRORS, ValueError):  # said when it is read, if it is at all
                pass
        elif os.path.isfile(name + ".msk"):
            waiting.append(name + ".msk")
    return list(found)


def parts_of_virtual(path: str) -> list[str]:
    """Return the files that a VRT's pixels come from; none for what is no VRT, or cannot be opened."""
    if not str(path).lower().endswith(".vrt"):
        return []
    try:
        with open_quietly(path) as dataset:
            return files_below(dataset, path)[1:]
    except (*GDAL_ERRORS, ValueError):  # said when the job reads it
        return []


def _check_file(dataset, name: str, words: str) -> None:
    """Check the blocks of one open raster, which messages call `words`, and of the mask beside it."""
    rows, columns = max(dataset.block_shapes, key=math.prod, default=(0, 0))
    block_bytes = rows * columns * pixel_bytes(dataset)
    if block_bytes > _LARGEST_BLOCK_BYTES:
        raise InvalidInput(
            f"{words} is stored in blocks of {columns} x {rows} pixels, each of which takes "
            f"{block_bytes / 1e9:.1f} GB to read. Write it in small tiles first, for instance with "
            "gdal_translate -co TILED=YES.",
            {"block": [rows, columns]},
        )
    mask = name + ".msk"
    if is_plain_path(name) and os.path.isfile(mask):
        _parts_of(mask, name)


def _check_parts(dataset, path: str) -> None:
    """Check the blocks of the rasters that an open VRT reads, and of those that VRTs among them read.

    A VRT may have a hundred thousand parts: of more than `_MOST_PARTS` some from all over the list stand for the rest.
    """
    names, seen = files_of(dataset, path), {path}
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):  # headers alone, and no listing of a folder for each
        for _ in range(_MOST_LEVELS):
            names = [name for name in dict.fromkeys(names) if name not in seen]
            seen.update(names)
            near = _spread([name for name in names if is_plain_path(name)], _MOST_PARTS)
            far = _spread([name for name in names if not is_plain_path(name)], _MOST_FAR_PARTS)
            names = []
            for name in near + far:
                inner = _parts_of(name, path)
                if inner is None and name in far:
                    break  # a server that does not answer would take its time for each
                if len(names) < _MOST_PARTS:
                    names += inner or []


def _parts_of(name: str, path: str) -> list[str] | None:
    """Check the blocks of what `path` reads; returns what that reads itself, None where it cannot be opened."""
    try:
        dataset = open_quietly(name)
    except (*GDAL_ERRORS, ValueError):  # said when it is read, if it is at all
        return None
    with dataset:
        _check_file(dataset, name, f"{name}, which {path} reads,")
        return files_of(dataset, name) if dataset.driver == "VRT" else []


def _spread(names: list[str], most: int) -> list[str]:
    if len(names) <= most:
        return names
    return [names[position * (len(names) - 1) // (most - 1)] for position in range(most)]


def stamp_of(path: str) -> tuple[int, int, int] | None:
    """Return a file's number, size and time, which change with it; None where there is no such file on a disk."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # gone, far away, or XML in the place of a path
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns

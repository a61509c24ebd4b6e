"""Layers that share a style: QGIS finds the .qml of a file by its stem, whatever the suffix."""

from __future__ import annotations

import os

from .job_base import same_file_key

_LAYER_SUFFIXES = frozenset(
    ".tif .tiff .gtiff .jp2 .j2k .jpg .jpeg .png .gif .bmp .webp .img .vrt .ecw .sid .asc .bil .bip .bsq .dem .hgt .nc "
    ".hdf .h5 .mbtiles .gpkg .sqlite .shp .geojson .kml .gml .fgb .las .laz".split()
)


def namesake(path: str) -> str:
    """Another layer's file beside this one that QGIS would open with the same style, "" where there is none.

    Raises:
        OSError: the folder cannot be listed.
    """
    own, stem = same_file_key(path), same_file_key(os.path.splitext(path)[0])
    folder = os.path.dirname(os.path.abspath(path))
    for name in sorted(os.listdir(folder)):
        begin, suffix = os.path.splitext(os.path.join(folder, name))
        if suffix.lower() in _LAYER_SUFFIXES and same_file_key(begin) == stem and same_file_key(begin + suffix) != own:
            return begin + suffix
    return ""

"""Many images by one name: a folder, a pattern, or a STAC item collection."""

from __future__ import annotations

import glob
import json
import os
from typing import Iterable
from urllib.parse import unquote

from s3d_protocol.errors import InvalidInput

SUFFIXES = (".tif", ".tiff", ".jp2", ".img", ".vrt", ".png", ".jpg", ".jpeg")
_LARGEST_JSON_BYTES = 200_000_000
_RASTER_FOLDERS = (".zarr", ".gdb", ".safe")  # which GDAL itself opens
_VISUAL_NAMES = ("visual", "rgb")
_FAR = {"http": "/vsicurl/http://", "https": "/vsicurl/https://", "s3": "/vsis3/", "gs": "/vsigs/"}


def is_collection(path: str) -> bool:
    """Tell whether a path stands for several images, and not for one that GDAL opens.

    Raises:
        InvalidInput: it is a folder or a pattern in an object store.
    """
    is_folder = path.endswith("/") and not path.rstrip("/").lower().endswith(_RASTER_FOLDERS)
    if path.startswith("/vsi") and (is_folder or "*" in os.path.basename(path)):
        raise InvalidInput(
            f"{path} is a folder or a pattern in an object store, which is not listed here. Give its images as a VRT "
            "(gdalbuildvrt) or as a STAC item collection."
        )
    if os.path.isdir(path):
        return not path.rstrip("/\\").lower().endswith(_RASTER_FOLDERS)
    if os.path.exists(path) or path.startswith("/vsi") or "://" in path:
        return os.path.isfile(path) and path.lower().endswith((".json", ".geojson"))
    return glob.has_magic(path)


def find_images(path: str, without: Iterable[str] = ()) -> list[str]:
    """Return the images that a folder, pattern or STAC file names, sorted, as paths that GDAL opens anywhere.

    Args:
        without: files that are none of them, such as a mosaic made earlier.

    Raises:
        InvalidInput: there are none, or the STAC file makes no sense.
    """
    if os.path.isdir(path):
        found = _in_folder(path)
    elif os.path.isfile(path):
        found = _in_stac(path)
    else:
        found = [name for name in glob.glob(path, recursive=True) if os.path.isfile(name)]
    left_out = {os.path.abspath(name) for name in without}
    images = sorted({name if name.startswith("/vsi") else os.path.abspath(name) for name in found} - left_out)
    if not images:
        raise InvalidInput(f"{path} names no image. {_hint(path)}")
    return images


def _hint(path: str) -> str:
    if os.path.exists(path):
        return f"In a folder, those that end in {', '.join(SUFFIXES)} are taken."
    if "[" in path:
        return (
            "Brackets are a part of the pattern and stand for one of the letters in them. For a bracket in a name "
            f"write [[], as in {path.replace('[', '[[]')}."
        )
    return "No file fits that pattern."


def _in_folder(path: str) -> list[str]:
    try:
        names = os.listdir(path)
    except OSError as error:
        raise InvalidInput(f"The folder {path} cannot be read: {error.strerror or error}.") from error
    chosen = [name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
    return [os.path.join(path, name) for name in chosen if os.path.isfile(os.path.join(path, name))]


def _in_stac(path: str) -> list[str]:
    try:
        if os.path.getsize(path) > _LARGEST_JSON_BYTES:
            raise InvalidInput(f"{path} is larger than {_LARGEST_JSON_BYTES // 1_000_000} MB. Divide the collection.")
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} is no JSON that can be read: {error}") from error
    kind = content.get("type") if isinstance(content, dict) else None
    items = content.get("features") if kind in ("FeatureCollection", "ItemCollection") else [content]
    if kind not in ("Feature", "FeatureCollection", "ItemCollection") or not isinstance(items, list):
        raise InvalidInput(f"{path} is no STAC item and no item collection (its type is {str(kind)[:40]!r}).")
    links = content.get("links")
    if isinstance(links, list) and any(isinstance(link, dict) and link.get("rel") == "next" for link in links):
        raise InvalidInput(
            f"{path} is one page of a longer answer: it has {len(items)} items, and a link to the next page. Save all "
            "pages as one item collection; or delete the link with the rel next, if this page is all you want.",
            {"items": len(items)},
        )
    return [_asset_path(item, path) for item in items]


def _asset_path(item, stac_path: str) -> str:
    """Choose an item's image: the asset with the role visual, else called visual or rgb, else the only data raster."""
    assets = item.get("assets") if isinstance(item, dict) else None
    if not isinstance(assets, dict):
        raise InvalidInput(f"{stac_path} holds an item without assets. Is it a STAC item collection?")
    name = str(item.get("id"))[:100]
    rasters = {key: asset for key, asset in assets.items() if isinstance(asset, dict) and _is_raster(asset)}
    visual = [asset for asset in rasters.values() if "visual" in _roles(asset)]
    named = [rasters[key] for key in _VISUAL_NAMES if key in rasters]
    data = [asset for asset in rasters.values() if "data" in _roles(asset)]
    chosen = visual or named or (data if len(data) == 1 else [])
    if not chosen:
        raise InvalidInput(
            f"The item {name} of {stac_path} does not say which asset is its colour image (it has "
            f"{', '.join(sorted(map(str, assets))[:10]) or 'none'}). One of them needs the role visual, the name "
            "visual or rgb, or to be the only raster with the role data.",
            {"item": name},
        )
    return _resolved(chosen[0]["href"], stac_path, name)


def _roles(asset: dict) -> list:
    roles = asset.get("roles")
    return roles if isinstance(roles, list) else []


def _is_raster(asset: dict) -> bool:
    href, kind = asset.get("href"), asset.get("type")
    if not isinstance(href, str):
        return False
    if kind:
        return str(kind).startswith("image/")
    return any(name.lower().endswith(SUFFIXES) for name in (href, href.partition("?")[0]))


def _resolved(href: str, stac_path: str, item: str) -> str:
    scheme, separator, rest = href.partition("://")
    if separator and scheme.lower() in _FAR:
        return _FAR[scheme.lower()] + rest
    if separator and scheme.lower() == "file":
        href = unquote(rest)
    elif separator:
        raise InvalidInput(f"The item {item} of {stac_path} lies at {href[:200]}; known are http, https, s3, gs, file.")
    folder = os.path.dirname(os.path.abspath(stac_path))
    path = os.path.join(folder, href)
    if not separator and not os.path.isfile(path):  # many write a path there, the standard wants a reference
        path = next(filter(os.path.isfile, [os.path.join(folder, unquote(href))]), path)
    if not os.path.isfile(path):
        raise InvalidInput(f"The item {item} of {stac_path} names {path}, which is no file.", {"path": path})
    return path

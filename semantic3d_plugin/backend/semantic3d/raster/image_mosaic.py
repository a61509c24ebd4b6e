"""Images of one kind seen as a single one: a virtual raster (VRT) that refers to them."""

from __future__ import annotations

import math
import os
import uuid
import xml.etree.ElementTree as ElementTree  # nosec B405 # for VRTs of our own and of GDAL
from collections import Counter
from dataclasses import dataclass, replace
from typing import Callable, Sequence

import numpy as np
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags

from s3d_protocol.errors import InvalidInput, OutputFailed

from .block_sizes import open_bounded, open_quietly
from .gdal_errors import GDAL_ERRORS, reason
from .source import band_names, colour_positions

_MARK = "SEMANTIC3D_MOSAIC"  # in what we wrote, and may write anew
_ORIGIN = "SEMANTIC3D_MOSAIC_OF"
_GSD_TOLERANCE = 0.01
_ON_GRID_PX = 0.01
_MOST_CELLS = 20_000_000
_TYPES = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32", "int32": "Int32",
    "float32": "Float32", "float64": "Float64",
}  # fmt: skip
_COLOURS = {ColorInterp.red: "Red", ColorInterp.green: "Green", ColorInterp.blue: "Blue"}


@dataclass(frozen=True)
class _Image:
    """What the mosaic must know of an image.

    Attributes:
        colours, names: interpretations and descriptions of its bands but the alpha band.
        nodata: None, too, where a mask of the file's own says it better.
        alpha: number of the alpha band, 0 where it has none.
        masked: whether any pixel can be invalid.
        block: rows and columns of the file's own blocks.
    """

    path: str
    width: int
    height: int
    left: float
    top: float
    gsd_x: float
    gsd_y: float
    crs: CRS | None
    dtype: str
    colours: tuple
    names: tuple
    nodata: float | None
    alpha: int
    masked: bool
    block: tuple

    @property
    def order(self) -> str:
        """Which bands are red, green and blue; "" where nothing says so."""
        chosen = colour_positions(list(self.colours), [name.lower() for name in self.names])
        return "" if chosen is None else ", ".join(str(position + 1) for position in chosen)


def mosaic_origin(path: str) -> str:
    """Return which folder, pattern or STAC file a mosaic was made of; empty for whatever else has that path."""
    try:
        with open_quietly(path) as dataset:
            return dataset.tags().get(_ORIGIN, "")
    except (*GDAL_ERRORS, ValueError):
        return ""


def write_mosaic(
    paths: Sequence[str], target: str, origin: str, check_cancelled: Callable[[], None],
    check_replaceable: Callable[[], None] = lambda: None,
) -> list[str]:
    """Write a virtual raster over images; a file that says the same already is left as it is.

    Where images overlap the later one is on top. What none covers is NoData, or transparent. The mosaic's grid is the
    one that most images share.

    Args:
        paths: at least one, in the order in which they are laid down.
        target: the .vrt file.
        origin: what named the images, see `mosaic_origin`.
        check_replaceable: called before another mosaic of that name is written anew; may raise to leave it.

    Returns:
        The images that lie off that grid, and are resampled when the mosaic is read.

    Raises:
        InvalidInput: one cannot be opened, or two do not fit together: both are named.
        OutputFailed: the file cannot be written, or there is another one of that name.
    """
    images = []
    for path in paths:
        check_cancelled()
        images.append(_look_at(path))
        _check_fits(images[0], images[-1])
    if images[0].dtype.startswith("float") and not any(image.masked for image in images):
        # NaN is no image: it must not cover what lies below
        images = [replace(image, nodata=math.nan, masked=True) for image in images]
    places = _places(images)
    off_grid = [image.path for image, place in zip(images, places.of_images) if _is_off_grid(place)]
    text = ElementTree.tostring(_virtual(images, places, origin), encoding="unicode")
    try:
        if os.path.exists(target):
            with open(target, encoding="utf-8") as file:
                there = file.read()
            if there == text:
                return off_grid
            if _MARK not in there:
                raise OutputFailed(
                    f"The mosaic of the images would be {target}, but another file has that name. Rename that file, or "
                    "put the outputs into another folder.",
                    {"path": target},
                )
            check_replaceable()
        aside = f"{target}.{uuid.uuid4().hex[:8]}.partial"
        with open(aside, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(aside, target)
    except (OSError, UnicodeDecodeError) as error:
        raise OutputFailed(f"The mosaic {target} cannot be written: {error}.") from error
    return off_grid


def _look_at(path: str) -> _Image:
    try:
        with open_bounded(path) as dataset:
            transform, kinds = dataset.transform, dataset.colorinterp
            if transform.b or transform.d or transform.a <= 0 or transform.e >= 0 or transform.is_identity:
                raise InvalidInput(
                    f"{path} is not on a north-up map grid (geotransform {tuple(transform)[:6]}), which a mosaic "
                    "needs. Warp it first, for instance with gdalwarp."
                )
            if ColorInterp.palette in kinds or dataset.dtypes[0] not in _TYPES or len(set(dataset.dtypes)) > 1:
                raise InvalidInput(
                    f"{path} has a colour table, or bands of the types {', '.join(dataset.dtypes)}: a mosaic needs "
                    "colour bands of one whole-number or float type. Convert it first."
                )
            alphas = [kind for kind in kinds if kind == ColorInterp.alpha]
            if alphas and kinds[-1] != ColorInterp.alpha:
                raise InvalidInput(f"{path} has its alpha band before others. Put it last for a mosaic.")
            colours = tuple(kind for kind in kinds if kind != ColorInterp.alpha)
            flags = dataset.mask_flag_enums[0]
            own_mask = MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags
            return _Image(
                path, dataset.width, dataset.height, transform.c, transform.f, transform.a, -transform.e, dataset.crs,
                dataset.dtypes[0], colours, tuple(band_names(dataset)[: len(colours)]),
                None if own_mask else dataset.nodata, len(kinds) if alphas else 0, MaskFlags.all_valid not in flags,
                dataset.block_shapes[0],
            )
    except (*GDAL_ERRORS, ValueError) as error:  # a name that no file system takes is a ValueError
        raise InvalidInput(f"The image {path} of the mosaic cannot be opened: {reason(error)}") from error


def _check_fits(first: _Image, other: _Image) -> None:
    """Raise InvalidInput, with both names, where two images cannot be one mosaic."""
    facts = []
    if first.crs != other.crs:
        facts.append(("CRS", _crs_text(first.crs), _crs_text(other.crs)))
    for mine, its in ((first.gsd_x, other.gsd_x), (first.gsd_y, other.gsd_y)):
        if abs(its / mine - 1.0) > _GSD_TOLERANCE:
            facts.append(("pixel size", f"{mine:.6g}", f"{its:.6g}"))
            break
    for what, mine, its in (
        ("data type", first.dtype, other.dtype),
        ("bands", _colour_names(first), _colour_names(other)),
        ("bands of red, green and blue", first.order or "unknown", other.order or "unknown"),
        ("NoData value", str(first.nodata), str(other.nodata)),
    ):
        if mine != its:
            facts.append((what, mine, its))
    if facts:
        what, mine, its = facts[0]
        raise InvalidInput(
            f"{first.path} and {other.path} cannot be one mosaic: their {what} differ{'' if what.startswith('bands') else 's'} "
            f"({mine} and {its}). Bring all images to one CRS, one pixel size (within 1 %), and the same bands, or run "
            "them one by one.",
            {"paths": [first.path, other.path]},
        )


def _colour_names(image: _Image) -> str:
    return ", ".join(_COLOURS.get(kind, "Undefined") for kind in image.colours)


def _crs_text(crs: CRS | None) -> str:
    if crs is None:
        return "none"
    return ":".join(crs.to_authority() or (crs.to_wkt()[:60],))


@dataclass(frozen=True)
class _Places:
    """The mosaic's grid: its corner (upper left) and pixel size in units of the CRS, its size in pixels, and where
    each image lies on it: (column, row, width, height) in pixels, whole numbers where the image lies on that grid."""

    left: float
    top: float
    gsd_x: float
    gsd_y: float
    width: int
    height: int
    of_images: list


def _places(images: Sequence[_Image]) -> _Places:
    grid = _shared_grid(images)
    gsd_x, gsd_y = grid[0].gsd_x, grid[0].gsd_y
    left, top = min(image.left for image in grid), max(image.top for image in grid)
    # whole pixels further, where an image off the grid begins there; none of them leaves the corner exactly as it is
    left -= gsd_x * max(0, math.ceil((left - min(image.left for image in images)) / gsd_x - _ON_GRID_PX))
    top += gsd_y * max(0, math.ceil((max(image.top for image in images) - top) / gsd_y - _ON_GRID_PX))
    places = [_place(image, left, top, gsd_x, gsd_y) for image in images]
    width = math.ceil(max(column + wide for column, _, wide, _ in places) - _ON_GRID_PX)
    height = math.ceil(max(row + high for _, row, _, high in places) - _ON_GRID_PX)
    return _Places(left, top, gsd_x, gsd_y, width, height, places)


def _shared_grid(images: Sequence[_Image]) -> list[_Image]:
    """Return those images that lie on one grid, of the grid that has most of them; of equals the first."""
    first = images[0]

    def grid_of(image: _Image) -> tuple:
        """Pixel size, and where in a pixel the corner lies, counted from the first image's."""
        offsets_px = (image.left - first.left) / image.gsd_x, (image.top - first.top) / image.gsd_y
        parts = (round(offset / _ON_GRID_PX) % round(1 / _ON_GRID_PX) for offset in offsets_px)
        return f"{image.gsd_x:.7g}", f"{image.gsd_y:.7g}", *parts

    grids = [grid_of(image) for image in images]
    (most_shared, _), = Counter(grids).most_common(1)
    return [image for image, grid in zip(images, grids) if grid == most_shared]


def _virtual(images: Sequence[_Image], grid: _Places, origin: str) -> ElementTree.Element:
    first, places, width, height = images[0], grid.of_images, grid.width, grid.height
    root = ElementTree.Element("VRTDataset", rasterXSize=str(width), rasterYSize=str(height))
    if first.crs is not None:
        # without a mapping of axes: GDAL then takes x before y, whatever the CRS says (EPSG:4326: latitude first)
        ElementTree.SubElement(root, "SRS").text = first.crs.to_wkt()
    metadata = ElementTree.SubElement(root, "Metadata")
    ElementTree.SubElement(metadata, "MDI", key=_MARK).text = str(len(images))
    ElementTree.SubElement(metadata, "MDI", key=_ORIGIN).text = origin
    corner = (grid.left, grid.gsd_x, 0.0, grid.top, 0.0, -grid.gsd_y)
    ElementTree.SubElement(root, "GeoTransform").text = ", ".join(f"{value:.17g}" for value in corner)
    for number, (colour, name) in enumerate(zip(first.colours, first.names), 1):
        band = _band(root, number, first.dtype, _COLOURS.get(colour, "Undefined"), name)
        if first.nodata is not None:
            ElementTree.SubElement(band, "NoDataValue").text = f"{first.nodata:.17g}"
        for image, place in zip(images, places):
            _source(band, image, place, number)
    if first.nodata is not None and any(image.alpha for image in images):  # both count
        alpha = _band(root, len(first.colours) + 1, first.dtype, "Alpha")
        for image, place in zip(images, places):
            if image.alpha:
                source = _source(alpha, replace(image, masked=False), place, image.alpha, "ComplexSource")
                ElementTree.SubElement(source, "NODATA").text = "0"
            else:
                _full(_source(alpha, replace(image, masked=False), place, 1, "ComplexSource"))
    elif first.nodata is None and (any(image.masked for image in images) or not _covered(places, width, height)):
        alpha = _band(root, len(first.colours) + 1, first.dtype, "Alpha")
        for image, place in zip(images, places):
            _full(_source(alpha, image, place, 1, "ComplexSource"))
    return root


def _full(source: ElementTree.Element) -> None:
    """Make a source of an alpha band opaque, whatever it reads."""
    ElementTree.SubElement(source, "ScaleOffset").text = "255"
    ElementTree.SubElement(source, "ScaleRatio").text = "0"


def _place(image: _Image, left: float, top: float, gsd_x: float, gsd_y: float) -> tuple:
    """Return (column, row, width, height) in pixels of the mosaic; whole numbers where the image lies on its grid."""
    place = (
        (image.left - left) / gsd_x, (top - image.top) / gsd_y,
        image.width * image.gsd_x / gsd_x, image.height * image.gsd_y / gsd_y,
    )  # fmt: skip
    whole = tuple(round(value) for value in place)
    return whole if max(abs(a - b) for a, b in zip(place, whole)) <= _ON_GRID_PX else place


def _is_off_grid(place: tuple) -> bool:
    return not all(isinstance(value, int) for value in place)


def _band(root: ElementTree.Element, number: int, dtype: str, colour: str, name: str = "") -> ElementTree.Element:
    band = ElementTree.SubElement(
        root, "VRTRasterBand", dataType=_TYPES[dtype], band=str(number), blockXSize="512", blockYSize="512"
    )
    if name:
        ElementTree.SubElement(band, "Description").text = name
    ElementTree.SubElement(band, "ColorInterp").text = colour
    return band


def _source(band, image: _Image, place: tuple, number: int, kind: str = "") -> ElementTree.Element:
    kind = kind or ("ComplexSource" if image.masked else "SimpleSource")
    source = ElementTree.SubElement(band, kind, {"resampling": "bilinear"} if _is_off_grid(place) else {})
    ElementTree.SubElement(source, "SourceFilename", relativeToVRT="0").text = image.path
    ElementTree.SubElement(source, "SourceBand").text = str(number)
    rows, columns = image.block
    ElementTree.SubElement(  # so that GDAL opens an image only when its pixels are wanted
        source, "SourceProperties", RasterXSize=str(image.width), RasterYSize=str(image.height),
        DataType=_TYPES[image.dtype], BlockXSize=str(columns), BlockYSize=str(rows),
    )
    ElementTree.SubElement(
        source, "SrcRect", xOff="0", yOff="0", xSize=str(image.width), ySize=str(image.height)
    )
    column, row, width, height = (str(value) if isinstance(value, int) else f"{value:.10g}" for value in place)
    ElementTree.SubElement(source, "DstRect", xOff=column, yOff=row, xSize=width, ySize=height)
    if image.masked and image.nodata is not None:
        ElementTree.SubElement(source, "NODATA").text = f"{image.nodata:.17g}"
    elif image.masked:
        ElementTree.SubElement(source, "UseMaskBand").text = "true"
    return source


def _covered(places: Sequence[tuple], width: int, height: int) -> bool:
    """Tell whether rectangles leave no gap; where that would cost too much to know, assume that they do."""
    columns = sorted({0, width, *(edge for column, _, wide, _ in places for edge in (column, column + wide))})
    rows = sorted({0, height, *(edge for _, row, _, high in places for edge in (row, row + high))})
    if len(columns) * len(rows) > _MOST_CELLS:
        return False
    seen = np.zeros((len(rows) - 1, len(columns) - 1), bool)
    for column, row, wide, high in places:
        seen[rows.index(row) : rows.index(row + high), columns.index(column) : columns.index(column + wide)] = True
    return bool(seen.all())

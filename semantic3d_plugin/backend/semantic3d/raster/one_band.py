"""One band of a raster: where it is valid, what its numbers mean in metres, and it alone as a virtual raster.

GDAL's mask of a band knows either NoData or alpha, and its warper joins what all bands say of validity: a pixel counts
where any of them has a value.
"""

from __future__ import annotations

from xml.etree import ElementTree  # nosec B405 # only written here

import numpy as np
from rasterio.enums import ColorInterp

from .block_sizes import is_plain_path, open_quietly

_TYPES = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32", "int32": "Int32",
    "uint64": "UInt64", "int64": "Int64", "float32": "Float32", "float64": "Float64",
}  # fmt: skip
_METRES = ("", "m", "metre", "meter", "metres", "meters")
_FEET = (  # names, metres
    (("ft", "foot", "feet", "international foot", "international feet"), 0.3048),
    (("us-ft", "ftus", "us_ft", "us survey foot", "us survey feet", "us_survey_foot", "foot_us"), 1200 / 3937),
)


def alpha_band(dataset) -> int:
    """Number of the alpha band of an open raster, 0 where it has none."""
    return dataset.colorinterp.index(ColorInterp.alpha) + 1 if ColorInterp.alpha in dataset.colorinterp else 0


def validity(dataset, band: int, window) -> np.ndarray:
    """Where a band of an open raster has values, by its NoData or mask and by the alpha band, bool [H, W]."""
    valid = dataset.read_masks(band, window=window) > 0
    alpha = alpha_band(dataset)
    return valid & (dataset.read(alpha, window=window) > 0) if alpha else valid


def metres_per_unit(dataset, band: int) -> tuple[float, str]:
    """What one of a band of heights is in metres, and what the user should know of it ("" where it is in metres)."""
    unit = (dataset.units[band - 1] or "").strip()
    if unit.lower() in _METRES:
        return 1.0, ""
    for names, metres in _FEET:
        if unit.lower() in names:
            return metres, f"is in feet by its unit ({unit}) and made metres"
    return 1.0, f"has the unit {unit!r}, which is unknown, and is taken for metres"


def open_one_band(dataset, band: int):
    """Open band `band` of an open raster as a raster of one band, on the same grid.

    Its mask holds where the band's own NoData or mask and, if there is one, the alpha band let it. Scale and offset
    are left out.

    Raises:
        rasterio.errors.RasterioIOError: it cannot be opened.
    """
    return open_quietly(ElementTree.tostring(_described(dataset, band), encoding="unicode"))


def _described(dataset, band: int) -> ElementTree.Element:
    root = ElementTree.Element("VRTDataset", rasterXSize=str(dataset.width), rasterYSize=str(dataset.height))
    if dataset.crs is not None:  # without a mapping of axes GDAL takes x before y, whatever the CRS says
        ElementTree.SubElement(root, "SRS").text = dataset.crs.to_wkt()
    corner = dataset.transform.to_gdal()
    ElementTree.SubElement(root, "GeoTransform").text = ", ".join(f"{value:.17g}" for value in corner)
    kind = _TYPES.get(dataset.dtypes[band - 1], "Float64")
    values = ElementTree.SubElement(root, "VRTRasterBand", dataType=kind, band="1")
    _source(values, "SimpleSource", dataset, str(band))
    mask = ElementTree.SubElement(ElementTree.SubElement(root, "MaskBand"), "VRTRasterBand", dataType="Byte")
    if alpha_band(dataset):
        alpha = _source(mask, "ComplexSource", dataset, str(alpha_band(dataset)))
        ElementTree.SubElement(alpha, "LUT").text = "0:0,1:255"  # seen at all is seen
        own = _source(mask, "ComplexSource", dataset, f"mask,{band}")
        ElementTree.SubElement(own, "NODATA").text = "255"  # where the band has a value, the alpha band decides
    else:
        _source(mask, "SimpleSource", dataset, f"mask,{band}")
    return root


def _source(band: ElementTree.Element, kind: str, dataset, number: str) -> ElementTree.Element:
    path = dataset.name if is_plain_path(dataset.name) or not dataset.files else dataset.files[0]
    source = ElementTree.SubElement(band, kind)
    ElementTree.SubElement(source, "SourceFilename", relativeToVRT="0").text = path
    ElementTree.SubElement(source, "SourceBand").text = number
    return source

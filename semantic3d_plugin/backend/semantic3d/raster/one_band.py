"""One band of a raster of several, as a virtual raster of its own: what is invalid in it is its own affair.

GDAL's warper joins what the bands of a raster say of validity: a pixel counts where any band has a value.
"""

from __future__ import annotations

from xml.etree import ElementTree  # nosec B405 # only written here

from rasterio.enums import ColorInterp

from .block_sizes import is_plain_path, open_quietly

_TYPES = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32", "int32": "Int32",
    "uint64": "UInt64", "int64": "Int64", "float32": "Float32", "float64": "Float64",
}  # fmt: skip


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
    if ColorInterp.alpha in dataset.colorinterp:
        alpha = _source(mask, "ComplexSource", dataset, str(dataset.colorinterp.index(ColorInterp.alpha) + 1))
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

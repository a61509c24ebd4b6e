"""Small rasters for the plugin's tests, written by GDAL; the fake worker uses them too."""

import json

import numpy
from osgeo import gdal, osr

gdal.UseExceptions()

WIDTH, HEIGHT = 60, 40
ORIGIN = (500000.0, 5300020.0)
GSD_M = 0.5


def write(path, bands, gdal_type, nodata=None, epsg=32632, origin=ORIGIN, gsd=GSD_M):
    """Write bands [B, H, W] to a GeoTIFF and return its path."""
    bands = numpy.asarray(bands)
    count, height, width = bands.shape
    dataset = gdal.GetDriverByName("GTiff").Create(path, width, height, count, gdal_type)
    dataset.SetGeoTransform((origin[0], gsd, 0.0, origin[1], 0.0, -gsd))
    if epsg:
        crs = osr.SpatialReference()
        crs.ImportFromEPSG(epsg)
        dataset.SetProjection(crs.ExportToWkt())
    for number in range(count):
        band = dataset.GetRasterBand(number + 1)
        band.WriteArray(bands[number])
        if nodata is not None:
            band.SetNoDataValue(nodata)
    dataset.FlushCache()
    return path


def write_image(path, bands=3, **georeference):
    """Pixel values count up, so that a shifted or clipped copy shows."""
    values = numpy.arange(bands * HEIGHT * WIDTH).reshape(bands, HEIGHT, WIDTH) % 251
    return write(path, values, gdal.GDT_Byte, **georeference)


def write_height(path, **georeference):
    """A block 10 m high on level ground, with NoData in one corner."""
    height = numpy.zeros((1, HEIGHT, WIDTH), "float32")
    height[:, 10:25, 20:40] = 10.0
    height[:, :3, :3] = -9999.0
    return write(path, height, gdal.GDT_Float32, -9999.0, **georeference)


def write_sigma(path, **georeference):
    """Four bands: predictive, aleatoric, epistemic, evidence."""
    sigma = numpy.ones((4, HEIGHT, WIDTH), "float32") * numpy.array([2.0, 1.5, 1.3, 0.2])[:, None, None]
    return write(path, sigma, gdal.GDT_Float32, -9999.0, **georeference)


def write_land_cover(path, **georeference):
    """Buildings where the block stands, low vegetation elsewhere."""
    classes = numpy.full((1, HEIGHT, WIDTH), 2, "uint8")
    classes[:, 10:25, 20:40] = 4
    write(path, classes, gdal.GDT_Byte, 0, **georeference)
    tag = json.dumps([[2, "low vegetation", "#a6d96a"], [4, "building", "#d7301f"]])
    gdal.Open(path, gdal.GA_Update).SetMetadataItem("SEMANTIC3D_CLASSES", tag)  # as the backend tags it
    return path


def write_shadows(path, **georeference):
    """Shadow beside the block, light elsewhere."""
    mask = numpy.zeros((1, HEIGHT, WIDTH), "uint8")
    mask[:, 10:25, 40:50] = 1
    write(path, mask, gdal.GDT_Byte, 255, **georeference)
    tag = json.dumps([[0, "lit", "#fff3c4"], [1, "shadow", "#2b2d6e"]])
    gdal.Open(path, gdal.GA_Update).SetMetadataItem("SEMANTIC3D_CLASSES", tag)
    return path

"""The image as the backend can open it: a file of its own, or an export for the job.

`describe_source` runs on the main thread and looks at the layer; `RasterSource.materialise` runs wherever
the job runs and touches only what was copied from the layer. `is_lasting` tells whether the same layer will be the
same pixels in files the next time, so that a job on it can go on.
"""

import math
import os
import xml.etree.ElementTree as ElementTree  # nosec B405 # for what GDAL writes for us
from contextlib import suppress

from osgeo import gdal
from qgis.core import (
    Qgis,
    QgsProcessingUtils,
    QgsProviderRegistry,
    QgsRasterBlockFeedback,
    QgsRasterFileWriter,
    QgsRasterInterface,
    QgsRasterPipe,
    QgsRectangle,
)
from qgis.PyQt.QtCore import Qt

from ..backend.s3d_protocol import Cancelled, InvalidInput, InvalidParameter, OutputFailed
from ..styling.map_scale import metres_per_map_unit
from ..translation import tr

MAX_EXPORT_PIXELS = 400_000_000  # 1.2 GB of three byte bands
_STORES = ("/vsis3/", "/vsigs/", "/vsiaz/", "/vsiadls/", "/vsioss/", "/vsiswift/", "/vsicurl/")
CONTEXT_PX = 512  # pixels around the extent that the model may look at
_BYTE, _COLOUR = Qgis.DataType.Byte, Qgis.DataType.ARGB32


class FileSource:
    """A raster file on disk; the backend opens it itself."""

    def __init__(self, path):
        self.path = path

    def is_lasting(self):
        return _is_lasting(self.path)

    def materialise(self, folder, feedback):
        return self.path


class AssignedCrsSource:
    """A raster file to which the user gave another CRS in QGIS: a small virtual raster says so."""

    def __init__(self, path, wkt):
        self.path = path
        self.wkt = wkt

    def is_lasting(self):
        return _is_lasting(self.path)

    def materialise(self, folder, feedback):
        stem = os.path.splitext(os.path.basename(self.path))[0]  # reports and tags name the image by its file
        target = os.path.join(folder, stem + ".vrt")
        try:
            made = gdal.Translate(target, self.path, format="VRT", outputSRS=self.wkt)
        except RuntimeError:  # where GDAL was told to raise
            made = None
        if made is None:
            raise OutputFailed(tr("The image's coordinate system could not be passed on: {}").format(self.path))
        del made  # writes it
        _forget_statistics(target)
        with suppress(OSError):  # in a zip or a store there is no file with a time
            times = os.stat(self.path)  # as the image's, so that the next job's is the same file
            os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
        return target


class ExportSource:
    """A layer that is no file (web map, database, image on a server): written to a GeoTIFF for the job.

    `dataset_name` is what GDAL calls it, "" for what GDAL does not read: QGIS's own writer knows neither colour
    tables, masks, turned grids nor what the bands are.
    """

    def __init__(self, provider, dataset_name, crs, extent, columns, rows, transform_context, is_part=False):
        self.provider = provider
        self.dataset_name = dataset_name
        self.crs = crs
        self.extent = extent
        self.columns = columns
        self.rows = rows
        self.transform_context = transform_context
        self.is_part = is_part

    def is_lasting(self):
        return False

    def materialise(self, folder, feedback):
        """Write the GeoTIFF into `folder` and return its path.

        Raises:
            Cancelled: the user stopped.
            OutputFailed: the provider or the disk gave up.
        """
        target = os.path.join(folder, "image.tif")  # goes into the tags: a layer's name would differ between doors
        feedback.pushInfo(
            tr("The layer is no file: {columns} x {rows} pixels are exported for the job.").format(
                columns=self.columns, rows=self.rows
            )
        )
        if self.is_part and self.provider.sourceDataType(1) not in (_BYTE, _COLOUR):
            feedback.pushWarning(
                tr(
                    "The layer is no file, so its range of brightness is that of the extent and its surroundings, not of "
                    "the whole layer: values differ from those of a run on all of it."
                )
            )
        if self.dataset_name and self._cut(target, feedback):
            return target
        pipe = QgsRasterPipe()
        if not pipe.set(self.provider):
            raise OutputFailed(tr("The layer's data provider cannot be exported."))
        writer = QgsRasterFileWriter(target)
        writer.setOutputFormat("GTiff")
        set_options = getattr(writer, "setCreationOptions", None) or writer.setCreateOptions  # renamed in 3.44
        set_options(["TILED=YES", "COMPRESS=DEFLATE", "BIGTIFF=IF_SAFER"])
        block_feedback = QgsRasterBlockFeedback()
        # at once: the thread that writes has no event loop, and would hear of it when all is written
        feedback.canceled.connect(block_feedback.cancel, Qt.ConnectionType.DirectConnection)
        block_feedback.progressChanged.connect(feedback.setProgress, Qt.ConnectionType.DirectConnection)
        outcome = writer.writeRaster(
            pipe, self.columns, self.rows, self.extent, self.crs, self.transform_context, block_feedback
        )
        if feedback.isCanceled():
            raise Cancelled(tr("Cancelled: nothing was written."))
        if outcome != QgsRasterFileWriter.WriterError.NoError or block_feedback.errors():
            raise OutputFailed(
                tr("The layer could not be exported for the job: {}").format(
                    "; ".join(block_feedback.errors()) or tr("writer error {}").format(outcome)
                )
            )
        return target

    def _cut(self, target, feedback):
        """Let GDAL copy the pixels as they are; False where it cannot open the image by its name."""

        def go_on(done, text, data):
            feedback.setProgress(100.0 * done)
            return 0 if feedback.isCanceled() else 1

        dataset = made = None
        with suppress(RuntimeError):  # where GDAL was told to raise
            dataset = gdal.OpenEx(self.dataset_name, gdal.OF_RASTER)
            if dataset is None:
                return False
            made = gdal.Translate(
                target,
                dataset,
                format="GTiff",
                srcWin=_pixel_window(dataset, self.extent),
                outputSRS=self.crs.toWkt() or None,
                creationOptions=["TILED=YES", "COMPRESS=DEFLATE", "BIGTIFF=IF_SAFER"],
                callback=go_on,
            )
        if feedback.isCanceled():
            raise Cancelled(tr("Cancelled: nothing was written."))
        if dataset is not None and made is None:
            raise OutputFailed(tr("The layer could not be exported for the job: {}").format(gdal.GetLastErrorMsg()))
        return dataset is not None


def describe_source(layer, extent, gsd_m, transform_context):
    """Say how the backend gets at `layer`'s pixels.

    Args:
        layer: a valid QgsRasterLayer.
        extent: QgsRectangle in the layer's CRS that the user chose, or None.
        gsd_m: the user's ground sampling distance in metres, 0 if none; None where the form has no GSD and no EXTENT.
        transform_context: QgsCoordinateTransformContext of the run.

    Raises:
        InvalidInput: the layer is no file and cannot be exported; the message says why and what to do.
        InvalidParameter: there is an extent, and the file lies nowhere: QGIS counts its rows upwards from -height,
            GDAL downwards from 0.
    """
    path = local_file(layer) or _archived(layer)
    if path is None:
        return _describe_export(layer, extent, gsd_m, transform_context)
    if extent is not None and _has_no_place(layer, path):
        raise InvalidParameter(
            tr(
                "The image {} lies nowhere on a map, so an EXTENT cannot choose a part of it. Leave EXTENT empty, or "
                "cut the image first (Raster > Extraction > Clip), or give it a place (Layer > Georeferencer)."
            ).format(layer.name())
        )
    if _has_assigned_crs(layer):
        return AssignedCrsSource(path, layer.crs().toWkt())
    return FileSource(path)


def local_file(layer):
    """Path of the file that alone makes up `layer`, or None: a subdataset, URL, archive or database is none."""
    if layer.providerType() != "gdal":
        return None
    source = layer.source()
    path = QgsProviderRegistry.instance().decodeUri("gdal", source).get("path", "")
    return path if path == source and os.path.isfile(path) else None


def _archived(layer):
    """GDAL's name of the image in a zip on this computer that alone makes up `layer`, else None.

    One in a GeoPackage is exported: others may write to that file while the job runs.
    """
    source = _dataset_name(layer)
    return source if source.startswith("/vsizip/") and "/vsi" not in source[1:] else None


def describe_shared_source(layer):
    """Say where the workers of a cluster find `layer`'s pixels: at the very path that QGIS opened.

    Raises:
        InvalidInput: it is no file and no object in a store, or its CRS was changed in QGIS alone.
    """
    path = local_file(layer) or _object_path(layer)
    if path is None or _has_assigned_crs(layer):
        raise InvalidInput(
            tr(
                "The workers of a cluster open the image themselves, and the layer {} is no raster file for them, or has "
                "another CRS in QGIS than in its file. Save it as a GeoTIFF where all can read it, and use that."
            ).format(layer.name())
        )
    return FileSource(path)


def is_temporary(path):
    """Whether a file lies in the folder that QGIS empties when it closes."""
    return os.path.abspath(path).startswith(os.path.join(os.path.abspath(QgsProcessingUtils.tempFolder()), ""))


def _has_no_place(layer, path):
    """Whether a file has no geotransform."""
    extent = layer.extent()
    if (extent.xMinimum(), extent.yMaximum()) != (0.0, 0.0):  # where QGIS puts it; spares opening others
        return False
    with suppress(RuntimeError):  # where GDAL was told to raise
        dataset = gdal.Open(path)
        return dataset is not None and dataset.GetGeoTransform(can_return_null=True) is None
    return False


def _is_lasting(path):
    return os.path.isfile(path) and not is_temporary(path)


def _forget_statistics(virtual):
    """Take out of a virtual raster what GDAL knows of its image only once somebody has looked at it."""
    tree = ElementTree.parse(virtual)  # nosec B314 # GDAL wrote it just now
    for band in tree.iter("VRTRasterBand"):
        for part in [part for part in band if part.tag in ("Metadata", "Histograms")]:
            band.remove(part)
    tree.write(virtual)


def _has_assigned_crs(layer):
    """Whether the user gave the layer another CRS than its file has."""
    return layer.crs().isValid() and layer.crs() != layer.dataProvider().crs()


def _object_path(layer):
    """The /vsi path of an object in a store that alone makes up `layer`, else None."""
    source = layer.source()
    return source if layer.providerType() == "gdal" and source.startswith(_STORES) and "|" not in source else None


def _describe_export(layer, extent, gsd_m, transform_context):
    provider = layer.dataProvider().clone()
    if provider is None:  # a clone opens late, so that its validity says nothing yet
        raise InvalidInput(tr("The layer {} cannot be read by its provider.").format(layer.name()))
    pixel_width, pixel_height = _pixel_size(layer, extent, gsd_m, transform_context)
    origin = layer.extent()
    window = QgsRectangle(origin)
    if extent is not None:
        grown = QgsRectangle(extent)
        margin = CONTEXT_PX * max(pixel_width, pixel_height)
        grown.grow(margin)
        window = _snap(grown, origin, pixel_width, pixel_height).intersect(origin)
    if window.isEmpty():
        raise InvalidInput(tr("The extent lies outside the layer {}.").format(layer.name()))
    columns = max(1, round(window.width() / pixel_width))
    rows = max(1, round(window.height() / pixel_height))
    if columns * rows > MAX_EXPORT_PIXELS:
        raise InvalidInput(
            tr(
                "The layer {name} is no file and would have to be exported: {columns} x {rows} pixels, more than "
                "{limit} megapixels. Choose a smaller EXTENT, or save the layer as a GeoTIFF first."
            ).format(name=layer.name(), columns=columns, rows=rows, limit=MAX_EXPORT_PIXELS // 1_000_000)
        )
    return ExportSource(provider, _dataset_name(layer), layer.crs(), window, columns, rows, transform_context, window != origin)


def _dataset_name(layer):
    """What GDAL opens to read `layer`; "" where another provider reads it, or QGIS has to add something."""
    source = layer.source()
    return source if layer.providerType() == "gdal" and "|" not in source and "authcfg=" not in source else ""


def _pixel_window(dataset, extent):
    """Column, row, width and height of a QgsRectangle among a dataset's pixels; all of them where its grid is turned."""
    corner = dataset.GetGeoTransform(can_return_null=True) or (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)  # as QGIS places it
    if corner[2] or corner[4]:
        return [0, 0, dataset.RasterXSize, dataset.RasterYSize]
    columns = sorted(round((x - corner[0]) / corner[1]) for x in (extent.xMinimum(), extent.xMaximum()))
    rows = sorted(round((y - corner[3]) / corner[5]) for y in (extent.yMinimum(), extent.yMaximum()))
    left, top = max(0, columns[0]), max(0, rows[0])
    return [left, top, min(columns[1], dataset.RasterXSize) - left, min(rows[1], dataset.RasterYSize) - top]


def _pixel_size(layer, extent, gsd_m, transform_context):
    """Pixel width and height in map units: the provider's own, else `gsd_m` on the ground at the extent's centre."""
    provider = layer.dataProvider()
    if provider.capabilities() & QgsRasterInterface.Capability.Size and provider.xSize() and provider.ySize():
        return layer.extent().width() / provider.xSize(), layer.extent().height() / provider.ySize()
    if gsd_m is None:
        raise InvalidInput(
            tr(
                "The layer {} has no pixel size of its own (a web map draws at any scale). "
                "Save it as a GeoTIFF, and use that."
            ).format(layer.name())
        )
    if gsd_m <= 0:
        raise InvalidInput(
            tr(
                "The layer {} has no pixel size of its own (a web map draws at any scale). "
                "Give GSD in metres, and an EXTENT."
            ).format(layer.name())
        )
    centre = (layer.extent() if extent is None else extent).center()
    width_m, height_m = metres_per_map_unit(layer.crs(), centre, transform_context)
    return gsd_m / width_m, gsd_m / height_m


def _snap(window, grid, pixel_width, pixel_height):
    """Grow `window` outwards to whole pixels of the grid that starts at `grid`'s upper left corner."""
    left = grid.xMinimum() + math.floor((window.xMinimum() - grid.xMinimum()) / pixel_width) * pixel_width
    right = grid.xMinimum() + math.ceil((window.xMaximum() - grid.xMinimum()) / pixel_width) * pixel_width
    top = grid.yMaximum() - math.floor((grid.yMaximum() - window.yMaximum()) / pixel_height) * pixel_height
    bottom = grid.yMaximum() - math.ceil((grid.yMaximum() - window.yMinimum()) / pixel_height) * pixel_height
    return QgsRectangle(left, bottom, right, top)

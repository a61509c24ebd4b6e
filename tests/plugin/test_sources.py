"""Images that are no file: exported for the job, or refused with the reason."""

import json
import math
import os
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor

import processing
import pytest
import scene
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsRasterLayer,
    QgsRectangle,
)

from semantic3d_plugin.algorithms import raster_source
from semantic3d_plugin.algorithms.raster_source import (
    ExportSource,
    FileSource,
    describe_shared_source,
    describe_source,
    local_file,
)
from semantic3d_plugin.backend.s3d_protocol import Cancelled, InvalidInput, InvalidParameter


@pytest.fixture
def context(qgis_app):
    return QgsProcessingContext()


@pytest.fixture
def in_memory(qgis_app, image):
    """The image in GDAL's memory file system: only this process sees it."""
    target = "/vsimem/semantic3d_test.tif"
    gdal.Translate(target, image)
    yield QgsRasterLayer(target, "in memory")
    gdal.Unlink(target)


def materialised(source, folder):
    return gdal.Open(source.materialise(str(folder), QgsProcessingFeedback()))


def test_a_file_goes_as_it_is(qgis_app, image, context):
    source = describe_source(QgsRasterLayer(image, "image"), None, 0.0, context.transformContext())
    assert isinstance(source, FileSource)
    assert source.materialise("", None) == image


def test_a_virtual_raster_file_is_a_file(qgis_app, image, tmp_path):
    virtual = str(tmp_path / "mosaic.vrt")
    gdal.Translate(virtual, image, format="VRT")
    assert local_file(QgsRasterLayer(virtual, "mosaic")) == virtual


def test_a_cluster_gets_files_and_objects_as_they_are(qgis_app, image):
    for path in (image, "/vsis3/bucket/ortho.tif"):
        assert describe_shared_source(QgsRasterLayer(path, "image")).materialise("", None) == path


def test_a_cluster_gets_nothing_that_this_computer_alone_has(qgis_app, image, in_memory):
    other_crs = QgsRasterLayer(image, "elsewhere")
    other_crs.setCrs(QgsCoordinateReferenceSystem("EPSG:25833"))
    for layer in (in_memory, other_crs):
        with pytest.raises(InvalidInput, match="workers of a cluster.*" + layer.name()):
            describe_shared_source(layer)


def test_subdatasets_archives_and_open_options_are_no_files(qgis_app, image, tmp_path):
    import zipfile

    archive = str(tmp_path / "image.zip")
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.write(image, "ortho.tif")
    for source in (
        "GTIFF_DIR:1:" + image,
        "/vsizip/{}/ortho.tif".format(archive),
        image + "|option:NUM_THREADS=2",
    ):
        layer = QgsRasterLayer(source, "odd")
        assert layer.isValid(), source
        assert local_file(layer) is None, source


def test_the_export_is_the_same_pixels_on_the_same_grid(in_memory, image, tmp_path, context):
    source = describe_source(in_memory, None, 0.0, context.transformContext())
    assert isinstance(source, ExportSource)
    exported, original = materialised(source, tmp_path), gdal.Open(image)
    assert exported.GetGeoTransform() == pytest.approx(original.GetGeoTransform())
    assert exported.RasterCount == 3
    assert (exported.ReadAsArray() == original.ReadAsArray()).all()
    assert "UTM zone 32N" in exported.GetProjection()


def test_cancel_reaches_an_export_at_once(in_memory, tmp_path, context, monkeypatch):
    """It runs in a thread without an event loop, where what is only queued comes when all is written."""
    begun, cancelled, heard = threading.Event(), threading.Event(), []

    class Writer(raster_source.QgsRasterFileWriter):
        def writeRaster(self, *words):  # noqa: N802
            begun.set()
            cancelled.wait(10)
            heard.append(words[-1].isCanceled())
            return self.WriterError.WriteCanceled

    monkeypatch.setattr(raster_source, "QgsRasterFileWriter", Writer)
    source, feedback = describe_source(in_memory, None, 0.0, context.transformContext()), QgsProcessingFeedback()
    source.dataset_name = ""  # as of a layer that GDAL does not read
    with ThreadPoolExecutor(1) as pool:
        export = pool.submit(source.materialise, str(tmp_path), feedback)
        assert begun.wait(10)
        feedback.cancel()
        cancelled.set()
        with pytest.raises(Cancelled):
            export.result(10)
    assert heard == [True]


def test_the_export_tells_how_far_it_is(named_bands, tmp_path, context):
    shares = []
    feedback = QgsProcessingFeedback()
    feedback.progressChanged.connect(shares.append)
    describe_source(named_bands, None, 0.0, context.transformContext()).materialise(str(tmp_path), feedback)
    assert shares and max(shares) == 100.0


def test_the_export_keeps_to_the_extent_with_context_around_it(in_memory, image, tmp_path, context, monkeypatch):
    monkeypatch.setattr(raster_source, "CONTEXT_PX", 4)
    x, y = scene.ORIGIN
    extent = QgsRectangle(x + 10.1, y - 14.9, x + 14.9, y - 10.1)  # columns 20.2 to 29.8, rows the same
    exported = materialised(describe_source(in_memory, extent, 0.0, context.transformContext()), tmp_path)
    assert (exported.RasterXSize, exported.RasterYSize) == (18, 18)  # 16 to 34: ten, and four on either side
    assert exported.GetGeoTransform()[0] == x + 16 * scene.GSD_M
    assert exported.GetGeoTransform()[3] == y - 16 * scene.GSD_M
    original = gdal.Open(image)
    assert (exported.ReadAsArray() == original.ReadAsArray(16, 16, 18, 18)).all()


def test_an_assigned_crs_is_said_in_the_same_bytes_each_time(qgis_app, image, tmp_path, context):
    layer = QgsRasterLayer(image, "image")
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:25833"))
    seen = []
    for run in ("job-1", "job-2"):
        folder = tmp_path / run
        folder.mkdir()
        path = describe_source(layer, None, 0.0, context.transformContext()).materialise(str(folder), None)
        with open(path, "rb") as text:
            seen.append((os.path.basename(path), os.stat(path).st_mtime_ns, text.read()))
        looked_at = gdal.Open(image)
        looked_at.GetRasterBand(1).ComputeStatistics(False)
        del looked_at  # now they are kept beside the image
    assert os.path.exists(image + ".aux.xml")
    assert seen[0] == seen[1]
    assert seen[0][1] == os.stat(image).st_mtime_ns
    assert "UTM zone 33N" in gdal.Open(path).GetProjection()


def test_an_assigned_crs_of_an_image_in_a_zip(qgis_app, image, tmp_path, context):
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.write(image, "image.tif")
    layer = QgsRasterLayer(f"/vsizip/{tmp_path}/images.zip/image.tif", "image")
    assert layer.isValid()
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:25833"))
    path = describe_source(layer, None, 0.0, context.transformContext()).materialise(str(tmp_path), QgsProcessingFeedback())
    assert "UTM zone 33N" in gdal.Open(path).GetProjection()


@pytest.fixture
def named_bands(qgis_app, tmp_path):
    """Sixteen bits, blue before green before red by their names alone, in GDAL's memory file system."""
    target = "/vsimem/semantic3d_names.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(target, 30, 20, 3, gdal.GDT_UInt16, ["PHOTOMETRIC=MINISBLACK"])
    dataset.SetGeoTransform((500000.0, 0.5, 0.0, 5000000.0, 0.0, -0.5))
    dataset.SetProjection(QgsCoordinateReferenceSystem("EPSG:32632").toWkt())
    for number, name in enumerate(("blue", "green", "red"), 1):
        dataset.GetRasterBand(number).SetDescription(name)
        dataset.GetRasterBand(number).Fill(number * 1000)
    dataset = None
    yield QgsRasterLayer(target, "names")
    gdal.Unlink(target)


def test_the_export_keeps_what_the_bands_are(named_bands, tmp_path, context):
    exported = materialised(describe_source(named_bands, None, 0.0, context.transformContext()), tmp_path)
    assert [exported.GetRasterBand(number).GetDescription() for number in (1, 2, 3)] == ["blue", "green", "red"]


def test_a_part_of_sixteen_bits_has_a_brightness_of_its_own_and_says_so(named_bands, tmp_path, context, monkeypatch):
    monkeypatch.setattr(raster_source, "CONTEXT_PX", 2)

    class Heard(QgsProcessingFeedback):
        def pushWarning(self, text):  # noqa: N802
            warnings.append(text)

    for extent, count in ((None, 0), (QgsRectangle(500001, 4999992, 500004, 4999998), 1)):
        warnings = []
        source = describe_source(named_bands, extent, 0.0, context.transformContext())
        source.materialise(str(tmp_path), Heard())
        assert len(warnings) == count


def test_the_export_keeps_colour_tables_and_turned_grids(qgis_app, tmp_path, context):
    target = "/vsimem/semantic3d_palette.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(target, 30, 20, 1, gdal.GDT_Byte)
    dataset.SetGeoTransform((500000.0, 0.4, 0.3, 5000000.0, 0.3, -0.4))
    table = gdal.ColorTable()
    table.SetColorEntry(7, (10, 20, 30, 255))
    dataset.GetRasterBand(1).SetColorTable(table)
    dataset.GetRasterBand(1).Fill(7)
    dataset = None
    layer = QgsRasterLayer(target, "palette")
    exported = materialised(describe_source(layer, None, 0.0, context.transformContext()), tmp_path)
    gdal.Unlink(target)
    assert exported.GetRasterBand(1).GetColorTable().GetColorEntry(7) == (10, 20, 30, 255)
    assert (exported.RasterXSize, exported.RasterYSize) == (30, 20)
    assert exported.GetGeoTransform()[2] == pytest.approx(0.3)


def test_an_image_in_a_zip_goes_as_it_is_and_one_in_a_geopackage_is_exported(qgis_app, image, tmp_path, context):
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.write(image, "image.tif")
    package = str(tmp_path / "images.gpkg")
    gdal.Translate(package, image, format="GPKG", creationOptions=["RASTER_TABLE=town", "TILE_FORMAT=PNG"])
    path = f"/vsizip/{tmp_path}/images.zip/image.tif"
    zipped = describe_source(QgsRasterLayer(path, "image"), None, 0.0, context.transformContext())
    assert zipped.materialise("", None) == path
    assert not zipped.is_lasting()
    layer = QgsRasterLayer(f"GPKG:{package}:town", "image")
    exported = materialised(describe_source(layer, None, 0.0, context.transformContext()), tmp_path)
    assert layer.isValid()
    assert (exported.ReadAsArray()[:3] == gdal.Open(image).ReadAsArray()).all()


def test_an_extent_on_an_image_without_a_place_is_refused(qgis_app, image, tmp_path, context):
    bare = str(tmp_path / "bare.png")
    gdal.Translate(bare, image, format="PNG")
    os.remove(bare + ".aux.xml")
    layer = QgsRasterLayer(bare, "bare")
    assert describe_source(layer, None, 0.5, context.transformContext()).path == bare
    with pytest.raises(InvalidParameter, match="bare lies nowhere"):
        describe_source(layer, QgsRectangle(0, -20, 20, 0), 0.5, context.transformContext())


def test_too_large_an_export_is_refused_with_numbers(in_memory, context, monkeypatch):
    monkeypatch.setattr(raster_source, "MAX_EXPORT_PIXELS", 2000)
    with pytest.raises(InvalidInput, match="60 x 40 pixels.*EXTENT"):
        describe_source(in_memory, None, 0.0, context.transformContext())


@pytest.fixture
def web_map(qgis_app):
    """A tile layer: no pixel size of its own. Nothing is fetched in these tests."""
    layer = QgsRasterLayer("type=xyz&url=http://127.0.0.1:9/{z}/{x}/{y}.png&zmax=19&zmin=0", "web map", "wms")
    if not layer.isValid():
        pytest.skip("this QGIS has no tile provider")
    return layer


def test_a_web_map_needs_gsd(web_map, context):
    with pytest.raises(InvalidInput, match="GSD"):
        describe_source(web_map, None, 0.0, context.transformContext())


def test_a_web_map_needs_an_extent(web_map, context):
    with pytest.raises(InvalidInput, match="EXTENT"):
        describe_source(web_map, None, 0.5, context.transformContext())


def refusal(algorithm, parameters):
    form = QgsApplication.processingRegistry().createAlgorithmById("semantic3d:" + algorithm)
    valid, message = form.checkParameterValues(parameters, QgsProcessingContext())
    return "" if valid else message


def test_a_web_map_goes_to_detect_shadows_with_a_gsd(provider, healthy_backend, web_map):
    box = "1490000,1490100,6890000,6890100 [EPSG:3857]"
    given = {"INPUT": web_map, "EXTENT": box, "SHADOW": "TEMPORARY_OUTPUT"}
    assert "Give GSD in metres" in refusal("detect_shadows", given)
    assert not refusal("detect_shadows", {**given, "GSD": 0.5})


@pytest.mark.parametrize(("algorithm", "parameters"), [
    ("evaluate", lambda web_map, image: {"HEIGHT": image, "REFERENCE": web_map}),
    ("train", lambda web_map, image: {"IMAGES": [web_map], "NDSM": [image], "PACKAGE": "TEMPORARY_OUTPUT"}),
])  # fmt: skip
def test_where_there_is_no_gsd_a_web_map_is_to_be_saved(
    provider, healthy_backend, web_map, image, project, algorithm, parameters
):
    project.addMapLayer(web_map)
    message = refusal(algorithm, parameters(web_map, image))
    assert "Save it as a GeoTIFF" in message and "GSD" not in message and "EXTENT" not in message


def ground_size_m(box_deg):
    """Width and height of a small box on the WGS 84 ellipsoid, by its radii of curvature."""
    a_m, e2 = 6378137.0, 0.00669437999014
    latitude = math.radians(box_deg.center().y())
    w2 = 1 - e2 * math.sin(latitude) ** 2
    width_m = a_m / math.sqrt(w2) * math.cos(latitude) * math.radians(box_deg.width())
    return width_m, a_m * (1 - e2) / w2**1.5 * math.radians(box_deg.height())


@pytest.mark.parametrize("authid", ["EPSG:3857", "EPSG:4326"])
def test_a_web_map_is_exported_at_the_gsd_on_the_ground(web_map, context, authid):
    """In Berlin a unit of Web Mercator is 0.61 m; in degrees the extent's latitude counts, not the layer's."""
    box_deg = QgsRectangle(13.39, 52.497, 13.41, 52.503)
    crs = QgsCoordinateReferenceSystem(authid)
    web_map.setCrs(crs)
    to_map = QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:4326"), crs, context.transformContext())
    box = to_map.transformBoundingBox(box_deg)
    source = describe_source(web_map, box, 0.5, context.transformContext())
    width_m, height_m = ground_size_m(box_deg)
    assert source.extent.width() / source.columns == pytest.approx(0.5 * box.width() / width_m, rel=1e-4)
    assert source.extent.height() / source.rows == pytest.approx(0.5 * box.height() / height_m, rel=1e-4)
    if authid == "EPSG:3857":
        assert source.columns == pytest.approx(width_m / 0.5 + 2 * raster_source.CONTEXT_PX, abs=5)


def test_a_web_map_in_a_true_grid_keeps_the_gsd(web_map, context):
    """UTM is off by 0.04 % at most where it is used: the pixels stay whole, as the backend sees them."""
    web_map.setCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
    source = describe_source(web_map, QgsRectangle(390000, 5818000, 390100, 5818050), 0.5, context.transformContext())
    assert source.extent.width() / source.columns == pytest.approx(0.5, abs=1e-9)


def test_the_job_gets_the_export_and_leaves_nothing_behind(provider, fake_backend, in_memory, tmp_path, context):
    report = str(tmp_path / "r.html")
    processing.run("semantic3d:reconstruct", {"INPUT": in_memory, "REPORT": report}, context=context)
    with open(report, encoding="utf-8") as text:
        seen = json.load(text)
    assert seen["size"] == [scene.WIDTH, scene.HEIGHT]
    assert not os.path.exists(seen["job"]["image_path"])

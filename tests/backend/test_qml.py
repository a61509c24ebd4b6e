"""Styles: as XML, and as real QGIS reads them beside a raster."""
from __future__ import annotations

import json
import os
import subprocess
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from semantic3d.exporters import qml
from semantic3d.exporters.ramps import HEIGHT_RAMP, PROBABILITY_RAMP, SIGMA_RAMP, nice_maximum, rgb, ticks
from semantic3d.models.package import LandCoverClass

CLASSES = (LandCoverClass(1, "impervious or bare", "#c8c8c8"), LandCoverClass(3, 'tree "old" & <new>', "#2e7d32"),
           LandCoverClass(5, "water", "#3d7fbf"))
SYSTEM_PYTHON = "/usr/bin/python3"
QGIS_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "QT_QPA_PLATFORM": "offscreen"}
READ_STYLES = r"""
import json, sys
from qgis.core import QgsApplication, QgsPointXY, QgsRasterLayer
application = QgsApplication([], False)
application.initQgis()
found = {}
for path in sys.argv[1:]:
    layer = QgsRasterLayer(path, "dem height")
    renderer = layer.renderer()
    facts = {"valid": layer.isValid(), "type": renderer.type(),
             "legend": [(item[0], item[1].name()) for item in renderer.legendSymbologyItems()]}
    properties = layer.elevationProperties()
    if hasattr(properties, "isEnabled"):
        facts["elevation"] = properties.isEnabled()
        facts["band"] = properties.bandNumber()
        facts["line"] = properties.profileLineSymbol().color().name()
        if hasattr(properties, "mode"):
            facts["mode"] = properties.mode().name
    box = layer.extent()
    where = QgsPointXY(box.xMaximum() - 0.1, box.yMinimum() + 0.1)
    facts["value at the right"] = layer.dataProvider().sample(where, 1)[0]
    if facts["type"] == "singlebandpseudocolor":
        facts["range"] = [renderer.classificationMin(), renderer.classificationMax()]
        function = renderer.shader().rasterShaderFunction()
        facts["items"] = [(item.value, item.label) for item in function.colorRampItemList()]
        facts["suffix"] = function.legendSettings().suffix()
        facts["colour of 0"] = list(function.shade(0.0))[1:4]
        facts["ramp"] = function.sourceColorRamp().type()
    found[path] = facts
print("FACTS" + json.dumps(found))
sys.stdout.flush()
import os
os._exit(0)
"""


def write_raster(path, values, nodata, dtype, scale=1.0):
    with rasterio.open(path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1, dtype=dtype,
                       crs="EPSG:32610", transform=from_origin(500000, 4800000, 0.5, 0.5), nodata=nodata) as target:
        target.write(values.astype(dtype), 1)
        target.scales = (scale,)
    return str(path)


@pytest.fixture
def rasters(tmp_path):
    """Height runs 0..11.9 m with NoData; sigma 0..0.6 m; land cover holds 0, 1, 3, 5."""
    ramp = np.tile(np.linspace(0, 12, 200), (100, 1))
    height = ramp.copy()
    height[:10] = -9999
    cover = np.repeat(np.array([[0, 1, 3, 5]]), 50, axis=1).repeat(100, axis=0)
    paths = {
        "height": write_raster(tmp_path / "height.tif", height, -9999, "float32"),
        "sigma": write_raster(tmp_path / "sigma.tif", ramp / 20, -9999, "float32"),
        "land_cover": write_raster(tmp_path / "cover.tif", cover, 0, "uint8"),
        "probabilities": write_raster(tmp_path / "p.tif", ramp / 12 * 250, 255, "uint8", 1 / 250),
    }
    qml.write_height_style(paths["height"])
    qml.write_sigma_style(paths["sigma"])
    qml.write_land_cover_style(paths["land_cover"], CLASSES)
    qml.write_probabilities_style(paths["probabilities"], CLASSES)
    return paths


def lightness(colour):
    """CIELAB L* of an sRGB colour, from its definition."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(rgb(colour)) / 255]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


@pytest.mark.parametrize("ramp", [HEIGHT_RAMP, SIGMA_RAMP, PROBABILITY_RAMP], ids=lambda ramp: ramp.name)
def test_ramps_keep_their_order_in_grey(ramp):
    steps = np.diff([lightness(stop) for stop in ramp.stops])
    assert (steps > 3).all() or (steps < -3).all()


@pytest.mark.parametrize("value, expected", [(0.0, 5.0), (4.9, 5.0), (5.1, 6.0), (7.0, 8.0), (11.9, 15.0), (20.0, 20.0),
                                             (20.1, 25.0), (41.0, 50.0), (830.0, 1000.0), (float("nan"), 5.0)])
def test_scales_end_at_round_numbers(value, expected):
    assert nice_maximum(value, 5.0) == expected


@pytest.mark.parametrize("maximum, expected", [
    (5.0, [0, 1, 2, 3, 4, 5]), (40.0, [0, 10, 20, 30, 40]), (15.0, [0, 5, 10, 15]), (0.6, [0, 0.2, 0.4, 0.6])])
def test_ticks_are_round(maximum, expected):
    assert ticks(maximum) == pytest.approx(expected)


def test_the_styles_are_xml_that_says_what_is_terrain(rasters):
    for name, path in rasters.items():
        root = ElementTree.parse(qml.qml_path(path)).getroot()
        elevation = root.find("elevation")
        assert elevation.get("enabled") == ("1" if name == "height" else "0")
        assert root.find("pipe/rasterrenderer") is not None
    height = ElementTree.parse(qml.qml_path(rasters["height"])).getroot()
    assert height.find("elevation").get("mode") == "RepresentsElevationSurface"
    assert float(height.find("elevation").get("zscale")) == 1.0


def test_the_scale_comes_from_the_data(rasters):
    def limit(name):
        root = ElementTree.parse(qml.qml_path(rasters[name])).getroot()
        return float(root.find("pipe/rasterrenderer").get("classificationMax"))
    assert limit("height") == 15.0  # 99.5th percentile 11.94
    assert limit("sigma") == 1.0  # 0.6 lies below the smallest scale
    assert limit("probabilities") == 1.0  # the file has a scale, which QGIS applies


def test_an_empty_raster_gets_the_smallest_scale(tmp_path):
    path = write_raster(tmp_path / "empty.tif", np.full((20, 20), -9999.0), -9999, "float32")
    assert qml.height_limit_m(path) == 5.0


def test_the_sidecar_takes_the_rasters_place(tmp_path):
    assert qml.qml_path(str(tmp_path / ".h.1a.partial.tif")) == str(tmp_path / ".h.1a.partial.qml")


def test_a_style_is_not_put_where_it_would_style_another_layer(tmp_path):
    output = write_raster(tmp_path / "town.tif", np.ones((4, 4)), -9999, "float32")
    for name in ("town.html", "town.tif.aux.xml", "town.csv", "town.prj", "town2.jp2", "a.town.jp2"):
        (tmp_path / name).write_bytes(b"")
    assert qml.obstacle(output) == ""
    for name in ("town.JP2", "town.tiff", "town.shp"):
        (tmp_path / name).write_bytes(b"")
        assert name in qml.obstacle(output)
        (tmp_path / name).unlink()


def test_a_style_of_somebody_else_is_not_replaced(rasters, tmp_path):
    style = tmp_path / "height.qml"
    assert qml.obstacle(rasters["height"]) == ""  # ours
    style.write_bytes(style.read_bytes().replace(b"\n", b"\r\n"))  # through a program that makes Windows's ends
    assert qml.obstacle(rasters["height"]) == ""
    for text in (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis version=\"3.22.0-Bia\u0142owie\u017ca\">",
        "", "no style", "\ud800",
    ):  # fmt: skip
        style.write_bytes(text.encode("utf-8", "surrogatepass"))
        assert "height.qml is there and is not of Semantic 3D" in qml.obstacle(rasters["height"])


def test_the_styles_of_all_releases_are_known_as_ours(tmp_path):
    """The first lines as 0.1.0 wrote them; whoever changes them must keep these as well."""
    (tmp_path / "h.qml").write_text(
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        '<qgis version="3.22.0" styleCategories="AllStyleCategories" hasScaleBasedVisibilityFlag="0" minScale="1e+08" '
        'maxScale="0">\n  <flags>\n',
        encoding="utf-8",
    )
    assert qml.obstacle(str(tmp_path / "h.tif")) == ""


def qgis_facts(paths):
    """What real QGIS makes of the rasters; skips where there is no QGIS."""
    if not os.path.exists(SYSTEM_PYTHON):
        pytest.skip("no system Python")
    probe = subprocess.run([SYSTEM_PYTHON, "-c", "import qgis.core"], env=QGIS_ENVIRONMENT, capture_output=True)
    if probe.returncode:
        pytest.skip("no QGIS bindings")
    done = subprocess.run([SYSTEM_PYTHON, "-c", READ_STYLES, *paths], env=QGIS_ENVIRONMENT, capture_output=True,
                          text=True, timeout=120)
    assert "FACTS" in done.stdout, done.stderr
    return json.loads(done.stdout.split("FACTS", 1)[1])


def test_real_qgis_loads_them_with_the_layer(rasters):
    facts = {os.path.basename(path): found for path, found in qgis_facts(rasters.values()).items()}
    height, sigma, cover = facts["height.tif"], facts["sigma.tif"], facts["cover.tif"]
    assert height["valid"] and height["type"] == sigma["type"] == "singlebandpseudocolor"
    assert height["range"] == [0.0, 15.0] and height["suffix"] == " m" and height["ramp"] == "gradient"
    assert height["items"][-1] == [15.0, "15 m"] and len(height["items"]) == len(HEIGHT_RAMP.stops)
    assert height["colour of 0"] == list(rgb(HEIGHT_RAMP.stops[0]))
    assert sigma["colour of 0"] == list(rgb(SIGMA_RAMP.stops[0]))
    assert cover["type"] == "paletted"
    assert cover["legend"] == [[item.name, item.colour] for item in CLASSES]
    assert facts["p.tif"]["items"][-1] == [1.0, "1"]
    assert facts["p.tif"]["value at the right"] == pytest.approx(1.0, abs=0.02)
    for name, found in facts.items():
        if "elevation" in found:  # QGIS 3.26 and later
            assert found["elevation"] is (name == "height.tif")
    if "elevation" in height:
        assert height["line"] == "#31688e" and height["band"] == 1
        assert height.get("mode", "RepresentsElevationSurface") == "RepresentsElevationSurface"


def test_writing_twice_gives_the_same_bytes(rasters):
    before = open(qml.qml_path(rasters["height"]), "rb").read()
    qml.write_height_style(rasters["height"])
    assert open(qml.qml_path(rasters["height"]), "rb").read() == before

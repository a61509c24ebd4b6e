"""Renderers by API, for result layers that came without their .qml file, and the hillshade that has none.

The backend writes a .qml beside each GeoTIFF; that file wins, and the ramps here are its own (a test compares).
"""

import json
import os

from osgeo import gdal
from qgis.core import (
    QgsBilinearRasterResampler,
    QgsColorRampShader,
    QgsHillshadeRenderer,
    QgsPalettedRasterRenderer,
    QgsRasterShader,
    QgsSingleBandPseudoColorRenderer,
    QgsUnitTypes,
)
from qgis.PyQt.QtGui import QColor, QPainter

from ..backend.s3d_protocol import namesake
from .roles import HEIGHT, LAND_COVER, SHADOW, SIGMA

SAMPLE_PIXELS = 250_000  # for percentiles; a whole large raster would take minutes
HEIGHT_COLOURS = (
    "#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26",
    "#fde725",
)  # fmt: skip
SIGMA_COLOURS = (
    "#fcf5ee", "#f7dfca", "#f4c7a7", "#f1ad88", "#ec9070", "#e47260", "#d5545a", "#bc3a5a", "#9c275d", "#781c58",
    "#521646",
)  # fmt: skip
CLASSES_TAG = "SEMANTIC3D_CLASSES"  # JSON: [[id, name, colour], ...]
SUN_AZIMUTH_DEG = 315.0
SUN_ALTITUDE_DEG = 55.0
HILLSHADE_OPACITY = 0.75  # shaded slopes darken, but keep their colour
HILLSHADE_BRIGHTNESS = 45  # lifts level ground towards white, so that multiplying leaves its colour


def load_style_file(layer):
    """Apply the .qml beside the layer's file; False where there is none, QGIS refuses it, or it may be another's.

    Processing opens results without their default style, so that it has to be asked for. The backend writes none where
    another layer's file has the same name: what is there then is that layer's.
    """
    path = os.path.splitext(layer.source())[0] + ".qml"
    if not os.path.isfile(path) or namesake(layer.source()):
        return False
    _, applied = layer.loadNamedStyle(path)
    return applied


def style(layer, role):
    """Give `layer` the renderer of its role; probabilities keep QGIS's own."""
    if role == HEIGHT:
        layer.setRenderer(ramp_renderer(layer, HEIGHT_COLOURS, at_least=3.0))
    elif role == SIGMA:
        layer.setRenderer(ramp_renderer(layer, SIGMA_COLOURS, at_least=1.0))
    elif role in (LAND_COVER, SHADOW):
        style_land_cover(layer)


def ramp_renderer(layer, colours, at_least):
    """Pseudo-colour for band 1 from 0 to its 98th percentile, and at least to `at_least` metres."""
    provider = layer.dataProvider()
    _, high = provider.cumulativeCut(1, 0.0, 0.98, layer.extent(), SAMPLE_PIXELS)
    high = max(high, at_least) if high == high else at_least  # NaN where all is NoData
    shader = QgsColorRampShader(0.0, high)
    shader.setColorRampType(QgsColorRampShader.Type.Interpolated)
    steps = len(colours) - 1
    shader.setColorRampItemList(
        [
            QgsColorRampShader.ColorRampItem(high * i / steps, QColor(colour), "{:.1f} m".format(high * i / steps))
            for i, colour in enumerate(colours)
        ]
    )
    raster_shader = QgsRasterShader(0.0, high)
    raster_shader.setRasterShaderFunction(shader)
    renderer = QgsSingleBandPseudoColorRenderer(provider, 1, raster_shader)
    renderer.setClassificationMin(0.0)
    renderer.setClassificationMax(high)
    return renderer


def style_land_cover(layer):
    """Classes with the names and colours that the file's own tag gives; QGIS's renderer stays where it has none."""
    dataset = gdal.Open(layer.source())
    tag = dataset and dataset.GetMetadataItem(CLASSES_TAG)
    if not tag:
        return
    classes = [
        QgsPalettedRasterRenderer.Class(number, QColor(colour), name) for number, name, colour in json.loads(tag)
    ]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, classes))


def make_hillshade(layer):
    """Turn a second layer on the height file into a hillshade that is multiplied onto what lies below."""
    layer.setRenderer(QgsHillshadeRenderer(layer.dataProvider(), 1, SUN_AZIMUTH_DEG, SUN_ALTITUDE_DEG))
    fit_hillshade(layer)
    layer.brightnessFilter().setBrightness(HILLSHADE_BRIGHTNESS)
    layer.resampleFilter().setZoomedInResampler(QgsBilinearRasterResampler())
    layer.resampleFilter().setZoomedOutResampler(QgsBilinearRasterResampler())
    layer.setOpacity(HILLSHADE_OPACITY)
    layer.setBlendMode(QPainter.CompositionMode.CompositionMode_Multiply)


def fit_hillshade(layer):
    """Let a hillshade count heights in the units of its layer's CRS, which another run may have changed."""
    if isinstance(layer.renderer(), QgsHillshadeRenderer):  # the user may have chosen another
        layer.renderer().setZFactor(map_units_per_metre(layer.crs()))


def map_units_per_metre(crs):
    """1 for metres, 3.28 for feet, 1/111320 for degrees; 1 where the CRS is unknown."""
    if not crs.isValid():
        return 1.0
    factor = QgsUnitTypes.fromUnitToUnitFactor(QgsUnitTypes.DistanceUnit.DistanceMeters, crs.mapUnits())
    return factor if factor > 0 else 1.0

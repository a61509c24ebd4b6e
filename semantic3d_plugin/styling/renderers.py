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
)
from qgis.PyQt.QtGui import QColor, QPainter

from ..backend.s3d_protocol import namesake
from .map_scale import height_scale
from .roles import ERROR, HEIGHT, LAND_COVER, SHADOW, SIGMA

SAMPLE_PIXELS = 250_000  # for percentiles; a whole large raster would take minutes
HEIGHT_COLOURS = (
    "#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26",
    "#fde725",
)  # fmt: skip
SIGMA_COLOURS = (
    "#fcf5ee", "#f7dfca", "#f4c7a7", "#f1ad88", "#ec9070", "#e47260", "#d5545a", "#bc3a5a", "#9c275d", "#781c58",
    "#521646",
)  # fmt: skip
ERROR_COLOURS = (
    "#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7", "#fddbc7", "#f4a582", "#d6604d", "#b2182b",
)  # fmt: skip
LIT = 0  # of a mask of shadows
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
    elif role == ERROR:
        layer.setRenderer(ramp_renderer(layer, ERROR_COLOURS, at_least=1.0, both_ways=True))
    elif role in (LAND_COVER, SHADOW):
        style_land_cover(layer, (LIT,) if role == SHADOW else ())


def ramp_renderer(layer, colours, at_least, both_ways=False):
    """Pseudo-colour for band 1 from 0 to its 98th percentile, and at least to `at_least` metres.

    Args:
        both_ways: from minus that to that, which 98 % of the values lie between.
    """
    provider = layer.dataProvider()
    shares = (0.01, 0.99) if both_ways else (0.0, 0.98)
    least, high = provider.cumulativeCut(1, *shares, layer.extent(), SAMPLE_PIXELS)
    high = max(-least, high) if both_ways else high
    high = max(high, at_least) if high == high else at_least  # NaN where all is NoData
    low = -high if both_ways else 0.0
    shader = QgsColorRampShader(low, high)
    shader.setColorRampType(QgsColorRampShader.Type.Interpolated)
    steps = len(colours) - 1
    values = [low + (high - low) * i / steps for i in range(steps + 1)]
    shader.setColorRampItemList(
        [
            QgsColorRampShader.ColorRampItem(value, QColor(colour), "{:.1f} m".format(value))
            for value, colour in zip(values, colours)
        ]
    )
    raster_shader = QgsRasterShader(low, high)
    raster_shader.setRasterShaderFunction(shader)
    renderer = QgsSingleBandPseudoColorRenderer(provider, 1, raster_shader)
    renderer.setClassificationMin(low)
    renderer.setClassificationMax(high)
    return renderer


def style_land_cover(layer, clear=()):
    """Classes with the names and colours that the file's own tag gives; QGIS's renderer stays where it has none.

    Args:
        clear: numbers of classes that hide nothing.
    """
    dataset = gdal.Open(layer.source())
    tag = dataset and dataset.GetMetadataItem(CLASSES_TAG)
    if not tag:
        return
    classes = []
    for number, name, colour in json.loads(tag):
        shown = QColor(colour)
        shown.setAlpha(0 if number in clear else 255)
        classes.append(QgsPalettedRasterRenderer.Class(number, shown, name))
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
    """Let a hillshade count heights in the map's units where it lies, which another run may have changed."""
    if isinstance(layer.renderer(), QgsHillshadeRenderer):  # the user may have chosen another
        layer.renderer().setZFactor(height_scale(layer.crs(), layer.extent().center(), layer.transformContext()))

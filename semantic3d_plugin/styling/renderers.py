"""Renderers by API, for result layers that came without their .qml file, and the hillshade that has none.

The backend writes a .qml beside each GeoTIFF; that file wins.
"""

import os

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

from ..translation import tr
from .roles import HEIGHT, LAND_COVER, SIGMA

SAMPLE_PIXELS = 250_000  # for percentiles; a whole large raster would take minutes
HEIGHT_COLOURS = ("#fcfdf0", "#cfe8b4", "#74c48f", "#2b95a0", "#25599c", "#2c1e5c")
SIGMA_COLOURS = ("#fff8f0", "#fdd0a2", "#f5904d", "#c4451c", "#67100f")
SUN_AZIMUTH_DEG = 315.0
SUN_ALTITUDE_DEG = 55.0
HILLSHADE_OPACITY = 0.75  # shaded slopes darken, but keep their colour
HILLSHADE_BRIGHTNESS = 45  # lifts level ground towards white, so that multiplying leaves its colour


def load_style_file(layer):
    """Apply the .qml beside the layer's file; False where there is none or QGIS refuses it.

    Processing opens results without their default style, so that it has to be asked for.
    """
    path = os.path.splitext(layer.source())[0] + ".qml"
    if not os.path.isfile(path):
        return False
    _, applied = layer.loadNamedStyle(path)
    return applied


def style(layer, role):
    """Give `layer` the renderer of its role; probabilities keep QGIS's own."""
    if role == HEIGHT:
        layer.setRenderer(ramp_renderer(layer, HEIGHT_COLOURS, at_least=3.0))
    elif role == SIGMA:
        layer.setRenderer(ramp_renderer(layer, SIGMA_COLOURS, at_least=1.0))
    elif role == LAND_COVER:
        layer.setRenderer(land_cover_renderer(layer))


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


def class_names():
    """Names of the land-cover classes by number, for a file that carries none."""
    return {
        1: tr("Impervious or bare"),
        2: tr("Low vegetation"),
        3: tr("Tree"),
        4: tr("Building"),
        5: tr("Water"),
        6: tr("Bridge"),
        7: tr("Other object"),
    }


CLASS_COLOURS = {
    1: "#b9b4ab",
    2: "#b5d98a",
    3: "#3f8f46",
    4: "#d1603d",
    5: "#4a90d9",
    6: "#8c6bb1",
    7: "#e6c84f",
}


def land_cover_renderer(layer):
    """Classes with the file's own colours where it has a colour table, ours where not."""
    provider = layer.dataProvider()
    names = class_names()
    colours = {int(entry.value): entry.color for entry in provider.colorTable(1)}
    classes = [
        QgsPalettedRasterRenderer.Class(number, QColor(colours.get(number, CLASS_COLOURS[number])), name)
        for number, name in names.items()
    ]
    return QgsPalettedRasterRenderer(provider, 1, classes)


def make_hillshade(layer):
    """Turn a second layer on the height file into a hillshade that is multiplied onto what lies below."""
    renderer = QgsHillshadeRenderer(layer.dataProvider(), 1, SUN_AZIMUTH_DEG, SUN_ALTITUDE_DEG)
    renderer.setZFactor(map_units_per_metre(layer.crs()))
    layer.setRenderer(renderer)
    layer.brightnessFilter().setBrightness(HILLSHADE_BRIGHTNESS)
    layer.resampleFilter().setZoomedInResampler(QgsBilinearRasterResampler())
    layer.resampleFilter().setZoomedOutResampler(QgsBilinearRasterResampler())
    layer.setOpacity(HILLSHADE_OPACITY)
    layer.setBlendMode(QPainter.CompositionMode.CompositionMode_Multiply)


def map_units_per_metre(crs):
    """1 for metres, 3.28 for feet, 1/111320 for degrees; 1 where the CRS is unknown."""
    if not crs.isValid():
        return 1.0
    factor = QgsUnitTypes.fromUnitToUnitFactor(QgsUnitTypes.DistanceUnit.DistanceMeters, crs.mapUnits())
    return factor if factor > 0 else 1.0

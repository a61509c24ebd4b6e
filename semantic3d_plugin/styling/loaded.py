"""Layers of the project that read a file, and how they take notice that a run has written it anew.

A finished result replaces the file of its name: a layer that was loaded before goes on to read the deleted one.
"""

import os

from qgis.core import QgsDataProvider, QgsProviderRegistry, QgsRasterLayer
from qgis.PyQt.QtCore import QThread

HILLSHADE_OPTION = "|option:NUM_THREADS=1"
"""Ends the source of our hillshades, and changes nothing: 1 is GDAL's own default for GeoTIFF.

QGIS takes a layer of the project for the result when its source is the result's path. A hillshade must not be it.
"""


def may_touch(project):
    """Whether this is the project's thread: a script or a graphical model may run us in another."""
    return project.thread() == QThread.currentThread()


def is_hillshade(layer):
    """Whether `layer` is a hillshade that we laid over heights, in whatever style it is now."""
    return layer.source().endswith(HILLSHADE_OPTION)


def layers_on(path, project):
    """Raster layers of `project` that read the file `path`, whatever options their sources carry."""
    layers = project.mapLayers().values()
    return [layer for layer in layers if isinstance(layer, QgsRasterLayer) and _file_of(layer) == _normal(path)]


def reload_layers(path, project):
    """Let every layer on the file `path` open it again: pixels, extent and CRS; styles stay."""
    for layer in layers_on(path, project):
        crs = layer.crs()
        options = QgsDataProvider.ProviderOptions()
        options.transformContext = project.transformContext()
        layer.setDataSource(layer.source(), layer.name(), layer.providerType(), options, False)
        if not layer.crs().isValid():
            layer.setCrs(crs)  # the file has none: the one that the user gave the layer stays
        layer.triggerRepaint()


def _file_of(layer):
    if layer.providerType() != "gdal":
        return ""
    return _normal(QgsProviderRegistry.instance().decodeUri("gdal", layer.source()).get("path"))


def _normal(path):
    return os.path.normcase(os.path.realpath(path)) if path else ""

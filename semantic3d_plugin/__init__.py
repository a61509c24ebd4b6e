"""Semantic 3D: heights, their uncertainty and land cover from one aerial image."""


def classFactory(iface):  # noqa: N802  (the name is QGIS's)
    """Give QGIS the plugin; `iface` is None under qgis_process."""
    from .plugin import Semantic3DPlugin

    return Semantic3DPlugin(iface)

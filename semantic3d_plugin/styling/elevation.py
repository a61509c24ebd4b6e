"""Heights as terrain: elevation properties, the project's terrain and shading, and what QGIS is too old for.

Elevation properties of rasters and the project's terrain came with QGIS 3.26, project elevation shading with
3.30, the surface mode with 3.38. Each is asked for, never assumed.
"""

from qgis import core
from qgis.core import QgsSettings

from ..translation import tr
from .renderers import map_units_per_metre

SHADING_SETTING = "semantic3d/elevation_shading"


def set_elevation(layer, enabled):
    """Say whether the values of `layer` are heights. False where this QGIS cannot (before 3.26)."""
    properties = layer.elevationProperties()
    if not hasattr(properties, "setEnabled"):
        return False
    properties.setEnabled(enabled)
    if enabled:
        properties.setBandNumber(1)
        modes = getattr(core.Qgis, "RasterElevationMode", None)
        if modes is not None and hasattr(properties, "setMode"):
            properties.setMode(modes.RepresentsElevationSurface)
    return True


def use_as_project_terrain(layer, project):
    """Make `layer` the project's terrain, so that a new 3D view opens with it.

    A terrain that the user chose stays. Where the project counts in feet, metres become feet; in degrees there is
    no 3D view (`terrain_messages` says so). Returns True where the terrain is now `layer`.
    """
    if not hasattr(project, "elevationProperties") or not hasattr(core, "QgsRasterDemTerrainProvider"):
        return False
    properties = project.elevationProperties()
    if not isinstance(properties.terrainProvider(), core.QgsFlatTerrainProvider):
        return False
    terrain = core.QgsRasterDemTerrainProvider()
    terrain.setLayer(layer)
    if not project.crs().isGeographic():
        terrain.setScale(map_units_per_metre(project.crs()))
    properties.setTerrainProvider(terrain)
    return True


def shade_project_if_asked(project):
    """Switch project elevation shading on where the user opted in and this QGIS has it (3.30)."""
    if not QgsSettings().value(SHADING_SETTING, False, type=bool) or not hasattr(project, "elevationShadingRenderer"):
        return False
    renderer = project.elevationShadingRenderer()
    renderer.setActive(True)
    project.setElevationShadingRenderer(renderer)
    return True


def terrain_messages(layer, project, elevation_set):
    """What keeps the 3D view from working at once: texts for the user, none where all is well."""
    messages = []
    if not elevation_set:
        messages.append(
            tr(
                "This QGIS is older than 3.26 and has no elevation properties for rasters: in a 3D view, choose the "
                "height layer as terrain in the view's settings."
            )
        )
    if project.crs().isGeographic():
        messages.append(
            tr(
                "The project's coordinate system {crs} is in degrees, which spoils 3D views: metres of height would "
                "stand on degrees. Choose a projected one for the project, such as {suggestion}."
            ).format(crs=project.crs().authid(), suggestion=projected_suggestion(layer, project))
        )
    return messages


def projected_suggestion(layer, project):
    """Name of a projected CRS that fits `layer`: its own, else the UTM zone at its centre."""
    if layer.crs().isValid() and not layer.crs().isGeographic():
        return layer.crs().authid() or layer.crs().description()
    wgs84 = core.QgsCoordinateReferenceSystem("EPSG:4326")
    transform = core.QgsCoordinateTransform(layer.crs(), wgs84, project.transformContext())
    centre = transform.transform(layer.extent().center())
    zone = min(60, max(1, int((centre.x() + 180.0) // 6.0) + 1))
    return "EPSG:{}".format((32600 if centre.y() >= 0 else 32700) + zone)

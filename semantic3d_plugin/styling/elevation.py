"""Heights as terrain: elevation properties, the project's terrain and shading, and what QGIS is too old for.

Elevation properties of rasters and the project's terrain came with QGIS 3.26, project elevation shading with
3.30, the surface mode with 3.38. Each is asked for, never assumed.
"""

from qgis import core
from qgis.core import QgsSettings

from ..translation import tr
from .renderers import map_units_per_metre
from .roles import HEIGHT, ROLE_PROPERTY

UTM_LATITUDE_DEG = 84.0  # its zones end there (and at 80 in the south)
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

    A terrain that the user chose stays; one without a layer, or heights of an earlier run, give way. Where the
    project counts in feet, metres become feet; in degrees there is no 3D view (`degrees_message` says so). The
    project's CRS has to be settled: a new project takes it from its first layer. Returns True where the terrain
    is now `layer`.
    """
    if not hasattr(project, "elevationProperties") or not hasattr(core, "QgsRasterDemTerrainProvider"):
        return False
    properties = project.elevationProperties()
    current = terrain_layer(properties.terrainProvider())
    if current == layer:
        return True  # with the scale and offset that the user may have given it since
    if current is not None and current.customProperty(ROLE_PROPERTY) != HEIGHT:
        return False
    terrain = core.QgsRasterDemTerrainProvider()
    terrain.setLayer(layer)
    if not project.crs().isGeographic():
        terrain.setScale(map_units_per_metre(project.crs()))
    properties.setTerrainProvider(terrain)
    return True


def terrain_layer(terrain):
    """The raster or mesh layer of a terrain provider; None for a flat one, and where the layer was removed."""
    return terrain.layer() if hasattr(terrain, "layer") else None


def shade_project_if_asked(project):
    """Switch project elevation shading on where the user opted in and this QGIS has it (3.30)."""
    if not QgsSettings().value(SHADING_SETTING, False, type=bool) or not hasattr(project, "elevationShadingRenderer"):
        return False
    renderer = project.elevationShadingRenderer()
    renderer.setActive(True)
    project.setElevationShadingRenderer(renderer)
    return True


def version_message():
    """What to say where this QGIS cannot know that a raster holds heights (`set_elevation`)."""
    return tr(
        "This QGIS is older than 3.26 and has no elevation properties for rasters: in a 3D view, choose the "
        "height layer as terrain in the view's settings."
    )


def degrees_message(layer, project):
    """What keeps a 3D view of a project in degrees from working; "" where the project's CRS does no harm.

    Asked too early, a new project has not yet taken the CRS of its first layer.
    """
    if not project.crs().isGeographic():
        return ""
    suggestion = projected_suggestion(layer, project)
    if not suggestion:
        return tr(
            "The project's coordinate system {crs} is in degrees, which spoils 3D views: metres of height would "
            "stand on degrees. Choose a projected one for the project."
        ).format(crs=project.crs().authid())
    return tr(
        "The project's coordinate system {crs} is in degrees, which spoils 3D views: metres of height would "
        "stand on degrees. Choose a projected one for the project, such as {suggestion}."
    ).format(crs=project.crs().authid(), suggestion=suggestion)


def projected_suggestion(layer, project):
    """Name of a projected CRS that fits `layer`: its own, else the UTM zone at its centre; "" where none is known."""
    if not layer.crs().isValid():
        return ""
    if not layer.crs().isGeographic():
        return layer.crs().authid() or layer.crs().description()
    wgs84 = core.QgsCoordinateReferenceSystem("EPSG:4326")
    transform = core.QgsCoordinateTransform(layer.crs(), wgs84, project.transformContext())
    try:
        centre = transform.transform(layer.extent().center())
    except core.QgsCsException:
        return ""
    if abs(centre.x()) > 180.0 or abs(centre.y()) > UTM_LATITUDE_DEG:
        return ""
    zone = min(60, int((centre.x() + 180.0) // 6.0) + 1)
    return "EPSG:{}".format((32600 if centre.y() >= 0 else 32700) + zone)

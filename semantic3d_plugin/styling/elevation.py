"""Heights as terrain: elevation properties, the project's terrain and shading, and what QGIS is too old for.

Elevation properties of rasters and the project's terrain came with QGIS 3.26, project elevation shading with
3.30, the surface mode with 3.38. Each is asked for, never assumed.
"""

from qgis import core
from qgis.core import QgsSettings

from ..translation import tr
from .map_scale import height_scale, map_units_per_metre
from .roles import HEIGHT, ROLE_PROPERTY

UTM_LATITUDE_DEG = 84.0  # its zones end there (and at 80 in the south)
SHADING_SETTING = "semantic3d/elevation_shading"
_OFFERED = ("semantic3d", "terrain_offered")  # entry of a project whose terrain was once made our heights


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

    A terrain that the user chose stays, flat ones among them; what gives way is the flat one of a project that was
    never given our heights, heights of an earlier run, and a raster that is gone. A metre of height becomes what it
    is on the map where the layer lies: feet, or two units of Web Mercator at 60 degrees; in degrees there is no 3D
    view (`degrees_message` says so). The project's CRS has to be settled: a new project takes it from its first
    layer. Returns True where the terrain is now `layer`.
    """
    if not hasattr(project, "elevationProperties") or not hasattr(core, "QgsRasterDemTerrainProvider"):
        return False
    properties = project.elevationProperties()
    current = terrain_layer(properties.terrainProvider())
    if current == layer:
        return True  # with the scale and offset that the user may have given it since
    if current is not None and current.customProperty(ROLE_PROPERTY) != HEIGHT:
        return False
    if _is_chosen_flat(properties.terrainProvider(), project):
        return False
    terrain = core.QgsRasterDemTerrainProvider()
    terrain.setLayer(layer)
    if not project.crs().isGeographic():
        terrain.setScale(_height_scale(layer, project))
    properties.setTerrainProvider(terrain)
    project.writeEntry(*_OFFERED, True)
    return True


def _is_chosen_flat(terrain, project):
    """Whether a terrain is flat because the user wants it: set up by hand, or gone back to from heights of ours."""
    if not isinstance(terrain, core.QgsFlatTerrainProvider):
        return False
    is_default = terrain.offset() == 0.0 and terrain.scale() == 1.0
    return not is_default or project.readBoolEntry(*_OFFERED, False)[0]


def _height_scale(layer, project):
    """Units of the project's map that a metre of height is where `layer` lies."""
    transform = core.QgsCoordinateTransform(layer.crs(), project.crs(), project.transformContext())
    try:
        place = transform.transform(layer.extent().center())
    except core.QgsCsException:
        return map_units_per_metre(project.crs())
    return height_scale(project.crs(), place, project.transformContext())


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

"""Heights as terrain: elevation properties, the project's terrain, and what is said where 3D cannot work."""

import pytest
import scene
from qgis import core
from qgis.core import Qgis, QgsApplication, QgsCoordinateReferenceSystem, QgsRasterLayer, QgsSettings
from qgis.gui import QgsLayerTreeMapCanvasBridge, QgsMapCanvas

from semantic3d_plugin.styling import elevation


def group_of(project):
    return project.layerTreeRoot().findGroup("Semantic 3D: ortho")


class MessageBar:
    """As QgsMessageBar: what was pushed stays until the user closes it."""

    class Item:
        def __init__(self, text):
            self._text = text

        def text(self):
            return self._text

    def __init__(self):
        self._items = []

    def items(self):
        return self._items

    def pushMessage(self, title, text, level):
        self._items.append(self.Item(text))


@pytest.fixture
def message_bar(monkeypatch):
    """The message bar of a QGIS with a window."""
    from qgis import utils

    bar = MessageBar()
    monkeypatch.setattr(utils, "iface", type("Iface", (), {"messageBar": lambda self: bar})())
    return bar


@pytest.fixture
def logged(qgis_app):
    """Warnings of ours in QGIS's message log."""
    texts = []

    def note(text, tag, level):
        if tag == "Semantic 3D":
            texts.append(text)

    log = QgsApplication.messageLog()
    log.messageReceived[str, str, Qgis.MessageLevel].connect(note)
    yield texts
    log.messageReceived[str, str, Qgis.MessageLevel].disconnect(note)


@pytest.fixture
def new_project(project):
    """A project as a desktop starts it: in degrees, until the first layer lends it its CRS."""
    project.setCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    canvas = QgsMapCanvas()
    bridge = QgsLayerTreeMapCanvasBridge(project.layerTreeRoot(), canvas)
    yield project
    project.clear()
    del bridge, canvas


def terrain_of(project):
    """The layer of the project's terrain."""
    if not hasattr(project, "elevationProperties"):
        pytest.skip("this QGIS has no project terrain")
    return project.elevationProperties().terrainProvider().layer()


def choose_terrain(project, layer, scale=1.0):
    """What the user does in the project's properties."""
    if not hasattr(project, "elevationProperties"):
        pytest.skip("this QGIS has no project terrain")
    terrain = core.QgsRasterDemTerrainProvider()
    terrain.setLayer(layer)
    terrain.setScale(scale)
    project.elevationProperties().setTerrainProvider(terrain)


class TestElevation:
    def test_heights_are_terrain_and_sigma_never(self, run_and_load, project):
        feedback = run_and_load("HEIGHT", "SIGMA", "LAND_COVER")
        hillshade, land_cover, height, sigma = [node.layer() for node in group_of(project).children()]
        if not hasattr(height.elevationProperties(), "isEnabled"):
            assert "3.26" in feedback.textLog()
            pytest.skip("this QGIS has no elevation properties for rasters; it said so")
        assert height.elevationProperties().isEnabled()
        assert not any(layer.elevationProperties().isEnabled() for layer in (hillshade, land_cover, sigma))
        terrain = project.elevationProperties().terrainProvider()
        assert terrain.layer() == height
        if hasattr(Qgis, "RasterElevationMode"):
            mode = height.elevationProperties().mode()
            assert mode == Qgis.RasterElevationMode.RepresentsElevationSurface

    @pytest.mark.parametrize(("authid", "scale"), [("EPSG:32610", 1.0), ("EPSG:2992", 3.28084), ("EPSG:4326", 1.0)])
    def test_terrain_stands_in_the_units_of_the_project(self, project, tmp_path, authid, scale):
        """EPSG:2992 is in feet; heights in metres would make the 3D view 3.28 times too flat."""
        path = scene.write_height(str(tmp_path / "h.tif"), epsg=2992, origin=(200000.0, 200000.0), gsd=1.0)
        layer = QgsRasterLayer(path, "h")
        project.setCrs(QgsCoordinateReferenceSystem(authid))
        if not elevation.use_as_project_terrain(layer, project):
            pytest.skip("this QGIS has no project terrain")
        assert project.elevationProperties().terrainProvider().scale() == pytest.approx(scale, rel=1e-4)

    @pytest.mark.parametrize(("latitude_deg", "scale"), [(60.0, 1.9955), (0.0, 1.0)])
    def test_in_web_mercator_terrain_is_as_steep_as_the_ground(self, project, tmp_path, latitude_deg, scale):
        path = scene.write_height(str(tmp_path / "h.tif"), epsg=4326, origin=(10.0, latitude_deg), gsd=5e-6)
        project.setCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
        if not elevation.use_as_project_terrain(QgsRasterLayer(path, "h"), project):
            pytest.skip("this QGIS has no project terrain")
        assert project.elevationProperties().terrainProvider().scale() == pytest.approx(scale, rel=7e-3)

    def test_a_flat_terrain_that_the_user_set_up_stays(self, run_and_load, project):
        if not hasattr(project, "elevationProperties"):
            pytest.skip("this QGIS has no project terrain")
        flat = core.QgsFlatTerrainProvider()
        flat.setOffset(312.0)
        project.elevationProperties().setTerrainProvider(flat)
        run_and_load("HEIGHT")
        assert project.elevationProperties().terrainProvider().offset() == 312.0

    def test_who_goes_back_to_a_flat_terrain_keeps_it(self, run_and_load, project):
        run_and_load("HEIGHT")
        assert terrain_of(project) is not None
        project.elevationProperties().setTerrainProvider(core.QgsFlatTerrainProvider())
        run_and_load("HEIGHT")
        assert isinstance(project.elevationProperties().terrainProvider(), core.QgsFlatTerrainProvider)

    def test_newer_qgis_is_asked_never_assumed(self):
        """A stand-in for 3.38: only what it has is called."""

        class Properties:
            enabled = band = mode = None

            def setEnabled(self, enabled):
                self.enabled = enabled

            def setBandNumber(self, band):
                self.band = band

        class Layer:
            def __init__(self, properties):
                self.properties = properties

            def elevationProperties(self):
                return self.properties

        properties = Properties()
        assert elevation.set_elevation(Layer(properties), True)
        assert (properties.enabled, properties.band) == (True, 1)
        assert elevation.set_elevation(Layer(properties), False)
        assert properties.enabled is False
        assert not elevation.set_elevation(Layer(object()), True)

    def test_a_new_project_has_its_crs_before_3d_is_set_up(self, run_and_load, new_project, logged, tmp_path):
        image = scene.write_image(str(tmp_path / "feet.tif"), epsg=2992, origin=(200000.0, 200000.0), gsd=1.5)
        feedback = run_and_load("HEIGHT", INPUT=image)
        assert new_project.crs().authid() == "EPSG:2992"
        assert not logged
        assert "EPSG:4326" not in feedback.textLog()
        if hasattr(new_project, "elevationProperties"):
            scale = new_project.elevationProperties().terrainProvider().scale()
            assert scale == pytest.approx(3.28084, rel=1e-4)

    def test_a_later_run_takes_over_the_terrain(self, run_and_load, project, tmp_path):
        run_and_load("HEIGHT", folder=str(tmp_path))
        first = terrain_of(project)
        run_and_load("HEIGHT")
        assert terrain_of(project).source() != first.source()

    def test_a_terrain_whose_layer_was_removed_is_replaced(self, run_and_load, project, tmp_path):
        chosen = QgsRasterLayer(scene.write_height(str(tmp_path / "dtm.tif")), "terrain of the user")
        project.addMapLayer(chosen)
        choose_terrain(project, chosen)
        run_and_load("HEIGHT")
        assert terrain_of(project).id() == chosen.id()
        project.removeMapLayer(chosen.id())
        run_and_load("HEIGHT")
        assert terrain_of(project).name() == "Height (m)"

    def test_a_second_run_into_the_file_keeps_the_users_scale(self, run_and_load, project, tmp_path):
        run_and_load("HEIGHT", folder=str(tmp_path))
        layer = terrain_of(project)
        choose_terrain(project, layer, scale=2.0)
        run_and_load("HEIGHT", folder=str(tmp_path))
        assert terrain_of(project).id() == layer.id()
        assert project.elevationProperties().terrainProvider().scale() == 2.0

    def test_degrees_spoil_3d_and_the_user_hears_it(self, run_and_load, project, logged, message_bar):
        project.setCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
        run_and_load("HEIGHT")
        (message,) = logged
        assert "EPSG:4326" in message and "EPSG:32632" in message
        run_and_load("HEIGHT")
        assert logged == [message, message]
        assert [item.text() for item in message_bar.items()] == [message]

    def test_without_a_window_the_log_is_enough(self, run_and_load, project, logged):
        project.setCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
        run_and_load("HEIGHT")
        assert len(logged) == 1

    def test_an_image_in_degrees_gets_its_utm_zone_proposed(self, qgis_app, project, tmp_path):
        path = scene.write_height(str(tmp_path / "h.tif"), epsg=4326, origin=(-123.1, 44.06), gsd=5e-6)
        layer = QgsRasterLayer(path, "h")
        assert elevation.projected_suggestion(layer, project) == "EPSG:32610"

    def test_an_image_without_a_crs_gets_none_proposed(self, qgis_app, project, tmp_path):
        layer = QgsRasterLayer(scene.write_height(str(tmp_path / "h.tif"), epsg=None), "h")
        layer.setCrs(QgsCoordinateReferenceSystem())
        project.setCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
        message = elevation.degrees_message(layer, project)
        assert message.count("EPSG:") == 1 and "EPSG:4326" in message

    @pytest.mark.parametrize("epsg", [4267, 4314])  # QGIS hands the first back as they are and throws at the second
    def test_coordinates_out_of_this_world_get_none_proposed(self, qgis_app, project, tmp_path, epsg):
        path = scene.write_height(str(tmp_path / "h.tif"), epsg=epsg, origin=(1e9, 1e9))
        assert elevation.projected_suggestion(QgsRasterLayer(path, "h"), project) == ""

    def test_project_shading_is_opt_in(self, qgis_app, project):
        QgsSettings().remove(elevation.SHADING_SETTING)
        assert not elevation.shade_project_if_asked(project)
        QgsSettings().setValue(elevation.SHADING_SETTING, True)
        switched = elevation.shade_project_if_asked(project)
        QgsSettings().remove(elevation.SHADING_SETTING)
        assert switched == hasattr(project, "elevationShadingRenderer")
        if switched:
            assert project.elevationShadingRenderer().isActive()

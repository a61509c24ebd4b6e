"""How result layers load: group, order, hillshade, renderers, elevation."""

import os

import pytest
import scene
from processing.gui.Postprocessing import handleAlgorithmResults
from qgis import core
from qgis.core import (
    Qgis,
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsHillshadeRenderer,
    QgsPalettedRasterRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingUtils,
    QgsRasterLayer,
    QgsSettings,
    QgsSingleBandPseudoColorRenderer,
)
from qgis.gui import QgsLayerTreeMapCanvasBridge, QgsMapCanvas
from qgis.PyQt.QtGui import QColor, QPainter
from semantic3d.exporters.ramps import HEIGHT_RAMP, SIGMA_RAMP

from semantic3d_plugin.styling import elevation, loaded, renderers, result_group
from semantic3d_plugin.styling.roles import HEIGHT, SIGMA

GROUP = "Semantic 3D: ortho"


@pytest.fixture
def run_and_load(qgis_app, provider, fake_backend, image, project):
    """Run reconstruct as the toolbox does and load the layers that were asked for; returns the feedback."""

    def run(*names, folder=None, feedback=None, load=True, **more):
        algorithm = QgsApplication.processingRegistry().createAlgorithmById("semantic3d:reconstruct")
        context, feedback = QgsProcessingContext(), feedback or QgsProcessingFeedback()
        context.setProject(project)
        parameters = {"INPUT": image, **more}
        for name in names:
            path = os.path.join(folder, name.lower() + ".tif") if folder else "TEMPORARY_OUTPUT"
            parameters[name] = QgsProcessingOutputLayerDefinition(path, project) if load else path
        results, successful = algorithm.run(parameters, context, feedback)
        assert successful, feedback.textLog()
        assert handleAlgorithmResults(algorithm, context, feedback, parameters=results)
        qgis_app.processEvents()
        return feedback

    return run


def group_of(project):
    return project.layerTreeRoot().findGroup(GROUP)


def test_layers_load_into_one_group_in_order(run_and_load, project):
    run_and_load("HEIGHT", "SIGMA", "LAND_COVER")
    names = [node.name() for node in group_of(project).children()]
    assert names == ["Hillshade", "Land cover", "Height (m)", "sigma (m)"]
    assert len(project.layerTreeRoot().findLayers()) == 4
    ticked = [node.itemVisibilityChecked() for node in group_of(project).children()]
    assert ticked == [True, True, True, False]
    assert not result_group._BOOKED


class BatchFeedback(QgsProcessingFeedback):
    """As the batch dialog of QGIS 3.22, which handles events at each progress between two layers."""

    def setProgress(self, progress):  # noqa: N802
        super().setProgress(progress)
        QgsApplication.processEvents()


def test_layers_that_load_with_events_between_them_are_all_arranged(run_and_load, project, tmp_path):
    run_and_load("HEIGHT", "SIGMA", "LAND_COVER", folder=str(tmp_path), feedback=BatchFeedback())
    names = [node.name() for node in group_of(project).children()]
    assert names == ["Hillshade", "Land cover", "Height (m)", "sigma (m)"]
    assert len(project.layerTreeRoot().findLayers()) == 4
    ticked = [node.itemVisibilityChecked() for node in group_of(project).children()]
    assert ticked == [True, True, True, False]


def test_each_run_on_an_image_adds_to_its_group(run_and_load, project):
    run_and_load("HEIGHT")
    run_and_load("HEIGHT")
    assert [node.name() for node in group_of(project).children()] == ["Hillshade", "Height (m)"] * 2


def test_without_heights_there_is_no_hillshade(run_and_load, project):
    run_and_load("LAND_COVER", "SIGMA")
    assert [node.name() for node in group_of(project).children()] == ["Land cover", "sigma (m)"]


def test_an_output_that_nobody_chose_and_the_model_lacks_is_left_out(run_and_load, project, tmp_path):
    (tmp_path / "heights.onnx").write_bytes(b"")
    run_and_load("HEIGHT", "SIGMA", "LAND_COVER", MODEL=str(tmp_path / "heights.onnx"))
    assert [node.name() for node in group_of(project).children()] == ["Hillshade", "Height (m)"]
    assert len(project.layerTreeRoot().findLayers()) == 2


def test_saved_files_keep_our_names_even_where_file_names_are_preferred(run_and_load, project, tmp_path):
    QgsSettings().setValue("Processing/Configuration/PREFER_FILENAME_AS_LAYER_NAME", True)
    run_and_load("SIGMA", folder=str(tmp_path))
    assert [node.name() for node in group_of(project).children()] == ["sigma (m)"]


def test_the_hillshade_is_multiplied_over_land_cover(run_and_load, project):
    run_and_load("HEIGHT", "LAND_COVER")
    hillshade, land_cover, height = [node.layer() for node in group_of(project).children()]
    assert isinstance(hillshade.renderer(), QgsHillshadeRenderer)
    assert hillshade.blendMode() == QPainter.CompositionMode.CompositionMode_Multiply
    assert hillshade.source().split("|")[0] == height.source()
    assert land_cover.blendMode() == QPainter.CompositionMode.CompositionMode_SourceOver
    assert hillshade.dataProvider().sourceNoDataValue(1) == -9999


def test_layers_without_a_style_file_are_styled_by_api(run_and_load, project):
    run_and_load("HEIGHT", "SIGMA", "LAND_COVER")
    _, land_cover, height, sigma = [node.layer() for node in group_of(project).children()]
    assert isinstance(height.renderer(), QgsSingleBandPseudoColorRenderer)
    assert isinstance(sigma.renderer(), QgsSingleBandPseudoColorRenderer)
    assert height.renderer().classificationMin() == 0
    assert height.renderer().classificationMax() == pytest.approx(10, abs=0.5)
    assert isinstance(land_cover.renderer(), QgsPalettedRasterRenderer)
    classes = [(int(entry.value), entry.label, entry.color.name()) for entry in land_cover.renderer().classes()]
    assert classes == [(2, "low vegetation", "#a6d96a"), (4, "building", "#d7301f")]
    ramps = [layer.renderer().shader().rasterShaderFunction().colorRampItemList() for layer in (height, sigma)]
    for ramp, backends in zip(ramps, (HEIGHT_RAMP, SIGMA_RAMP)):
        assert tuple(item.color.name() for item in ramp) == backends.stops


def test_a_style_file_beside_the_layer_wins(run_and_load, project, tmp_path):
    """Processing itself opens results without it."""
    (tmp_path / "before").mkdir()
    styled = QgsRasterLayer(scene.write_land_cover(str(tmp_path / "before" / "classes.tif")), "Land cover")
    own = QgsPalettedRasterRenderer.Class(4, QColor("#123456"), "House")
    styled.setRenderer(QgsPalettedRasterRenderer(styled.dataProvider(), 1, [own]))
    styled.saveNamedStyle(str(tmp_path / "land_cover.qml"))
    run_and_load("LAND_COVER", folder=str(tmp_path))
    (node,) = group_of(project).children()
    assert [entry.label for entry in node.layer().renderer().classes()] == ["House"]


def test_the_style_of_another_file_of_that_name_is_not_the_layers(run_and_load, project, tmp_path):
    photograph = QgsRasterLayer(scene.write_image(str(tmp_path / "land_cover.png.tif")), "photograph")
    photograph.saveNamedStyle(str(tmp_path / "land_cover.qml"))
    (tmp_path / "land_cover.jp2").write_bytes(b"the photograph")
    run_and_load("LAND_COVER", folder=str(tmp_path))
    (node,) = group_of(project).children()
    assert [entry.label for entry in node.layer().renderer().classes()] == ["low vegetation", "building"]


def test_a_broken_style_file_is_no_style(run_and_load, project, tmp_path):
    (tmp_path / "land_cover.qml").write_text("no style")
    run_and_load("LAND_COVER", folder=str(tmp_path))
    (node,) = group_of(project).children()
    assert [entry.label for entry in node.layer().renderer().classes()] == ["low vegetation", "building"]


def test_all_nodata_still_gets_a_ramp(qgis_app, tmp_path):
    import numpy
    from osgeo import gdal

    path = scene.write(str(tmp_path / "empty.tif"), numpy.full((1, 5, 5), -9999.0), gdal.GDT_Float32, -9999.0)
    layer = QgsRasterLayer(path, "empty")
    renderers.style(layer, HEIGHT)
    assert layer.renderer().classificationMax() == 3.0
    renderers.style(layer, SIGMA)
    assert layer.renderer().classificationMax() == 1.0


@pytest.mark.parametrize(
    ("authid", "factor"), [("EPSG:32632", 1.0), ("EPSG:2992", 3.28084), ("EPSG:4326", 1 / 111319.49)]
)
def test_hillshade_knows_feet_and_degrees(qgis_app, authid, factor):
    """EPSG:2992 is in international feet: 0.3048 m."""
    assert renderers.map_units_per_metre(QgsCoordinateReferenceSystem(authid)) == pytest.approx(factor, rel=1e-4)


class TestSecondRunIntoTheSameFile:
    """The second image lies elsewhere, in feet: old pixels, extent and CRS would all show."""

    @pytest.fixture
    def elsewhere(self, tmp_path):
        (tmp_path / "second").mkdir()
        return scene.write_image(
            str(tmp_path / "second" / "other.tif"), epsg=2992, origin=(200000.0, 200000.0), gsd=1.5
        )

    @staticmethod
    def seen(layer):
        return layer.crs().authid(), layer.extent().xMinimum(), layer.dataProvider().extent().xMinimum()

    def test_every_layer_on_the_file_shows_the_new_result(self, run_and_load, project, tmp_path, elsewhere):
        run_and_load("HEIGHT", "SIGMA", folder=str(tmp_path))
        users_own = QgsRasterLayer(str(tmp_path / "height.tif"), "mine")
        users_own.setOpacity(0.5)
        project.addMapLayer(users_own)
        run_and_load("HEIGHT", "SIGMA", folder=str(tmp_path), INPUT=elsewhere)
        layers = project.mapLayers().values()
        assert len(layers) == 4
        assert [self.seen(layer) for layer in layers] == [("EPSG:2992", 200000.0, 200000.0)] * 4
        assert users_own.opacity() == 0.5

    def test_a_result_that_is_not_loaded_again_shows_too(self, run_and_load, project, tmp_path, elsewhere):
        run_and_load("LAND_COVER", folder=str(tmp_path))
        run_and_load("LAND_COVER", folder=str(tmp_path), INPUT=elsewhere, load=False)
        (layer,) = project.mapLayers().values()
        assert self.seen(layer) == ("EPSG:2992", 200000.0, 200000.0)

    def test_the_crs_that_a_user_gave_to_a_layer_without_one_stays(self, qgis_app, project, tmp_path):
        path = scene.write_height(str(tmp_path / "h.tif"), epsg=None)
        layer = QgsRasterLayer(path, "h")
        layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32632"))
        project.addMapLayer(layer)
        loaded.reload_layers(path, project)
        assert layer.crs().authid() == "EPSG:32632"

    def test_the_hillshade_is_never_taken_for_the_result(self, run_and_load, project, tmp_path):
        run_and_load("HEIGHT", folder=str(tmp_path))
        hillshade, height = [node.layer() for node in group_of(project).children()]
        project.removeMapLayer(height.id())
        context = QgsProcessingContext()
        context.setProject(project)
        found = QgsProcessingUtils.mapLayerFromString(str(tmp_path / "height.tif"), context)
        assert found.id() != hillshade.id()
        del found
        run_and_load("HEIGHT", folder=str(tmp_path))
        assert [node.name() for node in group_of(project).children()] == ["Hillshade", "Height (m)"]
        assert group_of(project).children()[0].layerId() == hillshade.id()
        assert isinstance(hillshade.renderer(), QgsHillshadeRenderer)

    def test_there_is_one_group_without_another_in_it(self, run_and_load, project, tmp_path, elsewhere):
        run_and_load("HEIGHT", "LAND_COVER", folder=str(tmp_path))
        run_and_load("HEIGHT", "LAND_COVER", folder=str(tmp_path))
        names = ["Hillshade", "Land cover", "Height (m)"]
        assert [node.name() for node in group_of(project).children()] == names
        run_and_load("HEIGHT", "LAND_COVER", folder=str(tmp_path), INPUT=elsewhere)
        (group,) = project.layerTreeRoot().children()
        assert group.name() == "Semantic 3D: other"
        assert [node.name() for node in group.children()] == names
        hillshade = group.children()[0].layer()
        assert hillshade.renderer().zFactor() == pytest.approx(3.28084, rel=1e-4)  # the file is in feet now

    def test_a_group_that_keeps_layers_stays_beside_the_new_one(self, run_and_load, project, tmp_path, elsewhere):
        run_and_load("HEIGHT", "LAND_COVER", folder=str(tmp_path))
        run_and_load("LAND_COVER", folder=str(tmp_path), INPUT=elsewhere)
        groups = project.layerTreeRoot().children()
        assert {group.name(): [node.name() for node in group.children()] for group in groups} == {
            "Semantic 3D: other": ["Land cover"],
            GROUP: ["Hillshade", "Height (m)"],
        }

    def test_ticks_removals_and_places_are_the_users(self, run_and_load, project, tmp_path):
        run_and_load("HEIGHT", "SIGMA", "LAND_COVER", folder=str(tmp_path))
        hillshade, land_cover, height, sigma = group_of(project).children()
        project.removeMapLayer(hillshade.layerId())
        height.setItemVisibilityChecked(False)
        sigma.setItemVisibilityChecked(True)
        mine = project.layerTreeRoot().addGroup("mine")
        mine.insertChildNode(0, land_cover.clone())
        group_of(project).removeChildNode(land_cover)
        run_and_load("HEIGHT", "SIGMA", "LAND_COVER", folder=str(tmp_path))
        ticks = [(node.name(), node.itemVisibilityChecked()) for node in group_of(project).children()]
        assert ticks == [("Height (m)", False), ("sigma (m)", True)]
        assert [node.name() for node in mine.children()] == ["Land cover"]

    def test_no_empty_group_is_left_where_all_layers_were_moved(self, run_and_load, project, tmp_path):
        run_and_load("LAND_COVER", folder=str(tmp_path))
        (node,) = group_of(project).children()
        project.layerTreeRoot().insertChildNode(0, node.clone())
        project.layerTreeRoot().removeChildNode(group_of(project))
        run_and_load("LAND_COVER", folder=str(tmp_path))
        assert [child.name() for child in project.layerTreeRoot().children()] == ["Land cover"]


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

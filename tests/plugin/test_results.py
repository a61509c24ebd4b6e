"""How result layers load: group, order, hillshade, renderers, elevation."""

import pytest
import scene
from processing.gui.RenderingStyles import RenderingStyles
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsDataProvider,
    QgsHillshadeRenderer,
    QgsPalettedRasterRenderer,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingUtils,
    QgsRasterLayer,
    QgsSettings,
    QgsSingleBandGrayRenderer,
    QgsSingleBandPseudoColorRenderer,
)
from qgis.PyQt.QtGui import QColor, QPainter
from semantic3d.exporters.ramps import ERROR_RAMP, HEIGHT_RAMP, SIGMA_RAMP

from semantic3d_plugin.styling import loaded, map_scale, ownership, renderers, result_group
from semantic3d_plugin.styling.roles import ERROR, HEIGHT, SHADOW, SIGMA

GROUP = "Semantic 3D: ortho"


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


def test_a_style_that_the_user_chose_for_the_output_wins(run_and_load, project, tmp_path, monkeypatch):
    """Toolbox > Edit rendering styles for outputs."""
    grey = QgsRasterLayer(scene.write_height(str(tmp_path / "h.tif")), "grey")
    grey.setRenderer(QgsSingleBandGrayRenderer(grey.dataProvider(), 1))
    grey.saveNamedStyle(str(tmp_path / "grey.qml"))
    chosen = {"semantic3d:reconstruct": {"HEIGHT": str(tmp_path / "grey.qml")}}
    monkeypatch.setattr(RenderingStyles, "styles", chosen)
    run_and_load("HEIGHT", "SIGMA")
    hillshade, height, sigma = [node.layer() for node in group_of(project).children()]
    assert isinstance(height.renderer(), QgsSingleBandGrayRenderer)
    assert isinstance(sigma.renderer(), QgsSingleBandPseudoColorRenderer)


def load(project, title, role, path, name):
    """Load a result as a run of its own does."""
    layer = QgsRasterLayer(path, name)
    project.addMapLayer(layer)
    group = result_group.ResultGroup(title)
    result_group.ResultLayer(group, role, None).postProcessLayer(layer, QgsProcessingContext(), QgsProcessingFeedback())
    group.arrange(project)
    return layer


def test_a_mask_of_shadows_lies_under_the_hillshade_and_hides_nothing_that_is_lit(run_and_load, project, tmp_path):
    run_and_load("HEIGHT", "LAND_COVER")
    path = scene.write_shadows(str(tmp_path / "shadows.tif"))
    shadows = load(project, GROUP, SHADOW, path, "Shadows")
    names = [node.name() for node in group_of(project).children()]
    assert names == ["Hillshade", "Shadows", "Land cover", "Height (m)"]
    shown = {int(entry.value): entry.color.alpha() for entry in shadows.renderer().classes()}
    assert shown == {0: 0, 1: 255}


def test_an_error_map_without_a_style_file_runs_from_blue_to_red(qgis_app, tmp_path):
    layer = QgsRasterLayer(scene.write_height(str(tmp_path / "e.tif")), "error")
    renderers.style(layer, ERROR)
    renderer = layer.renderer()
    assert renderer.classificationMin() == -renderer.classificationMax() < 0
    ramp = renderer.shader().rasterShaderFunction().colorRampItemList()
    assert tuple(item.color.name() for item in ramp) == ERROR_RAMP.stops


def test_what_is_made_of_a_result_joins_its_group(run_and_load, project):
    run_and_load("HEIGHT")
    hillshade, height = [node.layer() for node in group_of(project).children()]
    assert result_group.group_title(height, project) == GROUP
    project.layerTreeRoot().insertLayer(0, height)
    photograph = QgsRasterLayer(height.source(), "photograph")
    assert result_group.group_title(photograph, project) == "Semantic 3D: photograph"


def test_the_hillshade_follows_heights_that_are_made_permanent(run_and_load, project, tmp_path):
    run_and_load("HEIGHT")
    hillshade, height = [node.layer() for node in group_of(project).children()]
    kept = scene.write_height(str(tmp_path / "kept.tif"))
    height.setDataSource(kept, height.name(), "gdal", QgsDataProvider.ProviderOptions())
    assert hillshade.source().split("|")[0] == kept
    assert isinstance(hillshade.renderer(), QgsHillshadeRenderer)
    assert loaded.is_hillshade(hillshade)


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
    ("authid", "place", "factor"),
    [
        ("EPSG:32632", (5e5, 5.3e6), 1.0),
        ("EPSG:2992", (2e5, 2e5), 3.28084),  # international feet
        ("EPSG:4326", (10.0, 60.0), 1 / (111319.49 * 0.7085)),  # sqrt(cos 60), which the ellipsoid makes a little more
        ("EPSG:3857", (1113194.9, 8399737.9), 1.9955),  # 60 degrees north
        ("", (0.0, 0.0), 1.0),
    ],
)
def test_heights_stand_in_the_units_of_the_map(qgis_app, project, authid, place, factor):
    crs = QgsCoordinateReferenceSystem(authid)
    found = map_scale.height_scale(crs, QgsPointXY(*place), project.transformContext())
    assert found == pytest.approx(factor, rel=3e-3)


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

    def test_what_the_user_made_of_a_layer_stays(self, run_and_load, project, tmp_path, elsewhere):
        run_and_load("HEIGHT", "LAND_COVER", folder=str(tmp_path))
        _, land_cover, height = [node.layer() for node in group_of(project).children()]
        height.setRenderer(QgsSingleBandGrayRenderer(height.dataProvider(), 1))
        height.setOpacity(0.5)
        height.setName("Heights 2021")
        land_cover.setOpacity(0.25)
        run_and_load("HEIGHT", "LAND_COVER", folder=str(tmp_path), INPUT=elsewhere)
        assert isinstance(height.renderer(), QgsSingleBandGrayRenderer)
        assert (height.opacity(), height.name()) == (0.5, "Heights 2021")
        assert (land_cover.opacity(), land_cover.name()) == (0.25, "Land cover")

    def test_a_scale_that_is_still_ours_follows_the_new_values(self, qgis_app, run_and_load, project, tmp_path):
        """Also in the next session: the project is saved and opened in between."""
        run_and_load("HEIGHT", folder=str(tmp_path))
        (height,) = [node.layer() for node in group_of(project).children() if node.name() == "Height (m)"]
        height.setRenderer(renderers.ramp_renderer(height, renderers.HEIGHT_COLOURS, at_least=99.0))
        ownership.remember_style(height)  # as if an earlier run had found such heights
        assert project.write(str(tmp_path / "p.qgz")) and project.read(str(tmp_path / "p.qgz"))
        run_and_load("HEIGHT", folder=str(tmp_path))
        (height,) = [node.layer() for node in group_of(project).children() if node.name() == "Height (m)"]
        assert height.renderer().classificationMax() == pytest.approx(10, abs=0.5)

    def test_no_empty_group_is_left_where_all_layers_were_moved(self, run_and_load, project, tmp_path):
        run_and_load("LAND_COVER", folder=str(tmp_path))
        (node,) = group_of(project).children()
        project.layerTreeRoot().insertChildNode(0, node.clone())
        project.layerTreeRoot().removeChildNode(group_of(project))
        run_and_load("LAND_COVER", folder=str(tmp_path))
        assert [child.name() for child in project.layerTreeRoot().children()] == ["Land cover"]

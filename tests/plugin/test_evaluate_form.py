"""The evaluate form, in real QGIS, with a worker that computes nothing."""

import json

import processing
import pytest
import scene
from processing.gui.Postprocessing import handleAlgorithmResults
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterDefinition,
    QgsRasterLayer,
)

from semantic3d_plugin.backend.s3d_protocol import EvaluateJob
from test_train_form import land_use

INPUTS = ("HEIGHT", "REFERENCE", "REFERENCE_DTM", "SIGMA", "LAND_COVER", "REFERENCE_LAND_COVER", "SHADOW", "ZONES")
DESTINATIONS = ("REPORT", "FIGURES", "TABLE", "ERROR")
NUMBERS = (
    "MAE", "RMSE", "BIAS", "NMAD", "DELTA_1", "DELTA_2", "DELTA_3", "MAE_BUILDING", "MAE_BACKGROUND", "ACCURACY",
    "MEAN_IOU", "BUILDING_IOU", "UECC", "AUSE", "COVERAGE_50", "COVERAGE_68", "COVERAGE_95", "CHAMFER", "F1_1M",
    "F1_05M", "F1_02M", "PIXELS", "SECONDS",
)  # fmt: skip


@pytest.fixture
def evaluate(provider):
    return QgsApplication.processingRegistry().createAlgorithmById("semantic3d:evaluate")


@pytest.fixture
def context():
    return QgsProcessingContext()


@pytest.fixture
def rasters(tmp_path):
    """Heights and a reference of another place on the map's grid, land cover and its reference."""
    return {
        "HEIGHT": scene.write_height(str(tmp_path / "predicted.tif")),
        "REFERENCE": scene.write_height(str(tmp_path / "true.tif")),
        "LAND_COVER": scene.write_land_cover(str(tmp_path / "classes.tif")),
        "REFERENCE_LAND_COVER": scene.write_land_cover(str(tmp_path / "labels.tif")),
    }


def test_names_are_promises(evaluate):
    names = {p.name() for p in evaluate.parameterDefinitions()}
    assert names == {*INPUTS, "ZONE_POLYGONS", "ZONE_FIELD", "GSD", "BUILDING_CLASS", *DESTINATIONS}
    assert {o.name() for o in evaluate.outputDefinitions()} == {*DESTINATIONS, *NUMBERS}
    assert evaluate.groupId() == "evaluation" and evaluate.group()


def test_every_input_may_stay_empty_and_explains_itself(evaluate):
    flag = QgsProcessingParameterDefinition.Flag.FlagOptional
    text = evaluate.shortHelpString()
    for parameter in evaluate.parameterDefinitions():
        assert parameter.help() and parameter.help() in text, parameter.name()
        assert parameter.flags() & flag or parameter.name() == "BUILDING_CLASS"
    for output in evaluate.outputDefinitions():
        assert output.description() in text, output.name()
    assert evaluate.parameterDefinition("BUILDING_CLASS").defaultValue() == EvaluateJob().building_class
    assert not evaluate.icon().isNull()
    assert {name for name in EvaluateJob().to_dict() if name.endswith("_path")} == {
        *evaluate.FIELDS.values(), *(f"{name.lower()}_path" for name in DESTINATIONS)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("left_out", "changed", "word"),
    [
        (INPUTS, {}, "nothing to compare"),
        (("REFERENCE",), {}, "Give both or none"),
        (("REFERENCE_LAND_COVER",), {}, "without its reference"),
        ((), {"SIGMA": "/nowhere.tif"}, "nowhere"),
        ((), {"REPORT": "/tmp/report.txt"}, ".html"),
        ((), {"TABLE": "/nowhere/table.csv"}, "/nowhere for TABLE"),
        ((), {"ERROR": "/tmp/error.img"}, ".tif"),
        ((), {"TABLE": "/tmp/table.json"}, ".csv"),
        (("HEIGHT", "REFERENCE"), {"ERROR": "/tmp/error.tif"}, "error raster needs heights"),
        ((), {"BUILDING_CLASS": 0}, "BUILDING_CLASS"),
    ],
)
def test_wrong_values_are_refused_before_the_run(evaluate, healthy_backend, rasters, context, left_out, changed, word):
    parameters = {name: value for name, value in rasters.items() if name not in left_out}
    valid, message = evaluate.checkParameterValues({**parameters, **changed}, context)
    assert not valid
    assert word in message


def test_an_input_is_no_output(evaluate, healthy_backend, rasters, context):
    valid, message = evaluate.checkParameterValues({**rasters, "ERROR": rasters["REFERENCE"]}, context)
    assert not valid and "same file" in message


@pytest.mark.parametrize("left_out", [(), ("HEIGHT", "REFERENCE"), ("LAND_COVER", "REFERENCE_LAND_COVER")])
def test_right_values_pass(evaluate, healthy_backend, rasters, context, left_out):
    parameters = {name: value for name, value in rasters.items() if name not in left_out}
    assert evaluate.checkParameterValues(parameters, context) == (True, "")


def run(context, **parameters):
    return processing.run(
        "semantic3d:evaluate", parameters, context=context, feedback=QgsProcessingFeedback()
    )


def test_a_run_hands_over_files_and_returns_figures(provider, fake_backend, rasters, tmp_path, context):
    outputs = {
        "REPORT": str(tmp_path / "r.html"), "FIGURES": str(tmp_path / "f.json"), "TABLE": str(tmp_path / "t.csv"),
        "ERROR": str(tmp_path / "e.tif"),
    }  # fmt: skip
    results = run(context, **rasters, **outputs, BUILDING_CLASS=6)
    assert results == {
        **outputs, "MAE": 0.5, "BUILDING_IOU": 0.25, "F1_05M": 0.75, "PIXELS": 7, "SECONDS": 0.5
    }  # fmt: skip
    with open(outputs["FIGURES"], encoding="utf-8") as text:
        job = json.load(text)
    assert job["height_path"] == rasters["HEIGHT"]
    assert job["reference_height_path"] == rasters["REFERENCE"]
    assert job["land_cover_path"] == rasters["LAND_COVER"]
    assert job["reference_land_cover_path"] == rasters["REFERENCE_LAND_COVER"]
    assert (job["sigma_path"], job["zones_path"], job["building_class"]) == ("", "", 6)


def test_zones_may_be_polygons_of_any_layer(provider, fake_backend, rasters, tmp_path, context):
    figures = str(tmp_path / "f.json")
    zones = land_use(tmp_path / "use.gpkg", ["park", "town"])
    run(context, **rasters, ZONE_POLYGONS=zones, ZONE_FIELD="kind", GSD=0.31, FIGURES=figures)
    with open(figures, encoding="utf-8") as text:
        job = json.load(text)
    assert job["zones_path"].endswith("outlines.geojson") and (job["zones_field"], job["gsd_m"]) == ("kind", 0.31)


def test_zones_are_given_once_and_their_field_is_there(evaluate, healthy_backend, rasters, tmp_path, context):
    zones = land_use(tmp_path / "use.gpkg", ["park"])
    for changed, word in (
        ({"ZONES": rasters["LAND_COVER"]}, "Both ZONES and ZONE_POLYGONS"), ({"ZONE_FIELD": "use"}, "no field use"),
        ({"ZONE_POLYGONS": "/nowhere.gpkg"}, "nowhere"), ({"GSD": 1e6}, "GSD"),
    ):
        valid, message = evaluate.checkParameterValues({**rasters, "ZONE_POLYGONS": zones, **changed}, context)
        assert not valid and word in message
    assert evaluate.checkParameterValues({**rasters, "ZONE_POLYGONS": zones, "ZONE_FIELD": "kind"}, context) == (True, "")


def test_land_cover_alone_needs_no_heights(provider, fake_backend, rasters, tmp_path, context):
    figures = str(tmp_path / "f.json")
    run(context, LAND_COVER=rasters["LAND_COVER"], REFERENCE_LAND_COVER=rasters["REFERENCE_LAND_COVER"],
        FIGURES=figures)
    with open(figures, encoding="utf-8") as text:
        job = json.load(text)
    assert (job["height_path"], job["land_cover_path"]) == ("", rasters["LAND_COVER"])


def test_a_crs_given_in_qgis_reaches_the_backend(provider, fake_backend, rasters, tmp_path, context):
    """Each raster has its own: only the one that was changed becomes a virtual raster."""
    plain = scene.write_height(str(tmp_path / "plain.tif"), epsg=None)
    layer = QgsRasterLayer(plain, "plain")
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32632"))
    figures = str(tmp_path / "f.json")
    run(context, HEIGHT=rasters["HEIGHT"], REFERENCE=layer, FIGURES=figures)
    with open(figures, encoding="utf-8") as text:
        job = json.load(text)
    assert job["reference_height_path"].endswith("plain.vrt")
    assert job["height_path"] == rasters["HEIGHT"]


def test_the_error_raster_loads_into_a_group_of_the_prediction(
    qgis_app, evaluate, fake_backend, rasters, tmp_path, project
):
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(project)
    error = QgsProcessingOutputLayerDefinition(str(tmp_path / "e.tif"), project)
    results, successful = evaluate.run({**rasters, "ERROR": error}, context, feedback)
    assert successful, feedback.textLog()
    assert handleAlgorithmResults(evaluate, context, feedback, parameters=results)
    qgis_app.processEvents()
    group = project.layerTreeRoot().findGroup("Semantic 3D: predicted")  # the first raster of the form
    assert [node.name() for node in group.children()] == ["Error (m)"]

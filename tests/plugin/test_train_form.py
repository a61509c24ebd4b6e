"""The training form, in real QGIS, with a worker that computes nothing."""

import functools
import json
import os
import threading
import time

import processing
import pytest
import scene
from qgis.PyQt.QtCore import QDate
from qgis.core import (
    NULL,
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
    QgsProcessingUtils,
    QgsProject,
    QgsRasterLayer,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from semantic3d_plugin.backend.s3d_protocol import TrainJob

INPUTS = ("IMAGES", "NDSM", "DSM", "DTM", "LAND_COVER", "CLASS_MAP", "BUILDINGS", "CLASS_FIELD", "BASE", "BANDS")
SETTINGS = (
    "STEPS", "RANK", "BATCH_SIZE", "ACCUMULATION", "CHECKPOINTING", "PATCH", "LEARNING_RATE", "WEIGHT_DECAY",
    "PENALTY_WEIGHT", "HEIGHT_LOSS", "VALIDATION_SHARE", "BLOCK", "PATIENCE", "SEED", "DEVICE",
    "MAX_MEMORY",
)  # fmt: skip
DESTINATIONS = ("PACKAGE", "REPORT")
NUMBERS = ("VALIDATION_MAE", "VALIDATION_RMSE", "BUILDING_IOU", "STEPS_DONE", "SECONDS")
FAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_trainer.py")


@pytest.fixture
def train(provider):
    return QgsApplication.processingRegistry().createAlgorithmById("semantic3d:train")


@pytest.fixture
def context():
    return QgsProcessingContext()


@pytest.fixture
def fake_trainer(healthy_backend, monkeypatch):
    from semantic3d_plugin.algorithms import base

    monkeypatch.setattr(base, "run_job", functools.partial(base.run_job, worker_path=FAKE))


@pytest.fixture
def inputs(tmp_path):
    heights = scene.write_height(str(tmp_path / "ndsm.tif"))
    images = [scene.write_image(str(tmp_path / name)) for name in ("a.tif", "b.tif")]
    return {"IMAGES": images, "NDSM": [heights], "PACKAGE": str(tmp_path / "My town")}


def outlines(crs="EPSG:32632"):
    layer = QgsVectorLayer("Polygon?crs=" + crs, "outlines", "memory")
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromWkt("POLYGON((500001 5300001, 500002 5300001, 500002 5300002, 500001 5300001))"))
    layer.dataProvider().addFeatures([feature])
    return layer


def land_use(path, values, field="kind", kind="string"):
    """A GeoPackage of polygons, one for each value."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:32632&field={}:{}&field=area:double".format(field, kind), "use", "memory")
    for number, value in enumerate(values):
        feature = QgsFeature(layer.fields())
        east = 500001 + 2 * number
        corners = ("{} 5300001".format(east), "{} 5300001".format(east + 1), "{} 5300002".format(east + 1))
        feature.setGeometry(QgsGeometry.fromWkt("POLYGON(({}))".format(", ".join((*corners, corners[0])))))
        feature.setAttribute(field, value)
        layer.dataProvider().addFeatures([feature])
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    written = QgsVectorFileWriter.writeAsVectorFormatV3(
        layer, str(path), QgsProject.instance().transformContext(), options
    )
    assert written[0] == QgsVectorFileWriter.WriterError.NoError
    return str(path)


def run(parameters, tmp_path, context):
    report = tmp_path / "report.html"
    found = processing.run("semantic3d:train", {**parameters, "REPORT": str(report)}, context=context)
    return found, json.loads(report.read_text(encoding="utf-8"))


def test_names_are_promises(train):
    assert {p.name() for p in train.parameterDefinitions()} == {*INPUTS, *SETTINGS, *DESTINATIONS}
    assert {o.name() for o in train.outputDefinitions()} == {*DESTINATIONS, *NUMBERS}
    assert train.groupId() == "training" and train.group()


def test_only_images_are_mandatory_and_all_explains_itself(train):
    optional = QgsProcessingParameterDefinition.Flag.FlagOptional
    mandatory = {p.name() for p in train.parameterDefinitions() if not p.flags() & optional}
    assert {n for n in mandatory if train.parameterDefinition(n).defaultValue() is None} <= {"IMAGES", "PACKAGE"}
    text = train.shortHelpString()
    assert all(p.help() and p.help() in text for p in train.parameterDefinitions())
    assert all(o.description() in text for o in train.outputDefinitions())
    assert not train.icon().isNull()


def test_defaults_are_the_jobs(train):
    job = TrainJob((), "")
    default = {p.name(): p.defaultValue() for p in train.parameterDefinitions()}
    for name, field in (
        ("STEPS", "steps"), ("RANK", "lora_rank"), ("BATCH_SIZE", "batch_size"), ("PATCH", "patch_px"),
        ("LEARNING_RATE", "learning_rate"), ("VALIDATION_SHARE", "validation_share"), ("BLOCK", "block_m"),
        ("WEIGHT_DECAY", "weight_decay"), ("PENALTY_WEIGHT", "penalty_weight"), ("HEIGHT_LOSS", "height_loss"),
        ("PATIENCE", "patience"), ("SEED", "seed"), ("DEVICE", "device"), ("MAX_MEMORY", "max_memory_mb"),
    ):  # fmt: skip
        assert default[name] == getattr(job, field), name


def test_the_full_environment_is_asked_for(train, monkeypatch, provider):
    from semantic3d_plugin.algorithms import base

    class Backend:
        def __init__(self, profile="light"):
            self.profile, self.healthy = profile, profile == "light"
            self.problem, self.python_path = "there is only light.", "python"

    monkeypatch.setattr(base, "find_backend", Backend)
    ready, reason = train.canExecute()
    assert not ready and "PROFILE=full" in reason and "there is only light" in reason
    reconstruct = QgsApplication.processingRegistry().createAlgorithmById("semantic3d:reconstruct")
    assert reconstruct.canExecute()[0]


def test_the_job_has_it_all(fake_trainer, provider, inputs, tmp_path, context):
    found, report = run(
        {**inputs, "BUILDINGS": outlines(), "LAND_COVER": inputs["NDSM"], "CLASS_MAP": "10=1", "STEPS": 50, "RANK": 64,
         "LEARNING_RATE": 0.001, "BANDS": "3,2,1", "PATIENCE": 3, "SEED": 9, "BLOCK": 20, "DEVICE": "cpu"},
        tmp_path, context,
    )  # fmt: skip
    job = report["job"]
    assert report["kind"] == "train"
    assert job["image_paths"] == inputs["IMAGES"] and job["ndsm_paths"] == inputs["NDSM"] and job["dsm_paths"] == []
    assert (job["steps"], job["lora_rank"], job["learning_rate"], job["validate_every"]) == (50, 64, 0.001, 5)
    assert (job["bands"], job["patience"], job["seed"], job["block_m"]) == ([3, 2, 1], 3, 9, 20.0)
    assert (job["model_name"], job["title"], job["class_map"]) == ("My_town", "My town", "10=1")
    assert report["outlines"]["crs"]["properties"]["name"] == "EPSG:32632"
    ring = report["outlines"]["features"][0]["geometry"]["coordinates"][0]
    assert {tuple(point) for point in ring} == {(500001, 5300001), (500002, 5300001), (500002, 5300002)}
    assert not os.path.exists(job["buildings_path"])  # the copy made for the job is gone
    assert found["PACKAGE"] == inputs["PACKAGE"] and os.path.isdir(found["PACKAGE"])
    assert found["VALIDATION_MAE"] == 1.5 and found["STEPS_DONE"] == 7 and found.get("BUILDING_IOU") is None


def test_switches_of_the_loss_are_advanced_and_reach_the_job(fake_trainer, train, inputs, tmp_path, context):
    advanced = QgsProcessingParameterDefinition.Flag.FlagAdvanced
    changes = {"WEIGHT_DECAY": 0.01, "PENALTY_WEIGHT": 0.5, "HEIGHT_LOSS": "mse"}
    assert all(train.parameterDefinition(name).flags() & advanced for name in changes)
    _, report = run({**inputs, **changes}, tmp_path, context)
    job = report["job"]
    assert (job["weight_decay"], job["penalty_weight"], job["height_loss"]) == (0.01, 0.5, "mse")


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("string", ["house", 'a "b"\tc', NULL, "10"], ["house", 'a "b"\tc', None, "10"]),
        ("integer", [4, NULL, -1], [4, None, -1]),
        ("double", [2.0, NULL, 2.5], [2.0, None, 2.5]),
        ("date", [QDate(2024, 5, 6)], ["2024-05-06"]),
    ],
)
def test_polygons_of_several_classes_take_their_field_along(
    fake_trainer, provider, inputs, tmp_path, context, kind, values, expected
):
    layer = land_use(tmp_path / "use.gpkg", values, kind=kind)
    _, report = run(
        {**inputs, "BUILDINGS": layer, "CLASS_FIELD": "kind", "CLASS_MAP": "house=4,10=3"}, tmp_path, context
    )
    assert (report["job"]["class_field"], report["job"]["class_map"]) == ("kind", "house=4,10=3")
    assert [feature["properties"] for feature in report["outlines"]["features"]] == [{"kind": x} for x in expected]
    assert all(feature["geometry"]["type"].endswith("Polygon") for feature in report["outlines"]["features"])


def test_without_a_class_field_attributes_stay_behind(fake_trainer, provider, inputs, tmp_path, context):
    _, report = run({**inputs, "BUILDINGS": land_use(tmp_path / "use.gpkg", ["house"])}, tmp_path, context)
    assert report["job"]["class_field"] == ""
    assert [feature["properties"] for feature in report["outlines"]["features"]] == [{}]


def test_a_wrong_class_field_is_told_before_the_run(train, healthy_backend, inputs, tmp_path, context):
    layer = land_use(tmp_path / "use.gpkg", ["house"])
    given = {**inputs, "BUILDINGS": layer, "CLASS_FIELD": "kind", "CLASS_MAP": "house=4"}
    assert train.checkParameterValues(given, context) == (True, "")
    valid, message = train.checkParameterValues({**given, "CLASS_FIELD": "sort"}, context)
    assert not valid and "sort" in message and "fid, kind, area" in message
    valid, message = train.checkParameterValues({**given, "CLASS_FIELD": None}, context)
    assert not valid and "house=4" in message  # texts are of fields alone
    valid, message = train.checkParameterValues({**given, "BUILDINGS": None}, context)
    assert not valid and "without polygons" in message


def test_what_json_cannot_hold_is_null(qgis_app):
    from semantic3d_plugin.algorithms.vector_source import as_property

    given = [float("nan"), float("inf"), None, NULL, True, 1.5, "\x01"]
    found = [json.loads(as_property('a "b"', value))['a "b"'] for value in given]
    assert found == [None, None, None, None, True, 1.5, "\x01"]


def test_layers_of_the_project_and_surface_less_ground(fake_trainer, provider, inputs, tmp_path, context, project):
    layers = [QgsRasterLayer(path, "layer") for path in (*inputs["IMAGES"], *inputs["NDSM"])]
    project.addMapLayers(layers, False)
    context.setProject(QgsProject.instance())
    _, report = run(
        {"IMAGES": [layers[0].id(), layers[1].id()], "DSM": [layers[2]], "DTM": [layers[2]], "PACKAGE": inputs["PACKAGE"]},
        tmp_path, context,
    )  # fmt: skip
    assert report["job"]["image_paths"] == inputs["IMAGES"]
    assert report["job"]["dsm_paths"] == report["job"]["dtm_paths"] == inputs["NDSM"]
    assert report["outlines"] is None and report["job"]["base_path"] == ""


def warned_of_loss(parameters, context):
    feedback = QgsProcessingFeedback()
    found = processing.run("semantic3d:train", parameters, context=context, feedback=feedback)
    assert os.path.isdir(found["PACKAGE"])
    return "PACKAGE is a temporary folder" in feedback.textLog()


def test_a_temporary_package_gets_a_folder_and_is_told(fake_trainer, provider, inputs, tmp_path, context):
    assert warned_of_loss({**inputs, "PACKAGE": "TEMPORARY_OUTPUT"}, context)
    inside = os.path.join(QgsProcessingUtils.tempFolder(), "town")
    assert warned_of_loss({**inputs, "PACKAGE": inside}, context)
    assert not warned_of_loss({**inputs, "PACKAGE": str(tmp_path / "kept")}, context)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"NDSM": None}, "nothing to learn"),
        ({"NDSM": ["/nowhere.tif"]}, "NDSM"),
        ({"DSM": "same"}, "Both nDSM"),
        ({"CLASS_MAP": "ten=1"}, "ten=1"),
        ({"CLASS_MAP": "10=1"}, "nothing to map"),
        ({"BANDS": "1,2,7"}, "7"),
        ({"PATCH": 100}, "multiple of 32"),
        ({"RANK": 300}, "300"),
        ({"VALIDATION_SHARE": 0.99}, "0.99"),
        ({"BASE": "/nowhere/base.safetensors"}, "/nowhere/base.safetensors"),
        ({"BASE": "org/name"}, "ORG/NAME@COMMIT"),
        ({"REPORT": "/tmp/report.pdf"}, ".html"),
    ],
)
def test_wrong_values_are_refused_before_the_run(train, healthy_backend, inputs, context, changed, word):
    if changed.get("DSM") == "same":
        changed = {"DSM": inputs["NDSM"]}
    valid, message = train.checkParameterValues({**inputs, **changed}, context)
    assert not valid
    assert word in message
    assert train.checkParameterValues(inputs, context)[0]


def test_an_image_that_is_none_is_told(train, healthy_backend, inputs, context):
    valid, message = train.checkParameterValues({**inputs, "IMAGES": [inputs["IMAGES"][0], "/nowhere.tif"]}, context)
    assert not valid and "IMAGES" in message


def test_an_empty_layer_of_outlines_is_told(fake_trainer, provider, inputs, context):
    empty = QgsVectorLayer("Polygon?crs=EPSG:32632", "nothing", "memory")
    feedback = QgsProcessingFeedback()
    with pytest.raises(QgsProcessingException):
        processing.run("semantic3d:train", {**inputs, "BUILDINGS": empty}, context=context, feedback=feedback)
    assert "no outlines" in feedback.textLog()


def test_cancel_stops_it(fake_trainer, provider, inputs, tmp_path, context):
    base = tmp_path / "slow.safetensors"
    base.write_text("")
    feedback = QgsProcessingFeedback()

    def cancel_soon():
        time.sleep(0.5)
        feedback.cancel()

    threading.Thread(target=cancel_soon, daemon=True).start()
    with pytest.raises(QgsProcessingException):
        processing.run("semantic3d:train", {**inputs, "BASE": str(base)}, context=context, feedback=feedback)
    assert not os.path.exists(inputs["PACKAGE"])


def test_stable_diffusion_and_what_saves_memory_reach_the_job(fake_trainer, provider, inputs, tmp_path, context):
    folder = tmp_path / "sd"
    folder.mkdir()
    (folder / "model_index.json").write_text("{}")
    index, hub = str(folder / "model_index.json"), "org/name@" + "0123456789" * 4
    changes = {"ACCUMULATION": 4, "CHECKPOINTING": "on"}
    _, report = run({**inputs, **changes, "BASE": index}, tmp_path, context)
    job = report["job"]
    assert (job["base_path"], job["accumulation"], job["gradient_checkpointing"]) == (str(folder), 4, "on")
    _, report = run({**inputs, "BASE": hub, "PACKAGE": str(tmp_path / "second")}, tmp_path, context)
    job = report["job"]
    assert (job["base_path"], job["accumulation"], job["gradient_checkpointing"]) == (hub, 1, "auto")


def test_a_base_of_the_hub_must_be_pinned(train, healthy_backend, inputs, context):
    valid, message = train.checkParameterValues({**inputs, "BASE": "org/name@main"}, context)
    assert not valid and "40 hex digits" in message

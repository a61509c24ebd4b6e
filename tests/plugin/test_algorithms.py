"""The provider and the reconstruct form, in real QGIS."""

import json
import os
import threading
import time

import processing
import pytest
import scene
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterDefinition,
    QgsProject,
    QgsProperty,
    QgsRasterLayer,
)

from semantic3d_plugin.backend.s3d_protocol import ReconstructJob

PARAMETERS = (
    "INPUT", "BANDS", "MODEL", "EXTENT", "GSD", "OVERLAP", "DEVICE", "BATCH_SIZE", "MAX_MEMORY", "SCHEDULER",
)  # fmt: skip
DESTINATIONS = ("HEIGHT", "SIGMA", "LAND_COVER", "PROBABILITIES", "REPORT")
NUMBERS = ("MEAN_HEIGHT", "MEGAPIXELS", "SECONDS")
TEMPORARY = "TEMPORARY_OUTPUT"


@pytest.fixture
def reconstruct(provider):
    return QgsApplication.processingRegistry().createAlgorithmById("semantic3d:reconstruct")


@pytest.fixture
def context():
    """A context without a project, as a background run has it."""
    return QgsProcessingContext()


def test_ids_that_users_models_hold(provider):
    assert provider.id() == "semantic3d"
    assert {a.name() for a in provider.algorithms()} == {
        "reconstruct", "detect_shadows", "setup_backend", "check_backend", "evaluate", "train",
    }
    assert provider.defaultRasterFileExtension() == "tif"
    assert not provider.icon().isNull()


def test_parameter_names_are_promises(reconstruct):
    names = {p.name() for p in reconstruct.parameterDefinitions()}
    assert names == set(PARAMETERS) | set(DESTINATIONS)
    assert {o.name() for o in reconstruct.outputDefinitions()} == set(DESTINATIONS) | set(NUMBERS)


def test_defaults_are_the_jobs(reconstruct):
    job = ReconstructJob(image_path="")
    default = {p.name(): p.defaultValue() for p in reconstruct.parameterDefinitions()}
    assert default["OVERLAP"] == job.overlap_px
    assert default["DEVICE"] == job.device
    assert default["BATCH_SIZE"] == job.batch_size
    assert default["MAX_MEMORY"] == job.max_memory_mb
    assert default["SCHEDULER"] == job.scheduler


def test_only_the_image_is_mandatory_for_a_user(reconstruct):
    flag = QgsProcessingParameterDefinition.Flag.FlagOptional
    mandatory = {p.name() for p in reconstruct.parameterDefinitions() if not p.flags() & flag}
    without_default = {n for n in mandatory if reconstruct.parameterDefinition(n).defaultValue() is None}
    assert without_default == {"INPUT"}


def test_experts_parameters_are_advanced(reconstruct):
    flag = QgsProcessingParameterDefinition.Flag.FlagAdvanced
    advanced = {p.name() for p in reconstruct.parameterDefinitions() if p.flags() & flag}
    assert advanced == {"OVERLAP", "BATCH_SIZE", "MAX_MEMORY", "SCHEDULER"}


def test_device_is_stored_as_a_word(reconstruct):
    device = reconstruct.parameterDefinition("DEVICE")
    assert device.usesStaticStrings()
    assert list(device.options()) == ["auto", "cpu", "cuda"]


def test_every_parameter_explains_itself(reconstruct):
    text = reconstruct.shortHelpString()
    for parameter in reconstruct.parameterDefinitions():
        assert parameter.help(), parameter.name()
        assert parameter.help() in text
    for output in reconstruct.outputDefinitions():
        assert output.description() in text, output.name()
    assert reconstruct.helpUrl().startswith("https://")
    assert "ndsm" in reconstruct.tags()
    assert not reconstruct.icon().isNull()


def test_without_backend_it_stays_listed_and_names_the_cure(reconstruct, missing_backend):
    ready, reason = reconstruct.canExecute()
    assert not ready
    assert "semantic3d:setup_backend" in reason
    assert "SEMANTIC3D_PYTHON" in reason


def test_without_backend_a_run_names_the_cure_too(provider, missing_backend, image, context):
    """A model's child is never asked canExecute."""
    feedback = QgsProcessingFeedback()
    with pytest.raises(QgsProcessingException):
        processing.run(
            "semantic3d:reconstruct", {"INPUT": image, "HEIGHT": TEMPORARY}, context=context, feedback=feedback
        )
    assert "semantic3d:setup_backend" in feedback.textLog()


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"HEIGHT": None}, "No output"),
        ({"BANDS": "1,2,9"}, "9"),
        ({"BANDS": "red"}, "red"),
        ({"BANDS": "1,2"}, "three"),
        ({"BANDS": "1,2,²"}, "²"),
        ({"BANDS": ["1", "2", "٣"]}, "٣"),
        ({"BANDS": "1,2," + "3" * 5000}, "BANDS"),
        ({"EXTENT": "0,1,0,1"}, "EXTENT"),
        ({"EXTENT": "500010,500010,5300000,5300010 [EPSG:32632]"}, "no area"),
        ({"MODEL": "/nowhere/model.zip"}, "/nowhere/model.zip"),
        ({"DEVICE": "gpu"}, "DEVICE"),
        ({"INPUT": "/nowhere.tif"}, "nowhere"),
        ({"HEIGHT": "/tmp/height.img"}, ".tif"),
        ({"HEIGHT": "/tmp/same.tif", "SIGMA": "/tmp/same.tif"}, "same"),
        ({"HEIGHT": "/nowhere/h.tif"}, "/nowhere for HEIGHT does not exist"),
        ({"REPORT": QgsProcessingOutputLayerDefinition("/nowhere/r.html")}, "/nowhere for REPORT does not exist"),
        ({"HEIGHT": "/tmp/q.tif", "LAND_COVER": "/tmp/q.tiff"}, "/tmp/q.qml"),
        ({"MAX_MEMORY": 1}, "MAX_MEMORY"),
        ({"SCHEDULER": "host:8786"}, "tcp://host:8786"),
        ({"GSD": -1}, "GSD"),
    ],
)
def test_wrong_values_are_refused_before_the_run(reconstruct, healthy_backend, image, context, changed, word):
    valid, message = reconstruct.checkParameterValues({"INPUT": image, "HEIGHT": TEMPORARY, **changed}, context)
    assert not valid
    assert word in message


def test_a_fault_of_ours_in_the_check_is_an_answer_too(reconstruct, healthy_backend, image, context, monkeypatch):
    """QGIS aborts on an exception there."""

    def fails(*_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("semantic3d_plugin.algorithms.reconstruct.check_on_image", fails)
    valid, message = reconstruct.checkParameterValues({"INPUT": image, "HEIGHT": TEMPORARY}, context)
    assert not valid and "ZeroDivisionError: by zero" in message


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"BANDS": "3 2 1"},
        {"BANDS": "3;2;1"},
        {"BANDS": [3, 2, 1]},
        {"GSD": 0.3},
        {"GSD": None},
        {"EXTENT": "500000,500010,5300000,5300010 [EPSG:32632]"},
        {"HEIGHT": None, "REPORT": TEMPORARY},
    ],
)
def test_right_values_pass(reconstruct, healthy_backend, image, context, changed):
    assert reconstruct.checkParameterValues({"INPUT": image, "HEIGHT": TEMPORARY, **changed}, context) == (True, "")


def test_a_folder_that_may_not_be_written_to_is_told_in_the_form(reconstruct, image, tmp_path, context, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    asked = {"INPUT": image, "HEIGHT": str(tmp_path / "h.tif")}
    valid, message = reconstruct.checkParameterValues(asked, context)
    assert not valid and "is not writable" in message and str(tmp_path) in message


def test_the_image_itself_is_no_output(reconstruct, healthy_backend, image, context):
    valid, message = reconstruct.checkParameterValues({"INPUT": image, "HEIGHT": image}, context)
    assert not valid
    assert "same file" in message


def test_destinations_in_all_their_forms(reconstruct, healthy_backend, image, context):
    """The form gives a definition, a model a property, a data-defined name cannot be known before the run."""
    for destination in (
        QgsProcessingOutputLayerDefinition(TEMPORARY),
        QgsProcessingOutputLayerDefinition("/tmp/height.tif", QgsProject.instance()),
        QgsProperty.fromExpression("'/tmp/' || 'height.tif'"),
    ):
        assert reconstruct.checkParameterValues({"INPUT": image, "HEIGHT": destination}, context) == (True, "")
    skipped = QgsProcessingOutputLayerDefinition("")
    assert not reconstruct.checkParameterValues({"INPUT": image, "HEIGHT": skipped}, context)[0]


def run(context, feedback=None, **parameters):
    return processing.run("semantic3d:reconstruct", parameters, context=context, feedback=feedback)


def test_a_run_returns_what_was_asked_for_and_nothing_else(provider, fake_backend, image, tmp_path, context):
    height, report = str(tmp_path / "h.tif"), str(tmp_path / "r.html")
    feedback, percents = QgsProcessingFeedback(), []
    feedback.progressChanged.connect(percents.append)
    choices = {"BANDS": "3,2,1", "GSD": 0.3, "SCHEDULER": " tcp://head:8786 "}
    results = run(context, feedback, INPUT=image, HEIGHT=height, REPORT=report, **choices)
    assert results == {
        "HEIGHT": height,
        "REPORT": report,
        "MEAN_HEIGHT": 1.25,
        "MEGAPIXELS": 0.0024,
        "SECONDS": 0.5,
    }
    assert feedback.textLog().count("A warning.") == 1
    assert 50.0 in percents
    with open(report, encoding="utf-8") as text:
        job = json.load(text)["job"]
    assert job["image_path"] == image
    assert job["bands"] == [3, 2, 1]
    assert job["gsd_m"] == 0.3
    assert job["scheduler"] == "tcp://head:8786"
    assert job["extent"] is None
    assert job["overlap_px"] == ReconstructJob(image_path="").overlap_px
    assert job["keep_blocks"] is True


def test_blocks_beside_a_temporary_output_are_not_kept(provider, fake_backend, image, tmp_path, context):
    report = str(tmp_path / "r.html")
    run(context, INPUT=image, HEIGHT=TEMPORARY, REPORT=report)
    with open(report, encoding="utf-8") as text:
        assert json.load(text)["job"]["keep_blocks"] is False


def test_a_cluster_is_not_given_an_image_that_only_this_computer_has(reconstruct, healthy_backend, image, context):
    layer = QgsRasterLayer(image, "image")
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:25832"))
    asked = {"INPUT": layer, "HEIGHT": TEMPORARY, "SCHEDULER": "tcp://head:8786"}
    valid, message = reconstruct.checkParameterValues(asked, context)
    assert not valid and "workers of a cluster" in message
    assert reconstruct.checkParameterValues({**asked, "SCHEDULER": ""}, context)[0]


def test_blocks_are_kept_where_the_same_layer_is_the_same_image_again(
    provider, fake_backend, image, tmp_path, context
):
    assigned = QgsRasterLayer(image, "image")
    assigned.setCrs(QgsCoordinateReferenceSystem("EPSG:25832"))  # passed on by a virtual raster of the job's own
    gdal.Translate("/vsimem/exported.tif", image)
    exported = QgsRasterLayer("/vsimem/exported.tif", "no file")
    report = str(tmp_path / "r.html")
    for layer, kept in ((assigned, True), (exported, False)):
        run(context, INPUT=layer, HEIGHT=str(tmp_path / "h.tif"), REPORT=report)
        with open(report, encoding="utf-8") as text:
            assert json.load(text)["job"]["keep_blocks"] is kept
    gdal.Unlink("/vsimem/exported.tif")


def test_a_manifest_stands_for_its_folder(provider, fake_backend, image, tmp_path, context):
    model = tmp_path / "model"
    model.mkdir()
    (model / "manifest.json").write_text("{}")
    report = str(tmp_path / "r.html")
    for chosen in (str(model), str(model / "manifest.json")):
        run(context, INPUT=image, REPORT=report, MODEL=chosen)
        with open(report, encoding="utf-8") as text:
            assert json.load(text)["job"]["model_path"] == str(model)


def test_the_extent_travels_in_the_images_crs(provider, fake_backend, image, tmp_path, context):
    report = str(tmp_path / "r.html")
    # gdaltransform puts 500010 5300010 at 9.00013368 47.85343192 and 500020 5300018 at 9.00026736 47.85350390
    run(context, INPUT=image, REPORT=report, EXTENT="9.00013368,9.00026736,47.85343192,47.85350390 [EPSG:4326]")
    with open(report, encoding="utf-8") as text:
        extent = json.load(text)["job"]["extent"]
    assert extent == pytest.approx([500010, 5300010, 500020, 5300018], abs=0.05)


def test_the_backends_error_is_shown_as_it_stands(provider, fake_backend, image, tmp_path, context):
    (tmp_path / "refuse.zip").write_text("")
    with pytest.raises(QgsProcessingException, match="The model is refused. Choose another."):
        run(context, INPUT=image, HEIGHT=str(tmp_path / "h.tif"), MODEL=str(tmp_path / "refuse.zip"))
    assert not os.path.exists(tmp_path / "h.tif")


def test_cancel_raises_instead_of_returning_nothing(provider, fake_backend, image, tmp_path, context):
    (tmp_path / "slow.zip").write_text("")
    feedback = QgsProcessingFeedback()
    timer = threading.Timer(0.5, feedback.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(QgsProcessingException, match="cancelled"):
        run(context, feedback, INPUT=image, HEIGHT=str(tmp_path / "h.tif"), MODEL=str(tmp_path / "slow.zip"))
    assert time.monotonic() - started < 3
    assert not os.path.exists(tmp_path / "h.tif")


def test_it_runs_in_the_background(qgis_app, reconstruct, fake_backend, image, tmp_path):
    """Off the main thread, as the toolbox does it."""
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    outcome = []
    parameters = {"INPUT": image, "HEIGHT": str(tmp_path / "h.tif")}
    task = QgsProcessingAlgRunnerTask(reconstruct, parameters, context, feedback)
    task.executed.connect(lambda successful, results: outcome.append((successful, results)))
    QgsApplication.taskManager().addTask(task)
    deadline = time.monotonic() + 20
    while not outcome and time.monotonic() < deadline:
        qgis_app.processEvents()
        time.sleep(0.02)
    assert outcome and outcome[0][0], feedback.textLog()
    assert outcome[0][1]["HEIGHT"] == parameters["HEIGHT"]


def test_a_crs_given_in_qgis_reaches_the_backend(provider, fake_backend, tmp_path, context):
    from osgeo import gdal

    from semantic3d_plugin.algorithms.raster_source import describe_source

    path = scene.write_image(str(tmp_path / "plain.tif"), epsg=None)
    layer = QgsRasterLayer(path, "plain")
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32632"))
    source = describe_source(layer, None, 0.0, context.transformContext())
    virtual = gdal.Open(source.materialise(str(tmp_path), QgsProcessingFeedback()))
    assert "UTM zone 32N" in virtual.GetProjection()
    assert os.path.basename(virtual.GetDescription()) == "plain.vrt"  # the name that reports and tags show
    original = gdal.Open(path)
    assert (virtual.ReadAsArray() == original.ReadAsArray()).all()

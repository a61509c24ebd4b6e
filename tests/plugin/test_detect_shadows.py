"""The form of detect_shadows, in real QGIS, and how its layer loads."""

import functools
import json
import os

import processing
import pytest
from processing.gui.Postprocessing import handleAlgorithmResults
from qgis.core import (
    QgsApplication,
    QgsPalettedRasterRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterDefinition,
)

from semantic3d_plugin.backend.s3d_protocol import DetectShadowsJob

PARAMETERS = {"INPUT", "BANDS", "EXTENT", "GSD", "THRESHOLD", "MIN_AREA"}
OUTPUTS = {"SHADOW", "SHADOW_SHARE", "USED_THRESHOLD", "MEGAPIXELS", "SECONDS"}
FAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_shadows.py")


@pytest.fixture
def form(provider):
    return QgsApplication.processingRegistry().createAlgorithmById("semantic3d:detect_shadows")


@pytest.fixture
def fake_shadows(healthy_backend, monkeypatch):
    from semantic3d_plugin.algorithms import base

    monkeypatch.setattr(base, "run_job", functools.partial(base.run_job, worker_path=FAKE))


def job_in(feedback):
    line = next(line for line in feedback.textLog().splitlines() if "JOB {" in line)
    return json.loads(line.partition("JOB ")[2])


def test_names_are_promises(form):
    assert {p.name() for p in form.parameterDefinitions()} == PARAMETERS | {"SHADOW"}
    assert {o.name() for o in form.outputDefinitions()} == OUTPUTS
    assert (form.groupId(), form.group()) == ("evaluation", "Evaluation")
    assert not form.icon().isNull() and "shadow" in form.tags()


def test_defaults_are_the_jobs(form):
    job = DetectShadowsJob(image_path="")
    default = {p.name(): p.defaultValue() for p in form.parameterDefinitions()}
    assert (default["THRESHOLD"], default["MIN_AREA"]) == (job.threshold, job.min_area_m2)
    assert (default["GSD"] or 0.0) == job.gsd_m == 0.0
    advanced = QgsProcessingParameterDefinition.Flag.FlagAdvanced
    assert {p.name() for p in form.parameterDefinitions() if p.flags() & advanced} == {"GSD", "THRESHOLD", "MIN_AREA"}


def test_everything_explains_itself(form):
    text = form.shortHelpString()
    for parameter in form.parameterDefinitions():
        assert parameter.help() and parameter.help() in text
    assert all(output.description() in text for output in form.outputDefinitions())


@pytest.mark.parametrize(("changed", "word"), [
    ({"BANDS": "1,2,9"}, "9"),
    ({"BANDS": "red"}, "red"),
    ({"EXTENT": "0,1,0,1"}, "EXTENT"),
    ({"INPUT": "/nowhere.tif"}, "nowhere"),
    ({"SHADOW": "/tmp/s.img"}, ".tif"),
    ({"THRESHOLD": -1}, "THRESHOLD"),
    ({"MIN_AREA": -1}, "MIN_AREA"),
    ({"GSD": -1}, "GSD"),
    ({"GSD": 1e9}, "GSD"),
])  # fmt: skip
def test_wrong_values_are_refused_before_the_run(form, healthy_backend, image, changed, word):
    parameters = {"INPUT": image, "SHADOW": "TEMPORARY_OUTPUT", **changed}
    valid, message = form.checkParameterValues(parameters, QgsProcessingContext())
    assert not valid and word in message


def test_the_image_itself_is_no_output(form, healthy_backend, image):
    valid, message = form.checkParameterValues({"INPUT": image, "SHADOW": image}, QgsProcessingContext())
    assert not valid and "same file" in message


def test_without_backend_it_names_the_cure(form, missing_backend):
    ready, reason = form.canExecute()
    assert not ready and "semantic3d:setup_backend" in reason


def test_a_run_hands_over_the_job_and_returns_the_numbers(provider, fake_shadows, image, tmp_path):
    mask, feedback = str(tmp_path / "s.tif"), QgsProcessingFeedback()
    results = processing.run("semantic3d:detect_shadows", {
        "INPUT": image, "SHADOW": mask, "BANDS": "3,2,1", "THRESHOLD": 0.6, "MIN_AREA": 9, "GSD": 0.25,
        "EXTENT": "500000,500010,5300000,5300010 [EPSG:32632]",
    }, context=QgsProcessingContext(), feedback=feedback)  # fmt: skip
    assert results == {
        "SHADOW": mask, "SHADOW_SHARE": 0.0625, "USED_THRESHOLD": 0.75, "MEGAPIXELS": 0.0024, "SECONDS": 0.5,
    }  # fmt: skip
    assert job_in(feedback) == {
        "image_path": image, "bands": [3, 2, 1], "extent": [500000, 5300000, 500010, 5300010], "threshold": 0.6,
        "min_area_m2": 9.0, "shadow_path": mask, "gsd_m": 0.25,
    }  # fmt: skip


def test_the_layer_loads_with_the_classes_of_its_tag(qgis_app, form, fake_shadows, image, project):
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(project)
    destination = QgsProcessingOutputLayerDefinition("TEMPORARY_OUTPUT", project)
    results, successful = form.run({"INPUT": image, "SHADOW": destination}, context, feedback)
    assert successful, feedback.textLog()
    assert handleAlgorithmResults(form, context, feedback, parameters=results)
    qgis_app.processEvents()
    nodes = project.layerTreeRoot().findGroup("Semantic 3D: ortho").children()
    assert [node.name() for node in nodes] == ["Shadows"]
    renderer = nodes[0].layer().renderer()
    assert isinstance(renderer, QgsPalettedRasterRenderer)
    assert [(c.value, c.label, c.color.name()) for c in renderer.classes()] == [
        (0, "lit", "#fff3c4"), (1, "shadow", "#2b2d6e"),
    ]  # fmt: skip

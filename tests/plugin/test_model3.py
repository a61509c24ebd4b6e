"""A graphical model that feeds HEIGHT into a native algorithm: its file, as the modeler of 3.22 saved it."""

from pathlib import Path

import processing
import pytest
from osgeo import gdal
from processing.gui.Postprocessing import handleAlgorithmResults
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingOutputLayerDefinition,
)

CHAIN = str(Path(__file__).with_name("tall_objects.model3"))


@pytest.fixture
def chain(provider):
    model = QgsProcessingModelAlgorithm()
    assert model.fromFile(CHAIN)
    model.initAlgorithm()
    return model


def test_the_saved_model_still_fits_the_algorithm(chain):
    valid, issues = chain.validate()
    assert valid, issues
    assert {a.algorithmId() for a in chain.childAlgorithms().values()} == {
        "semantic3d:reconstruct",
        "native:reclassifybytable",
    }
    for child in chain.childAlgorithms().values():
        known = {p.name() for p in child.algorithm().parameterDefinitions()}
        assert set(child.parameterSources()) <= known


def test_heights_become_tall_objects(chain, fake_backend, image, tmp_path):
    tall = str(tmp_path / "tall.tif")
    names = {o.name() for o in chain.outputDefinitions()}
    assert {"reconstruct:Height", "tall:Tall"} <= names
    parameters = {"IMAGE": image, "MODEL": "", "reconstruct:Height": "TEMPORARY_OUTPUT", "tall:Tall": tall}
    processing.run(chain, parameters, context=QgsProcessingContext())
    dataset = gdal.Open(tall)
    classes = dataset.ReadAsArray()
    assert classes[10:25, 20:40].min() == 1  # the fake backend's block, 10 m high
    assert (classes == 1).sum() == 15 * 20


def test_layers_of_a_model_are_styled_and_keep_the_models_names(qgis_app, chain, fake_backend, image, project):
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(project)
    parameters = {
        "IMAGE": image,
        "MODEL": "",
        "reconstruct:Height": QgsProcessingOutputLayerDefinition("TEMPORARY_OUTPUT", project),
        "tall:Tall": QgsProcessingOutputLayerDefinition("TEMPORARY_OUTPUT", project),
    }
    chain.setProvider(QgsApplication.processingRegistry().providerById("native"))
    results, successful = chain.run(parameters, context, feedback)
    assert successful, feedback.textLog()
    assert handleAlgorithmResults(chain, context, feedback, parameters=results)
    qgis_app.processEvents()
    group = project.layerTreeRoot().findGroup("Semantic 3D: ortho")
    assert group is not None
    assert [node.name() for node in group.children()][0] == "Hillshade"
    assert len(project.mapLayers()) == 3

"""A graphical model that feeds HEIGHT into a native algorithm, run by its file."""

from __future__ import annotations

import subprocess

import numpy as np
import rasterio
from conftest import CLEAN_PATH

# Builds the chain as the modeler would, in the system's Python with QGIS's bindings.
BUILD = """
import sys
from qgis.core import *
application = QgsApplication([], False)
application.initQgis()
model = QgsProcessingModelAlgorithm("chain", "test", "chain")

def put(parameter):
    part = QgsProcessingModelParameter(parameter.name())
    model.addModelParameter(parameter, part)
put(QgsProcessingParameterRasterLayer("IMAGE", "Image"))
put(QgsProcessingParameterFile("MODEL", "Model"))

source = QgsProcessingModelChildParameterSource
first = QgsProcessingModelChildAlgorithm("semantic3d:reconstruct")
first.setChildId("reconstruct")
first.addParameterSources("INPUT", [source.fromModelParameter("IMAGE")])
first.addParameterSources("MODEL", [source.fromModelParameter("MODEL")])
first.addParameterSources("DEVICE", [source.fromStaticValue("cpu")])
model.addChildAlgorithm(first)

second = QgsProcessingModelChildAlgorithm("native:reclassifybytable")
second.setChildId("tall")
second.addParameterSources("INPUT_RASTER", [source.fromChildOutput("reconstruct", "HEIGHT")])
second.addParameterSources("RASTER_BAND", [source.fromStaticValue(1)])
second.addParameterSources("TABLE", [source.fromStaticValue([-1000, 5, 0, 5, 1000, 1])])
out = QgsProcessingModelOutput("TALL", "TALL")
out.setChildId("tall")
out.setChildOutputName("OUTPUT")
second.setModelOutputs({"TALL": out})
model.addChildAlgorithm(second)
model.updateDestinationParameters()
sys.exit(0 if model.toFile(sys.argv[1]) else 1)
"""


def test_height_feeds_a_native_algorithm(qgis, model, image, outputs, tmp_path):
    chain = tmp_path / "chain.model3"
    builder = {**qgis.variables, "PATH": CLEAN_PATH}
    subprocess.run(["/usr/bin/python3", "-c", BUILD, str(chain)], env=builder, check=True, stdin=subprocess.DEVNULL)
    tall = tmp_path / "tall.tif"
    # A model's output is named <child>:<output>.
    results = qgis.run(str(chain), IMAGE=image[0], MODEL=f"{model}/manifest.json", **{"tall:TALL": tall})
    assert str(tall) in results.values()
    with rasterio.open(tall) as made, rasterio.open(outputs[1]["HEIGHT"]) as heights:
        height_m = heights.read(1)
        clear = (height_m != -9999.0) & (np.abs(height_m - 5.0) > 0.01)
        assert (made.read(1)[clear] == (height_m > 5.0)[clear]).all()

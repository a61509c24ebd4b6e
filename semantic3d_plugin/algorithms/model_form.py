"""What forms that take a model package share: the files that MODEL offers, and how its value is read."""

import os

from ..backend.s3d_protocol import InvalidModel
from ..translation import tr


def all_files():
    """File filter that lets everything pass; QGIS's own, *.*, refuses folders and programs without a suffix."""
    return "{} (*)".format(tr("All files"))


def model_files():
    """File filter of MODEL: model packages first, everything else too."""
    return "{} (manifest.json *.zip *.onnx);;{}".format(tr("Model packages"), all_files())


def given_model(algorithm, parameters, context):
    """MODEL as jobs take it: "" for the bundled one; a manifest.json stands for its folder.

    Raises:
        InvalidModel: there is nothing at that path.
    """
    path = algorithm.parameterAsFile(parameters, "MODEL", context).strip()
    if not path:
        return ""
    path = os.path.abspath(path)  # the folder of a bare manifest.json would be "", the bundled model
    if not os.path.exists(path):
        raise InvalidModel(tr("There is no model package at {}. Leave MODEL empty for the bundled one.").format(path))
    return os.path.dirname(path) if os.path.basename(path) == "manifest.json" else path

"""Packages whose ONNX model keeps its weights in safetensors files beside it, as one of more than 2 GiB must."""

import zipfile

import numpy as np
import onnx
import package_model
import pytest
from safetensors.numpy import save

from s3d_protocol import InvalidModel
from semantic3d.inference.session import InferenceSession
from semantic3d.models.package import load_package, write_package

WEIGHTS = "weights-1.safetensors"


def external_onnx(place=WEIGHTS, offset=None, **more):
    """The fake model with its factor (8, in half precision) outside; returns both files."""
    stored = save({"other": np.ones(3, np.float32), "scale": np.array([[[[8.0]]]], np.float16)})
    model = onnx.load_from_string(package_model.fake_onnx())
    index = [tensor.name for tensor in model.graph.initializer].index("scale")
    del model.graph.initializer[index]
    tensor = model.graph.initializer.add(name="scale_half", data_type=onnx.TensorProto.FLOAT16, dims=[1, 1, 1, 1])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    at = stored.index(np.float16(8).tobytes(), 8 + int.from_bytes(stored[:8], "little"))
    for key, value in {"location": place, "offset": at if offset is None else offset, "length": 2, **more}.items():
        tensor.external_data.add(key=key, value=str(value))
    model.graph.node.insert(0, onnx.helper.make_node("Cast", ["scale_half"], ["scale"], to=onnx.TensorProto.FLOAT))
    return model.SerializeToString(), stored


def write(folder, **changes):
    model, stored = external_onnx(**changes)
    return write_package(str(folder), package_model.manifest(), {"model.onnx": model, WEIGHTS: stored})


def height_m(package):
    image = np.full((1, 3, 64, 64), 0.5, np.float32)
    return InferenceSession(package, "cpu").run(image, ("height_m",))["height_m"]


def test_a_session_takes_the_weights_from_the_folder_and_from_a_zip(tmp_path):
    package = write(tmp_path / "model")
    assert np.allclose(height_m(package), 4.0)  # 8 times the mean of the bands
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        for path in (tmp_path / "model").iterdir():
            archive.write(path, path.name)
    assert np.allclose(height_m(load_package(str(tmp_path / "model.zip"))), 4.0)


def test_a_file_to_copy_is_listed_by_its_own_hash(tmp_path):
    model, stored = external_onnx()
    (tmp_path / "stored").write_bytes(stored)
    files = {"model.onnx": model, WEIGHTS: tmp_path / "stored"}
    copied = write_package(str(tmp_path / "copied"), package_model.manifest(), files)
    assert copied.sha256 == write(tmp_path / "model").sha256


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"place": "/etc/passwd"}, "other files.*passwd"),
        ({"place": "CARD.md"}, "other files.*CARD"),
        ({"offset": 10_000}, "scale_half.*does not have"),
        ({"offset": -2}, "scale_half.*does not have"),
        ({"offset": "here"}, "damaged"),
        ({"length": 4}, "another size than its shape"),
    ],
)
def test_weights_that_are_not_there_are_refused(tmp_path, changes, words):
    with pytest.raises(InvalidModel, match=words):
        write(tmp_path / "model", **changes)


def test_weights_that_changed_are_refused(tmp_path):
    package = write(tmp_path / "model")
    data = bytearray((tmp_path / "model" / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (tmp_path / "model" / WEIGHTS).write_bytes(data)
    for refused in (lambda: load_package(package.path), lambda: InferenceSession(package, "cpu")):
        with pytest.raises(InvalidModel, match="hash"):
            refused()

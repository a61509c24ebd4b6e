"""A throw-away model whose outputs follow from its input by hand, and the package around it."""
from __future__ import annotations

import copy

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES = [
    {"id": 1, "name": "impervious or bare", "colour": "#c8c8c8"},
    {"id": 4, "name": "building", "colour": "#e6550d"},
]
MANIFEST = {
    "name": "fake", "version": "1.2.3", "title": "A fake model", "licence": "CC0-1.0",
    "description": "Height is the mean of the bands.", "bands": ["red", "green", "blue"],
    "normalisation": {"input": "unit", "mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]},
    "gsd_m": 0.5, "gsd_range_m": [0.2, 1.2], "tile_size_px": 64, "height_scale_m": 10.0, "timestep": 1,
    "condition": {"kind": "none"}, "classes": CLASSES,
    "calibration": {"predictive_std_scale": 1.0, "method": "none"},
    "training_data": [{"name": "nothing", "licence": "CC0-1.0", "attribution": ""}],
    "validation": {"rmse_m": 1.5}, "weights": {"onnx": "model.onnx", "safetensors": None},
}


def manifest(**changes) -> dict:
    """A deep copy of MANIFEST with some fields changed."""
    return {**copy.deepcopy(MANIFEST), **changes}


def fake_onnx(tile_size_px: int = 64, classes: int = 2, batch="N", height_scale: float = 10.0,
              leave_out: tuple = ()) -> bytes:
    """An ONNX model of format 1.

    height_m = height_scale * mean of the three bands; aleatoric_var_m2 = red**2; epistemic_var_m2 = green**2;
    evidence_index = blue; class_probability = softmax over (red, green, blue, red, ...)[:classes].
    """
    size, names = tile_size_px, ["height_m", "aleatoric_var_m2", "epistemic_var_m2", "evidence_index",
                                 "class_probability"]
    channels = dict.fromkeys(names, 1) | {"class_probability": classes}
    constants = {
        "scale": np.float32(height_scale), "pick": np.array([i % 3 for i in range(classes)], np.int64),
        "r": np.array([0], np.int64), "g": np.array([1], np.int64), "b": np.array([2], np.int64),
    }
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["mean", "scale"], ["height_m"]),
        helper.make_node("Gather", ["image", "r"], ["red"], axis=1),
        helper.make_node("Gather", ["image", "g"], ["green"], axis=1),
        helper.make_node("Gather", ["image", "b"], ["evidence_index"], axis=1),
        helper.make_node("Mul", ["red", "red"], ["aleatoric_var_m2"]),
        helper.make_node("Mul", ["green", "green"], ["epistemic_var_m2"]),
        helper.make_node("Gather", ["image", "pick"], ["scores"], axis=1),
        helper.make_node("Softmax", ["scores"], ["class_probability"], axis=1),
    ]
    graph = helper.make_graph(
        nodes, "fake", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, size, size])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [batch, channels[n], size, size])
         for n in names if n not in leave_out],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model.SerializeToString()


def write_fake_package(folder, tile_size_px: int = 64, height_scale: float = 10.0, **changes):
    """Write the fake model as a package folder and return the loaded package."""
    from semantic3d.models.package import write_package

    changes = {"tile_size_px": tile_size_px, **changes}
    classes = changes.get("classes", CLASSES)
    files = {"model.onnx": fake_onnx(tile_size_px, len(classes), height_scale=height_scale),
             "CARD.md": b"# A fake model\n\nFor tests.\n"}
    return write_package(str(folder), manifest(**changes), files)


def fake_deepness(model_type: str = "Regressor", channels: int = 1, tile_size_px: int = 64, **metadata) -> bytes:
    """A Deepness-style ONNX: the output is the first `channels` of (red, green, blue)."""
    import json

    size = tile_size_px
    nodes = [helper.make_node("Gather", ["input", "pick"], ["output"], axis=1)]
    graph = helper.make_graph(
        nodes, "deepness", [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, size, size])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, channels, size, size])],
        [numpy_helper.from_array(np.arange(channels, dtype=np.int64), "pick")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    values = {"model_type": model_type, "resolution": 20, "tile_size": size, **metadata}
    helper.set_model_props(model, {k: json.dumps(v) for k, v in values.items() if v is not None})
    onnx.checker.check_model(model)
    return model.SerializeToString()

"""Tiny model packages whose results can be worked out by hand.

With u the image in [0, 1] (red, green, blue): height = 10 x mean(u) metres, aleatoric variance 0.09 m2, epistemic
0.16 m2, evidence index 0.25, probability of class 4 = red, of class 3 = 1 - red.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from semantic3d.models.package import write_package

MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.2, 0.3)
TILE_PX = 64
CLASSES = [
    {"id": 3, "name": "tree", "colour": "#228833"},
    {"id": 4, "name": "building", "colour": "#cc3311"},
]


def write_fake_package(folder, tile_px: int = TILE_PX, blur_px: int = 1, height_offset_m: float = 0.0, **fields):
    """Write a package folder; `blur_px` (odd) makes the height a box mean with zeros beyond the tile's edge."""
    manifest = {
        "name": "fake",
        "version": "1",
        "title": "Fake",
        "licence": "CC0-1.0",
        "description": "For tests.",
        "bands": ["red", "green", "blue"],
        "normalisation": {"input": "unit", "mean": list(MEAN), "std": list(STD)},
        "gsd_m": 0.5,
        "gsd_range_m": [0.2, 1.2],
        "tile_size_px": tile_px,
        "height_scale_m": 10.0,
        "timestep": 1,
        "condition": {},
        "classes": CLASSES,
        "calibration": {"predictive_std_scale": 1.0, "method": "none"},
        "training_data": [],
        "validation": {},
        "weights": {"onnx": "model.onnx", "safetensors": None},
        **fields,
    }
    files = {"model.onnx": fake_onnx(tile_px, blur_px, height_offset_m), "CARD.md": b"# Fake\n"}
    write_package(str(folder), manifest, files)
    return str(folder)


def fake_onnx(tile_px: int, blur_px: int = 1, height_offset_m: float = 0.0) -> bytes:
    """Build the ONNX file."""
    constants = {
        "mean": np.array(MEAN, np.float32).reshape(1, 3, 1, 1),
        "std": np.array(STD, np.float32).reshape(1, 3, 1, 1),
        "kernel": np.full((1, 3, blur_px, blur_px), 10.0 / 3 / blur_px**2, np.float32),
        "offset": np.array([height_offset_m], np.float32),
        "zero": np.array(0.0, np.float32),
        "one": np.array(1.0, np.float32),
        "aleatoric": np.array(0.09, np.float32),
        "epistemic": np.array(0.16, np.float32),
        "evidence": np.array(0.25, np.float32),
        "starts": np.array([0], np.int64),
        "ends": np.array([1], np.int64),
        "axes": np.array([1], np.int64),
    }
    pad = blur_px // 2
    nodes = [
        helper.make_node("Mul", ["image", "std"], ["scaled"]),
        helper.make_node("Add", ["scaled", "mean"], ["unit"]),
        helper.make_node("Conv", ["unit", "kernel", "offset"], ["height_m"], pads=[pad] * 4),
        helper.make_node("Slice", ["unit", "starts", "ends", "axes"], ["red"]),
        helper.make_node("Mul", ["red", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "aleatoric"], ["aleatoric_var_m2"]),
        helper.make_node("Add", ["nothing", "epistemic"], ["epistemic_var_m2"]),
        helper.make_node("Add", ["nothing", "evidence"], ["evidence_index"]),
        helper.make_node("Sub", ["one", "red"], ["not_red"]),
        helper.make_node("Concat", ["not_red", "red"], ["class_probability"], axis=1),
    ]
    outputs = ("height_m", "aleatoric_var_m2", "epistemic_var_m2", "evidence_index")
    graph = helper.make_graph(
        nodes,
        "fake",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, tile_px, tile_px])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 1, tile_px, tile_px]) for name in outputs]
        + [helper.make_tensor_value_info("class_probability", TensorProto.FLOAT, ["N", 2, tile_px, tile_px])],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()

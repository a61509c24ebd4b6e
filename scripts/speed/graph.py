"""The same function in fewer cycles: what onnxruntime computes slowly on a CPU, written with what it computes fast.

Rewrites keep every value up to rounding: a softmax over few channels becomes elementwise steps, a transposed
convolution of kernel 4 and stride 2 a plain one of kernel 3 whose channels are laid out as pixels, a square a
product.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

SOFTMAX, TRANSPOSED, SQUARE = "softmax", "transposed", "square"
REWRITES = (SOFTMAX, TRANSPOSED, SQUARE)


def folded(data: bytes) -> onnx.ModelProto:
    """Let onnxruntime fold the constants (weights stored as float16 become float32)."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "folded.onnx")
        onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        model = onnx.load(options.optimized_model_filepath)
    used = {node.domain for node in model.graph.node}
    kept = [entry for entry in model.opset_import if entry.domain in used | {""}]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    return model


def rewritten(model: onnx.ModelProto, rewrites: tuple = REWRITES) -> onnx.ModelProto:
    """Return a model that computes the same.

    Args:
        model: with constants folded; opset 18.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    constants = {item.name: numpy_helper.to_array(item) for item in result.graph.initializer}
    work = _Rewriting(constants, set(rewrites))
    nodes = [made for node in result.graph.node for made in work.instead_of(node)]
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    result.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in work.added.items())
    used = {name for node in nodes for name in node.input}
    kept = [item for item in result.graph.initializer if item.name in used]
    del result.graph.initializer[:]
    result.graph.initializer.extend(kept)
    onnx.checker.check_model(result)
    return result


class _Rewriting:
    """Node by node, in order.

    Attributes:
        added: constants that the new nodes need, by name.
    """

    def __init__(self, constants: dict, rewrites: set):
        self._constants, self._rewrites = constants, rewrites
        self.added: dict[str, np.ndarray] = {}

    def instead_of(self, node) -> list:
        """Return the nodes that take this one's place; itself where nothing is to be done."""
        attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        if SOFTMAX in self._rewrites and node.op_type == "Softmax" and attributes.get("axis") == 1:
            return self._softmax(node)
        if TRANSPOSED in self._rewrites and node.op_type == "ConvTranspose" and self._doubles(node, attributes):
            return self._transposed(node)
        if SQUARE in self._rewrites and node.op_type == "Pow" and self._is_two(node.input[1]):
            return [helper.make_node("Mul", [node.input[0]] * 2, list(node.output), f"{node.name}_square")]
        return [node]

    def _add(self, name: str, value: np.ndarray) -> str:
        self.added[name] = value
        return name

    def _softmax(self, node) -> list:
        name, (source,), (target,) = node.name, node.input, node.output
        axis = self._add(f"{name}_axis", np.array([1], np.int64))
        return [
            helper.make_node("ReduceMax", [source, axis], [f"{name}_max"], f"{name}_max", keepdims=1),
            helper.make_node("Sub", [source, f"{name}_max"], [f"{name}_sub"], f"{name}_sub"),
            helper.make_node("Exp", [f"{name}_sub"], [f"{name}_exp"], f"{name}_exp"),
            helper.make_node("ReduceSum", [f"{name}_exp", axis], [f"{name}_sum"], f"{name}_sum", keepdims=1),
            helper.make_node("Div", [f"{name}_exp", f"{name}_sum"], [target], f"{name}_div"),
        ]

    @staticmethod
    def _doubles(node, attributes: dict) -> bool:
        wanted = {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [1, 1, 1, 1]}
        plain = not any(attributes.get("output_padding", [])) and attributes.get("group", 1) == 1
        return plain and all(list(attributes.get(key, [])) == value for key, value in wanted.items())

    def _transposed(self, node) -> list:
        name, weights = node.name, self._constants[node.input[1]]
        inputs = [node.input[0], self._add(f"{name}_weight", subpixel_weights(weights))]
        if len(node.input) > 2:
            inputs.append(self._add(f"{name}_bias", np.tile(self._constants[node.input[2]], 4)))
        return [
            helper.make_node("Conv", inputs, [f"{name}_deep"], f"{name}_deep", kernel_shape=[3, 3], pads=[1] * 4),
            helper.make_node(
                "DepthToSpace", [f"{name}_deep"], list(node.output), f"{name}_pixels", blocksize=2, mode="DCR"
            ),
        ]

    def _is_two(self, name: str) -> bool:
        value = self._constants.get(name)
        return value is not None and value.size == 1 and float(value.reshape(-1)[0]) == 2.0


def subpixel_weights(weights: np.ndarray) -> np.ndarray:
    """Turn the weights of a transposed convolution (kernel 4, stride 2, pad 1) into those of a plain one of kernel 3.

    Output row 2m of the transposed one meets input rows m - 1 (tap 3) and m (tap 1), row 2m + 1 rows m (tap 2) and
    m + 1 (tap 0); columns alike.

    Args:
        weights: [C, D, 4, 4].

    Returns:
        [4 D, C, 3, 3]; channel (2 a + b) D + d is pixel (a, b) of every block of two by two.
    """
    sources, targets = weights.shape[:2]
    taps = {0: {0: 3, 1: 1}, 1: {1: 2, 2: 0}}
    result = np.zeros((2, 2, targets, sources, 3, 3), weights.dtype)
    for a, rows in taps.items():
        for b, columns in taps.items():
            for row, row_tap in rows.items():
                for column, column_tap in columns.items():
                    result[a, b, :, :, row, column] = weights[:, :, row_tap, column_tap].T
    return result.reshape(4 * targets, sources, 3, 3)

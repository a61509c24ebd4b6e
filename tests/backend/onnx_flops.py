"""Floating-point operations of an ONNX file, counted from its shapes alone."""

import math

import onnx
from onnx import shape_inference


def count_flops(path):
    """Two for each multiplication with an addition, in convolutions and matrix products, at batch 1."""
    model = onnx.load(str(path))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    del model.graph.value_info[:]
    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {item.name: tuple(item.dims) for item in graph.initializer}
    for value in (*graph.value_info, *graph.input, *graph.output):
        shapes[value.name] = tuple(size.dim_value for size in value.type.tensor_type.shape.dim)
    total = 0
    for node in graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):
            pixels = shapes[node.output[0] if node.op_type == "Conv" else node.input[0]][2:]
            total += 2 * math.prod(shapes[node.input[1]]) * math.prod(pixels)
        elif node.op_type in ("MatMul", "Gemm"):
            total += 2 * math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    assert total and all(math.prod(shape) for shape in shapes.values()), "a shape is unknown"
    return total

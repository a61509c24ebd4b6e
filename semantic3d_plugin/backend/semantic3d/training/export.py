"""Export of an adapted model to ONNX with half-precision storage, and its parity check."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from ..models.adapted import OUTPUT_NAMES, PhysicalOutputs
from .export_forms import exported_forms, without_idle_gains
from .onnx_weights import SCALE_KEY, TABLE_KEY, parameter_table

MIN_STORED_HALF = 256  # tensors below this many values stay in fp32: they weigh nothing


def round_to_half(module: nn.Module) -> nn.Module:
    """Round every large weight to fp16 values (kept in fp32), so that storing them in fp16 is exact."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.numel() >= MIN_STORED_HALF:
                parameter.copy_(parameter.half().float())
    return module


def export_onnx(model: PhysicalOutputs, tile_px: int, path: Path) -> None:
    """Write `model` as ONNX: input `image` [N, 3, T, T], T fixed, N free; weights stored as fp16.

    GroupNorm and the pooling pyramid make outputs depend on the window's size, so it is fixed. The file says
    where each parameter went (`onnx_weights`), so that training can go on from it.
    """
    program = exported_program(model, tile_px)
    table = parameter_table(model, program.model_proto.graph)
    exported = store_half(program.model_proto)
    scale = model.model.base.vae.config.scaling_factor
    helper.set_model_props(exported, {TABLE_KEY: json.dumps(table), SCALE_KEY: repr(scale)})
    onnx.save(exported, str(path))


def exported_program(model: PhysicalOutputs, tile_px: int) -> torch.onnx.ONNXProgram:
    """The model in ONNX's terms, weights in fp32 but rounded to half precision, in place."""
    model = round_to_half(model).eval().to(memory_format=torch.contiguous_format)
    example = torch.rand(2, 3, tile_px, tile_px) * 2 - 1
    batch = torch.export.Dim("batch", min=1, max=64)
    with exported_forms(model, model.model.base):
        program = torch.onnx.export(
            model,
            (example,),
            dynamo=True,
            input_names=["image"],
            output_names=list(OUTPUT_NAMES),
            dynamic_shapes={"image": {0: batch}},
            opset_version=18,
            verbose=False,
        )
    program.optimize()
    without_idle_gains(program.model.graph)
    return program


def store_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large fp32 initialisers as fp16 behind a Cast, which the runtime folds when it loads."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < MIN_STORED_HALF:
            continue
        half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            continue  # a constant of the graph that is no rounded weight
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, name + "_half"))
        casts.append(helper.make_node("Cast", [name + "_half"], [name], to=TensorProto.FLOAT))
    for position, node in enumerate(casts):
        graph.node.insert(position, node)
    del model.metadata_props[:]
    for node in graph.node:  # exporter's notes on source files: not for shipping
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*graph.value_info, *graph.input, *graph.output):
        del value.metadata_props[:]
    onnx.checker.check_model(model)
    return model


def parity(model: PhysicalOutputs, path: Path, image: torch.Tensor) -> dict[str, float]:
    """Largest absolute difference of ONNX and torch per output, on `image` [N, 3, T, T]."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(list(OUTPUT_NAMES), {"image": image.numpy()})
    with torch.no_grad():
        expected = model(image)
    return {
        name: float(np.abs(a - b.numpy()).max()) for name, a, b in zip(OUTPUT_NAMES, found, expected)
    }

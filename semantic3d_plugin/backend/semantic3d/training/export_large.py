"""Export of a model whose weights do not fit into one ONNX file (protobuf ends at 2 GiB): they lie beside it.

The ONNX file holds the graph; the weights lie in safetensors files of at most a gibibyte or so, as half precision, and
the graph says where. A session is given them as arrays (`ModelPackage.read_external`).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnx_ir
from safetensors.numpy import save_file
from torch import nn

from ..models.adapted import PhysicalOutputs
from .export import MIN_STORED_HALF, exported_program

MOST_INLINE_BYTES = 1 << 30  # of weights in half precision: well below 2 GiB, with room for whoever copies them
SHARD_BYTES = 1 << 30


def is_large(model: nn.Module) -> bool:
    """Whether the weights go into files of their own."""
    return sum(parameter.numel() for parameter in model.parameters()) * 2 > MOST_INLINE_BYTES


def export_large(model: PhysicalOutputs, tile_px: int, path: Path, shard_bytes: int | None = None) -> list[Path]:
    """Write `model` as ONNX as `export_onnx` does, its weights beside it; training cannot go on from the file.

    Args:
        path: of the ONNX file; the weights are written to its folder.
        shard_bytes: a file of weights is closed when it holds so many.

    Returns:
        The files of weights.
    """
    program = exported_program(model, tile_px)
    graph = program.model.graph
    files, pending = [], {}
    for name, value in list(graph.initializers.items()):
        half = _as_half(value.const_value)
        if half is None:
            continue
        pending[name] = half
        if sum(array.nbytes for array in pending.values()) >= (shard_bytes or SHARD_BYTES):
            files.append(_write_shard(graph, pending, path.parent, len(files)))
            pending = {}
    if pending:
        files.append(_write_shard(graph, pending, path.parent, len(files)))
    _drop_notes(program.model)
    onnx.save(onnx_ir.to_proto(program.model), str(path))
    onnx.checker.check_model(str(path))
    return files


def _as_half(tensor) -> np.ndarray | None:
    """A large fp32 weight in half precision; None for what stays in the graph."""
    if tensor.dtype != onnx_ir.DataType.FLOAT or tensor.size < MIN_STORED_HALF:
        return None
    values = tensor.numpy()
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    # What is no rounded weight is a constant of the graph, and small.
    return np.ascontiguousarray(half) if np.array_equal(half.astype(np.float32), values) else None


def _write_shard(graph, arrays: dict[str, np.ndarray], folder: Path, number: int) -> Path:
    """Write some weights to a file, and let the graph read them there, behind a Cast to fp32."""
    path = folder / f"weights-{number + 1:02d}.safetensors"
    save_file({name + "_half": array for name, array in arrays.items()}, str(path))
    offsets = _offsets(path)
    first = graph[0]
    for name, array in arrays.items():
        old = graph.initializers.pop(name)
        shape = onnx_ir.Shape(array.shape)
        tensor = onnx_ir.ExternalTensor(
            path.name, offsets[name + "_half"], array.nbytes, onnx_ir.DataType.FLOAT16, shape=shape,
            name=name + "_half", base_dir=folder,
        )
        half = onnx_ir.Value(
            name=name + "_half", shape=shape, type=onnx_ir.TensorType(onnx_ir.DataType.FLOAT16), const_value=tensor
        )
        graph.register_initializer(half)
        wide = onnx_ir.Value(name=name, shape=shape, type=onnx_ir.TensorType(onnx_ir.DataType.FLOAT))
        cast = onnx_ir.node("Cast", [half], {"to": int(onnx_ir.DataType.FLOAT)}, outputs=[wide])
        graph.insert_before(first, cast)
        onnx_ir.convenience.replace_all_uses_with(old, wide)
    return path


def _offsets(path: Path) -> dict[str, int]:
    """Where each tensor of a safetensors file begins, in bytes from the file's start."""
    with open(path, "rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(size))
    return {name: 8 + size + entry["data_offsets"][0] for name, entry in header.items() if name != "__metadata__"}


def _drop_notes(model) -> None:
    """The exporter's notes on source files are not for shipping."""
    model.metadata_props.clear()
    for node in model.graph.all_nodes():
        node.doc_string = None
        node.metadata_props.clear()
        for value in node.outputs:
            value.metadata_props.clear()
    for value in (*model.graph.inputs, *model.graph.initializers.values()):
        value.metadata_props.clear()

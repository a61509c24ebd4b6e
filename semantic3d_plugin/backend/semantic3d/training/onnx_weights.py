"""Training weights inside an exported ONNX file, so that a model package can be trained further.

The exporter renames, transposes and shares some weights. A table in the file's metadata says where each
parameter of the merged torch model went.
"""

from __future__ import annotations

import json

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

TABLE_KEY = "semantic3d_parameters"
SCALE_KEY = "semantic3d_latent_scale"


def parameter_table(module: nn.Module, graph: onnx.GraphProto) -> dict[str, list]:
    """Find each parameter's values among the graph's initialisers.

    Returns:
        parameter -> [initialiser, whether it is transposed]. Parameters that the graph does not need are left out.
    """
    by_content: dict[tuple, str] = {}
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            by_content.setdefault(_content(values), tensor.name)
    table: dict[str, list] = {}
    for name, parameter in module.named_parameters():
        values = parameter.detach().numpy()
        if _content(values) in by_content:
            table[name] = [by_content[_content(values)], False]
        elif values.ndim == 2 and _content(values.T) in by_content:
            table[name] = [by_content[_content(values.T)], True]
    return table


def _content(values: np.ndarray) -> tuple:
    """Equal for arrays of equal values, whatever singleton dimensions they carry."""
    return tuple(size for size in values.shape if size != 1), np.ascontiguousarray(values).tobytes()


def read_weights(data: bytes) -> tuple[dict[str, Tensor], float]:
    """Parameters of the merged model that an exported file holds, and its latents' scale.

    Raises:
        ValueError: the file was not exported with a table of parameters.
    """
    model = onnx.load_from_string(data)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    if TABLE_KEY not in metadata or SCALE_KEY not in metadata:
        raise ValueError("the ONNX file has no table of parameters: it was not exported by this project")
    stored = {tensor.name.removesuffix("_half"): tensor for tensor in model.graph.initializer}
    weights = {}
    for name, (initialiser, is_transposed) in json.loads(metadata[TABLE_KEY]).items():
        values = numpy_helper.to_array(stored[initialiser]).astype(np.float32)
        weights[name] = torch.from_numpy(np.array(values.T if is_transposed else values))
    return weights, float(metadata[SCALE_KEY])


def restore(module: nn.Module, data: bytes) -> float:
    """Copy an exported file's weights into a merged model of the same shape; returns its latents' scale.

    Parameters that the exported graph did not need keep their values.

    Raises:
        ValueError: the file has no table of parameters, or holds another shape of model.
    """
    weights, scale = read_weights(data)
    parameters = dict(module.named_parameters())
    wrong = [
        name
        for name, values in weights.items()
        if name not in parameters or parameters[name].numel() != values.numel()
    ]
    if wrong:
        raise ValueError(f"the exported model has another shape: {len(wrong)} parameters differ, such as {wrong[0]}")
    with torch.no_grad():
        for name, values in weights.items():
            parameters[name].copy_(values.reshape(parameters[name].shape))
    return scale

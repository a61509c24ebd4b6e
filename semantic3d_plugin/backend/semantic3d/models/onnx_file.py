"""What an ONNX file says about itself, read without onnx or onnxruntime.

The light environment has no `onnx` package, and a model must be judged before a session is made of it.
The few fields needed are read from the protobuf wire format; weights are stepped over, never decoded.
Field numbers: onnx/onnx.proto (ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto).
"""
from __future__ import annotations

import math
from dataclasses import dataclass

from s3d_protocol.errors import InvalidModel

_FLOAT = 1  # TensorProto.DataType.FLOAT
_ITEM_BYTES = {1: ("float32", 4), 10: ("float16", 2)}  # element types that weights in other files may have
_EXTERNAL = 1  # TensorProto.DataLocation.EXTERNAL
_DEEPEST_SUBGRAPH = 16
_ORT_FORMAT = b"ORTM"  # onnxruntime would take such bytes for its own format, past all that is checked here


@dataclass(frozen=True)
class TensorSpec:
    """Name, element type and shape of an input or output; an open dimension is its name or None."""

    name: str
    is_float32: bool
    shape: tuple


@dataclass(frozen=True)
class ExternalTensor:
    """An initialiser of the graph whose values lie in another file, `bytes` long from `offset` on."""

    name: str
    file: str
    offset: int
    bytes: int
    dtype: str
    shape: tuple


@dataclass(frozen=True)
class OnnxHeader:
    """Inputs, outputs and metadata of an ONNX file, and whether its weights lie in other files.

    `external` are the graph's own initialisers there; `has_hidden_external_data` tells of any elsewhere (in nodes,
    subgraphs, functions, sparse tensors).
    """

    inputs: tuple
    outputs: tuple
    metadata: dict
    external: tuple = ()
    has_hidden_external_data: bool = False

    @property
    def has_external_data(self) -> bool:
        """Whether any weights lie in other files."""
        return bool(self.external) or self.has_hidden_external_data


def read_onnx_header(data: bytes, name: str) -> OnnxHeader:
    """Read the header of an ONNX model held in memory.

    Args:
        data: the whole file.
        name: what to call it in an error.

    Raises:
        InvalidModel: the bytes are no ONNX model.
    """
    try:
        if data[4:8] == _ORT_FORMAT:
            raise ValueError("it is in the runtime's own format")
        return _read_model(memoryview(data))
    except (ValueError, IndexError) as error:
        raise InvalidModel(f'"{name}" is not an ONNX model, or it is cut off or damaged ({error}).') from error


def _read_model(data: memoryview) -> OnnxHeader:
    graphs, metadata, functions, has_version = [], {}, [], False
    for number, value in _fields(data):
        if number == 1 and isinstance(value, int):
            has_version = True
        elif number == 7:
            graphs.append(_bytes(value))
        elif number == 14:
            key, text = _string_pair(_bytes(value))
            metadata[key] = text
        elif number == 25:
            functions.append(_bytes(value))
    if len(graphs) != 1 or not has_version:
        raise ValueError("it holds no graph")
    graph = graphs[0]
    initialised, inputs, outputs, external = set(), [], [], []
    for number, value in _fields(graph):
        if number == 5:
            initialised.add(_tensor_name(_bytes(value)))
            if _tensor_is_external(_bytes(value)):
                external.append(_external_tensor(_bytes(value)))
        elif number == 11:
            inputs.append(_value_info(_bytes(value)))
        elif number == 12:
            outputs.append(_value_info(_bytes(value)))
    hidden = _graph_is_external(graph, 0, own=False) or any(_function_is_external(f) for f in functions)
    true_inputs = tuple(spec for spec in inputs if spec.name not in initialised)
    return OnnxHeader(true_inputs, tuple(outputs), metadata, tuple(external), hidden)


def _fields(data: memoryview):
    """Yield (field number, value) of one protobuf message; a value is an int or a memoryview."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise ValueError("field number 0")
        if wire == 0:
            value, at = _varint(data, at)
        elif wire == 2:
            size, at = _varint(data, at)
            value, at = data[at:at + size], at + size
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"wire type {wire}")
        if at > end:
            raise ValueError("it ends inside a field")
        yield number, value


def _varint(data: memoryview, at: int):
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number longer than 64 bits")


def _bytes(value) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message is due")
    return value


def _text(value) -> str:
    return bytes(_bytes(value)).decode("utf-8")  # UnicodeDecodeError is a ValueError


def _string_pair(data: memoryview):
    pair = {1: "", 2: ""}
    for number, value in _fields(data):
        if number in pair:
            pair[number] = _text(value)
    return pair[1], pair[2]


def _value_info(data: memoryview) -> TensorSpec:
    name, is_float32, shape = "", False, ()
    for number, value in _fields(data):
        if number == 1:
            name = _text(value)
        elif number == 2:
            for kind, tensor in _fields(_bytes(value)):
                if kind == 1:
                    is_float32, shape = _tensor_type(_bytes(tensor))
    return TensorSpec(name, is_float32, shape)


def _tensor_type(data: memoryview):
    is_float32, shape = False, []
    for number, value in _fields(data):
        if number == 1:
            is_float32 = value == _FLOAT
        elif number == 2:
            for kind, dimension in _fields(_bytes(value)):
                if kind == 1:
                    shape.append(_dimension(_bytes(dimension)))
    return is_float32, tuple(shape)


def _dimension(data: memoryview):
    for number, value in _fields(data):
        if number == 1 and isinstance(value, int):
            return value
        if number == 2:
            return _text(value)
    return None


def _tensor_name(data: memoryview) -> str:
    for number, value in _fields(data):
        if number == 8:
            return _text(value)
    return ""


def _external_tensor(data: memoryview) -> ExternalTensor:
    """A tensor of TensorProto.external_data; ValueError where it does not say all that is needed."""
    shape, kind, entries = [], 0, {}
    for number, value in _fields(data):
        if number == 1:
            shape += [value] if isinstance(value, int) else _packed(value)
        elif number == 2:
            kind = value
        elif number == 13:
            key, text = _string_pair(_bytes(value))
            entries[key] = text
    name = _tensor_name(data)
    if kind not in _ITEM_BYTES:
        raise ValueError(f"{name[:60]} lies in another file and is neither float32 nor float16")
    dtype, item_bytes = _ITEM_BYTES[kind]
    length = math.prod(shape) * item_bytes
    if int(entries.get("length", length)) != length:
        raise ValueError(f"{name[:60]} has another size than its shape")
    return ExternalTensor(name, entries.get("location", ""), int(entries.get("offset", 0)), length, dtype, tuple(shape))


def _packed(data: memoryview) -> list:
    numbers, at = [], 0
    while at < len(data):
        number, at = _varint(data, at)
        numbers.append(number)
    return numbers


def _tensor_is_external(data: memoryview) -> bool:
    return any(number == 13 or (number == 14 and value == _EXTERNAL) for number, value in _fields(data))


def _sparse_is_external(data: memoryview) -> bool:
    return any(number in (1, 2) and _tensor_is_external(_bytes(value)) for number, value in _fields(data))


def _graph_is_external(data: memoryview, depth: int, own: bool = True) -> bool:
    """Whether weights of a graph lie in other files; its own initialisers count where `own` says so."""
    if depth > _DEEPEST_SUBGRAPH:
        raise ValueError("subgraphs nested too deep")
    for number, value in _fields(data):
        if number == 1 and _node_is_external(_bytes(value), depth):
            return True
        if own and number == 5 and _tensor_is_external(_bytes(value)):
            return True
        if number == 15 and _sparse_is_external(_bytes(value)):
            return True
    return False


def _function_is_external(data: memoryview) -> bool:
    """Whether weights of a function lie in other files: of its nodes (7), or as the default of an attribute (11)."""
    parts = {7: _node_is_external, 11: _attribute_is_external}
    return any(number in parts and parts[number](_bytes(value), 0) for number, value in _fields(data))


def _node_is_external(data: memoryview, depth: int) -> bool:
    return any(number == 5 and _attribute_is_external(_bytes(value), depth) for number, value in _fields(data))


def _attribute_is_external(data: memoryview, depth: int) -> bool:
    for kind, value in _fields(data):
        if kind in (5, 10) and not isinstance(value, int) and _tensor_is_external(value):
            return True
        if kind in (6, 11) and not isinstance(value, int) and _graph_is_external(value, depth + 1):
            return True
        if kind in (22, 23) and not isinstance(value, int) and _sparse_is_external(value):
            return True
    return False

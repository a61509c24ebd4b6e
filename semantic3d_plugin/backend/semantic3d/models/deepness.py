"""Deepness-style models: one ONNX file whose metadata describes it.

Keys and meaning as the Deepness plugin for QGIS documents and reads them (values are JSON): model_type,
class_names (also names), resolution [cm per pixel], tile_size (documented as tiles_size), tiles_overlap [percent],
reg_output_scaling, standardization_mean, standardization_std. A Regressor gives height alone, a Segmentor land
cover alone; detectors and the like are refused. Class n of the file becomes land-cover id n + 1, since 0 is NoData.
"""
from __future__ import annotations

import ast
import colorsys
import hashlib
import math
import os

from s3d_protocol.errors import InvalidModel
from s3d_protocol.messages import strict_json

from .onnx_file import OnnxHeader, read_onnx_header

_GOLDEN_RATIO = 0.61803398875
_MISSING = object()
_LONGEST_VALUE = 20_000  # characters; beyond, a text is given to no parser


def describe_deepness(data: bytes, path: str) -> dict:
    """Turn a Deepness ONNX into the values of a ModelPackage (keywords of its constructor).

    Raises:
        InvalidModel: no ONNX, external weights, a missing or malformed key, or shapes that do not fit.
    """
    name = os.path.basename(path)
    header = read_onnx_header(data, name)
    if header.has_external_data:
        raise InvalidModel(f'"{name}" keeps its weights in other files; save it as one ONNX file.')
    if len(header.inputs) != 1 or len(header.outputs) != 1:
        raise InvalidModel(
            f'"{name}" has {len(header.inputs)} inputs and {len(header.outputs)} outputs; a Deepness model that can '
            "be used here has one of each."
        )
    model_type = _model_type(header, name)
    gsd_m = _positive(header, "resolution", name, "centimetres per pixel") / 100.0
    tile_size_px = _tile_size(header, name)
    channels = _output_channels(header, tile_size_px, name)
    is_regressor = model_type == "Regressor"
    if is_regressor and channels != 1:
        raise InvalidModel(f'"{name}" is a Regressor with {channels} output channels; heights need exactly 1.')
    classes = () if is_regressor else _classes(header, max(channels, 2), name)
    mean, std = _standardisation(header, name)
    scale = _number(header, "reg_output_scaling", name, 1.0)
    stem = os.path.splitext(name)[0]
    return {
        "kind": "deepness", "name": stem, "version": "", "title": stem, "licence": "not stated",
        "description": f"Deepness {model_type}", "normalisation_mean": mean, "normalisation_std": std,
        "gsd_m": gsd_m, "gsd_range_m": (gsd_m / 2.0, gsd_m * 2.0), "tile_size_px": tile_size_px,
        "height_scale_m": scale, "timestep": 0, "condition": {}, "class_values": classes,
        "calibration": {"predictive_std_scale": 1.0, "method": "none"}, "training_data": (), "validation": {},
        "input_name": header.inputs[0].name,
        "output_names": {"height_m" if is_regressor else "class_probability": header.outputs[0].name},
        "onnx_name": name, "safetensors_name": None, "card": "",
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _value(header: OnnxHeader, key: str, name: str, default=_MISSING):
    text = header.metadata.get(key)
    if text is None:
        if default is _MISSING:
            raise InvalidModel(f'"{name}" has no metadata key "{key}". Add it as Deepness documents it.')
        return default
    if len(text) > _LONGEST_VALUE:
        raise InvalidModel(f'"{name}": metadata "{key}" has {len(text)} characters; at most {_LONGEST_VALUE} are read.')
    try:
        return strict_json(text)
    except (ValueError, RecursionError):
        try:
            return ast.literal_eval(text)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return text


def _shown(header: OnnxHeader, key: str) -> str:
    """A value as it stands in the file, as ASCII on one line."""
    return ascii(header.metadata.get(key, "")[:60])


def _model_type(header: OnnxHeader, name: str) -> str:
    model_type = _value(header, "model_type", name)
    model_type = model_type.capitalize() if isinstance(model_type, str) else ""
    if model_type not in ("Regressor", "Segmentor"):
        raise InvalidModel(f'"{name}" is a Deepness {_shown(header, "model_type")}; only Regressor and Segmentor can be used.')
    return model_type


def _number(header: OnnxHeader, key: str, name: str, default=_MISSING) -> float:
    value = _value(header, key, name, default)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidModel(f'"{name}": metadata "{key}" is {_shown(header, key)}, which is no number.') from error
    if not math.isfinite(number):
        raise InvalidModel(f'"{name}": metadata "{key}" is not finite.')
    return number


def _positive(header: OnnxHeader, key: str, name: str, unit: str) -> float:
    number = _number(header, key, name)
    if not 0.1 <= number <= 100_000:
        raise InvalidModel(f'"{name}": metadata "{key}" is {number:g}, not a sensible value in {unit}.')
    return number


def _tile_size(header: OnnxHeader, name: str) -> int:
    shape = header.inputs[0].shape
    if len(shape) != 4 or not header.inputs[0].is_float32:
        raise InvalidModel(f'"{name}" takes {shape}; expected float32 [N, 3, T, T].')
    if isinstance(shape[1], int) and shape[1] != 3:
        raise InvalidModel(f'"{name}" takes {shape[1]} bands; only red, green, blue can be given.')
    key = "tile_size" if "tile_size" in header.metadata else "tiles_size"
    stated = None
    if key in header.metadata:
        stated = _number(header, key, name)
    sizes = {size for size in (shape[2], shape[3], stated) if isinstance(size, (int, float))}
    if len(sizes) != 1:
        said = "nothing" if stated is None else f"{stated:g}"
        raise InvalidModel(f'"{name}" takes tiles of {shape[2]} x {shape[3]} and its metadata says {said}: '
                           "the tile size must be one number.")
    size = sizes.pop()
    if size != int(size) or not 32 <= size <= 8192:
        raise InvalidModel(f'"{name}" has the tile size {size:g}; expected 32 to 8192 pixels.')
    return int(size)


def _output_channels(header: OnnxHeader, tile_size_px: int, name: str) -> int:
    shape = header.outputs[0].shape
    if len(shape) != 4:
        raise InvalidModel(f'"{name}" gives {shape}; expected [N, channels, T, T].')
    for size in shape[2:]:
        if isinstance(size, int) and size != tile_size_px:
            raise InvalidModel(f'"{name}" gives maps of {size} pixels for tiles of {tile_size_px}.')
    if isinstance(shape[1], int) and 1 <= shape[1] <= 255:
        return shape[1]
    names = _class_names(header, name)
    if not names:
        raise InvalidModel(f'"{name}" does not say how many channels it gives.')
    return len(names)


def _class_names(header: OnnxHeader, name: str):
    key = "class_names" if "class_names" in header.metadata else "names"
    value = _value(header, key, name, None)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0]
    if value is None:
        return None
    try:
        pairs = sorted((int(number), _printable(str(text))) for number, text in value.items())
    except (AttributeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidModel(f'"{name}": metadata "{key}" does not map class numbers to names.') from error
    if [number for number, _ in pairs] != list(range(len(pairs))):
        raise InvalidModel(f'"{name}": metadata "{key}" leaves out class numbers.')
    return [text for _, text in pairs]


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _classes(header: OnnxHeader, channels: int, name: str) -> tuple:
    names = _class_names(header, name) or [f"class {number}" for number in range(channels)]
    if len(names) != channels:
        raise InvalidModel(f'"{name}" names {len(names)} classes but gives {channels}.')
    return tuple((number + 1, text, _colour(number)) for number, text in enumerate(names))


def _colour(number: int) -> str:
    """Well separated hues in a fixed order, grey for the first class (the background by custom)."""
    if number == 0:
        return "#b4b4b4"
    red, green, blue = colorsys.hsv_to_rgb((number * _GOLDEN_RATIO) % 1.0, 0.55, 0.85)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _standardisation(header: OnnxHeader, name: str) -> tuple:
    result = []
    for key, default in (("standardization_mean", [0.0] * 3), ("standardization_std", [1.0] * 3)):
        values = _value(header, key, name, default)
        try:
            numbers = tuple(float(value) for value in values)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidModel(f'"{name}": metadata "{key}" is no list of numbers.') from error
        if len(numbers) != 3 or not all(math.isfinite(number) for number in numbers):
            raise InvalidModel(f'"{name}": metadata "{key}" needs 3 finite numbers.')
        result.append(numbers)
    if min(result[1]) <= 0:
        raise InvalidModel(f'"{name}": metadata "standardization_std" must be above 0.')
    return tuple(result)

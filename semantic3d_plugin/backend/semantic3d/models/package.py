"""Model packages: what a model is, what it takes and gives, and whether it is what it says.

Three forms are read: a folder, a zip (never unpacked to disk) and a single ONNX file with Deepness metadata. Nothing
in a package runs on load; a package that is broken or lies is refused by the name of its fault.
"""
from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import os
import shutil
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Mapping

import numpy as np
from s3d_protocol.errors import InvalidModel
from s3d_protocol.file_hash import file_hash

from .deepness import describe_deepness
from .onnx_file import TensorSpec, read_onnx_header
from .package_files import FolderFiles, ZipFiles, check_listing, read_manifest_bytes, read_verified
from .package_manifest import FORMAT_VERSION, MANIFEST_NAME, OPTIONAL, REQUIRED, check_manifest, parse_manifest
from .safetensors_file import check_safetensors

BUNDLED_NAME = "s3d_small"
INPUT_NAME = "image"
HEIGHT, ALEATORIC, EPISTEMIC = "height_m", "aleatoric_var_m2", "epistemic_var_m2"
EVIDENCE, CLASSES = "evidence_index", "class_probability"
HEIGHT_PART, CLASS_PART = "height", "land_cover"  # what a model can be taught, see `ModelPackage.untaught`
OUTPUT_NAMES = (HEIGHT, ALEATORIC, EPISTEMIC, EVIDENCE, CLASSES)
_CARD_NAME = "CARD.md"
_LARGEST_ONNX_BYTES = 1 << 31  # protobuf's own limit


@dataclass(frozen=True)
class LandCoverClass:
    """A class as LAND_COVER holds it: id 1..255, a name, a colour like #a0b1c2."""

    id: int
    name: str
    colour: str


@dataclass(frozen=True)
class ModelPackage:
    """A checked model package.

    Pixels are first brought to [0, 1], then (x - normalisation_mean) / normalisation_std per band (red, green, blue).
    The network takes `input_name` float32 [N, 3, T, T] with T = tile_size_px at gsd_m and gives the tensors named in
    `output_names` (role -> tensor name; the roles are OUTPUT_NAMES). `sha256` is the identity: the hash of the
    manifest, which holds the hashes of all files (of the file itself for a Deepness ONNX).
    """

    path: str
    kind: str  # "semantic3d" or "deepness"
    name: str
    version: str
    title: str
    licence: str
    description: str
    normalisation_mean: tuple
    normalisation_std: tuple
    gsd_m: float
    gsd_range_m: tuple
    tile_size_px: int
    height_scale_m: float
    timestep: int
    condition: Mapping
    classes: tuple
    calibration: Mapping
    training_data: tuple
    validation: Mapping
    input_name: str
    output_names: Mapping
    onnx_name: str | None
    safetensors_name: str | None
    card: str
    sha256: str
    files: Mapping
    architecture: Mapping = field(default_factory=dict)  # shape of the network, for training it further
    external: tuple = ()  # onnx_file.ExternalTensor: weights that lie in other files of the package

    @property
    def has_height(self) -> bool:
        """Whether the model gives heights."""
        return HEIGHT in self.output_names

    @property
    def has_uncertainty(self) -> bool:
        """Whether the model gives variances and an evidence index."""
        return ALEATORIC in self.output_names

    @property
    def has_classes(self) -> bool:
        """Whether the model gives land cover."""
        return CLASSES in self.output_names

    @property
    def predictive_std_scale(self) -> float:
        """Factor on the predictive standard deviation in metres, after its power was taken."""
        return float(self.calibration["predictive_std_scale"])

    @property
    def predictive_std_power(self) -> float:
        """Power of the predictive standard deviation in metres; 1 in packages that do not say."""
        return float(self.calibration.get("predictive_std_power", 1.0))

    @property
    def intervals(self) -> tuple:
        """Central intervals of heights: (level, half width in calibrated standard deviations); empty if not stated."""
        return tuple((float(level), float(factor)) for level, factor in self.calibration.get("intervals", ()))

    @property
    def untaught(self) -> tuple:
        """Which of "height" and "land_cover" no data ever taught the model: such outputs mean nothing."""
        stated = self.validation.get("untaught", ())  # packages of earlier versions do not say
        return tuple(part for part in (HEIGHT_PART, CLASS_PART) if isinstance(stated, list) and part in stated)

    def read_onnx(self) -> bytes:
        """The ONNX model, hash checked on these very bytes; InvalidModel if the package has none or it changed."""
        if self.onnx_name is None:
            raise InvalidModel(f'The model "{self.name}" has no ONNX file; export one, or use another package.')
        return self.read_file(self.onnx_name)

    def read_external(self) -> dict:
        """Weights of the ONNX model that lie beside it, by name, hash checked on these very bytes.

        A model of more than 2 GiB does not fit into one protobuf message; the session is given these arrays.

        Raises:
            InvalidModel: a file changed.
        """
        found, data, opened = {}, b"", ""
        for tensor in sorted(self.external, key=lambda item: (item.file, item.offset)):
            if tensor.file != opened:
                data, opened = self.read_file(tensor.file), tensor.file
            count = tensor.bytes // np.dtype(tensor.dtype).itemsize
            found[tensor.name] = np.frombuffer(data, tensor.dtype, count, tensor.offset).reshape(tensor.shape)
        return found

    def read_file(self, name: str) -> bytes:
        """The bytes of a listed file, hash checked; InvalidModel if it is not listed or changed."""
        if name not in self.files:
            raise InvalidModel(f'The model "{self.name}" lists no file "{name}".')
        if self.kind == "deepness":
            return read_verified(FolderFiles(os.path.dirname(self.path)), name, self.files[name])
        return read_verified(_open_files(self.path), name, self.files[name])

    def canonical_outputs(self, arrays: Mapping) -> dict:
        """Turn the tensors of one run into float32 maps by role.

        Args:
            arrays: tensor name -> array, as the session gave them for [N, 3, T, T].

        Returns:
            role -> [N, 1, T, T], or [N, K, T, T] for class_probability (not negative, summing to 1 over K).

        Raises:
            InvalidModel: another shape than the package promised, or values that are no numbers.
        """
        result = {}
        for role, name in self.output_names.items():
            values = np.asarray(arrays[name], dtype=np.float32)
            channels = len(self.classes) if role == CLASSES else 1
            if role == CLASSES and self.kind == "deepness" and values.ndim == 4 and values.shape[1] == 1:
                values = np.concatenate([1.0 - values, values], axis=1)
            size = self.tile_size_px
            if values.ndim != 4 or values.shape[1:] != (channels, size, size):
                raise InvalidModel(f'The model "{self.name}" gave "{name}" as {values.shape}; '
                                   f"expected (N, {channels}, {size}, {size}).")
            if not np.isfinite(values).all():
                raise InvalidModel(f'The model "{self.name}" gave values in "{name}" that are no numbers.')
            result[role] = self._converted(role, values)
        return result

    def _converted(self, role: str, values: np.ndarray) -> np.ndarray:
        if self.kind != "deepness":
            return values
        if role == HEIGHT:
            return values * np.float32(self.height_scale_m)
        values = np.maximum(values, 0.0)
        total = values.sum(axis=1, keepdims=True)
        return np.where(total > 0, values / np.maximum(total, 1e-12), np.float32(1.0 / values.shape[1]))


def bundled_model_path(name: str = BUNDLED_NAME) -> str:
    """The folder of a model that came with the product: beside the backend, or in the installed package.

    Raises:
        InvalidModel: it is not there.
    """
    folders = [Path(__file__).resolve().parents[3] / "models"]
    spec = importlib.util.find_spec("semantic3d_bundled_models")
    if spec is not None:
        folders += [Path(place) for place in spec.submodule_search_locations or ()]
    for folder in folders:
        if (folder / name / MANIFEST_NAME).is_file():
            return str(folder / name)
    raise InvalidModel(f'The bundled model "{name}" is missing from this installation. Install Semantic3D again, '
                       "or choose a model package.")


def load_package(path: str = "") -> ModelPackage:
    """Read and check a model package; an empty path means the bundled model.

    Raises:
        InvalidModel: there is none at `path`, or it is broken or lies; the message names the fault.
    """
    path = os.path.abspath(path) if path else bundled_model_path()
    if not os.path.exists(path):
        raise InvalidModel(f'There is no model package at "{path}".')
    try:
        if os.path.isfile(path) and path.lower().endswith(".onnx"):
            return _load_deepness(path)
        return _load_format_1(path)
    except InvalidModel as error:
        raise InvalidModel(f'Model package "{os.path.basename(path)}": {error.message}', error.details) from error
    except OSError as error:
        raise InvalidModel(f'Model package "{os.path.basename(path)}" cannot be read: {error}.') from error


def check_session_io(package: ModelPackage, inputs, outputs) -> None:
    """Compare a session's inputs and outputs with the package.

    Args:
        inputs, outputs: `session.get_inputs()` and `session.get_outputs()` of onnxruntime.

    Raises:
        InvalidModel: names the tensor, its shape and what the package says.
    """
    _check_io(package, [_spec(node) for node in inputs], [_spec(node) for node in outputs])


def write_package(folder: str, manifest: Mapping, files: Mapping) -> ModelPackage:
    """Write a package folder and read it back.

    Args:
        folder: new, empty, or holding an earlier version of the same files.
        manifest: every field except "format_version" and "files".
        files: file name -> bytes, or the path of a file to copy.

    Raises:
        InvalidModel: the package would be refused on load.
    """
    entries = {name: _entry_of(files[name]) for name in sorted(files)}
    complete = {**manifest, "format_version": FORMAT_VERSION, "files": entries}
    check_manifest(complete)
    ordered = {field: complete[field] for field in REQUIRED + OPTIONAL if field in complete}
    text = json.dumps(ordered, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    (target / MANIFEST_NAME).unlink(missing_ok=True)
    for name, data in files.items():
        if isinstance(data, bytes):
            (target / name).write_bytes(data)
        else:
            shutil.copyfile(data, target / name)
    (target / MANIFEST_NAME).write_bytes(text.encode("utf-8"))
    return load_package(str(target))


def _entry_of(data) -> dict:
    """The manifest's entry of a file: bytes, or a path whose file may be larger than memory."""
    if isinstance(data, bytes):
        return {"sha256": "sha256:" + hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    return {"sha256": "sha256:" + file_hash(data), "bytes": os.path.getsize(data)}


def _open_files(path: str):
    if os.path.isdir(path):
        return FolderFiles(path)
    if os.path.isfile(path) and zipfile.is_zipfile(path):  # opening a pipe would wait for its other end
        return ZipFiles(path)
    raise InvalidModel("it is neither a folder, nor a zip, nor an ONNX file.")


def _load_format_1(path: str) -> ModelPackage:
    files = _open_files(path)
    raw = read_manifest_bytes(files)
    manifest = parse_manifest(raw)
    check_listing(files, manifest["files"])
    weights, header, card = manifest["weights"], None, ""
    for name, entry in manifest["files"].items():
        data = read_verified(files, name, entry)
        if name.lower().endswith(".onnx"):
            read = _checked_onnx(data, name, manifest["files"])
            header = read if name == weights["onnx"] else header
        elif name.lower().endswith(".safetensors"):
            check_safetensors(data, name)
        elif name == _CARD_NAME:
            card = data.decode("utf-8", errors="replace")
    package = _from_manifest(path, manifest, hashlib.sha256(raw).hexdigest(), card)
    if header is not None:
        _check_io(package, header.inputs, header.outputs)
        package = dataclasses.replace(package, external=header.external)
    return package


def _checked_onnx(data: bytes, name: str, listed: Mapping):
    if len(data) > _LARGEST_ONNX_BYTES:
        raise InvalidModel(f'"{name}" is larger than an ONNX file can be (2 GiB).')
    header = read_onnx_header(data, name)
    if header.has_hidden_external_data:
        raise InvalidModel(f'"{name}" keeps weights in other files; save it as one ONNX file.')
    for tensor in header.external:
        if tensor.file not in listed or not tensor.file.lower().endswith(".safetensors"):
            raise InvalidModel(f'"{name}" keeps weights in other files ("{tensor.file[:80]}"), which are no safetensors '
                               "files of the package.")
        if not 0 <= tensor.offset <= listed[tensor.file]["bytes"] - tensor.bytes:
            raise InvalidModel(f'"{name}" takes "{tensor.name[:60]}" from bytes that "{tensor.file}" does not have.')
    return header


def _from_manifest(path: str, manifest: dict, sha256: str, card: str) -> ModelPackage:
    copied = ("name", "version", "title", "licence", "description", "gsd_m", "tile_size_px", "height_scale_m",
              "timestep")
    return ModelPackage(
        path=path, kind="semantic3d", **{field: manifest[field] for field in copied},
        normalisation_mean=tuple(manifest["normalisation"]["mean"]),
        normalisation_std=tuple(manifest["normalisation"]["std"]),
        gsd_range_m=tuple(manifest["gsd_range_m"]),
        condition=MappingProxyType(manifest["condition"]),
        classes=tuple(LandCoverClass(**item) for item in manifest["classes"]),
        calibration=MappingProxyType(manifest["calibration"]),
        training_data=tuple(MappingProxyType(item) for item in manifest["training_data"]),
        validation=MappingProxyType(manifest["validation"]),
        input_name=INPUT_NAME, output_names=MappingProxyType({name: name for name in OUTPUT_NAMES}),
        onnx_name=manifest["weights"]["onnx"], safetensors_name=manifest["weights"]["safetensors"],
        card=card, sha256=sha256, files=MappingProxyType(manifest["files"]),
        architecture=MappingProxyType(manifest.get("architecture", {})),
    )


def _load_deepness(path: str) -> ModelPackage:
    size = os.path.getsize(path)
    if size > _LARGEST_ONNX_BYTES:
        raise InvalidModel("it is larger than an ONNX file can be (2 GiB).")
    data = Path(path).read_bytes()
    values = describe_deepness(data, path)
    classes = tuple(LandCoverClass(*item) for item in values.pop("class_values"))
    frozen = {key: MappingProxyType(value) if isinstance(value, dict) else value for key, value in values.items()}
    files = {values["onnx_name"]: {"sha256": values["sha256"], "bytes": size}}
    return ModelPackage(path=path, classes=classes, files=MappingProxyType(files), **frozen)


def _spec(node) -> TensorSpec:
    return TensorSpec(node.name, node.type == "tensor(float)", tuple(node.shape))


def _check_io(package: ModelPackage, inputs, outputs) -> None:
    size, is_ours = package.tile_size_px, package.kind == "semantic3d"
    if [spec.name for spec in inputs] != [package.input_name]:
        raise InvalidModel(f'the ONNX model takes {[spec.name for spec in inputs]}; expected ["{package.input_name}"].')
    _check_spec(inputs[0], (3, size, size), must_be_fixed=is_ours)
    if is_ours and isinstance(inputs[0].shape[0], int) and inputs[0].shape[0] > 0:
        raise InvalidModel(f'the input "{inputs[0].name}" has the fixed batch size {inputs[0].shape[0]}; '
                           "the first dimension must be open.")
    by_name = {spec.name: spec for spec in outputs}
    for role, name in package.output_names.items():
        if name not in by_name:
            raise InvalidModel(f'the ONNX model has no output "{name}"; it gives {sorted(by_name)}.')
        channels = len(package.classes) if role == CLASSES else 1
        if not is_ours and role == CLASSES:
            channels = None  # a binary mask of one channel is allowed there
        _check_spec(by_name[name], (channels, size, size), must_be_fixed=False)
    if is_ours and len(by_name) != len(package.output_names):
        raise InvalidModel(f"the ONNX model gives outputs that format 1 does not know: "
                           f"{sorted(set(by_name) - set(OUTPUT_NAMES))}.")


def _check_spec(spec: TensorSpec, wanted: tuple, must_be_fixed: bool) -> None:
    """`wanted` holds channels, height, width; None fits all. Open dimensions pass unless they must be fixed."""
    fits = spec.is_float32 and len(spec.shape) == 4
    for actual, expected in zip(spec.shape[1:], wanted):
        if isinstance(actual, int) and actual > 0:
            fits = fits and expected in (None, actual)
        else:
            fits = fits and not must_be_fixed
    if not fits:
        kind = "float32" if spec.is_float32 else "not float32"
        shown = ["N", *("any" if value is None else value for value in wanted)]
        raise InvalidModel(f'the tensor "{spec.name}" is {list(spec.shape)} ({kind}), but tile size and classes as '
                           f"the package states them ask for {shown} (float32).")


def package_summary(package: ModelPackage) -> dict:
    """The package's fields as plain JSON values, for reports and `semantic3d model-info`."""
    values = {field.name: getattr(package, field.name) for field in dataclasses.fields(package)}
    values["classes"] = [dataclasses.asdict(item) for item in package.classes]
    return {key: _plain(value) for key, value in values.items()}


def _plain(value):
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value

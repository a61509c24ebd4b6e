"""The manifest of a model package, format version 1: every field, its type and its range.

A manifest is one JSON object; `REQUIRED` and `OPTIONAL` name its fields. Hashes are written as
"sha256:<64 hex digits>" (the prefix keeps scanners for leaked keys from taking them for one); the bare 64 digits
are read as well.
"""
from __future__ import annotations

import json
import re

from s3d_protocol.errors import InvalidModel
from s3d_protocol.messages import strict_json

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
LARGEST_MANIFEST_BYTES = 1 << 20
MOST_INTERVALS = 100
MOST_FILES = 64
LARGEST_FILE_BYTES = 1 << 32
LARGEST_TEXT_BYTES = 1 << 24  # of a file that holds no weights
WEIGHT_SUFFIXES = (".onnx", ".safetensors")
FILE_SUFFIXES = (*WEIGHT_SUFFIXES, ".md", ".txt", ".json", ".png")
REQUIRED = (
    "format_version", "name", "version", "title", "licence", "description", "bands", "normalisation", "gsd_m",
    "gsd_range_m", "tile_size_px", "height_scale_m", "timestep", "condition", "classes", "calibration",
    "training_data", "validation", "files", "weights",
)
OPTIONAL = ("architecture", "authors", "homepage", "references")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_LONGEST_TEXT = 20_000
_LINES = dict.fromkeys(map(ord, "\r\n\t"), " ")


def parse_manifest(data: bytes) -> dict:
    """Decode and check a manifest.

    Raises:
        InvalidModel: it is no JSON object, or a field is missing, unknown, of the wrong type or out of range.
    """
    if len(data) > LARGEST_MANIFEST_BYTES:
        raise InvalidModel(f"manifest.json is larger than {LARGEST_MANIFEST_BYTES} bytes.")
    try:
        manifest = strict_json(data.decode("utf-8"))
        json.dumps(manifest, ensure_ascii=False).encode("utf-8")  # half a surrogate pair goes into no file
    except (ValueError, RecursionError) as error:
        raise InvalidModel(f"manifest.json is not valid JSON: {error}.") from error
    check_manifest(manifest)
    return manifest


def check_manifest(manifest: dict) -> None:
    """Check every field of a decoded manifest; raises InvalidModel naming the first fault."""
    if not isinstance(manifest, dict):
        raise InvalidModel("manifest.json must hold one JSON object.")
    _check_version(manifest)
    for field in REQUIRED:
        if field not in manifest:
            raise InvalidModel(f'manifest.json has no field "{field}".')
    for field in manifest:
        if field not in REQUIRED and field not in OPTIONAL:
            raise InvalidModel(f'manifest.json has the unknown field "{field}".')
    _check_identity(manifest)
    _check_input(manifest)
    _check_ground(manifest)
    _check_classes(manifest["classes"])
    _check_calibration(manifest["calibration"])
    _check_provenance(manifest)
    _check_files(manifest["files"])
    _check_weights(manifest["weights"], manifest["files"])


def hash_digits(text: str) -> str:
    """The 64 hex digits of a hash as the manifest writes it."""
    match = _HASH.fullmatch(text)
    if match is None:
        raise InvalidModel(f'"{text[:80]}" is not a hash like "sha256:" and 64 hex digits.')
    return match.group(1)


def is_plain_file_name(name: str) -> bool:
    """Whether a name is one that a package may hold: no folder, no drive, no leading dot."""
    return _FILE_NAME.fullmatch(name) is not None


def _fault(field: str, value, wanted: str) -> InvalidModel:
    shown = json.dumps(value, default=str)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return InvalidModel(f'manifest.json, field "{field}": {shown} is not {wanted}.')


def _check_version(manifest: dict) -> None:
    if "format_version" not in manifest:
        raise InvalidModel('manifest.json has no field "format_version".')
    version = manifest["format_version"]
    if not _is_integer(version) or version < 1:
        raise _fault("format_version", version, "a positive whole number")
    if version > FORMAT_VERSION:
        raise InvalidModel(
            f"manifest.json has format_version {version}; this version of Semantic3D reads format "
            f"{FORMAT_VERSION}. Update Semantic3D, or use a package of that format."
        )


def _check_identity(manifest: dict) -> None:
    _check_text("name", manifest["name"])
    if _NAME.fullmatch(manifest["name"]) is None:
        raise _fault("name", manifest["name"], "a short name of letters, digits, '.', '_' and '-'")
    for field in ("version", "title", "licence"):
        _check_text(field, manifest[field])
    _check_text("description", manifest["description"], may_be_empty=True, may_have_lines=True)
    for field in ("condition", "validation"):
        if not isinstance(manifest[field], dict):
            raise _fault(field, manifest[field], "an object")
    _check_integer("timestep", manifest["timestep"], 0, 999)


def _check_input(manifest: dict) -> None:
    if manifest["bands"] != ["red", "green", "blue"]:
        raise _fault("bands", manifest["bands"], '["red", "green", "blue"], the only bands of format 1')
    normalisation = manifest["normalisation"]
    _check_object("normalisation", normalisation, ("input", "mean", "std"))
    if normalisation["input"] != "unit":
        raise _fault("normalisation.input", normalisation["input"], '"unit", the only one of format 1')
    _check_numbers("normalisation.mean", normalisation["mean"], 3, -1e6, 1e6)
    _check_numbers("normalisation.std", normalisation["std"], 3, 1e-6, 1e6)


def _check_ground(manifest: dict) -> None:
    _check_number("gsd_m", manifest["gsd_m"], 1e-3, 1e3)
    _check_numbers("gsd_range_m", manifest["gsd_range_m"], 2, 1e-3, 1e3)
    low, high = manifest["gsd_range_m"]
    if not low <= manifest["gsd_m"] <= high:
        raise _fault("gsd_range_m", [low, high], f'a range that holds "gsd_m" ({manifest["gsd_m"]})')
    _check_integer("tile_size_px", manifest["tile_size_px"], 32, 8192)
    _check_number("height_scale_m", manifest["height_scale_m"], 1e-6, 1e6)


def _check_classes(classes) -> None:
    if not isinstance(classes, list) or not 1 <= len(classes) <= 255:
        raise _fault("classes", classes, "a list of 1 to 255 classes")
    seen_ids, seen_names = set(), set()
    for index, item in enumerate(classes):
        field = f"classes[{index}]"
        _check_object(field, item, ("id", "name", "colour"))
        _check_integer(f"{field}.id", item["id"], 1, 255)
        _check_text(f"{field}.name", item["name"])
        if not isinstance(item["colour"], str) or _COLOUR.fullmatch(item["colour"]) is None:
            raise _fault(f"{field}.colour", item["colour"], 'a colour like "#a0b1c2"')
        if item["id"] in seen_ids:
            raise _fault(f"{field}.id", item["id"], "unique: two classes share it")
        if item["name"] in seen_names:
            raise _fault(f"{field}.name", item["name"], "unique: two classes share it")
        seen_ids.add(item["id"])
        seen_names.add(item["name"])


def _check_calibration(calibration) -> None:
    if not isinstance(calibration, dict):
        raise _fault("calibration", calibration, "an object")
    for field in ("predictive_std_scale", "method"):
        if field not in calibration:
            raise InvalidModel(f'manifest.json has no field "calibration.{field}".')
    _check_number("calibration.predictive_std_scale", calibration["predictive_std_scale"], 1e-3, 1e3)
    _check_text("calibration.method", calibration["method"])
    if "predictive_std_power" in calibration:  # came later; without it, the standard deviation is scaled alone
        _check_number("calibration.predictive_std_power", calibration["predictive_std_power"], 0.05, 2.0)
    if "intervals" in calibration:
        _check_intervals(calibration["intervals"])


def _check_intervals(intervals) -> None:
    """Central intervals: [level, half width in sigma], both rising."""
    if not isinstance(intervals, list) or not 1 <= len(intervals) <= MOST_INTERVALS:
        raise _fault("calibration.intervals", intervals, f"a list of 1 to {MOST_INTERVALS} pairs of level and factor")
    before = (0.0, 0.0)
    for index, pair in enumerate(intervals):
        _check_numbers(f"calibration.intervals[{index}]", pair, 2, 1e-6, 1e3)
        if not (before[0] < pair[0] < 1 and before[1] < pair[1]):
            raise _fault(f"calibration.intervals[{index}]", pair, "above the pair before it, with a level below 1")
        before = pair


def _check_provenance(manifest: dict) -> None:
    sets = manifest["training_data"]
    if not isinstance(sets, list):
        raise _fault("training_data", sets, "a list")
    for index, item in enumerate(sets):
        field = f"training_data[{index}]"
        _check_object(field, item, ("name", "licence", "attribution"))
        for key in ("name", "licence"):
            _check_text(f"{field}.{key}", item[key])
        _check_text(f"{field}.attribution", item["attribution"], may_be_empty=True, may_have_lines=True)
    for field, kind in (("architecture", dict), ("authors", list), ("homepage", str), ("references", list)):
        if field in manifest and not isinstance(manifest[field], kind):
            raise _fault(field, manifest[field], f"of the right type ({kind.__name__})")


def _check_files(files) -> None:
    if not isinstance(files, dict) or not 1 <= len(files) <= MOST_FILES:
        raise _fault("files", files, f"an object of 1 to {MOST_FILES} files")
    lower = [name.lower() for name in files]
    for name, entry in files.items():
        if not is_plain_file_name(name) or name.lower() == MANIFEST_NAME:
            raise _fault("files", name, "a plain file name (no folders; not the manifest itself)")
        if not name.lower().endswith(FILE_SUFFIXES):
            raise _fault("files", name, f"of a kind that a package may hold ({', '.join(FILE_SUFFIXES)})")
        if lower.count(name.lower()) > 1:
            raise _fault("files", name, "unique when capitals are ignored")
        _check_object(f"files.{name}", entry, ("sha256", "bytes"))
        most = LARGEST_FILE_BYTES if name.lower().endswith(WEIGHT_SUFFIXES) else LARGEST_TEXT_BYTES
        _check_integer(f"files.{name}.bytes", entry["bytes"], 1, most)
        if not isinstance(entry["sha256"], str) or _HASH.fullmatch(entry["sha256"]) is None:
            raise _fault(f"files.{name}.sha256", entry["sha256"], 'a hash like "sha256:" and 64 hex digits')


def _check_weights(weights, files: dict) -> None:
    _check_object("weights", weights, ("onnx", "safetensors"))
    if weights["onnx"] is None and weights["safetensors"] is None:
        raise _fault("weights", weights, "complete: it must name an ONNX or a safetensors file")
    for kind in ("onnx", "safetensors"):
        name = weights[kind]
        if name is None:
            continue
        if not isinstance(name, str) or not name.lower().endswith("." + kind):
            raise _fault(f"weights.{kind}", name, f"a .{kind} file or null")
        if name not in files:
            raise _fault(f"weights.{kind}", name, 'listed in "files"')


def _check_object(field: str, value, keys) -> None:
    if not isinstance(value, dict):
        raise _fault(field, value, "an object")
    for key in keys:
        if key not in value:
            raise InvalidModel(f'manifest.json has no field "{field}.{key}".')
    for key in value:
        if key not in keys:
            raise InvalidModel(f'manifest.json has the unknown field "{field}.{key}".')


def _check_text(field: str, value, may_be_empty: bool = False, may_have_lines: bool = False) -> None:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not (may_be_empty or value.strip()):
        raise _fault(field, value, "a text" if may_be_empty else "a text that says something")
    if not (value.translate(_LINES) if may_have_lines else value).isprintable():
        raise _fault(field, value, "a text " + ("" if may_have_lines else "on one line, ") + "without control characters")


def _check_integer(field: str, value, low: int, high: int) -> None:
    if not _is_integer(value) or not low <= value <= high:
        raise _fault(field, value, f"a whole number from {low} to {high}")


def _check_number(field: str, value, low: float, high: float) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:  # neither NaN nor infinity is between
        raise _fault(field, value, f"a number from {low:g} to {high:g}")


def _check_numbers(field: str, value, count: int, low: float, high: float) -> None:
    if not isinstance(value, list) or len(value) != count:
        raise _fault(field, value, f"a list of {count} numbers")
    for index, number in enumerate(value):
        _check_number(f"{field}[{index}]", number, low, high)


def _is_integer(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

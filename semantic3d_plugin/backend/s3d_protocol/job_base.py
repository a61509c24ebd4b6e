"""What all jobs share: the way through JSON, and checks of values that several jobs have."""

from __future__ import annotations

import math
import os
import re
import reprlib
import sys
from dataclasses import MISSING, asdict, fields
from typing import Any, ClassVar, Mapping

from .errors import InvalidParameter

DEVICES = ("auto", "cpu", "cuda")
MIN_MEMORY_MB = 64
_GSD_LIMITS_M = (1e-3, 1e3)  # beyond, the unit is wrong, and an area is more pixels than there are
_SCHEDULER = re.compile(r"(tcp|tls|ucx)://([\w.-]+|\[[0-9a-fA-F:.]+\]):(?P<port>[0-9]{1,5})", re.ASCII)
LARGEST_INTEGER = 2**53  # beyond, floats and other programs lose whole numbers

_FIELD_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "tuple": (tuple, list),
    "tuple | None": (tuple, list, type(None)),
}


class Job:
    """What all jobs can do. Subclasses are frozen dataclasses of JSON values (lists travel for tuples)."""

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        """Raise InvalidParameter for a text that no file system or no library could take."""
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str):
                    _check_text(field.name, text)

    def to_dict(self) -> dict:
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()  # type: ignore[call-overload]
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Job:
        """Build the job from a mapping.

        Raises:
            InvalidParameter: a field is unknown, missing or of the wrong type.
        """
        if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
            raise InvalidParameter(f"The {cls.kind} job's parameters are no object of names and values.")
        known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise InvalidParameter(
                f"The {cls.kind} job has no parameter {', '.join(unknown)}. It knows: {', '.join(known)}.",
                {"unknown": unknown},
            )
        missing = [name for name, field in known.items() if field.default is MISSING and name not in values]
        if missing:
            raise InvalidParameter(f"The {cls.kind} job needs a value for {', '.join(missing)}.", {"missing": missing})
        return cls(**{name: _typed(name, value, known[name].type) for name, value in values.items()})

    def check(self) -> None:
        """Raise InvalidParameter for values that cannot work, whatever the files are."""

    def outputs(self) -> dict[str, str]:
        """Return the files to be written, by output name; those not asked for are left out."""
        return {}


def _typed(name: str, value: Any, annotation: Any) -> Any:
    expected = _FIELD_TYPES[str(annotation)]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        raise InvalidParameter(
            f"The parameter {name} is {reprlib.repr(value)}, but must be of type {annotation}.", {"parameter": name}
        )
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise InvalidParameter(f"The parameter {name} is beyond all sensible numbers.", {"parameter": name})
    return float(value) if annotation == "float" else value


def _check_text(name: str, text: str) -> None:
    """Raise InvalidParameter for a NUL, and for bytes of a file's name that are no UTF-8 (Python's lone surrogates)."""
    if "\0" in text:
        raise InvalidParameter(f"The parameter {name} holds a NUL character ({ascii(text)}). Correct it.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidParameter(
            f"The parameter {name}, {ascii(text)}, holds bytes that are not UTF-8, which GDAL and reports cannot name. "
            "Rename the file or folder.",
            {"parameter": name},
        ) from None


def check_bands(bands: tuple) -> None:
    if not bands:
        return
    numbers = all(is_number(band) and isinstance(band, int) and band >= 1 for band in bands)
    if len(bands) != 3 or not numbers:
        raise InvalidParameter(
            f"The bands are {reprlib.repr(list(bands))}. Give three band numbers from 1 on, for red, green and blue, "
            "or none to let the image decide."
        )


def check_extent(extent: tuple | None) -> None:
    if extent is None:
        return
    numbers = all(map(is_number, extent))
    if len(extent) != 4 or not numbers or extent[0] >= extent[2] or extent[1] >= extent[3]:
        raise InvalidParameter(
            f"The extent is {reprlib.repr(list(extent))}. Give xmin, ymin, xmax, ymax in the image's CRS, "
            "with xmin below xmax and ymin below ymax."
        )


def is_number(value: Any) -> bool:
    """Whether a value is a finite number that a float holds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= LARGEST_INTEGER if isinstance(value, int) else math.isfinite(value)


def check_at_least(label: str, value: int, minimum: int, unit: str) -> None:
    if value < minimum:
        raise InvalidParameter(f"The {label} is {value} {unit}. Give at least {minimum}.")
    if value > LARGEST_INTEGER:
        raise InvalidParameter(f"The {label} is beyond all sensible numbers of {unit or 'its kind'}. Give a smaller one.")


def check_gsd(gsd_m: float, source: str) -> None:
    """Raise InvalidParameter for a GSD that no raster has; 0 takes it from `source`, such as "the image"."""
    if gsd_m != 0 and not _GSD_LIMITS_M[0] <= gsd_m <= _GSD_LIMITS_M[1]:
        raise InvalidParameter(
            f"The GSD is {gsd_m} m. Give {_GSD_LIMITS_M[0]:g} to {_GSD_LIMITS_M[1]:g} metres per pixel, or 0 to take it "
            f"from {source}."
        )


def check_device(device: str) -> None:
    if device not in DEVICES:
        raise InvalidParameter(f"The device is {device!r}. Choose one of {', '.join(DEVICES)}.")


def check_scheduler(address: str) -> None:
    if not address:
        return
    match = _SCHEDULER.fullmatch(address)
    if match is None or not 1 <= int(match["port"]) <= 65535:
        raise InvalidParameter(
            f"The scheduler is {reprlib.repr(address)}. Give the address of a Dask scheduler as it prints it, such as "
            "tcp://host:8786, tls://host:8786 or ucx://host:8786, or nothing to compute here.",
            {"scheduler": address[:200]},
        )


def check_output_files(outputs: Mapping[str, str], suffixes: Mapping[str, tuple], inputs: Mapping[str, str]) -> None:
    """Check that outputs have the right suffix, that none is an input or another output, and that no two rasters share
    the file of their layer style, as town.tif and town.tiff would.

    Args:
        outputs: name -> path.
        suffixes: output name -> endings that are allowed.
        inputs: path -> what to call it, such as "the image".
    """
    taken = {same_file_key(path): what for path, what in inputs.items()}
    styled: dict[str, str] = {}
    for name, path in outputs.items():
        if not path.lower().endswith(suffixes[name]):
            raise InvalidParameter(
                f"The {name} output is {path}, but it is written as {suffixes[name][0][1:]}. "
                f"Choose a name that ends in {' or '.join(suffixes[name])}.",
                {"output": name, "path": path},
            )
        other = taken.setdefault(same_file_key(path), f"the {name} output")
        if other != f"the {name} output":
            raise InvalidParameter(
                f"The {name} output and {other} are the same file, {path}. Choose another name for the output.",
                {"output": name, "path": path},
            )
        if ".tif" not in suffixes[name]:
            continue
        stem = os.path.splitext(path)[0]
        other = styled.setdefault(same_file_key(stem), name)
        if other != name:
            raise InvalidParameter(
                f"The {name} output {path} and the {other} output differ in their endings alone, and would share one "
                f"layer style, {stem}.qml. Choose another name for one of them.",
                {"output": name, "path": path},
            )


def same_file_key(path: str) -> str:
    """What is one for all spellings of a path; macOS and Windows do not tell capitals from small letters."""
    key = os.path.normcase(os.path.abspath(path))
    return key.casefold() if sys.platform == "darwin" else key

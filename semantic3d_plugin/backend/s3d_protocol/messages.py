"""Messages: one JSON object per line, ASCII only, with a ``type``.

Worker to QGIS, in this order: ``hello``, then any number of ``alive``, ``progress`` and ``log``,
then exactly one ``result`` or ``error``. QGIS to worker: one ``job``, later perhaps ``cancel``;
the end of the stream means cancel as well. Only paths cross the border, never arrays.
Types that a reader does not know are skipped, so that a later version may add some.
"""

from __future__ import annotations

import json
import math
from typing import Any, BinaryIO, Iterator, Mapping

PROTOCOL_VERSION = 1

MAX_LINE_BYTES = 1 << 20
"""A longer line is no message. Ours stay far below; this keeps a noisy process from filling our memory."""

MAX_ORDER_BYTES = 1 << 24
"""A job may name many images, so that an order may be longer."""

_DEEPEST = 32
_LONGEST_INTEGER = 20
_LONGEST_LOG = 10_000

EXIT_SUCCESS = 0
EXIT_ERROR = 1
EXIT_MISMATCH = 2
EXIT_CANCELLED = 3

LOG_LEVELS = ("info", "warning", "error")


class BadMessage(ValueError):
    """A line that is no message."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Return the message as one line of ASCII JSON with its newline.

    Raises:
        TypeError: a value has no JSON form (an array, a path object).
        ValueError: a value is NaN or infinite; say None instead.
    """
    return json.dumps(message, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes | str) -> dict:
    """Return the message in a line. All its numbers are finite.

    Raises:
        BadMessage: the line is not a JSON object with a ``type``, or breaks what `strict_json` asks for.
    """
    try:
        message = strict_json(line)
    except (ValueError, RecursionError) as error:  # ValueError covers wrong UTF-8 as well
        raise BadMessage(f"not JSON: {error}") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise BadMessage("not a JSON object with a type")
    return message


def strict_json(text: bytes | str) -> Any:
    """Return the value of a JSON text from elsewhere: numbers finite and not too long, keys unique, nested 32 deep at most.

    Raises:
        ValueError: it is none, or breaks one of these.
        RecursionError: it nests deeper than Python itself can bear.
    """
    value = json.loads(
        text, parse_constant=_no_number, parse_float=_finite, parse_int=_whole, object_pairs_hook=_unique
    )
    if _is_deeper(value, _DEEPEST):
        raise ValueError(f"nested deeper than {_DEEPEST}")
    return value


def read_lines(stream: BinaryIO, limit: int) -> Iterator[tuple[bytes, bool]]:
    """Yield each line, and whether it is whole. Of a longer line only the first `limit` bytes come."""
    continued = False
    for piece in iter(lambda: stream.readline(limit), b""):
        ends = piece.endswith(b"\n")
        if not continued:
            yield piece, ends or len(piece) < limit
        continued = not ends


def hello(version: str, pid: int) -> dict:
    return {"type": "hello", "protocol": PROTOCOL_VERSION, "version": version, "pid": pid}


def alive() -> dict:
    return {"type": "alive"}


def log(text: str, level: str = "info") -> dict:
    shown = text if len(text) <= _LONGEST_LOG else text[:_LONGEST_LOG] + " ..."
    return {"type": "log", "level": level, "text": shown}


def result(values: Mapping[str, Any]) -> dict:
    return {"type": "result", "values": dict(values)}


def job(kind: str, job_id: str, values: Mapping[str, Any]) -> dict:
    return {"type": "job", "protocol": PROTOCOL_VERSION, "kind": kind, "job_id": job_id, "job": dict(values)}


def cancel() -> dict:
    return {"type": "cancel"}


def shown_text(value: Any) -> str:
    """Return a text that any file, window and terminal takes: bytes of a name that are no UTF-8 become escapes."""
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def one_line(text: str) -> str:
    """A text as package manifests take it: what cannot be printed, as narrow blanks in file names, is a blank."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _unique(pairs: list[tuple[str, Any]]) -> dict:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {ascii(key[:80])} appears twice")
        found[key] = value
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is beyond all numbers")
    return number


def _whole(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise ValueError(f"a whole number of {len(text)} digits")
    return int(text)


def _is_deeper(value: Any, deepest: int) -> bool:
    level = [value]
    for _ in range(deepest):
        inner = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, (dict, list)))
        level = [part for parts in inner for part in parts]
        if not level:
            return False
    return any(isinstance(item, (dict, list)) for item in level)

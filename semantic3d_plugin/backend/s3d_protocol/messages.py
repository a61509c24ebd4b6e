"""Messages: one JSON object per line, ASCII only, with a ``type``.

Worker to QGIS, in this order: ``hello``, then any number of ``alive``, ``progress`` and ``log``,
then exactly one ``result`` or ``error``. QGIS to worker: one ``job``, later perhaps ``cancel``;
the end of the stream means cancel as well. Only paths cross the border, never arrays.
Types that a reader does not know are skipped, so that a later version may add some.
"""

from __future__ import annotations

import json
from typing import Any, Mapping

PROTOCOL_VERSION = 1

MAX_LINE_BYTES = 1 << 20
"""A longer line is no message. Ours stay far below; this keeps a noisy process from filling our memory."""

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
    """Return the message in a line.

    Raises:
        BadMessage: the line is not a JSON object with a ``type``.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:  # ValueError covers wrong UTF-8 as well
        raise BadMessage(f"not JSON: {error}") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise BadMessage("not a JSON object with a type")
    return message


def hello(version: str, pid: int) -> dict:
    return {"type": "hello", "protocol": PROTOCOL_VERSION, "version": version, "pid": pid}


def alive() -> dict:
    return {"type": "alive"}


def log(text: str, level: str = "info") -> dict:
    return {"type": "log", "level": level, "text": text}


def result(values: Mapping[str, Any]) -> dict:
    return {"type": "result", "values": dict(values)}


def job(kind: str, job_id: str, values: Mapping[str, Any]) -> dict:
    return {"type": "job", "protocol": PROTOCOL_VERSION, "kind": kind, "job_id": job_id, "job": dict(values)}


def cancel() -> dict:
    return {"type": "cancel"}

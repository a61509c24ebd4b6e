"""The errors that cross the process border, each under a permanent code.

A message says what happened, the values, and the next step: it is shown to the user as it stands.
"""

from __future__ import annotations

import json
from typing import Any, Mapping

from .messages import shown_text

_LONGEST_TEXT = 10_000


class Semantic3DError(Exception):
    """Base of all our errors.

    Attributes:
        code: permanent name of the kind of fault; programs compare this, never the text.
        message: what happened, the values, the next step.
        details: further values for logs, JSON types only.
    """

    code = "internal_error"

    def __init__(self, message: str, details: Mapping[str, Any] | None = None):
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})

    def __str__(self) -> str:
        return self.message

    def to_message(self) -> dict:
        """Return the ``error`` message that carries this over the pipe, always short enough for a line of it."""
        text = self.message if len(self.message) <= _LONGEST_TEXT else self.message[:_LONGEST_TEXT] + " ..."
        try:
            details = self.details if len(json.dumps(self.details, allow_nan=False)) <= 10 * _LONGEST_TEXT else {}
        except (TypeError, ValueError):  # they hold what JSON has no form for; the message is what counts
            details = {}
        return {"type": "error", "code": self.code, "message": text, "details": details}


class InvalidInput(Semantic3DError):
    """The image cannot be used: unreadable, wrong bands, no georeference."""

    code = "invalid_input"


class InvalidParameter(Semantic3DError):
    """A parameter is out of its range, or parameters contradict each other."""

    code = "invalid_parameter"


class InvalidModel(Semantic3DError):
    """The model package is broken, lies about its files, or has another format."""

    code = "invalid_model"


class MissingDependency(Semantic3DError):
    """A Python package that this job needs is not in the backend's environment."""

    code = "missing_dependency"


class OutOfMemory(Semantic3DError):
    """Main or graphics memory did not suffice."""

    code = "out_of_memory"


class DeviceUnavailable(Semantic3DError):
    """The device that was asked for is not there or does not work."""

    code = "device_unavailable"


class OutputFailed(Semantic3DError):
    """An output could not be written or put in its place."""

    code = "output_failed"


class Cancelled(Semantic3DError):
    """The user stopped the job, or QGIS went away."""

    code = "cancelled"


class ProtocolMismatch(Semantic3DError):
    """Plugin and backend come from different releases, or the other side is no backend at all."""

    code = "protocol_mismatch"


class BackendMissing(Semantic3DError):
    """There is no backend environment, or its Python does not start."""

    code = "backend_missing"


class BackendCrashed(Semantic3DError):
    """The backend's process ended without saying why."""

    code = "backend_crashed"


class BackendHung(Semantic3DError):
    """The backend's process lives but gives no sign of it."""

    code = "backend_hung"


class InternalError(Semantic3DError):
    """A fault in our own code."""

    code = "internal_error"


ERROR_TYPES = {
    error.code: error
    for error in (
        InvalidInput,
        InvalidParameter,
        InvalidModel,
        MissingDependency,
        OutOfMemory,
        DeviceUnavailable,
        OutputFailed,
        Cancelled,
        ProtocolMismatch,
        BackendMissing,
        BackendCrashed,
        BackendHung,
        InternalError,
    )
}


def from_message(message: Mapping[str, Any]) -> Semantic3DError:
    """Rebuild the error that an ``error`` message carries; an unknown code gives an InternalError."""
    details, code = message.get("details"), message.get("code")
    return ERROR_TYPES.get(code if isinstance(code, str) else "", InternalError)(
        shown_text(message.get("message") or "The backend reported an error without a text."),
        details if isinstance(details, Mapping) else None,
    )

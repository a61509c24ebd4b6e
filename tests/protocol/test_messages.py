"""Messages, errors and version: what goes in comes out, and what is no message is refused."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from semantic3d_plugin.backend.s3d_protocol import errors, messages, product_version

from .conftest import BACKEND


def test_a_message_is_one_ascii_line():
    line = messages.encode({"type": "log", "text": "Höhe\nüber Grund \u2028"})
    assert line.count(b"\n") == 1 and line.endswith(b"\n") and line.isascii()
    assert messages.decode(line)["text"] == "Höhe\nüber Grund \u2028"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_that_json_does_not_know(value):
    with pytest.raises(ValueError):
        messages.encode({"type": "result", "values": {"mean": value}})


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"noise", b"[1]", b"null", b"3", b"{}", b'{"type": 3}', b'{"type": "a"', b"\xff\xfe{", b"[" * 99999],
)
def test_what_is_no_message(line):
    with pytest.raises(messages.BadMessage):
        messages.decode(line)


def test_codes_are_promises():
    assert set(errors.ERROR_TYPES) == {
        "invalid_input", "invalid_parameter", "invalid_model", "missing_dependency", "out_of_memory",
        "device_unavailable", "output_failed", "cancelled", "protocol_mismatch", "backend_missing",
        "backend_crashed", "backend_hung", "internal_error",
    }  # fmt: skip
    assert messages.PROTOCOL_VERSION == 1
    assert (messages.EXIT_SUCCESS, messages.EXIT_ERROR, messages.EXIT_MISMATCH, messages.EXIT_CANCELLED) == (0, 1, 2, 3)


def test_an_error_travels():
    sent = errors.OutOfMemory("Nothing left.", {"free_mb": 3})
    received = errors.from_message(messages.decode(messages.encode(sent.to_message())))
    assert type(received) is errors.OutOfMemory
    assert str(received) == "Nothing left." and received.details == {"free_mb": 3}


def test_an_error_is_never_too_long_for_a_line_nor_without_json():
    for details in ({"field": "é" * (1 << 20)}, {"value": float("nan")}, {"path": object()}):
        line = messages.encode(errors.InvalidModel("é" * (1 << 20), details).to_message())
        assert len(line) < messages.MAX_LINE_BYTES
        assert messages.decode(line)["code"] == "invalid_model"
    assert errors.InvalidModel("short", {"a": 1}).to_message()["details"] == {"a": 1}


@pytest.mark.parametrize("message", [{}, {"code": "of the future", "message": "x"}, {"code": ["a"], "details": 3}])
def test_an_odd_error_is_an_internal_one(message):
    error = errors.from_message(message)
    assert type(error) is errors.InternalError and str(error) and error.details == {}


def test_the_version_is_that_of_the_metadata():
    text = (BACKEND.parents[1] / "metadata.txt").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("version"))
    assert product_version() == line.partition("=")[2].strip()


def test_the_protocol_imports_nothing_but_the_standard_library():
    code = "import sys; before = set(sys.modules); import s3d_protocol.serving; print(*set(sys.modules) - before)"
    out = subprocess.run([sys.executable, "-S", "-c", code], cwd=BACKEND, capture_output=True, text=True, check=True)
    roots = {name.partition(".")[0] for name in out.stdout.split()} - {"s3d_protocol"}
    if hasattr(sys, "stdlib_module_names"):
        assert roots <= set(sys.stdlib_module_names)

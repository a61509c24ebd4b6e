"""Faults that are not ours: what they mean to the user."""

import errno
import os
import sys
import types

import pytest

from s3d_protocol import InternalError, InvalidModel, OutOfMemory, OutputFailed, TrainJob
from s3d_protocol.diagnosis import diagnose


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR])
def test_a_path_that_cannot_be_used_is_no_fault_of_ours(number):
    error = diagnose(OSError(number, os.strerror(number), "/data/h.tif"))
    assert isinstance(error, OutputFailed)
    for words in ("cannot be used", os.strerror(number), "/data/h.tif", "another folder"):
        assert words in error.message
    assert "report" not in error.message and os.strerror(number) in error.details["traceback"]


@pytest.mark.parametrize("fault", [OSError(errno.EIO, "Input/output error"), OSError("no number"), KeyError("x")])
def test_what_says_nothing_of_a_path_is_reported(fault):
    assert isinstance(diagnose(fault), InternalError)


def test_training_that_runs_out_of_memory_hears_of_its_own_settings():
    job = TrainJob(("a.tif",), "out", ndsm_paths=("h.tif",), batch_size=4, accumulation=2, patch_px=512)
    error = diagnose(RuntimeError("CUDA out of memory"), job)
    assert isinstance(error, OutOfMemory)
    for words in ("4 patches of 512 pixels", "BATCH_SIZE 1 with ACCUMULATION 8", "CHECKPOINTING on", "smaller PATCH"):
        assert words in error.message
    assert "BATCH_SIZE" not in diagnose(MemoryError(), TrainJob((), "", batch_size=1)).message


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("Error while serializing: I/O error: No space left on device (os error 28)", OutputFailed, "The disk is full"),
        ("Error while serializing: I/O error: Access is denied. (os error 5)", OutputFailed, "cannot be used"),
        ("Error while deserializing header: incomplete metadata", InvalidModel, "damaged or incomplete"),
        ("mmap: Cannot allocate memory (os error 12)", OutOfMemory, "Memory ran out"),
    ],
)
def test_weights_that_cannot_be_read_or_written_are_no_fault_of_ours(monkeypatch, text, kind, words):
    """The exception of safetensors is of a kind of its own, and that library is not always there."""
    library = types.ModuleType("safetensors")
    library.SafetensorError = type("SafetensorError", (Exception,), {})
    assert isinstance(diagnose(library.SafetensorError(text)), InternalError)  # of nobody that we know
    monkeypatch.setitem(sys.modules, "safetensors", library)
    error = diagnose(library.SafetensorError(text))
    assert isinstance(error, kind) and words in error.message and text in error.message

"""Faults that are not ours: what they mean to the user."""

import errno
import os

import pytest

from s3d_protocol import InternalError, OutputFailed
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

"""A job's outputs: checked before the work, put in their places together after it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Iterator, Mapping

from s3d_protocol import InvalidParameter, Job, JobControl, OutputFailed, discard_partials, partial_path, publish

from ..raster.block_sizes import parts_of_virtual

_ANY_ID = "0" * 32  # as long as jobs' ids are
_ENDINGS = {"report": ".land_cover.tif", "error": ".interim.tif", "shadow": ".interim.tif"}
_ENDING = ".work"  # of what is written beside any other unfinished output
_MOST_LETTERS = 255  # of a name on Windows, and of bytes on most other disks


def check_output_paths(job: Job, inputs: Mapping[str, str]) -> None:
    """As `check_paths`, for the outputs of a job."""
    check_paths(job.outputs(), inputs)


def check_paths(outputs: Mapping[str, str], inputs: Mapping[str, str]) -> None:
    """Check that each output can be created, without creating it.

    Args:
        outputs: name -> path.
        inputs: path -> what to call it, such as "the image itself".

    Raises:
        OutputFailed: its folder is missing or not writable, its name too long for what is written aside, or a program
            holds the file open (Windows).
        InvalidParameter: it is an input under another name, or a part of one that is a VRT.
    """
    there = {}
    for path, what in inputs.items():
        there.update({file_number(part): f"a part of {what}" for part in parts_of_virtual(path)})
        there[file_number(path)] = what
    for name, path in outputs.items():
        if path.startswith("/vsi"):
            raise OutputFailed(
                f"The {name} output {path} lies in an object store or an archive. Outputs are put together on a disk: "
                "name a file there, and copy it afterwards."
            )
        folder = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(folder):
            raise OutputFailed(f"The folder {folder} for the {name} output does not exist. Create it first.")
        if os.path.isdir(path):
            raise OutputFailed(f"The {name} output {path} is a folder. Give the name of a file.")
        if not os.access(folder, os.W_OK):
            raise OutputFailed(f"The folder {folder} for the {name} output is not writable. Choose another folder.")
        _check_length(name, path)
        number = file_number(path)
        if number is not None and number in there:
            raise InvalidParameter(f"The {name} output {path} is {there[number]}. Choose another name.")
        if number is not None:
            _check_replaceable(name, path)


def _check_length(name: str, path: str) -> None:
    """While the work lasts, names are longer than in the end: by a job's id, and by what says that it is unfinished."""
    folder, own = os.path.split(os.path.abspath(path))
    aside = os.path.basename(partial_path(path, _ANY_ID)) + _ENDINGS.get(name, _ENDING)
    if os.name == "nt":
        most, unit, length, shorter = _MOST_LETTERS, "letters", len(aside), len(aside) - len(own)
    else:
        most, unit, length = _longest_name(folder), "bytes", len(os.fsencode(aside))
        shorter = length - len(os.fsencode(own))
    if length > most:
        raise OutputFailed(
            f"The name of the {name} output is too long: {own} has {length - shorter} {unit}, files there have {most} at "
            f"most, and {shorter} more are needed while it is written. Choose a name of {most - shorter} {unit} or less.",
            {"path": path},
        )


def _longest_name(folder: str) -> int:
    """Return the bytes of a name that a folder's disk takes; some network disks do not say it."""
    try:
        most = os.pathconf(folder, "PC_NAME_MAX")
    except OSError:
        most = 0
    return most if most > 0 else _MOST_LETTERS


def _check_replaceable(name: str, path: str) -> None:
    """Windows replaces no file that a program holds open, a loaded layer among them: better said before the work."""
    if os.name != "nt":
        return
    try:
        os.replace(path, path)
    except OSError as error:
        raise OutputFailed(
            f"The {name} output {path} cannot be replaced ({error.strerror or error}). Close other programs that use "
            "it, remove its layer from the project, or choose another name.",
            {"path": path},
        ) from error


def file_number(path: str) -> tuple[int, int] | None:
    """What is one for all names of a file; None where there is no such file."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # none, far away, or XML in the place of a path
        return None
    return status.st_dev, status.st_ino


@contextmanager
def whole_outputs(job: Job, control: JobControl) -> Iterator[None]:
    """Around the work that writes a job's outputs aside: publish them at its end, or leave nothing of them.

    Raises:
        OutputFailed: an output cannot be put in its place.
        Cancelled: the job was asked to stop.
    """
    try:
        yield
        control.check_cancelled()
        publish(job.outputs().values(), control.job_id)
    finally:
        discard_partials(job.outputs().values(), control.job_id)

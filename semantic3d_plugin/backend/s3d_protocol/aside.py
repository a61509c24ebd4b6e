"""Unfinished outputs: written beside their place under a telling name, moved in at the very end.

A job that is killed in the middle leaves no file that could be taken for a result, and whoever
killed it finds the leftovers by the job's id.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from contextlib import suppress
from typing import Iterable

from .durable import sync_file, sync_folder
from .errors import OutputFailed

_JOB_ID = re.compile(r"[0-9A-Za-z_-]+")
_SIDECARS_OF_FILE = (".aux.xml", ".ovr", ".msk")  # appended to the whole name by GDAL
_SIDECARS_OF_STEM = (".qml",)  # QGIS puts the style in place of the suffix


def new_job_id() -> str:
    return uuid.uuid4().hex


def is_job_id(text: object) -> bool:
    """Whether a text can be a job's id: letters, digits, '_' and '-', and not too many for a file's name."""
    return isinstance(text, str) and len(text) <= 64 and _JOB_ID.fullmatch(text) is not None


def partial_path(path: str, job_id: str) -> str:
    """Return where to write what shall become `path`: ``/a/h.tif`` gives ``/a/.h.<job_id>.partial.tif``.

    The same folder, so that moving it is one atomic step; the same suffix, because GDAL's drivers look at it.
    """
    folder, stem, suffix = _split(path)
    return os.path.join(folder, _prefix(stem, job_id) + suffix)


def partial_files(path: str, job_id: str) -> list[str]:
    """List the job's unfinished files for this output that exist: the file itself, its sidecars, interim files."""
    folder, stem, _ = _split(path)
    prefix = _prefix(stem, job_id)
    try:
        names = os.listdir(folder or os.curdir)
    except OSError:  # no folder, no files
        return []
    return sorted(os.path.join(folder, name) for name in names if name.startswith(prefix))


def remove_partial(path: str, job_id: str) -> list[str]:
    """Delete the job's unfinished files for this output; return those that would not go."""
    stuck = []
    for name in partial_files(path, job_id):
        try:
            _remove(name)
        except FileNotFoundError:
            continue  # the other process was quicker
        except OSError:
            stuck.append(name)  # still open, on Windows: the caller may try again or tell
    return stuck


def discard_partials(paths: Iterable[str], job_id: str) -> list[str]:
    """Delete the unfinished files of all these outputs; return those that would not go."""
    return [name for path in paths if path for name in remove_partial(path, job_id)]


def publish(paths: Iterable[str], job_id: str) -> None:
    """Move all finished outputs and their sidecars to their places: the last act of a job.

    Sidecars of an older file of that name go, since they would describe the wrong pixels. When it returns, the outputs
    are on the disk: a power cut loses none of them.

    Raises:
        OutputFailed: an output is missing or cannot be moved, for instance because a program holds the old
            file open. What was not moved is deleted.
    """
    paths = [path for path in paths if path]
    replaced: list[str] = []
    try:
        for path in paths:
            sync_file(partial_path(path, job_id))
        for path in paths:
            _publish_one(path, job_id)
            replaced.append(path)
        for folder in {os.path.dirname(os.path.abspath(path)) for path in paths}:
            sync_folder(folder)
    except OSError as error:
        raise OutputFailed(
            f"The output {path} could not be put in its place ({error.strerror or error}). "
            + (f"Of the same run, {', '.join(replaced)} had been replaced already. " if replaced else "")
            + "Close other programs that use it, remove its layer from the project, or choose another name.",
            {"path": path, "replaced": replaced},
        ) from error
    finally:
        discard_partials(paths, job_id)


def publish_folder(path: str, job_id: str) -> None:
    """Move a finished folder to its place as a whole; what stood there goes.

    Other unfinished outputs of the job stay, even those of the same stem (a folder `town` and `town.html`).

    Raises:
        OutputFailed: it cannot be moved; the folder that stood there stays.
    """
    partial = partial_path(path, job_id)
    old = partial + ".old"
    try:
        if os.path.isdir(path):
            os.replace(path, old)
        try:
            os.replace(partial, path)
        except OSError:
            if os.path.isdir(old):
                os.replace(old, path)
            raise
    except OSError as error:
        raise OutputFailed(
            f"The folder {path} could not be put in its place ({error.strerror or error}). Close other programs that "
            "use it, or choose another name.",
            {"path": path},
        ) from error
    finally:
        if os.path.isdir(path):  # else the old one is all that there is
            shutil.rmtree(old, ignore_errors=True)


def _remove(name: str) -> None:
    if os.path.isdir(name) and not os.path.islink(name):
        shutil.rmtree(name)
    else:
        os.remove(name)


def _publish_one(path: str, job_id: str) -> None:
    partial = partial_path(path, job_id)
    partial_stem, stem = os.path.splitext(partial)[0], os.path.splitext(path)[0]
    os.replace(partial, path)
    sidecars = [(partial + end, path + end) for end in _SIDECARS_OF_FILE]
    sidecars += [(partial_stem + end, stem + end) for end in _SIDECARS_OF_STEM]
    for source, target in sidecars:
        if os.path.exists(source):
            os.replace(source, target)
        elif target.startswith(path):
            with suppress(FileNotFoundError):  # there is none, or another job was quicker
                os.remove(target)


def _split(path: str) -> tuple[str, str, str]:
    folder, name = os.path.split(path)
    stem, suffix = os.path.splitext(name)
    if not stem:
        raise ValueError(f"{path!r} names no file")
    return folder, stem, suffix


def _prefix(stem: str, job_id: str) -> str:
    if not is_job_id(job_id):  # an empty id would match, and delete, other jobs' files
        raise ValueError(f"job id {job_id!r} is not made of letters, digits, '_' and '-'")
    return f".{stem}.{job_id}.partial"

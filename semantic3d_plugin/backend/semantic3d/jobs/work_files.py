"""How files and folders of a work folder are made, read and removed, and what is said where the disk refuses."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from contextlib import contextmanager
from typing import Iterator, Mapping

from s3d_protocol import OutputFailed
from s3d_protocol.durable import replace_durably

from ..raster.writer import failed

_MOST_JSON_BYTES = 100_000
ABSENT = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


def write_whole(path: str, values: Mapping) -> None:
    """Write JSON aside, bring it to the disk and put it in its place.

    Raises:
        OSError: the disk refuses.
    """
    aside = f"{path}.{uuid.uuid4().hex[:8]}.partial"
    with open(aside, "w", encoding="utf-8") as file:
        json.dump(values, file, indent=1)
    replace_durably(aside, path)


@contextmanager
def at_work(folder: str) -> Iterator[None]:
    """Around what happens in a work folder: faults of the disk become ours, and say so where the folder is gone."""
    try:
        yield
    except (OutputFailed, OSError) as error:
        if not os.path.isdir(folder):
            raise OutputFailed(
                f"The work folder {folder} is gone: it was deleted or moved, or its disk was disconnected, while the "
                "job worked there. See to it that nothing touches it, then run the job again.",
                {"folder": folder},
            ) from error
        if isinstance(error, OSError):
            raise failed(error.filename or folder, error) from error
        raise


def make_folder(path: str) -> None:
    """Make a folder if it is not there; never the one in which it lies, which somebody may have deleted.

    Raises:
        OSError: the disk refuses. OutputFailed: it is a link.
    """
    try:
        os.mkdir(path)
    except FileExistsError:
        check_no_link(path)
        if not os.path.isdir(path):
            raise


def is_link(path: str) -> bool:
    """Tell whether a path is a link to elsewhere, or what Windows calls a junction (told from Python 3.12 on)."""
    return os.path.islink(path) or getattr(os.path, "isjunction", os.path.islink)(path)


def check_no_link(path: str) -> None:
    """Refuse a link in a folder's place: whoever may write there would choose what this process deletes.

    Raises:
        OutputFailed: it is one.
    """
    if is_link(path):
        raise OutputFailed(
            f"{path} is a link, and blocks are kept in plain folders alone: what it leads to stays as it is. Remove "
            "the link, then run the job again.",
            {"path": path},
        )


def read_json(path: str):
    """Return what a file holds; None where there is none, or it is torn or damaged.

    Raises:
        OSError: it is there and cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return json.loads(file.read(_MOST_JSON_BYTES))
    except (*ABSENT, ValueError, RecursionError):
        return None


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Around the reading of what an earlier run has left: a disk that fails for a moment must not cost its work."""
    try:
        yield
    except ABSENT:
        raise
    except OSError as error:
        raise OutputFailed(
            f"{path}, which an earlier run has left, cannot be read: {error.strerror or error}. Nothing was deleted. "
            "See to its disk and to who may read it, then run the job again: it continues. If that file stays "
            "unreadable, delete it: what it stands for is done again.",
            {"path": path},
        ) from error


def remove(path: str) -> None:
    """Delete a file, a folder with what is in it, or a link alone.

    Raises:
        OSError: the disk refuses.
    """
    if os.name == "nt" and is_link(path) and os.path.isdir(path):
        os.rmdir(path)  # as Windows wants it for links to folders and for junctions
    elif os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.remove(path)

"""A job on many images becomes a job on one: a virtual mosaic beside its first output, which stays."""

from __future__ import annotations

import hashlib
import os
import re
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Iterator

from s3d_protocol import InvalidParameter, JobControl, OutputFailed, ReconstructJob
from s3d_protocol.file_lock import Busy, FileLock

from ..raster.image_collection import find_images, is_collection
from ..raster.image_mosaic import mosaic_origin, write_mosaic
from .whole_outputs import file_number

_LOCK = ".lock"
_PAUSE_S = 0.1


@contextmanager
def as_one_image(job: ReconstructJob, control: JobControl) -> Iterator[ReconstructJob]:
    """Around the work: the job; where its image is a folder, a pattern or a STAC file, on the mosaic of the images.

    The mosaic's text depends on the images alone, and its name on where they lie, so that an interrupted job finds
    its blocks again. Until the work is done no other job writes it anew.

    Raises:
        InvalidInput: there are no images, or two do not fit together.
        InvalidParameter: an output is one of the images.
        OutputFailed: the mosaic cannot be written, or would become another one while a job works on it.
    """
    if not is_collection(job.image_path):
        yield job
        return
    target, images, origin = _look_for_images(job)
    control.log(f"{len(images)} images become one mosaic, {target}.")
    uses = _Uses(target)
    with uses.one_at_a_time(control):
        off_grid = write_mosaic(images, target, origin, control.check_cancelled, uses.check_none)
        uses.sweep()
        use = uses.begin(control.job_id)
    try:
        if off_grid:
            control.log(
                f"{len(off_grid)} of {len(images)} images lie off the pixel grid that most share, {off_grid[0]} for "
                "instance: they are resampled to it, which makes them a little softer.",
                "warning",
            )
        yield replace(job, image_path=target)
    finally:
        with suppress(OSError):  # its folder may have been taken away; the job says so
            use.release(remove=True)


def _look_for_images(job: ReconstructJob) -> tuple[str, list[str], str]:
    """Return where the mosaic will lie, the images, and what names them."""
    outputs = job.outputs()
    folder = os.path.dirname(os.path.abspath(next(iter(outputs.values()))))
    origin = os.path.abspath(job.image_path)
    plain = os.path.join(folder, f"{_stem(job.image_path)}_mosaic.vrt")
    target = plain
    if mosaic_origin(plain) not in ("", origin):  # of another folder of that name, and its layers may be in use
        target = os.path.join(folder, f"{_stem(job.image_path)}_{_digits(origin)}_mosaic.vrt")
    images = find_images(job.image_path, [plain, target])
    there = {file_number(image) for image in images} - {None}
    for name, path in outputs.items():
        if file_number(path) in there:
            raise InvalidParameter(
                f"The {name} output {path} is one of the images that {job.image_path} names. Put the outputs into "
                "another folder.",
                {"output": name, "path": path},
            )
    return target, images, origin


class _Uses:
    """Which jobs read a mosaic: each holds a lock of its own beside it, `.town_mosaic.vrt.<job's id>.lock`."""

    def __init__(self, target: str):
        folder, name = os.path.split(target)
        self._target, self._folder, self._prefix = target, folder, f".{name}."

    @contextmanager
    def one_at_a_time(self, control: JobControl) -> Iterator[None]:
        """Around looking for uses and beginning one, so that nobody begins in between; waits for whoever does that."""
        lock = None
        while lock is None:
            control.check_cancelled()
            with suppress(Busy):
                lock = self._lock("making")
            if lock is None:
                time.sleep(_PAUSE_S)
        try:
            yield
        finally:
            with suppress(OSError):
                lock.release(remove=True)

    def begin(self, job_id: str) -> FileLock:
        """Return the lock that the job holds as long as it reads the mosaic."""
        return self._lock(job_id)

    def check_none(self) -> None:
        """Check that no job reads the mosaic.

        Raises:
            OutputFailed: one does.
        """
        for name in self._names():
            try:
                FileLock(os.path.join(self._folder, name), needed=False).release(remove=True)
            except Busy as busy:
                who = f"Process {busy.pid}" if busy.pid else "Another process"
                raise OutputFailed(
                    f"{who} works on {self._target} and holds {name} there, and the images are others than when it "
                    "began: writing that mosaic anew would destroy its work. Wait for it and run the job again, or "
                    "put the outputs into another folder.",
                    {"pid": busy.pid, "path": self._target},
                ) from busy

    def sweep(self) -> None:
        """Remove the locks that killed jobs have left."""
        for name in self._names():
            with suppress(Busy, OSError):
                FileLock(os.path.join(self._folder, name), needed=False).release(remove=True)

    def _names(self) -> list[str]:
        found = (name for name in os.listdir(self._folder) if name.startswith(self._prefix) and name.endswith(_LOCK))
        return [name for name in found if name != f"{self._prefix}making{_LOCK}"]

    def _lock(self, what: str) -> FileLock:
        try:
            return FileLock(os.path.join(self._folder, f"{self._prefix}{what}{_LOCK}"), needed=False)
        except OSError as error:
            raise OutputFailed(
                f"The mosaic {self._target} cannot be used: {error.strerror or error}. Check that its folder is "
                "writable.",
                {"path": self._target},
            ) from error


def _stem(path: str) -> str:
    name = os.path.basename(os.path.abspath(path))  # "." and ".." have names, too
    return re.sub(r"[*?\[\]]+", "_", os.path.splitext(name)[0]).strip("_") or "images"


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:6]

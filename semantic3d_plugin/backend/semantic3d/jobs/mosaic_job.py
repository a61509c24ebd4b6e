"""A job on many images becomes a job on one: a virtual mosaic beside its first output, which stays."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import replace

from s3d_protocol import InvalidParameter, JobControl, ReconstructJob

from ..raster.image_collection import find_images, is_collection
from ..raster.image_mosaic import mosaic_origin, write_mosaic
from .whole_outputs import file_number


def as_one_image(job: ReconstructJob, control: JobControl) -> ReconstructJob:
    """Return the job; where its image is a folder, a pattern or a STAC file, on the mosaic of the images.

    The mosaic's text depends on the images alone, and its name on where they lie, so that an interrupted job finds
    its blocks again.

    Raises:
        InvalidInput: there are no images, or two do not fit together.
        InvalidParameter: an output is one of the images.
        OutputFailed: the mosaic cannot be written.
    """
    if not is_collection(job.image_path):
        return job
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
    control.log(f"{len(images)} images become one mosaic, {target}.")
    write_mosaic(images, target, origin, control.check_cancelled)
    return replace(job, image_path=target)


def _stem(path: str) -> str:
    name = os.path.basename(os.path.normpath(path))
    return re.sub(r"[*?\[\]]+", "_", os.path.splitext(name)[0]).strip("_") or "images"


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:6]

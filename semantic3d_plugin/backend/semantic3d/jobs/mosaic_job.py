"""A job on many images becomes a job on one: a virtual mosaic beside its first output, which stays."""

from __future__ import annotations

import os
import re
from dataclasses import replace

from s3d_protocol import InvalidParameter, JobControl, ReconstructJob

from ..raster.image_collection import find_images, is_collection
from ..raster.image_mosaic import write_mosaic


def as_one_image(job: ReconstructJob, control: JobControl) -> ReconstructJob:
    """Return the job; where its image is a folder, a pattern or a STAC file, on the mosaic of the images.

    The mosaic's name and text depend on the images alone, so that an interrupted job finds its blocks again.

    Raises:
        InvalidInput: there are no images, or two do not fit together.
        InvalidParameter: an output is one of the images.
        OutputFailed: the mosaic cannot be written.
    """
    if not is_collection(job.image_path):
        return job
    outputs = job.outputs()
    folder = os.path.dirname(os.path.abspath(next(iter(outputs.values()))))
    target = os.path.join(folder, f"{_stem(job.image_path)}_mosaic.vrt")
    images = find_images(job.image_path, [target])
    for name, path in outputs.items():
        if os.path.abspath(path) in images:
            raise InvalidParameter(
                f"The {name} output {path} is one of the images that {job.image_path} names. Put the outputs into "
                "another folder.",
                {"output": name, "path": path},
            )
    control.log(f"{len(images)} images become one mosaic, {target}.")
    write_mosaic(images, target, control.check_cancelled)
    return replace(job, image_path=target)


def _stem(path: str) -> str:
    name = os.path.basename(os.path.normpath(path))
    return re.sub(r"[*?\[\]]+", "_", os.path.splitext(name)[0]).strip("_") or "images"

"""Many images as many jobs: each a scene of its own, with outputs of its own."""
from __future__ import annotations

import os
import sys
from dataclasses import replace

from s3d_protocol import Cancelled, InvalidInput, InvalidParameter, JobControl, OutputFailed, ReconstructJob
from s3d_protocol import Semantic3DError

_OUTPUTS = ("height", "sigma", "land_cover")


def outputs_beside(stem: str) -> dict[str, str]:
    """The job's usual outputs, named after a path without its ending."""
    return {f"{name}_path": f"{stem}_{name}.tif" for name in _OUTPUTS}


def reconstruct_scenes(job: ReconstructJob, folder: str, control: JobControl) -> int:
    """Reconstruct every image that the job's image path names, one after the other; one that fails stops no other.

    A scene whose outputs are there is left out, so that the same call goes on where an earlier one ended.

    Args:
        job: what all scenes share.
        folder: of the outputs, made if need be.

    Returns:
        How many scenes failed; each one's reason is printed to standard error.

    Raises:
        InvalidInput: there are no images, or two have the same name.
        InvalidParameter: a parameter is wrong, for all of them.
        OutputFailed: the folder cannot be made.
        Cancelled: outputs of finished scenes stay.
    """
    from ..jobs import reconstruct

    scenes = _scenes(job, folder)
    failed = there = 0
    for number, scene in enumerate(scenes, 1):
        name = os.path.basename(scene.image_path)
        if all(os.path.exists(path) for path in scene.outputs().values()):
            there += 1
            continue
        control.log(f"Scene {number} of {len(scenes)}: {name}.")
        try:
            reconstruct.run(scene, control)
        except (Cancelled, InvalidParameter):
            raise
        except Semantic3DError as error:
            failed += 1
            control.log(f"{name}: {' '.join(error.message.split())}", "warning")
    done = len(scenes) - there - failed
    text = f"{len(scenes)} scenes: {done} done, {there} were there, {failed} failed. Results are in {folder}."
    print(text, file=sys.stderr if failed else sys.stdout)
    return failed


def _scenes(job: ReconstructJob, folder: str) -> list[ReconstructJob]:
    from ..raster.image_collection import find_images, is_collection

    images = find_images(job.image_path) if is_collection(job.image_path) else [job.image_path]
    by_stem: dict[str, str] = {}
    for image in images:
        stem = os.path.splitext(os.path.basename(image))[0]
        if stem in by_stem:
            raise InvalidInput(
                f"{by_stem[stem]} and {image} would have the same outputs, {stem}_height.tif and so on. Rename one, or "
                "reconstruct their folders one by one.",
                {"stem": stem},
            )
        by_stem[stem] = image
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise OutputFailed(f"The folder {folder} cannot be made: {error.strerror or error}.") from error
    return [
        replace(job, image_path=image, **outputs_beside(os.path.join(folder, stem)))
        for stem, image in by_stem.items()
    ]

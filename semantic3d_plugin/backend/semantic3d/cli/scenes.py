"""Many images as many jobs: each a scene of its own, with outputs of its own."""
from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field, replace

from s3d_protocol import (
    Cancelled, DeviceUnavailable, InternalError, InvalidInput, InvalidModel, InvalidParameter, JobControl,
    MissingDependency, OutputFailed, ReconstructJob, Semantic3DError,
)
from s3d_protocol.diagnosis import diagnose
from s3d_protocol.messages import shown_text

_OUTPUTS = ("height", "sigma", "land_cover")
_GENERIC = ("visual", "rgb", "tci", "image")  # in a STAC collection the next item's file is called so, too
_FOR_ALL = (Cancelled, DeviceUnavailable, InvalidModel, MissingDependency)  # the next scene would meet the same


@dataclass
class ScenesDone:
    """How many scenes were done now and before, and the names of those that failed."""

    done: int = 0
    there: int = 0
    failed: list = field(default_factory=list)


def outputs_beside(stem: str, names: tuple = _OUTPUTS) -> dict[str, str]:
    """The job's usual outputs, named after a path without its ending."""
    return {f"{name}_path": f"{stem}_{name}.tif" for name in names}


def reconstruct_scenes(job: ReconstructJob, folder: str, control: JobControl) -> ScenesDone:
    """Reconstruct every image that the job's image path names, one after the other; one that fails stops no other.

    A scene whose outputs are there is left out, so that the same call goes on where an earlier one ended.

    Args:
        job: what all scenes share.
        folder: of the outputs, made if need be.

    Raises:
        InvalidInput: there are no images, or two have the same name in folders of the same name.
        InvalidParameter: a parameter is wrong, or the folder is that of the images.
        InvalidModel, MissingDependency, DeviceUnavailable: no scene can be done.
        OutputFailed: the folder cannot be made.
        Cancelled: outputs of finished scenes stay.
    """
    from ..jobs import reconstruct

    scenes = _scenes(job, folder)
    found = ScenesDone()
    for number, (image, outputs) in enumerate(scenes.items(), 1):
        name = shown_text(os.path.basename(image))
        if all(os.path.exists(path) for path in outputs.values()):
            found.there += 1
            continue
        control.log(f"Scene {number} of {len(scenes)}: {name}.")
        try:
            reconstruct.run(replace(job, image_path=image, **outputs), control)
            found.done += 1
        except _FOR_ALL:
            raise
        except (Semantic3DError, MemoryError, OSError, RuntimeError) as fault:
            error = fault if isinstance(fault, Semantic3DError) else diagnose(fault)
            if isinstance(error, InternalError):
                raise
            found.failed.append(name)
            control.log(f"{name}: {' '.join(error.message.split())}", "warning")
    return found


def _scenes(job: ReconstructJob, folder: str) -> dict[str, dict[str, str]]:
    """Return each scene's image -> its outputs, when all is well with what the scenes share."""
    from ..jobs.layers import ROLES
    from ..models.package import load_package
    from ..raster.image_collection import find_images, is_collection

    many = is_collection(job.image_path)
    images = find_images(job.image_path) if many else [job.image_path]
    stems = _stems(images, folder, _GENERIC if many and os.path.isfile(job.image_path) else ())
    for image in images:
        if os.path.dirname(image) == os.path.abspath(folder):
            raise InvalidParameter(
                f"{folder} is the folder of the images: the results would be taken for scenes the next time. Name "
                "another."
            )
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise OutputFailed(f"The folder {folder} cannot be made: {error.strerror or error}.") from error
    given = load_package(job.model_path).output_names
    outputs = tuple(name for name in _OUTPUTS if all(role in given for role in ROLES[name]))
    replace(job, **outputs_beside(os.path.join(folder, "scene"), outputs)).check()
    return {image: outputs_beside(os.path.join(folder, stem), outputs) for image, stem in stems.items()}


def _stems(images: list[str], folder: str, generic: tuple) -> dict[str, str]:
    """Return what each scene's outputs are named after: its file, after its folder where files have the same name.

    Args:
        folder: of the outputs.
        generic: names that other files will have, too: after the folder from the first on, unless a result is there.
    """
    stems = {image: os.path.splitext(os.path.basename(image))[0] for image in images}
    counts = Counter(stem.casefold() for stem in stems.values())  # many disks do not tell A from a
    for image, stem in stems.items():
        is_there = any(os.path.exists(path) for path in outputs_beside(os.path.join(folder, stem)).values())
        if counts[stem.casefold()] > 1 or (stem.casefold() in generic and not is_there):
            stems[image] = f"{os.path.basename(os.path.dirname(image))}_{stem}"
    by_name: dict[str, str] = {}
    for image, stem in stems.items():
        other = by_name.setdefault(stem.casefold(), image)
        if other != image:
            raise InvalidInput(
                f"{other} and {image} would have the same outputs, {stem}_height.tif and so on. Rename one, "
                "or reconstruct them with folders of their own.",
                {"stem": stem},
            )
    return stems

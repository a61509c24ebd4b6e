"""Many images as many jobs: each a scene of its own, with outputs of its own."""
from __future__ import annotations

import os
import warnings
from collections import Counter
from contextlib import suppress
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

    A scene whose outputs are there is left out, so that the same call goes on where an earlier one ended. Those whose
    image is newer than its result are told.

    Args:
        job: what all scenes share.
        folder: of the outputs, made if need be.

    Raises:
        InvalidInput: there are no images, or two have the same name in folders of the same name.
        InvalidParameter: a parameter is wrong, the folder is that of the images, or it holds other results: of another
            model, overlap or extent.
        InvalidModel, MissingDependency, DeviceUnavailable: no scene can be done.
        OutputFailed: the folder cannot be made.
        Cancelled: outputs of finished scenes stay.
    """
    from ..jobs import reconstruct

    scenes = _scenes(job, folder)
    done = {image for image, outputs in scenes.items() if _are_there(outputs)}
    found = ScenesDone(there=len(done))
    _tell_newer({image: scenes[image] for image in scenes if image in done}, control)
    for number, (image, outputs) in enumerate(scenes.items(), 1):
        if image in done:
            continue
        name = shown_text(os.path.basename(image))
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
    package = load_package(job.model_path)
    outputs = tuple(name for name in _OUTPUTS if all(role in package.output_names for role in ROLES[name]))
    replace(job, **outputs_beside(os.path.join(folder, "scene"), outputs)).check()
    scenes = {image: outputs_beside(os.path.join(folder, stem), outputs) for image, stem in stems.items()}
    _refuse_other_results(job, package, scenes)
    return scenes


def _refuse_other_results(job: ReconstructJob, package, scenes: dict) -> None:
    """Raise InvalidParameter where a scene's results are there and other than this job would make them."""
    from ..jobs.reconstruct_plan import extent_text

    wanted = {"MODEL_SHA256": package.sha256, "OVERLAP_PX": str(job.overlap_px), "EXTENT": extent_text(job)}
    for outputs in scenes.values():
        path = next(iter(outputs.values()))
        found = _tags_of(path) if _are_there(outputs) else wanted
        other = [f"{name.lower().replace('_', ' ')} {found.get(name, 'unknown')} instead of {text}"
                 for name, text in wanted.items() if found.get(name) != text]
        if other:
            raise InvalidParameter(
                f"{path} is there, but is not what this job would make ({'; '.join(other)}), so results of two kinds "
                "would lie side by side. Name another folder for these, or delete the earlier results.",
                {"path": path},
            )


def _tags_of(path: str) -> dict[str, str]:
    """Return what a result says of the job that made it; nothing where it is no raster."""
    import rasterio

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            with rasterio.open(path) as source:
                return {name.removeprefix("SEMANTIC3D_"): text for name, text in source.tags().items()}
    except rasterio.errors.RasterioError:
        return {}


def _are_there(outputs: dict[str, str]) -> bool:
    return all(map(os.path.exists, outputs.values()))


def _tell_newer(scenes: dict, control: JobControl) -> None:
    """Warn of finished scenes whose image was written after its result."""
    newer = []
    for image, outputs in scenes.items():
        with suppress(OSError):  # in a store, where no clock is asked
            if os.path.getmtime(image) > os.path.getmtime(next(iter(outputs.values()))):
                newer.append(shown_text(os.path.basename(image)))
    if newer:
        control.log(
            f"{len(newer)} images are newer than their results, {newer[0]} for one. These results stay; delete them to "
            "have them made anew.",
            "warning",
        )


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

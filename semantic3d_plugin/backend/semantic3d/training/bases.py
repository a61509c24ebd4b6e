"""What a fine-tuning run starts from: the bundled model, another package, a pretrained base, or Stable Diffusion."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from safetensors import SafetensorError, safe_open

from s3d_protocol import InvalidModel, TrainJob, is_hub_id
from s3d_protocol.file_hash import file_hash
from s3d_protocol.messages import one_line

from ..metrics.calibration import Calibration
from ..models.adapted import AdaptedConfig, AdaptedDiffusion
from ..models.latent import CONFIGS, LatentDiffusion
from ..models.onnx_file import read_onnx_header
from ..models.package import ModelPackage, load_package, package_summary
from .hub import from_hub
from .onnx_weights import SCALE_KEY, TABLE_KEY
from .packaging import STANDARD_CLASSES
from .pretrain import load_weights
from .small import GSD_M, SMALL_ADAPTATION, TILE_PX, continued_model
from .stable_diffusion import StableDiffusion, read_folder

SMALL_GSD_RANGE_M = (0.2, 1.2)
SHAPE_FIELDS = ("train_encoder", "decoder_channels", "shortcuts", "pyramid", "height_by_class", "smooth", "alpha_min")
_UNPINNED = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")  # ORG/NAME, as the hub has it
_DIFFUSION = "stable_diffusion_"
_MOST_IMAGES = 20  # that a manifest names
_LARGEST_SHAPE = 2048  # more channels than any decoder has
_LARGEST_TILE_PX = 512  # what the paper runs; memory grows with its square
_PRETRAINED = {
    "s3d_small": (SMALL_ADAPTATION, TILE_PX),
    "tiny": (replace(SMALL_ADAPTATION, decoder_channels=16), 64),  # for tests of the machinery
}


@dataclass(frozen=True)
class Base:
    """A model to start from, and what its package says.

    Attributes:
        name: for people.
        identity: hash of the package or file.
        config_name: of the latent model's shape; adaptation: of the rest.
        gsd_m, gsd_range_m, tile_px: of the model's input.
        classes: as the manifest writes them.
        licence: of the weights; training_data: as the manifest writes it.
        package: where it is one; has_decoder is true then.
        path: of a pretrained base.
        diffusion: where it is Stable Diffusion.
    """

    name: str
    identity: str
    config_name: str
    adaptation: AdaptedConfig
    gsd_m: float
    gsd_range_m: tuple
    tile_px: int
    classes: list[dict]
    licence: str
    training_data: list[dict]
    package: ModelPackage | None = None
    path: str = ""
    diffusion: StableDiffusion | None = None

    @property
    def has_decoder(self) -> bool:
        """Whether the base already gives heights and land cover."""
        return self.package is not None

    @property
    def calibration(self) -> Calibration:
        """Of its standard deviations, as its package states it; whom it covers here is not known."""
        if self.package is None:
            return Calibration(1.0, 1.0, math.nan, math.nan)
        stated = self.package
        return Calibration(
            stated.predictive_std_scale, stated.predictive_std_power, math.nan, math.nan, stated.intervals
        )

    def model(self, lora_rank: int) -> AdaptedDiffusion:
        """The network with a fresh adapter of this rank, ready to train.

        Raises:
            InvalidModel: the weights do not fit the shape that the package or file states.
        """
        adaptation = replace(self.adaptation, unet_training="lora", lora_rank=lora_rank)
        if self.diffusion is not None:
            return AdaptedDiffusion(self.diffusion.load(), adaptation)
        try:
            if self.package is not None:
                return continued_model(self.package.read_onnx(), adaptation, self.config_name)
            base = load_weights(LatentDiffusion.from_config(CONFIGS[self.config_name]), Path(self.path))
        except (ValueError, RuntimeError, KeyError) as error:  # torch says a wrong shape as RuntimeError
            raise InvalidModel(f"The weights of {self.name} do not fit its shape: {str(error)[:300]}") from error
        return AdaptedDiffusion(base, adaptation)


def find_base(path: str = "") -> Base:
    """Read what to start from, without its weights.

    Args:
        path: "" for the bundled model, a package (folder or zip), a pretrained base (.safetensors), a diffusers folder,
            or ORG/NAME@COMMIT on the hub.

    Raises:
        InvalidModel: there is none, or it cannot be trained further.
    """
    if path.lower().endswith(".safetensors"):
        return _pretrained(path)
    if is_hub_id(path):
        return _stable_diffusion(from_hub(path))
    if path and (os.path.isdir(os.path.join(path, "unet")) or os.path.isfile(os.path.join(path, "model_index.json"))):
        folder = Path(path).resolve()
        return _stable_diffusion(read_folder(folder, folder.name, folder))
    if _UNPINNED.fullmatch(path) and not os.path.exists(path):
        raise InvalidModel(
            f"There is no model at {path}. If a repository of the Hugging Face hub is meant, write {path}@ and the 40 "
            "hex digits of a commit; else give the path of a package, of a base (.safetensors) or of a diffusers "
            "folder."
        )
    package = load_package(path)
    if package.kind != "semantic3d" or package.onnx_name is None:
        raise InvalidModel(
            f'The model "{package.name}" is no package of Semantic 3D with an ONNX file. Choose another base.'
        )
    if str(package.architecture.get("config", "")).startswith(_DIFFUSION):
        raise InvalidModel(
            f'The model "{package.name}" was fine-tuned from Stable Diffusion, which training can start from, but not '
            "go on from its package. Give the base itself: its diffusers folder, or ORG/NAME@COMMIT."
        )
    metadata = read_onnx_header(package.read_onnx(), package.onnx_name).metadata
    if TABLE_KEY not in metadata or SCALE_KEY not in metadata:
        raise InvalidModel(
            f'The model "{package.name}" {package.version} does not say where its parameters are, so that it cannot be '
            "trained further. Choose a package made by a newer version, or a pretrained base (base.safetensors)."
        )
    if (package.normalisation_mean, package.normalisation_std) != ((0.5,) * 3, (0.5,) * 3):
        raise InvalidModel(f'The model "{package.name}" has a normalisation of its own, which training does not know.')
    return _of_package(package)


def _checked_shape(package: ModelPackage) -> dict:
    """What a package says of its network's shape, of the right types and of a size that can be.

    Raises:
        InvalidModel: something is not.
    """
    stated = package.architecture
    if stated.get("config", "s3d_small") not in tuple(CONFIGS):
        raise InvalidModel(
            f'The model "{package.name}" has the shape {str(stated["config"])[:60]!r}; known are {", ".join(CONFIGS)}.'
        )
    for name in SHAPE_FIELDS:
        value, usual = stated.get(name), getattr(SMALL_ADAPTATION, name)
        kinds = (int, float) if isinstance(usual, float) else (type(usual),)
        if name in stated and (type(value) not in kinds or not 0 <= value <= _LARGEST_SHAPE):
            raise InvalidModel(
                f'The model "{package.name}" says {name} = {str(value)[:60]!r} of its architecture, which cannot be. '
                "Get the package again."
            )
    return stated


def _of_package(package: ModelPackage) -> Base:
    stated = _checked_shape(package)
    config_name = stated.get("config", "s3d_small")
    # a package that does not speak of smooth maps is older than them
    shape = {"smooth": False, **{name: stated[name] for name in SHAPE_FIELDS if name in stated}}
    adaptation = replace(
        SMALL_ADAPTATION, timestep=package.timestep, class_count=len(package.classes),
        height_scale_m=package.height_scale_m, **shape,
    )
    summary = package_summary(package)
    return Base(
        name=f"{package.name} {package.version}".strip(), identity=package.sha256, config_name=config_name,
        adaptation=adaptation, gsd_m=package.gsd_m, gsd_range_m=package.gsd_range_m, tile_px=package.tile_size_px,
        classes=[{"id": item.id, "name": item.name, "colour": item.colour} for item in package.classes],
        licence=package.licence, training_data=[dict(item) for item in summary["training_data"]], package=package,
    )


def _pretrained(path: str) -> Base:
    if not os.path.isfile(path):
        raise InvalidModel(f"There is no pretrained base at {path}.")
    try:
        with safe_open(path, framework="pt") as opened:
            metadata = opened.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise InvalidModel(f"{path} is not a safetensors file, or it is damaged ({error}).") from error
    config_name = metadata.get("config", "s3d_small")
    if "scaling_factor" not in metadata or config_name not in _PRETRAINED:
        raise InvalidModel(
            f"{path} is no pretrained base of this project: scripts/train_base.py writes one. Known shapes: "
            f"{', '.join(_PRETRAINED)}."
        )
    adaptation, tile_px = _PRETRAINED[config_name]
    return Base(
        name=os.path.basename(path), identity=file_hash(path), config_name=config_name, adaptation=adaptation,
        gsd_m=GSD_M, gsd_range_m=SMALL_GSD_RANGE_M, tile_px=tile_px, classes=STANDARD_CLASSES,
        licence="GPL-2.0-or-later", training_data=[], path=path,
    )


def _stable_diffusion(found: StableDiffusion) -> Base:
    """The paper's model: a frozen encoder, a decoder of 128 channels, one height branch."""
    return Base(
        name=found.name, identity=found.identity, config_name=_DIFFUSION + found.family, adaptation=AdaptedConfig(),
        gsd_m=GSD_M, gsd_range_m=SMALL_GSD_RANGE_M, tile_px=min(_LARGEST_TILE_PX, found.side_px),
        classes=STANDARD_CLASSES, licence=found.licence,
        training_data=[{"name": f"of the base {one_line(found.name)}", "licence": found.licence, "attribution": ""}],
        diffusion=found,
    )


def images_text(paths: tuple) -> str:
    """The images that a model learnt from, as its manifest names them."""
    return ", ".join(one_line(Path(path).name) for path in paths[:_MOST_IMAGES])


def split_settings(job: TrainJob) -> dict:
    """What decides which blocks of the same images and labels are held out, as the manifest states it."""
    return {"seed": job.seed, "block_m": job.block_m, "validation_share": job.validation_share}


def learnt_before_text(base: Base, job: TrainJob) -> str:
    """A warning where a package learnt from images of the same names, whose blocks may now be held out; else ""."""
    known = [f", {item['name']}, " for item in base.training_data]
    names = [one_line(Path(path).name) for path in job.image_paths]
    again = [name for name in names if any(f", {name}, " in text for text in known)]
    if base.package is None or not again:
        return ""
    same_images = any(item["name"] == images_text(job.image_paths) for item in base.training_data)
    if same_images and base.package.validation.get("split") == split_settings(job):
        return ""
    shown = ", ".join(again[:3]) + (" and others" if len(again) > 3 else "")
    return (
        f"{base.name} learnt from images of the same names ({shown}), so that blocks which are held out now may have "
        "been learnt from, and the figures be too good. Give the same images, labels, SEED, BLOCK and VALIDATION_SHARE "
        "as then, or start from the bundled model."
    )


def architecture_of(base: Base, lora_rank: int) -> dict:
    """The manifest's `architecture`: what training needs to know to go on from the package."""
    shape = {name: getattr(base.adaptation, name) for name in SHAPE_FIELDS}
    stated = {"config": base.config_name, **shape, "lora_rank": lora_rank}
    if base.diffusion is not None:
        stated["base"] = {"name": base.name, "sha256": base.identity, "files": dict(base.diffusion.hashes)}
    return stated

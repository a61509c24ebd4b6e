"""The training job: its parameters, their defaults and their checks."""

from __future__ import annotations

import math
import os
import re
import reprlib
from dataclasses import dataclass
from typing import ClassVar

from .errors import InvalidParameter
from .job_base import MIN_MEMORY_MB, Job, check_at_least, check_bands, check_device, same_file_key
from .messages import one_line

HEIGHT_LOSSES = ("smooth_l1", "mse")
RANKS = (8, 256)
PATCH_MULTIPLE_PX = 32  # the network halves a patch five times
CHECKPOINTING = ("auto", "on", "off")
_HUB_ID = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)@(\S*)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CLASS_PAIR = re.compile(r"(-?[0-9]{1,15})\s*=\s*([0-9]{1,15})")
_TEXT_PAIR = re.compile(r"(\S(?:.*\S)?)\s*=\s*([0-9]{1,15})")


@dataclass(frozen=True)
class TrainJob(Job):
    """Fine-tune a model on the user's own rasters; the result is a model package.

    References may have any grid and CRS. Several rasters of a kind are merged: the first with a value wins.

    Attributes:
        image_paths: orthophotos.
        ndsm_paths: heights above ground, metres; or
        dsm_paths, dtm_paths: surface and ground, metres, whose difference is the height.
        land_cover_paths: class rasters.
        class_map: "10=1,20=3": value in the class rasters = class id of the model; empty takes values as ids.
            0 is unknown; 11 is ground of unknown kind (class 1 or 2 of the bundled model's classes). With a
            class_field it is also "house=4,garden=2", and holds for rasters and polygons alike; without a number in
            it, the rasters' values are ids.
        buildings_path: building polygons as GeoJSON, in the images' CRS or that of its own `crs` member. Within
            the rectangle around them, what no polygon and no class raster covers is known to be no building.
        class_field: field of the polygons whose value, by class_map, is their class; "" takes all for buildings. With
            it nothing is known outside of the polygons: they need not show every building. Polygons whose value is
            missing or has no class count for nothing; where two overlap, the first with a class wins.
        bands: one-based bands that hold red, green and blue; empty lets each image say.
        base_path: what to start from: "" for the bundled model, a model package, a pretrained base (.safetensors), or
            Stable Diffusion 1.5, 2.0, 2.1 or XL as a diffusers folder or as ORG/NAME@COMMIT on the Hugging Face hub.
        lora_rank: rank of the adapter.
        steps, batch_size, patch_px: length of the run, patches per step, side of a patch (multiple of 32).
        accumulation: batches whose gradients make one step; costs time in the place of memory.
        gradient_checkpointing: on computes activations again instead of keeping them: less memory, more time, the same
            result; auto is on for Stable Diffusion.
        learning_rate, weight_decay: of AdamW.
        penalty_weight: lambda of the evidential penalty.
        height_loss: smooth_l1 (robust) or mse (the paper's).
        validation_share: share of labelled blocks kept out of training.
        block_m: side of the blocks that are split, metres.
        validate_every: steps from one validation to the next.
        patience: validations without gain after which training ends; 0 never ends early.
        seed: of the split, the adapter's first weights and the patches.
        device: auto, cpu or cuda.
        max_memory_mb: main memory that images and labels may take, in MB.
        model_name, title: of the package that is written.
        package_path: folder to create; an earlier package there is replaced.
        report_path: HTML report to write; empty is none.
    """

    kind: ClassVar[str] = "train"

    image_paths: tuple
    package_path: str
    ndsm_paths: tuple = ()
    dsm_paths: tuple = ()
    dtm_paths: tuple = ()
    land_cover_paths: tuple = ()
    class_map: str = ""
    buildings_path: str = ""
    bands: tuple = ()
    base_path: str = ""
    lora_rank: int = 32
    steps: int = 1000
    batch_size: int = 4
    patch_px: int = 256
    learning_rate: float = 3e-4
    weight_decay: float = 0.1
    penalty_weight: float = 0.2
    height_loss: str = "smooth_l1"
    validation_share: float = 0.2
    block_m: float = 256.0
    validate_every: int = 100
    patience: int = 0
    seed: int = 1
    device: str = "auto"
    max_memory_mb: int = 4096
    model_name: str = "fine_tuned"
    title: str = "Fine-tuned model"
    report_path: str = ""
    accumulation: int = 1
    gradient_checkpointing: str = "auto"
    class_field: str = ""

    def check(self) -> None:
        self._check_inputs()
        check_bands(self.bands)
        pairs = read_class_map(self.class_map, with_texts=bool(self.class_field))
        if pairs and not (self.land_cover_paths or self.class_field):
            raise InvalidParameter(
                f"The class map {reprlib.repr(self.class_map)} has nothing to map. Give the land cover whose values it "
                "names, or polygons and their field with the class; or leave the class map empty."
            )
        check_hub_id(self.base_path)
        self._check_numbers()
        check_device(self.device)
        self._check_outputs()

    def outputs(self) -> dict[str, str]:
        paths = {"package": self.package_path.rstrip("/\\"), "report": self.report_path}
        return {name: path for name, path in paths.items() if path}

    def _check_inputs(self) -> None:
        for name in ("image_paths", "ndsm_paths", "dsm_paths", "dtm_paths", "land_cover_paths"):
            if not all(isinstance(path, str) and path for path in getattr(self, name)):
                raise InvalidParameter(f"{name} is {list(getattr(self, name))}. Give paths of rasters.")
        if not self.image_paths:
            raise InvalidParameter("No image is given. Choose at least one orthophoto to learn from.")
        if self.ndsm_paths and (self.dsm_paths or self.dtm_paths):
            raise InvalidParameter("Both nDSM and DSM or DTM are given. Give the nDSM, or DSM with DTM.")
        if bool(self.dsm_paths) != bool(self.dtm_paths):
            given, missing = ("DSM", "DTM") if self.dsm_paths else ("DTM", "DSM")
            raise InvalidParameter(f"A {given} is given without a {missing}. Heights above ground need both.")
        if self.class_field and not self.buildings_path:
            raise InvalidParameter(
                f"The class field {self.class_field!r} is given without polygons. Give the polygons that have it, or "
                "no field."
            )
        if not (self.ndsm_paths or self.dsm_paths or self.land_cover_paths or self.buildings_path):
            raise InvalidParameter(
                "There is nothing to learn from. Give heights (an nDSM, or DSM with DTM), land cover or buildings."
            )

    def _check_numbers(self) -> None:
        if not RANKS[0] <= self.lora_rank <= RANKS[1]:
            raise InvalidParameter(f"The LoRA rank is {self.lora_rank}. Give {RANKS[0]} to {RANKS[1]}.")
        check_at_least("number of steps", self.steps, 1, "steps")
        check_at_least("batch size", self.batch_size, 1, "patches")
        if self.patch_px < 64 or self.patch_px % PATCH_MULTIPLE_PX:
            raise InvalidParameter(
                f"The patch is {self.patch_px} pixels. Give a multiple of {PATCH_MULTIPLE_PX} from 64 on, such as 256."
            )
        for label, value, low, high in (
            ("learning rate", self.learning_rate, 1e-8, 1.0),
            ("weight decay", self.weight_decay, 0.0, 1.0),
            ("penalty weight", self.penalty_weight, 0.0, 100.0),
            ("validation share", self.validation_share, 0.01, 0.9),
            ("block", self.block_m, 1.0, 1e5),
        ):
            if not (math.isfinite(value) and low <= value <= high):
                raise InvalidParameter(f"The {label} is {value:g}. Give {low:g} to {high:g}.")
        if self.height_loss not in HEIGHT_LOSSES:
            raise InvalidParameter(
                f"The height loss is {self.height_loss!r}. Choose one of {', '.join(HEIGHT_LOSSES)}."
            )
        if self.gradient_checkpointing not in CHECKPOINTING:
            raise InvalidParameter(
                f"Gradient checkpointing is {self.gradient_checkpointing!r}. Choose one of {', '.join(CHECKPOINTING)}."
            )
        check_at_least("accumulation", self.accumulation, 1, "batches")
        check_at_least("validation interval", self.validate_every, 1, "steps")
        check_at_least("patience", self.patience, 0, "validations")
        check_at_least("seed", self.seed, 0, "")
        check_at_least("memory limit", self.max_memory_mb, MIN_MEMORY_MB, "MB")
        if _NAME.fullmatch(self.model_name) is None:
            raise InvalidParameter(
                f"The model's name is {self.model_name!r}. Give up to 64 letters, digits, '.', '_' and '-', "
                "with a letter or digit first."
            )
        if not one_line(self.title):
            raise InvalidParameter("The model's title is empty. Give a few words that say what it is.")

    def _check_outputs(self) -> None:
        if not self.package_path:
            raise InvalidParameter("No folder is given for the model package. Name one to create.")
        if not self.report_path:
            return
        if not self.report_path.lower().endswith((".html", ".htm")):
            raise InvalidParameter(
                f"The report is {self.report_path}, but it is written as HTML. Choose a name that ends in .html."
            )
        package, report = same_file_key(self.package_path), same_file_key(self.report_path)
        if report == package or report.startswith(package + os.sep):
            raise InvalidParameter(
                f"The report {self.report_path} lies inside the package {self.package_path}, which may hold only its "
                "own files. Choose another place for the report."
            )


def is_hub_id(text: str) -> bool:
    """Whether a base is one of the hub, ORG/NAME@..., and no file here."""
    return _HUB_ID.fullmatch(text) is not None and not os.path.exists(text)


def check_hub_id(text: str) -> None:
    """Check that a base of the hub is pinned to a commit, so that it cannot change.

    Raises:
        InvalidParameter: it is not.
    """
    if is_hub_id(text):
        name, revision = _HUB_ID.fullmatch(text).groups()
        if _COMMIT.fullmatch(revision) is None:
            raise InvalidParameter(
                f"The base {text} is not pinned to a commit. Write {name}@ and the 40 hex digits of one; a branch or "
                "tag can come to mean other files."
            )


def usual_validate_every(steps: int) -> int:
    """Return the steps from one validation to the next where nobody chose them: ten times in a short run."""
    return max(1, min(TrainJob.validate_every, steps // 10))


def model_name_of(package_path: str) -> str:
    """A model's name made from its folder's: letters, digits, '.', '_' and '-'."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", os.path.basename(os.path.abspath(package_path))).strip("._-")
    return name[:64] or TrainJob.model_name


def read_class_map(text: str, with_texts: bool = False) -> dict:
    """Read "10=1,20=3" (commas, semicolons or lines between) as value in the raster -> class id.

    Args:
        with_texts: values may be texts, too, as fields of polygons hold them; whole numbers stay numbers.

    Raises:
        InvalidParameter: it reads otherwise, or a value has two classes.
    """
    pairs: dict = {}
    example, place = ("house=4,garden=2", "field") if with_texts else ("10=1,20=3", "raster")
    for part in re.split(r"[,;\n]+", text):
        if not part.strip():
            continue
        number = _CLASS_PAIR.fullmatch(part.strip())
        match = number or (_TEXT_PAIR.fullmatch(part.strip()) if with_texts else None)
        if match is None:
            raise InvalidParameter(
                f"The class map holds {part.strip()!r}. Write pairs like {example}: value in the {place} = class id."
            )
        value, class_id = int(match[1]) if number else match[1], int(match[2])
        if pairs.setdefault(value, class_id) != class_id:
            raise InvalidParameter(f"The class map gives the value {value} two classes. Give each value one.")
    return pairs

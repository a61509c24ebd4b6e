"""The train job: fine-tune a model on the user's rasters and write it as a package.

Data are read and judged before any weights load. The run's checkpoints lie beside the package, so that the same
job goes on where it was broken off; package and report are put in their places at the very end.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s3d_protocol import (
    DeviceUnavailable,
    InvalidParameter,
    JobControl,
    MissingDependency,
    OutputFailed,
    TrainJob,
    discard_partials,
    partial_path,
    publish,
    publish_folder,
)

from ..datasets.blocks import Split, split_scenes
from ..datasets.user_rasters import ClassTable, ReadScenes, read_scenes
from ..models.package_manifest import FILE_SUFFIXES, MANIFEST_NAME
from ..training.run_folder import RunIdentity, check_run_folder, clear, held

FULL_PACKAGES = ("torch", "diffusers", "peft", "accelerate", "onnx", "onnxscript", "safetensors")
_DECIDING = (  # settings that decide about the weights, beside data and base
    "lora_rank", "steps", "batch_size", "patch_px", "learning_rate", "weight_decay", "penalty_weight", "height_loss",
    "validation_share", "block_m", "validate_every", "seed",
)


@dataclass(frozen=True)
class Prepared:
    """A job that was looked over: what it starts from, what it learns from, where it runs."""

    job: TrainJob
    base: object  # training.bases.Base, which needs torch to be imported
    data: ReadScenes
    split: Split
    classes: ClassTable
    device: str
    identity: RunIdentity
    batches_per_step: int = 1

    @property
    def fingerprint(self) -> str:
        """Of settings, base and data together."""
        return self.identity.fingerprint


def run(job: TrainJob, control: JobControl) -> dict:
    """Do the job.

    Returns:
        validation_mae_m, validation_rmse_m, building_iou (None where not labelled), accuracy, steps_done,
        best_step, seconds, device, megapixels, warnings, outputs. Nothing in a process that was launched beside the
        first: that one writes and reports.

    Raises:
        Semantic3DError: InvalidParameter, InvalidInput, InvalidModel, MissingDependency, OutOfMemory,
            OutputFailed (also where another job trains for this package) before or during the work; Cancelled, which
            leaves no package but the checkpoint.
    """
    started_s = time.monotonic()
    job.check()
    check_places(job)
    check_packages()
    outputs = job.outputs()
    team = launched_team(job)
    if not team.is_first:
        _train_along(job, control, team)
        return {}
    with held(checkpoint_folder(job)):
        try:
            prepared = prepare(job, control, team.count)
            values = _train(prepared, control, team)
            control.check_cancelled()
            publish_folder(outputs["package"], control.job_id)
            publish([outputs.get("report", "")], control.job_id)
        finally:
            discard_partials(outputs.values(), control.job_id)
        with suppress(OSError):  # the package is there; what will not go is no failure of the job
            clear(checkpoint_folder(job))
    return {**values, "seconds": time.monotonic() - started_s, "outputs": outputs}


def checkpoint_folder(job: TrainJob) -> Path:
    """Where the run's checkpoints lie: beside the package."""
    return Path(job.outputs()["package"] + ".training")


def check_places(job: TrainJob) -> None:
    """Check that package, checkpoint and report can be written.

    Raises:
        OutputFailed: a folder is missing or not writable, or a place is taken by something else.
    """
    outputs = job.outputs()
    for name, path in outputs.items():
        folder = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(folder):
            raise OutputFailed(f"The folder {folder} for the {name} does not exist. Create it first.")
        if not os.access(folder, os.W_OK):
            raise OutputFailed(f"The folder {folder} for the {name} is not writable. Choose another folder.")
    package = outputs["package"]
    if os.path.isdir(package):
        names = os.listdir(package)
        is_package = MANIFEST_NAME in names and all(name.lower().endswith(FILE_SUFFIXES) for name in names)
        if names and not is_package:
            raise OutputFailed(
                f"The folder {package} holds other things than a model package ({names[0]}). Choose a new folder."
            )
    elif os.path.exists(package):
        raise OutputFailed(f"{package} is a file. Give the name of a folder for the model package.")
    check_run_folder(checkpoint_folder(job))
    if os.path.isdir(outputs.get("report", "")):
        raise OutputFailed(f"The report {outputs['report']} is a folder. Give the name of a file.")


def check_packages() -> None:
    """Check that this Python can train.

    Raises:
        MissingDependency: it is the light environment.
    """
    missing = [name for name in FULL_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingDependency(
            f"Training needs the full environment; this one lacks {', '.join(missing)}. Run \"Set up the backend\" "
            '(semantic3d:setup_backend) with PROFILE=full, or pip install "semantic3d[cpu,train]".',
            {"missing": missing},
        )


def launched_team(job: TrainJob):
    """The processes that `accelerate launch` started together, as `training.team.Team`."""
    from ..training.team import find_team

    return find_team(job.device)


def prepare(job: TrainJob, control: JobControl, processes: int = 1) -> Prepared:
    """Read base and data, and split them.

    Args:
        processes: that train together.

    Raises:
        Semantic3DError: something does not fit; the message says what.
    """
    from ..training.bases import find_base, learnt_before_text
    from ..training.patches import PatchConfig, mirroring_text

    device = _device(job.device)
    base = find_base(job.base_path)
    classes = ClassTable.of(base.classes)
    control.log(f"Starting from {base.name}, on {device}. Reading images and labels at {base.gsd_m:g} m.")
    data = read_scenes(job, base.gsd_m, base.gsd_range_m, classes, control)
    for text in data.facts:
        control.log(text)
    control.log(
        f"{data.megapixels:.2f} megapixels in {len(data.scenes)} image(s); heights on {data.height_share:.0%}, "
        f"land cover on {data.class_share:.0%}."
    )
    split = split_scenes(data.scenes, job.block_m, job.validation_share, job.seed, base.tile_px)
    control.log(
        f"{len(split.training)} blocks to learn from, {len(split.validation)} to validate on, {split.guard_m:g} m "
        "between."
    )
    data.warnings += missing_labels(split, base.has_decoder)
    others = learnt_before_text(base, job), mirroring_text(split.training, PatchConfig(job.patch_px))
    data.warnings += filter(None, others)
    for text in data.warnings:
        control.log(text, "warning")
    identity = identify(job, base, split, control, processes)
    return Prepared(job, base, data, split, classes, device, identity, job.accumulation * processes)


def missing_labels(split: Split, base_has_decoder: bool) -> list[str]:
    """What the model cannot learn from these labels, as sentences."""
    then = "changes with the rest of the model, with nothing to keep it right"  # all but its last layer is shared
    if not base_has_decoder:
        then = "means nothing in the new model"
    found = []
    if not any(sample.has_heights for sample in split.training):
        found.append(f"No heights lie in the training blocks: the height {then}.")
    if not any(sample.has_land_cover for sample in split.training):
        found.append(f"No land cover lies in the training blocks: the land cover {then}.")
    if found and len(found) == 2:
        raise InvalidParameter("No labels lie in the training blocks. Change the seed or the size of the blocks.")
    return found + _unheld_labels(split)


def _unheld_labels(split: Split) -> list[str]:
    """What is learnt but cannot be judged, because no held-out block has it, as sentences."""
    then = "Change the seed, make the blocks smaller, or hold out a larger share."
    found = []
    parts = split.training, split.validation
    if [any(sample.has_heights for sample in part) for part in parts] == [True, False]:
        found.append(
            f"Heights lie in the {len(split.training)} training blocks, but in none of the {len(split.validation)} "
            "held-out ones: the best weights are chosen by land cover alone, no height figure is given, and sigma is "
            f"not calibrated on them. {then}"
        )
    if [any(sample.has_land_cover for sample in part) for part in parts] == [True, False]:
        found.append(
            f"Land cover lies in the {len(split.training)} training blocks, but in none of the "
            f"{len(split.validation)} held-out ones: the best weights are chosen by heights alone, and no figure of "
            f"the land cover is given. {then}"
        )
    return found


def identify(job: TrainJob, base, split: Split, control: JobControl, processes: int = 1) -> RunIdentity:
    """Identity of everything that decides about the result: settings, base, and every pixel learnt from.

    Whether a step's batches come one after another or from several processes decides nothing; patience only says when
    to stop, and is in the fingerprint because earlier versions had it there.
    """
    settings = {name: getattr(job, name) for name in _DECIDING} | {"batches_per_step": job.accumulation * processes}
    whole, data = hashlib.sha256(), hashlib.sha256()
    whole.update(json.dumps({**settings, "patience": job.patience}, sort_keys=True).encode())
    for digest in (whole, data):
        digest.update(base.identity.encode())
    for part in (split.training, split.validation):
        for digest in (whole, data):
            digest.update(b"|")
        for sample in part:
            control.check_cancelled()
            around = sample.surroundings
            for layer in (sample.rgb, sample.ndsm_m, sample.land_cover, *([] if around is None else [around.rgb])):
                for digest in (whole, data):
                    digest.update(str(layer.shape).encode())
                    digest.update(np.ascontiguousarray(layer))
    return RunIdentity(whole.hexdigest(), settings, data.hexdigest())


def _device(wanted: str) -> str:
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise DeviceUnavailable(
            "CUDA is asked for, but torch finds no NVIDIA GPU that it can use here. Choose auto or cpu, or set the "
            "backend up with ACCELERATOR=cuda."
        )
    return "cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu"


def _train(prepared: Prepared, control: JobControl, team) -> dict:
    """Train, and write package and report aside; returns the job's values but the time."""
    from ..training.fine_tune import Ledger, fine_tune
    from ..training.packaging import package_model, stored_model
    from ..training.scoring import calibration_of, score, score_constants
    from .train_finish import Outcome, describe, result_values, write_report_aside
    from .train_setup import make_run, make_source, trainable_model

    job, base, split = prepared.job, prepared.base, prepared.split
    code = prepared.classes.building_code
    plain = score_constants(split.training, split.validation, len(base.classes), code)
    model = trainable_model(prepared)
    run_settings = make_run(prepared, plain)
    ledger = Ledger(checkpoint_folder(job), prepared.identity, control.log)
    team.wait()  # for another job's checkpoint to be gone
    control.progress(0, job.steps, "steps", text="Validating the base")
    steps_done = fine_tune(model, make_source(prepared), split.validation, run_settings, ledger, control, team)
    team.leave()
    control.log(f"Best trained weights: after step {ledger.best.step}. Merging, calibrating, exporting.")
    stored = stored_model(model)
    residuals: list = []
    scores = score(
        stored, split.validation, base.tile_px, len(base.classes), code, control.check_cancelled, residuals
    )
    calibration = calibration_of(residuals, base.calibration)
    outcome = Outcome(prepared, ledger.rows, ledger.best.step, steps_done, scores, plain, calibration)
    manifest, card = describe(outcome)
    control.check_cancelled()
    aside = partial_path(job.outputs()["package"], control.job_id)
    package_model(aside, stored, base.tile_px, manifest, card)
    for text in outcome.warnings:
        control.log(text, "warning")
    if job.report_path:
        write_report_aside(outcome, card, partial_path(job.report_path, control.job_id))
    return result_values(outcome)


def _train_along(job: TrainJob, control: JobControl, team) -> None:
    """What a process beside the first does: compute gradients, and say nothing."""
    from ..training.fine_tune import fine_tune_along
    from .train_setup import make_run, make_source, trainable_model

    quiet = _Unheard(control)
    prepared = prepare(job, quiet, team.count)
    model, run_settings = trainable_model(prepared), make_run(prepared, None)
    team.wait()
    fine_tune_along(model, make_source(prepared), run_settings, checkpoint_folder(job), quiet, team)
    team.leave()


class _Unheard(JobControl):
    """Hears of cancel as another control does, and tells nobody anything."""

    def __init__(self, heard: JobControl):
        super().__init__(heard.job_id)
        self._heard = heard

    def check_cancelled(self) -> None:
        self._heard.check_cancelled()

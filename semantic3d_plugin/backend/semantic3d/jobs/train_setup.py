"""What a training job hands to the trainer: the model, the patches, the settings (full environment)."""

from __future__ import annotations

import torch

from ..models.adapted import AdaptedDiffusion
from ..training.adapt import LossConfig
from ..training.fine_tune import FineTuning
from ..training.loop import LoopConfig
from ..training.patches import PatchConfig, PatchSource
from ..training.small import SMALL_LOSSES

_WARMUP_SHARE, _LONGEST_WARMUP = 0.05, 100


def trainable_model(prepared) -> AdaptedDiffusion:
    """The base with a fresh adapter on the job's device; its first weights follow from the seed.

    The last layers of branches for which no label is there stay as they are; what lies before them learns.
    """
    torch.manual_seed(prepared.job.seed)
    model = prepared.base.model(prepared.job.lora_rank).to(prepared.device, memory_format=torch.channels_last)
    model.base.recompute_activations(recomputes(prepared))
    training = prepared.split.training
    if not any(sample.has_heights for sample in training):
        model.decoder.gamma_head.requires_grad_(False)
        model.decoder.evidence_head.requires_grad_(False)
    if not any(sample.has_land_cover for sample in training):
        model.decoder.class_head.requires_grad_(False)
    return model


def recomputes(prepared) -> bool:
    """Whether activations are computed again instead of kept; auto is on for Stable Diffusion."""
    wanted = prepared.job.gradient_checkpointing
    return prepared.base.diffusion is not None if wanted == "auto" else wanted == "on"


def make_source(prepared) -> PatchSource:
    """Patches from the training blocks; every pixel with a label is as likely as any other."""
    config = PatchConfig(patch_px=prepared.job.patch_px, seeks_labels=True)
    return PatchSource([(prepared.split.training, 1.0)], config)


def make_run(prepared, plain: dict | None) -> FineTuning:
    """The trainer's settings.

    Args:
        plain: figures of the predictors that need no network; None in a process that does not validate.
    """
    job = prepared.job
    warmup = min(_LONGEST_WARMUP, max(1, round(_WARMUP_SHARE * job.steps)))
    loop = LoopConfig(
        steps=job.steps, accumulation=job.accumulation, learning_rate=job.learning_rate,
        weight_decay=job.weight_decay, warmup_steps=warmup, checkpoint_every=job.validate_every, device=prepared.device,
    )
    robust = job.height_loss == "smooth_l1"
    losses = LossConfig(
        penalty_weight=job.penalty_weight,
        smooth_l1_beta=SMALL_LOSSES.smooth_l1_beta if robust else None,  # as the bundled model learned
        height_weight=SMALL_LOSSES.height_weight if robust else 1.0,
        roof_weight=SMALL_LOSSES.roof_weight if robust else 1.0,
        building_code=prepared.classes.building_code,
    )
    mean = plain["mean of the training heights"] if plain else None
    return FineTuning(
        loop=loop, losses=losses, batch_size=job.batch_size, seed=job.seed, patience=job.patience,
        tile_px=prepared.base.tile_px, class_count=len(prepared.base.classes),
        building_code=prepared.classes.building_code,
        reference_mae_m=mean.mae_m if mean and mean.height_pixels else 1.0,
    )

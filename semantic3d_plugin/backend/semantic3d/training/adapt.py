"""Adaptation: LoRA and the task-specific decoder learn heights and land cover together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from ..datasets.labelled import IGNORED, NOT_BUILDING
from ..metrics.figures import BUILDING, GROUND_UNSEPARATED
from ..models.adapted import AdaptedConfig, AdaptedDiffusion
from ..models.decoder import DecoderOutput
from ..models.evidential import evidence_from_raw, evidential_height_loss, height_error, masked_mean
from .loop import Ema, LoopConfig, run_loop
from .patches import PatchBatch
from .team import SOLO, Team


@dataclass(frozen=True)
class LossConfig:
    """Weights of the joint loss.

    Attributes:
        penalty_weight: lambda of the evidential penalty.
        smooth_l1_beta: see `evidential_height_loss`; None is the paper's squared error.
        height_weight: height against land cover.
        roof_weight: a roof's height against other pixels'. The smallest absolute error leaves a roof on the
            ground until the network is more sure than not; above 1, it rises earlier.
        class_weight: land cover against height.
        class_weights: per class, for classes 1..K; weak labels count less, those not listed count 1.
        building_code: the class that `roof_weight` means and that NOT_BUILDING rules out.
        supervision: of heights: "evidential" as in the paper, or "squared_error", its direct regression (MSE), which
            says nothing about uncertainty and leaves the evidence branch untrained. MC dropout is trained so, too.
    """

    penalty_weight: float = 0.2
    smooth_l1_beta: float | None = None
    height_weight: float = 1.0
    roof_weight: float = 1.0
    class_weight: float = 0.5
    class_weights: tuple[float, ...] = (0.6, 0.6, 1.0, 1.6, 1.0, 1.0, 1.0)
    building_code: int = BUILDING
    supervision: Literal["evidential", "squared_error"] = "evidential"


def land_cover_loss(logits: Tensor, codes: Tensor, weights: Tensor, building_code: int = BUILDING) -> Tensor:
    """Cross-entropy that knows three kinds of missing knowledge.

    Code 0 counts nothing; code 11 (ground of unknown type) accepts class 1 or 2; code 255 all but building.

    Args:
        logits: [B, K, H, W], channel k is class k + 1.
        codes: int64 [B, H, W].
        weights: [K].
    """
    log_probability = torch.log_softmax(logits.float(), dim=1)
    class_count = logits.shape[1]
    known = (codes > IGNORED) & (codes <= class_count)
    index = torch.where(known, codes - 1, 0)
    exact = -log_probability.gather(1, index[:, None])[:, 0]
    either = -torch.logsumexp(log_probability[:, :2], dim=1)
    unseparated = (codes == GROUND_UNSEPARATED) & ~known  # a model of more classes has an eleventh of its own
    weight = torch.where(known, weights[index], 0.0) + torch.where(unseparated, weights[0], 0.0)
    value = torch.where(unseparated, either, exact)
    ruled_out = codes == NOT_BUILDING
    if ruled_out.any():
        others = [channel for channel in range(class_count) if channel != building_code - 1]
        value = torch.where(ruled_out, -torch.logsumexp(log_probability[:, others], dim=1), value)
        weight = weight + torch.where(ruled_out, weights[0], 0.0)
    return (value * weight).sum() / weight.sum().clamp(min=1)


def joint_loss(output: DecoderOutput, batch: PatchBatch, model: AdaptedConfig, config: LossConfig) -> Tensor:
    """Height loss where heights are known plus land-cover loss where classes are.

    The paper's S2A, a network per task, is two runs: one with `class_weight` 0, one with `height_weight` 0.
    """
    known = torch.isfinite(batch.ndsm_m)
    target = torch.nan_to_num(batch.ndsm_m, nan=0.0) / model.height_scale_m
    weight = known * torch.where(batch.land_cover[:, None] == config.building_code, config.roof_weight, 1.0)
    if config.supervision == "squared_error":
        height = masked_mean(height_error(target, output.gamma, config.smooth_l1_beta), weight)
    else:
        height = evidential_height_loss(
            target,
            evidence_from_raw(output.gamma, output.raw_evidence, model.alpha_min),
            weight,
            penalty_weight=config.penalty_weight,
            smooth_l1_beta=config.smooth_l1_beta,
            evidence_mask=weight * batch.heights_true[:, None, None, None],
        )
    class_count = output.class_logits.shape[1]
    listed = (*config.class_weights[:class_count], *(1.0,) * (class_count - len(config.class_weights)))
    weights = torch.tensor(listed, device=output.class_logits.device)
    cover = land_cover_loss(output.class_logits, batch.land_cover, weights, config.building_code)
    return config.height_weight * height + config.class_weight * cover


def adapt(
    model: AdaptedDiffusion,
    batch_of_step: Callable[[int], PatchBatch],
    loop: LoopConfig,
    losses: LossConfig,
    folder: Path,
    on_checkpoint: Callable[[int, Ema], bool | None] | None = None,
    on_step: Callable[[int, float], None] | None = None,
    ema_decay: float = 0.998,
    team: Team = SOLO,
) -> Ema:
    """Train the adapter and the decoder; returns the averaged weights. See `run_loop` for callbacks and team."""
    forward = torch.compile(model) if loop.compiled else model

    def loss_of_step(step: int) -> Tensor:
        batch = batch_of_step(step).to(loop.device)
        output = forward(batch.image.contiguous(memory_format=torch.channels_last))
        output = DecoderOutput(*(maps.float() for maps in output))
        return joint_loss(output, batch, model.config, losses)

    return run_loop(
        model, loss_of_step, loop, folder, ema_decay=ema_decay, on_checkpoint=on_checkpoint, on_step=on_step, team=team
    )

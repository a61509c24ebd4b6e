"""One training run of the paper's studies as a configuration: every switch is a field, none is a fork."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Literal

from ..models.adapted import AdaptedConfig
from ..models.mc_dropout import PASSES
from ..training.adapt import LossConfig

PAPER_TIMESTEP = 1  # open in the paper: t* = 1 as in VPD, its nearest relative
BASES = {"sd15": "SD-v1.5", "sd2": "SD-v2.0", "sdxl": "SD-XL"}


@dataclass(frozen=True)
class Recipe:
    """What is trained on what. Defaults are the paper's own (section IV-C; r = 128 in its ablations).

    Attributes:
        data: "us3d" or "dc".
        network: "adapted" is the paper's; "latent_map" its S1; the others are stand-ins of `models.baselines`.
        base: which pretrained model, a key of BASES; networks that need none ignore it.
        task: "both" (S2B) or one alone (S1, S2A).
        supervision: of heights: "evidential" (EHR) or "squared_error" (MSE, and MC dropout with `dropout`).
        shortcuts, pyramid: S3, S4.
        unet_training: "lora", "full" or "frozen".
        lora_rank: r.
        penalty_weight: lambda.
        evidence_steers: whether NLL and penalty train the shared features; they never reach gamma.
        timestep: t*.
        dropout: in the decoder; above 0 heights come from `passes` passes (MC dropout). The paper states neither.
        steps, batch_size, learning_rate, weight_decay, decoder_channels, crop_px: as the paper says.
        class_weight: land cover against height; the paper gives no weight.
        seed: of the weights and of the order of the crops.
    """

    data: Literal["us3d", "dc"]
    network: Literal["adapted", "latent_map", "unet", "deeplab", "bins"] = "adapted"
    base: str = "sd2"
    task: Literal["both", "height", "classes"] = "both"
    supervision: Literal["evidential", "squared_error"] = "evidential"
    shortcuts: bool = True
    pyramid: bool = True
    unet_training: Literal["lora", "full", "frozen"] = "lora"
    lora_rank: int = 128
    penalty_weight: float = 0.2
    evidence_steers: bool = True
    timestep: int = PAPER_TIMESTEP
    dropout: float = 0.0
    passes: int = PASSES
    steps: int = 40_000
    batch_size: int = 4
    learning_rate: float = 3e-4
    weight_decay: float = 0.1
    decoder_channels: int = 128
    crop_px: int = 512
    class_weight: float = 1.0
    seed: int = 1

    def __post_init__(self) -> None:
        if self.network == "latent_map" and self.task == "both":
            raise ValueError("S1 learns one map: give the task height or classes")
        if self.dropout and (self.network != "adapted" or self.supervision != "squared_error"):
            raise ValueError("MC dropout is the adapted network with squared_error supervision")
        if self.network == "latent_map" and self.unet_training != "lora":
            raise ValueError("S1 learns a LoRA, nothing else is built")

    @property
    def needs_base(self) -> bool:
        """Whether a pretrained diffusion model is part of it."""
        return self.network in ("adapted", "latent_map")

    @property
    def key(self) -> str:
        """Name of the run's folder: for people, and unique by a hash of every field."""
        parts = [self.data, self.network]
        parts += [self.base, f"r{self.lora_rank}"] if self.needs_base else []
        parts += [] if self.task == "both" else [self.task]
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        return "_".join([*parts, digest[:8]])

    def adaptation(self, class_count: int) -> AdaptedConfig:
        """The adapted network's configuration."""
        return AdaptedConfig(
            timestep=self.timestep, unet_training=self.unet_training, lora_rank=self.lora_rank,
            decoder_channels=self.decoder_channels, shortcuts=self.shortcuts, pyramid=self.pyramid,
            class_count=class_count, dropout=self.dropout, evidence_steers=self.evidence_steers,
        )

    def losses(self, building_code: int) -> LossConfig:
        """The joint loss's configuration: all classes alike, squared error, no roof weight."""
        return LossConfig(
            penalty_weight=self.penalty_weight, supervision=self.supervision, class_weights=(),
            height_weight=0.0 if self.task == "classes" else 1.0,
            class_weight=0.0 if self.task == "height" else self.class_weight, building_code=building_code,
        )

    def smoke(self) -> Recipe:
        """The same switches at a size that proves the machinery in seconds, and nothing else."""
        rank = max(1, self.lora_rank.bit_length() - 3)  # 8 to 256 become 1 to 6: figure 7 compares them
        return replace(
            self, lora_rank=rank, steps=2, batch_size=2, decoder_channels=16, crop_px=64, passes=min(self.passes, 3)
        )


PAPER_DC = Recipe("dc")
PAPER_US3D = Recipe("us3d")

"""The configuration of the bundled small model, in one place."""

from __future__ import annotations

from pathlib import Path

from ..models.adapted import AdaptedConfig, AdaptedDiffusion
from ..models.latent import CONFIGS, LatentDiffusion
from .pretrain import load_weights

GSD_M = 0.5
TILE_PX = 512
SMALL_ADAPTATION = AdaptedConfig(
    timestep=1, lora_rank=32, train_encoder=True, decoder_channels=64, class_count=7, height_scale_m=10.0,
    alpha_min=2.0,
)


def small_model(base_path: Path, adaptation: AdaptedConfig, config_name: str = "s3d_small") -> AdaptedDiffusion:
    """The small base from `base_path` with fresh adapters and decoder."""
    base = load_weights(LatentDiffusion.from_config(CONFIGS[config_name]), base_path)
    return AdaptedDiffusion(base, adaptation)

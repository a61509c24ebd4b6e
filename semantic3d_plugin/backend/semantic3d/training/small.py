"""The configuration of the bundled small model, in one place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..models.adapted import AdaptedConfig, AdaptedDiffusion, PhysicalOutputs
from ..models.latent import CONFIGS, LatentDiffusion
from .onnx_weights import restore
from .pretrain import load_weights

GSD_M = 0.5
TILE_PX = 512
SMALL_ADAPTATION = AdaptedConfig(
    timestep=1, lora_rank=32, train_encoder=True, decoder_channels=64, class_count=7, height_scale_m=10.0,
    alpha_min=2.0, height_by_class=True,
)


def continued_model(onnx_data: bytes, adaptation: AdaptedConfig, config_name: str = "s3d_small") -> AdaptedDiffusion:
    """An exported model with a fresh adapter, to be trained further.

    Raises:
        ValueError: the file holds no training weights, or those of another configuration.
    """
    config = CONFIGS[config_name]
    merged = AdaptedDiffusion(LatentDiffusion.from_config(config), replace(adaptation, unet_training="frozen"))
    scale = restore(PhysicalOutputs(merged), onnx_data)
    base = LatentDiffusion.from_config(config)
    base.load_state_dict(merged.base.state_dict(), strict=False)  # all but what only pretraining needs
    base.vae.register_to_config(scaling_factor=scale)
    model = AdaptedDiffusion(base, adaptation)
    model.decoder = merged.decoder
    return model


def small_model(base_path: Path, adaptation: AdaptedConfig, config_name: str = "s3d_small") -> AdaptedDiffusion:
    """The small model with a fresh adapter, ready to train.

    Args:
        base_path: a pretrained base (.safetensors; the decoder is fresh too), or an exported model (.onnx).
    """
    if base_path.suffix == ".onnx":
        return continued_model(base_path.read_bytes(), adaptation, config_name)
    base = load_weights(LatentDiffusion.from_config(CONFIGS[config_name]), base_path)
    return AdaptedDiffusion(base, adaptation)

"""The configuration of the bundled small model and the data it learns from, in one place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..datasets.imagery import read_rgb
from ..datasets.labelled import (
    TRAINING_SETS,
    VALIDATION_SETS,
    Sample,
    read_pseudo_labelled,
    read_rendered,
    read_set,
)
from ..models.adapted import AdaptedConfig, AdaptedDiffusion, PhysicalOutputs
from ..models.latent import CONFIGS, LatentDiffusion
from .adapt import LossConfig
from .onnx_weights import restore
from .patches import PatchConfig, PatchSource, colour_statistics
from .pretrain import load_weights

GSD_M = 0.5
TILE_PX = 512
RENDERED_SHARE = 9.0  # of the patches, relative to the shares of the labelled sets
PSEUDO_SHARE = 8.0  # likewise, of images labelled by a model
SMALL_ADAPTATION = AdaptedConfig(
    timestep=1, unet_training="full", train_encoder=True, decoder_channels=64, class_count=7, height_scale_m=10.0,
    alpha_min=2.0, height_by_class=True, smooth=True,
)
SMALL_LOSSES = LossConfig(
    smooth_l1_beta=0.15, height_weight=2.0, roof_weight=1.5, class_weights=(0.75, 0.7, 1.0, 1.2, 1.0, 1.0, 1.0)
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


def unlabelled_paths(data: Path) -> list[Path]:
    """The images without labels that may be learned from."""
    return sorted((data / "unlabelled" / "naip").glob("*.tif"))


def training_patches(
    data: Path,
    rendered: Path,
    config: PatchConfig,
    seed: int,
    rendered_share: float = RENDERED_SHARE,
    pseudo: Path | None = None,
    pseudo_share: float = PSEUDO_SHARE,
) -> PatchSource:
    """Patches of the labelled sets' training split and of rendered scenes, in the colours of unlabelled images.

    Args:
        data: holds `labelled/` and `unlabelled/`.
        rendered: the scenes that `procedural_corpus` wrote.
        seed: of the choice of colours.
        pseudo: unlabelled images as `pseudo_label.py` labelled them.
    """
    groups = [(read_set(data / "labelled", chosen, GSD_M), chosen.share) for chosen in TRAINING_SETS]
    groups.append((read_rendered(rendered), rendered_share))
    if pseudo:
        groups.append((read_pseudo_labelled(pseudo), pseudo_share))
    naip = [read_rgb(path) for path in unlabelled_paths(data)]
    return PatchSource(groups, config, colour_statistics(naip, config.patch_px, seed))


def validation_sets(data: Path) -> list[list[Sample]]:
    """The images of each set of the validation split at the model's GSD."""
    return [read_set(data / "labelled", chosen, GSD_M) for chosen in VALIDATION_SETS]

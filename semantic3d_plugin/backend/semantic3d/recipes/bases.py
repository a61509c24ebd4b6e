"""The pretrained models that a recipe starts from."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from s3d_protocol import InvalidModel

from ..models.latent import CONFIGS, LatentDiffusion
from ..training.pretrain import load_weights


def check_base(path: Path, kept: Path) -> None:
    """Look over a pretrained model without reading its weights, for `open_base`.

    Raises:
        InvalidModel: there is none, or it cannot be a base.
    """
    if path.is_dir():
        from ..training.stable_diffusion import check_folder

        check_folder(path, kept)
    else:
        _config_name(path)


def open_base(path: Path, kept: Path) -> LatentDiffusion:
    """Read a pretrained model: a diffusers folder of Stable Diffusion, or this project's small base (.safetensors).

    Args:
        kept: folder where the empty prompt's embedding of a diffusers folder lies, or is put once it was computed;
            one that lies in the diffusers folder itself counts before it.

    Raises:
        InvalidModel: there is none, or it cannot be a base.
    """
    if path.is_dir():
        from ..training.empty_prompt import CONDITION_NAME
        from ..training.stable_diffusion import read_folder  # wants transformers where no condition is kept

        if (path / CONDITION_NAME).is_file():
            kept = path  # nothing is written there: the condition is read
        else:
            kept.mkdir(parents=True, exist_ok=True)
        return read_folder(path, path.name, kept).load()
    name = _config_name(path)
    try:
        return load_weights(LatentDiffusion.from_config(CONFIGS[name]), path)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise _no_base(path, error) from error


def _config_name(path: Path) -> str:
    """Of the configuration of a small base's file."""
    try:
        with safe_open(str(path), framework="pt") as opened:
            name = (opened.metadata() or {}).get("config", "s3d_small")
    except (OSError, SafetensorError) as error:
        raise _no_base(path, error) from error
    if name not in CONFIGS:
        raise _no_base(path, f"its configuration {name!r} is not known")
    return name


def _no_base(path: Path, why: object) -> InvalidModel:
    return InvalidModel(
        f"{path} cannot be read as a base: {why}. A base is a diffusers folder of Stable Diffusion 1.5, 2.x or "
        "XL, or a base.safetensors of scripts/train_base.py."
    )

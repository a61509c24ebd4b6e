"""Stable Diffusion 1.x, 2.x and XL from a diffusers folder: what is in it, whether it is what it says, its weights.

Nothing but JSON and safetensors is read; a pickle is never opened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from s3d_protocol import InvalidModel
from s3d_protocol.file_hash import file_hash

from ..models.latent import LatentDiffusion, load_base, pooled_width
from .empty_prompt import EmptyPrompt, check_prompt, empty_prompt
from .weight_files import VARIANTS, weight_files

PARTS = ("vae", "unet")
WEIGHTS = "diffusion_pytorch_model"
_LICENCES = {
    "1": "CreativeML Open RAIL-M, as Stable Diffusion 1; see the base's own terms",
    "2": "CreativeML Open RAIL++-M, as Stable Diffusion 2; see the base's own terms",
    "xl": "CreativeML Open RAIL++-M, as Stable Diffusion XL; see the base's own terms",
}
_CLASSES = {"vae": "AutoencoderKL", "unet": "UNet2DConditionModel"}


@dataclass(frozen=True)
class StableDiffusion:
    """A diffusers folder that was looked over.

    Attributes:
        name: for people: the folder's, or the hub id.
        folder: with `vae/` and `unet/`.
        family: "1", "2" or "xl".
        variant: of the weights' files: None or "fp16".
        hashes: file -> SHA-256 of every file that counts.
        side_px: of the images that it was made for.
        prompt: the stored condition C'.
    """

    name: str
    folder: Path
    family: str
    variant: str | None
    hashes: Mapping[str, str]
    side_px: int
    prompt: EmptyPrompt

    @property
    def identity(self) -> str:
        """Hash of all that decides about the base's features."""
        text = json.dumps([sorted(self.hashes.items()), self.prompt.sha256])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def licence(self) -> str:
        """Of the weights, as far as the family says."""
        return _LICENCES[self.family]

    def load(self) -> LatentDiffusion:
        """The weights, in fp32.

        Raises:
            InvalidModel: they do not fit the configuration.
        """
        try:
            base = load_base(self.folder, self.prompt.tokens, self.prompt.pooled, self.variant)
        except (OSError, ValueError, RuntimeError, KeyError) as error:  # torch says a wrong shape as RuntimeError
            raise InvalidModel(f"The weights in {self.folder} cannot be loaded: {str(error)[:300]}") from error
        return base


def read_folder(folder: Path, name: str, kept: Path) -> StableDiffusion:
    """Look over a diffusers folder.

    Args:
        folder: with `vae/` and `unet/`.
        name: for people.
        kept: where the empty prompt's embedding lies, or is put once it was computed.

    Raises:
        InvalidModel: it is no Stable Diffusion 1.x, 2.x or XL, its weights are no safetensors, or nothing gives the
            empty prompt's embedding.
    """
    unet, family, side_px, variant = _looked_over(folder)
    hashes = {}
    for part in PARTS:
        for path in [folder / part / "config.json", *weight_files(folder / part, WEIGHTS, variant)]:
            hashes[path.relative_to(folder).as_posix()] = file_hash(path)
    prompt = empty_prompt(folder, kept, unet["cross_attention_dim"], pooled_width(unet))
    return StableDiffusion(name, folder, family, variant, hashes, side_px, prompt)


def check_folder(folder: Path, kept: Path) -> None:
    """Look over a diffusers folder without reading its weights.

    Args:
        kept: folder where an earlier call may have put the empty prompt's embedding.

    Raises:
        InvalidModel: as `read_folder`, as far as configurations and names of files tell.
    """
    unet, *_ = _looked_over(folder)
    check_prompt(folder, kept, bool(pooled_width(unet)))


def _looked_over(folder: Path) -> tuple[dict, str, int, str | None]:
    """The UNet's configuration, the family, the image's size and the variant of the weights."""
    configs = {part: _config(folder, part) for part in PARTS}
    return configs["unet"], *_checked(configs["unet"], configs["vae"], folder), _variant(folder)


def _config(folder: Path, part: str) -> dict:
    path = folder / part / "config.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidModel(
            f"{folder} is no diffusers folder of Stable Diffusion: it has no {part}/config.json. Choose the folder "
            "that holds vae/ and unet/."
        ) from error
    except (OSError, ValueError) as error:
        raise InvalidModel(f"{path} cannot be read ({error}). Get the folder again.") from error
    if not isinstance(found, dict) or found.get("_class_name") != _CLASSES[part]:
        stated = found.get("_class_name") if isinstance(found, dict) else found
        raise InvalidModel(
            f"{path} describes {stated!r}; {_CLASSES[part]} is needed, as Stable Diffusion 1 to XL have it."
        )
    return found


def _checked(unet: dict, vae: dict, folder: Path) -> tuple[str, int]:
    """Family and image size of two configurations; InvalidModel names what does not fit."""
    latents = vae.get("latent_channels", 4)
    channels, blocks = vae.get("block_out_channels", ()), unet.get("block_out_channels", ())
    faults = [
        (unet.get("in_channels", 4) != latents or unet.get("out_channels", 4) != latents,
         f"its UNet takes {unet.get('in_channels')} channels and gives {unet.get('out_channels')}, but the VAE's "
         f"latents have {latents} (a model for inpainting, depth or instructions?)"),
        (len(channels) != 4, f"its VAE has {len(channels)} levels, where 4 are needed"),
        (vae.get("shift_factor") is not None, "its VAE shifts latents, as those after XL do"),
        (not isinstance(vae.get("scaling_factor", 0.18215), (int, float)), "its VAE states no scaling factor"),
        (not blocks or not isinstance(unet.get("cross_attention_dim"), int),
         "its UNet has no single width of condition"),
        (unet.get("class_embed_type") is not None or unet.get("encoder_hid_dim") is not None,
         "its UNet wants conditions that Stable Diffusion 1 to XL do not have"),
        (unet.get("addition_embed_type") not in (None, "text_time"),
         f"its UNet wants {unet.get('addition_embed_type')!r} conditions"),
        (not isinstance(unet.get("sample_size"), int), "its UNet states no sample size"),
    ]  # fmt: skip
    for is_fault, words in faults:
        if is_fault:
            raise InvalidModel(f"{folder} is no base for training: {words}. Stable Diffusion 1.5, 2.0, 2.1 and XL are.")
    side_px = unet["sample_size"] * 2 ** (len(channels) - 1)
    if unet.get("addition_embed_type") == "text_time":
        if pooled_width(unet) < 1:
            raise InvalidModel(f"{folder} is no base for training: its UNet's added conditions are not XL's.")
        return "xl", side_px
    return ("2" if unet.get("use_linear_projection") else "1"), side_px


def _variant(folder: Path) -> str | None:
    for variant in VARIANTS:
        if all(weight_files(folder / part, WEIGHTS, variant) for part in PARTS):
            return variant
    pickles = sorted(path for part in PARTS for path in (folder / part).glob("*.bin"))
    if pickles:
        raise InvalidModel(
            f"{folder} keeps its weights as pickle ({pickles[0].name}), which may run code on load and is not read. "
            "Get the safetensors files, or save the model with safe_serialization=True."
        )
    raise InvalidModel(
        f"{folder} has no weights in unet/ and vae/: {WEIGHTS}.safetensors (or .fp16.safetensors) is needed in both."
    )

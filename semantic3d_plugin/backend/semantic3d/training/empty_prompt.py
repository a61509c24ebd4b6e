"""The stored condition C': the embedding of the empty prompt, as Stable Diffusion's own text encoders give it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from s3d_protocol import InvalidModel

from .weight_files import VARIANTS, weight_files

CONDITION_NAME = "condition.safetensors"
_TOKENS, _POOLED = "condition", "text_embeds"


@dataclass(frozen=True)
class EmptyPrompt:
    """Embedding of the empty prompt: tokens [1, M, D], and pooled [1, P] where the UNet (XL) wants it, fp32."""

    tokens: Tensor
    pooled: Tensor | None = None

    @property
    def sha256(self) -> str:
        """Hash of the values."""
        digest = hashlib.sha256()
        for value in (self.tokens, self.pooled):
            if value is not None:
                digest.update(str(tuple(value.shape)).encode() + value.contiguous().numpy().tobytes())
        return digest.hexdigest()


def empty_prompt(folder: Path, kept: Path, width: int, pooled_width: int) -> EmptyPrompt:
    """Read the condition that lies in `kept`; where none does, compute it once from the text encoders, and keep it.

    Args:
        folder: a diffusers folder.
        kept: folder of `condition.safetensors`: tensor `condition` [1, M, D], for XL `text_embeds` [1, P] too.
        width, pooled_width: D and P that the UNet wants; P is 0 where it wants none.

    Raises:
        InvalidModel: there is neither the file nor text encoders, or what they hold does not fit.
    """
    path = kept / CONDITION_NAME
    if path.is_file():
        return _read(path, width, pooled_width)
    found = _fitting(_computed(folder, bool(pooled_width)), width, pooled_width, folder)
    _keep(found, path)
    return found


def _read(path: Path, width: int, pooled_width: int) -> EmptyPrompt:
    try:
        values = load_file(str(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise InvalidModel(f"{path} is not a safetensors file, or it is damaged ({error}). Delete it.") from error
    if _TOKENS not in values or (pooled_width and _POOLED not in values):
        wanted = f'"{_TOKENS}" and "{_POOLED}"' if pooled_width else f'"{_TOKENS}"'
        raise InvalidModel(f"{path} holds {', '.join(sorted(values)) or 'nothing'}; {wanted} must be there.")
    pooled = values[_POOLED].float() if pooled_width else None
    return _fitting(EmptyPrompt(values[_TOKENS].float(), pooled), width, pooled_width, path)


def _fitting(found: EmptyPrompt, width: int, pooled_width: int, source: Path) -> EmptyPrompt:
    shape = tuple(found.tokens.shape)
    if len(shape) != 3 or shape[0] != 1 or shape[2] != width or not torch.isfinite(found.tokens).all():
        raise InvalidModel(f"{source} gives a condition of shape {shape}; the UNet wants numbers of (1, M, {width}).")
    if pooled_width and (tuple(found.pooled.shape) != (1, pooled_width) or not torch.isfinite(found.pooled).all()):
        raise InvalidModel(
            f"{source} gives a pooled condition of shape {tuple(found.pooled.shape)}; the UNet wants numbers of "
            f"(1, {pooled_width})."
        )
    return found


def check_prompt(folder: Path, kept: Path, is_xl: bool) -> None:
    """Check that a diffusers folder, or `kept`, has a condition, or what one is computed with.

    Raises:
        InvalidModel: neither.
    """
    if not any((place / CONDITION_NAME).is_file() for place in (folder, kept)):
        _encoders(folder, is_xl)


def _encoders(folder: Path, is_xl: bool) -> tuple[str, ...]:
    """The ends of the names of a folder's text encoders."""
    numbers = ("", "_2") if is_xl else ("",)
    for name in (f"{kind}{number}" for number in numbers for kind in ("tokenizer", "text_encoder")):
        if not (folder / name).is_dir():
            raise InvalidModel(
                f"{folder} has neither {CONDITION_NAME} nor {name}/, which give the empty prompt's embedding. Get "
                f"{' and '.join(f'text_encoder{n}/ and tokenizer{n}/' for n in numbers)} too, or put a "
                f"{CONDITION_NAME} there."
            )
    return numbers


@torch.no_grad()
def _computed(folder: Path, is_xl: bool) -> EmptyPrompt:
    """Run the text encoders as diffusers' pipelines do (`encode_prompt`)."""
    numbers = _encoders(folder, is_xl)
    if not is_xl:
        return EmptyPrompt(_encoded(folder, "", pooled=False)[0].contiguous())
    first, second = (_encoded(folder, number, pooled=bool(number)) for number in numbers)
    tokens = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)  # XL takes the last layer but one
    return EmptyPrompt(tokens.contiguous(), second.text_embeds.contiguous())


def _encoded(folder: Path, number: str, pooled: bool):
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    part = folder / f"text_encoder{number}"
    there = [variant for variant in VARIANTS if weight_files(part, "model", variant)]
    if not there:
        raise InvalidModel(f"{part} has no weights as safetensors (model.safetensors or model.fp16.safetensors).")
    kind = CLIPTextModelWithProjection if pooled else CLIPTextModel
    try:
        path = str(folder / f"tokenizer{number}")
        tokenizer = CLIPTokenizer.from_pretrained(path, local_files_only=True)  # nosec B615 # nothing is downloaded
        encoder = kind.from_pretrained(  # nosec B615 # nothing is downloaded
            str(part), variant=there[0], use_safetensors=True, local_files_only=True, dtype=torch.float32
        ).eval()
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise InvalidModel(f"{part} or its tokenizer cannot be loaded: {str(error)[:300]}") from error
    tokens = tokenizer(
        "", padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt"
    )
    return encoder(tokens.input_ids, output_hidden_states=True)


def _keep(found: EmptyPrompt, path: Path) -> None:
    """Write the condition, so that text encoders are needed once; a folder that cannot be written stays as it is."""
    values = {_TOKENS: found.tokens} | ({} if found.pooled is None else {_POOLED: found.pooled})
    if os.access(path.parent, os.W_OK):
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        save_file(values, str(aside))
        os.replace(aside, path)

"""Bases from the Hugging Face hub: one commit, safetensors only, the same bytes as at the first download."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from s3d_protocol import InvalidModel
from s3d_protocol.file_hash import file_hash

from .empty_prompt import CONDITION_NAME
from .stable_diffusion import WEIGHTS, StableDiffusion, read_folder
from .weight_files import VARIANTS, weight_files

_RECORD_NAME = "sha256.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def from_hub(identifier: str) -> StableDiffusion:
    """Download a base, or take it from the hub's cache on this machine, and check its files.

    Their SHA-256 are noted beside the cache at the first download and compared at every later use.

    Args:
        identifier: ORG/NAME@COMMIT, 40 hex digits.

    Raises:
        InvalidModel: it cannot be had, a file is another one than at the first download, or see `read_folder`.
    """
    repository, _, revision = identifier.partition("@")
    folder = _downloaded(repository, revision)
    record = _record_folder(repository, revision)
    if not (record / CONDITION_NAME).is_file():  # it will be computed, and kept
        encoders = [path.relative_to(folder).as_posix() for path in sorted(folder.glob("text_encoder*/*.safetensors"))]
        _check_blobs({name: file_hash(folder / name) for name in encoders}, folder, identifier)
    found = read_folder(folder, identifier, record)
    _compare(found, record / _RECORD_NAME, identifier)
    return found


def _downloaded(repository: str, revision: str) -> Path:
    from huggingface_hub import snapshot_download

    for variant in VARIANTS:
        try:
            patterns = wanted_files(variant)
            folder = Path(snapshot_download(repository, revision=revision, allow_patterns=patterns))
        except (OSError, ValueError) as error:  # the hub's own errors are OSErrors
            reason = " ".join(str(error).split())[:300]
            raise InvalidModel(
                f"{repository} at {revision[:12]}... cannot be had from the hub: {reason} Check the name, the commit "
                "and the network; or download the folder elsewhere and give its path."
            ) from error
        if weight_files(folder / "unet", WEIGHTS, variant):
            return folder
    return folder  # read_folder says what is missing


def wanted_files(variant: str | None) -> list[str]:
    """Patterns of the files that a base needs, in one variant; no pickle, no text encoder in another format."""
    ending = f".{variant}" if variant else ""
    weights = [f"{ending}.safetensors", f"{ending}-*-of-*.safetensors", f"{ending}.safetensors.index.json",
               f".safetensors.index{ending}.json", f"-*-of-*{ending}.safetensors"]  # fmt: skip
    found = ["model_index.json", "scheduler/scheduler_config.json"]
    for part, stem in (("unet", WEIGHTS), ("vae", WEIGHTS), ("text_encoder", "model"), ("text_encoder_2", "model")):
        found += [f"{part}/config.json", *(f"{part}/{stem}{name}" for name in dict.fromkeys(weights))]
    return found + ["tokenizer/*.json", "tokenizer/*.txt", "tokenizer_2/*.json", "tokenizer_2/*.txt"]


def _record_folder(repository: str, revision: str) -> Path:
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / "semantic3d" / f"{repository.replace('/', '--')}@{revision}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _check_blobs(hashes: Mapping[str, str], folder: Path, identifier: str) -> None:
    """Compare files with the SHA-256 by which the hub's cache names large ones, as the commit has it."""
    for name, digest in hashes.items():
        blob = Path(os.path.realpath(folder / name)).name
        if _SHA256.fullmatch(blob) and blob != digest:
            raise InvalidModel(_changed(identifier, name, folder))


def _compare(found: StableDiffusion, record: Path, identifier: str) -> None:
    _check_blobs(found.hashes, found.folder, identifier)
    if not record.is_file():
        aside = record.with_name(f".{record.name}.{os.getpid()}")
        aside.write_text(json.dumps(dict(found.hashes), indent=1), encoding="utf-8")
        os.replace(aside, record)
        return
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidModel(f"{record}, the record of {identifier}, is damaged. Delete it and try again.") from error
    for name, digest in found.hashes.items():
        if known.get(name, digest) != digest:
            raise InvalidModel(_changed(identifier, name, found.folder))


def _changed(identifier: str, name: str, folder: Path) -> str:
    return (
        f"{name} of {identifier} is not the file that was first downloaded: it was changed or damaged. Delete {folder} "
        "and try again."
    )

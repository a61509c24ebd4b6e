"""Which files of a diffusers folder hold weights."""

from __future__ import annotations

import json
from pathlib import Path

from s3d_protocol import InvalidModel

VARIANTS = (None, "fp16")  # the better first


def weight_files(folder: Path, stem: str, variant: str | None) -> list[Path]:
    """The safetensors files of a model in one variant, with their index where there are several; [] for none."""
    ending = f".{variant}" if variant else ""
    whole = folder / f"{stem}{ending}.safetensors"
    if whole.is_file():
        return [whole]
    for name in (f"{stem}.safetensors.index{ending}.json", f"{stem}{ending}.safetensors.index.json"):
        index = folder / name
        if index.is_file():
            try:
                shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise InvalidModel(f"{index} is no index of weights ({error}).") from error
            missing = [shard for shard in shards if "/" in shard or not (folder / shard).is_file()]
            if missing:
                raise InvalidModel(f"{index} names {missing[0]}, which is not there. Get the folder again.")
            return [index, *(folder / shard for shard in shards)]
    return []

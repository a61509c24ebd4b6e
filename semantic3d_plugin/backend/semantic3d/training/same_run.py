"""What a script's run folder was begun with, so that it never goes on with something else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from s3d_protocol import InvalidParameter
from s3d_protocol.durable import replace_durably

_NAME = "begun_with.json"


def check_same_run(folder: Path, facts: Mapping[str, object]) -> None:
    """Note what a run begins with, or check that it is what the folder's run began with.

    A run of an earlier version, which noted nothing, is taken for this one.

    Args:
        folder: of the run; made where there is none.
        facts: option or kind of data -> value (JSON): all that decides about the weights.

    Raises:
        InvalidParameter: something differs.
    """
    path, facts = folder / _NAME, json.loads(json.dumps(facts))
    if path.exists():
        try:
            before = dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise InvalidParameter(f"{path} is damaged ({error}). Give another --out to begin anew.") from error
        differing = [name for name in facts if before.get(name) != facts[name]]
        if differing:
            what = "; ".join(f"{name} {before.get(name)}, not {facts[name]}" for name in differing)
            raise InvalidParameter(
                f"The run in {folder} was begun with other settings or data: {what}. Give what it was begun with to go "
                "on, or another --out to begin anew."
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".partial")
    aside.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    replace_durably(str(aside), str(path))


def images_digest(images: Iterable[np.ndarray]) -> str:
    """16 hexadecimal digits from sizes and values of images, in their order."""
    digest = hashlib.sha256()
    for image in images:
        digest.update(f"{image.shape} {image.dtype}".encode())
        digest.update(np.ascontiguousarray(image))
    return digest.hexdigest()[:16]

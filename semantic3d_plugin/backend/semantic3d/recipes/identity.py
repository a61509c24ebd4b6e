"""What a run was made from: data, pretrained model and subsets, so that other ones never pass for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch

from s3d_protocol import InvalidInput

from ..datasets.crops import Crop, CropSet, PublishedData
from ..datasets.labelled import Sample
from ..models.latent import LatentDiffusion
from .studies import SUBSETS

_LOOKED_AT = 4  # crops of each part whose pixels are looked at
# what a crop shows -> how far readers and warpers of other versions may be apart
_TOLERANCES = {"image": 0.5, "heights": 0.05, "known heights": 0.01, "land cover": 0.01}  # grey values, m, shares
_VALUES = 512  # of each weight


def data_identity(data: PublishedData) -> dict:
    """Which crops lie in which part, and what some of them show; where the folder lies decides nothing.

    Returns:
        Counts of crops, hashes over their names and order and over what labels are made with, and what `_shown` says of some crops, by their names.
    """
    crops = [[(crop.name, crop.row, crop.column) for crop in part.crops] for part in (data.train, data.test)]
    return {
        "training_crops": len(data.train), "test_crops": len(data.test),
        "split": _digest([crops, data.class_names, data.gsd_m]), "labels": _digest(data.label_sources),
        "shown": {**_shown_by(data.train, len(data.class_names)), **_shown_by(data.test, len(data.class_names))},
    }  # fmt: skip


@lru_cache(maxsize=8)  # rows of a table share it, and it takes seconds to open
def base_identity(open_base: Callable[[str], LatentDiffusion], name: str) -> str:
    """Which weights a pretrained model has, from evenly spread values of each."""
    digest = hashlib.sha256()
    for key, value in sorted(open_base(name).state_dict().items()):
        flat = value.detach().reshape(-1)
        places = np.linspace(0, max(0, flat.numel() - 1), min(flat.numel(), _VALUES)).astype(np.int64)
        spread = flat[torch.from_numpy(places)]
        digest.update(f"{key} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(spread.cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def difference(before: dict, now: dict) -> str:
    """What tells two runs' origins apart, as the end of a sentence; "" where nothing does.

    Args:
        before, now: "data" (`data_identity`) and "base" (`base_identity`), each only where both are to be compared.
    """
    for name in sorted(before.keys() & now.keys()):
        found = _other_data(before[name], now[name]) if name == "data" else _other_base(before[name], now[name])
        if found:
            return found
    return ""


def _other_data(before: dict, now: dict) -> str:
    counts = [f"{made['training_crops']:,} training and {made['test_crops']:,} test crops" for made in (before, now)]
    if counts[0] != counts[1]:
        return f"the data had {counts[0]}, and have {counts[1]} now"
    if before["split"] != now["split"]:
        return f"of the data's {counts[0]} others were used for training or have other names (split.csv, folders)"
    if "shown" not in before:  # heights and classes noted as one mean each: swapped classes hardly moved it
        return "an earlier version made it and noted too little of its labels to tell whether the data are the same"
    if before["labels"] != now["labels"]:
        return "the list of classes (landcover.csv) or the number of footprints was another"
    for name, shown in now["shown"].items():
        for what, values in shown.items():
            if not np.allclose(before["shown"][name][what], values, rtol=0, atol=_TOLERANCES[what]):
                return f"the data's crop {name} showed something else in its {what}"
    return ""


def _other_base(before: str, now: str) -> str:
    return "" if before == now else f"the pretrained model had other weights (identity {before}, now {now})"


@lru_cache(maxsize=8)
def _shown_by(crops: CropSet, class_count: int) -> dict[str, dict[str, list[float]]]:
    places = np.linspace(0, len(crops) - 1, min(len(crops), _LOOKED_AT)).round().astype(int)
    return {crops.crops[place].name: _shown(crops.sample(int(place)), class_count) for place in places}


def _shown(sample: Sample, class_count: int) -> dict[str, list[float]]:
    """What a crop shows: means of the bands, of the heights (m; 0 without any), and shares of its pixels.

    Classes are counted one by one, the unknown first: a mean of codes hardly moves where neighbours are swapped.
    """
    heights_m = sample.ndsm_m[np.isfinite(sample.ndsm_m)]
    shown = {
        "image": sample.rgb.reshape(-1, sample.rgb.shape[-1]).mean(axis=0),
        "heights": [heights_m.mean(dtype=np.float64) if heights_m.size else 0.0],
        "known heights": [heights_m.size / sample.ndsm_m.size],
        "land cover": [(sample.land_cover == code).mean() for code in range(class_count + 1)],
    }
    return {what: [round(float(value), 4) for value in values] for what, values in shown.items()}


def subsets_identity(data: PublishedData) -> str:
    """Which test crop lies in which subset."""
    return _digest([(crop.name, data.subset(crop)) for crop in data.test.crops])


class NoSubsets(InvalidInput):
    """The data do not say which test crop belongs to which subset; the paper does not publish it."""


def check_subsets(data: PublishedData, key: str) -> None:
    """Refuse data that do not say which test crop belongs to which subset.

    Args:
        key: of the data, in `SUBSETS`.

    Raises:
        NoSubsets: no test crop lies in a subset of table VI.
    """
    if {data.subset(crop) for crop in data.test.crops} & set(SUBSETS[key]):
        return
    first: Crop | None = next(iter(data.test.crops), None)
    such = f", such as {first.name} or {first.image}" if first else ""
    count = len(data.subset_of)
    state = f"its subsets.csv names {count} crops or images" if count else "it has no subsets.csv"
    raise NoSubsets(
        f"Table VI compares land-use subsets, and the folder of {data.name} tells none of them: {state}, and none of "
        f"its {len(data.test):,} test crops lies in one. The paper does not publish which crop belongs where. Put a "
        f"subsets.csv into the folder with the columns name and subset: name is a test crop or its image{such}; "
        f"subset is one of {', '.join(SUBSETS[key])}.",
        {"test_crops": len(data.test), "named": count},
    )


def _digest(value) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]

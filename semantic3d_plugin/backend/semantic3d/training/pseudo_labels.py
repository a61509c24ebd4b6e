"""Labels for images that have none: what the model itself says of them, where it is sure (self-training).

Few places have heights, and rendered roofs do not look like photographed ones. A model that has learned from both
finds many roofs of unlabelled photographs; trained on those it is sure of, in other colours, sizes and turns, it
learns what the doubtful ones look like. Source: Lee 2013, "Pseudo-Label"; the share kept per class after
Zou et al. 2018, "Unsupervised Domain Adaptation for Semantic Segmentation via Class-Balanced Self-Training".
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..datasets.labelled import IGNORED, Sample
from ..models.adapted import AdaptedDiffusion
from ..models.decoder import class_probability
from .loop import computes_bf16
from .validation import network_input

MULTIPLE_PX = 64  # sides that the network can halve at each of its levels
WATER = 5
STEPS = 256  # of confidence, from 0 to 1
VIEWS = tuple(itertools.product(range(4), (False, True)))  # quarter turns, mirrored or not


class Opinion(NamedTuple):
    """What a model thinks of an image, pixel by pixel.

    Attributes:
        land_cover: uint8 [H, W], the likeliest class's code.
        confidence: uint8 [H, W], its probability in 255ths.
        height_m: float16 [H, W], the height that the pixel has if it is of that class.
    """

    land_cover: np.ndarray
    confidence: np.ndarray
    height_m: np.ndarray


@torch.no_grad()
def opinion(model: AdaptedDiffusion, rgb: np.ndarray) -> Opinion:
    """Mean over the image turned and mirrored in all eight ways.

    A height that is the mean over what a pixel may be lies between ground and roof where the model is in doubt; the
    height of the likeliest class does not.

    Args:
        model: with `height_by_class`.
        rgb: uint8 [H, W, 3] at the model's GSD.

    Raises:
        ValueError: the model has one height for all classes.
    """
    if not model.config.height_by_class:
        raise ValueError("pseudo-labels need a model with a height per class")
    height, width = rgb.shape[:2]
    side = -(-max(height, width) // MULTIPLE_PX) * MULTIPLE_PX
    image = network_input(rgb, side, side)
    views = torch.stack([_turned(image, *view) for view in VIEWS])
    probability, heights = _maps(model, views.contiguous(memory_format=torch.channels_last))
    total_probability, total_height = torch.zeros_like(probability[0]), torch.zeros_like(heights[0])
    for index, view in enumerate(VIEWS):
        total_probability += _turned_back(probability[index], *view)
        total_height += _turned_back(heights[index], *view)
    confidence, channel = (total_probability / len(VIEWS))[:, :height, :width].max(dim=0, keepdim=True)
    standardised = (total_height / len(VIEWS))[:, :height, :width].gather(0, channel)[0]
    height_m = standardised.clamp(min=0) * model.config.height_scale_m
    return Opinion(
        (channel[0] + 1).numpy().astype(np.uint8),
        (confidence[0] * (STEPS - 1)).round().numpy().astype(np.uint8),
        height_m.numpy().astype(np.float16),
    )


def least_confidence(opinions: Iterable[Opinion], class_count: int, kept_share: float, floor: float) -> np.ndarray:
    """The confidence from which a pixel's label is kept, per class [class_count + 1], in 255ths.

    One limit for all would keep lawns and no roofs: models are surer of some classes than of others.

    Args:
        kept_share: of each class's pixels.
        floor: 0..1, never keep what is less sure than this.
    """
    counts = np.zeros((class_count + 1, STEPS), dtype=np.int64)
    for said in opinions:
        joint = said.land_cover.astype(np.int64) * STEPS + said.confidence
        counts += np.bincount(joint.ravel(), minlength=counts.size).reshape(counts.shape)
    surer = counts[:, ::-1].cumsum(axis=1)[:, ::-1]  # pixels at least as sure
    wanted = surer[:, :1] * kept_share
    limit = STEPS - 1 - (surer >= wanted)[:, ::-1].argmax(axis=1)
    return np.maximum(limit, round(floor * (STEPS - 1)))


def pseudo_labelled(name: str, rgb: np.ndarray, said: Opinion, limits: np.ndarray, gsd_m: float) -> Sample:
    """The image with the labels that are sure enough; elsewhere class and height are unknown.

    Nothing is called water: four of five pictures in which models were sure of some showed dark grass, soil or asphalt,
    and the next model learned that, too.
    """
    sure = said.confidence >= limits[said.land_cover]
    ndsm_m = np.where(sure, said.height_m.astype(np.float32), np.nan)
    land_cover = np.where(sure & (said.land_cover != WATER), said.land_cover, IGNORED).astype(np.uint8)
    return Sample(name, rgb, ndsm_m, land_cover, gsd_m)


def _maps(model: AdaptedDiffusion, views: Tensor) -> tuple[Tensor, Tensor]:
    """Class probabilities and standardised heights per class, both [B, K, H, W]."""
    kept = {}
    hook = model.decoder.gamma_head.register_forward_hook(lambda module, given, maps: kept.update(heights=maps))
    try:
        device = views.device.type
        with torch.autocast(device, dtype=torch.bfloat16, enabled=computes_bf16(device)):
            logits = model(views).class_logits
    finally:
        hook.remove()
    return class_probability(logits), model.decoder.enlarged(kept["heights"].float())


def _turned(image: Tensor, turns: int, mirrored: bool) -> Tensor:
    turned = torch.rot90(image, turns, (-2, -1))
    return turned.flip(-1) if mirrored else turned


def _turned_back(image: Tensor, turns: int, mirrored: bool) -> Tensor:
    return torch.rot90(image.flip(-1) if mirrored else image, -turns, (-2, -1))

"""Statistics of batch norms, measured anew where a checkpoint does not hold them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def batch_norms(model: nn.Module) -> list[nn.BatchNorm2d]:
    """The model's batch norms."""
    return [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]


@torch.no_grad()
def refresh_norms(model: nn.Module, images: Iterable[Tensor]) -> None:
    """Measure the statistics of batch norms: plain means over batches of images; the model is in training mode."""
    norms = batch_norms(model)
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
    for image in images if norms else ():
        model(image)

"""Uncertainty by Monte-Carlo dropout (Gal and Ghahramani 2016): many passes with other channels left out each time.

The adapted diffusion paper compares its evidential heights with it (table XII).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .adapted import AdaptedDiffusion

PASSES = 20
_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


class McDropout(nn.Module):
    """What `PhysicalOutputs` gives, from the mean and the spread of many passes.

    Args:
        model: trained with `AdaptedConfig.dropout` above 0.
        passes: at least 2.

    Raises:
        ValueError: the model has no dropout that is in use, or fewer than two passes.
    """

    def __init__(self, model: AdaptedDiffusion, passes: int = PASSES) -> None:
        super().__init__()
        if passes < 2:
            raise ValueError(f"a spread needs at least two passes, not {passes}")
        self._dropouts = [part for part in model.modules() if isinstance(part, _DROPOUTS) and part.p > 0]
        if not self._dropouts:
            raise ValueError("the model has no dropout: every pass would be the same")
        self.model, self.passes = model, passes

    def train(self, mode: bool = True) -> McDropout:
        """Set the mode as usual, but dropout stays active."""
        super().train(mode)
        for part in self._dropouts:
            part.train(True)
        return self

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Image [B, 3, H, W] in -1..1 to the tensors of OUTPUT_NAMES.

        The passes' variance (with N - 1) stands for the epistemic one. Dropout knows no aleatoric variance and no
        evidence: 0 and NaN.
        """
        self.train(self.training)
        scale_m = self.model.config.height_scale_m
        mean = squares = probability = 0.0
        for done in range(1, self.passes + 1):  # Welford 1962: no large numbers are subtracted
            output = self.model(image)
            height_m = output.gamma.float().clamp(min=0) * scale_m
            step = height_m - mean
            mean = mean + step / done
            squares = squares + step * (height_m - mean)
            probability = probability + torch.softmax(output.class_logits.float(), dim=1) / self.passes
        variance = squares / (self.passes - 1)
        return mean, torch.zeros_like(mean), variance, torch.full_like(mean, torch.nan), probability

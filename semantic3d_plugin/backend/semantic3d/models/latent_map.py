"""Maps as images of the pretrained VAE: the paper's S1, after Marigold (Ke et al. 2024), in one step without noise.

The UNet is fine-tuned to turn the image's latents into those of the target map; the pretrained VAE decoder
restores the map. There is no task-specific decoder and no uncertainty.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .latent import LatentDiffusion, add_adapter

LOWEST, HIGHEST = -1.0, 1.0  # the VAE's range


class LatentMapDiffusion(nn.Module):
    """Heights through the VAE's own latents.

    Args:
        base: the pretrained model with its VAE decoder; frozen, the UNet adapted in place.
        lora_rank: rank on the UNet.
        timestep: t*.
        highest_m: the height at the upper end of the VAE's range; taller ones are cut.
    """

    def __init__(self, base: LatentDiffusion, *, lora_rank: int = 32, timestep: int = 1, highest_m: float = 60.0):
        super().__init__()
        base.requires_grad_(False)
        add_adapter(base.unet, lora_rank)
        self.base = base
        self.timestep = timestep
        self.highest_m = highest_m

    def predicted_latents(self, image: Tensor) -> Tensor:
        """Image [B, 3, H, W] in -1..1 to scaled latents of its height map [B, c, H/8, W/8]."""
        return self.base.unet_output(self.base.encode(image)[0], self.timestep)

    @torch.no_grad()
    def target_latents(self, ndsm_m: Tensor) -> Tensor:
        """Scaled latents of a height map [B, 1, H, W] in metres; unknown heights (NaN) count as ground."""
        share = torch.nan_to_num(ndsm_m, nan=0.0).clamp(0, self.highest_m) / self.highest_m
        return self.base.encode((LOWEST + share * (HIGHEST - LOWEST)).expand(-1, 3, -1, -1))[0]

    def forward(self, image: Tensor) -> Tensor:
        """Image [B, 3, H, W] in -1..1 to heights [B, 1, H, W] in metres."""
        latents = self.predicted_latents(image) / self.base.vae.config.scaling_factor
        restored = self.base.vae.decode(latents, return_dict=False)[0].float().mean(dim=1, keepdim=True)
        return ((restored - LOWEST) / (HIGHEST - LOWEST)).clamp(0, 1) * self.highest_m

    def loss(self, image: Tensor, ndsm_m: Tensor) -> Tensor:
        """Squared error of the predicted latents (the paper's supervision in the latent space)."""
        return F.mse_loss(self.predicted_latents(image).float(), self.target_latents(ndsm_m).float())

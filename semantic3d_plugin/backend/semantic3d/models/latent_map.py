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
MOST_CLASSES = 8


class LatentMap(nn.Module):
    """A target map through the VAE's own latents.

    Args:
        base: the pretrained model with its VAE decoder; frozen, the UNet adapted in place.
        lora_rank: rank on the UNet.
        timestep: t*.
    """

    def __init__(self, base: LatentDiffusion, *, lora_rank: int = 32, timestep: int = 1):
        super().__init__()
        base.requires_grad_(False)
        add_adapter(base.unet, lora_rank)
        self.base = base
        self.timestep = timestep

    def predicted_latents(self, image: Tensor) -> Tensor:
        """Image [B, 3, H, W] in -1..1 to scaled latents of its map [B, c, H/8, W/8]."""
        return self.base.unet_output(self.base.encode(image)[0], self.timestep)

    def restored(self, image: Tensor) -> Tensor:
        """Image [B, 3, H, W] to the map as an image [B, 3, H, W], about -1..1."""
        latents = self.predicted_latents(image) / self.base.vae.config.scaling_factor
        return self.base.vae.decode(latents, return_dict=False)[0].float()

    def as_image(self, target: Tensor) -> Tensor:
        """The target as an image [B, 3, H, W] in -1..1."""
        raise NotImplementedError

    @torch.no_grad()
    def target_latents(self, target: Tensor) -> Tensor:
        """Scaled latents of a target map."""
        return self.base.encode(self.as_image(target))[0]

    def loss(self, image: Tensor, target: Tensor) -> Tensor:
        """Squared error of the predicted latents (the paper's supervision in the latent space)."""
        return F.mse_loss(self.predicted_latents(image).float(), self.target_latents(target).float())


class LatentMapDiffusion(LatentMap):
    """Heights through the VAE's own latents.

    Args:
        highest_m: the height at the upper end of the VAE's range; taller ones are cut.
    """

    def __init__(self, base: LatentDiffusion, *, lora_rank: int = 32, timestep: int = 1, highest_m: float = 60.0):
        super().__init__(base, lora_rank=lora_rank, timestep=timestep)
        self.highest_m = highest_m

    def as_image(self, target: Tensor) -> Tensor:
        """A height map [B, 1, H, W] in metres as grey; unknown heights (NaN) count as ground."""
        share = torch.nan_to_num(target, nan=0.0).clamp(0, self.highest_m) / self.highest_m
        return (LOWEST + share * (HIGHEST - LOWEST)).expand(-1, 3, -1, -1)

    def forward(self, image: Tensor) -> Tensor:
        """Image [B, 3, H, W] in -1..1 to heights [B, 1, H, W] in metres."""
        grey = self.restored(image).mean(dim=1, keepdim=True)
        return ((grey - LOWEST) / (HIGHEST - LOWEST)).clamp(0, 1) * self.highest_m


class LatentClassDiffusion(LatentMap):
    """Land cover through the VAE's own latents: each class has a corner of the colour cube.

    The paper does not say which colours it took; corners are as far from each other as colours can be.

    Args:
        class_count: at most MOST_CLASSES.

    Raises:
        ValueError: more classes than corners.
    """

    def __init__(self, base: LatentDiffusion, class_count: int, *, lora_rank: int = 32, timestep: int = 1):
        if class_count > MOST_CLASSES:
            raise ValueError(f"{class_count} classes; the colour cube has {MOST_CLASSES} corners")
        super().__init__(base, lora_rank=lora_rank, timestep=timestep)
        ends = torch.tensor([LOWEST, HIGHEST])
        self.register_buffer("colours", torch.cartesian_prod(ends, ends, ends)[:class_count], persistent=False)

    def as_image(self, target: Tensor) -> Tensor:
        """Class codes 1..K, int64 [B, H, W], as colours; unknown pixels (0) are mid grey."""
        known = (target >= 1) & (target <= len(self.colours))
        colour = self.colours[torch.where(known, target - 1, 0)] * known[..., None]
        return colour.permute(0, 3, 1, 2)

    def forward(self, image: Tensor) -> Tensor:
        """Image [B, 3, H, W] in -1..1 to class codes 1..K of the nearest colour, int64 [B, H, W]."""
        pixels = self.restored(image).permute(0, 2, 3, 1)
        return torch.cdist(pixels.flatten(1, 2), self.colours[None]).argmin(dim=2).view(pixels.shape[:3]) + 1

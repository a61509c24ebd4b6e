"""Diffusion pretraining of a small base: first the VAE, then noise prediction in its latents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..datasets.imagery import ImageCrops
from ..models.latent import LatentDiffusion, noise_schedule
from .loop import LoopConfig, load_state, run_loop


def gradient_loss(a: Tensor, b: Tensor) -> Tensor:
    """L1 between the image gradients of a and b [B, C, H, W]: keeps edges sharp."""
    down = (a.diff(dim=2) - b.diff(dim=2)).abs().mean()
    return down + (a.diff(dim=3) - b.diff(dim=3)).abs().mean()


def train_vae(
    base: LatentDiffusion, crops_of_step: Callable[[int], np.ndarray], config: LoopConfig, folder: Path
) -> None:
    """Train the VAE to reconstruct crops; stores the latents' scale in its configuration.

    Args:
        base: its `vae` is trained in place.
        crops_of_step: step -> float32 [B, 3, h, w] in -1..1.
        config: its `device` is where the base lies.
    """
    vae = base.vae.train()
    encode, decode = vae.encode, vae.decode
    if config.compiled:
        encode, decode = torch.compile(encode), torch.compile(decode)

    def loss_of_step(step: int) -> Tensor:
        image = _on_device(crops_of_step(step), config)
        (posterior,) = encode(image, return_dict=False)
        generator = torch.Generator().manual_seed(step)  # of the processor: the same noise on every device
        (restored,) = decode(posterior.sample(generator), return_dict=False)
        reconstruction = (restored - image).abs().mean() + gradient_loss(restored, image)
        return reconstruction + 1e-5 * posterior.kl().mean() / posterior.mean[0].numel()

    ema = run_loop(vae, loss_of_step, config, folder)
    load_state(vae, ema.state)
    vae.eval()
    with torch.no_grad():
        latents = vae.encode(_on_device(crops_of_step(10**6), config)).latent_dist.mode()
    vae.register_to_config(scaling_factor=float(1 / latents.std()))


def train_denoiser(
    base: LatentDiffusion, crops_of_step: Callable[[int], np.ndarray], config: LoopConfig, folder: Path
) -> None:
    """Train the UNet to predict the noise in scaled latents (epsilon prediction, MSE)."""
    schedule = noise_schedule()
    base.requires_grad_(False)
    base.unet.requires_grad_(True).train()
    predict = torch.compile(base.unet) if config.compiled else base.unet

    def loss_of_step(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(step)  # of the processor: the same noise on every device
        image = _on_device(crops_of_step(step), config)
        with torch.no_grad():
            latents = base.encode(image)[0].float()
        noise = torch.randn(latents.shape, generator=generator).to(latents.device)
        steps = torch.randint(schedule.config.num_train_timesteps, (len(latents),), generator=generator)
        steps = steps.to(latents.device)
        noisy = schedule.add_noise(latents, noise, steps)
        condition = base.condition.expand(len(latents), -1, -1)
        return F.mse_loss(predict(noisy, steps, condition, return_dict=False)[0].float(), noise)

    ema = run_loop(base.unet, loss_of_step, config, folder)
    load_state(base.unet, ema.state)
    base.unet.eval()


def _on_device(crops: np.ndarray, config: LoopConfig) -> Tensor:
    return torch.from_numpy(crops).to(config.device).contiguous(memory_format=torch.channels_last)


def save_base(base: LatentDiffusion, path: Path, config_name: str = "s3d_small") -> None:
    """Write every weight of a base as one safetensors file, with the latents' scale and its shape's name."""
    scale = str(base.vae.config.scaling_factor)
    state = {name: value.cpu().contiguous() for name, value in base.state_dict().items()}
    save_file(state, str(path), metadata={"scaling_factor": scale, "config": config_name})


def load_weights(base: LatentDiffusion, path: Path) -> LatentDiffusion:
    """Read what `save_base` wrote into a base of the same shape."""
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as opened:
        base.vae.register_to_config(scaling_factor=float(opened.metadata()["scaling_factor"]))
    nn.Module.load_state_dict(base, load_file(str(path)))
    return base


def seeded_crops(images: list[np.ndarray], crop_px: int, batch: int, seed: int) -> Callable[[int], np.ndarray]:
    """Crops that follow from the step's number alone, so that a resumed run repeats them."""
    return lambda step: ImageCrops(images, crop_px, seed=seed * 10**7 + step).batch(batch)

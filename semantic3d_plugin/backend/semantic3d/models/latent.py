"""The pretrained latent diffusion model: VAE encoder and UNet, run once, without noise.

`SMALL` is the base that ships with the plugin; `load_base` reads a Stable Diffusion class
model from a local diffusers folder. Both are stock diffusers classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

TRAIN_TIMESTEPS = 1000

# Every layer that the paper adapts: attention, transformer projections, feed-forward, all
# convolutions and the time projections of the residual blocks.
LORA_TARGETS = (
    r".*\.(to_q|to_k|to_v|to_out\.0|proj_in|proj_out|net\.0\.proj|net\.2"
    r"|conv1|conv2|conv_shortcut|conv|time_emb_proj)$|conv_in|conv_out"
)


@dataclass(frozen=True)
class LatentConfig:
    """Shape of a latent diffusion model, in diffusers' own terms."""

    name: str
    vae: dict = field(default_factory=dict)
    unet: dict = field(default_factory=dict)
    condition_tokens: int = 4


SMALL = LatentConfig(
    name="s3d_small",
    vae={
        "block_out_channels": (16, 32, 64, 64),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 1,
        "latent_channels": 8,
        "norm_num_groups": 8,
        "sample_size": 256,
        "mid_block_add_attention": False,
    },
    unet={
        "sample_size": 32,
        "in_channels": 8,
        "out_channels": 8,
        "block_out_channels": (64, 96, 128),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "layers_per_block": 1,
        "cross_attention_dim": 64,
        "attention_head_dim": 4,
        "norm_num_groups": 16,
    },
)

# Smallest legal shape, for tests of the machinery.
TINY = LatentConfig(
    name="tiny",
    vae=SMALL.vae | {"block_out_channels": (8, 8, 16, 16)},
    unet=SMALL.unet | {"block_out_channels": (16, 16, 32), "cross_attention_dim": 16},
)

CONFIGS = {config.name: config for config in (SMALL, TINY)}


class LatentFeatures(NamedTuple):
    """UNet's last features [B, C, H/8, W/8] and VAE encoder features at H/4 and H/2."""

    unet: Tensor
    quarter: Tensor
    half: Tensor


class LatentDiffusion(nn.Module):
    """VAE and UNet of one pretrained model, with the stored condition C'.

    Args:
        vae, unet: diffusers models.
        condition: embedding of the empty prompt [1, M, D]; ships with the weights, so that no
            text encoder has to.
        pooled: its pooled embedding [1, P], which a UNet of Stable Diffusion XL wants too.
    """

    def __init__(
        self, vae: AutoencoderKL, unet: UNet2DConditionModel, condition: Tensor, pooled: Tensor | None = None
    ) -> None:
        super().__init__()
        self.vae = vae
        self.unet = unet
        self.recomputes = False
        self.register_buffer("condition", condition)
        if pooled is not None:
            self.register_buffer("pooled", pooled)
            # Size and crop that the pipeline of XL states where nobody asks for others: uncropped, of full size.
            side_px = unet.config.sample_size * 2 ** (len(vae.config.block_out_channels) - 1)
            self.register_buffer("time_ids", torch.tensor([[side_px, side_px, 0, 0, side_px, side_px]]).float())

    @classmethod
    def from_config(cls, config: LatentConfig) -> LatentDiffusion:
        """Random weights in the given shape."""
        dim = config.unet["cross_attention_dim"]
        condition = torch.zeros(1, config.condition_tokens, dim)
        unet = UNet2DConditionModel(**config.unet)
        width = pooled_width(unet.config)
        return cls(AutoencoderKL(**config.vae), unet, condition, torch.zeros(1, width) if width else None)

    def recompute_activations(self, enabled: bool) -> None:
        """Gradient checkpointing: the backward pass computes activations again instead of keeping them."""
        self.recomputes = enabled
        if enabled:
            self.unet.enable_gradient_checkpointing()
        else:
            self.unet.disable_gradient_checkpointing()

    def encode(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Image [B, 3, H, W] in -1..1 to scaled latents [B, c, H/8, W/8] and two shortcuts.

        The walk repeats the stock encoder's forward and taps it before each downsampling;
        a test holds that both give the same latents.
        """
        encoder = self.vae.encoder
        x = encoder.conv_in(image)
        taps = []
        for block in encoder.down_blocks:
            for resnet in block.resnets:
                x = self.step(resnet, x, None)
            taps.append(x)
            for downsample in block.downsamplers or ():
                x = downsample(x)
        x = self.step(encoder.mid_block, x)
        moments = encoder.conv_out(encoder.conv_act(encoder.conv_norm_out(x)))
        if self.vae.quant_conv is not None:
            moments = self.vae.quant_conv(moments)
        mean = moments.chunk(2, dim=1)[0]  # the mode: nothing is sampled
        return mean * self.vae.config.scaling_factor, taps[2], taps[1]

    def step(self, module: nn.Module, *arguments):
        """What a module gives, without keeping its activations where `recompute_activations` says so."""
        if self.recomputes and torch.is_grad_enabled():
            return checkpoint(module, *arguments, use_reentrant=False)
        return module(*arguments)

    def denoise_once(self, latents: Tensor, timestep: int) -> Tensor:
        """Last features of one UNet pass at `timestep`, before its output convolution."""
        if isinstance(self.unet.conv_out, nn.Identity):
            return self.unet_output(latents, timestep)
        features: list[Tensor] = []
        handle = self.unet.conv_out.register_forward_pre_hook(lambda _, args: features.append(args[0]))
        self.unet_output(latents, timestep)
        handle.remove()
        return features[0]

    def unet_output(self, latents: Tensor, timestep: int) -> Tensor:
        """What the UNet says of latents [B, c, H/8, W/8] at one timestep under the stored condition."""
        steps = torch.full((latents.shape[0],), timestep, device=latents.device, dtype=torch.long)
        condition = self.condition.to(latents.dtype).expand(latents.shape[0], -1, -1)
        added = None
        if pooled_width(self.unet.config):
            names = {"text_embeds": self.pooled, "time_ids": self.time_ids}
            added = {name: value.to(latents.dtype).expand(latents.shape[0], -1) for name, value in names.items()}
        return self.unet(latents, steps, condition, added_cond_kwargs=added, return_dict=False)[0]

    def drop_pretraining_parts(self) -> None:
        """Remove what only pretraining needs: the VAE's decoder and the UNet's output convolution."""
        self.vae.decoder = None
        self.unet.conv_out = nn.Identity()

    def forward(self, image: Tensor, timestep: int) -> LatentFeatures:
        """Features of an image [B, 3, H, W] in -1..1 at a fixed timestep, without noise."""
        latents, quarter, half = self.encode(image)
        return LatentFeatures(self.denoise_once(latents, timestep), quarter, half)


def noise_schedule() -> DDPMScheduler:
    """The noise schedule of Stable Diffusion (scaled linear, epsilon prediction)."""
    return DDPMScheduler(
        num_train_timesteps=TRAIN_TIMESTEPS, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"
    )


def pooled_width(unet_config) -> int:
    """Width of the pooled prompt embedding that a UNet wants beside the condition (Stable Diffusion XL); 0 for none."""
    if unet_config.get("addition_embed_type") != "text_time":
        return 0
    return unet_config["projection_class_embeddings_input_dim"] - 6 * unet_config["addition_time_embed_dim"]


def load_base(
    folder: Path, condition: Tensor, pooled: Tensor | None = None, variant: str | None = None
) -> LatentDiffusion:
    """Read a Stable Diffusion class model from a local diffusers folder (safetensors only), in fp32.

    Args:
        folder: holds `vae/` and `unet/` as diffusers writes them.
        condition, pooled: of the empty prompt; see `LatentDiffusion`.
        variant: of the files, such as "fp16".

    Raises:
        OSError: the folder or its weights are missing.
    """
    how = {"use_safetensors": True, "local_files_only": True, "variant": variant, "torch_dtype": torch.float32}
    vae = AutoencoderKL.from_pretrained(str(folder), subfolder="vae", **how)
    unet = UNet2DConditionModel.from_pretrained(str(folder), subfolder="unet", **how)
    return LatentDiffusion(vae, unet, condition, pooled)


def add_adapter(module: nn.Module, rank: int) -> nn.Module:
    """Freeze `module` and put LoRA (scale 1) on every adapted layer of it, in place."""
    module.requires_grad_(False)
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules=LORA_TARGETS, init_lora_weights=True)
    return inject_adapter_in_model(config, module)


def merge_adapter(module: nn.Module) -> nn.Module:
    """Fold LoRA weights into the layers they adapt and drop the wrappers, in place."""
    from peft.tuners.lora import LoraLayer

    for name, layer in list(module.named_modules()):
        if isinstance(layer, LoraLayer):
            layer.merge(safe_merge=True)
            parent_name, _, child_name = name.rpartition(".")
            parent = module.get_submodule(parent_name) if parent_name else module
            setattr(parent, child_name, layer.get_base_layer())
    return module

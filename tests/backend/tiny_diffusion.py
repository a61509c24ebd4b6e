"""Tiny models in the shapes of Stable Diffusion 1.5, 2.x and XL, saved by diffusers' own pipelines."""

from __future__ import annotations

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

WIDTH, POOLED, TOKENS = 16, 12, 7
UNETS = {
    "1": {"attention_head_dim": 2},
    "2": {"attention_head_dim": [2, 4, 4], "use_linear_projection": True},
    "xl": {
        "attention_head_dim": [2, 4, 4], "use_linear_projection": True, "transformer_layers_per_block": [1, 1, 2],
        "addition_embed_type": "text_time", "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": POOLED + 6 * 8,
    },
}  # fmt: skip


def make_pipeline(family, seed=0, **unet):
    """A pipeline of the family with random weights; all conditions differ from zero."""
    torch.manual_seed(seed)
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 16, 16), down_block_types=("DownEncoderBlock2D",) * 4, latent_channels=4,
        up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=1, norm_num_groups=8, sample_size=64,
    )  # fmt: skip
    shape = {
        "sample_size": 8, "in_channels": 4, "out_channels": 4, "layers_per_block": 1, "norm_num_groups": 8,
        "block_out_channels": (16, 16, 32), "cross_attention_dim": WIDTH,
        "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"), **UNETS[family], **unet,
    }  # fmt: skip
    tokenizer = CLIPTokenizer(
        vocab={"a</w>": 0, "<|startoftext|>": 1, "<|endoftext|>": 2}, merges=[], model_max_length=TOKENS
    )
    parts = {"vae": vae.eval(), "unet": UNet2DConditionModel(**shape).eval(), "tokenizer": tokenizer}
    if family == "xl":
        return StableDiffusionXLPipeline(
            **parts, text_encoder=CLIPTextModel(_text(8)).eval(), tokenizer_2=tokenizer,
            text_encoder_2=CLIPTextModelWithProjection(_text(8)).eval(), scheduler=EulerDiscreteScheduler(),
        )  # fmt: skip
    return StableDiffusionPipeline(
        **parts, text_encoder=CLIPTextModel(_text(WIDTH)).eval(), scheduler=DDIMScheduler(clip_sample=False, steps_offset=1), safety_checker=None,
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def save_folder(folder, family="2", variant=None, **unet):
    """Save a pipeline as a diffusers folder of safetensors; returns the pipeline."""
    pipeline = make_pipeline(family, **unet)
    pipeline.save_pretrained(str(folder), safe_serialization=True, variant=variant)
    return pipeline


def _text(width):
    return CLIPTextConfig(
        vocab_size=3, hidden_size=width, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=TOKENS, projection_dim=POOLED, bos_token_id=1, eos_token_id=2, pad_token_id=2,
    )  # fmt: skip

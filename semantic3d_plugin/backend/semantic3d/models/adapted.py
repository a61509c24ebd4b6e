"""The adapted diffusion model: frozen base, LoRA, task-specific decoder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from torch import Tensor, nn

from .decoder import DecoderOutput, TaskDecoder, class_probability
from .evidential import evidence_from_raw, height_estimate
from .latent import LatentDiffusion, add_adapter, merge_adapter

OUTPUT_NAMES = ("height_m", "aleatoric_var_m2", "epistemic_var_m2", "evidence_index", "class_probability")


@dataclass(frozen=True)
class AdaptedConfig:
    """What the paper varies about the adaptation.

    Attributes:
        timestep: t*, the fixed step at which the UNet runs once.
        unet_training: how the UNet learns: "lora" as in the paper, "full" or "frozen".
        lora_rank: rank on the UNet when it learns by LoRA.
        train_encoder: whether the VAE encoder learns too. The paper keeps it frozen; the small
            base's has 0.36 M parameters and saw few images, so there it is trained whole.
        decoder_channels: width of the task-specific decoder.
        shortcuts, pyramid: the decoder's VAE shortcuts (S3) and pyramid pooling (S4). S2A, a decoder per task,
            is two runs with one of the loss's weights at 0; S1 is `LatentMapDiffusion`.
        dropout: share of the decoder's channels dropped in training, for MC dropout (`mc_dropout`); 0 as in the paper's
            own model.
        height_by_class: see `TaskDecoder`; the paper has one height branch for all.
        smooth: see `TaskDecoder`; not in the paper.
        evidence_steers: see `TaskDecoder`; true in the paper.
        class_count: land-cover classes.
        height_scale_m: metres per standardised height unit.
        alpha_min: least alpha of the evidence; see `evidence_from_raw`.
    """

    timestep: int = 1
    unet_training: Literal["lora", "full", "frozen"] = "lora"
    lora_rank: int = 32
    train_encoder: bool = False
    decoder_channels: int = 128
    shortcuts: bool = True
    pyramid: bool = True
    height_by_class: bool = False
    smooth: bool = False
    evidence_steers: bool = False
    class_count: int = 7
    height_scale_m: float = 10.0
    alpha_min: float = 1.0
    dropout: float = 0.0

    def to_dict(self) -> dict:
        return asdict(self)


class AdaptedDiffusion(nn.Module):
    """One image in, evidence of heights and class logits out, in one pass.

    Args:
        base: the pretrained model; it is frozen and adapted in place.
        config: the adaptation.
    """

    def __init__(self, base: LatentDiffusion, config: AdaptedConfig) -> None:
        super().__init__()
        self.config = config
        base.requires_grad_(False)
        encoder_channels = base.vae.config.block_out_channels
        self.decoder = TaskDecoder(
            base.unet.config.block_out_channels[0],
            encoder_channels[2],
            encoder_channels[1],
            channels=config.decoder_channels,
            class_count=config.class_count,
            shortcuts=config.shortcuts,
            pyramid=config.pyramid,
            height_by_class=config.height_by_class,
            smooth=config.smooth,
            evidence_steers=config.evidence_steers,
            dropout=config.dropout,
        )
        if config.unet_training == "lora":
            add_adapter(base.unet, config.lora_rank)
        elif config.unet_training == "full":
            base.unet.requires_grad_(True)
        base.drop_pretraining_parts()
        if config.train_encoder:
            base.vae.encoder.requires_grad_(True)
        self.base = base

    def forward(self, image: Tensor) -> DecoderOutput:
        """Image [B, 3, H, W] in -1..1 to maps of the same size."""
        features = self.base(image, self.config.timestep)
        return self.base.step(self.decoder, features.unet, features.quarter, features.half)

    def merged(self) -> AdaptedDiffusion:
        """Fold the adapter into the base, in place; outputs stay the same."""
        merge_adapter(self.base.unet)
        return self


class PhysicalOutputs(nn.Module):
    """What a model package computes: metres, square metres and probabilities, in fp32."""

    def __init__(self, model: AdaptedDiffusion) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Image [B, 3, H, W] in -1..1 to the tensors of OUTPUT_NAMES."""
        output = self.model(image)
        evidence = evidence_from_raw(output.gamma, output.raw_evidence, self.model.config.alpha_min)
        estimate = height_estimate(evidence, self.model.config.height_scale_m)
        return (*estimate, class_probability(output.class_logits))

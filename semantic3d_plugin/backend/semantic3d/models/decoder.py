"""Task-specific decoder: UNet features and VAE shortcuts to evidence and land cover.

In-projection, pyramid pooling (PSP), two deconvolution stages each joined with the VAE
encoder's feature of that scale, and separate branches for gamma, for (nu, alpha, beta) and
for the classes. About 1.2 M parameters at 128 channels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PSP_BINS = (1, 2, 3, 6)


class DecoderOutput(NamedTuple):
    """Full-size maps: gamma [B, 1, H, W], raw evidence [B, 3, H, W], class logits [B, K, H, W]."""

    gamma: Tensor
    raw_evidence: Tensor
    class_logits: Tensor


def pooling_matrix(size: int, bins: int, like: Tensor) -> Tensor:
    """Average-pooling as a matrix [bins, size], the rows of adaptive_avg_pool1d.

    ONNX has no adaptive pool for bins that do not divide the map; a matrix product is exact
    at every size.
    """
    edges = torch.arange(bins + 1, dtype=torch.float64) * size / bins
    start, stop = torch.floor(edges[:-1]), torch.ceil(edges[1:])
    index = torch.arange(size, dtype=torch.float64)
    inside = (index >= start[:, None]) & (index < stop[:, None])
    return (inside.double() / inside.sum(1, keepdim=True)).to(like.device, like.dtype)


class ChannelNorm(nn.Module):
    """Scale each pixel's channels to a root mean square of one, then by a learned gain.

    It works pixel by pixel. A norm over the window (GroupNorm) would take away how tall the
    whole window is, and tie every height to what else the window shows.
    """

    EPS = 1e-6

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        size = x.float().pow(2).mean(dim=1, keepdim=True).add(self.EPS).rsqrt()
        return x * size.to(x.dtype) * self.gain[:, None, None]


class PyramidPooling(nn.Module):
    """Context at four grids: pooled, projected, brought back and joined with the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.ModuleList(nn.Conv2d(channels, channels // 4, 1) for _ in PSP_BINS)
        self.join = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        levels = [x]
        for bins, project in zip(PSP_BINS, self.project):
            rows, columns = pooling_matrix(height, bins, x), pooling_matrix(width, bins, x)
            pooled = project(rows @ x @ columns.T)
            levels.append(F.interpolate(pooled, size=(height, width), mode="bilinear", align_corners=False))
        return x + F.silu(self.join(torch.cat(levels, dim=1)))


class UpStage(nn.Module):
    """Double the size, add the VAE encoder's feature of that scale, refine.

    The encoder's features are an unnormalised residual stream; without a norm of their own they
    drown the UNet's, and with them all context.
    """

    def __init__(self, channels: int, shortcut_channels: int | None, out_channels: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, out_channels, 4, stride=2, padding=1)
        self.shortcut = None
        if shortcut_channels:
            self.shortcut = nn.Sequential(
                ChannelNorm(shortcut_channels), nn.Conv2d(shortcut_channels, out_channels, 1)
            )
        self.refine = nn.Sequential(
            ChannelNorm(out_channels), nn.SiLU(), nn.Conv2d(out_channels, out_channels, 3, padding=1)
        )

    def forward(self, x: Tensor, shortcut: Tensor) -> Tensor:
        x = self.up(x)
        if self.shortcut is not None:
            x = x + self.shortcut(shortcut)
        return x + self.refine(x)


def head(channels: int, hidden: int, outputs: int) -> nn.Sequential:
    """A branch of its own: SiLU, 3x3, SiLU, 1x1."""
    return nn.Sequential(
        nn.SiLU(), nn.Conv2d(channels, hidden, 3, padding=1), nn.SiLU(), nn.Conv2d(hidden, outputs, 1)
    )


def class_probability(logits: Tensor) -> Tensor:
    """Softmax over the classes of logits [B, K, H, W], in fp32.

    In elementwise steps: over so few channels onnxruntime's Softmax is slow, it made up a twentieth of a tile's time.
    """
    logits = logits.float()
    shares = torch.exp(logits - logits.amax(dim=1, keepdim=True))
    return shares / shares.sum(dim=1, keepdim=True)


def without_chequers(x: Tensor) -> Tensor:
    """Weigh each pixel of [B, C, H, W] with its neighbours, 1 2 1 along rows and columns.

    Deconvolutions leave a pattern that repeats every second pixel (Odena et al. 2016, "Deconvolution and Checkerboard
    Artifacts"); to this filter it is invisible.
    """
    for axis in (-2, -1):  # edges repeated; torch.compile stumbles over F.pad's way of doing it
        x = torch.cat((x.narrow(axis, 0, 1), x, x.narrow(axis, x.shape[axis] - 1, 1)), dim=axis)
    return F.avg_pool2d(F.avg_pool2d(x, 2, stride=1), 2, stride=1)


class TaskDecoder(nn.Module):
    """Decoder of the adapted diffusion model (TSD).

    Args:
        unet_channels: channels of the UNet's last features (320 in Stable Diffusion).
        quarter_channels, half_channels: VAE encoder channels at 1/4 and 1/2 (512, 256).
        channels: width of the decoder.
        class_count: land-cover classes.
        shortcuts: whether the VAE encoder's features join (the paper's S3).
        pyramid: whether the pyramid pooling is there (the paper's S4).
        height_by_class: gamma is the mean of one height per class, weighted by the classes' probabilities, so that
            what is seen as a roof also gets a roof's height. Heights do not steer the classes.
        evidence_steers: whether what the evidence is taught moves the shared features, too, as in the paper, where gamma
            alone is left out of it; else its branch reads them and changes nothing.
        smooth: whether the maps go through `without_chequers` before they are enlarged.
        dropout: share of channels dropped after each deconvolution stage; it has no parameters.
    """

    def __init__(
        self,
        unet_channels: int,
        quarter_channels: int,
        half_channels: int,
        *,
        channels: int = 128,
        class_count: int = 7,
        shortcuts: bool = True,
        pyramid: bool = True,
        height_by_class: bool = False,
        smooth: bool = False,
        evidence_steers: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        half = channels // 2
        self.project = nn.Sequential(nn.Conv2d(unet_channels, channels, 3, padding=1), nn.SiLU())
        self.context = PyramidPooling(channels) if pyramid else nn.Identity()
        self.to_quarter = UpStage(channels, quarter_channels if shortcuts else None, channels)
        self.to_half = UpStage(channels, half_channels if shortcuts else None, half)
        self.dropout = nn.Dropout2d(dropout) if dropout else nn.Identity()
        self.height_by_class, self.smooth = height_by_class, smooth
        self.evidence_steers = evidence_steers
        self.gamma_head = head(half, half // 2, class_count if height_by_class else 1)
        self.evidence_head = head(half, half // 2, 3)
        self.class_head = head(half, half // 2, class_count)

    def forward(self, features: Tensor, quarter: Tensor, half: Tensor) -> DecoderOutput:
        """Decode features [B, C, H/8, W/8] with shortcuts at H/4 and H/2 to maps of H x W."""
        x = self.context(self.project(features))
        x = self.dropout(self.to_half(self.dropout(self.to_quarter(x, quarter)), half))
        classes = self.class_head(x)
        gamma = self.gamma_head(x)
        if self.height_by_class:
            share = class_probability(classes.detach()).to(gamma.dtype)
            gamma = (gamma * share).sum(dim=1, keepdim=True)
        evidence = self.evidence_head(x if self.evidence_steers else x.detach())
        return DecoderOutput(*(self.enlarged(m) for m in (gamma, evidence, classes)))

    def enlarged(self, half_size: Tensor) -> Tensor:
        """Bring maps [B, C, H/2, W/2] that the heads gave to full size."""
        maps = without_chequers(half_size) if self.smooth else half_size
        return F.interpolate(maps, scale_factor=2.0, mode="bilinear", align_corners=False)

"""Networks without a diffusion model, of about the small model's cost, to compare it with.

They answer as the adapted model does (`DecoderOutput` at full size), so that data, losses, calibration and figures
are the same for all. The comparison is `scripts/bench_accuracy.py`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .decoder import DecoderOutput, head


def conv_block(in_channels: int, out_channels: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """3x3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(
            in_channels, out_channels, 3, stride=stride, padding=dilation, dilation=dilation, bias=False
        ),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class Heads(nn.Module):
    """Gamma, evidence and class branches on features [B, C, H/s, W/s], brought to full size."""

    def __init__(self, channels: int, class_count: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.gamma = head(channels, channels // 2, 1)
        self.evidence = head(channels, channels // 2, 3)
        self.classes = head(channels, channels // 2, class_count)

    def forward(self, x: Tensor, gamma: Tensor | None = None) -> DecoderOutput:
        """Maps of the features `x`; a `gamma` [B, 1, H/s, W/s] from elsewhere takes the branch's place."""
        maps = (self.gamma(x) if gamma is None else gamma, self.evidence(x.detach()), self.classes(x))
        return DecoderOutput(
            *(F.interpolate(m, scale_factor=float(self.scale), mode="bilinear", align_corners=False) for m in maps)
        )


class UNetFeatures(nn.Module):
    """Encoder and decoder with skips (Ronneberger et al. 2015): image [B, 3, H, W] to [B, C, H/2, W/2].

    Attributes:
        deepest: channels of the coarsest level.
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.deepest = channels[-1]
        self.stem = conv_block(3, channels[0], stride=2)
        before = (channels[0], *channels[:-1])
        self.down = nn.ModuleList(
            nn.Sequential(conv_block(a, b), conv_block(b, b)) for a, b in zip(before, channels)
        )
        self.up = nn.ModuleList(
            nn.Sequential(conv_block(fine + coarse, fine), conv_block(fine, fine))
            for fine, coarse in zip(channels[:-1], channels[1:])
        )

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the finest and the coarsest features."""
        x = self.stem(image)
        levels = []
        for index, stage in enumerate(self.down):
            x = stage(F.avg_pool2d(x, 2) if index else x)
            levels.append(x)
        for stage, level in zip(reversed(self.up), reversed(levels[:-1])):
            x = stage(torch.cat([level, F.interpolate(x, scale_factor=2.0, mode="nearest")], dim=1))
        return x, levels[-1]


class UNetBaseline(nn.Module):
    """U-Net with the three heads."""

    def __init__(self, class_count: int = 7, channels: tuple[int, ...] = (34, 64, 104, 176, 288)) -> None:
        super().__init__()
        self.features = UNetFeatures(channels)
        self.heads = Heads(channels[0], class_count, 2)

    def forward(self, image: Tensor) -> DecoderOutput:
        return self.heads(self.features(image)[0])


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside the identity (He et al. 2016)."""

    def __init__(self, in_channels: int, channels: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_block(in_channels, channels, stride=stride, dilation=dilation),
            nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm2d(channels),
        )
        same = stride == 1 and in_channels == channels
        self.short = nn.Identity() if same else nn.Conv2d(in_channels, channels, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.short(x))


class DeepLabBaseline(nn.Module):
    """DeepLabV3+ style (Chen et al. 2018): dilated residual encoder at 1/16, ASPP, one low-level shortcut at 1/4."""

    def __init__(self, class_count: int = 7, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv_block(3, width // 2, stride=2), conv_block(width // 2, width))
        self.low = nn.Sequential(ResidualBlock(width, width, stride=2), ResidualBlock(width, width))
        self.middle = nn.Sequential(ResidualBlock(width, 2 * width, stride=2), ResidualBlock(2 * width, 2 * width))
        self.deep = nn.Sequential(
            ResidualBlock(2 * width, 4 * width, stride=2), ResidualBlock(4 * width, 4 * width, dilation=2)
        )
        self.pyramid = nn.ModuleList(
            [nn.Conv2d(4 * width, width, 1)]
            + [conv_block(4 * width, width, dilation=rate) for rate in (3, 6, 9)]
        )
        self.pooled = nn.Conv2d(4 * width, width, 1)
        self.join = conv_block(5 * width, 2 * width)
        self.short = nn.Conv2d(width, width // 2, 1)
        self.refine = nn.Sequential(conv_block(2 * width + width // 2, width), conv_block(width, width))
        self.heads = Heads(width, class_count, 4)

    def forward(self, image: Tensor) -> DecoderOutput:
        low = self.low(self.stem(image))
        deep = self.deep(self.middle(low))
        pooled = self.pooled(deep.mean(dim=(2, 3), keepdim=True)).expand(-1, -1, *deep.shape[2:])
        x = self.join(torch.cat([*(branch(deep) for branch in self.pyramid), pooled], dim=1))
        x = F.interpolate(x, scale_factor=4.0, mode="bilinear", align_corners=False)
        return self.heads(self.refine(torch.cat([x, self.short(low)], dim=1)))


class BinsBaseline(nn.Module):
    """Heights as the mean of a distribution over adaptive bins (Bhat et al. 2021; HTC-DC Net, Chen et al. 2023).

    The coarsest features of a U-Net say, per image, where the bins lie; the finest say, per pixel, how likely
    each is.

    Args:
        highest: upper end of the last bin, standardised height.
    """

    def __init__(
        self,
        class_count: int = 7,
        channels: tuple[int, ...] = (34, 64, 104, 176, 288),
        bins: int = 48,
        highest: float = 6.0,
    ) -> None:
        super().__init__()
        self.highest = highest
        self.features = UNetFeatures(channels)
        self.widths = nn.Sequential(nn.Linear(self.features.deepest, 128), nn.ReLU(), nn.Linear(128, bins))
        self.share = head(channels[0], channels[0], bins)
        self.heads = Heads(channels[0], class_count, 2)
        self.heads.gamma = nn.Identity()  # the bins give the height

    def forward(self, image: Tensor) -> DecoderOutput:
        x, coarse = self.features(image)
        # Every bin keeps a least width, as in AdaBins, so that none dies.
        widths = F.relu(self.widths(coarse.mean(dim=(2, 3)))) + 0.1
        edges = torch.cumsum(widths / widths.sum(dim=1, keepdim=True), dim=1) * self.highest
        centres = edges - 0.5 * widths / widths.sum(dim=1, keepdim=True) * self.highest
        share = torch.softmax(self.share(x), dim=1)
        return self.heads(x, (share * centres[:, :, None, None].to(share.dtype)).sum(dim=1, keepdim=True))


BASELINES = {"unet": UNetBaseline, "deeplab": DeepLabBaseline, "bins": BinsBaseline}

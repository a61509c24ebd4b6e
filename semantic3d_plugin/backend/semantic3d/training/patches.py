"""Training patches: random crops of labelled images, made harder by honest augmentation."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from torch import Tensor

from ..datasets.blocks import labelled
from ..datasets.labelled import Sample
from ..raster.gaps import fill_gaps

MIN_LABELLED_SHARE = 0.3
TRIES = 6


@dataclass(frozen=True)
class PatchBatch:
    """Image [B, 3, P, P] in -1..1, nDSM [B, 1, P, P] (NaN unknown), land cover [B, P, P] int64.

    `heights_true` [B] is false for patches whose heights a model gave: see `Sample.heights_true`.
    """

    image: Tensor
    ndsm_m: Tensor
    land_cover: Tensor
    heights_true: Tensor | None = None

    def __post_init__(self) -> None:
        if self.heights_true is None:
            object.__setattr__(self, "heights_true", torch.ones(len(self.image), dtype=torch.bool))

    def to(self, device: str) -> PatchBatch:
        """The same batch on a device."""
        return PatchBatch(*(part.to(device) for part in vars(self).values()))


@dataclass(frozen=True)
class PatchConfig:
    """Size of a patch and strength of the augmentation.

    Attributes:
        zoom_low, zoom_high: range of the scale in the plane and in height.
        colour: strength of `colour_jitter`.
        style_share: share of patches that take on another image's colours.
        gap_share: share of patches with a part that shows nothing, as beyond an image's border or on a lake. The
            network's norms run over the whole window; without such patches a flat half hides the roofs of the other.
        spin_share: share of patches turned by any angle instead of quarter turns, of images large enough to fill
            them. Houses of one town stand along few directions.
        grey_share: share of patches without colour, as panchromatic sensors and old photographs see.
        seeks_labels: for labels that are few and far between. Samples are drawn by how many of their pixels have a
            label, and a place without any is moved to one that has; else many patches would teach nothing.
    """

    patch_px: int = 256
    zoom_low: float = 0.8
    zoom_high: float = 1.3
    colour: float = 0.8
    style_share: float = 0.35
    gap_share: float = 0.3
    spin_share: float = 0.5
    grey_share: float = 0.12
    seeks_labels: bool = False


def mirroring_text(samples: list[Sample], config: PatchConfig) -> str:
    """What the user should know of samples that cannot fill a patch; "" where all can."""
    widest_px = round(config.patch_px / config.zoom_low)
    least = min(samples, key=lambda sample: min(sample.ndsm_m.shape))
    side_px = min(least.ndsm_m.shape)
    if side_px >= widest_px:
        return ""
    return (
        f"The blocks to learn from are as small as {side_px} pixels ({side_px * least.gsd_m:g} m), but a patch shows "
        f"up to {widest_px} pixels ({widest_px * least.gsd_m:g} m): the rest is filled with mirror images. Give a "
        "larger BLOCK, larger images, or a smaller PATCH."
    )


class PatchSource:
    """Draws patches from groups of samples with given shares.

    Args:
        groups: (samples, share) pairs; within a group every pixel (that has a label, where the config seeks them) is
            as likely as any other.
        config: patch size and augmentation.
        styles: colour statistics that patches may take on; see `colour_statistics`.
    """

    def __init__(
        self, groups: list[tuple[list[Sample], float]], config: PatchConfig, styles: np.ndarray | None = None
    ) -> None:
        self.config = config
        self.styles = styles
        self.samples = [sample for samples, _ in groups for sample in samples]
        weights = []
        for samples, share in groups:
            pixels = [labelled(sample).sum() if config.seeks_labels else sample.ndsm_m.size for sample in samples]
            area = np.array(pixels, dtype=float)
            weights.append(area / area.sum() * share)
        # where there is no height at all, classes say whether a place is worth learning from
        self.has_heights = [sample.has_heights for sample in self.samples]
        joined = np.concatenate(weights)
        self.weights = joined / joined.sum()

    def batch(self, size: int, seed: int) -> PatchBatch:
        """A batch that follows from `seed` alone."""
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(self.samples), size=size, p=self.weights)
        images, heights, classes = zip(*(self._patch(self.samples[i], self.has_heights[i], rng) for i in chosen))
        true = torch.tensor([self.samples[i].heights_true for i in chosen])
        return PatchBatch(torch.stack(images), torch.stack(heights), torch.stack(classes), true)

    def _patch(self, sample: Sample, has_heights: bool, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        zoom = np.exp(rng.uniform(np.log(self.config.zoom_low), np.log(self.config.zoom_high)))
        angle = rng.uniform(0, np.pi / 2) if rng.random() < self.config.spin_share else 0.0
        if self._side(zoom, angle) > min(sample.ndsm_m.shape):
            angle = 0.0
        side = self._side(zoom, angle)
        rows, columns = self._place(sample, has_heights, side, rng)
        turn = int(rng.integers(4)), bool(rng.integers(2))
        layers = [sample.rgb, sample.ndsm_m, sample.land_cover, *([] if sample.valid is None else [sample.valid])]
        rgb, *labels = (_oriented(_reflect_to(layer[rows, columns], side), turn) for layer in layers)
        scale = self.config.patch_px / self._side(zoom, 0.0)
        size = (round(side * scale),) * 2
        image = torch.from_numpy(rgb.transpose(2, 0, 1).astype(np.float32) / 255)[None]
        image = F.interpolate(image, size=size, mode="bilinear", antialias=True, align_corners=False)[0]
        labels = [  # "nearest" would take the pixel before, half a pixel off the image
            F.interpolate(torch.from_numpy(label)[None, None].float(), size=size, mode="nearest-exact")[0]
            for label in labels
        ]
        if angle:
            image, *labels = spun(image, labels, angle, self.config.patch_px)
        height, cover = labels[0], labels[1][0]
        if sample.valid is not None:
            image = image.contiguous()
            fill_gaps(image.numpy(), labels[2][0].numpy() < 0.5)
        # A scene enlarged in the plane and in height alike is again a valid scene: shadows and
        # proportions stay true.
        height = height * scale
        if self.styles is not None and rng.random() < self.config.style_share:
            image = restyled(image, self.styles[rng.integers(len(self.styles))], rng.uniform(0.3, 1.0))
        image = colour_jitter(image, rng, self.config.colour)
        if rng.random() < self.config.grey_share:
            image = panchromatic(image, rng)
        image = image.clamp(0, 1)
        if rng.random() < self.config.gap_share:
            gap = random_gap(self.config.patch_px, rng)
            image = torch.where(gap, gap_colour(image, gap, rng), image)
            height = torch.where(gap, torch.nan, height)
            cover = torch.where(gap, 0, cover)
        return image * 2 - 1, height, cover.long()

    def _side(self, zoom: float, angle: float) -> int:
        """Pixels of the image's own that a patch turned by `angle` needs."""
        return round(self.config.patch_px / zoom * (np.cos(angle) + np.sin(angle)) + (2 if angle else 0))

    def _place(
        self, sample: Sample, has_heights: bool, side: int, rng: np.random.Generator
    ) -> tuple[slice, slice]:
        """A place whose labels are not mostly unknown, if a few tries find one."""
        height, width = sample.ndsm_m.shape
        for _ in range(TRIES):
            top = int(rng.integers(max(1, height - side + 1)))
            left = int(rng.integers(max(1, width - side + 1)))
            place = slice(top, top + side), slice(left, left + side)
            labels = (sample.ndsm_m if has_heights else sample.land_cover)[place][::8, ::8]
            if (np.isfinite(labels) if has_heights else labels > 0).mean() >= MIN_LABELLED_SHARE:
                return place
        if self.config.seeks_labels:
            return _place_with_labels(sample, place, rng)
        return place


def _place_with_labels(
    sample: Sample, place: tuple[slice, slice], rng: np.random.Generator
) -> tuple[slice, slice]:
    """This place, or one of the same size around a labelled pixel where it has none."""
    known = labelled(sample)
    if known[place].any() or not known.any():
        return place
    pixel = rng.choice(np.flatnonzero(known))
    moved = []
    for at, size, old in zip(np.unravel_index(pixel, known.shape), known.shape, place):
        side = min(size, old.stop - old.start)
        first = int(at) - int(rng.integers(side // 4, side - side // 4))  # not at the rim, which a turn may cut off
        first = min(max(0, first), size - side)
        moved.append(slice(first, first + old.stop - old.start))
    return moved[0], moved[1]


def random_gap(size: int, rng: np.random.Generator) -> Tensor:
    """True beyond a random straight border [size, size], over a fifth to four fifths of a patch."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:size, :size] / size - 0.5
    along = x * np.cos(angle) + y * np.sin(angle)
    return torch.from_numpy(along > np.quantile(along, rng.uniform(0.2, 0.8)))


def gap_colour(image: Tensor, gap: Tensor, rng: np.random.Generator) -> Tensor:
    """What a gap shows: mostly the mean of the rest, as inference fills it, else black, white or calm water.

    Args:
        image: [3, H, W] in 0..1.
        gap: bool [H, W], neither empty nor all of it.
    """
    kind = rng.random()
    if kind < 0.5:
        return image[:, ~gap].mean(dim=1)[:, None, None].expand_as(image)
    if kind < 0.65:
        return torch.full_like(image, float(kind < 0.58))
    colour = torch.from_numpy(rng.uniform(0.05, 0.6, (3, 1, 1)).astype(np.float32))
    noise = torch.from_numpy(rng.normal(0, rng.uniform(0.002, 0.03), image.shape).astype(np.float32))
    return (colour + noise).clamp(0, 1)


def _reflect_to(layer: np.ndarray, side: int) -> np.ndarray:
    missing = [(0, max(0, side - size)) for size in layer.shape[:2]] + [(0, 0)] * (layer.ndim - 2)
    return np.pad(layer, missing, mode="symmetric") if any(m[1] for m in missing) else layer


def _oriented(layer: np.ndarray, turn: tuple[int, bool]) -> np.ndarray:
    layer = np.rot90(layer, turn[0])
    return np.ascontiguousarray(layer[:, ::-1] if turn[1] else layer)


def spun(image: Tensor, labels: list[Tensor], angle: float, size: int) -> list[Tensor]:
    """The middle of square layers [C, N, N], turned by `angle` (radians, 0 to pi/2) [C, size, size].

    N is at least size * (cos + sin), so that nothing from beyond the border is seen.
    """
    reach = size / image.shape[-1]
    cosine, sine = np.cos(angle) * reach, np.sin(angle) * reach
    turn = torch.tensor([[cosine, -sine, 0.0], [sine, cosine, 0.0]], dtype=torch.float32)[None]
    grid = F.affine_grid(turn, [1, 1, size, size], align_corners=False)
    layers = [(image, "bicubic"), *((label, "nearest") for label in labels)]
    return [F.grid_sample(layer[None], grid, mode, "border", align_corners=False)[0] for layer, mode in layers]


def colour_statistics(images: list[np.ndarray], patch_px: int, seed: int) -> np.ndarray:
    """Mean and standard deviation per channel (0..1) of one random crop of each image [N, 2, 3].

    Args:
        images: uint8 [H, W, 3] each.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for image in images:
        top, left = (int(rng.integers(max(1, size - patch_px + 1))) for size in image.shape[:2])
        pixels = image[top : top + patch_px, left : left + patch_px].reshape(-1, 3) / 255
        rows.append((pixels.mean(axis=0), pixels.std(axis=0)))
    return np.array(rows, dtype=np.float32)


def restyled(image: Tensor, style: np.ndarray, strength: float) -> Tensor:
    """Move an image's channel means and spreads towards another image's (Reinhard et al. 2001).

    Rendered scenes and the few labelled places thus wear the colours of many real ones.

    Args:
        image: [3, H, W] in 0..1.
        style: [2, 3], mean and standard deviation.
        strength: 0 keeps the image's own statistics, 1 takes the style's.
    """
    mean, spread = (torch.from_numpy(row)[:, None, None] for row in style)
    own_mean = image.mean(dim=(1, 2), keepdim=True)
    own_spread = image.std(dim=(1, 2), keepdim=True).clamp(min=0.02)
    gain = (spread / own_spread).clamp(0.4, 2.5) ** strength
    return (image - own_mean) * gain + own_mean + strength * (mean - own_mean)


def panchromatic(image: Tensor, rng: np.random.Generator) -> Tensor:
    """One band instead of three, with a random sensitivity to each; all three channels show it.

    Args:
        image: [3, H, W].
    """
    sensitivity = torch.from_numpy(rng.dirichlet((2.0, 2.0, 2.0)).astype(np.float32))
    return (sensitivity[:, None, None] * image).sum(dim=0, keepdim=True).repeat(3, 1, 1)


def colour_jitter(image: Tensor, rng: np.random.Generator, strength: float) -> Tensor:
    """Other cameras, seasons and hours: gain, white balance, gamma, saturation, blur or sharpening, noise, JPEG.

    Args:
        image: [3, H, W] in 0..1.
        strength: 0 leaves the image alone, 1 is the trained default.
    """
    def spread(width: float, size: int | None = None) -> np.ndarray | float:
        return np.exp(rng.normal(0, width * strength, size))

    balance = torch.tensor(spread(0.08, 3), dtype=torch.float32)[:, None, None]
    image = image * balance * float(spread(0.18))
    image = image.clamp(1e-4, 1) ** float(spread(0.18))
    grey = image.mean(dim=0, keepdim=True)
    image = grey + (image - grey) * float(spread(0.25))
    middle = image.mean()
    image = middle + (image - middle) * float(spread(0.3)) + float(rng.normal(0, 0.05 * strength))
    focus = rng.random() / strength if strength else 1.0
    if focus < 0.3:
        factor = rng.uniform(0.3, 0.9)
        small = F.interpolate(image[None], scale_factor=factor, mode="bilinear", antialias=True, align_corners=False)
        image = F.interpolate(small, size=image.shape[-2:], mode="bilinear", align_corners=False)[0]
    elif focus < 0.45:
        soft = F.avg_pool2d(image[None], 3, stride=1, padding=1, count_include_pad=False)[0]
        image = image + float(rng.uniform(0.3, 2.0)) * (image - soft)
    if rng.random() < 0.5 * strength:
        noise = rng.normal(0, rng.uniform(0.002, 0.025), image.shape)
        image = image + torch.from_numpy(noise.astype(np.float32))
    if rng.random() < 0.3 * strength:
        image = compressed(image, int(rng.integers(25, 90)))
    return image


def compressed(image: Tensor, quality: int) -> Tensor:
    """Through a JPEG file, as most orthophotos and all web maps went.

    Args:
        image: [3, H, W] in 0..1, clamped.
        quality: 1 to 100.
    """
    pixels = (image.clamp(0, 1) * 255).round().byte().numpy()
    shape = dict(zip(("count", "height", "width"), pixels.shape), dtype="uint8")
    with MemoryFile() as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with file.open(driver="JPEG", quality=quality, **shape) as target:
            target.write(pixels)
        with file.open() as source:
            return torch.from_numpy(source.read()).float() / 255

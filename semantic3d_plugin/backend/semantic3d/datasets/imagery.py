"""Images without labels, for diffusion pretraining."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling


def read_rgb(path: Path, gsd_m: float | None = None, columns: slice | None = None) -> np.ndarray:
    """Read a three-band 8-bit image, resampled to `gsd_m` when given.

    Args:
        path: raster in a metric CRS.
        gsd_m: wanted ground sampling distance; averaging when coarser, cubic when finer.
        columns: keep only these columns of the file (a split may forbid the others).

    Returns:
        uint8 [H, W, 3].
    """
    with rasterio.open(path) as source:
        first, last, _ = (columns or slice(None)).indices(source.width)
        window = rasterio.windows.Window(first, 0, last - first, source.height)
        factor = source.res[0] / gsd_m if gsd_m else 1.0
        shape = (3, round(source.height * factor), round((last - first) * factor))
        method = Resampling.average if factor < 1 else Resampling.cubic
        image = source.read((1, 2, 3), window=window, out_shape=shape, resampling=method)
    return np.ascontiguousarray(image.transpose(1, 2, 0))


def read_rendered_rgb(folder: Path) -> list[np.ndarray]:
    """Read the images alone, uint8 [H, W, 3], of the scenes that `procedural_corpus` wrote."""
    paths = sorted(folder.glob("scene_*.npz"))  # what it has not finished begins with a dot
    if not paths:
        raise FileNotFoundError(f"no scene_*.npz in {folder}: semantic3d.datasets.procedural_corpus makes them")
    images = []
    for path in paths:
        with np.load(path) as stored:
            images.append(stored["rgb"])
    return images


class ImageCrops:
    """Random square crops, flipped and turned, from a list of images.

    Args:
        images: uint8 [H, W, 3] each, at least `crop_px` on both sides.
        crop_px: side of a crop.
        seed: the whole sequence follows from it.
    """

    def __init__(self, images: list[np.ndarray], crop_px: int, seed: int) -> None:
        self.images = [image for image in images if min(image.shape[:2]) >= crop_px]
        if not self.images:
            raise ValueError(f"no image has {crop_px} pixels on both sides")
        area = np.array([image.shape[0] * image.shape[1] for image in self.images], dtype=float)
        self.share = area / area.sum()
        self.crop_px = crop_px
        self.random = np.random.default_rng(seed)

    def batch(self, size: int) -> np.ndarray:
        """Crops in -1..1, float32 [B, 3, crop, crop]."""
        chosen = self.random.choice(len(self.images), size=size, p=self.share)
        return np.stack([self._crop(self.images[index]) for index in chosen])

    def _crop(self, image: np.ndarray) -> np.ndarray:
        top = self.random.integers(image.shape[0] - self.crop_px + 1)
        left = self.random.integers(image.shape[1] - self.crop_px + 1)
        crop = image[top : top + self.crop_px, left : left + self.crop_px]
        crop = np.rot90(crop, self.random.integers(4))
        if self.random.random() < 0.5:
            crop = crop[:, ::-1]
        gain = self.random.uniform(0.8, 1.2, size=3) * self.random.uniform(0.85, 1.15)
        scaled = np.clip(crop / 255.0 * gain, 0, 1) * 2 - 1
        return scaled.transpose(2, 0, 1).astype(np.float32)

"""Figures on labelled images, for the curve of a training run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from ..datasets.labelled import Sample
from ..metrics.figures import Figures, figures
from ..models.adapted import PhysicalOutputs
from ..raster.gaps import fill_gaps


def network_input(rgb: np.ndarray, height_px: int, width_px: int) -> torch.Tensor:
    """An image uint8 [H, W, 3] as the network takes it: float32 [3, height_px, width_px], -1..1, mirrored outwards."""
    missing = ((0, height_px - rgb.shape[0]), (0, width_px - rgb.shape[1]), (0, 0))
    padded = np.pad(rgb, missing, mode="symmetric")
    return torch.from_numpy(padded.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1)


@torch.no_grad()
def predict(
    model: nn.Module,
    rgb: np.ndarray,
    tile_px: int = 512,
    on_tile: Callable[[], None] | None = None,
    valid: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whole-image prediction in tiles side by side (no blending: a check, not a product).

    Args:
        rgb: uint8 [H, W, 3].
        on_tile: called before each tile; may raise.
        valid: bool [H, W], where there is an image; the rest is filled tile by tile, as Reconstruct fills it.

    Returns:
        height [H, W] m, predictive variance [H, W] m2, class probability [K, H, W].
    """
    height, width = rgb.shape[:2]
    image = network_input(rgb, height + -height % tile_px, width + -width % tile_px)
    gaps = None if valid is None else ~np.pad(valid, [(0, -size % tile_px) for size in (height, width)], mode="symmetric")
    device = next(model.parameters()).device
    maps = None
    for top in range(0, image.shape[1], tile_px):
        for left in range(0, image.shape[2], tile_px):
            if on_tile:
                on_tile()
            place = slice(top, top + tile_px), slice(left, left + tile_px)
            tile = image[(None, slice(None), *place)]
            if gaps is not None and gaps[place].any():
                tile = tile.clone()
                fill_gaps(tile[0].numpy(), gaps[place])
            tile = tile.to(device).contiguous(memory_format=torch.channels_last)
            h, aleatoric, epistemic, _, probability = model(tile)
            joined = torch.cat([h, aleatoric + epistemic, probability], dim=1)[0]
            maps = torch.zeros(len(joined), *image.shape[1:]) if maps is None else maps
            maps[(slice(None), *place)] = joined.float().cpu()
    cut = maps[:, :height, :width].numpy()
    return cut[0], cut[1], cut[2:]


def validate(model: PhysicalOutputs, samples: list[Sample]) -> list[Figures]:
    """Figures of every sample, in order."""
    was_training = model.training
    model.eval()
    rows = []
    for sample in samples:
        height_m, _, probability = predict(model, sample.rgb, valid=sample.valid)
        land_cover = probability.argmax(axis=0) + 1
        rows.append(figures(sample.name, sample.ndsm_m, sample.land_cover, height_m, land_cover))
    model.train(was_training)
    return rows


def format_figures(rows: list[Figures]) -> str:
    """One line per set."""
    return "\n".join(
        f"  {row.name:45s} MAE {row.mae_m:6.2f} m  RMSE {row.rmse_m:6.2f} m  "
        f"accuracy {row.accuracy:.3f}  building IoU {row.building_iou:.3f}  "
        f"tree IoU {row.tree_iou:.3f}"
        for row in rows
    )

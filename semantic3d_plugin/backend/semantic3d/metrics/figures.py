"""Errors of one reconstruction against its reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BUILDING = 4
GROUND_UNSEPARATED = 11  # ground whose type is unknown: class 1 or 2


@dataclass(frozen=True)
class Figures:
    """Errors of one image or set: heights in metres, shares in 0..1 (NaN: not defined)."""

    name: str
    mae_m: float
    rmse_m: float
    accuracy: float
    building_iou: float
    tree_iou: float
    pixels: int


def class_iou(truth: np.ndarray, found: np.ndarray, code: int) -> float:
    """Intersection over union of one class where the truth is known (code > 0).

    Code 11 in the truth says what a pixel is not: it counts against classes other than 1 and 2.

    Args:
        truth, found: class codes [N], the same shape.

    Returns:
        0..1, NaN where the truth holds no such pixel.
    """
    known = truth > 0
    is_true, is_found = truth == code, (found == code) & known
    union = (is_true | is_found).sum()
    return float((is_true & is_found).sum() / union) if is_true.any() else float("nan")


def figures(
    name: str, true_height_m: np.ndarray, true_codes: np.ndarray, height_m: np.ndarray, codes: np.ndarray
) -> Figures:
    """Compare heights (NaN: unknown, left out) and class codes (0: unknown) of equal shape."""
    valid = np.isfinite(true_height_m) & np.isfinite(height_m)
    error = height_m[valid].astype(np.float64) - true_height_m[valid]
    labelled = (true_codes > 0) & (codes > 0)
    correct = (true_codes == codes) | ((true_codes == GROUND_UNSEPARATED) & np.isin(codes, (1, 2)))
    return Figures(
        name=name,
        mae_m=float(np.abs(error).mean()),
        rmse_m=float(np.sqrt((error**2).mean())),
        accuracy=float(correct[labelled].mean()) if labelled.any() else float("nan"),
        building_iou=class_iou(true_codes, codes, BUILDING),
        tree_iou=class_iou(true_codes, codes, 3),
        pixels=int(valid.sum()),
    )

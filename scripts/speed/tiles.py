"""Tiles as the model takes them."""

from __future__ import annotations

import numpy as np


def normalised(rgb: np.ndarray, mean, std) -> np.ndarray:
    """Turn uint8 [T, T, 3] into the model's float32 [1, 3, T, T]."""
    unit = rgb.astype(np.float32) / np.float32(255)
    planes = (unit - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.ascontiguousarray(planes.transpose(2, 0, 1)[None])

"""Separable resampling of windows, anti-aliased, aware of masks and free of seams.

A plan describes one axis of a whole raster. Each output pixel is a sum over its own inputs in a fixed
order, so a window gives bit by bit what the whole would give.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

IDENTITY_TOLERANCE = 0.02  # scales this near to 1 are taken as 1: blurring would cost more than it gives


@dataclass(frozen=True)
class AxisPlan:
    """Resampling of one axis.

    Attributes:
        in_px, out_px: lengths of the whole raster before and after.
        scale: output pixels per input pixel; the left edges coincide.
        kernel: "cubic" (Keys, a = -0.5; sharp, for images) or "triangle" (bilinear; never overshoots).
            Both are widened where the output is coarser, which averages instead of aliasing.
    """

    in_px: int
    out_px: int
    scale: float
    kernel: str = "triangle"

    @property
    def is_identity(self) -> bool:
        return self.scale == 1.0

    def inverse(self, kernel: str) -> AxisPlan:
        return AxisPlan(self.out_px, self.in_px, 1.0 / self.scale, kernel)

    @property
    def _radius(self) -> float:
        return (2.0 if self.kernel == "cubic" else 1.0) * max(1.0, 1.0 / self.scale)

    def needs(self, low: int, high: int) -> tuple[int, int]:
        """Return the input interval that the outputs [low, high) are made of."""
        if self.is_identity:
            return low, high
        first = math.floor((low + 0.5) / self.scale - 0.5 - self._radius)
        last = math.ceil((high - 0.5) / self.scale - 0.5 + self._radius)
        return max(0, first), min(self.in_px, last + 1)

    def ready(self, inputs_end: int) -> int:
        """Return how many first outputs can be made when the inputs [0, inputs_end) are there."""
        if inputs_end >= self.in_px:
            return self.out_px
        if self.is_identity:
            return inputs_end
        guess = min(self.out_px, max(0, math.floor((inputs_end - self._radius) * self.scale) + 1))
        while guess > 0 and self.needs(0, guess)[1] > inputs_end:
            guess -= 1
        return guess

    def taps(self, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
        """Return input indices and weights [taps, high - low] of the outputs [low, high); weights sum to 1."""
        centre = (np.arange(low, high) + 0.5) / self.scale - 0.5
        count = 2 * math.ceil(self._radius) + 1
        first = np.floor(centre).astype(np.int64) - math.ceil(self._radius) + 1
        index = first[None, :] + np.arange(count)[:, None]
        stretch = min(1.0, self.scale)
        weight = _KERNELS[self.kernel]((index - centre[None, :]) * stretch)
        weight[(index < 0) | (index >= self.in_px)] = 0.0
        total = np.zeros(high - low)
        for row in weight:  # one fixed order of additions, whatever the window
            total += row
        used = np.flatnonzero(np.any(weight != 0.0, axis=1))
        index, weight = index[used], weight[used] / total
        return np.clip(index, 0, self.in_px - 1), weight.astype(np.float32)


def plan_axis(in_px: int, in_gsd_m: float, out_gsd_m: float, kernel: str) -> AxisPlan:
    """Plan the resampling of an axis from one ground sampling distance to another."""
    scale = in_gsd_m / out_gsd_m
    if abs(scale - 1.0) <= IDENTITY_TOLERANCE:
        return AxisPlan(in_px, in_px, 1.0, kernel)
    return AxisPlan(in_px, max(1, math.ceil(in_px * scale - 1e-9)), scale, kernel)


def resample_rows(planes: np.ndarray, plan: AxisPlan, first_in: int, low: int, high: int) -> np.ndarray:
    """Resample along the rows.

    Args:
        planes: float32 [C, rows, W], the input rows from `first_in` on, at least those that `plan.needs`.
        low, high: output rows wanted.

    Returns:
        float32 [C, high - low, W].
    """
    if plan.is_identity:
        return planes[:, low - first_in : high - first_in]
    index, weight = plan.taps(low, high)
    index = index - first_in
    np.clip(index, 0, planes.shape[1] - 1, out=index)  # taps of weight 0 may point outside what was read
    out = np.zeros((planes.shape[0], high - low, planes.shape[2]), np.float32)
    for tap_index, tap_weight in zip(index, weight):
        part = planes[:, tap_index]
        part *= tap_weight[None, :, None]
        out += part
    return out


def resample_columns(planes: np.ndarray, plan: AxisPlan, first_in: int, low: int, high: int) -> np.ndarray:
    """Resample along the columns: [C, H, columns] to [C, H, high - low]; see `resample_rows`."""
    if plan.is_identity:
        return planes[:, :, low - first_in : high - first_in]
    index, weight = plan.taps(low, high)
    index = index - first_in
    np.clip(index, 0, planes.shape[2] - 1, out=index)
    out = np.zeros(planes.shape[:2] + (high - low,), np.float32)
    for tap_index, tap_weight in zip(index, weight):
        part = np.take(planes, tap_index, axis=2)
        part *= tap_weight
        out += part
    return out


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(0.0, 1.0 - np.abs(x))


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys 1981, "Cubic convolution interpolation for digital image processing", eq. 15."""
    x = np.abs(x)
    inner = (1.5 * x - 2.5) * x * x + 1.0
    outer = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x <= 1.0, inner, np.where(x < 2.0, outer, 0.0))


_KERNELS = {"triangle": _triangle, "cubic": _cubic}

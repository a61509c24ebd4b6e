"""Distance between two height surfaces, each taken as a cloud with one point per grid node.

On a regular grid the nearest point is looked for in rings around a node: a ring farther away than the best
distance so far cannot hold a nearer one. The search ends at a bound; what is farther counts as the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable

import numpy as np

BOUND_M = 5.0
THRESHOLDS_M = (1.0, 0.5, 0.2)
_FORGIVEN_M = 1e-9  # rounding of a distance that equals the threshold


@dataclass(frozen=True)
class SurfaceFigures:
    """NaN without points.

    Attributes:
        points: of each cloud.
        chamfer_m: mean of both directed mean distances.
        accuracy_m, completeness_m: mean distance from predicted points to the reference, and the reverse.
        precision, recall, f1: by threshold, shares in 0..1.
        beyond_bound: share of both clouds' points without a neighbour within the bound.
    """

    points: int
    chamfer_m: float
    accuracy_m: float
    completeness_m: float
    precision: tuple
    recall: tuple
    f1: tuple
    beyond_bound: float


class SurfaceErrors:
    """Running sums of distances between nodes of one regular grid.

    Attributes:
        halo_x, halo_y: nodes around a window that the search may need.
    """

    def __init__(self, step_x_m: float, step_y_m: float, bound_m: float = BOUND_M):
        self._steps_m, self._bound_m = (step_x_m, step_y_m), bound_m
        self.halo_x, self.halo_y = math.floor(bound_m / step_x_m), math.floor(bound_m / step_y_m)
        self._rings = _rings(step_x_m, step_y_m, bound_m)
        self._sums = np.zeros(2)
        self._within = np.zeros((2, len(THRESHOLDS_M)), np.int64)
        self._count = self._beyond = 0

    def add(
        self, predicted_m: np.ndarray, reference_m: np.ndarray, check_cancelled: Callable[[], None] = lambda: None
    ) -> None:
        """Add a window of both surfaces, [H + 2 halo_y, W + 2 halo_x]; NaN is no point.

        Points of the middle [H, W] are counted; those of the halo serve as neighbours alone.
        """
        clouds = (predicted_m.astype(np.float64), reference_m.astype(np.float64))
        for index in (0, 1):
            distance_m = self._distances(clouds[index], clouds[1 - index], check_cancelled)
            self._sums[index] += float(distance_m.sum())
            self._within[index] += [(distance_m <= limit + _FORGIVEN_M).sum() for limit in THRESHOLDS_M]
            self._beyond += int((distance_m >= self._bound_m).sum())
        self._count += distance_m.size

    def result(self) -> SurfaceFigures:
        if not self._count:
            nothing = (math.nan,) * len(THRESHOLDS_M)
            return SurfaceFigures(0, math.nan, math.nan, math.nan, nothing, nothing, nothing, math.nan)
        accuracy, completeness = self._sums / self._count
        precision, recall = self._within / self._count
        both = precision + recall
        f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(THRESHOLDS_M)), where=both > 0)
        return SurfaceFigures(
            self._count, float((accuracy + completeness) / 2), float(accuracy), float(completeness),
            tuple(map(float, precision)), tuple(map(float, recall)), tuple(map(float, f1)),
            self._beyond / (2 * self._count),
        )

    def _distances(self, points: np.ndarray, targets: np.ndarray, check_cancelled) -> np.ndarray:
        """Distance of each point in the middle to its nearest target, at most the bound: [N], metres."""
        width = points.shape[1]
        rows, columns = np.nonzero(np.isfinite(_middle(points, self.halo_x, self.halo_y)))
        at = (rows + self.halo_y) * width + columns + self.halo_x
        z, flat = points.ravel()[at], targets.ravel()
        best = np.full(at.size, self._bound_m)
        active = np.arange(at.size)
        for distance_m, offsets in self._rings:
            check_cancelled()
            active = active[best[active] > distance_m]
            if not active.size:
                break
            here, height, nearest = at[active], z[active], best[active]
            for row, column in offsets:
                gap = flat[here + (row * width + column)] - height
                nearest = np.fmin(nearest, np.sqrt(distance_m * distance_m + gap * gap))
            best[active] = nearest
        return best


def _middle(array: np.ndarray, halo_x: int, halo_y: int) -> np.ndarray:
    return array[halo_y : array.shape[0] - halo_y, halo_x : array.shape[1] - halo_x]


def _rings(step_x_m: float, step_y_m: float, bound_m: float) -> list:
    """Offsets (rows, columns) by their horizontal distance, nearest first, none beyond the bound."""
    across, down = math.floor(bound_m / step_x_m), math.floor(bound_m / step_y_m)
    rings: dict[float, list] = {}
    for row in range(-down, down + 1):
        for column in range(-across, across + 1):
            distance_m = math.hypot(row * step_y_m, column * step_x_m)
            if distance_m < bound_m:
                rings.setdefault(round(distance_m, 9), []).append((row, column))
    return sorted(rings.items())

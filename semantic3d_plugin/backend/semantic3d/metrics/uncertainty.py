"""How well a predictive standard deviation tells the error, added up window by window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

INTERVALS = (0.5, 0.6827, 0.95)  # central intervals whose coverage is published
LEVELS = tuple(sorted({*(n / 20 for n in range(1, 20)), 0.99, *INTERVALS}))  # of the reliability diagram
INTERVALS_TAG = "SEMANTIC3D_INTERVALS"  # of a sigma raster: "0.5:0.4 0.95:3.1", level and factor of sigma
CURVE_STEPS = 1000
BIN_SHARE = 1.0 / 2048.0  # of a value, the width of its bin: sigma may be of any scale
_BIN_SHIFT = 12  # of a float32's bits: what is left orders numbers from 0 up, in 2048 steps from one power of 2 on
_LARGEST = float(np.finfo(np.float32).max)
_BINS = (0x7F800000 >> _BIN_SHIFT) + 1


def intervals_text(intervals: Sequence[tuple[float, float]]) -> str:
    """Central intervals (level, factor of sigma) as INTERVALS_TAG holds them."""
    return " ".join(f"{level:g}:{factor:.6g}" for level, factor in intervals)


def parse_intervals(text: str) -> tuple:
    """Read `intervals_text` back.

    Raises:
        ValueError: it is not of that form, or levels or factors do not rise.
    """
    pairs = []
    for part in text.split():
        level, _, factor = part.partition(":")
        pairs.append((float(level), float(factor)))
    rising = all(a < b for first, second in zip(pairs, pairs[1:]) for a, b in zip(first, second))
    if not rising or not all(0 < level < 1 and 0 < factor < math.inf for level, factor in pairs):
        raise ValueError(f"levels between 0 and 1 and their factors must rise: {text[:80]}")
    return tuple(pairs)


@dataclass(frozen=True)
class UncertaintyFigures:
    """Of one image; NaN where undefined.

    Attributes:
        pixels: compared.
        uecc: Pearson correlation of |error| and sigma. The paper's figure (eq. 29 with 1/N) is its mean over images.
        ause_m: area between the sparsification curve and the oracle's, over the share removed from 0 to 1, metres.
        ause_relative: the same divided by the mean |error| of all pixels.
        removed, curve_m, oracle_m: the curves: mean |error| of what remains when the share `removed` of pixels with
            the largest sigma (or, for the oracle, the largest |error|) is taken away.
        levels, coverage: share of pixels inside the central interval of each nominal level.
    """

    pixels: int
    uecc: float
    ause_m: float
    ause_relative: float
    removed: np.ndarray
    curve_m: np.ndarray
    oracle_m: np.ndarray
    levels: tuple
    coverage: tuple

    def covered(self, level: float) -> float:
        """Coverage of one of LEVELS."""
        return self.coverage[self.levels.index(level)]


class UncertaintyErrors:
    """Running sums.

    Both curves come from histograms with bins of BIN_SHARE of the value that hold the count and the sum of |error|, the sparsification curve's by sigma, the oracle's by |error| itself. Within
    a bin the order is taken as random. The curves need the two margins alone, so that no joint histogram is kept.

    Args:
        intervals: (level, factor) pairs by level: the central interval of that level is +- factor x sigma, and in
            between it is interpolated, beyond the last it goes on as a Gaussian's; empty for a Gaussian's.
    """

    def __init__(self, intervals: Sequence[tuple[float, float]] = ()):
        self._moments = _Moments()
        self._by_sigma, self._by_error = _Curve(), _Curve()
        self._bounds = np.array([NormalDist().inv_cdf((1 + level) / 2) for level in LEVELS])
        if intervals:
            self._bounds = np.where(
                np.array(LEVELS) <= intervals[-1][0], np.interp(LEVELS, *zip((0.0, 0.0), *intervals)),
                self._bounds * intervals[-1][1] / NormalDist().inv_cdf((1 + intervals[-1][0]) / 2),
            )  # fmt: skip
        self._inside = np.zeros(len(LEVELS) + 1, np.int64)

    def add(self, error_m: np.ndarray, sigma_m: np.ndarray) -> None:
        """Add pixels [N]: signed or absolute errors and sigma >= 0, metres, all finite."""
        if not error_m.size:
            return
        error, sigma = np.abs(error_m.astype(np.float64)), sigma_m.astype(np.float64)
        self._moments.add(error, sigma)
        self._by_sigma.add(sigma, error)
        self._by_error.add(error, error)
        ratio = np.where(error == 0, 0.0, np.inf)
        np.divide(error, sigma, out=ratio, where=sigma > 0)
        first_level = np.searchsorted(self._bounds, ratio, side="left")  # the first interval that holds it
        self._inside += np.bincount(first_level, minlength=self._inside.size)

    def result(self) -> UncertaintyFigures:
        n = self._moments.count
        removed = np.linspace(0.0, 1.0, CURVE_STEPS + 1)
        curve, oracle = self._by_sigma.remaining_mean_m(removed), self._by_error.remaining_mean_m(removed)
        gap = curve - oracle
        ause = float(((gap[1:] + gap[:-1]) / 2).sum() / CURVE_STEPS)
        coverage = np.cumsum(self._inside[:-1]) / n if n else np.full(len(LEVELS), math.nan)
        mean = self._moments.mean_x
        return UncertaintyFigures(
            n, self._moments.correlation(), ause, ause / mean if n and mean > 0 else math.nan, removed, curve, oracle,
            LEVELS, tuple(map(float, coverage)),
        )


class _Moments:
    """Means and central second moments, joined as Chan, Golub and LeVeque 1979 do it (no cancellation)."""

    def __init__(self):
        self.count, self.mean_x, self.mean_y = 0, 0.0, 0.0
        self._xx = self._yy = self._xy = 0.0

    def add(self, x: np.ndarray, y: np.ndarray) -> None:
        count = self.count + x.size
        mean_x, mean_y = float(x.mean()), float(y.mean())
        dx, dy = x - mean_x, y - mean_y
        step_x, step_y = mean_x - self.mean_x, mean_y - self.mean_y
        weight = self.count * x.size / count
        self._xx += float(dx @ dx) + step_x * step_x * weight
        self._yy += float(dy @ dy) + step_y * step_y * weight
        self._xy += float(dx @ dy) + step_x * step_y * weight
        self.mean_x += step_x * x.size / count
        self.mean_y += step_y * x.size / count
        self.count = count

    def correlation(self) -> float:
        if self._is_constant(self._xx, self.mean_x) or self._is_constant(self._yy, self.mean_y):
            return math.nan
        return self._xy / math.sqrt(self._xx * self._yy)

    def _is_constant(self, moment: float, mean: float) -> bool:
        """Whether what differs is the rounding of the means alone."""
        return moment <= self.count * (1e-12 * abs(mean)) ** 2


class _Curve:
    """Counts and sums of |error| by the value that decides the order of removal."""

    def __init__(self):
        self._count, self._sum = np.zeros(_BINS, np.int64), np.zeros(_BINS)

    def add(self, key_m: np.ndarray, error_m: np.ndarray) -> None:
        bins = (np.minimum(key_m, _LARGEST).astype(np.float32).view(np.uint32) >> _BIN_SHIFT).astype(np.int64)
        self._count += np.bincount(bins, minlength=_BINS)
        self._sum += np.bincount(bins, weights=error_m, minlength=_BINS)

    def remaining_mean_m(self, removed: np.ndarray) -> np.ndarray:
        """Mean |error| after the share `removed` with the largest keys is gone; at 1, that of the last to go."""
        used = np.flatnonzero(self._count)
        if not used.size:
            return np.full(removed.shape, math.nan)
        counts = np.concatenate([[0.0], np.cumsum(self._count[used], dtype=np.float64)])
        sums = np.concatenate([[0.0], np.cumsum(self._sum[used])])
        left = (1.0 - removed) * counts[-1]
        first = sums[1] / counts[1]
        return np.divide(np.interp(left, counts, sums), left, out=np.full(removed.shape, first), where=left > 0)

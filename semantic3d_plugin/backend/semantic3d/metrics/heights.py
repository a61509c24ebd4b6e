"""Errors of heights, added up window by window: memory does not grow with the raster."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

ERROR_BIN_M = 0.01
ERROR_RANGE_M = 100.0
DELTA_BASE = 1.25
DELTA_FROM_M = 1.0  # the primary delta looks at references above this
DELTA_EPS_M = 0.1  # in the all-pixel delta, heights below this count as this: it is undefined at 0
_NMAD_FACTOR = 1.4826
_HALF = round(ERROR_RANGE_M / ERROR_BIN_M)


@dataclass(frozen=True)
class HeightFigures:
    """Errors in metres (predicted minus reference) and shares in 0..1; NaN where nothing was compared.

    The NMAD is NaN, too, where it lies in errors beyond +-ERROR_RANGE_M.

    Attributes:
        pixels: compared.
        delta: shares of pixels with a reference above DELTA_FROM_M whose height is off by less than the factors
            1.25, 1.25^2, 1.25^3.
        delta_all: the same over all pixels, heights below DELTA_EPS_M counted as DELTA_EPS_M.
        delta_pixels: with a reference above DELTA_FROM_M.
    """

    pixels: int
    mae_m: float
    rmse_m: float
    bias_m: float
    nmad_m: float
    delta: tuple
    delta_all: tuple
    delta_pixels: int

    def to_dict(self) -> dict:
        """Flat, with delta_1 ... and delta_1_all ... by name."""
        values = {name: getattr(self, name) for name in ("pixels", "mae_m", "rmse_m", "bias_m", "nmad_m")}
        values.update({f"delta_{n}": share for n, share in enumerate(self.delta, 1)})
        values.update({f"delta_{n}_all": share for n, share in enumerate(self.delta_all, 1)})
        return {**values, "delta_pixels": self.delta_pixels}


class HeightErrors:
    """Running sums of one group of pixels.

    The NMAD comes from a histogram of errors with bins of ERROR_BIN_M, centred on 0, over +-ERROR_RANGE_M; what
    lies beyond is counted in the outermost bins, of which an NMAD is never made. Everything else is exact.

    Attributes:
        count: pixels so far.
        histogram: of errors, as above.
    """

    def __init__(self):
        self.count = 0
        self._sum = self._absolute = self._squares = 0.0
        self.histogram = np.zeros(2 * _HALF + 1, np.int64)
        self._delta, self._delta_all = np.zeros(3, np.int64), np.zeros(3, np.int64)
        self._delta_count = 0

    def add(self, predicted_m: np.ndarray, reference_m: np.ndarray) -> None:
        """Add pixels [N], all finite."""
        if not predicted_m.size:
            return
        predicted, reference = predicted_m.astype(np.float64), reference_m.astype(np.float64)
        error = predicted - reference
        self.count += error.size
        self._sum += float(error.sum())
        self._absolute += float(np.abs(error).sum())
        self._squares += float(np.square(error).sum())
        bins = np.clip(np.rint(error / ERROR_BIN_M), -_HALF, _HALF).astype(np.int64) + _HALF
        self.histogram += np.bincount(bins, minlength=self.histogram.size)
        tall = reference > DELTA_FROM_M
        self._delta_count += int(tall.sum())
        self._delta += _within_factors(predicted[tall], reference[tall])
        self._delta_all += _within_factors(np.maximum(predicted, DELTA_EPS_M), np.maximum(reference, DELTA_EPS_M))

    def result(self) -> HeightFigures:
        n = self.count
        if not n:
            return HeightFigures(0, *(math.nan,) * 4, (math.nan,) * 3, (math.nan,) * 3, 0)
        return HeightFigures(
            n,
            self._absolute / n,
            math.sqrt(self._squares / n),
            self._sum / n,
            nmad_m(self.histogram),
            tuple(_share(count, self._delta_count) for count in self._delta),
            tuple(_share(count, n) for count in self._delta_all),
            self._delta_count,
        )


def nmad_m(histogram: np.ndarray) -> float:
    """Normalised median absolute deviation, 1.4826 median|e - median(e)|, of a histogram of errors.

    NaN where it depends on an outermost bin, in which errors of any size beyond are counted.

    Source: Hoehle and Hoehle 2009, "Accuracy assessment of digital elevation models by means of robust
    statistical methods".
    """
    last = histogram.size - 1
    bins = np.arange(histogram.size)
    low, high = _middles(bins, histogram)
    if low == 0 or high == last:
        return math.nan
    distance = np.abs(bins - (low + high) / 2.0)
    order = np.argsort(distance, kind="stable")
    near, far = _middles(distance[order], histogram[order])
    if any(histogram[end] and distance[end] <= far for end in (0, last)):
        return math.nan
    return _NMAD_FACTOR * (near + far) / 2.0 * ERROR_BIN_M


def _middles(values: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """The two in the middle of ascending values that occur `counts` times; their mean is the median."""
    total = int(counts.sum())
    cumulated = np.cumsum(counts)
    low, high = np.searchsorted(cumulated, [(total - 1) // 2, total // 2], side="right")
    return float(values[low]), float(values[high])


def _within_factors(predicted: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Count pixels whose ratio, the larger over the smaller, is below 1.25, 1.25^2, 1.25^3; references above 0.

    Source: equation 28 of the paper (adapted diffusion model). A prediction of 0 or less is off by any factor.
    """
    with np.errstate(divide="ignore", over="ignore"):
        ratio = np.where(predicted > 0, np.maximum(predicted / reference, reference / predicted), np.inf)
    return np.array([(ratio < DELTA_BASE**n).sum() for n in (1, 2, 3)])


def _share(count, total: int) -> float:
    return float(count) / total if total else math.nan

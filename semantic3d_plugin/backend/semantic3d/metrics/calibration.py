"""Recalibration of a predictive standard deviation, and of the intervals around it, on data with known errors.

Errors of heights have heavy tails: most pixels are off by little, a missed roof by all of its height. No scale of
sigma makes 1 sigma hold 68.27 % and 1.96 sigma 95 % of them at once. So sigma is scaled to the first, and every other
central interval gets a factor of its own: it is height - factor x sigma to height + factor x sigma (split conformal
prediction with the score |error| / sigma; Angelopoulos and Bates 2023, "Conformal prediction: a gentle introduction").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .uncertainty import LEVELS

ONE_SIGMA, JUDGED = 0.6827, 0.95
TWO_SIGMA_WIDTH = 1.96
# Far above 1, the least sure pixels would get deviations larger than any error.
POWERS = sorted(np.round(np.arange(0.2, 1.11, 0.05), 2), key=lambda power: abs(power - 1))
_LEAST_STD_M = 1e-3
_GOOD_SCORE = 1.1  # times the best
LEAST_FACTOR, MOST_FACTOR = 1e-4, 1e3  # what a package may state


class Calibration(NamedTuple):
    """calibrated std = scale * std ** power (metres), and the intervals around it.

    Attributes:
        cover_one_sigma, cover_two_sigma: share of errors within 1 and 1.96 sigma, as if they were Gaussian.
        intervals: (level, factor): the share `level` of errors lies within factor x sigma; empty where errors are
            so few or so much alike that factors do not rise with the levels.
    """

    scale: float
    power: float
    cover_one_sigma: float
    cover_two_sigma: float
    intervals: tuple = ()


def calibrated(std_m: np.ndarray, scale: float, power: float) -> np.ndarray:
    """Apply a calibration; it never changes which of two pixels is the surer one."""
    return scale * np.maximum(std_m, _LEAST_STD_M) ** power


def calibrate(errors_m: list[np.ndarray], stds_m: list[np.ndarray]) -> Calibration:
    """Find scale and power with which 1 sigma covers 68.27 % of the errors, and the factors of other intervals.

    Of the powers whose 95 % intervals score within a tenth of the best (Gneiting and Raftery 2007: their width, and 40
    times by how much errors lie outside; narrow is good where it holds), the one is taken with which 1.96 sigma, which
    many readers take for the 95 % interval, comes nearest to it.

    Args:
        errors_m: absolute errors [N] of each data set; every set counts alike, whatever its size.
        stds_m: predictive standard deviations [N], likewise.
    """
    error = np.concatenate(errors_m)
    std = np.concatenate(stds_m)
    weight = np.concatenate([np.full(len(part), 1.0 / (len(part) * len(errors_m))) for part in errors_m])
    found = []
    for power in POWERS:
        spread = calibrated(std, 1.0, float(power))
        ratio = error / spread
        order = np.argsort(ratio)
        share = np.cumsum(weight[order])
        within = np.minimum(len(order) - 1, np.searchsorted(share, (ONE_SIGMA, *LEVELS)))
        scale, *bounds = ratio[order][within]
        half_m = bounds[LEVELS.index(JUDGED)] * spread
        outside_m = np.maximum(error - half_m, 0.0)
        score_m = float((weight * (2.0 * half_m + 2.0 / (1.0 - JUDGED) * outside_m)).sum())
        covered = (float(weight[ratio < factor * scale].sum()) for factor in (1.0, TWO_SIGMA_WIDTH))
        found.append((score_m, Calibration(float(scale), float(power), *covered, _intervals(bounds, scale))))
    good_m = _GOOD_SCORE * min(score_m for score_m, _ in found)
    # of equal ones the first, whose power is nearest to 1
    return min((item for score_m, item in found if score_m <= good_m), key=_distance_from_two_sigma)


def _distance_from_two_sigma(found: Calibration) -> float:
    return round(abs(found.cover_two_sigma - JUDGED), 3)


def _intervals(bounds: list[float], scale: float) -> tuple:
    factors = [round(float(bound / scale), 6) for bound in bounds] if scale > 0 else [0.0]
    rising = all(low < high for low, high in zip(factors, factors[1:]))
    return tuple(zip(LEVELS, factors)) if rising and LEAST_FACTOR <= factors[0] and factors[-1] <= MOST_FACTOR else ()

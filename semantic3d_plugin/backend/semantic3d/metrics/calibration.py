"""Recalibration of a predictive standard deviation on data with known errors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

ONE_SIGMA, TWO_SIGMA = 0.6827, 0.95
TWO_SIGMA_WIDTH = 1.96
# Far above 1, the least sure pixels would get deviations larger than any error.
POWERS = sorted(np.round(np.arange(0.2, 1.11, 0.05), 2), key=lambda power: abs(power - 1))
_LEAST_STD_M = 1e-3


class Calibration(NamedTuple):
    """calibrated std = scale * std ** power (metres), and what its intervals cover."""

    scale: float
    power: float
    cover_one_sigma: float
    cover_two_sigma: float


def calibrated(std_m: np.ndarray, scale: float, power: float) -> np.ndarray:
    """Apply a calibration; it never changes which of two pixels is the surer one."""
    return scale * np.maximum(std_m, _LEAST_STD_M) ** power


def calibrate(errors_m: list[np.ndarray], stds_m: list[np.ndarray]) -> Calibration:
    """Find scale and power with which 1 and 1.96 sigma cover 68.27 and 95 % of the errors.

    The scale alone meets the first. Where errors are mostly small and sometimes huge, the second then falls
    short; a power below 1 widens the intervals of the surest pixels against the least sure, one above 1 the reverse.

    Args:
        errors_m: absolute errors [N] of each data set; every set counts alike, whatever its size.
        stds_m: predictive standard deviations [N], likewise.
    """
    error = np.concatenate(errors_m)
    std = np.concatenate(stds_m)
    weight = np.concatenate([np.full(len(part), 1.0 / (len(part) * len(errors_m))) for part in errors_m])
    best = None
    for power in POWERS:
        ratio = error / calibrated(std, 1.0, float(power))
        order = np.argsort(ratio)
        share = np.cumsum(weight[order])
        scale = float(ratio[order][min(len(order) - 1, np.searchsorted(share, ONE_SIGMA))])
        two = float(weight[ratio < TWO_SIGMA_WIDTH * scale].sum())
        found = Calibration(scale, float(power), float(weight[ratio < scale].sum()), two)
        if best is None or abs(two - TWO_SIGMA) < abs(best.cover_two_sigma - TWO_SIGMA) - 2e-3:
            best = found
    return best

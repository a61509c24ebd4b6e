"""Recalibration of standard deviations: coverage on errors whose distribution is known."""

import numpy as np
import pytest

from semantic3d.metrics.calibration import calibrate, calibrated


def normal_errors(std_m, seed):
    return np.abs(np.random.default_rng(seed).normal(0, std_m))


def test_normal_errors_need_a_scale_alone():
    std_m = np.random.default_rng(0).uniform(0.5, 5, 40_000)
    found = calibrate([normal_errors(std_m * 1.7, 1)], [std_m])
    assert found.scale == pytest.approx(1.7, rel=0.03) and found.power == 1.0
    assert found.cover_one_sigma == pytest.approx(0.6827, abs=0.005)
    assert found.cover_two_sigma == pytest.approx(0.95, abs=0.01)


def test_a_power_of_the_std_is_found_where_the_spread_follows_it():
    std_m = np.exp(np.random.default_rng(2).uniform(-4, 2, 60_000))
    true_std_m = 0.8 * std_m**0.5
    found = calibrate([normal_errors(true_std_m, 3)], [std_m])
    assert found.cover_two_sigma == pytest.approx(0.95, abs=0.01)
    assert found.power == pytest.approx(0.5, abs=0.11)


def test_each_set_counts_alike():
    small, large = np.full(100, 1.0), np.full(100_000, 1.0)
    found = calibrate([small * 10, large * 0.1], [small, large])  # errors of 10 m in one, of 0.1 m in the other
    assert found.scale == pytest.approx(10)  # half of all, 50 % < 68 %, lies below 0.1


def test_calibration_keeps_the_order():
    std_m = np.array([0.0, 0.01, 0.5, 3.0])
    assert (np.diff(calibrated(std_m, 2.0, 0.4)) > 0).all()


def test_intervals_hold_what_they_say_on_other_errors_with_heavy_tails():
    rng = np.random.default_rng(5)
    std_m = rng.uniform(0.5, 5, 80_000)
    error_m = np.abs(rng.standard_t(2.2, std_m.size) * std_m)
    first, other = slice(0, 40_000), slice(40_000, None)
    found = calibrate([error_m[first]], [std_m[first]])
    sigma_m = calibrated(std_m[other], found.scale, found.power)
    for level, factor in found.intervals:
        assert (error_m[other] <= factor * sigma_m).mean() == pytest.approx(level, abs=0.01)
    factors = dict(found.intervals)
    assert factors[0.6827] == pytest.approx(1.0) and factors[0.95] > 2.5  # a Gaussian's would be 1.96


def test_intervals_of_normal_errors_are_those_of_the_gaussian():
    std_m = np.random.default_rng(6).uniform(0.5, 5, 60_000)
    factors = dict(calibrate([normal_errors(std_m, 7)], [std_m]).intervals)
    assert factors[0.5] == pytest.approx(0.6745, abs=0.02) and factors[0.95] == pytest.approx(1.96, abs=0.04)


def test_errors_that_are_all_alike_give_no_intervals():
    for error_m in (0.0, 2.0):
        found = calibrate([np.full(50, error_m)], [np.full(50, 0.5)])
        assert found.intervals == () and np.isfinite(found.scale)

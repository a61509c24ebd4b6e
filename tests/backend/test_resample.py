"""Resampling against weights known from the literature, and windows against the whole."""

import numpy as np
import pytest

from semantic3d.raster.resample import AxisPlan, plan_axis, resample_columns, resample_rows


def columns(values, plan):
    planes = np.asarray(values, np.float32).reshape(1, 1, -1)
    return resample_columns(planes, plan, 0, 0, plan.out_px)[0, 0]


def test_near_enough_is_left_alone():
    plan = plan_axis(100, 0.505, 0.5, "cubic")
    assert plan.is_identity and plan.out_px == 100
    assert not plan_axis(100, 0.55, 0.5, "cubic").is_identity


def test_bilinear_doubling():
    result = columns([0, 4, 8, 4], AxisPlan(4, 8, 2.0, "triangle"))
    np.testing.assert_allclose(result, [0, 1, 3, 5, 7, 7, 5, 4], atol=1e-6)


def test_triangle_halving_weighs_1_3_3_1():
    impulse = np.zeros(12)
    impulse[5] = 8.0
    np.testing.assert_allclose(columns(impulse, AxisPlan(12, 6, 0.5, "triangle")), [0, 0, 3, 1, 0, 0], atol=1e-6)


def test_cubic_doubling_uses_keys_weights():
    impulse = np.zeros(9)
    impulse[4] = 1.0
    result = columns(impulse, AxisPlan(9, 18, 2.0, "cubic"))
    keys = [-0.0234375, -0.0703125, 0.2265625, 0.8671875]  # a = -0.5 at distances 1.75, 1.25, 0.75, 0.25
    np.testing.assert_allclose(result[5:9], keys, atol=1e-6)
    assert result.sum() == pytest.approx(2.0, abs=1e-5)


def test_fine_stripes_become_grey_and_do_not_alias():
    stripes = np.tile([0.0, 1.0], 200)
    for kernel in ("cubic", "triangle"):
        inner = columns(stripes, AxisPlan(400, 124, 0.31, kernel))[5:-5]
        assert np.abs(inner - 0.5).max() < 0.05


@pytest.mark.parametrize("scale", [0.037, 0.31, 0.75, 1.3, 7.7])
@pytest.mark.parametrize("kernel", ["cubic", "triangle"])
def test_constants_stay_and_ramps_stay_ramps(scale, kernel):
    size = 400
    plan = AxisPlan(size, int(np.ceil(size * scale)), scale, kernel)
    np.testing.assert_allclose(columns(np.full(size, 7.0), plan), 7.0, rtol=1e-5)
    centres = (np.arange(plan.out_px) + 0.5) / scale - 0.5
    margin = int(np.ceil(3 * max(1.0, scale))) + 1
    inner = slice(margin, plan.out_px - margin)
    np.testing.assert_allclose(columns(np.arange(size), plan)[inner], centres[inner], atol=0.05)


@pytest.mark.parametrize("scale", [0.037, 0.31, 1.0, 1.3, 7.7])
@pytest.mark.parametrize("kernel", ["cubic", "triangle"])
def test_windows_give_the_bits_of_the_whole(scale, kernel):
    rng = np.random.default_rng(3)
    plan = AxisPlan(300, int(np.ceil(300 * scale)) if scale != 1.0 else 300, scale, kernel)
    planes = rng.random((2, 300, 5), dtype=np.float32)
    whole = resample_rows(planes, plan, 0, 0, plan.out_px)
    turned = resample_columns(planes.transpose(0, 2, 1).copy(), plan, 0, 0, plan.out_px)
    np.testing.assert_array_equal(turned.transpose(0, 2, 1), whole)
    for _ in range(20):
        low = int(rng.integers(0, plan.out_px))
        high = int(rng.integers(low + 1, plan.out_px + 1))
        first, last = plan.needs(low, high)
        part = resample_rows(planes[:, first:last], plan, first, low, high)
        np.testing.assert_array_equal(part, whole[:, low:high])


@pytest.mark.parametrize("scale", [0.037, 0.31, 1.0, 1.3, 7.7])
def test_ready_counts_the_outputs_that_can_be_made(scale):
    plan = AxisPlan(97, int(np.ceil(97 * scale)), scale, "triangle")
    for end in (0, 1, 5, 50, 96, 97):
        by_trial = 0
        while by_trial < plan.out_px and plan.needs(by_trial, by_trial + 1)[1] <= end:
            by_trial += 1
        assert plan.ready(end) <= by_trial
        assert by_trial - plan.ready(end) <= np.ceil(scale) + 1
    assert plan.ready(97) == plan.out_px

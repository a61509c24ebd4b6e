"""Each figure against another route: numpy over the whole array, scipy, or worked by hand."""

import math

import numpy as np
import pytest

from semantic3d.metrics.classes import Confusion
from semantic3d.metrics.groups import Grouped
from semantic3d.metrics.heights import HeightErrors
from semantic3d.metrics.surfaces import SurfaceErrors
from semantic3d.metrics.uncertainty import LEVELS, UncertaintyErrors, intervals_text, parse_intervals


def heights(seed=1, count=20_000):
    random = np.random.default_rng(seed)
    reference = np.abs(random.normal(0, 8, count))
    reference[::5] = 0.0
    return reference + random.standard_t(3, count), reference


def filled(accumulator, *arrays, parts=7):
    for pieces in zip(*(np.array_split(array, parts) for array in arrays)):
        accumulator.add(*pieces)
    return accumulator.result()


# -- heights -----------------------------------------------------------------------------------------------


def test_height_errors_worked_by_hand():
    found = filled(HeightErrors(), np.array([2.0, 2.0, 0.0, 7.0]), np.array([1.5, 4.0, 0.0, 8.0]), parts=2)
    # errors 0.5, -2, 0, -1: median -0.5, deviations 1, 1.5, 0.5, 0.5 with median 0.75
    assert found.pixels == 4
    assert found.mae_m == pytest.approx(3.5 / 4)
    assert found.rmse_m == pytest.approx(math.sqrt(5.25 / 4))
    assert found.bias_m == pytest.approx(-2.5 / 4)
    assert found.nmad_m == pytest.approx(1.4826 * 0.75)
    # ratios 1.333, 2, (both 0), 1.143 against 1.25, 1.5625, 1.953
    assert found.delta_pixels == 3
    assert found.delta == pytest.approx((1 / 3, 2 / 3, 2 / 3))
    assert found.delta_all == pytest.approx((2 / 4, 3 / 4, 3 / 4))


def test_low_references_count_in_the_all_pixel_delta_alone():
    found = filled(HeightErrors(), np.array([1.0, 2.0, 0.05]), np.array([0.5, 2.0, 0.0]), parts=1)
    assert (found.delta_pixels, found.delta[0]) == (1, 1.0)
    assert found.delta_all[0] == pytest.approx(2 / 3)  # 0.05 and 0 both count as 0.1


def test_nmad_agrees_with_scipy_within_its_bins():
    stats = pytest.importorskip("scipy.stats")
    predicted, reference = heights()
    expected = stats.median_abs_deviation(predicted - reference, scale="normal")
    assert filled(HeightErrors(), predicted, reference).nmad_m == pytest.approx(expected, abs=0.02)


def test_a_perfect_prediction_has_no_error_and_below_ground_is_a_miss():
    reference = np.array([0.0, 3.0, 10.0])
    perfect = filled(HeightErrors(), reference, reference, parts=1)
    assert (perfect.mae_m, perfect.nmad_m, perfect.delta, perfect.delta_all) == (0, 0, (1, 1, 1), (1, 1, 1))
    missed = filled(HeightErrors(), np.array([-1.0, 0.0]), np.array([2.0, 2.0]), parts=1)
    assert missed.delta == (0, 0, 0)


@pytest.mark.parametrize(("errors_m", "nmad_m"), [
    ([500.0, 0.0, -500.0], None),  # 1.4826 * 500, which the histogram does not know
    ([300.0, 500.0, 700.0], None),
    ([-300.0, -500.0, -700.0, 0.0], None),
    ([0.0, 500.0], None),
    ([0.0, 0.0, 0.0, 90.0, 500.0], 0.0),
    ([1.0, 2.0, 4.0, 8.0, 500.0, 500.0], 1.4826 * 4.5),
    ([60.0, 70.0, 80.0, 90.0, -500.0, -500.0, -500.0], 1.4826 * 30),  # 60 of -500, and it lies nearer: 0, 10, 20, 30
])  # fmt: skip
def test_an_nmad_is_made_of_errors_inside_the_histogram_alone(errors_m, nmad_m):
    found = filled(HeightErrors(), np.array(errors_m), np.zeros(len(errors_m)), parts=1)
    assert found.mae_m == pytest.approx(np.abs(errors_m).mean())
    assert math.isnan(found.nmad_m) if nmad_m is None else found.nmad_m == pytest.approx(nmad_m)
    if nmad_m is not None:
        assert nmad_m == pytest.approx(1.4826 * np.median(np.abs(errors_m - np.median(errors_m))))


def test_nothing_compared_is_nan():
    found = HeightErrors().result()
    assert found.pixels == 0 and math.isnan(found.mae_m) and math.isnan(found.nmad_m)


def test_groups_are_those_of_masks():
    predicted, reference = heights()
    groups = np.random.default_rng(2).choice([-3, 0, 7, 1000], predicted.size)
    grouped = Grouped(HeightErrors)
    for part in np.array_split(np.arange(predicted.size), 5):
        grouped.add(groups[part], predicted[part], reference[part])
    assert list(grouped.results()) == [-3, 0, 7, 1000]
    for code, found in grouped.results().items():
        error = (predicted - reference)[groups == code]
        assert found.pixels == error.size and found.mae_m == pytest.approx(np.abs(error).mean())


# -- classes -----------------------------------------------------------------------------------------------


def test_confusion_worked_by_hand():
    reference = np.array([4, 4, 4, 3, 3, 0, 2, 2], np.uint8)
    predicted = np.array([4, 4, 3, 3, 4, 4, 2, 0], np.uint8)
    found = filled(Confusion(), reference, predicted, parts=3)
    assert found.pixels == 6 and found.accuracy == pytest.approx(4 / 6)
    assert (found.reference_ids, found.predicted_ids) == ((2, 3, 4), (2, 3, 4))
    assert found.matrix.tolist() == [[1, 0, 0], [0, 1, 1], [0, 1, 2]]
    assert found.iou == pytest.approx({2: 1.0, 3: 1 / 3, 4: 2 / 4})
    assert found.mean_iou == pytest.approx((1 + 1 / 3 + 1 / 2) / 3)


def test_iou_agrees_with_sets_of_pixels():
    random = np.random.default_rng(3)
    reference, predicted = random.integers(0, 8, 5000), random.integers(0, 8, 5000)
    found = filled(Confusion(), reference, predicted)
    known = {i for i in range(5000) if reference[i] and predicted[i]}
    for code in range(1, 8):
        a, b = {i for i in known if reference[i] == code}, {i for i in known if predicted[i] == code}
        assert found.iou[code] == pytest.approx(len(a & b) / len(a | b))
    assert found.accuracy == pytest.approx(sum(reference[i] == predicted[i] for i in known) / len(known))


def test_unseparated_ground_accepts_both_kinds():
    reference = np.array([11, 11, 11, 1, 4, 4])
    predicted = np.array([1, 2, 4, 1, 1, 4])
    found = filled(Confusion(), reference, predicted, parts=2)
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.iou[1] == pytest.approx(1 / 2)  # right once, wrong on the building; 11 says neither
    assert found.iou[4] == pytest.approx(1 / 3)  # a building on ground of any type is wrong
    assert found.iou[11] == pytest.approx(3 / 5)  # ground of any type: three of four found, one too many
    assert math.isnan(found.iou[2])  # predicted, but not in the reference
    assert found.mean_iou == pytest.approx((1 / 2 + 1 / 3) / 2)


def test_unseparated_ground_alone_stands_in_the_mean():
    found = filled(Confusion(), np.array([11, 11, 4]), np.array([1, 2, 4]), parts=1)
    assert found.mean_iou == 1.0


# -- uncertainty -------------------------------------------------------------------------------------------


def errors(count=30_000):
    random = np.random.default_rng(5)
    sigma = random.gamma(2.0, 1.0, count)
    return random.normal(0, 1, count) * sigma, sigma


def test_correlation_is_pearsons():
    stats = pytest.importorskip("scipy.stats")
    error, sigma = errors()
    found = filled(UncertaintyErrors(), error, sigma + 1000.0)  # far from zero: sums of squares would cancel
    assert found.uecc == pytest.approx(stats.pearsonr(np.abs(error), sigma).statistic, abs=1e-9)


def sparsified(error, key, removed):
    ordered = np.abs(error)[np.argsort(-key, kind="stable")]
    kept = [ordered[round(share * error.size) :] for share in removed]
    return np.array([part.mean() if part.size else ordered[-1] for part in kept])


def test_sparsification_agrees_with_sorting():
    error, sigma = errors()
    found = filled(UncertaintyErrors(), error, sigma)
    curve, oracle = sparsified(error, sigma, found.removed), sparsified(error, np.abs(error), found.removed)
    assert np.abs(found.curve_m - curve)[:-20].max() < 0.005
    assert np.abs(found.oracle_m - oracle)[:-20].max() < 0.005
    area = np.trapezoid(curve - oracle, found.removed) if hasattr(np, "trapezoid") else np.trapz(
        curve - oracle, found.removed)
    assert found.ause_m == pytest.approx(area, abs=0.002)
    assert found.ause_relative == pytest.approx(area / np.abs(error).mean(), abs=0.002)


def test_a_sigma_that_knows_the_error_has_no_area_and_a_constant_one_is_flat():
    error, sigma = errors(5000)
    assert filled(UncertaintyErrors(), error, np.abs(error)).ause_m == pytest.approx(0, abs=1e-9)
    flat = filled(UncertaintyErrors(), error, np.full(5000, 2.0))
    assert flat.curve_m == pytest.approx(np.abs(error).mean())
    assert math.isnan(flat.uecc)


def test_coverage_is_that_of_the_gaussian():
    stats = pytest.importorskip("scipy.stats")
    error, sigma = errors()
    found = filled(UncertaintyErrors(), error, sigma)
    for level in LEVELS:
        low, high = stats.norm.interval(level, loc=0, scale=sigma)
        assert found.covered(level) == pytest.approx(((low <= error) & (error <= high)).mean(), abs=1e-4)
        assert found.covered(level) == pytest.approx(level, abs=0.01)  # these errors are drawn from sigma


def test_coverage_is_that_of_the_stated_intervals():
    error = np.arange(1, 101) / 10  # 0.1 to 10 m, sigma 1 m
    found = filled(UncertaintyErrors(((0.5, 5.0), (0.6827, 7.0), (0.95, 9.5))), error, np.ones(100))
    assert (found.covered(0.5), found.covered(0.6827), found.covered(0.95)) == (0.5, 0.7, 0.95)
    assert found.covered(0.25) == 0.25  # halfway to the first stated one


def test_intervals_are_written_and_read_back():
    stated = ((0.5, 0.41), (0.6827, 1.0), (0.95, 4.25))
    assert intervals_text(stated) == "0.5:0.41 0.6827:1 0.95:4.25"
    assert parse_intervals(intervals_text(stated)) == stated and parse_intervals("") == ()


@pytest.mark.parametrize("text", ["0.5", "0.5:x", "0.5:1 0.9:1", "0.9:2 0.5:1", "1.5:2", "0.5:inf", "0.5:-1", "0.5:nan"])
def test_intervals_of_another_form_are_refused(text):
    with pytest.raises(ValueError):
        parse_intervals(text)


def test_without_uncertainty_only_exact_heights_are_covered():
    found = filled(UncertaintyErrors(), np.array([0.0, 0.1]), np.zeros(2), parts=1)
    assert set(found.coverage) == {0.5}


# -- surfaces ----------------------------------------------------------------------------------------------


def surface(seed, rows=40, columns=30):
    random = np.random.default_rng(seed)
    z = random.normal(0, 2, (rows, columns))
    z[10:20, 5:15] += 9
    z[random.random(z.shape) < 0.1] = np.nan
    return z


def padded(z, accumulator):
    return np.pad(z, ((accumulator.halo_y,) * 2, (accumulator.halo_x,) * 2), constant_values=np.nan)


def nearest(points, targets, steps_m, bound_m):
    spatial = pytest.importorskip("scipy.spatial")
    clouds = []
    for z in (points, targets):
        rows, columns = np.nonzero(np.isfinite(z))
        clouds.append(np.column_stack([columns * steps_m[0], rows * steps_m[1], z[rows, columns]]))
    return np.minimum(spatial.cKDTree(clouds[1]).query(clouds[0])[0], bound_m)


@pytest.mark.parametrize("steps_m", [(0.5, 0.5), (0.3, 0.7), (6.0, 6.0)])
def test_surfaces_agree_with_a_kd_tree(steps_m):
    predicted, reference = surface(1), surface(2)
    reference[np.isnan(predicted)] = np.nan
    predicted[np.isnan(reference)] = np.nan
    accumulator = SurfaceErrors(*steps_m, bound_m=4.0)
    accumulator.add(padded(predicted, accumulator), padded(reference, accumulator))
    found = accumulator.result()
    there, back = nearest(predicted, reference, steps_m, 4.0), nearest(reference, predicted, steps_m, 4.0)
    assert found.points == np.isfinite(predicted).sum()
    assert found.accuracy_m == pytest.approx(there.mean()) and found.completeness_m == pytest.approx(back.mean())
    assert found.chamfer_m == pytest.approx((there.mean() + back.mean()) / 2)
    for limit, f1 in zip((1.0, 0.5, 0.2), found.f1):
        p, r = (there <= limit).mean(), (back <= limit).mean()
        assert f1 == pytest.approx(2 * p * r / (p + r) if p + r else 0.0)
    assert found.beyond_bound == pytest.approx((np.r_[there, back] >= 4.0).mean())


def test_surfaces_by_blocks_are_the_whole():
    predicted, reference = surface(3), surface(4)
    whole, blocks = SurfaceErrors(0.5, 0.5, 2.0), SurfaceErrors(0.5, 0.5, 2.0)
    a, b = padded(predicted, whole), padded(reference, whole)
    whole.add(a, b)
    for row in range(0, 40, 16):
        for column in range(0, 30, 7):
            part = np.s_[row : min(row + 16, 40) + 8, column : min(column + 7, 30) + 8]
            blocks.add(a[part], b[part])
    for name in ("points", "chamfer_m", "f1", "precision", "recall"):
        assert getattr(blocks.result(), name) == pytest.approx(getattr(whole.result(), name))


def test_equal_surfaces_and_a_lifted_one():
    flat = np.zeros((9, 9))
    same, lifted = SurfaceErrors(0.5, 0.5, 2.0), SurfaceErrors(0.5, 0.5, 2.0)
    same.add(padded(flat, same), padded(flat, same))
    assert (same.result().chamfer_m, same.result().f1) == (0.0, (1.0, 1.0, 1.0))
    lifted.add(padded(flat + 0.5, lifted), padded(flat, lifted))
    assert lifted.result().chamfer_m == pytest.approx(0.5)
    assert lifted.result().f1 == (1.0, 1.0, 0.0)

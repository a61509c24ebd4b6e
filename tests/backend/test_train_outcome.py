"""What is said of a trained model: warnings, manifest and card of a made outcome."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

from s3d_protocol import TrainJob  # noqa: E402
from semantic3d.jobs import train_finish  # noqa: E402
from semantic3d.jobs.train_finish import Outcome  # noqa: E402
from semantic3d.metrics.calibration import Calibration  # noqa: E402
from semantic3d.training.bases import find_base, learnt_before_text  # noqa: E402
from semantic3d.training.fine_tune import Validation  # noqa: E402
from semantic3d.training.scoring import Scores  # noqa: E402

NAN = math.nan


def scores(accuracy=NAN, building_iou=NAN, mae_m=NAN):
    """Figures of a model of two classes; the second is building."""
    return Scores(mae_m, mae_m, 0.0, accuracy, {1: 0.5, 2: building_iou}, 0 if math.isnan(mae_m) else 9,
                  0 if math.isnan(accuracy) else 9)


def outcome(found, plain, **changes):
    prepared = SimpleNamespace(
        job=SimpleNamespace(learning_rate=1e-3), base=SimpleNamespace(has_decoder=False),
        split=SimpleNamespace(validation=[0] * 9), classes=SimpleNamespace(building_code=2),
    )
    vars(prepared).update(changes)
    rows = [Validation(step, None, 1.0 - step / 10, found.to_dict()) for step in (0, 2)]
    return Outcome(prepared, rows, 2, 2, found, {"mean of the training heights": plain}, Calibration(1, 1, NAN, NAN))


INTERVALS = ((0.5, 0.7), (0.95, 2.3))


def uncalibrated(has_decoder):
    """An outcome without heights, from a base with a calibration."""
    found = outcome(scores(0.9), scores(0.5), base=SimpleNamespace(has_decoder=has_decoder))
    found.prepared.split.training = []
    kept = Calibration(0.6, 0.95, NAN, NAN, INTERVALS) if has_decoder else Calibration(1.0, 1.0, NAN, NAN)
    return dataclasses.replace(found, calibration=kept)


def test_sigma_that_stays_calibrated_as_in_the_base_is_told():
    found = uncalibrated(has_decoder=True)
    assert train_finish._calibration_text(found) == (
        "Standard deviations s become 0.6 s^0.95, as in the base: no heights were given."
    )
    assert train_finish._calibration_method(found) == "as in the base, not calibrated anew: no heights were given"
    assert any("Sigma keeps the calibration of the base" in text for text in found.warnings)


def test_without_a_base_that_has_heights_nothing_is_calibrated():
    found = uncalibrated(has_decoder=False)
    assert train_finish._calibration_text(found) == "Standard deviations s become 1 s^1: no heights were given."
    assert not any("Sigma" in text for text in found.warnings)


def test_a_base_states_the_calibration_of_its_package():
    package = find_base("").package
    assert find_base("").calibration[:2] == (package.predictive_std_scale, package.predictive_std_power) != (1, 1)
    assert find_base("").calibration.intervals == package.intervals != ()


def base_of(names, split):
    data = [{"name": "others", "licence": "x", "attribution": ""}, {"name": names, "licence": "x", "attribution": ""}]
    stated = SimpleNamespace(validation={"split": split} if split else {})
    return SimpleNamespace(name="town 1.0.0", training_data=data, package=stated)


THEN = {"seed": 1, "block_m": 256.0, "validation_share": 0.2}


@pytest.mark.parametrize(
    ("names", "split", "is_told"),
    [
        ("a.tif, b.tif", THEN, False),
        ("a.tif, b.tif", {**THEN, "seed": 2}, True),
        ("a.tif, b.tif", None, True),  # of an earlier version
        ("b.tif", THEN, True),  # more images than then: other blocks are drawn
        ("aa.tif, c.tif", None, False),
    ],
)
def test_held_out_blocks_that_the_base_may_have_learnt_from_are_told(names, split, is_told):
    job = TrainJob(("x/a.tif", "x/b.tif"), "out", ndsm_paths=("h.tif",))
    text = learnt_before_text(base_of(names, split), job)
    assert bool(text) is is_told
    assert not is_told or ("of the same names" in text and "b.tif)" in text and "SEED, BLOCK" in text)


@pytest.mark.parametrize(
    ("heights", "classes", "package", "expected"),
    [
        (True, True, None, []),
        (False, True, None, ["height"]),
        (True, False, None, ["land_cover"]),
        (False, True, (), []),  # a package that had them
        (False, True, ("height", "land_cover"), ["height"]),  # one that was never taught either
        (True, False, ("height",), []),
    ],
)
def test_what_nothing_taught_is_stated(heights, classes, package, expected):
    known = SimpleNamespace(has_heights=heights, has_land_cover=classes)
    base = SimpleNamespace(package=None if package is None else SimpleNamespace(untaught=package))
    prepared = SimpleNamespace(base=base, split=SimpleNamespace(training=[known]))
    assert train_finish.untaught(prepared) == expected


@pytest.mark.parametrize(
    ("accuracy", "building_iou", "words"),
    [
        (0.61, 0.3, ["no better (61.0% right) than one class everywhere (61.0%)"]),
        (0.60, 0.0, ["no better", "almost none of the buildings in the held-out blocks (IoU 0.000)"]),
        (0.70, 0.01, ["almost none of the buildings"]),
        (0.70, 0.3, []),
        (0.70, NAN, []),
        (NAN, NAN, []),
    ],
)
def test_land_cover_that_is_of_no_use_is_told(accuracy, building_iou, words):
    found = outcome(scores(accuracy, building_iou), scores(NAN if math.isnan(accuracy) else 0.61)).warnings
    assert len(found) == len(words) and all(part in text for part, text in zip(words, found))


@pytest.mark.parametrize(
    ("model_m", "mean_m", "zero_m", "words"),
    [
        (0.94, 1.28, 0.94, "(MAE 0.94 m) than a guess, zero everywhere (0.94 m)"),
        (1.30, 1.28, 1.50, "(MAE 1.30 m) than a guess, mean of the training heights (1.28 m)"),
        (0.80, 1.28, 0.94, None),
        (NAN, NAN, NAN, None),
    ],
)
def test_heights_no_better_than_a_guess_are_told(model_m, mean_m, zero_m, words):
    found = outcome(scores(mae_m=model_m), scores(mae_m=mean_m))
    found.plain["zero everywhere"] = scores(mae_m=zero_m)
    told = [text for text in found.warnings if "hardly better" in text]
    assert [words in text for text in told] == ([True] if words else [])

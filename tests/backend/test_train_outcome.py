"""What is said of a trained model: warnings, manifest and card of a made outcome."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

from semantic3d.jobs.train_finish import Outcome  # noqa: E402
from semantic3d.metrics.calibration import Calibration  # noqa: E402
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

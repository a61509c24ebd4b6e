"""The figures that the documentation publishes, by hand and beside the evaluation's own counting."""

import numpy as np
import pytest

from semantic3d.metrics.classes import Confusion
from semantic3d.metrics.figures import class_iou, figures

NAN = np.nan


def test_heights_by_hand():
    truth = np.array([[0.0, 2.0, NAN], [4.0, 10.0, 1.0]])
    found = np.array([[1.0, 2.0, 5.0], [1.0, NAN, 1.0]])
    result = figures("one", truth, np.zeros((2, 3), np.uint8), found, np.ones((2, 3), np.uint8))
    assert (result.pixels, result.mae_m, result.rmse_m) == (4, 1.0, pytest.approx(np.sqrt(10 / 4)))
    assert np.isnan([result.accuracy, result.building_iou, result.tree_iou]).all()


def test_classes_by_hand():
    truth = np.array([4, 4, 3, 3, 11, 11, 11, 0, 2])
    found = np.array([4, 3, 3, 4, 1, 2, 4, 4, 0])  # unknown truth and unknown answers count for no accuracy
    result = figures("one", np.zeros(9), truth, np.zeros(9), found)
    assert result.accuracy == 4 / 7  # one building, one tree, two of three grounds
    assert result.building_iou == 1 / 4  # 4 where it is, or is said to be, and the truth is known
    assert result.tree_iou == 1 / 3


@pytest.mark.parametrize("seed", range(3))
def test_accuracy_and_iou_are_those_of_the_evaluation(seed):
    random = np.random.default_rng(seed)
    truth, found = random.choice([1, 2, 3, 4, 5, 11], 500), random.integers(1, 6, 500)
    truth[:50] = 0
    confusion = Confusion()
    confusion.add(truth, found)
    counted, result = confusion.result(), figures("one", np.zeros(500), truth, np.zeros(500), found)
    assert result.accuracy == pytest.approx(counted.accuracy)
    assert (result.building_iou, result.tree_iou) == pytest.approx((counted.iou[4], counted.iou[3]))
    assert class_iou(truth, found, 5) == pytest.approx(counted.iou[5])

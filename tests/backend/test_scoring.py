"""Validation figures, worked by hand."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from semantic3d.datasets.blocks import cut, lattice  # noqa: E402
from semantic3d.datasets.labelled import NOT_BUILDING, Sample  # noqa: E402
from semantic3d.metrics.calibration import Calibration  # noqa: E402
from semantic3d.training.scoring import calibration_of, score, score_constants  # noqa: E402


class Fixed(torch.nn.Module):
    """Says a height of 2 m, variances of 1 + 3 m2, and the class that red names."""

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, image):
        flat = torch.ones_like(image[:, :1])
        code = torch.round((image[:, 0] + 1) * 127.5).long()
        probability = torch.nn.functional.one_hot(code - 1, 4).permute(0, 3, 1, 2).float()
        return flat * 2, flat, flat * 3, flat, probability


def sample(found, truth, heights):
    found = np.array(found, np.uint8)
    return Sample("s", np.repeat(found[..., None], 3, axis=2), np.array(heights, np.float32), np.array(truth, np.uint8), 0.5)


def test_figures_of_a_hand_worked_case():
    one = sample([[4, 4, 1, 1]], [[4, 1, 1, NOT_BUILDING]], [[2, 4, np.nan, 6]])
    two = sample([[4, 2, 3, 4]], [[NOT_BUILDING, 11, 11, 0]], [[np.nan] * 4])
    residuals = []
    found = score(Fixed(), [one, two], 32, 4, 4, residuals=residuals)
    assert found.mae_m == pytest.approx((0 + 2 + 4) / 3) and found.bias_m == pytest.approx(-2)
    assert found.rmse_m == pytest.approx((20 / 3) ** 0.5) and found.height_pixels == 3
    assert found.class_pixels == 7 and found.accuracy == pytest.approx(4 / 7)  # 4, 1, no building, ground as 2
    # building: one right; found wrongly on a 1 and on a "no building"; the unknown pixel counts nothing
    assert found.iou[4] == pytest.approx(1 / 3)
    assert found.iou[1] == pytest.approx(1 / 2)  # "no building" and "ground" say nothing about class 1
    assert np.isnan(found.iou[2]) and np.isnan(found.iou[3])
    assert residuals[0][0].tolist() == [0, 2, 4] and residuals[0][1].tolist() == [2, 2, 2]


def test_without_heights_the_calibration_of_the_base_stays():
    base = Calibration(0.6, 0.95, np.nan, np.nan, ((0.5, 0.7),))
    assert calibration_of([(np.zeros(0), np.zeros(0))], base) is base
    assert calibration_of([], base) is base


def test_constants():
    training = [sample([[1, 1]], [[2, 2]], [[3, 5]])]
    found = score_constants(training, [sample([[1, 1]], [[2, 4]], [[4, 10]])], 4, 4)
    assert found["zero everywhere"].mae_m == 7
    assert found["mean of the training heights"].mae_m == 3
    assert found["zero everywhere"].accuracy == 0.5 and found["zero everywhere"].iou[4] == 0


@pytest.mark.parametrize(
    ("labels", "held_out", "accuracy"),
    [
        ([[4, NOT_BUILDING, NOT_BUILDING]], [[4, 4, NOT_BUILDING, 0]], 1 / 3),  # "no building", as most of it is
        ([[4, 4, 4, 11, 11, 2, 2]], [[1, 2, 11, 4]], 2 / 4),  # 2: right on four labels, building on three
        ([[4, 4, 4, NOT_BUILDING]], [[4, NOT_BUILDING]], 1 / 2),
    ],
)
def test_the_one_class_everywhere_is_the_one_that_is_right_most_often(labels, held_out, accuracy):
    def part(codes):
        return [sample(np.ones_like(codes), codes, np.full(np.shape(codes), np.nan))]

    found = score_constants(part(labels), part(held_out), 4, 4)["zero everywhere"]
    assert found.accuracy == pytest.approx(accuracy)


class SumOfTile(Fixed):
    """The height is the mean of red over the whole window: what a block shows is not enough to know it."""

    def forward(self, image):
        height, *others = super().forward(image)
        return torch.zeros_like(height) + image[:, :1].mean() + height, *others


def test_a_held_out_block_is_judged_with_what_lies_around_it():
    rng = np.random.default_rng(0)
    whole = sample(rng.integers(1, 5, (64, 64)), np.ones((64, 64)), np.zeros((64, 64)))
    expected = score(SumOfTile(), [whole], 64, 4, 4)
    blocks = [cut(whole, block, tile_px=64) for block in lattice(0, 64, 64, 16)]
    found = score(SumOfTile(), blocks, 64, 4, 4)
    assert found.mae_m == pytest.approx(expected.mae_m) and found.rmse_m == pytest.approx(expected.rmse_m)
    assert found.accuracy == expected.accuracy and found.class_pixels == 64 * 64
    mirrored = score(SumOfTile(), [cut(whole, block) for block in lattice(0, 64, 64, 16)], 64, 4, 4)
    assert mirrored.rmse_m != pytest.approx(expected.rmse_m, abs=1e-7)


class Watching(Fixed):
    """Keeps what it was shown."""

    def forward(self, image):
        self.seen = image.clone()
        return super().forward(image.clamp(min=-1 + 2 / 255))


def test_where_there_is_no_image_the_model_is_shown_what_reconstruct_shows_it():
    rgb = np.full((32, 32, 3), 3, np.uint8)
    rgb[:, :8] = 1
    rgb[:, 20:] = 0  # as images are read that end there
    valid = np.ones((32, 32), bool)
    valid[:, 20:] = False
    model = Watching()
    heights = np.where(valid, 2.0, np.nan).astype(np.float32)
    score(model, [Sample("s", rgb, heights, np.ones((32, 32), np.uint8), 0.5, valid=valid)], 32, 4, 4)
    shown = torch.round((model.seen[0, 0] + 1) * 127.5)[0].tolist()
    assert shown[:20] == [1] * 8 + [3] * 12 and shown[24:] == [1] * 8  # mirrored: column 31 is column 0

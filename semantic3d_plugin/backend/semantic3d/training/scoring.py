"""Figures of a model over held-out samples, pixel by pixel, beside predictors that know nothing of the image."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from torch import nn

from ..datasets.labelled import NOT_BUILDING, Sample
from ..metrics.calibration import Calibration, calibrate
from ..metrics.figures import GROUND_UNSEPARATED
from .validation import predict

MOST_RESIDUALS = 1_000_000  # for the calibration; of more, an even sample


@dataclass(frozen=True)
class Scores:
    """Over all pixels of all samples; NaN where nothing of the kind is labelled.

    Attributes:
        mae_m, rmse_m, bias_m: of heights.
        accuracy: share of right classes.
        iou: class code -> intersection over union, NaN where the truth does not hold it.
        height_pixels, class_pixels: that count.
    """

    mae_m: float
    rmse_m: float
    bias_m: float
    accuracy: float
    iou: dict[int, float]
    height_pixels: int
    class_pixels: int

    def to_dict(self) -> dict:
        """JSON values: NaN becomes None."""
        values = asdict(self) | {"iou": {str(code): value for code, value in self.iou.items()}}
        return _without_nan(values)


def _kinds(truth: np.ndarray, class_count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where a label is a class, ground of class 1 or 2, "no building"; bool [H, W] each."""
    named = (truth > 0) & (truth <= class_count)
    return named, (truth == GROUND_UNSEPARATED) & ~named, truth == NOT_BUILDING


def is_right(truth: np.ndarray, found: np.ndarray, class_count: int, building_code: int) -> np.ndarray:
    """Where a class agrees with a label, bool [H, W]; "no building" agrees with every class but that."""
    named, ground, no_building = _kinds(truth, class_count)
    return named & (truth == found) | ground & np.isin(found, (1, 2)) | no_building & (found != building_code)


class _Tally:
    def __init__(self, class_count: int, building_code: int):
        self._class_count, self._building_code = class_count, building_code
        self._absolute = self._squares = self._sum = 0.0
        self._heights = 0
        self._right = self._labelled = 0
        self._both, self._either = np.zeros(class_count + 1), np.zeros(class_count + 1)
        self._true = np.zeros(class_count + 1)

    def add_heights(self, error_m: np.ndarray) -> None:
        error_m = error_m.astype(np.float64)
        self._absolute += float(np.abs(error_m).sum())
        self._squares += float((error_m**2).sum())
        self._sum += float(error_m.sum())
        self._heights += error_m.size

    def add_classes(self, truth: np.ndarray, found: np.ndarray) -> None:
        """Codes of equal shape; pixels of code 0 in the truth count nothing."""
        named, ground, no_building = _kinds(truth, self._class_count)
        self._right += int(is_right(truth, found, self._class_count, self._building_code).sum())
        self._labelled += int((named | ground | no_building).sum())
        for code in range(1, self._class_count + 1):
            decided = named | (ground if code > 2 else False)
            if code == self._building_code:
                decided = decided | no_building
            is_true, is_found = truth == code, (found == code) & decided
            is_true = is_true & named
            self._both[code] += int((is_true & is_found).sum())
            self._either[code] += int((is_true | is_found).sum())
            self._true[code] += int(is_true.sum())

    def scores(self) -> Scores:
        heights, labelled = self._heights or math.nan, self._labelled or math.nan
        iou = {
            code: float(self._both[code] / self._either[code]) if self._true[code] else math.nan
            for code in range(1, self._class_count + 1)
        }
        return Scores(
            mae_m=self._absolute / heights, rmse_m=math.sqrt(self._squares / heights), bias_m=self._sum / heights,
            accuracy=self._right / labelled, iou=iou, height_pixels=self._heights, class_pixels=self._labelled,
        )


def score(
    model: nn.Module, samples: list[Sample], tile_px: int, class_count: int, building_code: int,
    on_tile: Callable[[], None] | None = None, residuals: list | None = None,
) -> Scores:
    """Score a model (as `PhysicalOutputs`) on samples.

    Args:
        on_tile: called before each tile; may raise.
        residuals: collects (absolute error, predicted standard deviation) [N] of each sample, metres.
    """
    was_training = model.training
    model.eval()
    tally = _Tally(class_count, building_code)
    for sample in samples:
        height_m, variance_m2, probability = _predict_in_place(model, sample, tile_px, on_tile)
        known = np.isfinite(sample.ndsm_m)
        error_m = (height_m - sample.ndsm_m)[known]
        tally.add_heights(error_m)
        tally.add_classes(sample.land_cover, probability.argmax(axis=0) + 1)
        if residuals is not None:
            residuals.append((np.abs(error_m), np.sqrt(variance_m2[known])))
    model.train(was_training)
    return tally.scores()


def _predict_in_place(
    model: nn.Module, sample: Sample, tile_px: int, on_tile: Callable[[], None] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `predict`, of a sample that the model sees in its surroundings, where they are known."""
    around = sample.surroundings
    if around is None:
        return predict(model, sample.rgb, tile_px, on_tile, sample.valid)
    maps = predict(model, around.rgb, tile_px, on_tile, around.valid)
    height, width = sample.ndsm_m.shape
    rows, columns = slice(around.top, around.top + height), slice(around.left, around.left + width)
    return tuple(part[..., rows, columns] for part in maps)


def calibration_of(residuals: list[tuple[np.ndarray, np.ndarray]], base: Calibration) -> Calibration:
    """Calibrate on what `score` collected; without a known height the base's calibration is the best guess."""
    errors_m = np.concatenate([errors for errors, _ in residuals] or [np.zeros(0)])
    stds_m = np.concatenate([stds for _, stds in residuals] or [np.zeros(0)])
    if not errors_m.size:
        return base
    step = -(-errors_m.size // MOST_RESIDUALS)
    found = calibrate([errors_m[::step]], [stds_m[::step]])
    return found._replace(scale=min(max(found.scale, 1e-3), 1e3))  # what a manifest may hold


def score_constants(
    training: list[Sample], validation: list[Sample], class_count: int, building_code: int
) -> dict[str, Scores]:
    """Figures of predictors that need no network: zero or the training heights' mean, and one class everywhere.

    The class is the one that is right most often in training, where "no building" and "ground" count, too.
    """
    heights = [sample.ndsm_m[np.isfinite(sample.ndsm_m)] for sample in training]
    count = sum(values.size for values in heights)
    mean_m = sum(float(values.sum(dtype=np.float64)) for values in heights) / count if count else 0.0
    best_class = _best_class(training, class_count, building_code)
    found = {}
    for name, height_m in (("zero everywhere", 0.0), ("mean of the training heights", mean_m)):
        tally = _Tally(class_count, building_code)
        for sample in validation:
            tally.add_heights(height_m - sample.ndsm_m[np.isfinite(sample.ndsm_m)])
            tally.add_classes(sample.land_cover, np.full(sample.land_cover.shape, best_class))
        found[name] = tally.scores()
    return found


def _best_class(samples: list[Sample], class_count: int, building_code: int) -> int:
    """The class that is right on most labels when it is said everywhere."""
    pixels = sum(np.bincount(sample.land_cover.ravel(), minlength=256) for sample in samples)
    labels = np.arange(256)
    right = [pixels[is_right(labels, code, class_count, building_code)].sum() for code in range(1, class_count + 1)]
    return int(np.argmax(right)) + 1


def _without_nan(value):
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value

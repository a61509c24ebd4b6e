"""Agreement of class ids, added up window by window."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .figures import GROUND_UNSEPARATED

UNKNOWN = 0
GROUND = (1, 2)  # what GROUND_UNSEPARATED may be
_IDS = 256


@dataclass(frozen=True)
class ClassFigures:
    """How predicted classes agree with the reference.

    Attributes:
        pixels: with a known class in both.
        accuracy: share of pixels in 0..1 whose class is right; NaN without a pixel.
        reference_ids, predicted_ids: of the matrix's rows and columns.
        matrix: pixels [reference, predicted], int64.
        iou: class id -> intersection over union, for all classes that occur; NaN where the reference does not have
            the class. 11 stands for ground of any type (1, 2 and 11 together), where the reference has 11.
        mean_iou: over the classes of the reference; ground of any type counts only where neither 1 nor 2 occurs.
    """

    pixels: int
    accuracy: float
    reference_ids: tuple
    predicted_ids: tuple
    matrix: np.ndarray
    iou: dict
    mean_iou: float


class Confusion:
    """Running counts of (reference, predicted) pairs."""

    def __init__(self):
        self._counts: dict[tuple[int, int], int] = {}

    def add(self, reference: np.ndarray, predicted: np.ndarray) -> None:
        """Add class ids [N], 0..255; pixels where either is 0 (unknown) are left out."""
        known = (reference != UNKNOWN) & (predicted != UNKNOWN)
        pairs = reference[known].astype(np.int64) * _IDS + predicted[known]
        for pair, count in zip(*np.unique(pairs, return_counts=True)):
            key = divmod(int(pair), _IDS)
            self._counts[key] = self._counts.get(key, 0) + int(count)

    def of_reference(self, code: int) -> int:
        """Return how many pixels of the reference are of a class."""
        return sum(count for (reference, _), count in self._counts.items() if reference == code)

    def of_prediction(self, code: int) -> int:
        """Return how many pixels are said to be of a class."""
        return sum(count for (_, predicted), count in self._counts.items() if predicted == code)

    def result(self) -> ClassFigures:
        """Return the figures.

        Reference 11 (ground of unseparated type) accepts 1 or 2: such a pixel counts against every other class
        that was predicted there, and neither for nor against 1 and 2.
        """
        rows = tuple(sorted({reference for reference, _ in self._counts}))
        columns = tuple(sorted({predicted for _, predicted in self._counts}))
        matrix = np.zeros((len(rows), len(columns)), np.int64)
        for (reference, predicted), count in self._counts.items():
            matrix[rows.index(reference), columns.index(predicted)] = count
        total = int(matrix.sum())
        right = sum(count for pair, count in self._counts.items() if _is_right(*pair))
        iou = {code: self._iou(code) for code in sorted({*rows, *columns} - {GROUND_UNSEPARATED})}
        if GROUND_UNSEPARATED in rows:
            iou[GROUND_UNSEPARATED] = self._ground_iou()
        separated = set(rows) & set(GROUND)
        in_mean = [iou[code] for code in rows if code != GROUND_UNSEPARATED or not separated]
        return ClassFigures(
            total,
            right / total if total else math.nan,
            rows,
            columns,
            matrix,
            iou,
            sum(in_mean) / len(in_mean) if in_mean else math.nan,
        )

    def _iou(self, code: int) -> float:
        neutral = {GROUND_UNSEPARATED} if code in GROUND else set()
        return self._share({code}, {code}, neutral)

    def _ground_iou(self) -> float:
        ground = {*GROUND, GROUND_UNSEPARATED}
        return self._share(ground, ground, set())

    def _share(self, references: set, predictions: set, neutral: set) -> float:
        both = either = true = 0
        for (reference, predicted), count in self._counts.items():
            if reference in neutral:
                continue
            is_true, is_found = reference in references, predicted in predictions
            both += count * (is_true and is_found)
            either += count * (is_true or is_found)
            true += count * is_true
        return both / either if true else math.nan


def _is_right(reference: int, predicted: int) -> bool:
    return reference == predicted or (reference == GROUND_UNSEPARATED and predicted in GROUND)

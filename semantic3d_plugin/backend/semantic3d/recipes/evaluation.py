"""Figures of a network over a test set, crop by crop, in the groups of pixels that the tables look at."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..datasets.crops import Crop, PublishedData
from ..datasets.labelled import Sample
from ..metrics.classes import Confusion
from ..metrics.heights import HeightErrors
from ..metrics.surfaces import THRESHOLDS_M, SurfaceErrors
from ..shadows.detector import detector
from ..shadows.patches import clean
from ..shadows.threshold import IndexHistogram

ALL, BUILDING, OTHERS = "all", "building", "others"
SHADOW, LIT, SURFACE = "shadow", "lit", "surface"
SUBSET_PART = "subsets"
PARTS = ("main", SUBSET_PART, "shadow", "surface")  # what may be evaluated on its own
LEAST_SHADOW_M2 = 2.0  # as `detect_shadows` does


@dataclass(frozen=True)
class Prediction:
    """What a network says of one crop; None: it does not say.

    Attributes:
        height_m: [H, W].
        codes: 1..K, [H, W].
        index: what the paper correlates with the error: the evidence index, or MC dropout's deviation [H, W].
        std_m: predictive standard deviation [H, W].
    """

    height_m: np.ndarray | None = None
    codes: np.ndarray | None = None
    index: np.ndarray | None = None
    std_m: np.ndarray | None = None


class _Group:
    """Errors of one group of pixels."""

    def __init__(self) -> None:
        self.heights, self.classes, self.pixels = HeightErrors(), Confusion(), 0

    def add(self, sample: Sample, found: Prediction, where: np.ndarray) -> None:
        self.pixels += int(where.sum())
        if found.height_m is not None:
            known = where & np.isfinite(sample.ndsm_m)
            self.heights.add(found.height_m[known], sample.ndsm_m[known])
        if found.codes is not None:
            self.classes.add(sample.land_cover[where], found.codes[where])

    def figures(self) -> dict:
        classes = self.classes.result()
        return {
            **self.heights.result().to_dict(), "accuracy": classes.accuracy, "mean_iou": classes.mean_iou,
            "class_pixels": classes.pixels,
        }


class TestFigures:
    """Running figures of a test set.

    Args:
        data: the data set; tells classes and subsets.
        parts: "main" (heights, classes, uncertainty), "subsets" (of land use), "shadow", "surface"; each only
            where asked for.
    """

    __test__ = False  # not a test, whatever pytest thinks of its name

    def __init__(self, data: PublishedData, parts: tuple[str, ...] = ("main",)) -> None:
        self._data, self._parts = data, parts
        self._groups: dict[str, _Group] = {}
        self._correlations: dict[str, list[float]] = {"uecc": [], "uecc_std": []}
        self._surface = SurfaceErrors(data.gsd_m, data.gsd_m)

    def add(self, crop: Crop, sample: Sample, found: Prediction) -> None:
        """Add one crop."""
        everywhere = np.ones(sample.land_cover.shape, bool)
        places = {ALL: everywhere} if "main" in self._parts else {}
        if "main" in self._parts:
            places |= self._places_by_class(sample)
            self._correlate(sample, found)
        subset = self._data.subset(crop) if SUBSET_PART in self._parts else ""
        places |= {f"subset {subset}": everywhere} if subset else {}
        if "shadow" in self._parts:
            dark = shadow_mask(sample)
            places |= {SHADOW: dark, LIT: ~dark}
        for name, where in places.items():
            self._groups.setdefault(name, _Group()).add(sample, found, where)
        if "surface" in self._parts and found.height_m is not None:
            self._add_surface(sample, found.height_m)

    def result(self) -> dict[str, dict]:
        """Figures by group: None where nothing of the kind was compared."""
        figures = {name: group.figures() for name, group in self._groups.items()}
        if ALL in figures:
            figures[ALL] |= {name: _mean(values) for name, values in self._correlations.items()}
            iou = self._groups[ALL].classes.result().iou
            for code, name in enumerate(self._data.class_names, 1):
                for group in (f"class {name}", *([BUILDING] if code == self._data.building_code else [])):
                    if group in figures:
                        figures[group]["iou"] = iou.get(code, math.nan)
        if SHADOW in figures:
            total = sum(self._groups[name].pixels for name in (SHADOW, LIT))
            for name in (SHADOW, LIT):
                figures[name]["pixel_share"] = self._groups[name].pixels / total
        if "surface" in self._parts:
            surface = self._surface.result()
            figures[SURFACE] = {"chamfer_m": surface.chamfer_m, "beyond_bound": surface.beyond_bound}
            figures[SURFACE] |= {f"f1_{limit}": value for limit, value in zip(THRESHOLDS_M, surface.f1)}
        return {name: {key: _number(value) for key, value in row.items()} for name, row in figures.items()}

    def _places_by_class(self, sample: Sample) -> dict[str, np.ndarray]:
        building = sample.land_cover == self._data.building_code
        places = {BUILDING: building, OTHERS: (sample.land_cover > 0) & ~building}
        for code, name in enumerate(self._data.class_names, 1):
            places[f"class {name}"] = sample.land_cover == code
        return {name: where for name, where in places.items() if where.any()}

    def _correlate(self, sample: Sample, found: Prediction) -> None:
        """Pearson's correlation of absolute error and uncertainty in this crop (eq. 29; its mean is over the crops)."""
        known = np.isfinite(sample.ndsm_m)
        if found.height_m is None or known.sum() < 2:
            return
        error_m = np.abs(found.height_m - sample.ndsm_m)[known].astype(np.float64)
        for name, layer in (("uecc", found.index), ("uecc_std", found.std_m)):
            if layer is not None and error_m.std() > 0 and layer[known].std() > 0:
                self._correlations[name].append(float(np.corrcoef(error_m, layer[known])[0, 1]))

    def _add_surface(self, sample: Sample, height_m: np.ndarray) -> None:
        """Both surfaces where the truth is known; a crop's neighbours are not looked at."""
        known = np.isfinite(sample.ndsm_m)
        around = ((self._surface.halo_y,) * 2, (self._surface.halo_x,) * 2)
        clouds = (np.pad(np.where(known, layer, np.nan), around, constant_values=np.nan)
                  for layer in (height_m, sample.ndsm_m))
        self._surface.add(*clouds)


def shadow_mask(sample: Sample) -> np.ndarray:
    """Where a crop lies in shadow, bool [H, W], by this project's detector with a threshold of the crop's own."""
    rgb = sample.rgb.transpose(2, 0, 1).astype(np.float32) / 255
    valid = np.ones(rgb.shape[1:], bool)
    finder = detector(sample.gsd_m)
    index, pictured = finder.index(rgb, valid)
    histogram = IndexHistogram()
    histogram.add(index, pictured, (slice(None), slice(None)), finder.radii.edge_px)
    dark, pictured = finder.dark(rgb, valid, histogram.threshold().steps)
    return clean(dark, pictured, math.ceil(LEAST_SHADOW_M2 / sample.gsd_m**2), (False,) * 4)[0]


def evaluate(
    predict: Callable[[np.ndarray], Prediction], data: PublishedData, parts: tuple[str, ...], most: int | None = None
) -> dict[str, dict]:
    """Figures over the test crops.

    Args:
        predict: RGB uint8 [H, W, 3] to a prediction.
        most: stop after so many crops (smoke runs).
    """
    figures = TestFigures(data, parts)
    for crop in data.test.crops[:most]:
        sample = data.test.read(crop)
        figures.add(crop, sample, predict(sample.rgb))
    return figures.result()


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _number(value):
    """A JSON value: NaN becomes None."""
    return None if isinstance(value, float) and not math.isfinite(value) else value

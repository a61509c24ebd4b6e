"""The raster outputs of the reconstruct job: what each holds, and how results become stored values."""

from __future__ import annotations

import json

import numpy as np
from rasterio.enums import Resampling

from ..metrics.calibration import calibrated
from ..metrics.uncertainty import INTERVALS_TAG, intervals_text
from ..models.package import ALEATORIC, CLASSES, EPISTEMIC, EVIDENCE, HEIGHT, ModelPackage
from ..raster.writer import RasterSpec

NODATA_M = -9999.0
NODATA_CLASS = 0
NODATA_PROBABILITY = 255
PROBABILITY_STEPS = 250  # stored 0..250 for 0..1, with the scale in the file
METRE_STEPS = np.float32(1024.0)  # heights are rounded to 1/1024 m: false digits cost disk and compress badly
_HALF_DIGIT, _DIGITS = np.uint32(0x4000), np.uint32(0xFFFF8000)  # float32 but its last 15 binary digits
SIGMA_BANDS = ("predictive_std_m", "aleatoric_std_m", "epistemic_std_m", "evidence_index")
ROLES = {
    "height": (HEIGHT,),
    "sigma": (ALEATORIC, EPISTEMIC, EVIDENCE),
    "land_cover": (CLASSES,),
    "probabilities": (CLASSES,),
}


def layer_specs(layers: list, package: ModelPackage, tags: dict) -> dict[str, RasterSpec]:
    """Return layer name -> specification for the layers asked for."""
    classes = [[item.id, item.name, item.colour] for item in package.classes]
    class_tag = {"SEMANTIC3D_CLASSES": json.dumps(classes, ensure_ascii=True)}
    probability_tag = {
        "SEMANTIC3D_SCALING": f"probability = stored value / {PROBABILITY_STEPS}; {NODATA_PROBABILITY} is NoData"
    }
    interval_tag = {INTERVALS_TAG: intervals_text(package.intervals)} if package.intervals else {}
    specs = {
        "height": RasterSpec(
            "float32", NODATA_M, ("height above ground",), ("m",), tags={**tags, "SEMANTIC3D_LAYER": "height"}
        ),
        "sigma": RasterSpec(
            "float32", NODATA_M, SIGMA_BANDS, ("m", "m", "m", ""),
            tags={**tags, **interval_tag, "SEMANTIC3D_LAYER": "sigma"},
        ),
        "land_cover": RasterSpec(
            "uint8", NODATA_CLASS, ("land cover",), ("",), colours=_colour_table(package), overviews=Resampling.mode,
            tags={**tags, **class_tag, "SEMANTIC3D_LAYER": "land_cover"},
        ),
        "probabilities": RasterSpec(
            "uint8", NODATA_PROBABILITY, tuple(item.name for item in package.classes),
            ("",) * len(package.classes), scale=1.0 / PROBABILITY_STEPS,
            tags={**tags, **class_tag, **probability_tag, "SEMANTIC3D_LAYER": "probabilities"},
        ),
    }
    return {name: specs[name] for name in layers}


def encode(layer: str, values: dict, valid: np.ndarray | None, package: ModelPackage) -> np.ndarray:
    """Turn blended results into what the layer stores.

    Args:
        values: role -> float32 [C, H, W]; variances in m2, not yet calibrated.
        valid: bool [H, W]; None where every pixel is valid.

    Returns:
        [bands, H, W] in the layer's type.
    """
    if layer == "height":
        stored, nodata = _rounded(values[HEIGHT]), NODATA_M
    elif layer == "sigma":
        stored, nodata = _sigma(values, package.predictive_std_scale, package.predictive_std_power), NODATA_M
    elif layer == "land_cover":
        stored, nodata = _most_probable(values[CLASSES], package), NODATA_CLASS
    else:
        share = np.clip(values[CLASSES], 0.0, 1.0)
        stored, nodata = np.rint(share * np.float32(PROBABILITY_STEPS)).astype(np.uint8), NODATA_PROBABILITY
    if valid is not None:
        stored[:, ~valid] = nodata
    return stored


def _sigma(values: dict, scale: float, power: float) -> np.ndarray:
    """Calibrated standard deviations in metres, and the evidence index as it is.

    The parts keep their share of the whole.
    """
    aleatoric, epistemic = np.maximum(values[ALEATORIC][0], 0.0), np.maximum(values[EPISTEMIC][0], 0.0)
    stored = np.empty((len(SIGMA_BANDS), *aleatoric.shape), np.float32)
    np.sqrt(aleatoric + epistemic, out=stored[0])
    np.sqrt(aleatoric, out=stored[1])
    np.sqrt(epistemic, out=stored[2])
    if power == 1.0:
        stored[:3] *= np.float32(scale)
    else:
        whole = np.maximum(stored[0], np.float32(1e-6))
        stored[:3] *= calibrated(stored[0], scale, power).astype(np.float32) / whole
    stored[3] = values[EVIDENCE][0]
    return _significant(stored)


def _significant(values: np.ndarray) -> np.ndarray:
    """Round float32 values in place to 9 binary digits, 0.2 %: no sigma is known better, and more compress badly."""
    bits = values.view(np.uint32)
    np.add(bits, _HALF_DIGIT, out=bits, where=np.isfinite(values))
    bits &= _DIGITS
    return values


def _rounded(metres: np.ndarray) -> np.ndarray:
    stored = metres * METRE_STEPS
    np.rint(stored, out=stored)
    stored *= np.float32(1.0) / METRE_STEPS
    stored += np.float32(0.0)  # no negative zero
    return stored


def _most_probable(probabilities: np.ndarray, package: ModelPackage) -> np.ndarray:
    """Return class ids [1, H, W], uint8; of equal probabilities the earlier class wins."""
    best = probabilities[0].copy()
    ids = np.full(best.shape, package.classes[0].id, np.uint8)
    for channel, item in zip(probabilities[1:], package.classes[1:]):
        better = channel > best
        np.copyto(best, channel, where=better)
        ids[better] = item.id
    return ids[None]


def _colour_table(package: ModelPackage) -> dict:
    colours = {NODATA_CLASS: (0, 0, 0, 0)}
    for item in package.classes:
        colours[item.id] = tuple(int(item.colour[i : i + 2], 16) for i in (1, 3, 5)) + (255,)
    return colours

#!/usr/bin/env python3
"""Turn a training run into the bundled model package: merge, calibrate, export, check, write.

    python scripts/build_model.py --data ../shared/data --base runs/base/base.safetensors \\
        --run runs/small --out semantic3d_plugin/models/s3d_small
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"))

import numpy as np  # noqa: E402
from semantic3d.datasets.labelled import Sample  # noqa: E402
from semantic3d.metrics.calibration import Calibration, calibrate  # noqa: E402
from semantic3d.metrics.figures import BUILDING  # noqa: E402
from semantic3d.models.adapted import PhysicalOutputs  # noqa: E402
from semantic3d.training.bases import SHAPE_FIELDS  # noqa: E402
from semantic3d.training.loop import checkpoint_state, load_state, trained_state  # noqa: E402
from semantic3d.training.packaging import NORMALISATION, STANDARD_CLASSES, package_model, stored_model  # noqa: E402
from semantic3d.training.scoring import score  # noqa: E402
from semantic3d.training.small import GSD_M, SMALL_ADAPTATION, TILE_PX, small_model, validation_sets  # noqa: E402
from semantic3d.training.validation import validate  # noqa: E402

TRAINING_DATA = [
    {
        "name": "Autzen orthophoto and LiDAR, Eugene, Oregon (training columns)",
        "licence": "CC-BY-4.0",
        "attribution": "Watershed Sciences 2010, via PDAL/data",
    },
    {"name": "French farmland, coloured LiDAR", "licence": "Licence Ouverte / Etalab 2.0", "attribution": "IGN"},
    {
        "name": "Llanchama and Centro Fuerte, drone point clouds, Amazon",
        "licence": "CC0-1.0",
        "attribution": "trees and ground only",
    },
    {
        "name": "NAIP crops, California 2016-2020 (pretraining, self-training)",
        "licence": "public domain",
        "attribution": "USDA NAIP",
    },
    {
        "name": "scenes rendered by this project's procedural generator",
        "licence": "GPL-2.0-or-later",
        "attribution": "Semantic 3D",
    },
]


def trained_model(
    base: Path, runs: list[Path], kind: str, average: bool, base_share: int
) -> tuple[PhysicalOutputs, int]:
    """The runs' weights in a merged model, rounded to what will be stored."""
    model = small_model(base, SMALL_ADAPTATION)
    found = [checkpoint_state(run, kind) for run in runs]
    states = [state for state, _ in found]
    if average:
        states += [trained_state(model)] * base_share
        states = [{name: sum(state[name] for state in states) / len(states) for name in states[0]}]
    for state in states:
        load_state(model, state)
    return stored_model(model), sum(steps for _, steps in found)


def calibration_of(model: PhysicalOutputs, sets: list[list[Sample]]) -> Calibration:
    """Recalibrate on the validation split; every set counts alike, whatever its size."""
    errors, stds = [], []
    for samples in sets:
        residuals: list[tuple[np.ndarray, np.ndarray]] = []
        score(model, samples, TILE_PX, SMALL_ADAPTATION.class_count, BUILDING, residuals=residuals)
        errors.append(np.concatenate([error_m for error_m, _ in residuals]))
        stds.append(np.concatenate([std_m for _, std_m in residuals]))
    return calibrate(errors, stds)


def validation_figures(model: PhysicalOutputs, sets: list[list[Sample]]) -> dict:
    """Figures of each validation image at the model's GSD, rounded; None where a class is absent."""
    found = {}
    for row in validate(model, [sample for samples in sets for sample in samples]):
        values = asdict(row)
        name = values.pop("name")
        found[name] = {key: None if np.isnan(value) else round(value, 3) for key, value in values.items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True, help="what the run started from")
    parser.add_argument(
        "--run", type=Path, nargs="*", default=[], help="later runs' weights replace earlier ones'; none: the base's own"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", choices=("now", "ema"), default="now", help="last or averaged weights")
    parser.add_argument("--average", action="store_true", help="take the mean of the runs' weights instead")
    parser.add_argument("--base-share", type=int, default=0, help="how often the base's own weights count in that mean")
    parser.add_argument("--version", default="1.0.0")
    parser.add_argument("--card", type=Path, default=Path(__file__).parent / "model_card.md")
    args = parser.parse_args()
    if args.base_share and not (args.average and args.run):
        parser.error("--base-share counts in the mean of --average over runs (--run)")

    model, steps = trained_model(args.base, args.run, args.weights, args.average, args.base_share)
    sets = validation_sets(args.data)
    calibration = calibration_of(model, sets)
    print(calibration)
    manifest = {
        "name": "s3d_small",
        "version": args.version,
        "title": "Semantic 3D small",
        "licence": "GPL-2.0-or-later",
        "description": "Small latent diffusion model adapted to heights and land cover from RGB at about 0.5 m.",
        "bands": ["red", "green", "blue"],
        "normalisation": NORMALISATION,
        "gsd_m": GSD_M,
        "gsd_range_m": [0.2, 1.2],
        "tile_size_px": TILE_PX,
        "height_scale_m": SMALL_ADAPTATION.height_scale_m,
        "timestep": SMALL_ADAPTATION.timestep,
        "condition": {"kind": "stored", "tokens": 4, "note": "zero embedding, as in pretraining"},
        "classes": STANDARD_CLASSES,
        "calibration": {
            "predictive_std_scale": round(calibration.scale, 4),
            "predictive_std_power": calibration.power,
            "intervals": [list(pair) for pair in calibration.intervals],
            "method": "1 sigma covers 68.27 % of validation pixels, each set counted alike; intervals give the half "
            "width of other central intervals in sigma",
        },
        "training_data": TRAINING_DATA,
        "validation": {"images": validation_figures(model, sets)},
        "architecture": {"config": "s3d_small", **{name: getattr(SMALL_ADAPTATION, name) for name in SHAPE_FIELDS}},
    }
    package = package_model(str(args.out), model, TILE_PX, manifest, args.card.read_text(encoding="utf-8"))
    print(f"largest difference of ONNX heights from torch: {package.validation['onnx_parity_m']} m")
    size_mb = sum(entry["bytes"] for entry in package.files.values()) / 1e6
    print(f"{args.out}: {size_mb:.1f} MB, {steps} steps")


if __name__ == "__main__":
    main()

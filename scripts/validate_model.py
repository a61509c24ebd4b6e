#!/usr/bin/env python3
"""Validate a model package on the validation split, beside predictors that need no network.

    python scripts/validate_model.py --data ../shared/data [--model FOLDER] [--rendered FOLDER]
        [--out docs/validation.md]

The package runs through the real reconstruct job, on each image's own grid. The trivial
predictors are fitted on the training split: zero, the mean height, and the best constant per
land-cover class with the class predicted from colour alone (a histogram of training colours).
With --rendered, scenes that `procedural_corpus` wrote there and training never saw are told of, too.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"))

import numpy as np  # noqa: E402
import rasterio  # noqa: E402

from semantic3d import reconstruct  # noqa: E402
from semantic3d.datasets.labelled import (  # noqa: E402
    TRAINING_SETS,
    VALIDATION_SETS,
    LabelledSet,
    Sample,
    read_rendered,
    read_set,
)
from semantic3d.metrics.calibration import calibrate, calibrated  # noqa: E402
from semantic3d.metrics.figures import GROUND_UNSEPARATED, figures  # noqa: E402
from semantic3d.metrics.uncertainty import INTERVALS, UncertaintyErrors, UncertaintyFigures  # noqa: E402
from semantic3d.models.package import load_package  # noqa: E402
from semantic3d.training.small import GSD_M  # noqa: E402

BESIDE = (  # validation sets of the same data that no mean counts, and why
    (LabelledSet("autzen_030", (0, 750)), "the ground of autzen/autzen once more, in pixels of 0.3 m"),
    (LabelledSet("neon_plots", pattern="*MLBS*"),
     "plots of a closed forest in the Appalachians, each 20 m wide: a twelfth of a tile, the rest of which is mirrored"),
)
COLOUR_BITS = 4
CLASS_COUNT = 7
TALL_M = 15.0


def colour_index(rgb: np.ndarray) -> np.ndarray:
    """Bin of each pixel's colour, 16 levels a band: [H, W, 3] uint8 to [H, W]."""
    bins = (rgb >> (8 - COLOUR_BITS)).astype(np.int64)
    return (bins[..., 0] << (2 * COLOUR_BITS)) | (bins[..., 1] << COLOUR_BITS) | bins[..., 2]


class ColourClassifier:
    """Most likely class of a colour, and each class's best constant heights, from training pixels."""

    def __init__(self, samples: list[Sample]) -> None:
        counts = np.ones((CLASS_COUNT + 1, 1 << (3 * COLOUR_BITS)))  # one for each, so that no bin is empty
        heights: list[list[np.ndarray]] = [[] for _ in range(CLASS_COUNT + 1)]
        for sample in samples:
            index = colour_index(sample.rgb)
            codes = np.where(sample.land_cover == GROUND_UNSEPARATED, 2, sample.land_cover)
            for code in range(1, CLASS_COUNT + 1):
                counts[code] += np.bincount(index[codes == code], minlength=counts.shape[1])
        self.code_of_colour = counts[1:].argmax(axis=0) + 1
        for sample in samples:
            found, known = self.predict(sample.rgb), np.isfinite(sample.ndsm_m)
            for code in range(1, CLASS_COUNT + 1):
                heights[code].append(sample.ndsm_m[known & (found == code)])
        joined = [np.concatenate(parts) if parts else np.zeros(1) for parts in heights]
        self.mean_m = np.array([part.mean() if part.size else 0.0 for part in joined])
        self.median_m = np.array([np.median(part) if part.size else 0.0 for part in joined])

    def predict(self, rgb: np.ndarray) -> np.ndarray:
        return self.code_of_colour[colour_index(rgb)]


def run_package(image: Path, columns: slice, model: str, folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Height (NaN: NoData), sigma and classes of some columns of an image, by the real job."""
    with rasterio.open(image) as source:
        first, last, _ = columns.indices(source.width)
        window = rasterio.windows.Window(first, 0, last - first, source.height)
        extent = tuple(source.window_bounds(window))
    paths = {name: str(folder / f"{name}.tif") for name in ("height_path", "sigma_path", "land_cover_path")}
    reconstruct(str(image), model_path=model, extent=extent, **paths)
    layers = []
    for name in paths:
        with rasterio.open(paths[name]) as source:
            layers.append(source.read(1, masked=True))
    height, sigma, cover = layers
    return height.filled(np.nan), sigma.filled(np.nan), cover.filled(0)


def truth(root: Path, chosen, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image, heights and classes of a file at its own grid."""
    with rasterio.open(root / chosen.name / "rgb" / name) as source:
        gsd_m = source.res[0]
    sample = next(s for s in read_set(root, chosen, gsd_m) if s.name.endswith("/" + name))
    return sample.rgb, sample.ndsm_m, sample.land_cover


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="")
    parser.add_argument("--rendered", type=Path, help="folder of rendered scenes that training never saw")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()

    root = args.data / "labelled"
    training = [sample for chosen in TRAINING_SETS for sample in read_set(root, chosen, GSD_M)]
    colour = ColourClassifier(training)
    known = np.concatenate([sample.ndsm_m[np.isfinite(sample.ndsm_m)] for sample in training])
    mean_m = float(known.mean())

    package = load_package(args.model)
    rows, sureness, pooled, by_set = [], [], UncertaintyErrors(package.intervals), {}
    for chosen in VALIDATION_SETS:
        for image in sorted((root / chosen.name / "rgb").glob(chosen.pattern)):
            rgb, ndsm_m, cover = truth(root, chosen, image.name)
            with tempfile.TemporaryDirectory() as folder:
                height, sigma, codes = run_package(image, slice(*chosen.columns), args.model, Path(folder))
            name = f"{chosen.name}/{image.stem}"
            by_colour = colour.predict(rgb)
            rows.append({
                "model": figures(name, ndsm_m, cover, height, codes),
                "zero": figures(name, ndsm_m, cover, np.zeros_like(ndsm_m), by_colour),
                "training mean": figures(name, ndsm_m, cover, np.full_like(ndsm_m, mean_m), by_colour),
                "colour class, median": figures(name, ndsm_m, cover, colour.median_m[by_colour], by_colour),
                "colour class, mean": figures(name, ndsm_m, cover, colour.mean_m[by_colour], by_colour),
            })
            valid = np.isfinite(ndsm_m) & np.isfinite(height)
            uncertainty = UncertaintyErrors(package.intervals)
            for errors in (uncertainty, pooled):
                errors.add((height - ndsm_m)[valid], sigma[valid])
            found = np.abs(height - ndsm_m)[valid].astype(np.float64), sigma[valid].astype(np.float64)
            by_set.setdefault(chosen.name, []).append(found)
            sureness.append((name, uncertainty.result()))
            print(name, rows[-1]["model"], flush=True)
    command = "python scripts/validate_model.py --data DATA" + " --rendered RENDERED" * bool(args.rendered)
    text = table(command, rows, sureness, pooled.result(), package, left_out_coverage(by_set))
    text += beside_table(root, args.model)
    if args.rendered:
        text += rendered_table(args.rendered, args.model)
    print(text)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text, encoding="utf-8")


def left_out_coverage(by_set: dict[str, list[tuple[np.ndarray, np.ndarray]]]) -> np.ndarray:
    """Mean over images of what the 50, 68.27 and 95 % intervals cover, calibrated without the image's own set.

    Args:
        by_set: set -> (absolute errors [N], sigma [N]) of each of its images.
    """
    joined = {name: [np.concatenate(parts) for parts in zip(*images)] for name, images in by_set.items()}
    rows = []
    for name, images in by_set.items():
        others = [pair for other, pair in joined.items() if other != name]
        found = calibrate([error for error, _ in others], [sigma for _, sigma in others])
        widths = dict(found.intervals)
        for error, sigma in images:
            again = calibrated(sigma, found.scale, found.power)
            rows.append([(error <= widths[level] * again).mean() for level in INTERVALS])
    return np.mean(rows, axis=0)


def beside_table(root: Path, model: str) -> str:
    """Markdown: the model and zero on the sets of `BESIDE`."""
    lines = [
        "## Sets beside", "",
        "The data hold two more validation sets. No mean above counts them: "
        + "; ".join(f"{chosen.name} is {why}" for chosen, why in BESIDE) + ". MAE and RMSE over all their pixels.", "",
        "| set | images | predictor | MAE | RMSE |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for chosen, _ in BESIDE:
        errors, count = {"model": [], "zero": []}, 0
        for image in sorted((root / chosen.name / "rgb").glob(chosen.pattern)):
            _, ndsm_m, _ = truth(root, chosen, image.name)
            with tempfile.TemporaryDirectory() as folder:
                height, _, _ = run_package(image, slice(*chosen.columns), model, Path(folder))
            valid = np.isfinite(ndsm_m) & np.isfinite(height)
            errors["model"].append((height - ndsm_m)[valid].astype(np.float64))
            errors["zero"].append(ndsm_m[valid].astype(np.float64))
            count += 1
        for predictor, parts in errors.items():
            error = np.concatenate(parts)
            mae_m, rmse_m = np.abs(error).mean(), np.sqrt(np.square(error).mean())
            lines.append(f"| {chosen.name} | {count} | {predictor} | {mae_m:.2f} | {rmse_m:.2f} |")
    return "\n".join([*lines, ""])


def table(
    command: str, rows: list[dict], sureness: list[tuple[str, UncertaintyFigures]], pooled: UncertaintyFigures,
    package, left_out: np.ndarray,
) -> str:
    """Markdown: one line per image and predictor, then the means over images."""
    predictors = list(rows[0])
    lines = [
        f"# Validation of {package.name} {package.version}",
        "",
        f"{date.today().isoformat()}, `{command}`, "
        f"{platform.machine()} CPU. Heights in metres; land cover of the constants is the class predicted from "
        "colour. Images are of the validation split alone; the constants are fitted on the training split. Which of "
        "several training runs became the model was chosen by these images, too: expect a little less elsewhere.",
        "",
        "| image | predictor | MAE | RMSE | accuracy | building IoU | tree IoU |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        for predictor in predictors:
            f = row[predictor]
            lines.append(f"| {f.name} | {predictor} | {numbers(f)} |")
    for predictor in predictors:
        keys = ("mae_m", "rmse_m", "accuracy", "building_iou", "tree_iou")
        means = [float(np.nanmean([getattr(row[predictor], key) for row in rows])) for key in keys]
        lines.append(f"| **mean of images** | **{predictor}** | " + " | ".join(f"**{v:.2f}**" for v in means) + " |")
    total = sum(row["model"].pixels for row in rows)
    for predictor in predictors:
        mae = sum(row[predictor].mae_m * row[predictor].pixels for row in rows) / total
        rmse = np.sqrt(sum(row[predictor].rmse_m ** 2 * row[predictor].pixels for row in rows) / total)
        lines.append(f"| **all pixels** | **{predictor}** | **{mae:.2f}** | **{rmse:.2f}** | | | |")
    return "\n".join([*lines, *sureness_table(sureness, pooled, package, left_out)])


def sureness_table(
    sureness: list[tuple[str, UncertaintyFigures]], pooled: UncertaintyFigures, package, left_out: np.ndarray
) -> list[str]:
    """Markdown: how well sigma and the intervals tell the errors, per image, on average and over all pixels."""
    lines = [
        "", "## Uncertainty", "",
        "The intervals are those that the package states (half widths in sigma: "
        + ", ".join(f"{100 * level:g} % {factor:.2f}" for level, factor in package.intervals if level in INTERVALS)
        + f"). They and sigma (factor {package.predictive_std_scale:g}, power {package.predictive_std_power:g}) were "
        "calibrated on these images at the model's GSD, each set counted alike, so their mean is met by construction; "
        "how far single images stray, and the last line, for which each set was left out of the calibration, show what "
        "to expect elsewhere.", "",
        "| image | UECC | AUSE, m | in 50 % | in 68 % | in 95 % |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    by_image = [(name, sureness_numbers(f)) for name, f in sureness]
    mean = np.mean([row for _, row in by_image], axis=0)
    for name, row in [*by_image, ("**mean of images**", mean), ("**all pixels**", sureness_numbers(pooled))]:
        cells = [f"{number:.2f}" for number in row[:2]] + [f"{share:.1%}" for share in row[2:]]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines.append("| **mean, own set left out** | - | - | " + " | ".join(f"{share:.1%}" for share in left_out) + " |")
    return [*lines, ""]


def rendered_table(folder: Path, model: str) -> str:
    """Markdown: the model and zero on rendered scenes, over all their pixels, by the real job."""
    truths, heights, classes = [], [], []
    for scene in read_rendered(folder):
        truths.append((scene.ndsm_m, scene.land_cover))
        with tempfile.TemporaryDirectory() as place:
            image = Path(place) / "image.tif"
            size = dict(height=scene.rgb.shape[0], width=scene.rgb.shape[1], count=3, dtype="uint8")
            at = rasterio.transform.from_origin(5e5, 5e6, scene.gsd_m, scene.gsd_m)
            with rasterio.open(image, "w", driver="GTiff", **size, crs="EPSG:32632", transform=at) as target:
                target.write(scene.rgb.transpose(2, 0, 1))
            height, _, codes = run_package(image, slice(None), model, Path(place))
        heights.append(height)
        classes.append(codes)
    ndsm_m, cover = (np.concatenate(parts) for parts in zip(*truths))
    height, codes = np.concatenate(heights), np.concatenate(classes)
    tall = np.isfinite(ndsm_m) & (ndsm_m > TALL_M)
    lines = [
        "## Rendered scenes", "",
        f"{len(truths)} scenes that training never saw, over all their pixels. They "
        "come from the generator that training's scenes come from: how a model fares with kinds of places it has seen "
        f"few of, not how it fares on photographs. Bias: of heights above {TALL_M:g} m.", "",
        "| predictor | MAE | RMSE | accuracy | building IoU | tree IoU | bias, m |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, values in (("model", height), ("zero", np.zeros_like(height))):
        bias_m = float((values - ndsm_m)[tall].mean())
        cells = numbers(figures(name, ndsm_m, cover, values, codes)).split(" | ")
        shown = cells if name == "model" else [*cells[:2], "-", "-", "-"]
        lines.append(f"| {name} | " + " | ".join(shown) + f" | {bias_m:+.1f} |")
    return "\n".join(["", *lines, ""])


def sureness_numbers(f: UncertaintyFigures) -> tuple:
    """The figures of one line of the table of uncertainty."""
    return f.uecc, f.ause_m, *(f.covered(level) for level in INTERVALS)


def numbers(f) -> str:
    """The figures of one line of the table."""
    values = (f.mae_m, f.rmse_m, f.accuracy, f.building_iou, f.tree_iou)
    return " | ".join("-" if np.isnan(v) else f"{v:.2f}" for v in values)


if __name__ == "__main__":
    main()

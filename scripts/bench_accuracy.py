#!/usr/bin/env python3
"""Train the method, its variants and other networks on the same samples, and compare them on the validation split.

    python scripts/bench_accuracy.py --data ../shared/data --base runs/base/base.safetensors \\
        --rendered runs/rendered --runs runs/bench_accuracy --steps 2000 --seeds 1 2 3 --out docs/benchmark_accuracy.md

Same patches in the same order, same augmentation, same losses, same optimiser, same number of steps for all;
nobody starts from the bundled model. A run that is interrupted goes on; finished ones are not repeated.
With --wide-steps all go on as the bundled model did: on patches as large as a tile, with --pseudo on labels of a
model, too. `--models "bundled model"` evaluates that one as it ships.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from semantic3d.datasets.labelled import Sample  # noqa: E402
from semantic3d.metrics.figures import figures  # noqa: E402
from semantic3d.models.adapted import AdaptedConfig, AdaptedDiffusion  # noqa: E402
from semantic3d.models.baselines import BASELINES  # noqa: E402
from semantic3d.models.decoder import DecoderOutput  # noqa: E402
from semantic3d.models.evidential import evidence_from_raw, height_estimate  # noqa: E402
from semantic3d.models.latent import SMALL, LatentDiffusion  # noqa: E402
from semantic3d.models.latent_map import LatentMapDiffusion  # noqa: E402
from semantic3d.models.package import load_package  # noqa: E402
from semantic3d.training.adapt import joint_loss  # noqa: E402
from semantic3d.training.loop import LoopConfig, checkpoint_state, load_state, run_loop  # noqa: E402
from semantic3d.training.norms import refresh_norms  # noqa: E402
from semantic3d.training.patches import PatchBatch, PatchConfig, PatchSource  # noqa: E402
from semantic3d.training.pretrain import load_weights  # noqa: E402
from semantic3d.training.small import (  # noqa: E402
    SMALL_ADAPTATION,
    SMALL_LOSSES,
    TILE_PX,
    small_model,
    training_patches,
    validation_sets,
)
from semantic3d.training.validation import network_input  # noqa: E402

NORM_BATCHES = 40
WIDE_BATCH = 2  # of patches as large as a tile
METHOD = {
    "adapted, UNet in full": {},
    "adapted by LoRA": {"unet_training": "lora"},
    "adapted, UNet frozen": {"unet_training": "frozen"},
    "adapted, no shortcuts": {"shortcuts": False},
    "adapted, no pyramid": {"pyramid": False},
}
NOT_PRETRAINED = "adapted, no pretraining"
LATENT_MAP = "S1 (map through the VAE)"
BUNDLED = "bundled model"  # as it ships, not trained here
TRAINED = (*METHOD, NOT_PRETRAINED, LATENT_MAP, *BASELINES)


def make_model(name: str, base_path: Path) -> nn.Module:
    """A model by its name in the table, ready to train where it is one of `TRAINED`."""
    if name in BASELINES:
        return BASELINES[name]()
    if name == BUNDLED:
        package = load_package("")
        return small_model(Path(package.path) / package.onnx_name, SMALL_ADAPTATION)
    base = LatentDiffusion.from_config(SMALL)
    if name != NOT_PRETRAINED:
        base = load_weights(base, base_path)
    if name == LATENT_MAP:
        return LatentMapDiffusion(base, lora_rank=SMALL_ADAPTATION.lora_rank)
    return AdaptedDiffusion(base, AdaptedConfig(**{**SMALL_ADAPTATION.to_dict(), **METHOD.get(name, {})}))


def loss_function(model: nn.Module, compiled: bool) -> Callable[[PatchBatch], Tensor]:
    """The loss of one batch: everybody's joint loss, and S1's own."""
    forward = torch.compile(model, dynamic=False) if compiled else model  # one size of patch in each stage

    def of_batch(batch: PatchBatch) -> Tensor:
        image = batch.image.contiguous(memory_format=torch.channels_last)
        if isinstance(model, LatentMapDiffusion):
            return model.loss(image, batch.ndsm_m)
        output = DecoderOutput(*(maps.float() for maps in forward(image)))
        return joint_loss(output, batch, SMALL_ADAPTATION, SMALL_LOSSES)

    return of_batch


@torch.no_grad()
def predict(model: nn.Module, tile: Tensor) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Heights [T, T] m, predictive standard deviations and class ids of a tile [1, 3, T, T]; None: not given."""
    if isinstance(model, LatentMapDiffusion):
        return model(tile)[0, 0].numpy(), None, None
    output = model(tile)
    evidence = evidence_from_raw(output.gamma, output.raw_evidence, SMALL_ADAPTATION.alpha_min)
    estimate = height_estimate(evidence, SMALL_ADAPTATION.height_scale_m)
    std_m = (estimate.aleatoric_var_m2 + estimate.epistemic_var_m2).sqrt()
    return estimate.height_m[0, 0].numpy(), std_m[0, 0].numpy(), output.class_logits[0].argmax(0).numpy() + 1


def predict_image(model: nn.Module, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whole-image maps in tiles side by side; NaN and 0 where a model does not answer."""
    height, width = rgb.shape[:2]
    image = network_input(rgb, height + -height % TILE_PX, width + -width % TILE_PX)
    maps = np.full((3, *image.shape[1:]), np.nan, np.float32)
    for top in range(0, image.shape[1], TILE_PX):
        for left in range(0, image.shape[2], TILE_PX):
            place = slice(top, top + TILE_PX), slice(left, left + TILE_PX)
            found = predict(model, image[None, :, place[0], place[1]])
            for layer, values in zip(maps, found):
                if values is not None:
                    layer[place] = values
    height_m, std_m, classes = maps[:, :height, :width]
    return height_m, std_m, np.nan_to_num(classes).astype(np.uint8)


def evaluate(model: nn.Module, samples: list[Sample]) -> dict:
    """Mean over the validation images of every figure, and the MAE over all their pixels."""
    model.eval()
    rows, errors = [], []
    for sample in samples:
        height_m, std_m, classes = predict_image(model, sample.rgb)
        found = figures(sample.name, sample.ndsm_m, sample.land_cover, height_m, classes)
        known = np.isfinite(sample.ndsm_m)
        error_m = np.abs(height_m - sample.ndsm_m)[known]
        errors.append(error_m)
        answers = np.isfinite(std_m).any() and (classes > 0).any()
        rows.append(
            {
                "mae_m": found.mae_m,
                "rmse_m": found.rmse_m,
                "accuracy": found.accuracy if answers else np.nan,
                "building_iou": found.building_iou if answers else np.nan,
                "tree_iou": found.tree_iou if answers else np.nan,
                "uecc": np.corrcoef(error_m, std_m[known])[0, 1] if answers else np.nan,
            }
        )
    means = {}
    for key in rows[0]:
        values = [row[key] for row in rows if np.isfinite(row[key])]
        means[key] = float(np.mean(values)) if values else None
    return {**means, "mae_pixels_m": float(np.concatenate(errors).mean())}


def train(model: nn.Module, seed: int, source: PatchSource, batch: int, loop: LoopConfig, folder: Path) -> None:
    """Train a model as it stands, or read what an earlier call trained; its last weights are in it afterwards."""
    of_batch = loss_function(model, loop.compiled)
    run_loop(model, lambda step: of_batch(source.batch(batch, seed * 10**7 + step)), loop, folder)
    load_state(model, checkpoint_state(folder, "now")[0])
    # Over the same batches whether the run was broken off or not, and whatever version wrote its checkpoint.
    refresh_norms(model, (source.batch(batch, 10**6 + step).image for step in range(NORM_BATCHES)))


def run_one(name: str, seed: int, sources: list[PatchSource], samples: list[Sample], options) -> dict:
    """Train and evaluate one model with one seed, or read what an earlier call found."""
    if name == BUNDLED:
        return evaluate(make_model(name, options.base), samples)
    stem = f"{name.replace(', ', '_').replace(' ', '_')}_{options.steps}"
    wide = f"_wide{options.wide_steps}" if options.wide_steps else ""
    result = options.runs / f"{stem}{wide}_{seed}" / "figures.json"
    if result.exists():
        return json.loads(result.read_text())
    torch.manual_seed(seed)
    model = make_model(name, options.base).to(memory_format=torch.channels_last).train()
    loop = LoopConfig(
        steps=options.steps, learning_rate=options.learning_rate, log_every=100, optimiser="muon",
        compiled=options.compile,
    )
    train(model, seed, sources[0], options.batch, loop, options.runs / f"{stem}_{seed}")
    if options.wide_steps:
        loop = replace(loop, steps=options.wide_steps, learning_rate=options.learning_rate / 2)
        train(model.train(), seed, sources[1], WIDE_BATCH, loop, result.parent)
    found = {**evaluate(model, samples), "parameters": sum(p.numel() for p in model.parameters())}
    result.write_text(json.dumps(found, indent=1))
    return found


def table(results: dict[str, list[dict]], options) -> str:
    """The comparison as markdown: means over seeds, their spread where there are several."""
    def cell(values: list) -> str:
        values = [value for value in values if value is not None]
        if not values:
            return "-"
        spread = f" ± {np.std(values):.2f}" if len(values) > 1 else ""
        return f"{np.mean(values):.2f}{spread}"

    wide = f" --wide-steps {options.wide_steps} --pseudo PSEUDO" if options.wide_steps else ""
    keys = ("mae_m", "rmse_m", "mae_pixels_m", "accuracy", "building_iou", "tree_iou", "uecc")
    lines = [
        "# Accuracy beside other networks",
        "",
        f"{datetime.date.today()}, `python scripts/bench_accuracy.py --steps {options.steps} --batch {options.batch} "
        f"--seeds {' '.join(map(str, options.seeds))}{wide}`, {platform.machine()} CPU. Means over the images of the "
        "validation split (last MAE: over all pixels), and over seeds; heights in metres. All models saw the same "
        "patches, augmentation, losses and number of steps.",
        "",
        "| model | MAE | RMSE | MAE, all pixels | accuracy | building IoU | tree IoU | UECC |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, rows in sorted(results.items(), key=lambda item: np.mean([row["mae_m"] for row in item[1]])):
        lines.append(f"| {name} | " + " | ".join(cell([row[key] for row in rows]) for key in keys) + " |")
    return "\n".join(lines) + "\n"


def training_sources(options) -> list[PatchSource]:
    """What the models learn from; with --wide-steps also the patches as large as a tile."""
    sources = [training_patches(options.data, options.rendered, PatchConfig(), seed=1)]
    if options.wide_steps:
        config = PatchConfig(patch_px=TILE_PX)
        sources.append(training_patches(options.data, options.rendered, config, seed=1, pseudo=options.pseudo))
    return sources


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True, help="pretrained base, with its VAE decoder")
    parser.add_argument("--rendered", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", nargs="+", default=list(TRAINED), choices=(*TRAINED, BUNDLED))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=1.2e-3)
    parser.add_argument("--wide-steps", type=int, default=0, help="steps on patches as large as a tile, afterwards")
    parser.add_argument("--pseudo", type=Path, help="images that pseudo_label.py labelled, for the wide steps")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--compile", action="store_true", help="fuse with torch.compile: minutes to start, then faster")
    options = parser.parse_args()

    sources = [] if options.models == [BUNDLED] else training_sources(options)
    samples = [sample for samples in validation_sets(options.data) for sample in samples]
    results: dict[str, list[dict]] = {}
    for seed in options.seeds:
        for name in options.models:
            print(f"{name}, seed {seed}", flush=True)
            results.setdefault(name, []).append(run_one(name, seed, sources, samples, options))
            options.out.write_text(table(results, options))  # grows with every finished run
    print(options.out.read_text())


if __name__ == "__main__":
    main()

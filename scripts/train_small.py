#!/usr/bin/env python3
"""Adapt the small base to heights and land cover: LoRA + decoder, resumable.

    python -m semantic3d.datasets.procedural_corpus --out runs/rendered --count 600
    python scripts/train_small.py --data ../shared/data --base runs/base/base.safetensors \\
        --rendered runs/rendered --out runs/small
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"))

import torch  # noqa: E402

from s3d_protocol import InvalidParameter  # noqa: E402
from s3d_protocol.file_hash import file_hash  # noqa: E402
from semantic3d.models.adapted import PhysicalOutputs  # noqa: E402
from semantic3d.models.latent import CONFIGS  # noqa: E402
from semantic3d.training.adapt import adapt  # noqa: E402
from semantic3d.training.loop import LoopConfig, checkpoint_state, load_state, trained_state  # noqa: E402
from semantic3d.training.patches import PatchConfig  # noqa: E402
from semantic3d.training.same_run import check_same_run, images_digest  # noqa: E402
from semantic3d.training.small import (  # noqa: E402
    PSEUDO_SHARE,
    RENDERED_SHARE,
    SMALL_ADAPTATION,
    SMALL_LOSSES,
    small_model,
    training_patches,
    validation_sets,
)
from semantic3d.training.validation import format_figures, validate  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True, help="base.safetensors, or model.onnx to train further")
    parser.add_argument("--rendered", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", default="s3d_small", choices=sorted(CONFIGS))
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--patch", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=1.2e-3)
    parser.add_argument("--optimiser", choices=("adamw", "muon"), default="muon")
    parser.add_argument("--rendered-share", type=float, default=RENDERED_SHARE)
    parser.add_argument("--pseudo", type=Path, help="images that pseudo_label.py labelled")
    parser.add_argument("--pseudo-share", type=float, default=PSEUDO_SHARE)
    parser.add_argument("--validate-every", type=int, default=500)
    parser.add_argument("--reset", help="start the parameters whose name matches this regular expression at zero")
    parser.add_argument("--only", help="train only the parameters whose name matches this regular expression")
    parser.add_argument("--init", type=Path, help="start from the averaged weights of an earlier run")
    parser.add_argument("--compile", action="store_true", help="fuse with torch.compile: minutes to start, then faster")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    source = training_patches(
        args.data, args.rendered, PatchConfig(patch_px=args.patch), args.seed, args.rendered_share, args.pseudo,
        args.pseudo_share,
    )
    validation = [sample for samples in validation_sets(args.data) for sample in samples]
    print(f"{len(source.samples)} images to learn from, {len(validation)} to validate on", flush=True)

    options = (
        "config", "batch", "patch", "learning_rate", "optimiser", "rendered_share", "pseudo_share", "reset", "only", "seed"
    )  # fmt: skip
    layers = (layer for sample in source.samples for layer in (sample.rgb, sample.ndsm_m, sample.land_cover))
    facts = {"images and labels": images_digest(layers), "base": file_hash(args.base)[:16],
             "init": str(args.init or ""), **{name: getattr(args, name) for name in options}}
    try:
        check_same_run(args.out, facts)
    except InvalidParameter as error:
        raise SystemExit(str(error)) from error

    model = small_model(args.base, SMALL_ADAPTATION).to(memory_format=torch.channels_last)
    if args.init:
        load_state(model, checkpoint_state(args.init)[0])
    if args.reset:
        for name, parameter in model.named_parameters():
            if re.search(args.reset, name):
                torch.nn.init.zeros_(parameter)
    if args.only:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(parameter.requires_grad and re.search(args.only, name) is not None)

    def report(step: int, ema) -> None:
        now = trained_state(model)
        load_state(model, ema.state)
        print(f"validation at step {step}\n{format_figures(validate(PhysicalOutputs(model), validation))}", flush=True)
        load_state(model, now)

    loop = LoopConfig(
        steps=args.steps,
        learning_rate=args.learning_rate,
        checkpoint_every=args.validate_every,
        weight_decay=0.1,
        compiled=args.compile,
        optimiser=args.optimiser,
    )
    adapt(model, lambda step: source.batch(args.batch, args.seed * 10**7 + step), loop, SMALL_LOSSES, args.out, report)


if __name__ == "__main__":
    main()

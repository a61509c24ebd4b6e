#!/usr/bin/env python3
"""Label the unlabelled images with a trained model, where it is sure, for `train_small.py --pseudo`.

    python scripts/pseudo_label.py --data ../shared/data --model semantic3d_plugin/models/s3d_small/model.onnx \\
        --out runs/pseudo
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"))

import numpy as np  # noqa: E402
import torch  # noqa: E402

from semantic3d.datasets.imagery import read_rgb  # noqa: E402
from semantic3d.datasets.procedural_corpus import write_scene  # noqa: E402
from semantic3d.training.loop import checkpoint_state, load_state  # noqa: E402
from semantic3d.training.pseudo_labels import least_confidence, opinion, pseudo_labelled  # noqa: E402
from semantic3d.training.small import GSD_M, SMALL_ADAPTATION, small_model, unlabelled_paths  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="model.onnx of a package")
    parser.add_argument("--run", type=Path, help="folder of train_small.py whose averaged weights replace the model's")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kept-share", type=float, default=0.6, help="of each class's pixels, the surest")
    parser.add_argument("--floor", type=float, default=0.5, help="least probability of a kept class")
    args = parser.parse_args()

    model = small_model(args.model, SMALL_ADAPTATION).eval().to(memory_format=torch.channels_last)
    if args.run:
        load_state(model, checkpoint_state(args.run)[0])
    images = {path.stem: read_rgb(path, GSD_M) for path in unlabelled_paths(args.data)}
    said = {}
    for name, rgb in images.items():
        said[name] = opinion(model, rgb)
        if len(said) % 100 == 0:
            print(f"{len(said)} of {len(images)} images", flush=True)
    limits = least_confidence(said.values(), model.config.class_count, args.kept_share, args.floor)
    print("least probability per class", (limits[1:] / 255).round(2).tolist(), flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    kept = []
    for name, rgb in images.items():
        sample = pseudo_labelled(name, rgb, said[name], limits, GSD_M)
        write_scene(args.out / f"{name}.npz", sample.rgb, sample.ndsm_m, sample.land_cover, GSD_M)
        kept.append((sample.land_cover > 0).mean())
    print(f"{np.mean(kept):.0%} of the pixels have a label")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Pretrain the small diffusion base on images whose labels it never sees (VAE, then noise prediction).

    export PYTHONPATH=semantic3d_plugin/backend
    python -m semantic3d.datasets.procedural_corpus --out runs/rendered --count 460 --size 512 --gsd 0.5
    python scripts/train_base.py --data ../shared/data --rendered runs/rendered --out runs/base

Resumes from runs/base when it was interrupted, and refuses a folder whose run had other data or options. The same data,
options and device give the same weights.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from safetensors import safe_open  # noqa: E402

from s3d_protocol import InvalidParameter  # noqa: E402
from semantic3d.datasets.imagery import read_rendered_rgb, read_rgb  # noqa: E402
from semantic3d.models.latent import CONFIGS, LatentDiffusion  # noqa: E402
from semantic3d.training.loop import LoopConfig  # noqa: E402
from semantic3d.training.pretrain import save_base, seeded_crops, train_denoiser, train_vae  # noqa: E402
from semantic3d.training.same_run import check_same_run, images_digest  # noqa: E402
from semantic3d.training.small import unlabelled_paths  # noqa: E402

# Labelled sets whose licence lets weights ship; only their training columns are read.
LABELLED = (("autzen", slice(470, None)), ("ign_rural", None), ("llanchama", None), ("centro_fuerte", None))


def read_images(data: Path, rendered: Path | None) -> list[np.ndarray]:
    """Every image to learn from, in an order that follows from the folders alone; crops are drawn by area."""
    naip = [read_rgb(path) for path in unlabelled_paths(data)]
    labelled = [read_rgb(path, columns=columns) for name, columns in LABELLED
                for path in sorted((data / "labelled" / name / "rgb").glob("*.tif"))]
    if not naip and not labelled:
        raise FileNotFoundError(f"no unlabelled/naip/*.tif and no labelled/*/rgb/*.tif in {data}")
    scenes = read_rendered_rgb(rendered) if rendered else []
    images = naip + labelled + scenes
    megapixels = sum(image.shape[0] * image.shape[1] for image in images) / 1e6
    kinds = f"{len(naip)} of NAIP, {len(labelled)} labelled, {len(scenes)} rendered"
    print(f"{len(images)} images ({kinds}), {megapixels:.0f} megapixels", flush=True)
    return images


def check_optimiser(folder: Path, optimiser: str) -> None:
    """Refuse to go on with another optimiser than the checkpoint's: their states do not fit each other."""
    path = folder / "state.safetensors"
    if not path.exists():
        return
    with safe_open(str(path), framework="pt") as stored:
        begun = "muon" if any(key.startswith("optimiser.momentum_buffer.") for key in stored.keys()) else "adamw"
    if begun != optimiser:
        raise SystemExit(f"{path} was made with --optimiser {begun}, not {optimiser}. Go on with {begun}, or give "
                         "another --out to begin anew.")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rendered", type=Path, help="folder of procedural_corpus: learn from its images, too")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", default="s3d_small", choices=sorted(CONFIGS))
    parser.add_argument("--vae-steps", type=int, default=1600)
    parser.add_argument("--unet-steps", type=int, default=1600)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--optimiser", choices=("adamw", "muon"), default="adamw")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: cuda where torch finds it, else cpu")
    parser.add_argument("--compile", action="store_true", help="fuse with torch.compile: minutes to start, then faster")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(arguments)
    device = args.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        parser.error("torch finds no CUDA device here. Give --device cpu, or leave it out.")
    for part in ("vae", "unet"):
        check_optimiser(args.out / part, args.optimiser)

    torch.manual_seed(args.seed)
    images = read_images(args.data, args.rendered)
    options = ("config", "vae_steps", "unet_steps", "batch", "optimiser", "seed")
    facts = {"images": images_digest(images), **{name: getattr(args, name) for name in options}}
    try:
        check_same_run(args.out, facts)
    except InvalidParameter as error:
        raise SystemExit(str(error)) from error
    base = LatentDiffusion.from_config(CONFIGS[args.config]).to(device, memory_format=torch.channels_last)
    how = {"weight_decay": 0.01, "device": device, "compiled": args.compile, "optimiser": args.optimiser}
    vae_loop = LoopConfig(steps=args.vae_steps, learning_rate=1.5e-3, **how)
    train_vae(base, seeded_crops(images, 128, args.batch, args.seed), vae_loop, args.out / "vae")
    save_base(base, args.out / "vae.safetensors", args.config)
    unet_loop = LoopConfig(steps=args.unet_steps, learning_rate=5e-4, **how)
    train_denoiser(base, seeded_crops(images, 256, args.batch, args.seed + 1), unet_loop, args.out / "unet")
    save_base(base, args.out / "base.safetensors", args.config)
    print(f"wrote {args.out / 'base.safetensors'}; latent scale {base.vae.config.scaling_factor:.3f}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Pretrain the small diffusion base on imagery without labels (VAE, then noise prediction).

    python scripts/train_base.py --data ../shared/data --out runs/base

Resumes from runs/base when it was interrupted.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"))

import torch  # noqa: E402

from semantic3d.datasets.imagery import read_rgb  # noqa: E402
from semantic3d.models.latent import CONFIGS, LatentDiffusion  # noqa: E402
from semantic3d.training.loop import LoopConfig  # noqa: E402
from semantic3d.training.pretrain import save_base, seeded_crops, train_denoiser, train_vae  # noqa: E402

# Labelled sets whose licence lets weights ship; only their training columns are read.
LABELLED = (("autzen", slice(470, None)), ("ign_rural", None), ("llanchama", None), ("centro_fuerte", None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", default="s3d_small", choices=sorted(CONFIGS))
    parser.add_argument("--vae-steps", type=int, default=1600)
    parser.add_argument("--unet-steps", type=int, default=1600)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    naip = [read_rgb(path) for path in sorted((args.data / "unlabelled" / "naip").glob("*.tif"))]
    labelled = [read_rgb(path, columns=columns) for name, columns in LABELLED
                for path in sorted((args.data / "labelled" / name / "rgb").glob("*.tif"))]
    images = naip + labelled
    print(f"{len(images)} images, {sum(i.shape[0] * i.shape[1] for i in images) / 1e6:.0f} megapixels", flush=True)

    base = LatentDiffusion.from_config(CONFIGS[args.config]).to(memory_format=torch.channels_last)
    vae_loop = LoopConfig(steps=args.vae_steps, learning_rate=1.5e-3, weight_decay=0.01)
    train_vae(base, seeded_crops(images, 128, args.batch, args.seed), vae_loop, args.out / "vae")
    save_base(base, args.out / "vae.safetensors", args.config)
    unet_loop = LoopConfig(steps=args.unet_steps, learning_rate=5e-4, weight_decay=0.01)
    train_denoiser(base, seeded_crops(images, 256, args.batch, args.seed + 1), unet_loop, args.out / "unet")
    save_base(base, args.out / "base.safetensors", args.config)
    print(f"wrote {args.out / 'base.safetensors'}; latent scale {base.vae.config.scaling_factor:.3f}")


if __name__ == "__main__":
    main()

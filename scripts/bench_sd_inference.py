#!/usr/bin/env python3
"""Heights of a tile by the full Stable Diffusion 2.0 configuration: time, against what its arithmetic alone would take.

Weights are random: sizes and times do not depend on them. The LoRA is merged, as in a package. The machine's rate is
that of a large matrix product in the same arithmetic, timed in turn with the tiles.

    python scripts/bench_sd_inference.py --out docs/benchmark_sd_inference.md
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"))

import torch  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from bench_sd_step import SD2, machine_name, peak_gib  # noqa: E402
from semantic3d.models.adapted import AdaptedConfig, AdaptedDiffusion  # noqa: E402
from semantic3d.models.latent import LatentDiffusion  # noqa: E402

PAPER_TFLOP = 1.96  # of a 512 tile
MATRIX = 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write the table as markdown")
    parser.add_argument("--side", type=int, default=512, help="pixels")
    parser.add_argument("--batches", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--arithmetic", choices=("bfloat16", "float32"))
    options = parser.parse_args()
    name = options.arithmetic or ("bfloat16" if options.device == "cuda" else "float32")
    text = study(options, getattr(torch, name), name)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


@torch.inference_mode()
def study(options, kind: torch.dtype, name: str) -> str:
    """Time tiles and matrix products in turn; returns the page."""
    load = os.getloadavg()[0]
    model = _merged(options.device).to(dtype=kind)
    matrices = torch.rand(2, MATRIX, MATRIX, device=options.device, dtype=kind)
    shapes = {n: (n, 3, options.side, options.side) for n in options.batches}
    images = {n: torch.rand(shape, device=options.device, dtype=kind) for n, shape in shapes.items()}
    with FlopCounterMode(display=False) as counted:
        model(images[options.batches[0]])
    tflop = counted.get_total_flops() / options.batches[0] / 1e12
    seconds: dict = {n: [] for n in images}
    rates = []
    for _ in range(options.rounds):
        rates.append(2e-12 * MATRIX**3 / _timed(lambda: matrices[0] @ matrices[1], options.device))
        for n, image in images.items():
            seconds[n].append(_timed(lambda batch=image: model(batch), options.device) / n)
    rate = median(rates)
    lines = [
        "# A tile by Stable Diffusion 2.0", "",
        f"The full configuration with random weights, LoRA merged, decoder of 128 channels, {name}, "
        f"{options.side} x {options.side} pixels: image to evidence and classes. {tflop:.2f} TFLOP per tile as torch "
        f"counts them (the paper: {PAPER_TFLOP}); a product of two matrices of {MATRIX} x {MATRIX} runs at "
        f"{rate:.3g} TFLOP/s here. Floor: {PAPER_TFLOP} TFLOP at that rate.", "",
        f"Measured {datetime.date.today()} on {machine_name(options.device)}, torch {torch.__version__}, load average "
        f"{load:.1f} before, {options.rounds} round(s) in turn, medians (smallest to largest):", "",
        f"    python {' '.join(sys.argv)}", "",
        "| batch | seconds per tile | floor, s | time / floor | peak memory, GiB |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for n, times in seconds.items():
        floor_s = PAPER_TFLOP / rate
        lines.append(
            f"| {n} | {median(times):.3g} ({min(times):.3g} to {max(times):.3g}) | {floor_s:.3g} | "
            f"{median(times) / floor_s:.2f} | {peak_gib(options.device):.1f} |"
        )
    return "\n".join(lines) + "\n"


def _merged(device: str) -> AdaptedDiffusion:
    torch.manual_seed(0)
    with torch.device(device):
        base = LatentDiffusion.from_config(SD2)
        base.vae.decoder = None  # only pretraining needs it
        model = AdaptedDiffusion(base, AdaptedConfig(lora_rank=64)).eval()
    return model.merged()


def _timed(run, device: str) -> float:
    started = time.monotonic()
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.monotonic() - started


if __name__ == "__main__":
    main()

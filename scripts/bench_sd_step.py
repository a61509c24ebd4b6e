#!/usr/bin/env python3
"""One optimisation step of the full Stable Diffusion 2.0 configuration: peak memory and seconds.

Weights are random: sizes and times do not depend on them. Each case runs in a process of its own, so that its peak is
its own.

    python scripts/bench_sd_step.py --out docs/benchmark_sd_step.md
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"))

import torch  # noqa: E402

from semantic3d.models.adapted import AdaptedConfig, AdaptedDiffusion  # noqa: E402
from semantic3d.models.latent import LatentConfig, LatentDiffusion  # noqa: E402
from semantic3d.training.adapt import LossConfig, joint_loss  # noqa: E402
from semantic3d.training.loop import computes_bf16  # noqa: E402
from semantic3d.training.patches import PatchBatch  # noqa: E402

VAE = {
    "block_out_channels": (128, 256, 512, 512), "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4, "layers_per_block": 2, "latent_channels": 4, "sample_size": 512,
}  # fmt: skip
UNET = {
    "sample_size": 64, "block_out_channels": (320, 640, 1280, 1280), "cross_attention_dim": 1024,
    "attention_head_dim": [5, 10, 20, 20], "use_linear_projection": True,
}  # fmt: skip
SD2 = LatentConfig("stable_diffusion_2", VAE, UNET, condition_tokens=77)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write the table as markdown")
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--side", type=int, default=512, help="pixels")
    parser.add_argument("--steps", type=int, default=1, help="optimisation steps; the first also allocates")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--arithmetic", nargs="+", choices=("bfloat16", "float32"), help="default: what training uses on the device"
    )
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measured(options, *options.case)))
        return
    arithmetic = options.arithmetic or ["bfloat16" if computes_bf16(options.device) else "float32"]
    rows = [_in_a_process(case, name) for name in arithmetic for case in ("on", "off")]
    text = table(rows, options)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


def _in_a_process(case: str, arithmetic: str) -> dict:
    command = [sys.executable, *sys.argv, "--case", case, arithmetic]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return {"case": case, "arithmetic": arithmetic, "exit": done.returncode}
    return json.loads(done.stdout.splitlines()[-1])


def measured(options, case: str, arithmetic: str) -> dict:
    """One case: build, step, and what it took."""
    torch.manual_seed(0)
    with torch.device(options.device):
        base = LatentDiffusion.from_config(SD2)
        base.vae.decoder = None  # only pretraining needs it
        model = AdaptedDiffusion(base, AdaptedConfig(lora_rank=options.rank)).train()
        batch = PatchBatch(
            torch.rand(1, 3, options.side, options.side) * 2 - 1,
            torch.rand(1, 1, options.side, options.side) * 20,
            torch.randint(1, 8, (1, options.side, options.side)),
        )
    base.recompute_activations(case == "on")
    built, marks = peak_gib(options.device), [time.monotonic()]

    def loss_of_step(_):
        output = model(batch.image)
        return joint_loss(type(output)(*(maps.float() for maps in output)), batch, model.config, LossConfig())

    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=3e-4, weight_decay=0.1)
    for _ in range(options.steps):
        _step(optimiser, parameters, loss_of_step, options.device, arithmetic == "bfloat16")
        marks.append(time.monotonic())
    return {
        "case": case, "arithmetic": arithmetic, "load": round(os.getloadavg()[0], 1),
        "built_gib": built, "peak_gib": peak_gib(options.device),
        "seconds": [round(after - before, 2) for before, after in zip(marks, marks[1:])],
        "trained_millions": sum(p.numel() for p in model.parameters() if p.requires_grad) / 1e6,
        "frozen_millions": sum(p.numel() for p in model.parameters() if not p.requires_grad) / 1e6,
    }  # fmt: skip


def _step(optimiser, parameters, loss_of_step, device: str, use_bf16: bool) -> None:
    """What the training loop does in a step, without its averages and checkpoints."""
    optimiser.zero_grad(set_to_none=True)
    with torch.autocast(device, dtype=torch.bfloat16, enabled=use_bf16):
        loss = loss_of_step(0)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 10.0)
    optimiser.step()
    if device == "cuda":
        torch.cuda.synchronize()


def peak_gib(device: str) -> float:
    """Largest memory so far: of the card, or of the process (Linux)."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**30
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def machine_name(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {len(os.sched_getaffinity(0))} cores"


def table(rows: list[dict], options) -> str:
    """The outcome as markdown."""
    lines = [
        "# One optimisation step of Stable Diffusion 2.0", "",
        "The full configuration with random weights: VAE encoder and UNet frozen in fp32, LoRA of rank "
        f"{options.rank} on every layer of the method, decoder of 128 channels, AdamW; {options.side} x {options.side} "
        "pixels, batch 1. Forward, backward and the optimiser's step; peak memory of the "
        "process (of the card, on one), the model's own included.", "",
        f"Measured {datetime.date.today()} on {machine_name(options.device)}, torch {torch.__version__}:", "",
        f"    python {' '.join(sys.argv)}", "",
        "| arithmetic | gradient checkpointing | memory when built, GiB | peak memory, GiB | seconds per step | "
        "load average |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in rows:
        if "exit" in row:
            lines.append(f"| {row['arithmetic']} | {row['case']} | | did not finish (exit code {row['exit']}) | | |")
        else:
            seconds = ", ".join(f"{value:.1f}" for value in row["seconds"])
            lines.append(
                f"| {row['arithmetic']} | {row['case']} | {row['built_gib']:.1f} | {row['peak_gib']:.1f} | {seconds} | "
                f"{row['load']} |"
            )
    done = [row for row in rows if "exit" not in row]
    if done:
        lines += ["", f"{done[0]['trained_millions']:.1f} million parameters learn, "
                  f"{done[0]['frozen_millions']:.0f} million are frozen. Where the load average is above the number of "
                  "cores, other work ran beside, and the seconds are too many."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

"""The study of the tile's size, and of an encoder that would see every pixel once: time per area, and error."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import nn

from semantic3d.models.adapted import AdaptedConfig, PhysicalOutputs
from semantic3d.models.latent import LatentDiffusion
from semantic3d.models.package import load_package
from semantic3d.training.bases import find_base
from semantic3d.training.export import exported_program
from semantic3d.training.small import continued_model

from .cpu import Contestant, stored, timed
from .end_to_end import OVERLAP_PX
from .machine import in_rounds, median_ratio
from .overlap import tiled_heights, validation_image


class Encoder(nn.Module):
    """The model's VAE encoder with its shortcuts alone."""

    def __init__(self, base: LatentDiffusion) -> None:
        super().__init__()
        self.base = base

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Image [B, 3, T, T] to latents and the features at a quarter and half of its size."""
        return self.base.encode(image)


def models_of_sizes(data: bytes, adaptation: AdaptedConfig, sizes: list[int]) -> dict[int, bytes]:
    """Export the model of an ONNX file anew for tiles of these sizes."""
    model = PhysicalOutputs(continued_model(data, adaptation).merged())
    return {size: stored(exported_program(model, size).model_proto) for size in sizes}


def encoder_of(data: bytes, adaptation: AdaptedConfig, tile_px: int) -> bytes:
    """Export the encoder of the model of an ONNX file."""
    encoder = Encoder(continued_model(data, adaptation).base).eval()
    example = torch.rand(1, 3, tile_px, tile_px)
    program = torch.onnx.export(encoder, (example,), dynamo=True, input_names=["image"], verbose=False)
    return stored(program.model_proto)


def tile_study(data: Path, model: str, sizes: list[int], rounds: int, rows: tuple[int, int]) -> list[str]:
    """Time per megapixel and error against the tile's size, with Reconstruct's overlap between tiles.

    Args:
        sizes: pixels; the model's own comes in besides.
        rows: (first, end) of the validation columns that the error is taken over.
    """
    package = load_package(model)
    own = package.tile_size_px
    sizes = sorted({*sizes, own})
    onnx_data = package.read_onnx()
    adaptation = find_base(model).adaptation
    made = models_of_sizes(onnx_data, adaptation, sizes)
    image_name, rgb, truth = validation_image(data, package)
    truth = truth[rows[0] : rows[1]]
    known, window = np.isfinite(truth), (rows[0], 0, rows[1] - rows[0], truth.shape[1])
    ways = {str(size): Contestant(made[size], 1) for size in sizes}
    ways["encoder"] = Contestant(encoder_of(onnx_data, adaptation, own), 1)
    names = {name: [output.name for output in way.session.get_outputs()] for name, way in ways.items()}
    blank = {name: np.random.default_rng(1).normal(0, 0.4, (1, 3, size, size)).astype(np.float32)
             for name, size in zip(ways, (*sizes, own))}  # fmt: skip
    clocks = {name: timed(way, [blank[name]], names[name], time.process_time) for name, way in ways.items()}
    in_rounds(clocks, 1)  # the first run of each is slower
    seconds = in_rounds(clocks, rounds)
    per_area = {size: [value / (size - OVERLAP_PX) ** 2 * 1e6 for value in seconds[str(size)]] for size in sizes}
    share = median_ratio(seconds["encoder"], seconds[str(own)])[0]
    repeated = (own / (own - OVERLAP_PX)) ** 2
    saved = share * (1.0 - 1.0 / repeated)
    lines = [
        f"Model {package.version}, exported for each size; {OVERLAP_PX} pixels of overlap, processor time of one "
        f"thread, {rounds} rounds in one process, medians. Error: {image_name}, validation columns, rows {rows[0]} to "
        f"{rows[1] - 1}, {known.sum()} pixels with truth, blended as Reconstruct blends.", "",
        f"| tile, px | time per tile, s | per megapixel, s | of {own}'s | MAE, m | change from {own}'s heights, cm |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    found = {}
    for size in sizes:
        session = ways[str(size)].session

        def run(tile: np.ndarray, session=session) -> np.ndarray:
            return session.run(["height_m"], {"image": tile})[0][0, 0]

        found[size] = tiled_heights(run, rgb, size - OVERLAP_PX, window, replace(package, tile_size_px=size)).height_m
        print(size, "done", flush=True)
    for size in sizes:
        middle, low, high = median_ratio(per_area[size], per_area[own])
        lines.append(
            f"| {size} | {median(seconds[str(size)]):.3f} | {median(per_area[size]):.2f} | "
            f"{middle:.2f} ({low:.2f} to {high:.2f}) | {np.abs(found[size] - truth)[known].mean():.3f} | "
            f"{100 * np.abs(found[size] - found[own])[known].mean():.1f} |"
        )
    return [
        *lines, "",
        f"The encoder with its shortcuts takes {share:.0%} of a tile's time. Tiles that overlap by {OVERLAP_PX} pixels "
        f"show it each pixel {repeated:.2f} times; if it saw each once, a run would take {saved:.0%} less of the "
        "model's time, at most.",
    ]  # fmt: skip

#!/usr/bin/env python3
"""Write a model package whose convolutions compute in 8-bit integers (static QDQ, calibrated on training tiles).

    python scripts/quantise_model.py --data ../shared/data --out runs/s3d_small_int8 [--model FOLDER]

Weights are quantised per channel, activations per tensor over the range that the calibration tiles show. Layers
named by KEPT stay in float32: what meets the image, and the heads. The manifest of the new package is that of the
old one, its validation too: run scripts/validate_model.py on the result before anybody uses it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"))

import numpy as np  # noqa: E402
import onnx  # noqa: E402
from onnxruntime.quantization import (  # noqa: E402
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from semantic3d.datasets.labelled import TRAINING_SETS, read_set  # noqa: E402
from semantic3d.models.package import bundled_model_path, load_package, write_package  # noqa: E402
from speed.graph import folded  # noqa: E402
from speed.tiles import normalised  # noqa: E402

CALIBRATION_TILES = 16
HEAD_CHANNELS = 16  # a convolution with no more outputs than this is one of the heads or meets the image


@dataclass(frozen=True)
class Quantising:
    """What becomes integer.

    Attributes:
        operators: ONNX operators.
        keep_heads: leave the first convolution, and those that the outputs come from, in float32.
        method: how ranges are found.
    """

    operators: tuple = ("Conv",)
    keep_heads: bool = True
    method: CalibrationMethod = CalibrationMethod.MinMax


class _Tiles(CalibrationDataReader):
    """Hands calibration tiles out one by one."""

    def __init__(self, name: str, tiles: list):
        self._feeds = iter([{name: tile} for tile in tiles])

    def get_next(self):
        return next(self._feeds, None)


def quantise(data: bytes, tiles: list, choice: Quantising) -> bytes:
    """Return an ONNX file in static QDQ form.

    Args:
        data: the float model.
        tiles: normalised, float32 [1, 3, T, T] each.
    """
    model = folded(data)
    kept = sensitive_layers(model) if choice.keep_heads else []
    with tempfile.TemporaryDirectory() as folder:
        before, after = str(Path(folder) / "float.onnx"), str(Path(folder) / "int8.onnx")
        onnx.save(model, before)
        quantize_static(
            before, after, _Tiles(model.graph.input[0].name, tiles), quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(choice.operators), per_channel=True, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, nodes_to_exclude=kept, calibrate_method=choice.method,
        )  # fmt: skip
        return Path(after).read_bytes()


def sensitive_layers(model: onnx.ModelProto) -> list[str]:
    """Return the names of convolutions that meet the image or have few outputs: what leaves the network."""
    shapes = {item.name: tuple(item.dims) for item in model.graph.initializer}
    images = {item.name for item in model.graph.input}
    kept = []
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        outputs = shapes.get(node.input[1], (0,))[0]
        if images & set(node.input) or outputs <= HEAD_CHANNELS:
            kept.append(node.name)
    return kept


def training_tiles(data: Path, count: int, tile_px: int, gsd_m: float, mean, std) -> list[np.ndarray]:
    """Cut normalised tiles [1, 3, T, T] from the training split, spread over its sets."""
    samples = [sample for chosen in TRAINING_SETS for sample in read_set(data / "labelled", chosen, gsd_m)]
    samples = [sample for sample in samples if min(sample.rgb.shape[:2]) >= tile_px]
    generator = np.random.default_rng(0)
    tiles = []
    for index in range(count):
        rgb = samples[index % len(samples)].rgb
        top, left = (int(generator.integers(0, size - tile_px + 1)) for size in rgb.shape[:2])
        tiles.append(normalised(rgb[top : top + tile_px, left : left + tile_px], mean, std))
    return tiles


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds labelled/")
    parser.add_argument("--model", default=bundled_model_path(), help="package folder")
    parser.add_argument("--out", type=Path, required=True, help="package folder to write")
    parser.add_argument("--tiles", type=int, default=CALIBRATION_TILES)
    args = parser.parse_args()

    package = load_package(args.model)
    tiles = training_tiles(
        args.data, args.tiles, package.tile_size_px, package.gsd_m, package.normalisation_mean,
        package.normalisation_std,
    )  # fmt: skip
    data = quantise(package.read_onnx(), tiles, Quantising())
    manifest = json.loads((Path(args.model) / "manifest.json").read_text(encoding="utf-8"))
    manifest.pop("files")
    manifest["version"] += "+int8"
    card = (Path(args.model) / "CARD.md").read_bytes()
    write_package(str(args.out), manifest, {package.onnx_name: data, "CARD.md": card})
    print(f"{args.out}: {len(data) / 1e6:.1f} MB, convolutions in int8 but the first and the heads")


if __name__ == "__main__":
    main()

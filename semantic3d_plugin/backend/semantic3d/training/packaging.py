"""From trained weights to a model package: merge, round to half precision, export, check against torch, write."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from s3d_protocol import InternalError

from ..models.adapted import AdaptedDiffusion, PhysicalOutputs
from ..models.package import ModelPackage, write_package
from .export import export_onnx, parity, round_to_half
from .export_large import export_large, is_large

PARITY_LIMIT_M = 1e-3
STANDARD_CLASSES = [
    {"id": 1, "name": "impervious or bare", "colour": "#b8b2a7"},
    {"id": 2, "name": "low vegetation", "colour": "#a6d96a"},
    {"id": 3, "name": "tree", "colour": "#1a9641"},
    {"id": 4, "name": "building", "colour": "#d7301f"},
    {"id": 5, "name": "water", "colour": "#4393c3"},
    {"id": 6, "name": "bridge", "colour": "#8073ac"},
    {"id": 7, "name": "other object", "colour": "#fdae61"},
]
NORMALISATION = {"input": "unit", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}  # to -1..1, as training has it


def stored_model(model: AdaptedDiffusion) -> PhysicalOutputs:
    """Merge the adapter, in place, and round the weights to what will be stored; on the CPU, ready to run."""
    model.base.recompute_activations(False)
    return round_to_half(PhysicalOutputs(model.merged().cpu())).eval()


def package_model(folder: str, model: PhysicalOutputs, tile_px: int, manifest: dict, card: str) -> ModelPackage:
    """Export a model that `stored_model` gave, check the file against torch, and write the package.

    Args:
        folder: new or empty.
        manifest: every field but those that follow from the file (`files`, `weights`, format version); its
            `validation` gains the largest difference of ONNX from torch.

    Raises:
        InternalError: the exported file computes other heights than torch.
    """
    with tempfile.TemporaryDirectory() as aside:
        onnx_path = Path(aside) / "model.onnx"
        if is_large(model):
            weights = export_large(model, tile_px, onnx_path)
        else:
            export_onnx(model, tile_px, onnx_path)
            weights = []
        image = torch.rand(2, 3, tile_px, tile_px, generator=torch.Generator().manual_seed(0)) * 2 - 1
        difference_m = parity(model, onnx_path, image)["height_m"]
        if not difference_m <= PARITY_LIMIT_M:
            raise InternalError(
                f"The exported model's heights differ from the trained model's by {difference_m:.3g} m; at most "
                f"{PARITY_LIMIT_M:g} m is allowed. Nothing was written; please report this."
            )
        complete = {
            **manifest,
            "validation": {"onnx_parity_m": round(difference_m, 7), **manifest["validation"]},
            "weights": {"onnx": "model.onnx", "safetensors": None},
        }
        files = {path.name: path for path in (onnx_path, *weights)}
        return write_package(folder, complete, {**files, "CARD.md": card.encode("utf-8")})

"""Tiny folders laid out as the published data sets, and tiny pretrained models: a table's whole way in seconds.

Images and heights are noise and boxes; figures of a smoke run say nothing.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import rasterio
import torch
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine, from_origin
from rasterio.warp import transform_geom

from ..datasets.open_data_dc import CLASS_NAMES as DC_CLASSES
from ..models.latent import TINY, LatentDiffusion
from .studies import SUBSETS

CROP_PX = 64
MOST_TESTS = 6
DC_CRS = "EPSG:26985"
_US3D_PX = 2 * CROP_PX
_DC_ORIGIN = (397_000.0, 137_000.0)  # in Washington
_DC_SIDE_M = 102.4  # 8 x 8 crops of 64 pixels of 0.2 m


def write_smoke_data(folder: Path, data: str) -> Path:
    """Write a tiny data set under `folder` and return its own folder; an existing one is left alone.

    Args:
        data: "us3d" or "dc".
    """
    place = folder / data
    if not (place / "subsets.csv").exists():
        place.mkdir(parents=True, exist_ok=True)
        {"us3d": _write_us3d, "dc": _write_dc}[data](place)
    return place


def tiny_base(name: str) -> LatentDiffusion:
    """Random weights in the smallest shape; the same for the same name."""
    torch.manual_seed(sum(name.encode()))
    return LatentDiffusion.from_config(TINY)


def _write_us3d(place: Path) -> None:
    rng = np.random.default_rng(1)
    subsets = ["name,subset"]
    for part, tiles in (("train", (4, 68)), ("test", (163,))):
        for tile in tiles:
            for view in (6, 10):
                name = f"JAX_{tile:03d}_{view:03d}"
                side = (_US3D_PX, _US3D_PX)
                classes = np.kron(rng.choice([2, 5, 6, 9, 17], (16, 16)), np.ones((8, 8))).astype(np.uint8)
                heights_m = np.where(classes == 6, 9.0, np.where(classes == 5, 6.0, 0.0)).astype(np.float32)
                heights_m[:3, :3], classes[:3, :3] = np.nan, 65
                rgb = (classes * 9 + rng.integers(0, 60, (3, *side))).astype(np.uint8)
                for ending, layer in (("RGB", rgb), ("AGL", heights_m[None]), ("CLS", classes[None])):
                    write_tif(place / part / f"{name}_{ending}.tif", layer)
                if part == "test":
                    corners = [(row, column) for row in (0, CROP_PX) for column in (0, CROP_PX)]
                    subsets += [f"{name}_{r}_{c},{of}" for (r, c), of in zip(corners, SUBSETS["us3d"])]
    (place / "subsets.csv").write_text("\n".join(subsets) + "\n")


def _write_dc(place: Path) -> None:
    rng = np.random.default_rng(2)
    codes = np.kron(rng.integers(2, 7, (13, 13)), np.ones((16, 16)))[:205, :205].astype(np.uint8)  # 0.5 m pixels
    heights_m = np.where(codes == 2, 8.0, 0.0).astype(np.float32)
    boxes = [(10 + 20 * i, 10 + 20 * j, 9.0) for i in range(4) for j in range(4)]  # metres east, south, side
    for east, south, side in boxes:
        heights_m[int(south * 2) : int((south + side) * 2), int(east * 2) : int((east + side) * 2)] = 12.0
    shape = (round(_DC_SIDE_M / 0.1),) * 2
    image = np.kron(codes, np.ones((5, 5)))[: shape[0], : shape[1]] * 30 + rng.integers(0, 50, (3, *shape))
    write_tif(place / "ortho.tif", image.astype(np.uint8), 0.1)
    write_tif(place / "ndsm.tif", heights_m[None], 0.5)
    write_tif(place / "landcover.tif", codes[None], 0.5)
    (place / "landcover.csv").write_text("name,class\n" + "".join(f"{n},{c}\n" for n, c in enumerate(DC_CLASSES, 1)))
    shapes = [transform_geom(DC_CRS, "EPSG:4326", _box(*box)) for box in boxes]
    features = [{"type": "Feature", "properties": {}, "geometry": shape} for shape in shapes]
    (place / "buildings.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    names = [f"dc_{row:04d}_{column:04d}" for row in range(8) for column in range(8)]
    rows = [f"{name},{SUBSETS['dc'][number % 4]}" for number, name in enumerate(names)]
    (place / "subsets.csv").write_text("\n".join(["name,subset", *rows]) + "\n")


def _box(east_m: float, south_m: float, side_m: float) -> dict:
    left, top = _DC_ORIGIN[0] + east_m, _DC_ORIGIN[1] - south_m
    corners = [(left, top), (left + side_m, top), (left + side_m, top - side_m), (left, top - side_m), (left, top)]
    return {"type": "Polygon", "coordinates": [corners]}


def write_tif(path: Path, layers: np.ndarray, gsd_m: float | None = None) -> None:
    """Write bands [C, H, W] as a GeoTIFF; without `gsd_m` it has no georeference."""
    path.parent.mkdir(parents=True, exist_ok=True)
    place = {"transform": Affine.identity()}
    if gsd_m:
        place = {"crs": DC_CRS, "transform": from_origin(*_DC_ORIGIN, gsd_m, gsd_m)}
    count, height, width = layers.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": layers.dtype.name}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **profile, **place) as target:
            target.write(layers)

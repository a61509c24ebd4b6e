"""A model trained, used and judged through qgis_process with the real worker: train, reconstruct, evaluate."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from conftest import CLEAN_PATH
from rasterio.transform import from_origin
from rasterio.warp import transform_geom

SIDE_PX, BLOCK_PX, ROOF_M = 176, 22, 8.0

# What the full environment has beside the light one, then the smallest base there is, with random weights.
MAKE_BASE = """
import importlib.util, sys
needed = ("torch", "diffusers", "peft", "onnxscript", "safetensors", "onnxruntime", "rasterio")
missing = [name for name in needed if importlib.util.find_spec(name) is None]
if missing:
    print(", ".join(missing))
    sys.exit(3)
from pathlib import Path
import torch
from semantic3d.models.latent import TINY, LatentDiffusion
from semantic3d.training.pretrain import save_base
torch.manual_seed(0)
save_base(LatentDiffusion.from_config(TINY), Path(sys.argv[1]), "tiny")
"""

# A graphical model, built as the modeler would: what train makes, reconstruct takes.
MAKE_CHAIN = """
import sys
from qgis.core import *
application = QgsApplication([], False)
application.initQgis()
model = QgsProcessingModelAlgorithm("own model", "test", "own model")
for parameter in (QgsProcessingParameterRasterLayer("IMAGE", "Image"), QgsProcessingParameterRasterLayer("NDSM", "nDSM"),
                  QgsProcessingParameterFile("BASE", "Base")):
    model.addModelParameter(parameter, QgsProcessingModelParameter(parameter.name()))
source = QgsProcessingModelChildParameterSource

def child(name, fixed, inputs, **outputs):
    algorithm = QgsProcessingModelChildAlgorithm("semantic3d:" + name)
    algorithm.setChildId(name)
    for key, value in fixed.items():
        algorithm.addParameterSources(key, [source.fromStaticValue(value)])
    for key, value in inputs.items():
        algorithm.addParameterSources(key, [value])
    made = {}
    for title, key in outputs.items():
        made[title] = QgsProcessingModelOutput(title, title)
        made[title].setChildId(name)
        made[title].setChildOutputName(key)
    algorithm.setModelOutputs(made)
    model.addChildAlgorithm(algorithm)

child("train", dict(STEPS=1, RANK=8, BATCH_SIZE=1, PATCH=64, BLOCK=44, VALIDATION_SHARE=0.25, DEVICE="cpu"),
      dict(IMAGES=source.fromModelParameter("IMAGE"), NDSM=source.fromModelParameter("NDSM"),
           BASE=source.fromModelParameter("BASE")))
child("reconstruct", dict(OVERLAP=16, DEVICE="cpu"),
      dict(INPUT=source.fromModelParameter("IMAGE"), MODEL=source.fromChildOutput("train", "PACKAGE")), RESULT="HEIGHT")
model.updateDestinationParameters()
sys.exit(0 if model.toFile(sys.argv[1]) else 1)
"""


@pytest.fixture(scope="module")
def full(bare_qgis, tmp_path_factory):
    """Variables that name a Python with the full environment, and a tiny base: SEMANTIC3D_PYTHON, else this Python."""
    python = os.environ.get("SEMANTIC3D_PYTHON") or sys.executable
    base = tmp_path_factory.mktemp("base") / "tiny.safetensors"
    backend = {**bare_qgis.variables, "PYTHONPATH": str(bare_qgis.plugins / "semantic3d_plugin" / "backend")}
    done = subprocess.run([python, "-c", MAKE_BASE, str(base)], env=backend, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode == 3:
        pytest.skip(f"training needs the full environment, and {python} has no {done.stdout.strip()}")
    assert done.returncode == 0, done.stderr
    return {"SEMANTIC3D_PYTHON": python, "OMP_NUM_THREADS": "1"}, base  # threads cost more than such rasters


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Bright roofs of 8 m on dark ground: image, heights and classes, and the heights and classes as arrays."""
    folder = tmp_path_factory.mktemp("town")
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    roof = (rows // BLOCK_PX % 2 == 0) & (columns // BLOCK_PX % 2 == 0)
    noise = np.random.default_rng(0).integers(0, 30, (3, SIDE_PX, SIDE_PX))
    layers = {
        "image": (np.where(roof, 200, 60) + noise).astype(np.uint8),
        "ndsm": np.where(roof, ROOF_M, 0.0).astype(np.float32)[None],
        "cover": np.where(roof, 4, 2).astype(np.uint8)[None],
    }
    for name, bands in layers.items():
        with rasterio.open(folder / f"{name}.tif", "w", driver="GTiff", width=SIDE_PX, height=SIDE_PX,
                           count=len(bands), dtype=bands.dtype, crs="EPSG:32632",
                           transform=from_origin(5e5, 5.4e6, 0.5, 0.5)) as out:
            out.write(bands)
    return {name: folder / f"{name}.tif" for name in layers}, layers["ndsm"][0], layers["cover"][0]


@pytest.fixture(scope="module")
def trained(bare_qgis, full, town, tmp_path_factory):
    """The results of semantic3d:train, and the package's folder."""
    variables, base = full
    folder = tmp_path_factory.mktemp("trained")
    results = bare_qgis.run(
        "semantic3d:train", timeout_s=1200, variables=variables, IMAGES=town[0]["image"], NDSM=town[0]["ndsm"],
        LAND_COVER=town[0]["cover"], BASE=base, STEPS=2, RANK=8, BATCH_SIZE=1, PATCH=64, BLOCK=44,
        VALIDATION_SHARE=0.25, DEVICE="cpu", PACKAGE=folder / "my_town", REPORT=folder / "training.html",
    )
    return results, folder


@pytest.fixture(scope="module")
def reconstructed(bare_qgis, full, town, trained, tmp_path_factory):
    """The paths of what the trained model gives for the image it saw."""
    folder = tmp_path_factory.mktemp("reconstructed")
    paths = {name: folder / f"{name.lower()}.tif" for name in ("HEIGHT", "SIGMA", "LAND_COVER")}
    manifest = trained[1] / "my_town" / "manifest.json"
    bare_qgis.run("semantic3d:reconstruct", variables=full[0], INPUT=town[0]["image"], MODEL=manifest, OVERLAP=16,
                  DEVICE="cpu", **paths)
    return paths


def test_training_writes_a_package_and_a_report(trained):
    results, folder = trained
    assert sorted(path.name for path in folder.iterdir()) == ["my_town", "training.html"]  # and no checkpoint
    assert results["PACKAGE"] == str(folder / "my_town") and results["REPORT"] == str(folder / "training.html")
    manifest = json.loads((folder / "my_town" / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["name"], manifest["title"]) == ("my_town", "my_town")
    assert manifest["tile_size_px"] == 64 and [entry["id"] for entry in manifest["classes"]] == [1, 2, 3, 4, 5, 6, 7]
    assert manifest["architecture"]["config"] == "tiny"
    assert manifest["validation"]["held_out"]["mae_m"] == pytest.approx(results["VALIDATION_MAE"])
    assert results["STEPS_DONE"] == 2 and results["SECONDS"] > 0
    assert 0 < results["VALIDATION_MAE"] <= results["VALIDATION_RMSE"]
    card = (folder / "my_town" / "CARD.md").read_text(encoding="utf-8")
    assert card.startswith("# my_town") and "image.tif" in card and "Held-out blocks" in card
    assert "<svg" in (folder / "training.html").read_text(encoding="utf-8")


def test_its_model_reconstructs(reconstructed, town):
    for name, path in reconstructed.items():
        with rasterio.open(path) as made, rasterio.open(town[0]["image"]) as image:
            assert (made.crs, made.transform, made.shape) == (image.crs, image.transform, image.shape)
            values = made.read(1)
            assert np.isfinite(values).all() and (values != made.nodata).all()
        if name == "SIGMA":
            assert (values > 0).all()
        if name == "LAND_COVER":
            assert set(np.unique(values)) <= set(range(1, 8))


def test_the_figures_are_those_of_the_rasters(bare_qgis, full, town, reconstructed, tmp_path):
    sources, height_m, cover = town
    paths = {"REPORT": tmp_path / "r.html", "FIGURES": tmp_path / "f.json", "TABLE": tmp_path / "t.csv",
             "ERROR": tmp_path / "e.tif"}
    middle = 5e5 + SIDE_PX / 2 * 0.5
    zones = tmp_path / "land use.geojson"  # two halves, by degrees: RFC 7946
    zones.write_text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"use": use}, "geometry": transform_geom("EPSG:32632", "EPSG:4326", {
            "type": "Polygon", "coordinates": [[(west, 5.3e6), (east, 5.3e6), (east, 5.5e6), (west, 5.5e6), (west, 5.3e6)]]})}
        for use, west, east in (("west", 4.9e5, middle), ("east", middle, 5.1e5))]}))  # fmt: skip
    results = bare_qgis.run("semantic3d:evaluate", variables=full[0], **reconstructed, REFERENCE=sources["ndsm"],
                            REFERENCE_LAND_COVER=sources["cover"], ZONE_POLYGONS=zones, ZONE_FIELD="use", **paths)
    with rasterio.open(reconstructed["HEIGHT"]) as made, rasterio.open(reconstructed["LAND_COVER"]) as classes:
        error_m = made.read(1).astype(float) - height_m
        right = classes.read(1) == cover
    assert results["PIXELS"] == error_m.size
    assert results["MAE"] == pytest.approx(np.abs(error_m).mean())
    assert results["RMSE"] == pytest.approx(np.sqrt((error_m**2).mean()))
    assert results["BIAS"] == pytest.approx(error_m.mean())
    assert results["MAE_BUILDING"] == pytest.approx(np.abs(error_m)[cover == 4].mean())
    assert results["ACCURACY"] == pytest.approx(right.mean())
    assert -1 <= results["UECC"] <= 1 and 0 <= results["COVERAGE_50"] <= results["COVERAGE_95"] <= 1
    for name, path in paths.items():
        assert results[name] == str(path) and path.stat().st_size > 0
    with rasterio.open(paths["ERROR"]) as error:
        np.testing.assert_allclose(error.read(1), error_m, atol=1e-5)
    halves = {zone["name"]: zone for zone in json.loads(paths["FIGURES"].read_text(encoding="utf-8"))["zones"]}
    assert set(halves) == {"west", "east"}
    assert sum(zone["pixels"] for zone in halves.values()) == error_m.size
    assert abs(halves["west"]["pixels"] / error_m.size - 0.5) < 0.02  # an edge of 200 km is bent in degrees


def test_a_graphical_model_trains_and_reconstructs(bare_qgis, full, town, tmp_path):
    chain, height = tmp_path / "chain.model3", tmp_path / "height.tif"
    builder = {**bare_qgis.variables, "PATH": CLEAN_PATH}
    subprocess.run(["/usr/bin/python3", "-c", MAKE_CHAIN, str(chain)], env=builder, check=True, stdin=subprocess.DEVNULL)
    results = bare_qgis.run(
        str(chain), timeout_s=1200, variables=full[0], IMAGE=town[0]["image"], NDSM=town[0]["ndsm"], BASE=full[1],
        **{"reconstruct:RESULT": height},
    )
    assert str(height) in results.values()
    with rasterio.open(height) as made:
        assert made.shape == town[1].shape and np.isfinite(made.read(1)).all()
        assert made.tags()["SEMANTIC3D_MODEL_NAME"]

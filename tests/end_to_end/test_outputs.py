"""The files that qgis_process leaves: grid, bands, units, NoData, tags, styles; the same bytes from the command line."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import ROOT

LAYERS = ("HEIGHT", "SIGMA", "LAND_COVER", "PROBABILITIES")


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(), dataset.profile, dataset.tags()


@pytest.mark.parametrize("name", LAYERS)
def test_on_the_images_grid_as_cog(outputs, image, name):
    with rasterio.open(image[0]) as source, rasterio.open(outputs[1][name]) as made:
        assert (made.crs, made.transform, made.shape) == (source.crs, source.transform, source.shape)
        assert made.profile["tiled"] and made.compression is not None
        assert made.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def test_height_follows_from_the_image(outputs, image):
    heights, profile, _ = read(outputs[1]["HEIGHT"])
    valid = np.ones(heights.shape[1:], bool)
    valid[:40, :40] = False
    assert profile["dtype"] == "float32" and profile["nodata"] == -9999.0
    assert (heights[0][~valid] == -9999.0).all()
    # The fake model's height is 10 m times the mean of the bands; far from the hole nothing but rounding remains.
    expected = 10.0 * image[1].astype(np.float64).mean(axis=0) / 255.0
    np.testing.assert_allclose(heights[0][80:, 80:], expected[80:, 80:], atol=5e-3)
    with rasterio.open(outputs[1]["HEIGHT"]) as made:
        assert made.units[0] in ("m", "metre")
        assert made.descriptions[0]


def test_sigma_has_named_bands(outputs):
    sigma, profile, _ = read(outputs[1]["SIGMA"])
    with rasterio.open(outputs[1]["SIGMA"]) as made:
        assert made.descriptions == ("predictive_std_m", "aleatoric_std_m", "epistemic_std_m", "evidence_index")
    assert profile["dtype"] == "float32" and profile["nodata"] == -9999.0
    # 0.09 m2 aleatoric and 0.16 m2 epistemic: 0.3, 0.4 and together 0.5 m. They are stored with 9 binary digits.
    np.testing.assert_allclose(sigma[:, 150, 200], [0.5, 0.3, 0.4, 0.25], rtol=0, atol=1 / 2048)


def test_land_cover_has_colours_and_names(outputs, image):
    cover, profile, _ = read(outputs[1]["LAND_COVER"])
    assert profile["dtype"] == "uint8" and profile["nodata"] == 0
    red = image[1][0].astype(float) / 255.0
    clear = np.abs(red - 0.5) > 0.02
    clear[:60, :60] = False
    assert (cover[0][clear] == np.where(red > 0.5, 4, 3)[clear]).all()
    assert (cover[0][:40, :40] == 0).all()
    with rasterio.open(outputs[1]["LAND_COVER"]) as made:
        assert made.colormap(1)[4][:3] == (0xCC, 0x33, 0x11)


@pytest.mark.parametrize("name", LAYERS)
def test_provenance_and_statistics(outputs, name):
    with rasterio.open(outputs[1][name]) as made:
        tags, band = made.tags(), made.tags(1)
    text = " ".join(f"{key}={value}" for key, value in tags.items() if key.startswith("SEMANTIC3D_"))
    for word in ("fake", "sha256", "onnxruntime", "numpy"):
        assert word in text.lower(), word
    assert not any("time" in key.lower() and key.startswith("SEMANTIC3D_") for key in tags)
    assert name == "PROBABILITIES" or "STATISTICS_MEAN" in band


@pytest.mark.parametrize("name", LAYERS[:3])
def test_a_style_lies_beside(outputs, name):
    assert "<qgis" in outputs[1][name].with_suffix(".qml").read_text(encoding="utf-8")


def test_numbers_and_report(outputs):
    results, paths = outputs
    heights, _, _ = read(paths["HEIGHT"])
    assert results["MEAN_HEIGHT"] == pytest.approx(heights[heights != -9999.0].mean(), abs=1e-3)
    # The image's 120,000 pixels, whether or not the 1,600 without data are counted.
    assert 0.118 <= results["MEGAPIXELS"] <= 0.120
    assert results["SECONDS"] > 0
    page = paths["REPORT"].read_text(encoding="utf-8")
    assert "data:image/png;base64," in page and "http://" not in page.replace("http://www.w3.org", "")


def test_nothing_else_is_left_behind(outputs):
    folder = outputs[1]["HEIGHT"].parent
    expected = {path.name for path in outputs[1].values()} | {
        outputs[1][name].with_suffix(".qml").name for name in LAYERS[:3]
    }
    left = {path.name for path in folder.iterdir()} - expected
    assert not {name for name in left if not name.endswith(".qml")}


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """`semantic3d` as `pip install .` gives it, from a copy of the sources: (program, variables)."""
    folder = tmp_path_factory.mktemp("pip")
    source, target = folder / "source", folder / "target"
    source.mkdir()
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "metadata.txt", "LICENSE", "README.md", "CHANGELOG.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "semantic3d_plugin", source / "semantic3d_plugin")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(source)]
    subprocess.run(pip, check=True, stdin=subprocess.DEVNULL)
    return target / "bin" / "semantic3d", {**os.environ, "PYTHONPATH": str(target)}


def test_the_command_line_gives_the_same_bytes(outputs, image, model, command, tmp_path):
    program, variables = command
    made = {name: tmp_path / outputs[1][name].name for name in LAYERS}
    options = [item for name in LAYERS for item in (f"--{name.lower().replace('_', '-')}", str(made[name]))]
    done = subprocess.run(
        [str(program), "reconstruct", str(image[0]), "--model", str(model), "--device", "cpu", *options],
        env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    assert done.returncode == 0, done.stdout
    for name in LAYERS:
        assert digest(made[name]) == digest(outputs[1][name]), f"{name} differs"


def test_the_installed_package_knows_its_version(command):
    program, variables = command
    done = subprocess.run([str(program), "--version"], env=variables, stdout=subprocess.PIPE, text=True, check=True)
    wanted = next(line for line in (ROOT / "metadata.txt").read_text().splitlines() if line.startswith("version="))
    assert wanted.split("=")[1] in done.stdout


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

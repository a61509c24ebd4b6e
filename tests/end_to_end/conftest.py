"""The packaged plugin, unpacked as a user's QGIS has it, with a light environment made by setup_backend.

Everything runs through qgis_process in a process of its own; nothing of the checkout is imported but the
builder of the fake model.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

ROOT = Path(__file__).resolve().parents[2]
CLEAN_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
sys.path.insert(0, str(ROOT / "tests" / "backend"))

QGIS_PROCESS = next(
    (f"{folder}/{name}" for name in ("qgis_process.bin", "qgis_process") for folder in CLEAN_PATH.split(":")
     if os.access(f"{folder}/{name}", os.X_OK)),
    None,
)


@dataclass
class Qgis:
    """A QGIS with a profile of its own and the packaged plugin.

    Attributes:
        plugins: folder that holds the unpacked plugin.
        variables: environment variables of every call.
    """

    plugins: Path
    variables: dict

    def start(self, *arguments, **variables):
        """Start qgis_process in a session of its own and return the Popen."""
        return subprocess.Popen(
            [QGIS_PROCESS, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.variables, **variables},
            start_new_session=True,
        )

    def call(self, *arguments, timeout_s=300, **variables):
        """Run qgis_process to its end: (exit code, standard output, standard error)."""
        process = self.start(*arguments, **variables)
        try:
            out, err = process.communicate(timeout=timeout_s)
        finally:
            process.kill()
        return process.returncode, out, err

    def run(self, algorithm, *, timeout_s=300, variables=None, **parameters):
        """Run an algorithm and return its results.

        Raises:
            AssertionError: it failed; the message carries what it said.
        """
        arguments = [f"--{name}={value}" for name, value in parameters.items()]
        code, out, err = self.call("--json", "run", algorithm, *arguments, timeout_s=timeout_s, **(variables or {}))
        assert code == 0, f"{algorithm} exit {code}\n{out}\n{err}"
        return json.loads(out[out.index("{") :])["results"]

    def fails(self, algorithm, *, variables=None, **parameters):
        """Run an algorithm that must fail, and return what it said."""
        arguments = [f"--{name}={value}" for name, value in parameters.items()]
        code, out, err = self.call("run", algorithm, *arguments, **(variables or {}))
        assert code != 0, f"{algorithm} succeeded\n{out}"
        return out + err


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """The ZIP that scripts/package.py builds."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, str(ROOT / "scripts" / "package.py"), "--out", str(folder)], check=True)
    (path,) = folder.glob("*.zip")
    return path


@pytest.fixture(scope="session")
def bare_qgis(package, tmp_path_factory):
    """QGIS with the plugin and a home without any environment."""
    if QGIS_PROCESS is None:
        pytest.skip("QGIS is not installed")
    folder = tmp_path_factory.mktemp("qgis")
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder / "plugins")
    kept = ("HOME", "LANG", "TMPDIR", "HTTP", "PIP_", "UV_", "SSL_", "REQUESTS_", "CURL_", "http", "no_", "NO_")
    variables = {name: value for name, value in os.environ.items() if name.startswith(kept)}
    variables.update(
        PATH=CLEAN_PATH,
        QT_QPA_PLATFORM="offscreen",
        QGIS_PLUGINPATH=str(folder / "plugins"),
        QGIS_CUSTOM_CONFIG_PATH=str(folder / "profile"),
        SEMANTIC3D_HOME=str(folder / "home"),
        PYTHONWARNINGS="ignore",
    )
    ours = Qgis(folder / "plugins", variables)
    ours.call("plugins", "enable", "semantic3d_plugin")
    return ours


@pytest.fixture(scope="session")
def setup_results(bare_qgis, tmp_path_factory):
    """What setup_backend returned for a light environment in a home of its own."""
    home = str(tmp_path_factory.mktemp("home"))
    results = bare_qgis.run(
        "semantic3d:setup_backend", PROFILE="light", ACCELERATOR="cpu", variables={"SEMANTIC3D_HOME": home}
    )
    return {**results, "home": home}


@pytest.fixture(scope="session")
def qgis(bare_qgis, setup_results):
    """QGIS with the plugin and its light environment."""
    return Qgis(bare_qgis.plugins, {**bare_qgis.variables, "SEMANTIC3D_HOME": setup_results["home"]})


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A model package whose results can be worked out by hand: 512-pixel tiles of 0.5 m."""
    from fake_model import write_fake_package

    return write_fake_package(tmp_path_factory.mktemp("model") / "fake", tile_px=512)


@pytest.fixture(scope="session")
def small_tiles_model(tmp_path_factory):
    """The same with tiles so small that a large image takes long."""
    from fake_model import write_fake_package

    return write_fake_package(tmp_path_factory.mktemp("model") / "small", tile_px=64)


def write_image(path, height=300, width=400, nodata=None):
    """An orthophoto of 0.5 m in UTM 32N whose bands are plain ramps; returns its pixels [3, H, W]."""
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack([columns * 255 // width, rows * 255 // height, np.full_like(rows, 60)]).astype(np.uint8)
    grid = {"height": height, "width": width, "crs": "EPSG:32632", "transform": from_origin(5e5, 5.4e6, 0.5, 0.5)}
    if nodata is not None:
        pixels[:, :40, :40] = nodata
    with rasterio.open(path, "w", driver="GTiff", count=3, dtype="uint8", nodata=nodata, **grid) as dataset:
        dataset.write(pixels)
    return pixels


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    """The path of an orthophoto with a corner of NoData (255), and its pixels."""
    path = tmp_path_factory.mktemp("image") / "ortho.tif"
    return path, write_image(path, nodata=255)


@pytest.fixture(scope="session")
def outputs(qgis, model, image, tmp_path_factory):
    """All outputs of one run through qgis_process: its results, and the paths by name."""
    folder = tmp_path_factory.mktemp("outputs")
    paths = {name: folder / f"{name.lower()}.tif" for name in ("HEIGHT", "SIGMA", "LAND_COVER", "PROBABILITIES")}
    paths["REPORT"] = folder / "report.html"
    results = qgis.run("semantic3d:reconstruct", INPUT=image[0], MODEL=f"{model}/manifest.json", DEVICE="cpu", **paths)
    return results, paths

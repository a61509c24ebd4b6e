"""From a fresh profile without a backend to one that works, through qgis_process alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from conftest import write_image


def test_the_algorithms_are_listed_without_a_backend(bare_qgis):
    _, out, _ = bare_qgis.call("list")
    for name in ("reconstruct", "setup_backend", "check_backend"):
        assert f"semantic3d:{name}" in out


def test_without_a_backend_reconstruct_says_what_to_do(bare_qgis, tmp_path):
    write_image(tmp_path / "ortho.tif")
    said = bare_qgis.fails("semantic3d:reconstruct", INPUT=tmp_path / "ortho.tif", HEIGHT=tmp_path / "h.tif")
    assert "semantic3d:setup_backend" in said
    assert not (tmp_path / "h.tif").exists()


def test_without_a_backend_the_doctor_reports(bare_qgis, tmp_path):
    results = bare_qgis.run("semantic3d:check_backend", REPORT=tmp_path / "doctor.json")
    assert results["HEALTHY"] is False
    assert "semantic3d:setup_backend" in results["PROBLEM"]
    assert json.loads((tmp_path / "doctor.json").read_text())["healthy"] is False


def test_a_wrong_python_is_named_and_no_other_taken(qgis, tmp_path):
    results = qgis.run("semantic3d:check_backend", variables={"SEMANTIC3D_PYTHON": "/nowhere/python"})
    assert results["HEALTHY"] is False
    assert "/nowhere/python" in results["PROBLEM"] and "SEMANTIC3D_PYTHON" in results["PROBLEM"]


def test_setup_makes_a_small_environment(setup_results):
    assert setup_results["HEALTHY"] is True
    assert setup_results["USED_ACCELERATOR"] == "cpu"
    files = [path for path in Path(setup_results["home"]).rglob("*") if path.is_file() and not path.is_symlink()]
    assert 100 < sum(path.stat().st_size for path in files) / 1e6 < 400
    assert setup_results["SECONDS"] < 120


def test_a_second_setup_keeps_it(qgis, setup_results):
    marker = Path(setup_results["ENVIRONMENT"], "complete.json")
    before = marker.stat().st_mtime_ns
    again = qgis.run("semantic3d:setup_backend", PROFILE="light", ACCELERATOR="cpu")
    assert again["PYTHON_PATH"] == setup_results["PYTHON_PATH"]
    assert marker.stat().st_mtime_ns == before


def test_a_named_python_is_used(bare_qgis, setup_results, tmp_path):
    home = {"SEMANTIC3D_HOME": str(tmp_path), "SEMANTIC3D_PYTHON": setup_results["PYTHON_PATH"]}
    results = bare_qgis.run("semantic3d:check_backend", variables=home)
    assert results["SOURCE"] == "variable"
    assert results["PYTHON_PATH"] == setup_results["PYTHON_PATH"]


def test_offline_from_a_wheelhouse(bare_qgis, tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    here = {"SEMANTIC3D_HOME": str(tmp_path / "home")}
    filled = bare_qgis.run(
        "semantic3d:setup_backend", ACTION="download", ACCELERATOR="cpu", WHEELHOUSE=wheels, variables=here
    )
    assert filled["HEALTHY"] is False  # nothing is installed by a download
    nowhere = {name: "http://127.0.0.1:9" for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")}
    made = bare_qgis.run(
        "semantic3d:setup_backend", ACCELERATOR="cpu", WHEELHOUSE=wheels, variables={**here, **nowhere}
    )
    assert made["HEALTHY"] is True
    assert subprocess.run([made["PYTHON_PATH"], "-c", "import rasterio, onnxruntime"], check=False).returncode == 0
    gone = bare_qgis.run("semantic3d:setup_backend", ACTION="remove", variables=here)
    assert gone["HEALTHY"] is False
    assert not Path(made["ENVIRONMENT"]).exists()


@pytest.mark.parametrize("wheels", ["", "one broken wheel"])
def test_a_failed_setup_leaves_nothing_that_counts(bare_qgis, tmp_path, wheels):
    folder = tmp_path / "wheels"
    folder.mkdir()
    if wheels:
        (folder / "numpy-2.4.6-py3-none-any.whl").write_bytes(b"no wheel")
    here = {"SEMANTIC3D_HOME": str(tmp_path / "home")}
    said = bare_qgis.fails("semantic3d:setup_backend", ACCELERATOR="cpu", WHEELHOUSE=folder, variables=here)
    assert str(folder) in said
    assert [path.suffix for path in (tmp_path / "home" / "envs").iterdir()] == [".log"]
    assert bare_qgis.run("semantic3d:check_backend", variables=here)["HEALTHY"] is False

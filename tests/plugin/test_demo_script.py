"""scripts/demo.sh up to the set-up of the backend, with a stand-in for QGIS: nothing is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = """
CLEAN_PATH=/usr/sbin:/usr/bin:/sbin:/bin
say() { echo "== $*"; }
install_missing() { echo INSTALLING; }
find_qgis_process() { echo "$ROOT/qgis"; }
"""
QGIS = """#!/bin/sh
case "$1 $2" in
    list*) echo semantic3d:reconstruct ;;
    *setup_backend) echo "PYTHON_PATH: /bin/true" ;;
    *semantic3d:reconstruct) echo "ASKED FOR $3" ;;
esac
"""
PACKAGE = """
import sys, zipfile
with zipfile.ZipFile(sys.argv[2] + "/semantic3d_plugin-0.2.0.zip", "w") as archive:
    archive.writestr("semantic3d_plugin/version", "0.2.0")
"""


@pytest.fixture
def repository(tmp_path):
    """A checkout with the real demo.sh, in which everything that it calls is a stand-in."""
    root = tmp_path / "checkout"
    (root / "scripts").mkdir(parents=True)
    shutil.copy(REPOSITORY / "scripts" / "demo.sh", root / "scripts")
    (root / "scripts" / "system_packages.sh").write_text(TOOLS)
    (root / "scripts" / "package.py").write_text(PACKAGE)
    (root / "qgis").write_text(QGIS)
    (root / "qgis").chmod(0o755)
    return root


def run_demo(repository, *arguments, folder):
    command = ["bash", str(repository / "scripts" / "demo.sh"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_an_image_that_does_not_exist_stops_it_before_anything_is_installed(repository, tmp_path):
    done = run_demo(repository, "nowhere.tif", folder=tmp_path)
    assert done.returncode == 1 and "INSTALLING" not in done.stdout
    assert "no image nowhere.tif" in done.stderr


def test_a_relative_image_counts_from_where_the_user_stands(repository, tmp_path):
    (tmp_path / "here.tif").write_text("")
    assert "ASKED FOR --INPUT={}\n".format(tmp_path / "here.tif") in run_demo(
        repository, "here.tif", folder=tmp_path
    ).stdout


def test_the_archive_of_an_older_version_is_not_in_the_way(repository, tmp_path):
    out = repository / "runs" / "demo"
    out.mkdir(parents=True)
    (out / "semantic3d_plugin-0.1.0.zip").write_text("old")
    run_demo(repository, folder=tmp_path)
    assert [path.name for path in out.glob("*.zip")] == ["semantic3d_plugin-0.2.0.zip"]
    assert (out / "plugins" / "semantic3d_plugin" / "version").read_text() == "0.2.0"

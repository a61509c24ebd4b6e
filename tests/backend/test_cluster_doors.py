"""A cluster through the doors that users take: the command line, the plugin's runner, a folder of images."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import rasterio
from block_scene import LAYERS, contents, job_for

distributed = pytest.importorskip("distributed", reason="Dask is not installed: nothing to distribute over")

from s3d_protocol import JobControl  # noqa: E402
from semantic3d.jobs.reconstruct import run  # noqa: E402
from cluster_scene import expected, image  # noqa: E402, F401
from test_cluster import cluster  # noqa: E402, F401

from semantic3d_plugin.backend.s3d_protocol import Cancelled  # noqa: E402 # the plugin's own copy of the package
from semantic3d_plugin.runtime.runner import run_job  # noqa: E402

pytestmark = pytest.mark.usefixtures("small_blocks")
BACKEND = Path(run.__code__.co_filename).resolve().parents[2]


def test_the_command_line(cluster, image, package, expected, tmp_path):  # noqa: F811
    outputs = [word for name in LAYERS for word in (f"--{name.replace('_', '-')}", str(tmp_path / f"{name}.tif"))]
    words = [sys.executable, "-m", "semantic3d.cli", "reconstruct", image, "--model", package, "--overlap", "16"]
    scheduler = ["--scheduler", cluster.scheduler_address, "--report", str(tmp_path / "report.html")]
    environment = {**os.environ, "PYTHONPATH": str(BACKEND)}
    done = subprocess.run(words + outputs + scheduler, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "on 2 workers (cpu)" in done.stderr
    assert contents(tmp_path) == expected


class Feedback:
    """As QGIS's; cancels at the first block."""

    def __init__(self, cancels):
        self.cancels, self.said, self.share = cancels, [], 0.0

    def isCanceled(self):  # noqa: N802
        return self.cancels and self.share > 0

    def setProgress(self, share):  # noqa: N802
        self.share = share

    def pushInfo(self, text):  # noqa: N802
        self.said.append(text)

    pushWarning = setProgressText = pushInfo  # noqa: N815

    def reportError(self, text, fatal):  # noqa: N802
        self.said.append(text)


def plugins_on(cluster):  # noqa: F811
    with distributed.Client(cluster, set_as_default=False) as client:
        found = client.run(lambda dask_worker: [name for name in dask_worker.plugins if "semantic3d" in name])
    return sum(map(len, found.values()))


def test_the_plugins_runner(cluster, image, package, expected, tmp_path):  # noqa: F811
    job = job_for(image, package, tmp_path, scheduler=cluster.scheduler_address)
    run_job(sys.executable, "reconstruct", job, Feedback(cancels=False))
    assert contents(tmp_path) == expected


def test_cancel_in_the_plugin_leaves_nothing_on_the_cluster(cluster, image, package, tmp_path):  # noqa: F811
    job = job_for(image, package, tmp_path, scheduler=cluster.scheduler_address)
    with pytest.raises(Cancelled):
        run_job(sys.executable, "reconstruct", job, Feedback(cancels=True))
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []
    until = time.monotonic() + 30
    while plugins_on(cluster) and time.monotonic() < until:
        time.sleep(0.2)
    assert plugins_on(cluster) == 0


def test_a_folder_of_images_as_one_mosaic(cluster, image, package, tmp_path):  # noqa: F811
    (tmp_path / "sheets").mkdir()
    with rasterio.open(image) as whole:
        for name, left, width in (("a", 0, 200), ("b", 200, whole.width - 200)):
            window = rasterio.windows.Window(left, 0, width, whole.height)
            grid = {**whole.profile, "width": width, "transform": whole.window_transform(window)}
            with rasterio.open(tmp_path / "sheets" / f"{name}.tif", "w", **grid) as sheet:
                sheet.write(whole.read(window=window))
    found = []
    for scheduler in ("", cluster.scheduler_address):
        folder = tmp_path / (scheduler and "cluster" or "here")
        folder.mkdir()
        run(job_for(str(tmp_path / "sheets"), package, folder, scheduler=scheduler), JobControl())
        found.append(contents(folder))
    assert found[0] == found[1] and found[0]

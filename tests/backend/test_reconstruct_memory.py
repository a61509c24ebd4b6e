"""The memory of a reconstruction: what was said before, however large the image."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from block_scene import Watch
from fake_model import write_fake_package
from peak_memory import BACKEND, BLOCK, peak_kb, steps, tiled_raster

from s3d_protocol import ReconstructJob
from semantic3d.jobs.reconstruct import run


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_peak_is_what_was_said_and_hardly_grows(tmp_path):
    package = write_fake_package(tmp_path / "fake", tile_px=BLOCK)
    colours = np.concatenate([steps() % 251, steps() % 241, steps() % 239]).astype(np.uint8)
    peaks = []
    for wide in (8 * BLOCK, 40 * BLOCK):
        image = tiled_raster(tmp_path / f"{wide}.tif", 3 * BLOCK, colours, wide)
        outputs = ["--height", str(tmp_path / "h.tif"), "--sigma", str(tmp_path / "s.tif")]
        kb, said = peak_kb("reconstruct", image, "--model", package, "--max-memory", "600", *outputs)
        expected_mb = int(re.search(r"about (\d+) MB of main memory", said)[1])
        assert kb * 1024 / 1_000_000 < 1.1 * expected_mb < 600
        peaks.append(kb)
    # What rows of tiles share is carried over the whole width, 4 KB for each column, a few MB of it in memory; what
    # else grows are the files of five blocks that are open side by side instead of one.
    assert peaks[1] - peaks[0] < 60_000


def test_a_limit_that_the_runtime_alone_exceeds_is_said_to_be_exceeded(tmp_path):
    package = write_fake_package(tmp_path / "fake")
    image = tiled_raster(tmp_path / "i.tif", BLOCK, (np.concatenate([steps()] * 3) % 251).astype(np.uint8))
    for limit_mb, told in ((64, True), (8192, False)):
        control = Watch()
        job = ReconstructJob(image, package, height_path=str(tmp_path / "h.tif"), overlap_px=16, max_memory_mb=limit_mb)
        run(job, control)
        assert any(f"memory limit of {limit_mb} MB will be exceeded" in text for text in control.logs) is told


def test_the_memory_of_the_program_that_started_it_is_not_counted():
    child = "from semantic3d.inference.main_memory import peak_memory_mb as mb; print(mb())"
    run_child = f"subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    parent = f"import subprocess, sys; held = b'x' * 400_000_000; {run_child}"
    done = subprocess.run(
        [sys.executable, "-c", parent], env={**os.environ, "PYTHONPATH": str(BACKEND)}, stdout=subprocess.PIPE,
        text=True, check=True,
    )  # fmt: skip
    said = done.stdout.strip()
    assert 5 < int(said) < 200 if sys.platform.startswith("linux") else said == "None" or int(said) > 5

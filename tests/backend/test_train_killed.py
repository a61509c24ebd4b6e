"""A training run that is killed goes on from its checkpoint, to the weights of a run that nobody disturbed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_train import data  # noqa: F401

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")
pytest.importorskip("onnxscript")

from semantic3d.jobs import train  # noqa: E402
from semantic3d.models.package import load_package  # noqa: E402
from semantic3d.training.onnx_weights import read_weights  # noqa: E402

BACKEND = Path(train.__file__).resolve().parents[2]


def start(data, package):  # noqa: F811
    """`semantic3d train` in a process of its own, with a checkpoint after every second of its steps."""
    options = [
        data["image"], "--ndsm", data["ndsm"], "--land-cover", data["cover"], "--class-map", "10=2,30=4", "--base",
        data["base"], "--package", package, "--rank", 8, "--steps", 16, "--batch-size", 1, "--patch", 64, "--block", 44,
        "--validation-share", 0.25, "--validate-every", 2, "--patience", 0, "--device", "cpu", "--name", "mine",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(BACKEND), "OMP_NUM_THREADS": "1"}
    words = [str(word) for word in (sys.executable, "-m", "semantic3d.cli", "train", *options)]
    return subprocess.Popen(
        words, env=environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def finish(process):
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said[-3000:]
    return said


def test_killed_twice(data, tmp_path):  # noqa: F811
    package, state = tmp_path / "mine", tmp_path / "mine.training" / "state.safetensors"
    for moment_s in (0.05, 0.4):
        before = state.stat().st_mtime_ns if state.exists() else 0
        process = start(data, package)
        until = time.monotonic() + 300
        while not (state.exists() and state.stat().st_mtime_ns > before):
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                raise AssertionError(f"no checkpoint before the end: {process.communicate()[0][-3000:]}")
            time.sleep(0.01)
        time.sleep(moment_s)
        process.kill()
        process.communicate()
        assert [path.name for path in tmp_path.iterdir()] == ["mine.training"]
    assert "Going on after step" in finish(start(data, package))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]

    finish(start(data, tmp_path / "undisturbed"))
    found, expected = (
        read_weights(load_package(str(tmp_path / name)).read_onnx())[0] for name in ("mine", "undisturbed")
    )
    assert len(found) > 100 and found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=2e-6, rtol=1e-3)

"""The train job from Stable Diffusion, and with several processes: a package that reconstructs at once."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from test_train import data, job_of  # noqa: F401

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("accelerate")
pytest.importorskip("onnxscript")

from tiny_diffusion import save_folder  # noqa: E402

from s3d_protocol import InvalidModel, JobControl, ReconstructJob  # noqa: E402
from semantic3d.jobs import reconstruct, train  # noqa: E402
from semantic3d.jobs.train_setup import recomputes  # noqa: E402
from semantic3d.models.package import load_package  # noqa: E402
from semantic3d.training import export_large  # noqa: E402
from semantic3d.training.bases import find_base  # noqa: E402
from semantic3d.training.onnx_weights import read_weights  # noqa: E402

BACKEND = Path(train.__file__).resolve().parents[2]


@pytest.mark.parametrize("family", ["2", "xl"])
def test_from_stable_diffusion_to_a_package_that_reconstructs(data, tmp_path, monkeypatch, family):  # noqa: F811
    """XL is stored as real ones must be: weights in several files beside the graph."""
    pipeline = save_folder(tmp_path / "sd", family)
    if family == "xl":
        monkeypatch.setattr(export_large, "MOST_INLINE_BYTES", 0)
        monkeypatch.setattr(export_large, "SHARD_BYTES", 200_000)
    job = job_of(data, tmp_path / "mine", base_path=str(tmp_path / "sd"), steps=2, accumulation=2)
    values = train.run(job, JobControl())
    package = load_package(job.package_path)
    assert package.architecture["config"] == f"stable_diffusion_{family}" and "Open RAIL" in package.licence
    assert "unet/diffusion_pytorch_model.safetensors" in package.architecture["base"]["files"]
    assert package.tile_size_px == 64 and package.timestep == 1 and package.validation["onnx_parity_m"] < 1e-3
    weights = [name for name in package.files if name.endswith(".safetensors")]
    if family == "xl":
        assert len(weights) > 2 and len(package.external) > 100 and package.files["model.onnx"]["bytes"] < 600_000
        stored = sum(package.files[name]["bytes"] for name in weights)
        large = [p.numel() for p in pipeline.unet.parameters() if p.numel() >= 256]
        assert stored > 2 * sum(large)  # half precision, and the encoder's and decoder's besides
    else:
        assert not weights
    target = str(tmp_path / "h.tif")
    reconstruct.run(ReconstructJob(data["image"], job.package_path, height_path=target, overlap_px=16), JobControl())
    with rasterio.open(target) as found:
        assert np.isfinite(found.read(1)).all()
    assert values["steps_done"] == 2
    with pytest.raises(InvalidModel, match="fine-tuned from Stable Diffusion.*base itself"):
        find_base(job.package_path)


def test_gradient_checkpointing_is_on_for_stable_diffusion_unless_told(data, tmp_path):  # noqa: F811
    save_folder(tmp_path / "sd", "1")
    job = job_of(data, tmp_path / "mine")
    prepared = train.prepare(job, JobControl())
    diffusion = dataclasses.replace(prepared, base=find_base(str(tmp_path / "sd")))

    def asked(found, choice):
        return recomputes(dataclasses.replace(found, job=dataclasses.replace(job, gradient_checkpointing=choice)))

    assert [asked(prepared, choice) for choice in ("auto", "on", "off")] == [False, True, False]
    assert [asked(diffusion, choice) for choice in ("auto", "on", "off")] == [True, True, False]


def test_processes_times_accumulation_is_what_identifies_a_run(data, tmp_path):  # noqa: F811
    job = job_of(data, tmp_path / "mine")
    twice = dataclasses.replace(job, accumulation=2)
    again = dataclasses.replace(job, gradient_checkpointing="on")
    control = JobControl()
    alone = train.prepare(job, control)
    assert train.prepare(job, control, 2).fingerprint == train.prepare(twice, control).fingerprint != alone.fingerprint
    assert train.prepare(again, control).fingerprint == alone.fingerprint


def test_two_processes_train_what_one_does_with_two_batches_per_step(data, tmp_path):  # noqa: F811
    """Two CPU processes (gloo), started by what `accelerate launch` starts a process per GPU with."""
    alone = job_of(data, tmp_path / "alone", accumulation=2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the two have; sums over more threads are rounded in another order
    try:
        train.run(alone, JobControl())
    finally:
        torch.set_num_threads(threads)
    options = [
        data["image"], "--ndsm", data["ndsm"], "--land-cover", data["cover"], "--class-map", alone.class_map, "--base",
        data["base"], "--package", tmp_path / "team", "--rank", 8, "--steps", alone.steps, "--batch-size", 1,
        "--patch", 64, "--block", 44, "--validation-share", 0.25, "--validate-every", 2, "--device", "cpu", "--name",
        "mine",
    ]  # fmt: skip
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", 2, "-m", "semantic3d.cli", "train"]
    environment = {**os.environ, "PYTHONPATH": str(BACKEND), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [str(part) for part in (sys.executable, *launch, *options)], env=environment, capture_output=True, text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("package:") == 1 and done.stderr.count("Best trained weights") == 1  # the first alone speaks
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "team"]
    expected, found = (read_weights(load_package(str(tmp_path / name)).read_onnx())[0] for name in ("alone", "team"))
    assert len(found) > 100
    first, second = (torch.cat([state[name].flatten() for name in sorted(expected)]) for state in (expected, found))
    assert (first - second).norm() < 1e-5 * first.norm()

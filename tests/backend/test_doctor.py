"""The doctor: what it finds in a sound backend, and that each kind of fault is found."""
from __future__ import annotations

import importlib
import json

import numpy as np
import package_model
import pytest
from s3d_protocol import Cancelled, DeviceUnavailable, DoctorJob, InvalidParameter, JobControl
from semantic3d import cli
from semantic3d.jobs import doctor


@pytest.fixture
def model(tmp_path):
    package_model.write_fake_package(tmp_path / "fake")
    return str(tmp_path / "fake")


class Recorder(JobControl):
    def __init__(self):
        super().__init__()
        self.messages = []

    def send_progress(self, message):
        self.messages.append((message["done"], message["total"], message["text"]))


def found(values, name):
    return next(check for check in values["checks"] if check["name"] == name)


def test_a_sound_backend(model):
    control = Recorder()
    values = doctor.run(DoctorJob(model, "cpu"), control)
    assert values["healthy"] and values["problems"] == [] and values["device"] == "cpu"
    assert values["seconds_per_tile"] > 0 and values["version"]
    assert values["packages"]["numpy"] == np.__version__
    assert found(values, "numpy")["detail"] == np.__version__
    assert "CPUExecutionProvider" in values["providers"]
    assert values["model"]["name"] == "fake" and len(values["model"]["sha256"]) == 64
    assert json.loads(json.dumps(values)) == values
    assert control.messages[0][0] == 0 and control.messages[-1][:2] == (7, 7)
    assert "healthy" in doctor.report_text(values) and "NOT" not in doctor.report_text(values)


def test_the_model_really_runs(model, monkeypatch):
    tiles = []
    run = doctor.InferenceSession.run
    monkeypatch.setattr(doctor.InferenceSession, "run", lambda self, images, roles: tiles.append(images.shape)
                        or run(self, images, roles))
    doctor.run(DoctorJob(model, "cpu"), JobControl())
    assert tiles == [(1, 3, 64, 64)] * 2  # one to warm up, one to measure


def test_a_broken_model_is_found(model, tmp_path):
    (tmp_path / "fake" / "model.onnx").write_bytes(package_model.fake_onnx(height_scale=11.0))
    values = doctor.run(DoctorJob(model, "cpu"), JobControl())
    assert not values["healthy"] and "hash" in values["problems"][0] and values["seconds_per_tile"] is None
    assert "BAD  model" in doctor.report_text(values)


def test_a_missing_model_is_found(tmp_path):
    values = doctor.run(DoctorJob(str(tmp_path / "nothing"), "cpu"), JobControl())
    assert not values["healthy"] and "nothing" in values["problems"][0]


def test_a_package_that_does_not_load_is_found(model, monkeypatch):
    load = importlib.import_module

    def broken(name, *more):
        if name == "rasterio":
            raise ImportError("libgdal.so.99: cannot open shared object file")
        return load(name, *more)

    monkeypatch.setattr(importlib, "import_module", broken)
    values = doctor.run(DoctorJob(model, "cpu"), JobControl())
    assert not values["healthy"] and "libgdal.so.99" in found(values, "rasterio")["detail"]


class DeadCard:
    """An onnxruntime that lists CUDA although nothing runs on it."""

    def __init__(self, package, device):
        if device == "cuda":
            raise DeviceUnavailable("The driver is too old.")
        self.device = "cpu"

    def run(self, images, roles):
        return {}


def test_a_listed_card_that_does_not_work(model, monkeypatch):
    monkeypatch.setattr(doctor, "InferenceSession", DeadCard)
    monkeypatch.setattr(doctor, "listed_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    wanted = doctor.run(DoctorJob(model, "cuda"), JobControl())
    assert not wanted["healthy"] and "too old" in wanted["problems"][0] and wanted["device"] == ""
    auto = doctor.run(DoctorJob(model, "auto"), JobControl())
    assert auto["healthy"] and auto["device"] == "cpu" and "too old" in found(auto, "device cuda")["detail"]


def test_a_working_card_is_taken(model, monkeypatch):
    class GoodCard(DeadCard):
        def __init__(self, package, device):
            self.device = device

    monkeypatch.setattr(doctor, "InferenceSession", GoodCard)
    monkeypatch.setattr(doctor, "listed_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    values = doctor.run(DoctorJob(model, "auto"), JobControl())
    assert values["device"] == "cuda" and found(values, "device cpu")["ok"] and found(values, "device cuda")["ok"]


def test_a_run_that_ends_up_elsewhere_is_no_proof(model, monkeypatch):
    class Elsewhere(DeadCard):
        def __init__(self, package, device):
            self.device = "cpu"

    monkeypatch.setattr(doctor, "InferenceSession", Elsewhere)
    values = doctor.run(DoctorJob(model, "cuda"), JobControl())
    assert not values["healthy"] and "ended up on cpu" in values["problems"][0]


def test_little_room_is_a_remark_only(monkeypatch):
    monkeypatch.setattr(doctor, "free_memory_mb", lambda: 100)
    assert doctor.check_memory().ok is None and "100 MB" in doctor.check_memory().detail
    monkeypatch.setattr(doctor, "free_memory_mb", lambda: None)
    assert doctor.check_memory().ok is None


def test_old_python_is_found(monkeypatch):
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (99, 0))
    assert doctor.check_python().ok is False and "99.0" in doctor.check_python().detail


def test_it_can_be_cancelled_and_checks_its_job(model):
    control = JobControl()
    control.cancel()
    with pytest.raises(Cancelled):
        doctor.run(DoctorJob(model), control)
    with pytest.raises(InvalidParameter):
        doctor.run(DoctorJob(model, "abacus"), JobControl())


def test_the_command(model, capsys):
    assert cli.main(["doctor", "--model", model, "--device", "cpu", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["healthy"] is True
    assert cli.main(["doctor", "--model", model + "-not", "--device", "cpu"]) == 1
    assert "NOT healthy" in capsys.readouterr().out

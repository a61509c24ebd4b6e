"""semantic3d train: every option reaches the job, and what comes back is told. Needs no torch."""

from __future__ import annotations

import json

import pytest
from s3d_protocol import Cancelled, TrainJob
from semantic3d import cli
from semantic3d.jobs import train

VALUES = {
    "validation_mae_m": 1.234, "validation_rmse_m": 2.5, "accuracy": None, "building_iou": 0.5, "steps_done": 7,
    "best_step": 6, "device": "cpu", "megapixels": 1.0, "warnings": [], "seconds": 3.0,
}


@pytest.fixture
def jobs(monkeypatch):
    caught = []

    def run(job, control):
        job.check()
        caught.append(job)
        return {**VALUES, "outputs": job.outputs()}

    monkeypatch.setattr(train, "run", run)
    return caught


def test_defaults_are_those_of_the_job(jobs, capsys):
    assert cli.main(["train", "a.tif", "b.tif", "--ndsm", "h.tif", "--package", "out/my_town/"]) == 0
    assert jobs == [TrainJob(("a.tif", "b.tif"), "out/my_town/", ndsm_paths=("h.tif",), model_name="my_town")]
    out = capsys.readouterr().out
    assert "package: out/my_town" in out and "MAE 1.23 m, RMSE 2.50 m, building IoU 0.500" in out


def test_every_option_reaches_the_job(jobs, capsys):
    assert cli.main([
        "train", "a.tif", "--dsm", "d.tif", "e.tif", "--dtm", "t.tif", "--land-cover", "c.tif", "--class-map", "10=1",
        "--buildings", "b.geojson", "--bands", "4,3,2", "--base", "base.safetensors", "--rank", "64", "--steps", "9",
        "--batch-size", "2", "--patch", "128", "--learning-rate", "1e-3", "--weight-decay", "0.01",
        "--penalty-weight", "0.5", "--height-loss", "mse", "--validation-share", "0.3", "--block", "100",
        "--validate-every", "3", "--patience", "2", "--seed", "5", "--device", "cpu", "--max-memory", "900",
        "--name", "n", "--title", "T", "--package", "p", "--report", "r.html", "--json", "--accumulation", "4",
        "--gradient-checkpointing", "on", "--class-field", "kind",
    ]) == 0  # fmt: skip
    assert jobs == [TrainJob(
        ("a.tif",), "p", (), ("d.tif", "e.tif"), ("t.tif",), ("c.tif",), "10=1", "b.geojson", (4, 3, 2),
        "base.safetensors", 64, 9, 2, 128, 1e-3, 0.01, 0.5, "mse", 0.3, 100.0, 3, 2, 5, "cpu", 900, "n", "T", "r.html",
        4, "on", "kind",
    )]  # fmt: skip
    assert json.loads(capsys.readouterr().out)["building_iou"] == 0.5


def test_wrong_parameters_and_cancel_have_their_exit_codes(jobs, monkeypatch, capsys):
    assert cli.main(["train", "a.tif", "--package", "p"]) == 2
    assert "nothing to learn from" in capsys.readouterr().err

    def cancelled(job, control):
        raise Cancelled("x")

    monkeypatch.setattr(train, "run", cancelled)
    assert cli.main(["train", "a.tif", "--ndsm", "h.tif", "--package", "p"]) == 130


def test_a_process_beside_the_first_says_nothing(monkeypatch, capsys):
    monkeypatch.setattr(train, "run", lambda job, control: {})
    assert cli.main(["train", "a.tif", "--ndsm", "h.tif", "--package", "p"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("options", "every"),
    [((), 100), (("--steps", "60"), 6), (("--steps", "5"), 1), (("--steps", "60", "--validate-every", "7"), 7)],
)
def test_a_short_run_is_validated_ten_times_as_in_qgis(jobs, tmp_path, options, every):
    cli.main(["train", "a.tif", "--ndsm", "h.tif", "--package", str(tmp_path / "p"), *options])
    assert jobs[0].validate_every == every

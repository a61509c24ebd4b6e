"""A training run's checkpoint: whose it is, what becomes of it, and that no work is lost."""

from __future__ import annotations

import os

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")
pytest.importorskip("onnxscript")

from safetensors.torch import save_file  # noqa: E402

import test_train  # noqa: E402
from test_train import job_of  # noqa: E402

from s3d_protocol import JobControl, OutputFailed  # noqa: E402
from semantic3d.jobs import train  # noqa: E402
from semantic3d.training.fine_tune import Ledger, Validation  # noqa: E402
from semantic3d.training.run_folder import held  # noqa: E402

data, quick_export = test_train.data, test_train.quick_export  # fixtures


def test_what_others_keep_in_the_folder_of_checkpoints_stays(data, tmp_path, quick_export):
    folder = tmp_path / "m.training"
    folder.mkdir()
    (folder / "thesis.odt").write_text("years of work")
    with pytest.raises(OutputFailed, match="m.training.*holds other things .thesis.odt"):
        train.run(job_of(data, tmp_path / "m"), JobControl())
    (folder / "ledger.json").write_text("{}")  # an earlier run's
    (folder / ".tmpAb3dE6").write_text("a checkpoint half written")
    train.run(job_of(data, tmp_path / "m", steps=1, validate_every=1), JobControl())
    assert [path.name for path in folder.iterdir()] == ["thesis.odt"]


def test_two_jobs_for_one_package_do_not_share_a_checkpoint(data, tmp_path):
    job = job_of(data, tmp_path / "m")
    with held(train.checkpoint_folder(job)):
        with pytest.raises(OutputFailed, match=f"Process {os.getpid()} is already training.*m.training") as found:
            train.run(job, JobControl())
        assert found.value.details["pid"] == os.getpid()
        assert [path.name for path in (tmp_path / "m.training").iterdir()] == ["lock"]
    assert not list(tmp_path.iterdir())


def test_a_job_that_fails_leaves_no_folder_of_checkpoints(tmp_path):
    with pytest.raises(OutputFailed, match="no number"), held(tmp_path / "m.training"):
        raise OutputFailed("no number")
    assert not list(tmp_path.iterdir())


def test_weights_of_another_run_are_never_taken_for_the_best(tmp_path):
    mine, other = Ledger(tmp_path / "mine", "mine"), Ledger(tmp_path / "other", "other")
    for ledger in (mine, other):
        ledger.add(Validation(2, 1.0, 0.5, {}), {"w": torch.zeros(1)})
    (tmp_path / "other" / "best.safetensors").replace(tmp_path / "mine" / "best.safetensors")
    with pytest.raises(OutputFailed, match="their fingerprint is other, not mine"):
        mine.best_state()


def test_weights_of_an_earlier_version_say_nothing_of_themselves_and_are_taken(tmp_path):
    ledger = Ledger(tmp_path, "f")
    ledger.add(Validation(2, 1.0, 0.5, {}), {"w": torch.zeros(1)})
    save_file({"w": torch.ones(1)}, str(tmp_path / "best.safetensors"))
    assert ledger.best_state()["w"].item() == 1

"""A training run's checkpoint: whose it is, what becomes of it, and that no work is lost."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")
pytest.importorskip("onnxscript")

import test_train  # noqa: E402
from test_train import job_of  # noqa: E402

from s3d_protocol import JobControl, OutputFailed  # noqa: E402
from semantic3d.jobs import train  # noqa: E402

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

"""A training run's checkpoint: whose it is, what becomes of it, and that no work is lost."""

from __future__ import annotations

import dataclasses
import json
import os
import re

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")
pytest.importorskip("onnxscript")

from safetensors import SafetensorError  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

import test_train  # noqa: E402
from test_train import Control, job_of  # noqa: E402

from s3d_protocol import Cancelled, InvalidParameter, JobControl, OutputFailed, durable  # noqa: E402
from s3d_protocol.diagnosis import diagnose  # noqa: E402
from semantic3d import cli  # noqa: E402
from semantic3d.jobs import train  # noqa: E402
from semantic3d.training import adapt, loop  # noqa: E402
from semantic3d.training.fine_tune import Ledger, Validation  # noqa: E402
from semantic3d.training.patches import PatchSource  # noqa: E402
from semantic3d.training.run_folder import RunIdentity, held  # noqa: E402

SETTINGS = {"steps": 1000, "validate_every": 100, "learning_rate": 3e-4}
data, quick_export = test_train.data, test_train.quick_export  # fixtures


def run_of(fingerprint, data="pixels", **settings):
    return RunIdentity(fingerprint, {**SETTINGS, **settings}, data)


def checkpoint(folder, step):
    save_file({"ema.w": torch.zeros(1)}, str(folder / "state.safetensors"), metadata={"step": str(step)})


def begun(folder, step=340):
    """The checkpoint of a run with some validations."""
    ledger = Ledger(folder, run_of("first"))
    for at in (0, 100, 200, 300):
        ledger.add(Validation(at, 1.0, abs(at - 200.0), {}), {"w": torch.tensor([float(at)])})
    checkpoint(folder, step)
    return ledger


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
    mine, other = Ledger(tmp_path / "mine", run_of("mine")), Ledger(tmp_path / "other", run_of("other"))
    for ledger in (mine, other):
        ledger.add(Validation(2, 1.0, 0.5, {}), {"w": torch.zeros(1)})
    (tmp_path / "other" / "best.safetensors").replace(tmp_path / "mine" / "best.safetensors")
    with pytest.raises(OutputFailed, match="best.safetensors is of another run"):
        mine.best_state()
    assert Ledger(tmp_path / "mine", run_of("mine")).rows == []  # nor are they when the run goes on


def test_weights_of_an_earlier_version_say_nothing_of_themselves_and_are_taken(tmp_path):
    ledger = Ledger(tmp_path, run_of("f"))
    ledger.add(Validation(2, 1.0, 0.5, {}), {"w": torch.zeros(1)})
    save_file({"w": torch.ones(1)}, str(tmp_path / "best.safetensors"))
    assert ledger.best_state()["w"].item() == 1


def test_patience_may_change_on_the_way(tmp_path):
    """Patience is in the fingerprint of earlier versions, and decides about nothing but the end."""
    begun(tmp_path)
    again = Ledger(tmp_path, run_of("of another patience"))
    assert [row.step for row in again.rows] == [0, 100, 200, 300] and not again.ends
    again.add(Validation(400, 1.0, 1.0, {}), {"w": torch.zeros(1)})
    assert again.best_state()["w"].item() == 200 and Ledger(tmp_path, run_of("first")).row(400)


def test_a_checkpoint_of_an_earlier_version_goes_on(tmp_path):
    begun(tmp_path)
    ledger = tmp_path / "ledger.json"
    stored = json.loads(ledger.read_text())
    ledger.write_text(json.dumps({"fingerprint": "first", "rows": stored["rows"]}))
    again = Ledger(tmp_path, run_of("first"))
    assert len(again.rows) == 4 and again.best_state()["w"].item() == 200
    again.add(Validation(400, 1.0, 900.0, {}), None)
    assert json.loads(ledger.read_text())["settings"] == SETTINGS  # noted from now on


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (run_of("x", learning_rate=0.001), "of 340 steps.*its learning_rate is 0.0003, not 0.001"),
        (run_of("x", steps=2000), "of 340 steps.*its steps is 1000, not 2000"),
        (run_of("x", steps=200, learning_rate=0.001), "its steps is 1000, not 200; its learning_rate"),
        (run_of("x", "other pixels"), "other images, labels or base"),
    ],
)
def test_the_checkpoint_of_another_run_is_kept_elsewhere(tmp_path, wanted, words):
    folder, said = tmp_path / "m.training", []
    begun(folder)
    (folder / "notes.txt").write_text("stays")
    before = (folder / "best.safetensors").read_bytes()
    anew = Ledger(folder, wanted, lambda text, level: said.append((level, text)))
    assert not anew.rows and not anew.ends and anew.steps_done() == 0
    ((level, text),) = said
    assert level == "warning" and re.search(words, text) and str(tmp_path / "m.training.1") in text
    aside = tmp_path / "m.training.1"
    assert (aside / "best.safetensors").read_bytes() == before and (folder / "notes.txt").exists()
    assert len(Ledger(aside, run_of("first")).rows) == 4
    checkpoint(folder, 20)
    assert len(Ledger(folder, run_of("first")).rows) == 0 and (tmp_path / "m.training.2").is_dir()


def test_a_run_without_a_step_leaves_nothing_aside(tmp_path):
    folder = tmp_path / "m.training"
    Ledger(folder, run_of("first")).add(Validation(0, None, 1.0, {}), None)
    assert Ledger(folder, run_of("x", learning_rate=1.0)).rows == []
    assert [path.name for path in tmp_path.iterdir()] == ["m.training"]


@pytest.mark.parametrize(("steps", "validate_every", "ends"), [(340, 100, True), (300, 30, True), (341, 100, False)])
def test_fewer_steps_than_are_done_end_the_run(tmp_path, steps, validate_every, ends):
    folder = tmp_path / "m.training"
    begun(folder)
    found = Ledger(folder, run_of("x", steps=steps, validate_every=validate_every))
    assert found.ends == ends and bool(found.rows) == ends
    if ends:
        found.add(Validation(340, 1.0, 900.0, {}), None)
        assert json.loads((folder / "ledger.json").read_text())["settings"] == SETTINGS  # it stays what it was


def test_a_run_can_be_ended_early_with_the_best_weights_so_far(data, tmp_path, quick_export):
    job = job_of(data, tmp_path / "m", steps=9)
    with pytest.raises(Cancelled):
        train.run(job, Control(cancel_at=3))
    control = Control()
    values = train.run(dataclasses.replace(job, steps=3), control)
    assert values["steps_done"] == 3 and values["best_step"] in (2, 3) and len(quick_export) == 1
    assert any("3 steps are done, 3 asked for: training ends with the best" in text for _, text in control.logs)
    assert any("Validation after step 3" in text for _, text in control.logs)  # what was learnt last counts, too
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_diverged_run_is_told_and_leaves_nothing(data, tmp_path, quick_export):
    job = job_of(data, tmp_path / "m", steps=40, learning_rate=1.0, weight_decay=0.0, validate_every=20)
    with pytest.raises(InvalidParameter, match="Training diverged.*Lower the learning rate .it was 1. and train again"):
        train.run(job, JobControl())
    assert not quick_export and not list(tmp_path.iterdir())


def test_what_was_learnt_before_a_run_diverged_is_kept(data, tmp_path, quick_export, monkeypatch):
    real, calls = adapt.joint_loss, []

    def spoilt_at_step_three(*arguments):
        calls.append(1)
        return real(*arguments) * (float("nan") if len(calls) == 3 else 1.0)

    monkeypatch.setattr(adapt, "joint_loss", spoilt_at_step_three)
    control = Control()
    values = train.run(job_of(data, tmp_path / "m"), control)
    assert (values["best_step"], values["steps_done"]) == (2, 2) and len(quick_export) == len(calls) - 2 == 1
    assert ("warning", "Training diverged at step 3 and ends there.") in control.logs


def truncated(path):
    path.write_bytes(path.read_bytes()[:-3])


@pytest.mark.parametrize(
    ("name", "spoil", "words"),
    [
        ("state.safetensors", truncated, "SafetensorError.*not fully covered"),
        ("state.safetensors", lambda path: path.write_bytes(b""), "SafetensorError"),
        ("state.safetensors", lambda path: save_file({}, str(path)), "is damaged"),
        ("best.safetensors", os.remove, "best.safetensors"),
        ("best.safetensors", truncated, "SafetensorError"),
        ("ledger.json", os.remove, "ledger.json"),
        ("ledger.json", lambda path: path.write_text(""), "JSONDecodeError"),
        ("ledger.json", lambda path: path.write_text("[]"), "TypeError"),
    ],
)
def test_a_damaged_checkpoint_is_set_aside_and_told(tmp_path, name, spoil, words):
    folder, said = tmp_path / "m.training", []
    begun(folder)
    spoil(folder / name)
    anew = Ledger(folder, run_of("first"), lambda text, level: said.append(text))
    assert anew.rows == [] and anew.steps_done() == 0 and (tmp_path / "m.training.1").is_dir()
    assert len(said) == 1 and re.search(f"is damaged.*{words}|{words}.*m.training.1", said[0])
    anew.add(Validation(100, 1.0, 0.5, {}), {"w": torch.zeros(1)})
    assert anew.best_state()


def test_a_run_broken_off_before_its_best_weights_were_noted_goes_on(tmp_path):
    """They are written before the ledger; the validation is done again."""
    ledger = begun(tmp_path, step=400)
    note = (tmp_path / "ledger.json").read_bytes()
    ledger.add(Validation(400, 1.0, -1.0, {}), {"w": torch.full((1,), 400.0)})
    (tmp_path / "ledger.json").write_bytes(note)
    again = Ledger(tmp_path, run_of("first"))
    assert len(again.rows) == 4 and again.row(400) is None
    checkpoint(tmp_path, 500)
    assert Ledger(tmp_path, run_of("first")).rows == []  # but these are of a validation that nobody knows of


def test_a_full_disk_leaves_the_checkpoint_that_was_there(tmp_path, monkeypatch):
    def no_room(tensors, path, metadata):
        with open(path, "wb") as file:
            file.write(b"half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    path = tmp_path / "state.safetensors"
    loop.write_weights(path, {"w": torch.zeros(1)}, {"step": "4"})
    before = path.read_bytes()
    monkeypatch.setattr(loop, "save_file", no_room)
    with pytest.raises(SafetensorError) as found:
        loop.write_weights(path, {"w": torch.ones(1)}, {"step": "8"})
    assert path.read_bytes() == before and [entry.name for entry in tmp_path.iterdir()] == ["state.safetensors"]
    error = diagnose(found.value)
    assert isinstance(error, OutputFailed) and "The disk is full" in error.message


def test_what_is_written_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    acts = []
    monkeypatch.setattr(durable, "sync_file", lambda path: acts.append(os.path.exists(path) and not target.exists()))
    monkeypatch.setattr(durable, "sync_folder", lambda path: acts.append(target.exists()))
    target = tmp_path / "state.safetensors"
    loop.write_weights(target, {"w": torch.zeros(1)}, {})
    assert acts == [True, True]


def test_the_command_line_tells_of_weights_that_cannot_be_read(tmp_path, monkeypatch, capsys):
    def broken(*arguments):
        load_file(str(tmp_path / "w.safetensors"))

    (tmp_path / "w.safetensors").write_bytes(b"half")
    monkeypatch.setattr(cli, "_doctor", broken)
    assert cli.main(["doctor"]) == cli.EXIT_FAILED
    assert "A file of weights cannot be read" in capsys.readouterr().err


def test_cancel_is_heard_between_the_batches_of_a_step(data, tmp_path, monkeypatch):
    real, draws, control = PatchSource.batch, [], Control()

    def batch(source, size, draw):
        draws.append(draw % 10**7)
        if draws[-1] == 5:
            control.cancel()
        return real(source, size, draw)

    monkeypatch.setattr(PatchSource, "batch", batch)
    with pytest.raises(Cancelled):
        train.run(job_of(data, tmp_path / "m", accumulation=4), control)
    assert draws == [0, 1, 2, 3, 4, 5]  # of steps of four
    said = [text for _, text in control.logs]
    assert any("A checkpoint is written every 3 minutes or 2 steps" in text for text in said)
    assert said[-1] == "Cancelled. The same job goes on after step 1."

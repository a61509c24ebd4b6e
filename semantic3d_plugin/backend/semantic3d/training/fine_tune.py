"""A fine-tuning run: train, validate now and then, keep the best weights, stop early, go on after a break."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file

from s3d_protocol import JobControl, OutputFailed

from ..datasets.labelled import Sample
from ..models.adapted import AdaptedDiffusion, PhysicalOutputs
from .adapt import LossConfig, adapt
from .loop import Ema, LoopConfig, checkpoint_loss, checkpoint_state, load_state, trained_state
from .patches import PatchSource
from .run_folder import BEST, LEDGER, STATE, clear
from .scoring import Scores, score
from .team import SOLO, Team

EMA_SHARE = 0.05  # of the run that the averaged weights look back on


@dataclass(frozen=True)
class Validation:
    """One look at the held-out samples.

    Attributes:
        step: after how many steps; 0 is before training.
        loss: smoothed training loss, None before training.
        merit: what is minimised: the height MAE over that of the training mean, plus the share of wrong classes.
        figures: `Scores.to_dict()`.
    """

    step: int
    loss: float | None
    merit: float
    figures: dict

    @property
    def rank(self) -> float:
        """What rows are compared by: a diverged model's merit, NaN or infinite, is worse than any."""
        return self.merit if math.isfinite(self.merit) else math.inf


@dataclass(frozen=True)
class FineTuning:
    """Settings of a run.

    Attributes:
        loop: steps, rates, `checkpoint_every` is the validation interval.
        losses: weights of the loss.
        batch_size, seed: of the patches.
        patience: validations without gain that end the run; 0 never.
        tile_px: window of the validation.
        class_count, building_code: of the model.
        reference_mae_m: of the training mean on the validation samples.
    """

    loop: LoopConfig
    losses: LossConfig
    batch_size: int
    seed: int
    patience: int
    tile_px: int
    class_count: int
    building_code: int
    reference_mae_m: float


class Ledger:
    """The validations of a run, on disk beside its checkpoint, under the job's fingerprint."""

    def __init__(self, folder: Path, fingerprint: str):
        """Open the run's folder; another job's checkpoint in it is deleted.

        Raises:
            OutputFailed: the folder cannot be made.
        """
        self.folder, self._fingerprint = folder, fingerprint
        self.rows: list[Validation] = []
        stored = self._read()
        if stored is None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                clear(folder)
            except OSError as error:
                raise OutputFailed(f"The folder {folder} for checkpoints cannot be made: {error}.") from error
            self._write()
        else:
            self.rows = [Validation(**row) for row in stored]

    @property
    def best(self) -> Validation | None:
        """The trained weights' best validation; the model before training does not count."""
        trained = [row for row in self.rows if row.step > 0]
        return min(trained, key=lambda row: (row.rank, row.step)) if trained else None

    def row(self, step: int) -> Validation | None:
        """The validation after `step` steps, if there was one."""
        return next((row for row in self.rows if row.step == step), None)

    def add(self, row: Validation, state: dict | None) -> None:
        """Note a validation; its weights are kept where it is the best so far."""
        before = self.best
        if state is not None and row.step > 0 and (before is None or row.rank < before.rank):
            aside = self.folder / ".best.partial"
            tensors = {name: value.cpu().contiguous() for name, value in state.items()}
            save_file(tensors, str(aside), metadata={"fingerprint": self._fingerprint, "step": str(row.step)})
            aside.replace(self.folder / BEST)
        self.rows = [other for other in self.rows if other.step != row.step] + [row]
        self._write()

    def best_state(self) -> dict:
        """The best weights.

        Raises:
            OutputFailed: the file is another run's, or of another validation.
        """
        with safe_open(str(self.folder / BEST), framework="pt") as stored:
            said = stored.metadata() or {}  # earlier versions said nothing
        for name, expected in (("fingerprint", self._fingerprint), ("step", str(self.best.step))):
            if said.get(name, expected) != expected:
                raise OutputFailed(
                    f"The weights in {self.folder / BEST} are not this run's: their {name} is {said[name]}, not "
                    f"{expected}. Something else wrote to that folder. Delete the folder and train again."
                )
        return load_file(str(self.folder / BEST))

    def is_exhausted(self, patience: int) -> bool:
        """Whether the last `patience` validations brought no gain."""
        if not patience or self.best is None:
            return False
        return sum(row.step > self.best.step for row in self.rows) >= patience

    def _read(self) -> list | None:
        try:
            stored = json.loads((self.folder / LEDGER).read_text(encoding="utf-8"))
            return stored["rows"] if stored["fingerprint"] == self._fingerprint else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self) -> None:
        aside = self.folder / ".ledger.partial"
        content = {"fingerprint": self._fingerprint, "rows": [vars(row) for row in self.rows]}
        aside.write_text(json.dumps(content, indent=1), encoding="utf-8")
        os.replace(aside, self.folder / LEDGER)


def fine_tune(
    model: AdaptedDiffusion, source: PatchSource, validation: list[Sample], run: FineTuning, ledger: Ledger,
    control: JobControl, team: Team = SOLO,
) -> int:
    """Train, and leave the best validated weights in `model`.

    A run that was broken off goes on from its last checkpoint to the same result.

    Args:
        model: on the run's device.
        source: of training patches; a step's batch follows from the seed and the step's number alone.
        validation: held-out samples.
        team: processes that train together, of which this is the first; the others call `fine_tune_along`.

    Returns:
        Steps done.

    Raises:
        Cancelled: the user stopped; the steps done are kept.
    """
    looker = _Looker(model, validation, run, ledger, control)
    if ledger.row(0) is None:
        looker.look(0, None)
    done = _checkpoint_step(ledger.folder)
    if done:
        control.log(f"Going on after step {done} of {run.loop.steps}.")
        if looker.is_due(done) and ledger.row(done) is None:  # broken off between checkpoint and validation
            looker.look(done, checkpoint_loss(ledger.folder), checkpoint_state(ledger.folder)[0])
    if not team.any(ledger.is_exhausted(run.patience)):
        _adapt(model, source, run, ledger.folder, looker.on_checkpoint, looker.on_step, team)
    load_state(model, ledger.best_state())
    return _checkpoint_step(ledger.folder)


def fine_tune_along(
    model: AdaptedDiffusion, source: PatchSource, run: FineTuning, folder: Path, control: JobControl, team: Team
) -> None:
    """What the other processes of a team do meanwhile: compute gradients. The first saves, validates and decides.

    Args:
        folder: of the checkpoints, on a disk that all processes see.

    Raises:
        Cancelled: the user stopped.
    """
    if not team.any(False):
        _adapt(model, source, run, folder, None, lambda done, loss: control.check_cancelled(), team)


def _adapt(model, source: PatchSource, run: FineTuning, folder: Path, on_checkpoint, on_step, team: Team) -> None:
    decay = min(0.998, max(0.5, 1 - 1 / max(2.0, EMA_SHARE * run.loop.steps)))
    adapt(
        model, lambda draw: source.batch(run.batch_size, run.seed * 10**7 + draw), run.loop, run.losses, folder,
        on_checkpoint, on_step, decay, team,
    )


class _Looker:
    """Watches the loop: progress, cancel, validation, early stop."""

    def __init__(self, model, validation, run: FineTuning, ledger: Ledger, control: JobControl):
        self._model, self._validation, self._run = model, validation, run
        self._ledger, self._control = ledger, control
        self._loss: float | None = None

    def is_due(self, step: int) -> bool:
        return step % self._run.loop.checkpoint_every == 0 or step == self._run.loop.steps

    def on_step(self, done: int, loss: float) -> None:
        self._loss = loss
        self._control.progress(done, self._run.loop.steps, "steps", text=self._text(loss))
        self._control.check_cancelled()

    def on_checkpoint(self, step: int, ema: Ema) -> bool:
        self.look(step, checkpoint_loss(self._ledger.folder), ema.state)  # as a run that was broken off sees it
        self._control.progress(step, self._run.loop.steps, "steps", text=self._text(self._loss))
        stops = self._ledger.is_exhausted(self._run.patience) and step < self._run.loop.steps
        if stops:
            self._control.log(f"No gain in {self._run.patience} validations: training ends at step {step}.")
        return stops

    def look(self, step: int, loss: float | None, state: dict | None = None) -> None:
        """Validate the model, or these weights in it, and note the outcome."""
        now = trained_state(self._model) if state is not None else None
        if state is not None:
            load_state(self._model, state)
        scores = score(
            PhysicalOutputs(self._model), self._validation, self._run.tile_px, self._run.class_count,
            self._run.building_code, self._control.check_cancelled,
        )
        if now is not None:
            load_state(self._model, now)
        row = Validation(step, loss, merit(scores, self._run.reference_mae_m), scores.to_dict())
        self._ledger.add(row, state)
        self._control.log(f"Validation after step {step}: {figures_text(row.figures)}.")

    def _text(self, loss: float | None) -> str:
        parts = [] if loss is None else [f"loss {loss:.3f}"]
        if self._ledger.rows:
            parts.append(f"validation {figures_text(self._ledger.rows[-1].figures)}")
        return ", ".join(parts)


def merit(scores: Scores, reference_mae_m: float) -> float:
    """What the best weights minimise; see `Validation`."""
    total = 0.0
    if scores.height_pixels:
        total += scores.mae_m / max(reference_mae_m, 0.1)
    if scores.class_pixels:
        total += 1.0 - scores.accuracy
    return total


def figures_text(figures: dict) -> str:
    """The main figures in a few words."""
    parts = []
    if figures["mae_m"] is not None:
        parts.append(f"MAE {figures['mae_m']:.2f} m")
    if figures["accuracy"] is not None:
        parts.append(f"accuracy {figures['accuracy']:.1%}")
    return ", ".join(parts) or "nothing labelled"


def _checkpoint_step(folder: Path) -> int:
    return checkpoint_state(folder)[1] if (folder / STATE).exists() else 0

"""A fine-tuning run: train, validate now and then, keep the best weights, stop early, go on after a break."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from s3d_protocol import Cancelled, InvalidParameter, JobControl

from ..datasets.labelled import Sample
from ..models.adapted import AdaptedDiffusion, PhysicalOutputs
from .adapt import LossConfig, adapt
from .ledger import Ledger, Validation
from .loop import Diverged, Ema, LoopConfig, checkpoint_loss, checkpoint_state, load_state, trained_state
from .patches import PatchSource
from .run_folder import clear
from .scoring import Scores, score
from .team import SOLO, Team

EMA_SHARE = 0.05  # of the run that the averaged weights look back on


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


def fine_tune(
    model: AdaptedDiffusion, source: PatchSource, validation: list[Sample], run: FineTuning, ledger: Ledger,
    control: JobControl, team: Team = SOLO,
) -> int:
    """Train, and leave the best validated weights in `model`.

    A run that was broken off goes on from its last checkpoint to the same result. Where `ledger.ends`, the run has all
    the steps that are asked for, or more, and ends where it is.

    Args:
        model: on the run's device.
        source: of training patches; a step's batch follows from the seed and the step's number alone.
        validation: held-out samples.
        team: processes that train together, of which this is the first; the others call `fine_tune_along`.

    Returns:
        Steps done.

    Raises:
        Cancelled: the user stopped; the steps done are kept.
        InvalidParameter: the run diverged before a validation gave a number; its checkpoint is deleted.
    """
    looker = _Looker(model, validation, run, ledger, control)
    if ledger.row(0) is None:
        looker.look(0, None)
    done = ledger.steps_done()
    if ledger.ends:
        control.log(f"{done} steps are done, {run.loop.steps} asked for: training ends with the best weights so far.")
    elif done:
        control.log(f"Going on after step {done} of {run.loop.steps}.")
    if done and ledger.row(done) is None and (ledger.ends or looker.is_due(done)):  # broken off before it was validated
        looker.look(done, checkpoint_loss(ledger.folder), checkpoint_state(ledger.folder)[0])
    if not team.any(ledger.ends or ledger.is_exhausted(run.patience)):
        control.log(
            f"A checkpoint is written every {run.loop.longest_unsaved_s / 60:g} minutes or {run.loop.checkpoint_every} "
            f"steps to {ledger.folder}. However this job ends, the same job goes on from there."
        )
        try:
            _adapt(model, source, run, ledger.folder, looker.on_checkpoint, looker.on_step, control, team)
        except Cancelled:
            control.log(f"Cancelled. The same job goes on after step {ledger.steps_done()}.")
            raise
        except Diverged as diverged:
            control.log(f"Training diverged at step {diverged.step} and ends there.", "warning")
    _check_best(ledger, run.loop.learning_rate)
    load_state(model, ledger.best_state())
    return ledger.steps_done()


def _check_best(ledger: Ledger, learning_rate: float) -> None:
    if ledger.best is None or not math.isfinite(ledger.best.merit):
        clear(ledger.folder)  # going on from there would end here again
        raise InvalidParameter(
            "Training diverged: no validation after it began gave a number, so that there is nothing to keep. Lower "
            f"the learning rate (it was {learning_rate:g}) and train again."
        )


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
        with suppress(Diverged):  # it does so in all processes at once; the first one tells
            _adapt(model, source, run, folder, None, None, control, team)


def _adapt(
    model, source: PatchSource, run: FineTuning, folder: Path, on_checkpoint, on_step, control: JobControl, team: Team
) -> None:
    def batch(draw: int):
        control.check_cancelled()  # also between the batches of a step, which may take long
        return source.batch(run.batch_size, run.seed * 10**7 + draw)

    decay = min(0.998, max(0.5, 1 - 1 / max(2.0, EMA_SHARE * run.loop.steps)))
    adapt(model, batch, run.loop, run.losses, folder, on_checkpoint, on_step or (lambda *_: None), decay, team)


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

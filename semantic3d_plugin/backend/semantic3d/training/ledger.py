"""What a training run has found so far: its validations and best weights, beside the loop's checkpoint."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file

from s3d_protocol import OutputFailed

from .loop import checkpoint_state
from .run_folder import BEST, LEDGER, LENGTH, STATE, RunIdentity, clear, set_aside


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


class Ledger:
    """The validations of a run, on disk beside its checkpoint, under the run's identity.

    Attributes:
        folder: of the run.
        rows: the validations, in the order in which they were made.
        ends: whether no more steps are asked for than the checkpoint has, so that the run ends where it is.
    """

    def __init__(self, folder: Path, identity: RunIdentity, log: Callable[[str, str], None] = lambda text, level: None):
        """Open the run's folder; another run's checkpoint in it is set aside.

        Args:
            log: told (text, level) of what is set aside.

        Raises:
            OutputFailed: the folder cannot be made, or what is in it cannot be moved.
        """
        self.folder, self._identity = folder, identity
        self.rows: list[Validation] = []
        self.ends = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stored = self._read()
            differences = identity.differences(stored) if stored else {}
            self.ends = bool(differences) and self._is_shorter(differences, identity)
            if stored and (self.ends or not differences):
                self._identity = RunIdentity.of(stored) or identity  # a run that ends stays what it was
                self.rows = [Validation(**row) for row in stored["rows"]]
            else:
                self._begin("; ".join(differences.values()) or f"{LEDGER} says nothing", log)
        except OSError as error:
            raise OutputFailed(f"The folder {folder} for checkpoints cannot be used: {error}.") from error

    def steps_done(self) -> int:
        """Steps in the checkpoint."""
        return checkpoint_state(self.folder)[1] if (self.folder / STATE).exists() else 0

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
            save_file(tensors, str(aside), metadata={"fingerprint": self._identity.fingerprint, "step": str(row.step)})
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
        for name, expected in (("fingerprint", self._identity.fingerprint), ("step", str(self.best.step))):
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

    def _is_shorter(self, differences: dict, identity: RunIdentity) -> bool:
        """Whether a run differs in its length alone, and has no more steps than were done."""
        return set(differences) <= set(LENGTH) and identity.settings["steps"] <= self.steps_done()

    def _begin(self, differences: str, log: Callable[[str, str], None]) -> None:
        """Begin anew; steps that were done are kept, but elsewhere."""
        if (self.folder / STATE).exists():
            done = self.steps_done()
            log(
                f"The checkpoint in {self.folder}, of {done} steps, is another run's ({differences}). It was moved to "
                f"{set_aside(self.folder)}, and training starts anew. To go on with it, move its files back and give "
                "its settings again; if nobody needs it, delete it.",
                "warning",
            )
        clear(self.folder)
        self._write()

    def _read(self) -> dict | None:
        try:
            stored = json.loads((self.folder / LEDGER).read_text(encoding="utf-8"))
            return stored if isinstance(stored["rows"], list) and isinstance(stored["fingerprint"], str) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self) -> None:
        aside = self.folder / ".ledger.partial"
        content = {**vars(self._identity), "rows": [vars(row) for row in self.rows]}
        aside.write_text(json.dumps(content, indent=1), encoding="utf-8")
        os.replace(aside, self.folder / LEDGER)

"""What a training run has found so far: its validations and best weights, beside the loop's checkpoint."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from s3d_protocol import OutputFailed
from s3d_protocol.durable import replace_durably

from .loop import checkpoint_state, write_weights
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


def best_of(rows: list[Validation]) -> Validation | None:
    """The trained weights' best validation; the model before training does not count."""
    trained = [row for row in rows if row.step > 0]
    return min(trained, key=lambda row: (row.rank, row.step)) if trained else None


class Ledger:
    """The validations of a run, on disk beside its checkpoint, under the run's identity.

    Attributes:
        folder: of the run.
        rows: the validations, in the order in which they were made.
        ends: whether no more steps are asked for than the checkpoint has, so that the run ends where it is.
    """

    def __init__(self, folder: Path, identity: RunIdentity, log: Callable[[str, str], None] = lambda text, level: None):
        """Open the run's folder; another run's checkpoint in it, or a damaged one, is set aside.

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
            obstacle = self._take_up()
            if obstacle:
                self._begin(obstacle, log)
        except OSError as error:
            raise OutputFailed(f"The folder {folder} for checkpoints cannot be used: {error}.") from error

    def steps_done(self) -> int:
        """Steps in the checkpoint."""
        return checkpoint_state(self.folder)[1] if (self.folder / STATE).exists() else 0

    @property
    def best(self) -> Validation | None:
        """The trained weights' best validation; the model before training does not count."""
        return best_of(self.rows)

    def row(self, step: int) -> Validation | None:
        """The validation after `step` steps, if there was one."""
        return next((row for row in self.rows if row.step == step), None)

    def add(self, row: Validation, state: dict | None) -> None:
        """Note a validation; its weights are kept where it is the best so far."""
        before = self.best
        if state is not None and row.step > 0 and (before is None or row.rank < before.rank):
            tensors = {name: value.cpu().contiguous() for name, value in state.items()}
            said = {"fingerprint": self._identity.fingerprint, "step": str(row.step)}
            write_weights(self.folder / BEST, tensors, said)
        self.rows = [other for other in self.rows if other.step != row.step] + [row]
        self._write()

    def best_state(self) -> dict:
        """The best weights.

        Raises:
            OutputFailed: the file is another run's, or of another validation: the disk knows no locks.
        """
        damage = self._damage(self._identity.fingerprint, self.rows, self.steps_done())
        if damage:
            raise OutputFailed(f"{self.folder}: {damage}. Another run wrote there. Delete the folder and train again.")
        return load_file(str(self.folder / BEST))

    def is_exhausted(self, patience: int) -> bool:
        """Whether the last `patience` validations brought no gain."""
        if not patience or self.best is None:
            return False
        return sum(row.step > self.best.step for row in self.rows) >= patience

    def _take_up(self) -> str:
        """Take up the run that is there; returns what speaks against it, in words, "" for nothing."""
        try:
            stored = json.loads((self.folder / LEDGER).read_text(encoding="utf-8"))
            rows = [Validation(**row) for row in stored["rows"]]
            differences = self._identity.differences(stored)
            done = self.steps_done()
            damage = self._damage(stored["fingerprint"], rows, done)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
            return f"is damaged ({type(error).__name__}: {error})"
        if damage:
            return f"is damaged ({damage})"
        ends = bool(differences) and set(differences) <= set(LENGTH) and self._identity.settings["steps"] <= done
        if differences and not ends:
            return f"is another run's, of {done} steps ({'; '.join(differences.values())})"
        self._identity = RunIdentity.of(stored) or self._identity  # a run that ends stays what it was
        self.rows, self.ends = rows, ends
        return ""

    def _damage(self, fingerprint: str, rows: list[Validation], done: int) -> str:
        """What is wrong with the best weights, in words, "" for nothing.

        Raises:
            OSError, SafetensorError: they are missing or cannot be read.
        """
        best = best_of(rows)
        if best is None:
            return ""
        with safe_open(str(self.folder / BEST), framework="pt") as opened:
            said = opened.metadata() or {}  # earlier versions said nothing
        step = int(said.get("step", best.step))
        if said.get("fingerprint", fingerprint) != fingerprint:
            return f"{BEST} is of another run"
        if step != best.step and (step != done or any(row.step == done for row in rows)):
            return f"{BEST} is of step {step}, not {best.step}"
        return ""  # where it is of the last step, the run was broken off before that was noted, and validates again

    def _begin(self, obstacle: str, log: Callable[[str, str], None]) -> None:
        """Begin anew; steps that were done are kept, but elsewhere.

        Args:
            obstacle: what the checkpoint that is there is.
        """
        if (self.folder / STATE).exists():
            log(
                f"The checkpoint in {self.folder} {obstacle}. It was moved to {set_aside(self.folder)}, and training "
                "starts anew. Another run's goes on when its files are moved back and its settings given again; if "
                "nobody needs it, delete it.",
                "warning",
            )
        clear(self.folder)
        self._write()

    def _write(self) -> None:
        aside = self.folder / ".ledger.partial"
        content = {**vars(self._identity), "rows": [vars(row) for row in self.rows]}
        aside.write_text(json.dumps(content, indent=1), encoding="utf-8")
        replace_durably(str(aside), str(self.folder / LEDGER))

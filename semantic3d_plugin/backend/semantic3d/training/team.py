"""Several processes that train one model, a GPU each, as `accelerate launch` starts them.

Each draws patches of its own; gradients are averaged before every step, so that N processes of batch B are one of N
accumulated batches B. The first process alone validates, saves, reports and decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta

import torch
from torch import Tensor

LONGEST_WAIT = timedelta(hours=12)  # others wait while the first process validates


class Team:
    """One process alone: there is nobody to agree with."""

    rank, count = 0, 1

    @property
    def is_first(self) -> bool:
        """Whether this process validates, saves and reports."""
        return self.rank == 0

    def draw(self, step: int, part: int, parts: int) -> int:
        """Number of the batch for one of a step's parts in this process; no two share one."""
        return (step * parts + part) * self.count + self.rank

    def any(self, flag: bool) -> bool:
        """Whether some process says so."""
        return flag

    def mean(self, value: Tensor) -> Tensor:
        """Mean of a tensor over the processes."""
        return value

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Give every process the mean of all gradients."""

    def wait(self) -> None:
        """Go on when all processes are here."""

    def leave(self) -> None:
        """End the connection; call it in every process."""


class AcceleratedTeam(Team):
    """Processes that `accelerate` connects.

    Args:
        accelerator: `accelerate.Accelerator`.
    """

    def __init__(self, accelerator):
        self._accelerator = accelerator
        self.rank, self.count = accelerator.process_index, accelerator.num_processes

    def any(self, flag: bool) -> bool:
        said = torch.tensor(float(flag), device=self._accelerator.device)
        return self._accelerator.reduce(said, reduction="sum").item() > 0

    def mean(self, value: Tensor) -> Tensor:
        return self._accelerator.reduce(value.detach(), reduction="mean")

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        means = self.mean(torch.cat([gradient.reshape(-1) for gradient in gradients]))  # channels last have no view
        for gradient, mean in zip(gradients, means.split([gradient.numel() for gradient in gradients])):
            gradient.copy_(mean.view(gradient.shape))

    def wait(self) -> None:
        self._accelerator.wait_for_everyone()

    def leave(self) -> None:
        self._accelerator.end_training()


SOLO = Team()


def process_count() -> int:
    """How many processes were started together; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def find_team(device: str) -> Team:
    """The processes that were launched together; this one alone without a launcher.

    Args:
        device: cpu, cuda or auto, as the job says; each process gets a GPU of its own.
    """
    if process_count() < 2:
        return SOLO
    from accelerate import Accelerator, InitProcessGroupKwargs

    wait = InitProcessGroupKwargs(timeout=LONGEST_WAIT)
    return AcceleratedTeam(Accelerator(cpu=device == "cpu", mixed_precision="no", kwargs_handlers=[wait]))

"""Which workers may go on with a job: some leave, and some that come late do not fit."""

from __future__ import annotations

import math
import time

from s3d_protocol import DeviceUnavailable, JobControl

from .cluster_connection import Connection

_ROLL_CALL_S = 30.0  # between two looks, where no worker answers
_COUNT_S = 5.0  # between two looks, where blocks are finished
_MANY_WAITING = 200  # tasks at the scheduler; each names a folder and two numbers
_LONELY_S = 900.0  # without any: new ones may be on their way


class RollCall:
    """Knows who does not fit, and looks from time to time, while no block is finished, whether others are there."""

    def __init__(self, connection: Connection, needs_card: bool, control: JobControl):
        self._connection, self._needs_card, self._control = connection, needs_card, control
        self._next_s, self._alone_s = time.monotonic() + _ROLL_CALL_S, None
        self._unfit: set[str] = set()
        self._present: dict = {}
        self._fit: list[str] = []  # present and not paused
        self._looked_s = -math.inf

    def refused(self, address: str, why: str) -> None:
        """Note that a worker cannot take part; `why` names it."""
        if address not in self._unfit:
            self._unfit.add(address)
            self._control.log(f"{why} It does not take part in this job; others go on.", "warning")
        self._look()

    def _look(self) -> None:
        found = self._connection.workers()
        ours = with_card(found) if self._needs_card else found
        self._present = {name: found[name] for name in ours if name not in self._unfit}
        self._fit = [name for name, worker in self._present.items() if worker.get("status") != "paused"]
        self._looked_s = time.monotonic()

    def named(self) -> list[str] | None:
        """Return the workers that a task shall name; None for any, so that also those that come later get some.

        As soon as one does not fit, tasks name the others: being idle, it would draw one after the other.
        """
        if not self._unfit:
            return None
        if time.monotonic() - self._looked_s > _ROLL_CALL_S:
            self._look()
        return self._fit

    def most_waiting(self) -> int:
        """Return how many tasks should be under way.

        Each worker computes one block at a time, but one with several threads takes a task for each of them, and keeps
        those that it has taken: more than one to compute and one to begin with next would leave nothing to workers that
        come later. Where each has one thread many may wait, which is what an adaptive cluster grows by.
        """
        if time.monotonic() - self._looked_s > _COUNT_S:
            self._look()
        count = max(1, len(self._present))
        if all(worker.get("nthreads", 1) == 1 for worker in self._present.values()):
            return max(_MANY_WAITING, 4 * count)
        return 2 * count

    def is_stranded(self, named: list[str] | None) -> bool:
        """Tell whether a task waits for workers all of which are gone; Dask would wait for ever."""
        return named is not None and not set(named) & set(self._present)

    def answered(self) -> None:
        """Note that a worker has done something."""
        self._next_s, self._alone_s = time.monotonic() + _ROLL_CALL_S, None

    def call(self) -> bool:
        """Look, if it is time; tell whether that was done.

        Raises:
            DeviceUnavailable: there has been no worker for long.
        """
        now_s = time.monotonic()
        if now_s < self._next_s:
            return False
        self._next_s = now_s + _ROLL_CALL_S
        self._look()
        if self._fit or any(map(_is_at_work, self._present.values())):
            self._alone_s = None
        elif self._alone_s is None:
            self._alone_s = now_s
            self._control.log(
                f"{self._standstill()} The job waits for new ones, {_LONELY_S / 60:g} minutes at most.", "warning"
            )
        elif now_s - self._alone_s > _LONELY_S:
            raise self._lonely()
        return True

    def _standstill(self) -> str:
        if not self._present:
            return "The Dask scheduler has no workers left that could go on."
        return (
            f"All {len(self._present)} workers are paused: so Dask does with a worker whose memory limit is nearly "
            "used up. Start workers with more, dask worker --memory-limit 8GB, or with none, --memory-limit 0."
        )

    def _lonely(self) -> DeviceUnavailable:
        kind = " with a graphics card" if self._needs_card else ""
        address, others = self._connection.address, ""
        if self._present:
            others = f" {self._standstill()}"
        elif self._unfit:
            others = f" {len(self._unfit)} that came do not fit; the log says why."
        return DeviceUnavailable(
            f"The Dask scheduler {address} has had no workers{kind} that could go on for {_LONELY_S / 60:g} minutes."
            f"{others} Finished blocks are kept: start workers and run the same job again, or leave the scheduler out "
            "to go on here.",
            {"scheduler": address},
        )


def with_card(workers: dict) -> list[str]:
    """Return the addresses of those workers that announce a graphics card."""
    return [address for address, worker in workers.items() if worker.get("resources", {}).get("GPU", 0) >= 1]


def _is_at_work(worker: dict) -> bool:
    """Tell whether a worker, though paused, still works on a task that it had begun."""
    return worker.get("metrics", {}).get("task_counts", {}).get("executing", 0) > 0

"""Whether the cluster still has workers that could go on, while no block is finished."""

from __future__ import annotations

import time

from s3d_protocol import DeviceUnavailable, JobControl

from .cluster_connection import Connection

_ROLL_CALL_S = 30.0  # between two looks, where no worker answers
_LONELY_S = 900.0  # without any: new ones may be on their way


class RollCall:
    """Looks from time to time, while no block is finished, whether there are workers at all."""

    def __init__(self, connection: Connection, needs_card: bool, control: JobControl):
        self._connection, self._needs_card, self._control = connection, needs_card, control
        self._next_s, self._alone_s = time.monotonic() + _ROLL_CALL_S, None

    def answered(self) -> None:
        """Note that a worker has done something."""
        self._next_s, self._alone_s = time.monotonic() + _ROLL_CALL_S, None

    def call(self) -> None:
        """Look, if it is time.

        Raises:
            DeviceUnavailable: there has been no worker for long.
        """
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + _ROLL_CALL_S
        found = self._connection.workers()
        if with_card(found) if self._needs_card else found:
            self._alone_s = None
        elif self._alone_s is None:
            self._alone_s = now_s
            self._control.log(
                "The Dask scheduler has no workers left that could go on. The job waits for new ones, "
                f"{_LONELY_S / 60:g} minutes at most.",
                "warning",
            )
        elif now_s - self._alone_s > _LONELY_S:
            raise self._lonely()

    def _lonely(self) -> DeviceUnavailable:
        kind = " with a graphics card" if self._needs_card else ""
        address = self._connection.address
        return DeviceUnavailable(
            f"The Dask scheduler {address} has had no workers{kind} for {_LONELY_S / 60:g} minutes. Finished "
            "blocks are kept: start workers and run the same job again, or leave the scheduler out to go on here.",
            {"scheduler": address},
        )


def with_card(workers: dict) -> list[str]:
    """Return the addresses of those workers that announce a graphics card."""
    return [address for address, worker in workers.items() if worker.get("resources", {}).get("GPU", 0) >= 1]

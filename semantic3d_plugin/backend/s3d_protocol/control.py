"""What a job may say and ask while it runs."""

from __future__ import annotations

import threading
import time
from typing import Callable

from .aside import new_job_id
from .errors import Cancelled
from .messages import LOG_LEVELS


class JobControl:
    """A job's line to whoever started it: progress, log, cancel.

    This base says nothing to anybody, which is what tests and plain Python callers want.
    The worker and the command line override `send_progress` and `send_log`.
    """

    def __init__(self, job_id: str = "", clock: Callable[[], float] = time.monotonic):
        self.job_id = job_id or new_job_id()
        self._clock = clock
        self._started_s = clock()
        self._first_done = 0.0
        self._first_megapixels = 0.0
        self._unit: str | None = None
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the job to stop. Safe from any thread."""
        self._cancelled.set()

    def check_cancelled(self) -> None:
        """Raise Cancelled when the job was asked to stop. Call it at least every half second of work."""
        if self.cancelled:
            raise Cancelled("The job was cancelled.")

    def progress(
        self, done: float, total: float, unit: str = "tiles", megapixels: float = 0.0, text: str = ""
    ) -> None:
        """Report how far the job is.

        The first call with a new unit starts the clock, so that loading a model does not count as
        slow tiles: call it with ``done=0`` where the work begins.

        Args:
            done, total: in `unit`.
            megapixels: millions of image pixels finished so far.
            text: what is being done, if that is worth saying.
        """
        now_s = self._clock()
        if unit != self._unit:
            self._unit = unit
            self._started_s, self._first_done, self._first_megapixels = now_s, done, megapixels
        elapsed_s = now_s - self._started_s
        newly_done = done - self._first_done
        measurable = elapsed_s > 0 and newly_done > 0
        self.send_progress(
            {
                "type": "progress",
                "done": done,
                "total": total,
                "unit": unit,
                "megapixels": megapixels,
                "megapixels_per_s": (megapixels - self._first_megapixels) / elapsed_s if measurable else None,
                "seconds_left": elapsed_s * (total - done) / newly_done if measurable else None,
                "text": text,
            }
        )

    def log(self, text: str, level: str = "info") -> None:
        """Tell the user something worth reading; `level` is info, warning or error."""
        if level not in LOG_LEVELS:
            raise ValueError(f"level is {level!r}; one of {LOG_LEVELS} is needed")
        self.send_log(text, level)

    def send_progress(self, message: dict) -> None:
        """Deliver a ``progress`` message; rate and time left are None while nothing can be measured."""

    def send_log(self, text: str, level: str) -> None:
        """Deliver a log line."""

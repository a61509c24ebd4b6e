"""Run one job in the backend's process and wait for its answer.

Standard library only. `feedback` is anything with QgsProcessingFeedback's methods.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping

from ..backend.s3d_protocol import messages
from ..backend.s3d_protocol.aside import discard_partials, new_job_id
from ..backend.s3d_protocol.errors import Cancelled, Semantic3DError, from_message
from ..backend.s3d_protocol.jobs import Job
from ..backend.s3d_protocol.messages import EXIT_SUCCESS, PROTOCOL_VERSION
from . import errors
from .process import BackendProcess
from .progress import progress_percent, progress_text

WORKER = str(Path(__file__).resolve().parents[1] / "backend" / "worker.py")


@dataclass(frozen=True)
class Limits:
    """How patient the runner is, in seconds.

    Attributes:
        hello_s: from the start to the backend's first message (slow discs and virus scanners count in).
        silence_s: between two messages; the backend sends one each second, whatever it computes.
        cancel_s: for the job to stop by itself before it is killed.
        exit_s: from the result to the end of the process.
        tick_s: between two looks at the cancel button.
        text_s: between two lines of progress text.
    """

    hello_s: float = 60.0
    silence_s: float = 120.0
    cancel_s: float = 1.0
    exit_s: float = 20.0
    tick_s: float = 0.05
    text_s: float = 0.5


def run_job(
    python_path: str,
    kind: str,
    job: Job,
    feedback: Any = None,
    on_progress: Callable[[Mapping[str, Any]], None] | None = None,
    *,
    pump: Callable[[], None] | None = None,
    limits: Limits = Limits(),
    worker_path: str = WORKER,
) -> dict:
    """Run the job and return its result's values.

    When this returns or raises, no process of the job is left; when it raises, no unfinished output either.

    Args:
        python_path: the backend's Python, see `find_backend`.
        kind: the job's kind, such as "reconstruct".
        job: checked before anything is started.
        feedback: told of progress and log, asked for cancel; all in the calling thread. None is nobody.
        on_progress: called with each ``progress`` message.
        pump: called at each tick, to handle the events of a user interface.

    Raises:
        Semantic3DError: whatever went wrong, Cancelled included.
    """
    job.check()
    if not python_path:
        raise errors.no_python()
    job_id = new_job_id()
    try:
        process = BackendProcess([python_path, "-u", worker_path])
    except OSError as error:
        raise errors.not_started(python_path, error) from error
    listener = _Listener(feedback, on_progress, limits.text_s)
    conversation = _Conversation(process, python_path, kind, job, job_id, listener, limits)
    finished = False
    try:
        values = conversation.hold(pump)
        finished = True
    finally:
        process.kill()
        if not finished:
            _remove_unfinished(job, job_id, listener)
    return values


class _Conversation:
    """What is said between the start of the process and its end."""

    def __init__(
        self,
        process: BackendProcess,
        python_path: str,
        kind: str,
        job: Job,
        job_id: str,
        listener: _Listener,
        limits: Limits,
    ):
        self._process = process
        self._python_path = python_path
        self._order = messages.job(kind, job_id, job.to_dict())
        self._job = job
        self._listener = listener
        self._limits = limits
        self._introduced = False
        self._answer: dict | None = None
        self._answered_s = 0.0
        self._kill_at_s: float | None = None  # set once cancelled
        self._patient_since_s = self._ticked_s = time.monotonic()

    def hold(self, pump: Callable[[], None] | None) -> dict:
        """Listen until the process has ended, and return the result's values."""
        while self._process.exit_code is None:
            self._take(self._process.receive(self._limits.tick_s))
            if pump is not None:
                pump()
            self._look_at_cancel()
            self._look_at_clock()
        exit_code = self._process.exit_code
        self._take(self._process.kill())  # its own children too; they could hold the pipes open
        return self._judge(exit_code)

    def _take(self, received: list[dict]) -> None:
        for message in received:
            kind = message["type"]
            if kind == "hello":
                self._greet(message)
            elif kind in ("result", "error"):
                self._answered(message)
            elif kind == "progress":
                self._listener.progress(message)
            elif kind == "log":
                self._listener.log(str(message.get("text", "")), str(message.get("level", "info")))

    def _greet(self, hello: dict) -> None:
        if hello.get("protocol") != PROTOCOL_VERSION:
            raise errors.other_protocol(hello.get("protocol"), hello.get("version"))
        if not self._introduced:
            self._introduced = True
            self._process.send(self._order)

    def _answered(self, answer: dict) -> None:
        if not self._introduced:
            raise errors.no_introduction(answer["type"])
        if self._answer is not None:
            raise errors.spoke_twice(self._answer["type"], answer["type"], self._process)
        self._answer, self._answered_s = answer, time.monotonic()

    def _look_at_cancel(self) -> None:
        if self._kill_at_s is None and self._listener.cancelled():
            self._kill_at_s = time.monotonic() + self._limits.cancel_s
            self._process.send(messages.cancel())
        if self._kill_at_s is not None and time.monotonic() >= self._kill_at_s:
            raise _cancelled()

    def _look_at_clock(self) -> None:
        now_s = time.monotonic()
        if now_s - self._ticked_s > max(5.0, 20 * self._limits.tick_s):
            self._patient_since_s = now_s  # we ourselves were stopped: a laptop asleep, a modal dialog
        self._ticked_s = now_s
        waited_s = now_s - max(self._process.heard_s, self._patient_since_s)
        if not self._introduced and now_s - self._patient_since_s > self._limits.hello_s:
            raise errors.no_hello(self._python_path, self._limits.hello_s, self._process)
        if self._answer is not None and now_s - max(self._answered_s, self._patient_since_s) > self._limits.exit_s:
            raise self._reported_error() or errors.lingering(self._limits.exit_s, self._process)
        if self._introduced and waited_s > self._limits.silence_s:
            raise errors.silent(self._limits.silence_s, self._process, self._job)

    def _judge(self, exit_code: int) -> dict:
        """Success needs both, the result and the exit code."""
        if self._kill_at_s is not None:
            raise _cancelled()
        reported = self._reported_error()
        if reported is not None:
            raise reported
        if self._answer is None:
            raise errors.ended_silently(exit_code, self._introduced, self._process, self._job)
        if exit_code != EXIT_SUCCESS:
            raise errors.failed_after_result(exit_code, self._process)
        values = self._answer.get("values")
        if not isinstance(values, dict):
            raise errors.unreadable_result(self._process)
        foreign = _foreign_outputs(values, self._job)
        if foreign:
            raise errors.foreign_outputs(foreign, self._process)
        if self._process.noise_lines:
            self._listener.log(
                f"The backend printed {self._process.noise_lines} line(s) outside of the protocol, which were "
                f"skipped; the first: {self._process.first_noise}",
                "info",
            )
        return values

    def _reported_error(self) -> Semantic3DError | None:
        if self._answer is None or self._answer["type"] != "error":
            return None
        return from_message(self._answer)


class _Listener:
    """The user's side: feedback of Processing and a callback, either of which may be absent."""

    def __init__(self, feedback: Any, on_progress: Callable[[Mapping[str, Any]], None] | None, text_s: float):
        self._feedback = feedback
        self._on_progress = on_progress
        self._text_s = text_s
        self._next_text_s = 0.0

    def cancelled(self) -> bool:
        return self._feedback is not None and bool(self._feedback.isCanceled())

    def progress(self, message: dict) -> None:
        if self._on_progress is not None:
            self._on_progress(message)
        if self._feedback is None:
            return
        self._feedback.setProgress(progress_percent(message))
        now_s = time.monotonic()
        if now_s >= self._next_text_s or message.get("done") == message.get("total"):
            self._next_text_s = now_s + self._text_s
            self._feedback.setProgressText(progress_text(message))

    def log(self, text: str, level: str) -> None:
        if self._feedback is None:
            return
        text = messages.shown_text(text)
        if level == "error":
            self._feedback.reportError(text, False)
        elif level == "warning":
            self._feedback.pushWarning(text)
        else:
            self._feedback.pushInfo(text)


def _foreign_outputs(values: Mapping[str, Any], job: Job) -> str:
    """Return what the result names as an output and the job did not ask for, in words; "" where there is nothing."""
    named, asked = values.get("outputs", {}), job.outputs()
    if not isinstance(named, dict):
        return f"{type(named).__name__} in the place of paths"
    foreign = (name for name in named if name not in asked or asked[name] != named[name])
    return ", ".join(f"{name} as {named[name]}" for name in foreign)


def _cancelled() -> Cancelled:
    return Cancelled("The job was cancelled; unfinished outputs were removed.")


def _remove_unfinished(job: Job, job_id: str, listener: _Listener) -> None:
    stuck: list[str] = []
    for _ in range(5):  # Windows lets go of a dead process's files a moment late
        stuck = discard_partials(job.outputs().values(), job_id)
        if not stuck:
            return
        time.sleep(0.1)
    listener.log(f"Unfinished outputs could not be deleted, please do so: {', '.join(stuck)}", "warning")

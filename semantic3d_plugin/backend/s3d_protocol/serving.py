"""The worker's end of the conversation: says hello, takes one job, answers once, and ends.

The worker lives as long as the pipe on its standard input. When that closes, QGIS is gone or wants it
to stop, and the worker ends within a little more than `GRACE_S`, whatever its main thread is doing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any, BinaryIO, Callable, Mapping

from . import messages
from .aside import discard_partials, is_job_id
from .control import JobControl
from .diagnosis import diagnose
from .errors import Cancelled, InvalidParameter, ProtocolMismatch, Semantic3DError
from .jobs import Job, job_from_dict
from .messages import EXIT_CANCELLED, EXIT_ERROR, EXIT_MISMATCH, EXIT_SUCCESS, PROTOCOL_VERSION
from .version import product_version

HEARTBEAT_S = 1.0
GRACE_S = 1.0
_PROGRESS_EVERY_S = 0.1

RunJob = Callable[[Job, JobControl], Mapping[str, Any]]


def serve(run_job: RunJob, heartbeat_s: float = HEARTBEAT_S, grace_s: float = GRACE_S) -> int:
    """Hold the whole conversation on standard input and output.

    Args:
        run_job: does the work, returns the result's values, raises for anything else.
        heartbeat_s: how often to say that we live.
        grace_s: how long the job may take to stop when asked to.

    Returns:
        The exit code. Leave with ``os._exit``: by now everything is written, and the teardown of native
        libraries is a known source of crashes that would turn a success into a failure.
    """
    channel = Channel(*take_standard_streams())
    channel.send(messages.hello(product_version(), os.getpid()))
    threading.Thread(target=_beat, args=(channel, heartbeat_s), daemon=True).start()
    order = channel.receive()
    if order is None:
        return EXIT_CANCELLED
    if order["type"] != "job" or order.get("protocol") != PROTOCOL_VERSION:
        channel.send_last(_mismatch(order).to_message())
        return EXIT_MISMATCH
    return _Work(channel, run_job, order, grace_s).do()


def take_standard_streams() -> tuple[int, int]:
    """Move standard input and output to private descriptors and return them.

    Libraries print to descriptor 1, from C as well; it leads to standard error from here on. Nothing of
    ours stays on descriptor 0: a child would inherit the lifeline, and on Windows a DLL that asks for the
    type of standard input waits for as long as our thread reads from it.
    """
    sys.stdout.flush()
    orders, answers = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return orders, answers


class Channel:
    """Both pipes to QGIS. Sending is safe from any thread, and does nothing once QGIS is gone."""

    def __init__(self, orders_fd: int, answers_fd: int):
        self._orders: BinaryIO = os.fdopen(orders_fd, "rb")
        self._answers_fd = answers_fd
        self._lock = threading.Lock()
        self._open = True

    def send(self, message: Mapping[str, Any]) -> None:
        self._write(messages.encode(message), last=False)

    def send_last(self, message: Mapping[str, Any]) -> None:
        """Send the one result or error; nothing follows it, not even a heartbeat."""
        self._write(messages.encode(message), last=True)

    def receive(self) -> dict | None:
        """Return the next order, or None when the stream has ended. Lines that are none are skipped."""
        for line, complete in messages.read_lines(self._orders, messages.MAX_ORDER_BYTES):
            try:
                if complete:
                    return messages.decode(line)
            except messages.BadMessage:
                continue
        return None

    def _write(self, line: bytes, last: bool) -> None:
        with self._lock:
            if not self._open:
                return
            self._open = not last
            try:
                while line:
                    line = line[os.write(self._answers_fd, line) :]
            except OSError:  # nobody reads any more; the end of our input says so as well
                self._open = False


class _WorkerControl(JobControl):
    def __init__(self, job_id: str, channel: Channel):
        super().__init__(job_id)
        self._channel = channel
        self._next_progress_s = 0.0

    def send_progress(self, message: dict) -> None:
        now_s = time.monotonic()
        if now_s >= self._next_progress_s or message["done"] >= message["total"]:
            self._next_progress_s = now_s + _PROGRESS_EVERY_S
            self._channel.send(message)

    def send_log(self, text: str, level: str) -> None:
        self._channel.send(messages.log(text, level))


class _Work:
    """One job, from the order to the answer."""

    def __init__(self, channel: Channel, run_job: RunJob, order: Mapping[str, Any], grace_s: float):
        self._channel = channel
        self._run_job = run_job
        self._order = order
        self._grace_s = grace_s
        job_id = order.get("job_id")
        self._control = _WorkerControl(job_id if is_job_id(job_id) else "", channel)
        self._job: Job | None = None
        self._finished = threading.Event()
        self._orphaned = False

    def do(self) -> int:
        threading.Thread(target=self._obey, daemon=True).start()
        answer, code = self._outcome()
        if code != EXIT_SUCCESS:
            self._discard()
        self._finished.set()
        self._channel.send_last(answer)
        if self._orphaned:  # nobody is left to end what the job has started
            _end_with_children()
        return code

    def _outcome(self) -> tuple[dict, int]:
        try:
            if self._control.job_id != self._order.get("job_id"):
                raise InvalidParameter("The order names no job id of letters, digits, '_' and '-'.")
            job = job_from_dict(self._order.get("kind"), self._order.get("job"))
            job.check()
            self._job = job  # from here on its outputs are paths that can be cleaned up
            answer = messages.result(self._run_job(self._job, self._control))
            if len(messages.encode(answer)) > messages.MAX_LINE_BYTES:  # a value without a JSON form raises here
                raise ValueError(f"the result is longer than {messages.MAX_LINE_BYTES} bytes")
            return answer, EXIT_SUCCESS
        except BaseException as fault:  # the one place where everything is caught: nothing may end unsaid
            error: Semantic3DError = diagnose(fault, self._job)
            if self._control.cancelled:  # whatever broke, it broke while stopping
                error = Cancelled("The job was cancelled.")
            return error.to_message(), EXIT_CANCELLED if isinstance(error, Cancelled) else EXIT_ERROR

    def _obey(self) -> None:
        """Wait for a cancel or the end of the stream; then the job has the grace time to stop by itself."""
        order = self._channel.receive()
        while order is not None and order["type"] != "cancel":
            order = self._channel.receive()
        self._orphaned = order is None
        self._control.cancel()
        if not self._finished.wait(self._grace_s):
            self._discard()
            _end_with_children()

    def _discard(self) -> None:
        if self._job is not None:
            discard_partials(self._job.outputs().values(), self._control.job_id)


def _beat(channel: Channel, every_s: float) -> None:
    while True:
        time.sleep(every_s)
        channel.send(messages.alive())


def _end_with_children() -> None:
    """End this process at once, and those that it started. Does not return."""
    if os.name == "nt":
        taskkill = os.path.join(os.environ.get("SystemRoot", r"C:\Windows"), "System32", "taskkill.exe")
        if os.path.exists(taskkill):
            subprocess.run([taskkill, "/F", "/T", "/PID", str(os.getpid())])  # nosec B603 # fixed program, our own pid
    elif os.getpgrp() == os.getpid():  # otherwise the group is a shell's or a test's, not ours to end
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(EXIT_CANCELLED)


def _mismatch(order: Mapping[str, Any]) -> ProtocolMismatch:
    return ProtocolMismatch(
        f"The backend {product_version()} speaks protocol {PROTOCOL_VERSION}, but was given "
        f"{order['type']!r} in protocol {order.get('protocol')!r}. Install plugin and backend from the same release.",
        {"backend_protocol": PROTOCOL_VERSION},
    )

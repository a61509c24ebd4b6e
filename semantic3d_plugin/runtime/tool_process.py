"""Run a tool (uv, pip, an interpreter) whose output is for people: cancel at once, leave no process behind.

Even where QGIS is killed, the tool and what it started end: a shell beside the tool holds the other end of its lifeline.
"""

from __future__ import annotations

import errno
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

from ..backend.s3d_protocol.errors import Cancelled

_TICK_S = 0.05
_TAIL_LINES = 40
NO_ANSWER = -1
# The watcher lives in the tool's process group; the end of its input, which only we hold open, ends the group.
_WITH_LIFELINE = """
exec 3<&0 </dev/null
(read -r _ <&3; kill -KILL 0) >/dev/null 2>&1 &
exec "$@" 3<&-
"""


@dataclass(frozen=True)
class Finished:
    """How a tool ended.

    Attributes:
        exit_code: its exit code; -1 where it did not end in time and was killed.
        tail: the last lines of its output and its errors, together.
    """

    exit_code: int
    tail: str

    @property
    def ok(self) -> bool:
        return self.exit_code == 0


def run_tool(
    command: Sequence[str],
    variables: Mapping[str, str],
    feedback: Any = None,
    on_line: Callable[[str], None] | None = None,
    pump: Callable[[], None] | None = None,
    timeout_s: float | None = None,
    folder: str | None = None,
) -> Finished:
    """Run `command` with exactly these environment variables and wait for its end.

    Args:
        on_line: called in this thread with each line of output.
        pump: called at each tick, to handle the events of a user interface.
        folder: working folder.

    Raises:
        Cancelled: the user stopped it; the tool and what it started are gone.
        OSError: it cannot be started.
    """
    options: dict = {"stdin": subprocess.PIPE, "start_new_session": True}
    if os.name == "nt":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        options = {"stdin": subprocess.DEVNULL, "creationflags": flags}
    process = subprocess.Popen(  # nosec B603 - fixed arguments, tools named by the user's own machine
        _with_lifeline(command, variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(variables),
        cwd=folder,
        encoding="utf-8",
        errors="replace",
        **options,
    )
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
    try:
        while process.poll() is None:
            _pass_on(lines, tail, on_line, _TICK_S)
            if pump is not None:
                pump()
            if feedback is not None and feedback.isCanceled():
                raise Cancelled("The setup was cancelled; what was there before is unchanged.")
            if deadline_s is not None and time.monotonic() > deadline_s:
                return Finished(NO_ANSWER, "\n".join([*tail, f"no answer within {timeout_s:g} s"]))
    finally:
        _kill_tree(process)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
        reader.join(2)
        _pass_on(lines, tail, on_line, 0)
    return Finished(process.returncode, "\n".join(tail))


def _with_lifeline(command: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """The command, run through the shell that watches over it; as it stands where there is no such shell.

    Raises:
        OSError: its program does not exist or is none, which the shell would only say by its exit code.
    """
    if os.name == "nt":
        return list(command)
    program = shutil.which(command[0], path=variables.get("PATH", os.defpath))
    if program is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command[0])
    return ["/bin/sh", "-c", _WITH_LIFELINE, "sh", program, *command[1:]]


def _read(process: subprocess.Popen, lines: queue.Queue) -> None:
    with process.stdout as stream:
        for line in stream:
            lines.put(line.rstrip())


def _pass_on(lines: queue.Queue, tail: deque, on_line: Callable[[str], None] | None, wait_s: float) -> None:
    """Hand on what the tool said; wait up to `wait_s` for a first line."""
    try:
        line = lines.get(timeout=wait_s) if wait_s else lines.get_nowait()
        while True:
            if line:
                tail.append(line)
                if on_line is not None:
                    on_line(line)
            line = lines.get_nowait()
    except queue.Empty:
        return


def _kill_tree(process: subprocess.Popen) -> None:
    """End the tool and its children; harmless after its end."""
    if os.name != "nt":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # nobody left; macOS says the second for zombies
            return
        return
    if process.poll() is None:
        program = os.path.join(os.environ.get("SystemRoot", r"C:\Windows"), "System32", "taskkill.exe")
        if os.path.exists(program):
            subprocess.run(  # nosec B603 - fixed program of the system, our own child's pid
                [program, "/F", "/T", "/PID", str(process.pid)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                creationflags=subprocess.CREATE_NO_WINDOW,
                check=False,
            )
        if process.poll() is None:
            process.kill()

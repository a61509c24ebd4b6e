"""The backend's process and its pipes; what is said over them is the runner's business."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Mapping

from ..backend.s3d_protocol.messages import MAX_LINE_BYTES, BadMessage, decode, encode, read_lines

_STRIPPED_PREFIXES = ("PYTHON", "PROJ_", "GDAL_", "QGIS_", "DYLD_")
_KEPT_PREFIXES = ("GDAL_HTTP_", "GDAL_DISABLE_READDIR")  # how images in stores are read names no file of QGIS's
_STRIPPED = ("LD_LIBRARY_PATH", "VIRTUAL_ENV", "QT_PLUGIN_PATH")
_STDERR_LINES = 60
_STDERR_LINE_BYTES = 4096
_INBOX_SIZE = 1000
_INBOX_BYTES = 4 * MAX_LINE_BYTES
_END_S = 2.0


def backend_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables for the backend: QGIS's own libraries and data must not reach it."""
    kept = {
        name: value
        for name, value in environ.items()
        if name.upper().startswith(_KEPT_PREFIXES)
        or not (name.upper().startswith(_STRIPPED_PREFIXES) or name.upper() in _STRIPPED)
    }
    return {**kept, "PYTHONNOUSERSITE": "1", "PYTHONIOENCODING": "utf-8:backslashreplace"}


class BackendProcess:
    """A process in a group of its own, with threads that read both its streams.

    Attributes:
        noise_lines: lines on standard output that are no messages.
        first_noise: the first of them, for people.
    """

    def __init__(self, command: list[str]):
        """Start it.

        Raises:
            OSError: the program does not exist or cannot be started.
        """
        options: dict = {"start_new_session": True}
        if os.name == "nt":
            options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        self._process = subprocess.Popen(  # nosec B603 # no shell; the user set up the interpreter
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=backend_variables(os.environ),
            **options,
        )
        self.noise_lines = 0
        self.first_noise = ""
        self._heard_s = time.monotonic()
        self._inbox = _Inbox()
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._readers = [
            threading.Thread(target=self._read_messages, daemon=True),
            threading.Thread(target=self._read_stderr, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    @property
    def heard_s(self) -> float:
        """When the last message came in, on the monotonic clock; the start counts as one."""
        return self._heard_s

    @property
    def stderr_text(self) -> str:
        return "\n".join(list(self._stderr))

    def send(self, message: Mapping) -> None:
        """Send a message; a process that has ended does not mind, its exit code tells more."""
        with suppress(OSError):
            self._process.stdin.write(encode(message))
            self._process.stdin.flush()

    def receive(self, wait_s: float) -> list[dict]:
        """Return the messages that came in, after waiting up to `wait_s` for the first one."""
        return self._inbox.take(wait_s)

    def kill(self) -> list[dict]:
        """End the process and all that it started, and return the messages that were still on their way.

        Safe to call again, and after the process has ended by itself: what it left behind goes too.
        """
        self._kill_tree()
        with suppress(OSError):  # unsent bytes for a process that is no more
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):  # stuck in the system (a dead network disc): it dies when it returns
            self._process.wait(_END_S)
        remaining = []
        deadline_s = time.monotonic() + _END_S
        while any(reader.is_alive() for reader in self._readers) and time.monotonic() < deadline_s:
            remaining += self.receive(0.02)
        return remaining + self.receive(0)

    def _kill_tree(self) -> None:
        if os.name == "nt":
            self._taskkill()
            return
        with suppress(ProcessLookupError, PermissionError):  # nobody left; macOS says the second for zombies
            os.killpg(self._process.pid, signal.SIGKILL)

    def _taskkill(self) -> None:
        if self._process.poll() is not None:
            return
        program = os.path.join(os.environ.get("SystemRoot", r"C:\Windows"), "System32", "taskkill.exe")
        if os.path.exists(program):
            subprocess.run(  # nosec B603 # the system's program, our own child's pid
                [program, "/F", "/T", "/PID", str(self._process.pid)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                creationflags=subprocess.CREATE_NO_WINDOW,
                check=False,
            )
        if self._process.poll() is None:
            self._process.kill()

    def _read_messages(self) -> None:
        with self._process.stdout as stream:
            for line, complete in read_lines(stream, MAX_LINE_BYTES):
                try:
                    message = decode(line) if complete else None
                except BadMessage:
                    message = None
                if message is not None:
                    self._heard_s = time.monotonic()
                    self._inbox.put(message, len(line))
                elif line.strip():
                    self.noise_lines += 1
                    self.first_noise = self.first_noise or line[:200].decode("utf-8", "replace").strip()

    def _read_stderr(self) -> None:
        with self._process.stderr as stream:
            for line, _ in read_lines(stream, _STDERR_LINE_BYTES):
                if line.strip():
                    self._stderr.append(line.decode("utf-8", "replace").rstrip())


class _Inbox:
    """Messages between the reader and whoever takes them; full, by number or by bytes, means that the backend waits."""

    def __init__(self) -> None:
        self._messages: deque[tuple[dict, int]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()

    def put(self, message: dict, size_bytes: int) -> None:
        """Add a message that came as a line of so many bytes; waits while there is no room."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._messages) < _INBOX_SIZE and self._bytes < _INBOX_BYTES)
            self._messages.append((message, size_bytes))
            self._bytes += size_bytes
            self._changed.notify_all()

    def take(self, wait_s: float) -> list[dict]:
        """Return all that is there, after waiting up to `wait_s` for the first one."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._messages), wait_s)
            taken = [message for message, _ in self._messages]
            self._messages.clear()
            self._bytes = 0
            self._changed.notify_all()
        return taken

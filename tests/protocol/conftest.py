"""Fake backends: small scripts that misbehave in one way each, and a feedback that remembers."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from pathlib import Path

import pytest

from semantic3d_plugin.backend.s3d_protocol import ReconstructJob
from semantic3d_plugin.runtime.runner import Limits, run_job

BACKEND = Path(__file__).resolve().parents[2] / "semantic3d_plugin" / "backend"

FAKE = """
import json, os, signal, subprocess, sys, time

def say(**message):
    os.write(1, json.dumps(message).encode() + b"\\n")

def hello(protocol=1):
    say(type="hello", protocol=protocol, version="9.9", pid=os.getpid())
    return json.loads(sys.stdin.readline())

def note(name, text):
    with open(os.path.join(os.path.dirname(__file__), name), "w") as file:
        file.write(str(text))

def grandchild():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    note("grandchild", child.pid)
"""

SERVING = """
import os, sys, time, subprocess
sys.path.insert(0, {backend!r})
from s3d_protocol import *
from s3d_protocol.serving import serve

def note(name, text):
    with open(os.path.join(os.path.dirname(__file__), name), "w") as file:
        file.write(str(text))

def grandchild():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    note("grandchild", child.pid)

def write_partial(job, control):
    with open(partial_path(job.height_path, control.job_id), "wb") as file:
        file.write(b"half a height map")
    note("started", os.getpid())

def run_job(job, control):
{body}

os._exit(serve(run_job, heartbeat_s=0.1, grace_s={grace_s}))
"""

QUICK = Limits(hello_s=30.0, silence_s=30.0, cancel_s=0.4, exit_s=30.0, tick_s=0.01, text_s=0.0)


class Feedback:
    """QgsProcessingFeedback's methods; cancels as soon as the file `cancel_when` exists."""

    def __init__(self, cancel_when: Path | None = None):
        self.cancel_when = cancel_when
        self.percents: list[float] = []
        self.lines: list[tuple[str, str]] = []

    def isCanceled(self):
        return self.cancel_when is not None and self.cancel_when.exists()

    def setProgress(self, percent):
        self.percents.append(percent)

    def setProgressText(self, text):
        self.lines.append(("progress", text))

    def pushInfo(self, text):
        self.lines.append(("info", text))

    def pushWarning(self, text):
        self.lines.append(("warning", text))

    def reportError(self, text, fatal=False):
        self.lines.append(("error", text))


@pytest.fixture
def job(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return ReconstructJob("scene.tif", height_path=str(folder / "h.tif"), sigma_path=str(folder / "s.tif"))


@pytest.fixture
def fake(tmp_path):
    """Write a script that only pretends to be a backend."""

    def write(body: str) -> str:
        path = tmp_path / "fake.py"
        path.write_text(FAKE + textwrap.dedent(body))
        return str(path)

    return write


@pytest.fixture
def serving(tmp_path):
    """Write a backend with the real worker's end of the protocol around the given body of `run_job`."""

    def write(body: str, grace_s: float = 0.3) -> str:
        path = tmp_path / "serving.py"
        indented = textwrap.indent(textwrap.dedent(body), "    ")
        path.write_text(SERVING.format(backend=str(BACKEND), body=indented, grace_s=grace_s))
        return str(path)

    return write


@pytest.fixture
def run(job):
    """Run a script as the backend of the usual job."""

    def call(script: str, feedback=None, limits: Limits = QUICK, **options) -> dict:
        return run_job(sys.executable, "reconstruct", job, feedback, worker_path=script, limits=limits, **options)

    return call


def lives(pid: int) -> bool:
    """Whether a process exists and is more than a zombie that nobody has collected."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state != "Z"


def wait_for(condition, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


def noted_pid(folder: Path, name: str) -> int:
    """Return the process id that a script has noted down."""
    path = folder / name
    if not wait_for(lambda: path.exists() and path.read_text()):
        raise AssertionError(f"{name} was never written")
    return int(path.read_text())

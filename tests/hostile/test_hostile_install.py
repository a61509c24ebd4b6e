"""Two installers at once, and installers that are killed: one works, none is in the way of the next, nothing goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from semantic3d_plugin.backend.s3d_protocol.errors import OutputFailed
from semantic3d_plugin.runtime.install import Installer
from semantic3d_plugin.runtime.lockfiles import Lock
from semantic3d_plugin.runtime.ownership import Ownership
from semantic3d_plugin.runtime.tool_process import run_tool

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")
REPOSITORY = Path(__file__).resolve().parents[2]
FAKE_UV = REPOSITORY / "tests" / "environment" / "fake_uv.py"
INSTALL = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
from semantic3d_plugin.runtime.install import Installer
from semantic3d_plugin.runtime.lockfiles import Lock
Installer().install(Lock("light", "cpu"))
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, and a stand-in for uv that has a child, as pip and builds have."""
    program = tmp_path / "uv"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = venv ] || [ "$FAKE_UV" != hang ] || {{ sleep 120 & echo $! > "{tmp_path}/grandchild"; }}\n'
        f'{sys.executable} {FAKE_UV} "$@"\n'
    )
    program.chmod(0o755)
    for name, value in {
        "SEMANTIC3D_HOME": tmp_path / "home", "SEMANTIC3D_UV": program, "SEMANTIC3D_BASE_PYTHON": sys.executable,
        "FAKE_UV": "hang", "FAKE_UV_CALLS": tmp_path / "calls",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("SEMANTIC3D_PYTHON", raising=False)
    monkeypatch.setattr("semantic3d_plugin.runtime.locations.qgis_setting", lambda key: "")
    return tmp_path / "home"


def wait_for(condition, seconds=20.0):
    deadline_s = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return condition()


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def installing(home, tmp_path):
    """Another QGIS in the midst of an installation: its process, and what its tool has started."""
    qgis = subprocess.Popen([sys.executable, "-c", INSTALL])
    assert wait_for(lambda: (tmp_path / "calls").exists() and (tmp_path / "grandchild").exists())
    yield qgis, int((tmp_path / "grandchild").read_text())
    qgis.kill()
    qgis.wait()


def test_the_second_installer_is_told_who_is_at_work(installing, home):
    qgis, _ = installing
    with pytest.raises(OutputFailed, match=f"process {qgis.pid}.*Wait until it has finished"):
        Installer().install(Lock("light", "cpu"))
    assert qgis.poll() is None and any((home / "envs").glob("*.building-*"))


def test_a_killed_qgis_leaves_no_installer_and_no_lock_behind(installing, home, monkeypatch):
    qgis, grandchild = installing
    qgis.send_signal(signal.SIGKILL)
    qgis.wait()
    assert wait_for(lambda: not lives(grandchild), 5.0)
    monkeypatch.setenv("FAKE_UV", "ok")
    made = Installer().install(Lock("light", "cpu"))
    assert made.healthy
    assert sorted(path.name for path in (home / "envs").iterdir() if path.is_dir()) == [Lock("light", "cpu").name]


def test_a_lock_file_that_names_a_living_stranger_is_no_lock(tmp_path):
    """The number of a killed owner may be another program's by now."""
    (tmp_path / "setup.lock").write_text(f'{{"pid": {os.getppid()}, "since": 1}}')
    with Ownership(tmp_path / "setup.lock"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_tool_sees_no_lifeline_and_its_exit_code_comes_back():
    variables = {"PATH": os.environ["PATH"]}
    code = "import os, sys; print(sys.stdin.read() == '', sorted(os.listdir('/proc/self/fd'))[:4]); sys.exit(7)"
    done = run_tool([sys.executable, "-c", code], variables)
    assert done.exit_code == 7 and done.tail.startswith("True ['0', '1', '2', '3']")
    odd = ["a b", "$(touch x)", "'\"`;|&", "caf\u00e9\n2", "%PATH%"]
    done = run_tool([sys.executable, "-c", "import sys; print(ascii(sys.argv[1:]))", *odd], variables)
    assert done.tail == ascii(odd)
    with pytest.raises(OSError):
        run_tool(["/nowhere/python"], variables)

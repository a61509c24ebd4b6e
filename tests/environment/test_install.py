"""The installer's promises, with a stand-in for uv: atomic, one at a time, cancelled at once, no secrets in logs."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from semantic3d_plugin.backend.s3d_protocol.errors import Cancelled, InvalidParameter, OutputFailed
from semantic3d_plugin.runtime import install as module
from semantic3d_plugin.runtime import interpreters
from semantic3d_plugin.runtime.environment import find_backend, look_at
from semantic3d_plugin.runtime.install import Installer
from semantic3d_plugin.runtime.lockfiles import Lock
from semantic3d_plugin.runtime.ownership import Ownership
from semantic3d_plugin.runtime.tool_process import Finished

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")
LIGHT = Lock("light", "cpu")
PLAIN = interpreters.Interpreter(
    path="", version=(3, 11, 2), bits=64, implementation="CPython", machine="x86_64", threads=False, ssl=True, venv=True,
    ensurepip=True, pip=True, uv=False,
)  # fmt: skip


class Feedback:
    """Keeps what it is told; cancelled when `stop` is set."""

    def __init__(self):
        self.lines = []
        self.stop = threading.Event()

    def isCanceled(self):  # noqa: N802
        return self.stop.is_set()

    def setProgress(self, percent):  # noqa: N802
        pass

    def pushInfo(self, text):  # noqa: N802
        self.lines.append(text)

    pushConsoleInfo = pushInfo  # noqa: N815


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, with the stand-in for uv."""
    program = tmp_path / "uv"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("fake_uv.py")} "$@"\n')
    program.chmod(0o755)
    for name, value in {
        "SEMANTIC3D_HOME": tmp_path / "home",
        "SEMANTIC3D_UV": program,
        "SEMANTIC3D_BASE_PYTHON": sys.executable,
        "FAKE_UV": "ok",
        "FAKE_UV_CALLS": tmp_path / "calls",
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("SEMANTIC3D_PYTHON", raising=False)
    monkeypatch.setattr("semantic3d_plugin.runtime.locations.qgis_setting", lambda key: "")
    return tmp_path / "home"


def folders(home):
    return sorted(path.name for path in (home / "envs").iterdir() if path.is_dir())


def test_installed_in_its_final_place_and_marked(home):
    made = Installer().install(LIGHT)
    assert made.healthy and made.folder == str(home / "envs" / LIGHT.name)
    assert folders(home) == [LIGHT.name]
    marker = json.loads((Path(made.folder) / "complete.json").read_text())
    assert marker["versions"] == {"numpy": "1.0", "rasterio": "1.0", "onnxruntime": "1.0"}
    assert find_backend().python_path == made.python_path


def test_every_file_is_checked_against_its_hash(home, tmp_path):
    Installer().install(LIGHT)
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert "--require-hashes" in call and "--no-deps" in call and str(LIGHT.path) in call


def test_a_smaller_build_of_torch_is_asked_for_first(home, tmp_path, monkeypatch):
    monkeypatch.setattr(module.Installer, "_imports", lambda self, folder, lock: module.check_imports(sys.executable, (), {}))
    monkeypatch.setattr(module.Installer, "_install_cuda_of_torch", lambda *arguments: None)
    Installer().install(Lock("full", "cpu"))
    first, second = (tmp_path / "calls").read_text().splitlines()
    assert "full-cpu-local-builds.txt" in first and "--require-hashes" in first
    assert second.endswith("requirements.txt")  # the pins with that build among them
    monkeypatch.setenv("FAKE_UV", "no local builds")
    Installer().install(Lock("full", "cpu"), again=True)
    assert (tmp_path / "calls").read_text().splitlines()[-1].endswith(str(Lock("full", "cpu").path))


def test_a_wheelhouse_forbids_the_index(home, tmp_path):
    Installer(wheelhouse=str(tmp_path)).install(LIGHT)
    assert f"--no-index --find-links {tmp_path}" in (tmp_path / "calls").read_text()
    with pytest.raises(InvalidParameter, match="does not exist"):
        Installer(wheelhouse=str(tmp_path / "nowhere")).install(LIGHT)


PIP_LACKS = """Looking in links: /wheels
Ignoring onnxruntime: markers 'python_version < "3.11"' don't match your environment
Ignoring numpy: markers 'python_version < "3.11"' don't match your environment
ERROR: Could not find a version that satisfies the requirement affine==2.4.0 (from versions: none)
ERROR: No matching distribution found for affine==2.4.0"""
UV_LACKS = """  x No solution found when resolving dependencies:
  `-> Because affine was not found in the provided package locations and you
      require affine==2.4.0, we can conclude that your requirements are
      unsatisfiable."""


@pytest.mark.parametrize("words", [PIP_LACKS, UV_LACKS], ids=["pip", "uv"])
def test_a_wheelhouse_that_lacks_a_wheel_is_told_what_and_how_it_is_filled(home, tmp_path, monkeypatch, words):
    def run_tool(command, *more, **options):
        return Finished(1, words) if "install" in command else Finished(0, "")

    monkeypatch.setattr(module, "run_tool", run_tool)
    with pytest.raises(OutputFailed, match=f"{tmp_path}, which lacks affine==2.4.0") as refusal:
        Installer(wheelhouse=str(tmp_path)).install(LIGHT)
    assert "action download" in str(refusal.value)
    assert "proxy" not in str(refusal.value) and "Ignoring" not in str(refusal.value)


def test_a_wheelhouse_with_another_fault_names_no_package(home, tmp_path, monkeypatch):
    words = "ERROR: numpy-2.4.6-py3-none-any.whl is not a valid wheel"
    monkeypatch.setattr(module, "run_tool", lambda command, *more, **options: Finished(int("install" in command), words))
    with pytest.raises(OutputFailed, match="not a valid wheel. Fill it") as refusal:
        Installer(wheelhouse=str(tmp_path)).install(LIGHT)
    assert "lacks" not in str(refusal.value)


def test_downloading_makes_the_folder(home, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "run_tool", lambda *_, **options: Finished(0, ""))
    wheels = tmp_path / "on a stick" / "wheels"
    assert Installer(wheelhouse=str(wheels)).download(LIGHT) == 0
    assert wheels.is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFailed, match="file/wheels cannot be created"):
        Installer(wheelhouse=str(tmp_path / "file" / "wheels")).download(LIGHT)


def test_a_failed_download_advises_no_folder_of_wheels(home, tmp_path, monkeypatch):
    monkeypatch.setattr(
        module, "run_tool", lambda command, *more, **options: Finished(int("download" in command), "no route")
    )
    with pytest.raises(OutputFailed, match="no route. Check the network and QGIS's proxy settings. The whole"):
        Installer(wheelhouse=str(tmp_path)).download(LIGHT)


@pytest.mark.parametrize("behaviour, words", [("fail", "could not be installed"), ("broken", "libgdal is missing")])
def test_a_failed_install_is_never_taken_for_a_good_one(home, monkeypatch, behaviour, words):
    monkeypatch.setenv("FAKE_UV", behaviour)
    with pytest.raises(OutputFailed, match=words):
        Installer().install(LIGHT)
    assert folders(home) == []
    assert not find_backend().healthy


def test_a_failed_repair_leaves_the_old_one(home, monkeypatch):
    made = Installer().install(LIGHT)
    monkeypatch.setenv("FAKE_UV", "broken")
    with pytest.raises(OutputFailed):
        Installer().install(LIGHT, again=True)
    assert look_at(LIGHT) == made and folders(home) == [LIGHT.name]


def test_repair_makes_it_anew_and_install_keeps_it(home):
    marker = Path(Installer().install(LIGHT).folder) / "complete.json"
    first = marker.stat().st_ino
    Installer().install(LIGHT)
    assert marker.stat().st_ino == first
    Path(marker.parent, "trace").touch()
    Installer().install(LIGHT, again=True)
    assert not Path(marker.parent, "trace").exists()


def test_install_mends_what_no_longer_imports(home):
    made = Installer().install(LIGHT)
    (Path(made.folder) / "lib" / "site" / "numpy.py").unlink()
    Installer().install(LIGHT)
    assert (Path(made.folder) / "lib" / "site" / "numpy.py").exists()


def test_cancel_ends_it_at_once(home, monkeypatch):
    monkeypatch.setenv("FAKE_UV", "hang")
    feedback = Feedback()
    threading.Timer(2.0, feedback.stop.set).start()
    started_s = time.monotonic()
    with pytest.raises(Cancelled):
        Installer(feedback).install(LIGHT)
    assert time.monotonic() - started_s < 4.0
    assert folders(home) == [] and not (home / "envs" / "setup.lock").exists()


def test_secrets_reach_neither_log_nor_message(home, monkeypatch):
    monkeypatch.setenv("FAKE_UV", "fail")
    feedback = Feedback()
    with pytest.raises(OutputFailed) as caught:
        Installer(feedback).install(LIGHT)
    log = (home / "envs" / f"{LIGHT.name}.log").read_text()
    assert "example.org" in log
    assert "hunter22" not in log + str(caught.value) + "\n".join(feedback.lines)


def test_too_little_room_is_said_before_anything_is_done(home, monkeypatch, tmp_path):
    usage = module.shutil.disk_usage(tmp_path)._replace(free=10_000_000)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(OutputFailed, match="10 MB"):
        Installer().install(LIGHT)
    assert not (tmp_path / "calls").exists()


def test_an_environment_that_was_moved_aside_when_the_installer_was_killed_comes_back(home):
    made = Path(Installer().install(LIGHT).folder)
    (made / "trace").touch()
    made.rename(made.with_name(f"{made.name}.old-99"))
    found = Installer().install(LIGHT)
    assert found.healthy and (made / "trace").exists() and folders(home) == [LIGHT.name]


def test_where_a_python_cannot_make_an_environment_the_next_one_does(home, tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.write_text(f'#!/bin/sh\ncase "$*" in *"-m venv"*) echo ensurepip failed; exit 1;; esac\n'
                      f'exec {sys.executable} "$@"\n')
    broken.chmod(0o755)
    monkeypatch.setenv("SEMANTIC3D_UV", "")
    monkeypatch.setattr(interpreters, "candidates", lambda: [str(broken), sys.executable])
    real = broken.with_name("by its own word")  # not the candidate's name
    real.symlink_to(broken)
    names = {str(broken): str(real)}
    monkeypatch.setattr(interpreters, "probe", lambda path, *rest: replace(PLAIN, path=names.get(path, path)))
    monkeypatch.setattr(module.Installer, "_install_all", lambda *arguments: None)
    monkeypatch.setattr(module.Installer, "_imports", lambda self, folder, lock: module.check_imports(sys.executable, (), {}))
    feedback = Feedback()
    assert Installer(feedback).install(LIGHT).healthy
    assert any("ensurepip failed" in line and "Another Python" in line for line in feedback.lines)
    with pytest.raises(OutputFailed, match="ensurepip failed"):
        Installer(base_python=str(broken)).install(LIGHT, again=True)
    monkeypatch.setattr(interpreters, "candidates", lambda: [str(broken)])
    with pytest.raises(OutputFailed, match="ensurepip failed"):  # what went wrong, not that no Python is left
        Installer().install(LIGHT, again=True)
    assert look_at(LIGHT).healthy


def test_a_full_disk_is_told_in_our_words(home, monkeypatch):
    def refuse(self, folder, lock, versions, tool):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))

    monkeypatch.setattr(module.Installer, "_mark", refuse)
    with pytest.raises(OutputFailed, match="No space left on device. Make room"):
        Installer().install(LIGHT)
    assert folders(home) == []


def test_an_environment_whose_base_is_gone_is_not_ready(home, tmp_path):
    """On Windows python.exe is a launcher, which stays when the Python it starts goes."""
    made = Path(Installer().install(LIGHT).folder)
    (made / "pyvenv.cfg").write_text(f"home = {tmp_path}\nversion = 3.12\n")
    assert look_at(LIGHT).healthy
    (made / "pyvenv.cfg").write_text(f"home = {tmp_path / 'gone'}\nversion = 3.12\n")
    assert not look_at(LIGHT).healthy and str(tmp_path / "gone") in look_at(LIGHT).problem


def test_leftovers_of_a_killed_installer_go(home):
    left = home / "envs" / f"{LIGHT.name}.building-1"
    left.mkdir(parents=True)
    assert not find_backend().healthy
    Installer().install(LIGHT)
    assert folders(home) == [LIGHT.name]


def test_an_older_versions_environment_goes_when_the_new_one_is_in(home):
    old = home / "envs" / "light-cpu-00000000"
    old.mkdir(parents=True)
    (old / "complete.json").write_text("{}")
    assert "another version" in find_backend().problem
    Installer().install(LIGHT)
    assert folders(home) == [LIGHT.name]


def test_remove(home):
    Installer().install(LIGHT)
    assert Installer().remove("light", ("cpu", "cuda")) == [str(home / "envs" / LIGHT.name)]
    assert list((home / "envs").iterdir()) == []
    assert Installer().remove("light", ("cpu",)) == []


def test_one_installer_at_a_time(home):
    with Ownership(home / "envs" / "setup.lock"), pytest.raises(OutputFailed, match=str(os.getpid())):
        Installer().install(LIGHT)


def test_a_dead_owners_lock_is_taken_over(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    lock = tmp_path / "setup.lock"
    lock.write_text(json.dumps({"pid": gone.pid, "since": 1}))
    with Ownership(lock):
        assert json.loads(lock.read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}'])
def test_an_unreadable_lock_is_taken_over(tmp_path, content):
    (tmp_path / "setup.lock").write_text(content)
    with Ownership(tmp_path / "setup.lock"):
        pass
    assert list(tmp_path.iterdir()) == []


# -- what else is fetched, and whether it goes -------------------------------------------------------


def test_a_python_that_uv_fetched_goes_with_the_last_environment(home):
    Installer().install(LIGHT)
    python = home / "pythons" / "cpython-3.12" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    other = home / "envs" / "full-cpu-1"
    other.mkdir()
    Installer().remove("light", ("cpu",))
    assert python.is_file()
    Installer().remove("full", ("cpu",))
    assert not (home / "pythons").exists()


@pytest.mark.parametrize("users", ["", "/mine"])
def test_uv_puts_a_python_below_our_home(home, monkeypatch, users):
    seen = []
    monkeypatch.delenv("UV_PYTHON_INSTALL_DIR", raising=False)
    if users:
        monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", users)
    run_tool = module.run_tool
    monkeypatch.setattr(module, "run_tool", lambda command, variables, *more, **options: (
        seen.append(variables.get("UV_PYTHON_INSTALL_DIR")) or run_tool(command, variables, *more, **options)
    ))  # fmt: skip
    Installer().install(LIGHT)
    assert seen[0] == (users or str(home / "pythons"))


def test_downloading_uses_the_pip_that_python_has_bundled(home, tmp_path, monkeypatch):
    calls = []

    def run_tool(command, *more, **options):
        calls.append(command)
        return Finished(0, "")

    monkeypatch.setattr(module, "run_tool", run_tool)
    (tmp_path / "wheels").mkdir()
    Installer(wheelhouse=str(tmp_path / "wheels")).download(LIGHT)
    assert calls[0][1:4] == ["-I", "-m", "venv"]
    assert not any("--seed" in call for call in calls)


def test_downloading_uses_the_pythons_own_pip_where_none_is_bundled(home, tmp_path, monkeypatch):
    """As Debian has it with python3-venv missing and python3-pip there."""
    calls = []
    monkeypatch.setenv("SEMANTIC3D_UV", "")
    monkeypatch.setattr(interpreters, "candidates", lambda: [sys.executable])
    monkeypatch.setattr(interpreters, "probe", lambda path, *rest: replace(PLAIN, path=path, ensurepip=False))
    monkeypatch.setattr(module, "run_tool", lambda command, *more, **options: calls.append(command) or Finished(0, ""))
    (tmp_path / "wheels").mkdir()
    Installer(wheelhouse=str(tmp_path / "wheels")).download(LIGHT)
    venv, download = calls
    assert venv[-2] == "--without-pip"
    assert download[:4] == [sys.executable, "-m", "pip", "--python"] and download[5] == "download"


def test_a_socks_proxy_without_uv_is_explained(home, monkeypatch):
    """Told by the words with which pip ends there."""
    words = "pip._vendor.requests.exceptions.InvalidSchema: Missing dependencies for SOCKS support."
    monkeypatch.setenv("SEMANTIC3D_UV", "")

    def run_tool(command, *more, **options):
        return Finished(2, words) if "pip" in command else Finished(0, "")

    monkeypatch.setattr(module, "run_tool", run_tool)
    with pytest.raises(OutputFailed, match="SOCKS proxy.*uv"):
        Installer().install(LIGHT)

"""Finding a Python to build an environment on, and uv to build it with.

Inside QGIS `sys.executable` may be QGIS itself, so it is never started: candidates are looked for beside
QGIS's Python library and on the PATH, and each is asked what it is.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Sequence

from ..backend.s3d_protocol.errors import BackendMissing
from .lockfiles import NEWEST_PYTHON
from .process import backend_variables
from .tool_process import run_tool

BASE_VARIABLE = "SEMANTIC3D_BASE_PYTHON"
UV_VARIABLE = "SEMANTIC3D_UV"
OLDEST_UV = (0, 5)
_PROBE_S = 30.0
_PROBE = """
import importlib.util, json, platform, struct, sys, sysconfig
def has(name):
    return importlib.util.find_spec(name) is not None
try:
    import ssl  # on Windows its libraries may be found through QGIS's PATH alone
except ImportError:
    ssl = None
print(json.dumps({
    "path": sys.executable, "version": list(sys.version_info[:3]), "bits": struct.calcsize("P") * 8,
    "implementation": platform.python_implementation(), "machine": platform.machine().lower(),
    "threads": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "ssl": ssl is not None, "venv": has("venv"), "ensurepip": has("ensurepip"), "pip": has("pip"), "uv": has("uv")}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that answered.

    Attributes:
        path: its program.
        version: major, minor, micro.
        ssl: whether it can speak https.
        venv, ensurepip, pip, uv: whether it has these modules.
    """

    path: str
    version: tuple[int, int, int]
    bits: int
    implementation: str
    machine: str
    threads: bool
    ssl: bool
    venv: bool
    ensurepip: bool
    pip: bool
    uv: bool

    @property
    def version_text(self) -> str:
        return ".".join(map(str, self.version))

    def objection(self, oldest: tuple[int, int], downloads: bool = False) -> str:
        """Why the packages cannot be installed on it, "" where they can; `downloads`: pip will fetch them with it."""
        if self.implementation != "CPython" or self.threads:
            return "it is not the usual CPython build"
        if self.bits != 64:
            return f"it is a {self.bits}-bit build"
        if not oldest <= self.version[:2] <= NEWEST_PYTHON:
            wanted = f"{'.'.join(map(str, oldest))} to {'.'.join(map(str, NEWEST_PYTHON))}"
            return f"its version is {self.version_text}, and {wanted} are supported"
        if downloads and not self.ssl:
            return "its ssl module does not work, so that pip can download nothing; uv could"
        return ""


def probe(path: str, variables: Mapping[str, str], feedback: Any = None, pump: Callable | None = None) -> Interpreter | None:
    """Ask a program what Python it is; None where it is none."""
    try:
        done = run_tool([path, "-I", "-c", _PROBE], variables, feedback, pump=pump, timeout_s=_PROBE_S)
    except OSError:
        return None
    if not done.ok:
        return None
    try:
        answer = json.loads(done.tail.splitlines()[-1])
        answer["version"] = tuple(answer["version"])
        return Interpreter(**answer)
    except (ValueError, TypeError, IndexError, KeyError):
        return None


def find_base(
    named: str,
    oldest: tuple[int, int],
    variables: Mapping[str, str],
    feedback: Any = None,
    pump: Callable | None = None,
    paths: list[str] | None = None,
    downloads: bool = False,
    but_not: Sequence[str] = (),
) -> Interpreter:
    """The interpreter to build on: the one named, else the first candidate that will do.

    Args:
        named: the user's choice, "" for none.
        paths: candidates instead of the machine's own, for tests.
        downloads: whether its pip will have to.
        but_not: paths of interpreters that were tried and failed.

    Raises:
        BackendMissing: the one named will not do, or there is none.
    """
    if named:
        found = probe(named, variables, feedback, pump)
        objection = found.objection(oldest, downloads) if found else "it does not answer as a Python does"
        if objection:
            raise BackendMissing(f"The Python {named} cannot carry the backend: {objection}. Name another one.")
        return found
    seen, refused = set(), []
    for path in candidates() if paths is None else paths:
        key = os.path.normcase(os.path.realpath(path))
        if key in seen or not os.path.isfile(path):
            continue
        seen.add(key)
        found = probe(path, variables, feedback, pump)
        if found is None or found.path in but_not:  # by its own word: a candidate may be a link or a script
            continue
        objection = found.objection(oldest, downloads)
        if not objection:
            return found
        refused.append(f"{path}: {objection}")
    raise BackendMissing(
        "No Python was found that can carry the backend"
        + (f" ({'; '.join(refused)})" if refused else "")
        + f". Install Python {'.'.join(map(str, oldest))} to {'.'.join(map(str, NEWEST_PYTHON))} (64 bit), "
        "or uv, and try again; or name one in the parameter PYTHON."
    )


def candidates() -> Iterator[str]:
    """Programs that may be a usable Python, best first."""
    return (path for path in _places() if not _is_placeholder(path))


def _places() -> Iterator[str]:
    named = os.environ.get(BASE_VARIABLE, "")
    if named:
        yield named
    if os.name == "nt":
        yield from _beside_qgis_windows()
    elif sys.platform == "darwin":
        yield from _on_path()
        yield from _beside_qgis_mac()
    else:
        yield os.path.join(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")
        yield os.path.join(sys.base_prefix, "bin", "python3")
    yield from _on_path()


def _beside_qgis_windows() -> Iterator[str]:
    for folder in (sys.base_prefix, sys.exec_prefix, os.path.dirname(sys.executable)):
        for name in ("python.exe", "python3.exe"):
            yield os.path.join(folder, name)


def _beside_qgis_mac() -> Iterator[str]:
    beside = os.path.dirname(sys.executable)
    for folder in (beside, os.path.join(beside, "bin"), os.path.join(sys.base_prefix, "bin")):
        for name in ("python3", f"python3.{sys.version_info[1]}"):
            yield os.path.join(folder, name)


def _on_path() -> Iterator[str]:
    names = [f"python3.{minor}" for minor in range(NEWEST_PYTHON[1] - 1, 9, -1)] + [f"python3.{NEWEST_PYTHON[1]}"]
    for name in ["python3", *names, "python"]:
        found = shutil.which(name)
        if found:
            yield found
    if os.name == "nt":
        programs = Path(os.environ.get("LOCALAPPDATA", "")) / "Programs" / "Python"
        for folder in sorted(programs.glob("Python3*"), reverse=True):
            yield str(folder / "python.exe")
    else:
        for folder in ("/opt/homebrew/bin", "/usr/local/bin"):
            yield os.path.join(folder, "python3")


def _is_placeholder(path: str) -> bool:
    """Whether this program, where there is no Python, opens a shop window instead."""
    return "WindowsApps" in path or (sys.platform == "darwin" and path == "/usr/bin/python3")


def find_uv(base: Interpreter | None = None) -> list[str]:
    """The command that runs uv, [] where there is none that answers and is new enough."""
    program = "uv.exe" if os.name == "nt" else "uv"
    named = os.environ.get(UV_VARIABLE)
    if named is not None:  # set but empty: go without
        return [named] if named and os.path.isfile(named) and _is_uv([named]) else []
    home = Path.home()
    places = [shutil.which("uv"), home / ".local/bin" / program, home / ".cargo/bin" / program]
    places += [Path("/usr/local/bin") / program, Path("/opt/homebrew/bin") / program]
    for place in places:
        if place and os.path.isfile(place) and _is_uv([str(place)]):
            return [str(place)]
    if base is not None and base.uv and _is_uv([base.path, "-m", "uv"]):
        return [base.path, "-m", "uv"]
    return []


def _is_uv(command: list[str]) -> bool:
    """Whether it answers as a uv does that knows our options; a shim of pyenv may stand for none."""
    try:
        done = run_tool([*command, "--version"], backend_variables(os.environ), timeout_s=_PROBE_S)
    except OSError:
        return False
    words = re.search(r"^uv (\d+)\.(\d+)", done.tail, re.MULTILINE)
    return done.ok and words is not None and tuple(map(int, words.groups())) >= OLDEST_UV

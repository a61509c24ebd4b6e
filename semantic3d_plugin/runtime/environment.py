"""Which interpreter runs the backend: the one the user named, else the environment that we made.

Finding costs no more than a look at a few files; an interpreter that the user named is tried once and
remembered until it changes.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .locations import MARKER, environments_folder, home_folder, named_python, python_in
from .lockfiles import ACCELERATORS, PROFILES, Lock
from .process import backend_variables
from .verify import VerdictMemory, check_imports

SOURCE_NAMES = {
    "setting": "the setting semantic3d/python_path",
    "variable": "the variable SEMANTIC3D_PYTHON",
    "managed": "the plugin's own environment",
}


@dataclass(frozen=True)
class BackendEnvironment:
    """The backend's interpreter, or why there is none.

    Attributes:
        python_path: its program; "" where there is none.
        profile: light or full; of a broken environment of ours its own, which may be full where light was asked for.
        source: setting, variable or managed.
        healthy: whether jobs can be sent to it.
        problem: what is wrong in plain words, "" where nothing is.
        accelerator: cpu or cuda; "" for an interpreter that the user named.
        folder: the environment's folder; "" for an interpreter that the user named.
    """

    python_path: str
    profile: str
    source: str
    healthy: bool
    problem: str = ""
    accelerator: str = ""
    folder: str = ""


def find_backend(profile: str = "light") -> BackendEnvironment:
    """The environment that runs jobs of this profile. Full does for light as well.

    An interpreter that the user named wins; where it does not work that is said, and no other is taken.
    """
    path, source = named_python()
    return _named(path, source, profile) if path else _managed(profile)


def _named(path: str, source: str, profile: str) -> BackendEnvironment:
    modules = Lock(profile, "cpu").modules
    memory = VerdictMemory(home_folder() / "interpreters.json")
    where = SOURCE_NAMES[source]
    if not os.path.isfile(path):
        return BackendEnvironment(path, profile, source, False, f"{path}, named by {where}, does not exist.")
    if not memory.passed(path, modules):
        verdict = check_imports(path, modules, backend_variables(os.environ))
        if not verdict.healthy:
            problem = f"{path}, named by {where}, lacks what the backend needs ({verdict.text})."
            return BackendEnvironment(path, profile, source, False, problem)
        memory.remember(path, modules)
    return BackendEnvironment(path, profile, source, True)


def _managed(profile: str) -> BackendEnvironment:
    wanted = PROFILES[PROFILES.index(profile) :]  # light jobs run in a full environment too
    broken = None
    for lock in (Lock(name, accelerator) for name in wanted for accelerator in reversed(ACCELERATORS)):
        found = look_at(lock)
        if found.healthy:
            return found
        if broken is None and Path(found.folder).exists():
            broken = found  # with its own profile and accelerator, so that a repair makes this one anew
    return broken or BackendEnvironment("", profile, "managed", False, _absent(profile))


def installed() -> list[BackendEnvironment]:
    """The kinds of environment of ours that lie on the disk, in this version or an older one; broken ones first."""
    kinds = [Lock(profile, accelerator) for profile in PROFILES for accelerator in ACCELERATORS]
    there = [lock for lock in kinds if any(environments_folder().glob(f"{lock.profile}-{lock.accelerator}-*"))]
    return sorted(map(look_at, there), key=lambda found: found.healthy)


def look_at(lock: Lock) -> BackendEnvironment:
    """The environment that we would make for this lock, as it stands on the disk."""
    folder = environments_folder() / lock.name
    python = python_in(folder)
    base = {"profile": lock.profile, "source": "managed", "accelerator": lock.accelerator, "folder": str(folder)}
    if not folder.is_dir():
        return BackendEnvironment("", healthy=False, problem=_absent(lock.profile), **base)
    if read_marker(folder) is None:
        return BackendEnvironment("", healthy=False, problem=f"{folder} is not complete.", **base)
    if not python.is_file():  # a link to a base interpreter that was removed or upgraded counts as absent
        problem = f"{folder} has lost its Python, as happens when the system's Python is upgraded: repair it."
        return BackendEnvironment("", healthy=False, problem=problem, **base)
    home = _base_folder(folder)
    if home and not os.path.isdir(home):  # on Windows python.exe is a launcher, which stays
        problem = f"{folder} was built on the Python in {home}, which is gone: repair it."
        return BackendEnvironment("", healthy=False, problem=problem, **base)
    return BackendEnvironment(str(python), healthy=True, **base)


def _base_folder(folder: Path) -> str:
    """The folder of the Python that a virtual environment stands on, "" where it does not say."""
    try:
        lines = (folder / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    values = dict(line.partition("=")[::2] for line in lines)
    return {name.strip().lower(): value.strip() for name, value in values.items()}.get("home", "")


def read_marker(folder: Path) -> dict[str, Any] | None:
    """What the environment's marker says, None where it has none."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return marker if isinstance(marker, dict) else None


def _absent(profile: str) -> str:
    older = [folder for folder in sorted(environments_folder().glob(f"{profile}-*")) if (folder / MARKER).is_file()]
    if older:
        return f"the {profile} environment belongs to another version of the plugin, and this one needs other packages."
    return f"the {profile} environment is not installed."

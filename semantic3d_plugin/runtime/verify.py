"""Is this interpreter a backend? Each package is imported in a process of its own, so that none can hide another."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from .tool_process import NO_ANSWER, run_tool

START_S = 30.0
IMPORT_S = 180.0
_IMPORT = """
import importlib, json, sys
module = importlib.import_module(sys.argv[1])
print("\\n" + json.dumps({"version": str(getattr(module, "__version__", ""))}))
"""


@dataclass(frozen=True)
class Verdict:
    """What the import check found.

    Attributes:
        versions: version by module, for those that import.
        problems: last words by module, for those that do not.
    """

    versions: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        return not self.problems

    @property
    def text(self) -> str:
        """The problems as one line, "" where there are none."""
        return "; ".join(f"{module}: {problem}" for module, problem in self.problems.items())


def check_imports(
    python_path: str,
    modules: Sequence[str],
    variables: Mapping[str, str],
    feedback: Any = None,
    pump: Callable[[], None] | None = None,
) -> Verdict:
    """Import each of `modules` in a fresh process of `python_path`.

    Raises:
        Cancelled: the user stopped it.
    """
    verdict = Verdict()
    tries = [("Python", ["-c", "print()"], START_S), *((name, ["-c", _IMPORT, name], IMPORT_S) for name in modules)]
    for module, arguments, timeout_s in tries:
        try:
            done = run_tool([python_path, *arguments], variables, feedback, pump=pump, timeout_s=timeout_s)
        except OSError as error:
            verdict.problems[module] = f"{python_path} cannot be started ({error.strerror or error})"
            break
        if module == "Python" and done.ok:
            continue
        lines = [line for line in done.tail.splitlines() if line.strip()]
        last = lines[-1] if lines else f"exit code {done.exit_code}"
        if done.ok:
            verdict.versions[module] = _version(last)
        else:
            verdict.problems[module] = last
        if done.exit_code == NO_ANSWER or module == "Python":
            break  # a program that hangs, or is no Python, would do so for each module
    return verdict


def _version(line: str) -> str:
    try:
        return str(json.loads(line).get("version", ""))
    except (ValueError, AttributeError):
        return ""


class VerdictMemory:
    """Interpreters that passed, remembered in a file until they change.

    Only good news is kept: what was broken is looked at again each time.
    """

    def __init__(self, path: Path):
        self._path = path

    def passed(self, python_path: str, modules: Sequence[str]) -> bool:
        """Whether this interpreter, unchanged since, passed with these modules."""
        return self._read().get(_key(python_path, modules)) == _fingerprint(python_path)

    def remember(self, python_path: str, modules: Sequence[str]) -> None:
        """Keep that it passed. A read-only home forgets, which costs time alone."""
        known = {**self._read(), _key(python_path, modules): _fingerprint(python_path)}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            aside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            aside.write_text(json.dumps(known, indent=1), encoding="utf-8")
            os.replace(aside, self._path)
        except OSError:
            return

    def _read(self) -> dict:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def _key(python_path: str, modules: Sequence[str]) -> str:
    return f"{os.path.abspath(python_path)} {' '.join(modules)}"


def _fingerprint(python_path: str) -> list[int]:
    """Times of change of the interpreter, of its environment's own file and of its folder of packages."""
    program = Path(python_path)
    root = program.parent.parent
    patterns = ("lib/python3*/site-packages", "lib/python3*/dist-packages", "lib/python3/dist-packages")
    folders = [place for pattern in patterns for place in sorted(root.glob(pattern))]
    # without a virtual environment Windows has the program beside its Lib
    folders += [place / "Lib" / "site-packages" for place in (root, program.parent)]
    places = [program, root / "pyvenv.cfg", *folders]
    return [place.stat().st_mtime_ns for place in places if place.exists()]

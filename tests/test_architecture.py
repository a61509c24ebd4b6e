"""The directions in which the house's rooms may look at each other.

Read from the source, not from running modules, so that neither QGIS nor torch is needed. Each rule is
shown a small house that breaks it, so that a rule which has gone blind fails as well.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PLUGIN = "semantic3d_plugin/"
BACKEND = PLUGIN + "backend/"
PROTOCOL = BACKEND + "s3d_protocol/"
SCIENCE = BACKEND + "semantic3d/"

pytestmark = pytest.mark.skipif(sys.version_info < (3, 10), reason="sys.stdlib_module_names is of Python 3.10")

MAX_LINES = 500
QT_BINDINGS = {"PyQt5", "PyQt6", "PySide2", "PySide6"}
HEAVY = {"torch", "torchvision", "diffusers", "peft", "transformers", "accelerate"}
LIGHT_PACKAGES = {"numpy", "rasterio", "affine", "onnxruntime"}  # affine is rasterio's own
LIGHT_ENTRIES = (
    "worker", "semantic3d", "semantic3d.cli", "semantic3d.jobs.reconstruct", "semantic3d.jobs.doctor",
    "semantic3d.jobs.evaluate", "semantic3d.jobs.detect_shadows", "semantic3d.jobs.train",
)
QT_FREE = ("runner", "process", "errors", "progress")

TOP = {"jobs", "cli", "recipes"}
ABOVE_JOBS = {"cli", "recipes"}  # recipes: the paper's experiments, for scripts alone
MIDDLE = {
    "models", "training", "datasets", "inference", "terrain", "refinement", "clustering", "shadows",
    "buildings", "generation", "exporters",
}  # fmt: skip
BOTTOM = {"raster", "geometry", "metrics"}


@dataclass(frozen=True)
class Import:
    """One imported name, absolute; `early` means that loading the module is enough to run it."""

    name: str
    line: int
    early: bool

    @property
    def root(self) -> str:
        return self.name.partition(".")[0]

    def is_within(self, *packages: str) -> bool:
        return any(self.name == package or self.name.startswith(package + ".") for package in packages)


class House:
    """Sources by their path in the repository, parsed once."""

    def __init__(self, sources: dict[str, str]):
        self.sources = sources
        self.trees = {path: ast.parse(text, path) for path, text in sources.items()}
        self.imports = {path: list(_imports(tree, path)) for path, tree in self.trees.items()}

    def paths(self, prefix: str, without: str | None = None) -> list[str]:
        return [path for path in self.sources if path.startswith(prefix) and not (without and path.startswith(without))]


def module_name(path: str) -> str:
    """Return the dotted name under which a file is imported; the backend's files start at backend/."""
    name = path[len(BACKEND) :] if path.startswith(BACKEND) and path != BACKEND + "__init__.py" else path
    parts = name[: -len(".py")].split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(path: str) -> str:
    """Return the room of the science that a file belongs to: "models" for semantic3d/models/package.py."""
    return path[len(SCIENCE) :].partition("/")[0].removesuffix(".py")


def _imports(tree: ast.AST, path: str) -> Iterator[Import]:
    package = module_name(path).split(".")
    if not path.endswith("/__init__.py"):
        package = package[:-1]
    for node, early in _with_earliness(tree, True):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, early)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            for alias in node.names:
                yield Import(".".join([*base, alias.name]), node.lineno, early)


def _with_earliness(node: ast.AST, early: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        late = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or _is_type_checking(child)
        yield child, early and not late
        yield from _with_earliness(child, early and not late)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


# -- the rules: each yields one line of text per violation --------------------------------------------------


def qgis_side_computes_nothing(house: House) -> Iterator[str]:
    forbidden = HEAVY | {"rasterio", "onnxruntime", "semantic3d", "s3d_protocol"}
    for path in house.paths(PLUGIN, without=BACKEND):
        for found in house.imports[path]:
            inner = found.is_within("semantic3d_plugin.backend") and not found.is_within(
                "semantic3d_plugin.backend.s3d_protocol"
            )
            if found.root in forbidden or inner:
                yield f"{path}:{found.line} imports {found.name}: the QGIS side knows s3d_protocol alone"


def qgis_side_leaves_sys_path_alone(house: House) -> Iterator[str]:
    for path in house.paths(PLUGIN, without=BACKEND):
        for node in ast.walk(house.trees[path]):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.path", "site.addsitedir"):
                yield f"{path}:{node.lineno} touches {ast.unparse(node)}"
        for found in house.imports[path]:
            if found.name in ("sys.path", "site.addsitedir"):
                yield f"{path}:{found.line} imports {found.name}"


def qt_comes_from_qgis(house: House) -> Iterator[str]:
    for path in house.paths(PLUGIN):
        for found in house.imports[path]:
            if found.root in QT_BINDINGS:
                yield f"{path}:{found.line} imports {found.name}: use qgis.PyQt"


def windows_stay_in_gui(house: House) -> Iterator[str]:
    windows = ("qgis.gui", "qgis.PyQt.QtWidgets", "qgis.utils.iface", "semantic3d_plugin.gui")
    for path in house.paths(PLUGIN, without=BACKEND):
        if path.startswith(PLUGIN + "gui/") or path == PLUGIN + "plugin.py":
            continue
        for found in house.imports[path]:
            if found.early and found.is_within(*windows):
                yield f"{path}:{found.line} imports {found.name}: qgis_process has no windows"


def qgis_side_points_downwards(house: House) -> Iterator[str]:
    above = {
        "runtime": ("algorithms", "styling", "gui", "provider", "plugin"),
        "styling": ("algorithms", "runtime", "gui", "provider", "plugin"),
        "algorithms": ("provider", "plugin"),
    }
    for name, forbidden in above.items():
        for path in house.paths(f"{PLUGIN}{name}/"):
            for found in house.imports[path]:
                if found.is_within(*(f"semantic3d_plugin.{other}" for other in forbidden)):
                    yield f"{path}:{found.line} imports {found.name}: {name} lies below it"


def runner_needs_no_qgis(house: House) -> Iterator[str]:
    for path in (f"{PLUGIN}runtime/{name}.py" for name in QT_FREE):
        for found in house.imports.get(path, ()):
            if found.root not in sys.stdlib_module_names and found.root != "semantic3d_plugin":
                yield f"{path}:{found.line} imports {found.name}: standard library and protocol only"


def backend_knows_no_qgis(house: House) -> Iterator[str]:
    for path in house.paths(BACKEND):
        for found in house.imports[path]:
            if found.root in {"qgis", "osgeo", "processing", "semantic3d_plugin"} | QT_BINDINGS:
                yield f"{path}:{found.line} imports {found.name}: the backend has its own Python"


def protocol_stands_alone(house: House) -> Iterator[str]:
    for path in house.paths(PROTOCOL):
        for node in ast.walk(house.trees[path]):
            absolute = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                absolute = [node.module or ""]
            for name in absolute:
                if name.partition(".")[0] not in sys.stdlib_module_names:
                    yield f"{path}:{node.lineno} imports {name}: standard library and relative imports only"
        for found in house.imports[path]:
            if found.root not in sys.stdlib_module_names and not found.is_within("s3d_protocol"):
                yield f"{path}:{found.line} imports {found.name}: that is outside of the protocol"


def science_points_downwards(house: House) -> Iterator[str]:
    for path in house.paths(SCIENCE):
        here = room(path)
        above = TOP | MIDDLE if here in BOTTOM else TOP if here in MIDDLE else ABOVE_JOBS if here == "jobs" else set()
        for found in house.imports[path]:
            if found.is_within(*(f"semantic3d.{name}" for name in above)):
                yield f"{path}:{found.line} imports {found.name}: {here} lies below it"


def every_room_has_its_place(house: House) -> Iterator[str]:
    for path in house.paths(SCIENCE):
        if "/" in path[len(SCIENCE) :] and room(path) not in TOP | MIDDLE | BOTTOM:
            yield f"{path}: say in this test whether {room(path)} is a top, middle or bottom room"


def tensors_know_no_files(house: House) -> Iterator[str]:
    for path in house.paths(SCIENCE):
        if room(path) in ("models", "metrics"):
            for found in house.imports[path]:
                if found.is_within("rasterio", "semantic3d.raster", "semantic3d.geometry"):
                    yield f"{path}:{found.line} imports {found.name}: {room(path)} knows tensors, not CRS"


def rasters_know_no_tensors(house: House) -> Iterator[str]:
    for path in house.paths(SCIENCE):
        if room(path) in ("raster", "geometry"):
            for found in house.imports[path]:
                if found.root in HEAVY | {"onnxruntime"}:
                    yield f"{path}:{found.line} imports {found.name}: {room(path)} knows georeferencing, not networks"


def light_path_stays_light(house: House) -> Iterator[str]:
    """Follow what loads when the bundled model runs, packages' __init__ included."""
    files = {module_name(path): path for path in house.paths(BACKEND)}
    waiting = [name for name in LIGHT_ENTRIES if name in files]
    seen = set(waiting)
    while waiting:
        path = files[waiting.pop()]
        for found in house.imports[path]:
            if not found.early:
                continue
            parts = found.name.split(".")
            loaded = {name for name in (".".join(parts[: n + 1]) for n in range(len(parts))) if name in files}
            if not loaded and found.root not in LIGHT_PACKAGES and found.root not in sys.stdlib_module_names:
                yield f"{path}:{found.line} loads {found.name}, which the light environment does not have"
            waiting += loaded - seen
            seen |= loaded


def files_can_be_held_in_mind(house: House) -> Iterator[str]:
    for path, text in house.sources.items():
        lines = text.count("\n")
        if lines > MAX_LINES:
            yield f"{path} has {lines} lines: find the second file in it"
        if path.endswith(("/utils.py", "/helpers.py", "/misc.py", "/common.py")):
            yield f"{path}: name the file after what is in it"


def faults_are_not_swallowed(house: House) -> Iterator[str]:
    for path in house.paths(PLUGIN):
        if path in (PROTOCOL + "serving.py", PLUGIN + "algorithms/base.py"):  # a worker and a check must answer
            continue
        for node in ast.walk(house.trees[path]):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = {ast.unparse(kind) for kind in getattr(node.type, "elts", [node.type]) if kind is not None}
            raises_again = isinstance(node.body[-1], ast.Raise)
            if (not caught or caught & {"Exception", "BaseException"}) and not raises_again:
                yield f"{path}:{node.lineno} catches everything: that is for the worker, and for the check of a form"


# -- one planted violation for each, and one neighbour that is allowed --------------------------------------

PLANTED = [
    (qgis_side_computes_nothing, "algorithms/a.py", "def f():\n    import torch.nn", "import numpy"),
    (qgis_side_computes_nothing, "runtime/a.py", "from rasterio import warp", "import json"),
    (qgis_side_computes_nothing, "runtime/a.py", "import s3d_protocol", "from ..backend import s3d_protocol"),
    (qgis_side_computes_nothing, "a.py", "from .backend.semantic3d import cli",
     "from .backend.s3d_protocol import jobs"),
    (qgis_side_leaves_sys_path_alone, "a.py", "import sys\nsys.path.insert(0, 'x')", "import sys\nsys.platform"),
    (qgis_side_leaves_sys_path_alone, "a.py", "from sys import path", "from os import path"),
    (qt_comes_from_qgis, "gui/a.py", "from PyQt5.QtCore import Qt", "from qgis.PyQt.QtCore import Qt"),
    (qt_comes_from_qgis, "backend/semantic3d/a.py", "import PyQt6", "import math"),
    (windows_stay_in_gui, "provider.py", "from qgis.PyQt.QtWidgets import QAction",
     "from qgis.PyQt.QtGui import QIcon"),
    (windows_stay_in_gui, "algorithms/a.py", "from qgis import gui", "def f():\n    from ..gui import dialog"),
    (windows_stay_in_gui, "runtime/a.py", "from qgis.utils import iface", "from qgis.core import Qgis"),
    (qgis_side_points_downwards, "runtime/a.py", "from ..algorithms.base import X", "from .errors import X"),
    (qgis_side_points_downwards, "styling/a.py", "def f():\n    from .. import runtime",
     "from ..backend import s3d_protocol"),
    (qgis_side_points_downwards, "algorithms/a.py", "from ..provider import X", "from ..runtime.runner import X"),
    (runner_needs_no_qgis, "runtime/runner.py", "def f():\n    from qgis.core import Qgis", "from . import errors"),
    (backend_knows_no_qgis, "backend/semantic3d/a.py", "def f():\n    import qgis.core", "import numpy"),
    (backend_knows_no_qgis, "backend/worker.py", "import semantic3d_plugin", "import semantic3d"),
    (protocol_stands_alone, "backend/s3d_protocol/a.py", "def f():\n    import numpy", "import json"),
    (protocol_stands_alone, "backend/s3d_protocol/a.py", "from s3d_protocol import jobs", "from . import jobs"),
    (protocol_stands_alone, "backend/s3d_protocol/a.py", "from ..semantic3d import jobs", "from .jobs import Job"),
    (science_points_downwards, "backend/semantic3d/raster/a.py", "from ..models import b", "from . import grid"),
    (science_points_downwards, "backend/semantic3d/models/a.py", "import semantic3d.jobs.b", "from ..metrics import b"),
    (science_points_downwards, "backend/semantic3d/jobs/a.py", "from semantic3d.cli import b",
     "from ..models import b"),
    (science_points_downwards, "backend/semantic3d/training/a.py", "from ..recipes import b",
     "from ..datasets import b"),
    (science_points_downwards, "backend/semantic3d/jobs/a.py", "from ..recipes import b", "from ..training import b"),
    (every_room_has_its_place, "backend/semantic3d/cellar/a.py", "", None),
    (tensors_know_no_files, "backend/semantic3d/models/a.py", "def f():\n    import rasterio", "import numpy"),
    (tensors_know_no_files, "backend/semantic3d/metrics/a.py", "from semantic3d.raster.grid import b", "import torch"),
    (rasters_know_no_tensors, "backend/semantic3d/raster/a.py", "def f():\n    import torch", "import rasterio"),
    (light_path_stays_light, "backend/semantic3d/cli.py", "import torch", "def f():\n    import torch"),
    (light_path_stays_light, "backend/semantic3d/__init__.py", "import scipy.ndimage", "import numpy.linalg"),
    (files_can_be_held_in_mind, "a.py", "\n" * 501, "\n" * 500),
    (files_can_be_held_in_mind, "gui/utils.py", "", None),
    (faults_are_not_swallowed, "a.py", "try:\n    f()\nexcept Exception:\n    g()",
     "try:\n    f()\nexcept OSError:\n    g()"),
    (faults_are_not_swallowed, "a.py", "try:\n    f()\nexcept:\n    g()", "try:\n    f()\nexcept:\n    g()\n    raise"),
    (faults_are_not_swallowed, "a.py", "try:\n    f()\nexcept (OSError, Exception):\n    g()", None),
]  # fmt: skip

RULES = sorted({rule for rule, *_ in PLANTED}, key=lambda rule: rule.__name__)


@pytest.fixture(scope="module")
def our_house() -> House:
    return House(
        {
            path.relative_to(REPOSITORY).as_posix(): path.read_text(encoding="utf-8")
            for folder in ("semantic3d_plugin", "tests", "scripts")
            for path in sorted((REPOSITORY / folder).rglob("*.py"))
        }
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_our_house_keeps_the_rule(our_house, rule):
    violations = list(rule(our_house))
    assert not violations, "\n".join(violations)


@pytest.mark.parametrize(("rule", "path", "bad", "good"), PLANTED)
def test_the_rule_sees_a_planted_violation(rule, path, bad, good):
    assert len(set(rule(House({PLUGIN + path: bad})))) >= 1
    if good is not None:
        assert list(rule(House({PLUGIN + path: good}))) == []


def test_the_light_path_is_followed_through_packages():
    house = House(
        {
            BACKEND + "worker.py": "def f():\n    import semantic3d.jobs.reconstruct",
            SCIENCE + "__init__.py": "",
            SCIENCE + "jobs/__init__.py": "",
            SCIENCE + "jobs/reconstruct.py": "from ..models.package import read",
            SCIENCE + "models/__init__.py": "from . import adapted",
            SCIENCE + "models/package.py": "import numpy",
            SCIENCE + "models/adapted.py": "from torch import nn",
            SCIENCE + "training/loop.py": "import torch",
        }
    )
    assert [line.partition(":")[0] for line in light_path_stays_light(house)] == [SCIENCE + "models/adapted.py"]


def test_imports_for_type_checkers_are_not_early():
    house = House({SCIENCE + "cli.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch"})
    assert list(light_path_stays_light(house)) == []


def test_the_house_is_read(our_house):
    assert {BACKEND + "worker.py", PROTOCOL + "jobs.py", PLUGIN + "runtime/runner.py"} <= set(our_house.sources)

"""Ready for QGIS 4: every Qt name that the plugin uses exists in PyQt6, and nothing is written the Qt 5 way."""

import ast
import enum
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).resolve().parents[2] / "semantic3d_plugin"
FILES = sorted(p for p in PLUGIN.rglob("*.py") if "backend" not in p.relative_to(PLUGIN).parts[:-1])
SCREENSHOTS = PLUGIN.parent / "scripts" / "screenshots.py"

RESOLVE = """
import importlib, json, sys
missing = []
for module, chain in json.load(sys.stdin):
    try:
        thing = importlib.import_module(module)
        for name in chain:
            thing = getattr(thing, name)
    except (ImportError, AttributeError) as error:
        missing.append("{}.{}: {}".format(module, ".".join(chain), error))
json.dump(missing, sys.stdout)
"""


def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree, prefix):
    """Local name -> (module, name) of everything imported from modules under `prefix`."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(prefix):
            names.update({alias.asname or alias.name: (node.module, alias.name) for alias in node.names})
    return names


def chains(tree, names):
    """(module, [name, attribute, ...]) for each use of an imported name, as long as the dots go."""
    found = []
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if id(node) in inner or not isinstance(node, (ast.Attribute, ast.Name)):
            continue
        attributes = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name) and node.id in names:
            module, name = names[node.id]
            found.append((module, [name] + attributes[::-1]))
    return found


def fallback_imports(tree):
    """Names imported in a try whose ImportError is handled: only one of the places has to exist."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(getattr(h.type, "id", "") == "ImportError" for h in node.handlers):
            for inner in ast.walk(node):
                if isinstance(inner, ast.ImportFrom):
                    names.update(alias.asname or alias.name for alias in inner.names)
    return names


def qt_uses():
    """Every Qt name in every module, under PyQt6's module names."""
    uses = set()
    for path in FILES:
        tree = parse(path)
        names = imported(tree, "qgis.PyQt")
        optional = fallback_imports(tree)
        for local, (module, name) in names.items():
            if local in optional:
                continue
            uses.add((module.replace("qgis.PyQt", "PyQt6"), (name,)))
        for module, chain in chains(tree, {k: v for k, v in names.items() if k not in optional}):
            uses.add((module.replace("qgis.PyQt", "PyQt6"), tuple(chain)))
    return sorted(uses)


def missing_in_pyqt6(uses):
    """The uses that PyQt6 does not have; asked in a process of its own, since PyQt5 is loaded here."""
    asked = subprocess.run(
        [sys.executable, "-c", RESOLVE], input=json.dumps(uses), capture_output=True, text=True, check=True
    )
    return json.loads(asked.stdout)


@pytest.fixture(scope="module")
def pyqt6():
    found = subprocess.run([sys.executable, "-c", "import PyQt6.QtWidgets"], capture_output=True, check=False)
    if found.returncode != 0:
        pytest.skip("PyQt6 is not installed for {}".format(sys.executable))


def test_every_qt_name_exists_in_pyqt6(pyqt6):
    uses = qt_uses()
    assert len(uses) > 20
    assert missing_in_pyqt6(uses) == []


def test_the_check_sees_what_is_missing(pyqt6):
    uses = [("PyQt6.QtWidgets", ["QMessageBox", "Yes"]), ("PyQt6.QtWidgets", ["QAction"])]
    assert len(missing_in_pyqt6(uses)) == 2


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PLUGIN).as_posix())
def test_qt_only_through_qgis(path):
    for node in ast.walk(parse(path)):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not [m for m in modules if m.split(".")[0] in ("PyQt5", "PyQt6", "PySide2", "PySide6", "sip")]
        assert getattr(node, "attr", "") not in ("exec_", "print_"), node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PLUGIN).as_posix())
def test_windows_are_imported_where_they_are_made(path):
    """qgis_process must import everything but gui/ without QtWidgets and qgis.gui."""
    if path.parent.name == "gui":
        return
    for node in parse(path).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            text = ast.unparse(node)
            assert "QtWidgets" not in text and "qgis.gui" not in text and "iface" not in text, text
            assert ".gui" not in text, text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PLUGIN).as_posix())
def test_enums_of_qgis_are_scoped(path, qgis_app):
    """QgsX.Enum.Member, never QgsX.Member: the short form is gone in QGIS 4."""
    tree = parse(path)
    for module, chain in chains(tree, imported(tree, "qgis.")):
        if module.startswith("qgis.PyQt") or len(chain) < 2:
            continue
        owner = getattr(importlib.import_module(module), chain[0], None)
        member = getattr(owner, chain[1], None)
        is_member = isinstance(member, (int, enum.Enum)) and not isinstance(member, bool)
        assert not (isinstance(owner, type) and is_member), ".".join(chain)

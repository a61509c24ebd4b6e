"""Where the backend's environments live, and which interpreter the user named."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HOME_VARIABLE = "SEMANTIC3D_HOME"
PYTHON_VARIABLE = "SEMANTIC3D_PYTHON"
PYTHON_SETTING = "semantic3d/python_path"
MARKER = "complete.json"  # written last: an environment without it is none


def home_folder() -> Path:
    """Our folder in the user's data, SEMANTIC3D_HOME before the platform's own place. It may not exist yet."""
    named = os.environ.get(HOME_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser().absolute()
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "semantic3d"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "semantic3d"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "semantic3d"


def environments_folder() -> Path:
    """The folder that holds one folder per environment."""
    return home_folder() / "envs"


def python_in(environment: Path) -> Path:
    """The interpreter of a virtual environment, whether it exists or not."""
    return environment / "Scripts" / "python.exe" if os.name == "nt" else environment / "bin" / "python"


def qgis_setting(key: str) -> str:
    """A setting of QGIS as text; "" where there is none, or no QGIS."""
    try:
        from qgis.core import QgsSettings
    except ImportError:
        return ""
    value = QgsSettings().value(key, "")
    return "" if value is None else str(value).strip()


def named_python() -> tuple[str, str]:
    """The interpreter that the user named, and where: (path, "setting" or "variable"), or ("", "")."""
    for path, source in ((qgis_setting(PYTHON_SETTING), "setting"), (os.environ.get(PYTHON_VARIABLE, ""), "variable")):
        if path.strip():
            return os.path.expanduser(path.strip()), source
    return "", ""

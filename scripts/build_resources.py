#!/usr/bin/env python3
"""Compile what QGIS loads in compiled form: i18n/*.ts to semantic3d_plugin/i18n/*.qm, resources.qrc to resources.rcc.

Needs Qt's lrelease and rcc (Debian, Ubuntu: qttools5-dev-tools and qtbase5-dev-tools, or their Qt 6 sisters).
The files are the same for Qt 5 and Qt 6, and the same on every run.
"""

import os
import shutil
import subprocess  # nosec B404 - runs Qt's compilers with fixed arguments
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "semantic3d_plugin"
FOLDERS = (
    "/usr/lib/qt5/bin",
    "/usr/lib/qt6/bin",
    "/usr/lib/qt6/libexec",
    "/usr/lib/x86_64-linux-gnu/qt5/bin",
    "/opt/homebrew/opt/qt/bin",
    "/opt/homebrew/opt/qt/share/qt/libexec",
)
PACKAGES = "qttools5-dev-tools qtbase5-dev-tools (or qt6-l10n-tools qt6-base-dev-tools)"


def find_tool(name):
    """The program `name` of Qt 5 or Qt 6; ends the script where there is none."""
    for folder in FOLDERS:  # before the PATH: there a wrapper may stand for a tool that is not installed
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    for variant in (name, f"{name}-qt5", f"{name}6", f"{name}-qt6"):
        path = shutil.which(variant)
        if path:
            return path
    sys.exit(f"Qt's {name} is missing. On Debian and Ubuntu: sudo apt install {PACKAGES}")


def build_translations():
    """Compile every i18n/*.ts. Returns the files made."""
    target = PLUGIN / "i18n"
    target.mkdir(exist_ok=True)
    made = []
    for source in sorted((ROOT / "i18n").glob("*.ts")):
        compiled = target / f"{source.stem}.qm"
        subprocess.run([find_tool("lrelease"), "-silent", str(source), "-qm", str(compiled)], check=True)
        made.append(compiled)
    return made


def build_icons():
    """Compile resources.qrc, in the format that every Qt 5 and 6 reads and that carries no times."""
    source = ROOT / "resources.qrc"
    if not source.exists():
        return []
    compiled = PLUGIN / "resources.rcc"
    options = ["--binary", "--format-version", "1", "--no-compress"]
    subprocess.run([find_tool("rcc"), *options, str(source), "-o", str(compiled)], check=True)
    return [compiled]


def build():
    """Compile all. Returns the files made."""
    return build_translations() + build_icons()


if __name__ == "__main__":
    for path in build():
        print(f"{path.relative_to(ROOT)} {path.stat().st_size} bytes")

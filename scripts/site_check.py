#!/usr/bin/env python3
"""What blocks an upload to the QGIS plugin site: the package's structure, bandit and detect-secrets.

usage: site_check.py PLUGIN.zip. Exit code 0 when nothing blocks. bandit and detect-secrets must be importable.
"""

import configparser
import importlib.util
import json
import re
import subprocess  # nosec B404 - runs two scanners with fixed arguments
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

MAX_BYTES = 25 * 1024 * 1024
REQUIRED = (
    "name",
    "description",
    "about",
    "version",
    "qgisMinimumVersion",
    "author",
    "email",
    "tracker",
    "repository",
)
FORBIDDEN_SUFFIXES = (".pyc", ".so", ".dll", ".exe", ".dylib", ".sh", ".bat", ".cmd", ".ps1", ".pyd")
FORBIDDEN_NAMES = ("__pycache__", ".git", "__MACOSX", ".pytest_cache", "tests", ".DS_Store")
LINK = 0o120000
SCANNERS = ("bandit", "detect_secrets")


def structure_findings(path):
    """What is wrong with the ZIP's size, names and metadata."""
    findings = []
    if path.stat().st_size > MAX_BYTES:
        findings.append(f"the package is {path.stat().st_size} bytes; the limit is {MAX_BYTES}")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        roots = {PurePosixPath(name).parts[0] for name in names}
        if len(roots) != 1:
            return findings + [f"one top folder is expected, found: {', '.join(sorted(roots))}"]
        root = roots.pop()
        if not root.isidentifier():
            findings.append(f"the folder {root} is no identifier")
        for info in archive.infolist():
            findings += _entry_findings(info)
        for needed in ("LICENSE", "metadata.txt", "__init__.py"):
            if f"{root}/{needed}" not in names:
                findings.append(f"{needed} is missing in the package folder")
        if f"{root}/metadata.txt" in names:
            findings += _metadata_findings(archive.read(f"{root}/metadata.txt").decode("utf-8"), root, names)
    return findings


def _entry_findings(info):
    """What is wrong with one file of the ZIP."""
    parts = PurePosixPath(info.filename).parts
    if (info.external_attr >> 16) & 0o170000 == LINK:
        return [f"a link: {info.filename}"]
    if info.filename.lower().endswith(FORBIDDEN_SUFFIXES) or any(part in FORBIDDEN_NAMES for part in parts):
        return [f"not allowed in a package: {info.filename}"]
    return []


def _metadata_findings(text, root, names):
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read_string(text)
    general = metadata["general"]
    findings = [f"metadata.txt has no {key}" for key in REQUIRED if not general.get(key, "").strip()]
    if not re.fullmatch(r"\d+\.\d+\.\d+", general.get("version", "")):
        findings.append(f"the version {general.get('version')} is not of the form 1.2.3")
    if "plugin" in general.get("name", "").lower():
        findings.append("the display name contains 'plugin'")
    icon = general.get("icon", "")
    if not icon or f"{root}/{icon}" not in names:
        findings.append(f"the icon {icon!r} is not in the package")
    return findings


def missing_scanners():
    """Scanners that are not installed for this Python."""
    return [name for name in SCANNERS if importlib.util.find_spec(name) is None]


def scan_findings(path):
    """What bandit (no severity floor) and detect-secrets find in the ZIP."""
    missing = missing_scanners()
    if missing:
        return [f"not installed, so nothing was scanned: {', '.join(missing)}"]
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
        archive.extractall(folder)  # nosec B202 - our own ZIP, whose names were checked
        (root,) = Path(folder).iterdir()
        return _bandit_findings(root) + _secret_findings(root)


def _bandit_findings(root):
    command = [sys.executable, "-m", "bandit", "-q", "-r", ".", "--skip", "B404", "-f", "json"]
    report = json.loads(subprocess.run(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout)
    errors = [f"bandit could not read {error['filename']}: {error['reason']}" for error in report["errors"]]
    return errors + [
        f"bandit {found['test_id']} {found['filename']}:{found['line_number']}: {found['issue_text']}"
        for found in report["results"]
    ]


def _secret_findings(root):
    command = [sys.executable, "-m", "detect_secrets", "scan", "--all-files", "."]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True)
    return [
        f"detect-secrets {found['type']} {name}:{found['line_number']}"
        for name, entries in json.loads(done.stdout)["results"].items()
        for found in entries
    ]


def main():
    path = Path(sys.argv[1])
    findings = structure_findings(path) + scan_findings(path)
    for finding in findings:
        print(f"BLOCK: {finding}")
    print(f"site check: {len(findings)} findings, {path.stat().st_size} bytes")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()

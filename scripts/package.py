#!/usr/bin/env python3
"""Build dist/semantic3d_plugin-VERSION.zip, ready for QGIS and for the plugin site.

The same sources give the same bytes. Afterwards the ZIP is looked over; --check asks for the scan
that the plugin site runs as well (needs bandit and detect-secrets).
"""

import argparse
import configparser
import sys
import time
import zipfile
from pathlib import Path

import build_resources
import site_check

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "semantic3d_plugin"
CACHES = ("__pycache__", "tests")
# The zip format's first day: the same sources give the same bytes.
NO_TIME = (1980, 1, 1, 0, 0, 0)


def version():
    """The version in metadata.txt."""
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(ROOT / "metadata.txt", encoding="utf-8")
    return metadata["general"]["version"]


def plugin_files():
    """Files of the package relative to the root: all in the plugin's folder but caches and hidden files."""
    files = []
    for path in sorted((ROOT / FOLDER).rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and not any(part.startswith(".") or part in CACHES for part in parts):
            if path.suffix not in (".pyc", ".partial"):
                files.append("/".join(parts))
    return files


def build_zip(target):
    """Write the ZIP: sorted names, no times, links replaced by what they point to."""
    target.parent.mkdir(exist_ok=True)
    aside = target.with_suffix(".partial")
    with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in plugin_files():
            entry = zipfile.ZipInfo(name, NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, (ROOT / name).read_bytes())
    aside.replace(target)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="run the plugin site's scan as well")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder to write to (default: dist)")
    options = parser.parse_args()
    started_s = time.monotonic()
    build_resources.build()
    target = options.out / f"{FOLDER}-{version()}.zip"
    build_zip(target)
    findings = site_check.structure_findings(target)
    if options.check:
        findings += site_check.scan_findings(target)
    for finding in findings:
        print(f"BLOCK: {finding}", file=sys.stderr)
    if findings:
        sys.exit(1)
    print(f"{target} ({target.stat().st_size / 1e6:.2f} MB, {time.monotonic() - started_s:.1f} s)")


if __name__ == "__main__":
    main()

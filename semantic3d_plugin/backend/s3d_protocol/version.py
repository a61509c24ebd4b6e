"""The product's version, which is written down in ``metadata.txt`` alone."""

from __future__ import annotations

import configparser
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "semantic3d"
_METADATA = Path(__file__).resolve().parents[2] / "metadata.txt"


def product_version() -> str:
    """Return the version: from the plugin's ``metadata.txt``, else from the installed distribution.

    Returns "0" where neither exists (single files copied out of the plugin).
    """
    parser = configparser.ConfigParser(interpolation=None)
    if parser.read(_METADATA, encoding="utf-8"):
        version = parser.get("general", "version", fallback="")
        if version:
            return version.strip()
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "0"

"""Stands in for uv: `venv` makes a folder with this Python in it, `pip install` writes what FAKE_UV says.

FAKE_UV: ok (modules that import), broken (one that does not), fail (exit 1 with a secret in the message), hang,
no local builds (those are not found).
"""

import os
import sys
import time
from pathlib import Path

MODULES = ("numpy", "rasterio", "onnxruntime")


def make_venv(folder):
    packages = folder / "lib" / "site"
    packages.mkdir(parents=True)
    program = folder / "bin" / "python"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="$(dirname "$0")/../lib/site" exec {sys.executable} -S "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)


def install(folder, behaviour):
    Path(os.environ["FAKE_UV_CALLS"]).open("a").write(" ".join(sys.argv[1:]) + "\n")
    if behaviour == "hang":
        time.sleep(60)
    if behaviour == "fail":
        print("error: could not reach https://user:hunter22@example.org/simple")
        sys.exit(1)
    if behaviour == "no local builds" and "local-builds" in sys.argv[-1]:
        sys.exit(1)
    for name in MODULES:
        text = "__version__ = '1.0'\n"
        if behaviour == "broken" and name == "rasterio":
            text = "raise ImportError('libgdal is missing')\n"
        (folder / "lib" / "site" / f"{name}.py").write_text(text, encoding="utf-8")


if sys.argv[1] == "--version":
    print("uv 0.9.0 (stand-in)")
elif sys.argv[1] == "venv":
    make_venv(Path(sys.argv[-1]))
else:
    install(Path(sys.argv[sys.argv.index("--python") + 1]).parents[1], os.environ["FAKE_UV"])

#!/usr/bin/env python3
"""Write semantic3d_plugin/runtime/locks/*.txt: the pinned, hash-checked packages of every backend environment.

Needs uv. Run it to take newer packages, look at the difference, run the tests, commit.
`--check` only asks whether every supported platform and Python finds a wheel for each pin.

The packages come from the index that uv is configured for; no address of an index gets into the files.
"""

import argparse
import itertools
import os
import re
import subprocess  # nosec B404 - runs uv with fixed arguments
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "semantic3d_plugin" / "runtime" / "locks"
OLDEST_PYTHON = "3.10"
OLDEST_MACOS = "15.0"

# The last onnxruntime with wheels for macOS on Intel, and for Python 3.10, is 1.23.
OLD = "python_version < '3.11' or (sys_platform == 'darwin' and platform_machine == 'x86_64')"
NEW = "python_version >= '3.11' and (sys_platform != 'darwin' or platform_machine != 'x86_64')"
RUNTIME = {
    "cpu": (f"onnxruntime<1.24 ; {OLD}", f"onnxruntime>=1.24 ; {NEW}"),
    "cuda": ("onnxruntime-gpu[cuda,cudnn]>=1.24 ; sys_platform != 'darwin' and python_version >= '3.11'",),
}
# One rasterio for every Python: one GDAL, so the same job gives the same bytes. 1.5 has none for 3.10 and 3.11.
LIGHT = ("numpy", "rasterio==1.4.4")
TRAINING = (
    "torch==2.13.0",
    "diffusers",
    "peft",
    "accelerate",
    "safetensors",
    "onnx",
    "onnxscript",
    "scipy",
)
CLUSTER = ("distributed",)  # for SCHEDULER, whose user names workers elsewhere
PROFILES = {"light": LIGHT, "full": LIGHT + TRAINING + CLUSTER}
# Builds that a user's own find-links or mirror may offer under the same version: torch for the CPU alone (Linux).
LOCAL_BUILDS = {"torch==2.13.0": ("+cpu", "sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b")}
# Needed by the CUDA build of torch alone; installed when torch turns out to be that build.
TORCH_CUDA = re.compile(r"^(nvidia-|cuda-|triton)")

# What --check tries: uv's platform, first and last Python, environments. CUDA asks for Python 3.11.
EVERYWHERE = ("light-cpu", "full-cpu")
PLATFORMS = (
    ("x86_64-unknown-linux-gnu", "3.10", "3.14", EVERYWHERE + ("light-cuda", "full-cuda")),
    ("aarch64-unknown-linux-gnu", "3.10", "3.14", EVERYWHERE),
    ("x86_64-pc-windows-msvc", "3.10", "3.14", EVERYWHERE + ("light-cuda", "full-cuda")),
    ("aarch64-apple-darwin", "3.10", "3.14", EVERYWHERE),
    ("x86_64-apple-darwin", "3.10", "3.13", ("light-cpu",)),
)


def compile_lock(requirements, kept_pins=()):
    """The text of a universal lock for these requirements: pins, markers and hashes, no comments.

    `kept_pins` stay as they are where the requirements allow it.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "requirements.in")
        source.write_text("\n".join(requirements) + "\n", encoding="utf-8")
        target = Path(folder, "requirements.txt")  # uv prefers what it holds
        target.write_text("\n".join(kept_pins) + "\n", encoding="utf-8")
        command = ["uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-annotate", "--no-header"]
        command += ["--no-emit-index-url", "--python-version", OLDEST_PYTHON, "--output-file", str(target), str(source)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return target.read_text(encoding="utf-8")


def blocks(text):
    """The pins of a lock, each with its continuation lines."""
    return [block for block in re.split(r"\n(?=[A-Za-z0-9])", text.strip()) if block]


def local_builds(pins):
    """Builds that the index itself does not carry, as pins of their own: the installer asks for them first."""
    names = [pin.split()[0] for pin in pins]
    return [f"{name}{LOCAL_BUILDS[name][0]} \\\n    --hash={LOCAL_BUILDS[name][1]}" for name in names if name in LOCAL_BUILDS]


def write(name, pins, remark):
    """Write one lock file."""
    head = f"# {name}: {remark}\n# Written by scripts/lock.py; do not edit.\n"
    (LOCKS / f"{name}.txt").write_text(head + "\n".join(pins) + "\n", encoding="utf-8")
    print(f"{name}: {len(pins)} pins")


def present_pins(name):
    """The pins of a lock as it is now, with those that the CUDA build of torch needs besides."""
    paths = [path for path in (LOCKS / f"{name}.txt", LOCKS / f"{name}-torch-cuda.txt") if path.is_file()]
    texts = [re.sub(r"^#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE) for path in paths]
    return [pin for text in texts for pin in blocks(text)]


def lock(keep=False):
    """Write all lock files; with `keep`, pins change only where the requirements did."""
    LOCKS.mkdir(parents=True, exist_ok=True)
    for (profile, packages), (accelerator, runtime) in itertools.product(PROFILES.items(), RUNTIME.items()):
        name = f"{profile}-{accelerator}"
        pins = blocks(compile_lock(packages + runtime, present_pins(name) if keep else ()))
        if name == "full-cpu":
            cuda = [pin for pin in pins if TORCH_CUDA.match(pin)]
            pins = [pin for pin in pins if not TORCH_CUDA.match(pin)]
            write(f"{name}-torch-cuda", cuda, "what torch needs besides, where its build is the CUDA one")
        if accelerator == "cpu" and local_builds(pins):
            write(f"{name}-local-builds", local_builds(pins), "builds that a mirror may offer in the place of a pin")
        write(name, pins, f"profile {profile}, accelerator {accelerator}")


def check():
    """Ask for every platform, Python and lock whether each pin has a wheel. Returns the number of misses."""
    misses = 0
    for platform, first, last, names in PLATFORMS:
        pythons = [f"3.{minor}" for minor in range(int(first[2:]), int(last[2:]) + 1)]
        for name, python in itertools.product(names, pythons):
            if name.endswith("cuda") and python == "3.10":
                continue
            found, reason = wheels_found(name, platform, python)
            misses += not found
            print(f"{'ok  ' if found else 'MISS'} {name:10} {platform:26} {python} {reason}", flush=True)
    return misses


def wheels_found(name, platform, python):
    """Whether every pin of this lock has a wheel there, with uv's reason if not."""
    command = ["uv", "pip", "install", "--dry-run", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--python-platform", platform, "--python-version", python]
    with tempfile.TemporaryDirectory() as target:
        command += ["--target", target, "-r", str(LOCKS / f"{name}.txt")]
        environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = [line for line in done.stdout.splitlines() if "=" in line or "wheel" in line]
    return done.returncode == 0, "" if done.returncode == 0 else " ".join(lines)[:300]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only check that all platforms find their wheels")
    parser.add_argument("--keep", action="store_true", help="keep present pins, for a change of the list alone")
    options = parser.parse_args()
    if options.check:
        sys.exit(1 if check() else 0)
    lock(options.keep)


if __name__ == "__main__":
    main()

"""What every study needs: what it runs on, processes of their own, and comparing in rounds."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Callable

SCRIPTS = Path(__file__).resolve().parents[1]
BACKEND = SCRIPTS.parent / "semantic3d_plugin" / "backend"


@dataclass(frozen=True)
class Finished:
    """A process that ended well.

    Attributes:
        seconds: from start to end.
        cpu_seconds: of all processors together, which a busy machine does not lengthen.
        peak_mb: largest resident memory; no less than what this process had when it started the other.
        output: what it printed.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def run_process(arguments: list, folder: Path) -> Finished:
    """Run Python in a process of its own.

    Raises:
        SystemExit: it failed; what it said is shown.
    """
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": f"{BACKEND}{os.pathsep}{SCRIPTS}"}
    with open(folder / "stdout", "w+") as output, open(folder / "stderr", "w+") as errors:
        started = time.monotonic()
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=errors, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            errors.seek(0)
            raise SystemExit(f"{' '.join(command)} failed ({process.returncode}):\n{errors.read()[-2000:]}")
        output.seek(0)
        kilobytes = usage.ru_maxrss if sys.platform != "darwin" else usage.ru_maxrss / 1024
        return Finished(seconds, usage.ru_utime + usage.ru_stime, kilobytes * 1024 / 1e6, output.read())


def in_rounds(contestants: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run all contestants one after the other, that many times; returns their values, round by round.

    Every other round runs backwards, so that a machine that slows down favours nobody.
    """
    values: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants)
        for name in names if number % 2 == 0 else reversed(names):
            values[name].append(contestants[name]())
    return values


def median_ratio(values: list[float], base: list[float]) -> tuple[float, float, float]:
    """Return (median, smallest, largest) of the ratios within rounds."""
    ratios = [value / other for value, other in zip(values, base, strict=True)]
    return median(ratios), min(ratios), max(ratios)


def ratio_text(values: list[float], base: list[float]) -> str:
    """Return the median ratio, with the range where there is more than one round."""
    middle, low, high = median_ratio(values, base)
    return f"{middle:.2f}" if len(values) == 1 else f"{middle:.2f} ({low:.2f} to {high:.2f})"


def machine_text() -> str:
    """Say what this runs on, and how busy it was."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"^model name\s*:\s*(.*)$", cpuinfo.read_text(), re.MULTILINE)
        name = found.group(1) if found else name
    import onnxruntime

    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    used = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {used} of {os.cpu_count()} cores, no GPU, onnxruntime {onnxruntime.__version__}{load}"


def with_section(text: str, title: str, lines: list[str]) -> str:
    """Return a markdown text whose section "## title" is these lines; other sections stay as they are.

    Args:
        text: with sections that each begin with "## "; a new section goes to the end.
    """
    section = "\n".join([f"## {title}", "", *lines]).rstrip() + "\n"
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    places = [index for index, part in enumerate(parts) if part.partition("\n")[0] == f"## {title}"]
    if places:
        parts[places[0]] = section
    else:
        parts.append(section)
    return "\n\n".join(part.rstrip() for part in parts if part.strip()) + "\n"

"""Freed buffers go back to the system, also where something small lies between them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BACKEND = Path(__file__).resolve().parents[2] / "semantic3d_plugin" / "backend"
PROGRAM = """
import numpy as np
from semantic3d.inference.heap import give_freed_memory_back

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

give_freed_memory_back()
np.ones(20_000_000, np.uint8)  # freed at once: from here on glibc keeps buffers of this size in its heap
before_mb = resident_mb()
buffers, between = [], []
for _ in range(10):
    buffers.append(np.ones(15_000_000, np.uint8))
    between.append(np.ones(100_000, np.uint8))
del buffers
print(resident_mb() - before_mb)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_freed_buffers_go_back():
    """Without the call some Pythons keep 150 MB here, others none."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(BACKEND)},
    )  # fmt: skip
    assert float(run.stdout) < 20

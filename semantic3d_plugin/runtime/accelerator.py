"""Which accelerator the packages are for. Whether it works is proven by a run, not here."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from typing import Any, Callable

from ..backend.s3d_protocol.errors import BackendMissing, InvalidParameter
from .interpreters import find_base, find_uv
from .lockfiles import OLDEST_PYTHON
from .network import installer_variables

CHOICES = ("auto", "cpu", "cuda")


def nvidia_driver_found() -> bool:
    """Whether an NVIDIA driver is installed."""
    if os.name == "nt":
        root = os.environ.get("SystemRoot", r"C:\Windows")
        return os.path.isfile(os.path.join(root, "System32", "nvcuda.dll"))
    return os.path.exists("/proc/driver/nvidia/version") or shutil.which("nvidia-smi") is not None


def cuda_packages_exist() -> bool:
    """Whether there are CUDA packages for this kind of machine."""
    return sys.platform in ("linux", "win32") and platform.machine().lower() in ("x86_64", "amd64")


def resolve(choice: str) -> str:
    """cpu or cuda for a choice of auto, cpu or cuda.

    Raises:
        InvalidParameter: cuda on a machine for which there are no packages.
    """
    if choice == "auto":
        return "cuda" if cuda_packages_exist() and nvidia_driver_found() else "cpu"
    if choice == "cuda" and not cuda_packages_exist():
        raise InvalidParameter(
            f"There are no CUDA packages for {sys.platform} on {platform.machine()}. Choose the accelerator cpu."
        )
    return choice


def resolve_on_base(
    choice: str,
    feedback: Any = None,
    pump: Callable[[], None] | None = None,
    wheelhouse: str = "",
    base_python: str = "",
) -> str:
    """As `resolve`; but auto comes to cpu where no Python is to be had that the packages of cuda run on.

    Args:
        feedback: anything with QgsProcessingFeedback's methods; None is nobody. It hears why auto is cpu.
        pump: called while waiting, to handle the events of a user interface.
        wheelhouse, base_python: as the Installer takes them.

    Raises:
        InvalidParameter: cuda on a machine for which there are no packages. Cancelled.
    """
    resolved = resolve(choice)
    uv_fetches_one = not base_python and not wheelhouse and find_uv()
    if choice != "auto" or resolved == "cpu" or uv_fetches_one:
        return resolved
    try:
        find_base(base_python, OLDEST_PYTHON["cuda"], installer_variables(), feedback, pump)
    except BackendMissing as error:
        if feedback is not None:
            feedback.pushInfo(f"The accelerator is cpu, as no Python fits the packages of cuda. {error}")
        return "cpu"
    return resolved

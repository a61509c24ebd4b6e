"""Which accelerator the packages are for. Whether it works is proven by a run, not here."""

from __future__ import annotations

import os
import platform
import shutil
import sys

from ..backend.s3d_protocol.errors import InvalidParameter

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

"""Main memory: what the machine still has, and what this process has taken."""

from __future__ import annotations

import ctypes
import os
import sys

from .control_groups import memory_left_bytes


def free_memory_mb() -> int | None:
    """Main memory that this process can still get, in MB, swap not counted; None where the system does not say.

    A container or a batch system may allow less than the machine has.
    """
    if sys.platform == "win32":
        status = _windows_status()
        return None if status is None else status.free // 1_000_000
    allowed = memory_left_bytes()
    limits = (_mb_of("/proc/meminfo", "MemAvailable:"), None if allowed is None else allowed // 1_000_000)
    return min((limit for limit in limits if limit is not None), default=None)


def free_swap_mb() -> int:
    """Room that the system still has to put memory aside, in MB; 0 where it does not say."""
    if sys.platform == "win32":
        status = _windows_status()
        return 0 if status is None else max(0, status.free_page - status.free) // 1_000_000
    return _mb_of("/proc/meminfo", "SwapFree:") or 0


def peak_memory_mb() -> int | None:
    """The most main memory that this process has had, in MB; None where the system does not say.

    On Linux `getrusage` would not do: what the program that started this one had counts there, too, and QGIS has much.
    """
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_000_000
    return _mb_of("/proc/self/status", "VmHWM:")


def _mb_of(path: str, key: str) -> int | None:
    """The kilobytes after a key in a file of the kernel's, in MB."""
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as stream:  # a process may have any name
            for line in stream:
                if line.startswith(key):
                    return int(line.split()[1]) * 1024 // 1_000_000
    return None


class _Status(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
        (name, ctypes.c_ulonglong)
        for name in ("total", "free", "total_page", "free_page", "total_virtual", "free_virtual", "free_extended")
    ]


def _windows_status() -> _Status | None:
    status = _Status()
    status.length = ctypes.sizeof(status)
    return status if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else None

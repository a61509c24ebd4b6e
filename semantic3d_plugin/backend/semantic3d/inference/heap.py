"""What the C library keeps of memory that was freed."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h of glibc
_OWN_MAPPING_BYTES = 4_000_000
_KEPT_BYTES = 32_000_000


def return_free_pages() -> None:
    """Give the system the pages that are free now: loading a model frees more than it keeps. Only with glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
    if trim is not None:
        trim(0)


def give_freed_memory_back() -> None:
    """Let buffers go back to the system when they are freed; elsewhere than with glibc nothing is changed.

    By default glibc learns from every large buffer that is freed to keep such buffers, in a heap per thread. With one
    thread each for reading, the model and writing these heaps tear, and a wide raster's walk takes 150 MB more than
    it uses.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return
    for option, value in (
        (_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, _OWN_MAPPING_BYTES), (_M_TRIM_THRESHOLD, _KEPT_BYTES)
    ):  # fmt: skip
        mallopt(option, value)

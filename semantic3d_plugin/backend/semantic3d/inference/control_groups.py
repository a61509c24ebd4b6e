"""What a container or a batch system lets this process have: the limits of its control groups (Linux)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Iterator

_ROOT = Path("/")


def memory_left_bytes(root: Path = _ROOT) -> int | None:
    """Bytes that the tightest group above this process still gives; None where none sets a limit.

    Args:
        root: of the file system.
    """
    left = []
    for folder in _folders(root, "memory"):
        limit = _number(folder / "memory.max") or _number(folder / "memory.limit_in_bytes")
        used = _number(folder / "memory.current") or _number(folder / "memory.usage_in_bytes")
        if limit is not None and used is not None and limit < 1 << 60:  # version 1 says "none" by a huge number
            left.append(max(0, limit - used + _cached(folder / "memory.stat")))
    return min(left, default=None)


def processors(root: Path = _ROOT) -> int | None:
    """Processors' worth of time that the tightest group gives, rounded up; None where none sets a limit."""
    shares = []
    for folder in _folders(root, "cpu"):
        quota, period = _number(folder / "cpu.max"), _number(folder / "cpu.max", 1)
        if quota is None:
            quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        if quota is not None and quota > 0 and period:
            shares.append(max(1, math.ceil(quota / period)))
    return min(shares, default=None)


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Folders of the groups that hold this process, from its own up to the whole; version 2, else version 1.

    In a container the path may be the host's, which is not there: the mount itself is the container's group then.
    """
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, names, path = (line.split(":", 2) + ["", ""])[:3]
        mounts = [names, *names.split(",")] if names else [""]
        if names and controller not in names.split(","):
            continue
        for mount in (root / "sys/fs/cgroup" / name for name in mounts):
            if not mount.is_dir():
                continue
            parts = Path(path.lstrip("/")).parts
            for count in range(len(parts), -1, -1):
                yield mount.joinpath(*parts[:count])
            break


def _cached(path: Path) -> int:
    """Bytes of files that the group holds in memory and gives back when asked."""
    for line in _text(path).splitlines():
        name, _, value = line.partition(" ")
        if name in ("inactive_file", "total_inactive_file"):
            return int(value)
    return 0


def _number(path: Path, position: int = 0) -> int | None:
    """The whole number at a position of a file's words; None where there is none, such as "max"."""
    words = _text(path).split()
    try:
        return int(words[position])
    except (IndexError, ValueError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""

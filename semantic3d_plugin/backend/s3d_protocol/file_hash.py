"""What a file holds, as a number to compare."""

from __future__ import annotations

import hashlib
import os
from typing import Callable

_READ_BYTES = 4_000_000


def file_hash(path: str | os.PathLike, check_cancelled: Callable[[], None] = lambda: None) -> str:
    """SHA-256 of a file that may be larger than memory, as hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(_READ_BYTES):
            digest.update(part)
            check_cancelled()
    return digest.hexdigest()

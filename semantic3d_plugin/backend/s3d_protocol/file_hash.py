"""What a file holds, as a number to compare."""

from __future__ import annotations

import hashlib
import os
from typing import Callable

_READ_BYTES = 1_000_000  # in one buffer: fresh memory for each part took as long as its digest


def file_hash(path: str | os.PathLike, check_cancelled: Callable[[], None] = lambda: None) -> str:
    """SHA-256 of a file that may be larger than memory, as hexadecimal digits."""
    digest, buffer = hashlib.sha256(), memoryview(bytearray(_READ_BYTES))
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            check_cancelled()
    return digest.hexdigest()

"""PNG from an array, with the standard library alone (8 bits per channel, grey, RGB or RGBA)."""
from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}


def png_bytes(picture: np.ndarray) -> bytes:
    """Encode [rows, columns] or [rows, columns, 3 or 4] uint8.

    Rows are stored as differences from the pixel to the left (filter 1 of the PNG specification).
    """
    pixels = picture[..., None] if picture.ndim == 2 else picture
    rows, columns, channels = pixels.shape
    if pixels.dtype != np.uint8 or channels not in _COLOUR_TYPES or not rows or not columns:
        raise ValueError(f"cannot write {picture.shape} of {picture.dtype} as PNG")
    filtered = pixels.copy()
    filtered[:, 1:] -= pixels[:, :-1]
    lines = np.ones((rows, 1 + columns * channels), dtype=np.uint8)
    lines[:, 1:] = filtered.reshape(rows, -1)
    header = struct.pack(">IIBBBBB", columns, rows, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9))
            + _chunk(b"IEND", b""))


def png_data_uri(picture: np.ndarray) -> str:
    """The PNG as a data URI for HTML."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(picture)).decode("ascii")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

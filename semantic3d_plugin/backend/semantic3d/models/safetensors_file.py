"""The header of a safetensors file, checked without loading its tensors.

Layout: 8 bytes little-endian header size, a JSON header, then raw tensor bytes. Nothing in it can execute.
"""
from __future__ import annotations

import math

from s3d_protocol.errors import InvalidModel
from s3d_protocol.messages import strict_json

_LARGEST_HEADER_BYTES = 16_000_000  # thousands of tensors; the format itself allows more
_MOST_DIMENSIONS = 16
_ITEM_BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4, "U32": 4, "F32": 4,
               "I64": 8, "U64": 8, "F64": 8}


def check_safetensors(data: bytes, name: str) -> None:
    """Check header, element types, shapes and offsets; raises InvalidModel naming the fault."""
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > min(_LARGEST_HEADER_BYTES, len(data) - 8):
        raise InvalidModel(f'"{name}" is not a safetensors file, or it is cut off.')
    try:
        header = strict_json(data[8:8 + size].decode("utf-8"))
        tensors = {key: value for key, value in header.items() if key != "__metadata__"}
        spans = sorted(_checked_span(key, value) for key, value in tensors.items())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidModel(f'"{name}" has a damaged safetensors header ({error}).') from error
    at = 0
    for start, end in spans:
        if start != at:
            raise InvalidModel(f'"{name}" has tensors that overlap or leave a gap at byte {at}.')
        at = end
    if at != len(data) - 8 - size:
        raise InvalidModel(f'"{name}" holds {len(data) - 8 - size} bytes of tensors, but its header says {at}.')


def _checked_span(key: str, tensor: dict) -> tuple:
    start, end = tensor["data_offsets"]
    shape = tensor["shape"]
    if len(shape) > _MOST_DIMENSIONS:
        raise ValueError(f"{len(shape)} dimensions in {ascii(key[:60])}")
    if not all(isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in [start, end, *shape]):
        raise ValueError(f"negative or broken numbers in {ascii(key[:60])}")
    if end - start != math.prod(shape) * _ITEM_BYTES[tensor["dtype"]]:
        raise ValueError(f"{ascii(key[:60])} has another size than its shape")
    return start, end

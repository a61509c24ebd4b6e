"""Pixel values to [0, 1]: one rule for the whole image, the same for every tile and every extent.

- uint8: divided by 255.
- Floating point that already spans most of [0, 1]: taken as it is.
- Everything else: the 2nd and 98th percentile of each band become 0 and 1 (the stretch that QGIS shows by
  default), what lies beyond is cut. Percentiles come from valid pixels of the whole image: from all of
  them up to 4 million, from a regular sample of blocks above. A value that many pixels have in all bands, at the
  end of the range, is a gap that nobody declared: percentiles come from the rest, and the user is told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterator

import numpy as np

from s3d_protocol.errors import InvalidInput

from .source import ImageSource

LOW_PERCENT, HIGH_PERCENT = 2.0, 98.0
_SAMPLE_PX = 1_048_576
_BLOCK_PX = 512
_FULL_CHECK_PX = 64_000_000  # images up to this size are read whole before the work, to find damage early
_SAMPLED_BLOCKS = 256


@dataclass(frozen=True)
class Normalisation:
    """value -> (value - low) / (high - low), cut to [0, 1], per band.

    Attributes:
        low, high: three numbers each, in the image's units.
        rule: sentence part that says where they come from.
    """

    low: tuple
    high: tuple
    rule: str

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Return float32 [3, H, W] in [0, 1] from pixels [3, H, W] of any type; NaN stays NaN."""
        wide = np.float64 if pixels.dtype.itemsize > 4 or pixels.dtype in (np.int32, np.uint32) else np.float32
        out = pixels.astype(wide)
        for band, low, high in zip(out, self.low, self.high):
            if low:
                band -= wide(low)
            band *= wide(1.0 / (high - low))
        np.clip(out, 0.0, 1.0, out=out)
        return out.astype(np.float32, copy=False)


def find_normalisation(source: ImageSource, check_cancelled=None) -> Normalisation:
    """Look over the image, prove that it can be read, and find its normalisation.

    Where a part of it looks like an undeclared gap, `source.warnings` gets a line.

    Raises:
        InvalidInput: the file is damaged, or no pixel of it is valid.
    """
    sample = _Sample(source)
    for window in blocks_to_look_at(source):
        if check_cancelled is not None:
            check_cancelled()
        sample.add(*source.read(*window))
    whole = (0, 0, source.grid.width, source.grid.height)
    if sample.count == 0 and not has_valid_pixel(source, whole, check_cancelled):
        raise InvalidInput(
            f"{source.path} has no valid pixel: all are NoData, transparent or masked. Choose another image, "
            "or correct its NoData value.",
        )
    if source.dtype == np.uint8:
        return Normalisation((0.0,) * 3, (255.0,) * 3, "8-bit values divided by 255")
    return _from_sample(_without_gaps(sample.values(), source), source)


def blocks_to_look_at(source: ImageSource) -> Iterator[tuple[int, int, int, int]]:
    """Yield windows (column, row, width, height): all of a small image, evenly spread ones of a large one.

    The four corners are always among them.
    """
    width, height = source.grid.width, source.grid.height
    step = _BLOCK_PX
    columns, rows = -(-width // step), -(-height // step)
    if width * height <= _FULL_CHECK_PX:
        chosen_columns, chosen_rows = range(columns), range(rows)
    else:
        share = math.sqrt(_SAMPLED_BLOCKS / (columns * rows))
        chosen_columns = _spread(columns, max(2, round(columns * share)))
        chosen_rows = _spread(rows, max(2, round(rows * share)))
    for row in chosen_rows:
        for column in chosen_columns:
            x, y = column * step, row * step
            yield x, y, min(step, width - x), min(step, height - y)


def has_valid_pixel(source: ImageSource, window: tuple, check_cancelled=None) -> bool:
    """Tell whether any pixel of a window (column, row, width, height) is valid; stops at the first."""
    if not source.has_mask:
        return True
    column, row, width, height = window
    for y in range(row, row + height, _BLOCK_PX):
        if check_cancelled is not None:
            check_cancelled()
        for x in range(column, column + width, 4 * _BLOCK_PX):
            size = min(4 * _BLOCK_PX, column + width - x), min(_BLOCK_PX, row + height - y)
            if source.read(x, y, *size)[1].any():
                return True
    return False


class _Sample:
    """Valid pixels of the image's blocks, thinned to a bounded number by a regular step."""

    def __init__(self, source: ImageSource):
        looked_at = sum(w * h for _, _, w, h in blocks_to_look_at(source))
        self._step = max(1, math.ceil(math.sqrt(looked_at / _SAMPLE_PX)))
        self._keeps = source.dtype != np.uint8
        self._parts: list[np.ndarray] = []
        self.count = 0

    def add(self, pixels: np.ndarray, valid: np.ndarray | None) -> None:
        self.count += pixels[0].size if valid is None else int(valid.sum())
        if not self._keeps:
            return
        thin = pixels[:, :: self._step, :: self._step]
        if valid is None:
            self._parts.append(thin.reshape(3, -1))
        else:
            self._parts.append(thin[:, valid[:: self._step, :: self._step]])

    def values(self) -> np.ndarray:
        """Return the sampled values [3, n] in the image's type."""
        return np.concatenate(self._parts, axis=1) if self._parts else np.zeros((3, 0))


def _without_gaps(values: np.ndarray, source: ImageSource) -> np.ndarray:
    """Leave out pixels [3, n] of the lowest or highest value in all bands, if they are many; say so to the source.

    Fewer than percentiles leave out anyway are left in.
    """
    if not values.size:
        return values
    kept = np.ones(values.shape[1], bool)
    for value, seen_as in ((values.min(), "black"), (values.max(), "white")):
        gap = (values == value).all(axis=0)
        if not LOW_PERCENT / 100 < gap.mean() < 1.0:
            continue
        kept &= ~gap
        source.warnings.append(
            f"{gap.mean():.0%} of the image have the value {value:.6g} in all bands, and it is not declared as NoData: "
            f"they are taken for {seen_as} ground, and the rest sets the range of brightness. If they are a margin or a "
            f"gap, declare it, for instance with gdal_edit -a_nodata {value:.6g}, and run the job again."
        )
    return values[:, kept] if kept.any() else values


def _from_sample(values: np.ndarray, source: ImageSource) -> Normalisation:
    if values.shape[1] == 0:  # valid pixels exist, but only between the sampled ones
        raise InvalidInput(
            f"{source.path} has too few valid pixels to find its brightness range. Cut the image to its valid part."
        )
    percents = [LOW_PERCENT, HIGH_PERCENT]
    low, high = np.array([np.percentile(band.astype(np.float64), percents) for band in values]).T
    if source.dtype.kind == "f" and values.min() >= 0.0 and values.max() <= 1.0 and high.max() - low.min() >= 0.5:
        return Normalisation((0.0,) * 3, (1.0,) * 3, "values already between 0 and 1, taken as they are")
    flat = high <= low
    low, high = np.where(flat, low - 0.5, low), np.where(flat, high + 0.5, high)  # a flat band becomes 0.5
    return Normalisation(
        tuple(map(float, low)),
        tuple(map(float, high)),
        f"percentiles {LOW_PERCENT:g} and {HIGH_PERCENT:g} of each band over the whole image become 0 and 1",
    )


def _spread(count: int, wanted: int) -> list[int]:
    """Return evenly spread indices from 0 to count - 1, both included."""
    wanted = min(wanted, count)
    return sorted({round(i * (count - 1) / max(1, wanted - 1)) for i in range(wanted)})

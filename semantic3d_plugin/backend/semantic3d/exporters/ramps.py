"""Colours of heights and of uncertainty, and round numbers for their scales.

Both ramps run evenly in lightness (CIELAB L*), so that equal steps look equal and a grey print keeps the order.
They cannot be mistaken for each other: heights go from dark blue to yellow, uncertainty from pale to dark red-purple.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

NODATA_COLOUR = (226, 226, 226)


@dataclass(frozen=True)
class Ramp:
    """A colour ramp; `stops` are evenly spaced "#rrggbb"."""

    name: str
    stops: tuple

    def colours(self, fraction: np.ndarray) -> np.ndarray:
        """Colours [..., 3] uint8 of fractions 0..1 (clipped)."""
        table = np.array([rgb(stop) for stop in self.stops], dtype=np.float64)
        at = np.linspace(0.0, 1.0, len(self.stops))
        fraction = np.clip(fraction, 0.0, 1.0)
        return np.stack([np.rint(np.interp(fraction, at, table[:, c])) for c in range(3)], -1).astype(np.uint8)


HEIGHT_RAMP = Ramp("height", ("#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884",
                              "#44bf70", "#7ad151", "#bddf26", "#fde725"))
SIGMA_RAMP = Ramp("sigma", ("#fcf5ee", "#f7dfca", "#f4c7a7", "#f1ad88", "#ec9070", "#e47260", "#d5545a",
                            "#bc3a5a", "#9c275d", "#781c58", "#521646"))
PROBABILITY_RAMP = Ramp("probability", ("#f7fbff", "#e1edf8", "#cbdff1", "#b0d0e8", "#91bfde", "#6dabd3", "#4f95c7",
                                        "#367fb9", "#2269a7", "#12538f", "#083d74"))
ERROR_RAMP = Ramp("error", ("#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7", "#fddbc7", "#f4a582", "#d6604d",
                            "#b2182b"))  # too low is blue, too high is red (ColorBrewer RdBu)

_STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def rgb(colour: str) -> tuple:
    """(red, green, blue) 0..255 of "#rrggbb"."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def nice_maximum(value: float, smallest: float) -> float:
    """The round number at or just above `value`, at least `smallest`: 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times 10^n.

    Scenes of like heights thereby get the same scale and can be compared by colour.
    """
    if not math.isfinite(value) or value <= smallest:
        return smallest
    power = 10.0 ** math.floor(math.log10(value))
    for step in _STEPS:
        if value <= step * power * (1 + 1e-9):
            return round(step * power, 10)
    return 10.0 * power


def ticks(maximum: float, most: int = 6) -> list:
    """Round tick values from 0 to `maximum`, at most `most` of them, the maximum included where it is round."""
    power = 10.0 ** math.floor(math.log10(maximum))
    for step in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0):
        distance = step * power
        count = maximum / distance
        if count <= most - 1 + 1e-9:
            return [round(index * distance, 10) for index in range(int(count + 1e-9) + 1)]
    return [0.0, maximum]


def number_text(value: float) -> str:
    """A number without needless zeros: 5, 2.5, 0.25."""
    return f"{value:.6g}"

"""Where shadow begins on the index: a threshold for a whole image, from a histogram that is gathered block by block.

Shadows often cover a few per cent of an image and leave no mode of their own in its histogram. Two remedies:
each pixel counts by the height of the edges around it, since both sides of an edge are then equally strong
(after Weszka et al. 1974, "A threshold selection technique"); and the histogram is split into three classes
(Otsu 1979, "A threshold selection method from gray-level histograms", his multilevel form, as Silva et al. 2018 use
it), of which the darkest is shadow and the middle one takes up dark roofs, asphalt and trees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .index import STEPS

LEAST_DROP = 0.288  # natural logarithm: shadow is at least a quarter darker than what is lit (ln 4/3)
_LOW, _HIGH, _BIN = -2048, 6144, 8  # covers every index there can be
_TRIM = 0.001  # share cut off at both ends, so that a few odd pixels make no class


@dataclass(frozen=True)
class Threshold:
    """A threshold and what speaks for it.

    Attributes:
        value: index above which a pixel is shadow, natural logarithm.
        drop: mean index of the darkest class minus that of the rest; 0 without contrast.
        found: whether the drop is deep enough for shadow; else `value` is set where only deep shadow lies.
    """

    value: float
    drop: float
    found: bool

    @property
    def steps(self) -> int:
        """The threshold in the index's integer unit."""
        return round(self.value * STEPS)


class IndexHistogram:
    """Histogram of the index of an image, plain and weighted by edges; blocks may come in any order."""

    def __init__(self):
        self._bins = (_HIGH - _LOW) // _BIN
        self._counts = np.zeros(self._bins, np.int64)
        self._weights = np.zeros(self._bins, np.int64)

    def add(self, index: np.ndarray, usable: np.ndarray, core: tuple, edge_px: int) -> None:
        """Count a block.

        Args:
            index: [H, W], with `edge_px` pixels around the block where the image has them.
            usable: bool [H, W], pixels that count, themselves and as neighbours.
            core: (rows, columns) slices of the block proper.
            edge_px: half the distance over which an edge is measured.
        """
        weights = edge_strength(index, usable, edge_px)[core][usable[core]]
        bins = np.clip((index[core][usable[core]] - _LOW) // _BIN, 0, self._bins - 1)
        self._counts += np.bincount(bins, minlength=self._bins)
        self._weights += np.bincount(bins, weights, self._bins).astype(np.int64)  # exact below 2 ** 53

    def threshold(self) -> Threshold:
        """Split the histogram."""
        counts, weights = self._counts, self._weights
        if not counts.any():
            return Threshold(0.0, 0.0, False)
        first, last = _trimmed(counts)
        cut = first + darkest_of_three(weights[first : last + 1])
        centres = (_LOW + _BIN * (np.arange(self._bins) + 0.5)) / STEPS
        dark, rest = counts[cut:], counts[:cut]
        mean = float((counts * centres).sum() / counts.sum())
        if not dark.any() or not rest.any():
            return Threshold(mean + 1.5 * LEAST_DROP, 0.0, False)
        lit_mean = float((rest * centres[:cut]).sum() / rest.sum())
        drop = float((dark * centres[cut:]).sum() / dark.sum()) - lit_mean
        value = (_LOW + _BIN * cut) / STEPS
        if drop < LEAST_DROP:
            return Threshold(max(value, lit_mean + 1.5 * LEAST_DROP), drop, False)
        return Threshold(value, drop, True)


def edge_strength(index: np.ndarray, usable: np.ndarray, edge_px: int) -> np.ndarray:
    """Difference of the index across each pixel, down plus along, int64 [H, W]; 0 where a neighbour is missing."""
    strength = np.zeros(index.shape, np.int64)
    for axis in (0, 1):
        view, use, out = (np.moveaxis(layer, axis, 0) for layer in (index, usable, strength))
        step = np.abs(view[2 * edge_px :] - view[: -2 * edge_px])
        out[edge_px:-edge_px] += step * (use[2 * edge_px :] & use[: -2 * edge_px])
    return strength


def darkest_of_three(weights: np.ndarray) -> int:
    """Return the first bin of the highest class when `weights` [n] is split into three (Otsu 1979, eq. 17 on).

    Of equally good splits the first; classes may be empty.
    """
    total = np.concatenate([[0.0], np.cumsum(weights, dtype=np.float64)])
    moment = np.concatenate([[0.0], np.cumsum(weights * (np.arange(len(weights)) + 0.5))])
    share = total[None, :] - total[:, None]  # of bins i to j - 1
    between = np.where(np.triu(np.ones(share.shape, bool)), 0.0, -np.inf)
    np.divide((moment[None, :] - moment[:, None]) ** 2, share, out=between, where=share > 0)
    two = between[0][:, None] + between  # classes 0..i and i..j
    best = two.max(axis=0)
    three = best + between[:, -1]
    return int(three.argmax())


def _trimmed(counts: np.ndarray) -> tuple[int, int]:
    """First and last bin after `_TRIM` is cut off at both ends."""
    share = np.cumsum(counts) / counts.sum()
    return int(np.searchsorted(share, _TRIM)), int(np.searchsorted(share, 1.0 - _TRIM))

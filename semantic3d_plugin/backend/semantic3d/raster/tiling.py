"""Tiles along one axis, the weights that blend them, and reflection at the raster's edge.

Everything is separable: a tile is a pair of intervals, its weight the product of two vectors. The
lattice depends on the raster's size, tile and overlap alone, never on the extent asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s3d_protocol.errors import InvalidParameter


@dataclass(frozen=True)
class Axis:
    """The tiles of one axis, in model pixels.

    As few tiles as cover the raster; what they overhang is shared by both ends.

    Attributes:
        size_px: length of the raster.
        tile_px: length of a tile.
        overlap_px: shared by neighbours.
    """

    size_px: int
    tile_px: int
    overlap_px: int

    def __post_init__(self):
        limit = self.tile_px - max(1, self.tile_px // 8)
        if not 0 <= self.overlap_px <= limit:
            raise InvalidParameter(
                f"The overlap is {self.overlap_px} pixels and the model's tile {self.tile_px}. "
                f"Give an overlap from 0 to {limit} pixels."
            )

    @property
    def stride_px(self) -> int:
        return self.tile_px - self.overlap_px

    @property
    def count(self) -> int:
        return 1 + max(0, -(-(self.size_px - self.tile_px) // self.stride_px))

    @property
    def origin_px(self) -> int:
        """First pixel of the first tile; not above 0."""
        covered = self.tile_px + (self.count - 1) * self.stride_px
        return -((covered - self.size_px) // 2)

    def start(self, index: int) -> int:
        """First pixel of a tile, which may lie outside the raster."""
        return self.origin_px + index * self.stride_px

    def touching(self, low: int, high: int) -> range:
        """Return the tiles that share a pixel with [low, high)."""
        first = max(0, -(-(low - self.tile_px + 1 - self.origin_px) // self.stride_px))
        last = min(self.count - 1, (high - 1 - self.origin_px) // self.stride_px)
        return range(first, last + 1)

    def weights(self, index: int) -> np.ndarray:
        """Return the tile's blending weights [tile_px], float64; over all tiles they sum to 1 at every pixel."""
        own = window_weights(self.tile_px, self.overlap_px)
        total = np.zeros(self.tile_px)
        reach = -(-self.tile_px // self.stride_px)
        for other in range(max(0, index - reach), min(self.count, index + reach + 1)):
            shift = (other - index) * self.stride_px
            low, high = max(0, shift), min(self.tile_px, self.tile_px + shift)
            if low < high:
                total[low:high] += own[low - shift : high - shift]
        return own / total


def window_weights(tile_px: int, overlap_px: int) -> np.ndarray:
    """Return raised-cosine ramps over the overlap at both ends and 1 between [tile_px], float64, all above 0."""
    weights = np.ones(tile_px)
    if overlap_px:
        distance = np.minimum(np.arange(tile_px), np.arange(tile_px)[::-1]) + 0.5
        weights = np.sin(0.5 * np.pi * np.minimum(1.0, distance / overlap_px)) ** 2
    return weights


def reflected(low: int, high: int, size: int) -> np.ndarray:
    """Return the indices [high - low] into a raster of `size` pixels for positions that may lie outside it.

    The edge pixel is repeated (c b a | a b c), as often as it takes, so a single pixel serves too.
    """
    position = np.arange(low, high) % (2 * size)
    return np.where(position < size, position, 2 * size - 1 - position)

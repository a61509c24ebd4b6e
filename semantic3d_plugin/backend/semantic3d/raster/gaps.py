"""What a network is shown where there is no image."""

from __future__ import annotations

import numpy as np


def fill_gaps(image: np.ndarray, gaps: np.ndarray) -> None:
    """Fill a tile's gaps, in place, with its own mirror images, and what they leave with its mean.

    A network whose norms run over the whole window reads a tile that is half flat differently; beside more of the
    same place it gives what it would give inside the image.

    Args:
        image: [3, T, T].
        gaps: bool [T, T], True where there is no image.
    """
    empty = gaps.copy()
    for axes in ((1,), (0,), (0, 1)):
        found = empty & ~np.flip(gaps, axes)
        image[:, found] = np.flip(image, [axis + 1 for axis in axes])[:, found]
        empty &= ~found
    if empty.any():
        some = ~empty
        count = np.count_nonzero(some)
        for band in image:
            band[empty] = band[some].mean(dtype=np.float64) if count else 0.0

"""How much each pixel looks like a shadow, from brightness and colour alone.

    index = -ln V + 1/4 mean(ln V)

V is the brightest channel: a tree keeps its green and a roof its red in it, while shadow, which only the sky lights,
is dark in all three. The logarithm makes shadow a constant step down, whatever it falls on. The mean over a
neighbourhood of about 20 m lowers the index of large dark areas.

The usual ratios of hue to intensity (Tsai 2006, "A comparative study on shadow compensation of color aerial images
in invariant color models"; Silva et al. 2018, "Near real-time shadow detection and removal in aerial motion imagery
application") lean on hue, which is noise where a pixel is dark and grey; docs/shadows.md has the comparison.

All arithmetic is on integers, so that a value does not depend on where a window begins or how wide it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STEPS = 1024  # integer units per natural logarithm
_LEVELS = 4095  # grey levels that pixel values are rounded to
_BLACK = 0.05  # added to values in 0..1: differences far below it are noise
_EMPTY, _ODD = 10.5 / 255, 0.01  # brightest black of a collar after lossy compression; share of other pixels in it
_LOGARITHM = np.rint(STEPS * np.log(np.arange(_LEVELS + 1) / _LEVELS + _BLACK)).astype(np.int32)

_BLUR_M, _BLUR_PX = 0.3, (0, 8)  # radius in metres and its limits in pixels; coarser images are smooth by themselves
_AROUND_M, _AROUND_PX = 10.0, (4, 60)
_EDGE_M, _EDGE_PX = 2.0, (2, 16)


@dataclass(frozen=True)
class Reach:
    """Radii in pixels for one ground sampling distance.

    Attributes:
        blur_px: of the mean that quiets noise.
        around_px: of the neighbourhood that a pixel is compared with.
        edge_px: half the distance over which an edge is measured.
    """

    blur_px: int
    around_px: int
    edge_px: int

    @property
    def index_px(self) -> int:
        """How far the index of a pixel looks."""
        return self.blur_px + self.around_px

    @property
    def histogram_px(self) -> int:
        """How far a pixel's entry in the histogram looks."""
        return self.index_px + self.edge_px


def reach(gsd_m: float) -> Reach:
    """Return the radii for pixels of `gsd_m` metres."""
    return Reach(
        _clipped(_BLUR_M / gsd_m - 0.5, _BLUR_PX),  # rounded down: better too sharp than too smooth
        _clipped(_AROUND_M / gsd_m, _AROUND_PX),
        _clipped(_EDGE_M / gsd_m, _EDGE_PX),
    )


def shadow_index(rgb: np.ndarray, valid: np.ndarray, radii: Reach) -> np.ndarray:
    """Return the index [H, W], int32 in 1 / `STEPS`; high is shadow.

    Args:
        rgb: red, green, blue [3, H, W], 0 to 1; invalid pixels may hold anything.
        valid: bool [H, W]; what lies outside of the array counts as invalid.
    """
    levels = np.where(valid, rgb, 0.0) * np.float32(_LEVELS)
    levels = np.rint(np.clip(levels, 0, _LEVELS)).astype(np.int32)
    count = np.maximum(box_sum(valid, radii.blur_px), 1)
    red, green, blue = (box_sum(band, radii.blur_px) // count for band in levels)
    bright = _LOGARITHM[np.maximum(np.maximum(red, green), blue)]
    count = np.maximum(box_sum(valid, radii.around_px), 1)
    around = box_sum(np.where(valid, bright, 0), radii.around_px) // count
    return -bright + around // 4


def empty_areas(rgb: np.ndarray, valid: np.ndarray, radius_px: int) -> np.ndarray:
    """Tell where black squares of 2 r + 1 pixels lie, bool [H, W]: the collar of a mosaic that no mask declares.

    A pixel depends on what lies up to 2 `radius_px` away; invalid pixels and the outside of the array do not count.
    A few odd pixels in a square are forgiven: lossy compression leaves them at a collar's edge.
    """
    content = (rgb > _EMPTY).any(axis=0) & valid
    if content.sum() == valid.sum():
        return np.zeros(content.shape, bool)
    content, seen = (np.pad(layer, radius_px) for layer in (content, valid))  # squares may stand half outside
    empty = box_sum(content, radius_px) <= _ODD * box_sum(seen, radius_px)
    inside = (slice(radius_px, -radius_px),) * 2
    return (box_sum(empty, radius_px) > 0)[inside] & valid


def box_sum(values: np.ndarray, radius_px: int) -> np.ndarray:
    """Sum over a square of 2 r + 1 pixels around each pixel, int32 [H, W]; outside of the array is 0.

    Running sums may wrap around; their differences are right as long as the sum itself fits.
    """
    total = np.pad(values.astype(np.int32, copy=False), ((radius_px + 1, radius_px),) * 2)
    side = 2 * radius_px + 1
    np.cumsum(total, axis=0, out=total)
    total = total[side:] - total[:-side]
    np.cumsum(total, axis=1, out=total)
    return total[:, side:] - total[:, :-side]


def _clipped(value: float, limits: tuple) -> int:
    return int(min(max(round(value), limits[0]), limits[1]))

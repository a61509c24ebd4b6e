"""From pixels to dark pixels: which part of a window could be shadow, before small patches are cleaned away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .index import Reach, box_sum, empty_areas, reach, shadow_index

_TOO_WIDE_M = 60.0  # wider than any cast shadow of a building: water, burnt ground, the shade of a mountain
_WIDE_PX = (2, 512)  # limits of half of that
_FULL_TENTHS = 9  # tenths of a square that are dark in a dark square: boats and waves are forgiven
_SEEN = 0.5  # share of a square that must lie on the image for that


@dataclass(frozen=True)
class Detector:
    """The detector for one ground sampling distance.

    Attributes:
        radii: of the index.
        wide_px: half the edge of the square that is too large to be shadow.
        black_is_empty: whether wide black areas are no picture; not where 0 is only the darkest value.
    """

    radii: Reach
    wide_px: int
    black_is_empty: bool

    @property
    def margin_px(self) -> int:
        """How far `dark` looks around a pixel."""
        return 2 * self.wide_px + self.radii.index_px + 2 * self.radii.around_px

    @property
    def histogram_margin_px(self) -> int:
        """How far a pixel's share in the histogram looks."""
        return self.radii.histogram_px + 2 * self.radii.around_px

    def index(self, rgb: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the shadow index [H, W] and where there is a picture, bool [H, W].

        Args:
            rgb: [3, H, W], 0 to 1.
            valid: bool [H, W].
        """
        pictured = valid & ~empty_areas(rgb, valid, self.radii.around_px) if self.black_is_empty else valid
        return shadow_index(rgb, pictured, self.radii), pictured

    def dark(self, rgb: np.ndarray, valid: np.ndarray, threshold_steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Return where the index is above the threshold, wide areas left out, and where there is a picture.

        Args:
            rgb: [3, H, W], 0 to 1.
            valid: bool [H, W].
            threshold_steps: in the index's integer unit.
        """
        index, pictured = self.index(rgb, valid)
        return without_wide_areas(pictured & (index > threshold_steps), pictured, self.wide_px), pictured


def detector(gsd_m: float, black_is_empty: bool = True) -> Detector:
    """Return the detector for pixels of `gsd_m` metres."""
    wide_px = int(min(max(round(_TOO_WIDE_M / 2 / gsd_m), _WIDE_PX[0]), _WIDE_PX[1]))
    return Detector(reach(gsd_m), wide_px, black_is_empty)


def without_wide_areas(dark: np.ndarray, valid: np.ndarray, radius_px: int) -> np.ndarray:
    """Take from a mask [H, W] what lies in a square of 2 r + 1 pixels that is dark almost everywhere.

    A pixel depends on what lies up to 2 `radius_px` away; invalid pixels and the outside of the array do not count.
    """
    seen = box_sum(valid, radius_px)
    full = 10 * box_sum(dark, radius_px) >= _FULL_TENTHS * seen
    full &= valid & (seen >= _SEEN * (2 * radius_px + 1) ** 2)
    return dark & ~(box_sum(full, radius_px) > 0) if full.any() else dark

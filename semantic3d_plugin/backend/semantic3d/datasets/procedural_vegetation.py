"""Trees, bushes, hedges and the texture of open land in the procedural scenes."""
from __future__ import annotations

import numpy as np

from .procedural_canvas import LOW_VEGETATION, TREE, smooth_noise
from .procedural_palettes import TREES, jitter, pick


class Woods:
    """Crown stamps of a scene, cut once per kind and size and placed many times."""

    def __init__(self, rng, canvas, climate, bare=False):
        self.rng, self.canvas = rng, canvas
        broad, conifer = TREES[climate]
        self.conifer_share = float(rng.choice([0.05, rng.uniform(0.1, 0.9)], p=[0.6, 0.4]))
        self.palette = {
            "broad": [jitter(rng, pick(rng, broad), 0.10, 0.03) for _ in range(5)],
            "conifer": [jitter(rng, pick(rng, conifer), 0.10, 0.03) for _ in range(3)],
            "bush": [jitter(rng, pick(rng, broad), 0.12, 0.04) for _ in range(4)],
        }
        self.bare = bare
        if rng.random() < 0.06 and not bare and climate in ("temperate", "lush"):  # autumn
            self.palette["broad"][0] = jitter(rng, (176, 140, 72))
            self.palette["broad"][1] = jitter(rng, (150, 96, 66))
        self.roughness = float(rng.uniform(0.6, 1.5))
        self.stamps = {}

    def _stamp(self, kind, radius_px):
        """(mask, relative height 0..1, brightness) of a crown, [d, d]."""
        variant = int(self.rng.integers(0, 5))
        key = (kind, radius_px, variant)
        if key in self.stamps:
            return self.stamps[key]
        rng, gsd = self.rng, self.canvas.gsd_m
        half = int(np.ceil(radius_px * 1.3)) + 1
        size = 2 * half + 1
        axis = (np.arange(size) - half).astype(np.float32) / np.float32(radius_px)
        x, y = axis[None, :] + rng.normal(0, 0.05), axis[:, None] + rng.normal(0, 0.05)
        stretch = np.exp(rng.normal(0, 0.10))
        distance = np.sqrt((x * stretch) ** 2 + (y / stretch) ** 2)
        lump = smooth_noise(rng, size, max(2.0, radius_px * 0.5))
        leaf = smooth_noise(rng, size, max(1.3, 0.9 / gsd))
        fine = rng.standard_normal((size, size), dtype=np.float32)
        rough = np.float32(self.roughness)
        if kind == "conifer":
            bumps = 0.07 * lump + 0.05 * leaf
            relative = 1.0 - 0.95 * distance + rough * 0.5 * bumps
        else:
            bumps = 0.10 * lump + 0.05 * leaf
            relative = self._lobes(x * stretch, y / stretch, radius_px) + rough * 0.6 * bumps
        mask = (distance + rough * 0.9 * bumps < 1.0) & (relative > 0.03)
        brightness = np.exp(0.07 * leaf + 0.05 * fine + 0.22 * np.clip(relative - 0.75, -0.8, 0.3))
        self.stamps[key] = (mask, np.clip(relative, 0.0, 1.15).astype(np.float32), brightness.astype(np.float32))
        return self.stamps[key]

    def _lobes(self, x, y, radius_px):
        """Relative height [d, d] of a crown made of a dome and boughs on it."""
        rng = self.rng
        dome = np.sqrt(np.clip(1.0 - x * x - y * y, 0, 1))
        if radius_px * self.canvas.gsd_m < 1.5:
            return dome
        top = 0.55 * dome
        for _ in range(int(rng.integers(5, 13))):
            angle, reach = rng.uniform(0, 2 * np.pi), 0.72 * np.sqrt(rng.random())
            size = rng.uniform(0.22, 0.48)
            bough = size * size - (x - reach * np.cos(angle)) ** 2 - (y - reach * np.sin(angle)) ** 2
            base = np.sqrt(max(0.0, 1.0 - reach * reach)) - 0.55 * size
            top = np.where(bough > 0, np.maximum(top, base + np.sqrt(np.maximum(bough, 0))), top)
        return top

    def tree(self, x_m, y_m, height_m, radius_m, kind=None, on_roof=False):
        """Draw one tree or bush; does nothing on water or (unless told) through a roof."""
        rng, canvas = self.rng, self.canvas
        if kind is None:
            kind = "conifer" if rng.random() < self.conifer_share else "broad"
        gsd = canvas.gsd_m
        column, row = int(x_m / gsd), int(y_m / gsd)
        if not (-40 / gsd < column < canvas.size_px + 40 / gsd and -40 / gsd < row < canvas.size_px + 40 / gsd):
            return
        if 0 <= column < canvas.size_px and 0 <= row < canvas.size_px:
            if canvas.land_cover[row, column] in (4, 5, 6) and not on_roof:
                return
        radius_px = max(1.0, radius_m / gsd)
        step = 1.12 ** np.round(np.log(radius_px) / np.log(1.12))
        mask, relative, brightness = self._stamp(kind, float(step))
        half = mask.shape[0] // 2
        top, left = row - half, column - half
        r0, c0 = max(0, -top), max(0, -left)
        r1 = min(mask.shape[0], canvas.size_px - top)
        c1 = min(mask.shape[1], canvas.size_px - left)
        if r0 >= r1 or c0 >= c1:
            return
        cut = (slice(r0, r1), slice(c0, c1))
        area = (slice(top + r0, top + r1), slice(left + c0, left + c1))
        crown = min(height_m * (0.85 if kind == "conifer" else 0.6), (4.0 if kind == "conifer" else 1.3) * radius_m)
        surface = height_m - crown * (1.0 - relative[cut])
        slopes = canvas.slopes_of(np.ascontiguousarray(surface))
        cap = 0.55 if kind != "conifer" else 0.8
        slopes = tuple(np.clip(0.6 * slope, -cap, cap) for slope in slopes)
        colour = pick(rng, self.palette[kind]) * np.float32(np.exp(rng.normal(0, 0.12)))
        colour = colour * brightness[cut][..., None]
        if self.bare and kind == "broad":  # twigs: the ground shows through, little relief
            share = np.clip(0.5 + 0.25 * (brightness[cut] - 1.0) / 0.2, 0.25, 0.8)[..., None]
            colour = share * colour + (1.0 - share) * canvas.albedo[area]
            slopes = tuple(0.5 * slope for slope in slopes)
        code = TREE if height_m >= 1.2 else LOW_VEGETATION
        canvas.place(area, mask[cut], np.maximum(surface, 0.6), colour, code, slopes)

    def any_tree(self, x_m, y_m, low_m=4.0, high_m=16.0, on_roof=False):
        """A tree of likely size at a place."""
        rng = self.rng
        height = float(np.clip(rng.gamma(5.0, (low_m + high_m) / 10.0), 0.8 * low_m, 1.8 * high_m))
        conifer = rng.random() < self.conifer_share
        ratio = rng.uniform(0.13, 0.24) if conifer else rng.uniform(0.24, 0.46)
        radius = max(0.9, height * ratio)
        self.tree(x_m, y_m, height, radius, "conifer" if conifer else "broad", on_roof)

    def bush(self, x_m, y_m):
        """A bush of 0.8 to 3 m."""
        height = float(self.rng.uniform(0.8, 3.0))
        self.tree(x_m, y_m, height, height * self.rng.uniform(0.5, 1.0), "bush")

    def understory(self, area, mask, height_m, ceiling_m=np.inf):
        """A closed, uneven layer of young trees and shrubs [h, w] under a mask, nowhere above ``ceiling_m``."""
        noise, rng = self.canvas.noise, self.rng
        rough = 0.35 * noise.patch(2, mask.shape) + 0.3 * noise.patch(1, mask.shape) + 0.1 * noise.patch(0, mask.shape)
        surface = np.clip(height_m * np.exp(0.8 * rough), 0.6, ceiling_m).astype(np.float32)
        slopes = tuple(np.clip(0.5 * slope, -0.6, 0.6) for slope in self.canvas.slopes_of(surface))
        colour = pick(rng, self.palette["bush"]) * np.exp(0.25 * rough + 0.10 * noise.patch(3, mask.shape))[..., None]
        mask = mask & (self.canvas.land_cover[area] == LOW_VEGETATION)
        if height_m > 1.2:
            self.canvas.place(area, mask & (surface >= 1.0), surface, colour, TREE, slopes)

    def stand(self, places, height_m, spread=0.15, keep=None):
        """Dense trees at (x, y) places, heights about ``height_m``."""
        for x, y in places:
            if keep is not None and not keep(x, y):
                continue
            height = float(np.clip(height_m * np.exp(self.rng.normal(0, spread)), 2.5, 46.0))
            conifer = self.rng.random() < self.conifer_share
            ratio = self.rng.uniform(0.11, 0.17) if conifer else self.rng.uniform(0.17, 0.30)
            self.tree(x, y, height, height * ratio + 0.5, "conifer" if conifer else "broad")

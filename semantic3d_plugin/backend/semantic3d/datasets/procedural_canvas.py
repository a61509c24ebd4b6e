"""The drawing board of the procedural scenes: layers, windows, noise.

All layers share one square grid. ``x`` runs to the right (east), ``y`` down
(south), both in metres from the upper left corner. Colours are linear
reflectances; palettes are written as 8-bit sRGB and converted by ``linear``.
"""
from __future__ import annotations

import numpy as np

IMPERVIOUS, LOW_VEGETATION, TREE, BUILDING, WATER, BRIDGE, OTHER = range(1, 8)


def linear(colour_8bit) -> np.ndarray:
    """Linear reflectance [..., 3] of an 8-bit display colour (gamma 2.2)."""
    return (np.asarray(colour_8bit, np.float32) / 255.0) ** np.float32(2.2)


def smooth_noise(rng, size_px: int, cell_px: float) -> np.ndarray:
    """Value noise [size, size], float32, zero mean and unit deviation."""
    if cell_px <= 1.2:
        return rng.standard_normal((size_px, size_px), dtype=np.float32)
    count = int(np.ceil(size_px / cell_px)) + 3
    grid = rng.standard_normal((count, count), dtype=np.float32)
    position = (np.arange(size_px, dtype=np.float32) + rng.random()) / cell_px
    low = position.astype(np.int64)
    part = position - low
    part = part * part * (3.0 - 2.0 * part)
    rows = grid[low] * (1.0 - part[:, None]) + grid[low + 1] * part[:, None]
    columns = np.ascontiguousarray(rows.T)
    field = columns[low] * (1.0 - part[:, None]) + columns[low + 1] * part[:, None]
    field -= field.mean()
    return (field / max(float(field.std()), 1e-6)).astype(np.float32)


class NoisePool:
    """Noise fields of a scene at fixed scales (metres), cut out as textures."""

    SCALES_M = (0.3, 1.2, 4.0, 14.0, 50.0)

    def __init__(self, rng, size_px: int, gsd_m: float):
        self.rng = rng
        self.fields = [smooth_noise(rng, size_px, scale / gsd_m) for scale in self.SCALES_M]

    def patch(self, level: int, shape) -> np.ndarray:
        """A random cut [h, w] from the field of a level (0 finest)."""
        field = self.fields[level]
        row = int(self.rng.integers(0, max(1, field.shape[0] - shape[0] + 1)))
        column = int(self.rng.integers(0, max(1, field.shape[1] - shape[1] + 1)))
        return field[row:row + shape[0], column:column + shape[1]]


class Canvas:
    """Layers of a scene under construction, each [N, N].

    height_m above ground, land_cover codes, albedo [N, N, 3] linear,
    slope_x and slope_y (metres per metre, of the surface that is seen),
    wall (index into ``wall_colours``, what a facade shows when it leans).
    """

    def __init__(self, rng, size_px: int, gsd_m: float):
        self.rng = rng
        self.size_px = size_px
        self.gsd_m = gsd_m
        self.extent_m = size_px * gsd_m
        self.height_m = np.zeros((size_px, size_px), np.float32)
        self.land_cover = np.zeros((size_px, size_px), np.uint8)
        self.albedo = np.zeros((size_px, size_px, 3), np.float32)
        self.slope_x = np.zeros((size_px, size_px), np.float32)
        self.slope_y = np.zeros((size_px, size_px), np.float32)
        self.wall = np.zeros((size_px, size_px), np.uint8)
        self.reserved = np.zeros((size_px, size_px), bool)  # roads, water, rails: no building here
        self.wall_colours = [linear((120, 115, 110))]
        self.axis_m = ((np.arange(size_px) + 0.5) * gsd_m).astype(np.float32)
        self.noise = NoisePool(rng, size_px, gsd_m)

    def crop(self, start_px: int, stop_px: int):
        """Keep rows and columns start..stop of every layer (drawing is over then)."""
        inner = (slice(start_px, stop_px),) * 2
        for name in ("height_m", "land_cover", "albedo", "slope_x", "slope_y", "wall"):
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[inner]))
        self.noise.fields = [np.ascontiguousarray(field[inner]) for field in self.noise.fields]
        self.size_px = stop_px - start_px

    def window(self, x_m: float, y_m: float, half_m: float):
        """Slices and local coordinates (x [1, w], y [h, 1]) round a point, or None."""
        left = max(0, int((x_m - half_m) / self.gsd_m))
        right = min(self.size_px, int((x_m + half_m) / self.gsd_m) + 2)
        top = max(0, int((y_m - half_m) / self.gsd_m))
        bottom = min(self.size_px, int((y_m + half_m) / self.gsd_m) + 2)
        if left >= right or top >= bottom:
            return None
        area = (slice(top, bottom), slice(left, right))
        return area, self.axis_m[None, left:right] - x_m, self.axis_m[top:bottom, None] - y_m

    def oriented(self, x_m, y_m, angle, half_m):
        """As ``window``, with coordinates p along ``angle`` and q across it, or None."""
        found = self.window(x_m, y_m, half_m)
        if found is None:
            return None
        area, x, y = found
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        return area, x * cosine + y * sine, y * cosine - x * sine

    def place(self, area, mask, height_m, colour, code, slopes=None, wall=None):
        """Draw a thing where it is inside ``mask`` and higher than what stands there.

        ``height_m`` is a number or [h, w]; ``colour`` is [3] or [h, w, 3].
        """
        mask = mask & (height_m >= self.height_m[area])
        np.copyto(self.height_m[area], height_m, where=mask)
        np.copyto(self.albedo[area], colour, where=mask[..., None])
        self.land_cover[area][mask] = code
        np.copyto(self.slope_x[area], 0.0 if slopes is None else slopes[0], where=mask)
        np.copyto(self.slope_y[area], 0.0 if slopes is None else slopes[1], where=mask)
        if wall is not None:
            self.wall[area][mask] = wall
        return mask

    def stain(self, area, mask, colour, strength=1.0):
        """Blend a colour into the albedo under a mask; nothing else changes."""
        cover = (mask * np.float32(strength))[..., None]
        self.albedo[area] += (np.asarray(colour, np.float32) - self.albedo[area]) * cover

    def slopes_of(self, surface_m):
        """(slope_x, slope_y) of a surface [h, w] in metres; zeros when too thin."""
        if min(surface_m.shape) < 2:
            flat = np.zeros_like(surface_m)
            return flat, flat
        slope_y, slope_x = np.gradient(surface_m, np.float32(self.gsd_m))
        return slope_x, slope_y

    def add_wall(self, colour) -> int:
        """Index of a facade colour (the table holds 250, then it is reused)."""
        if len(self.wall_colours) < 250:
            self.wall_colours.append(np.asarray(colour, np.float32))
            return len(self.wall_colours) - 1
        return int(self.rng.integers(1, 250))

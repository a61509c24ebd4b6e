"""Streets, blocks and ground of a procedural scene.

Streets are the lines of an irregular grid in warped coordinates (u, v), in
metres, so that they curve gently and what stands along them turns with them.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .procedural_canvas import smooth_noise
from .procedural_palettes import MATERIAL_ID, MATERIALS, pick, pick_weighted


@dataclass
class Block:
    """The land between streets: bounds in (u, v) metres and what it is used for."""

    u0: float
    u1: float
    v0: float
    v1: float
    kind: str


class Layout:
    """Warped street grid and the ground materials [N, N] of a scene."""

    def __init__(self, rng, canvas, style):
        self.rng, self.canvas, self.style = rng, canvas, style
        size, gsd = canvas.size_px, canvas.gsd_m
        self.angle = float(rng.choice([rng.uniform(0, np.pi / 2), rng.normal(0, 0.05)], p=[0.75, 0.25]))
        self.centre_m = canvas.extent_m / 2
        curve = style["curve"] * rng.uniform(0.1, 1.6)
        cell = rng.uniform(90, 180) / gsd
        self.warp_u = smooth_noise(rng, size, cell) * np.float32(curve)
        self.warp_v = smooth_noise(rng, size, cell) * np.float32(curve)
        if "wander" in style:  # narrow streets that bend every few houses
            bend = np.float32(style["wander"] * rng.uniform(0.3, 1.2))
            self.warp_u += smooth_noise(rng, size, rng.uniform(34, 60) / gsd) * bend
            self.warp_v += smooth_noise(rng, size, rng.uniform(34, 60) / gsd) * bend
        x = canvas.axis_m[None, :] - self.centre_m
        y = canvas.axis_m[:, None] - self.centre_m
        cosine, sine = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        self.u = x * cosine + y * sine + self.warp_u
        self.v = y * cosine - x * sine + self.warp_v
        self.material = np.full((size, size), MATERIAL_ID["lawn"], np.uint8)
        self.tint = np.ones((size, size), np.float32)
        self.road_width_m = float(rng.uniform(*style["road"]))
        self.pavement_m = float(rng.choice([0.0, rng.uniform(1.2, 3.0)], p=[0.3, 0.7]))
        reach = canvas.extent_m * 0.75 + 2 * curve
        self.streets_u, self.half_u = self._streets(style["u"], reach)
        self.streets_v, self.half_v = self._streets(style["v"], reach)
        self.blocks = []

    def _streets(self, gap_m, reach_m):
        positions = [-reach_m - self.rng.uniform(0, gap_m[1])]
        while positions[-1] < reach_m:
            positions.append(positions[-1] + self.rng.uniform(*gap_m))
        widths = np.full(len(positions), self.road_width_m) * self.rng.uniform(0.85, 1.15, len(positions))
        widths[self.rng.random(len(positions)) < 0.12] *= 1.7
        return np.array(positions), widths / 2

    def make_blocks(self):
        """Blocks with their kinds, those that may touch the canvas."""
        margin = self.pavement_m
        for i in range(len(self.streets_u) - 1):
            for j in range(len(self.streets_v) - 1):
                block = Block(self.streets_u[i] + self.half_u[i] + margin,
                              self.streets_u[i + 1] - self.half_u[i + 1] - margin,
                              self.streets_v[j] + self.half_v[j] + margin,
                              self.streets_v[j + 1] - self.half_v[j + 1] - margin,
                              pick_weighted(self.rng, self.style["blocks"]))
                if self.rectangle(block.u0, block.u1, block.v0, block.v1) is not None:
                    self.blocks.append(block)
        return self.blocks

    def to_xy(self, u_m: float, v_m: float):
        """(x, y) metres of a place given in street coordinates (fixed-point inverse)."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        last = self.canvas.size_px - 1
        du = dv = 0.0
        for _ in range(3):
            a, b = u_m - du, v_m - dv
            x = self.centre_m + a * cosine - b * sine
            y = self.centre_m + a * sine + b * cosine
            column = min(max(int(x / self.canvas.gsd_m), 0), last)
            row = min(max(int(y / self.canvas.gsd_m), 0), last)
            du, dv = float(self.warp_u[row, column]), float(self.warp_v[row, column])
        return x, y

    def pose(self, u_m: float, v_m: float):
        """(x, y, angle): a place and the local direction of the u axis, radians."""
        x, y = self.to_xy(u_m, v_m)
        x0, y0 = self.to_xy(u_m - 6.0, v_m)
        x1, y1 = self.to_xy(u_m + 6.0, v_m)
        return x, y, float(np.arctan2(y1 - y0, x1 - x0))

    def rectangle(self, u0, u1, v0, v1):
        """(area, u, v, mask) of a rectangle in street coordinates, or None off canvas."""
        corners = [self.to_xy(u, v) for u in (u0, (u0 + u1) / 2, u1) for v in (v0, (v0 + v1) / 2, v1)]
        slack = 1.0 + 0.2 * self.style["curve"] * (max(u1 - u0, v1 - v0) > 25)
        xs, ys = [c[0] for c in corners], [c[1] for c in corners]
        gsd, size = self.canvas.gsd_m, self.canvas.size_px
        left, right = max(0, int((min(xs) - slack) / gsd)), min(size, int((max(xs) + slack) / gsd) + 2)
        top, bottom = max(0, int((min(ys) - slack) / gsd)), min(size, int((max(ys) + slack) / gsd) + 2)
        if left >= right or top >= bottom:
            return None
        area = (slice(top, bottom), slice(left, right))
        u, v = self.u[area], self.v[area]
        mask = (u >= u0) & (u < u1) & (v >= v0) & (v < v1)
        return (area, u, v, mask) if mask.any() else None

    def cover(self, u0, u1, v0, v1, material, tint=1.0, patchy=None):
        """Lay a ground material on a rectangle; ``patchy`` in 0..1 keeps that share of it."""
        found = self.rectangle(u0, u1, v0, v1)
        if found is None:
            return None
        area, _, _, mask = found
        if patchy is not None:
            noise = self.canvas.noise
            mix = noise.patch(2, mask.shape) + 0.7 * noise.patch(3, mask.shape)
            mix = mix + self.rng.uniform(0.1, 0.6) * noise.patch(1, mask.shape)
            mix = mix + self.rng.uniform(0.1, 0.5) * noise.patch(0, mask.shape)
            mask = mask & (mix < (patchy - 0.5) * 3.6)
        self.material[area][mask] = MATERIAL_ID[material]
        self.tint[area][mask] = tint
        return found

    def _line_distance(self, coordinate, positions, halves):
        """(distance to the nearest street axis, its half width, its index), each [N, N]."""
        low, step = float(coordinate.min()) - 1.0, 0.1
        table = np.arange(low, float(coordinate.max()) + 2.0, step)
        nearest = np.searchsorted((positions[1:] + positions[:-1]) / 2, table)
        at = ((coordinate - np.float32(low)) / np.float32(step)).astype(np.int32)
        signed = (table - positions[nearest]).astype(np.float32)
        return signed[at], halves[nearest].astype(np.float32)[at], nearest.astype(np.uint8)[at]

    def lay_streets(self, road="asphalt", pavement="concrete"):
        """Roads and pavements onto the ground; keeps what the markings need."""
        du, hu, iu = self._line_distance(self.u, self.streets_u, self.half_u)
        dv, hv, iv = self._line_distance(self.v, self.streets_v, self.half_v)
        keep_u = self.rng.random((len(self.streets_u), 1 + len(self.streets_v))) < 0.9
        keep_v = self.rng.random((len(self.streets_v), 1 + len(self.streets_u))) < 0.9
        side_v = iv + (dv > 0)
        side_u = iu + (du > 0)
        on_u, on_v = keep_u[iu, side_v], keep_v[iv, side_u]
        gap_u, gap_v = np.abs(du) - hu, np.abs(dv) - hv
        gap_u[~on_u] = 1e3
        gap_v[~on_v] = 1e3
        gap = np.minimum(gap_u, gap_v)
        if self.pavement_m > 0:
            walk = gap < self.pavement_m
            self.material[walk] = MATERIAL_ID[pavement]
            self.tint[walk] = 1.0
        self.road = gap < 0
        self.material[self.road] = MATERIAL_ID[road]
        if self.rng.random() < 0.5:  # a median on the widest streets
            median = pick(self.rng, ("lawn", "concrete", "dry_grass", "soil"))
            for off, half, gap_of, other in ((du, hu, gap_u, gap_v), (dv, hv, gap_v, gap_u)):
                strip = (half > 7.5) & (np.abs(off) < 1.3) & (gap_of < 0) & (other > 3.0)
                self.material[strip] = MATERIAL_ID[median]
        shade_u = self.rng.normal(1.0, 0.10, len(self.streets_u)).astype(np.float32)
        shade_v = self.rng.normal(1.0, 0.10, len(self.streets_v)).astype(np.float32)
        along_u = self.road & (gap_u <= gap_v)
        self.tint[along_u] = shade_u[iu[along_u]]
        along_v = self.road & ~along_u
        self.tint[along_v] = shade_v[iv[along_v]]
        self.street_parts = (du, hu, gap_u, dv, hv, gap_v)
        self.street_index = (iu, iv)
        return gap

    def marking_mask(self):
        """Painted lines on the streets [N, N], 0..1 as coverage of the pixel."""
        du, hu, gap_u, dv, hv, gap_v = self.street_parts
        wide = np.float32(max(0.12, 0.5 * self.canvas.gsd_m))
        strength = np.float32(min(1.0, 0.12 / wide * 1.0))
        free_u, free_v = (gap_u < 0) & (gap_v > 2.0), (gap_v < 0) & (gap_u > 2.0)
        dashes = self.rng.random() < 0.6
        period = float(self.rng.choice([6.0, 9.0, 12.0]))
        mask = np.zeros(self.road.shape, np.float32)
        for free, off, half, along in ((free_u, du, hu, self.v), (free_v, dv, hv, self.u)):
            middle = free & (np.abs(off) < wide)
            if dashes:
                middle &= np.mod(along, period) < 0.45 * period
            mask[middle] = strength
            lanes = free & (half > 5.5) & (np.abs(np.abs(off) - half * 0.5) < wide)
            lanes &= np.mod(along, period) < 0.4 * period
            mask[lanes] = strength
            if self.rng.random() < 0.4:
                edge = free & (half > 4.0) & (np.abs(np.abs(off) - half + 0.35) < wide)
                mask[edge] = 0.7 * strength
        for free, other, along in ((free_u, gap_v, du), (free_v, gap_u, dv)):
            if self.rng.random() < 0.5:  # zebra crossings
                band = free & (other > 2.2) & (other < 5.2) & (np.mod(along, 1.2) < 0.6)
                mask[band] = 0.55
        return mask

    def along_and_across(self, direction):
        """Metres [N, N] along and across a straight line through the scene's centre; ``direction`` points across."""
        x = self.canvas.axis_m[None, :] - self.centre_m
        y = self.canvas.axis_m[:, None] - self.centre_m
        cosine, sine = np.float32(np.cos(direction)), np.float32(np.sin(direction))
        return y * cosine - x * sine, x * cosine + y * sine

    def add_river(self, water="water"):
        """Cut a river through the scene; returns its distance field (m; < 0 is water)."""
        size, gsd = self.canvas.size_px, self.canvas.gsd_m
        direction = self.rng.uniform(0, np.pi)
        width = float(self.rng.choice([self.rng.uniform(6, 20), self.rng.uniform(20, 90)]))
        offset = self.rng.uniform(-0.35, 0.35) * self.canvas.extent_m
        across = self.along_and_across(direction)[1] - np.float32(offset)
        across = across + smooth_noise(self.rng, size, 110 / gsd) * np.float32(self.rng.uniform(4, 22))
        across += smooth_noise(self.rng, size, 12 / gsd) * np.float32(self.rng.uniform(0.2, 1.6))
        distance = np.abs(across) - np.float32(width / 2)
        self.river_width_m = width
        return distance

    def add_lake(self):
        """Let a lake take one side of the scene; returns its distance field (m; < 0 is water)."""
        rng, size, gsd = self.rng, self.canvas.size_px, self.canvas.gsd_m
        direction, cut = rng.uniform(0, 2 * np.pi), rng.uniform(0.08, 0.36) * self.canvas.extent_m
        x = self.canvas.axis_m[None, :] - self.centre_m
        y = self.canvas.axis_m[:, None] - self.centre_m
        distance = np.float32(cut) - x * np.float32(np.cos(direction)) - y * np.float32(np.sin(direction))
        distance = distance + smooth_noise(rng, size, 100 / gsd) * np.float32(rng.uniform(3, 16))
        distance += smooth_noise(rng, size, 14 / gsd) * np.float32(rng.uniform(0.1, 1.2))
        self.river_width_m = 0.0
        return distance

    def flood(self, distance, bank):
        """Turn the ground into water where ``distance`` < 0, with a bank beside it."""
        beside = (distance >= 0) & (distance < self.rng.uniform(0.5, 7.0)) & ~self.road
        self.material[beside] = MATERIAL_ID[bank]
        wet = distance < 0
        self.material[wet] = MATERIAL_ID["water"]
        shallow = np.float32(self.rng.normal(0.0, 0.25)) * np.exp(np.minimum(distance, 0.0) / np.float32(self.rng.uniform(2, 9)))
        glint = self.rng.uniform(0.0, 0.05) * self.canvas.noise.fields[0] + self.rng.uniform(0, 0.06) * self.canvas.noise.fields[1]
        self.tint[wet] = np.exp(shallow + glint)[wet]
        return wet

    def ground_albedo(self, colours):
        """Write land cover and albedo of the bare ground into the canvas."""
        canvas = self.canvas
        strengths = np.array([entry[1] for entry in MATERIALS.values()], np.float32)
        codes = np.array([entry[0] for entry in MATERIALS.values()], np.uint8)
        texture = np.zeros_like(self.tint)
        level = self.rng.uniform(0.5, 1.4, 5) * (1.0, 1.0, 0.8, 0.7, 1.0)
        for scale, field in enumerate(canvas.noise.fields):
            texture += (strengths[:, scale] * np.float32(level[scale]))[self.material] * field
        canvas.albedo[:] = colours[self.material]
        canvas.albedo *= (np.exp(1.6 * texture) * self.tint)[..., None]
        # dry and lush patches: low vegetation changes hue as well as brightness
        green = (codes == 2).astype(np.float32)[self.material]
        dryness = (0.10 * canvas.noise.fields[3] + 0.07 * canvas.noise.fields[2]) * green
        canvas.albedo[..., 0] *= 1.0 + 1.3 * dryness
        canvas.albedo[..., 2] *= 1.0 + 0.5 * dryness
        canvas.land_cover[:] = codes[self.material]

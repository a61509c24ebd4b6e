"""Outskirts in the blocks of a procedural scene: depots, farmyards, solar fields, tall woods, sites, shores."""
from __future__ import annotations

import numpy as np

from .procedural_buildings import draw_crate, draw_tank
from .procedural_canvas import BUILDING, OTHER, WATER, linear
from .procedural_palettes import CARS, MATERIAL_ID, jitter, pick


def draw_hull(canvas, x_m, y_m, angle, length_m, width_m, height_m, paint):
    """A boat (pointed at one end) or a jetty (``width_m`` all along) on or beside water: class 7."""
    found = canvas.oriented(x_m, y_m, angle, length_m)
    if found is None:
        return
    area, p, q = found
    taper = np.clip(1.6 - 2.2 * p / length_m, 0.0, 1.0) if height_m > 0.9 else 1.0
    hull = (np.abs(p) < length_m / 2) & (np.abs(q) < width_m / 2 * taper) & (canvas.height_m[area] < 0.3)
    canvas.place(area, hull, np.float32(height_m), paint, OTHER)


class Outskirts:
    """Fillers for work and open land round towns; mixed into ``Town``, whose helpers they use."""

    # trade -------------------------------------------------------------
    def _depots(self, b):
        rng = self.rng
        yard = pick(rng, ("concrete", "concrete", "old_asphalt", "asphalt"))
        self.cover(b, yard)
        self.cover(b, pick(rng, ("old_asphalt", "concrete", "gravel")), patchy=rng.uniform(0, 0.3))
        self._slab_joints(b)
        u = b.u0 + rng.uniform(5, 16)
        while u + 22 < b.u1:
            wide = min(rng.uniform(22, 95), b.u1 - u - 6)
            v = b.v0 + rng.uniform(5, 16)
            while v + 22 < b.v1:
                long = min(rng.uniform(28, 130), b.v1 - v - 6)
                self._depot(u + wide / 2, v + long / 2, wide / 2, long / 2)
                v += long + rng.uniform(8, 26)
            if rng.random() < 0.6:
                self._parking_lot(u + wide + 3, u + wide + 19, b.v0 + 4, b.v1 - 4, rng.uniform(0.0, 0.8))
            u += wide + rng.uniform(14, 30)
        for _ in range(2):
            self._yard(b)
        for u, v in self.scatter(b, 4 * self.scene["trees"]):
            self.tree(u, v, 4, 12)

    def _works(self, b):
        """Halls as large as blocks, nearly wall to wall, with lanes for lorries between them."""
        rng = self.rng
        self.cover(b, pick(rng, ("asphalt", "old_asphalt", "concrete")))
        self.cover(b, pick(rng, ("old_asphalt", "concrete", "asphalt")), patchy=rng.uniform(0, 0.3))
        self._slab_joints(b)
        lane = rng.uniform(4, 22)
        u = b.u0 + rng.uniform(1, 8)
        while u + 20 < b.u1:
            wide = min(rng.uniform(24, 150), b.u1 - u - 1)
            v = b.v0 + rng.uniform(1, 8)
            while v + 20 < b.v1:
                long = min(rng.uniform(28, 200), b.v1 - v - 1)
                self._depot(u + wide / 2, v + long / 2, wide / 2, long / 2)
                v += long + (0.5 if rng.random() < 0.2 else rng.uniform(0.6, 1.5) * lane)
            u += wide + rng.uniform(0.6, 1.5) * lane
        for u, v in self.scatter(b, 12):
            self.cars.append((u, v, rng.choice([0, np.pi / 2])))
        self._yard(b)

    def _slab_joints(self, b):
        """The grid of joints in a concrete yard, and tyre marks."""
        rng = self.rng
        found = self.layout.rectangle(b.u0, b.u1, b.v0, b.v1)
        if found is None or rng.random() < 0.4:
            return
        self.joints(*found)

    def joints(self, area, u, v, mask):
        """Darken the joints between the slabs of a rectangle, given as `Layout.rectangle` returns it."""
        rng = self.rng
        step, wide = rng.uniform(4, 9), max(0.12, 0.5 * self.canvas.gsd_m)
        joints = mask & ((np.mod(u, step) < wide) | (np.mod(v, step) < wide))
        self.layout.tint[area][joints] *= rng.uniform(0.82, 0.95)

    def _depot(self, u, v, s, t):
        """A hall: flat or nearly so, a lower office, docks with lorries."""
        rng = self.rng
        low, high = self.scene["eaves"]
        eaves = rng.uniform(low, high)
        form = pick(rng, ("flat", "flat", "flat", "gable", "barrel"))
        parts = [(0, 0, s, t)]
        if form == "flat" and rng.random() < 0.5:
            a, c = rng.uniform(0.2, 0.5) * s, rng.uniform(0.2, 0.5) * t
            parts.append((rng.choice([-1, 1]) * (s + 0.5 * a), rng.choice([-1, 1]) * (t - c), a, c))
        self.building(u, v, parts, eaves, form)
        hall = self.buildings[-1]
        if form == "barrel":
            hall.pitch = 0.35
        hall.detail = True
        if rng.random() < 0.5:
            self.building(u - s - 4, v + rng.uniform(-0.5, 0.5) * t, [(0, 0, 5, rng.uniform(6, 14))],
                          max(3.2, 0.6 * eaves), "flat")
        if rng.random() < 0.6:
            paint = [jitter(rng, pick(rng, CARS[:8])) for _ in range(3)]
            for at in np.arange(-0.85 * t, 0.85 * t, 4.2):
                if rng.random() < 0.5:
                    x, y, angle = self.layout.pose(u + s + 8.5, v + at)
                    self.trees.append((draw_crate, (self.canvas, x, y, angle, 14.0, 2.5, 3.8, pick(rng, paint))))

    def _building_site(self, b):
        """Bare soil with heaps of it, tracks, sheds and a shell of concrete."""
        rng = self.rng
        self.cover(b, pick(rng, ("soil", "soil", "sand", "gravel")))
        for _ in range(3):
            self.cover(b, pick(rng, ("soil", "gravel", "sand", "dry_grass", "concrete")), patchy=rng.uniform(0.1, 0.4))
        for _ in range(int(rng.integers(1, 4))):
            self._path(b, pick(rng, ("sand", "gravel", "soil")), rng.uniform(3, 6))
        for u, v in self.scatter(b, 6):
            self.cars.append((u, v, rng.uniform(0, 3)))
        for u, v in self.scatter(b, 5, 14):
            self.building(u, v, [(0, 0, rng.uniform(4, 12), rng.uniform(5, 13))], rng.uniform(2.6, 11),
                          pick(rng, ("flat", "gable")))
        for u, v in self.scatter(b, 25):
            self.bush(u, v)
        self._yard(b)

    # farmland ----------------------------------------------------------
    def _farmyard(self, b):
        rng = self.rng
        self._field(b)
        inset = min(38, (b.u1 - b.u0) / 2.2), min(38, (b.v1 - b.v0) / 2.2)
        u, v = rng.uniform(b.u0 + inset[0], b.u1 - inset[0]), rng.uniform(b.v0 + inset[1], b.v1 - inset[1])
        self.layout.cover(u - 40, u + 40, v - 40, v + 40, pick(rng, ("meadow", "lawn", self.green)))
        self.layout.cover(u - 30, u + 28, v - 32, v + 30, pick(rng, ("concrete", "gravel", "soil", "old_asphalt")))
        self.layout.cover(b.u0 - 2, u, v - 2, v + 2, pick(rng, ("gravel", "concrete", "soil")))
        place = -30.0
        while place < 24:
            half = rng.uniform(4.5, 11)
            if rng.random() < 0.85:
                self.building(u + place + half, v + rng.uniform(-16, 16), [(0, 0, half, rng.uniform(9, 28))],
                              rng.uniform(3.0, 7.0), pick(rng, ("gable_q", "gable_q", "gable_q", "hip", "flat")),
                              rng.normal(0, 0.02))
                self.buildings[-1].pitch = float(rng.uniform(0.25, 0.7))
                self.buildings[-1].detail = True
            place += 2 * half + rng.uniform(1.5, 9)
        if rng.random() < 0.6:
            radius, height = rng.uniform(1.8, 4.5), rng.uniform(7, 19)
            paint = jitter(rng, pick(rng, ((200, 202, 200), (160, 160, 156), (96, 112, 104), (150, 140, 128))))
            for k in range(int(rng.integers(1, 5))):
                x, y = self.layout.to_xy(u + 33, v - 20 + k * 2.3 * radius)
                self.trees.append((draw_tank, (self.canvas, x, y, radius, height, paint)))
        for k in range(int(rng.integers(6, 26))):
            self.tree(u + rng.choice([-1, 1]) * rng.uniform(26, 42), v + rng.uniform(-42, 42), 6, 20)
        for _ in range(6):
            self.cars.append((u + rng.uniform(-24, 24), v + rng.uniform(-24, 24), rng.uniform(0, 3)))

    def _solar(self, b):
        """Rows of panels on meadow: class 7."""
        rng = self.rng
        self.cover(b, pick(rng, ("meadow", "dry_grass", "lawn")))
        self.cover(b, pick(rng, ("dry_grass", "soil", "meadow")), patchy=rng.uniform(0.1, 0.5))
        found = self.layout.rectangle(b.u0 + 6, b.u1 - 6, b.v0 + 6, b.v1 - 6)
        if found is not None:
            self.trees.append((self._draw_panels,
                               found + (rng.uniform(5, 10), rng.uniform(2.4, 4.2), rng.uniform(0.2, 0.5))))

    def _draw_panels(self, area, u, v, mask, period_m, deep_m, rise):
        across = np.mod(u, period_m)
        panel = mask & (across < deep_m) & (np.mod(v, 24.0) > 0.8) & (self.canvas.height_m[area] < 0.3)
        panel &= ~self.canvas.reserved[area]
        surface = (0.7 + rise * across).astype(np.float32)
        slopes = tuple(np.clip(slope, -rise, rise) for slope in self.canvas.slopes_of(surface))
        paint = jitter(self.rng, pick(self.rng, ((52, 60, 82), (66, 72, 88), (44, 50, 66))))
        grid = 1.0 + 0.25 * (np.mod(v, 2.0) < max(0.1, 0.3 * self.canvas.gsd_m))
        self.canvas.place(area, panel, surface, paint * grid[..., None].astype(np.float32), OTHER, slopes)

    # woods -------------------------------------------------------------
    def _wood(self, b, low_m=15.0, high_m=35.0, soft=(0.05, 0.8), share=(-1.7, 0.5)):
        """Closed tall woods in meadow: heights fall off towards soft edges that ignore the block's bounds."""
        rng, canvas = self.rng, self.canvas
        self.cover(b, pick(rng, ("meadow", "lawn", "dry_grass", "meadow")))
        self.cover(b, pick(rng, ("meadow", "dry_grass", "lawn")), patchy=rng.uniform(0.2, 0.6))
        found = self.layout.rectangle(b.u0, b.u1, b.v0, b.v1)
        if found is None:
            return
        height, width, level = rng.uniform(low_m, high_m), rng.uniform(*soft), rng.uniform(*share)
        noise = canvas.noise.fields[4] + 0.35 * canvas.noise.fields[3]
        depth = np.clip((noise - level) / width, 0.0, 1.0)
        area, _, _, inside = found
        self.layout.material[area][inside & (depth[area] > 0.3)] = MATERIAL_ID["forest_floor"]
        inner = inside & (depth[area] > 0.5)
        self.trees.append((self.woods.understory, (area, inside & (depth[area] > 0.15) & ~inner, 0.12 * height, 0.3 * height)))
        self.trees.append((self.woods.understory, (area, inner, rng.uniform(0.3, 0.6) * height, 0.8 * height)))
        spacing = max(3.6, height * rng.uniform(0.2, 0.3))
        u, v = np.meshgrid(np.arange(b.u0 + 1, b.u1 - 1, spacing), np.arange(b.v0 + 1, b.v1 - 1, spacing))
        u, v = (grid.ravel() + rng.uniform(-0.5, 0.5, grid.size) * spacing for grid in (u, v))
        last, spread = canvas.size_px - 1, rng.uniform(0.06, 0.22)
        for k in rng.permutation(u.size)[:5000]:
            x, y = self.layout.to_xy(float(u[k]), float(v[k]))
            row, column = int(y / canvas.gsd_m), int(x / canvas.gsd_m)
            if not (0 <= row <= last and 0 <= column <= last):
                continue
            inner_m = float(depth[row, column])
            if inner_m <= 0.0:
                if rng.random() < 0.04:
                    self.trees.append((self.woods.any_tree, (x, y, 4, 16)))
                continue
            top = float(np.clip(height * (0.35 + 0.65 * inner_m) * np.exp(rng.normal(0, spread)), 3.0, 44.0))
            self.trees.append((self.woods.stand, ([(x, y)], top, 0.04)))

    def _jungle(self, b):
        """A dense dark slope of trees beside the road."""
        self._wood(b, 7.0, 20.0, (0.05, 0.3), (-2.4, -0.3))

    # shores ------------------------------------------------------------
    def shore(self, lake):
        """Jetties and boats along a lake; ``lake`` [N, N] is the distance to it in metres, negative on water."""
        rng, canvas = self.rng, self.canvas
        rows, columns = np.nonzero(np.abs(lake) < 0.6 * canvas.gsd_m)
        if rows.size == 0:
            return
        slope_y, slope_x = np.gradient(lake)
        wood = [linear((150, 140, 124)), linear((120, 110, 98)), linear((186, 182, 174))]
        for k in rng.integers(0, rows.size, rng.poisson(0.016 * rows.size * canvas.gsd_m)):
            row, column = rows[k], columns[k]
            angle = float(np.arctan2(-slope_y[row, column], -slope_x[row, column]))
            x, y = column * canvas.gsd_m, row * canvas.gsd_m
            length = rng.choice([rng.uniform(5, 14), rng.uniform(14, 40)])
            x0, y0 = x + np.cos(angle) * 0.45 * length, y + np.sin(angle) * 0.45 * length
            draw_hull(canvas, x0, y0, angle, length, rng.uniform(1.2, 2.6), 0.8, pick(rng, wood))
            for at in np.arange(4.0, length, rng.uniform(3.2, 5.0)):
                for side in (-1, 1):
                    if rng.random() < 0.45:
                        boat = rng.uniform(4, 10)
                        off = side * (1.6 + 0.5 * boat)
                        bx = x + np.cos(angle) * at - np.sin(angle) * off
                        by = y + np.sin(angle) * at + np.cos(angle) * off
                        self._boat(bx, by, angle + side * np.pi / 2, boat)
        wet = np.argwhere(lake < -15)
        for k in rng.integers(0, max(1, len(wet)), rng.poisson(len(wet) * canvas.gsd_m ** 2 / 2500) if len(wet) else 0):
            self._boat(wet[k][1] * canvas.gsd_m, wet[k][0] * canvas.gsd_m, rng.uniform(0, 6.3), rng.uniform(4, 12))

    def _boat(self, x, y, angle, length):
        rng, canvas = self.rng, self.canvas
        row, column = int(y / canvas.gsd_m), int(x / canvas.gsd_m)
        if not (0 <= row < canvas.size_px and 0 <= column < canvas.size_px) or canvas.land_cover[row, column] != WATER:
            return
        paint = jitter(rng,
                       pick(rng, ((236, 236, 234), (224, 222, 216), (90, 110, 150), (150, 120, 90), (200, 204, 208))))
        draw_hull(canvas, x, y, angle, length, 0.3 * length, rng.uniform(1.0, 2.4), paint)

    def draw_roof_tank(self, x, y, radius, height, paint):
        """A water tank, if there is a roof for it to stand on."""
        canvas = self.canvas
        row, column = int(y / canvas.gsd_m), int(x / canvas.gsd_m)
        if 0 <= row < canvas.size_px and 0 <= column < canvas.size_px and canvas.land_cover[row, column] == BUILDING:
            draw_tank(canvas, x, y, radius, height, paint)

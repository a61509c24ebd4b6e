"""Work places in the blocks of a procedural scene: halls, shops, car parks, campuses."""
from __future__ import annotations

import numpy as np

from .procedural_buildings import draw_crate, draw_tank
from .procedural_canvas import linear
from .procedural_kinds import kind_paint, split
from .procedural_palettes import jitter, pick


class WorkPlaces:
    """Fillers for blocks where people work; mixed into ``Town``, whose helpers they use."""

    def _halls(self, b):
        rng = self.rng
        self.cover(b, pick(rng, ("asphalt", "old_asphalt", "concrete", "gravel")))
        self.cover(b, pick(rng, ("gravel", "soil", "old_asphalt")), patchy=rng.uniform(0, 0.3))
        u = b.u0 + rng.uniform(6, 16)
        while u + 18 < b.u1:
            wide = min(rng.uniform(18, 70), b.u1 - u - 3)
            v = b.v0 + rng.uniform(6, 20)
            while v + 18 < b.v1:
                long = min(rng.uniform(22, 110), b.v1 - v - 3)
                eaves, form = rng.uniform(4.5, 13), pick(rng, ("flat", "flat", "flat", "gable", "barrel", "saw"))
                parts = [(0, 0, wide / 2, long / 2)]
                if rng.random() < 0.45:
                    s, t = rng.uniform(0.15, 0.4) * wide, rng.uniform(0.15, 0.4) * long
                    parts.append((rng.choice([-1, 1]) * (wide / 2 + s * 0.4), rng.choice([-1, 1]) * (long / 2 - t), s, t))
                self.building(u + wide / 2, v + long / 2, parts, eaves, form)
                if form != "flat":
                    self.buildings[-1].pitch *= 0.35
                    self.buildings[-1].family = "metal"
                v += long + rng.uniform(8, 24)
            self._parking_lot(u + wide + 2, u + wide + 18, b.v0 + 4, b.v1 - 4, rng.uniform(0.1, 0.8))
            u += wide + rng.uniform(12, 30)
        self._yard(b)
        for u, v in self.scatter(b, 25):  # stored goods
            self.cars.append((u, v, rng.choice([0, np.pi / 2])))
        for u, v in self.scatter(b, 10 * self.scene["trees"]):
            self.tree(u, v, 4, 12)

    def _yard(self, b):
        """Tanks in a row, or stacked containers, now and then."""
        rng = self.rng
        u0, v0 = rng.uniform(b.u0, b.u1), rng.uniform(b.v0, b.v1)
        if rng.random() < 0.22:
            radius, height = rng.uniform(2, 11), rng.uniform(4, 16)
            paint = jitter(rng, pick(rng, ((222, 222, 218), (190, 190, 186), (150, 140, 128), (120, 150, 140))))
            for k in range(int(rng.integers(1, 6))):
                x, y = self.layout.to_xy(u0, v0 + k * 2.3 * radius)
                self.trees.append((draw_tank, (self.canvas, x, y, radius, height, paint)))
        if rng.random() < 0.3:
            colours = [jitter(rng, c, 0.15) for c in ((150, 80, 60), (70, 100, 140), (90, 120, 96), (200, 198, 192),
                                                      (120, 116, 112), (170, 140, 80))]
            for i in range(int(rng.integers(1, 7))):
                for k in range(int(rng.integers(2, 10))):
                    x, y, angle = self.layout.pose(u0 + i * 6.6, v0 + k * 2.6)
                    high = 2.6 * int(rng.integers(1, 4)) if rng.random() < 0.5 else 2.6
                    self.trees.append((draw_crate, (self.canvas, x, y, angle, 6.1, 2.4, high, pick(rng, colours))))

    def _shops(self, b):
        rng = self.rng
        self.cover(b, pick(rng, ("asphalt", "old_asphalt")))
        deep = min(rng.uniform(18, 45), 0.5 * (b.u1 - b.u0))
        v, end = b.v0 + rng.uniform(2, 12), b.v1 - rng.uniform(2, 12)
        joined = rng.random() < 0.6
        while v + 8 < end:  # units of their own depth, height and roof
            unit = min(rng.uniform(8, 55), end - v)
            back = deep * rng.uniform(0.55, 1.0)
            self.building(b.u1 - back / 2 - 2, v + unit / 2, [(0, 0, back / 2, unit / 2)], rng.uniform(3.6, 9.5), "flat")
            v += unit + (0.0 if joined else rng.uniform(2, 15))
        self._parking_lot(b.u0 + 3, b.u1 - deep - 6, b.v0 + 3, b.v1 - 3)
        for v in np.arange(b.v0 + 3, b.v1 - 3, rng.uniform(7, 14)):
            if rng.random() < 0.6:
                self.tree(b.u0 + 1.5, v, 3, 9)

    def _lots(self, b):
        """Halls and bare lots side by side, of the same sizes and colours: shadows alone tell them apart."""
        rng = self.rng
        self.cover(b, pick(rng, ("asphalt", "old_asphalt", "concrete", "gravel", "soil", "dry_grass")))
        self.cover(b, pick(rng, ("old_asphalt", "concrete", "gravel", "dry_grass", "sand")), patchy=rng.uniform(0, 0.4))
        lane, large_m, built = rng.uniform(3, 16), rng.uniform(45, 150), rng.uniform(0.2, 0.75)
        for u0, u1, v0, v1 in split(rng, b.u0 + 2, b.u1 - 2, b.v0 + 2, b.v1 - 2, 16, large_m, lane):
            if rng.random() < built:
                hall = len(self.buildings)
                self._depot((u0 + u1) / 2, (v0 + v1) / 2, (u1 - u0) / 2, (v1 - v0) / 2)
                if rng.random() < 0.6:
                    self.buildings[hall].colour = self.scene["ground_like"](rng)
                    self.buildings[hall].family = "membrane"
            else:
                self._bare_lot(u0, u1, v0, v1)
        if rng.random() < 0.5:  # the others give nothing away by what stands on them
            for u, v in self.scatter(b, 10):
                self.cars.append((u, v, rng.choice([0, np.pi / 2])))
            for u, v in self.scatter(b, 10 * self.scene["trees"]):
                self.tree(u, v, 3, 10)

    def _bare_lot(self, u0, u1, v0, v1):
        """Even ground, often as pale or as grey as a roof: paved, levelled, or strewn with weeds."""
        rng = self.rng
        material = pick(rng, ("concrete", "concrete", "asphalt", "old_asphalt", "gravel", "sand", "soil"))
        found = self.layout.cover(u0, u1, v0, v1, material, float(np.exp(rng.normal(0, 0.15))))
        if found is None:
            return
        area, u, v, mask = found
        if rng.random() < 0.5:  # the colour of a roof
            self.paint.append(((area, mask), kind_paint(rng, self.scene, "flat")[1], rng.uniform(0.5, 0.95)))
        if rng.random() < 0.3:
            self.joints(area, u, v, mask)
        if rng.random() < 0.5:
            weeds = pick(rng, ("dry_grass", "gravel", "meadow", "old_asphalt"))
            self.layout.cover(u0, u1, v0, v1, weeds, 1.0, rng.uniform(0.05, 0.35))
        if rng.random() < 0.5:  # kerb or fence, as bright or as dark as a parapet
            edge, colour = rng.uniform(0.3, 1.0), linear(pick(rng, ((205, 200, 190), (120, 112, 104), (80, 80, 80))))
            inner = (u > u0 + edge) & (u < u1 - edge) & (v > v0 + edge) & (v < v1 - edge)
            self.paint.append(((area, mask & ~inner), colour, rng.uniform(0.3, 0.9)))
        if rng.random() < 0.3:
            self._parking_lot(u0 + 1, u1 - 1, v0 + 1, v1 - 1, rng.choice([0.0, rng.uniform(0.0, 0.5)]))

    def _parking(self, b):
        self.cover(b, pick(self.rng, ("asphalt", "old_asphalt", "old_asphalt", "concrete")))
        self._parking_lot(b.u0 + 2, b.u1 - 2, b.v0 + 2, b.v1 - 2)

    def _parking_lot(self, u0, u1, v0, v1, fill=None):
        rng = self.rng
        if u1 - u0 < 7 or v1 - v0 < 7:
            return
        material = pick(rng, ("asphalt", "old_asphalt", "asphalt", "concrete", "gravel"))
        if self.layout.cover(u0, u1, v0, v1, material, float(np.exp(rng.normal(0, 0.08)))) is None:
            return
        fill = rng.choice([0.0, rng.uniform(0.1, 0.95)], p=[0.15, 0.85]) if fill is None else fill
        marked, trees = rng.random() < 0.75, rng.random() < 0.35
        colour = (228, 226, 220) if rng.random() < 0.8 else (214, 180, 90)
        u, column = u0 + 0.5, 0
        while u + 5 < u1:
            if marked:
                found = self.layout.rectangle(u, u + 5, v0, v1)
                if found is not None:
                    area, _, along, mask = found
                    wide = max(0.1, self.canvas.gsd_m * 0.5)
                    stripes = mask & (np.abs(np.mod(along - v0, 2.6) - 1.3) < wide)
                    self.paint.append(((area, stripes), linear(colour), 0.8 * min(1.0, 0.1 / wide)))
            for v in np.arange(v0 + 2.6, v1 - 2, 2.6):
                chance = rng.random()
                if chance < fill and len(self.cars) < 1500:
                    self.cars.append((u + 2.5, v, rng.choice([0, np.pi]) + rng.normal(0, 0.03)))
                elif trees and chance > 0.93:
                    self.tree(u + 2.5, v, 3, 9)
            column += 1
            u += 5.2 if column % 2 else 11.5

    def _campus(self, b):
        rng = self.rng
        self.cover(b, self.green)
        self.cover(b, pick(rng, ("concrete", "pavers", "dry_grass")), patchy=rng.uniform(0.05, 0.35))
        for _ in range(int(rng.integers(1, 4)) + int((b.u1 - b.u0) * (b.v1 - b.v0) / 9000)):
            s, t = rng.uniform(9, 26), rng.uniform(12, 42)
            if 2 * s + 8 > b.u1 - b.u0 or 2 * t + 8 > b.v1 - b.v0:
                continue
            u, v = rng.uniform(b.u0 + s + 3, b.u1 - s - 3), rng.uniform(b.v0 + t + 3, b.v1 - t - 3)
            self.layout.cover(u - s - 4, u + s + 4, v - t - 4, v + t + 4, pick(rng, ("concrete", "pavers", self.green)))
            wing = rng.uniform(6, 9)
            parts = pick(rng, ([(0, 0, s * 0.7, t)], [(0, 0, wing, t), (s * 0.5, t - wing, s * 0.7, wing)],
                               [(-s + wing, 0, wing, t), (s - wing, 0, wing, t), (0, t - wing, s, wing)],
                               [(0, 0, s, t * 0.5), (0, 0, s * 0.5, t)]))
            self.building(u, v, parts, self.storeys(), pick(rng, ("flat", "flat", "flat", "hip", "gable", "barrel")),
                          rng.choice([0, 0, rng.uniform(0, 1.5)]))
        for _ in range(int(rng.integers(1, 5))):
            v = rng.uniform(b.v0, b.v1)
            self.layout.cover(b.u0, b.u1, v - 1.2, v + 1.2, pick(rng, ("concrete", "pavers", "gravel")))
        if rng.random() < 0.4:
            self._parking_lot(b.u0 + 2, b.u0 + 20, b.v0 + 2, b.v1 - 2)
        for u, v in self.scatter(b, 35 * self.scene["trees"]):
            self.tree(u, v, 5, 20)

    def _school(self, b):
        self._campus(b)

"""What stands in the blocks of a procedural scene: one function per land use.

A filler lays ground at once and appends what stands on it to the town's
lists, which are drawn afterwards in the order paint, buildings, trees, cars.
"""
from __future__ import annotations

import numpy as np

from .procedural_anywhere import Anywhere
from .procedural_buildings import draw_building, draw_car, make_building
from .procedural_canvas import linear
from .procedural_land import OpenLand
from .procedural_outskirts import Outskirts
from .procedural_palettes import pick
from .procedural_quarters import Quarters
from .procedural_work import WorkPlaces


class Town(OpenLand, WorkPlaces, Quarters, Outskirts, Anywhere):
    """Collects paint, buildings, trees and cars of a scene while blocks are filled."""

    def __init__(self, rng, canvas, layout, woods, scene):
        self.rng, self.canvas, self.layout, self.woods, self.scene = rng, canvas, layout, woods, scene
        self.paint, self.buildings, self.trees, self.cars = [], [], [], []
        self.green = scene["green"]

    def fill(self):
        """Fill every block by its kind."""
        for block in self.layout.blocks:
            if block.u1 - block.u0 < 6 or block.v1 - block.v0 < 6:
                continue
            getattr(self, "_" + block.kind)(block)

    def draw(self):
        """Draw all that was collected."""
        for found, colour, strength in self.paint:
            area, mask = found
            self.canvas.stain(area, mask & (self.canvas.land_cover[area] < 3), colour, strength)
        for building in self.buildings:
            draw_building(self.canvas, building)
        for plant, args in self.trees:
            plant(*args)
        for u, v, turn in self.cars:
            x, y, angle = self.layout.pose(u, v)
            draw_car(self.canvas, x, y, angle + turn)
        # some entries refer back to the town: without this its layers outlive the scene
        for drawn in (self.paint, self.buildings, self.trees, self.cars):
            drawn.clear()

    # helpers -----------------------------------------------------------
    def cover(self, b, material, inset=0.0, patchy=None, tint=None):
        """Ground material over a block (bounds from ``b``)."""
        tint = float(np.exp(self.rng.normal(0, 0.07))) if tint is None else tint
        return self.layout.cover(b.u0 + inset, b.u1 - inset, b.v0 + inset, b.v1 - inset, material, tint, patchy)

    def building(self, u, v, parts, eaves_m, form, turn=0.0):
        """Queue a building at (u, v); parts in (u, v) directions."""
        x, y, angle = self.layout.pose(u, v)
        self.buildings.append(make_building(self.rng, self.scene, (x, y, angle + turn), parts, eaves_m, form))

    def tree(self, u, v, low=4.0, high=16.0):
        """Queue a tree."""
        x, y = self.layout.to_xy(u, v)
        self.trees.append((self.woods.any_tree, (x, y, low, high)))

    def bush(self, u, v):
        """Queue a bush."""
        self.trees.append((self.woods.bush, self.layout.to_xy(u, v)))

    def line(self, u0, u1, v0, v1, colour=(232, 230, 224), strength=0.8):
        """Queue a painted strip."""
        found = self.layout.rectangle(u0, u1, v0, v1)
        if found is not None:
            self.paint.append(((found[0], found[3]), linear(colour), strength))

    def scatter(self, b, per_hectare, inset=1.0):
        """Random (u, v) places in a block."""
        area = max(0.0, (b.u1 - b.u0 - 2 * inset) * (b.v1 - b.v0 - 2 * inset)) / 1e4
        count = min(int(self.rng.poisson(per_hectare * area)), 2500)
        u = self.rng.uniform(b.u0 + inset, max(b.u0 + inset, b.u1 - inset) + 1e-6, count)
        v = self.rng.uniform(b.v0 + inset, max(b.v0 + inset, b.v1 - inset) + 1e-6, count)
        return list(zip(u, v))

    def hedge(self, u0, u1, v0, v1):
        """A hedge along a straight line, 1 to 2.5 m high."""
        length = float(np.hypot(u1 - u0, v1 - v0))
        height, width = self.rng.uniform(1.0, 2.6), self.rng.uniform(0.6, 1.1)
        for t in np.arange(0, length, 0.9) / max(length, 1e-6):
            x, y = self.layout.to_xy(u0 + (u1 - u0) * t, v0 + (v1 - v0) * t)
            self.trees.append((self.woods.tree, (x, y, height * self.rng.uniform(0.9, 1.1), width, "bush")))

    def storeys(self):
        """Wall height in metres."""
        low, high = self.scene["storeys"]
        count = low + (high - low) * self.rng.random() ** 1.8
        return round(count) * self.rng.uniform(2.7, 3.4) + self.rng.uniform(-0.3, 0.8)

    # housing -----------------------------------------------------------
    def _houses(self, b):
        rng = self.rng
        self.cover(b, self.green)
        self.cover(b, pick(rng, ("dry_grass", "soil", "meadow", "lawn", "gravel")), patchy=rng.uniform(0.1, 0.4))
        deep = (b.u1 - b.u0) / 2
        if deep > 70:
            deep = rng.uniform(26, 45)
        width = rng.uniform(11, 24) if deep < 45 else rng.uniform(16, 34)
        fences = rng.random() < 0.4
        setback = rng.uniform(2, 8)
        for side in (0, 1):
            front = b.u0 if side == 0 else b.u1
            inward = 1.0 if side == 0 else -1.0
            v = b.v0 + rng.uniform(0, 4)
            while v + 0.7 * width < b.v1:
                lot = width * rng.uniform(0.85, 1.2)
                self._lot(front, inward, v, min(v + lot, b.v1), deep, setback)
                if fences:
                    self.line(min(front, front + inward * deep), max(front, front + inward * deep), v - 0.15, v + 0.15,
                              (120, 105, 90), 0.6)
                v += lot

    def _lot(self, front, inward, v0, v1, deep, setback):
        rng = self.rng
        wide = v1 - v0
        layout = self.layout

        def span(near, far):
            ends = (front + inward * near, front + inward * far)
            return min(ends), max(ends)

        if rng.random() < 0.5:
            kind = pick(rng, (self.green, self.green, "dry_grass", "gravel", "concrete", "soil", "meadow"))
            layout.cover(*span(0.0, deep), v0 + 0.3, v1 - 0.3, kind, float(np.exp(rng.normal(0, 0.10))))
        if rng.random() < 0.06:
            return
        big = np.clip(wide * rng.uniform(0.64, 0.88), 7.0, 19.0)
        long_u = rng.uniform(0.65, 1.4) * big
        long_u = min(long_u, max(7.0, deep - setback - 4))
        back = setback + rng.uniform(0, 2.5)
        uc, vc = front + inward * (back + long_u / 2), (v0 + v1) / 2 + rng.uniform(-0.08, 0.08) * wide
        form = pick(rng, self.scene["house_forms"])
        parts = [(0.0, 0.0, long_u / 2, big / 2)]
        for _ in range(int(rng.integers(0, 3)) if form != "shed" else 0):  # L, T and the like
            arm = rng.uniform(0.25, 0.36) * big
            parts.append((inward * -rng.choice([-1, 1]) * long_u * 0.45, rng.choice([-1, 0, 1]) * (big / 2 - arm),
                          rng.uniform(0.25, 0.45) * long_u, arm))
        eaves = rng.uniform(2.4, 3.4) if rng.random() < self.scene["bungalows"] else self.storeys()
        self.building(uc, vc, parts, eaves, form, rng.normal(0, self.scene["tilt"]))
        if rng.random() < 0.75:  # drive and perhaps a garage
            edge = v0 + 1.8 if rng.random() < 0.5 else v1 - 1.8
            material = pick(rng, ("concrete", "concrete", "asphalt", "gravel", "pavers", "old_asphalt"))
            reach = back + rng.uniform(0, long_u)
            layout.cover(*span(-0.3 - layout.pavement_m, reach), edge - 1.5, edge + 1.5, material,
                         float(np.exp(rng.normal(0, 0.08))))
            if rng.random() < 0.4:
                self.cars.append((front + inward * rng.uniform(1, max(2, back)), edge, rng.normal(0, 0.04)))
        behind = back + long_u
        if rng.random() < 0.5 and deep - behind > 4:  # terrace
            layout.cover(*span(behind - 1, behind + rng.uniform(2, 5)), vc - 0.3 * big, vc + 0.25 * big,
                         pick(rng, ("concrete", "pavers", "gravel")), float(np.exp(rng.normal(0, 0.08))))
        if rng.random() < self.scene["pools"] and deep - behind > 9:
            at = behind + rng.uniform(3, 5)
            layout.cover(*span(at - 1.2, at + 5.2), vc - 5, vc + 5, pick(rng, ("concrete", "pavers")))
            layout.cover(*span(at, at + 4), vc - 3.6, vc + 3.6, "pool")
        if rng.random() < 0.45 and deep - behind > 7:  # shed
            s, t = rng.uniform(1.2, 3.2, 2)
            self.building(front + inward * (deep - s - 1.0), rng.uniform(v0 + t, v1 - t) if wide > 2 * t + 1 else vc,
                          [(0, 0, s, t)], rng.uniform(2.1, 2.7), pick(rng, ("gable", "flat", "shed")))
        density = self.scene["trees"]
        for _ in range(rng.poisson(2.4 * density * wide * deep / 600)):
            self.tree(front + inward * rng.uniform(min(behind, deep - 1), deep), rng.uniform(v0, v1), 3, 13)
        for _ in range(rng.poisson(0.9 * density)):
            self.tree(front + inward * rng.uniform(0.8, max(1.0, back - 1)), rng.uniform(v0, v1), 3, 11)
        for _ in range(rng.poisson(2.5 * density)):
            self.bush(front + inward * rng.uniform(0.5, deep), rng.choice([v0 + 0.7, v1 - 0.7, rng.uniform(v0, v1)]))
        if rng.random() < 0.15 * density:
            self.hedge(*span(0.5, deep - 1), v0 + 0.5, v0 + 0.5)

    def _rows(self, b):
        rng = self.rng
        self.cover(b, self.green)
        depth, unit = rng.uniform(8, 12), rng.uniform(5, 8)
        form = pick(rng, ("gable", "gable", "flat", "hip", "mansard"))
        u = b.u0 + rng.uniform(1, 5)
        while u + depth < b.u1:
            eaves = self.storeys()
            unit_forms = ("flat",) if form == "flat" else ("gable_q",)
            if self.scene["roof_family"] == "tin":
                unit_forms = ("flat", "flat", "shed", "gable_q")
            v = b.v0 + rng.uniform(1, 6)
            while v + 2 * unit < b.v1:
                run = min(int(rng.integers(3, 9)) * unit, b.v1 - v)
                if rng.random() < 0.5:
                    self.building(u + depth / 2, v + run / 2, [(0, 0, depth / 2, run / 2)], eaves, form)
                else:  # every house its own paint, and a little step
                    for k in range(int(run / unit)):
                        self.building(u + depth / 2, v + (k + 0.5) * unit, [(0, 0, depth / 2, unit / 2)],
                                      eaves + rng.choice([0, 0, 0.4, -0.4, 2.8]), pick(rng, unit_forms))
                v += run + rng.uniform(2, 8)
            for _ in range(int((b.v1 - b.v0) / 9)):
                self.bush(u + depth + rng.uniform(1, 9), rng.uniform(b.v0, b.v1))
                if rng.random() < 0.4 * self.scene["trees"]:
                    self.tree(u + depth + rng.uniform(2, 10), rng.uniform(b.v0, b.v1), 3, 10)
            if rng.random() < 0.5:
                self.layout.cover(u + depth, u + depth + 3, b.v0, b.v1, "pavers")
            u += depth + rng.uniform(12, 26)

    def _perimeter(self, b):
        rng = self.rng
        self.cover(b, pick(rng, ("pavers", "concrete", "gravel", self.green, "old_asphalt")))
        self.cover(b, self.green, inset=14, patchy=rng.uniform(0.2, 0.7))
        depth = rng.uniform(9, 15)
        wide, long = b.u1 - b.u0, b.v1 - b.v0
        form = pick(rng, self.scene["block_forms"])
        base = self.storeys()
        if min(wide, long) < 2.2 * depth:
            self.building((b.u0 + b.u1) / 2, (b.v0 + b.v1) / 2, [(0, 0, wide / 2, long / 2)], base, form)
            return
        for at, low, high, across in ((b.u0 + depth / 2, b.v0, b.v1, False), (b.u1 - depth / 2, b.v0, b.v1, False),
                                      (b.v0 + depth / 2, b.u0 + depth, b.u1 - depth, True),
                                      (b.v1 - depth / 2, b.u0 + depth, b.u1 - depth, True)):
            place = low
            while place < high - 4:
                unit = min(rng.uniform(8, 24), high - place)
                if rng.random() < 0.92:
                    eaves = max(3.0, base + rng.choice([0, 0, 0.8, -0.8, 3, -3]) + rng.normal(0, 0.3))
                    kind = form if rng.random() < 0.8 else pick(rng, ("flat", "gable", "mansard"))
                    kind = ("gable_p" if across else "gable_q") if kind == "gable" else kind
                    middle = place + unit / 2
                    box = (0, 0, unit / 2, depth / 2) if across else (0, 0, depth / 2, unit / 2)
                    self.building(middle if across else at, at if across else middle, [box], eaves, kind)
                place += unit
        for _ in range(rng.poisson(wide * long / 500)):  # courtyard sheds and wings
            s, t = rng.uniform(2, 6, 2)
            self.building(rng.uniform(b.u0 + depth, b.u1 - depth), rng.uniform(b.v0 + depth, b.v1 - depth),
                          [(0, 0, s, t)], rng.uniform(2.5, 0.7 * base + 2.6), pick(rng, ("flat", "shed", "gable")))
        for u, v in self.scatter(b, 45 * self.scene["trees"], depth + 2):
            self.tree(u, v, 4, 13)

    def _slabs(self, b):
        rng = self.rng
        self.cover(b, self.green)
        deep, gap = rng.uniform(10, 16), rng.uniform(18, 42)
        across = rng.random() < 0.5
        eaves = self.storeys()
        position = (b.v0 if across else b.u0) + rng.uniform(4, 12)
        end = (b.v1 if across else b.u1) - deep
        low, high = (b.u0, b.u1) if across else (b.v0, b.v1)
        while position < end:
            start = low + rng.uniform(3, 12)
            while start + 15 < high:
                run = min(rng.uniform(20, 75), high - start - 2)
                box = (0, 0, run / 2, deep / 2) if across else (0, 0, deep / 2, run / 2)
                u, v = (start + run / 2, position + deep / 2) if across else (position + deep / 2, start + run / 2)
                parts = [box]
                if rng.random() < 0.25:
                    parts.append((0.0, 0.0, box[2] * 0.5 + 3, box[3] * 0.5 + 2))
                self.building(u, v, parts, max(5.5, eaves + rng.choice([0, 0, 3, -3])), pick(rng, self.scene["slab_forms"]))
                start += run + rng.uniform(8, 25)
            if rng.random() < 0.7:
                at = position + deep + rng.uniform(3, 8)
                if across:
                    self._parking_lot(low + 3, high - 3, at, at + 16)
                else:
                    self._parking_lot(at, at + 16, low + 3, high - 3)
            position += deep + gap
        for u, v in self.scatter(b, 40 * self.scene["trees"]):
            self.tree(u, v, 5, 17)
        for u, v in self.scatter(b, 40):
            self.bush(u, v)

    def _towers(self, b):
        rng = self.rng
        self.cover(b, pick(rng, ("concrete", "pavers", "old_asphalt", "asphalt")))
        u, v = (b.u0 + b.u1) / 2, (b.v0 + b.v1) / 2
        wide, long = b.u1 - b.u0, b.v1 - b.v0
        if rng.random() < 0.6:
            podium = rng.uniform(4, 15)
            self.building(u, v, [(0, 0, wide * rng.uniform(0.38, 0.48), long * rng.uniform(0.36, 0.48))], podium, "flat")
        for _ in range(int(rng.integers(1, 4))):
            s, t = rng.uniform(9, 19, 2)
            height = float(np.clip(rng.gamma(3.0, 10.0), 14, 62))
            pu = u + rng.uniform(-1, 1) * max(0, wide / 2 - s - 3)
            pv = v + rng.uniform(-1, 1) * max(0, long / 2 - t - 3)
            self.building(pu, pv, [(0, 0, s, t)], height, "flat")
            if rng.random() < 0.4:
                self.building(pu, pv, [(0, 0, s * 0.6, t * 0.6)], height + rng.uniform(3, 14), "flat")
        for u, v in self.scatter(b, 25 * self.scene["trees"]):
            self.tree(u, v, 4, 11)

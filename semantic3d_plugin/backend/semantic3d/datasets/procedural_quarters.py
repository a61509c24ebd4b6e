"""Dense housing in the blocks of a procedural scene: old quarters, terraces, villas, roadside sheds.

Attached houses are drawn in the bent street coordinates themselves, so that walls and ridges follow the street
and neighbours touch without gaps.
"""
from __future__ import annotations

from dataclasses import replace

import numpy as np

from .procedural_kinds import split
from .procedural_palettes import jitter, pick


class Quarters:
    """Fillers for blocks of attached or crowded houses; mixed into ``Town``, whose helpers they use."""

    def bent(self, u0, u1, v0, v1, eaves_m, form, like=None):
        """Queue a building that fills a rectangle in street coordinates; returns it, or None off canvas."""
        found = self.layout.rectangle(u0 - 0.5, u1 + 0.5, v0 - 0.5, v1 + 0.5)
        if found is None or u1 - u0 < 1.5 or v1 - v0 < 1.5:
            return None
        self.building((u0 + u1) / 2, (v0 + v1) / 2, [(0.0, 0.0, (u1 - u0) / 2, (v1 - v0) / 2)], eaves_m, form)
        house = self.buildings[-1]
        house.frame = (found[0], found[1] - np.float32((u0 + u1) / 2), found[2] - np.float32((v0 + v1) / 2))
        house.detail = True
        if like is not None:
            house.colour = like.colour * np.exp(self.rng.normal(0, 0.05))
            house.family, house.pitch = like.family, like.pitch
        return house

    # old towns ---------------------------------------------------------
    def _quarter(self, b):
        rng = self.rng
        ground = pick(rng, ("pavers", "pavers", "concrete", "old_asphalt", "asphalt"))
        self.cover(b, ground)
        self.cover(b, pick(rng, ("concrete", "pavers", "old_asphalt")), patchy=rng.uniform(0.0, 0.25))
        lane = rng.uniform(2.0, 6.0)
        for cell in split(rng, b.u0, b.u1, b.v0, b.v1, rng.uniform(15, 24), rng.uniform(42, 78), lane):
            chance = rng.random()
            if chance < 0.05:
                self._small_square(*cell)
            elif chance < 0.97:
                self._closed_block(*cell)

    def _house_eaves(self, base):
        return float(np.clip(base + self.rng.normal(0, 1.5), 4.5, 16.5))

    def _row_of_houses(self, u0, u1, v0, v1, along_v, base, inward=0):
        """Attached houses along v (or u); ``inward`` (+1, -1, 0) is where their backs may be uneven."""
        rng = self.rng
        low, high = (v0, v1) if along_v else (u0, u1)
        ridge = "gable_q" if along_v else "gable_p"
        place, first = low, True
        while place < high - 0.5:
            unit = rng.uniform(5, 15)
            last = high - place - unit < 5.5
            unit = high - place if last else unit
            if rng.random() < 0.96:
                form = ridge if rng.random() < 0.86 else pick(rng, ("hip", "flat", "shed", "gable"))
                if (first or last) and form == ridge and rng.random() < 0.4:
                    form = "hip"
                back = inward * rng.uniform(-2.0, 2.0)
                box = [u0, u1, place, place + unit] if along_v else [place, place + unit, v0, v1]
                side = {(True, 1): 1, (True, -1): 0, (False, 1): 3, (False, -1): 2}.get((along_v, inward))
                if side is not None:
                    box[side] += back
                eaves = self._house_eaves(base)
                house = self.bent(*box, eaves, form)
                if house is not None and form != "flat" and rng.random() < 0.12:
                    house.detail = False
                if inward and rng.random() < 0.4:
                    self._wing(box, along_v, inward, eaves)
            place, first = place + unit, False

    def _wing(self, box, along_v, inward, eaves):
        """A lower wing or lean-to behind a house."""
        rng = self.rng
        wide, deep = rng.uniform(2.5, 5.0), rng.uniform(2.5, 8.0)
        low, high = (box[2], box[3]) if along_v else (box[0], box[1])
        start = rng.uniform(low, max(low + 0.1, high - wide))
        height = max(2.4, eaves * rng.uniform(0.3, 0.85))
        edge = (box[1] if inward > 0 else box[0]) if along_v else (box[3] if inward > 0 else box[2])
        near, far = min(edge, edge + inward * deep), max(edge, edge + inward * deep)
        form = pick(rng, ("gable_p" if along_v else "gable_q", "shed", "flat"))
        stop = min(start + wide, high)
        self.bent(*((near, far, start, stop) if along_v else (start, stop, near, far)), height, form)

    def _closed_block(self, u0, u1, v0, v1):
        rng = self.rng
        base = rng.uniform(*self.scene["eaves"])
        wide, long, depth = u1 - u0, v1 - v0, rng.uniform(8, 13)
        if min(wide, long) < 2.1 * depth + 4:
            along_v = long >= wide
            short = min(wide, long)
            if short < 17:
                self._row_of_houses(u0, u1, v0, v1, along_v, base)
            else:  # back to back
                half = short * rng.uniform(0.42, 0.58)
                first = (u0, u0 + half, v0, v1) if along_v else (u0, u1, v0, v0 + half)
                second = (u0 + half, u1, v0, v1) if along_v else (u0, u1, v0 + half, v1)
                self._row_of_houses(*first, along_v, base)
                self._row_of_houses(*second, along_v, base + rng.normal(0, 1.0))
            return
        self.layout.cover(u0 + depth, u1 - depth, v0 + depth, v1 - depth,
                          pick(rng, (self.green, "pavers", "concrete", self.green, "gravel")),
                          float(np.exp(rng.normal(0, 0.1))))
        self._row_of_houses(u0, u0 + depth, v0, v1, True, base, 1)
        self._row_of_houses(u1 - depth, u1, v0, v1, True, base, -1)
        self._row_of_houses(u0 + depth, u1 - depth, v0, v0 + depth, False, base, 1)
        self._row_of_houses(u0 + depth, u1 - depth, v1 - depth, v1, False, base, -1)
        inner_u, inner_v = wide - 2 * depth, long - 2 * depth
        for _ in range(rng.poisson(inner_u * inner_v / 260)):
            s, t = rng.uniform(1.5, 5, 2)
            u, v = rng.uniform(u0 + depth, u1 - depth), rng.uniform(v0 + depth, v1 - depth)
            self.bent(u - s, u + s, v - t, v + t, rng.uniform(2.3, 5.5), pick(rng, ("shed", "flat", "gable")))
        for _ in range(rng.poisson(inner_u * inner_v / 220 * self.scene["trees"])):
            self.tree(rng.uniform(u0 + depth + 2, u1 - depth - 2), rng.uniform(v0 + depth + 2, v1 - depth - 2), 5, 14)

    def _small_square(self, u0, u1, v0, v1):
        rng = self.rng
        self.layout.cover(u0, u1, v0, v1, pick(rng, ("pavers", "concrete", "gravel")),
                          float(np.exp(rng.normal(0.08, 0.1))))
        self._plane_rows(u0 + 3, u1 - 3, v0 + 3, v1 - 3)
        for _ in range(rng.poisson(6)):
            self.cars.append((rng.uniform(u0, u1), rng.uniform(v0, v1), rng.choice([0, np.pi / 2])))

    def _plane_rows(self, u0, u1, v0, v1):
        """Clipped trees in rows along two sides or all over."""
        rng = self.rng
        step, size = rng.uniform(6, 10), rng.uniform(6, 14)
        rows = (u0, u1) if rng.random() < 0.6 else np.arange(u0, u1, step)
        for u in rows:
            for v in np.arange(v0, v1, step):
                if rng.random() < 0.93:
                    self.tree(u, v, 0.85 * size, size)

    def _square(self, b):
        rng = self.rng
        if b.u1 - b.u0 > 90:  # too wide for a square: houses on the rest
            cut = b.u0 + rng.uniform(40, 70)
            self._quarter(replace(b, u0=cut + 4.0))
            b = replace(b, u1=cut)
        if b.v1 - b.v0 > 90:
            cut = b.v0 + rng.uniform(40, 70)
            self._quarter(replace(b, v0=cut + 4.0))
            b = replace(b, v1=cut)
        self._small_square(b.u0, b.u1, b.v0, b.v1)
        if min(b.u1 - b.u0, b.v1 - b.v0) > 34 and rng.random() < 0.6:  # a church or hall
            u, v, half, long = (b.u0 + b.u1) / 2, (b.v0 + b.v1) / 2, rng.uniform(6, 10), rng.uniform(13, 22)
            nave = rng.uniform(9, 15)
            self.building(u, v, [(0, 0, half, long), (0, 0.3 * long, 1.7 * half, 0.7 * half)], nave, "gable_q")
            self.buildings[-1].detail = True
            self.building(u, v - long, [(0, 0, 3.2, 3.2)], nave + rng.uniform(8, 22), "hip")
            self.buildings[-1].pitch = float(rng.uniform(0.4, 2.5))

    # terraces ----------------------------------------------------------
    def _terraces(self, b):
        rng = self.rng
        self.cover(b, self.green)
        self.cover(b, pick(rng, ("lawn", "meadow", "soil", "dry_grass")), patchy=rng.uniform(0.1, 0.4))
        depth, unit = rng.uniform(8, 11.5), rng.uniform(4.6, 7.5)
        front = rng.choice([0.3, rng.uniform(2, 7)])
        if b.u1 - b.u0 < 2 * (depth + front) + 8:
            front = 0.5
        for side in (0, 1):
            u0 = b.u0 + front if side == 0 else b.u1 - front - depth
            v, end = b.v0 + rng.uniform(0.5, 4), b.v1 - rng.uniform(0.5, 4)
            while end - v > 3 * unit:
                run = min(rng.uniform(35, 125), end - v)
                self._terrace(u0, u0 + depth, v, v + unit * int(run / unit), unit, 1 if side == 0 else -1, b)
                v += unit * int(run / unit) + rng.choice([0.0, rng.uniform(2.5, 9)])

    def _terrace(self, u0, u1, v0, v1, unit, inward, b):
        """One row under one long ridge, wings and gardens behind."""
        rng = self.rng
        eaves, lead = rng.uniform(*self.scene["eaves"]), None
        back, middle = (u1 if inward > 0 else u0), (b.u0 + b.u1) / 2
        wings, wing_deep, step = rng.random() < 0.55, rng.uniform(3, 6.5), rng.choice([0.0, 0.25])
        deep = abs(middle - back)
        for k, v in enumerate(np.arange(v0, v1 - 0.5 * unit, unit)):
            drop = rng.normal(0, 0.5) * step
            house = self.bent(u0, u1, v, v + unit, eaves + drop, "gable_q", lead)
            lead = house if lead is None else lead
            if wings and deep > wing_deep + 3:
                at = v if k % 2 else v + unit * 0.45
                near, far = min(back, back + inward * wing_deep), max(back, back + inward * wing_deep)
                self.bent(near, far, at, at + 0.55 * unit, eaves * rng.uniform(0.5, 0.75),
                          pick(rng, ("gable_p", "shed")), lead)
            garden = sorted((back, back + inward * deep))
            if rng.random() < 0.6:
                self.layout.cover(*garden, v + 0.2, v + unit - 0.2,
                                  pick(rng, (self.green, "lawn", "meadow", "soil", "pavers")),
                                  float(np.exp(rng.normal(0, 0.12))))
            self.line(*garden, v - 0.15, v + 0.15, pick(rng, ((92, 88, 70), (140, 126, 110))), 0.7)
            if rng.random() < 0.4 and deep > 9:
                s = rng.uniform(1.0, 1.8)
                u = back + inward * (deep - s - 0.6)
                self.bent(u - s, u + s, v + 0.5, v + 0.5 + 1.7 * s, rng.uniform(2.1, 2.6), pick(rng, ("gable", "flat")))
            for _ in range(rng.poisson(0.8 * self.scene["trees"])):
                self.tree(back + inward * rng.uniform(min(4, deep), deep), v + rng.uniform(0, unit), 3, 11)
            for _ in range(rng.poisson(1.2)):
                self.bush(back + inward * rng.uniform(1, max(2, deep)), v + rng.choice([0.2, rng.uniform(0, unit)]))
            street = (b.u0 if inward > 0 else b.u1) + inward * 0.5
            if rng.random() < 0.3:
                self.cars.append((street - inward * 2.2, v + 0.5 * unit, np.pi / 2))

    # villas ------------------------------------------------------------
    def _garden_trees(self):
        """Density of trees in gardens, so that roofs are covered in part but still seen."""
        return min(self.scene["trees"], 1.4)

    def _villas(self, b):
        rng = self.rng
        self.cover(b, self.green)
        self.cover(b, pick(rng, ("lawn", "meadow", "dry_grass")), patchy=rng.uniform(0.1, 0.5))
        for cell in split(rng, b.u0, b.u1, b.v0, b.v1, rng.uniform(13, 18), rng.uniform(30, 48), 0.6):
            self._villa(*cell)
        for u, v in self.scatter(b, 8 * self._garden_trees()):
            self.tree(u, v, 8, 22)

    def _villa(self, u0, u1, v0, v1):
        rng = self.rng
        wide, long = u1 - u0, v1 - v0
        if min(wide, long) < 11:
            return
        for edge in (v0 + 0.6, v1 - 0.6):
            if rng.random() < 0.4:
                self.hedge(u0, u1, edge, edge)
        half = float(np.clip(min(wide, long) * rng.uniform(0.21, 0.33), 4.2, 9.0))
        ratio = rng.uniform(1.0, 1.7)
        u = (u0 + u1) / 2 + rng.uniform(-0.12, 0.12) * wide
        v = (v0 + v1) / 2 + rng.uniform(-0.12, 0.12) * long
        parts = [(0, 0, half, half * ratio)]
        for _ in range(int(rng.integers(0, 3))):
            arm = half * rng.uniform(0.4, 0.6)
            parts.append((rng.choice([-1, 1]) * half * 0.8, rng.uniform(-0.7, 0.7) * half, arm * 1.2, arm))
        form = pick(rng, ("hip", "hip", "gable", "gable", "mansard", "flat"))
        eaves = rng.uniform(*self.scene["eaves"])
        turn = rng.choice([0.0, rng.normal(0, 0.25)])
        self.layout.cover(u - half - 2, u + half + 3, v - half * ratio - 2, v + half * ratio + 2,
                          pick(rng, ("pavers", "gravel", "concrete", self.green)),
                          float(np.exp(rng.normal(-0.1, 0.15))))
        self.building(u, v, parts, eaves, form, turn)
        self.buildings[-1].detail = True
        if rng.random() < 0.7:  # drive
            edge = pick(rng, (u0, u1))
            self.layout.cover(min(edge, u), max(edge, u), v - 1.6, v + 1.6,
                              pick(rng, ("gravel", "pavers", "asphalt", "concrete")))
            self.cars.append((edge + 0.25 * (u - edge), v, rng.normal(0, 0.05)))
        if rng.random() < 0.35:
            self.building(pick(rng, (u0 + 4, u1 - 4)), pick(rng, (v0 + 4, v1 - 4)), [(0, 0, 3, 3.2)], 2.6,
                          pick(rng, ("flat", "gable", "hip")), turn)
        if rng.random() < self.scene["pools"] + 0.08:
            self.layout.cover(u0 + 3, u0 + 7, v0 + 3, v0 + 11, "pool")
        for _ in range(rng.poisson(2.2 * self._garden_trees())):  # big trees at the walls: crowns lie on the roof
            angle, reach = rng.uniform(0, 6.283), rng.uniform(1.05, 1.9)
            at = (u + reach * half * 1.1 * np.cos(angle), v + reach * half * ratio * np.sin(angle))
            self.tree(*at, 9, 20)
        for _ in range(rng.poisson(2.4 * self._garden_trees())):
            self.tree(rng.uniform(u0, u1), pick(rng, (v0 + 2, v1 - 2, rng.uniform(v0, v1))), 5, 22)
        for _ in range(rng.poisson(4)):
            self.bush(rng.uniform(u0, u1), rng.uniform(v0, v1))

    # roadside towns ----------------------------------------------------
    def _sheds(self, b):
        rng = self.rng
        self.cover(b, pick(rng, ("concrete", "soil", "asphalt", "gravel", "old_asphalt")))
        self.cover(b, pick(rng, ("soil", "concrete", "meadow", "gravel")), patchy=rng.uniform(0.1, 0.45))
        dense = rng.uniform(0.6, 0.95)
        if rng.random() < 0.25:
            dense = rng.uniform(0.25, 0.6)
        low, high = self.scene["eaves"]
        concrete = rng.uniform(0.1, 0.5)
        lots = split(rng, b.u0 + 1, b.u1 - 1, b.v0 + 1, b.v1 - 1, rng.uniform(4, 7), rng.uniform(12, 24), 0.7)
        for u0, u1, v0, v1 in lots:
            u, v = (u0 + u1) / 2, (v0 + v1) / 2
            if rng.random() > dense:
                for _ in range(rng.poisson(1.2 * self.scene["trees"])):
                    self.tree(rng.uniform(u0, u1), rng.uniform(v0, v1), 3, 12)
                if rng.random() < 0.4:
                    self.cars.append((u, v, rng.choice([0, np.pi / 2])))
                continue
            s, t = (u1 - u0) / 2 * rng.uniform(0.8, 1.0), (v1 - v0) / 2 * rng.uniform(0.8, 1.0)
            flat = rng.random() < concrete
            eaves = rng.uniform(0.9, 1.5) * high if flat else low + (high - low) * rng.random() ** 1.6
            form = "flat" if flat else pick(rng, ("gable", "gable", "shed", "gable_p", "gable_q"))
            self.building(u, v, [(0, 0, s, t)], float(np.clip(eaves, 2.6, 14)), form, rng.normal(0, 0.03))
            self.buildings[-1].detail = True
            if flat and rng.random() < 0.6:
                self._roof_tank(u + rng.uniform(-0.6, 0.6) * s, v + rng.uniform(-0.6, 0.6) * t,
                                self.buildings[-1].eaves_m)
            if flat and rng.random() < 0.45:  # a tin roof over a part of the terrace
                part = rng.uniform(0.4, 0.9)
                self.building(u, v + (1 - part) * t * rng.choice([-1, 1]), [(0, 0, 0.95 * s, part * t)],
                              self.buildings[-1].eaves_m + 2.6, pick(rng, ("shed", "gable")))
            elif not flat and rng.random() < 0.4:  # lean-to
                self.building(u + rng.choice([-1, 1]) * s, v, [(0, 0, 2.2, 0.8 * t)], rng.uniform(2.4, 3.0), "shed")

    def _roof_tank(self, u, v, roof_m):
        rng = self.rng
        x, y = self.layout.to_xy(u, v)
        paint = jitter(rng, pick(rng, ((206, 210, 214), (80, 96, 130), (60, 60, 62), (190, 180, 160))))
        self.trees.append((self.draw_roof_tank, (x, y, rng.uniform(0.6, 1.1), roof_m + rng.uniform(1.4, 2.6), paint)))

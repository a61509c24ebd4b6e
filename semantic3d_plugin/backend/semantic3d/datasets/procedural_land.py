"""Open land in the blocks of a procedural scene: parks, sports, woods, fields, farms."""
from __future__ import annotations

import numpy as np

from .procedural_canvas import linear
from .procedural_palettes import CROPS, MATERIAL_ID, SOILS, jitter, pick


class OpenLand:
    """Fillers for blocks with few buildings; mixed into ``Town``, whose helpers they use."""

    def _park(self, b):
        rng = self.rng
        self.cover(b, self.green)
        self.cover(b, pick(rng, ("meadow", "dry_grass", "soil", "lawn")), patchy=rng.uniform(0.1, 0.5))
        for _ in range(int(rng.integers(1, 4))):
            self._path(b, pick(rng, ("concrete", "gravel", "soil", "pavers")), rng.uniform(1.2, 3.0))
        if rng.random() < 0.25:
            self._pond(b)
        for u, v in self.scatter(b, rng.uniform(20, 110) * self.scene["trees"]):
            self.tree(u, v, 5, 20)
        self._groves(b, int(rng.integers(0, 4)))
        for u, v in self.scatter(b, 30):
            self.bush(u, v)

    def _path(self, b, material, width_m):
        """A winding path across a block."""
        rng = self.rng
        found = self.layout.rectangle(b.u0, b.u1, b.v0, b.v1)
        if found is None:
            return
        area, u, v, mask = found
        swing, length, phase = rng.uniform(1, 10), rng.uniform(40, 120), rng.uniform(0, 6.3)
        along, across = (v, u) if rng.random() < 0.5 else (u, v)
        low, high = (b.u0, b.u1) if across is u else (b.v0, b.v1)
        slope = rng.normal(0, 0.3)
        start = float(along.mean())
        axis = rng.uniform(low, high) + swing * np.sin(along * np.float32(6.283 / length) + phase) + slope * (along - start)
        line = mask & (np.abs(across - axis) < width_m / 2)
        self.layout.material[area][line] = MATERIAL_ID[material]
        self.layout.tint[area][line] = 1.0

    def _pond(self, b):
        rng = self.rng
        found = self.layout.rectangle(b.u0, b.u1, b.v0, b.v1)
        if found is None:
            return
        area, u, v, mask = found
        cu, cv = rng.uniform(b.u0, b.u1), rng.uniform(b.v0, b.v1)
        ru, rv = rng.uniform(0.1, 0.35) * (b.u1 - b.u0), rng.uniform(0.1, 0.35) * (b.v1 - b.v0)
        wobble = 0.25 * self.canvas.noise.patch(3, mask.shape)
        radius = np.sqrt(((u - cu) / ru) ** 2 + ((v - cv) / rv) ** 2) + wobble
        self.layout.material[area][mask & (radius < 1.12)] = MATERIAL_ID["meadow"]
        wet = mask & (radius < 1.0)
        self.layout.material[area][wet] = MATERIAL_ID["water"]
        self.layout.tint[area][wet] = 1.0

    def _groves(self, b, count):
        rng = self.rng
        for _ in range(count):
            cu, cv, spread = rng.uniform(b.u0, b.u1), rng.uniform(b.v0, b.v1), rng.uniform(5, 18)
            height = float(rng.uniform(7, 22))
            for _tree in range(int(rng.integers(5, 30))):
                u, v = cu + rng.normal(0, spread), cv + rng.normal(0, spread)
                if b.u0 < u < b.u1 and b.v0 < v < b.v1:
                    self.tree(u, v, 0.6 * height, 1.1 * height)

    def _sports(self, b):
        rng = self.rng
        self.cover(b, self.green)
        u, v = (b.u0 + b.u1) / 2, (b.v0 + b.v1) / 2
        half_u, half_v = min(34, 0.4 * (b.u1 - b.u0)), min(54, 0.42 * (b.v1 - b.v0))
        ground = pick(rng, ("turf", "lawn", "lawn", "turf", "dry_grass"))
        if rng.random() < 0.4:  # running track
            self._ring(u, v, half_u + 8, half_v + 8, "clay")
        self.layout.cover(u - half_u, u + half_u, v - half_v, v + half_v, ground)
        if rng.random() < 0.85:
            for a in np.linspace(-half_v, half_v, pick(rng, (3, 3, 11))):
                self.line(u - half_u, u + half_u, v + a - 0.12, v + a + 0.12, strength=0.5)
            for side in (-half_u, half_u):
                self.line(u + side - 0.12, u + side + 0.12, v - half_v, v + half_v, strength=0.5)
        if ground != "dry_grass" and rng.random() < 0.4:  # mowing stripes
            found = self.layout.rectangle(u - half_u, u + half_u, v - half_v, v + half_v)
            if found is not None:
                area, _, along, mask = found
                self.layout.tint[area][mask & (np.mod(along, 11.0) < 5.5)] *= 1.10
        if b.u1 - u - half_u > 16 and rng.random() < 0.7:
            self.building(u + half_u + 10, v, [(0, 0, 4, min(22, half_v))], rng.uniform(4, 10), "shed")
        for k in range(int(rng.integers(0, 4))):  # tennis courts
            cu = b.u0 + 12 + 18 * k
            if cu + 9 < b.u1 and v - half_v - 40 > b.v0:
                court = pick(rng, ("clay", "turf", "asphalt"))
                self.layout.cover(cu - 8, cu + 8, v - half_v - 38, v - half_v - 4, court)
                self.line(cu - 5.5, cu - 5.2, v - half_v - 33, v - half_v - 9)
                self.line(cu + 5.2, cu + 5.5, v - half_v - 33, v - half_v - 9)
        for u, v in self.scatter(b, 12 * self.scene["trees"]):
            if abs(u - (b.u0 + b.u1) / 2) > half_u + 9:
                self.tree(u, v, 5, 15)

    def _ring(self, u, v, half_u, half_v, material):
        found = self.layout.rectangle(u - half_u, u + half_u, v - half_v, v + half_v)
        if found is None:
            return
        area, uu, vv, mask = found
        straight = max(0.0, half_v - half_u)
        over = np.maximum(np.abs(vv - v) - straight, 0)
        self.layout.material[area][mask & (np.hypot(uu - u, over) < half_u)] = MATERIAL_ID[material]

    def _forest(self, b):
        rng = self.rng
        self.cover(b, "forest_floor")
        self.cover(b, pick(rng, ("meadow", "soil", "lawn")), patchy=rng.uniform(0, 0.3))
        if rng.random() < 0.5:
            self._path(b, pick(rng, ("soil", "gravel")), rng.uniform(1.5, 4))
        height = float(rng.choice([rng.uniform(6, 14), rng.uniform(12, 28), rng.uniform(25, 40)], p=[0.3, 0.5, 0.2]))
        spacing = max(2.2, height * rng.uniform(0.20, 0.42))
        clearing = rng.uniform(-2.6, 0.4) if rng.random() < 0.8 else 3.0
        noise = self.canvas.noise.fields[4] + 0.5 * self.canvas.noise.fields[3]
        last = self.canvas.size_px - 1

        def keep(x, y):
            row = min(max(int(y / self.canvas.gsd_m), 0), last)
            column = min(max(int(x / self.canvas.gsd_m), 0), last)
            return noise[row, column] > -1.3 - 0.25 * clearing or rng.random() < 0.06

        found = self.layout.rectangle(b.u0, b.u1, b.v0, b.v1)
        if found is not None and rng.random() < 0.65:
            area, _, _, inside = found
            closed = inside & (noise[area] + 0.2 * self.canvas.noise.fields[1][area] > -1.2 - 0.25 * clearing)
            self.trees.append((self.woods.understory, (area, closed, height * rng.uniform(0.1, 0.5))))
        u = np.arange(b.u0 + 1, b.u1 - 1, spacing)
        v = np.arange(b.v0 + 1, b.v1 - 1, spacing)
        u, v = (grid.ravel() for grid in np.meshgrid(u, v))
        u = u + rng.uniform(-0.5, 0.5, u.size) * spacing
        v = v + rng.uniform(-0.5, 0.5, v.size) * spacing
        order = rng.permutation(u.size)[:6000]
        low, high = -30.0, self.canvas.extent_m + 30.0
        places = [self.layout.to_xy(float(u[k]), float(v[k])) for k in order]
        places = [(x, y) for x, y in places if low < x < high and low < y < high]
        self.trees.append((self.woods.stand, (places, height, rng.uniform(0.05, 0.28), keep)))

    def _meadow(self, b):
        rng = self.rng
        self.cover(b, pick(rng, ("meadow", "meadow", "lawn", "dry_grass")))
        self.cover(b, pick(rng, ("dry_grass", "soil", "lawn", "meadow")), patchy=rng.uniform(0.1, 0.5))
        for _ in range(int(rng.integers(0, 3))):
            self._path(b, "soil", rng.uniform(0.8, 2.5))
        for u, v in self.scatter(b, rng.uniform(1, 40)):
            self.bush(u, v)
        for u, v in self.scatter(b, rng.uniform(0, 14) * self.scene["trees"]):
            self.tree(u, v, 4, 18)
        self._groves(b, int(rng.integers(0, 3)))

    def _vacant(self, b):
        rng = self.rng
        self.cover(b, pick(rng, ("soil", "gravel", "dry_grass", "sand", "meadow")))
        for _ in range(2):
            self.cover(b, pick(rng, ("soil", "dry_grass", "gravel", "meadow", "sand")), patchy=rng.uniform(0.1, 0.5))
        for _ in range(int(rng.integers(1, 4))):
            self._path(b, pick(rng, ("soil", "sand", "gravel")), rng.uniform(1.5, 4))
        for u, v in self.scatter(b, rng.uniform(5, 90)):
            self.bush(u, v)
        for u, v in self.scatter(b, 8):
            self.cars.append((u, v, rng.uniform(0, 3)))

    def _field(self, b):
        rng = self.rng
        strips = int(rng.integers(1, 5))
        edges = np.linspace(b.u0, b.u1, strips + 1)
        for k in range(strips):
            material = pick(rng, ("crop", "crop", "ripe_crop", "tilled", "tilled", "meadow", "dry_grass", "soil"))
            found = self.layout.cover(edges[k], edges[k + 1] - rng.uniform(0, 1), b.v0, b.v1, material,
                                      float(np.exp(rng.normal(0, 0.12))))
            if found is None:
                continue
            area, u, v, mask = found
            along = u if rng.random() < 0.6 else v
            rows = 1.0 + rng.uniform(0.0, 0.16) * np.sin(along * np.float32(6.283 / rng.choice([0.8, 1.5, 3.0, 6.0])))
            wheel = np.where(np.mod(along, rng.choice([12.0, 18.0, 24.0])) < 0.7, np.float32(0.88), np.float32(1.0))
            self.layout.tint[area][mask] *= (rows * wheel)[mask]
        if rng.random() < 0.5:  # hedgerow with trees
            self.hedge(b.u0 + 1, b.u0 + 1, b.v0, b.v1)
            for v in np.arange(b.v0, b.v1, rng.uniform(5, 25)):
                self.tree(b.u0 + 1 + rng.normal(0, 0.6), v, 4, 16)

    def _arable(self, b):
        """Strips of crops and bare soil in all their colours; a dense crop is as dark, even and cool as a river."""
        rng = self.rng
        edges = np.linspace(b.u0, b.u1, int(rng.integers(1, 6)) + 1)
        for u0, u1 in zip(edges[:-1], edges[1:]):
            grown = rng.random() < 0.7
            found = self.layout.cover(u0, u1 - rng.choice([0.0, rng.uniform(0, 4)]), b.v0, b.v1,
                                      "crop" if grown else "tilled", float(np.exp(rng.normal(0, 0.08))))
            if found is None:
                continue
            area, u, v, mask = found
            colour = linear(jitter(rng, pick(rng, CROPS if grown else SOILS), 0.06))
            self.paint.append(((area, mask), colour, rng.uniform(0.6, 0.95)))
            along = (u, v)[int(rng.random() < 0.4)]
            rows = 1.0 + rng.uniform(0.0, 0.1) * np.sin(along * np.float32(6.283 / rng.choice([0.75, 1.5, 3.0, 6.0])))
            self.layout.tint[area][mask] *= rows[mask]
            bare = linear(jitter(rng, pick(rng, SOILS), 0.1))
            if rng.random() < 0.7:  # the sprayer's lanes, two tracks each
                lanes = np.abs(np.mod(along - rng.uniform(0, 36), rng.choice([12.0, 18.0, 24.0, 36.0])) - 3.0)
                tracks = mask & (np.abs(lanes - 0.9) < max(0.25, 0.6 * self.canvas.gsd_m))
                self.paint.append(((area, tracks), bare, rng.uniform(0.2, 0.7)))
            if rng.random() < 0.6:  # where it grows worse, or has drowned
                noise = self.canvas.noise.patch(int(rng.integers(1, 4)), mask.shape)
                self.paint.append(((area, mask & (noise > rng.uniform(0.9, 2.2))), bare, rng.uniform(0.15, 0.6)))
        if rng.random() < 0.3:
            self._pond(b)
        if rng.random() < 0.4:
            self.hedge(b.u0 + 1, b.u0 + 1, b.v0, b.v1)
        for u, v in self.scatter(b, rng.choice([0.0, 0.0, 2.0])):
            self.tree(u, v, 4, 16)

    def _orchard(self, b):
        rng = self.rng
        self.cover(b, pick(rng, ("lawn", "soil", "dry_grass", "meadow", "tilled")))
        row, step = rng.uniform(3.5, 8), rng.uniform(2.0, 7.0)
        height = rng.uniform(2.0, 6.0)
        for u in np.arange(b.u0 + 2, b.u1 - 2, row):
            for v in np.arange(b.v0 + 2, b.v1 - 2, step):
                if rng.random() < 0.93:
                    x, y = self.layout.to_xy(u + rng.normal(0, 0.15), v + rng.normal(0, 0.15))
                    size = height * rng.uniform(0.8, 1.15)
                    self.trees.append((self.woods.tree, (x, y, size, min(0.45 * size, 0.48 * row), "bush")))

    def _farm(self, b):
        rng = self.rng
        self._meadow(b)
        inset_u, inset_v = min(25, (b.u1 - b.u0) / 2.1), min(25, (b.v1 - b.v0) / 2.1)
        u, v = rng.uniform(b.u0 + inset_u, b.u1 - inset_u), rng.uniform(b.v0 + inset_v, b.v1 - inset_v)
        self.layout.cover(u - 26, u + 26, v - 26, v + 26, pick(rng, ("gravel", "soil", "concrete", "old_asphalt")))
        self.layout.cover(b.u0 - 2, u, v - 2, v + 2, "gravel")
        for _ in range(int(rng.integers(2, 7))):
            s, t = rng.uniform(4, 11), rng.uniform(7, 24)
            self.building(u + rng.uniform(-26, 26), v + rng.uniform(-26, 26), [(0, 0, s, t)], rng.uniform(3, 6.5),
                          pick(rng, ("gable", "gable", "gable", "hip", "shed")), rng.choice([0, np.pi / 2, rng.normal(0, 0.2)]))
        for _ in range(int(rng.integers(4, 20))):
            self.tree(u + rng.uniform(-40, 40), v + rng.uniform(-40, 40), 4, 17)
        for _ in range(6):
            self.cars.append((u + rng.uniform(-24, 24), v + rng.uniform(-24, 24), rng.uniform(0, 3)))

    def railway(self):
        """A straight strip of ballast with one to six tracks; nothing is built on it."""
        layout, canvas, rng = self.layout, self.canvas, self.rng
        direction = layout.angle + rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)])
        offset = rng.uniform(-0.4, 0.4) * canvas.extent_m
        across = layout.along_and_across(direction)[1] - np.float32(offset)
        tracks = int(rng.integers(1, 7))
        strip = np.abs(across) < 2.3 * tracks + 0.8
        layout.material[strip & ~layout.road] = MATERIAL_ID["gravel"]
        layout.tint[strip & ~layout.road] = float(rng.uniform(0.5, 0.9))
        in_track = np.mod(across + 2.3 * tracks, 4.6)
        rails = strip & (np.abs(np.abs(in_track - 2.3) - 0.75) < max(0.08, 0.4 * canvas.gsd_m))
        layout.tint[rails] *= rng.uniform(0.6, 1.25)
        sleepers = strip & (np.abs(in_track - 2.3) < 1.3)
        layout.tint[sleepers] *= rng.uniform(0.75, 1.0)
        canvas.reserved |= strip

    def bridges(self, river):
        """Where streets cross the river: raise a deck (class 6) or let the street end."""
        layout, canvas, rng = self.layout, self.canvas, self.rng
        du, hu, gap_u, dv, hv, gap_v = layout.street_parts
        near = river < 2.5
        height = float(rng.uniform(3.0, 10.0))
        for index, off, gap, positions in ((layout.street_index[0], du, gap_u, layout.streets_u),
                                           (layout.street_index[1], dv, gap_v, layout.streets_v)):
            for k in range(len(positions)):
                deck = near & (gap < 1.0) & (index == k)
                longest_m2 = 2.0 * (layout.river_width_m + 10.0) * (2.0 * layout.road_width_m + 2.0)
                if not deck.any() or deck.sum() * canvas.gsd_m ** 2 > longest_m2 or rng.random() < 0.35:
                    continue
                colour = jitter(rng, pick(rng, ((150, 146, 140), (118, 116, 114), (186, 182, 172))))
                area = (slice(None), slice(None))
                texture = np.exp(0.05 * canvas.noise.fields[0])[..., None]
                canvas.place(area, deck, np.float32(height), colour * texture, 6)
                rail = deck & (gap > 0.4)
                canvas.place(area, rail, np.float32(height + 0.9), colour * 1.25, 6)
                canvas.stain(area, deck & (np.abs(off) < max(0.15, canvas.gsd_m / 2)), linear((225, 222, 210)), 0.4)

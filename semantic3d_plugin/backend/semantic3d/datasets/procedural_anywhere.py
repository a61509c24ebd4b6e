"""Scenes of no particular kind: traits of all kinds mixed, long flat corridors, shoals and shallow water.

What a network learns from the other kinds hangs together: rails lie by lakes, pools in dry gardens. Here
nothing hangs together, so that heights and classes are learned from shape, shadow and texture alone.
"""
from __future__ import annotations

import numpy as np

from .procedural_buildings import draw_crate
from .procedural_canvas import WATER
from .procedural_kinds import KINDS
from .procedural_palettes import CARS, MATERIAL_ID, ROOFS, STYLES, WATERS, jitter, pick

_PAVED = ("concrete", "asphalt", "old_asphalt", "gravel", "gravel", "soil", "pavers", "sand")
_VERGES = ("lawn", "meadow", "dry_grass", "soil", "concrete", "gravel")


def mixed_style(rng) -> dict:
    """A style (see ``STYLES``) whose every trait is drawn from one of the others or from a wider range."""
    plain = [style for style in STYLES.values() if not (style.get("mix") or style.get("apart"))]
    kinds = [kind for kind in KINDS.values() if not (kind.get("mix") or kind.get("apart"))]
    streets, kind, low = pick(rng, plain), pick(rng, kinds), int(rng.integers(1, 4))
    blocks = {}
    for style in (streets, pick(rng, plain), pick(rng, plain)):
        for name, weight in style["blocks"].items():
            blocks[name] = blocks.get(name, 0.0) + weight * float(rng.uniform(0.3, 1.5))
    families = [kind["pitched"], *(tuple((name, shade) for shade in ROOFS[name]) for name in sorted(ROOFS))]
    pitched, others = pick(rng, families), pick(rng, families)
    eaves = float(rng.uniform(3.0, 6.0))
    return dict(
        u=streets["u"], v=streets["v"], road=pick(rng, plain)["road"], curve=pick(rng, plain)["curve"], blocks=blocks,
        river=0.35, lake=bool(rng.random() < 0.3), shoals=True, corridors=0.9, trees=float(rng.uniform(0.4, 1.5)),
        storeys=(low, low + int(rng.choice([1, 3, 6, 14]))), markings=float(rng.uniform(0, 0.8)), pools=0.7,
        climates=tuple(sorted({climate for style in plain for climate in style["climates"]})),
        roofs=tuple(sorted(ROOFS)),
        pitched=pitched, others=others, flat=pick(rng, kinds)["flat"], others_share=(0.0, 0.5), roof_spread=(0.03, 0.2),
        pitch=(0.1, 1.0), eaves=(eaves, eaves + float(rng.uniform(2.0, 14.0))),
        ground=kind["ground"], ground_chance=0.4,
        sky=(0.06, 0.6), veil=(0.0, 0.07))


class Anywhere:
    """Corridors and waters; mixed into ``Town``, whose layers they use."""

    def corridor(self):
        """A long flat strip of parallel bands: canal, railway yard, motorway, runway, dike road, drain."""
        layout, canvas, rng = self.layout, self.canvas, self.rng
        direction = layout.angle + rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)])  # across the strip
        along, across = layout.along_and_across(direction)
        offset = np.float32(rng.uniform(-0.4, 0.4) * canvas.extent_m)
        swing, length, phase = rng.choice([0.0, rng.uniform(2, 25)]), rng.uniform(180, 500), rng.uniform(0, 6.3)
        bend = np.float32(swing) * np.sin(along * np.float32(6.283 / length) + np.float32(phase))
        across = across - offset - bend
        half = float(np.clip(np.exp(rng.normal(2.3, 0.6)), 3.0, 34.0))
        inside = np.abs(across) < half
        twin = rng.random() < 0.6  # the same bands on both sides of the middle
        side, span = (np.abs(across), half) if twin else (across + np.float32(half), 2 * half)
        edges = np.sort(rng.uniform(0, span, int(rng.integers(0, 6))))
        for low, high in zip(np.r_[0.0, edges], np.r_[edges, span]):
            self._band(inside & (side >= low) & (side < high), side - np.float32(low), along, high - low)
        if rng.random() < 0.4:  # kerbs, joints, drains along the bands' edges
            shade, wide = np.float32(rng.uniform(0.45, 1.5)), max(0.25, 0.6 * canvas.gsd_m)
            for edge in edges:
                layout.tint[inside & (np.abs(side - edge) < wide)] *= shade
        canvas.reserved |= inside
        layout.road &= ~inside
        if rng.random() < 0.5:
            self._vehicles(offset, half, direction, bend)

    def _band(self, mask, across, along, wide_m):
        """One band of a corridor: paved, rails, verge or water; ``across`` is measured from its edge."""
        layout, canvas, rng = self.layout, self.canvas, self.rng
        if not mask.any():
            return
        kind = pick(rng, ("paved", "paved", "paved", "rails", "rails", "verge", "water"))
        material = {"rails": "gravel", "water": "water", "verge": pick(rng, _VERGES)}.get(kind) or pick(rng, _PAVED)
        layout.material[mask] = MATERIAL_ID[material]
        layout.tint[mask] = float(np.exp(rng.normal(0, 0.28)))
        if kind == "rails":
            gauge = float(rng.uniform(3.8, 5.5))
            in_track = np.abs(np.mod(across, np.float32(gauge)) - np.float32(gauge / 2))
            layout.tint[mask & (in_track < 1.3)] *= rng.uniform(0.7, 1.15)
            layout.tint[mask & (np.abs(in_track - 0.75) < max(0.1, 0.5 * canvas.gsd_m))] *= rng.uniform(0.6, 1.5)
            if rng.random() < 0.3:  # weeds between disused tracks
                weeds = mask & (canvas.noise.fields[2] + canvas.noise.fields[3] > rng.uniform(0.0, 1.5))
                layout.material[weeds] = MATERIAL_ID[pick(rng, ("dry_grass", "meadow", "soil"))]
        elif kind == "paved":
            if rng.random() < 0.5:  # lanes, worn or painted
                lane = float(rng.uniform(2.5, 4.0))
                line = mask & (np.mod(across, np.float32(lane)) < max(0.15, 0.5 * canvas.gsd_m))
                if rng.random() < 0.6:
                    line &= np.mod(along, np.float32(rng.uniform(6, 18))) < np.float32(rng.uniform(2, 6))
                layout.tint[line] *= rng.uniform(0.7, 1.7)
            if rng.random() < 0.4:  # slabs
                step = np.float32(rng.uniform(4, 30))
                layout.tint[mask & (np.mod(along, step) < max(0.2, 0.5 * canvas.gsd_m))] *= rng.uniform(0.6, 1.2)
            fall = np.float32(rng.uniform(-0.3, 0.3) / max(wide_m, 0.5))
            layout.tint[mask] *= 1.0 + fall * across[mask]

    def _vehicles(self, offset, half, direction, bend):
        """Trains or traffic on a corridor, drawn after all buildings."""
        canvas, layout, rng = self.canvas, self.layout, self.rng
        last, train = canvas.size_px - 1, rng.random() < 0.4
        cosine, sine = np.cos(direction), np.sin(direction)
        for _ in range(int(rng.integers(1, 4)) if train else int(rng.integers(4, 40))):
            lane, start = rng.uniform(-0.8, 0.8) * half, rng.uniform(-0.5, 0.5) * canvas.extent_m
            long, wide, high = (float(rng.uniform(14, 26)), 2.9, float(rng.uniform(3.4, 4.6))) if train else (
                (4.5, 1.8, 1.5) if rng.random() < 0.8 else (float(rng.uniform(8, 16)), 2.5, 3.6))
            paint = jitter(rng, pick(rng, CARS))
            for wagon in range(int(rng.integers(1, 11)) if train else 1):
                at = start + wagon * (long + 1.0)
                row = min(max(int((layout.centre_m + at * cosine) / canvas.gsd_m), 0), last)
                column = min(max(int((layout.centre_m - at * sine) / canvas.gsd_m), 0), last)
                side = offset + lane + float(bend[row, column])
                x, y = layout.centre_m + side * cosine - at * sine, layout.centre_m + side * sine + at * cosine
                self.trees.append((draw_crate, (canvas, x, y, direction + np.pi / 2, long, wide, high, paint)))

    def shoals(self, distance):
        """Banks of gravel, sand or mud that stand out of the water (``distance`` in metres, < 0 is water)."""
        rng, noise = self.rng, self.canvas.noise.fields
        if rng.random() < 0.5:
            return
        depth = -distance / np.float32(rng.uniform(4, 25))
        rise = 0.7 * noise[3] + 0.5 * noise[2] + 0.3 * noise[1] - depth
        dry = (distance < 0) & (rise > np.float32(rng.uniform(-0.8, 1.2)))
        self.layout.material[dry] = MATERIAL_ID[pick(rng, ("gravel", "gravel", "sand", "soil", "meadow"))]
        self.layout.tint[dry] = float(np.exp(rng.normal(0.05, 0.2)))

    def shallows(self, distance):
        """Let the bed, weeds or mud show through the water near its edge and in patches."""
        rng, canvas = self.rng, self.canvas
        if rng.random() < 0.3:
            return
        wet = (canvas.land_cover == WATER) & (distance < 0)  # pools and canals stay as they are
        bed = pick(rng, ((150, 142, 118), (120, 126, 84), (96, 108, 64), (176, 168, 146), (112, 132, 116))
                   + WATERS[3:5])
        seen = np.exp(np.minimum(distance, 0.0) / np.float32(rng.uniform(1.5, 14)))
        mottle = sum(weight * field for weight, field in zip((0.1, 0.2, 0.25, 0.3), canvas.noise.fields[1:]))
        seen = np.float32(rng.uniform(0.3, 1.0)) * seen * (1.0 + 0.6 * mottle)
        seen = np.clip(seen + np.float32(rng.uniform(0, 0.3)) * mottle, 0.0, 0.95)
        colour = jitter(rng, bed) * np.exp(0.08 * canvas.noise.fields[1])[..., None]
        mixed = canvas.albedo * (1 - seen[..., None]) + colour * seen[..., None]
        canvas.albedo[wet] = mixed[wet]

"""Buildings of the procedural scenes: footprints, roof forms, roof materials."""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .procedural_canvas import BUILDING, OTHER, WATER, linear
from .procedural_kinds import kind_paint
from .procedural_palettes import CARS, ROOFS, jitter, pick

PITCHED = ("gable", "gable_p", "gable_q", "hip", "shed", "mansard")


@dataclass
class Building:
    """What to draw: ``parts`` are boxes (p, q, half_p, half_q) in metres, ridge along q or p."""

    x_m: float
    y_m: float
    angle: float
    parts: list
    eaves_m: float
    form: str = "gable"
    pitch: float = 0.6
    family: str = "shingle"
    colour: np.ndarray = field(default_factory=lambda: linear((128, 123, 117)))
    wall: np.ndarray = field(default_factory=lambda: linear((190, 184, 172)))
    frame: tuple | None = None  # (area, p, q) where the box bends with the street
    detail: bool = False  # ridge line, party walls, dormers, chimneys, rust


def roof_surface(form, eaves_m, pitch, p, q, half_p, half_q):
    """Height [h, w] in metres of a roof over a box, valid inside it."""
    if form == "flat":
        return np.full(np.broadcast(p, q).shape, eaves_m, np.float32)
    short, half_short = (p, half_p) if half_p <= half_q else (q, half_q)
    across = half_short - np.abs(short)
    if form == "gable":
        return eaves_m + pitch * across + 0 * (p + q)
    if form == "gable_p":  # ridge along p whatever the sides
        return eaves_m + pitch * (half_q - np.abs(q)) + 0 * p
    if form == "gable_q":
        return eaves_m + pitch * (half_p - np.abs(p)) + 0 * q
    if form == "shed":
        return eaves_m + 0.35 * pitch * (half_short + short) + 0 * (p + q)
    inner = np.minimum(half_p - np.abs(p), half_q - np.abs(q))
    if form == "hip":
        return eaves_m + pitch * inner
    if form == "mansard":
        return eaves_m + np.minimum(1.8 * inner, 2.2 + 0.25 * inner)
    if form == "barrel":
        ratio = np.clip(short / half_short, -1, 1)
        return eaves_m + 0.5 * half_short * pitch * np.sqrt(np.maximum(1 - ratio * ratio, 0)) + 0 * (p + q)
    if form == "saw":
        return eaves_m + 0.4 * np.mod(q, 8.0) + 0 * p
    raise ValueError(f"Unknown roof form {form!r}.")


def _texture(canvas, form, family, p, q, shape, along_p):
    """Brightness factor [h, w] of a roof: grain, blotches, rows or seams, streaks."""
    rng, noise = canvas.rng, canvas.noise
    grain = {"tile": 0.10, "shingle": 0.08, "slate": 0.08, "metal": 0.04, "tin": 0.06, "membrane": 0.045}[family]
    value = grain * noise.patch(0, shape) + 0.6 * grain * noise.patch(1, shape)
    value = value + rng.uniform(0.2, 1.3) * 0.05 * noise.patch(2, shape) + 0.04 * noise.patch(3, shape)
    fall = p if along_p else q
    ridge = q if along_p else p
    if family in ("tile", "slate") and canvas.gsd_m < 0.3:
        value = value + 0.06 * np.sin(fall * np.float32(2 * np.pi / rng.uniform(0.3, 0.5)))
    if family in ("metal", "tin") and rng.random() < 0.7:
        value = value + rng.uniform(0.02, 0.09) * np.sin(ridge * np.float32(2 * np.pi / rng.uniform(0.5, 3.0)))
    if family == "membrane" and rng.random() < 0.4:
        value = value + 0.04 * (np.mod(ridge, rng.uniform(1.5, 6.0)) < 0.35)
    if rng.random() < 0.5:  # streaks down the slope
        column = np.clip(((ridge - ridge.min()) / 0.7).astype(np.int32), 0, 400)
        value = value + 0.045 * rng.standard_normal(401, dtype=np.float32)[column]
    return np.exp(1.5 * value)


def draw_building(canvas, building: Building):
    """Draw one building; returns the mask of its pixels inside its window, or None."""
    reach = max(np.hypot(abs(a) + c, abs(b) + d) for a, b, c, d in building.parts) + 2.0
    found = building.frame or canvas.oriented(building.x_m, building.y_m, building.angle, reach)
    if found is None:
        return None
    area, p, q = found
    if canvas.reserved[area].any():
        near = np.zeros(p.shape, bool)
        for a, b, c, d in building.parts:
            near |= (np.abs(p - a) < c) & (np.abs(q - b) < d)
        if (canvas.reserved[area] & near).sum() > 0.02 * near.sum():
            return None
    surface = np.full(p.shape, -1.0, np.float32)
    inside = np.zeros(p.shape, bool)
    for a, b, c, d in building.parts:
        box = (np.abs(p - a) <= c) & (np.abs(q - b) <= d)
        roof = roof_surface(building.form, building.eaves_m, building.pitch, p - a, q - b, c, d)
        surface = np.where(box, np.maximum(surface, roof), surface)
        surface = np.where(box | inside, surface, np.maximum(surface, np.minimum(roof, building.eaves_m)))
        inside |= box
    if not inside.any():
        return None
    a, b, c, d = building.parts[0]
    factor = _texture(canvas, building.form, building.family, p, q, p.shape, c <= d)
    slopes = canvas.slopes_of(surface)
    edge = inside & (np.abs(slopes[0]) + np.abs(slopes[1]) > 3.0)
    slopes[0][edge] *= 0.2
    slopes[1][edge] *= 0.2
    wall = canvas.add_wall(building.wall)
    colour = building.colour * factor[..., None]
    drawn = canvas.place(area, inside, surface, colour, BUILDING, slopes, wall)
    if building.form == "flat":
        _flat_roof(canvas, building, area, p, q, drawn, wall)
    elif building.form in PITCHED and canvas.rng.random() < 0.6:
        _pitched_roof(canvas, building, area, p, q, drawn)
    if building.detail and building.form in PITCHED:
        _roof_details(canvas, building, area, p, q, drawn)
    return drawn


def _flat_roof(canvas, building, area, p, q, drawn, wall):
    """Parapet, plant boxes, skylights, patches."""
    rng = canvas.rng
    parapet = rng.random() < 0.7
    rise, width = rng.uniform(0.3, 1.2), max(0.35, canvas.gsd_m)
    rim_colour = building.colour * rng.uniform(0.75, 1.5) if rng.random() < 0.7 else jitter(rng, (205, 200, 190))
    if parapet:
        core = np.zeros(p.shape, bool)
        for a, b, c, d in building.parts:
            core |= (np.abs(p - a) <= c - width) & (np.abs(q - b) <= d - width)
        canvas.place(area, drawn & ~core, building.eaves_m + rise, np.minimum(rim_colour, 0.95), BUILDING, wall=wall)
    a, b, c, d = building.parts[0]
    size = 4 * c * d
    if size > 250 and rng.random() < 0.4:  # a higher or set-back part with its own roof
        _step(canvas, building, area, p, q, drawn, wall)
    if size > 60:
        if rng.random() < 0.4:
            mix = canvas.noise.patch(3, p.shape) + 0.5 * canvas.noise.patch(2, p.shape)
            canvas.stain(area, drawn & (mix > rng.uniform(0.3, 1.4)), building.colour * rng.uniform(0.6, 1.25), 0.6)
        count = min(int(rng.poisson(min(14, 1 + size / 250))), 24)
        gray = jitter(rng, pick(rng, ((150, 152, 154), (190, 190, 188), (110, 112, 114), (225, 225, 222))))
        for _ in range(count):
            s, t = rng.uniform(0.5, 2.2, 2)
            u, v = a + rng.uniform(-0.85, 0.85) * (c - s), b + rng.uniform(-0.85, 0.85) * (d - t)
            box = drawn & (np.abs(p - u) < s) & (np.abs(q - v) < t)
            canvas.place(area, box, building.eaves_m + rng.uniform(0.6, 2.5), gray * rng.uniform(0.8, 1.2), BUILDING)
        if size > 300 and rng.random() < 0.5:  # regular skylights
            du, dv = rng.uniform(4, 9), rng.uniform(6, 14)
            grid = (np.abs(np.mod(p, du) - du / 2) < 0.6) & (np.abs(np.mod(q, dv) - dv / 2) < rng.uniform(0.6, 2.4))
            inner = (np.abs(p - a) < c - 3) & (np.abs(q - b) < d - 3)
            canvas.stain(area, drawn & grid & inner, jitter(rng, pick(rng, ((225, 228, 230), (120, 140, 160)))), 0.85)
        if size > 150 and rng.random() < 0.12:  # solar panels
            grid = (np.abs(p - a) < c * 0.7) & (np.abs(q - b) < d * 0.7) & (np.mod(q, 2.4) < 1.7)
            canvas.stain(area, drawn & grid, jitter(rng, (52, 58, 78)), 0.95)
    if building.eaves_m > 12 and size > 150:  # lift house
        s, t = rng.uniform(1.5, 4.0, 2)
        box = drawn & (np.abs(p - a - rng.uniform(-0.3, 0.3) * c) < s) & (np.abs(q - b) < t)
        canvas.place(area, box, building.eaves_m + rng.uniform(2.5, 4.0), gray * 1.1, BUILDING, wall=wall)


def _step(canvas, building, area, p, q, drawn, wall):
    """Raise one to three rectangles of a flat roof by a storey or a fraction of it."""
    rng = canvas.rng
    a, b, c, d = building.parts[0]
    for _ in range(int(rng.integers(1, 4))):
        s, t = c * rng.uniform(0.2, 0.7), d * rng.uniform(0.15, 0.6)
        u, v = a + rng.choice([-1, 0, 1]) * (c - s), b + rng.uniform(-1, 1) * (d - t)
        box = drawn & (np.abs(p - u) < s) & (np.abs(q - v) < t)
        paint = building.colour * np.exp(rng.normal(0, 0.15)) if rng.random() < 0.6 else jitter(
            rng, pick(rng, ROOFS["membrane"]))
        rise = pick(rng, (0.7, 1.2, 3.0, 3.2, 4.5))
        texture = np.exp(0.07 * canvas.noise.patch(0, p.shape) + 0.05 * canvas.noise.patch(2, p.shape))
        canvas.place(area, box, building.eaves_m + rise, np.minimum(paint, 0.95) * texture[..., None], BUILDING, wall=wall)


def draw_tank(canvas, x_m, y_m, radius_m, height_m, paint):
    """A round tank or silo with a slightly conical roof."""
    found = canvas.window(x_m, y_m, radius_m + 1)
    if found is None:
        return
    area, x, y = found
    distance = np.hypot(x, y)
    round_part = (distance < radius_m) & (canvas.land_cover[area] != WATER)
    surface = (height_m + 0.12 * (radius_m - distance)).astype(np.float32)
    colour = paint * np.exp(0.04 * canvas.noise.patch(0, distance.shape))[..., None]
    canvas.place(area, round_part, surface, colour, BUILDING, canvas.slopes_of(surface), canvas.add_wall(paint))


def draw_crate(canvas, x_m, y_m, angle, length_m, width_m, height_m, paint):
    """A container or stack of them: class 7."""
    found = canvas.oriented(x_m, y_m, angle, length_m)
    if found is None:
        return
    area, p, q = found
    box = (np.abs(p) < length_m / 2) & (np.abs(q) < width_m / 2)
    box &= (canvas.height_m[area] < 0.3) & (canvas.land_cover[area] != WATER)
    canvas.place(area, box, np.float32(height_m), paint, OTHER)


def _pitched_roof(canvas, building, area, p, q, drawn):
    """Chimneys, roof windows, dormers, a ridge line, now and then panels."""
    rng = canvas.rng
    a, b, c, d = building.parts[0]
    for _ in range(int(rng.integers(0, 4))):
        u, v = a + rng.uniform(-0.8, 0.8) * c, b + rng.uniform(-0.8, 0.8) * d
        box = drawn & (np.abs(p - u) < 0.35) & (np.abs(q - v) < 0.4)
        if rng.random() < 0.6:
            canvas.place(area, box, building.eaves_m + building.pitch * min(c, d) + 0.7,
                         jitter(rng, (150, 120, 105)), BUILDING)
        else:
            canvas.stain(area, box, jitter(rng, (90, 100, 112)), 0.8)
    if rng.random() < 0.12:
        u, v = a + 0.5 * c * rng.choice([-1, 1]), b
        box = drawn & (np.abs(p - u) < 0.32 * c) & (np.abs(q - v) < rng.uniform(0.3, 0.7) * d)
        canvas.stain(area, box, jitter(rng, (48, 54, 74)), 0.95)


def _roof_details(canvas, building, area, p, q, drawn):
    """Ridge line, party walls, dormers and rust of a pitched roof; p and q as in ``draw_building``."""
    rng = canvas.rng
    a, b, c, d = building.parts[0]
    p, q = p - a, q - b
    along_q = building.form == "gable_q" or (building.form != "gable_p" and c <= d)
    short, long, half, reach = (p, q, c, d) if along_q else (q, p, d, c)
    line = max(0.22, 0.5 * canvas.gsd_m)
    if building.family in ("metal", "tin"):
        if rng.random() < 0.5:
            mix = canvas.noise.patch(2, drawn.shape) + 0.6 * canvas.noise.patch(1, drawn.shape)
            rust = jitter(rng, pick(rng, ((142, 96, 74), (120, 104, 92), (168, 128, 104))))
            canvas.stain(area, drawn & (mix > rng.uniform(0.6, 2.2)), rust, rng.uniform(0.2, 0.6))
        return
    if building.form in ("gable", "gable_p", "gable_q"):
        canvas.stain(area, drawn & (np.abs(short) < line), building.colour * rng.uniform(0.9, 1.35), 0.5)
        if rng.random() < 0.6:
            canvas.stain(area, drawn & (reach - np.abs(long) < line), building.colour * rng.uniform(0.6, 1.3), 0.4)
    if building.frame is not None and rng.random() < 0.5:  # patched tiles
        mix = canvas.noise.patch(2, drawn.shape)
        canvas.stain(area, drawn & (mix > rng.uniform(0.5, 2.0)), building.colour * rng.uniform(0.75, 1.3), 0.45)
    if building.pitch > 0.5 and half > 3.5 and building.form != "shed" and rng.random() < 0.45:  # dormers
        side, wide, deep = rng.choice([-1, 1]), rng.uniform(0.6, 1.2), rng.uniform(0.25, 0.45)
        at = half * rng.uniform(0.4, 0.6) * side
        top = building.eaves_m + building.pitch * (half - abs(at)) + rng.uniform(0.6, 1.3)
        row = np.abs(np.mod(long + reach, rng.uniform(3.2, 5.0)) - 1.6) < wide
        row &= (np.abs(short - at) < deep * half) & (np.abs(long) < reach - 1.5)
        paint = building.colour * rng.uniform(0.7, 1.1) if rng.random() < 0.7 else jitter(rng, (170, 166, 158))
        canvas.place(area, drawn & row, np.float32(top), np.minimum(paint, 0.9), BUILDING)
    for _ in range(int(rng.integers(0, 3))):  # chimneys, on or beside the ridge
        u, v = rng.uniform(-0.35, 0.35) * half, rng.uniform(-0.95, 0.95) * reach
        box = drawn & (np.abs(short - u) < 0.42) & (np.abs(long - v) < 0.5)
        canvas.place(area, box, building.eaves_m + building.pitch * half + 0.8, jitter(rng, (146, 116, 102)), BUILDING)


def roof_paint(rng, scene, form):
    """(family, linear colour) of a roof; some match the ground on purpose."""
    if form in ("flat", "saw", "barrel"):
        family = "membrane" if form == "flat" or rng.random() < 0.3 else "metal"
        if scene["roof_family"] == "tin" and rng.random() < 0.4:
            family = "tin"
        if rng.random() < 0.15:
            return family, scene["ground_like"](rng)
        if rng.random() < 0.02:
            return family, jitter(rng, (112, 130, 84))
    else:
        family = scene["roof_family"] if rng.random() < 0.75 else pick(rng, ("tile", "shingle", "slate", "shingle", "metal"))
        if rng.random() < 0.06:
            return family, scene["ground_like"](rng)
    shades = ROOFS[family]
    base = shades[(scene["roof_bias"] + int(rng.integers(0, 4))) % len(shades)] if rng.random() < 0.7 else pick(rng, shades)
    return family, jitter(rng, base, 0.10, 0.025)


WALLS = ((196, 188, 174), (214, 206, 192), (170, 150, 132), (150, 108, 90), (180, 180, 178), (226, 222, 214),
         (120, 130, 140), (200, 178, 140))


def make_building(rng, scene, pose, parts, eaves_m, form):
    """A building with paint chosen for its scene."""
    family, colour = kind_paint(rng, scene, form) if "paints" in scene else roof_paint(rng, scene, form)
    pitch = float(rng.uniform(*scene["pitch"])) if form != "barrel" else float(rng.uniform(0.4, 0.9))
    return Building(pose[0], pose[1], pose[2], parts, float(eaves_m), form, pitch, family, colour,
                    jitter(rng, pick(rng, WALLS)))


def draw_car(canvas, x_m, y_m, angle):
    """A car, van or (rarely) lorry: class 7, 1.4 to 3.5 m high."""
    rng = canvas.rng
    kind = rng.random()
    length, width, height = (4.4, 1.8, 1.5) if kind < 0.85 else ((5.4, 2.0, 2.1) if kind < 0.97 else (9.0, 2.5, 3.4))
    length *= rng.uniform(0.9, 1.1)
    found = canvas.oriented(x_m, y_m, angle, length * 0.75)
    if found is None:
        return
    area, p, q = found
    box = (np.abs(p) < length / 2) & (np.abs(q) < width / 2)
    box &= canvas.height_m[area] < 0.3
    if not box.any() or (canvas.land_cover[area][box] == 5).any():
        return
    paint = jitter(rng, pick(rng, CARS), 0.1, 0.03)
    cabin = np.where(np.abs(p + 0.1 * length) < 0.30 * length, height, 0.68 * height).astype(np.float32)
    canvas.place(area, box, cabin, paint, OTHER)
    glass = box & (np.abs(np.abs(p + 0.1 * length) - 0.30 * length) < 0.09 * length)
    canvas.stain(area, glass, linear((42, 46, 52)), 0.8)

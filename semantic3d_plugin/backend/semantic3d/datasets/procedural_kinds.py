"""Kinds of places beyond the first towns: what they are made of and how the air over them looks.

Each entry of ``KINDS`` is a style as in ``procedural_palettes.STYLES`` with more keys: ``ground`` repaints
materials, ``pitched`` and ``flat`` list roof paints (family, 8-bit sRGB), ``roof_spread`` says how far
neighbouring roofs differ, ``sky`` and ``veil`` give the share of sky light and the haze (linear radiance).
Roof paints are near those of the ground and of tree shadows on purpose. A kind that is ``apart`` came later and
takes no part in mixtures, so that a seed's scene stays what it was.
"""
from __future__ import annotations

import numpy as np

from .procedural_canvas import linear

_PALE_STREETS = {
    "asphalt": ((190, 184, 176), (206, 200, 190), (164, 160, 156), (142, 140, 138), (176, 168, 158)),
    "old_asphalt": ((196, 188, 176), (170, 164, 156), (150, 146, 142)),
    "pavers": ((204, 194, 178), (186, 172, 154), (170, 158, 146), (214, 206, 194)),
    "concrete": ((212, 206, 196), (196, 190, 180), (182, 176, 170)),
}
_TILES = (("tile", (176, 118, 92)), ("tile", (188, 132, 104)), ("tile", (162, 104, 82)), ("tile", (150, 112, 94)),
          ("tile", (196, 148, 118)), ("tile", (136, 98, 84)), ("tile", (172, 136, 116)), ("tile", (160, 120, 92)))
_GREYS = (("slate", (92, 96, 104)), ("slate", (112, 114, 118)), ("slate", (78, 80, 86)), ("metal", (150, 156, 162)))
_FLATS = (("membrane", (196, 190, 180)), ("membrane", (168, 162, 154)), ("membrane", (142, 138, 134)),
          ("membrane", (116, 112, 110)), ("membrane", (214, 210, 204)), ("membrane", (178, 158, 142)))
_DARK = (("shingle", (88, 80, 74)), ("shingle", (74, 70, 68)), ("tile", (104, 84, 74)), ("tile", (122, 92, 78)),
         ("slate", (82, 86, 92)), ("slate", (64, 68, 74)), ("tile", (96, 88, 84)), ("shingle", (110, 102, 94)),
         ("tile", (140, 104, 88)))
_TIN = (("tin", (214, 216, 216)), ("tin", (196, 200, 202)), ("tin", (96, 132, 176)), ("tin", (78, 116, 158)),
        ("tin", (104, 146, 128)), ("tin", (88, 124, 106)), ("tin", (158, 92, 76)), ("tin", (140, 98, 78)),
        ("tin", (170, 120, 96)), ("tin", (150, 150, 148)), ("tin", (126, 112, 100)))
_BRIGHT = (("membrane", (236, 236, 234)), ("membrane", (222, 220, 216)), ("membrane", (204, 202, 198)),
           ("membrane", (186, 184, 180)), ("membrane", (168, 166, 164)), ("metal", (206, 210, 212)),
           ("metal", (180, 184, 186)), ("membrane", (210, 202, 188)))
_LAKE = ((44, 66, 58), (52, 74, 66), (40, 58, 58), (60, 82, 76), (50, 68, 72), (70, 90, 82))

KINDS = {
    "old_quarter": dict(
        u=(70, 150), v=(80, 170), road=(4.5, 9), curve=13, wander=4.0, river=0.12, trees=0.7, storeys=(2, 4),
        markings=0.2,
        blocks={"quarter": 10, "square": 1.3, "park": 0.4},
        climates=("temperate", "mediterranean", "mediterranean", "lush"),
        roofs=("tile",), pitched=_TILES, others=_GREYS, flat=_FLATS, others_share=(0.0, 0.25), roof_spread=(0.04, 0.13),
        pitch=(0.35, 0.95), eaves=(6, 14), ground=_PALE_STREETS, ground_chance=0.75, sky=(0.16, 0.55),
        veil=(0.0, 0.07)),
    "terraces": dict(
        u=(48, 84), v=(90, 210), road=(6, 9.5), curve=10, river=0.05, trees=1.0, storeys=(2, 3), markings=0.35,
        blocks={"terraces": 9, "quarter": 1, "park": 0.7, "square": 0.4, "villas": 0.8},
        climates=("temperate", "lush", "winter"),
        roofs=("tile",), pitched=_TILES + _DARK, others=_GREYS, flat=_FLATS, others_share=(0.0, 0.3),
        roof_spread=(0.03, 0.12), pitch=(0.55, 1.0), eaves=(4.8, 8.5), ground=_PALE_STREETS, ground_chance=0.35,
        sky=(0.14, 0.5), veil=(0.0, 0.06)),
    "lakeside": dict(
        u=(60, 100), v=(90, 190), road=(5, 8.5), curve=18, river=0.85, lake=True, rails=0.5, trees=1.4, storeys=(1, 3),
        blocks={"villas": 9, "park": 1.2, "parking": 0.6, "wood": 0.7, "terraces": 0.5, "meadow": 0.4},
        climates=("temperate", "lush", "lush", "temperate", "mediterranean"),
        roofs=("slate",), pitched=_DARK, others=_TILES, flat=_FLATS, others_share=(0.0, 0.3), roof_spread=(0.06, 0.18),
        pitch=(0.35, 0.9), eaves=(3.5, 9.5), ground={"water": _LAKE, "gravel": ((132, 122, 112), (150, 140, 128))},
        ground_chance=0.9, sky=(0.1, 0.4), veil=(0.0, 0.05)),
    "roadside": dict(
        u=(36, 80), v=(70, 190), road=(5, 11), curve=12, river=0.3, trees=0.9, storeys=(1, 4), markings=0.6,
        blocks={"sheds": 9, "jungle": 3.5, "building_site": 1.4, "orchard": 0.5, "field": 0.5, "villas": 0.5},
        climates=("tropical", "tropical", "lush"),
        roofs=("tin",), pitched=_TIN, others=_TILES, flat=_FLATS, others_share=(0.0, 0.12), roof_spread=(0.06, 0.16),
        pitch=(0.12, 0.35), eaves=(3, 9), ground={"asphalt": ((112, 110, 110), (140, 136, 130), (164, 158, 150)),
                                                 "concrete": ((196, 192, 182), (172, 168, 160)),
                                                 "lawn": ((88, 108, 62), (102, 122, 70)),
                                                 "meadow": ((96, 114, 66), (112, 124, 74))},
        ground_chance=0.8, sky=(0.06, 0.22), veil=(0.0, 0.04)),
    "trade": dict(
        u=(80, 170), v=(90, 220), road=(8, 14), curve=4, river=0.06, rails=0.2, trees=0.6, storeys=(1, 3),
        blocks={"depots": 10, "parking": 1.0, "shops": 1.2, "building_site": 0.7, "meadow": 0.4},
        climates=("temperate", "dry", "lush", "mediterranean"),
        roofs=("metal",), pitched=_BRIGHT, others=_GREYS, flat=_BRIGHT, others_share=(0.0, 0.15),
        roof_spread=(0.04, 0.12),
        pitch=(0.08, 0.2), eaves=(5, 15), ground={"concrete": ((226, 222, 214), (206, 202, 196), (186, 182, 176)),
                                                 "asphalt": ((176, 174, 170), (150, 148, 146), (120, 118, 118)),
                                                 "old_asphalt": ((196, 192, 186), (168, 166, 162))},
        ground_chance=0.85, sky=(0.1, 0.4), veil=(0.0, 0.05)),
    "countryside": dict(
        u=(70, 180), v=(100, 240), road=(3.5, 6.5), curve=20, river=0.15, trees=1.0, storeys=(1, 2), markings=0.15,
        blocks={"farmyard": 4, "field": 3, "villas": 2, "terraces": 0.6, "wood": 1.5, "orchard": 1, "solar": 0.9,
                "meadow": 1.5},
        climates=("temperate", "lush", "mediterranean", "winter", "temperate"),
        roofs=("tile",), pitched=_TILES + _DARK, others=_GREYS + _BRIGHT[5:7], flat=_FLATS, others_share=(0.05, 0.35),
        roof_spread=(0.06, 0.18), pitch=(0.3, 0.9), eaves=(3, 6.5), ground=_PALE_STREETS, ground_chance=0.4,
        sky=(0.1, 0.45), veil=(0.0, 0.06)),
    "high_wood": dict(
        u=(120, 300), v=(140, 320), road=(3, 6), curve=30, river=0.15, trees=1.3, storeys=(1, 2), markings=0.05,
        blocks={"wood": 9, "farmyard": 0.6, "field": 0.8},
        climates=("temperate", "lush", "temperate", "winter", "tropical"),
        roofs=("tile",), pitched=_DARK, others=_TILES, flat=_FLATS, others_share=(0.0, 0.5), roof_spread=(0.06, 0.18),
        pitch=(0.4, 0.9), eaves=(3, 6), ground={}, ground_chance=0.0, sky=(0.1, 0.4), veil=(0.0, 0.05)),
    # traits of all kinds mixed, see procedural_anywhere
    "anywhere": dict(mix=True),
    "works": dict(
        apart=True, u=(150, 330), v=(150, 340), road=(8, 16), curve=3, river=0.06, rails=0.2, trees=0.4, storeys=(1, 3),
        blocks={"works": 12, "depots": 1.0, "parking": 0.6, "vacant": 0.3},
        climates=("temperate", "dry", "dry", "lush", "mediterranean"),
        roofs=("metal",), pitched=_BRIGHT, others=_GREYS, flat=_BRIGHT + _FLATS, others_share=(0.0, 0.15),
        roof_spread=(0.02, 0.12), pitch=(0.05, 0.2), eaves=(5, 15),
        ground={"concrete": ((206, 202, 196), (186, 182, 176), (170, 166, 160)),
                "asphalt": ((150, 148, 146), (120, 118, 118), (100, 98, 98)),
                "old_asphalt": ((168, 166, 162), (146, 144, 142))},
        ground_chance=0.8, sky=(0.1, 0.4), veil=(0.0, 0.05)),
    "lots": dict(
        apart=True, u=(90, 260), v=(100, 280), road=(7, 15), curve=6, river=0.1, rails=0.25, corridors=0.6, trees=0.6,
        storeys=(1, 3),
        blocks={"lots": 10, "depots": 0.8, "parking": 0.8, "vacant": 1.0, "building_site": 0.8, "villas": 0.6},
        climates=("temperate", "dry", "dry", "dry", "lush", "mediterranean", "tropical"),
        roofs=("metal",), pitched=_BRIGHT, others=_GREYS + _TIN, flat=_BRIGHT + _FLATS, others_share=(0.0, 0.3),
        roof_spread=(0.02, 0.12), pitch=(0.05, 0.3), eaves=(4, 14),
        ground={"concrete": ((206, 202, 196), (186, 182, 176), (170, 166, 160), (216, 208, 194)),
                "asphalt": ((150, 148, 146), (120, 118, 118), (100, 98, 98), (84, 82, 82)),
                "old_asphalt": ((168, 166, 162), (146, 144, 142)),
                "gravel": ((188, 178, 162), (160, 154, 146), (122, 114, 106)),
                "sand": ((206, 192, 168), (190, 178, 158)), "soil": ((170, 150, 126), (150, 136, 120))},
        ground_chance=0.8, sky=(0.1, 0.4), veil=(0.0, 0.05)),
    "arable": dict(
        apart=True, u=(80, 300), v=(120, 400), road=(2.5, 6), curve=14, river=0.35, trees=0.8, storeys=(1, 2),
        markings=0.1,
        blocks={"arable": 12, "farmyard": 0.7, "meadow": 0.8, "wood": 0.6, "field": 0.6},
        climates=("temperate", "temperate", "lush", "dry", "mediterranean", "winter"),
        roofs=("tile",), pitched=_TILES + _DARK, others=_GREYS + _BRIGHT[5:7], flat=_FLATS, others_share=(0.05, 0.35),
        roof_spread=(0.06, 0.18), pitch=(0.3, 0.9), eaves=(3, 6.5), ground=_PALE_STREETS, ground_chance=0.3,
        sky=(0.1, 0.5), veil=(0.0, 0.09)),
}
KIND_WEIGHTS = {"old_quarter": 6.0, "terraces": 3.0, "lakeside": 4.5, "roadside": 4.5, "trade": 3.0, "countryside": 3.0,
                "high_wood": 1.5, "anywhere": 9.0, "works": 0.0, "lots": 0.0, "arable": 0.0}  # 0: when it is asked for alone


def kind_air(rng, style) -> dict:
    """Sky light and haze of a kind, to be put into a scene's meta; an older style keeps its own (no veil)."""
    if "veil" not in style:
        return {"veil": 0.0}
    hazy = rng.random() < 0.4
    sky = rng.uniform(*style["sky"]) if hazy else style["sky"][0] + 0.35 * rng.random() * np.diff(style["sky"])[0]
    return {"sky_share": float(sky), "veil": float(rng.uniform(*style["veil"])) if hazy else 0.0}


def kind_habits(rng, style) -> dict:
    """What the buildings of a scene of this kind have in common; empty for an older style."""
    if "pitched" not in style:
        return {}
    lead = [style["pitched"][k] for k in rng.integers(0, len(style["pitched"]), int(rng.integers(1, 5)))]
    other = [style["others"][k] for k in rng.integers(0, len(style["others"]), 2)]
    flat = [style["flat"][k] for k in rng.integers(0, len(style["flat"]), 4)]
    steep = rng.uniform(*style["pitch"])
    middle = rng.uniform(*style["eaves"])
    return {"paints": {"lead": lead, "any": style["pitched"], "other": other, "flat": flat},
            "lead_share": float(rng.uniform(0.55, 1.0)), "others_share": float(rng.uniform(*style["others_share"])),
            "roof_spread": float(rng.uniform(*style["roof_spread"])), "roof_fade": float(rng.normal(0.0, 0.12)),
            "roof_grey": float(rng.uniform(0.0, 0.5)), "pitch": (0.88 * steep, 1.12 * steep),
            "eaves": (max(style["eaves"][0], 0.72 * middle), min(style["eaves"][1], 1.3 * middle)), "tilt": 0.02}


def kind_paint(rng, scene, form):
    """(family, linear colour [3]) of a roof under ``kind_habits``."""
    paints = scene["paints"]
    if form == "flat":
        family, colour = paints["flat"][int(rng.integers(len(paints["flat"])))]
    elif rng.random() < scene["others_share"]:
        family, colour = paints["other"][int(rng.integers(len(paints["other"])))]
    else:
        choice = paints["lead"] if rng.random() < scene["lead_share"] else paints["any"]
        family, colour = choice[int(rng.integers(len(choice)))]
    colour = linear(colour)
    colour = colour + (colour.mean() - colour) * np.float32(scene["roof_grey"] * (family == "tile"))
    shade = np.exp(rng.normal(scene["roof_fade"], 2.0 * scene["roof_spread"]) + rng.normal(0, 0.03, 3))
    return family, np.clip(colour * shade, 0.01, 0.9).astype(np.float32)


def repaint(rng, style, colours, index) -> None:
    """Change the ground colours [M, 3] of a scene in place as its kind asks; ``index`` maps material to row."""
    for name, shades in style.get("ground", {}).items():
        if rng.random() < style["ground_chance"]:
            shade = linear(shades[int(rng.integers(len(shades)))])
            colours[index[name]] = np.clip(shade * np.exp(rng.normal(0, 0.14) + rng.normal(0, 0.02, 3)), 0.01, 0.9)


def split(rng, u0, u1, v0, v1, small_m, large_m, gap_m):
    """Cut a rectangle into irregular cells by lanes of about ``gap_m``; a list of (u0, u1, v0, v1)."""
    wide, long = u1 - u0, v1 - v0
    if max(wide, long) < large_m or max(wide, long) < 2 * small_m + gap_m:
        return [(u0, u1, v0, v1)]
    gap = gap_m * rng.uniform(0.5, 1.5)
    if wide > long:
        at = u0 + wide * rng.uniform(0.34, 0.66)
        return (split(rng, u0, at - gap / 2, v0, v1, small_m, large_m, gap_m)
                + split(rng, at + gap / 2, u1, v0, v1, small_m, large_m, gap_m))
    at = v0 + long * rng.uniform(0.34, 0.66)
    return (split(rng, u0, u1, v0, at - gap / 2, small_m, large_m, gap_m)
            + split(rng, u0, u1, at + gap / 2, v1, small_m, large_m, gap_m))

"""Materials, climates and styles of the procedural scenes.

Colours are 8-bit sRGB as a level, sunlit patch would look in an average
orthophoto; every scene jitters them. They were chosen beside summary figures
of open orthophotos; no pixels were copied.
"""
from __future__ import annotations

import numpy as np

from .procedural_canvas import IMPERVIOUS, LOW_VEGETATION, WATER, linear
from .procedural_kinds import KIND_WEIGHTS, KINDS

# name: (land cover, texture strength at 0.3, 1.2, 4, 14, 50 m)
MATERIALS = {
    "asphalt": (IMPERVIOUS, (0.05, 0.03, 0.03, 0.05, 0.06)),
    "old_asphalt": (IMPERVIOUS, (0.06, 0.04, 0.05, 0.08, 0.07)),
    "concrete": (IMPERVIOUS, (0.05, 0.04, 0.04, 0.05, 0.05)),
    "gravel": (IMPERVIOUS, (0.10, 0.06, 0.07, 0.10, 0.08)),
    "soil": (IMPERVIOUS, (0.08, 0.08, 0.09, 0.11, 0.10)),
    "sand": (IMPERVIOUS, (0.06, 0.06, 0.07, 0.08, 0.07)),
    "clay": (IMPERVIOUS, (0.05, 0.03, 0.03, 0.04, 0.03)),
    "pavers": (IMPERVIOUS, (0.08, 0.05, 0.06, 0.07, 0.06)),
    "tilled": (IMPERVIOUS, (0.08, 0.07, 0.05, 0.08, 0.10)),
    "lawn": (LOW_VEGETATION, (0.07, 0.06, 0.08, 0.10, 0.08)),
    "meadow": (LOW_VEGETATION, (0.11, 0.10, 0.11, 0.13, 0.10)),
    "dry_grass": (LOW_VEGETATION, (0.09, 0.08, 0.10, 0.12, 0.10)),
    "forest_floor": (LOW_VEGETATION, (0.14, 0.14, 0.14, 0.10, 0.08)),
    "crop": (LOW_VEGETATION, (0.08, 0.06, 0.05, 0.09, 0.11)),
    "ripe_crop": (LOW_VEGETATION, (0.06, 0.05, 0.05, 0.08, 0.09)),
    "turf": (LOW_VEGETATION, (0.04, 0.02, 0.02, 0.03, 0.03)),
    "water": (WATER, (0.03, 0.03, 0.03, 0.06, 0.12)),
    "pool": (WATER, (0.05, 0.07, 0.03, 0.0, 0.0)),
}
MATERIAL_ID = {name: index for index, name in enumerate(MATERIALS)}

COLOURS = {
    "asphalt": (112, 110, 110), "old_asphalt": (146, 142, 135), "concrete": (184, 179, 168),
    "gravel": (166, 158, 146), "soil": (168, 143, 115), "sand": (196, 182, 152),
    "clay": (165, 92, 72), "pavers": (172, 150, 134), "tilled": (138, 116, 94),
    "lawn": (104, 126, 78), "meadow": (122, 130, 88), "dry_grass": (164, 150, 112),
    "forest_floor": (98, 96, 70), "crop": (98, 124, 72), "ripe_crop": (186, 168, 118),
    "turf": (72, 118, 70), "water": (72, 86, 80), "pool": (108, 188, 200),
}
CLIMATE_COLOURS = {
    "temperate": {},
    "lush": {"lawn": (92, 128, 66), "meadow": (104, 130, 74), "dry_grass": (142, 142, 96)},
    "dry": {"lawn": (116, 126, 84), "meadow": (150, 142, 104), "dry_grass": (176, 160, 124),
            "soil": (184, 164, 138), "gravel": (180, 170, 154), "forest_floor": (140, 126, 98)},
    "mediterranean": {"lawn": (110, 124, 76), "meadow": (146, 140, 98), "soil": (186, 158, 124),
                      "dry_grass": (178, 164, 122)},
    "tropical": {"lawn": (118, 142, 70), "meadow": (130, 146, 76), "soil": (176, 132, 98),
                 "gravel": (182, 160, 136), "dry_grass": (158, 156, 96), "water": (128, 120, 96),
                 "forest_floor": (96, 108, 56)},
    "winter": {"lawn": (112, 118, 86), "meadow": (128, 122, 94), "dry_grass": (150, 138, 110),
               "forest_floor": (112, 100, 82), "crop": (104, 118, 80)},
}
WATERS = ((62, 80, 72), (76, 92, 88), (58, 74, 88), (96, 100, 84), (120, 114, 92), (46, 60, 62), (66, 84, 70), (88, 96, 98), (112, 114, 114),
          (146, 150, 150))
CROPS = ((88, 102, 94), (80, 96, 86), (96, 110, 100), (76, 90, 82), (96, 114, 88), (84, 104, 76), (100, 122, 86),
         (112, 136, 90), (130, 146, 98), (100, 112, 106), (158, 154, 114))
SOILS = ((156, 136, 116), (138, 120, 104), (122, 108, 96), (108, 98, 90), (96, 90, 86), (174, 154, 130), (194, 176, 150))
TREES = {  # crown colours per climate: broad-leaf list, conifer list
    "temperate": (((91, 113, 79), (82, 104, 73), (100, 119, 81), (76, 97, 71)), ((65, 86, 69), (73, 91, 73))),
    "lush": (((82, 113, 67), (74, 102, 63), (97, 125, 73)), ((60, 86, 61), (67, 91, 67))),
    "dry": (((91, 104, 79), (104, 112, 88), (78, 93, 69), (112, 117, 86)), ((71, 86, 69), (82, 93, 77))),
    "mediterranean": (((97, 108, 81), (112, 115, 94), (86, 100, 71)), ((74, 91, 65), (67, 84, 63))),
    "tropical": (((99, 123, 63), (86, 113, 56), (115, 136, 73), (78, 102, 54)), ((86, 113, 58), (108, 130, 71))),
    "winter": (((114, 108, 96), (104, 98, 88), (100, 101, 82)), ((71, 86, 71), (63, 80, 65))),
}
ROOFS = {
    "shingle": ((96, 95, 97), (128, 123, 117), (124, 106, 92), (150, 136, 121), (74, 76, 82), (142, 140, 138),
                (112, 92, 82), (165, 152, 138)),
    "tile": ((168, 122, 102), (182, 140, 118), (154, 106, 90), (150, 126, 112), (134, 102, 90), (180, 150, 130)),
    "slate": ((86, 90, 98), (100, 102, 108), (74, 76, 80), (118, 118, 120)),
    "metal": ((192, 196, 200), (152, 160, 166), (214, 212, 206), (118, 120, 122), (166, 168, 166), (130, 152, 146),
              (104, 128, 158), (146, 108, 90), (156, 84, 74), (204, 200, 188), (170, 176, 182), (98, 92, 90)),
    "tin": ((96, 132, 172), (104, 150, 132), (160, 92, 78), (176, 182, 186), (140, 112, 94), (206, 206, 200),
            (120, 122, 120), (128, 160, 176)),
    "membrane": ((236, 235, 232), (212, 211, 208), (186, 185, 182), (160, 159, 157), (190, 178, 160),
                 (94, 92, 92), (166, 160, 150), (134, 130, 126), (222, 214, 200)),
}
CARS = ((226, 226, 228), (70, 72, 76), (178, 180, 184), (50, 50, 54), (120, 122, 124), (230, 230, 232), (226, 226, 226), (190, 192, 196), (150, 152, 156), (60, 60, 64), (40, 40, 44),
        (84, 88, 98), (150, 40, 40), (60, 80, 130), (170, 160, 140))

# gaps between streets (m) along u and v, road width, curving (m), block kinds with weights,
# storeys (low, high), tree density, climates, roof families of pitched roofs, river chance
STYLES = {
    "suburb": dict(u=(44, 82), v=(110, 220), road=(7, 11), curve=9, river=0.08, trees=1.25, storeys=(1, 2),
                   blocks={"houses": 10, "park": 1, "school": 0.7, "forest": 0.5, "vacant": 0.5, "shops": 0.6},
                   climates=("temperate", "lush", "dry", "dry", "mediterranean", "winter"),
                   roofs=("shingle", "shingle", "shingle", "tile", "slate")),
    "old_town": dict(u=(45, 80), v=(50, 100), road=(5, 9), curve=14, river=0.2, trees=0.6, storeys=(2, 5),
                     blocks={"perimeter": 9, "rows": 3, "park": 1, "campus": 0.7, "shops": 0.5},
                     climates=("temperate", "lush", "mediterranean", "winter"),
                     roofs=("tile", "tile", "slate", "shingle")),
    "centre": dict(rails=0.08, u=(70, 130), v=(70, 140), road=(10, 20), curve=3, river=0.1, trees=0.6, storeys=(3, 18),
                   blocks={"towers": 5, "perimeter": 4, "shops": 2, "parking": 1, "park": 0.8, "slabs": 2},
                   climates=("temperate", "dry", "lush", "mediterranean", "tropical"),
                   roofs=("tile", "slate", "metal")),
    "slabs": dict(rails=0.1, u=(90, 160), v=(110, 190), road=(8, 13), curve=5, river=0.1, trees=1.0, storeys=(3, 14),
                  blocks={"slabs": 8, "park": 1.2, "shops": 1, "school": 1, "towers": 0.8},
                  climates=("temperate", "lush", "winter", "dry"), roofs=("tile", "slate", "metal")),
    "industrial": dict(rails=0.25, u=(110, 200), v=(130, 260), road=(9, 15), curve=4, river=0.1, trees=0.5, storeys=(1, 3),
                       blocks={"halls": 9, "parking": 1.5, "vacant": 1.5, "shops": 1, "meadow": 0.7},
                       climates=("temperate", "dry", "lush", "winter", "mediterranean"),
                       roofs=("metal", "metal", "tile")),
    "campus": dict(u=(120, 200), v=(120, 220), road=(7, 12), curve=10, river=0.15, trees=1.4, storeys=(2, 6),
                   blocks={"campus": 6, "parking": 1.2, "sports": 2, "park": 2, "forest": 1, "shops": 1},
                   climates=("temperate", "lush", "dry", "winter"), roofs=("tile", "slate", "metal", "shingle")),
    "village": dict(u=(70, 150), v=(90, 200), road=(5, 8), curve=18, river=0.2, trees=0.9, storeys=(1, 2),
                    blocks={"houses": 5, "farm": 2, "meadow": 2, "orchard": 1, "field": 2, "forest": 1, "rows": 1},
                    climates=("temperate", "lush", "mediterranean", "winter"),
                    roofs=("tile", "tile", "slate", "metal")),
    "farmland": dict(u=(130, 300), v=(140, 320), road=(4, 7), curve=14, river=0.15, trees=0.6, storeys=(1, 2),
                     blocks={"field": 8, "meadow": 3, "farm": 1.3, "forest": 1.5, "orchard": 1},
                     climates=("temperate", "lush", "mediterranean", "dry", "winter"),
                     roofs=("tile", "slate", "metal")),
    "forest": dict(u=(150, 330), v=(150, 330), road=(3, 6), curve=30, river=0.25, trees=1.5, storeys=(1, 2),
                   blocks={"forest": 9, "meadow": 3, "houses": 0.5, "vacant": 0.7},
                   climates=("temperate", "lush", "tropical", "mediterranean", "winter", "dry"),
                   roofs=("shingle", "tile", "metal")),
    "riverside": dict(u=(90, 180), v=(100, 220), road=(6, 11), curve=12, river=1.0, trees=1.2, storeys=(1, 5),
                      blocks={"park": 3, "houses": 3, "forest": 3, "halls": 1, "campus": 1.5, "meadow": 2,
                              "slabs": 1, "sports": 1, "parking": 1},
                      climates=("temperate", "lush", "dry", "winter", "tropical"),
                      roofs=("tile", "shingle", "slate", "metal")),
    "asian_town": dict(u=(38, 85), v=(60, 170), road=(6, 14), curve=10, river=0.15, trees=0.7, storeys=(1, 5),
                       blocks={"rows": 7, "houses": 2, "halls": 1, "field": 1.5, "vacant": 1, "shops": 1,
                               "orchard": 0.6, "forest": 0.8, "slabs": 0.6},
                       climates=("lush", "tropical", "temperate"), roofs=("tin", "tin", "tile", "metal")),
    "tropical": dict(u=(60, 140), v=(80, 180), road=(5, 8), curve=16, river=0.25, trees=1.3, storeys=(1, 2),
                     blocks={"houses": 5, "forest": 4, "meadow": 2, "vacant": 1.5, "orchard": 1, "field": 0.7,
                             "rows": 0.7},
                     climates=("tropical",), roofs=("metal", "metal", "metal", "tile")),
    **KINDS,
}
STYLE_WEIGHTS = {"suburb": 5, "old_town": 2, "centre": 2.2, "slabs": 1.8, "industrial": 2.2, "campus": 2.6,
                 "village": 1.8, "farmland": 1.0, "forest": 1.6, "riverside": 1.6, "tropical": 1.2,
                 "asian_town": 1.5, **KIND_WEIGHTS}


def jitter(rng, colour_8bit, brightness=0.10, hue=0.04) -> np.ndarray:
    """A linear colour [3] near an 8-bit one (relative deviations)."""
    scale = np.exp(rng.normal(0.0, brightness)) * np.exp(rng.normal(0.0, hue, 3))
    return (linear(np.clip(np.asarray(colour_8bit) * scale, 8, 250))).astype(np.float32)


def pick(rng, options):
    """One entry of a sequence."""
    return options[int(rng.integers(len(options)))]


def pick_weighted(rng, weights: dict) -> str:
    """One key, with probability in proportion to its value."""
    values = np.fromiter(weights.values(), float)
    return list(weights)[int(rng.choice(len(values), p=values / values.sum()))]


def scene_materials(rng, climate: str) -> np.ndarray:
    """Linear colour of each material in one scene [M, 3]."""
    special = CLIMATE_COLOURS[climate]
    colours = []
    for name in MATERIALS:
        base = special.get(name, COLOURS[name])
        if name == "water" and climate != "tropical":
            base = pick(rng, WATERS)
        grey = max(base) - min(base) < 25  # roads and concrete keep close to grey
        colours.append(jitter(rng, base, 0.13, 0.012 if grey else 0.035))
    colours = np.array(colours, np.float32)
    if rng.random() < 0.3:  # fresh or bleached roads: nothing may hang on one grey
        colours[MATERIAL_ID["asphalt"]] = jitter(rng, pick(rng, ((78, 78, 80), (164, 158, 148), (134, 126, 120))))
    return colours

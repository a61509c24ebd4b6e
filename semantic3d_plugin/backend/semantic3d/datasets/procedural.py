"""Procedural towns seen from above, with their true heights and land cover.

``render_scene`` draws one scene; the same seed gives the same pixels. Run as
``python -m semantic3d.datasets.procedural --out DIR`` it writes a georeferenced
demo scene: image.tif, ndsm.tif, land_cover.tif.
"""
from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .procedural_anywhere import mixed_style
from .procedural_canvas import Canvas, linear, smooth_noise
from .procedural_kinds import kind_air, kind_habits, repaint
from .procedural_layout import Layout
from .procedural_palettes import MATERIAL_ID, STYLE_WEIGHTS, STYLES, pick, pick_weighted, scene_materials
from .procedural_sensor import expose
from .procedural_shading import lambert, lean, sky_view, sun_visibility
from .procedural_town import Town
from .procedural_vegetation import Woods

__all__ = ["Scene", "render_scene", "write_demo"]


@dataclass
class Scene:
    """One rendered scene.

    rgb: uint8 [H, W, 3]; ndsm_m: float32 [H, W], metres above ground;
    land_cover: uint8 [H, W], codes 1..7; meta: seed, style, gsd_m, sun, lean, sensor;
    sunlit: float32 [H, W], share of the direct sun that reaches what the pixel shows (0 in cast shadow and on
    walls turned away from the sun).
    """

    rgb: np.ndarray
    ndsm_m: np.ndarray
    land_cover: np.ndarray
    meta: dict = field(default_factory=dict)
    sunlit: np.ndarray | None = None


def _scene_habits(rng, style, climate, colours):
    """What the buildings and gardens of one scene have in common."""
    low, high = style["storeys"]
    pitch = rng.uniform(0.25, 0.9)
    houses = pick(rng, (("gable", "gable", "hip"), ("hip", "hip", "gable"), ("gable",), ("hip",),
                        ("gable", "flat", "hip"), ("flat", "flat", "shed", "gable")))
    grey_ground = colours[[0, 1, 2, 3, 4]]
    return {
        "storeys": (low, high), "pitch": (0.8 * pitch, 1.2 * pitch), "house_forms": houses,
        "block_forms": pick(rng, (("gable",), ("gable", "mansard", "flat"), ("flat",), ("hip", "gable"), ("mansard",))),
        "slab_forms": pick(rng, (("flat",), ("flat", "gable"), ("hip",), ("flat", "flat", "hip"))),
        "roof_family": pick(rng, style["roofs"]), "roof_bias": int(rng.integers(0, 20)),
        "tilt": float(rng.choice([0.01, 0.05, 0.4], p=[0.65, 0.22, 0.13])),
        "bungalows": float(rng.uniform(0, 1)), "trees": style["trees"] * float(rng.choice([0.3, 0.7, 1.0, 1.6, 2.4])),
        "pools": float(rng.uniform(0, 0.5)) if climate in ("dry", "mediterranean", "tropical") else 0.02,
        "green": pick(rng, {"dry": ("lawn", "dry_grass", "dry_grass", "gravel"), "tropical": ("meadow", "lawn", "soil"),
                            "mediterranean": ("lawn", "dry_grass")}.get(climate, ("lawn", "lawn", "meadow", "dry_grass"))),
        "ground_like": lambda r: np.clip(pick(r, grey_ground) * np.float32(np.exp(r.normal(0, 0.06))), 0.01, 0.9),
    }


def _street_furniture(town, layout, rng):
    """Street trees and moving or parked cars along the streets."""
    density = town.scene["trees"]
    alley = rng.random() < 0.4
    for positions, halves, along_u in ((layout.streets_u, layout.half_u, True), (layout.streets_v, layout.half_v, False)):
        reach = town.canvas.extent_m * 0.75
        for at, half in zip(positions, halves):
            if alley and rng.random() < 0.6:
                for side in (-1, 1):
                    across = at + side * (half + 0.6 + 0.5 * layout.pavement_m)
                    for along in np.arange(-reach, reach, rng.uniform(7, 16) / max(0.4, min(density, 1.6))):
                        if rng.random() < 0.85:
                            u, v = (across, along) if along_u else (along, across)
                            town.tree(u, v, 4, 13)
            count = rng.poisson(2 * reach / rng.uniform(12, 120))
            for along in rng.uniform(-reach, reach, count):
                side = rng.choice([-1, 1])
                lane = half - 1.1 if rng.random() < 0.6 else half * 0.45
                u, v = (at + side * lane, along) if along_u else (along, at + side * lane)
                town.cars.append((u, v, (np.pi / 2 if along_u else 0) + rng.normal(0, 0.03)))


def _draw(rng, canvas, style, climate, bare_trees):
    """Fill the canvas; returns nothing, the layers hold the scene."""
    colours = scene_materials(rng, climate)
    repaint(rng, style, colours, MATERIAL_ID)
    layout = Layout(rng, canvas, style)
    woods = Woods(rng, canvas, climate, bare_trees)
    habits = _scene_habits(rng, style, climate, colours)
    habits.update(kind_habits(rng, style))
    if style.get("pools"):  # in any climate
        habits["pools"] = float(rng.uniform(0, style["pools"]))
    town = Town(rng, canvas, layout, woods, habits)
    layout.make_blocks()
    town.fill()
    road = "asphalt" if style["road"][1] > 6.5 or rng.random() < 0.5 else pick(rng, ("gravel", "soil", "old_asphalt"))
    if climate == "tropical" and rng.random() < 0.5:
        road = pick(rng, ("soil", "gravel"))
    layout.lay_streets(road, pick(rng, ("concrete", "concrete", "pavers", "old_asphalt", "lawn")))
    river = None
    if rng.random() < style["river"]:
        river = layout.add_lake() if style.get("lake") else layout.add_river()
        layout.flood(river, pick(rng, ("meadow", "soil", "sand", "forest_floor", "concrete")))
        if style.get("shoals"):
            town.shoals(river)
    canvas.reserved |= layout.road
    if rng.random() < style.get("rails", 0.02):
        beside = layout.tint.copy()
        town.railway()
        if river is not None and style.get("lake"):  # rails follow a lake's shore, no dam crosses it
            layout.material[river < 0] = MATERIAL_ID["water"]
            np.copyto(layout.tint, beside, where=river < 0)
    for _ in range(rng.poisson(style["corridors"]) if style.get("corridors") else 0):
        town.corridor()
    layout.ground_albedo(colours)
    if river is not None and style.get("shoals"):
        town.shallows(river)
    canvas.reserved |= canvas.land_cover == 5
    if road in ("asphalt", "old_asphalt") and rng.random() < style.get("markings", 0.65):
        white = linear((226, 224, 216)) if rng.random() < 0.8 else linear((216, 190, 110))
        canvas.stain((slice(None), slice(None)), layout.marking_mask() * (canvas.land_cover == 1), white)
    if river is not None and not style.get("lake"):
        town.bridges(river)
    _street_furniture(town, layout, rng)
    town.draw()
    if river is not None and style.get("lake"):
        town.shore(river)


def _sunlight(canvas, meta):
    """Share of direct sun that reaches each pixel [N, N], crowns letting some through."""
    azimuth, elevation = meta["sun_azimuth_deg"], meta["sun_elevation_deg"]
    leafy = canvas.land_cover == 3
    height = canvas.height_m
    visible = sun_visibility(height, canvas.gsd_m, azimuth, elevation)
    if meta["bare_trees"]:  # leafless crowns let most light through
        solid = sun_visibility(np.where(leafy, 0, height), canvas.gsd_m, azimuth, elevation)
        visible = np.where(leafy, np.maximum(visible, 0.5), 0.45 * visible + 0.55 * solid)
    else:  # crowns let a little light through
        solid = sun_visibility(np.where(leafy, 0, height), canvas.gsd_m, azimuth, elevation)
        gaps = np.clip(meta["crown_gaps"] * (1.0 + 0.5 * canvas.noise.fields[1]), 0.0, 0.6)
        visible = np.maximum(visible, np.where(leafy, 0.5, 1.0) * gaps * solid)
    return visible


def _light(rng, canvas, meta, visible):
    """Radiance [N, N, 3] under sun and sky."""
    azimuth, elevation = meta["sun_azimuth_deg"], meta["sun_elevation_deg"]
    height = canvas.height_m
    slope_x, slope_y = canvas.slope_x, canvas.slope_y
    tilt = smooth_noise(rng, canvas.size_px, 90 / canvas.gsd_m) * np.float32(meta["terrain_slope"] * 40)
    terrain_y, terrain_x = np.gradient(tilt, np.float32(canvas.gsd_m))
    ground = height <= 0
    facing = lambert(slope_x + ground * terrain_x, slope_y + ground * terrain_y, azimuth, elevation)
    wet = canvas.land_cover == 5
    sky = np.float32(meta["sky_share"])
    tint = np.array([0.86, 1.0, 1.16], np.float32) ** np.float32(meta["sky_blue"])
    warm = np.array([1.02, 1.0, 0.97], np.float32)
    ambient = sky * sky_view(height, canvas.gsd_m)
    direct = (1 - sky) * facing * visible
    direct[wet] = (1 - sky) * (0.55 + 0.45 * visible[wet])  # water mirrors the sky, shadows are faint
    return canvas.albedo * (direct[..., None] * warm + ambient[..., None] * tint)


def _look_askew(rng, canvas, radiance, visible, meta):
    """Relief displacement: image, labels and sunlight moved together, facades shown."""
    angle = np.deg2rad(meta["lean_direction_deg"])
    direction = (np.sin(angle), -np.cos(angle))
    source, seen, facade = lean(canvas.height_m, canvas.gsd_m, direction, meta["lean_m_per_m"])
    upright, sunlit = radiance, visible.ravel()[source]
    radiance = radiance.reshape(-1, 3)[source]
    code = canvas.land_cover.ravel()[source]
    wall = np.array(canvas.wall_colours, np.float32)[canvas.wall.ravel()[source]]
    azimuth, elevation = np.deg2rad(meta["sun_azimuth_deg"]), np.deg2rad(meta["sun_elevation_deg"])
    through = facade & (code == 3) & (seen < 0.72 * canvas.height_m.ravel()[source])
    through &= canvas.height_m < np.maximum(seen - 0.5, 1.2)  # one looks past the underside of the crown
    radiance[through] = upright[through]
    seen[through] = canvas.height_m[through]
    code[through] = canvas.land_cover[through]
    sunlit[through] = visible[through]
    facade &= ~through
    toward = -(direction[0] * np.sin(azimuth) - direction[1] * np.cos(azimuth))
    light = 0.6 * meta["sky_share"] + 0.12 + max(0.0, toward) * min(1.2, 1 / np.tan(elevation)) * 0.75
    rows, columns = np.divmod(source, canvas.size_px)
    windows = (np.mod(seen, 3.1) > 1.0) & (np.mod(seen, 3.1) < 2.4)
    windows &= np.mod((rows + columns) * canvas.gsd_m, 2.9) < 1.5
    shade = np.where(windows, np.float32(0.45), np.float32(1.0)) * np.float32(light)
    built = facade & (code == 4)
    radiance[built] = (wall * shade[..., None])[built]
    sunlit[built] = float(toward > 0)
    side = facade & (code != 4)
    leaves = np.exp(0.16 * canvas.noise.fields[1] + 0.08 * canvas.noise.fields[0])
    radiance[side] *= (leaves[side] * np.float32(min(1.0, 0.55 + 0.5 * max(0.0, toward))))[:, None]
    return radiance, seen, code, sunlit


def render_scene(seed, size_px=512, gsd_m=0.5, style=None) -> Scene:
    """Render a procedural scene.

    Args:
        seed: any non-negative integer; fixes every pixel (with the other arguments).
        size_px: edge of the square scene, pixels.
        gsd_m: ground sampling distance, metres; 0.2 to 1.0 is what it is made for.
        style: a key of ``STYLES``, or None to draw one by the seed.

    Raises:
        ValueError: unknown style, or a size or GSD that is not positive.
    """
    if style is not None and style not in STYLES:
        raise ValueError(f"Unknown style {style!r}. Choose one of: {', '.join(sorted(STYLES))}.")
    if size_px < 16 or not 0.05 <= gsd_m <= 4.0:
        raise ValueError(f"Scene of {size_px} pixels at {gsd_m} m: take at least 16 pixels and 0.05 to 4 m.")
    rng = np.random.default_rng([int(seed), 20261])
    style = pick_weighted(rng, STYLE_WEIGHTS) if style is None else style
    traits = mixed_style(rng) if STYLES[style].get("mix") else STYLES[style]
    climate = pick(rng, traits["climates"])
    oversampling = 2 if gsd_m > 0.24 else 1
    margin_px = int(np.ceil(36.0 / gsd_m))
    leaning = rng.random() < 0.55
    hazy = 0.4 if climate == "tropical" else 0.10  # thin cloud: pale shadows
    meta = {
        "seed": int(seed), "style": style, "climate": climate, "gsd_m": float(gsd_m),
        "sun_azimuth_deg": float(rng.uniform(0, 360)),
        "sun_elevation_deg": float(np.clip(rng.normal(46, 13), 20, 72)),
        "lean_m_per_m": float(rng.choice([rng.uniform(0.02, 0.2), rng.uniform(0.2, 0.6)], p=[0.7, 0.3])) if leaning else 0.0,
        "lean_direction_deg": float(rng.uniform(0, 360)),
        "sky_share": float(rng.choice([rng.uniform(0.09, 0.30), rng.uniform(0.30, 0.75)], p=[1 - hazy, hazy])), "sky_blue": float(rng.uniform(0.3, 1.8)),
        "terrain_slope": float(rng.choice([0.0, rng.uniform(0, 0.12)])),
        "crown_gaps": float(rng.uniform(0.0, 0.11)),
        "bare_trees": bool(rng.random() < (0.8 if climate == "winter" else 0.03)),
    }
    meta.update(kind_air(rng, traits))
    canvas = Canvas(rng, (size_px + 2 * margin_px) * oversampling, gsd_m / oversampling)
    _draw(rng, canvas, traits, climate, meta["bare_trees"])
    visible = _sunlight(canvas, meta)
    # beyond the scene only what leans into it is still needed
    reach_px = int(np.ceil(canvas.height_m.max() * meta["lean_m_per_m"] / gsd_m)) + 2 if leaning else 0
    reach_px = min(margin_px, reach_px)
    first, last = (margin_px - reach_px) * oversampling, (margin_px + size_px + reach_px) * oversampling
    canvas.crop(first, last)
    visible = visible[first:last, first:last]
    radiance, height, code, sunlit = _light(rng, canvas, meta, visible), canvas.height_m, canvas.land_cover, visible
    if leaning:
        radiance, height, code, sunlit = _look_askew(rng, canvas, radiance, visible, meta)
    inner = slice(reach_px * oversampling, (reach_px + size_px) * oversampling)
    radiance = radiance[inner, inner].reshape(size_px, oversampling, size_px, oversampling, 3).mean((1, 3))
    if meta["veil"]:
        radiance = radiance + np.float32(meta["veil"]) * np.array([0.85, 0.97, 1.08], np.float32)
    sunlit = sunlit[inner, inner].reshape(size_px, oversampling, size_px, oversampling).mean((1, 3))
    height = height[inner, inner][oversampling // 2::oversampling, oversampling // 2::oversampling]
    code = code[inner, inner][oversampling // 2::oversampling, oversampling // 2::oversampling]
    rgb, meta["sensor"] = expose(rng, radiance, 0.0 if oversampling > 1 else 0.65)
    return Scene(rgb, np.ascontiguousarray(height, np.float32), np.ascontiguousarray(code), meta,
                 np.asarray(sunlit, np.float32))


def write_demo(folder, size_px=1024, gsd_m=0.5, seed=7, style="suburb"):
    """Write image.tif, ndsm.tif and land_cover.tif (UTM 32N) into ``folder``; returns their paths."""
    import rasterio
    from rasterio.transform import from_origin

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    scene = render_scene(seed, size_px, gsd_m, style)
    grid = dict(driver="GTiff", height=size_px, width=size_px, crs="EPSG:32632", compress="deflate",
                transform=from_origin(500000.0, 5400000.0, gsd_m, gsd_m), tiled=size_px >= 256)
    paths = [folder / name for name in ("image.tif", "ndsm.tif", "land_cover.tif")]
    with rasterio.open(paths[0], "w", count=3, dtype="uint8", photometric="RGB", **grid) as image:
        image.write(np.ascontiguousarray(scene.rgb.transpose(2, 0, 1)))
    with rasterio.open(paths[1], "w", count=1, dtype="float32", nodata=-9999.0, **grid) as ndsm:
        ndsm.write(scene.ndsm_m, 1)
        ndsm.set_band_description(1, "height_m")
        ndsm.set_band_unit(1, "m")
    with rasterio.open(paths[2], "w", count=1, dtype="uint8", nodata=0, **grid) as cover:
        cover.write(scene.land_cover, 1)
    return paths


def main(arguments=None):
    """Command line: write the demo scene."""
    parser = argparse.ArgumentParser(description="Render a georeferenced procedural scene.")
    parser.add_argument("--out", required=True, help="folder for image.tif, ndsm.tif and land_cover.tif")
    parser.add_argument("--size", type=int, default=1024, help="edge in pixels")
    parser.add_argument("--gsd", type=float, default=0.5, help="metres per pixel")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--style", choices=sorted(STYLES), default="suburb")
    given = parser.parse_args(arguments)
    for path in write_demo(given.out, given.size, given.gsd, given.seed, given.style):
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

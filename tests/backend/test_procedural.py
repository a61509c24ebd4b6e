"""The procedural town: same seed same pixels, heights fit classes, shadows fit heights."""
import json

import numpy as np
import pytest

from semantic3d.datasets.procedural import _scene_habits, render_scene, write_demo
from semantic3d.datasets.procedural_anywhere import mixed_style
from semantic3d.datasets.procedural_corpus import render_to_file, scene_style
from semantic3d.datasets.procedural_kinds import KIND_WEIGHTS, KINDS, split
from semantic3d.datasets.procedural_palettes import STYLE_WEIGHTS, STYLES, pick_weighted, scene_materials
from semantic3d.datasets.procedural_shading import lean, shadow_depth


@pytest.fixture(scope="module")
def scenes():
    return [render_scene(40 + k, 160, gsd, style) for k, (style, gsd) in
            enumerate(zip(sorted(set(STYLES) - set(KINDS)), [0.5, 0.25, 0.6, 0.5, 1.0, 0.3, 0.5, 0.4, 0.5, 0.8, 0.5]))]


def test_same_seed_gives_the_same_pixels():
    first, again, other = (render_scene(seed, 96, 0.5) for seed in (5, 5, 6))
    assert np.array_equal(first.rgb, again.rgb)
    assert np.array_equal(first.ndsm_m, again.ndsm_m)
    assert np.array_equal(first.land_cover, again.land_cover)
    assert not np.array_equal(first.rgb, other.rgb)


def test_shapes_and_types(scenes):
    for scene in scenes:
        assert scene.rgb.shape == (160, 160, 3) and scene.rgb.dtype == np.uint8
        assert scene.ndsm_m.shape == (160, 160) and scene.ndsm_m.dtype == np.float32
        assert scene.land_cover.shape == (160, 160) and scene.land_cover.dtype == np.uint8
        assert np.isfinite(scene.ndsm_m).all()
        assert set(np.unique(scene.land_cover)) <= set(range(1, 8))
        json.dumps(scene.meta)


def test_heights_fit_classes(scenes):
    for scene in scenes:
        height, cover = scene.ndsm_m, scene.land_cover
        assert (height >= 0).all() and height.max() < 85
        assert (height[(cover == 1) | (cover == 5)] == 0).all()
        if scene.meta["lean_m_per_m"] == 0:  # else facades show, down to the foot
            assert (height[cover == 4] > 2).all()
            assert (height[cover == 3] > 0.5).all()
        assert (height[cover == 2] < 1.6).all()


def test_every_class_turns_up(scenes):
    seen = set()
    for scene in scenes:
        seen |= set(np.unique(scene.land_cover))
    assert {1, 2, 3, 4, 5, 7} <= seen


@pytest.mark.parametrize("elevation_deg", [30.0, 45.0, 60.0])
@pytest.mark.parametrize("azimuth_deg, step", [(90.0, (0, -1)), (270.0, (0, 1)), (180.0, (-1, 0)), (0.0, (1, 0))])
def test_shadow_length_is_height_over_tangent(elevation_deg, azimuth_deg, step):
    height = np.zeros((200, 200), np.float32)
    height[95:105, 95:105] = 12.0
    depth = shadow_depth(height, 0.5, azimuth_deg, elevation_deg)
    row, column, count = 100, 100, 0
    while height[row, column] > 0:
        row, column = row + step[0], column + step[1]
    while depth[row, column] > 0:
        row, column, count = row + step[0], column + step[1], count + 1
    assert count * 0.5 == pytest.approx(12.0 / np.tan(np.deg2rad(elevation_deg)), abs=0.51)
    assert (depth[height > 0] == 0).all()


def test_oblique_shadow_falls_away_from_the_sun():
    height = np.zeros((200, 200), np.float32)
    height[98:102, 98:102] = 10.0
    depth = shadow_depth(height, 0.5, 225.0, 45.0)  # light from the south-west
    rows, columns = np.nonzero(depth > 0)
    far = np.argmax((columns - 100) - (rows - 100))
    assert rows[far] < 98 and columns[far] > 101
    length = 0.5 * np.hypot(rows[far] - 98, columns[far] - 101)
    assert length == pytest.approx(10.0, abs=1.0)


def test_shadow_falls_on_a_roof_where_it_is_lower():
    height = np.zeros((60, 120), np.float32)
    height[20:40, 80:90] = 20.0
    height[20:40, 60:80] = 8.0  # west of the tower; sun in the east at 45 degrees
    depth = shadow_depth(height, 1.0, 90.0, 45.0)
    assert depth[30, 79] == pytest.approx(11.0, abs=0.1)
    assert depth[30, 70] == pytest.approx(2.0, abs=0.1)
    assert (depth[30, 60:68] == 0).all()


def test_lean_moves_the_roof_and_shows_the_facade():
    height = np.zeros((80, 80), np.float32)
    height[30:50, 30:50] = 10.0
    source, seen, facade = lean(height, 1.0, (1.0, 0.0), 0.5)  # 5 m to the east
    assert np.array_equal(np.nonzero(seen[40] == 10.0)[0], np.arange(35, 55))
    assert facade[40, 31:34].all() and not facade[40, 36:54].any()
    assert seen[40, 32] == pytest.approx(4.0, abs=1.1)
    assert source[10, 10] == 10 * 80 + 10 and seen[40, 70] == 0


def test_demo_files_share_one_projected_grid(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    paths = write_demo(tmp_path, size_px=128, gsd_m=0.5, seed=7)
    assert [path.name for path in paths] == ["image.tif", "ndsm.tif", "land_cover.tif"]
    grids = []
    for path, count in zip(paths, (3, 1, 1)):
        with rasterio.open(path) as raster:
            assert raster.crs.is_projected and raster.count == count and raster.res == (0.5, 0.5)
            grids.append((raster.crs, raster.transform, raster.shape))
    assert grids[0] == grids[1] == grids[2]


def test_corpus_file_holds_the_scene(tmp_path):
    path = render_to_file(tmp_path, 3, 64, 0.5)
    scene = render_scene(3, 64, 0.5)
    with np.load(path) as stored:
        assert np.array_equal(stored["rgb"], scene.rgb)
        assert np.abs(stored["ndsm_dm"] / 10.0 - scene.ndsm_m).max() <= 0.0501
        assert float(stored["gsd_m"]) == 0.5
    assert [entry.name for entry in tmp_path.iterdir()] == ["scene_000003.npz"]


def test_corpus_of_chosen_styles_holds_only_those(tmp_path):
    drawn = [scene_style(seed, ("trade", "lakeside")) for seed in range(400)]
    assert set(drawn) == {"trade", "lakeside"} and scene_style(3) is None
    expected = STYLE_WEIGHTS["trade"] / (STYLE_WEIGHTS["trade"] + STYLE_WEIGHTS["lakeside"])
    assert drawn.count("trade") / 400 == pytest.approx(expected, abs=0.08)
    with np.load(render_to_file(tmp_path, 4, 64, 0.8, ("trade",))) as stored:
        assert json.loads(str(stored["meta"]))["style"] == "trade"


def test_unknown_style_is_refused():
    with pytest.raises(ValueError, match="suburb"):
        render_scene(1, 64, 0.5, "moon")


def test_a_finished_scene_leaves_no_canvas_behind(monkeypatch):
    import gc
    import weakref

    from semantic3d.datasets import procedural

    seen = []

    class Watched(procedural.Canvas):
        def __init__(self, *given):
            super().__init__(*given)
            seen.append(weakref.ref(self))

    monkeypatch.setattr(procedural, "Canvas", Watched)
    gc.disable()  # a long corpus run must not lean on the collector for its layers
    try:
        for seed in (9, 10, 11):
            render_scene(seed, 64, 0.5, "forest")
        alive = [reference() is not None for reference in seen]
    finally:
        gc.enable()
    assert alive == [False, False, False]


@pytest.fixture(scope="module")
def places():
    """One upright scene of each newer kind: (kind, scene)."""
    return {kind: upright(kind) for kind in KINDS}


def upright(kind):
    """The first scene of a kind whose objects do not lean, so that rays can be followed in the image."""
    for seed in range(300, 340):
        if render_scene(seed, 16, 0.8, kind).meta["lean_m_per_m"] == 0:
            scene = render_scene(seed, 128, 0.8, kind)
            if (scene.ndsm_m > 3).mean() > 0.05:  # else there is nothing to throw a shadow
                return scene
    raise AssertionError("no upright scene with anything that stands among 40 seeds")


def test_works_are_full_of_halls():
    roofs = [(render_scene(seed, 96, 1.0, "works").land_cover == 4).mean() for seed in range(400, 410)]
    assert np.mean(roofs) > 0.25 and max(roofs) > 0.5


def test_lots_are_bare_or_built_and_brightness_hardly_tells_which():
    """Sunlit roofs and sunlit bare ground share more than half of their histograms."""
    roofs, lots = [], []
    for seed in range(400, 416):
        scene = render_scene(seed, 96, 1.0, "lots")
        lit = scene.sunlit > 0.9
        grey = scene.rgb.mean(2)
        roofs.append(grey[lit & (scene.land_cover == 4)])
        lots.append(grey[lit & (scene.land_cover == 1)])
    assert 0.1 < np.mean([len(roof) / 96**2 for roof in roofs]) < 0.5
    roof, lot = np.concatenate(roofs), np.concatenate(lots)
    shared = np.minimum(*(np.histogram(v, 32, (0, 256), density=True)[0] * 8 for v in (roof, lot))).sum()
    assert shared > 0.5


def test_crops_of_arable_land_are_as_dark_as_water():
    crops, waters = [], []
    for seed in range(400, 424):
        scene = render_scene(seed, 96, 1.0, "arable")
        grey = scene.rgb.mean(2)
        crops.append(grey[scene.land_cover == 2])
        waters.append(grey[scene.land_cover == 5])
    crop, water = np.concatenate(crops), np.concatenate(waters)
    assert crop.size > 0.3 * 24 * 96**2 and water.size > 0.02 * 24 * 96**2
    shared = np.minimum(*(np.histogram(v, 32, (0, 256), density=True)[0] * 8 for v in (crop, water))).sum()
    assert shared > 0.4


def test_a_kind_that_stands_apart_leaves_the_scenes_of_all_seeds_as_they_were():
    with_it, without = dict(STYLE_WEIGHTS), {name: weight for name, weight in STYLE_WEIGHTS.items() if weight}
    assert set(with_it) - set(without) == {"works", "lots", "arable"}
    for seed in range(300):
        drawn = [pick_weighted(np.random.default_rng(seed), weights) for weights in (with_it, without)]
        assert drawn[0] == drawn[1]
        assert not {"works", "lots", "arable"} & set(mixed_style(np.random.default_rng(seed))["blocks"])
    assert scene_style(1, ("works",)) == "works"


def test_newer_kinds_are_about_half_of_the_scenes():
    share = sum(KIND_WEIGHTS.values()) / sum(STYLE_WEIGHTS.values())
    assert 0.4 < share < 0.6 and set(KIND_WEIGHTS) == set(KINDS)


def test_newer_kinds_have_labels_that_agree(places):
    for kind, scene in places.items():
        height, cover = scene.ndsm_m, scene.land_cover
        assert set(np.unique(cover)) <= set(range(1, 8)), kind
        assert (height[cover == 4] > 2).all(), kind
        assert (height[cover == 3] > 0.5).all() and height[cover == 3].max(initial=0) < 55, kind
        assert (height[(cover == 1) | (cover == 5)] == 0).all(), kind
        assert (height[cover == 7] < 9).all() and (height[cover == 7] > 0.5).all(), kind


@pytest.mark.parametrize("kind, code, least, low_m, high_m", [
    ("old_quarter", 4, 0.30, 5, 18), ("terraces", 4, 0.07, 4.5, 16), ("roadside", 4, 0.05, 2.5, 13),
    ("trade", 4, 0.03, 3.5, 18), ("high_wood", 3, 0.20, 8, 40), ("lakeside", 3, 0.08, 3, 36),
    ("countryside", 2, 0.1, 0, 1)])
def test_newer_kinds_hold_what_they_are_named_for(places, kind, code, least, low_m, high_m):
    scene = places[kind]
    found = scene.land_cover == code
    assert found.mean() > least
    assert low_m <= np.median(scene.ndsm_m[found]) <= high_m


def bare_town(seed, style, gsd_m=0.5):
    from semantic3d.datasets.procedural_canvas import Canvas
    from semantic3d.datasets.procedural_layout import Layout
    from semantic3d.datasets.procedural_town import Town

    rng = np.random.default_rng(seed)
    canvas = Canvas(rng, 256, gsd_m)
    layout = Layout(rng, canvas, style)
    layout.make_blocks()
    layout.lay_streets()
    habits = _scene_habits(rng, style, "temperate", scene_materials(rng, "temperate"))
    return Town(rng, canvas, layout, None, habits), layout, canvas


def test_mixed_styles_hold_traits_of_many_kinds():
    styles = [mixed_style(np.random.default_rng(seed)) for seed in range(40)]
    assert {block for style in styles for block in style["blocks"]} >= {"towers", "villas", "halls", "field", "sheds"}
    assert len({style["u"] for style in styles}) > 8
    assert max(style["storeys"][1] for style in styles) > 12 > 3 > min(style["storeys"][1] for style in styles)


def test_a_corridor_is_long_flat_and_free_of_buildings():
    on_strip = stood = 0
    for seed in range(6):
        town, layout, canvas = bare_town(seed, {**STYLES["suburb"], "river": 0})
        before = layout.material.copy(), canvas.reserved.copy()
        town.corridor()
        for at in range(-60, 61, 15):
            town.building(at, at, [(0, 0, 5, 5)], 6.0, "flat")
        strip = canvas.reserved & ~before[1]
        if not strip.any():  # beyond the canvas
            continue
        rows, columns = np.nonzero(strip)
        assert max(np.ptp(rows), np.ptp(columns)) > 100  # reaches across
        assert not layout.road[strip].any()
        assert (layout.material[~strip] == before[0][~strip]).all()
        town.draw()
        on_strip, stood = on_strip + (canvas.land_cover[strip] == 4).sum(), stood + (canvas.land_cover == 4).sum()
    assert on_strip < 0.02 * stood


def test_shoals_and_shallows_change_nothing_but_the_water():
    changed = 0
    for seed in range(6):
        town, layout, canvas = bare_town(seed, STYLES["riverside"])
        river = layout.add_river()
        layout.flood(river, "sand")
        before = layout.material.copy()
        town.shoals(river)
        assert (layout.material[river >= 0] == before[river >= 0]).all()
        layout.ground_albedo(scene_materials(np.random.default_rng(seed), "temperate"))
        canvas.land_cover[:10] = 5  # a pool, where the river is not
        wet, albedo = (canvas.land_cover == 5) & (river < 0), canvas.albedo.copy()
        town.shallows(river)
        assert (canvas.albedo[~wet] == albedo[~wet]).all() and np.isfinite(canvas.albedo).all()
        assert 0 <= canvas.albedo.min() and canvas.albedo.max() < 2
        changed += (layout.material != before).any() + (canvas.albedo != albedo).any()
    assert changed >= 3


def test_woods_keep_their_height():
    for seed in (20084, 20240):  # a high wood and a village
        scene = render_scene(seed, 128, 0.8, "high_wood")
        assert scene.ndsm_m[scene.land_cover == 3].max() < 48


def test_shadows_of_newer_kinds_fall_away_from_the_sun(places):
    for kind, scene in places.items():
        azimuth, elevation = (np.deg2rad(scene.meta[f"sun_{name}_deg"]) for name in ("azimuth", "elevation"))
        ground = np.isin(scene.land_cover, (1, 2, 5)) & (scene.ndsm_m == 0)
        rows, columns = np.nonzero(ground)
        blocked = np.zeros(rows.size, bool)
        for reach_m in np.arange(0.8, 50.0, 0.8):  # a walk towards the sun, under its ray
            row = np.rint(rows - np.cos(azimuth) * reach_m / 0.8).astype(int)
            column = np.rint(columns + np.sin(azimuth) * reach_m / 0.8).astype(int)
            there = (row >= 0) & (row < 128) & (column >= 0) & (column < 128)
            height = scene.ndsm_m[row.clip(0, 127), column.clip(0, 127)] * there
            blocked |= height > reach_m * np.tan(elevation)
        sunlit = scene.sunlit[rows, columns]
        assert blocked.sum() > 30, kind
        assert sunlit[blocked].mean() < 0.45 < sunlit[~blocked].mean() - 0.1, kind  # crowns let some light through


def test_attached_houses_touch_and_follow_the_street():
    from semantic3d.datasets.procedural_canvas import Canvas
    from semantic3d.datasets.procedural_layout import Layout
    from semantic3d.datasets.procedural_town import Town

    rng = np.random.default_rng(2)
    canvas = Canvas(rng, 400, 0.5)
    layout = Layout(rng, canvas, STYLES["terraces"])
    habits = {"paints": {"lead": (("tile", (170, 120, 95)),), "other": (), "flat": ()}, "lead_share": 1.0,
              "others_share": 0.0,
              "roof_spread": 0.05, "roof_fade": 0.0, "roof_grey": 0.0, "pitch": (0.6, 0.6), "green": "lawn"}
    town = Town(rng, canvas, layout, None, habits)
    for k in range(12):
        town.bent(-5.0, 5.0, -36.0 + 6 * k, -30.0 + 6 * k, 6.0, "gable_q").detail = False
    town.draw()
    row = (np.abs(layout.u) < 4.5) & (np.abs(layout.v) < 35)
    assert (canvas.land_cover[row] == 4).all()
    ridge = np.abs(layout.u) < 0.3
    assert np.median(canvas.height_m[row & ridge]) == pytest.approx(6.0 + 0.6 * 5.0, abs=0.3)  # half of 10 m wide
    assert canvas.height_m[np.abs(layout.u) > 5.1].max() == 0


def test_cells_of_a_split_block_fill_it_but_for_the_lanes():
    cells = split(np.random.default_rng(3), 0.0, 120.0, 10.0, 90.0, 12.0, 40.0, 3.0)
    count = np.zeros((160, 240), int)
    for u0, u1, v0, v1 in cells:
        assert 0 <= u0 < u1 <= 120 and 10 <= v0 < v1 <= 90
        count[int(round((v0 - 10) * 2)):int(round((v1 - 10) * 2)), int(round(u0 * 2)):int(round(u1 * 2))] += 1
    assert count.max() == 1 and 0.75 < count.mean() < 1.0 and len(cells) > 4


def test_a_lake_takes_one_side_of_the_scene():
    from semantic3d.datasets.procedural_canvas import Canvas
    from semantic3d.datasets.procedural_layout import Layout

    for seed in range(4):
        rng = np.random.default_rng(seed)
        canvas = Canvas(rng, 200, 2.0)
        layout = Layout(rng, canvas, STYLES["lakeside"])
        layout.lay_streets()
        wet = layout.flood(layout.add_lake(), "sand")
        assert 0.03 < wet.mean() < 0.6
        rows, columns = np.nonzero(wet)
        aside = np.hypot(rows.mean() - 99.5, columns.mean() - 99.5)
        assert aside > 30  # its middle is far from the scene's, as no river's is
        dry_rows, dry_columns = np.nonzero(~wet)
        assert np.hypot(dry_rows.mean() - 99.5, dry_columns.mean() - 99.5) < aside


def test_boats_and_jetties_stand_in_water_as_other_objects():
    found = 0
    for seed in (502, 505, 507):
        scene = render_scene(seed, 160, 1.0, "lakeside")
        if scene.meta["lean_m_per_m"] == 0 and (scene.land_cover == 5).mean() > 0.05:
            wet = np.pad(scene.land_cover == 5, 1)
            beside = wet[:-2, 1:-1] & wet[2:, 1:-1] | wet[1:-1, :-2] & wet[1:-1, 2:]
            afloat = beside & (scene.land_cover == 7)
            assert (scene.ndsm_m[afloat] < 2.5).all()
            found += afloat.sum()
    assert found > 3

"""The procedural town: same seed same pixels, heights fit classes, shadows fit heights."""
import json

import numpy as np
import pytest

from semantic3d.datasets.procedural import render_scene, write_demo
from semantic3d.datasets.procedural_corpus import render_to_file
from semantic3d.datasets.procedural_palettes import STYLES
from semantic3d.datasets.procedural_shading import lean, shadow_depth


@pytest.fixture(scope="module")
def scenes():
    return [render_scene(40 + k, 160, gsd, style) for k, (style, gsd) in
            enumerate(zip(sorted(STYLES), [0.5, 0.25, 0.6, 0.5, 1.0, 0.3, 0.5, 0.4, 0.5, 0.8, 0.5]))]


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

"""Shadows of boxes whose places follow from geometry, and each part against another way to compute it."""

import json
import os

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine
from reconstruct_scene import GROUND, save

from s3d_protocol import (
    Cancelled, DetectShadowsJob, InvalidInput, InvalidParameter, JobControl, OutputFailed, job_from_dict,
)  # fmt: skip
from semantic3d import cli
from semantic3d.jobs import detect_shadows
from semantic3d.jobs.detect_shadows import run
from semantic3d.shadows import patches
from semantic3d.shadows.detector import detector, without_wide_areas
from semantic3d.shadows.index import STEPS, box_sum, empty_areas, reach, shadow_index
from semantic3d.shadows.threshold import IndexHistogram, darkest_of_three, edge_strength


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1)


def village(size=240, shaded=True):
    """Boxes 8 x 10 m and 6 m high on patchy ground, the sun 45 degrees high in the east: shadows 6 m long westwards.

    Returns:
        Reflected light in 0..1 [3, size, size] and the shadows, bool.
    """
    rng = np.random.default_rng(3)
    rows, columns = np.indices((size, size))
    paved, grass = np.array([0.30, 0.33, 0.28]), np.array([0.18, 0.26, 0.12])
    ground = np.where(((rows // 40 + columns // 56) % 2)[None] == 1, paved[:, None, None], grass[:, None, None])
    truth = np.zeros((size, size), bool)
    roofs = [(0.45, 0.25, 0.2), (0.4, 0.4, 0.42), (0.2, 0.2, 0.22)]
    light = ground.astype(np.float64)
    for number, (top, left) in enumerate((t, c) for t in range(20, size - 30, 45) for c in range(30, size - 30, 50)):
        truth[top : top + 20, left - 12 : left] = True  # 6 m / tan 45 degrees = 12 pixels
        light[:, top : top + 20, left : left + 16] = np.array(roofs[number % 3])[:, None, None]
    truth &= shaded
    light = light * np.where(truth, np.array([0.16, 0.2, 0.26])[:, None, None], 1.0)  # sky alone, bluish
    light *= np.exp(rng.normal(0, 0.06, light.shape))
    return light, truth


def photograph(light):
    """8 bit with the usual gamma."""
    return np.rint(255 * np.clip(1.6 * light, 0, 1) ** (1 / 2.2)).astype(np.uint8)


def iou(found, truth):
    return (found & truth).sum() / (found | truth).sum()


def job_for(image, tmp_path, **options):
    return DetectShadowsJob(image, shadow_path=str(tmp_path / "shadow.tif"), **options)


# -- the whole job ---------------------------------------------------------------------------------


def test_shadows_are_found_where_geometry_puts_them(tmp_path):
    light, truth = village()
    job = job_for(save(tmp_path / "i.tif", photograph(light)), tmp_path)
    values = run(job, JobControl())
    mask = read(job.shadow_path)
    assert set(np.unique(mask)) == {0, 1}
    assert iou(mask == 1, truth) > 0.85
    assert values["shadow_share"] == pytest.approx((mask == 1).mean())
    assert values["megapixels"] == pytest.approx(0.0576) and values["seconds"] > 0 and values["threshold"] > 0
    assert values["warnings"] == [] and values["outputs"] == {"shadow": job.shadow_path}
    assert sorted(os.listdir(tmp_path)) == ["i.tif", "shadow.qml", "shadow.tif"]


@pytest.mark.parametrize("encode", [
    lambda light: np.rint(8000 * light).astype(np.uint16),  # 13 bits of linear light in 16
    lambda light: np.rint(-3000 + 12000 * light).astype(np.int16),
    lambda light: light.astype(np.float32),
    lambda light: (700 * light).astype(np.float64),
])  # fmt: skip
def test_other_types_of_pixels(tmp_path, encode):
    light, truth = village()
    run(job_for(save(tmp_path / "i.tif", encode(light)), tmp_path), JobControl())
    assert iou(read(tmp_path / "shadow.tif") == 1, truth) > 0.8


def test_the_file_says_what_it_holds(tmp_path):
    job = job_for(save(tmp_path / "i.tif", photograph(village()[0])), tmp_path)
    values = run(job, JobControl())
    with rasterio.open(job.shadow_path) as mask:
        assert mask.dtypes == ("uint8",) and mask.nodata == 255 and mask.descriptions == ("shadow",)
        assert (mask.crs, mask.transform) == (rasterio.CRS.from_epsg(32632), GROUND)
        assert mask.colormap(1)[1] == (0x2B, 0x2D, 0x6E, 255) and mask.colormap(1)[255][3] == 0
        tags = mask.tags()
    assert [entry[:2] for entry in json.loads(tags["SEMANTIC3D_CLASSES"])] == [[0, "lit"], [1, "shadow"]]
    assert tags["SEMANTIC3D_THRESHOLD"].startswith(f"{values['threshold']:.6g}, found")
    assert 'label="shadow"' in (tmp_path / "shadow.qml").read_text()


def test_the_window_changes_nothing(tmp_path, monkeypatch):
    light, _ = village()
    light[:, 100:103, 20:230] *= 0.2  # a long thin dark line: a patch larger than a window
    pixels = photograph(light)
    pixels[:, 30:60, 100:140] = 0
    image = save(tmp_path / "i.tif", pixels, nodata=0)
    contents = set()
    for window_px in (37, 64, 500):
        monkeypatch.setattr(detect_shadows, "WINDOW_PX", window_px)
        run(job_for(image, tmp_path, min_area_m2=60.0), JobControl())
        contents.add((tmp_path / "shadow.tif").read_bytes())
    assert len(contents) == 1


def test_an_extent_gives_the_same_pixels(tmp_path):
    image = save(tmp_path / "i.tif", photograph(village()[0]))
    run(job_for(image, tmp_path), JobControl())
    whole = read(tmp_path / "shadow.tif")
    left, top = 5e5 + 40 * 0.5, 5e6 - 60 * 0.5
    values = run(job_for(image, tmp_path, extent=(left, top - 45, left + 35, top)), JobControl())
    np.testing.assert_array_equal(read(tmp_path / "shadow.tif"), whole[60:150, 40:110])
    assert values["megapixels"] == pytest.approx(0.0063)


def test_nodata_stays_nodata_and_spoils_nothing(tmp_path):
    light, truth = village()
    pixels = photograph(light)
    gap = np.zeros(truth.shape, bool)
    gap[:, 180:] = gap[100:140, 60:120] = True
    pixels[:, gap] = 0
    job = job_for(save(tmp_path / "i.tif", pixels, nodata=0), tmp_path)
    values = run(job, JobControl())
    mask = read(job.shadow_path)
    np.testing.assert_array_equal(mask == 255, gap)
    assert iou((mask == 1)[~gap], truth[~gap]) > 0.8
    assert values["shadow_share"] == pytest.approx((mask == 1).sum() / (~gap).sum())


def test_an_undeclared_black_collar_is_no_shadow(tmp_path):
    light, truth = village()
    pixels = photograph(light)
    pixels[:, :, :60] = 0
    run(job_for(save(tmp_path / "i.tif", pixels), tmp_path), JobControl())
    mask = read(tmp_path / "shadow.tif")
    assert (mask[:, :58] == 255).all()
    assert iou((mask == 1)[:, 62:], truth[:, 62:]) > 0.75


def test_without_shadows_it_says_so_and_marks_next_to_nothing(tmp_path):
    rng = np.random.default_rng(8)
    light = 0.3 + 0.03 * rng.standard_normal((3, 200, 200))
    values = run(job_for(save(tmp_path / "i.tif", photograph(light)), tmp_path), JobControl())
    assert values["shadow_share"] < 0.005
    assert len(values["warnings"]) == 1 and "may hold none" in values["warnings"][0]


def test_nothing_but_black_is_told(tmp_path):
    image = save(tmp_path / "black.tif", np.zeros((3, 40, 40), np.uint8))
    values = run(job_for(image, tmp_path), JobControl())
    assert values["shadow_share"] == 0 and any("No pixel counts" in text for text in values["warnings"])
    assert (read(tmp_path / "shadow.tif") == 255).all()


def test_one_flat_colour_is_no_shadow(tmp_path):
    values = run(job_for(save(tmp_path / "i.tif", np.full((3, 50, 60), 90, np.uint8)), tmp_path), JobControl())
    assert values["shadow_share"] == 0 and len(values["warnings"]) == 1


def test_a_lake_is_no_shadow(tmp_path):
    light, truth = village(320)
    light[:, 30:230, 150:] = np.array([0.02, 0.035, 0.045])[:, None, None]  # 100 m x 85 m
    values = run(job_for(save(tmp_path / "i.tif", photograph(light)), tmp_path), JobControl())
    mask = read(tmp_path / "shadow.tif")
    assert (mask[40:220, 160:] == 1).mean() < 0.02
    assert (mask == 1)[truth & (np.indices(truth.shape)[1] < 140)].mean() > 0.7
    assert values["shadow_share"] > 0


def test_a_given_threshold_is_kept_and_orders_the_masks(tmp_path):
    image = save(tmp_path / "i.tif", photograph(village()[0]))
    shares = []
    for threshold in (0.3, 0.8, 3.0):
        values = run(job_for(image, tmp_path, threshold=threshold), JobControl())
        assert values["threshold"] == threshold
        shares.append(values["shadow_share"])
    assert shares[0] > shares[1] > shares[2] == 0.0


def test_an_image_without_ground_size_is_taken_with_a_word(tmp_path):
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        image = save(tmp_path / "i.tif", photograph(village()[0]), crs=None, transform=None)
    values = run(job_for(image, tmp_path), JobControl())
    assert "0.5 m" in values["warnings"][0] and values["shadow_share"] > 0.05


def test_a_given_gsd_stands_for_the_grids_own(tmp_path):
    """The same pixels with the size in the grid, and with it given alone."""
    pixels = photograph(village()[0])
    half_metres = save(tmp_path / "half.tif", pixels)
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        unknown = save(tmp_path / "unknown.tif", pixels, crs=None, transform=None)
    a_metre = save(tmp_path / "metre.tif", pixels, transform=Affine(1, 0, 5e5, 0, -1, 5e6))
    masks = {}
    for name, image, gsd_m in (
        ("half", half_metres, 0.0), ("metre", a_metre, 0.0), ("told", unknown, 1.0), ("corrected", half_metres, 1.0),
    ):  # fmt: skip
        values = run(job_for(image, tmp_path, gsd_m=gsd_m, min_area_m2=100.0), JobControl())
        masks[name] = read(tmp_path / "shadow.tif")
        assert any("0.5 m of the image's own grid" in text for text in values["warnings"]) == (name == "corrected")
        assert not any("does not say" in text for text in values["warnings"])
    assert (masks["half"] != masks["metre"]).any()
    np.testing.assert_array_equal(masks["told"], masks["metre"])
    np.testing.assert_array_equal(masks["corrected"], masks["metre"])
    with rasterio.open(tmp_path / "shadow.tif") as mask:
        assert mask.tags()["SEMANTIC3D_GSD_M"] == "1 x 1, given by the user"


class Hearing(JobControl):
    def __init__(self):
        super().__init__()
        self.texts = []

    def send_log(self, text, level):
        self.texts.append(text)


def test_the_style_of_the_image_stays_its_own(tmp_path):
    image = save(tmp_path / "town.tiff", photograph(village()[0]))
    (tmp_path / "town.qml").write_text("the photograph's")
    control = Hearing()
    run(DetectShadowsJob(image, shadow_path=str(tmp_path / "town.tif")), control)
    assert sorted(os.listdir(tmp_path)) == ["town.qml", "town.tif", "town.tiff"]
    assert (tmp_path / "town.qml").read_text() == "the photograph's"
    assert any("town.qml is there and is not of Semantic 3D" in text for text in control.texts)


class CancelAt(JobControl):
    def __init__(self, text):
        super().__init__()
        self._text = text

    def send_progress(self, message):
        if message["text"] == self._text:
            self.cancel()


@pytest.mark.parametrize("text", ["Looking for the threshold", "Marking shadows"])
def test_cancel_leaves_nothing(tmp_path, text):
    job = job_for(save(tmp_path / "i.tif", photograph(village()[0])), tmp_path)
    with pytest.raises(Cancelled):
        run(job, CancelAt(text))
    assert os.listdir(tmp_path) == ["i.tif"]


def test_progress_rises_to_its_end(tmp_path):
    class Listening(JobControl):
        shares = []

        def send_progress(self, message):
            self.shares.append(message["done"] / message["total"])

    run(job_for(save(tmp_path / "i.tif", photograph(village()[0])), tmp_path), Listening())
    assert Listening.shares == sorted(Listening.shares) and Listening.shares[-1] == 1.0


def test_wrong_jobs_are_refused_before_the_work(tmp_path):
    image = save(tmp_path / "i.tif", photograph(village()[0]))
    for options, error, words in (
        ({"threshold": -1.0}, InvalidParameter, "threshold is -1"),
        ({"gsd_m": -0.5}, InvalidParameter, "GSD is -0.5"),
        ({"gsd_m": float("nan")}, InvalidParameter, "GSD is nan"),
        ({"gsd_m": 1e-9}, InvalidParameter, "0.001 to 1000"),
        ({"min_area_m2": float("nan")}, InvalidParameter, "nan"),
        ({"min_area_m2": 1.7e308}, InvalidParameter, "1,000,000"),
        ({"shadow_path": ""}, InvalidParameter, "No output"),
        ({"shadow_path": str(tmp_path / "s.png")}, InvalidParameter, "ends in .tif"),
        ({"shadow_path": image}, InvalidParameter, "same file"),
        ({"shadow_path": str(tmp_path / "no" / "s.tif")}, OutputFailed, "does not exist"),
        ({"image_path": str(tmp_path / "no.tif")}, InvalidInput, "does not exist"),
        ({"bands": (1, 2, 9)}, InvalidParameter, "Band 9"),
        ({"extent": (0, 0, 1, 1)}, InvalidParameter, "does not touch"),
    ):
        values = {"image_path": image, "shadow_path": str(tmp_path / "s.tif"), **options}
        with pytest.raises(error, match=words):
            run(job_from_dict("detect_shadows", values), JobControl())
    assert os.listdir(tmp_path) == ["i.tif"]


# -- the command line ------------------------------------------------------------------------------


def test_the_command_line(tmp_path, capsys):
    image = save(tmp_path / "town.ortho.tif", photograph(village()[0]))
    assert cli.main(["detect-shadows", image]) == 0
    out, err = capsys.readouterr()
    assert "town.ortho_shadow.tif" in out and "% shadow" in out and "100 %" in err
    assert (tmp_path / "town.ortho_shadow.tif").exists()
    other = str(tmp_path / "b.tif")
    assert cli.main(["detect-shadows", image, "--shadow", other, "--threshold", "0.5", "--min-area", "0", "--bands",
                     "3,2,1", "--gsd", "0.4", "--extent", "500010,4999950,500050,4999990", "--json"]) == 0  # fmt: skip
    values = json.loads(capsys.readouterr().out)
    assert values["outputs"] == {"shadow": other} and values["threshold"] == 0.5
    assert cli.main(["detect-shadows", image, "--threshold", "-2"]) == 2


# -- the parts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (40, 53)])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.55, 0.8, 1.0])
def test_patches_are_those_of_scipy(shape, share):
    ndimage = pytest.importorskip("scipy.ndimage")
    mask = np.random.default_rng(5).random(shape) < share
    labels, _ = ndimage.label(mask)
    areas = np.where(mask, np.bincount(labels.ravel())[labels], 0)
    runs = patches.find_runs(mask)
    for least_px in (1, 2, 5, 30, 10**6):
        expected = mask & (areas < least_px)
        np.testing.assert_array_equal(runs.paint(runs.area_px < least_px), expected)
        cleaned = mask & ~expected
        holes, _ = ndimage.label(~cleaned)
        rim = np.pad(np.zeros([max(0, size - 2) for size in shape], bool), [(min(1, s), min(1, s - 1)) for s in shape],
                     constant_values=True)  # fmt: skip
        enclosed = ~np.isin(holes, holes[rim])
        cleaned = cleaned | (~cleaned & enclosed & (np.bincount(holes.ravel())[holes] < least_px))
        least, most = patches.clean(mask, np.ones(shape, bool), least_px, (False,) * 4)
        np.testing.assert_array_equal(least, cleaned)
        np.testing.assert_array_equal(most, cleaned)


def test_a_hole_is_what_the_mask_alone_encloses():
    mask, valid = np.zeros((20, 30), bool), np.ones((20, 30), bool)
    mask[5:12, 5:12] = True
    mask[8, 8] = False  # a hole
    mask[0:3, 20:25] = True
    mask[0, 22] = False  # open to the end of the image
    valid[15:, :] = False
    valid[17:19, 3:5] = True  # lit, alone among what is not there
    for found in patches.clean(mask, valid, 10, (False,) * 4):
        assert found[8, 8] and not found[0, 22] and not found[17:19, 3:5].any()
        assert found.sum() == mask.sum() + 1
    for found in patches.clean(mask, valid, 1000, (False,) * 4):
        assert not found.any()  # the only shadows go, and what was lit stays lit


def test_what_a_window_says_holds_for_the_whole():
    rng = np.random.default_rng(6)
    mask, valid = rng.random((60, 60)) < 0.55, rng.random((60, 60)) < 0.97
    mask &= valid
    whole, _ = patches.clean(mask, valid, 12, (False,) * 4)
    part = slice(20, 45), slice(15, 40)
    least, most = patches.clean(mask[part], valid[part], 12, (True,) * 4)
    assert (least <= whole[part]).all() and (whole[part] <= most).all()
    assert (least[5:-5, 5:-5] == most[5:-5, 5:-5]).mean() > 0.5


def test_box_sums_by_hand():
    values = np.arange(12, dtype=np.int32).reshape(3, 4)
    expected = [[values[max(0, r - 1) : r + 2, max(0, c - 1) : c + 2].sum() for c in range(4)] for r in range(3)]
    np.testing.assert_array_equal(box_sum(values, 1), expected)


def test_the_index_is_a_step_of_the_logarithm():
    """Half the light is the same step down on every ground, up to the floor that keeps black finite."""
    radii = reach(0.5)
    rgb = np.full((3, 200, 400), 0.6, np.float32)
    rgb[1] = 0.2
    rgb[:, 90:110, 100:120] *= 0.5
    index = shadow_index(rgb, np.ones((200, 400), bool), radii)
    lit, dark = index[100, 300] / STEPS, index[100, 110] / STEPS
    around = np.log(0.65) + (20 * 20 / 41**2) * (np.log(0.35) - np.log(0.65))  # the square lies in the box of 41 px
    assert lit == pytest.approx(-0.75 * np.log(0.65), abs=3e-3)
    assert dark == pytest.approx(-np.log(0.35) + 0.25 * around, abs=3e-3)


def test_three_classes_by_brute_force():
    rng = np.random.default_rng(2)
    for _ in range(20):
        weights = rng.integers(0, 50, 12) * (rng.random(12) < 0.7)
        weights[[0, 6, 11]] += 1
        values = np.repeat(np.arange(12), weights)

        def spread(first, second):
            parts = [values[values < first], values[(values >= first) & (values < second)], values[values >= second]]
            return sum(((part - part.mean()) ** 2).sum() for part in parts if len(part))

        best = min(spread(a, b) for a in range(12) for b in range(a, 12))
        cut = darkest_of_three(weights)
        assert min(spread(a, cut) for a in range(cut)) == pytest.approx(best)


def test_edges_count_in_the_histogram():
    index = np.zeros((9, 20), np.int32)
    index[:, 12:] = 1000
    strength = edge_strength(index, np.ones(index.shape, bool), 2)
    assert (strength[4] == [1000 if 10 <= column < 14 else 0 for column in range(20)]).all()
    histogram = IndexHistogram()
    histogram.add(index, np.ones(index.shape, bool), (slice(None), slice(None)), 2)
    found = histogram.threshold()
    assert found.found and 0 < found.value < 1000 / STEPS + 1e-2 and found.drop == pytest.approx(1000 / STEPS, abs=0.01)


def test_a_collar_is_empty_and_a_black_car_is_not():
    rgb = np.full((3, 120, 120), 0.5, np.float32)
    rgb[:, :, :15] = 0.0
    rgb[:, 60:70, 60:75] = 0.0
    empty = empty_areas(rgb, np.ones((120, 120), bool), 20)
    np.testing.assert_array_equal(empty, np.indices((120, 120))[1] < 15)


def test_wide_dark_areas_go_and_long_ones_stay():
    finder = detector(0.5)
    dark = np.zeros((300, 400), bool)
    dark[50:250, 30:230] = True  # 100 m square
    dark[:, 300:360] = True  # 30 m wide
    kept = without_wide_areas(dark, np.ones(dark.shape, bool), finder.wide_px)
    assert not kept[60:240, 40:220].any() and kept[:, 300:360].all()

"""Many images as one job: a folder, a pattern, a STAC file."""

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from block_scene import acting
from rasterio.transform import Affine

from s3d_protocol import Cancelled, InvalidInput, InvalidParameter, JobControl, OutputFailed, ReconstructJob
from semantic3d import cli
from semantic3d.jobs.reconstruct import run
from semantic3d.jobs.reconstruct_work import KeptWork
from semantic3d.raster.image_collection import find_images
from semantic3d.raster.image_mosaic import write_mosaic
from semantic3d.raster.source import ImageSource

pytestmark = pytest.mark.usefixtures("small_blocks")
PIXELS = np.random.default_rng(7).integers(1, 256, (3, 120, 150)).astype(np.uint8)
PARTS = {"a": (0, 0, 90, 70), "b": (80, 0, 70, 70), "c": (0, 60, 90, 60), "d": (80, 60, 70, 60)}


def write(path, pixels, column=0, row=0, gsd_m=0.5, crs="EPSG:32632", **profile):
    with rasterio.open(path, "w", driver="GTiff", width=pixels.shape[2], height=pixels.shape[1], count=len(pixels),
                       dtype=pixels.dtype, crs=crs, transform=Affine(gsd_m, 0, 5e5 + column * 0.5, 0, -gsd_m,
                       5e6 - row * 0.5), **profile) as dataset:
        dataset.write(pixels)
    return str(path)


def write_parts(folder, names="abcd", **profile):
    folder.mkdir(exist_ok=True)
    for name in names:
        column, row, width, height = PARTS[name]
        write(folder / f"{name}.tif", PIXELS[:, row : row + height, column : column + width], column, row, **profile)
    return folder


def job_for(image, package, folder, **options):
    folder.mkdir(exist_ok=True)
    return ReconstructJob(str(image), package, overlap_px=16, height_path=str(folder / "h.tif"), **options)


def heights(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.transform, dataset.crs


def assert_like_the_whole(path, whole, known=slice(None)):
    found, expected = heights(path), heights(whole)
    assert found[1:] == expected[1:]
    np.testing.assert_array_equal(found[0][known], expected[0][known])


@pytest.fixture
def whole(package, tmp_path):
    """The result of one file that holds everything."""
    run(job_for(write(tmp_path / "whole.tif", PIXELS), package, tmp_path / "whole"), JobControl())
    return tmp_path / "whole" / "h.tif"


@pytest.mark.parametrize("how", ["folder", "pattern", "stac"])
def test_many_images_give_what_one_file_of_them_gives(how, package, whole, tmp_path):
    parts = write_parts(tmp_path / "town")
    (parts / "readme.txt").write_text("no image")
    items = [
        {"type": "Feature", "id": "a", "assets": {"visual": {"href": "wrong.tif"}, "x": {
            "href": "town/a.tif", "type": "image/tiff", "roles": ["visual"]}}},
        {"type": "Feature", "id": "b", "assets": {"visual": {"href": "./town/b.tif"}, "nir": {"href": "wrong.tif"}}},
        {"type": "Feature", "id": "c", "assets": {"rgb": {"href": (parts / "c.tif").as_uri()}}},
        {"type": "Feature", "id": "d", "assets": {"image": {"href": "town/d.tif", "roles": ["data"]},
                                                  "thumbnail": {"href": "d.png", "roles": ["thumbnail"]}}},
    ]
    (tmp_path / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    image = {"folder": parts, "pattern": parts / "[a-d].tif", "stac": tmp_path / "items.json"}[how]
    values = run(job_for(image, package, tmp_path / "out"), JobControl())
    assert_like_the_whole(tmp_path / "out" / "h.tif", whole)
    assert values["image_path"].endswith({"folder": "town", "pattern": "a-d", "stac": "items"}[how] + "_mosaic.vrt")
    with rasterio.open(values["image_path"]) as mosaic:
        np.testing.assert_array_equal(mosaic.read(), PIXELS)  # and no alpha band: nothing is missing
        assert [Path(name).name for name in mosaic.files[1:]] == ["a.tif", "b.tif", "c.tif", "d.tif"]


@pytest.mark.parametrize("profile", [{}, {"nodata": 0}])
def test_what_no_image_covers_is_nodata(profile, package, tmp_path):
    run(job_for(write_parts(tmp_path / "town", "abc", **profile), package, tmp_path / "out"), JobControl())
    found = heights(tmp_path / "out" / "h.tif")[0]
    known = np.ones((120, 150), bool)
    known[70:, 90:] = False
    np.testing.assert_array_equal(found != -9999, known)


def test_transparent_pixels_of_an_image_show_the_one_below(package, tmp_path):
    parts = tmp_path / "town"
    parts.mkdir()
    alpha = np.full((1, 120, 150), 255, np.uint8)
    write(parts / "1.tif", np.concatenate([PIXELS, alpha]), photometric="RGB", ALPHA="YES")
    alpha[:, 40:] = 0
    write(parts / "2.tif", np.concatenate([PIXELS // 2, alpha]), photometric="RGB", ALPHA="YES")
    values = run(job_for(parts, package, tmp_path / "out"), JobControl())
    with rasterio.open(values["image_path"]) as mosaic:
        found = mosaic.read()
    np.testing.assert_array_equal(found[:3], np.concatenate([PIXELS[:, :40] // 2, PIXELS[:, 40:]], axis=1))
    assert (found[3] == 255).all() and len(found) == 4


def test_a_cancelled_mosaic_goes_on(package, whole, tmp_path, monkeypatch):
    parts, logs = write_parts(tmp_path / "town"), []
    control, add = JobControl(), KeptWork.add
    with monkeypatch.context() as patch:
        patch.setattr(KeptWork, "add", lambda self, record: (add(self, record), control.cancel()))
        with pytest.raises(Cancelled):
            run(job_for(parts, package, tmp_path / "out"), control)
    control = JobControl()
    control.send_log = lambda text, level: logs.append(text)
    run(job_for(parts, package, tmp_path / "out"), control)
    assert [text for text in logs if text.startswith("Continuing: ")]
    assert_like_the_whole(tmp_path / "out" / "h.tif", whole)


@pytest.mark.parametrize(
    "other, words",
    [
        ({"crs": "EPSG:32633"}, "CRS differs .EPSG:32632 and EPSG:32633"),
        ({"gsd_m": 0.506}, "pixel size differs .0.5 and 0.506"),
        ({"nodata": 0}, "NoData value differs .None and 0.0"),
        ({"pixels": PIXELS.astype(np.uint16)}, "data type differs .uint8 and uint16"),
        ({"pixels": np.concatenate([PIXELS, PIXELS])}, "bands differ"),
    ],
)
def test_images_that_do_not_fit_are_named(other, words, package, tmp_path):
    parts = write_parts(tmp_path / "town", "ab")
    write(parts / "odd.tif", **{"pixels": PIXELS, **other})
    with pytest.raises(InvalidInput, match=f"a.tif and .*odd.tif cannot be one mosaic.*{words}"):
        run(job_for(parts, package, tmp_path / "out"), JobControl())
    assert list((tmp_path / "out").iterdir()) == []


def test_pixel_sizes_within_a_hundredth_are_one_mosaic(package, tmp_path):
    parts = tmp_path / "town"
    parts.mkdir()
    write(parts / "a.tif", PIXELS)
    write(parts / "b.tif", PIXELS[:, :, :100], column=150, gsd_m=0.504)
    values = run(job_for(parts, package, tmp_path / "out"), JobControl())
    with rasterio.open(values["image_path"]) as mosaic:
        assert mosaic.transform.a == 0.5 and (mosaic.width, mosaic.height) == (251, 121)  # 100.8 and 120.96 pixels


def test_one_image_off_the_grid_leaves_the_others_as_they_are(package, tmp_path):
    """The first by name, at the left and at the top, with a pixel size of its own: nobody's grid but its own."""
    parts, logs = write_parts(tmp_path / "town"), []
    write(parts / "0.tif", PIXELS[:, :40, :40], column=-10.3, row=-5.4, gsd_m=0.501)
    control = JobControl()
    control.send_log = lambda text, level: logs.append(text)
    values = run(job_for(parts, package, tmp_path / "out"), control)
    with rasterio.open(values["image_path"]) as mosaic:
        assert tuple(mosaic.transform)[:6] == (0.5, 0, 5e5 - 5.5, 0, -0.5, 5e6 + 3)
        assert (mosaic.width, mosaic.height) == (11 + 150, 6 + 120)
        np.testing.assert_array_equal(mosaic.read((1, 2, 3))[:, 6:, 11:], PIXELS)  # not resampled, and on top
    assert [text for text in logs if text.startswith("1 of 5 images lie off the pixel grid") and "0.tif" in text]


@pytest.mark.parametrize(
    "content, words",
    [
        ("[1, 2]", "no STAC item"),
        ("{", "no JSON"),
        ('{"type": "FeatureCollection", "features": []}', "names no image"),
        ('{"type": "Feature", "id": "i7", "assets": {"b1": {"href": "a.tif"}, "b2": {"href": "b.tif"}}}', "i7.*b1, b2"),
        ('{"type": "Feature", "id": "i7", "assets": {"visual": {"href": "gone.tif"}}}', "i7.*gone.tif, which is no"),
        ('{"type": "Feature", "id": "i7", "assets": {"visual": {"href": "ftp://h/a.tif"}}}', "i7.*ftp://h/a.tif"),
        ('{"type": "Feature", "assets": {"visual": {"href": "a\\u0000.tif"}}}', "which is no file"),
        ('{"type": "Feature", "assets": {"visual": {"href": "a\\ud800.tif"}}}', "which is no file"),
        ('{"type": "Feature", "assets": {"visual": {"href": "http://[/a\\ud800.tif"}}}', "cannot be opened"),
        ('{"type": "Feature", "assets": {"visual": {"href": ["a.tif"]}}}', "colour image"),
        ('{"type": "FeatureCollection", "features": [7]}', "item without assets"),
        ('{"type": "FeatureCollection", "features": [7], "links": [{"rel": "next"}]}', "one page of.* 1 items"),
        ("[" * 100000, "no JSON"),
    ],
)
def test_stac_files_that_cannot_be_used(content, words, package, tmp_path):
    (tmp_path / "items.json").write_text(content)
    with pytest.raises(InvalidInput, match=words):
        run(job_for(tmp_path / "items.json", package, tmp_path / "out"), JobControl())


def test_far_assets_become_paths_of_gdal(tmp_path):
    hrefs = {"https://h/a.tif?k=1": "/vsicurl/https://h/a.tif?k=1", "s3://bucket/b.tif": "/vsis3/bucket/b.tif"}
    items = [{"type": "Feature", "assets": {"visual": {"href": href}}} for href in hrefs]
    (tmp_path / "items.json").write_text(json.dumps({"type": "ItemCollection", "features": items}))
    assert find_images(str(tmp_path / "items.json")) == sorted(hrefs.values())


def test_another_file_of_the_mosaics_name_is_left_alone(package, tmp_path):
    job = job_for(write_parts(tmp_path / "town"), package, tmp_path / "out")
    own = tmp_path / "out" / "town_mosaic.vrt"
    own.write_text("<VRTDataset>somebody's own</VRTDataset>")
    with pytest.raises(OutputFailed, match="town_mosaic.vrt, but another file has that name"):
        run(job, JobControl())
    assert own.read_text() == "<VRTDataset>somebody's own</VRTDataset>"
    own.unlink()
    run(job, JobControl())
    (tmp_path / "town" / "d.tif").unlink()
    run(job, JobControl())  # what it wrote itself, it writes anew
    assert "d.tif" not in own.read_text()


def test_folders_of_one_name_have_mosaics_of_their_own(package, tmp_path):
    images = []
    for place, names in (("east", "abcd"), ("west", "abc"), ("east", "abcd"), ("west", "abc")):
        (tmp_path / place).mkdir(exist_ok=True)
        job = job_for(write_parts(tmp_path / place / "town", names), package, tmp_path / "out")
        images.append(run(job, JobControl())["image_path"])
    assert images[:2] == images[2:]
    assert Path(images[0]).name == "town_mosaic.vrt" and Path(images[1]).name.endswith("_mosaic.vrt")
    texts = [Path(image).read_text() for image in images[:2]]
    for text, own, other in ((texts[0], "east", "west"), (texts[1], "west", "east")):
        assert str(tmp_path / own / "town") in text and str(tmp_path / other) not in text


def test_a_sheet_that_comes_while_a_job_runs_does_not_destroy_its_work(package, whole, tmp_path):
    parts, begun, seen = write_parts(tmp_path / "town"), [], []
    job = job_for(parts, package, tmp_path / "out")

    def run_again():
        if begun:  # by a job of this function's own
            return
        begun.append(True)
        other = ReconstructJob(str(parts), package, overlap_px=32, height_path=str(tmp_path / "out" / "other.tif"))
        run(other, JobControl())  # the same sheets: both work on one mosaic
        write(parts / "e.tif", PIXELS[:, :60, :60], 150)
        with pytest.raises(OutputFailed, match=f"Process {os.getpid()} works on .*town_mosaic.vrt and holds"):
            run(job, JobControl())
        seen.append(sorted(path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".town")))

    with acting({2: run_again}):
        run(job, JobControl())
    assert len(seen) == 1 and len(seen[0]) == 1  # one lock, of the first job
    assert_like_the_whole(tmp_path / "out" / "h.tif", whole)
    left = tmp_path / "out" / ".town_mosaic.vrt.killed.lock"
    left.write_text('{"pid": 1}')  # nobody holds it
    run(job, JobControl())
    assert not [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
    assert heights(tmp_path / "out" / "h.tif")[0].shape == (120, 210)


def test_outputs_are_not_among_the_images(package, tmp_path):
    parts = write_parts(tmp_path / "town")
    job = ReconstructJob(str(parts), package, height_path=str(parts / "a.tif"))
    before = (parts / "a.tif").read_bytes()
    with pytest.raises(InvalidParameter, match="a.tif is one of the images"):
        run(job, JobControl())
    assert (parts / "a.tif").read_bytes() == before


def test_a_link_to_one_of_the_images_is_no_output(package, tmp_path):
    parts = write_parts(tmp_path / "town")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "h.tif").symlink_to(parts / "a.tif")
    with pytest.raises(InvalidParameter, match="is one of the images"):
        run(job_for(parts, package, tmp_path / "out"), JobControl())


def test_a_mosaic_in_degrees_lies_where_its_images_lie(package, tmp_path):
    """For other programs, too: they go by the order of axes that the file states."""
    (tmp_path / "town").mkdir()
    for number in (0, 1):
        with rasterio.open(tmp_path / "town" / f"{number}.tif", "w", driver="GTiff", width=80, height=80, count=3,
                           dtype="uint8", crs="EPSG:4326",
                           transform=Affine(5e-6, 0, 11 + number * 4e-4, 0, -5e-6, 48)) as dataset:
            dataset.write(PIXELS[:, :80, :80])
    write_mosaic([str(path) for path in sorted((tmp_path / "town").iterdir())], str(tmp_path / "m.vrt"), "", lambda: None)
    rasterio.shutil.copy(tmp_path / "town" / "0.tif", tmp_path / "gdal.vrt", driver="VRT")
    stated = [ElementTree.parse(tmp_path / name).find("SRS").get("dataAxisToSRSAxisMapping") for name in
              ("m.vrt", "gdal.vrt")]
    assert stated[0] in (None, stated[1])  # None: GDAL takes x before y
    tool = shutil.which("gdalinfo")
    if tool:  # it comes with QGIS
        said = subprocess.run([tool, "-json", str(tmp_path / "m.vrt")], capture_output=True, text=True, check=True)
        corner = json.loads(said.stdout)["wgs84Extent"]["coordinates"][0][0]
        assert corner == pytest.approx([11.0, 48.0], abs=1e-3)


def test_an_empty_folder_and_a_pattern_without_images(package, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="empty names no image"):
        run(job_for(tmp_path / "empty", package, tmp_path / "out"), JobControl())
    with pytest.raises(InvalidInput, match="names no image. No file fits"):
        run(job_for(tmp_path / "no*.tif", package, tmp_path / "out"), JobControl())
    named = write_parts(tmp_path / "[2020] town") / "*.tif"
    with pytest.raises(InvalidInput, match=r"names no image. Brackets .* as in (.*\*\.tif)\.$") as caught:
        find_images(str(named))
    meant = re.search(r"as in (.*)\.$", caught.value.message)[1]
    assert [Path(image).name for image in find_images(meant)] == ["a.tif", "b.tif", "c.tif", "d.tif"]


def test_on_the_command_line_a_folders_results_lie_beside_it(package, tmp_path):
    parts = write_parts(tmp_path / "town")
    picture = str(tmp_path / "q.png")
    assert cli.main(["reconstruct", f"{parts}/", "--model", package, "--overlap", "16", "--quicklook", picture]) == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert {"town_height.tif", "town_sigma.tif", "town_land_cover.tif", "town_mosaic.vrt", "q.png"} <= names
    assert cli.main(["reconstruct", f"{parts}/*.tif", "--model", package]) == 2


def test_results_of_the_folder_one_is_in_lie_beside_it(package, tmp_path, monkeypatch):
    parts = write_parts(tmp_path / "town")
    monkeypatch.chdir(parts)
    assert cli.main(["reconstruct", ".", "--model", package, "--overlap", "16", "--quiet"]) == 0
    (parts / "inner").mkdir()
    monkeypatch.chdir(parts / "inner")
    assert cli.main(["reconstruct", "..", "--model", package, "--overlap", "16", "--quiet"]) == 0
    names = {path.name for path in tmp_path.iterdir() if path.suffix != ".qml"}
    assert names == {"town", "town_height.tif", "town_sigma.tif", "town_land_cover.tif", "town_mosaic.vrt"}
    assert {path.name for path in parts.iterdir()} == {"a.tif", "b.tif", "c.tif", "d.tif", "inner"}


def mosaic_of(folder, *paths):
    """Read (values, validity, bands) of a mosaic through the eyes of a job."""
    target = folder / "mosaic.vrt"
    target.unlink(missing_ok=True)
    write_mosaic([str(path) for path in paths], str(target), "origin", lambda: None)
    with ImageSource(str(target)) as source:
        return *source.read(0, 0, source.grid.width, source.grid.height), source.bands


def test_bands_known_by_their_names_stay_so(tmp_path):
    pixels = PIXELS[:, :20, :20].astype(np.uint16) * 100
    names = ("Blue", "Green", "Red")
    for name, column in (("a", 0), ("b", 20)):
        write(tmp_path / f"{name}.tif", pixels, column, photometric="MINISBLACK")
        with rasterio.open(tmp_path / f"{name}.tif", "r+") as dataset:
            dataset.descriptions = names
    values, _, bands = mosaic_of(tmp_path, tmp_path / "a.tif", tmp_path / "b.tif")
    assert bands == (3, 2, 1)
    np.testing.assert_array_equal(values[:, :, 20:], pixels[::-1])
    with rasterio.open(tmp_path / "b.tif", "r+") as dataset:
        dataset.descriptions = names[::-1]
    with pytest.raises(InvalidInput, match="bands of red, green and blue differ .3, 2, 1 and 1, 2, 3"):
        mosaic_of(tmp_path, tmp_path / "a.tif", tmp_path / "b.tif")


@pytest.mark.parametrize("how", ["alpha", "mask"])
def test_a_mask_counts_beside_a_nodata_value(how, tmp_path):
    valid = np.full((20, 20), 255, np.uint8)
    valid[:, :5] = 0
    pixels = PIXELS[:, :20, :20]
    if how == "alpha":
        write(tmp_path / "a.tif", np.concatenate([pixels, valid[None]]), nodata=0)
    else:
        write(tmp_path / "a.tif", pixels, nodata=0)
        with rasterio.open(tmp_path / "a.tif", "r+") as dataset:
            dataset.write_mask(valid)
    values, found, _ = mosaic_of(tmp_path, tmp_path / "a.tif")
    np.testing.assert_array_equal(found, valid > 0)
    np.testing.assert_array_equal(values[:, found], pixels[:, found])


def test_not_a_number_does_not_cover_what_lies_below(tmp_path):
    pixels = PIXELS[:, :20, :20].astype(np.float32) / 255
    holed = pixels.copy()
    holed[:, :, :8] = np.nan
    below, above = write(tmp_path / "a.tif", pixels), write(tmp_path / "b.tif", holed)
    values, valid, _ = mosaic_of(tmp_path, below, above)
    assert valid.all()
    np.testing.assert_array_equal(values, pixels)
    _, valid, _ = mosaic_of(tmp_path, above)
    np.testing.assert_array_equal(valid, ~np.isnan(holed[0]))


def test_locks_that_killed_jobs_have_left_go_with_the_next(package, tmp_path):
    job = job_for(write_parts(tmp_path / "town"), package, tmp_path / "out")
    run(job, JobControl())
    (tmp_path / "out" / ".town_mosaic.vrt.killed.lock").write_text("")  # the mosaic stays the same
    run(job, JobControl())
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")) == []

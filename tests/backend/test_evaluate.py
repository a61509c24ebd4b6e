"""The evaluate job on small rasters: known answers, other grids and CRS, NoData, windows, outputs, refusals."""

import csv
import json
import os
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from evaluation_scene import GROUND, Scene, save
from rasterio.transform import Affine
from rasterio.warp import transform as transform_points

from s3d_protocol import Cancelled, EvaluateJob, InvalidInput, InvalidParameter, JobControl, OutputFailed
from semantic3d import cli
from semantic3d.exporters.thumbnail import Thumbnail
from semantic3d.jobs import evaluate
from semantic3d.jobs.evaluate import run
from semantic3d.raster.aligned import AlignedBand, grid_of


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def figures_of(job):
    run(job, JobControl())
    with open(job.figures_path, encoding="utf-8") as stream:
        return json.load(stream)


def mae(scene, chosen):
    chosen = chosen & ~scene.unknown
    return np.abs(scene.height.astype(float) - scene.reference)[chosen].mean()


def test_every_figure_is_that_of_the_whole_array(scene):
    job = scene.with_outputs()
    values = run(job, JobControl())
    with open(job.figures_path, encoding="utf-8") as stream:
        figures = json.load(stream)
    valid = ~scene.unknown
    error = (scene.height.astype(float) - scene.reference)[valid]
    assert values["pixels"] == valid.sum()
    assert values["mae_m"] == pytest.approx(np.abs(error).mean())
    assert values["rmse_m"] == pytest.approx(np.sqrt((error**2).mean()))
    assert values["bias_m"] == pytest.approx(error.mean())
    assert values["building_mae_m"] == pytest.approx(mae(scene, scene.classes == 4))
    assert values["background_mae_m"] == pytest.approx(mae(scene, np.isin(scene.classes, (3, 11))))
    by_class = {entry["id"]: entry for entry in figures["heights_by_class"]}
    assert set(by_class) == {3, 4, 11}
    assert by_class[3]["mae_m"] == pytest.approx(mae(scene, scene.classes == 3))
    for entry in figures["shadow"]:
        assert entry["mae_m"] == pytest.approx(mae(scene, scene.shadow == entry["id"]))
    assert [entry["name"] for entry in figures["shadow"]] == ["lit", "shadow"]
    assert [entry["id"] for entry in figures["zones"]] == [0, 1, 2]
    for entry in figures["zones"]:
        assert entry["mae_m"] == pytest.approx(mae(scene, scene.zones == entry["id"]))

    known = (scene.classes > 0) & (scene.found > 0)
    right = (scene.found == scene.classes) | ((scene.classes == 11) & np.isin(scene.found, (1, 2)))
    assert values["accuracy"] == pytest.approx(right[known].mean())
    both = (scene.classes == 4) & (scene.found == 4)
    either = known & ((scene.classes == 4) | (scene.found == 4))
    assert values["building_iou"] == pytest.approx(both.sum() / either.sum())
    zone = figures["zones"][1]
    assert zone["accuracy"] == pytest.approx(right[known & (scene.zones == 1)].mean())

    assert values["uecc"] == pytest.approx(np.corrcoef(np.abs(error), scene.sigma[valid])[0, 1], abs=1e-6)
    assert values["coverage_95"] == pytest.approx((np.abs(error) <= 1.959964 * scene.sigma[valid]).mean(), abs=1e-3)
    assert figures["surface"]["points"] == valid.sum() and figures["surface"]["stride_px"] == 1
    assert 0 < values["chamfer_m"] < values["mae_m"]
    assert values["outputs"] == job.outputs()
    assert len(values["warnings"]) == 1 and "shadow mask holds 2," in values["warnings"][0]


def state_intervals(scene, text):
    with rasterio.open(scene.job.sigma_path, "r+") as sigma:
        sigma.update_tags(SEMANTIC3D_INTERVALS=text)


def test_coverage_is_that_of_the_intervals_that_sigma_states(scene):
    state_intervals(scene, "0.5:0.5 0.6827:1 0.95:3")
    values = run(scene.job, JobControl())
    error, sigma = (scene.height - scene.reference)[~scene.unknown], scene.sigma[~scene.unknown]
    assert values["coverage_95"] == pytest.approx((np.abs(error) <= 3 * sigma).mean(), abs=1e-3)


def test_stated_intervals_of_another_form_are_refused(scene):
    state_intervals(scene, "95:three")
    with pytest.raises(InvalidInput, match="SEMANTIC3D_INTERVALS cannot be used"):
        run(scene.job, JobControl())


def test_the_error_raster_and_the_table(scene):
    job = scene.with_outputs()
    run(job, JobControl())
    with rasterio.open(job.error_path) as error:
        expected = np.where(scene.unknown, -9999, scene.height - scene.reference)
        np.testing.assert_allclose(error.read(1), expected, atol=1e-6)
        assert (error.nodata, error.units, error.descriptions) == (-9999.0, ("m",), ("predicted minus reference",))
        assert error.transform == GROUND and error.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert os.path.exists(job.error_path.replace(".tif", ".qml"))
    with open(job.table_path, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = {(row["group"], row["id"] or row["name"]): row for row in rows}
    assert float(found["zone", "1"]["mae_m"]) == pytest.approx(mae(scene, scene.zones == 1))
    assert float(found["part", "building"]["mae_m"]) == pytest.approx(mae(scene, scene.classes == 4))
    assert ("shadow", "1") in found and float(found["class", "4"]["iou"]) > 0
    assert sorted(os.listdir(scene.folder / "out")) == ["e.qml", "e.tif", "f.json", "r.html", "t.csv"]


def test_an_nmad_that_nobody_knows_is_left_out_with_a_word(scene):
    with rasterio.open(scene.job.reference_height_path, "r+") as reference:
        reference.write(reference.read(1) + 800, 1)  # heights above the sea
    control, job = Control(), scene.with_outputs()
    values = run(job, control)
    assert values["nmad_m"] is None and values["mae_m"] > 700
    told = [text for text in values["warnings"] if "NMAD is left out" in text]
    assert len(told) == 1 and "all pixels" in told[0] and told[0] in control.texts
    with open(job.figures_path, encoding="utf-8") as stream:
        figures = json.load(stream)
    assert figures["heights"]["all"]["nmad_m"] is None and figures["warnings"] == values["warnings"]
    with open(job.report_path, encoding="utf-8") as stream:
        assert "NMAD is left out" in stream.read()


class Control(JobControl):
    def __init__(self):
        super().__init__()
        self.texts = []

    def send_log(self, text, level):
        self.texts.append(text)


def test_the_error_raster_leaves_the_style_of_another_raster_alone(scene):
    job = scene.with_outputs()
    other = job.error_path.replace(".tif", ".jp2")
    open(other, "wb").close()
    run(job, JobControl())
    assert os.path.exists(job.error_path) and not os.path.exists(job.error_path.replace(".tif", ".qml"))


COLUMNS = (  # promised to users: scripts read them by name, spreadsheets by place; new ones come last
    "group", "id", "name", "pixels", "mae_m", "rmse_m", "bias_m", "nmad_m", "delta_1", "delta_2", "delta_3",
    "delta_1_all", "delta_2_all", "delta_3_all", "delta_pixels", "class_pixels", "accuracy", "mean_iou",
    "building_iou", "iou", "uecc", "ause_m", "ause_relative", "coverage_50", "coverage_68", "coverage_95",
    "chamfer_m", "f1_1m", "f1_05m", "f1_02m",
)  # fmt: skip


def test_the_table_has_uncertainty_and_surfaces_in_the_row_of_all_pixels(scene):
    job = scene.with_outputs()
    values = run(job, JobControl())
    with open(job.table_path, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert (rows[0]["group"], rows[0]["name"]) == ("part", "all") and len(rows) > 5
    added = COLUMNS[COLUMNS.index("uecc") :]
    for name in added:
        assert rows[0][name] and all(row[name] == "" for row in rows[1:])
    for name in set(added) - {"ause_relative"}:
        assert float(rows[0][name]) == values[name]


def test_the_report_tells_all_and_loads_nothing(scene):
    job = scene.with_outputs()
    run(job, JobControl())
    with open(job.report_path, encoding="utf-8") as stream:
        text = stream.read()
    for words in ("MAE of heights", "Shadow and light", "Zones", "Confusion", "Reliability", "Sparsification",
                  "Chamfer distance", "How it was measured", "Error: predicted minus reference"):
        assert words in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "") and "<script" not in text
    assert text.count("<section") == text.count("</section") and text.count("<svg") == text.count("</svg")
    assert str(scene.folder) not in text


def test_windows_do_not_matter_and_the_same_job_gives_the_same_bytes(scene, monkeypatch):
    jobs = [scene.with_outputs(name) for name in ("a", "b", "c")]
    first, again = figures_of(jobs[0]), figures_of(jobs[1])
    for name in ("r.html", "f.json", "t.csv", "e.tif"):
        assert (scene.folder / "a" / name).read_bytes() == (scene.folder / "b" / name).read_bytes()
    monkeypatch.setattr(evaluate, "WINDOW_PX", 17)
    assert_same(figures_of(jobs[2]), again)
    assert_same(first, again)


def assert_same(a, b):
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            assert_same(x, y)
    else:
        assert a == (pytest.approx(b, rel=1e-9, abs=1e-12) if isinstance(a, float) else b)


@pytest.mark.parametrize("gsd_m", [0.1, 0.2])
def test_surfaces_of_fine_pixels_are_thinned_whatever_the_windows(tmp_path, monkeypatch, gsd_m):
    random = np.random.default_rng(1)
    finer = Affine(gsd_m, 0, 5e5, 0, -gsd_m, 5e6)
    reference = np.kron(random.normal(0, 2, (13, 17)), np.ones((7, 7)))
    height = reference + random.normal(0, 0.5, reference.shape)
    job = EvaluateJob(
        height_path=save(tmp_path / "h.tif", height, transform=finer),
        reference_height_path=save(tmp_path / "t.tif", reference, transform=finer),
        figures_path=str(tmp_path / "f.json"),
    )  # fmt: skip
    spatial = pytest.importorskip("scipy.spatial")
    stride = round(0.5 / gsd_m - 0.4)  # 5 and 2
    rows, columns = np.mgrid[0:91:stride, 0:119:stride]
    clouds = [
        np.column_stack([columns.ravel() * gsd_m, rows.ravel() * gsd_m, z[::stride, ::stride].ravel()])
        for z in (height, reference)
    ]
    there = spatial.cKDTree(clouds[1]).query(clouds[0])[0]
    back = spatial.cKDTree(clouds[0]).query(clouds[1])[0]
    for window_px in (512, 23):
        monkeypatch.setattr(evaluate, "WINDOW_PX", window_px)
        surface = figures_of(job)["surface"]
        assert (surface["stride_px"], surface["points"]) == (stride, len(clouds[0]))
        assert surface["accuracy_m"] == pytest.approx(there.mean())
        assert surface["chamfer_m"] == pytest.approx((there.mean() + back.mean()) / 2)


def plane(grid, crs="EPSG:32632", shape=(60, 80)):
    """Heights that are linear in UTM coordinates, on any grid."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    xs = grid.a * columns + grid.b * rows + grid.c
    ys = grid.d * columns + grid.e * rows + grid.f
    if crs != "EPSG:32632":
        xs, ys = (np.reshape(v, shape) for v in transform_points(crs, "EPSG:32632", xs.ravel(), ys.ravel()))
    return 20 + 0.2 * (xs - 5e5) + 0.1 * (ys - 5e6)


@pytest.mark.parametrize(
    ("grid", "crs", "shape"),
    [
        (Affine(0.5, 0, 5e5 + 0.13, 0, -0.5, 5e6 - 0.21), "EPSG:32632", (60, 80)),
        (Affine(0.7, 0, 5e5 - 5, 0, -0.7, 5e6 + 5), "EPSG:32632", (70, 80)),
        (Affine(0.6, 0.2, 5e5 - 10, 0.2, -0.6, 5e6), "EPSG:32632", (90, 90)),
        (Affine(4e-6, 0, 8.99995, 0, -4e-6, 45.15355), "EPSG:4326", (300, 300)),
    ],
)
def test_references_on_other_grids_and_crs(tmp_path, grid, crs, shape):
    """A plane is what bilinear interpolation leaves as it is."""
    job = EvaluateJob(
        height_path=save(tmp_path / "h.tif", plane(GROUND) + 0.25),
        reference_height_path=save(tmp_path / "t.tif", plane(grid, crs, shape), transform=grid, crs=crs),
    )
    values = run(job, JobControl())
    assert values["pixels"] > 2000
    assert values["bias_m"] == pytest.approx(0.25, abs=0.02)
    assert values["mae_m"] == pytest.approx(0.25, abs=0.02)


def test_a_dsm_with_its_dtm(tmp_path, scene):
    ground = plane(GROUND, shape=scene.reference.shape)
    coarse = Affine(2.0, 0, 5e5 - 4, 0, -2.0, 5e6 + 4)
    job = replace(
        scene.job,
        reference_height_path=save(tmp_path / "dsm.tif", ground + scene.reference),
        reference_dtm_path=save(tmp_path / "dtm.tif", plane(coarse, shape=(30, 40)), transform=coarse),
    )
    assert run(job, JobControl())["mae_m"] == pytest.approx(run(scene.job, JobControl())["mae_m"], abs=1e-5)


def test_where_the_dtm_has_no_value_there_is_no_height(tmp_path):
    ground = np.zeros((10, 10), np.float32)
    ground[:, 6:] = -9999
    heights = np.full((10, 10), 3.0, np.float32)
    job = EvaluateJob(
        height_path=save(tmp_path / "h.tif", heights), reference_height_path=save(tmp_path / "dsm.tif", heights),
        reference_dtm_path=save(tmp_path / "dtm.tif", ground, -9999),
    )  # fmt: skip
    values = run(job, JobControl())
    assert (values["pixels"], values["mae_m"]) == (60, 0.0)


def test_values_are_not_invented_across_nodata(tmp_path):
    """Shifted by half a pixel: a gap stays as wide as it was, and its NoData value is in no height."""
    reference = np.full((20, 20), 5.0, np.float32)
    reference[:, 8] = -9999
    reference[10] = np.nan
    height = np.full((20, 20), 5.0, np.float32)
    shifted = Affine(0.5, 0, 5e5 + 0.1, 0, -0.5, 5e6 - 0.1)
    job = EvaluateJob(
        height_path=save(tmp_path / "h.tif", height),
        reference_height_path=save(tmp_path / "t.tif", reference, -9999, transform=shifted),
        error_path=str(tmp_path / "e.tif"),
    )
    assert run(job, JobControl())["mae_m"] == pytest.approx(0, abs=1e-6)
    with rasterio.open(job.error_path) as error:
        assert (error.read(1)[:, 8] == -9999).all() and (error.read(1)[10] == -9999).all()
        assert np.isin(error.read(1), (0, -9999)).all()


def test_a_mask_beside_the_values_is_honoured(tmp_path):
    heights = np.full((20, 20), 5.0, np.float32)
    path = save(tmp_path / "t.tif", heights, transform=Affine(0.5, 0, 5e5 + 0.1, 0, -0.5, 5e6))
    with rasterio.open(path, "r+") as dataset:
        mask = np.full((20, 20), 255, np.uint8)
        mask[:, 10:] = 0
        dataset.write_mask(mask)
    values = run(EvaluateJob(height_path=save(tmp_path / "h.tif", heights), reference_height_path=path), JobControl())
    assert values["pixels"] == 20 * 10  # each pixel's centre lies in the pixel of its own column


def test_transparency_is_honoured_on_another_grid(tmp_path):
    path, pixels = str(tmp_path / "t.tif"), np.full((2, 20, 20), 5, np.uint8)
    pixels[1] = 255
    pixels[1, :, :4] = 0
    with rasterio.open(
        path, "w", driver="GTiff", width=20, height=20, count=2, dtype="uint8", crs="EPSG:32632", alpha="YES",
        transform=Affine(0.5, 0, 5e5 + 0.1, 0, -0.5, 5e6),
    ) as dataset:  # fmt: skip
        dataset.write(pixels)
    job = EvaluateJob(height_path=save(tmp_path / "h.tif", np.full((20, 20), 5.0)), reference_height_path=path)
    values = run(job, JobControl())
    assert (values["pixels"], values["mae_m"]) == (20 * 16, 0.0)


def test_whole_metres_are_interpolated_and_scaled(tmp_path):
    grid = Affine(0.5, 0, 5e5 + 0.25, 0, -0.5, 5e6)
    stored = np.tile(np.arange(20, dtype=np.int16), (5, 1))
    path = save(tmp_path / "t.tif", stored, transform=grid)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (0.1,), (2.0,)
    band = AlignedBand(path, "the reference", grid_of(save(tmp_path / "h.tif", np.zeros((5, 20))), "it"), True)
    values, valid = band.read(1, 0, 19, 5)
    band.close()
    np.testing.assert_allclose(values[valid], np.tile(2.0 + 0.1 * (np.arange(1, 20) - 0.5), (5, 1))[valid])
    assert valid.all()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_without_crs_heights_are_compared_but_not_surfaces(tmp_path):
    heights = np.ones((10, 10), np.float32)
    job = EvaluateJob(
        height_path=save(tmp_path / "h.tif", heights, crs=None, transform=None),
        reference_height_path=save(tmp_path / "t.tif", heights + 1, crs=None, transform=None),
    )
    values = run(job, JobControl())
    assert values["mae_m"] == 1.0 and values["chamfer_m"] is None
    assert "distances between surfaces are left out" in values["warnings"][0]


def test_land_cover_alone(scene):
    job = EvaluateJob(
        land_cover_path=scene.job.land_cover_path, reference_land_cover_path=scene.job.reference_land_cover_path,
        zones_path=scene.job.zones_path, report_path=str(scene.folder / "r.html"),
        figures_path=str(scene.folder / "f.json"), table_path=str(scene.folder / "t.csv"),
    )  # fmt: skip
    values = run(job, JobControl())
    assert values["mae_m"] is None and values["accuracy"] == run(scene.job, JobControl())["accuracy"]
    assert values["pixels"] == ((scene.classes > 0) & (scene.found > 0)).sum()


def test_classes_take_the_nearest_pixel(tmp_path):
    coarse = Affine(1.0, 0, 5e5, 0, -1.0, 5e6)
    classes = np.random.default_rng(3).choice([3, 4], (10, 10)).astype(np.uint8)
    job = EvaluateJob(
        land_cover_path=save(tmp_path / "c.tif", np.kron(classes, np.ones((2, 2), np.uint8)), 0),
        reference_land_cover_path=save(tmp_path / "l.tif", classes, 0, transform=coarse),
    )
    assert run(job, JobControl())["accuracy"] == 1.0


def test_references_elsewhere_are_refused_with_numbers(scene):
    away = save(scene.folder / "away.tif", scene.reference, transform=Affine(0.5, 0, 7e5, 0, -0.5, 5e6))
    with pytest.raises(InvalidInput, match=r"reference height .*does not overlap.*700000.*\(500000"):
        run(replace(scene.job, reference_height_path=away), JobControl())


@pytest.mark.parametrize(
    ("field", "values", "words"),
    [
        ("zones_path", np.full((90, 130), 1.5, np.float32), "holds 1.5, but whole numbers"),
        ("zones_path", np.arange(90 * 130, dtype=np.int32).reshape(90, 130), "more than 1000 zones"),
        ("reference_land_cover_path", np.full((90, 130), 300, np.int16), "class 300"),
        ("reference_height_path", np.full((90, 130), np.nan, np.float32), "Not one pixel has both"),
        ("reference_land_cover_path", np.zeros((90, 130), np.uint8), "Not one pixel has a class in both"),
    ],
)
def test_rasters_that_cannot_serve_are_refused(scene, field, values, words):
    job = replace(scene.with_outputs(), **{field: save(scene.folder / "bad.tif", values)})
    with pytest.raises(InvalidInput, match=words):
        run(job, JobControl())
    assert os.listdir(scene.folder / "out") == []


@pytest.mark.parametrize(
    ("window_px", "field", "words", "most"),
    [
        (512, "zones_path", "more than 1000 zones", 3),
        (20, "zones_path", "more than 1000 zones", 3 + 1000),  # no window alone has too many
        (512, "reference_land_cover_path", "holds the class 256", 3),
    ],
)
def test_too_many_ids_are_seen_before_each_gets_a_histogram(tmp_path, monkeypatch, window_px, field, words, most):
    made = []

    class Counted(evaluate.HeightErrors):
        def __init__(self):
            made.append(self)
            assert len(made) <= most, "a histogram of 160 kB for each id"
            super().__init__()

    heights = save(tmp_path / "h.tif", np.ones((40, 40), np.float32))
    ids = save(tmp_path / "ids.tif", np.arange(1600, dtype=np.int32).reshape(40, 40))
    monkeypatch.setattr(evaluate, "HeightErrors", Counted)
    monkeypatch.setattr(evaluate, "WINDOW_PX", window_px)
    job = EvaluateJob(height_path=heights, reference_height_path=heights, **{field: ids})
    with pytest.raises(InvalidInput, match=words):
        run(job, JobControl())
    assert 3 <= len(made)  # all, building, background


def test_zones_where_nothing_is_compared_do_not_count(tmp_path):
    heights = np.full((40, 40), np.nan, np.float32)
    heights[:20, :20] = 1
    path = save(tmp_path / "h.tif", heights)
    zones = save(tmp_path / "z.tif", np.arange(1600, dtype=np.int32).reshape(40, 40))
    job = EvaluateJob(height_path=path, reference_height_path=path, zones_path=zones)
    assert run(job, JobControl())["pixels"] == 400


def test_files_that_are_not_there(scene):
    with pytest.raises(InvalidInput, match="There is no file /nowhere.tif for sigma"):
        run(replace(scene.job, sigma_path="/nowhere.tif"), JobControl())
    with pytest.raises(OutputFailed, match="does not exist. Create it first"):
        run(replace(scene.job, figures_path="/nowhere/f.json"), JobControl())


def test_an_input_under_another_name_is_no_output(scene):
    link = scene.folder / "link.tif"
    link.symlink_to(scene.job.reference_height_path)
    with pytest.raises(InvalidParameter, match="one of the inputs"):
        run(replace(scene.job, error_path=str(link)), JobControl())


def test_cancel_leaves_nothing(scene):
    control = JobControl()
    control.send_progress = lambda message: message["done"] and control.cancel()
    with pytest.raises(Cancelled):
        run(scene.with_outputs(), control)
    assert os.listdir(scene.folder / "out") == []


def test_a_thumbnail_is_every_nth_pixel_whatever_the_windows():
    values = np.arange(100 * 70.0).reshape(100, 70)
    thumbnail = Thumbnail(70, 100, longest_px=34)
    for row in range(0, 100, 13):
        for column in range(0, 70, 9):
            part = values[row : row + 13, column : column + 9]
            thumbnail.add(column, row, part, part % 2 == 0)
    np.testing.assert_array_equal(thumbnail.values, values[::3, ::3])
    np.testing.assert_array_equal(thumbnail.valid, values[::3, ::3] % 2 == 0)


def test_the_command_line(scene, capsys):
    job = scene.job
    arguments = ["evaluate", "--height", job.height_path, "--reference", job.reference_height_path, "--sigma",
                 job.sigma_path, "--land-cover", job.land_cover_path, "--reference-land-cover",
                 job.reference_land_cover_path, "--report", str(scene.folder / "r.html")]
    assert cli.main([*arguments, "--json", "--quiet"]) == 0
    values = json.loads(capsys.readouterr().out)
    expected = run(replace(job, shadow_path="", zones_path=""), JobControl())
    for name in ("mae_m", "uecc", "building_iou", "chamfer_m"):
        assert values[name] == expected[name]
    assert cli.main(arguments) == 0
    out = capsys.readouterr().out
    assert f"MAE                  {expected['mae_m']:.4g} m" in out and "r.html" in out and "F1 at 0.2 m" in out
    assert cli.main(["evaluate", "--height", job.height_path]) == 2
    assert "nothing to compare" in capsys.readouterr().err

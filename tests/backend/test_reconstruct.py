"""The whole job with a model whose answers are known: 10 x mean of the image in [0, 1], and so on (fake_model)."""

import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from fake_model import write_fake_package
from package_model import fake_deepness
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.transform import Affine
from reconstruct_scene import GROUND, LAYERS, job_for, noise, read, save

from s3d_protocol import (
    Cancelled, InvalidInput, InvalidParameter, JobControl, OutputFailed, ReconstructJob, Semantic3DError,
)  # fmt: skip
from semantic3d.jobs.reconstruct import run
from semantic3d.jobs.reconstruct_plan import gsd_warnings
from semantic3d.raster.grid import Grid, pixel_size


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return write_fake_package(tmp_path_factory.mktemp("model") / "fake")


def test_every_layer_holds_what_the_model_says(tmp_path, package):
    pixels = noise()
    image = save(tmp_path / "i.tif", pixels)
    job = job_for(image, package, str(tmp_path / "out"), report_path=str(tmp_path / "out" / "report.html"))
    values = run(job, JobControl())

    unit = pixels / 255.0
    np.testing.assert_allclose(read(job.height_path)[0], 10 * unit.mean(axis=0), atol=1e-3)
    sigma = read(job.sigma_path)
    for band, expected in zip(sigma, (0.5, 0.3, 0.4, 0.25)):  # sqrt(.09 + .16), sqrt(.09), sqrt(.16)
        np.testing.assert_allclose(band, expected, atol=1e-3)
    np.testing.assert_array_equal(read(job.land_cover_path)[0], np.where(pixels[0] > 127, 4, 3))
    shares = read(job.probabilities_path) * 0.004
    np.testing.assert_allclose(shares, [1 - unit[0], unit[0]], atol=0.0021)

    assert values["mean_height_m"] == pytest.approx(10 * unit.mean(), abs=1e-3)
    assert values["megapixels"] == pytest.approx(130 * 170 / 1e6)
    assert values["device"] == "cpu" and values["seconds"] > 0 and values["warnings"] == []
    assert values["outputs"] == {**{name: getattr(job, name + "_path") for name in LAYERS}, "report": job.report_path}
    assert sorted(os.listdir(tmp_path / "out")) == sorted(
        [f"{name}{suffix}" for name in LAYERS for suffix in (".tif", ".qml")] + ["report.html"]
    )


def test_outputs_that_nothing_taught_are_told(tmp_path):
    image = save(tmp_path / "i.tif", noise())
    stated = {"untaught": ["height", "something newer"]}
    package = write_fake_package(tmp_path / "fake", validation=stated)
    (text,) = run(job_for(image, package, str(tmp_path / "out")), JobControl())["warnings"]
    assert "without height" in text and "height and sigma mean nothing" in text
    job = replace(job_for(image, package, str(tmp_path / "more")), height_path="", sigma_path="")
    assert run(job, JobControl())["warnings"] == []
    other = write_fake_package(tmp_path / "other", validation={"untaught": "height"})  # no list
    assert run(job_for(image, other, str(tmp_path / "third")), JobControl())["warnings"] == []


def test_files_say_what_they_hold(tmp_path, package):
    image = save(tmp_path / "i.tif", noise(1300, 600))
    job = job_for(image, package, str(tmp_path / "out"))
    run(job, JobControl())
    expected = {
        "height": ("float32", -9999.0, ("height above ground",), ("m",)),
        "sigma": (
            "float32", -9999.0, ("predictive_std_m", "aleatoric_std_m", "epistemic_std_m", "evidence_index"),
            ("m", "m", "m", None),
        ),
        "land_cover": ("uint8", 0, ("land cover",), (None,)),
        "probabilities": ("uint8", 255, ("tree", "building"), (None, None)),
    }  # fmt: skip
    for name, (dtype, nodata, descriptions, units) in expected.items():
        with rasterio.open(getattr(job, name + "_path")) as dataset:
            assert (dataset.dtypes[0], dataset.nodata) == (dtype, nodata)
            assert (dataset.descriptions, dataset.units) == (descriptions, units)
            assert dataset.crs == rasterio.crs.CRS.from_epsg(32632)
            assert (dataset.transform, dataset.shape) == (GROUND, (1300, 600))
            assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert dataset.compression and dataset.profile["tiled"] and dataset.overviews(1)
            tags = dataset.tags()
            assert tags["SEMANTIC3D_MODEL_NAME"] == "fake" and len(tags["SEMANTIC3D_MODEL_SHA256"]) == 64
            assert tags["SEMANTIC3D_IMAGE"] == "i.tif" and "numpy" in tags["SEMANTIC3D_SOFTWARE"]
            assert str(tmp_path) not in str(tags)
            stored = dataset.read(1).astype(float)
            statistics = dataset.tags(1)
            for key, value in (("MINIMUM", stored.min()), ("MAXIMUM", stored.max()), ("MEAN", stored.mean())):
                assert float(statistics[f"STATISTICS_{key}"]) == pytest.approx(value, rel=1e-5)
    with rasterio.open(job.land_cover_path) as dataset:
        assert dataset.colorinterp[0] == ColorInterp.palette
        assert dataset.colormap(1)[4] == (0xCC, 0x33, 0x11, 255)
        assert '"building"' in dataset.tags()["SEMANTIC3D_CLASSES"]


@pytest.mark.parametrize("value, nodata, words", [
    (0, None, ["black", "gdal_edit -a_nodata 0"]), (255, None, ["white", "-a_nodata 255"]), (0, 0, []), (7, None, []),
])  # fmt: skip
def test_a_margin_that_nobody_declares_is_said(tmp_path, package, value, nodata, words):
    pixels = noise(80, 90)
    pixels[:, 50:, 60:] = value
    more = {} if nodata is None else {"nodata": nodata}
    job = job_for(save(tmp_path / "i.tif", pixels, **more), package, str(tmp_path / "out"), ("height",))
    warnings = run(job, JobControl())["warnings"]
    assert len(warnings) == bool(words) and all(word in warnings[0] for word in words)


@pytest.mark.parametrize("power, expected", [(None, [1.0, 0.6, 0.8]), (0.5, [2**0.5, 0.6 * 2**0.5, 0.8 * 2**0.5])])
def test_calibration_changes_all_three_deviations(tmp_path, power, expected):
    calibration = {"predictive_std_scale": 2.0, "method": "by hand"}  # the model says 0.5, 0.3 and 0.4 m
    if power is not None:
        calibration["predictive_std_power"] = power
    model = write_fake_package(tmp_path / "m", calibration=calibration)
    job = job_for(save(tmp_path / "i.tif", noise(40, 40)), model, str(tmp_path), ("sigma",))
    run(job, JobControl())
    assert [band.mean() for band in read(job.sigma_path)] == pytest.approx([*expected, 0.25], rel=2e-3)


def test_sigma_states_the_intervals_of_the_model(tmp_path):
    calibration = {"predictive_std_scale": 1.0, "method": "by hand", "intervals": [[0.5, 0.4], [0.95, 3]]}
    model = write_fake_package(tmp_path / "m", calibration=calibration)
    job = job_for(save(tmp_path / "i.tif", noise(40, 40)), model, str(tmp_path), ("sigma", "height"))
    run(job, JobControl())
    with rasterio.open(job.sigma_path) as sigma, rasterio.open(job.height_path) as height:
        assert sigma.tags()["SEMANTIC3D_INTERVALS"] == "0.5:0.4 0.95:3"
        assert "SEMANTIC3D_INTERVALS" not in height.tags()


def test_the_same_job_gives_the_same_bytes_and_memory_does_not_matter(tmp_path, package):
    image = save(tmp_path / "i.tif", noise(150, 900))
    first = job_for(image, package, str(tmp_path / "a"), gsd_m=0.4, report_path=str(tmp_path / "a" / "r.html"))
    report = str(tmp_path / "b" / "r.html")
    again = job_for(image, package, str(tmp_path / "b"), gsd_m=0.4, report_path=report, max_memory_mb=64)
    for job in (first, again):
        run(job, JobControl())
    names = sorted(os.listdir(tmp_path / "a"))
    assert names == sorted(os.listdir(tmp_path / "b"))
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


@pytest.mark.parametrize("gsd_m", [0.0, 0.3])
def test_an_extent_gives_a_part_of_the_whole(tmp_path, package, gsd_m):
    image = save(tmp_path / "i.tif", noise(200, 300))
    whole = job_for(image, package, str(tmp_path / "w"), gsd_m=gsd_m)
    extent = (5e5 + 20.1, 5e6 - 80.0, 5e5 + 90.0, 5e6 - 31.2)
    part = job_for(image, package, str(tmp_path / "p"), gsd_m=gsd_m, extent=extent)
    for job in (whole, part):
        run(job, JobControl())
    for name in LAYERS:
        with rasterio.open(getattr(part, name + "_path")) as dataset:
            assert dataset.transform.c == 5e5 + 20.0 and dataset.transform.f == 5e6 - 31.0
            assert dataset.shape == (98, 140)
            np.testing.assert_array_equal(dataset.read(), read(getattr(whole, name + "_path"))[:, 62:160, 40:180])


def expect_masked(job, valid):
    for name, nodata in (("height", -9999), ("sigma", -9999), ("land_cover", 0), ("probabilities", 255)):
        values = read(getattr(job, name + "_path"))
        for band in values:
            np.testing.assert_array_equal(band == nodata, ~valid, err_msg=name)
        assert np.isfinite(values).all()


def test_nodata_goes_from_read_to_write(tmp_path, package):
    pixels = noise()
    valid = np.ones(pixels.shape[1:], bool)
    valid[20:50, 30:100] = False
    valid[:, 160:] = False
    rgba = np.concatenate([pixels, np.where(valid, 255, 0)[None].astype(np.uint8)])
    by_alpha = save(tmp_path / "alpha.tif", rgba, photometric="RGB", ALPHA="YES")
    by_value = save(tmp_path / "value.tif", np.where(valid, pixels, 0).astype(np.uint8), nodata=0)
    by_mask = save(tmp_path / "mask.tif", pixels)
    with rasterio.open(by_mask, "r+") as dataset:
        dataset.write_mask(valid)
    for image in (by_alpha, by_value, by_mask):
        job = job_for(image, package, str(tmp_path / "out"))
        values = run(job, JobControl())
        expect_masked(job, valid)
        expected = 10 * pixels.mean(axis=0) / 255.0
        np.testing.assert_allclose(read(job.height_path)[0][valid], expected[valid], atol=1e-3)
        assert values["mean_height_m"] == pytest.approx(expected[valid].mean(), abs=1e-3)


def test_nan_in_float_imagery(tmp_path, package):
    pixels = noise().astype(np.float32) / 255.0
    valid = np.ones(pixels.shape[1:], bool)
    valid[:10, :10] = False
    image = save(tmp_path / "i.tif", np.where(valid, pixels, np.float32(np.nan)))
    job = job_for(image, package, str(tmp_path))
    run(job, JobControl())
    expect_masked(job, valid)
    np.testing.assert_allclose(read(job.height_path)[0][valid], 10 * pixels.mean(axis=0)[valid], atol=1e-3)


def test_16_bit_uses_one_stretch_for_all_tiles_and_extents(tmp_path, package):
    ramp = np.linspace(0, 10000, 300)[None, None] + np.zeros((3, 150, 1))
    image = save(tmp_path / "i.tif", ramp.astype(np.uint16))
    whole = job_for(image, package, str(tmp_path / "w"), ("height",))
    values = run(whole, JobControl())
    expected = 10 * np.clip((ramp[0] - 200) / 9600, 0, 1)  # percentiles 2 and 98 of 0..10000
    np.testing.assert_allclose(read(whole.height_path)[0], expected, atol=0.02)
    assert "199.34 to 9799.66" in values["normalisation"]  # stored whole numbers, a little below the ramp
    with rasterio.open(whole.height_path) as dataset:
        assert dataset.tags()["SEMANTIC3D_NORMALISATION"] == values["normalisation"]
    part = job_for(image, package, str(tmp_path / "p"), ("height",), extent=(5e5, 5e6 - 75, 5e5 + 40, 5e6))
    run(part, JobControl())
    np.testing.assert_array_equal(read(part.height_path)[0], read(whole.height_path)[0][:, :80])


@pytest.mark.parametrize(
    "profile, gsd",
    [
        ({"crs": "EPSG:2263", "transform": Affine(1.5, 0, 9.8e5, 0, -1.5, 2e5)}, 1.5 * 1200 / 3937),
        ({"crs": "EPSG:4326", "transform": Affine(6e-6, 0, 9.0, 0, -4e-6, 47.5)}, None),
        ({"crs": "EPSG:3857", "transform": Affine(0.6, 0, 1e6, 0, -0.6, 6e6)}, None),
        ({"transform": Affine(0.4, 0.3, 5e5, 0.3, -0.4, 5e6)}, 0.5),
        ({"transform": Affine(0.5, 0, 5e5, 0, 0.5, 5e6)}, 0.5),
    ],
    ids=["feet", "degrees", "mercator", "rotated", "south up"],
)
def test_results_lie_on_the_images_grid(tmp_path, package, profile, gsd):
    image = save(tmp_path / "i.tif", np.full((3, 90, 120), 51, np.uint8), **profile)
    job = job_for(image, package, str(tmp_path), ("height",))
    values = run(job, JobControl())
    with rasterio.open(image) as source, rasterio.open(job.height_path) as result:
        assert result.transform == source.transform and result.crs == source.crs and result.shape == source.shape
        np.testing.assert_allclose(result.read(), 2.0, atol=1e-3)
    if gsd:
        assert values["gsd_m"] == pytest.approx(gsd, rel=1e-6)


def test_without_a_crs_the_gsd_must_be_given(tmp_path, package):
    image = save(tmp_path / "i.png", noise(30, 40), driver="PNG", crs=None, transform=None)
    with pytest.raises(InvalidInput, match="GSD"):
        run(job_for(image, package, str(tmp_path)), JobControl())
    job = job_for(image, package, str(tmp_path), gsd_m=0.5)
    run(job, JobControl())
    np.testing.assert_allclose(read(job.height_path)[0], 10 * noise(30, 40).mean(axis=0) / 255.0, atol=1e-3)


@pytest.mark.parametrize("shape", [(51, 51), (1, 90), (90, 1), (1, 1)])
def test_tiny_images(tmp_path, package, shape):
    pixels = noise(*shape)
    job = job_for(save(tmp_path / "i.tif", pixels), package, str(tmp_path))
    run(job, JobControl())
    np.testing.assert_allclose(read(job.height_path)[0], 10 * pixels.mean(axis=0) / 255.0, atol=1e-3)


def test_a_virtual_raster(tmp_path, package):
    pixels = noise(64, 64)
    save(tmp_path / "i.tif", pixels)
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{n}"><SimpleSource>'
        '<SourceFilename relativeToVRT="1">i.tif</SourceFilename>'
        f"<SourceBand>{4 - n}</SourceBand></SimpleSource></VRTRasterBand>"
        for n in (1, 2, 3)
    )
    (tmp_path / "i.vrt").write_text(
        '<VRTDataset rasterXSize="64" rasterYSize="64"><SRS>EPSG:32632</SRS>'
        f"<GeoTransform>500000, 0.5, 0, 5000000, 0, -0.5</GeoTransform>{bands}</VRTDataset>"
    )
    job = job_for(str(tmp_path / "i.vrt"), package, str(tmp_path), ("land_cover",))
    run(job, JobControl())
    np.testing.assert_array_equal(read(job.land_cover_path)[0], np.where(pixels[2] > 127, 4, 3))


@pytest.mark.parametrize("pixel_m, word", [(0.1, "averaged"), (2.0, "missing detail")])
def test_far_from_the_models_gsd_it_warns_everywhere(tmp_path, package, pixel_m, word):
    image = save(tmp_path / "i.tif", noise(60, 60), transform=Affine(pixel_m, 0, 5e5, 0, -pixel_m, 5e6))
    said = []
    control = JobControl()
    control.send_log = lambda text, level: said.append((level, text))
    job = job_for(image, package, str(tmp_path), ("height",), report_path=str(tmp_path / "r.html"))
    values = run(job, control)
    assert word in values["warnings"][0] and ("warning", values["warnings"][0]) in said
    with rasterio.open(job.height_path) as dataset:
        assert word in dataset.tags()["SEMANTIC3D_WARNINGS"]
    assert word in (tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("pixel_m", [0.001, 30.0])
def test_an_absurd_gsd_is_refused(tmp_path, package, pixel_m):
    image = save(tmp_path / "i.tif", noise(60, 60), transform=Affine(pixel_m, 0, 5e5, 0, -pixel_m, 5e6))
    with pytest.raises(InvalidInput, match=f"{pixel_m:g} m"):
        run(job_for(image, package, str(tmp_path)), JobControl())


class Watch(JobControl):
    """Cancels after some tiles; counts them."""

    def __init__(self, cancel_after=None):
        super().__init__()
        self.cancel_after, self.done, self.logs = cancel_after, [], []

    def send_log(self, text, level):
        self.logs.append(text)

    def send_progress(self, message):
        self.done.append(message["done"])
        if self.cancel_after is not None and message["done"] >= self.cancel_after:
            self.cancel()


def test_cancel_leaves_nothing(tmp_path, package):
    image = save(tmp_path / "i.tif", noise(300, 300))
    job = job_for(image, package, str(tmp_path / "out"), report_path=str(tmp_path / "out" / "r.html"))
    control = Watch(cancel_after=5)
    with pytest.raises(Cancelled):
        run(job, control)
    assert 5 <= control.done[-1] < 10
    assert os.listdir(tmp_path / "out") == []


def test_a_failure_leaves_the_older_results_alone(tmp_path, package):
    image = save(tmp_path / "i.tif", noise(300, 300))
    job = job_for(image, package, str(tmp_path / "out"), ("height",))
    run(job, JobControl())
    before = (tmp_path / "out" / "height.tif").read_bytes()
    with pytest.raises(Cancelled):
        run(job_for(image, package, str(tmp_path / "out"), ("height", "sigma")), Watch(cancel_after=3))
    assert (tmp_path / "out" / "height.tif").read_bytes() == before
    assert sorted(os.listdir(tmp_path / "out")) == ["height.qml", "height.tif"]


def test_a_photograph_keeps_its_style_and_the_others_get_theirs(tmp_path, package):
    image = save(tmp_path / "i.tif", noise())
    job = job_for(image, package, str(tmp_path / "out"), ("height", "sigma"))
    (tmp_path / "out" / "height.jp2").write_bytes(b"a photograph")
    run(job, JobControl())
    assert sorted(os.listdir(tmp_path / "out")) == ["height.jp2", "height.tif", "sigma.qml", "sigma.tif"]
    (tmp_path / "out" / "height.jp2").unlink()
    run(job, JobControl())
    run(job, JobControl())  # ours is replaced
    assert "height.qml" in os.listdir(tmp_path / "out")


def test_progress_runs_from_none_to_all(tmp_path, package):
    control = Watch()
    run(job_for(save(tmp_path / "i.tif", noise(200, 200)), package, str(tmp_path), ("height",)), control)
    assert control.done[0] == 0 and control.done == sorted(control.done)
    assert control.done[-1] == 16  # 200 pixels need 4 tiles of 64 with an overlap of 16


def test_a_folder_that_may_not_be_written_to_is_told_before_the_model_loads(tmp_path, package, monkeypatch):
    """The system is asked through os.access: these tests may run as root, who may write anywhere."""
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and allowed(path, mode))
    monkeypatch.setattr("semantic3d.jobs.reconstruct.InferenceSession", None)
    job = job_for(save(tmp_path / "i.tif", noise(80, 80)), package, str(tmp_path), ("height",))
    with pytest.raises(OutputFailed, match="height output is not writable. Choose another folder"):
        run(job, JobControl())


@pytest.mark.parametrize(
    "change, error, words",
    [
        ({"height_path": "{out}/no/h.tif"}, OutputFailed, "does not exist"),
        ({"height_path": "/vsis3/bucket/h.tif"}, OutputFailed, "put together on a disk"),
        ({"image_path": "/vsis3/bucket/sheets/"}, InvalidInput, "which is not listed here"),
        ({"image_path": "/vsicurl/https://x.org/*.tif"}, InvalidInput, "as a VRT"),
        ({"height_path": "{out}/link.tif"}, InvalidParameter, "image itself"),
        ({"height_path": "{out}/folder.tif"}, OutputFailed, "is a folder"),
        ({"height_path": "", "sigma_path": ""}, InvalidParameter, "No output"),
        ({"extent": (0.0, 0.0, 1.0, 1.0)}, InvalidParameter, "does not touch"),
        ({"overlap_px": 60}, InvalidParameter, "from 0 to 56"),
        ({"bands": (1, 2, 7)}, InvalidParameter, "Band 7"),
    ],
)
def test_faults_are_found_before_the_model_loads(tmp_path, package, monkeypatch, change, error, words):
    image = save(tmp_path / "i.tif", noise(40, 40))
    os.makedirs(tmp_path / "folder.tif")
    os.symlink(image, tmp_path / "link.tif")
    monkeypatch.setattr("semantic3d.jobs.reconstruct.InferenceSession", None)
    change = {key: value.format(out=tmp_path) if isinstance(value, str) else value for key, value in change.items()}
    job = replace(job_for(image, package, str(tmp_path), ("height",)), **change)
    with pytest.raises(error, match=words):
        run(job, JobControl())
    assert not [name for name in os.listdir(tmp_path) if "partial" in name]


def test_a_full_disk_is_foreseen(tmp_path, package, monkeypatch):
    image = save(tmp_path / "i.tif", noise(40, 40))
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("semantic3d.raster.writer.shutil.disk_usage", lambda folder: usage)
    with pytest.raises(OutputFailed, match="free"):
        run(job_for(image, package, str(tmp_path)), JobControl())


def test_an_extent_without_image_is_refused(tmp_path, package):
    pixels = noise(100, 100)
    pixels[:, :, 50:] = 0
    image = save(tmp_path / "i.tif", pixels, nodata=0)
    with pytest.raises(InvalidInput, match="extent holds no valid pixel"):
        run(job_for(image, package, str(tmp_path), extent=(5e5 + 30, 5e6 - 50, 5e5 + 50, 5e6)), JobControl())


def test_a_report_alone_is_complete_and_leaves_no_rasters(tmp_path, package):
    image = save(tmp_path / "i.tif", noise(60, 60))
    job = job_for(image, package, str(tmp_path / "out"), (), report_path=str(tmp_path / "out" / "r.html"))
    run(job, JobControl())
    assert os.listdir(tmp_path / "out") == ["r.html"]
    text = (tmp_path / "out" / "r.html").read_text(encoding="utf-8")
    for title in ("Image", "Height above ground", "Uncertainty", "Land cover"):
        assert f'alt="{title}' in text


def test_a_deepness_regressor_gives_heights_alone(tmp_path):
    (tmp_path / "m.onnx").write_bytes(fake_deepness("Regressor", reg_output_scaling=7.0))  # 0.2 m; gives red
    pixels = noise(100, 120)
    image = save(tmp_path / "i.tif", pixels, transform=Affine(0.2, 0, 5e5, 0, -0.2, 5e6))
    job = job_for(image, str(tmp_path / "m.onnx"), str(tmp_path), ("height",), batch_size=3)
    run(job, JobControl())
    np.testing.assert_allclose(read(job.height_path)[0], 7 * (pixels[0] / 255.0), atol=1e-3)
    with pytest.raises(InvalidParameter, match="sigma output.*gives only height_m"):
        run(job_for(image, str(tmp_path / "m.onnx"), str(tmp_path), ("height", "sigma")), JobControl())
    layers = ("height", "sigma", "land_cover")
    job = job_for(image, str(tmp_path / "m.onnx"), str(tmp_path / "default"), layers, optional_outputs=layers)
    control = Watch()
    values = run(job, control)
    assert values["outputs"] == {"height": job.height_path}
    assert os.path.exists(job.height_path) and not os.path.exists(job.sigma_path)
    assert any("left out sigma, land_cover" in text for text in control.logs)
    with pytest.raises(InvalidParameter, match="probabilities output"):
        run(replace(job, probabilities_path=str(tmp_path / "p.tif")), JobControl())  # this one was chosen


def test_a_deepness_segmentor_gives_classes_alone(tmp_path):
    (tmp_path / "m.onnx").write_bytes(fake_deepness("Segmentor", 3))  # the bands as scores
    pixels = noise(100, 120)
    image = save(tmp_path / "i.tif", pixels, transform=Affine(0.2, 0, 5e5, 0, -0.2, 5e6))
    report = str(tmp_path / "r.html")
    job = job_for(image, str(tmp_path / "m.onnx"), str(tmp_path), ("land_cover",), report_path=report)
    values = run(job, JobControl())
    np.testing.assert_array_equal(read(job.land_cover_path)[0], 1 + pixels.argmax(axis=0))
    assert values["mean_height_m"] is None


AWKWARD = os.path.join(os.path.dirname(__file__), "..", "..", "..", "shared", "data", "awkward")


@pytest.mark.skipif(not os.path.isdir(AWKWARD), reason="the shared data are not here")
@pytest.mark.parametrize("gsd_m", [0.0, 0.5])
def test_awkward_files_give_a_result_on_their_grid_or_a_clear_error(tmp_path, package, monkeypatch, gsd_m):
    for name in sorted(os.listdir(AWKWARD)):
        path = os.path.join(AWKWARD, name)
        job = job_for(path, package, str(tmp_path / "out"), ("height", "land_cover"), gsd_m=gsd_m)
        if os.path.getsize(path) and _pixels(path) > 1.1e6:
            continue  # the larger ones cost a minute and hold nothing new
        control = Watch()
        try:
            run(job, control)
        except Semantic3DError as error:
            assert error.code == "invalid_input" and len(error.message) > 60, name
            assert control.done == [], name
            continue
        with rasterio.open(path) as source, rasterio.open(job.height_path) as result:
            assert (result.transform, result.crs, result.shape) == (source.transform, source.crs, source.shape), name
            heights = result.read(1, masked=True)
            assert heights.count() and 0.0 <= heights.min() and heights.max() <= 10.001, name


def _pixels(path):
    with rasterio.open(path) as dataset:
        return dataset.width * dataset.height


def test_a_map_whose_scale_changes_over_the_image_is_told():
    package, job = SimpleNamespace(gsd_m=0.5, gsd_range_m=(0.3, 1.0)), ReconstructJob("i.tif", "m", height_path="h.tif")
    for height_px, count in ((1_000_000, 1), (10_000, 0)):  # nine degrees of latitude, and a tenth of one
        grid = Grid(CRS.from_epsg(3857), Affine(1, 0, 1e6, 0, -1, 7e6), 1000, height_px)
        found = gsd_warnings(grid, pixel_size(grid), job, package)
        assert len(found) == count
    assert "UTM" in gsd_warnings(Grid(grid.crs, grid.transform, 1000, 1_000_000), pixel_size(grid), job, package)[0]

"""Rasters as people have them: several bands, alpha beside NoData, feet, undeclared NoData, layers that do not serve."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from evaluation_scene import GROUND, Scene, save
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

from s3d_protocol import EvaluateJob, InvalidInput, JobControl
from semantic3d.jobs import evaluate
from semantic3d.jobs.evaluate import run
from semantic3d.metrics.uncertainty import LEVELS, UncertaintyErrors
from semantic3d.raster import aligned
from semantic3d.raster.aligned import AlignedBand, grid_of

SHIFTED = Affine(0.5, 0, 5e5 + 0.1, 0, -0.5, 5e6)


def save_bands(path, bands, nodata=None, transform=GROUND, alpha=False):
    bands = np.asarray(bands)
    with rasterio.open(
        path, "w", driver="GTiff", width=bands.shape[2], height=bands.shape[1], count=len(bands), dtype=bands.dtype,
        nodata=nodata, transform=transform, crs="EPSG:32632",
    ) as dataset:  # fmt: skip
        if alpha:
            dataset.colorinterp = [ColorInterp.gray] * (len(bands) - 1) + [ColorInterp.alpha]
        dataset.write(bands)
    return str(path)


def read_whole(path, continuous=True, size=60):
    grid = grid_of(save(path.parent / "grid.tif", np.zeros((size, size), np.float32)), "the grid")
    band = AlignedBand(str(path), "the band", grid, continuous)
    values, valid = band.read(0, 0, size, size)
    band.close()
    return values, valid, band


@pytest.mark.parametrize("transform", [GROUND, SHIFTED])
@pytest.mark.parametrize("name", ["plain.tif", 'a "b" & <ü>.tif'])
def test_a_band_is_invalid_by_itself_on_every_grid(tmp_path, transform, name):
    values = np.full((60, 60), 5, np.float32)
    values[:10] = -9999
    save_bands(tmp_path / name, [values, np.ones_like(values)], -9999, transform)
    found, valid, _ = read_whole(tmp_path / name)
    assert valid.sum() == 3000 and not valid[:10].any()
    assert (found[valid] == 5).all()
    ids = np.where(values > 0, 7, -1).astype(np.int32)
    save_bands(tmp_path / name, [ids, ids * 0 + 1], -1, transform)
    found, valid, _ = read_whole(tmp_path / name, continuous=False)
    assert valid.sum() == 3000 and (found[valid] == 7).all()


@pytest.mark.parametrize("transform", [GROUND, SHIFTED])
def test_nodata_and_alpha_both_count(tmp_path, transform):
    values = np.full((60, 60), 5, np.float32)
    values[:10] = -9999
    alpha = np.full((60, 60), 255, np.float32)
    alpha[10:20] = 0
    save_bands(tmp_path / "r.tif", [values, alpha], -9999, transform, alpha=True)
    found, valid, _ = read_whole(tmp_path / "r.tif")
    assert valid.sum() == 2400 and not valid[:20].any() and (found[valid] == 5).all()


@pytest.mark.parametrize("unit, metres", [("ft", 0.3048), ("US survey foot", 1200 / 3937), ("m", 1.0), ("metre", 1.0)])
def test_the_unit_of_a_band_counts(tmp_path, unit, metres):
    path = tmp_path / "f.tif"
    save(path, np.full((60, 60), 10, np.float32))
    with rasterio.open(path, "r+") as dataset:
        dataset.units = [unit]
    values, _, band = read_whole(path)
    assert values == pytest.approx(10 * metres)
    assert bool(band.warnings) == (metres != 1) and all("feet" in text for text in band.warnings)


def test_an_unknown_unit_is_taken_for_metres_with_a_word(tmp_path):
    path = tmp_path / "f.tif"
    save(path, np.full((60, 60), 10, np.float32))
    with rasterio.open(path, "r+") as dataset:
        dataset.units = ["cubits"]
    values, _, band = read_whole(path)
    assert (values == 10).all() and "unit 'cubits', which is unknown" in band.warnings[0]


@pytest.mark.parametrize("value", [-1.7976931348623157e308, 3.4028234663852886e38])
def test_a_value_that_no_height_has_is_refused_with_what_to_do(tmp_path, value):
    heights = np.full((60, 60), 5.0)
    heights[3, 4] = value
    job = EvaluateJob(
        height_path=save(tmp_path / "h.tif", np.full((60, 60), 5.0)),
        reference_height_path=save(tmp_path / "t.tif", heights),
    )
    with pytest.raises(InvalidInput, match="The reference height .* holds .*e\\+.* gdal_edit.py -a_nodata"):
        run(job, JobControl())


def test_undeclared_nodata_is_guessed_and_told(tmp_path):
    heights = np.full((60, 60), 5, np.float32)
    heights[:3] = -9999
    job = EvaluateJob(
        height_path=save(tmp_path / "h.tif", np.full((60, 60), 5, np.float32)),
        reference_height_path=save(tmp_path / "t.tif", heights),
    )
    assert any("goes down to -9999 m" in text for text in run(job, JobControl())["warnings"])


@pytest.mark.parametrize("value", [9999, 32767, 65535])
def test_undeclared_nodata_above_all_heights_is_told(tmp_path, value):
    heights = np.full((60, 60), 5, np.float32)
    height, odd = save(tmp_path / "h.tif", heights), np.where(np.arange(60) < 6, np.float32(value), heights)
    job = EvaluateJob(height_path=height, reference_height_path=save(tmp_path / "t.tif", odd))
    assert any(f"goes up to {value:g} m" in text for text in run(job, JobControl())["warnings"])
    mountains = save(tmp_path / "m.tif", heights + 4000), save(tmp_path / "g.tif", heights * 0 + 4000)
    job = EvaluateJob(height_path=height, reference_height_path=mountains[0], reference_dtm_path=mountains[1])
    assert not any("goes up" in text for text in run(job, JobControl())["warnings"])


def test_an_undeclared_class_without_data_and_negative_sigma_are_told(tmp_path):
    scene = Scene(tmp_path)
    odd = np.where(scene.classes == 0, np.uint8(255), scene.classes)
    sigma = np.where(scene.unknown, scene.sigma, -scene.sigma)
    job = replace(scene.job, reference_land_cover_path=save(tmp_path / "o.tif", odd), sigma_path=save(tmp_path / "n.tif", sigma))
    told = " ".join(run(job, JobControl())["warnings"])
    assert "The reference land cover holds 255 in " in told and "Sigma is negative in " in told
    assert not any("255" in text or "negative" in text for text in run(scene.job, JobControl())["warnings"])


def test_rasters_that_lie_nowhere_are_compared_only_where_they_have_one_size(tmp_path):
    def nowhere(name, side):
        return save(tmp_path / name, np.full((side, side), 5, np.float32), transform=Affine.identity(), crs=None)

    job = EvaluateJob(height_path=nowhere("h.tif", 60), reference_height_path=nowhere("t.tif", 60))
    assert run(job, JobControl())["mae_m"] == 0
    with pytest.raises(InvalidInput, match="has 30 x 30 pixels and the prediction 60 x 60, and neither says where"):
        run(replace(job, reference_height_path=nowhere("small.tif", 30)), JobControl())


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e3])
def test_the_sparsification_does_not_depend_on_the_scale_of_sigma(scale):
    errors = UncertaintyErrors()
    error = np.random.default_rng(5).gamma(2.0, 1.0, 20_000)
    errors.add(error, error * scale)
    assert errors.result().ause_m == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("continuous", [True, False])
@pytest.mark.parametrize("turned", [0, 45, 90, 180])
def test_a_much_finer_raster_is_warped_in_pieces_as_in_one(tmp_path, continuous, turned, monkeypatch):
    """A wave of 5 m in a strip of 0.05 m pixels: GDAL's own guess of the scale for the whole is as near."""
    middle = Affine.translation(5e5 + 15, 5e6 - 15) @ Affine.rotation(turned)
    fine = middle @ Affine.translation(-14, 9) @ Affine.scale(0.05, -0.05)
    rows, columns = np.mgrid[0:360, 0:560]
    wave = 4 + 3 * np.sin(columns * 0.05 * 2 * np.pi / 5) + np.random.default_rng(3).normal(0, 0.5, rows.shape)
    save(tmp_path / "f.tif", wave.astype(np.float32) if continuous else (columns // 20 % 7 + 1).astype(np.uint8), transform=fine)
    monkeypatch.setattr(aligned, "_FINE", 1e9)
    whole = read_whole(tmp_path / "f.tif", continuous)
    monkeypatch.setattr(aligned, "_FINE", 16.0)
    monkeypatch.setattr(aligned, "_PIECE_SOURCE_PX", 7_000)
    found = read_whole(tmp_path / "f.tif", continuous)
    assert whole[2]._piece_px == 0 and found[2]._piece_px == 8
    both = found[1] & whole[1]
    assert both.sum() > 0.99 * max(found[1].sum(), whole[1].sum()) > 1000
    difference = found[0][both] - whole[0][both]
    assert (np.sqrt(np.mean(difference**2)) < 0.1) if continuous else (difference == 0).mean() > 0.97


def test_rasters_of_rows_are_read_in_low_wide_windows_with_the_same_figures(tmp_path, monkeypatch):
    scene = Scene(tmp_path)
    before = run(scene.job, JobControl())
    monkeypatch.setattr(aligned, "_WIDE_PX", 100)  # GDAL's strips of such a raster have few rows
    monkeypatch.setattr(aligned.AlignedBand, "is_striped", property(lambda band: not band.is_warped))
    monkeypatch.setattr(evaluate, "WINDOW_PX", 80)
    monkeypatch.setattr(evaluate, "_CACHE_MB", 0.05)
    seen, read = set(), AlignedBand.read
    monkeypatch.setattr(AlignedBand, "read", lambda band, *window: seen.add(window[2:]) or read(band, *window))
    found = run(scene.job, JobControl())
    assert max(height for _, height in seen) < 80 < max(width for width, _ in seen)
    figures = [name for name, value in before.items() if isinstance(value, float) and name != "seconds"]
    assert len(figures) > 20 and [found[name] for name in figures] == pytest.approx([before[name] for name in figures])


def test_ids_beyond_whole_numbers_are_refused(tmp_path):
    job = replace(Scene(tmp_path).job, zones_path=save(tmp_path / "z.tif", np.full((90, 130), 1e20)))
    with pytest.raises(InvalidInput, match="1e\\+20"):
        run(job, JobControl())


def test_layers_that_do_not_serve_are_named(tmp_path):
    nothing = np.full((90, 130), -9999, np.float32)
    job = replace(
        Scene(tmp_path).job,
        sigma_path=save(tmp_path / "s2.tif", nothing, -9999),
        zones_path=save(tmp_path / "z2.tif", nothing, -9999),
        shadow_path=save(tmp_path / "d2.tif", np.full((90, 130), 255, np.uint8), 255),
    )
    told = " ".join(run(job, JobControl())["warnings"])
    assert "Sigma has no value" in told and "zones have no id" in told and "shadow mask has no value" in told
    job = replace(job, shadow_path=save(tmp_path / "d3.tif", np.full((90, 130), 255, np.uint8)))
    assert any("shadow mask holds 255" in text for text in run(job, JobControl())["warnings"])


@pytest.mark.parametrize("tag", ["oops", "[[1]]", "5", "[null]", '[["a", "b", "c"]]'])
def test_names_of_classes_that_cannot_be_read_are_left_out(tmp_path, tag):
    scene = Scene(tmp_path)
    with rasterio.open(scene.job.land_cover_path, "r+") as dataset:
        dataset.update_tags(SEMANTIC3D_CLASSES=tag)
    values = run(scene.job, JobControl())
    assert values["accuracy"] > 0.5 and any("SEMANTIC3D_CLASSES cannot be read" in text for text in values["warnings"])


def test_pixels_of_micrometres_do_not_fill_the_memory(tmp_path):
    """Degrees under a CRS in metres: windows and halos grow with the points of a surface."""
    tiny = Affine(5e-6, 0, 10, 0, -5e-6, 50)
    heights = np.full((700, 700), 3, np.float32)
    job = EvaluateJob(
        height_path=save(tmp_path / "h.tif", heights, transform=tiny),
        reference_height_path=save(tmp_path / "t.tif", heights + 1, transform=tiny),
    )
    values = run(job, JobControl())
    assert values["mae_m"] == 1 and values["chamfer_m"] is None
    assert any("5e-06 m wide" in text for text in values["warnings"])


@pytest.mark.parametrize("sigma_m", [0.1, 0.3, 1.7, 2.3])
def test_a_constant_sigma_has_no_correlation(sigma_m):
    random, errors = np.random.default_rng(0), UncertaintyErrors()
    for scale, size in ((1.0, 102_400), (3.0, 17_600)):
        errors.add(random.normal(0, scale, size), np.full(size, sigma_m))
    assert np.isnan(errors.result().uecc)


def test_intervals_beyond_the_last_stated_go_on_as_a_gaussians():
    errors = UncertaintyErrors(((0.5, 0.6744897501960817), (0.6827, 1.0)))
    errors.add(np.random.default_rng(0).normal(0, 1, 200_000), np.ones(200_000))
    found = errors.result()
    for level in LEVELS:
        assert found.covered(level) == pytest.approx(level, abs=0.02)

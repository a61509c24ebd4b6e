"""What is accepted as an image, which bands it gives, which pixels are valid, and how values become [0, 1]."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

from s3d_protocol import InvalidInput, InvalidParameter
from semantic3d.raster import normalisation as normalisation_module
from semantic3d.raster.normalisation import blocks_to_look_at, find_normalisation, has_valid_pixel
from semantic3d.raster.source import ImageSource, ReadFailed

GROUND = Affine(0.5, 0, 5e5, 0, -0.5, 5e6)


def write(path, pixels, colours=None, mask=None, palette=None, **profile):
    pixels = np.asarray(pixels)
    settings = {"driver": "GTiff", "crs": "EPSG:32632", "transform": GROUND, **profile}
    settings = {key: value for key, value in settings.items() if value is not None}
    with rasterio.open(
        path, "w", width=pixels.shape[2], height=pixels.shape[1], count=pixels.shape[0], dtype=pixels.dtype, **settings
    ) as dataset:
        if colours:
            dataset.colorinterp = [ColorInterp[name] for name in colours]
        dataset.write(pixels)
        if palette:
            dataset.write_colormap(1, palette)
        if mask is not None:
            dataset.write_mask(mask)
    return str(path)


def noise(bands=3, height=6, width=8, dtype=np.uint8, high=255):
    return np.random.default_rng(0).integers(1, high, (bands, height, width)).astype(dtype)


def read(path, bands=()):
    with ImageSource(path, bands) as source:
        return source.read(0, 0, source.grid.width, source.grid.height)


def test_three_bands_are_red_green_blue(tmp_path):
    pixels = noise()
    values, valid = read(write(tmp_path / "i.tif", pixels))
    np.testing.assert_array_equal(values, pixels)
    assert valid is None


def test_bands_follow_the_colour_interpretation(tmp_path):
    pixels = noise(4)
    path = write(tmp_path / "i.tif", pixels, colours=["blue", "green", "red", "undefined"])
    np.testing.assert_array_equal(read(path)[0], pixels[[2, 1, 0]])


def test_bands_follow_their_descriptions(tmp_path):
    pixels = noise(4)
    path = write(tmp_path / "i.tif", pixels, colours=["gray", "undefined", "undefined", "undefined"])
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("Blue", "NIR", "green", "RED")
    np.testing.assert_array_equal(read(path)[0], pixels[[3, 2, 0]])


def test_bands_asked_for_win(tmp_path):
    pixels = noise(5)
    path = write(tmp_path / "i.tif", pixels)
    np.testing.assert_array_equal(read(path, (5, 1, 2))[0], pixels[[4, 0, 1]])
    with pytest.raises(InvalidParameter, match="Band 6.*1 to 5"):
        ImageSource(path, (1, 2, 6))


def test_a_window_is_that_part(tmp_path):
    pixels = noise()
    with ImageSource(write(tmp_path / "i.tif", pixels)) as source:
        np.testing.assert_array_equal(source.read(2, 1, 5, 3)[0], pixels[:, 1:4, 2:7])


def test_one_grey_band_is_refused_and_the_way_out_works(tmp_path):
    path = write(tmp_path / "i.tif", noise(1))
    with pytest.raises(InvalidInput, match="one grey band.*bands 1, 1, 1"):
        ImageSource(path)
    with ImageSource(path, (1, 1, 1)) as source:
        assert "same band" in source.warnings[0]


def test_two_bands_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="2 bands"):
        ImageSource(write(tmp_path / "i.tif", noise(2)))


def test_a_palette_becomes_its_colours_with_a_warning(tmp_path):
    palette = {0: (10, 20, 30, 255), 1: (200, 100, 50, 255), 2: (1, 2, 3, 255)}
    path = write(tmp_path / "i.tif", np.array([[[0, 1], [2, 1]]], np.uint8), palette=palette, nodata=2)
    values, valid = read(path)
    np.testing.assert_array_equal(values[:, 0, 1], (200, 100, 50))
    np.testing.assert_array_equal(values[:, 0, 0], (10, 20, 30))
    assert valid.tolist() == [[True, True], [False, True]]
    with ImageSource(path) as source:
        assert "colour table" in source.warnings[0]


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_radar_is_refused(tmp_path, dtype):
    with pytest.raises(InvalidInput, match="complex"):
        ImageSource(write(tmp_path / "i.tif", noise(3).astype(dtype)))


def test_ground_control_points_are_refused_with_the_way_out(tmp_path):
    path = write(tmp_path / "i.tif", noise(), transform=None, crs=None)
    with rasterio.open(path, "r+") as dataset:
        points = [rasterio.control.GroundControlPoint(r, c, 5e5 + c, 5e6 - r) for r, c in ((0, 0), (0, 8), (6, 0))]
        dataset.gcps = points, rasterio.crs.CRS.from_epsg(32632)
    with pytest.raises(InvalidInput, match="3 ground control points.*gdalwarp"):
        ImageSource(path)


def test_missing_folder_and_foreign_files_each_have_their_message(tmp_path):
    with pytest.raises(InvalidInput, match="does not exist"):
        ImageSource(str(tmp_path / "no.tif"))
    with pytest.raises(InvalidInput, match="is a folder"):
        ImageSource(str(tmp_path))
    (tmp_path / "text.tif").write_text("no image")
    with pytest.raises(InvalidInput, match="cannot be opened"):
        ImageSource(str(tmp_path / "text.tif"))


def test_wide_blocks_are_kept_for_the_next_piece(tmp_path):
    striped = write(tmp_path / "s.tif", noise(4, 64, 800), photometric="RGB", blockysize=8)
    tiled = write(tmp_path / "t.tif", noise(4, 64, 800), tiled=True, blockxsize=64, blockysize=64)
    with ImageSource(striped) as source:
        assert source.row_bytes(wide_px=200, rows_px=32) == 4 * 800 * (32 + 2 * 8)
        assert source.row_bytes(wide_px=800, rows_px=32) == 0  # no wider than that
    with ImageSource(tiled) as source:
        assert source.row_bytes(wide_px=200, rows_px=32) == 0


def test_a_truncated_file_is_found_before_the_work(tmp_path):
    path = write(tmp_path / "i.tif", noise(3, 600, 600), tiled=True, blockxsize=256, blockysize=256)
    data = (tmp_path / "i.tif").read_bytes()
    (tmp_path / "i.tif").write_bytes(data[: len(data) * 2 // 3])
    with ImageSource(path) as source, pytest.raises(InvalidInput, match="truncated or damaged"):
        find_normalisation(source)


def test_what_was_not_read_now_may_be_read_another_time(tmp_path):
    """The next step is another one for a file of ours than for one in a store, which may merely be busy."""
    whole = Path(write(tmp_path / "image.tif", noise(3, 64, 64))).read_bytes()
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.writestr("cut.tif", whole[:-2000])
    with ImageSource(f"/vsizip/{tmp_path}/images.zip/cut.tif") as source:
        with pytest.raises(ReadFailed, match="server or archive does not give it all.*Run the job again"):
            source.read(0, 0, 64, 64)
    with pytest.raises(ReadFailed, match="cannot be opened"):
        ImageSource(f"/vsizip/{tmp_path}/images.zip/other.tif")
    with pytest.raises(InvalidInput, match="does not exist") as caught:
        ImageSource(str(tmp_path / "other.tif"))
    assert not isinstance(caught.value, ReadFailed)


def test_alpha_masks_and_nan_are_invalid(tmp_path):
    pixels = noise(4)
    pixels[3] = 255
    pixels[3, 2, 3] = 0
    pixels[3, 4, 4] = 1
    _, valid = read(write(tmp_path / "alpha.tif", pixels, colours=["red", "green", "blue", "alpha"]))
    assert np.argwhere(~valid).tolist() == [[2, 3]]

    mask = np.full((6, 8), 255, np.uint8)
    mask[1, 1:3] = 0
    _, valid = read(write(tmp_path / "mask.tif", noise(), mask=mask))
    assert np.argwhere(~valid).tolist() == [[1, 1], [1, 2]]

    floats = noise(3).astype(np.float32)
    floats[1, 0, 0], floats[2, 5, 5] = np.nan, np.inf
    _, valid = read(write(tmp_path / "nan.tif", floats))
    assert np.argwhere(~valid).tolist() == [[0, 0], [5, 5]]


def test_small_alpha_in_16_bit_is_not_lost(tmp_path):
    pixels = noise(4, dtype=np.uint16)
    pixels[3] = 255  # of 65535, as some programs write it
    _, valid = read(write(tmp_path / "i.tif", pixels, colours=["red", "green", "blue", "alpha"]))
    assert valid.all()


def test_nodata_that_may_be_a_colour_counts_only_in_all_bands(tmp_path):
    pixels = noise()
    pixels[:, 0, 0] = 0
    pixels[0, 3, 3] = 0  # a colour without red
    _, valid = read(write(tmp_path / "i.tif", pixels, nodata=0))
    assert np.argwhere(~valid).tolist() == [[0, 0]]


def test_white_as_nodata_leaves_pure_colours(tmp_path):
    pixels = noise(high=200)
    pixels[:, 1, 1] = 255
    pixels[0, 3, 3] = 255
    _, valid = read(write(tmp_path / "i.tif", pixels, nodata=255))
    assert np.argwhere(~valid).tolist() == [[1, 1]]


def test_nodata_that_is_no_colour_counts_in_any_band(tmp_path):
    pixels = noise(dtype=np.int16)
    pixels[0, 3, 3] = -9999
    _, valid = read(write(tmp_path / "i.tif", pixels, nodata=-9999))
    assert np.argwhere(~valid).tolist() == [[3, 3]]


def normalised(path):
    with ImageSource(path) as source:
        rule = find_normalisation(source)
        pixels, _ = source.read(0, 0, source.grid.width, source.grid.height)
        return rule, rule.apply(pixels)


def test_8_bit_is_divided_by_255(tmp_path):
    pixels = noise() // 4  # dark, and stays dark
    _, values = normalised(write(tmp_path / "i.tif", pixels))
    np.testing.assert_allclose(values, pixels / 255.0, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32, np.int32])
def test_other_types_are_stretched_by_valid_percentiles(tmp_path, dtype):
    rng = np.random.default_rng(1)
    pixels = (rng.normal(1000, 100, (3, 90, 110)) + np.array([0, 300, 600])[:, None, None]).astype(dtype)
    outside = np.zeros((90, 110), bool)
    outside[:30] = True
    pixels[:, outside] = 0
    rule, values = normalised(write(tmp_path / "i.tif", pixels, nodata=0))
    inside = np.sort(pixels[:, ~outside].astype(float), axis=1)  # by rank, not by numpy's percentile
    rank = (inside.shape[1] - 1) * np.array([0.02, 0.98])
    expected = inside[:, np.round(rank).astype(int)]
    np.testing.assert_allclose(np.array([rule.low, rule.high]).T, expected, atol=2.0)
    share_cut = [(values[:, ~outside] == edge).mean() for edge in (0.0, 1.0)]
    np.testing.assert_allclose(share_cut, 0.02, atol=0.005)


def test_reflectance_in_unit_range_is_left_alone(tmp_path):
    pixels = np.random.default_rng(2).random((3, 40, 40)).astype(np.float32)
    _, values = normalised(write(tmp_path / "i.tif", pixels))
    np.testing.assert_array_equal(values, pixels)
    rule, values = normalised(write(tmp_path / "dark.tif", pixels * 0.2))
    assert "percentiles" in rule.rule and values.max() == 1.0


def test_a_flat_band_becomes_one_half(tmp_path):
    _, values = normalised(write(tmp_path / "i.tif", np.full((3, 5, 5), 7000, np.uint16)))
    np.testing.assert_allclose(values, 0.5)


def test_all_nodata_is_refused(tmp_path):
    with ImageSource(write(tmp_path / "i.tif", np.zeros((3, 5, 5), np.uint16), nodata=0)) as source:
        with pytest.raises(InvalidInput, match="no valid pixel"):
            find_normalisation(source)


def test_large_images_are_sampled_at_their_corners_too(tmp_path, monkeypatch):
    monkeypatch.setattr(normalisation_module, "_BLOCK_PX", 16)
    monkeypatch.setattr(normalisation_module, "_FULL_CHECK_PX", 1000)
    monkeypatch.setattr(normalisation_module, "_SAMPLED_BLOCKS", 12)
    with ImageSource(write(tmp_path / "i.tif", noise(3, 100, 200))) as source:
        blocks = list(blocks_to_look_at(source))
    assert len(blocks) <= 20
    corners = {(x == 0, y == 0, x + w == 200, y + h == 100) for x, y, w, h in blocks}
    assert {(True, True, False, False), (False, True, True, False), (True, False, False, True)} <= corners
    assert (False, False, True, True) in corners


def test_a_lone_valid_pixel_is_found(tmp_path):
    pixels = np.zeros((3, 60, 70), np.uint8)
    pixels[:, 50, 60] = 9
    with ImageSource(write(tmp_path / "i.tif", pixels, nodata=0)) as source:
        assert has_valid_pixel(source, (0, 0, 70, 60))
        assert not has_valid_pixel(source, (0, 0, 60, 60))


@pytest.mark.parametrize("value", [-9999.0, -3.4e38])
def test_an_undeclared_fill_value_is_told_and_does_not_set_the_range(tmp_path, value):
    pixels = noise(height=40, width=40).astype(np.float32) / 255
    pixels[0, 0, :2] = 0.0, 1.0
    with ImageSource(write(tmp_path / "clean.tif", pixels)) as source:
        clean = find_normalisation(source)
        assert not source.warnings
    pixels[:, :, 30:] = value
    with ImageSource(write(tmp_path / "filled.tif", pixels)) as source:
        assert find_normalisation(source) == clean
        assert len(source.warnings) == 1
        assert "25% of the image" in source.warnings[0] and f"-a_nodata {value:.6g}" in source.warnings[0]


def test_an_undeclared_margin_in_16_bit_leaves_the_stretch_alone(tmp_path):
    pixels = 1000 + noise(height=60, width=60, dtype=np.uint16)
    for value, seen_as in ((0, "black"), (65535, "white")):
        with ImageSource(write(tmp_path / "clean.tif", pixels[:, :, 20:])) as source:
            clean = find_normalisation(source)
        filled = pixels.copy()
        filled[:, :, :20] = value
        with ImageSource(write(tmp_path / "filled.tif", filled)) as source:
            assert find_normalisation(source) == clean
            assert seen_as in source.warnings[0]


def test_one_value_alone_is_no_gap(tmp_path):
    with ImageSource(write(tmp_path / "i.tif", np.full((3, 8, 8), 7, np.uint16))) as source:
        assert find_normalisation(source).low == (6.5,) * 3
        assert not source.warnings


def test_names_in_another_encoding_are_no_names(tmp_path):
    pixels = noise(4)
    path = tmp_path / "i.tif"
    write(path, pixels, colours=["gray", "undefined", "undefined", "undefined"])
    with rasterio.open(path, "r+") as dataset:
        dataset.set_band_description(1, "ROUGE-ABCD")
    path.write_bytes(path.read_bytes().replace(b"ROUGE-ABCD", b"\xe9\xe8\xe0\xe7-ABCDE"))
    np.testing.assert_array_equal(read(str(path))[0], pixels[:3])


def test_bands_that_nothing_tells_apart_are_told(tmp_path):
    colours = ["gray"] + ["undefined"] * 4
    with ImageSource(write(tmp_path / "five.tif", noise(5), colours=colours)) as source:
        assert source.bands == (1, 2, 3)
        assert "5 bands" in source.warnings[0] and "BANDS" in source.warnings[0]
    with ImageSource(write(tmp_path / "three.tif", noise(3), colours=colours[:3])) as source:
        assert not source.warnings


def test_masks_of_single_bands_count(tmp_path):
    write(tmp_path / "i.tif", noise())
    write(tmp_path / "m.tif", np.repeat([[[0, 0, 255, 255, 255, 255, 255, 255]]], 6, axis=1).astype(np.uint8))
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{band}"><SimpleSource><SourceFilename relativeToVRT="1">i.tif'
        f"</SourceFilename><SourceBand>{band}</SourceBand></SimpleSource>"
        + '<MaskBand><VRTRasterBand dataType="Byte"><SimpleSource><SourceFilename relativeToVRT="1">m.tif'
        "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></MaskBand></VRTRasterBand>"
        for band in (1, 2, 3)
    )
    path = tmp_path / "masked.vrt"
    path.write_text(f'<VRTDataset rasterXSize="8" rasterYSize="6">{bands}</VRTDataset>')
    _, valid = read(str(path))
    assert not valid[:, :2].any() and valid[:, 2:].all()


def test_a_picture_in_the_alpha_band_is_told(tmp_path):
    infrared = noise(4, 64, 64)
    with ImageSource(write(tmp_path / "i.tif", infrared, colours=["red", "green", "blue", "alpha"])) as source:
        assert "Band 4" in source.alpha_warning(0, 0, 64, 64)
    cut = infrared.copy()
    cut[3] = 255
    cut[3, :, :20] = 0
    cut[3, :, 20:24] = (50, 100, 150, 200)  # a soft edge
    with ImageSource(write(tmp_path / "a.tif", cut, colours=["red", "green", "blue", "alpha"])) as source:
        assert source.alpha_warning(0, 0, 64, 64) == ""


def test_numbers_of_a_colour_table_are_no_brightness(tmp_path):
    path = write(tmp_path / "p.tif", noise(1), palette={1: (10, 20, 30, 255)})
    with pytest.raises(InvalidParameter, match="colour table"):
        ImageSource(path, (1, 1, 1))


def test_nodata_among_colours_counts_in_all_bands_whatever_the_type(tmp_path):
    pixels = noise(dtype=np.int32, high=200)
    pixels[0, 0, 0], pixels[:, 1, 1] = 255, 255
    _, valid = read(write(tmp_path / "i.tif", pixels, nodata=255))
    assert valid[0, 0] and not valid[1, 1] and valid.sum() == valid.size - 1

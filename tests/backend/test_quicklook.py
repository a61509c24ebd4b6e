"""The quick-look picture: what stands where, judged by its pixels and by another PNG reader."""
from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from rasterio.windows import Window
from semantic3d.exporters import preview
from semantic3d.exporters.canvas import Canvas, shortened, text_height, text_width
from semantic3d.exporters.png import png_bytes
from semantic3d.exporters.quicklook import quicklook, resized, write_quicklook
from semantic3d.exporters.ramps import HEIGHT_RAMP, NODATA_COLOUR, rgb
from semantic3d.models.package import LandCoverClass

CLASSES = (LandCoverClass(1, "ground", "#a08060"), LandCoverClass(4, "building", "#cc3311"))


def write(path, values, nodata=None, tags=None, transform=None, colormap=None):
    values = values if values.ndim == 3 else values[None]
    with rasterio.open(path, "w", driver="GTiff", width=values.shape[2], height=values.shape[1], count=len(values),
                       dtype=values.dtype, crs="EPSG:32610", nodata=nodata,
                       transform=transform or from_origin(500000, 4800000, 0.5, 0.5)) as target:
        target.write(values)
        target.update_tags(**(tags or {}))
        if colormap:
            target.write_colormap(1, colormap)
    return str(path)


@pytest.fixture
def scene(tmp_path):
    """60 x 80 pixels: left half 0 m ground, right half 10 m building, lowest ten rows without data."""
    image = np.zeros((3, 60, 80), np.uint8)
    image[0, :, :40], image[2, :, 40:] = 200, 220
    height = np.zeros((60, 80), np.float32)
    height[:, 40:] = 10.0
    height[50:] = -9999
    cover = np.where(np.arange(80) < 40, 1, 4).astype(np.uint8) * np.ones((60, 1), np.uint8)
    cover[50:] = 0
    tags = {"SEMANTIC3D_CLASSES": json.dumps([[c.id, c.name, c.colour] for c in CLASSES])}
    return {"image_path": write(tmp_path / "i.tif", image), "height_path": write(tmp_path / "h.tif", height, -9999),
            "sigma_path": write(tmp_path / "s.tif", np.full((60, 80), 0.5, np.float32), -9999),
            "land_cover_path": write(tmp_path / "c.tif", cover, 0, tags)}


def panel_centres(picture, panels, row_share, column_share):
    """Pixels of each panel at a relative place: panels are 520 x 390 at x = 24 + 540 i, y = 54."""
    return [tuple(picture[24 + 30 + int(390 * row_share), 24 + 540 * i + int(520 * column_share)])
            for i in range(panels)]


def test_panels_show_the_values(scene):
    picture = quicklook(**scene)
    assert picture.dtype == np.uint8 and picture.shape[1] == 2 * 24 + 4 * 520 + 3 * 20
    left = panel_centres(picture, 4, 0.3, 0.25)
    right = panel_centres(picture, 4, 0.3, 0.75)
    below = panel_centres(picture, 4, 0.95, 0.25)
    assert left[0] == (200, 0, 0) and right[0] == (0, 0, 220) and below[0] == (200, 0, 0)
    assert left[1] == rgb(HEIGHT_RAMP.stops[0]) and right[1] == rgb(HEIGHT_RAMP.stops[-1])  # the scale ends at 10 m
    assert left[3] == rgb("#a08060") and right[3] == rgb("#cc3311")
    assert below[1] == below[3] == NODATA_COLOUR


def test_the_file_is_a_png_that_gdal_reads(scene, tmp_path):
    write_quicklook(str(tmp_path / "q.png"), title="Äöü – scene", gsd_m=0.5, **scene)
    with rasterio.open(tmp_path / "q.png") as source:
        assert source.driver == "PNG" and source.count == 3
        assert (np.moveaxis(source.read(), 0, -1) == quicklook(title="Äöü – scene", gsd_m=0.5, **scene)).all()


def test_missing_outputs_leave_their_panels_out(scene):
    alone = quicklook(scene["image_path"])
    two = quicklook(scene["image_path"], scene["height_path"])
    assert alone.shape[1] == 2 * 24 + 520 and two.shape[1] == 2 * 24 + 2 * 520 + 20


def test_the_image_is_cut_to_the_outputs_extent(scene, tmp_path):
    """Outputs of an extent begin at column 30, row 20 of the image."""
    values = np.arange(60 * 80, dtype=np.float32).reshape(60, 80)
    source_path = write(tmp_path / "big.tif", values)
    part = write(tmp_path / "part.tif", values[20:50, 30:70], transform=from_origin(500015, 4799990, 0.5, 0.5))
    read = preview.read_preview(source_path, like=part)
    assert (read.values[0] == values[20:50, 30:70]).all()
    over = write(tmp_path / "over.tif", values[:10, :10], transform=from_origin(499995, 4800000, 0.5, 0.5))
    read = preview.read_preview(source_path, like=over)
    assert not read.valid[:, :10].all() and read.values.shape == (1, 10, 10)


def test_a_rotated_grid_is_cut_the_same_way(tmp_path):
    values = np.arange(40 * 50, dtype=np.float32).reshape(40, 50)
    grid = rasterio.Affine(0.4, 0.3, 500000, 0.3, -0.4, 4800000)
    part_grid = rasterio.Affine(0.4, 0.3, 500000 + 0.4 * 7 + 0.3 * 5, 0.3, -0.4, 4800000 + 0.3 * 7 - 0.4 * 5)
    whole = write(tmp_path / "whole.tif", values, transform=grid)
    part = write(tmp_path / "part.tif", values[5:25, 7:37], transform=part_grid)
    assert (preview.read_preview(whole, like=part).values[0] == values[5:25, 7:37]).all()


def test_reads_are_decimated(tmp_path):
    path = str(tmp_path / "large.tif")
    with rasterio.open(path, "w", driver="GTiff", width=9000, height=3000, count=1, dtype="float32", tiled=True,
                       sparse_ok=True, crs="EPSG:32610", transform=from_origin(0, 0, 1, 1)) as target:
        target.write(np.full((1, 256, 256), 8.0, np.float32), window=Window(0, 0, 256, 256))
    read = preview.read_preview(path)
    assert read.values.shape == (1, 341, 1024) and read.step_px == pytest.approx(9000 / 1024)


def test_sixteen_bit_images_are_stretched_by_percentiles(tmp_path):
    values = np.tile(np.linspace(1000, 3000, 101), (10, 1)).astype(np.uint16)
    picture = preview.image_picture(write(tmp_path / "u16.tif", np.stack([values] * 3)))
    assert picture[0, 0, 0] == 0 and picture[0, -1, 0] == 255 and abs(int(picture[0, 50, 0]) - 128) <= 1


def test_palette_images_show_their_colours(tmp_path):
    path = write(tmp_path / "p.tif", np.array([[0, 1], [1, 0]], np.uint8), colormap={0: (9, 8, 7), 1: (200, 100, 50)})
    picture = preview.image_picture(path)
    assert tuple(picture[0, 0]) == (9, 8, 7) and tuple(picture[0, 1]) == (200, 100, 50)


def test_classes_are_read_from_the_file(scene, tmp_path):
    assert preview.stored_classes(scene["land_cover_path"]) == CLASSES
    bare = write(tmp_path / "bare.tif", np.array([[0, 2], [2, 5]], np.uint8), 0,
                 colormap={2: (10, 20, 30, 255), 5: (40, 50, 60, 255)})
    assert [(item.id, item.colour) for item in preview.stored_classes(bare)] == [(2, "#0a141e"), (5, "#28323c")]


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 7, 3), (4, 3, 4), (6, 2)])
def test_png_round_trip(shape):
    picture = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    with MemoryFile(png_bytes(picture)) as memory, memory.open() as source:
        back = source.read()
    assert (back == (picture[None] if picture.ndim == 2 else np.moveaxis(picture, -1, 0))).all()


def test_png_refuses_other_arrays():
    with pytest.raises(ValueError):
        png_bytes(np.zeros((2, 2, 3), np.float32))


def test_resizing_keeps_the_mean_and_the_corners():
    picture = np.random.default_rng(2).integers(0, 256, (60, 90, 3)).astype(np.uint8)
    small = resized(picture, 20, 30)
    expected = picture.reshape(20, 3, 30, 3, 3).mean(axis=(1, 3))
    assert np.abs(small - expected).max() <= 0.5
    large = resized(picture, 120, 180)
    assert (large[::2, ::2] == picture).all()


def test_text_is_drawn_where_it_is_asked_for():
    canvas = Canvas(200, 40)
    canvas.text(100, 5, "Height 12 m", anchor="middle")
    rows, columns = np.nonzero((canvas.pixels < 128).any(axis=2))
    width = text_width("Height 12 m")
    assert rows.min() >= 5 and rows.max() < 5 + text_height()
    assert abs((columns.min() + columns.max()) / 2 - 100) < 4 and columns.max() - columns.min() <= width
    assert text_width("iiii") < text_width("MMMM") and text_width("a", bold=True) > 0
    assert shortened("a rather long name of a class", 60).endswith("…")
    Canvas(10, 10).text(-5, 8, "over the edge 漢字")  # neither the edge nor a strange sign is a fault

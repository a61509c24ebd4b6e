"""References on another grid: hand-worked pixels, other CRSs and sizes, nothing invented across NoData."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.warp import transform as transform_points
from s3d_protocol import InvalidInput
from semantic3d.raster.reference import Reference, merged
from semantic3d.raster.grid import Grid
from semantic3d.raster.polygons import Polygons

UTM = CRS.from_epsg(32632)
EAST, NORTH = 500000.0, 5300000.0


def never():
    pass


def grid(width=8, height=6, gsd=0.5, east=EAST, north=NORTH, crs=UTM):
    return Grid(crs, from_origin(east, north, gsd, gsd), width, height)


def write(path, values, gsd=0.5, east=EAST, north=NORTH, crs=UTM, nodata=None, **more):
    values = np.asarray(values)
    with rasterio.open(path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1,
                       dtype=values.dtype, crs=crs, transform=from_origin(east, north, gsd, gsd), nodata=nodata) as out:
        out.write(values, 1)
        if "scale" in more:
            out.scales = (more["scale"],)
    return str(path)


def heights(path, on, **more):
    with Reference(path, "nDSM") as reference:
        return reference.heights(on, never, **more)


def test_the_same_grid_passes_values_through(tmp_path):
    values = np.arange(48, dtype=np.float32).reshape(6, 8)
    values[2, 3] = -9999
    found = heights(write(tmp_path / "a.tif", values, nodata=-9999), grid())
    expected = np.where(values == -9999, np.nan, values)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_finer_heights_are_averaged_over_what_is_known(tmp_path):
    """0.25 m onto 0.5 m: each pixel is the mean of its four, or nothing where most of them are NoData."""
    fine = np.array([[1, 3, -9999, 8], [5, 7, 4, 6], [-9999, -9999, 2, 2], [-9999, 9, 2, -9999]], np.float32)
    found = heights(write(tmp_path / "a.tif", fine, gsd=0.25, nodata=-9999), grid(2, 2))
    np.testing.assert_allclose(found, [[4, 6], [np.nan, 2]], atol=1e-5)


def test_coarser_heights_are_interpolated_but_not_beyond_the_edge(tmp_path):
    """1 m columns 0, 10, 20 m on 0.5 m: centres lie a quarter pixel beside the coarse ones."""
    coarse = np.tile(np.array([[0, 10, 20]], np.float32), (4, 1))
    found = heights(write(tmp_path / "a.tif", coarse, gsd=1.0), grid(8, 6))
    np.testing.assert_allclose(found[3, 1:5], [2.5, 7.5, 12.5, 17.5], atol=1e-4)
    assert np.isnan(found[:, 6:]).all()  # the reference ends at 3 m


def test_another_crs_gives_the_value_of_the_place(tmp_path):
    """A height that grows with longitude and latitude, in degrees, read on a UTM grid."""
    west, north, step = 8.9990, 47.8520, 2e-6
    rows, columns = np.mgrid[0:400, 0:600]
    longitude, latitude = west + (columns + 0.5) * step, north - (rows + 0.5) * step
    values = (10 + 1e4 * (longitude - west) + 2e4 * (north - latitude)).astype(np.float32)
    path = write(tmp_path / "a.tif", values, gsd=step, east=west, north=north, crs=CRS.from_epsg(4326))
    (east,), (top,) = transform_points(CRS.from_epsg(4326), UTM, [west + 150 * step], [north - 100 * step])
    on = grid(40, 30, 0.5, east, top)
    found = heights(path, on)
    x = east + (np.arange(40) + 0.5) * 0.5
    y = top - (np.arange(30) + 0.5) * 0.5
    xs, ys = np.meshgrid(x, y)
    lon, lat = transform_points(UTM, CRS.from_epsg(4326), xs.ravel().tolist(), ys.ravel().tolist())
    expected = 10 + 1e4 * (np.array(lon) - west) + 2e4 * (north - np.array(lat))
    np.testing.assert_allclose(found.ravel(), expected, atol=0.02)


def test_pieces_fit_together(tmp_path, monkeypatch):
    from semantic3d.raster import reference

    values = np.random.default_rng(0).normal(5, 2, (150, 170)).astype(np.float32)
    path = write(tmp_path / "a.tif", values, gsd=0.3, nodata=-9999)
    whole = heights(path, grid(100, 88))
    monkeypatch.setattr(reference, "_CHUNK_PX", 17)
    np.testing.assert_allclose(heights(path, grid(100, 88)), whole, atol=1e-4)


def test_stored_scale_and_undeclared_nodata(tmp_path):
    stored = np.array([[120, 35, -9999, 40]], np.int16)
    found = heights(write(tmp_path / "a.tif", stored, scale=0.1), grid(4, 1), lowest_m=-50)
    np.testing.assert_allclose(found, [[12, 3.5, np.nan, 4]], atol=1e-4)


def test_feet_by_the_unit_of_the_band_become_metres(tmp_path):
    path = write(tmp_path / "a.tif", np.full((6, 8), 10, np.float32))
    with rasterio.open(path, "r+") as dataset:
        dataset.units = ["ft"]
    np.testing.assert_allclose(heights(path, grid()), 3.048, rtol=1e-6)
    with Reference(path, "DSM") as reference:
        assert "The DSM" in reference.unit_word and "feet" in reference.unit_word


def test_an_alpha_band_counts_beside_nodata(tmp_path):
    values = np.full((6, 8), 4, np.float32)
    values[0] = -9999
    alpha = np.full((6, 8), 255, np.float32)
    alpha[1] = 0
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", width=8, height=6, count=2, dtype="float32", crs=UTM,
                       transform=from_origin(EAST, NORTH, 0.5, 0.5), nodata=-9999) as out:
        out.colorinterp = (rasterio.enums.ColorInterp.gray, rasterio.enums.ColorInterp.alpha)
        out.write(np.stack([values, alpha]))
    found = heights(str(tmp_path / "a.tif"), grid())
    assert np.isnan(found[:2]).all() and (found[2:] == 4).all()


def test_elsewhere_is_unknown(tmp_path):
    path = write(tmp_path / "a.tif", np.ones((4, 4), np.float32), east=EAST + 1000)
    assert np.isnan(heights(path, grid())).all()


def test_classes_by_majority_and_map(tmp_path):
    """0.25 m onto 0.5 m: three of four win; unmapped values and NoData are unknown."""
    fine = np.array([[10, 10, 20, 99], [10, 20, 99, 99], [255, 255, 30, 30], [255, 10, 30, 30]], np.uint8)
    path = write(tmp_path / "a.tif", fine, gsd=0.25, nodata=255)
    with Reference(path, "land cover") as reference:
        found = reference.classes(grid(3, 2), never, {10: 1, 20: 3, 30: 4})
        assert reference.values([grid(2, 2)], never) == {10: 4, 20: 2, 30: 4, 99: 3}
    np.testing.assert_array_equal(found, [[1, 0, 0], [0, 4, 0]])


def test_the_first_known_value_wins():
    a, b = np.array([1, np.nan, np.nan]), np.array([5, 6, np.nan])
    np.testing.assert_array_equal(merged(iter([a, b])), [1, 6, np.nan])
    np.testing.assert_array_equal(merged(iter([np.array([0, 2]), np.array([3, 4])])), [3, 2])
    assert merged(iter([])) is None


def test_faults_are_told(tmp_path):
    with pytest.raises(InvalidInput, match="no.tif.*cannot be opened"):
        Reference(str(tmp_path / "no.tif"), "DSM")
    path = write(tmp_path / "a.tif", np.ones((2, 2), np.float32), crs=None)
    with pytest.raises(InvalidInput, match="nDSM has no CRS"):
        heights(path, grid())
    fractions = write(tmp_path / "b.tif", np.full((2, 2), 1.5, np.float32))
    with Reference(fractions, "land cover") as reference, pytest.raises(InvalidInput, match="fractions"):
        reference.values([grid()], never)


def test_values_are_counted_under_the_images_alone(tmp_path):
    """A raster of 9000 x 9000 pixels: one value under each of two grids, and many elsewhere that nobody asks for."""
    path = tmp_path / "a.tif"
    with rasterio.open(path, "w", driver="GTiff", width=9000, height=9000, count=1, dtype="uint8", crs=UTM, nodata=0,
                       transform=from_origin(EAST, NORTH, 1, 1), tiled=True, sparse_ok=True, compress="deflate") as out:
        for at, value in ((100, 10), (4000, 99), (8000, 20)):
            out.write(np.full((8, 8), value, np.uint8), 1, window=rasterio.windows.Window(at, at, 8, 8))
    grids = [grid(16, 16, 0.5, EAST + at, NORTH - at) for at in (100, 8000, 60000)]
    asked = []
    with Reference(str(path), "land cover") as reference:
        assert reference.values(grids, lambda: asked.append(1)) == {10: 64, 20: 64}
        assert len(asked) == 2  # windows that were read; the third grid lies elsewhere
        with pytest.raises(InvalidInput, match="the image has no CRS"):
            reference.values([grid(crs=None)], never)


def test_an_undeclared_nan_in_a_class_raster_is_unknown(tmp_path):
    classes = write(tmp_path / "a.tif", np.array([[1, np.nan], [4, 4]], np.float32))
    with Reference(classes, "land cover") as reference:
        assert reference.values([grid(2, 2)], never) == {1: 1, 4: 2}
        np.testing.assert_array_equal(reference.classes(grid(2, 2), never, {1: 1, 4: 4}), [[1, 0], [4, 4]])


def square(east, south, side):
    ring = [[east, south], [east + side, south], [east + side, south + side], [east, south + side], [east, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def write_polygons(path, shapes, crs=None):
    content = {"type": "FeatureCollection",
               "features": [{"type": "Feature", "properties": {}, "geometry": shape} for shape in shapes]}
    if crs:
        content["crs"] = {"type": "name", "properties": {"name": crs}}
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("kind", ["image", "degrees", "member"])
def test_polygons_are_burnt_whatever_their_crs(tmp_path, kind):
    shapes = [square(EAST + 1, NORTH - 2, 1), square(EAST + 3, NORTH - 3, 0.5), {"type": "Point", "coordinates": [0, 0]}]
    crs = None
    if kind != "image":
        to = 4326 if kind == "degrees" else 3035
        crs = None if kind == "degrees" else "urn:ogc:def:crs:EPSG::3035"
        for shape in shapes[:2]:
            ring = shape["coordinates"][0]
            xs, ys = transform_points(UTM, CRS.from_epsg(to), *map(list, zip(*ring)))
            shape["coordinates"] = [[list(point) for point in zip(xs, ys)]]
    polygons = Polygons(write_polygons(tmp_path / "p.json", shapes, crs))
    covered, near = polygons.burn(grid(10, 8))
    expected = np.zeros((8, 10), bool)
    expected[2:4, 2:4] = True  # 1 to 2 m east, 1 to 2 m south
    expected[5, 6] = True
    np.testing.assert_array_equal(covered, expected)
    assert polygons.count == 2
    if kind == "image":
        np.testing.assert_array_equal(near[2:6, 2:7], True)
        assert near.sum() == 20


def test_polygons_that_are_none(tmp_path):
    (tmp_path / "p.gpkg").write_bytes(b"SQLite format 3\0" + bytes(range(128, 256)))
    with pytest.raises(InvalidInput, match="Convert other formats to it"):
        Polygons(str(tmp_path / "p.gpkg"))
    for text, words in (("{", "GeoJSON"), ("[]", "object"), ('{"type": "Point", "coordinates": [1, 2]}', "no polygons")):
        (tmp_path / "p.json").write_text(text, encoding="utf-8")
        with pytest.raises(InvalidInput, match=words):
            Polygons(str(tmp_path / "p.json"))
    wrong = write_polygons(tmp_path / "q.json", [square(0, 0, 1)], "Middle Earth")
    with pytest.raises(InvalidInput, match="Middle Earth"):
        Polygons(wrong)


HOLE = [[EAST + 1, NORTH - 2], [EAST + 2, NORTH - 2], [EAST + 2, NORTH - 3], [EAST + 1, NORTH - 2]]


@pytest.mark.parametrize("crs", [None, "EPSG:32632"])
@pytest.mark.parametrize(
    ("kind", "coordinates"),
    [("Polygon", [[]]), ("Polygon", [[], HOLE]), ("MultiPolygon", [[]]), ("MultiPolygon", [[[]], None])],
)
def test_empty_polygons_are_left_out(tmp_path, kind, coordinates, crs):
    empty = {"type": kind, "coordinates": coordinates}
    shapes = [empty, square(EAST + 1, NORTH - 2, 1)]
    polygons = Polygons(write_polygons(tmp_path / "p.json", shapes, crs))
    assert polygons.count == 1 and polygons.burn(grid(10, 8))[0].sum() == 4
    with pytest.raises(InvalidInput, match="holds no polygons"):
        Polygons(write_polygons(tmp_path / "p.json", [empty], crs))


def test_an_empty_ring_takes_no_other_with_it(tmp_path):
    whole = square(EAST + 1, NORTH - 2, 1)["coordinates"]
    for shape in ({"type": "Polygon", "coordinates": [*whole, []]},
                  {"type": "MultiPolygon", "coordinates": [[], [[]], whole]},
                  {"type": "Polygon", "coordinates": [[[*pair, None] for pair in whole[0]]]}):
        assert Polygons(write_polygons(tmp_path / "p.json", [shape])).burn(grid(10, 8))[0].sum() == 4


@pytest.mark.parametrize(
    ("coordinates", "words"),
    [
        ([[[None, None], [1, 1], [2, 2], [None, None]]], r"\[None, None\] in the place of x and y"),
        ([[None, None, None, None]], "None in the place of a list"),
        ([[[1, "a"], [2, 2], [3, 3], [1, 1]]], r"\[1, 'a'\] in the place"),
        ([[[float("nan"), 1], [2, 2], [3, 3], [1, 1]]], r"\[nan, 1\] in the place"),
        ([[[1], [2], [3]]], "not enough values"),
        ("x", "'x' in the place of a list"),
    ],
)
def test_polygons_with_coordinates_that_are_none(tmp_path, coordinates, words):
    shapes = [square(EAST + 1, NORTH - 2, 1), {"type": "Polygon", "coordinates": coordinates}]
    with pytest.raises(InvalidInput, match=f"Polygon 2 of .*{words}.*Fix geometries"):
        Polygons(write_polygons(tmp_path / "p.json", shapes))

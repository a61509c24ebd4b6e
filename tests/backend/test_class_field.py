"""Polygons whose class stands in a field: codes by hand, what is outside, and what fits no class. Needs no torch."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.warp import transform as transform_points
from s3d_protocol import InvalidInput, InvalidParameter, JobControl, TrainJob
from semantic3d.datasets.labelled import NOT_BUILDING
from semantic3d.datasets.user_rasters import ClassTable, read_scenes
from semantic3d.raster.polygons import FieldPolygons, class_value
from test_reference import EAST, NORTH, UTM, square

SIDE = 32
CLASSES = [{"id": 2, "name": "ground"}, {"id": 3, "name": "tree"}, {"id": 4, "name": "building"}]  # codes 1, 2, 3
TREE, BUILDING = 2, 3


def write(path, values):
    with rasterio.open(path, "w", driver="GTiff", width=SIDE, height=SIDE, count=len(values), dtype="uint8", crs=UTM,
                       transform=from_origin(EAST, NORTH, 1.0, 1.0)) as out:
        out.write(np.asarray(values, np.uint8))
    return str(path)


def place(left, top, side):
    """A square of pixels as a ring in the image's CRS."""
    return square(EAST + left, NORTH - top - side, side)


def write_features(path, features, crs=None):
    content = {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": properties, "geometry": shape} for shape, properties in features
    ]}
    if crs:
        content["crs"] = {"type": "name", "properties": {"name": crs}}
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def read(folder, features, classes=CLASSES, **changes):
    """Training codes [H, W] and what was told."""
    image = write(folder / "a.tif", np.random.default_rng(0).integers(1, 255, (3, SIDE, SIDE)))
    outlines = write_features(folder / "p.geojson", features)
    job = TrainJob((image,), str(folder / "m"), buildings_path=outlines, **{"class_field": "kind", **changes})
    job.check()
    found = read_scenes(job, 1.0, (0.5, 2.0), ClassTable.of(classes), JobControl())
    return found.scenes[0].sample.land_cover, found


def expected(*boxes):
    codes = np.zeros((SIDE, SIDE), np.uint8)
    for left, top, side, code in boxes:
        codes[top : top + side, left : left + side] = code
    return codes


TWO = [(place(2, 3, 5), {"kind": "house"}), (place(20, 16, 8), {"kind": "wood"})]


def test_each_polygon_has_the_class_of_its_value_and_outside_nothing_is_known(tmp_path):
    codes, found = read(tmp_path, TWO, class_map="house=4, wood=3")
    np.testing.assert_array_equal(codes, expected((2, 3, 5, BUILDING), (20, 16, 8, TREE)))
    assert found.class_pixels == {BUILDING: 25, TREE: 64} and not found.warnings


def test_without_a_field_all_are_buildings_and_the_rest_of_their_rectangle_is_none(tmp_path):
    codes, _ = read(tmp_path, TWO, class_field="")
    around = np.zeros((SIDE, SIDE), np.uint8)
    around[3:24, 2:28] = NOT_BUILDING
    houses = expected((2, 3, 5, BUILDING), (20, 16, 8, BUILDING))
    np.testing.assert_array_equal(codes, np.where(houses > 0, houses, around))


def test_without_a_class_map_values_are_class_ids_whatever_their_type(tmp_path):
    features = [(place(0, 0, 3), {"kind": 4}), (place(5, 0, 3), {"kind": "3"}), (place(10, 0, 3), {"kind": 2.0})]
    codes, _ = read(tmp_path, features)
    np.testing.assert_array_equal(codes, expected((0, 0, 3, BUILDING), (5, 0, 3, TREE), (10, 0, 3, 1)))


def test_values_without_a_class_are_unknown_and_told_as_those_of_rasters_are(tmp_path):
    features = [
        *TWO, (place(10, 2, 3), {"kind": "shed"}), (place(14, 2, 3), {"kind": None}), (place(18, 2, 3), {}),
        (place(22, 2, 3), {"kind": "void"}), (place(26, 2, 3), {"kind": 77}),
    ]  # fmt: skip
    codes, found = read(tmp_path, features, class_map="house=4,wood=3,void=0")
    np.testing.assert_array_equal(codes, expected((2, 3, 5, BUILDING), (20, 16, 8, TREE)))
    (warning,) = found.warnings
    assert warning.endswith("count as unknown: 77, shed.") and "field kind of the polygons" in warning


def test_where_two_overlap_the_first_with_a_class_wins(tmp_path):
    features = [(place(0, 0, 9), {"kind": "shed"}), (place(2, 2, 4), {"kind": 1}), (place(0, 0, 9), {"kind": 0})]
    codes, _ = read(tmp_path, features, class_map="1=4,0=3")
    np.testing.assert_array_equal(codes, expected((0, 0, 9, TREE), (2, 2, 4, BUILDING)))


@pytest.mark.parametrize(("value", "pair"), [(9, ",9=2"), (2, "")])  # texts alone say nothing of the raster's values
def test_a_class_raster_holds_where_no_polygon_has_a_class(tmp_path, value, pair):
    cover = write(tmp_path / "cover.tif", np.full((1, SIDE, SIDE), value))
    features = [*TWO, (place(10, 2, 3), {"kind": "shed"})]
    codes, _ = read(tmp_path, features, class_map=f"house=4,wood=3{pair}", land_cover_paths=(cover,))
    around = expected((2, 3, 5, BUILDING), (20, 16, 8, TREE))
    np.testing.assert_array_equal(codes, np.where(around > 0, around, 1))


def test_a_model_without_buildings_learns_from_polygons_of_its_classes(tmp_path):
    trees = [item for item in CLASSES if item["id"] != 4]
    codes, found = read(tmp_path, TWO, classes=trees, class_map="wood=3")
    np.testing.assert_array_equal(codes, expected((20, 16, 8, TREE)))
    assert "house" in found.warnings[0]
    with pytest.raises(InvalidParameter, match="no class with that name.*class field"):
        read(tmp_path, TWO, classes=trees, class_field="")


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"class_field": "Kind"}, InvalidInput, "no field 'Kind'. They have: kind."),
        ({}, InvalidInput, "field kind of the polygons holds the values house, wood, .*such as house=1"),
        ({"class_map": "hut=4"}, InvalidInput, "holds the values house, wood"),
        ({"class_map": "house=9"}, InvalidParameter, "names class 9"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, changes, error, words):
    with pytest.raises(error, match=words):
        read(tmp_path, TWO, **changes)


def test_a_field_without_values_and_polygons_without_fields_are_told(tmp_path):
    with pytest.raises(InvalidInput, match="field kind .* is empty"):
        read(tmp_path, [(place(0, 0, 3), {"kind": None})])
    (tmp_path / "bare.json").write_text(json.dumps(place(0, 0, 3)), encoding="utf-8")
    with pytest.raises(InvalidInput, match="no fields at all"):
        FieldPolygons(str(tmp_path / "bare.json"), "kind")


def test_values_stay_with_their_polygons_in_another_crs_and_in_collections(tmp_path):
    from semantic3d.raster.grid import Grid

    features = []
    for left, kind in ((2, "house"), (9, "wood")):
        shape = place(left, 2, 4)
        xs, ys = transform_points(UTM, CRS.from_epsg(3035), *map(list, zip(*shape["coordinates"][0])))
        shape["coordinates"] = [[list(point) for point in zip(xs, ys)]]
        point = {"type": "Point", "coordinates": shape["coordinates"][0][0]}
        features.append(({"type": "GeometryCollection", "geometries": [point, shape]}, {"kind": kind}))
    polygons = FieldPolygons(write_features(tmp_path / "p.json", features, "EPSG:3035"), "kind")
    assert polygons.counts() == {"house": 1, "wood": 1}
    grid = Grid(UTM, from_origin(EAST, NORTH, 1.0, 1.0), SIDE, SIDE)
    codes = polygons.burn_codes(grid, {"house": BUILDING, "wood": TREE})
    np.testing.assert_array_equal(codes, expected((2, 2, 4, BUILDING), (9, 2, 4, TREE)))


def test_values_as_class_maps_name_them():
    given = [7, 7.0, " 7 ", "-07", True, 2.5, "2.5", " a b ", "", None, float("nan"), ["x"]]
    assert [class_value(value) for value in given] == [7, 7, 7, -7, 1, "2.5", "2.5", "a b", None, None, None, '["x"]']

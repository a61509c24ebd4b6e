"""Zones given as polygons, as people have land use; and the GSD of predictions without a place."""

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluation_scene import Scene, save
from rasterio.transform import Affine
from rasterio.warp import transform_geom

from s3d_protocol import EvaluateJob, InvalidInput, InvalidParameter, JobControl
from semantic3d.jobs.evaluate import run
from semantic3d.jobs import evaluate


def box(left_px, right_px, top_px=0, bottom_px=90, crs="EPSG:32632"):
    """A rectangle of the scene's pixels as a geometry in a CRS."""
    xs, ys = (5e5 + 0.5 * left_px, 5e5 + 0.5 * right_px), (5e6 - 0.5 * bottom_px, 5e6 - 0.5 * top_px)
    ring = [(xs[0], ys[0]), (xs[1], ys[0]), (xs[1], ys[1]), (xs[0], ys[1]), (xs[0], ys[0])]
    shape = {"type": "Polygon", "coordinates": [ring]}
    return shape if crs == "EPSG:32632" else transform_geom("EPSG:32632", crs, shape)


def write_zones(path, zones, crs="EPSG:32632"):
    """zones: (geometry, properties)."""
    features = [{"type": "Feature", "properties": own, "geometry": shape} for shape, own in zones]
    member = {} if crs == "EPSG:4326" else {"crs": {"type": "name", "properties": {"name": crs}}}
    path.write_text(json.dumps({"type": "FeatureCollection", **member, "features": features}), encoding="utf-8")
    return str(path)


def zones_of(job):
    """Name, or id as text -> entry of the figures."""
    figures = json.loads(open(job.figures_path, encoding="utf-8").read())
    return {entry["name"]: entry for entry in figures["zones"]}


@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:4326"])
def test_polygons_of_a_field_are_zones_by_name(tmp_path, monkeypatch, crs):
    """The same figures as with a raster of ids, also where windows cut the polygons."""
    monkeypatch.setattr(evaluate, "WINDOW_PX", 32)
    scene = Scene(tmp_path)
    by_raster = replace(scene.with_outputs("raster"), zones_path=save(tmp_path / "z.tif", scene.zones))
    parts = [(box(0, 50, crs=crs), {"use": "Wohnen – dicht"}), (box(100, 130, crs=crs), {"use": "park"}),
             (box(50, 100, crs=crs), {"use": "park"}), (box(0, 130, crs=crs), {"use": None})]
    polygons = write_zones(tmp_path / "land use.geojson", parts, crs)
    by_name = replace(scene.with_outputs("names"), zones_path=polygons, zones_field="use")
    run(by_raster, JobControl())
    told = run(by_name, JobControl())["warnings"]
    assert "1 of 4 polygons" in " ".join(told)
    expected, found = zones_of(by_raster), zones_of(by_name)
    assert set(found) == {"Wohnen – dicht", "park"} and set(expected) == {"0", "1", "2"}
    slack = 0 if crs == "EPSG:32632" else 200
    assert found["Wohnen – dicht"]["pixels"] == pytest.approx(expected["0"]["pixels"], abs=slack)
    if not slack:
        assert found["Wohnen – dicht"]["mae_m"] == pytest.approx(expected["0"]["mae_m"])
        assert found["park"]["pixels"] == expected["1"]["pixels"] + expected["2"]["pixels"]
    assert "Wohnen – dicht" in open(by_name.table_path, encoding="utf-8-sig").read()
    assert "Wohnen – dicht" in open(by_name.report_path, encoding="utf-8").read()


def test_without_a_field_each_polygon_is_a_zone_and_the_first_is_on_top(tmp_path):
    job = Scene(tmp_path).with_outputs()
    path = write_zones(tmp_path / "z.json", [(box(10, 20, 10, 20), {}), (box(0, 130), {})])
    run(replace(job, zones_path=path), JobControl())
    found = zones_of(job)
    assert set(found) == {"1", "2"} and 80 < found["1"]["pixels"] <= 100 < found["2"]["pixels"]


def test_whole_numbers_of_a_field_are_the_ids(tmp_path):
    job = Scene(tmp_path).with_outputs()
    path = write_zones(tmp_path / "z.geojson", [(box(0, 60), {"code": 1110}), (box(60, 130), {"code": "31"})])
    run(replace(job, zones_path=path, zones_field="code"), JobControl())
    assert set(zones_of(job)) == {"31", "1110"}


def test_zones_that_cannot_serve_are_refused(tmp_path, monkeypatch):
    scene = Scene(tmp_path)
    path = write_zones(tmp_path / "z.geojson", [(box(n, n + 1), {"use": f"u{n}"}) for n in range(9)])
    for changes, error, words in (
        ({"zones_path": path, "zones_field": "landuse"}, InvalidInput, "no field 'landuse'. They have: use"),
        ({"zones_field": "use"}, InvalidParameter, "no zones are given as polygons"),
        ({"zones_path": write_zones(tmp_path / "far.geojson", [(box(5000, 6000), {})])}, InvalidInput, "do not lie over"),
        ({"gsd_m": 1e6}, InvalidParameter, "The GSD is 1000000"),
    ):
        with pytest.raises(error, match=words):
            run(replace(scene.job, **changes), JobControl())
    monkeypatch.setattr(evaluate, "MAX_ZONES", 8)
    with pytest.raises(InvalidInput, match="holds 9 zones, and at most 8"):
        run(replace(scene.job, zones_path=path), JobControl())


def test_surfaces_without_a_place_need_the_gsd(tmp_path):
    def nowhere(name, height_m):
        return save(tmp_path / name, np.full((60, 60), height_m, np.float32), transform=Affine.identity(), crs=None)

    job = EvaluateJob(height_path=nowhere("h.tif", 5.4), reference_height_path=nowhere("t.tif", 5.0))
    without = run(job, JobControl())
    assert without["chamfer_m"] is None and any("Give the ground sampling distance" in text for text in without["warnings"])
    found = run(replace(job, gsd_m=0.31), JobControl())
    assert found["chamfer_m"] == pytest.approx(0.4, rel=1e-4) and not found["warnings"]


@pytest.mark.parametrize("value", [-1.7976931348623157e308, 1e20, None])
def test_values_that_are_none_name_no_zone_and_hide_none(tmp_path, value):
    job = Scene(tmp_path).with_outputs()
    path = write_zones(tmp_path / "z.geojson", [(box(0, 130), {"n": value}), (box(0, 130), {"n": 5})])
    assert any("1 of 2 polygons" in text for text in run(replace(job, zones_path=path, zones_field="n"), JobControl())["warnings"])
    assert set(zones_of(job)) == {"5"}


def test_a_name_that_no_file_takes_is_written_as_escapes(tmp_path):
    job = Scene(tmp_path).with_outputs()
    path = write_zones(tmp_path / "z.geojson", [(box(0, 130), {"n": "odd \ud800"})])
    run(replace(job, zones_path=path, zones_field="n"), JobControl())
    assert set(zones_of(job)) == {"odd \\ud800"}

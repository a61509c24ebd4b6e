"""Where pixels lie and how many metres they cover. Expectations: series of the meridian arc, definitions of units."""

import math

import pytest
from rasterio.crs import CRS
from rasterio.transform import Affine

from s3d_protocol import InvalidParameter
from semantic3d.raster.grid import Grid, apply, pixel_size, pixel_size_range


def grid(crs, transform, width=200, height=100):
    return Grid(CRS.from_user_input(crs) if crs else None, transform, width, height)


def rotated(angle_deg, width, height, x, y):
    sine, cosine = math.sin(math.radians(angle_deg)), math.cos(math.radians(angle_deg))
    return Affine(width * cosine, -height * sine, x, width * sine, height * cosine, y)


def degree_lengths_m(latitude_deg):
    """Metres per degree of longitude and latitude on WGS 84: the usual cosine series, good to a few cm."""
    phi = math.radians(latitude_deg)
    longitude = 111412.84 * math.cos(phi) - 93.5 * math.cos(3 * phi) + 0.118 * math.cos(5 * phi)
    latitude = 111132.92 - 559.82 * math.cos(2 * phi) + 1.175 * math.cos(4 * phi) - 0.0023 * math.cos(6 * phi)
    return longitude, latitude


def test_metres_are_taken_as_they_are():
    size = pixel_size(grid("EPSG:32632", Affine(0.5, 0, 5e5, 0, -0.25, 5e6)))
    assert (size.x_m, size.y_m) == (0.5, 0.25)
    assert size.gsd_m == pytest.approx(math.sqrt(0.125))


def test_us_survey_feet():
    size = pixel_size(grid("EPSG:2263", Affine(1.0, 0, 9.8e5, 0, -1.0, 2e5)))
    assert size.x_m == pytest.approx(1200 / 3937, rel=1e-9)


@pytest.mark.parametrize("latitude", [-60.0, 0.0, 47.5])
def test_degrees_are_measured_at_the_centre(latitude):
    step = 5e-6
    transform = Affine(step, 0, 9.0, 0, -step, latitude + 50 * step)
    size = pixel_size(grid("EPSG:4326", transform))
    longitude_m, latitude_m = degree_lengths_m(latitude)
    assert size.x_m == pytest.approx(step * longitude_m, rel=1e-5)
    assert size.y_m == pytest.approx(step * latitude_m, rel=1e-5)


def test_degrees_across_the_date_line():
    step = 5e-6
    size = pixel_size(grid("EPSG:4326", Affine(step, 0, 180.0 - 100 * step, 0, -step, 0.0)))
    assert size.x_m == pytest.approx(step * degree_lengths_m(0.0)[0], rel=1e-4)


def test_web_mercator_is_corrected_for_its_scale():
    y_at_60_north = 8399737.89
    size = pixel_size(grid("EPSG:3857", Affine(1.0, 0, 1e6, 0, -1.0, y_at_60_north)))
    longitude_m, _ = degree_lengths_m(60.0)
    assert size.x_m == pytest.approx(longitude_m / (6378137.0 * math.pi / 180.0), rel=1e-4)


def test_rotation_does_not_change_the_size():
    transform = rotated(30, 0.5, -0.25, 5e5, 5e6)
    size = pixel_size(grid("EPSG:32632", transform))
    assert (size.x_m, size.y_m) == (pytest.approx(0.5), pytest.approx(0.25))


@pytest.mark.parametrize("crs, transform", [(None, Affine(0.5, 0, 0, 0, -0.5, 0)), ("EPSG:32632", Affine.identity())])
def test_an_unplaced_image_tells_nothing(crs, transform):
    assert pixel_size(grid(crs, transform)) is None


def test_a_given_size_keeps_the_ratio_of_the_axes():
    size = pixel_size(grid("EPSG:32632", Affine(0.4, 0, 5e5, 0, -0.1, 5e6)), gsd_m=1.0)
    assert (size.x_m, size.y_m) == (pytest.approx(2.0), pytest.approx(0.5))
    size = pixel_size(grid(None, Affine.identity()), gsd_m=0.3)
    assert (size.x_m, size.y_m) == (0.3, 0.3)


def test_another_planet_is_measured_in_its_own_unit():
    europa = "+proj=eqc +lat_ts=0 +lon_0=180 +a=1560800 +b=1560800 +units=m"
    assert pixel_size(grid(europa, Affine(2.0, 0, 0, 0, -2.0, 0))).x_m == pytest.approx(2.0, rel=0.05)


def test_window_moves_the_corner():
    transform = rotated(90, 2.0, 3.0, 10, 20)
    part = grid("EPSG:32632", transform).window(5, 7, 11, 13)
    assert (part.width, part.height) == (11, 13)
    for point in ((0, 0), (3, 4)):
        expected = transform.a * (5 + point[0]) + transform.b * (7 + point[1]) + 10
        assert apply(part.transform, point)[0] == pytest.approx(expected)


def test_extent_is_rounded_outwards_and_cut():
    own = grid("EPSG:32632", Affine(0.5, 0, 100.0, 0, -0.5, 200.0))  # 100 m x 50 m
    assert own.pixel_window((110.2, 190.0, 112.0, 199.9)) == (20, 0, 4, 20)
    assert own.pixel_window((0.0, 0.0, 1000.0, 1000.0)) == (0, 0, 200, 100)
    assert own.pixel_window(own.bounds()) == (0, 0, 200, 100)


def test_extent_outside_is_refused_with_both_extents():
    own = grid("EPSG:32632", Affine(0.5, 0, 100.0, 0, -0.5, 200.0))
    with pytest.raises(InvalidParameter, match="300, 0, 400, 10.*100, 150, 200, 200"):
        own.pixel_window((300, 0, 400, 10))


@pytest.mark.parametrize("unit, metres", [('"metre",1', 1.0), ('"foot",0.3048', 0.3048)])
@pytest.mark.parametrize(
    "words",
    [
        'LOCAL_CS["site",UNIT[{}],AXIS["x",EAST],AXIS["y",NORTH]]',
        'ENGCRS["site",EDATUM["here"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT[{}]]',
    ],
)
def test_the_grid_of_a_building_site_has_the_unit_that_it_says(words, unit, metres):
    size = pixel_size(Grid(CRS.from_wkt(words.format(unit)), Affine(0.5, 0, 10, 0, -0.5, 90), 100, 100))
    assert size.x_m == size.y_m == pytest.approx(0.5 * metres)


def test_the_range_of_sizes_along_the_edges():
    """From 47 to 55 degrees north a unit of Web Mercator shrinks from 0.68 to 0.57 m."""
    tops = [6378137 * math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2)) for latitude in (47, 55)]
    grid = Grid(CRS.from_epsg(3857), Affine(1, 0, 1e6, 0, -1, tops[1]), 1000, round(tops[1] - tops[0]))
    least_m, most_m = pixel_size_range(grid)
    assert least_m == pytest.approx(math.cos(math.radians(55)), rel=0.005)
    assert most_m == pytest.approx(math.cos(math.radians(47)), rel=0.005)
    metres = Grid(CRS.from_epsg(32632), Affine(0.5, 0, 5e5, 0, -0.5, 5e6), 100000, 100000)
    assert pixel_size_range(metres) == pytest.approx((0.5, 0.5))
    assert pixel_size_range(Grid(None, Affine.identity(), 10, 10)) is None

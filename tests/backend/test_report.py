"""The report: complete, self-contained, escaped, repeatable."""
from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import package_model
import pytest
import rasterio
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from semantic3d.exporters.report import ReportData, report_html, write_report

VOID = {"meta", "img", "br", "link"}
EVIL = '<script>alert("x")</script> & more'


class Reader(HTMLParser):
    """Collects text and attributes, and checks that tags close."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.sources, self.words = [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href", "srcset", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


def write(path, values, nodata=None):
    values = values if values.ndim == 3 else values[None]
    with rasterio.open(path, "w", driver="GTiff", width=values.shape[2], height=values.shape[1], count=len(values),
                       dtype=values.dtype, crs="EPSG:32610", nodata=nodata,
                       transform=from_origin(500000, 4800000, 0.5, 0.5)) as target:
        target.write(values)
    return str(path)


@pytest.fixture
def data(tmp_path):
    """100 x 100 pixels of 0.5 m: a quarter building (4), three quarters ground (1)."""
    package = package_model.write_fake_package(tmp_path / "fake", validation={"city": {"rmse_m": 1.5}},
                                               training_data=[{"name": EVIL, "licence": "CC0", "attribution": EVIL}])
    cover = np.ones((100, 100), np.uint8)
    cover[:50, :50] = 4
    height = np.where(cover == 4, 9.0, 0.0).astype(np.float32)
    return ReportData(
        image_name=EVIL, image_path=write(tmp_path / "i.tif", np.full((3, 100, 100), 90, np.uint8)), package=package,
        height_path=write(tmp_path / "h.tif", height, -9999), land_cover_path=write(tmp_path / "c.tif", cover, 0),
        sigma_path=write(tmp_path / "s.tif", np.full((100, 100), 0.25, np.float32), -9999), gsd_m=0.5,
        mean_height_m=2.25, megapixels=0.01, warnings=(EVIL,), image_facts={EVIL: EVIL},
        normalisation={"rule": "uint8 / 255"}, provenance={"overlap px": "128", EVIL: EVIL})


def test_the_report_is_whole_and_stands_alone(data):
    reader = Reader(report_html(data))
    text = " ".join(reader.words)
    assert "script" not in reader.tags and "link" not in reader.tags
    assert len(reader.sources) == 6  # four pictures, two colour bars
    assert all(source.startswith("data:image/png;base64,") for source in reader.sources)
    for words in ("2.25 m", "0.25 m", "0.01 MP", "fake 1.2.3", "CC0-1.0", "city / rmse_m", "1.5", "uint8 / 255",
                  "overlap px", "128", "A fake model", "impervious or bare", data.package.sha256):
        assert words in text
    assert text.count(EVIL) >= 6  # shown as text, wherever it came from


def test_areas_come_from_the_pixels_or_from_the_job(data):
    text = " ".join(Reader(report_html(data)).words)
    assert "25.0 %" in text and "75.0 %" in text
    assert "625 m²" in text and "0.188 ha" in text  # 2500 px and 7500 px of 0.25 m2
    given = " ".join(Reader(report_html(replace(data, class_areas_m2={1: 3e6, 4: 1e6}))).words)
    assert "3 km²" in given and "75.0 %" in given and "25.0 %" in given


def test_the_histogram_counts_every_pixel(data):
    html = report_html(data)
    first = html[html.index("<h3>Heights above ground"):html.index("<h3>Uncertainty")]
    shares = [float(share) for share in re.findall(r" m: ([\d.e+-]+) %", first)]
    assert len(shares) == 40 and sum(shares) == pytest.approx(100) and sorted(shares)[-2:] == [25, 75]


def test_pictures_are_real_pictures(data):
    uri = Reader(report_html(data)).sources[0]
    with MemoryFile(base64.b64decode(uri.split(",", 1)[1])) as memory, memory.open() as source:
        assert (source.width, source.height) == (100, 100) and (source.read() == 90).all()


def test_what_is_missing_is_left_out(data):
    bare = replace(data, height_path="", sigma_path="", land_cover_path="", warnings=(), image_facts={},
                   normalisation={}, provenance={}, mean_height_m=None)
    reader = Reader(report_html(bare))
    text = " ".join(reader.words)
    assert len(reader.sources) == 1 and "No warnings." in text
    assert "Distribution" not in text and "Provenance" not in text and "by area" not in text


def test_an_empty_raster_is_no_fault(data, tmp_path):
    empty = write(tmp_path / "empty.tif", np.full((100, 100), -9999, np.float32), -9999)
    assert "No valid pixels." in report_html(replace(data, height_path=empty, sigma_path=empty))


def test_the_same_data_give_the_same_bytes(data, tmp_path):
    write_report(str(tmp_path / "a.html"), data)
    write_report(str(tmp_path / "b.html"), data)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert b"prefers-color-scheme: dark" in (tmp_path / "a.html").read_bytes()

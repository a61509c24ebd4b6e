"""Rasters whose header promises more than the file holds: an error of ours, in little time and memory."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import rasterio
from fake_model import write_fake_package

import semantic3d
from s3d_protocol import EvaluateJob, JobControl, ReconstructJob
from s3d_protocol.errors import InvalidInput
from semantic3d.jobs import evaluate, reconstruct
from semantic3d.raster import block_sizes
from semantic3d.raster.reference import Reference
from semantic3d.raster.source import ImageSource

BACKEND = Path(__file__).resolve().parents[2] / "semantic3d_plugin" / "backend"
LONG, SHORT = 4, 3


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_fake_package(tmp_path_factory.mktemp("model") / "fake")


def bare_tiff(path, width, height, compression, **layout):
    """A TIFF of 1 KB: the header of an RGB image, and 400 bytes in the place of its pixels."""
    tags = {256: (LONG, width), 257: (LONG, height), 258: (SHORT, 8), 259: (SHORT, compression), 262: (SHORT, 2),
            277: (SHORT, 3), 284: (SHORT, 1)}  # fmt: skip
    if "tile" in layout:
        tags |= {322: (LONG, layout["tile"]), 323: (LONG, layout["tile"]), 324: (LONG, 600), 325: (LONG, 400)}
    else:
        tags |= {273: (LONG, 600), 278: (LONG, layout["rows_per_strip"]), 279: (LONG, 400)}
    entries = b"".join(struct.pack("<HHLL", tag, kind, 1, value) for tag, (kind, value) in sorted(tags.items()))
    head = b"II*\0" + struct.pack("<LH", 8, len(tags)) + entries + bytes(4)
    path.write_bytes(head.ljust(600, b"\0") + b"x" * 400)
    return str(path)


def vrt(path, *sources, size=200):
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{band}">'
        + "".join(
            f"<SimpleSource><SourceFilename>{source}</SourceFilename><SourceBand>{band}</SourceBand></SimpleSource>"
            for source in sources
        )
        + "</VRTRasterBand>"
        for band in (1, 2, 3)
    )
    ground = "<GeoTransform>500000, 0.5, 0, 5000000, 0, -0.5</GeoTransform>"
    path.write_text(f'<VRTDataset rasterXSize="{size}" rasterYSize="{size}">{ground}{bands}</VRTDataset>')
    return str(path)


def refused(path, words):
    with pytest.raises(InvalidInput, match=words) as caught, ImageSource(path) as source:
        source.read(0, 0, 100, 100)
    assert str(caught.value).encode("utf-8")


def test_one_tile_of_four_billion_pixels_is_refused_before_it_is_read(tmp_path):
    path = bare_tiff(tmp_path / "i.tif", 65536, 65536, 8, tile=65536)
    assert os.path.getsize(path) == 1000
    refused(path, r"blocks of 65536 x 65536 pixels.*12\.9 GB.*TILED=YES")


def hidden(how, folder):
    """An image that is the tile of four billion pixels, or leads to it."""
    folder.mkdir()
    (folder / "i.tfw").write_text("0.5\n0\n0\n-0.5\n500000\n5000000\n")
    tile = bare_tiff(folder / "i.tif", 65536, 65536, 8, tile=65536)
    if how in ("file", "folder"):
        return tile if how == "file" else str(folder)
    if how == "part of a file":
        return vrt(folder / "v.vrt", f"GTIFF_DIR:1:{tile}")
    inner = vrt(folder / "v.vrt", *[f"/lost/{number}.tif" for number in range(20)], tile, "/lost/last.tif")
    if how == "vrt of vrts":
        return vrt(folder / "outer.vrt", vrt(folder / "middle.vrt", inner))
    if how == "folder of a vrt":
        os.rename(tile, folder / "i.part")
        vrt(folder / "v.vrt", folder / "i.part")
        return str(folder)
    return inner


@pytest.mark.parametrize("how", ["file", "vrt", "vrt of vrts", "part of a file", "folder", "folder of a vrt"])
def test_a_job_on_such_a_tile_ends_before_a_pixel_is_read(how, model, tmp_path, monkeypatch):
    monkeypatch.setattr(ImageSource, "read", lambda *window: pytest.fail("it was read"))
    image = hidden(how, tmp_path / "image")
    (tmp_path / "out").mkdir()
    job = ReconstructJob(image, model, overlap_px=16, device="cpu", height_path=str(tmp_path / "out" / "h.tif"))
    with pytest.raises(InvalidInput, match=r"i\.(tif|part).* is stored in blocks of 65536 x 65536 pixels.*TILED=YES"):
        reconstruct.run(job, JobControl())
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("how", ["file", "vrt of vrts"])
def test_a_reference_of_such_a_tile_is_not_read(how, tmp_path):
    image = hidden(how, tmp_path / "image")
    job = EvaluateJob(height_path=image, reference_height_path=image, report_path=str(tmp_path / "r.html"))
    words = r"i\.tif.* is stored in blocks of 65536 x 65536 pixels"
    with pytest.raises(InvalidInput, match=words):
        evaluate.run(job, JobControl())
    with pytest.raises(InvalidInput, match=words):
        Reference(image, "nDSM")
    assert not (tmp_path / "r.html").exists()


def test_a_mask_of_one_such_tile_is_not_read(tmp_path):
    path = bare_tiff(tmp_path / "i.tif", 1000, 1000, 1, rows_per_strip=1000)
    bare_tiff(tmp_path / "i.tif.msk", 65536, 65536, 8, tile=65536)
    words = r"i\.tif\.msk, which .*i\.tif reads, is stored in blocks of 65536 x 65536 pixels"
    refused(path, words)
    refused(vrt(tmp_path / "v.vrt", path), words)


def test_a_virtual_raster_of_many_parts_opens_soon(tmp_path, monkeypatch):
    near = [f"/lost/{number}.tif" for number in range(3000)]
    far = [f"/vsicurl/http://far/{number}.tif" for number in range(3000)]
    path, opened, opens = vrt(tmp_path / "v.vrt", *near, *far), [], block_sizes.open_quietly

    def watched(name):
        opened.append(name)
        if name in far:
            raise OSError("there is no network")
        return opens(name)

    monkeypatch.setattr(block_sizes, "open_quietly", watched)
    ImageSource(path).close()
    looked_at = list(opened)
    assert {near[0], near[-1], far[0]} <= set(looked_at) and len(looked_at) < 300
    assert [name for name in looked_at if name in far] == [far[0]]  # no other is asked of a server that is not there
    opened.clear()
    ImageSource(path).close()
    assert opened == []  # the same file is looked into once
    os.utime(path, ns=(1, 1))
    ImageSource(path).close()
    assert opened == looked_at


def test_a_virtual_raster_that_is_no_utf_8_is_refused(tmp_path):
    path = vrt(tmp_path / "v.vrt", "/lost/e.tif")
    (tmp_path / "v.vrt").write_bytes((tmp_path / "v.vrt").read_bytes().replace(b"e.tif", b"\xe9.tif"))
    refused(path, "v.vrt names a file in letters that are not UTF-8")


@pytest.mark.parametrize("compression", [1, 5, 8])
@pytest.mark.parametrize("rows_per_strip", [1, 30_000])
def test_billions_of_pixels_in_a_kilobyte_are_damaged(tmp_path, compression, rows_per_strip):
    refused(bare_tiff(tmp_path / "i.tif", 100_000, 30_000, compression, rows_per_strip=rows_per_strip), "i.tif")


def test_a_virtual_raster_of_itself_or_of_nothing_is_refused(tmp_path):
    refused(vrt(tmp_path / "self.vrt", tmp_path / "self.vrt"), "self.vrt")
    refused(vrt(tmp_path / "lost.vrt", tmp_path / "lost.tif"), "refers to one that cannot be had")


def test_a_sparse_raster_is_a_good_one(tmp_path):
    options = {"tiled": True, "SPARSE_OK": True, "BIGTIFF": "YES"}
    with rasterio.open(tmp_path / "s.tif", "w", driver="GTiff", width=50_000, height=50_000, count=3, dtype="uint8",
                       crs="EPSG:32632", transform=rasterio.Affine(0.5, 0, 5e5, 0, -0.5, 5e6), **options):  # fmt: skip
        pass
    with ImageSource(str(tmp_path / "s.tif")) as source:
        assert source.read(40_000, 40_000, 100, 100)[0].max() == 0


def test_a_server_that_does_not_answer_holds_no_job(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GDAL_HTTP_LOW_SPEED_TIME", "1")
    monkeypatch.setenv("GDAL_HTTP_LOW_SPEED_LIMIT", "1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        refused(vrt(tmp_path / "far.vrt", f"/vsicurl/http://127.0.0.1:{port}/far.tif"), "far.vrt")


def test_no_job_is_patient_for_ever_whoever_starts_it():
    """The Toolbox's worker, the command line, Python and Dask's workers all import it, and GDAL sees it."""
    names = [*semantic3d.HTTP_PATIENCE, "GDAL_HTTP_LOW_SPEED_TIME"]
    look = (
        "import json, rasterio; from rasterio._env import get_gdal_config; import semantic3d; "
        f"print(json.dumps([str(get_gdal_config(name)) for name in {names}]))"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GDAL_HTTP")}
    clean |= {"PYTHONPATH": str(BACKEND), "GDAL_HTTP_LOW_SPEED_TIME": "7"}  # what the user says, stays
    seen = dict(zip(names, json.loads(subprocess.check_output([sys.executable, "-c", look], env=clean))))
    assert semantic3d.HTTP_PATIENCE["GDAL_HTTP_LOW_SPEED_TIME"] == "60"
    assert seen == {**semantic3d.HTTP_PATIENCE, "GDAL_HTTP_LOW_SPEED_TIME": "7"}

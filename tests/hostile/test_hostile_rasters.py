"""Rasters whose header promises more than the file holds: an error of ours, in little time and memory."""

from __future__ import annotations

import importlib.util
import os
import socket
import struct
import sys
from pathlib import Path

import pytest
import rasterio

from s3d_protocol.errors import InvalidInput
from semantic3d.raster.source import ImageSource

WORKER = Path(__file__).resolve().parents[2] / "semantic3d_plugin" / "backend" / "worker.py"
LONG, SHORT = 4, 3


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


def vrt(path, source, size=200):
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{band}"><SimpleSource><SourceFilename>{source}</SourceFilename>'
        f"<SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
        for band in (1, 2, 3)
    )
    path.write_text(f'<VRTDataset rasterXSize="{size}" rasterYSize="{size}">{bands}</VRTDataset>')
    return str(path)


def refused(path, words):
    with pytest.raises(InvalidInput, match=words) as caught, ImageSource(path) as source:
        source.read(0, 0, 100, 100)
    assert str(caught.value).encode("utf-8")


def test_one_tile_of_four_billion_pixels_is_refused_before_it_is_read(tmp_path):
    path = bare_tiff(tmp_path / "i.tif", 65536, 65536, 8, tile=65536)
    assert os.path.getsize(path) == 1000
    refused(path, r"blocks of 65536 x 65536 pixels.*12\.9 GB.*TILED=YES")


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


def test_the_worker_is_not_patient_for_ever(monkeypatch):
    for name in list(os.environ):
        if name.startswith("GDAL_HTTP"):
            monkeypatch.delenv(name)
    monkeypatch.setitem(os.environ, "GDAL_HTTP_LOW_SPEED_TIME", "7")  # what the user says, stays
    spec = importlib.util.spec_from_file_location("hostile_worker", WORKER)
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    seen = {}
    monkeypatch.setattr(worker, "serve", lambda run_job: seen.update(os.environ) or 0)
    monkeypatch.setattr(worker.os, "_exit", lambda code: None)
    monkeypatch.setattr(worker.faulthandler, "enable", lambda: None)
    try:
        worker.main()
    finally:
        for name in worker.PATIENCE:
            monkeypatch.delenv(name, raising=False)
    assert sys.stderr and {name: seen[name] for name in worker.PATIENCE} == {**worker.PATIENCE, "GDAL_HTTP_LOW_SPEED_TIME": "7"}

"""Overviews of the results: right, whole, and the same whatever GDAL is set to."""

import os

import numpy as np
import pytest
import rasterio
from reconstruct_scene import job_for, noise, save
from s3d_protocol import JobControl, OutputFailed
from semantic3d.jobs.reconstruct import run


def test_overviews_are_means_of_valid_pixels(tmp_path, package):
    pixels = noise(600, 1100)
    pixels[:, :301, :501] = 0
    job = job_for(save(tmp_path / "i.tif", pixels, nodata=0), package, str(tmp_path / "out"), ("height",))
    run(job, JobControl())
    with rasterio.open(job.height_path) as dataset:
        stored = np.ma.masked_equal(dataset.read(1), -9999).astype(float)
    for level in range(2):  # 550 and 275 pixels wide: below 512 there are no more
        stored = stored.reshape(stored.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3))
        with rasterio.open(job.height_path, overview_level=level) as dataset:
            np.testing.assert_allclose(dataset.read(1), stored.filled(-9999), atol=1e-4)
    with rasterio.open(job.height_path) as dataset:
        assert dataset.overviews(1) == [2, 4]


@pytest.mark.parametrize("setting", [
    {"COMPRESS_OVERVIEW": "DEFLATE"}, {"SPARSE_OK_OVERVIEW": "ON"}, {"USE_RRD": "YES"},
    {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"},
])  # fmt: skip
def test_a_users_settings_of_gdal_change_no_byte(tmp_path, package, setting):
    image = save(tmp_path / "i.tif", noise(600, 1100))
    contents = []
    for name, settings in (("plain", {}), ("set", setting)):
        job = job_for(image, package, str(tmp_path / name), ("height",))
        with rasterio.Env(**settings):
            run(job, JobControl())
        with open(job.height_path, "rb") as file:
            contents.append(file.read())
    assert contents[0] == contents[1]


@pytest.mark.skipif(os.name == "nt", reason="there is no limit of file sizes there")
def test_a_disk_that_fills_at_the_overviews_is_noticed(tmp_path, package, monkeypatch):
    import resource

    import semantic3d.raster.writer as writer

    add_overviews, unlimited = writer._add_overviews, resource.getrlimit(resource.RLIMIT_FSIZE)

    def on_a_full_disk(path, spec):
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, unlimited[1]))
        try:
            add_overviews(path, spec)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)

    monkeypatch.setattr(writer, "_add_overviews", on_a_full_disk)
    job = job_for(save(tmp_path / "i.tif", noise(600, 1100)), package, str(tmp_path / "out"), ("height",))
    with pytest.raises(OutputFailed, match="cannot be written"):
        run(job, JobControl())
    assert os.listdir(tmp_path / "out") == []

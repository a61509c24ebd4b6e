"""Names of files that shells, XML, JSON and HTML would stumble over, from the image to the report."""

import json
import os
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import rasterio
from block_scene import Watch, acting
from fake_model import write_fake_package

from s3d_protocol import Cancelled, DetectShadowsJob, EvaluateJob, JobControl, ReconstructJob
from semantic3d import cli
from semantic3d.jobs import detect_shadows, evaluate, reconstruct

NAMES = ["a b 'c' \"d\"", "\u00fcn\u00ef \u65e5\u672c", "new\nline", "p%20 & <b>%s",
         "h#1?x=2!y,;[z]*$(id)`\\\t", "x" * 190]  # fmt: skip
pytestmark = pytest.mark.skipif(os.name == "nt", reason="such names exist elsewhere only")


def write_image(path, width=80, column=0):
    pixels = np.random.default_rng(column).integers(1, 255, (3, 70, width)).astype(np.uint8)
    with rasterio.open(path, "w", driver="GTiff", width=width, height=70, count=3, dtype="uint8", crs="EPSG:32632",
                       transform=rasterio.Affine(0.5, 0, 5e5 + column * 0.5, 0, -0.5, 5e6)) as target:  # fmt: skip
        target.write(pixels)
    return str(path)


@pytest.fixture(params=NAMES)
def named(request, tmp_path):
    """A folder of such a name, with a model in it."""
    folder = tmp_path / request.param
    folder.mkdir()
    write_fake_package(folder / "model")
    return folder


def two_images(named):
    """A folder of two images side by side, all of the same name but for a letter."""
    (named / named.name).mkdir()
    for letter, column in (("a", 0), ("b", 80)):
        write_image(named / named.name / f"{named.name}{letter}.tif", column=column)
    return str(named / named.name)


@pytest.mark.parametrize("name", NAMES)
def test_every_job_takes_and_gives_files_of_any_name(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    image = write_image(folder / f"{name}.tif")
    model = write_fake_package(folder / f"model {name[:50]}")
    path = {end: str(folder / (name + end)) for end in ("h.tif", "r.html", "e.html", "e.json", "e.csv", "e.tif", "s.tif")}
    jobs = [
        (reconstruct, ReconstructJob(image, model_path=model, overlap_px=16, device="cpu", height_path=path["h.tif"],
                                     report_path=path["r.html"])),
        (evaluate, EvaluateJob(path["h.tif"], path["h.tif"], report_path=path["e.html"], figures_path=path["e.json"],
                               table_path=path["e.csv"], error_path=path["e.tif"])),
        (detect_shadows, DetectShadowsJob(image, shadow_path=path["s.tif"])),
    ]  # fmt: skip
    for module, job in jobs:
        assert module.run(job, JobControl())["outputs"] == job.outputs()
    assert all(os.path.getsize(name) for name in path.values())
    assert "<b>%s" not in (folder / (name + "r.html")).read_text("utf-8")


@pytest.mark.parametrize("how", ["folder", "paths in STAC", "URIs in STAC"])
def test_a_mosaic_of_images_of_any_name(named, how):
    image = two_images(named)
    if how != "folder":
        hrefs = [f"{named.name}/{named.name}a.tif", str(Path(image) / f"{named.name}b.tif")]
        if how == "URIs in STAC":
            hrefs = [quote(hrefs[0]), Path(hrefs[1]).as_uri()]
        items = [{"type": "Feature", "id": href, "assets": {"visual": {"href": href}}} for href in hrefs]
        image = str(named / f"{named.name}.json")
        Path(image).write_text(json.dumps({"type": "FeatureCollection", "features": items}), encoding="utf-8")
    (named / "out").mkdir()
    job = ReconstructJob(image, str(named / "model"), overlap_px=16, device="cpu",
                         height_path=str(named / "out" / f"{named.name}h.tif"))  # fmt: skip
    for _ in range(2):  # the second takes the mosaic for its own
        values = reconstruct.run(job, JobControl())
    with rasterio.open(job.height_path) as heights, rasterio.open(values["image_path"]) as mosaic:
        assert (heights.width, heights.height) == (mosaic.width, mosaic.height) == (160, 70)
        assert heights.read(1).min() > -9999
        assert mosaic.read(1).any(axis=0).all()  # both images are found in it
    assert sorted(Path(name).suffix for name in os.listdir(named / "out")) == [".qml", ".tif", ".vrt"]


def test_scenes_of_any_name_one_by_one(named):
    images, out = two_images(named), str(named / f"{named.name}o")
    command = ["reconstruct", images, "--each", out, "--model", str(named / "model"), "--overlap", "16"]
    assert cli.main(command) == 0
    kinds = ("height", "sigma", "land_cover")
    assert {f"{named.name}{letter}_{kind}.tif" for letter in "ab" for kind in kinds} <= set(os.listdir(out))
    before = {name: os.stat(os.path.join(out, name)).st_mtime_ns for name in os.listdir(out)}
    assert cli.main(command) == 0  # which finds them there
    assert before == {name: os.stat(os.path.join(out, name)).st_mtime_ns for name in os.listdir(out)}


@pytest.mark.parametrize("how", ["image", "folder"])
def test_an_interrupted_job_of_any_name_continues(named, how, monkeypatch):
    monkeypatch.setenv("SEMANTIC3D_BLOCK_PX", "64")
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    image = two_images(named) if how == "folder" else write_image(named / f"{named.name}.tif", width=200)
    (named / "out").mkdir()
    job = ReconstructJob(image, str(named / "model"), overlap_px=16, device="cpu",
                         height_path=str(named / "out" / f"{named.name}.tif"))  # fmt: skip
    control = Watch()
    with acting({3: control.cancel}), pytest.raises(Cancelled):
        reconstruct.run(job, control)
    control = Watch()
    values = reconstruct.run(job, control)
    assert [text for text in control.logs if text.startswith("Continuing: 3 of ")]
    assert values["outputs"] == job.outputs() and os.path.getsize(job.height_path)
    assert not [name for name in os.listdir(named / "out") if name.startswith(".semantic3d")]

"""Names of files that shells, XML, JSON and HTML would stumble over, from the image to the report."""

import os

import numpy as np
import pytest
import rasterio
from fake_model import write_fake_package

from s3d_protocol import DetectShadowsJob, EvaluateJob, JobControl, ReconstructJob
from semantic3d.jobs import detect_shadows, evaluate, reconstruct


@pytest.mark.parametrize("name", ["a b 'c' \"d\"", "\u00fcn\u00ef \u65e5\u672c", "new\nline", "p%20 & <b>%s", "x" * 190])
@pytest.mark.skipif(os.name == "nt", reason="such names exist elsewhere only")
def test_every_job_takes_and_gives_files_of_any_name(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    image = str(folder / f"{name}.tif")
    pixels = np.random.default_rng(0).integers(1, 255, (3, 70, 80)).astype(np.uint8)
    with rasterio.open(image, "w", driver="GTiff", width=80, height=70, count=3, dtype="uint8", crs="EPSG:32632",
                       transform=rasterio.Affine(0.5, 0, 5e5, 0, -0.5, 5e6)) as target:  # fmt: skip
        target.write(pixels)
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

"""Heights, their uncertainty and land cover from one aerial image.

    from semantic3d import reconstruct
    values = reconstruct("ortho.tif", height_path="height.tif", land_cover_path="cover.tif")
"""
from __future__ import annotations

import importlib
import os

from s3d_protocol import JobControl, product_version
from s3d_protocol.jobs import job_from_dict

__version__ = product_version()
__all__ = ["__version__", "detect_shadows", "evaluate", "reconstruct"]

# A server that does not answer, perhaps one that a virtual raster refers to, must not hold a job for ever, whoever
# started it: the Toolbox, the command line, Python, or Dask on a worker. GDAL looks into the environment last, so that
# what is set there, or in a rasterio.Env, stays.
HTTP_PATIENCE = {"GDAL_HTTP_CONNECTTIMEOUT": "30", "GDAL_HTTP_LOW_SPEED_TIME": "60", "GDAL_HTTP_LOW_SPEED_LIMIT": "1"}
for _name, _value in HTTP_PATIENCE.items():
    os.environ.setdefault(_name, _value)


def reconstruct(image_path, *, control: JobControl | None = None, **parameters) -> dict:
    """Compute heights, their uncertainty and land cover from one orthophoto.

    Args:
        image_path: the orthophoto, any raster that GDAL reads.
        control: hears of progress and can cancel; None is silent.
        parameters: fields of `s3d_protocol.ReconstructJob` (model_path, bands, extent, gsd_m, overlap_px, device,
            batch_size, max_memory_mb, scheduler, height_path, sigma_path, land_cover_path, probabilities_path,
            report_path); the same job gives the same bytes as in QGIS and on the command line.

    Returns:
        mean_height_m, megapixels, seconds, device, warnings, outputs (name -> path) and more.

    Raises:
        s3d_protocol.Semantic3DError: with a permanent `code`, and a `message` that says what to do.
    """
    return _run("reconstruct", {"image_path": image_path, **parameters}, control)


def detect_shadows(image_path, *, control: JobControl | None = None, **parameters) -> dict:
    """Find the cast shadows of an orthophoto.

    Args:
        image_path: the orthophoto, any raster that GDAL reads.
        control: hears of progress and can cancel; None is silent.
        parameters: fields of `s3d_protocol.DetectShadowsJob` (bands, extent, gsd_m, threshold, min_area_m2,
            shadow_path).

    Returns:
        shadow_share, threshold, megapixels, seconds, warnings, outputs and more.

    Raises:
        s3d_protocol.Semantic3DError: with a permanent `code`, and a `message` that says what to do.
    """
    return _run("detect_shadows", {"image_path": image_path, **parameters}, control)


def evaluate(*, control: JobControl | None = None, **parameters) -> dict:
    """Compare a reconstruction with reference rasters.

    Args:
        control: hears of progress and can cancel; None is silent.
        parameters: fields of `s3d_protocol.EvaluateJob` (height_path, reference_height_path, sigma_path,
            land_cover_path, reference_land_cover_path, report_path, ...).

    Returns:
        the figures by name, heights in metres, and outputs.

    Raises:
        s3d_protocol.Semantic3DError: with a permanent `code`, and a `message` that says what to do.
    """
    return _run("evaluate", parameters, control)


def _run(kind: str, parameters: dict, control: JobControl | None) -> dict:
    values = {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in parameters.items()}
    module = importlib.import_module(f".jobs.{kind}", __name__)
    return module.run(job_from_dict(kind, values), control or JobControl())

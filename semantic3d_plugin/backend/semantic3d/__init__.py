"""Heights, their uncertainty and land cover from one aerial image.

    from semantic3d import reconstruct
    values = reconstruct("ortho.tif", height_path="height.tif", land_cover_path="cover.tif")
"""
from __future__ import annotations

import os

from s3d_protocol import JobControl, ReconstructJob, product_version

__version__ = product_version()
__all__ = ["__version__", "reconstruct"]


def reconstruct(image_path, *, control: JobControl | None = None, **parameters) -> dict:
    """Compute heights, their uncertainty and land cover from one orthophoto.

    Args:
        image_path: the orthophoto, any raster that GDAL reads.
        control: hears of progress and can cancel; None is silent.
        parameters: fields of `s3d_protocol.ReconstructJob` (model_path, bands, extent, gsd_m, overlap_px, device,
            batch_size, max_memory_mb, height_path, sigma_path, land_cover_path, probabilities_path, report_path);
            the same job gives the same bytes as in QGIS and on the command line.

    Returns:
        mean_height_m, megapixels, seconds, device, warnings, outputs (name -> path) and more.

    Raises:
        s3d_protocol.Semantic3DError: with a permanent `code`, and a `message` that says what to do.
    """
    from .jobs import reconstruct as job_module

    values = {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in parameters.items()}
    job = ReconstructJob.from_dict({"image_path": os.fspath(image_path), **values})
    return job_module.run(job, control or JobControl())

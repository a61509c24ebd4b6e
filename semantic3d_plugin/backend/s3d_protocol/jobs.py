"""Jobs: the parameters of each algorithm, their defaults and their checks. Defaults live here alone.

A check here looks at the values only. What needs a file (does the raster have such a band?) is checked
by the job itself, before weights load.
"""

from __future__ import annotations

import math
import reprlib
from dataclasses import dataclass
from typing import Any, ClassVar, Mapping

from .detect_shadows_job import DetectShadowsJob
from .errors import InvalidParameter
from .evaluate_job import EvaluateJob
from .job_base import (
    MIN_MEMORY_MB,
    Job,
    check_at_least,
    check_bands,
    check_device,
    check_extent,
    check_output_files,
    check_scheduler,
)
from .train_job import TrainJob


@dataclass(frozen=True)
class ReconstructJob(Job):
    """Heights, their uncertainty and land cover from one orthophoto.

    Attributes:
        image_path: the orthophoto, any raster that GDAL reads; or a folder, a pattern (*.tif) or a STAC file of many.
        model_path: model package, folder or file; empty is the bundled one.
        bands: one-based bands that hold red, green and blue; empty lets the image say.
        extent: (xmin, ymin, xmax, ymax) in the image's CRS; None is the whole image.
        gsd_m: ground sampling distance in metres; 0 takes it from the image's grid.
        overlap_px: overlap of neighbouring tiles, in model pixels.
        device: auto, cpu or cuda.
        batch_size: tiles that run through the model together.
        max_memory_mb: main memory that the job may take for pixels, in MB; with a scheduler, each worker.
        height_path, sigma_path, land_cover_path, probabilities_path: GeoTIFFs to write; empty is none.
        report_path: HTML report to write; empty is none.
        optional_outputs: names of outputs that nobody chose by hand; they are left out, with a warning, where
            the model does not give them.
        keep_blocks: whether finished blocks of a job that was stopped stay beside its first output, for the same job
            to continue; of no use where the output gets another place each time.
        scheduler: address of a Dask scheduler whose workers compute, such as tcp://host:8786; empty computes here.
    """

    kind: ClassVar[str] = "reconstruct"

    image_path: str
    model_path: str = ""
    bands: tuple = ()
    extent: tuple | None = None
    gsd_m: float = 0.0
    overlap_px: int = 128
    device: str = "auto"
    batch_size: int = 1
    max_memory_mb: int = 2048
    height_path: str = ""
    sigma_path: str = ""
    land_cover_path: str = ""
    probabilities_path: str = ""
    report_path: str = ""
    optional_outputs: tuple = ()
    keep_blocks: bool = True
    scheduler: str = ""

    def check(self) -> None:
        if not self.image_path:
            raise InvalidParameter("No image is given. Choose the orthophoto to work on.")
        check_bands(self.bands)
        check_extent(self.extent)
        if not (math.isfinite(self.gsd_m) and self.gsd_m >= 0):
            raise InvalidParameter(
                f"The GSD is {self.gsd_m} m. Give metres per pixel above 0, or 0 to take it from the image."
            )
        check_at_least("overlap", self.overlap_px, 0, "pixels")
        check_device(self.device)
        check_at_least("batch size", self.batch_size, 1, "tiles")
        check_at_least("memory limit", self.max_memory_mb, MIN_MEMORY_MB, "MB")
        check_scheduler(self.scheduler)
        self._check_outputs()

    def outputs(self) -> dict[str, str]:
        paths = {
            "height": self.height_path,
            "sigma": self.sigma_path,
            "land_cover": self.land_cover_path,
            "probabilities": self.probabilities_path,
            "report": self.report_path,
        }
        return {name: path for name, path in paths.items() if path}

    def _check_outputs(self) -> None:
        outputs = self.outputs()
        if not outputs:
            raise InvalidParameter("No output is asked for. Name at least one file to write, such as the height.")
        suffixes = dict.fromkeys(outputs, (".tif", ".tiff")) | {"report": (".html", ".htm")}
        check_output_files(outputs, suffixes, {self.image_path: "the image"})


@dataclass(frozen=True)
class DoctorJob(Job):
    """Look over the backend: packages, device, model.

    Attributes:
        model_path: model package to try; empty is the bundled one.
        device: auto, cpu or cuda.
    """

    kind: ClassVar[str] = "doctor"

    model_path: str = ""
    device: str = "auto"

    def check(self) -> None:
        check_device(self.device)


JOB_TYPES: dict[str, type[Job]] = {
    job.kind: job for job in (ReconstructJob, DoctorJob, EvaluateJob, DetectShadowsJob, TrainJob)
}


def job_from_dict(kind: str, values: Mapping[str, Any]) -> Job:
    """Build the job of this kind.

    Raises:
        InvalidParameter: the kind or a field is unknown, missing or of the wrong type.
    """
    if not isinstance(kind, str) or kind not in JOB_TYPES:
        raise InvalidParameter(f"There is no job {reprlib.repr(kind)}. Known jobs: {', '.join(JOB_TYPES)}.")
    return JOB_TYPES[kind].from_dict(values)

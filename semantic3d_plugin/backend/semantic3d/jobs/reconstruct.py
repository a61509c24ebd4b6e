"""The reconstruct job: heights, their uncertainty and land cover from one aerial image.

Everything that can be wrong with the job is looked for before the model loads. Outputs are written aside
and moved to their places together at the end.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace

import numpy as np
import rasterio

from s3d_protocol import (
    InvalidInput,
    InvalidModel,
    InvalidParameter,
    JobControl,
    OutOfMemory,
    ReconstructJob,
    partial_path,
    product_version,
)

from ..inference.engine import Engine, Settings
from ..inference.session import InferenceSession, worker_threads
from ..models.package import CLASSES, HEIGHT, ModelPackage, load_package
from ..raster.grid import Grid, PixelSize, pixel_size
from ..raster.model_grid import ModelAxis, ModelImage, plan_axes
from ..raster.normalisation import Normalisation, find_normalisation, has_valid_pixel
from ..raster.source import ImageSource
from ..raster.writer import RasterWriter, check_room
from .layers import ROLES, encode, layer_specs
from .reconstruct_finish import write_report_aside, write_styles
from .whole_outputs import check_output_paths, whole_outputs

_COARSEST = 8.0  # times the model's GSD: beyond, an image pixel holds whole houses
_FINEST = 100.0  # the model's GSD divided by this: beyond, the unit is wrong
_MB = 1_000_000


@dataclass(frozen=True)
class Plan:
    """A checked job.

    Attributes:
        window: (column, row, width, height), the image pixels wanted.
        grid: of the outputs.
        size: ground size of the image's pixels.
        columns, rows: the image on the model's grid.
        normalisation: of pixel values.
        warnings: for the user, in the result and the report.
    """

    job: ReconstructJob
    package: ModelPackage
    window: tuple
    grid: Grid
    size: PixelSize
    columns: ModelAxis
    rows: ModelAxis
    normalisation: Normalisation
    warnings: tuple


def run(job: ReconstructJob, control: JobControl) -> dict:
    """Do the job.

    Returns:
        mean_height_m (None without a height), megapixels, seconds, device, gsd_m, warnings, outputs.

    Raises:
        Semantic3DError: InvalidParameter, InvalidInput, InvalidModel, OutputFailed and OutOfMemory before or
            during the work, Cancelled; no output is left then.
    """
    started_s = time.monotonic()
    job.check()
    check_output_paths(job, {job.image_path: "the image itself"})
    package = load_package(job.model_path)
    job = without_what_the_model_lacks(job, package, control)
    check_model_serves(job, package)
    cache_mb = min(512, max(32, job.max_memory_mb // 16))
    try:
        with whole_outputs(job, control), rasterio.Env(GDAL_CACHEMAX=cache_mb * _MB):
            with ImageSource(job.image_path, job.bands) as source:
                plan = make_plan(job, package, source, control)
                values = _compute(plan, source, control)
    except MemoryError as error:
        raise OutOfMemory(
            f"Main memory ran out; the job was allowed {job.max_memory_mb} MB. Lower the memory limit or the batch "
            "size, or close other programs."
        ) from error
    values["seconds"] = time.monotonic() - started_s
    return values


def without_what_the_model_lacks(job: ReconstructJob, package: ModelPackage, control: JobControl) -> ReconstructJob:
    """Leave out optional outputs that the model does not give, and say so."""
    lacking = [
        name
        for name in job.outputs()
        if name in job.optional_outputs and any(role not in package.output_names for role in ROLES.get(name, ()))
    ]
    if not lacking:
        return job
    control.log(
        f'The model "{package.name}" gives only {", ".join(sorted(package.output_names))}: '
        f"left out {', '.join(lacking)}.",
        "warning",
    )
    return replace(job, **{f"{name}_path": "" for name in lacking})


def check_model_serves(job: ReconstructJob, package: ModelPackage) -> None:
    """Check that the model gives what the outputs need, and runs here.

    Raises:
        InvalidModel: it has no ONNX file.
        InvalidParameter: an output is asked for that this model does not give.
    """
    if package.onnx_name is None:
        raise InvalidModel(
            f'The model "{package.name}" has no ONNX file, which this job runs. Export one, or use another package.'
        )
    for name in job.outputs():
        missing = [role for role in ROLES.get(name, ()) if role not in package.output_names]
        if missing:
            raise InvalidParameter(
                f'The {name} output is asked for, but the model "{package.name}" gives only '
                f"{', '.join(sorted(package.output_names))}. Leave that output out, or choose another model.",
                {"output": name, "missing": missing},
            )


def make_plan(job: ReconstructJob, package: ModelPackage, source: ImageSource, control: JobControl) -> Plan:
    """Check the image against job and model, and fix everything that the work needs.

    Raises:
        InvalidInput: ground size unknown or absurd, no valid pixel, damaged file.
        InvalidParameter: extent, overlap or GSD do not fit.
        OutputFailed: the disk has too little room.
    """
    size = pixel_size(source.grid, job.gsd_m)
    if size is None:
        raise InvalidInput(
            f"{job.image_path} does not say how large its pixels are on the ground (no CRS or no geotransform). "
            "Give the ground sampling distance in metres (GSD)."
        )
    warnings = [*source.warnings, *gsd_warnings(source.grid, size, job, package)]
    columns, rows = plan_axes(
        source.grid.width, source.grid.height, size, package.gsd_m, package.tile_size_px, job.overlap_px
    )
    whole = (0, 0, source.grid.width, source.grid.height)
    window = source.grid.pixel_window(job.extent) if job.extent else whole
    grid = source.grid.window(*window)
    sizes = {
        path: layer_specs([name], package, {})[name].bytes_per_pixel() * grid.width * grid.height
        for name, path in paths_aside(job, package, control.job_id).items()
    }
    check_room(sizes)
    control.log("Looking over the image.")
    normalisation = find_normalisation(source, control.check_cancelled)
    if window != whole and not has_valid_pixel(source, window, control.check_cancelled):
        raise InvalidInput("The extent holds no valid pixel of the image: all are NoData, transparent or masked.")
    for text in warnings:
        control.log(text, "warning")
    return Plan(job, package, window, grid, size, columns, rows, normalisation, tuple(warnings))


def paths_aside(job: ReconstructJob, package: ModelPackage, job_id: str) -> dict[str, str]:
    """Return layer -> where it is written aside; a report also gets the layers that it shows, for a while."""
    outputs = job.outputs()
    paths = {name: partial_path(path, job_id) for name, path in outputs.items() if name != "report"}
    if "report" in outputs:
        for name in ("height", "sigma", "land_cover"):
            if all(role in package.output_names for role in ROLES[name]):
                paths.setdefault(name, f"{partial_path(outputs['report'], job_id)}.{name}.tif")
    return paths


def gsd_warnings(grid: Grid, size: PixelSize, job: ReconstructJob, package: ModelPackage) -> list[str]:
    """Judge the image's ground sampling distance.

    Raises:
        InvalidInput: it is so far off that a result would mean nothing.
    """
    coarsest_m, finest_m = max(size.x_m, size.y_m), min(size.x_m, size.y_m)
    if coarsest_m > _COARSEST * package.gsd_m or finest_m < package.gsd_m / _FINEST:
        raise InvalidInput(
            f"The image's pixels are {size.x_m:.4g} m x {size.y_m:.4g} m ({size.source}); the model works at "
            f"{package.gsd_m:g} m and no image beyond {package.gsd_m / _FINEST:g} to {_COARSEST * package.gsd_m:g} m "
            "can give a result. Use another image, or correct its CRS or the GSD.",
            {"gsd_m": size.gsd_m, "model_gsd_m": package.gsd_m},
        )
    low_m, high_m = package.gsd_range_m
    warnings = []
    if not low_m <= size.gsd_m <= high_m:
        effect = (
            "it is averaged to the model's pixels" if size.gsd_m < low_m else "expect missing detail and wrong heights"
        )
        warnings.append(
            f"The image's GSD of {size.gsd_m:.3g} m lies outside the model's range of {low_m:g} to {high_m:g} m: "
            f"{effect}."
        )
    own = pixel_size(grid) if job.gsd_m > 0 else None
    if own is not None and abs(own.gsd_m / size.gsd_m - 1.0) > 0.05:
        warnings.append(
            f"The GSD given, {size.gsd_m:.3g} m, differs from the {own.gsd_m:.3g} m of the image's own grid; "
            "the given one is used."
        )
    return warnings


def _compute(plan: Plan, source: ImageSource, control: JobControl) -> dict:
    """Run the model over the image and write all outputs aside; returns the job's values but the time."""
    job, package = plan.job, plan.package
    control.check_cancelled()
    control.log(f"Loading the model {package.name} {package.version}.".replace(" .", "."))
    session = InferenceSession(package, job.device, control.log)
    control.check_cancelled()
    paths = paths_aside(job, package, control.job_id)
    tags = provenance_tags(plan, source, session)
    writers: dict[str, RasterWriter] = {}
    try:
        for name, spec in layer_specs(list(paths), package, tags).items():
            writers[name] = RasterWriter(paths[name], plan.grid, spec)
        tally = _run_tiles(plan, source, session, writers, control)
        for name, writer in writers.items():
            control.log(f"Writing {name.replace('_', ' ')}.")
            writer.finish(worker_threads(), control.check_cancelled)
            if job.outputs().get(name):
                write_styles(name, writer.path, package)
    finally:
        for writer in writers.values():
            writer.close()
    if job.report_path:
        control.log("Writing the report.")
        write_report_aside(plan, source, tally, tags, paths, partial_path(job.report_path, control.job_id))
    return {
        "mean_height_m": tally.mean_height_m,
        "megapixels": plan.grid.megapixels,
        "seconds": 0.0,
        "device": session.device,
        "gsd_m": plan.size.gsd_m,
        "warnings": list(plan.warnings),
        "outputs": dict(job.outputs()),
        "normalisation": normalisation_text(plan.normalisation),
    }


class Tally:
    """Running totals over the result's valid pixels.

    Attributes:
        class_pixels: class id -> pixels, [256].
    """

    def __init__(self):
        self._sum_m, self._count = 0.0, 0
        self.class_pixels = np.zeros(256, np.int64)

    @property
    def mean_height_m(self) -> float | None:
        return self._sum_m / self._count if self._count else None

    def add_heights(self, heights_m: np.ndarray, valid: np.ndarray | None) -> None:
        chosen = heights_m if valid is None else heights_m[valid]
        self._sum_m += float(chosen.sum(dtype=np.float64))
        self._count += chosen.size

    def add_classes(self, ids: np.ndarray) -> None:
        self.class_pixels += np.bincount(ids.ravel(), minlength=256)


def _run_tiles(plan: Plan, source: ImageSource, session: InferenceSession, writers: dict, control) -> Tally:
    """Compute all tiles and hand their results to the writers."""
    job, package = plan.job, plan.package
    wanted = {role for name in writers for role in ROLES[name]} | {HEIGHT}
    roles = {
        role: len(package.classes) if role == CLASSES else 1 for role in package.output_names if role in wanted
    }
    settings = Settings(
        package.normalisation_mean, package.normalisation_std, roles, job.batch_size, job.max_memory_mb * 0.75
    )
    image = ModelImage(source, plan.normalisation, plan.columns, plan.rows)
    engine = Engine(image, session, plan.columns, plan.rows, plan.window, settings, source.has_mask)
    tally = Tally()
    for fields in engine.run(_progress(control, plan.grid.megapixels)):
        height_px, width_px = next(iter(fields.values.values())).shape[1:]
        valid = fields.known
        if valid is not None:
            _, of_image = source.read(fields.column, fields.row, width_px, height_px)
            valid = valid & of_image
        if HEIGHT in fields.values:
            tally.add_heights(fields.values[HEIGHT][0], valid)
        for name, writer in writers.items():
            stored = encode(name, fields.values, valid, package)
            writer.write(fields.column - plan.window[0], fields.row - plan.window[1], stored)
            if name == "land_cover":
                tally.add_classes(stored)
    return tally


def _progress(control: JobControl, megapixels: float):
    """Return the engine's callback: stops on cancel, reports every change."""
    last = [-1]

    def on_tiles(done: int, total: int) -> None:
        control.check_cancelled()
        if done != last[0]:
            last[0] = done
            control.progress(done, total, "tiles", megapixels=megapixels * done / total)

    return on_tiles


def normalisation_text(normalisation: Normalisation) -> str:
    """Say how values were normalised, with the numbers."""
    numbers = "; ".join(f"{low:.6g} to {high:.6g}" for low, high in zip(normalisation.low, normalisation.high))
    return f"{normalisation.rule} (red, green, blue: {numbers})"


def provenance_tags(plan: Plan, source: ImageSource, session: InferenceSession) -> dict[str, str]:
    """Return the tags that say where a result comes from; no times and no places, so that they repeat."""
    job, package = plan.job, plan.package
    tags = {
        "VERSION": product_version(),
        "MODEL_NAME": package.name,
        "MODEL_VERSION": package.version,
        "MODEL_SHA256": package.sha256,
        "MODEL_LICENCE": package.licence,
        "IMAGE": os.path.basename(job.image_path),
        "BANDS": ", ".join(map(str, source.bands)),
        "EXTENT": ", ".join(f"{side:.12g}" for side in job.extent) if job.extent else "whole image",
        "GSD_M": f"{plan.size.x_m:.6g} x {plan.size.y_m:.6g}, {plan.size.source}",
        "MODEL_GSD_M": f"{package.gsd_m:g}",
        "OVERLAP_PX": str(job.overlap_px),
        "BATCH_SIZE": str(job.batch_size),  # kernels may round differently with it
        "DEVICE": session.device,
        "NORMALISATION": normalisation_text(plan.normalisation),
        "PREDICTIVE_STD_SCALE": f"{package.predictive_std_scale:g}",
        "PREDICTIVE_STD_POWER": f"{package.predictive_std_power:g}",
        "SOFTWARE": f"numpy {np.__version__}, rasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}, "
        f"onnxruntime {session.version}",
        "WARNINGS": " ".join(plan.warnings) or "none",
    }
    return {f"SEMANTIC3D_{name}": value for name, value in tags.items() if value}

"""What the reconstruct job will do: image, model and parameters checked against each other, before weights load."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Protocol

import numpy as np
import rasterio

from s3d_protocol import (
    InvalidInput,
    InvalidModel,
    InvalidParameter,
    JobControl,
    ReconstructJob,
    partial_path,
    product_version,
)

from ..inference.buffers import Buffers
from ..inference.engine import Settings
from ..models.package import CLASS_PART, CLASSES, HEIGHT, HEIGHT_PART, ModelPackage, load_package
from ..raster.block_grid import BlockGrid
from ..raster.grid import Grid, PixelSize, pixel_size, pixel_size_range
from ..raster.model_grid import ModelAxis, plan_axes
from ..raster.normalisation import Normalisation, find_normalisation, has_valid_pixel
from ..raster.source import ImageSource
from .layers import ROLES, layer_specs

_COARSEST = 8.0  # times the model's GSD: beyond, an image pixel holds whole houses
_FINEST = 100.0  # the model's GSD divided by this: beyond, the unit is wrong
_BLOCKS_AT_ONCE = 6  # of the image, that a tile may lie on
LEAST_CACHE_BYTES = 16_000_000  # that GDAL may keep of what it has read: enough where pieces share few blocks
_CACHE_SHARE = 1 / 8  # of the memory limit, at most
_ALPHA_PX = 512
_CORNER_PX = 16
_WIDE_TILES = 4  # a file's blocks as wide as so many tiles are met again and again along a row
_BLOCK_PX = 4096  # of the outputs; a multiple of the final files' own tiles
_SHARE_OF_BUFFERS = 0.75
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
        bands, has_mask: of the image, as it is read.
        layers: rasters to compute: the outputs, and what the report shows.
        block_px: side of the blocks that are finished and recorded one by one.
        cache_bytes: that GDAL may keep of what it has read.
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
    bands: tuple
    has_mask: bool
    layers: tuple
    block_px: int
    cache_bytes: int
    warnings: tuple

    def __reduce__(self):
        """Travel to another process with the model's path and identity; the package is opened there."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "package"}
        return _arrived, (self.package.sha256, values)

    @property
    def blocks(self) -> BlockGrid:
        """The blocks of the outputs."""
        return BlockGrid(self.grid.width, self.grid.height, self.block_px)

    @property
    def roles(self) -> dict[str, int]:
        """What the model must give for the layers, and for the mean height: role -> channels."""
        wanted = {role for name in self.layers for role in ROLES[name]} | {HEIGHT}
        return {
            role: len(self.package.classes) if role == CLASSES else 1
            for role in self.package.output_names
            if role in wanted
        }

    @property
    def settings(self) -> Settings:
        """How the engine runs."""
        package, job = self.package, self.job
        return Settings(
            package.normalisation_mean, package.normalisation_std, self.roles, job.batch_size, buffer_mb(job)
        )

    @property
    def buffers(self) -> Buffers:
        """The engine's memory."""
        settings = self.settings
        return Buffers.plan(
            self.columns, self.rows, sum(settings.roles.values()), self.has_mask, settings.batch_size,
            settings.max_memory_mb,
        )

    def layer_bytes(self) -> dict[str, int]:
        """Return layer -> bytes of its pixels."""
        specs = layer_specs(list(self.layers), self.package, {})
        return {name: spec.bytes_per_pixel() * self.grid.width * self.grid.height for name, spec in specs.items()}


def _arrived(sha256: str, values: dict) -> Plan:
    """Rebuild a plan that comes from another process.

    Raises:
        InvalidModel: the model here is another one.
    """
    package = _opened_package(values["job"].model_path)
    if package.sha256 != sha256:  # a worker lives long: it may have been replaced since
        _opened_package.cache_clear()
        package = _opened_package(values["job"].model_path)
    if package.sha256 != sha256:
        raise InvalidModel(
            f'The model "{package.name}" at {package.path} is not the one that the job was planned with (its identity '
            f"is {package.sha256[:12]}, planned was {sha256[:12]}). Install the same model on all machines.",
        )
    return Plan(package=package, **values)


@lru_cache(maxsize=2)
def _opened_package(path: str) -> ModelPackage:
    return load_package(path)


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
    """
    size = pixel_size(source.grid, job.gsd_m)
    if size is None:
        raise InvalidInput(
            f"{job.image_path} does not say how large its pixels are on the ground (no CRS or no geotransform). "
            "Give the ground sampling distance in metres (GSD)."
        )
    columns, rows = plan_axes(
        source.grid.width, source.grid.height, size, package.gsd_m, package.tile_size_px, job.overlap_px
    )
    whole = (0, 0, source.grid.width, source.grid.height)
    window = source.grid.pixel_window(job.extent) if job.extent else whole
    sized = gsd_warnings(source.grid, size, job, package)
    grid = source.grid.window(*window)
    layers = tuple(paths_aside(job, package, control.job_id))
    control.log("Looking over the image.")
    normalisation = find_normalisation(source, control.check_cancelled)
    if window != whole and not has_valid_pixel(source, window, control.check_cancelled):
        raise InvalidInput("The extent holds no valid pixel of the image: all are NoData, transparent or masked.")
    warnings = [*source.warnings, *sized, *_margin_warnings(source, window), *_alpha_warnings(source, window)]
    warnings += untaught_warnings(job, package)
    for text in warnings:
        control.log(text, "warning")
    return Plan(
        job, package, window, grid, size, columns, rows, normalisation, source.bands, source.has_mask, layers,
        block_size_px(), _cache_bytes(job, source, columns, rows), tuple(warnings),
    )


def _cache_bytes(job: ReconstructJob, source: ImageSource, columns: ModelAxis, rows: ModelAxis) -> int:
    """Choose GDAL's cache: the row of tiles being read, and one whose mask is written, if blocks are that wide."""
    wide_px = _WIDE_TILES * columns.tiles.stride_px / columns.to_model.scale
    tile_rows = 2 if source.has_mask else 1
    wanted = source.row_bytes(int(wide_px), int(tile_rows * rows.tiles.tile_px / rows.to_model.scale))
    wanted = max(wanted, _BLOCKS_AT_ONCE * source.block_bytes)
    return max(LEAST_CACHE_BYTES, min(wanted, int(job.max_memory_mb * _MB * _CACHE_SHARE)))


def block_size_px() -> int:
    """Return the side of a block; the variable SEMANTIC3D_BLOCK_PX is for tests."""
    return int(os.environ.get("SEMANTIC3D_BLOCK_PX") or _BLOCK_PX)


def buffer_mb(job: ReconstructJob) -> float:
    """Return what the engine may take of the memory limit; the rest is for GDAL and what is being written."""
    return job.max_memory_mb * _SHARE_OF_BUFFERS


def paths_aside(job: ReconstructJob, package: ModelPackage, job_id: str) -> dict[str, str]:
    """Return layer -> where it is written aside; a report also gets the layers that it shows, for a while."""
    outputs = job.outputs()
    paths = {name: partial_path(path, job_id) for name, path in outputs.items() if name != "report"}
    if "report" in outputs:
        for name in ("height", "sigma", "land_cover"):
            if all(role in package.output_names for role in ROLES[name]):
                paths.setdefault(name, f"{partial_path(outputs['report'], job_id)}.{name}.tif")
    return paths


def _margin_warnings(source: ImageSource, window: tuple) -> list[str]:
    """Say so where a corner is of one colour, black or white, and nothing declares it to be no image."""
    if source.dtype != np.uint8 or len(source.bands) < 3:  # of a palette, the index would count
        return []
    left, top, wide, high = window
    width, height = min(_CORNER_PX, wide), min(_CORNER_PX, high)
    for row in (top, top + high - height):
        for column in (left, left + wide - width):
            pixels, valid = source.read(column, row, width, height)
            for value, colour in ((0, "black"), (255, "white")):
                if (pixels == value).all() and (valid is None or valid.all()):
                    return [
                        f"A corner of the image is {colour} and not declared as NoData, so it is taken for ground or "
                        f"water. If it is a margin, declare it, for instance with gdal_edit -a_nodata {value}, and run "
                        "the job again."
                    ]
    return []


def _alpha_warnings(source: ImageSource, window: tuple) -> list[str]:
    """Look at the alpha band in the window's middle."""
    left, top, wide, high = window
    width, height = min(_ALPHA_PX, wide), min(_ALPHA_PX, high)
    text = source.alpha_warning(left + (wide - width) // 2, top + (high - height) // 2, width, height)
    return [text] if text else []


def untaught_warnings(job: ReconstructJob, package: ModelPackage) -> list[str]:
    """A sentence for what is asked for and was never taught to the model."""
    parts = {HEIGHT_PART: ("height", "sigma"), CLASS_PART: ("land_cover", "probabilities")}
    found = []
    for part in package.untaught:
        asked = [name for name in parts[part] if job.outputs().get(name)]
        if asked:
            found.append(
                f'The model "{package.name}" was trained without {part.replace("_", " ")} from a base that had none: '
                f"{' and '.join(asked)} mean nothing. Use another model for them."
            )
    return found


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
    edges = None if job.gsd_m > 0 else pixel_size_range(grid)
    if edges is not None and max(edges[1] / size.gsd_m, size.gsd_m / edges[0]) > 1.05:
        warnings.append(
            f"A pixel is {edges[0]:.3g} m wide on the ground at one edge of the image and {edges[1]:.3g} m at another; "
            f"the {size.gsd_m:.3g} m of its middle are used for all of it, so heights near the edges are off by as much. "
            "Warp the image to a grid that is true to scale, such as UTM, or run its parts one by one."
        )
    return warnings + given_gsd_warnings(grid, job.gsd_m)


def given_gsd_warnings(grid: Grid, gsd_m: float) -> list[str]:
    """What to say of a GSD in metres that the user gave (0: none) where the image's grid has another."""
    own = pixel_size(grid) if gsd_m > 0 else None
    if own is None or abs(own.gsd_m / gsd_m - 1.0) <= 0.05:
        return []
    return [
        f"The GSD given, {gsd_m:.3g} m, differs from the {own.gsd_m:.3g} m of the image's own grid; "
        "the given one is used."
    ]


def normalisation_text(normalisation: Normalisation) -> str:
    """Say how values were normalised, with the numbers."""
    numbers = "; ".join(f"{low:.6g} to {high:.6g}" for low, high in zip(normalisation.low, normalisation.high))
    return f"{normalisation.rule} (red, green, blue: {numbers})"


class ModelRuntime(Protocol):
    """What provenance tells of the model at work; `InferenceSession` is one.

    Attributes:
        device: "cpu" or "cuda".
        version: of onnxruntime.
    """

    device: str
    version: str


def extent_text(job: ReconstructJob) -> str:
    """Return a job's extent as provenance tells it."""
    return ", ".join(f"{side:.12g}" for side in job.extent) if job.extent else "whole image"


def provenance_tags(plan: Plan, session: ModelRuntime) -> dict[str, str]:
    """Return the tags that say where a result comes from; no times and no places, so that they repeat."""
    job, package = plan.job, plan.package
    tags = {
        "VERSION": product_version(),
        "MODEL_NAME": package.name,
        "MODEL_VERSION": package.version,
        "MODEL_SHA256": package.sha256,
        "MODEL_LICENCE": package.licence,
        "IMAGE": os.path.basename(job.image_path),
        "BANDS": ", ".join(map(str, plan.bands)),
        "EXTENT": extent_text(job),
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

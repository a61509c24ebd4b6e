"""The detect_shadows job: a mask of cast shadows from the colours of one image, window by window.

Two looks at the image: the first finds one threshold for all of it, the second classifies. A window is read with so
much around it that its pixels come out as they would in one piece.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections import namedtuple
from dataclasses import dataclass, replace
from typing import Iterator

import numpy as np
import rasterio
from rasterio.enums import Resampling

from s3d_protocol import (
    DetectShadowsJob,
    InvalidInput,
    JobControl,
    partial_path,
    product_version,
)

from ..exporters.qml import write_land_cover_style
from ..inference.session import worker_threads
from ..raster.grid import Grid, pixel_size
from ..raster.normalisation import Normalisation, blocks_to_look_at, find_normalisation, has_valid_pixel
from ..raster.source import ImageSource
from ..raster.writer import RasterSpec, RasterWriter, check_room
from ..shadows.detector import Detector, detector
from ..shadows.patches import clean
from ..shadows.threshold import LEAST_DROP, IndexHistogram, Threshold
from .image_identity import ImageFiles
from .reconstruct_plan import given_gsd_warnings, normalisation_text
from .style_sidecar import write_style_aside
from .whole_outputs import check_output_paths, whole_outputs

LIT, SHADOW, NODATA = 0, 1, 255
Class = namedtuple("Class", "id name colour")
CLASSES = (Class(LIT, "lit", "#fff3c4"), Class(SHADOW, "shadow", "#2b2d6e"))
WINDOW_PX = 1536
_FIRST_MARGIN_PX = 64  # for patches; doubled where one of them is larger
_UNKNOWN_GSD_M = 0.5
_COARSE_M = 2.0
_BELOW = 0.15  # of the range between the 2nd and the 98th percentile: shadow is not black
_MUCH = 0.5  # share of shadow that deserves a word
_CACHE_MB = 128


@dataclass(frozen=True)
class Plan:
    """A checked job.

    Attributes:
        window: (column, row, width, height), the image pixels wanted.
        grid: of the output.
        normalisation: of pixel values.
        detector: for the image's pixel size.
        least_px: area of the smallest patch that stays.
        warnings: for the user.
    """

    job: DetectShadowsJob
    window: tuple
    grid: Grid
    normalisation: Normalisation
    detector: Detector
    least_px: int
    warnings: tuple


def run(job: DetectShadowsJob, control: JobControl) -> dict:
    """Do the job.

    Returns:
        shadow_share (0 to 1, of the valid pixels), threshold, megapixels, seconds, warnings, outputs.

    Raises:
        Semantic3DError: InvalidParameter, InvalidInput and OutputFailed before or during the work, Cancelled; no
            output is left then.
    """
    started_s = time.monotonic()
    job.check()
    check_output_paths(job, {job.image_path: "the image itself"})
    with whole_outputs(job, control), rasterio.Env(GDAL_CACHEMAX=_CACHE_MB * 1_000_000):
        files = ImageFiles(job.image_path)
        with files.explaining(), ImageSource(job.image_path, job.bands) as source:
            plan = make_plan(job, source, control)
            values = _detect(plan, source, control)
            files.check_unchanged()
    values["seconds"] = time.monotonic() - started_s
    return values


def make_plan(job: DetectShadowsJob, source: ImageSource, control: JobControl) -> Plan:
    """Check the image against the job, and fix everything that the work needs.

    Raises:
        InvalidInput: no valid pixel, damaged file.
        InvalidParameter: the extent lies outside.
        OutputFailed: the disk has too little room.
    """
    size = pixel_size(source.grid, job.gsd_m)
    warnings = given_gsd_warnings(source.grid, job.gsd_m)
    if size is None:
        warnings.append(
            "The image does not say how large its pixels are on the ground (no CRS or no geotransform): they are taken "
            f"for {_UNKNOWN_GSD_M:g} m. Give the GSD if they are not."
        )
    gsd_m = size.gsd_m if size else _UNKNOWN_GSD_M
    if gsd_m > _COARSE_M:
        warnings.append(
            f"A pixel is {gsd_m:.3g} m wide: the shadows of houses are hardly larger than that, and many are missed."
        )
    whole = (0, 0, source.grid.width, source.grid.height)
    window = source.grid.pixel_window(job.extent) if job.extent else whole
    grid = source.grid.window(*window)
    check_room({partial_path(job.shadow_path, control.job_id): grid.width * grid.height})
    control.log("Looking over the image.")
    normalisation = with_true_black(find_normalisation(source, control.check_cancelled))
    if window != whole and not has_valid_pixel(source, window, control.check_cancelled):
        raise InvalidInput("The extent holds no valid pixel of the image: all are NoData, transparent or masked.")
    warnings = [*source.warnings, *warnings]
    for text in warnings:
        control.log(text, "warning")
    least_px = math.ceil(job.min_area_m2 / gsd_m**2 - 1e-9)
    finder = detector(gsd_m, black_is_empty=not any(normalisation.low))
    return Plan(job, window, grid, normalisation, finder, least_px, tuple(warnings))


def with_true_black(normalisation: Normalisation) -> Normalisation:
    """Let black be black, and not the 2nd percentile of an image: shadow is a ratio of brightnesses.

    Black is 0. Where dark pixels are below it, it is guessed a little under the 2nd percentile.
    """
    if not any(normalisation.low):
        return normalisation
    if min(normalisation.low) >= 0:
        low, rule = (0.0,) * 3, "0 stays 0"
    else:
        low = tuple(start - _BELOW * (end - start) for start, end in zip(normalisation.low, normalisation.high))
        rule = "values reach below 0, black is guessed"
    return replace(normalisation, low=low, rule=f"{rule}, the 98th percentile of each band over the whole image is 1")


def _detect(plan: Plan, source: ImageSource, control: JobControl) -> dict:
    job, warnings = plan.job, list(plan.warnings)
    blocks = [] if job.threshold else list(blocks_to_look_at(source))
    windows = list(windows_of(plan.window))
    steps = _Steps(control, len(blocks) + len(windows))
    found = _find_threshold(plan, source, blocks, steps) if blocks else Threshold(job.threshold, 0.0, True)
    if not found.found:
        warnings.append(
            f"No shadows stand out: the darkest part of the image is {_percent(found.drop)} darker than the rest, "
            f"shadow is at least {_percent(LEAST_DROP)} darker. The image may hold none; the mask has only what is "
            "very dark. Give a threshold to see more."
        )
        control.log(warnings[-1], "warning")
    tags = provenance_tags(plan, source, found)
    path = partial_path(job.shadow_path, control.job_id)
    writer = RasterWriter(path, plan.grid, mask_spec(tags))
    try:
        shadow_px, valid_px = _classify(plan, source, writer, found, windows, steps)
        control.log("Writing the shadow mask.")
        writer.finish(worker_threads(), control.check_cancelled)
    finally:
        writer.close()
    write_style_aside(job.shadow_path, control, lambda aside: write_land_cover_style(aside, CLASSES, (LIT,)))
    share = shadow_px / valid_px if valid_px else 0.0
    if not valid_px:
        warnings.append(
            "No pixel counts: all that is no NoData is black, which is taken for the empty rim of a mosaic. Check that "
            "BANDS are those of the colours."
        )
        control.log(warnings[-1], "warning")
    if share > _MUCH:
        warnings.append(
            f"{share:.0%} of the image is called shadow. Dark ground or water may be among it: look at the mask, and "
            f"raise the threshold above {found.value:.3g} if so."
        )
        control.log(warnings[-1], "warning")
    return {
        "shadow_share": share,
        "threshold": found.value,
        "megapixels": plan.grid.megapixels,
        "seconds": 0.0,
        "warnings": warnings,
        "outputs": dict(job.outputs()),
    }


def _percent(drop: float) -> str:
    return f"{1 - math.exp(-drop):.0%}"


class _Steps:
    """One progress bar over both looks; stops on cancel."""

    def __init__(self, control: JobControl, total: int):
        self.control, self._total, self._done = control, total, 0
        control.progress(0, total, "windows")

    def next(self, text: str, megapixels: float = 0.0) -> None:
        """One step is done; `megapixels` of the mask are."""
        self._done += 1
        self.control.progress(self._done, self._total, "windows", megapixels, text)
        self.control.check_cancelled()


def _find_threshold(plan: Plan, source: ImageSource, blocks: list, steps: _Steps) -> Threshold:
    """First look: the histogram of the whole image, whatever the extent; of evenly spread blocks where it is large."""
    histogram = IndexHistogram()
    for column, row, width, height in blocks:
        box = _grown((column, row, width, height), plan.detector.histogram_margin_px, source.grid)
        index, usable = plan.detector.index(*_read(plan, source, box))
        core = slice(row - box[1], row - box[1] + height), slice(column - box[0], column - box[0] + width)
        histogram.add(index, usable, core, plan.detector.radii.edge_px)
        steps.next("Looking for the threshold")
    return histogram.threshold()


def _classify(plan: Plan, source: ImageSource, writer: RasterWriter, found: Threshold, windows: list, steps: _Steps):
    """Second look: write the mask; returns shadow pixels and valid pixels."""
    shadow_px = valid_px = 0
    for done, window in enumerate(windows, 1):
        shadow, valid = window_mask(plan, source, window, found.steps, steps.control)
        stored = np.where(valid, np.where(shadow, SHADOW, LIT), NODATA).astype(np.uint8)
        writer.write(window[0] - plan.window[0], window[1] - plan.window[1], stored[None])
        shadow_px, valid_px = shadow_px + int(shadow.sum()), valid_px + int(valid.sum())
        steps.next("Marking shadows", plan.grid.megapixels * done / len(windows))
    return shadow_px, valid_px


def windows_of(whole: tuple) -> Iterator[tuple[int, int, int, int]]:
    """Yield windows (column, row, width, height) of `WINDOW_PX` that cover `whole`."""
    left, top, width, height = whole
    for row in range(top, top + height, WINDOW_PX):
        for column in range(left, left + width, WINDOW_PX):
            yield column, row, min(WINDOW_PX, left + width - column), min(WINDOW_PX, top + height - row)


def window_mask(plan: Plan, source: ImageSource, window: tuple, threshold_steps: int, control: JobControl):
    """Return shadow and validity [H, W], bool, of a window (column, row, width, height), as in one piece.

    More and more is read around the window until no patch in it depends on what lies further out.
    """
    margin_px = min(_FIRST_MARGIN_PX, 2 * plan.least_px)
    while True:
        control.check_cancelled()
        inner = _grown(window, margin_px, source.grid)
        outer = _grown(inner, plan.detector.margin_px, source.grid)
        dark, valid = plan.detector.dark(*_read(plan, source, outer), threshold_steps)
        control.check_cancelled()
        dark, valid = (_part(layer, outer, inner) for layer in (dark, valid))
        least, most = clean(dark, valid, plan.least_px, _open_sides(inner, source.grid))
        least, most = _part(least, inner, window), _part(most, inner, window)
        if np.array_equal(least, most):
            return least, _part(valid, inner, window)
        margin_px *= 2


def _read(plan: Plan, source: ImageSource, box: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Read a box (column, row, width, height): colours in 0..1, float32 [3, H, W], and validity [H, W]."""
    pixels, valid = source.read(*box)
    if valid is None:
        valid = np.ones(pixels.shape[1:], bool)
    return plan.normalisation.apply(pixels), valid


def _grown(box: tuple, margin_px: int, grid: Grid) -> tuple[int, int, int, int]:
    """A box (column, row, width, height) with a margin, cut to the image."""
    left, top = max(0, box[0] - margin_px), max(0, box[1] - margin_px)
    right = min(grid.width, box[0] + box[2] + margin_px)
    bottom = min(grid.height, box[1] + box[3] + margin_px)
    return left, top, right - left, bottom - top


def _part(layer: np.ndarray, box: tuple, wanted: tuple) -> np.ndarray:
    """The part of a layer [H, W] over `box` that lies over `wanted`."""
    left, top = wanted[0] - box[0], wanted[1] - box[1]
    return layer[top : top + wanted[3], left : left + wanted[2]]


def _open_sides(box: tuple, grid: Grid) -> tuple[bool, bool, bool, bool]:
    """Whether the image goes on beyond the (top, bottom, left, right) of a box."""
    return box[1] > 0, box[1] + box[3] < grid.height, box[0] > 0, box[0] + box[2] < grid.width


def mask_spec(tags: dict) -> RasterSpec:
    """What the mask's file holds."""
    colours = {item.id: tuple(int(item.colour[i : i + 2], 16) for i in (1, 3, 5)) + (255,) for item in CLASSES}
    names = json.dumps([list(item) for item in CLASSES])
    return RasterSpec(
        "uint8", NODATA, ("shadow",), ("",), colours={**colours, NODATA: (0, 0, 0, 0)}, overviews=Resampling.mode,
        tags={**tags, "SEMANTIC3D_CLASSES": names, "SEMANTIC3D_LAYER": "shadow"},
    )  # fmt: skip


def provenance_tags(plan: Plan, source: ImageSource, found: Threshold) -> dict[str, str]:
    """Return the tags that say where the mask comes from; no times and no places, so that they repeat."""
    job, size = plan.job, pixel_size(source.grid, plan.job.gsd_m)
    tags = {
        "VERSION": product_version(),
        "IMAGE": os.path.basename(job.image_path),
        "BANDS": ", ".join(map(str, source.bands)),
        "EXTENT": ", ".join(f"{side:.12g}" for side in job.extent) if job.extent else "whole image",
        "GSD_M": f"{size.x_m:.6g} x {size.y_m:.6g}, {size.source}" if size else f"{_UNKNOWN_GSD_M:g}, a guess",
        "THRESHOLD": f"{found.value:.6g}, {'given' if job.threshold else 'found from the image'}",
        "MIN_AREA_M2": f"{job.min_area_m2:g}",
        "NORMALISATION": normalisation_text(plan.normalisation),
        "SOFTWARE": f"numpy {np.__version__}, rasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}",
    }
    return {f"SEMANTIC3D_{name}": value for name, value in tags.items()}

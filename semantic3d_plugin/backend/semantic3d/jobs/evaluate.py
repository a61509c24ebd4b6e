"""The evaluate job: a reconstruction against reference rasters, window by window on the prediction's grid."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from typing import Iterator

import numpy as np
import rasterio

from s3d_protocol import EvaluateJob, InvalidInput, JobControl, partial_path

from ..exporters.thumbnail import Thumbnail
from ..inference.heap import give_freed_memory_back
from ..inference.session import worker_threads
from ..metrics.classes import UNKNOWN, Confusion
from ..metrics.groups import Grouped
from ..metrics.heights import HeightErrors
from ..metrics.surfaces import SurfaceErrors
from ..metrics.uncertainty import INTERVALS_TAG, UncertaintyErrors, parse_intervals
from ..raster.aligned import AlignedBand, grid_of
from ..raster.grid import Grid, PixelSize, pixel_size
from ..raster.writer import RasterSpec, RasterWriter, check_room
from ..raster.zone_polygons import ZonePolygons
from .evaluate_output import collect_figures, provenance, result_values, write_documents
from .reconstruct_plan import given_gsd_warnings
from .whole_outputs import check_output_paths, whole_outputs

WINDOW_PX = 512
POINT_SPACING_M = 0.5  # points of a surface stand at most this far apart, and at least half of it, where pixels allow
MAX_ZONES = 1000  # each keeps a histogram of 160 kB
NODATA_M = -9999.0
CLASSES_TAG = "SEMANTIC3D_CLASSES"  # of our land cover: [[id, name, colour], ...]
_MOST_STRIDE_PX = 64  # pixels of less than 8 mm, of degrees taken for metres
_LEAST_M = -1000.0  # no ground lies lower
_CACHE_MB = 64
_ODD_CLASS = 255  # stands for no data in most rasters of bytes
_VALUE_BYTES = 4  # of most rasters
_LOWEST_PX = 32
_HIGHEST_M, _HIGHEST_ABOVE_GROUND_M = 9000.0, 1000.0  # no mountain and no building is higher
_CONTINUOUS = ("height", "reference_height", "reference_dtm", "sigma")
LABELS = {
    "height": "the predicted height",
    "reference_height": "the reference height",
    "reference_dtm": "the reference DTM",
    "sigma": "sigma",
    "land_cover": "the predicted land cover",
    "reference_land_cover": "the reference land cover",
    "shadow": "the shadow mask",
    "zones": "the zones",
}


def run(job: EvaluateJob, control: JobControl) -> dict:
    """Do the job.

    Returns:
        mae_m, rmse_m, ... (None where not compared), pixels, megapixels, seconds, warnings, outputs.

    Raises:
        Semantic3DError: InvalidParameter, InvalidInput and OutputFailed before or during the work, Cancelled; no
            output is left then.
    """
    started_s = time.monotonic()
    job.check()
    give_freed_memory_back()
    check_output_paths(job, {path: "one of the inputs" for path in job.inputs().values()})
    with whole_outputs(job, control):
        with rasterio.Env(GDAL_CACHEMAX=_CACHE_MB * 1_000_000), Layers(job) as layers:
            told = len(layers.warnings)
            for text in layers.warnings:
                control.log(text, "warning")
            tally = _compare(job, layers, control)
        _check_compared(job, tally)
        layers.warnings += _afterthoughts(layers, tally)
        figures = collect_figures(job, layers, tally)
        for text in layers.warnings[told:]:
            control.log(text, "warning")
        write_documents(job, figures, tally, control)
    return {
        **result_values(job, figures),
        "megapixels": layers.grid.megapixels,
        "warnings": list(layers.warnings),
        "outputs": dict(job.outputs()),
        "seconds": time.monotonic() - started_s,
    }


class Layers:
    """All rasters of the job on the prediction's grid. Close it, or use it as a context manager.

    Attributes:
        grid: the prediction's.
        size: ground size of its pixels, None where unknown.
        stride_px: pixels from one point of a surface to the next.
        bands: name -> band, of what is given.
        tags: of the predicted land cover's file.
        has_surfaces: whether distances between surfaces can be told.
        class_names: what the predicted land cover's file calls its classes, by id.
        intervals: the central intervals that sigma's file states, (level, factor of sigma); empty is a Gaussian's.
        warnings: for the user.
    """

    def __init__(self, job: EvaluateJob):
        main = "height" if job.compares_heights else "land_cover"
        self.grid: Grid = grid_of(getattr(job, main + "_path"), LABELS[main])
        self.size: PixelSize | None = pixel_size(self.grid, job.gsd_m)
        self.bands: dict[str, AlignedBand | ZonePolygons] = {}
        self.warnings: list[str] = given_gsd_warnings(self.grid, job.gsd_m)
        try:
            for name, label in LABELS.items():
                path = getattr(job, name + "_path")
                if not path:
                    continue
                if name == "zones" and job.has_zone_polygons:
                    self.bands[name] = ZonePolygons(path, label, self.grid, job.zones_field, MAX_ZONES)
                else:
                    self.bands[name] = AlignedBand(path, label, self.grid, name in _CONTINUOUS)
                self.warnings += self.bands[name].warnings
        except BaseException:
            self.close()
            raise
        self.tags = self.bands["land_cover"].tags if "land_cover" in self.bands else {}
        self.class_names = self._tagged_names()
        self.intervals = _stated_intervals(self.bands.get("sigma"))
        self.stride_px, self.has_surfaces = 1, False
        stride_px = 0 if self.size is None else max(1, math.floor(POINT_SPACING_M / self.size.gsd_m + 1e-9))
        if 1 <= stride_px <= _MOST_STRIDE_PX:
            self.stride_px, self.has_surfaces = stride_px, True
        elif stride_px and job.compares_heights:
            self.warnings.append(
                f"The prediction's pixels are {self.size.gsd_m:.3g} m wide by its CRS and geotransform, which can "
                "hardly be right: distances between surfaces are left out."
            )
        elif job.compares_heights:
            self.warnings.append(
                "The prediction does not say how large its pixels are on the ground (no CRS or no geotransform): "
                "distances between surfaces are left out. Give the ground sampling distance (GSD) to have them."
            )

    def _tagged_names(self) -> dict:
        text = self.tags.get(CLASSES_TAG, "")
        try:
            return {int(code): str(name) for code, name, *_ in json.loads(text)} if text else {}
        except (ValueError, TypeError):
            self.warnings.append(
                f"{self.bands['land_cover'].path}: its tag {CLASSES_TAG} cannot be read; classes are told by their ids."
            )
            return {}

    def heights(self, column: int, row: int, width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Predicted and reference height above ground in metres [H, W], and where both are known."""
        window = (column, row, width, height)
        predicted, valid = self.bands["height"].read(*window)
        reference, known = self.bands["reference_height"].read(*window)
        if "reference_dtm" in self.bands:
            ground, has_ground = self.bands["reference_dtm"].read(*window)
            reference, known = reference - ground, known & has_ground
        return predicted, reference, valid & known

    def ids(self, name: str, window: tuple, missing: int) -> np.ndarray | None:
        """Ids of a layer [H, W], `missing` where there is none; None where the layer is not given."""
        if name not in self.bands:
            return None
        values, valid = self.bands[name].read(*window)
        return np.where(valid, values, missing)

    def close(self) -> None:
        for band in self.bands.values():
            band.close()

    def __enter__(self) -> Layers:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _stated_intervals(sigma: AlignedBand | None) -> tuple:
    text = "" if sigma is None else sigma.tags.get(INTERVALS_TAG, "")
    try:
        return parse_intervals(text)
    except ValueError as error:
        raise InvalidInput(
            f"{sigma.path}: its tag {INTERVALS_TAG} cannot be used ({error}). Remove the tag to have sigma judged as "
            "a Gaussian's.",
            {"tag": text[:200]},
        ) from error


@dataclass(frozen=True)
class Pixels:
    """One window: what is known of its pixels; None is not given.

    Attributes:
        column, row: of its first pixel.
        predicted_m, reference_m, valid: heights [H, W] and where both are known.
        sigma_m, has_sigma: [H, W].
        classes, reference_classes: ids, 0 unknown.
        shadow: 1, 0, or -1 for unknown.
        zones, in_zone: ids and where there is one.
    """

    column: int
    row: int
    predicted_m: np.ndarray | None
    reference_m: np.ndarray | None
    valid: np.ndarray | None
    sigma_m: np.ndarray | None
    has_sigma: np.ndarray | None
    classes: np.ndarray | None
    reference_classes: np.ndarray | None
    shadow: np.ndarray | None
    zones: np.ndarray | None
    in_zone: np.ndarray | None


class Tally:
    """All running sums of the job; what they hold does not depend on the windows.

    Attributes:
        parts: all, building, background -> height errors.
        classes, shadow, zones: height errors by reference class, by shadow (1, 0) and by zone.
        shadow_px, odd_shadow: pixels of the shadow mask, and one of its values that is neither 0 nor 1.
        negative_sigma: pixels.
        confusion, shadow_confusion, zone_confusion: of the land cover.
        uncertainty, surface: None where not asked for or not possible.
        thumbnails: layer -> its small picture.
    """

    def __init__(self, job: EvaluateJob, layers: Layers):
        self._building = job.building_class
        self.parts = {name: HeightErrors() for name in ("all", "building", "background")}
        self.classes, self.shadow, self.zones = Grouped(HeightErrors), Grouped(HeightErrors), Grouped(HeightErrors)
        self.confusion = Confusion()
        self.shadow_confusion, self.zone_confusion = Grouped(Confusion), Grouped(Confusion)
        self.shadow_px, self.odd_shadow, self.negative_sigma = 0, None, 0
        self.uncertainty = UncertaintyErrors(layers.intervals) if job.sigma_path else None
        self.surface = None
        if job.compares_heights and layers.has_surfaces:
            steps_m = layers.size.x_m * layers.stride_px, layers.size.y_m * layers.stride_px
            self.surface = SurfaceErrors(*steps_m)
        names = ["height", "reference_height", "error"] if job.compares_heights else []
        names += [name for name in ("land_cover", "reference_land_cover") if name in layers.bands]
        self.thumbnails = {name: Thumbnail(layers.grid.width, layers.grid.height) for name in names}

    def add(self, pixels: Pixels) -> None:
        if pixels.shadow is not None:
            self.shadow_px += int((pixels.shadow >= 0).sum())
        if pixels.predicted_m is not None:
            self._add_heights(pixels)
        if pixels.classes is not None and pixels.reference_classes is not None:
            self._add_classes(pixels)
        for name, values in (("land_cover", pixels.classes), ("reference_land_cover", pixels.reference_classes)):
            if values is not None:
                self.thumbnails[name].add(pixels.column, pixels.row, values, values != UNKNOWN)

    def _add_heights(self, pixels: Pixels) -> None:
        valid = pixels.valid
        both = pixels.predicted_m[valid], pixels.reference_m[valid]
        self.parts["all"].add(*both)
        if pixels.reference_classes is not None:
            codes = pixels.reference_classes[valid]
            building, background = codes == self._building, (codes != self._building) & (codes != UNKNOWN)
            self.parts["building"].add(*(values[building] for values in both))
            self.parts["background"].add(*(values[background] for values in both))
            known = codes != UNKNOWN
            self.classes.add(codes[known], *(values[known] for values in both))
        if pixels.shadow is not None:
            chosen = valid & (pixels.shadow >= 0)
            self.shadow.add(pixels.shadow[chosen], pixels.predicted_m[chosen], pixels.reference_m[chosen])
        if pixels.zones is not None:
            chosen = valid & pixels.in_zone
            self.zones.add(pixels.zones[chosen], pixels.predicted_m[chosen], pixels.reference_m[chosen])
        if self.uncertainty is not None:
            chosen = valid & pixels.has_sigma
            self.uncertainty.add((pixels.predicted_m - pixels.reference_m)[chosen], pixels.sigma_m[chosen])
        layers = {"height": pixels.predicted_m, "reference_height": pixels.reference_m}
        layers["error"] = pixels.predicted_m - pixels.reference_m
        for name, values in layers.items():
            self.thumbnails[name].add(pixels.column, pixels.row, values, valid)

    def _add_classes(self, pixels: Pixels) -> None:
        both = pixels.reference_classes, pixels.classes
        self.confusion.add(*(codes.ravel() for codes in both))
        for groups, chosen, grouped in (
            (pixels.shadow, None if pixels.shadow is None else pixels.shadow >= 0, self.shadow_confusion),
            (pixels.zones, pixels.in_zone, self.zone_confusion),
        ):
            if groups is not None:
                grouped.add(groups[chosen], *(codes[chosen] for codes in both))


def _compare(job: EvaluateJob, layers: Layers, control: JobControl) -> Tally:
    """Run over all windows; writes the error raster aside where one is asked for."""
    tally, grid = Tally(job, layers), layers.grid
    windows = list(_windows(grid, layers))
    writer = _error_writer(job, layers, control) if job.error_path else None
    try:
        control.progress(0, len(windows), "windows")
        for done, window in enumerate(windows, 1):
            control.check_cancelled()
            pixels = _read(layers, tally, window, control)
            _check_ids(layers, tally, pixels)
            tally.add(pixels)
            if writer is not None:
                error = np.where(pixels.valid, pixels.predicted_m - pixels.reference_m, NODATA_M)
                writer.write(window[0], window[1], error[None].astype(np.float32))
            control.progress(done, len(windows), "windows", grid.megapixels * done / len(windows))
        if writer is not None:
            control.log("Writing the error raster.")
            writer.finish(worker_threads(), control.check_cancelled)
    finally:
        if writer is not None:
            writer.close()
    return tally


def _windows(grid: Grid, layers: Layers) -> Iterator[tuple]:
    """(column, row, width, height) of windows that begin at a point of the surfaces.

    Of rasters whose blocks are rows they are low and wide, so that a row of windows fits into the cache: else each
    block would be decoded for each window.
    """
    stride, high = layers.stride_px, WINDOW_PX
    striped = sum(band.is_striped for band in layers.bands.values())
    if 2 * striped > len(layers.bands):
        fitting = _CACHE_MB * 1_000_000 / 2 / (_VALUE_BYTES * len(layers.bands) * grid.width)
        high = min(WINDOW_PX, max(_LOWEST_PX, int(fitting)))
    high = max(stride, high // stride * stride)
    wide = max(stride, WINDOW_PX**2 // high // stride * stride)
    for row in range(0, grid.height, high):
        for column in range(0, grid.width, wide):
            yield column, row, min(wide, grid.width - column), min(high, grid.height - row)


def _read(layers: Layers, tally: Tally, window: tuple, control: JobControl) -> Pixels:
    """Read one window of everything; adds its surfaces, whose search looks beyond it."""
    column, row = window[:2]
    values: dict = dict.fromkeys(("predicted_m", "reference_m", "valid", "sigma_m", "has_sigma", "zones", "in_zone"))
    if "height" in layers.bands:
        values["predicted_m"], values["reference_m"], values["valid"] = _heights(layers, tally, window, control)
    if "sigma" in layers.bands:
        values["sigma_m"], has_sigma = layers.bands["sigma"].read(*window)
        values["has_sigma"] = has_sigma & (values["sigma_m"] >= 0)
        tally.negative_sigma += int((has_sigma & (values["sigma_m"] < 0)).sum())
    if "zones" in layers.bands:
        values["zones"], values["in_zone"] = layers.bands["zones"].read(*window)
    shadow = layers.ids("shadow", window, -1)
    if shadow is not None:
        known = (shadow == 0) | (shadow == 1)
        odd = shadow[~known & (shadow != -1)]
        if odd.size and tally.odd_shadow is None:
            tally.odd_shadow = int(odd[0])
        shadow = np.where(known, shadow, -1)
    return Pixels(
        column, row, **values, shadow=shadow, classes=layers.ids("land_cover", window, UNKNOWN),
        reference_classes=layers.ids("reference_land_cover", window, UNKNOWN),
    )  # fmt: skip


def _heights(layers: Layers, tally: Tally, window: tuple, control: JobControl) -> tuple:
    """Heights of a window as `Layers.heights` gives them; with a halo, on the way, for the surfaces."""
    if tally.surface is None:
        return layers.heights(*window)
    column, row, width, height = window
    grid, stride = layers.grid, layers.stride_px
    halo_x, halo_y = tally.surface.halo_x * stride, tally.surface.halo_y * stride
    left, top = max(0, column - halo_x), max(0, row - halo_y)
    right, bottom = min(grid.width, column + width + halo_x), min(grid.height, row + height + halo_y)
    predicted, reference, valid = layers.heights(left, top, right - left, bottom - top)
    points = -(-height // stride) + 2 * tally.surface.halo_y, -(-width // stride) + 2 * tally.surface.halo_x
    first_row, first_column = (top - row + halo_y) // stride, (left - column + halo_x) // stride
    clouds = []
    for surface in (predicted, reference):
        picked = np.where(valid, surface, np.nan)[::stride, ::stride]
        cloud = np.full(points, np.nan)
        target = cloud[first_row : first_row + picked.shape[0], first_column : first_column + picked.shape[1]]
        target[:] = picked[: target.shape[0], : target.shape[1]]
        clouds.append(cloud)
    tally.surface.add(*clouds, control.check_cancelled)
    inner = np.s_[row - top : row - top + height, column - left : column - left + width]
    return predicted[inner], reference[inner], valid[inner]


def _check_ids(layers: Layers, tally: Tally, pixels: Pixels) -> None:
    """Refuse a window's ids before each gets an accumulator: a window may hold hundreds of thousands."""
    for name, codes in (("land_cover", pixels.classes), ("reference_land_cover", pixels.reference_classes)):
        if codes is not None and codes.size and not 0 <= codes.min() <= codes.max() <= 255:
            wrong = codes[(codes < 0) | (codes > 255)].flat[0]
            band = layers.bands[name]
            raise InvalidInput(f"{band.path}, {band.label}, holds the class {wrong}. Ids are 1 to 255, 0 is unknown.")
    if pixels.zones is None:
        return
    is_classified = pixels.classes is not None and pixels.reference_classes is not None
    counted = pixels.in_zone if is_classified else pixels.in_zone & pixels.valid
    zones = {*tally.zones.members, *tally.zone_confusion.members, *np.unique(pixels.zones[counted]).tolist()}
    if len(zones) > MAX_ZONES:
        raise InvalidInput(
            f"{layers.bands['zones'].path} holds more than {MAX_ZONES} zones. Join zones into fewer classes."
        )


def _error_writer(job: EvaluateJob, layers: Layers, control: JobControl) -> RasterWriter:
    tags = {f"SEMANTIC3D_{name.upper().replace(' ', '_')}": text for name, text in provenance(job, layers).items()}
    spec = RasterSpec(
        "float32", NODATA_M, ("predicted minus reference",), ("m",), tags={**tags, "SEMANTIC3D_LAYER": "error"}
    )
    check_room({job.error_path: spec.bytes_per_pixel() * layers.grid.width * layers.grid.height})
    return RasterWriter(partial_path(job.error_path, control.job_id), layers.grid, spec)


def _afterthoughts(layers: Layers, tally: Tally) -> list[str]:
    """What the user should know of layers that were given and did not serve."""
    texts = []
    for name in ("height", "reference_height", "reference_dtm"):
        band = layers.bands.get(name)
        is_elevation = name != "height" and "reference_dtm" in layers.bands
        highest_m = _HIGHEST_M if is_elevation else _HIGHEST_ABOVE_GROUND_M
        if band is None or _LEAST_M <= band.least and band.most <= highest_m:
            continue
        goes = f"down to {band.least:g}" if band.least < _LEAST_M else f"up to {band.most:g}"
        texts.append(
            f"{_sentence(LABELS[name])} goes {goes} m. If that means that there is no data, declare "
            "it as the file's NoData, and evaluate again: it is counted as a height now."
        )
    odd_px = tally.confusion.of_reference(_ODD_CLASS)
    if odd_px and not tally.confusion.of_prediction(_ODD_CLASS):
        texts.append(
            f"The reference land cover holds {_ODD_CLASS} in {odd_px} pixels. If that means that there is no data, "
            "declare it as the file's NoData, and evaluate again: it is counted as a class now."
        )
    if tally.negative_sigma:
        texts.append(f"Sigma is negative in {tally.negative_sigma} pixels, which are left out of what is said of it.")
    if tally.uncertainty is not None and not tally.uncertainty.result().pixels:
        texts.append("Sigma has no value of 0 or more where the heights are compared: nothing is said of it.")
    if "zones" in layers.bands and not (tally.zones.members or tally.zone_confusion.members):
        texts.append("The zones have no id where something is compared: nothing is said by zone.")
    if tally.odd_shadow is not None:
        texts.append(
            f"The shadow mask holds {tally.odd_shadow}, which is neither shadow (1) nor lit (0): such pixels are in "
            "neither group. Reclassify it to 0 and 1."
        )
    elif "shadow" in layers.bands and not tally.shadow_px:
        texts.append("The shadow mask has no value under the prediction: nothing is said by shadow.")
    return texts


def _sentence(label: str) -> str:
    return label[0].upper() + label[1:]


def _check_compared(job: EvaluateJob, tally: Tally) -> None:
    if job.compares_heights and not tally.parts["all"].count:
        raise InvalidInput(
            "Not one pixel has both a predicted and a reference height: where one has a value, the other has NoData. "
            "Check that the rasters show the same place."
        )
    if job.compares_land_cover and not tally.confusion.result().pixels:
        raise InvalidInput(
            "Not one pixel has a class in both land covers: where one is known, the other is 0 or NoData. "
            "Check that the rasters show the same place."
        )

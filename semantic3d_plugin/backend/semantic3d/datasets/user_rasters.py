"""The user's own images and references as scenes on a model's grid.

Images are read as `reconstruct` reads them (same resampling, same normalisation), so that the model meets in
training what it will meet at work.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import numpy as np
from rasterio.transform import Affine

from s3d_protocol import InvalidInput, InvalidParameter, JobControl, OutOfMemory, TrainJob, read_class_map

from ..metrics.figures import GROUND_UNSEPARATED
from ..raster.reference import LOWEST_M, Reference, merged
from ..raster.grid import Grid, PixelSize, pixel_size
from ..raster.model_grid import ModelAxis, ModelImage, plan_axes
from ..raster.normalisation import find_normalisation
from ..raster.polygons import FieldPolygons, Polygons
from ..raster.source import ImageSource
from .blocks import Scene, labelled
from .labelled import NOT_BUILDING, Sample

LOWEST_NDSM_M = -50.0
_HEIGHT_PERCENTILES = (2, 50, 98)
_MOST_HEIGHTS = 4_000_000  # that percentiles are taken of; of more, an even sample
_GROUND_NOISE_M = 2.0
_MOST_SUNK, _LEAST_SUNK = 0.25, 0.02  # shares below the ground: of any heights, and of those where less is above it
_LOW_FOR_MOST_M = 100.0
_HIGHEST_GROUND_M = 10.0  # the lowest heights above ground of any image lie below, but in a closed forest
_TOLD_WITH_A_REFUSAL = 3  # warnings
_COARSEST, _FINEST = 4.0, 100.0  # image pixels against the model's GSD
_ROWS_PX = 512
_LONGEST_TEXT = 40  # of a value in a message
_BYTES_PER_PIXEL = 27  # rgb, heights, classes, validity; twice where references are merged; a copy where scenes overlap


@dataclass(frozen=True)
class ClassTable:
    """The model's classes as training codes 1..K, in the order of the model's channels.

    Attributes:
        code_of_id: class id of the package -> code.
        building_code: code of the class "building", 0 where the model has none.
        knows_ground: whether code 11 (class 1 or 2, not told apart) makes sense with these classes.
    """

    code_of_id: dict[int, int]
    building_code: int
    knows_ground: bool

    @classmethod
    def of(cls, classes: list[dict]) -> ClassTable:
        """From a manifest's classes."""
        code_of_id = {item["id"]: code for code, item in enumerate(classes, 1)}
        named = [code for code, item in enumerate(classes, 1) if "building" in item["name"].lower()]
        knows_ground = len(classes) < GROUND_UNSEPARATED and code_of_id.get(1) == 1 and code_of_id.get(2) == 2
        return cls(code_of_id, named[0] if named else 0, knows_ground)

    def code_of_value(self, class_map: dict, present: list) -> dict:
        """Value of a class raster, or of a field of polygons, -> code.

        Raises:
            InvalidParameter: the class map names a class that the model does not have.
        """
        known = self.code_of_id | ({GROUND_UNSEPARATED: GROUND_UNSEPARATED} if self.knows_ground else {})
        wrong = sorted({class_id for class_id in class_map.values() if class_id and class_id not in known})
        if wrong:
            raise InvalidParameter(
                f"The class map names class {', '.join(map(str, wrong))}; the model has "
                f"{', '.join(map(str, sorted(known)))}, and 0 is unknown.",
                {"unknown": wrong},
            )
        pairs = class_map or {value: value for value in present}
        return {value: known[class_id] for value, class_id in pairs.items() if class_id in known}


@dataclass
class ReadScenes:
    """What was read.

    Attributes:
        scenes: one per image that holds labels.
        megapixels: of all images on the model's grid; height_share, class_share: with such a label.
        class_pixels: training code -> pixels.
        facts: sentences for log and report.
        warnings: what the user should know.
    """

    scenes: list[Scene] = field(default_factory=list)
    megapixels: float = 0.0
    height_share: float = 0.0
    class_share: float = 0.0
    class_pixels: dict[int, int] = field(default_factory=dict)
    facts: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_scenes(
    job: TrainJob, gsd_m: float, gsd_range_m: tuple, classes: ClassTable, control: JobControl
) -> ReadScenes:
    """Read every image with its labels onto the model's grid.

    Raises:
        InvalidInput: a file cannot be used, or no label lies on any image.
        InvalidParameter: the class map does not fit the model.
        OutOfMemory: images and labels would take more than the job allows.
    """
    found = ReadScenes()
    labels = _Labels(job, classes, control, found)
    _check_memory(job, gsd_m)
    pixels: Counter = Counter()
    for number, path in enumerate(job.image_paths):
        control.check_cancelled()
        control.progress(number, len(job.image_paths), "images", text=f"Reading {Path(path).name}")
        with ImageSource(path, job.bands) as source:
            size = _checked_size(source, gsd_m, gsd_range_m, found.warnings)
            grid, rgb, valid = _read_image(source, size, gsd_m, control.check_cancelled)
            found.warnings += [text for text in source.warnings if text not in found.warnings]
        ndsm_m, codes = labels.on(grid)
        ndsm_m[~valid], codes[~valid] = np.nan, 0
        fact, warning = _heights_text(Path(path).name, ndsm_m, bool(job.dsm_paths))
        ndsm_m = _above_ground(ndsm_m)
        sample = Sample(Path(path).name, rgb, ndsm_m, codes, gsd_m, valid=None if valid.all() else valid)
        known = labelled(sample)
        pixels.update({"all": known.size, "height": int(np.isfinite(ndsm_m).sum()), "class": int((codes > 0).sum())})
        values, counts = np.unique(codes[codes > 0], return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist()):
            found.class_pixels[value] = found.class_pixels.get(value, 0) + count
        found.facts.append(
            f"{Path(path).name}: {grid.megapixels:.2f} megapixels at {gsd_m:g} m, {known.mean():.0%} labelled{fact}"
        )
        found.warnings += filter(None, [warning])
        if known.any():
            found.scenes.append(Scene(sample, grid))
        else:
            found.warnings.append(f"No reference has a value on {Path(path).name}; the image is left out.")
    found.megapixels = pixels["all"] / 1e6
    found.height_share, found.class_share = pixels["height"] / pixels["all"], pixels["class"] / pixels["all"]
    if not found.scenes:
        raise InvalidInput(
            f"No reference has a value on any of the {len(job.image_paths)} image(s), {found.megapixels:.2f} "
            "megapixels "
            "in all. Check that images and references show the same place and have the right CRS, and that the class "
            "map names values that occur." + "".join(f" {text}" for text in found.warnings[:_TOLD_WITH_A_REFUSAL]),
            {"megapixels": found.megapixels},
        )
    return found


def _heights_text(name: str, ndsm_m: np.ndarray, is_difference: bool) -> tuple[str, str]:
    """The spread of an image's heights, to be added to its fact, and a warning where they cannot be above ground.

    Args:
        ndsm_m: as they are, also below the ground.
        is_difference: whether they are DSM less DTM.
    """
    step = math.ceil(math.sqrt(ndsm_m.size / _MOST_HEIGHTS))
    heights_m = ndsm_m[::step, ::step]
    heights_m = heights_m[np.isfinite(heights_m)]
    if not heights_m.size:
        return "", ""
    low_m, middle_m, high_m = np.percentile(heights_m, _HEIGHT_PERCENTILES)
    low, middle, high = _HEIGHT_PERCENTILES
    fact = f"; {low} %, {middle} % and {high} % of its heights lie below {low_m:.1f}, {middle_m:.1f} and {high_m:.1f} m"
    if low_m > _HIGHEST_GROUND_M:
        found = f"{100 - low} % of the heights on {name} are above {low_m:.1f} m, but on the ground they should be 0: "
        if is_difference:
            return fact, found + "DSM and DTM do not fit together. Check their units and vertical datums."
        return fact, found + "this looks like a DSM, or like no heights at all. Give a DSM as DSM, with its DTM."
    sunk, raised = (heights_m < -_GROUND_NOISE_M).mean(), (heights_m > _GROUND_NOISE_M).mean()
    if sunk > _MOST_SUNK or sunk > max(3 * raised, _LEAST_SUNK):
        found = f"{sunk:.0%} of the heights on {name} lie more than {_GROUND_NOISE_M:g} m below the ground, and are not "
        if is_difference:
            return fact, found + "learnt: DSM and DTM do not fit together. Are they swapped, or of other vertical datums?"
        return fact, found + "learnt. Check the unit, the sign and the ground that they are counted from."
    if high_m > _LOW_FOR_MOST_M:
        return fact, (
            f"{100 - high} % of the heights on {name} are above {high_m:.0f} m, which hardly "
            "any place has. Check their unit: where the raster names none, metres are taken for granted."
        )
    return fact, ""


def _above_ground(heights_m: np.ndarray) -> np.ndarray:
    """Let heights a little below ground, which are noise, be 0, and those far below unknown; in place."""
    heights_m[heights_m < LOWEST_NDSM_M] = np.nan
    return np.maximum(heights_m, 0, out=heights_m)  # NaN stays NaN


class _Labels:
    """All references of a job, laid over one grid at a time."""

    def __init__(self, job: TrainJob, classes: ClassTable, control: JobControl, found: ReadScenes):
        self._job, self._classes = job, classes
        self._check_cancelled = control.check_cancelled
        self._polygons = None
        class_map = read_class_map(job.class_map, with_texts=bool(job.class_field))
        if job.buildings_path and job.class_field:
            self._polygons = FieldPolygons(job.buildings_path, job.class_field)
            what = f"The field {job.class_field} of the polygons"
            self._code_of_field = self._codes_of(what, self._polygons.counts(), class_map, found)
        elif job.buildings_path:
            self._polygons = Polygons(job.buildings_path)
            if not classes.building_code:
                raise InvalidParameter(
                    "Buildings are given, but the model has no class with that name. Use land cover, or give the "
                    "polygons a class field."
                )
        self._code_of_value = self._read_class_values(class_map, found)
        for what, paths in (("nDSM", job.ndsm_paths), ("DSM", job.dsm_paths), ("DTM", job.dtm_paths)):
            for path in paths:
                with Reference(path, what) as reference:  # that cannot be opened is told of before the long work
                    found.warnings += filter(None, [reference.unit_word, reference.band_word])

    def on(self, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
        """Heights float32 [H, W] (NaN unknown, also below ground) and codes uint8 [H, W] (0 unknown) on a grid."""
        job = self._job
        if job.dsm_paths:
            heights_m = self._merged("DSM", job.dsm_paths, grid, LOWEST_M)
            heights_m -= self._merged("DTM", job.dtm_paths, grid, LOWEST_M)
        else:
            heights_m = self._merged("nDSM", job.ndsm_paths, grid, LOWEST_NDSM_M)
        codes = self._classes_on(grid)
        if isinstance(self._polygons, FieldPolygons):  # of other kinds than buildings: outside, nothing is known
            of_polygons = self._polygons.burn_codes(grid, self._code_of_field)
            codes[of_polygons > 0] = of_polygons[of_polygons > 0]
        elif self._polygons:
            covered, near = self._polygons.burn(grid)
            codes[near & (codes == 0)] = NOT_BUILDING
            codes[covered] = self._classes.building_code
        return heights_m, codes

    def _merged(self, what: str, paths: tuple, grid: Grid, lowest_m: float) -> np.ndarray:
        def parts():
            for path in paths:
                with Reference(path, what) as reference:
                    yield reference.heights(grid, self._check_cancelled, lowest_m)

        result = merged(parts())
        return np.full((grid.height, grid.width), np.nan, np.float32) if result is None else result

    def _classes_on(self, grid: Grid) -> np.ndarray:
        def parts():
            for path in self._job.land_cover_paths:
                with Reference(path, "land cover") as reference:
                    yield reference.classes(grid, self._check_cancelled, self._code_of_value)

        result = merged(parts())
        return np.zeros((grid.height, grid.width), np.uint8) if result is None else result

    def _read_class_values(self, class_map: dict, found: ReadScenes) -> dict[int, int]:
        class_map = {value: class_id for value, class_id in class_map.items() if isinstance(value, int)}
        counts: Counter = Counter()
        grids = _image_grids(self._job) if self._job.land_cover_paths else []
        for path in self._job.land_cover_paths:
            with Reference(path, "land cover") as reference:
                counts.update(reference.values(grids, self._check_cancelled))
                found.warnings += filter(None, [reference.band_word])
        return self._codes_of("The land cover", counts, class_map, found)

    def _codes_of(self, what: str, counts: dict, class_map: dict, found: ReadScenes) -> dict:
        """Value -> code, of values that were counted; values without a class are told.

        Raises:
            InvalidInput: none of them has one.
        """
        codes = self._classes.code_of_value(class_map, list(counts))
        unused = {value: n for value, n in counts.items() if value and value not in codes and value not in class_map}
        if counts and not any(value in codes for value in counts):
            raise InvalidInput(
                f"{what} holds the values {_listed(counts)}, and none of them is a class of the model "
                f"({', '.join(map(str, sorted(self._classes.code_of_id)))}). Give a class map such as "
                f"{_shown(_ordered(counts)[0])}=1: that value = class id.",
                {"values": _ordered(counts)[:50]},
            )
        if unused:
            found.warnings.append(
                f"{what} holds values without a class of the model, which count as unknown: {_listed(unused)}."
            )
        return codes


def _ordered(counts: dict) -> list:
    return sorted(counts, key=lambda value: (isinstance(value, str), value))


def _shown(value: int | str) -> str:
    return str(value) if len(str(value)) <= _LONGEST_TEXT else f"{str(value)[:_LONGEST_TEXT]}..."


def _listed(counts: dict) -> str:
    shown = _ordered(counts)[:12]
    return ", ".join(map(_shown, shown)) + (" and more" if len(counts) > len(shown) else "")


def _image_grids(job: TrainJob) -> list[Grid]:
    """The grids of the images that lie somewhere; of others the reader tells later."""
    grids = []
    for path in job.image_paths:
        with ImageSource(path, job.bands) as source:
            if pixel_size(source.grid) is not None:
                grids.append(source.grid)
    return grids


def _axes(source: ImageSource, size: PixelSize, gsd_m: float) -> tuple[ModelAxis, ModelAxis]:
    return plan_axes(source.grid.width, source.grid.height, size, gsd_m, 32, 0)  # tiles play no role here


def _check_memory(job: TrainJob, gsd_m: float) -> None:
    megapixels = 0.0
    for path in job.image_paths:
        with ImageSource(path, job.bands) as source:
            size = pixel_size(source.grid)
            if size is not None:
                columns, rows = _axes(source, size, gsd_m)
                megapixels += columns.to_model.out_px * rows.to_model.out_px / 1e6
    needed_mb = megapixels * _BYTES_PER_PIXEL
    if needed_mb > job.max_memory_mb:
        raise OutOfMemory(
            f"The images have {megapixels:.1f} megapixels at the model's {gsd_m:g} m and need about {needed_mb:.0f} MB "
            f"with their labels, but the job may take {job.max_memory_mb} MB. Raise the memory limit, or give fewer "
            "or smaller images.",
            {"needed_mb": needed_mb, "megapixels": megapixels},
        )


def _checked_size(source: ImageSource, gsd_m: float, gsd_range_m: tuple, warnings: list[str]) -> PixelSize:
    size = pixel_size(source.grid)
    if size is None:
        raise InvalidInput(
            f"{source.path} does not say how large its pixels are on the ground (no CRS or no geotransform), so that "
            "no reference can be laid over it. Georeference it first."
        )
    coarsest_m, finest_m = max(size.x_m, size.y_m), min(size.x_m, size.y_m)
    if coarsest_m > _COARSEST * gsd_m or finest_m < gsd_m / _FINEST:
        raise InvalidInput(
            f"The pixels of {source.path} are {size.x_m:.4g} m x {size.y_m:.4g} m ({size.source}); the model learns at "
            f"{gsd_m:g} m from images of {gsd_m / _FINEST:g} to {_COARSEST * gsd_m:g} m. Use another image.",
            {"gsd_m": size.gsd_m, "model_gsd_m": gsd_m},
        )
    low_m, high_m = gsd_range_m
    if size.gsd_m > high_m:
        warnings.append(
            f"The GSD of {Path(source.path).name}, {size.gsd_m:.3g} m, lies outside the model's range of {low_m:g} to "
            f"{high_m:g} m: detail is missing."
        )
    return size


def _read_image(
    source: ImageSource, size: PixelSize, gsd_m: float, check_cancelled: Callable[[], None]
) -> tuple[Grid, np.ndarray, np.ndarray]:
    """The model's grid over an image, its pixels uint8 [H, W, 3] and their validity bool [H, W]."""
    columns, rows = _axes(source, size, gsd_m)
    normalisation = find_normalisation(source, check_cancelled)
    image = ModelImage(source, normalisation, columns, rows)
    height, width = rows.to_model.out_px, columns.to_model.out_px
    a, b, c, d, e, f = source.grid.transform[:6]
    x, y = 1 / columns.to_model.scale, 1 / rows.to_model.scale
    grid = Grid(source.grid.crs, Affine(a * x, b * y, c, d * x, e * y, f), width, height)
    rgb, valid = np.empty((height, width, 3), np.uint8), np.ones((height, width), bool)
    for top in range(0, height, _ROWS_PX):
        check_cancelled()
        bottom = min(height, top + _ROWS_PX)
        values, share = image.read(top, bottom, 0, width, bottom)
        rgb[top:bottom] = np.round(values.transpose(1, 2, 0) * 255)
        if share is not None:
            valid[top:bottom] = share >= 0.5
    return grid, rgb, valid

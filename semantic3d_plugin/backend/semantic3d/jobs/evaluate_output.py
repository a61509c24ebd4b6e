"""What the evaluate job hands out: figures as one nested dictionary, and the documents made from it."""

from __future__ import annotations

import csv
import json
import math
import os

import numpy as np
import rasterio

from s3d_protocol import EvaluateJob, JobControl, OutputFailed, partial_path, product_version

from ..exporters.evaluation_report import write_evaluation_report
from ..exporters.qml import write_error_style
from ..metrics import heights, surfaces, uncertainty
from ..raster.gdal_errors import GDAL_ERRORS
from .style_sidecar import write_style_aside

CLASS_NAMES = {
    1: "impervious or bare", 2: "low vegetation", 3: "tree", 4: "building", 5: "water", 6: "bridge",
    7: "other object", 11: "ground, any type",
}  # fmt: skip
SHADOW_NAMES = {1: "shadow", 0: "lit"}
TABLE_COLUMNS = (
    "group", "id", "name", "pixels", "mae_m", "rmse_m", "bias_m", "nmad_m", "delta_1", "delta_2", "delta_3",
    "delta_1_all", "delta_2_all", "delta_3_all", "delta_pixels", "class_pixels", "accuracy", "mean_iou",
    "building_iou", "iou",
)  # fmt: skip
_UNCERTAINTY = ("uecc", "ause_m", "ause_relative", "coverage_50", "coverage_68", "coverage_95")
_SURFACE = ("chamfer_m", "f1_1m", "f1_05m", "f1_02m")
TABLE_COLUMNS += (*_UNCERTAINTY, *_SURFACE)  # of all pixels; new columns come last, for those who count them
_HISTOGRAM_BINS = 80


def provenance(job: EvaluateJob, layers) -> dict[str, str]:
    """What makes the figures repeatable: file names, versions; no times and no places."""
    facts = {"version": product_version()}
    for name, band in layers.bands.items():
        facts[name.replace("_", " ")] = os.path.basename(band.path) + (", warped" if band.is_warped else "")
    if job.zones_field:
        facts["zones field"] = job.zones_field
    if job.gsd_m:
        facts["GSD given"] = f"{job.gsd_m:g} m"
    facts["building class"] = str(job.building_class)
    facts["software"] = f"numpy {np.__version__}, rasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}"
    return facts


def collect_figures(job: EvaluateJob, layers, tally) -> dict:
    """All figures of the job, JSON values alone (None for what is not defined); adds to the warnings of `layers`."""
    names = {**CLASS_NAMES, **layers.class_names}
    grid, size = layers.grid, layers.size
    figures: dict = {
        "grid": {
            "width": grid.width, "height": grid.height, "crs": _crs_text(grid.crs),
            "pixel_x_m": size.x_m if size else None, "pixel_y_m": size.y_m if size else None,
        },
        "method": method_texts(job, layers, tally),
        "warnings": layers.warnings,
        "provenance": provenance(job, layers),
    }  # fmt: skip
    if job.compares_heights:
        parts = ("all", "building", "background") if "reference_land_cover" in layers.bands else ("all",)
        figures["heights"] = {name: tally.parts[name].result().to_dict() for name in parts}
        figures["heights_by_class"] = _by_id(tally.classes, names)
        figures["error_histogram"] = error_histogram(tally.parts["all"].histogram)
    if job.compares_land_cover:
        figures["land_cover"] = _land_cover(tally.confusion.result(), job.building_class, names)
    for key, grouped, confusion, group_names in (
        ("shadow", tally.shadow, tally.shadow_confusion, SHADOW_NAMES), ("zones", tally.zones, tally.zone_confusion, getattr(layers.bands.get("zones"), "names", {}))
    ):
        if getattr(job, key + "_path"):
            figures[key] = _joined(_by_id(grouped, group_names), confusion, job, group_names)
    if tally.uncertainty is not None:
        figures["uncertainty"] = _uncertainty(tally.uncertainty.result())
    if tally.surface is not None:
        figures["surface"] = _surface(tally.surface.result(), layers)
    figures = _without_nan(figures)
    layers.warnings += nmad_warnings(figures)
    figures["warnings"] = list(layers.warnings)
    return figures


def nmad_warnings(figures: dict) -> list[str]:
    """What to say where heights were compared and the NMAD is left out; it is the errors that are too large."""
    parts = figures.get("heights", {})
    groups = list(parts.values())
    for key in ("heights_by_class", "shadow", "zones"):
        groups += figures.get(key, [])
    missing = [entry for entry in groups if entry.get("pixels") and entry.get("nmad_m", 0.0) is None]
    if not missing:
        return []
    where = "all pixels" if parts["all"] in missing else f"{len(missing)} group(s) of pixels"
    return [
        f"So many heights of {where} are off by more than {heights.ERROR_RANGE_M:g} m that the NMAD is left out there. "
        "Check that both rasters are metres above ground, on the same vertical datum."
    ]


def method_texts(job: EvaluateJob, layers, tally) -> list[str]:
    """Say how the figures are made, as far as they were made."""
    texts = [
        "Everything is compared on the prediction's grid; references on another one are warped to it (heights "
        "bilinearly, classes by the nearest pixel). Pixels without a value on either side are left out."
    ]
    if job.compares_heights:
        texts += [
            f"NMAD: from a histogram of errors with bins of {heights.ERROR_BIN_M:g} m over "
            f"+-{heights.ERROR_RANGE_M:g} m; left out where it depends on errors beyond.",
            f"delta_n: share of pixels with a reference above {heights.DELTA_FROM_M:g} m whose height is off by less "
            f"than the factor 1.25^n. delta_n_all: over all pixels, heights below {heights.DELTA_EPS_M:g} m counted "
            f"as {heights.DELTA_EPS_M:g} m.",
        ]
    if job.compares_land_cover:
        texts.append(
            "IoU of a class: pixels that both have over pixels that either has. Reference class 11 (ground of "
            "unseparated type) accepts 1 or 2 and counts neither for nor against them. Mean IoU: over the classes of "
            "the reference, class 11 only where it holds neither 1 nor 2."
        )
    if tally.uncertainty is not None:
        texts.append(
            "UECC: Pearson correlation of |error| and sigma over this image; the paper's figure is its mean over "
            "images. AUSE: area between the sparsification curve and the oracle's, mean |error| over the share removed "
            f"(0 to 1), from bins {uncertainty.BIN_SHARE:.2%} of a value wide with random order within a bin; metres. "
            + coverage_text(layers.intervals)
        )
    if tally.surface is not None:
        texts.append(
            f"Surfaces: one point per {_nth(layers.stride_px)} pixel where both heights are known, "
            f"{layers.size.x_m * layers.stride_px:.4g} m x {layers.size.y_m * layers.stride_px:.4g} m apart. Nearest "
            f"points are looked for within {surfaces.BOUND_M:g} m; what is farther counts as {surfaces.BOUND_M:g} m. "
            "Chamfer distance: mean of both directed mean distances, not squared. F1 at d: harmonic mean of the shares "
            "of predicted and of reference points within d of the other surface."
        )
    return texts


def coverage_text(intervals: tuple) -> str:
    """Say which intervals were judged."""
    if not intervals:
        return "Coverage: share of pixels inside the central interval of a Gaussian with sigma."
    factors = ", ".join(
        f"{100 * level:g} %: {factor:.3g} sigma" for level, factor in intervals if level in uncertainty.INTERVALS
    )
    return (
        "Coverage: share of pixels inside the central intervals that the prediction states as half widths in sigma "
        f"({factors}); they allow for the heavy tails of its errors."
    )


def result_values(job: EvaluateJob, figures: dict) -> dict:
    """The main figures under flat names, None where not compared."""
    parts = figures.get("heights", {})
    everything = parts.get("all", {})
    cover, sigma, surface = (figures.get(name, {}) for name in ("land_cover", "uncertainty", "surface"))
    names = ("mae_m", "rmse_m", "bias_m", "nmad_m", "delta_1", "delta_2", "delta_3")
    return {
        "pixels": everything.get("pixels", cover.get("pixels")),
        **{name: everything.get(name) for name in names},
        "building_mae_m": parts.get("building", {}).get("mae_m"),
        "background_mae_m": parts.get("background", {}).get("mae_m"),
        **{name: cover.get(name) for name in ("accuracy", "mean_iou", "building_iou")},
        **{name: sigma.get(name) for name in ("uecc", "ause_m", "coverage_50", "coverage_68", "coverage_95")},
        **{name: surface.get(name) for name in ("chamfer_m", "f1_1m", "f1_05m", "f1_02m")},
    }


def table_rows(figures: dict) -> list[dict]:
    """Rows of the CSV: one per group."""
    rows = [{"group": "part", "id": "", "name": name, **part} for name, part in figures.get("heights", {}).items()]
    cover = figures.get("land_cover")
    if cover:
        whole = {name: cover[name] for name in ("accuracy", "mean_iou", "building_iou")}
        if not rows:
            rows.append({"group": "part", "id": "", "name": "all"})
        rows[0].update(class_pixels=cover["pixels"], **whole)
    for key, names in (("uncertainty", _UNCERTAINTY), ("surface", _SURFACE)):
        if key in figures:
            rows[0].update({name: figures[key][name] for name in names})
    by_class = {entry["id"]: {"group": "class", **entry} for entry in figures.get("heights_by_class", [])}
    for entry in cover["classes"] if cover else []:
        row = by_class.setdefault(entry["id"], {"group": "class", "id": entry["id"], "name": entry["name"]})
        row.update(iou=entry["iou"])
    rows += [by_class[code] for code in sorted(by_class)]
    for group, key in (("shadow", "shadow"), ("zone", "zones")):
        rows += [{"group": group, **entry} for entry in figures.get(key, [])]
    return rows


def write_documents(job: EvaluateJob, figures: dict, tally, control: JobControl) -> None:
    """Write report, figures, table and the error raster's style aside.

    Raises:
        OutputFailed: one cannot be written.
    """
    path, job_id = "", control.job_id
    if job.error_path:
        limit_m = figures["error_histogram"]["limit_m"]
        write_style_aside(job.error_path, control, lambda aside: write_error_style(aside, limit_m))
    try:
        if job.figures_path:
            path = job.figures_path
            with open(partial_path(path, job_id), "w", encoding="utf-8", newline="\n") as stream:
                json.dump(figures, stream, indent=1, allow_nan=False)
        if job.table_path:
            path = job.table_path
            with open(partial_path(path, job_id), "w", encoding="utf-8", newline="") as stream:
                table = csv.DictWriter(stream, TABLE_COLUMNS, lineterminator="\n")
                table.writeheader()
                table.writerows(table_rows(figures))
        if job.report_path:
            path = job.report_path
            name = os.path.basename(job.height_path if job.compares_heights else job.land_cover_path)
            write_evaluation_report(partial_path(path, job_id), name, figures, tally.thumbnails)
    except GDAL_ERRORS as error:
        raise OutputFailed(f"The output {path} cannot be written: {error}.") from error


def error_histogram(counts: np.ndarray) -> dict:
    """A coarse histogram for the report, from the fine one: its range holds 98 of 100 errors.

    Returns:
        limit_m, and counts of equal bins from -limit_m to limit_m; the outermost hold what lies beyond.
    """
    centre = counts.size // 2
    by_distance = counts[centre:].copy()
    by_distance[1:] += counts[:centre][::-1]
    cumulated = np.cumsum(by_distance)
    if not cumulated[-1]:
        return {"limit_m": 1.0, "counts": [0] * _HISTOGRAM_BINS}
    reach = np.searchsorted(cumulated, 0.98 * cumulated[-1]) * heights.ERROR_BIN_M
    limit_m = max(1.0, math.ceil(reach * 2) / 2)
    errors_m = (np.arange(counts.size) - centre) * heights.ERROR_BIN_M
    bins = np.clip((errors_m + limit_m) / (2 * limit_m) * _HISTOGRAM_BINS, 0, _HISTOGRAM_BINS - 1).astype(int)
    return {"limit_m": limit_m, "counts": np.bincount(bins, counts, _HISTOGRAM_BINS).astype(int).tolist()}


def _land_cover(found, building_class: int, names: dict) -> dict:
    return {
        "pixels": found.pixels,
        "accuracy": found.accuracy,
        "mean_iou": found.mean_iou,
        "building_iou": found.iou.get(building_class, math.nan),
        "classes": [{"id": code, "name": _name(code, names), "iou": iou} for code, iou in sorted(found.iou.items())],
        "confusion": {
            "reference": list(found.reference_ids), "predicted": list(found.predicted_ids),
            "pixels": found.matrix.tolist(),
        },
    }  # fmt: skip


def _uncertainty(found) -> dict:
    every = len(found.removed) // 100
    return {
        "pixels": found.pixels,
        "uecc": found.uecc,
        "ause_m": found.ause_m,
        "ause_relative": found.ause_relative,
        "coverage_50": found.covered(0.5),
        "coverage_68": found.covered(0.6827),
        "coverage_95": found.covered(0.95),
        "reliability": {"nominal": list(found.levels), "observed": list(found.coverage)},
        "sparsification": {
            "removed": found.removed[::every].tolist(), "by_sigma_m": found.curve_m[::every].tolist(),
            "oracle_m": found.oracle_m[::every].tolist(),
        },
    }  # fmt: skip


def _surface(found, layers) -> dict:
    f1 = dict(zip(("f1_1m", "f1_05m", "f1_02m"), found.f1))
    return {
        "points": found.points, "spacing_x_m": layers.size.x_m * layers.stride_px,
        "spacing_y_m": layers.size.y_m * layers.stride_px, "stride_px": layers.stride_px, "bound_m": surfaces.BOUND_M,
        "chamfer_m": found.chamfer_m, "accuracy_m": found.accuracy_m, "completeness_m": found.completeness_m,
        "beyond_bound": found.beyond_bound, "thresholds_m": list(surfaces.THRESHOLDS_M),
        "precision": list(found.precision), "recall": list(found.recall), **f1,
    }  # fmt: skip


def _by_id(grouped, names: dict) -> list[dict]:
    return [{"id": code, "name": _name(code, names), **found.to_dict()} for code, found in grouped.results().items()]


def _joined(entries: list[dict], confusion, job: EvaluateJob, names: dict) -> list[dict]:
    """Heights of groups with the classes of the same groups."""
    by_id = {entry["id"]: entry for entry in entries}
    for code, found in confusion.results().items():
        entry = by_id.setdefault(code, {"id": code, "name": _name(code, names)})
        entry.update(
            class_pixels=found.pixels, accuracy=found.accuracy, mean_iou=found.mean_iou,
            building_iou=found.iou.get(job.building_class, math.nan),
        )  # fmt: skip
    return [by_id[code] for code in sorted(by_id)]


def _name(code: int, names: dict) -> str:
    return names.get(code, str(code))


def _nth(stride_px: int) -> str:
    if stride_px == 1:
        return "single"
    ending = "th" if stride_px % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(stride_px % 10, "th")
    return f"{stride_px}{ending}"


def _crs_text(crs) -> str:
    if crs is None:
        return ""
    authority = crs.to_authority()
    return ":".join(authority) if authority else crs.to_wkt()[:80]


def _without_nan(value):
    if isinstance(value, dict):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

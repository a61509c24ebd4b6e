"""What the reconstruct job adds to its rasters: layer styles and the report."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Iterable

from s3d_protocol import OutputFailed

from ..exporters import qml
from ..exporters.report import ReportData, write_report
from ..models.package import ModelPackage
from .layers import METRE_STEPS
from .work_folder import BlockRecord, devices_text


@dataclass(frozen=True)
class Totals:
    """Over the result's valid pixels.

    Attributes:
        mean_height_m: None without a height.
        class_pixels: class id -> pixels.
        device: where the model ran, "cpu", "cuda" or "cpu, cuda"; whichever process of whichever run did it.
    """

    mean_height_m: float | None
    class_pixels: dict
    device: str

    @classmethod
    def of(cls, records: Iterable[BlockRecord]) -> Totals:
        """Add up blocks; whole numbers, so that their order changes nothing."""
        steps, count, pixels, devices = 0, 0, {}, set()
        for record in records:
            devices.add(record.device)
            steps, count = steps + record.height_steps, count + record.height_count
            for number, found in record.class_pixels.items():
                pixels[int(number)] = pixels.get(int(number), 0) + found
        return cls(steps / float(METRE_STEPS) / count if count else None, pixels, devices_text(devices))


def write_style(layer: str, package: ModelPackage, path: str) -> None:
    """Write the .qml sidecar of a raster output."""
    if layer == "height":
        qml.write_height_style(path)
    elif layer == "sigma":
        qml.write_sigma_style(path)
    elif layer == "land_cover":
        qml.write_land_cover_style(path, package.classes)
    else:
        qml.write_probabilities_style(path, package.classes)


def write_report_aside(plan, source, totals: Totals, tags: dict, rasters: dict, path: str) -> None:
    """Write the HTML report.

    Args:
        plan: the job's `Plan`; source: the open image; totals: of the results.
        tags: provenance, as the rasters carry it.
        rasters: layer -> its unfinished file.

    Raises:
        OutputFailed: it cannot be written.
    """
    pixel_area_m2 = plan.size.x_m * plan.size.y_m
    areas = {item.id: float(totals.class_pixels.get(item.id, 0) * pixel_area_m2) for item in plan.package.classes}
    data = ReportData(
        image_name=os.path.basename(plan.job.image_path),
        image_path=plan.job.image_path,
        package=plan.package,
        height_path=rasters.get("height", ""),
        sigma_path=rasters.get("sigma", ""),
        land_cover_path=rasters.get("land_cover", ""),
        bands=source.bands if len(source.bands) == 3 else source.bands * 3,
        gsd_m=plan.size.gsd_m,
        mean_height_m=totals.mean_height_m,
        megapixels=plan.grid.megapixels,
        class_areas_m2=areas if "land_cover" in rasters else {},
        warnings=plan.warnings,
        image_facts=_image_facts(plan, source),
        normalisation=_normalisation_facts(plan.normalisation),
        provenance={name.replace("SEMANTIC3D_", "").replace("_", " ").lower(): text for name, text in tags.items()},
    )
    try:
        write_report(path, data)
    except OSError as error:
        raise OutputFailed(f"The report {plan.job.report_path} cannot be written: {error}.") from error


def _image_facts(plan, source) -> dict:
    grid = source.grid
    size = f"{plan.size.x_m:.4g} m x {plan.size.y_m:.4g} m, {plan.size.source}"
    return {
        "Size": f"{grid.width} x {grid.height} pixels; {plan.grid.width} x {plan.grid.height} worked on",
        "CRS": _crs_text(grid.crs),
        "Pixel on the ground": size,
        "On the model's grid": f"{plan.columns.to_model.out_px} x {plan.rows.to_model.out_px} pixels of "
        f"{plan.package.gsd_m:g} m",
        "Values": str(source.dtype),
        "Bands for red, green, blue": ", ".join(map(str, source.bands)),
        "Invalid pixels": "possible (NoData, mask, transparency or NaN); left out" if source.has_mask else "none",
    }


def _crs_text(crs) -> str:
    if crs is None:
        return "none"
    authority = crs.to_authority()
    return ":".join(authority) if authority else crs.to_wkt()[:80]


def _normalisation_facts(normalisation) -> dict:
    colours = ("red", "green", "blue")
    ranges = {
        f"{colour} 0 to 1": f"{low:.6g} to {high:.6g}"
        for colour, low, high in zip(colours, normalisation.low, normalisation.high)
    }
    return {"Rule": normalisation.rule, **ranges}

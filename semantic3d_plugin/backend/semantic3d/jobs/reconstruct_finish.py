"""What the reconstruct job adds to its rasters: layer styles and the report."""

from __future__ import annotations

from s3d_protocol import OutputFailed

from ..exporters import qml
from ..models.package import ModelPackage


def write_styles(layer: str, path: str, package: ModelPackage) -> None:
    """Write the .qml sidecar of a raster output.

    Raises:
        OutputFailed: it cannot be written.
    """
    try:
        if layer == "height":
            qml.write_height_style(path)
        elif layer == "sigma":
            qml.write_sigma_style(path)
        elif layer == "land_cover":
            qml.write_land_cover_style(path, package.classes)
        else:
            qml.write_probabilities_style(path, package.classes)
    except OSError as error:
        raise OutputFailed(f"The layer style beside {path} cannot be written: {error}.") from error


def write_report_file(plan, source, values: dict, path: str, job_id: str) -> None:
    """Write the HTML report aside."""

"""The job that compares a reconstruction with reference rasters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .errors import InvalidParameter
from .job_base import Job, check_gsd, check_output_files


@dataclass(frozen=True)
class EvaluateJob(Job):
    """Compare a reconstruction with reference rasters; everything happens on the prediction's grid.

    Attributes:
        height_path: predicted heights above ground in metres.
        reference_height_path: their reference; a surface model (DSM) where `reference_dtm_path` is given, too.
        reference_dtm_path: bare ground in metres, taken off the reference; empty is none.
        sigma_path: predictive standard deviation of the heights in metres (band 1); empty is none.
        land_cover_path, reference_land_cover_path: class ids; in the reference 0 is unknown and 11 is ground that may
            be class 1 or 2. The reference alone still groups heights by class.
        shadow_path: 1 is shadow, 0 is lit, all else unknown; empty is none.
        zones_path: a raster of whole numbers, one per zone, or polygons (.geojson, .json); empty is none.
        zones_field: of the polygons, whose values name the zones; empty makes each polygon a zone.
        gsd_m: ground sampling distance of the prediction in metres; 0 takes it from its grid.
        building_class: id of buildings; every other known class is background.
        report_path, figures_path, table_path, error_path: HTML, JSON, CSV and GeoTIFF (predicted minus reference) to
            write; empty is none.
    """

    kind: ClassVar[str] = "evaluate"

    height_path: str = ""
    reference_height_path: str = ""
    reference_dtm_path: str = ""
    sigma_path: str = ""
    land_cover_path: str = ""
    reference_land_cover_path: str = ""
    shadow_path: str = ""
    zones_path: str = ""
    zones_field: str = ""
    gsd_m: float = 0.0
    building_class: int = 4
    report_path: str = ""
    figures_path: str = ""
    table_path: str = ""
    error_path: str = ""

    @property
    def compares_heights(self) -> bool:
        return bool(self.height_path and self.reference_height_path)

    @property
    def compares_land_cover(self) -> bool:
        return bool(self.land_cover_path and self.reference_land_cover_path)

    @property
    def has_zone_polygons(self) -> bool:
        return self.zones_path.lower().endswith((".geojson", ".json"))

    def check(self) -> None:
        self._check_inputs()
        if not 1 <= self.building_class <= 255:
            raise InvalidParameter(f"The building class is {self.building_class}. Give a class id from 1 to 255.")
        check_gsd(self.gsd_m, "the prediction's grid")
        if self.zones_field and not self.has_zone_polygons:
            raise InvalidParameter(
                f"The field {self.zones_field!r} is to name the zones, but no zones are given as polygons (.geojson). "
                "Give them, or leave the field out."
            )
        suffixes = {
            "report": (".html", ".htm"), "figures": (".json",), "table": (".csv",), "error": (".tif", ".tiff"),
        }  # fmt: skip
        inputs = {path: f"the {name.replace('_', ' ')} input" for name, path in self.inputs().items()}
        check_output_files(self.outputs(), suffixes, inputs)

    def outputs(self) -> dict[str, str]:
        paths = {
            "report": self.report_path,
            "figures": self.figures_path,
            "table": self.table_path,
            "error": self.error_path,
        }
        return {name: path for name, path in paths.items() if path}

    def inputs(self) -> dict[str, str]:
        """Return the files to be read, by input name; those not given are left out."""
        names = (
            "height", "reference_height", "reference_dtm", "sigma", "land_cover", "reference_land_cover", "shadow",
            "zones",
        )  # fmt: skip
        paths = {name: getattr(self, f"{name}_path") for name in names}
        return {name: path for name, path in paths.items() if path}

    def _check_inputs(self) -> None:
        if not (self.compares_heights or self.compares_land_cover):
            raise InvalidParameter(
                "There is nothing to compare. Give heights and their reference, or land cover and its reference."
            )
        if bool(self.height_path) != bool(self.reference_height_path):
            raise InvalidParameter("Heights are given without their reference or the reverse. Give both or none.")
        if self.land_cover_path and not self.reference_land_cover_path:
            raise InvalidParameter("Land cover is given without its reference. Give both, or leave land cover out.")
        for path, what in (
            (self.reference_dtm_path, "A reference DTM"),
            (self.sigma_path, "sigma"),
            (self.error_path, "The error raster"),
        ):
            if path and not self.compares_heights:
                raise InvalidParameter(f"{what} needs heights and their reference. Give them, or leave it out.")

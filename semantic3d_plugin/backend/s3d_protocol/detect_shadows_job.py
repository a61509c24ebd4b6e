"""The job that finds the shadows of an orthophoto."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from .errors import InvalidParameter
from .job_base import Job, check_bands, check_extent, check_gsd, check_output_files

LARGEST_AREA_M2 = 1e6  # a square kilometre; so much may have to be read around a patch


@dataclass(frozen=True)
class DetectShadowsJob(Job):
    """A mask of cast shadows from the colours of one orthophoto.

    Attributes:
        image_path: the orthophoto, any raster that GDAL reads.
        bands: one-based bands that hold red, green and blue; empty lets the image say.
        extent: (xmin, ymin, xmax, ymax) in the image's CRS; None is the whole image.
        threshold: shadow index above which a pixel is shadow (higher finds less); 0 finds it from the whole image.
        min_area_m2: smaller shadows are removed and smaller holes in shadows filled, square metres.
        shadow_path: GeoTIFF to write: 1 shadow, 0 lit, 255 NoData.
        gsd_m: ground sampling distance in metres; 0 takes it from the image's grid.
    """

    kind: ClassVar[str] = "detect_shadows"

    image_path: str
    bands: tuple = ()
    extent: tuple | None = None
    threshold: float = 0.0
    min_area_m2: float = 2.0
    shadow_path: str = ""
    gsd_m: float = 0.0

    def check(self) -> None:
        if not self.image_path:
            raise InvalidParameter("No image is given. Choose the orthophoto to work on.")
        check_bands(self.bands)
        check_extent(self.extent)
        check_gsd(self.gsd_m, "the image")
        if not (math.isfinite(self.threshold) and self.threshold >= 0):
            raise InvalidParameter(
                f"The threshold is {self.threshold}. Give a shadow index above 0, or 0 to find it from the image."
            )
        if not 0 <= self.min_area_m2 <= LARGEST_AREA_M2:
            raise InvalidParameter(
                f"The smallest area is {self.min_area_m2} m2. Give square metres from 1e-3 or so to "
                f"{LARGEST_AREA_M2:,.0f}, or 0 to keep every patch."
            )
        if not self.shadow_path:
            raise InvalidParameter("No output is asked for. Name the shadow mask to write.")
        check_output_files(self.outputs(), {"shadow": (".tif", ".tiff")}, {self.image_path: "the image input"})

    def outputs(self) -> dict[str, str]:
        return {"shadow": self.shadow_path} if self.shadow_path else {}

"""Detect shadows: the form for the backend's detect_shadows job."""

from qgis.core import (
    QgsProcessingOutputNumber,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
)

from ..backend.s3d_protocol import DetectShadowsJob
from ..styling.roles import SHADOW
from ..translation import tr
from .base import BackendAlgorithm, destination_path
from .image_form import add_extent, add_gsd, add_image_and_bands, check_on_image, given_bands

DEFAULTS = DetectShadowsJob(image_path="")
Number = QgsProcessingParameterNumber.Type


class DetectShadows(BackendAlgorithm):
    """One orthophoto in, a mask of its shadows out."""

    JOB_KIND = "detect_shadows"
    ICON = "shadows"
    GROUP = "evaluation"
    ROLES = {"SHADOW": SHADOW}
    INPUT = "INPUT"
    BANDS = "BANDS"
    EXTENT = "EXTENT"
    GSD = "GSD"
    THRESHOLD = "THRESHOLD"
    MIN_AREA = "MIN_AREA"
    SHADOW = "SHADOW"
    SHADOW_SHARE = "SHADOW_SHARE"
    USED_THRESHOLD = "USED_THRESHOLD"
    MEGAPIXELS = "MEGAPIXELS"
    SECONDS = "SECONDS"

    def name(self):
        return "detect_shadows"  # saved in users' models: never renamed

    def displayName(self):  # noqa: N802
        return tr("Detect shadows")

    def tags(self):
        return tr("shadow,mask,sun,dark,orthophoto,aerial,evaluation").split(",")

    def shortDescription(self):  # noqa: N802
        return tr("A mask of cast shadows from the colours of one aerial image")

    # -- the form ------------------------------------------------------------------------------

    def initAlgorithm(self, configuration=None):  # noqa: N802
        self._add_inputs()
        self._add_advanced()
        self.add(
            QgsProcessingParameterRasterDestination(self.SHADOW, tr("Shadows")),
            tr("1 is shadow, 0 is lit, 255 is NoData; with colours and names, on the image's grid."),
        )
        self.add_declared_outputs()

    def _add_inputs(self):
        add_image_and_bands(self, DEFAULTS.bands)
        add_extent(self)

    def _add_advanced(self):
        add_gsd(self, DEFAULTS.gsd_m, advanced=True)
        self.add(
            QgsProcessingParameterNumber(
                self.THRESHOLD, tr("Threshold of the shadow index"), Number.Double, DEFAULTS.threshold, False, 0.0
            ),
            tr(
                "Where the shadow index is higher, a pixel is shadow: a higher threshold finds less. 0: found from the "
                "whole image, and told in the output USED_THRESHOLD."
            ),
            advanced=True,
        )
        self.add(
            QgsProcessingParameterNumber(
                self.MIN_AREA, tr("Smallest area (m²)"), Number.Double, DEFAULTS.min_area_m2, False, 0.0
            ),
            tr("Smaller shadows are removed, and smaller holes in shadows filled. 0 keeps every pixel as it is."),
            advanced=True,
        )

    def declared_outputs(self):
        number = QgsProcessingOutputNumber
        return (
            (number, self.SHADOW_SHARE, tr("Share of shadow"), tr("Of the valid pixels, 0 to 1.")),
            (number, self.USED_THRESHOLD, tr("Threshold in use"), tr("Given, or found from the image.")),
            (number, self.MEGAPIXELS, tr("Megapixels"), tr("Image pixels that were computed, in millions.")),
            (number, self.SECONDS, tr("Seconds"), tr("Time that the job took.")),
        )

    # -- words ---------------------------------------------------------------------------------

    def summary(self):
        return "<p>{}</p><p>{}</p>".format(
            tr(
                "Marks the cast shadows of buildings and trees by their darkness, with one threshold for the whole "
                "image. No trained model is needed. The mask serves the evaluation of heights in shadow and in light."
            ),
            tr(
                "Dark roofs, fresh asphalt and dark trees look like shadow and may be marked, too; dark areas wider "
                "than 60 m, such as water, are left out. Look at the mask before you rely on it."
            ),
        )

    # -- checks and job ------------------------------------------------------------------------

    def check(self, parameters, context):
        layer = self.raster_layer(parameters, self.INPUT, context)
        extent = self.chosen_extent(parameters, layer, context)
        check_on_image(layer, given_bands(self, parameters, context), extent)
        self.describe(parameters, layer, extent, context)
        path = destination_path(parameters.get(self.SHADOW), ".tif")
        self._settings_job(parameters, context, image_path=layer.source(), shadow_path=path).check()

    def build_job(self, parameters, context):
        return self._settings_job(
            parameters,
            context,
            image_path=self.raster_path(self.INPUT),
            extent=self.extent_tuple(),
            shadow_path=self.output_path(parameters, self.SHADOW, context),
        )

    def results(self, values):
        return {
            self.SHADOW_SHARE: values.get("shadow_share"),
            self.USED_THRESHOLD: values.get("threshold"),
            self.MEGAPIXELS: values.get("megapixels"),
            self.SECONDS: values.get("seconds"),
        }

    def _settings_job(self, parameters, context, **paths):
        return DetectShadowsJob(
            bands=given_bands(self, parameters, context),
            gsd_m=self.chosen_gsd_m(parameters, context),
            threshold=self.parameterAsDouble(parameters, self.THRESHOLD, context),
            min_area_m2=self.parameterAsDouble(parameters, self.MIN_AREA, context),
            **paths,
        )

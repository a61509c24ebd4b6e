"""Reconstruct heights and land cover: the form for the backend's reconstruct job."""

from qgis.core import (
    QgsProcessingOutputNumber,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterString,
)

from ..backend.s3d_protocol import DEVICES, ReconstructJob
from ..runtime.locations import named_python
from ..styling.roles import HEIGHT, LAND_COVER, PROBABILITIES, SIGMA
from ..translation import tr
from .base import BackendAlgorithm, destination_path
from .image_form import add_extent, add_gsd, add_image_and_bands, check_on_image, given_bands
from .model_form import given_model, model_files
from .raster_source import describe_shared_source, is_temporary

DEFAULTS = ReconstructJob(image_path="")
Number = QgsProcessingParameterNumber.Type


class Reconstruct(BackendAlgorithm):
    """One orthophoto in; heights, their uncertainty and land cover out."""

    JOB_KIND = "reconstruct"
    ICON = "reconstruct"
    ROLES = {"HEIGHT": HEIGHT, "SIGMA": SIGMA, "LAND_COVER": LAND_COVER, "PROBABILITIES": PROBABILITIES}
    INPUT = "INPUT"
    BANDS = "BANDS"
    MODEL = "MODEL"
    EXTENT = "EXTENT"
    GSD = "GSD"
    OVERLAP = "OVERLAP"
    DEVICE = "DEVICE"
    BATCH_SIZE = "BATCH_SIZE"
    MAX_MEMORY = "MAX_MEMORY"
    SCHEDULER = "SCHEDULER"
    HEIGHT = "HEIGHT"
    SIGMA = "SIGMA"
    LAND_COVER = "LAND_COVER"
    PROBABILITIES = "PROBABILITIES"
    REPORT = "REPORT"
    MEAN_HEIGHT = "MEAN_HEIGHT"
    MEGAPIXELS = "MEGAPIXELS"
    SECONDS = "SECONDS"

    def name(self):
        return "reconstruct"  # saved in users' models: never renamed

    def displayName(self):  # noqa: N802
        return tr("Reconstruct heights and land cover")

    def tags(self):
        words = tr("height,ndsm,dsm,elevation,building,tree,uncertainty,land cover,segmentation,orthophoto,aerial,3d")
        return words.split(",")

    def shortDescription(self):  # noqa: N802
        return tr("Heights above ground, their uncertainty and land cover from one aerial image")

    # -- the form ------------------------------------------------------------------------------

    def initAlgorithm(self, configuration=None):  # noqa: N802
        self._add_inputs()
        self._add_advanced()
        self._add_outputs()

    def _add_inputs(self):
        add_image_and_bands(self, DEFAULTS.bands)
        self.add(
            QgsProcessingParameterFile(
                self.MODEL,
                tr("Model package"),
                QgsProcessingParameterFile.Behavior.File,
                "",
                DEFAULTS.model_path,
                True,
                model_files(),
            ),
            tr(
                "A model package: its folder, the manifest.json in it, a zip, or a single ONNX file that describes "
                "itself. Empty: the model that comes with the plugin."
            ),
        )
        add_extent(self)
        add_gsd(self, DEFAULTS.gsd_m)
        self.add(
            QgsProcessingParameterEnum(
                self.DEVICE, tr("Device"), list(DEVICES), False, DEFAULTS.device, False, usesStaticStrings=True
            ),
            tr("auto takes an NVIDIA GPU where one really works, else the processor (cpu)."),
        )

    def _add_advanced(self):
        self.add(
            QgsProcessingParameterNumber(
                self.OVERLAP, tr("Overlap of tiles (pixels)"), Number.Integer, DEFAULTS.overlap_px, False, 0
            ),
            tr("How far neighbouring tiles overlap, in pixels of the model. More is smoother and slower."),
            advanced=True,
        )
        self.add(
            QgsProcessingParameterNumber(
                self.BATCH_SIZE, tr("Batch size (tiles)"), Number.Integer, DEFAULTS.batch_size, False, 1
            ),
            tr("Tiles that run through the model together. More than one helps on a GPU only."),
            advanced=True,
        )
        self.add(
            QgsProcessingParameterNumber(
                self.MAX_MEMORY, tr("Memory limit (MB)"), Number.Integer, DEFAULTS.max_memory_mb, False, 64
            ),
            tr("Main memory for pixels; the size of the image does not matter, wider strips are faster."),
            advanced=True,
        )
        self.add(
            QgsProcessingParameterString(
                self.SCHEDULER, tr("Dask scheduler"), DEFAULTS.scheduler, False, True
            ),
            tr(
                "Address of a Dask scheduler, such as tcp://host:8786, whose workers shall compute. They must see the "
                "image and the outputs' folder under the same paths. Empty: this computer computes."
            ),
            advanced=True,
        )

    def _add_outputs(self):
        self._add_layer(self.HEIGHT, tr("Height (m)"), tr("Metres above ground (nDSM), Float32, NoData -9999."))
        self._add_layer(
            self.SIGMA,
            tr("sigma (m)"),
            tr(
                "Uncertainty of the height: predictive standard deviation in metres, with its aleatoric and epistemic "
                "parts and the evidence index as bands 2 to 4."
            ),
        )
        self._add_layer(self.LAND_COVER, tr("Land cover"), tr("Class numbers with colours and names, 0 is NoData."))
        self._add_layer(
            self.PROBABILITIES, tr("Class probabilities"), tr("One band per land-cover class."), by_default=False
        )
        self.add(
            QgsProcessingParameterFileDestination(
                self.REPORT, tr("Report"), "HTML (*.html)", optional=True, createByDefault=False
            ),
            tr("A page with quick-look, histograms, class areas, warnings and provenance."),
        )
        self.add_declared_outputs()

    def _add_layer(self, name, label, text, by_default=True):
        destination = QgsProcessingParameterRasterDestination(name, label, optional=True, createByDefault=by_default)
        self.add(destination, text)

    def declared_outputs(self):
        number = QgsProcessingOutputNumber
        return (
            (number, self.MEAN_HEIGHT, tr("Mean height (m)"), tr("Mean of all valid heights, in metres.")),
            (number, self.MEGAPIXELS, tr("Megapixels"), tr("Image pixels that were computed, in millions.")),
            (number, self.SECONDS, tr("Seconds"), tr("Time that the job took.")),
        )

    # -- words ---------------------------------------------------------------------------------

    def summary(self):
        return "<p>{}</p><p>{}</p>".format(
            tr(
                "Estimates for every pixel of one aerial image how high it stands above the ground, how uncertain "
                "that is, and what covers it. No stereo pair and no laser scan is needed."
            ),
            tr(
                "All layers lie on the image's grid. Heights come from a trained model: look at sigma and at the "
                "report before you rely on them, most of all on imagery unlike the model's training data."
            ),
        )

    # -- checks and job ------------------------------------------------------------------------

    def check(self, parameters, context):
        layer = self.raster_layer(parameters, self.INPUT, context)
        extent = self.chosen_extent(parameters, layer, context)
        check_on_image(layer, given_bands(self, parameters, context), extent)
        given_model(self, parameters, context)
        self.describe(parameters, layer, extent, context)
        outputs = {
            "{}_path".format(name.lower()): destination_path(parameters.get(name), suffix)
            for name, suffix in [(role, ".tif") for role in self.ROLES] + [(self.REPORT, ".html")]
        }
        self._settings_job(parameters, context, image_path=layer.source(), **outputs).check()

    def needed_profile(self, parameters, context):
        """A cluster needs Dask, which only the full one of our environments has; a named Python may have it alone."""
        needs_dask = self._scheduler(parameters, context) and not named_python()[0]
        return "full" if needs_dask else self.PROFILE

    def describe(self, parameters, layer, extent, context):
        """As for all rasters; but what a cluster computes, its workers must be able to open."""
        if self._scheduler(parameters, context):
            return describe_shared_source(layer)
        return super().describe(parameters, layer, extent, context)

    def _scheduler(self, parameters, context):
        return self.parameterAsString(parameters, self.SCHEDULER, context).strip()

    def build_job(self, parameters, context):
        names = (*self.ROLES, self.REPORT)
        paths = {name: self.output_path(parameters, name, context) for name in names}
        first = next((path for path in paths.values() if path), "")
        return self._settings_job(
            parameters,
            context,
            image_path=self.raster_path(self.INPUT),
            extent=self.extent_tuple(),
            **{"{}_path".format(name.lower()): path for name, path in paths.items()},
            keep_blocks=not is_temporary(first) and self.is_lasting(self.INPUT),  # else others the next time
            optional_outputs=tuple(name.lower() for name in self.chosen_by_default(parameters)),
        )

    def results(self, values):
        return {
            self.MEAN_HEIGHT: values.get("mean_height_m"),  # None without a height
            self.MEGAPIXELS: values.get("megapixels"),
            self.SECONDS: values.get("seconds"),
        }

    def _settings_job(self, parameters, context, **paths):
        return ReconstructJob(
            model_path=given_model(self, parameters, context),
            bands=given_bands(self, parameters, context),
            gsd_m=self.chosen_gsd_m(parameters, context),
            overlap_px=self.parameterAsInt(parameters, self.OVERLAP, context),
            device=self.parameterAsEnumString(parameters, self.DEVICE, context),
            batch_size=self.parameterAsInt(parameters, self.BATCH_SIZE, context),
            max_memory_mb=self.parameterAsInt(parameters, self.MAX_MEMORY, context),
            scheduler=self._scheduler(parameters, context),
            **paths,
        )

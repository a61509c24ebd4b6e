"""Evaluate a reconstruction: the form for the backend's evaluate job."""

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from ..backend.s3d_protocol import EvaluateJob, InvalidParameter
from ..styling import roles
from ..translation import tr
from .base import BackendAlgorithm, destination_path
from .image_form import add_gsd
from .vector_source import PolygonSource, check_field, feature_source

DEFAULTS = EvaluateJob()
Number = QgsProcessingParameterNumber.Type


class Evaluate(BackendAlgorithm):
    """Predicted and reference rasters in; figures, a report and an error map out."""

    JOB_KIND = "evaluate"
    ICON = "evaluate"
    GROUP = "evaluation"
    HEIGHT = "HEIGHT"
    REFERENCE = "REFERENCE"
    REFERENCE_DTM = "REFERENCE_DTM"
    SIGMA = "SIGMA"
    LAND_COVER = "LAND_COVER"
    REFERENCE_LAND_COVER = "REFERENCE_LAND_COVER"
    SHADOW = "SHADOW"
    ZONES = "ZONES"
    ZONE_POLYGONS = "ZONE_POLYGONS"
    ZONE_FIELD = "ZONE_FIELD"
    BUILDING_CLASS = "BUILDING_CLASS"
    REPORT = "REPORT"
    FIGURES = "FIGURES"
    TABLE = "TABLE"
    ERROR = "ERROR"
    RASTERS = ()
    OPTIONAL_RASTERS = (
        HEIGHT, REFERENCE, REFERENCE_DTM, SIGMA, LAND_COVER, REFERENCE_LAND_COVER, SHADOW, ZONES,
    )  # fmt: skip
    ROLES = {ERROR: roles.ERROR}
    FIELDS = {
        HEIGHT: "height_path",
        REFERENCE: "reference_height_path",
        REFERENCE_DTM: "reference_dtm_path",
        SIGMA: "sigma_path",
        LAND_COVER: "land_cover_path",
        REFERENCE_LAND_COVER: "reference_land_cover_path",
        SHADOW: "shadow_path",
        ZONES: "zones_path",
    }
    SUFFIXES = {REPORT: ".html", FIGURES: ".json", TABLE: ".csv", ERROR: ".tif"}
    NUMBERS = {
        "MAE": "mae_m",
        "RMSE": "rmse_m",
        "BIAS": "bias_m",
        "NMAD": "nmad_m",
        "DELTA_1": "delta_1",
        "DELTA_2": "delta_2",
        "DELTA_3": "delta_3",
        "MAE_BUILDING": "building_mae_m",
        "MAE_BACKGROUND": "background_mae_m",
        "ACCURACY": "accuracy",
        "MEAN_IOU": "mean_iou",
        "BUILDING_IOU": "building_iou",
        "UECC": "uecc",
        "AUSE": "ause_m",
        "COVERAGE_50": "coverage_50",
        "COVERAGE_68": "coverage_68",
        "COVERAGE_95": "coverage_95",
        "CHAMFER": "chamfer_m",
        "F1_1M": "f1_1m",
        "F1_05M": "f1_05m",
        "F1_02M": "f1_02m",
        "PIXELS": "pixels",
        "SECONDS": "seconds",
    }

    def name(self):
        return "evaluate"  # saved in users' models: never renamed

    def displayName(self):  # noqa: N802
        return tr("Evaluate against references")

    def tags(self):
        words = tr("accuracy,validation,error,mae,rmse,nmad,iou,confusion matrix,uncertainty,calibration,chamfer,lidar")
        return words.split(",")

    def shortDescription(self):  # noqa: N802
        return tr("Errors of heights and land cover, and whether the uncertainty can be believed")

    # -- the form ------------------------------------------------------------------------------

    def initAlgorithm(self, configuration=None):  # noqa: N802
        for name, label, text in self._inputs():
            self.add(QgsProcessingParameterRasterLayer(name, label, optional=True), text)
        self.add(
            QgsProcessingParameterFeatureSource(
                self.ZONE_POLYGONS, tr("Zones as polygons"), [QgsProcessing.SourceType.TypeVectorPolygon], optional=True
            ),
            tr("Instead of ZONES: polygons, such as land uses; where several lie, the first counts."),
        )
        self.add(
            QgsProcessingParameterField(
                self.ZONE_FIELD, tr("Field with the zone"), parentLayerParameterName=self.ZONE_POLYGONS, optional=True
            ),
            tr("Polygons with the same value are one zone of that name. Empty: each polygon is a zone."),
        )
        add_gsd(self, DEFAULTS.gsd_m, advanced=True)
        self.add(
            QgsProcessingParameterNumber(
                self.BUILDING_CLASS, tr("Building class"), Number.Integer, DEFAULTS.building_class, False, 1, 255
            ),
            tr("Number of buildings in the land cover; every other known class is background."),
            advanced=True,
        )
        self._add_outputs()

    def _inputs(self):
        return (
            (self.HEIGHT, tr("Height (m)"), tr("Predicted metres above ground: HEIGHT of Reconstruct.")),
            (
                self.REFERENCE,
                tr("Reference height (m)"),
                tr("True metres above ground (nDSM), on any grid. A surface model (DSM) where a DTM is given, too."),
            ),
            (self.REFERENCE_DTM, tr("Reference DTM (m)"), tr("Bare ground, taken off the reference height.")),
            (self.SIGMA, tr("sigma (m)"), tr("Predictive standard deviation (band 1): SIGMA of Reconstruct.")),
            (self.LAND_COVER, tr("Land cover"), tr("Predicted class numbers: LAND_COVER of Reconstruct.")),
            (
                self.REFERENCE_LAND_COVER,
                tr("Reference land cover"),
                tr(
                    "True class numbers, numbered as in LAND_COVER; 0 is unknown, 11 is ground of class 1 or 2. "
                    "It also splits heights into building, background and classes."
                ),
            ),
            (self.SHADOW, tr("Shadow mask"), tr("1 is shadow, 0 is lit, all else is unknown.")),
            (self.ZONES, tr("Zones"), tr("A whole number for each zone, such as a land use: figures for each.")),
        )

    def _add_outputs(self):
        for name, label, filters, text in (
            (self.REPORT, tr("Report"), "HTML (*.html)", tr("A page with figures, charts and an error map.")),
            (self.FIGURES, tr("Figures"), "JSON (*.json)", tr("All figures, for programs.")),
            (self.TABLE, tr("Table"), "CSV (*.csv)", tr("A row for each part, class, zone, shadow and light.")),
        ):
            by_default = name == self.REPORT
            self.add(
                QgsProcessingParameterFileDestination(
                    name, label, filters, optional=True, createByDefault=by_default
                ),
                text,
            )
        self.add(
            QgsProcessingParameterRasterDestination(
                self.ERROR, tr("Error (m)"), optional=True, createByDefault=False
            ),
            tr("Predicted minus reference height, Float32, NoData -9999. It needs heights."),
        )
        self.add_declared_outputs()

    def declared_outputs(self):
        words = {
            "MAE": (tr("MAE (m)"), tr("Mean absolute error of heights.")),
            "RMSE": (tr("RMSE (m)"), tr("Root mean square error of heights.")),
            "BIAS": (tr("Bias (m)"), tr("Mean of predicted minus reference.")),
            "NMAD": (tr("NMAD (m)"), tr("Normalised median absolute deviation.")),
            "DELTA_1": (tr("delta 1"), tr("Share of heights within a factor of 1.25, references above 1 m.")),
            "DELTA_2": (tr("delta 2"), tr("The same with 1.25 squared.")),
            "DELTA_3": (tr("delta 3"), tr("The same with 1.25 cubed.")),
            "MAE_BUILDING": (tr("MAE of buildings (m)"), tr("Where the reference land cover has buildings.")),
            "MAE_BACKGROUND": (tr("MAE of background (m)"), tr("Where it has another class.")),
            "ACCURACY": (tr("Accuracy"), tr("Share of pixels with the right class.")),
            "MEAN_IOU": (tr("Mean IoU"), tr("Mean over the classes of the reference.")),
            "BUILDING_IOU": (tr("Building IoU"), tr("Intersection over union of buildings.")),
            "UECC": (tr("UECC"), tr("Correlation of absolute error and sigma.")),
            "AUSE": (tr("AUSE (m)"), tr("Area between the sparsification curve and the ideal one.")),
            "COVERAGE_50": (tr("Coverage of 50 %"), tr("Share of errors inside the 50 % interval.")),
            "COVERAGE_68": (tr("Coverage of 68 %"), tr("Share of errors within one sigma (68.27 %).")),
            "COVERAGE_95": (tr("Coverage of 95 %"), tr("Share of errors inside the 95 % interval.")),
            "CHAMFER": (tr("Chamfer distance (m)"), tr("Mean distance between both surfaces in 3D.")),
            "F1_1M": (tr("F1 at 1.0 m"), tr("Agreement of both surfaces within 1.0 m.")),
            "F1_05M": (tr("F1 at 0.5 m"), tr("Agreement of both surfaces within 0.5 m.")),
            "F1_02M": (tr("F1 at 0.2 m"), tr("Agreement of both surfaces within 0.2 m.")),
            "PIXELS": (tr("Pixels"), tr("Pixels that were compared.")),
            "SECONDS": (tr("Seconds"), tr("Time that the job took.")),
        }
        return tuple((QgsProcessingOutputNumber, name, *words[name]) for name in self.NUMBERS)

    def summary(self):
        return "<p>{}</p><p>{}</p>".format(
            tr(
                "Compares predicted heights, their uncertainty and land cover with reference rasters, pixel by pixel "
                "and as surfaces in 3D."
            ),
            tr(
                "Give heights with their reference, land cover with its reference, or both. References may have any "
                "grid and CRS: they are brought to the prediction's grid. Pixels without a value on either side are "
                "left out. Outputs whose rasters are missing stay empty."
            ),
        )

    # -- checks and job ------------------------------------------------------------------------

    def check(self, parameters, context):
        paths = {}
        for name in self.given_rasters(parameters):
            layer = self.raster_layer(parameters, name, context)
            self.describe(parameters, layer, None, context)
            paths[self.FIELDS[name]] = layer.source()
        for name, suffix in self.SUFFIXES.items():
            paths["{}_path".format(name.lower())] = destination_path(parameters.get(name), suffix)
        if parameters.get(self.ZONE_POLYGONS):
            if parameters.get(self.ZONES):
                raise InvalidParameter(tr("Both ZONES and ZONE_POLYGONS are given. Give one of them."))
            field = self.parameterAsString(parameters, self.ZONE_FIELD, context)
            check_field(feature_source(self, parameters, self.ZONE_POLYGONS, context), field)
            paths[self.FIELDS[self.ZONES]] = "outlines.geojson"
        self._job(parameters, context, paths).check()

    def snapshot(self, parameters, context):
        super().snapshot(parameters, context)
        if parameters.get(self.ZONE_POLYGONS):
            field = self.parameterAsString(parameters, self.ZONE_FIELD, context)
            polygons = feature_source(self, parameters, self.ZONE_POLYGONS, context)
            self._sources[self.ZONE_POLYGONS] = PolygonSource(polygons, field)

    def chosen_gsd_m(self, parameters, context):
        """None: GSD is of the compared pixels, and nothing is exported by it."""
        return None

    def build_job(self, parameters, context):
        paths = {field: self.raster_path(name) for name, field in self.FIELDS.items()}
        paths["zones_path"] = paths["zones_path"] or self._paths.get(self.ZONE_POLYGONS, "")
        for name in self.SUFFIXES:
            paths["{}_path".format(name.lower())] = self.output_path(parameters, name, context)
        return self._job(parameters, context, paths)

    def results(self, values):
        return {name: values.get(key) for name, key in self.NUMBERS.items()}

    def _job(self, parameters, context, paths):
        return EvaluateJob(
            building_class=self.parameterAsInt(parameters, self.BUILDING_CLASS, context),
            zones_field=self.parameterAsString(parameters, self.ZONE_FIELD, context),
            gsd_m=super().chosen_gsd_m(parameters, context),
            **paths,
        )

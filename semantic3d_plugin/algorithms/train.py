"""Train a model: the form for the backend's train job."""

import os

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsRasterLayer,
)

from ..backend.s3d_protocol import (
    CHECKPOINTING,
    DEVICES,
    HEIGHT_LOSSES,
    InvalidInput,
    InvalidModel,
    TrainJob,
    is_hub_id,
    model_name_of,
    usual_validate_every,
)
from ..translation import tr
from .base import BackendAlgorithm, destination_path, goes_with_qgis
from .image_form import check_on_image, given_bands
from .vector_source import PolygonSource, check_field, feature_source

DEFAULTS = TrainJob(image_paths=(), package_path="")
Number = QgsProcessingParameterNumber.Type


class Train(BackendAlgorithm):
    """Images with labels in; a model package that Reconstruct takes, and a report, out."""

    JOB_KIND = "train"
    PROFILE = "full"
    ICON = "train"
    GROUP = "training"
    RASTERS = ()
    IMAGES = "IMAGES"
    NDSM = "NDSM"
    DSM = "DSM"
    DTM = "DTM"
    LAND_COVER = "LAND_COVER"
    CLASS_MAP = "CLASS_MAP"
    BUILDINGS = "BUILDINGS"
    CLASS_FIELD = "CLASS_FIELD"
    BASE = "BASE"
    BANDS = "BANDS"
    STEPS = "STEPS"
    RANK = "RANK"
    BATCH_SIZE = "BATCH_SIZE"
    ACCUMULATION = "ACCUMULATION"
    CHECKPOINTING = "CHECKPOINTING"
    PATCH = "PATCH"
    LEARNING_RATE = "LEARNING_RATE"
    WEIGHT_DECAY = "WEIGHT_DECAY"
    PENALTY_WEIGHT = "PENALTY_WEIGHT"
    HEIGHT_LOSS = "HEIGHT_LOSS"
    VALIDATION_SHARE = "VALIDATION_SHARE"
    BLOCK = "BLOCK"
    PATIENCE = "PATIENCE"
    SEED = "SEED"
    DEVICE = "DEVICE"
    MAX_MEMORY = "MAX_MEMORY"
    PACKAGE = "PACKAGE"
    REPORT = "REPORT"
    LISTS = {
        IMAGES: "image_paths",
        NDSM: "ndsm_paths",
        DSM: "dsm_paths",
        DTM: "dtm_paths",
        LAND_COVER: "land_cover_paths",
    }
    NUMBERS = {
        "VALIDATION_MAE": "validation_mae_m",
        "VALIDATION_RMSE": "validation_rmse_m",
        "BUILDING_IOU": "building_iou",
        "STEPS_DONE": "steps_done",
        "SECONDS": "seconds",
    }

    def name(self):
        return "train"  # saved in users' models: never renamed

    def displayName(self):  # noqa: N802
        return tr("Train a model")

    def tags(self):
        return tr("training,fine-tune,learning,adapt,model,lora,own data,height,land cover,deep learning").split(",")

    def shortDescription(self):  # noqa: N802
        return tr("Fine-tune a model on your own images with heights, land cover or building outlines")

    # -- the form ------------------------------------------------------------------------------

    def initAlgorithm(self, configuration=None):  # noqa: N802
        self._add_inputs()
        self._add_settings()
        self.add(
            QgsProcessingParameterFolderDestination(self.PACKAGE, tr("Model package")),
            tr(
                "Folder to create; an earlier package there is replaced. Give it to Reconstruct as MODEL. The model is "
                "named after the folder. A broken-off run goes on from the checkpoint beside it; a temporary folder "
                "loses both."
            ),
        )
        self.add(
            QgsProcessingParameterFileDestination(
                self.REPORT, tr("Report"), "HTML (*.html)", optional=True, createByDefault=False
            ),
            tr("A page with curves, figures on the held-out blocks, data and split."),
        )
        self.add_declared_outputs()

    def _add_inputs(self):
        text = tr("Images to learn from, with red, green and blue bands.")
        self._add_rasters(self.IMAGES, tr("Orthophotos"), text, optional=False)
        self._add_rasters(
            self.NDSM,
            tr("Heights above ground (nDSM)"),
            tr("Metres above ground, on any grid and CRS, gaps allowed; of several, the first with a value wins."),
        )
        text = tr("Instead of an nDSM, together with DTM, in metres.")
        self._add_rasters(self.DSM, tr("Surface heights (DSM)"), text)
        self._add_rasters(self.DTM, tr("Ground heights (DTM)"), tr("Ground under the DSM, in metres."))
        self._add_rasters(
            self.LAND_COVER,
            tr("Land cover"),
            tr("Class rasters, on any grid and CRS; of several, the first with a class wins."),
        )
        self.add(
            QgsProcessingParameterString(self.CLASS_MAP, tr("Class map"), DEFAULTS.class_map or None, optional=True),
            tr(
                "Which value of the class rasters is which class of the model, such as 10=1,20=3,30=4. The bundled "
                "model's classes: 1 impervious or bare, 2 low vegetation, 3 tree, 4 building, 5 water, 6 bridge, 7 "
                "other object; 0 is unknown, 11 is 1 or 2. Empty: values are class numbers already. With CLASS_FIELD "
                "it holds for the polygons, too, and takes texts: house=4,garden=2."
            ),
        )
        self.add(
            QgsProcessingParameterFeatureSource(
                self.BUILDINGS, tr("Building outlines"), [QgsProcessing.SourceType.TypeVectorPolygon], optional=True
            ),
            tr(
                "Polygons that count as building. Within the rectangle around all of them, what has neither outline "
                "nor land cover counts as no building: give all buildings there. CLASS_FIELD makes them polygons of "
                "any class."
            ),
        )
        self.add(
            QgsProcessingParameterField(
                self.CLASS_FIELD, tr("Field with the class"), parentLayerParameterName=self.BUILDINGS, optional=True
            ),
            tr(
                "Field of the polygons whose value, by CLASS_MAP, is their class. Values that have none are unknown, "
                "and so is all outside of the polygons; where two overlap, the first with a class wins. Empty: all are "
                "buildings."
            ),
        )

    def _add_rasters(self, name, label, text, optional=True):
        self.add(
            QgsProcessingParameterMultipleLayers(
                name, label, QgsProcessing.SourceType.TypeRaster, optional=optional
            ),
            text,
        )

    def _add_settings(self):
        self.add(
            QgsProcessingParameterFile(
                self.BASE,
                tr("Model to start from"),
                QgsProcessingParameterFile.Behavior.File,
                "",
                DEFAULTS.base_path,
                True,
                "{} (manifest.json model_index.json *.zip *.safetensors);;{} (*)".format(tr("Models"), tr("All files")),
            ),
            tr(
                "A model package (folder, its manifest.json, or zip), a pretrained base (.safetensors), or Stable "
                "Diffusion 1.5, 2.x or XL: a diffusers folder (or its model_index.json), or ORG/NAME@COMMIT on the "
                "Hugging Face hub. Empty: the model that comes with the plugin."
            ),
        )
        self.add(
            QgsProcessingParameterEnum(
                self.DEVICE, tr("Device"), list(DEVICES), False, DEFAULTS.device, False, usesStaticStrings=True
            ),
            tr("auto takes an NVIDIA GPU where torch finds one, else the processor (cpu), which is much slower."),
        )
        text = tr("Optimisation steps. More learn more, and take longer.")
        self._add_number(self.STEPS, tr("Steps"), "steps", 1, text)
        self.add(
            QgsProcessingParameterString(
                self.BANDS, tr("Red, green and blue bands"), ",".join(map(str, DEFAULTS.bands)), optional=True
            ),
            tr("Three band numbers such as 1,2,3, for all images. Empty: each image says."),
            advanced=True,
        )
        for name, label, field, least, text in (
            (self.RANK, tr("Rank of the adapter"), "lora_rank", 8, tr("LoRA rank, 8 to 256. More can learn more.")),
            (self.BATCH_SIZE, tr("Batch size (patches)"), "batch_size", 1, tr("Patches per step; they cost memory.")),
            (
                self.ACCUMULATION,
                tr("Batches per step"),
                "accumulation",
                1,
                tr("Batches whose gradients make one step: as a larger batch, for time in the place of memory."),
            ),
            (self.PATCH, tr("Patch (pixels)"), "patch_px", 64, tr("Side of a patch, a multiple of 32.")),
            (self.LEARNING_RATE, tr("Learning rate"), "learning_rate", 1e-8, tr("Of AdamW, after a warm-up.")),
            (self.WEIGHT_DECAY, tr("Weight decay"), "weight_decay", 0, tr("Of AdamW, 0 to 1.")),
            (
                self.PENALTY_WEIGHT,
                tr("Penalty weight (lambda)"),
                "penalty_weight",
                0,
                tr("Weight of the evidential penalty, which lowers the evidence where the height is wrong; 0 to 100."),
            ),
            (
                self.VALIDATION_SHARE,
                tr("Share held out"),
                "validation_share",
                0.01,
                tr("Share of labelled blocks kept out of training, to choose the best weights and measure them."),
            ),
            (
                self.BLOCK,
                tr("Block (m)"),
                "block_m",
                1.0,
                tr(
                    "Side of the blocks that go whole into training or validation. A strip of a sixteenth of it, at "
                    "least 8 pixels, is cut away between the two."
                ),
            ),
            (
                self.PATIENCE,
                tr("Patience (validations)"),
                "patience",
                0,
                tr("Training ends when so many validations in a row bring no gain. 0: never early."),
            ),
            (self.SEED, tr("Seed"), "seed", 0, tr("Of the split, the adapter's first weights and the patches.")),
            (self.MAX_MEMORY, tr("Memory limit (MB)"), "max_memory_mb", 64, tr("Main memory for images and labels.")),
        ):
            self._add_number(name, label, field, least, text, advanced=True)
        self.add(
            QgsProcessingParameterEnum(
                self.HEIGHT_LOSS,
                tr("Height loss"),
                list(HEIGHT_LOSSES),
                False,
                DEFAULTS.height_loss,
                False,
                usesStaticStrings=True,
            ),
            tr("smooth_l1 gives outliers less weight than mse, the mean square error."),
            advanced=True,
        )
        self.add(
            QgsProcessingParameterEnum(
                self.CHECKPOINTING,
                tr("Gradient checkpointing"),
                list(CHECKPOINTING),
                False,
                DEFAULTS.gradient_checkpointing,
                False,
                usesStaticStrings=True,
            ),
            tr(
                "on computes activations again instead of keeping them: less memory, more time, the same result. auto "
                "is on for Stable Diffusion."
            ),
            advanced=True,
        )

    def _add_number(self, name, label, field, least, text, advanced=False):
        default = getattr(DEFAULTS, field)
        kind = Number.Integer if isinstance(default, int) else Number.Double
        parameter = QgsProcessingParameterNumber(name, label, kind, default, False, least)
        if kind == Number.Double:
            parameter.setMetadata({"widget_wrapper": {"decimals": 8}})  # a learning rate of 0.0003 must show
        self.add(parameter, text, advanced)

    def declared_outputs(self):
        number = QgsProcessingOutputNumber
        return (
            (number, "VALIDATION_MAE", tr("Height MAE (m)"), tr("Mean absolute height error on the held-out blocks.")),
            (number, "VALIDATION_RMSE", tr("Height RMSE (m)"), tr("Root mean square height error there.")),
            (number, "BUILDING_IOU", tr("Building IoU"), tr("Intersection over union of the class building there.")),
            (number, "STEPS_DONE", tr("Steps done"), tr("Fewer than asked for where training ended early.")),
            (number, "SECONDS", tr("Seconds"), tr("Time that the job took.")),
        )

    def summary(self):
        return "<p>{}</p><p>{}</p>".format(
            tr(
                "Fine-tunes a model on your own rasters and writes it as a model package for \"Reconstruct heights and "
                "land cover\". Give heights, land cover or building outlines, or several of them; what is missing "
                "somewhere does not count there."
            ),
            tr(
                "Needs the full environment (\"Set up the backend\" with PROFILE=full). Blocks of ground are held out "
                "to measure the model; look at the figures in the report before you rely on it."
            ),
        )

    # -- checks and job ------------------------------------------------------------------------

    def check(self, parameters, context):
        layers = {name: self._layers(parameters, name, context) for name in self.LISTS}
        bands = given_bands(self, parameters, context)
        for layer in layers[self.IMAGES]:
            check_on_image(layer, bands, None)
        if parameters.get(self.BUILDINGS):
            field = self.parameterAsString(parameters, self.CLASS_FIELD, context)
            if field:
                check_field(feature_source(self, parameters, self.BUILDINGS, context), field)
        for chosen in layers.values():
            for layer in chosen:
                self.describe(parameters, layer, None, context)
        paths = {field: tuple(layer.source() for layer in layers[name]) for name, field in self.LISTS.items()}
        self._job(
            parameters,
            context,
            **paths,
            buildings_path="outlines" if parameters.get(self.BUILDINGS) else "",
            package_path=destination_path(parameters.get(self.PACKAGE), ""),
            report_path=destination_path(parameters.get(self.REPORT), ".html"),
        ).check()

    def prepareAlgorithm(self, parameters, context, feedback):  # noqa: N802
        if goes_with_qgis(parameters.get(self.PACKAGE)):
            feedback.pushWarning(
                tr(
                    "PACKAGE is a temporary folder: the model, and the checkpoint from which a broken-off run goes on, "
                    "are deleted when QGIS closes. To keep them, choose a folder of your own."
                )
            )
        return super().prepareAlgorithm(parameters, context, feedback)

    def snapshot(self, parameters, context):
        for name in self.LISTS:
            for number, layer in enumerate(self._layers(parameters, name, context)):
                key = "{}_{}".format(name, number)
                self._sources[key] = self.describe(parameters, layer, None, context)
        if parameters.get(self.BUILDINGS):
            field = self.parameterAsString(parameters, self.CLASS_FIELD, context)
            self._sources[self.BUILDINGS] = PolygonSource(feature_source(self, parameters, self.BUILDINGS, context), field)

    def build_job(self, parameters, context):
        paths = {
            field: tuple(self.raster_path(key) for key in self._sources if key.rpartition("_")[0] == name)
            for name, field in self.LISTS.items()
        }
        return self._job(
            parameters,
            context,
            **paths,
            buildings_path=self._paths.get(self.BUILDINGS, ""),
            package_path=self.output_path(parameters, self.PACKAGE, context),
            report_path=self.output_path(parameters, self.REPORT, context),
        )

    def results(self, values):
        return {name: values.get(field) for name, field in self.NUMBERS.items()}

    def _job(self, parameters, context, package_path, **paths):
        steps = self.parameterAsInt(parameters, self.STEPS, context)
        folder = os.path.basename(package_path.rstrip("/\\"))
        return TrainJob(
            class_map=self.parameterAsString(parameters, self.CLASS_MAP, context),
            class_field=self.parameterAsString(parameters, self.CLASS_FIELD, context),
            bands=given_bands(self, parameters, context),
            base_path=self._base_path(parameters, context),
            lora_rank=self.parameterAsInt(parameters, self.RANK, context),
            steps=steps,
            batch_size=self.parameterAsInt(parameters, self.BATCH_SIZE, context),
            accumulation=self.parameterAsInt(parameters, self.ACCUMULATION, context),
            gradient_checkpointing=self.parameterAsEnumString(parameters, self.CHECKPOINTING, context),
            patch_px=self.parameterAsInt(parameters, self.PATCH, context),
            learning_rate=self.parameterAsDouble(parameters, self.LEARNING_RATE, context),
            weight_decay=self.parameterAsDouble(parameters, self.WEIGHT_DECAY, context),
            penalty_weight=self.parameterAsDouble(parameters, self.PENALTY_WEIGHT, context),
            height_loss=self.parameterAsEnumString(parameters, self.HEIGHT_LOSS, context),
            validation_share=self.parameterAsDouble(parameters, self.VALIDATION_SHARE, context),
            block_m=self.parameterAsDouble(parameters, self.BLOCK, context),
            validate_every=usual_validate_every(steps),
            patience=self.parameterAsInt(parameters, self.PATIENCE, context),
            seed=self.parameterAsInt(parameters, self.SEED, context),
            device=self.parameterAsEnumString(parameters, self.DEVICE, context),
            max_memory_mb=self.parameterAsInt(parameters, self.MAX_MEMORY, context),
            model_name=model_name_of(package_path) if folder else DEFAULTS.model_name,
            title=folder or DEFAULTS.title,
            package_path=package_path,
            **paths,
        )

    def _layers(self, parameters, name, context):
        """The raster layers of a list.

        Raises:
            InvalidInput: one of them cannot be opened, which QGIS alone would leave out in silence.
        """
        given = parameters.get(name)
        if given in (None, "", []):
            return []
        layers = [
            layer
            for layer in self.parameterAsLayerList(parameters, name, context)
            if isinstance(layer, QgsRasterLayer) and layer.isValid()
        ]
        if not layers or (isinstance(given, (list, tuple)) and len(layers) != len(given)):
            raise InvalidInput(
                tr("{name} holds something that is no raster that QGIS can open: {value}").format(
                    name=name, value=", ".join(map(str, given)) if isinstance(given, (list, tuple)) else given
                )
            )
        return layers

    def _base_path(self, parameters, context):
        """BASE as the job takes it: "" for the bundled model; a manifest or model index stands for its folder."""
        path = self.parameterAsFile(parameters, self.BASE, context).strip()
        if not path or is_hub_id(path):
            return path
        if not os.path.exists(path):
            raise InvalidModel(
                tr(
                    "There is no model at {}. Leave BASE empty for the bundled one; a repository of the Hugging Face "
                    "hub is written ORG/NAME@COMMIT."
                ).format(path)
            )
        return os.path.dirname(path) if os.path.basename(path) in ("manifest.json", "model_index.json") else path

"""What all algorithms that use the backend share: checks, the run, and the loading of results."""

import os
import shutil
import tempfile
import traceback

from qgis.core import (
    Qgis,
    QgsMessageLog,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingException,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterDestination,
    QgsProcessingUtils,
    QgsProject,
    QgsProperty,
    QgsRasterLayer,
    QgsRectangle,
)

from ..backend.s3d_protocol import BackendMissing, InvalidInput, InvalidParameter, Semantic3DError, new_job_id
from ..icons import icon, icon_path
from ..metadata import plugin_metadata
from ..runtime.environment import find_backend
from ..runtime.events import event_pump
from ..runtime.runner import run_job
from ..styling.loaded import may_touch, reload_layers
from ..styling.ownership import users_style
from ..styling.result_group import ResultGroup, group_title, names_of_results
from ..translation import tr
from .raster_source import describe_source, is_temporary

_FILES = (QgsProcessingParameterRasterDestination, QgsProcessingParameterFileDestination)  # outputs that are one file


def group_names():
    """Headings of the toolbox, by group id (saved nowhere, but scripts filter by it: never renamed)."""
    return {
        "reconstruction": tr("Reconstruction"),
        "evaluation": tr("Evaluation"),
        "training": tr("Training"),
        "backend": tr("Backend"),
    }


class PluginAlgorithm(QgsProcessingAlgorithm):
    """An algorithm of this plugin: words, icon, group, help, and how parameters and outputs are declared."""

    ICON = "icon"
    GROUP = "reconstruction"

    def tr(self, text):
        return tr(text)

    def createInstance(self):  # noqa: N802
        return type(self)()

    def icon(self):
        return icon(self.ICON)

    def svgIconPath(self):  # noqa: N802
        return icon_path(self.ICON)

    def helpUrl(self):  # noqa: N802
        homepage = plugin_metadata("homepage")
        return "{}#{}".format(homepage.split("#")[0], self.name()) if homepage else ""

    def groupId(self):  # noqa: N802
        return self.GROUP

    def group(self):
        return group_names()[self.GROUP]

    def add(self, parameter, text, advanced=False):
        """Add a parameter with its help."""
        parameter.setHelp(text)
        if advanced:
            parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
        self.addParameter(parameter)

    def add_declared_outputs(self):
        for kind, name, label, _ in self.declared_outputs():
            self.addOutput(kind(name, label))

    def declared_outputs(self):
        """Class, name, label and help of each output that is no parameter."""
        return ()

    def summary(self):
        """What the algorithm does, for the head of its help: HTML."""
        return ""

    def shortHelpString(self):  # noqa: N802
        """The summary, then every parameter and output with the help it carries."""
        lines = [self.summary(), "<h3>{}</h3>".format(tr("Parameters and outputs"))]
        entries = [(p.description(), p.help()) for p in self.parameterDefinitions()]
        lines.extend("<h4>{}</h4><p>{}</p>".format(name, text) for name, text in entries)
        lines.extend("<h4>{}</h4><p>{}</p>".format(name, text) for _, _, name, text in self.declared_outputs())
        return "\n".join(lines)


class BackendAlgorithm(PluginAlgorithm):
    """An algorithm whose work the backend does.

    A subclass says which parameters are rasters (`RASTERS`; those that may stay empty in `OPTIONAL_RASTERS`),
    which job it builds (`build_job`, `JOB_KIND`) and which outputs have which role (`ROLES`: output name -> role
    in the result group).
    """

    JOB_KIND = ""
    PROFILE = "light"  # the packages that the job needs, see also `needed_profile`
    RASTERS = ("INPUT",)
    OPTIONAL_RASTERS = ()
    ROLES = {}

    def __init__(self):
        super().__init__()
        self._python_path = ""
        self._sources = {}
        self._paths = {}
        self._extent = None
        self._group_title = ""
        self._layer_names = {}
        self._not_loaded = []

    # -- before the run ------------------------------------------------------------------------

    def canExecute(self):  # noqa: N802
        """Without a backend the algorithm stays listed, and says here what to do."""
        backend = find_backend(self.PROFILE)
        return (True, "") if backend.healthy else (False, cure(backend, self.PROFILE))

    def checkParameterValues(self, parameters, context):  # noqa: N802
        try:
            valid, message = super().checkParameterValues(parameters, context)
            if not valid:
                return valid, message
            self.check(parameters, context)
            self._check_folders(parameters)
        except Semantic3DError as error:
            return False, str(error)
        except Exception as error:  # qgis_process aborts on whatever gets out of here
            QgsMessageLog.logMessage(traceback.format_exc(), "Semantic 3D", Qgis.MessageLevel.Critical)
            text = tr("The parameters could not be checked, by a fault of the plugin ({}). Please report it.")
            return False, text.format("{}: {}".format(type(error).__name__, error))
        return True, ""

    def check(self, parameters, context):
        """Raise a Semantic3DError for what cannot work; runs before any work, on the main thread."""

    def _check_folders(self, parameters):
        """Raise an InvalidParameter where the folder of a file to be written is missing, or nobody may write there."""
        for definition in self.destinationParameterDefinitions():
            path = _sink(parameters.get(definition.name()))
            if path in (None, "", QgsProcessing.TEMPORARY_OUTPUT) or not isinstance(definition, _FILES):
                continue
            folder = os.path.dirname(os.path.abspath(path))
            if not os.path.isdir(folder):
                raise InvalidParameter(
                    tr("The folder {folder} for {name} does not exist. Create it first.").format(
                        folder=folder, name=definition.name()
                    )
                )
            if not os.access(folder, os.W_OK):
                raise InvalidParameter(
                    tr("The folder {folder} for {name} is not writable. Choose another one.").format(
                        folder=folder, name=definition.name()
                    )
                )

    def needed_profile(self, parameters, context):
        """The packages that a run with these parameters needs: light or full."""
        return self.PROFILE

    def prepareAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Copy from the layers all that the run needs; afterwards no layer and no project is touched."""
        profile = self.needed_profile(parameters, context)
        backend = find_backend(profile)
        try:
            if not backend.healthy:
                raise BackendMissing(cure(backend, profile))
            self._python_path = backend.python_path
            self.snapshot(parameters, context)
        except Semantic3DError as error:
            raise QgsProcessingException(str(error)) from error
        return True

    def snapshot(self, parameters, context):
        """Describe every raster that is given; a subclass adds what else it reads from layers."""
        project = context.project() or QgsProject.instance()
        self._group_title, self._layer_names = "", names_of_results(project)
        for name in self.given_rasters(parameters):
            layer = self.raster_layer(parameters, name, context)
            self._extent = self.chosen_extent(parameters, layer, context)
            self._group_title = self._group_title or group_title(layer, project)  # of the first
            self._sources[name] = self.describe(parameters, layer, self._extent, context)

    def describe(self, parameters, layer, extent, context):
        """How the backend gets at the pixels of a raster layer."""
        return describe_source(layer, extent, self.chosen_gsd_m(parameters, context), context.transformContext())

    def given_rasters(self, parameters):
        """Names of RASTERS, and of those OPTIONAL_RASTERS that have a value."""
        optional = [name for name in self.OPTIONAL_RASTERS if parameters.get(name) not in (None, "")]
        return [*self.RASTERS, *optional]

    def raster_layer(self, parameters, name, context):
        """The valid raster layer that parameter `name` holds.

        Raises:
            InvalidInput: there is none, or it cannot be opened.
        """
        layer = self.parameterAsRasterLayer(parameters, name, context)
        if not isinstance(layer, QgsRasterLayer) or not layer.isValid():
            raise InvalidInput(
                tr("{name} is no raster that QGIS can open: {value}").format(name=name, value=parameters.get(name))
            )
        return layer

    def chosen_extent(self, parameters, layer, context):
        """EXTENT as a QgsRectangle in the layer's CRS, or None where none was given.

        Raises:
            InvalidParameter: an extent without area was given; it must not turn into the whole image.
        """
        given = parameters.get("EXTENT")
        if isinstance(given, QgsRectangle) and given.isNull():
            given = None
        if self.parameterDefinition("EXTENT") is None or not given:
            return None
        extent = self.parameterAsExtent(parameters, "EXTENT", context, layer.crs())
        if extent.isEmpty():
            raise InvalidParameter(
                tr("EXTENT is {}, which has no area. Choose an extent on the image, or none for all of it.").format(
                    given
                )
            )
        return extent

    def chosen_gsd_m(self, parameters, context):
        """GSD in metres, 0 where none was given; None where the algorithm does not ask for it."""
        if self.parameterDefinition("GSD") is None:
            return None
        if parameters.get("GSD") is None:
            return 0.0
        return self.parameterAsDouble(parameters, "GSD", context)

    # -- the run -------------------------------------------------------------------------------

    def build_job(self, parameters, context):
        """The job, with the files of its rasters (`raster_path`) and of its outputs (`output_path`)."""
        raise NotImplementedError

    def results(self, values):
        """Further declared outputs (numbers, flags) from the job's result `values`; None is left out."""
        return {}

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        folder = tempfile.mkdtemp(prefix="semantic3d_", dir=QgsProcessingUtils.tempFolder())
        try:
            self._paths = self._materialise(folder, feedback)
            job = self.build_job(parameters, context)
            values = run_job(self._python_path, self.JOB_KIND, job, feedback, pump=event_pump())
        except Semantic3DError as error:
            raise QgsProcessingException(str(error)) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        written = self._written(values.get("outputs", job.outputs()), job, context)
        found = {name: value for name, value in self.results(values).items() if value is not None}
        return {**written, **found}

    def raster_path(self, name):
        """The file that holds raster parameter `name` for this run, "" where it was left empty."""
        return self._paths[name] if name not in self.OPTIONAL_RASTERS else self._paths.get(name, "")

    def is_lasting(self, name):
        """Whether raster parameter `name` gives the same pixels in files at the next run, too."""
        return self._sources[name].is_lasting()

    def extent_tuple(self):
        """The chosen extent as (xmin, ymin, xmax, ymax) in the image's CRS, or None."""
        extent = self._extent
        return extent and (extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum())

    def output_path(self, parameters, name, context):
        """The file to write for destination `name`, "" where the user skipped it."""
        if not destination_path(parameters.get(name), ""):
            return ""
        if name in self.ROLES:
            return self.parameterAsOutputLayer(parameters, name, context)
        return self.parameterAsFileOutput(parameters, name, context)

    def _materialise(self, folder, feedback):
        paths = {}
        for name, source in self._sources.items():
            own = os.path.join(folder, name.lower())
            os.mkdir(own)
            paths[name] = source.materialise(own, feedback)
        return paths

    def chosen_by_default(self, parameters):
        """Names of the layers whose destination nobody chose: they go to a temporary file."""
        return tuple(name for name in self.ROLES if _sink(parameters.get(name)) == QgsProcessing.TEMPORARY_OUTPUT)

    def _written(self, written, job, context):
        """Paths by output name, each with its styling booked for the moment it loads.

        Args:
            written: output name -> path, as the job's result has them: fewer than were asked for where a
                model does not give an output that nobody chose by hand.
        """
        left_out = set(job.outputs().values()) - set(written.values())
        if left_out:
            to_load = context.layersToLoadOnCompletion()
            context.setLayersToLoadOnCompletion({path: to_load[path] for path in to_load if path not in left_out})
        group = ResultGroup(self._group_title, self._layer_names)
        outputs = {name.upper(): path for name, path in written.items()}
        self._not_loaded = []
        for name, path in outputs.items():
            if name in self.ROLES and context.willLoadLayerOnCompletion(path):
                own_name = self.parameterDefinition(name).description()
                details = context.layerToLoadOnCompletionDetails(path)
                group.book(details, self.ROLES[name], own_name, users_style(self.id(), name))
            elif name in self.ROLES:
                self._not_loaded.append(path)
        return outputs

    def postProcessAlgorithm(self, context, feedback):  # noqa: N802
        """Results that nobody loads may be on the map all the same, from an earlier run into the same files."""
        project = context.project() or QgsProject.instance()
        if may_touch(project):
            for path in self._not_loaded:
                reload_layers(path, project)
        return {}


def cure(backend, profile):
    """What to do about a backend that is missing or broken: plain words for a dialog and a terminal.

    Args:
        profile: what is needed, light or full; a broken `backend` may be a full one where light would do.
    """
    if profile == "full":
        return tr(
            "This needs the full environment of Semantic 3D, with torch and what training needs, and that is not "
            "ready: {problem} Run the algorithm \"Set up the backend\" (semantic3d:setup_backend) with PROFILE=full, "
            "or name a Python that has these packages in SEMANTIC3D_PYTHON."
        ).format(problem=backend.problem)
    return tr(
        "Semantic 3D computes in a Python environment of its own, and that is not ready: {problem} "
        "Run the algorithm \"Set up the backend\" (semantic3d:setup_backend), or open Settings > Options > "
        "Semantic 3D and choose \"Install light\", or name an existing Python there or in SEMANTIC3D_PYTHON."
    ).format(problem=backend.problem)


def destination_path(destination, suffix):
    """The path that a destination parameter's value asks for, "" where none.

    A temporary or computed name is not known yet: a unique stand-in with `suffix` takes its place in checks.
    """
    destination = _sink(destination)
    if destination is None:
        return new_job_id() + suffix
    if not destination:
        return ""
    return new_job_id() + suffix if destination == QgsProcessing.TEMPORARY_OUTPUT else destination


def goes_with_qgis(destination):
    """Whether what a destination parameter's value names is deleted when QGIS closes."""
    path = _sink(destination)
    return path == QgsProcessing.TEMPORARY_OUTPUT or bool(path) and is_temporary(path)


def _sink(destination):
    """What a destination parameter's value names: a path, TEMPORARY_OUTPUT, "", or None where it is computed."""
    if isinstance(destination, QgsProcessingOutputLayerDefinition):
        destination = destination.sink
    if isinstance(destination, QgsProperty):
        if destination.expressionString() or destination.field():
            return None
        destination = destination.staticValue()
    return str(destination or "")

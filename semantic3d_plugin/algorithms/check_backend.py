"""Check the backend (the doctor): a report for people, and its answers for programs."""

from qgis.core import (
    Qgis,
    QgsProcessingException,
    QgsProcessingOutputBoolean,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
)

from ..backend.s3d_protocol import DEVICES, Cancelled, DoctorJob, InvalidModel
from ..metadata import plugin_metadata
from ..runtime.diagnosis import diagnose
from ..runtime.events import event_pump
from ..runtime.lockfiles import PROFILES
from ..translation import tr
from .base import PluginAlgorithm
from .model_form import given_model, model_files

DEFAULTS = DoctorJob()


class CheckBackend(PluginAlgorithm):
    """Runs whether or not there is a backend: a missing one is a finding, no failure."""

    GROUP = "backend"
    ICON = "doctor"
    PROFILE = "PROFILE"
    DEVICE = "DEVICE"
    MODEL = "MODEL"
    REPORT = "REPORT"
    HEALTHY = "HEALTHY"
    PYTHON_PATH = "PYTHON_PATH"
    SOURCE = "SOURCE"
    USED_DEVICE = "USED_DEVICE"
    SECONDS_PER_TILE = "SECONDS_PER_TILE"
    VERSION = "VERSION"
    PROBLEM = "PROBLEM"
    TEXT = "TEXT"

    def name(self):
        return "check_backend"  # saved in users' models: never renamed

    def displayName(self):  # noqa: N802
        return tr("Check the backend")

    def tags(self):
        return tr("doctor,diagnosis,environment,python,gpu,cuda,report").split(",")

    def shortDescription(self):  # noqa: N802
        return tr("The doctor: is the backend there, does it work, on which device, how fast")

    # -- the form ------------------------------------------------------------------------------

    def initAlgorithm(self, configuration=None):  # noqa: N802
        self.add(
            QgsProcessingParameterEnum(
                self.DEVICE, tr("Device"), list(DEVICES), False, DEFAULTS.device, False, usesStaticStrings=True
            ),
            tr("Where the model is tried. auto takes an NVIDIA GPU where one really works, else the processor."),
        )
        self.add(
            QgsProcessingParameterEnum(
                self.PROFILE, tr("Profile"), list(PROFILES), False, PROFILES[0], False, usesStaticStrings=True
            ),
            tr("Which packages are expected: those of light, or those of full."),
            advanced=True,
        )
        self.add(
            QgsProcessingParameterFile(
                self.MODEL, tr("Model package"), optional=True, fileFilter=model_files()
            ),
            tr("The model to try. Empty: the one that comes with the plugin."),
            advanced=True,
        )
        filters = "HTML (*.html);;JSON (*.json);;{} (*.txt)".format(tr("Text"))
        self.add(
            QgsProcessingParameterFileDestination(
                self.REPORT, tr("Report"), filters, optional=True, createByDefault=False
            ),
            tr("The report as a page, as JSON or as plain text, as the file's name says."),
        )
        self.add_declared_outputs()

    def declared_outputs(self):
        text, number, flag = QgsProcessingOutputString, QgsProcessingOutputNumber, QgsProcessingOutputBoolean
        return (
            (flag, self.HEALTHY, tr("Healthy"), tr("Whether a job ran to its end.")),
            (text, self.PYTHON_PATH, tr("Python of the backend"), tr("Program that jobs run with, or empty.")),
            (text, self.SOURCE, tr("Source"), tr("setting, variable or managed: who chose this Python.")),
            (text, self.USED_DEVICE, tr("Device in use"), tr("cpu or cuda: where the model really ran.")),
            (number, self.SECONDS_PER_TILE, tr("Seconds per tile"), tr("Time for one tile; -1 where none ran.")),
            (text, self.VERSION, tr("Version"), tr("Version of the backend, or empty.")),
            (text, self.PROBLEM, tr("Problem"), tr("What is wrong and what to do, or empty.")),
            (text, self.TEXT, tr("Text"), tr("The report as plain text.")),
        )

    def summary(self):
        return "<p>{}</p>".format(
            tr(
                "Looks for the Python environment that computes, tries its packages and the model in it, and reports "
                "what it found. It changes nothing. A missing backend is reported, with what to do about it."
            )
        )

    # -- the work ------------------------------------------------------------------------------

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        versions = {"Plugin": plugin_metadata("version"), "QGIS": Qgis.QGIS_VERSION}
        profile = self.parameterAsEnumString(parameters, self.PROFILE, context)
        try:
            job = DoctorJob(
                model_path=given_model(self, parameters, context),
                device=self.parameterAsEnumString(parameters, self.DEVICE, context),
            )
            diagnosis = diagnose(versions, job, feedback, event_pump(), profile)
        except (Cancelled, InvalidModel) as error:
            raise QgsProcessingException(str(error)) from error
        for line in diagnosis.fact_lines:
            feedback.pushInfo(line)
        (feedback.pushInfo if diagnosis.healthy else feedback.pushWarning)(diagnosis.verdict)
        return {**self._write(diagnosis, parameters, context), **self._answers(diagnosis)}

    def _write(self, diagnosis, parameters, context):
        if not parameters.get(self.REPORT):
            return {}
        path = self.parameterAsFileOutput(parameters, self.REPORT, context)
        try:
            diagnosis.write(path)
        except OSError as error:
            raise QgsProcessingException(
                tr("The report {path} cannot be written: {reason}").format(path=path, reason=error.strerror or error)
            ) from error
        return {self.REPORT: path}

    def _answers(self, diagnosis):
        values = diagnosis.values
        return {
            self.HEALTHY: diagnosis.healthy,
            self.PYTHON_PATH: diagnosis.python_path,
            self.SOURCE: diagnosis.source,
            self.USED_DEVICE: str(values.get("device") or ""),
            self.SECONDS_PER_TILE: values.get("seconds_per_tile") or -1.0,
            self.VERSION: str(values.get("version") or ""),
            self.PROBLEM: "{} {}".format(diagnosis.problem, diagnosis.advice).strip(),
            self.TEXT: diagnosis.text,
        }

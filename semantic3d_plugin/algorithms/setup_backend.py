"""Set up the backend: install, repair or remove the Python environment that computes."""

import time

from qgis.core import (
    QgsProcessingException,
    QgsProcessingOutputBoolean,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
)

from ..backend.s3d_protocol import DoctorJob, Semantic3DError
from ..runtime import accelerator
from ..runtime.environment import find_backend, look_at, read_marker
from ..runtime.events import event_pump
from ..runtime.install import Installer, folder_size_mb
from ..runtime.locations import environments_folder
from ..runtime.lockfiles import ACCELERATORS, PROFILES, Lock
from ..runtime.runner import run_job
from ..translation import tr
from .base import PluginAlgorithm
from .model_form import all_files

ACTIONS = ("install", "repair", "remove", "download")


class SetupBackend(PluginAlgorithm):
    """The only place where anything is downloaded or installed, and only because the user runs it."""

    GROUP = "backend"
    ICON = "setup"
    ACTION = "ACTION"
    PROFILE = "PROFILE"
    ACCELERATOR = "ACCELERATOR"
    WHEELHOUSE = "WHEELHOUSE"
    PYTHON = "PYTHON"
    PYTHON_PATH = "PYTHON_PATH"
    ENVIRONMENT = "ENVIRONMENT"
    USED_ACCELERATOR = "USED_ACCELERATOR"
    HEALTHY = "HEALTHY"
    SIZE_MB = "SIZE_MB"
    SECONDS = "SECONDS"

    def name(self):
        return "setup_backend"  # saved in users' models: never renamed

    def displayName(self):  # noqa: N802
        return tr("Set up the backend")

    def tags(self):
        return tr("install,environment,python,offline,wheelhouse,gpu,cuda,repair,remove").split(",")

    def shortDescription(self):  # noqa: N802
        return tr("Installs, repairs or removes the Python environment that computes")

    # -- the form ------------------------------------------------------------------------------

    def initAlgorithm(self, configuration=None):  # noqa: N802
        self._add_enum(
            self.ACTION,
            tr("Action"),
            ACTIONS,
            tr(
                "install keeps an environment that works; repair makes it anew; remove deletes it; download fills "
                "the folder WHEELHOUSE for a machine without a network."
            ),
        )
        self._add_enum(
            self.PROFILE,
            tr("Profile"),
            PROFILES,
            tr(
                "light is enough for the model that comes with the plugin: about 100 MB to download, under 400 MB on "
                "disk. full adds PyTorch, diffusers and what training needs: 1 to 5 GB."
            ),
        )
        self._add_enum(
            self.ACCELERATOR,
            tr("Accelerator"),
            accelerator.CHOICES,
            tr(
                "auto takes cuda where an NVIDIA driver is found (about 2 GB more to download), else cpu. "
                "With remove, auto means both."
            ),
        )
        self._add_file(
            self.WHEELHOUSE,
            tr("Folder of wheels"),
            QgsProcessingParameterFile.Behavior.Folder,
            tr(
                "Install from this folder and never touch the network. Fill it with the action download elsewhere, which "
                "makes it where there is none."
            ),
        )
        self._add_file(
            self.PYTHON,
            tr("Base Python"),
            QgsProcessingParameterFile.Behavior.File,
            tr("The Python to build on, 3.10 to 3.14, 64 bit. Empty: one is looked for, but never QGIS itself."),
        )
        self.add_declared_outputs()

    def _add_enum(self, name, label, choices, text):
        self.add(QgsProcessingParameterEnum(name, label, list(choices), False, choices[0], False, True), text)

    def _add_file(self, name, label, behaviour, text):
        parameter = QgsProcessingParameterFile(name, label, behaviour, optional=True, fileFilter=all_files())
        self.add(parameter, text, advanced=True)

    def declared_outputs(self):
        return (
            (
                QgsProcessingOutputString,
                self.PYTHON_PATH,
                tr("Python of the backend"),
                tr("Program that jobs run with, empty where there is none."),
            ),
            (
                QgsProcessingOutputString,
                self.ENVIRONMENT,
                tr("Environment folder"),
                tr("Folder that was made, looked at or removed."),
            ),
            (
                QgsProcessingOutputString,
                self.USED_ACCELERATOR,
                tr("Accelerator in use"),
                tr("cpu or cuda: what auto came to."),
            ),
            (
                QgsProcessingOutputBoolean,
                self.HEALTHY,
                tr("Healthy"),
                tr("Whether jobs can run now. After remove: whether another backend is left."),
            ),
            (
                QgsProcessingOutputNumber,
                self.SIZE_MB,
                tr("Size (MB)"),
                tr("Size of the environment, or of the folder of wheels."),
            ),
            (QgsProcessingOutputNumber, self.SECONDS, tr("Seconds"), tr("Time that it took.")),
        )

    def summary(self):
        return "<p>{}</p><p>{}</p>".format(
            tr(
                "Heights are computed by a Python environment of its own, so that nothing is installed into QGIS. "
                "This algorithm creates it. It downloads pinned packages, each checked against its hash, from the "
                "Python Package Index or from the mirror that pip is configured for, through QGIS's proxy. Where uv "
                "is installed and no usable Python is, uv also fetches a Python 3.12, from GitHub or astral.sh. What "
                "is downloaded also stays in the caches of uv and pip."
            ),
            tr("It goes to {folder}. Set SEMANTIC3D_HOME for another place.").format(folder=environments_folder()),
        )

    # -- the work ------------------------------------------------------------------------------

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        started_s = time.monotonic()
        action, profile, choice = (
            self.parameterAsEnumString(parameters, name, context)
            for name in (self.ACTION, self.PROFILE, self.ACCELERATOR)
        )
        installer_options = {
            "wheelhouse": self.parameterAsFile(parameters, self.WHEELHOUSE, context),
            "base_python": self.parameterAsFile(parameters, self.PYTHON, context),
        }
        try:
            installer = Installer(feedback, event_pump(), **installer_options)
            if action == "remove":
                results = self._remove(installer, profile, choice, feedback)
            elif action == "download":
                lock = Lock(profile, accelerator.resolve_on_base(choice, feedback, event_pump(), **installer_options))
                results = self._download(installer, lock, feedback, installer_options["wheelhouse"])
            else:
                lock = Lock(profile, accelerator.resolve_on_base(choice, feedback, event_pump(), **installer_options))
                results = self._install(installer, lock, action == "repair", feedback)
        except Semantic3DError as error:
            raise QgsProcessingException(str(error)) from error
        return {**results, self.SECONDS: round(time.monotonic() - started_s, 1)}

    def _install(self, installer, lock, again, feedback):
        made = installer.install(lock, again)
        if lock.accelerator == "cuda":
            prove_device(made.python_path, feedback)
        marker = read_marker(environments_folder() / lock.name) or {}
        self._say_who_wins(made, feedback)
        return self._results(made.python_path, made.folder, lock.accelerator, made.healthy, marker.get("size_mb", 0))

    def _download(self, installer, lock, feedback, wheelhouse):
        count = installer.download(lock)
        size_mb = folder_size_mb(wheelhouse)
        feedback.pushInfo(
            tr("{folder} holds {count} packages, {size} MB, for machines of this kind with this Python version.").format(
                folder=wheelhouse, count=count, size=round(size_mb)
            )
        )
        there = look_at(lock)
        return self._results(there.python_path, there.folder, lock.accelerator, there.healthy, round(size_mb))

    def _remove(self, installer, profile, choice, feedback):
        removed = installer.remove(profile, ACCELERATORS if choice == "auto" else (choice,))
        for folder in removed:
            feedback.pushInfo(tr("Removed {}").format(folder))
        if not removed:
            feedback.pushInfo(tr("There was nothing to remove in {}.").format(environments_folder()))
        left = find_backend()
        return self._results(left.python_path, removed[0] if removed else "", left.accelerator, left.healthy, 0)

    def _say_who_wins(self, made, feedback):
        used = find_backend(made.profile)
        if used.source != "managed":
            feedback.pushWarning(
                tr(
                    "Jobs run with {python}, which is named in the settings or in SEMANTIC3D_PYTHON, "
                    "and not with this environment."
                ).format(python=used.python_path)
            )

    def _results(self, python_path, folder, used, healthy, size_mb):
        return {
            self.PYTHON_PATH: python_path,
            self.ENVIRONMENT: folder,
            self.USED_ACCELERATOR: used,
            self.HEALTHY: healthy,
            self.SIZE_MB: size_mb,
        }


def prove_device(python_path, feedback):
    """Run the model once where it is meant to run, and say aloud where it ran."""
    try:
        values = run_job(python_path, DoctorJob.kind, DoctorJob(), feedback, pump=event_pump())
    except Semantic3DError as error:
        feedback.pushWarning(tr("The graphics card could not be tried: {}").format(error))
        return
    device = values.get("device")
    if device == "cuda":
        feedback.pushInfo(tr("The model ran on the graphics card."))
    else:
        feedback.pushWarning(
            tr("The packages for the graphics card are installed, but the model ran on the processor. See the doctor.")
        )

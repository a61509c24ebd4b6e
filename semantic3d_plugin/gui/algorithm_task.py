"""One algorithm at a time as a background task, with its words as Qt signals."""

from qgis.core import (
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
)
from qgis.PyQt.QtCore import QObject, pyqtSignal

STOP_MS = 5000


class SignallingFeedback(QgsProcessingFeedback):
    """Feedback that a window can listen to: called in the task's thread, heard in the window's."""

    said = pyqtSignal(str)

    def pushInfo(self, info):  # noqa: N802
        self.said.emit(info)

    def pushWarning(self, warning):  # noqa: N802
        self.said.emit(warning)

    def pushCommandInfo(self, info):  # noqa: N802
        self.said.emit(info)

    def pushConsoleInfo(self, info):  # noqa: N802
        self.said.emit(info)

    def setProgressText(self, text):  # noqa: N802
        self.said.emit(text)

    def reportError(self, error, fatalError=False):  # noqa: N802, N803
        self.said.emit(error)


class AlgorithmTask(QObject):
    """Runs a Processing algorithm in QGIS's task manager.

    It outlives the windows that show it: closing one neither stops nor orphans an installation.
    """

    said = pyqtSignal(str)
    progressed = pyqtSignal(float)
    finished = pyqtSignal(bool, dict)

    def __init__(self, parent=None):
        super().__init__(parent)
        self.lines = []
        self.percent = 0.0
        self._run = None  # (task, context, feedback): QGIS keeps none of them for us

    def running(self):
        return self._run is not None

    def start(self, algorithm_id, parameters):
        """Start `algorithm_id`; False where one is running already or the id is unknown."""
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(algorithm_id)
        if self.running() or algorithm is None:
            return False
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        feedback = SignallingFeedback()
        feedback.said.connect(self.say)
        feedback.progressChanged.connect(self._on_progress)
        task = QgsProcessingAlgRunnerTask(algorithm, parameters, context, feedback)
        task.executed.connect(self._on_executed)
        self.lines = []
        self.percent = 0.0
        self._run = (task, context, feedback)
        QgsApplication.taskManager().addTask(task)
        return True

    def cancel(self):
        """Ask the algorithm to stop; `finished` follows."""
        if self._run is not None:
            self._run[2].cancel()

    def stop(self):
        """Cancel and wait: the plugin is being unloaded."""
        if self._run is not None:
            self.cancel()
            self._run[0].waitForFinished(STOP_MS)

    def say(self, text):
        """Keep a line and tell whoever listens."""
        self.lines.append(text)
        self.said.emit(text)

    def _on_progress(self, percent):
        self.percent = percent
        self.progressed.emit(percent)

    def _on_executed(self, successful, results):
        self._run = None
        self.finished.emit(successful, results)

"""The backend's environment: its state, and buttons that run the set-up and doctor algorithms."""

import threading
from itertools import zip_longest

from qgis.core import QgsSettings
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import (
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QInputDialog,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ..runtime.environment import find_backend, installed
from ..runtime.locations import named_python
from ..runtime.lockfiles import PROFILES
from ..translation import tr

PYTHON_PATH_SETTING = "semantic3d/python_path"
SETUP = "semantic3d:setup_backend"
CHECK = "semantic3d:check_backend"
LOOK_MS = 100


class _Look(threading.Thread):
    """Tries the Python that the user named, for one profile after the other; the page may be gone before it answers."""

    def __init__(self):
        super().__init__(name="semantic3d-look", daemon=True)
        self.found = []

    def run(self):
        for profile in PROFILES:
            self.found.append(find_backend(profile))


class EnvironmentPanel(QWidget):
    """Python path, status, five buttons, progress and log."""

    def __init__(self, task, parent=None):
        """Show `task`, an AlgorithmTask that belongs to the plugin and may be running already."""
        super().__init__(parent)
        self.task = task
        self.buttons = {}
        self._look = None
        self._clock = QTimer(self)
        self._clock.setInterval(LOOK_MS)
        self._clock.timeout.connect(self._show_found)
        self._build()
        self.log.setPlainText("\n".join(task.lines))
        self._show_running(task.running())
        task.said.connect(self._show_line)  # methods, no lambdas: Qt cuts them when the page goes
        task.progressed.connect(self._show_progress)
        task.finished.connect(self._on_finished)
        self.refresh()

    def save(self):
        """Keep the Python path that was typed; algorithms read it at their next run."""
        QgsSettings().setValue(PYTHON_PATH_SETTING, self.python_path.filePath().strip())

    def refresh(self):
        """Show what the backend's state is now; a Python that the user named is tried beside, as it may hang."""
        path, _ = named_python()
        if path:
            self._show([])
            self._look = _Look()
            self._look.start()
            self._clock.start()
        else:
            self._show([find_backend(profile) for profile in PROFILES])

    def _show_found(self):
        if not self._look.is_alive():
            self._clock.stop()
        self._show(list(self._look.found))

    def _show(self, backends):
        """A line for the packages of each profile; those that `backends` does not reach yet are being tried."""
        where = {
            "setting": tr("named in these settings"),
            "variable": tr("named by SEMANTIC3D_PYTHON"),
            "managed": tr("installed by this plugin"),
        }
        titles = {"light": tr("To reconstruct (light)"), "full": tr("To train (full)")}
        lines = []
        for profile, backend in zip_longest(PROFILES, backends):
            if backend is None:
                text = tr("Trying {}...").format(named_python()[0])
            elif backend.healthy:
                source = where.get(backend.source, backend.source)
                text = tr("Ready: {python} ({where})").format(python=backend.python_path, where=source)
            else:
                text = tr("Not ready: {}").format(backend.problem)
            lines.append("{}: {}".format(titles[profile], text))
        self.status.setText("\n".join(lines))

    def start(self, action):
        """Run one of the buttons' actions."""
        self.save()
        target, found = None, installed() if action in ("repair", "remove") else []
        if found:
            target = self._pick(action, found)
            if target is None or (action == "remove" and not self._confirm_removal(target)):
                return
        algorithm_id, parameters = self.actions(target)[action]
        self.log.clear()
        started = self.task.start(algorithm_id, parameters)
        if not started:
            self._show_line(tr("{} cannot be started now; see the message log of QGIS.").format(algorithm_id))
        self._show_running(started)

    def actions(self, target=None):
        """Algorithm and parameters by button; repair and remove act on `target`, an environment of ours."""
        profile = target.profile if target else "light"
        kind = {"ACCELERATOR": target.accelerator} if target else {}  # else auto may make the other one
        return {
            "light": (SETUP, {"ACTION": "install", "PROFILE": "light"}),
            "full": (SETUP, {"ACTION": "install", "PROFILE": "full"}),
            "check": (CHECK, {}),
            "repair": (SETUP, {"ACTION": "repair", "PROFILE": profile, **kind}),
            "remove": (SETUP, {"ACTION": "remove", "PROFILE": profile, **kind}),
        }

    def _pick(self, action, found):
        """The only environment of those `found`, or the one that the user picks; None where the user cancels."""
        if len(found) == 1:
            return found[0]
        names = [one.folder for one in found]
        title, label = {
            "repair": (tr("Repair"), tr("Environment to make anew:")),
            "remove": (tr("Remove"), tr("Environment to delete:")),
        }[action]
        name, accepted = QInputDialog.getItem(self, title, label, names, 0, False)
        return found[names.index(name)] if accepted else None

    def _build(self):
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.python_path = QgsFileWidget()
        self.python_path.setStorageMode(QgsFileWidget.StorageMode.GetFile)
        self.python_path.setDialogTitle(tr("Python of an existing environment"))
        self.python_path.setFilePath(QgsSettings().value(PYTHON_PATH_SETTING, "", type=str))
        self.python_path.setToolTip(tr("Empty: the environment that this plugin installs."))
        form = QFormLayout()
        form.addRow(tr("State"), self.status)
        form.addRow(tr("Own Python (optional)"), self.python_path)
        box = QGroupBox(tr("Backend environment"))
        inside = QVBoxLayout(box)
        inside.addLayout(form)
        note = QLabel(
            tr(
                "Heights are computed by a Python of their own, outside of QGIS. Light is enough for the model that "
                "comes with the plugin (about 100 MB to download, under 400 MB on disk); full adds PyTorch for "
                "training (several GB)."
            )
        )
        note.setWordWrap(True)
        inside.addWidget(note)
        inside.addLayout(self._button_row())
        self.progress = QProgressBar()
        self.progress.setVisible(False)
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setMinimumHeight(140)
        inside.addWidget(self.progress)
        inside.addWidget(self.log)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(box)

    def _button_row(self):
        row = QGridLayout()
        labels = {
            "light": tr("Install light"),
            "full": tr("Install full"),
            "check": tr("Check"),
            "repair": tr("Repair"),
            "remove": tr("Remove"),
        }
        for column, (action, label) in enumerate(labels.items()):
            button = QPushButton(label)
            button.clicked.connect(lambda checked=False, action=action: self.start(action))
            row.addWidget(button, 0, column)
            self.buttons[action] = button
        self.cancel_button = QPushButton(tr("Cancel"))
        self.cancel_button.setEnabled(False)
        self.cancel_button.clicked.connect(self.task.cancel)
        row.addWidget(self.cancel_button, 0, len(self.buttons))
        return row

    def _confirm_removal(self, target):
        answer = QMessageBox.question(
            self,
            tr("Remove the backend environment"),
            tr("Delete {}? Your results and settings stay.").format(target.folder),
        )
        return answer == QMessageBox.StandardButton.Yes

    def _show_line(self, text):
        self.log.appendPlainText(text)

    def _show_progress(self, percent):
        self.progress.setValue(int(percent))

    def _show_running(self, running):
        for button in self.buttons.values():
            button.setEnabled(not running)
        self.cancel_button.setEnabled(running)
        self.progress.setVisible(running)
        self.progress.setValue(int(self.task.percent))

    def _on_finished(self, successful, results):
        self._show_running(False)
        self._show_line(tr("Done.") if successful else tr("Not finished; see the lines above."))
        self.refresh()

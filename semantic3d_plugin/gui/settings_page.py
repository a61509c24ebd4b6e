"""Our page in QGIS's options (Settings > Options > Semantic 3D)."""

from qgis.core import QgsProject, QgsSettings
from qgis.gui import QgsOptionsPageWidget, QgsOptionsWidgetFactory
from qgis.PyQt.QtWidgets import QCheckBox, QVBoxLayout

from ..icons import icon
from ..styling.elevation import SHADING_SETTING
from ..translation import tr
from .algorithm_task import AlgorithmTask
from .environment_panel import EnvironmentPanel

PAGE_NAME = "semantic3dOptions"


class SettingsPage(QgsOptionsPageWidget):
    """Environment and display settings."""

    def __init__(self, task, parent=None):
        super().__init__(parent)
        self.setObjectName(PAGE_NAME)
        self.environment = EnvironmentPanel(task, self)
        self.shading = QCheckBox(tr("Switch the project's elevation shading on when heights are loaded"))
        self.shading.setChecked(QgsSettings().value(SHADING_SETTING, False, type=bool))
        if not hasattr(QgsProject, "elevationShadingRenderer"):
            self.shading.setEnabled(False)
            self.shading.setToolTip(tr("Needs QGIS 3.30 or newer."))
        layout = QVBoxLayout(self)
        layout.addWidget(self.environment)
        layout.addWidget(self.shading)
        layout.addStretch(1)

    def apply(self):
        """Save; called by QGIS when the options are accepted."""
        self.environment.save()
        QgsSettings().setValue(SHADING_SETTING, self.shading.isChecked())


class SettingsPageFactory(QgsOptionsWidgetFactory):
    """Gives QGIS a new page each time the options open."""

    def __init__(self):
        super().__init__(tr("Semantic 3D"), icon("icon"))
        self.task = AlgorithmTask()
        self._page = None

    def createWidget(self, parent):  # noqa: N802
        self._page = SettingsPage(self.task, parent)
        return self._page

    def stop(self):
        """Cancel what runs and let go of the page: the plugin is being unloaded."""
        self.task.stop()
        self._page = None

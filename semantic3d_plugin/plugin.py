"""The plugin: registers the provider everywhere, and menu, toolbar and settings page in the desktop."""

from qgis.core import QgsApplication, QgsRasterLayer
from qgis.PyQt.QtCore import QCoreApplication

from .icons import icon, register_resources, unregister_resources
from .provider import Semantic3DProvider
from .styling.roles import ROLE_PROPERTY
from .translation import install_translator, tr

MENU = "Semantic 3D"


class Semantic3DPlugin:
    """What QGIS holds; `iface` is None under qgis_process, where only `initProcessing` is called."""

    def __init__(self, iface):
        self.iface = iface
        self.provider = None
        self.translator = None
        self._resources = False
        self._actions = []
        self._settings_page = None

    def initProcessing(self):  # noqa: N802
        """Register icons, words and algorithms; needs no window."""
        self._resources = register_resources()
        self.translator = install_translator()
        self.provider = Semantic3DProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):  # noqa: N802
        self.initProcessing()
        from .gui.settings_page import SettingsPageFactory

        self._settings_page = SettingsPageFactory()
        self.iface.registerOptionsWidgetFactory(self._settings_page)
        self._add_action("reconstruct", tr("Reconstruct heights and land cover..."), self.open_reconstruct, toolbar=True)
        self._add_action("setup", tr("Backend and settings..."), self.open_settings)

    def unload(self):
        """Take away everything that initProcessing and initGui brought."""
        for action in self._actions:
            self.iface.removePluginRasterMenu(MENU, action)
            self.iface.removeRasterToolBarIcon(action)
            action.deleteLater()
        self._actions = []
        if self._settings_page is not None:
            self.iface.unregisterOptionsWidgetFactory(self._settings_page)
            self._settings_page.stop()
            self._settings_page = None
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
        if self.translator is not None:
            QCoreApplication.removeTranslator(self.translator)
            self.translator = None
        if self._resources:
            unregister_resources()
            self._resources = False

    def open_reconstruct(self):
        """Open the form, with the current raster as its image, and return it; without a backend, offer the cure."""
        from .gui.launch import open_algorithm

        layer = self.iface.activeLayer()
        is_image = isinstance(layer, QgsRasterLayer) and not layer.customProperty(ROLE_PROPERTY)  # no result of ours
        parameters = {"INPUT": layer.id()} if is_image else {}
        return open_algorithm(self.iface, "semantic3d:reconstruct", parameters, self.open_settings)

    def open_settings(self):
        """Open QGIS's options on our page."""
        from .gui.settings_page import PAGE_NAME

        self.iface.showOptionsDialog(self.iface.mainWindow(), PAGE_NAME)

    def _add_action(self, drawing, text, run, toolbar=False):
        from .gui.actions import make_action

        action = make_action(icon(drawing), text, self.iface.mainWindow(), run)
        self.iface.addPluginToRasterMenu(MENU, action)
        if toolbar:
            self.iface.addRasterToolBarIcon(action)
        self._actions.append(action)

"""Opening an algorithm's form from a menu."""

from qgis.core import QgsApplication
from qgis.PyQt.QtWidgets import QMessageBox

from ..translation import tr


def open_algorithm(iface, algorithm_id, parameters, open_settings):
    """Show the form of `algorithm_id`, not modal; where it cannot run, say why and offer the settings.

    Returns:
        The dialog, or None where the algorithm cannot run.
    """
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(algorithm_id)
    ready, reason = algorithm.canExecute()
    if not ready:
        offer_setup(iface.mainWindow(), algorithm.displayName(), reason, open_settings)
        return None
    import processing

    dialog = processing.createAlgorithmDialog(algorithm_id, parameters)
    dialog.show()
    return dialog


def offer_setup(parent, title, reason, open_settings):
    """Say what is missing, with one button that leads to the cure."""
    box = QMessageBox(QMessageBox.Icon.Information, title, reason, QMessageBox.StandardButton.Cancel, parent)
    settings = box.addButton(tr("Open the settings"), QMessageBox.ButtonRole.AcceptRole)
    box.exec()
    if box.clickedButton() == settings:
        open_settings()

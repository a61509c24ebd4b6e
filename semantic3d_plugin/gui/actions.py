"""Menu entries under Qt 5 and Qt 6."""

try:
    from qgis.PyQt.QtGui import QAction  # Qt 6, and QGIS's own shim from 3.36 on
except ImportError:
    from qgis.PyQt.QtWidgets import QAction


def make_action(icon, text, parent, run):
    """A QAction that calls `run` without arguments."""
    action = QAction(icon, text, parent)
    action.triggered.connect(lambda checked=False: run())
    return action

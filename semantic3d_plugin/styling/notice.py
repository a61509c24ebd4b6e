"""Words to the user when no feedback listens any more: a result's layers are arranged after the run."""

from qgis.core import Qgis, QgsMessageLog

from ..translation import tr


def warn(message):
    """Log `message`, and show it once in QGIS's message bar where there is a window."""
    from qgis.utils import iface  # None without a window

    QgsMessageLog.logMessage(message, tr("Semantic 3D"), Qgis.MessageLevel.Warning)
    if iface is None:
        return
    bar = iface.messageBar()
    if message not in [item.text() for item in bar.items()]:  # each run of a batch has the same to say
        bar.pushMessage(tr("Semantic 3D"), message, Qgis.MessageLevel.Warning)

"""Qt's events while Python waits."""

from __future__ import annotations

from typing import Callable

from qgis.PyQt.QtCore import QCoreApplication, QThread


def event_pump() -> Callable[[], None] | None:
    """Return what keeps the window and the cancel button alive, or None off the main thread.

    On the main thread (qgis_process, scripts, some models) a click or an interrupt only becomes
    ``feedback.isCanceled()`` when events are handled; on a worker thread Qt does so by itself.
    """
    application = QCoreApplication.instance()
    if application is None or QThread.currentThread() != application.thread():
        return None
    return QCoreApplication.processEvents

"""Words in the user's language: one context for the whole plugin, English in the source."""

import os

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QTranslator

CONTEXT = "Semantic3D"
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "i18n")


def tr(text):
    """Translate a literal English `text`; scripts/translate.py finds the calls by this name."""
    return QCoreApplication.translate(CONTEXT, text)


def install_translator(locale=None):
    """Install the translation for `locale` (default: QGIS's own) and return it, or None where there is none.

    The caller keeps the returned QTranslator alive and removes it on unload.
    """
    locale = locale or QgsApplication.locale()
    for name in (locale, locale.split("_")[0].split("-")[0]):
        path = os.path.join(FOLDER, "semantic3d_{}.qm".format(name))
        translator = QTranslator()
        if os.path.isfile(path) and translator.load(path):
            QCoreApplication.installTranslator(translator)
            return translator
    return None

"""Icons, from the compiled resources where they were built, else from the drawings beside this file."""

import os

from qgis.PyQt.QtCore import QFile, QResource
from qgis.PyQt.QtGui import QIcon

HERE = os.path.dirname(os.path.abspath(__file__))
RESOURCES = os.path.join(HERE, "resources.rcc")
PREFIX = ":/plugins/semantic3d/"


def register_resources():
    """Register resources.rcc; False where it was not built (a checkout), which is no fault."""
    return os.path.isfile(RESOURCES) and QResource.registerResource(RESOURCES)


def unregister_resources():
    """Let go of resources.rcc, so that an upgrade can replace the file."""
    return QResource.unregisterResource(RESOURCES)


def icon_path(name):
    """Path of the drawing `name` (without suffix) for QIcon: the resource, or the file on disk."""
    resource = "{}{}.svg".format(PREFIX, name)
    if QFile.exists(resource):
        return resource
    return os.path.join(HERE, "resources", "{}.svg".format(name))


def icon(name):
    """The QIcon called `name`: icon (the plugin itself), reconstruct, setup or doctor."""
    return QIcon(icon_path(name))

"""Whose a layer's style is: ours as we left it, or the user's."""

import hashlib
import xml.etree.ElementTree as ElementTree  # nosec B405 # for what QGIS writes for us

from qgis.PyQt.QtXml import QDomDocument

_RENDERER_PROPERTY = "semantic3d/renderer"  # of a layer: what its renderer was when we had styled it


def remember_style(layer):
    """Note that the renderer which `layer` has now is ours."""
    layer.setCustomProperty(_RENDERER_PROPERTY, _fingerprint(layer))


def is_our_style(layer):
    """Whether nobody has changed the renderer of `layer` since `remember_style`."""
    noted = layer.customProperty(_RENDERER_PROPERTY)
    return bool(noted) and noted == _fingerprint(layer)


def users_style(algorithm_id, output_name):
    """The style file that the user chose for this output in the Processing Toolbox; None where there is none."""
    try:
        from processing.gui.RenderingStyles import RenderingStyles
    except ImportError:  # Processing is switched off
        return None
    return RenderingStyles.getStyle(algorithm_id, output_name)


def _fingerprint(layer):
    """What tells one renderer from another, the same in every session: Qt writes attributes in any order."""
    document = QDomDocument()
    root = document.createElement("style")
    document.appendChild(root)
    layer.renderer().writeXml(document, root)
    return hashlib.sha256(ElementTree.canonicalize(document.toString()).encode()).hexdigest()[:16]

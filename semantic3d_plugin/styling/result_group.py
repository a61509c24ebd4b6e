"""The group of result layers of one run: loaded by Processing, styled and put in order here."""

from functools import partial

from qgis.core import QgsLayerTreeLayer, QgsProcessingLayerPostProcessorInterface, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QTimer

from ..translation import tr
from .elevation import (
    degrees_message,
    set_elevation,
    shade_project_if_asked,
    use_as_project_terrain,
    version_message,
)
from .loaded import HILLSHADE_OPTION, is_hillshade, layers_on, may_touch, reload_layers
from .notice import warn
from .ownership import is_our_style, remember_style
from .renderers import fit_hillshade, load_style_file, make_hillshade, style
from .roles import HEIGHT, HIDDEN, HILLSHADE, ROLE_PROPERTY, TOP_TO_BOTTOM

GROUP_PROPERTY = "semantic3d/results"  # of a group in the layer tree: we made it
_BOOKED = set()  # QGIS owns no post-processor: each stays here until its layer was loaded


def group_title(layer, project):
    """The name of the group for results from `layer`; from a result, the group of ours in which it is."""
    is_result = layer.customProperty(ROLE_PROPERTY) and may_touch(project)
    node = project.layerTreeRoot().findLayer(layer.id()) if is_result else None
    if node is not None and _is_ours(node.parent()):
        return node.parent().name()
    return tr("Semantic 3D: {}").format(layer.name())


def names_of_results(project):
    """Names of the layers that are results of earlier runs, by source."""
    layers = project.mapLayers().values() if may_touch(project) else ()
    return {layer.source(): layer.name() for layer in layers if layer.customProperty(ROLE_PROPERTY)}


class ResultGroup:
    """Layers of one run by role. Arranging waits for the event loop, when Processing has placed them.

    The batch dialog of QGIS 3.22 handles events between two layers: then each is put in its place as it comes.
    A run into the file of an earlier one finds that one's layers: these keep their ticks, and their place where the
    user has moved them out of our groups.
    """

    def __init__(self, title, names=None):
        """Note the group's `title`, and the `names` (by source) that layers of earlier runs have before this one."""
        self.title = title
        self.names = names or {}
        self.layer_ids = {}
        self._scheduled = False
        self._placed = set()  # roles that have had their place, here or in an earlier run
        self._terrain_offered = False

    def book(self, details, role, own_name, style_path=None):
        """Let Processing style the layer of `details` when it loads it.

        A name that is ours (`own_name`) is kept even where the user prefers file names: a sigma layer called
        after a file "heights_sigma" would be taken for terrain. A model's own output name stays, and so does the
        one that the user gave to the layer of an earlier run. A style that the user chose for this output
        (`style_path`) takes the place of ours.
        """
        if details.name == own_name:
            details.forceName = True
        if hasattr(details, "groupName"):
            details.groupName = self.title
        if hasattr(details, "layerSortKey"):
            details.layerSortKey = len(TOP_TO_BOTTOM) - TOP_TO_BOTTOM.index(role)
        post_processor = ResultLayer(self, role, style_path)
        _BOOKED.add(post_processor)
        details.setPostProcessor(post_processor)

    def add(self, role, layer, project):
        """Note a loaded layer, and arrange the group as soon as events are handled."""
        self.layer_ids[role] = layer.id()
        if layer.customProperty(ROLE_PROPERTY) == role:
            self._placed.add(role)
        if not self._scheduled:
            self._scheduled = True
            QTimer.singleShot(0, partial(self.arrange, project))

    def arrange(self, project):
        """Put the layers into the group, in order, with a hillshade on top; again for those that come later."""
        self._scheduled = False
        root = project.layerTreeRoot()
        nodes = {role: root.findLayer(layer_id) for role, layer_id in self.layer_ids.items()}
        nodes = {role: node for role, node in nodes.items() if node is not None}
        height = nodes[HEIGHT].layer() if HEIGHT in nodes else None
        if height is not None and HILLSHADE not in self.layer_ids:
            self._add_hillshade(nodes, project)
        nodes = {role: node for role, node in nodes.items() if role not in self._placed or _is_ours(node.parent())}
        if nodes:  # else the user removed or moved them in the meantime
            group = self._group(root, next(iter(nodes.values())).parent())
            first = 0 if HILLSHADE in nodes else _hillshades_on_top(group)
            for position, role in enumerate((role for role in TOP_TO_BOTTOM if role in nodes), first):
                self._place(nodes[role], group, position, role)
        _drop_if_empty(root.findGroup(self.title))  # QGIS makes one even where no layer is new
        if height is not None and not self._terrain_offered:
            self._terrain_offered = True
            set_up_3d(height, project)

    def _group(self, root, parent):
        """The group of our title, marked as ours; a new one stands beside those of other images, never inside."""
        while _is_ours(parent) and parent.name() != self.title:
            parent = parent.parent()
        group = parent if parent.name() == self.title else root.findGroup(self.title)
        group = group or parent.insertGroup(0, self.title)
        group.setCustomProperty(GROUP_PROPERTY, True)
        return group

    def _add_hillshade(self, nodes, project):
        """Find the hillshade of an earlier run on this file, or make one; what the user removed stays removed."""
        height = nodes[HEIGHT].layer()
        hillshades = [layer for layer in layers_on(height.source(), project) if is_hillshade(layer)]
        found = [project.layerTreeRoot().findLayer(layer.id()) for layer in hillshades]
        found = [node for node in found if node is not None]
        if found:
            nodes[HILLSHADE] = found[0]
            self._placed.add(HILLSHADE)
            fit_hillshade(found[0].layer())
        elif HEIGHT not in self._placed:
            layer = QgsRasterLayer(height.source() + HILLSHADE_OPTION, tr("Hillshade"), "gdal")
            make_hillshade(layer)
            set_elevation(layer, False)
            project.addMapLayer(layer, False)
            nodes[HILLSHADE] = nodes[HEIGHT].parent().insertLayer(0, layer)
        else:
            return
        self.layer_ids[HILLSHADE] = nodes[HILLSHADE].layerId()
        height.dataSourceChanged.connect(partial(_follow, project, height.id(), nodes[HILLSHADE].layerId()))

    def _place(self, node, group, position, role):
        """Move a node of the layer tree; the tree moves by clone and removal alone."""
        moved, left = node.clone(), node.parent()
        group.insertChildNode(position, moved)
        left.removeChildNode(node)
        if _is_ours(left):
            _drop_if_empty(left)
        if role not in self._placed:  # later the ticks are the user's
            self._placed.add(role)
            moved.setItemVisibilityChecked(role not in HIDDEN)
            moved.setExpanded(role not in HIDDEN and role != HILLSHADE)


class ResultLayer(QgsProcessingLayerPostProcessorInterface):
    """Styles one result layer when Processing has loaded it."""

    def __init__(self, group, role, style_path):
        super().__init__()
        self.group = group
        self.role = role
        self.style_path = style_path

    def postProcessLayer(self, layer, context, feedback):  # noqa: N802
        _BOOKED.discard(self)
        if not isinstance(layer, QgsRasterLayer) or not layer.isValid():
            return
        project = context.project() or QgsProject.instance()
        reload_layers(layer.source(), project)
        self.group.add(self.role, layer, project)
        if layer.customProperty(ROLE_PROPERTY) == self.role:  # of an earlier run into this file
            self._renew(layer)
        else:
            self._dress(layer)
        layer.setCustomProperty(ROLE_PROPERTY, self.role)  # after the style file, which may replace all of them
        if not set_elevation(layer, self.role == HEIGHT) and self.role == HEIGHT:
            feedback.pushWarning(version_message())
        if self.role == HEIGHT:
            shade_project_if_asked(project)
        layer.triggerRepaint()

    def _dress(self, layer):
        """Style a new layer."""
        if self.style_path:
            layer.loadNamedStyle(self.style_path)
            return
        if not load_style_file(layer):
            style(layer, self.role)
        remember_style(layer)

    def _renew(self, layer):
        """Fit a layer of an earlier run to its new values; what the user has made of it stays."""
        layer.setName(self.group.names.get(layer.source(), layer.name()))
        if not self.style_path and is_our_style(layer):
            style(layer, self.role)
            remember_style(layer)


def _hillshades_on_top(group):
    """How many layers at the head of a group are hillshades, which nothing opaque may cover."""
    count = 0
    for node in group.children():
        if not isinstance(node, QgsLayerTreeLayer) or node.layer() is None or not is_hillshade(node.layer()):
            break
        count += 1
    return count


def _follow(project, height_id, hillshade_id):
    """Let a hillshade read what its heights read: a temporary result that was made permanent lies elsewhere."""
    height, hillshade = project.mapLayer(height_id), project.mapLayer(hillshade_id)
    if height is None or hillshade is None or not is_hillshade(hillshade):
        return
    source = height.source() + HILLSHADE_OPTION
    if hillshade.source() != source:  # else it was loaded anew in its place, and so was the hillshade
        hillshade.setDataSource(source, hillshade.name(), "gdal")
        fit_hillshade(hillshade)


def set_up_3d(height, project):
    """Offer heights as the project's terrain; runs once the project has its CRS, when no feedback listens any more."""
    use_as_project_terrain(height, project)
    message = degrees_message(height, project)
    if message:
        warn(message)


def _is_ours(group):
    return group.customProperty(GROUP_PROPERTY) is not None


def _drop_if_empty(group):
    if group is not None and not group.children():
        group.parent().removeChildNode(group)

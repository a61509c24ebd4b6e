"""The Processing provider: an explicit list of algorithms, in toolbox order."""

from qgis.core import QgsProcessingProvider

from .algorithms.check_backend import CheckBackend
from .algorithms.detect_shadows import DetectShadows
from .algorithms.evaluate import Evaluate
from .algorithms.reconstruct import Reconstruct
from .algorithms.setup_backend import SetupBackend
from .algorithms.train import Train
from .icons import icon, icon_path
from .metadata import plugin_metadata

ALGORITHMS = (Reconstruct, DetectShadows, Evaluate, Train, SetupBackend, CheckBackend)


class Semantic3DProvider(QgsProcessingProvider):
    """Everything that Semantic 3D adds to the toolbox."""

    def id(self):
        return "semantic3d"  # saved in users' models: never renamed

    def name(self):
        return "Semantic 3D"

    def longName(self):  # noqa: N802
        return "Semantic 3D {}".format(plugin_metadata("version"))

    def icon(self):
        return icon("icon")

    def svgIconPath(self):  # noqa: N802
        return icon_path("icon")

    def loadAlgorithms(self):  # noqa: N802
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())

    def defaultRasterFileExtension(self):  # noqa: N802
        return "tif"

    def supportedOutputRasterLayerExtensions(self):  # noqa: N802
        """QGIS 3: the backend writes GeoTIFF alone."""
        return ["tif", "tiff"]

    def supportedOutputRasterLayerFormatAndExtensions(self):  # noqa: N802
        """QGIS 4: the same, each with its format."""
        return [("GTiff", "tif"), ("GTiff", "tiff")]

#!/usr/bin/env python3
"""Pictures of the plugin in a real QGIS desktop, for the documentation and for the eye.

    scripts/screenshots.py IMAGE.tif FOLDER [--model PACKAGE] [--results FOLDER]

Starts QGIS with an empty profile on a virtual screen, opens the form, runs it on IMAGE and takes pictures:
form.png, progress.png, group.png, height.png, sigma.png, settings.png, view3d.png. With --results, layers called
height.tif, sigma.tif and land_cover.tif are shown instead of running the backend.
Needs Xvfb and ImageMagick's import. QGIS itself runs the second half of this file.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SIZE = "1440x900x24"
CONFIGURATION = "SEMANTIC3D_SCREENSHOTS"
INSIDE = "semantic3d_screenshots"
PROFILE = """[qgis]
showTips=false
checkVersion=false

[app]
projections\\unknownCrsBehavior=NoAction

[PythonPlugins]
processing=true
semantic3d_plugin=true

[core]
NewsFeed\\httpsfeedqgisorg\\disabled=true

[locale]
overrideFlag=true
userLocale={locale}
"""


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image")
    parser.add_argument("folder")
    parser.add_argument("--results", default="")
    parser.add_argument("--model", default="", help="model package; default: the bundled one")
    parser.add_argument("--locale", default="en_US")
    parser.add_argument("--seconds", type=int, default=300, help="give up after this time")
    options = parser.parse_args(arguments)
    folder = Path(options.folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="semantic3d_screens_"))
    settings = work / "profiles" / "default" / "QGIS" / "QGIS3.ini"
    settings.parent.mkdir(parents=True)
    settings.write_text(PROFILE.format(locale=options.locale), encoding="utf-8")
    configuration = {
        "image": str(Path(options.image).resolve()),
        "folder": str(folder),
        "model": options.model and str(Path(options.model).resolve()),
        "results": options.results and str(Path(options.results).resolve()),
    }
    try:
        return run_desktop(work, configuration, options.seconds)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def run_desktop(work, configuration, seconds):
    """Run QGIS on a virtual screen of its own until the pictures are there; returns its exit status."""
    read_end, write_end = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", SIZE, "-nolisten", "tcp"],
        pass_fds=[write_end],
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        display = pipe.readline().strip()
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("QGIS_", "QT_"))},
        "DISPLAY": ":" + display,
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "QGIS_PLUGINPATH": str(REPOSITORY),
        CONFIGURATION: json.dumps(configuration),
    }
    start = work / "start.py"
    start.write_text("import runpy\nrunpy.run_path({!r}, run_name={!r})\n".format(__file__, INSIDE), encoding="utf-8")
    binary = shutil.which("qgis.bin") or "qgis"
    command = [binary, "--nologo", "--noversioncheck", "--profiles-path", str(work), "--code", str(start)]
    try:
        return subprocess.run(command, env=environment, timeout=seconds, check=False).returncode
    finally:
        screen.terminate()
        screen.wait()


# -- inside QGIS -------------------------------------------------------------------------------


class Session:
    """The steps, one after the other, with time for QGIS to draw in between."""

    def __init__(self, iface, configuration):
        self.iface = iface
        self.image = configuration["image"]
        self.folder = configuration["folder"]
        self.results = configuration["results"]
        self.model = configuration["model"]
        self.dialog = None

    def steps(self):
        """(wait in ms before, step) pairs."""
        run = [(500, self.start_run), (4000, self.picture_of_progress), (500, self.wait_for_run)]
        return [
            (3000, self.open_image),
            (1500, self.open_toolbox),
            (500, self.open_form),
            (2000, lambda: self.grab("form")),
            *([(500, self.load_results)] if self.results else run),
            (1500, self.show_group),
            (3000, lambda: self.grab("group")),
            (300, lambda: self.show("hillshade", "height")),
            (3000, lambda: self.grab("height")),
            (300, lambda: self.show("sigma")),
            (3000, lambda: self.grab("sigma")),
            (300, self.show_group),
            (1500, self.view3d),
            (300, self.settings),
        ]

    def start(self):
        from qgis.PyQt.QtCore import QTimer

        self._todo = self.steps()
        self._timer = QTimer.singleShot
        self._next()

    def _next(self):
        if not self._todo:
            sys.stdout.flush()
            os._exit(0)  # QGIS's own way out would ask whether to save
        wait, step = self._todo.pop(0)
        self._timer(wait, lambda: self._run(step))

    def _run(self, step):
        import traceback

        try:
            again = step()
        except Exception:  # a picture that fails must end the session with its reason, not hang it
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        if again:
            self._todo.insert(0, (500, step))
        self._next()

    def grab(self, name):
        path = os.path.join(self.folder, name + ".png")
        subprocess.run(["import", "-window", "root", path], check=True)
        print(path, flush=True)

    # -- steps

    def open_image(self):
        window = self.iface.mainWindow()
        window.showNormal()
        window.setGeometry(0, 0, 1440, 900)
        layer = self.iface.addRasterLayer(self.image, Path(self.image).stem)
        self.iface.setActiveLayer(layer)
        self.iface.zoomToActiveLayer()
        for name in ("Browser", "Browser2", "MessageLog", "LayerStyling", "Overview"):
            dock = self.dock(name)
            if dock is not None:
                dock.hide()

    def dock(self, name):
        from qgis.PyQt.QtWidgets import QDockWidget

        return self.iface.mainWindow().findChild(QDockWidget, name)

    def open_toolbox(self):
        from qgis.PyQt.QtWidgets import QTreeView

        dock = self.dock("ProcessingToolbox")
        dock.show()
        dock.raise_()
        dock.searchBox.setText("semantic")
        for tree in dock.findChildren(QTreeView):
            tree.expandAll()

    def open_form(self):
        from qgis.utils import plugins

        plugin = plugins["semantic3d_plugin"]
        if self.results:
            import processing

            self.dialog = processing.createAlgorithmDialog("semantic3d:reconstruct", {})
            self.dialog.show()
        else:
            self.dialog = plugin.open_reconstruct()
        if self.model:
            self.dialog.setParameters({"MODEL": self.model})
        self.dialog.setGeometry(300, 90, 860, 720)

    def start_run(self):
        self.dialog.runButton().click()

    def picture_of_progress(self):
        self.grab("progress")

    def wait_for_run(self):
        from qgis.core import QgsProject

        done = QgsProject.instance().layerTreeRoot().findGroups()
        if not done and self.dialog.isVisible():
            return True
        self.dialog.close()
        return False

    def load_results(self):
        """Load ready files the way Processing does, with our post-processors."""
        from processing.gui.Postprocessing import handleAlgorithmResults
        from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback, QgsProject
        from semantic3d_plugin.styling.result_group import ResultGroup

        self.dialog.close()
        algorithm = QgsApplication.processingRegistry().createAlgorithmById("semantic3d:reconstruct")
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        group = ResultGroup("Semantic 3D: " + Path(self.image).stem)
        for name, role in algorithm.ROLES.items():
            path = os.path.join(self.results, name.lower() + ".tif")
            if os.path.isfile(path):
                label = algorithm.parameterDefinition(name).description()
                details = QgsProcessingContext.LayerDetails(label, QgsProject.instance(), name)
                context.addLayerToLoadOnCompletion(path, details)
                group.book(context.layerToLoadOnCompletionDetails(path), role, label)
        handleAlgorithmResults(algorithm, context, QgsProcessingFeedback(), parameters={})

    def group_nodes(self):
        from qgis.core import QgsProject

        return QgsProject.instance().layerTreeRoot().findGroups()[0].children()

    def by_role(self):
        """Nodes of the group by role, in whatever language they are called."""
        from qgis.core import QgsHillshadeRenderer

        nodes = {}
        for node in self.group_nodes():
            layer = node.layer()
            shaded = isinstance(layer.renderer(), QgsHillshadeRenderer)
            nodes["hillshade" if shaded else Path(layer.source()).stem.lower()] = node
        return nodes

    def show(self, *roles):
        for role, node in self.by_role().items():
            node.setItemVisibilityChecked(role in roles)

    def show_group(self):
        self.dock("ProcessingToolbox").hide()
        self.dock("Layers").setMinimumWidth(300)
        self.show("hillshade", "land_cover", "height")

    def view3d(self):
        """A print layout's 3D map of the height layer, with the image draped over it."""
        from qgis import _3d
        from qgis.core import QgsLayoutExporter, QgsLayoutPoint, QgsLayoutSize, QgsPrintLayout, QgsProject, QgsVector3D

        from qgis.PyQt.QtGui import QColor

        project = QgsProject.instance()
        height = self.by_role()["height"].layer()
        image = project.mapLayersByName(Path(self.image).stem)[0]
        extent = height.extent()
        scene = _3d.Qgs3DMapSettings()
        scene.setCrs(project.crs())
        self.set_terrain(scene, height)  # first: before 3.26 it resets the rest
        scene.setCrs(project.crs())
        scene.setTransformContext(project.transformContext())
        scene.setPathResolver(project.pathResolver())
        scene.setMapThemeCollection(project.mapThemeCollection())
        centre = extent.center()
        scene.setOrigin(QgsVector3D(centre.x(), centre.y(), 0))
        scene.setFieldOfView(45)
        scene.setBackgroundColor(QColor("#dfe8f0"))
        if hasattr(scene, "setDirectionalLights"):
            scene.setDirectionalLights([_3d.QgsDirectionalLightSettings()])
        scene.setLayers([image])
        scene.setMapTileResolution(512)
        scene.setMaxTerrainScreenError(1.0)
        scene.setMaxTerrainGroundError(0.2)
        if hasattr(scene, "setExtent"):
            scene.setExtent(extent)
        layout = QgsPrintLayout(project)
        layout.initializeDefaults()
        item = _3d.QgsLayoutItem3DMap(layout)
        pose = _3d.QgsCameraPose()
        pose.setCenterPoint(QgsVector3D(0, 0, 0))
        pose.setDistanceFromCenterPoint(0.75 * max(extent.width(), extent.height()))
        pose.setPitchAngle(50)
        pose.setHeadingAngle(25)
        item.setCameraPose(pose)
        item.setMapSettings(scene)
        item.attemptMove(QgsLayoutPoint(0, 0))
        item.attemptResize(QgsLayoutSize(297, 210))
        layout.addLayoutItem(item)
        options = QgsLayoutExporter.ImageExportSettings()
        options.dpi = 110
        path = os.path.join(self.folder, "view3d.png")
        QgsLayoutExporter(layout).exportToImage(path, options)
        print(path, flush=True)

    def set_terrain(self, scene, height):
        """The height layer as terrain; before 3.26 the only way from Python is a view's XML."""
        from qgis.core import QgsProject, QgsReadWriteContext
        from qgis.PyQt.QtXml import QDomDocument

        if hasattr(scene, "configureTerrainFromProject"):
            scene.configureTerrainFromProject(QgsProject.instance().elevationProperties(), height.extent())
            return
        context = QgsReadWriteContext()
        document = QDomDocument()
        view = document.createElement("qgis3d")
        crs = document.createElement("crs")
        scene.crs().writeXml(crs, document)
        terrain = document.createElement("terrain")
        terrain.setAttribute("exaggeration", "1")
        generator = document.createElement("generator")
        for name, value in {"type": "dem", "layer": height.id(), "resolution": "128", "skirt-height": "1"}.items():
            generator.setAttribute(name, value)
        terrain.appendChild(generator)
        view.appendChild(crs)
        view.appendChild(terrain)
        scene.readXml(view, context)
        scene.resolveReferences(QgsProject.instance())

    def settings(self):
        """The options dialog is modal: the picture is taken from within its event loop."""
        from qgis.PyQt.QtCore import QTimer
        from qgis.PyQt.QtWidgets import QApplication

        def shoot():
            window = QApplication.activeModalWidget()
            window.setGeometry(250, 90, 980, 720)
            QTimer.singleShot(1000, lambda: (self.grab("settings"), window.reject()))

        QTimer.singleShot(2000, shoot)
        from semantic3d_plugin.gui.settings_page import PAGE_NAME

        self.iface.showOptionsDialog(self.iface.mainWindow(), PAGE_NAME)


if __name__ == INSIDE:
    from qgis import utils

    utils.semantic3d_session = Session(utils.iface, json.loads(os.environ[CONFIGURATION]))  # kept alive there
    utils.semantic3d_session.start()
elif __name__ == "__main__":
    sys.exit(main())

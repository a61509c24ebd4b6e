"""Loading and unloading, settings page, forms: what a user clicks."""

import os
import threading
import time
from types import SimpleNamespace

import pytest
from qgis.core import QgsApplication, QgsProcessingAlgorithm, QgsRasterLayer, QgsSettings
from qgis.PyQt.QtWidgets import QMainWindow

import semantic3d_plugin
from semantic3d_plugin.gui import environment_panel
from semantic3d_plugin.gui.algorithm_task import AlgorithmTask
from semantic3d_plugin.styling.roles import ROLE_PROPERTY


class Iface:
    """The part of QgisInterface that the plugin calls; remembers what is still registered."""

    def __init__(self):
        self.window = QMainWindow()
        self.menu, self.toolbar, self.pages, self.opened = [], [], [], []
        self.layer = None

    def mainWindow(self):
        return self.window

    def activeLayer(self):
        return self.layer

    def addPluginToRasterMenu(self, menu, action):
        self.menu.append(action)

    def removePluginRasterMenu(self, menu, action):
        self.menu.remove(action)

    def addRasterToolBarIcon(self, action):
        self.toolbar.append(action)

    def removeRasterToolBarIcon(self, action):
        if action in self.toolbar:
            self.toolbar.remove(action)

    def registerOptionsWidgetFactory(self, factory):
        self.pages.append(factory)

    def unregisterOptionsWidgetFactory(self, factory):
        self.pages.remove(factory)

    def showOptionsDialog(self, parent, page):
        self.opened.append(page)


@pytest.fixture
def iface(qgis_app):
    return Iface()


def provider_ids():
    return [p.id() for p in QgsApplication.processingRegistry().providers()]


def test_loads_and_leaves_nothing_behind(iface):
    plugin = semantic3d_plugin.classFactory(iface)
    plugin.initGui()
    assert provider_ids().count("semantic3d") == 1
    assert len(iface.menu) == 2 and len(iface.toolbar) == 1 and len(iface.pages) == 1
    assert all(not action.icon().isNull() and action.text() for action in iface.menu)
    plugin.unload()
    assert "semantic3d" not in provider_ids()
    assert not (iface.menu or iface.toolbar or iface.pages)


def test_loads_again_after_unload(iface):
    for _ in range(2):
        plugin = semantic3d_plugin.classFactory(iface)
        plugin.initGui()
        assert QgsApplication.processingRegistry().algorithmById("semantic3d:reconstruct") is not None
        plugin.unload()


def test_works_without_a_window(qgis_app):
    """As qgis_process has it: no iface, initProcessing alone."""
    plugin = semantic3d_plugin.classFactory(None)
    plugin.initProcessing()
    assert "semantic3d" in provider_ids()
    plugin.unload()
    assert "semantic3d" not in provider_ids()


@pytest.fixture
def plugin(iface):
    ours = semantic3d_plugin.classFactory(iface)
    ours.initGui()
    yield ours
    ours.unload()


def test_settings_page_shows_state_and_saves(plugin, iface, tmp_path):
    python = tmp_path / "python"
    python.write_text("")
    page = iface.pages[0].createWidget(iface.window)
    assert page.environment.status.text()
    assert [button.text() for button in page.environment.buttons.values()] == [
        "Install light",
        "Install full",
        "Check",
        "Repair",
        "Remove",
    ]
    page.environment.python_path.setFilePath(str(python))
    page.apply()
    assert QgsSettings().value("semantic3d/python_path") == str(python)
    QgsSettings().remove("semantic3d/python_path")


def test_every_button_names_an_algorithm_and_parameters_that_exist(plugin, iface):
    panel = environment_panel.EnvironmentPanel(AlgorithmTask())
    for algorithm_id, parameters in panel.actions().values():
        algorithm = QgsApplication.processingRegistry().algorithmById(algorithm_id)
        assert algorithm is not None, algorithm_id
        for name, value in parameters.items():
            assert value in algorithm.parameterDefinition(name).options()


def environment(profile, healthy=True):
    return SimpleNamespace(
        profile=profile, source="managed", healthy=healthy, python_path="/envs/" + profile, accelerator="cpu",
        folder="/envs/" + profile, problem="" if healthy else profile + " is broken.",
    )  # fmt: skip


@pytest.fixture
def clicked(plugin, monkeypatch):
    """Click a button of a panel with these environments; returns what was started and asked."""

    def click(action, found, picked=None, sure=True):
        started, asked = [], []
        monkeypatch.setattr(environment_panel, "installed", lambda: found)
        monkeypatch.setattr(environment_panel.QInputDialog, "getItem", lambda *words: (asked.append(words[3]), picked)[1])
        yes = environment_panel.QMessageBox.StandardButton.Yes if sure else None
        monkeypatch.setattr(environment_panel.QMessageBox, "question", lambda *words: (asked.append(words[2]), yes)[1])
        task = AlgorithmTask()
        monkeypatch.setattr(task, "start", lambda name, parameters: started.append(parameters) or True)
        environment_panel.EnvironmentPanel(task).buttons[action].click()
        return started, asked

    return click


def test_what_is_known_of_a_named_python_shows_before_the_rest_was_tried(plugin, monkeypatch):
    goes_on = threading.Event()

    def find(profile):
        if profile == "full":
            assert goes_on.wait(10)
        return environment(profile, healthy=profile == "light")

    monkeypatch.setattr(environment_panel, "named_python", lambda: ("/own/python", "setting"))
    monkeypatch.setattr(environment_panel, "find_backend", find)
    panel = environment_panel.EnvironmentPanel(AlgorithmTask())
    assert panel.status.text().count("Trying /own/python...") == 2
    wait(lambda: "Ready: /envs/light" in panel.status.text())
    assert panel.status.text().count("Trying /own/python...") == 1
    goes_on.set()
    wait(lambda: "Not ready: full is broken." in panel.status.text())
    wait(lambda: not panel._clock.isActive())
    assert "Trying" not in panel.status.text()


def test_repair_and_remove_act_on_the_only_environment(clicked):
    full = environment("full")
    expected = {"PROFILE": "full", "ACCELERATOR": "cpu"}
    assert clicked("repair", [full]) == ([{"ACTION": "repair", **expected}], [])
    started, asked = clicked("remove", [full])
    assert started == [{"ACTION": "remove", **expected}] and "/envs/full" in asked[0]
    assert clicked("remove", [full], sure=False)[0] == []
    assert clicked("repair", []) == ([{"ACTION": "repair", "PROFILE": "light"}], [])


def test_of_several_environments_the_user_picks_one(clicked):
    both = [environment("full", healthy=False), environment("light")]
    started, asked = clicked("repair", both, picked=("/envs/light", True))
    assert asked == [["/envs/full", "/envs/light"]]  # the broken one first
    assert started == [{"ACTION": "repair", "PROFILE": "light", "ACCELERATOR": "cpu"}]
    assert clicked("remove", both, picked=("/envs/light", False))[0] == []


def test_the_state_of_both_profiles_is_told(plugin, monkeypatch):
    found = {"light": environment("light"), "full": environment("full", healthy=False)}
    monkeypatch.setattr(environment_panel, "named_python", lambda: ("", ""))
    monkeypatch.setattr(environment_panel, "find_backend", found.get)
    light, full = environment_panel.EnvironmentPanel(AlgorithmTask()).status.text().splitlines()
    assert "/envs/light" in light and "full is broken." in full


def test_a_python_that_does_not_answer_holds_nothing_up(plugin, monkeypatch):
    asked, answers = threading.Event(), threading.Event()

    def find(profile):
        asked.set()
        answers.wait(10)
        return environment(profile)

    monkeypatch.setattr(environment_panel, "named_python", lambda: ("/slow/python", "setting"))
    monkeypatch.setattr(environment_panel, "find_backend", find)
    panel = environment_panel.EnvironmentPanel(AlgorithmTask())
    assert "/slow/python" in panel.status.text()
    wait(asked.is_set)
    answers.set()
    wait(lambda: "/envs/full" in panel.status.text())


class Slow(QgsProcessingAlgorithm):
    """Says something, then waits for cancel."""

    def createInstance(self):
        return Slow()

    def name(self):
        return "slow"

    def displayName(self):
        return "slow"

    def initAlgorithm(self, configuration=None):
        return None

    def processAlgorithm(self, parameters, context, feedback):
        feedback.pushInfo("working")
        deadline = time.monotonic() + 10
        while not feedback.isCanceled() and time.monotonic() < deadline:
            time.sleep(0.01)
        feedback.reportError("stopped")
        return {}


def wait(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        QgsApplication.processEvents()
        time.sleep(0.01)
    assert condition()


@pytest.fixture
def slow(plugin, monkeypatch):
    """Each button runs the slow algorithm."""
    plugin.provider.addAlgorithm(Slow())
    monkeypatch.setattr(environment_panel, "SETUP", "semantic3d:slow")
    monkeypatch.setattr(
        environment_panel.EnvironmentPanel, "actions", lambda self, target=None: {"light": ("semantic3d:slow", {})}
    )


def test_a_button_runs_in_the_background_and_can_be_cancelled(slow, iface):
    page = iface.pages[0].createWidget(iface.window)
    panel = page.environment
    panel.buttons["light"].click()
    wait(lambda: "working" in panel.log.toPlainText())
    assert not panel.buttons["light"].isEnabled()
    panel.cancel_button.click()
    wait(lambda: not panel.task.running())
    assert "stopped" in panel.log.toPlainText()
    assert panel.buttons["light"].isEnabled()


def test_an_installation_outlives_the_window(slow, iface):
    factory = iface.pages[0]
    page = factory.createWidget(None)
    page.environment.buttons["light"].click()
    wait(lambda: "working" in factory.task.lines)
    page.deleteLater()
    QgsApplication.processEvents()
    again = factory.createWidget(iface.window)
    assert "working" in again.environment.log.toPlainText()
    assert again.environment.cancel_button.isEnabled()
    factory.task.cancel()
    wait(lambda: not factory.task.running())


def test_unloading_stops_what_runs(slow, plugin, iface):
    factory = iface.pages[0]
    factory.createWidget(iface.window).environment.buttons["light"].click()
    wait(lambda: "working" in factory.task.lines)
    started = time.monotonic()
    plugin.unload()
    assert time.monotonic() - started < 5


def test_the_form_opens_with_every_parameter(plugin, qgis_app, image, monkeypatch):
    """The real dialog of Processing."""
    import processing.gui.AlgorithmDialog as module

    from semantic3d_plugin.algorithms import base

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("semantic3d:reconstruct")
    dialog = module.AlgorithmDialog(algorithm)
    dialog.setParameters({"INPUT": image, "GSD": 0.5})
    parameters = dialog.createProcessingParameters() if hasattr(dialog, "createProcessingParameters") else None
    if parameters is None:
        parameters = dialog.getParameterValues()
    assert parameters["INPUT"] == image
    assert parameters["GSD"] == 0.5
    assert base.destination_path(parameters["HEIGHT"], ".tif")
    assert not base.destination_path(parameters.get("PROBABILITIES"), ".tif")
    dialog.close()


def test_without_backend_the_menu_offers_the_settings(plugin, iface, monkeypatch):
    from semantic3d_plugin.gui import launch

    offered = []
    monkeypatch.setattr(launch, "offer_setup", lambda parent, title, reason, go: offered.append(reason) or go())
    monkeypatch.setattr(
        "semantic3d_plugin.algorithms.base.BackendAlgorithm.canExecute", lambda self: (False, "not ready")
    )
    plugin.open_reconstruct()
    assert offered == ["not ready"]
    assert iface.opened == ["semantic3dOptions"]


def test_the_menu_takes_the_current_raster(plugin, iface, image, monkeypatch):
    from semantic3d_plugin.gui import launch

    asked = []
    monkeypatch.setattr(launch, "open_algorithm", lambda iface, name, parameters, go: asked.append((name, parameters)))
    iface.layer = QgsRasterLayer(image, "image")
    plugin.open_reconstruct()
    assert asked == [("semantic3d:reconstruct", {"INPUT": iface.layer.id()})]
    iface.layer.setCustomProperty(ROLE_PROPERTY, "height")  # a result is no image
    plugin.open_reconstruct()
    assert asked[1:] == [("semantic3d:reconstruct", {})]


def test_metadata_icon_exists():
    from semantic3d_plugin.metadata import plugin_metadata

    folder = os.path.dirname(semantic3d_plugin.__file__)
    assert os.path.isfile(os.path.join(folder, plugin_metadata("icon")))
    assert plugin_metadata("hasProcessingProvider") == "yes"


def test_resources_hold_every_drawing():
    """resources.qrc is compiled into the package; a drawing that it forgets is missing there."""
    import xml.etree.ElementTree as ElementTree

    folder = os.path.dirname(semantic3d_plugin.__file__)
    root = ElementTree.parse(os.path.join(os.path.dirname(folder), "resources.qrc")).getroot()
    listed = {entry.get("alias"): entry.text for entry in root.iter("file")}
    assert set(listed) == set(os.listdir(os.path.join(folder, "resources")))
    assert all(os.path.isfile(os.path.join(os.path.dirname(folder), path)) for path in listed.values())


def test_icons_come_from_the_compiled_resources(qgis_app, tmp_path, monkeypatch):
    import shutil
    import subprocess

    from semantic3d_plugin import icons

    rcc = shutil.which("rcc") or "/usr/lib/qt5/bin/rcc"
    if not os.path.exists(rcc) or subprocess.run([rcc, "--version"], capture_output=True, check=False).returncode:
        pytest.skip("rcc is not installed")  # Debian's qtchooser leaves a hollow one
    folder = os.path.dirname(os.path.dirname(semantic3d_plugin.__file__))
    target = str(tmp_path / "resources.rcc")
    subprocess.run([rcc, "--binary", "--format-version", "1", "resources.qrc", "-o", target], cwd=folder, check=True)
    monkeypatch.setattr(icons, "RESOURCES", target)
    assert icons.register_resources()
    try:
        assert icons.icon_path("reconstruct") == ":/plugins/semantic3d/reconstruct.svg"
        assert not icons.icon("doctor").pixmap(24, 24).isNull()
    finally:
        assert icons.unregister_resources()
    assert icons.icon_path("reconstruct").startswith(folder)

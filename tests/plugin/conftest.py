"""One real QGIS for all plugin tests: offscreen, own profile, Processing and our provider registered."""

import functools
import os
import sys
import tempfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QGIS_CUSTOM_CONFIG_PATH"] = tempfile.mkdtemp(prefix="semantic3d_profile_")
for folder in (str(REPOSITORY), "/usr/share/qgis/python/plugins", "/usr/share/qgis/python"):
    if folder not in sys.path:
        sys.path.insert(0, folder)

qgis_core = pytest.importorskip("qgis.core", reason="these tests need QGIS's own Python")

FAKE_WORKER = str(Path(__file__).with_name("fake_worker.py"))


@pytest.fixture(scope="session")
def qgis_app():
    """The application, started once; a second one in a process crashes."""
    application = qgis_core.QgsApplication.instance() or qgis_core.QgsApplication([], True)
    application.initQgis()
    from processing.core.Processing import Processing

    Processing.initialize()
    from qgis.analysis import QgsNativeAlgorithms

    registry = qgis_core.QgsApplication.processingRegistry()
    if registry.providerById("native") is None:
        registry.addProvider(QgsNativeAlgorithms(registry))
    return application


@pytest.fixture
def provider(qgis_app):
    """Our provider, in the registry for one test."""
    from semantic3d_plugin.provider import Semantic3DProvider

    registry = qgis_core.QgsApplication.processingRegistry()
    ours = Semantic3DProvider()
    assert registry.addProvider(ours)
    yield ours
    registry.removeProvider(ours)


@pytest.fixture
def project(qgis_app):
    """The empty project."""
    ours = qgis_core.QgsProject.instance()
    ours.clear()
    yield ours
    ours.clear()


@pytest.fixture
def healthy_backend(monkeypatch):
    """A backend that is taken for ready: this Python, which never computes in these tests."""
    monkeypatch.setenv("SEMANTIC3D_PYTHON", "/usr/bin/python3")
    return use_backend(monkeypatch, healthy=True)


@pytest.fixture
def missing_backend(monkeypatch):
    """No backend at all."""
    return use_backend(monkeypatch, healthy=False)


@pytest.fixture
def fake_backend(healthy_backend, monkeypatch):
    """A backend that writes plain rasters at once and reports like the real one."""
    from semantic3d_plugin.algorithms import base

    monkeypatch.setattr(base, "run_job", functools.partial(base.run_job, worker_path=FAKE_WORKER))


def use_backend(monkeypatch, healthy):
    from semantic3d_plugin.algorithms import base

    class Backend:
        python_path = "/usr/bin/python3" if healthy else ""
        source = "variable"
        problem = "" if healthy else "There is none."

        def __init__(self, profile="light"):
            self.profile = profile

    Backend.healthy = healthy
    monkeypatch.setattr(base, "find_backend", Backend)
    return Backend


@pytest.fixture
def image(tmp_path):
    """An orthophoto: 60 x 40 pixels of 0.5 m in UTM 32N, three bands."""
    from scene import write_image

    return write_image(str(tmp_path / "ortho.tif"))


@pytest.fixture
def run_and_load(qgis_app, provider, fake_backend, image, project):
    """Run reconstruct as the toolbox does and load the layers that were asked for; returns the feedback."""

    def run(*names, folder=None, feedback=None, load=True, **more):
        from processing.gui.Postprocessing import handleAlgorithmResults

        algorithm = qgis_core.QgsApplication.processingRegistry().createAlgorithmById("semantic3d:reconstruct")
        context, feedback = qgis_core.QgsProcessingContext(), feedback or qgis_core.QgsProcessingFeedback()
        context.setProject(project)
        parameters = {"INPUT": image, **more}
        for name in names:
            path = os.path.join(folder, name.lower() + ".tif") if folder else "TEMPORARY_OUTPUT"
            parameters[name] = qgis_core.QgsProcessingOutputLayerDefinition(path, project) if load else path
        results, successful = algorithm.run(parameters, context, feedback)
        assert successful, feedback.textLog()
        assert handleAlgorithmResults(algorithm, context, feedback, parameters=results)
        qgis_app.processEvents()
        return feedback

    return run

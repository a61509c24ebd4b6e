"""Which environment a run asks for, what the backend's own forms accept, and what Repair acts on."""

import os
import shutil
import sys

import processing
import pytest
from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingException, QgsProcessingFeedback

from semantic3d_plugin.algorithms import base, check_backend, setup_backend
from semantic3d_plugin.gui import environment_panel
from semantic3d_plugin.gui.algorithm_task import AlgorithmTask
from semantic3d_plugin.runtime import accelerator, diagnosis, environment, interpreters, locations
from semantic3d_plugin.runtime.lockfiles import OLDEST_PYTHON, Lock

NOTHING = {"HEALTHY": False}


@pytest.fixture
def home(provider, tmp_path, monkeypatch):
    """An empty home, no Python named."""
    monkeypatch.setenv("SEMANTIC3D_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SEMANTIC3D_PYTHON", raising=False)
    monkeypatch.setattr(locations, "qgis_setting", lambda key: "")
    return tmp_path / "home"


def put_environment(lock, python=True):
    """A folder that counts as the environment of `lock`; without `python` it has lost it."""
    folder = locations.environments_folder() / lock.name
    program = locations.python_in(folder)
    program.parent.mkdir(parents=True)
    (folder / locations.MARKER).write_text('{{"name": "{}"}}'.format(lock.name))
    if python:
        program.symlink_to(sys.executable)
    return program


def created(name):
    return QgsApplication.processingRegistry().createAlgorithmById("semantic3d:" + name)


# -- the profile that a run needs ------------------------------------------------------------------


@pytest.fixture
def used_pythons(monkeypatch):
    """The interpreters that jobs were sent to."""
    used = []
    monkeypatch.setattr(base, "run_job", lambda python, *rest, **options: used.append(python) or {"outputs": {}})
    return used


def reconstruct(image, **parameters):
    feedback = QgsProcessingFeedback()
    parameters = {"INPUT": image, "HEIGHT": "TEMPORARY_OUTPUT", **parameters}
    try:
        processing.run("semantic3d:reconstruct", parameters, context=QgsProcessingContext(), feedback=feedback)
    except QgsProcessingException:
        return feedback.textLog()
    return ""


def test_a_cluster_run_takes_the_full_environment_although_there_is_a_light_one(home, used_pythons, image):
    light, full = (str(put_environment(Lock(profile, "cpu"))) for profile in ("light", "full"))
    for scheduler in ("", "tcp://head:8786"):
        assert reconstruct(image, SCHEDULER=scheduler) == ""
    assert used_pythons == [light, full]


def test_a_cluster_run_without_a_full_environment_says_which_to_install(home, used_pythons, image):
    put_environment(Lock("light", "cpu"))
    assert "PROFILE=full" in reconstruct(image, SCHEDULER="tcp://head:8786")
    assert used_pythons == []


def test_a_named_python_need_not_have_all_of_full_for_a_cluster(home, monkeypatch):
    form, asked = created("reconstruct"), {"SCHEDULER": "tcp://head:8786"}
    assert form.needed_profile(asked, QgsProcessingContext()) == "full"
    monkeypatch.setenv("SEMANTIC3D_PYTHON", sys.executable)
    assert form.needed_profile(asked, QgsProcessingContext()) == "light"


# -- files that the forms accept -------------------------------------------------------------------


def test_programs_and_folders_without_a_suffix_pass_the_forms(home, tmp_path):
    """QGIS's default filter, *.*, wants a dot in the name."""
    python, package = tmp_path / "python3", tmp_path / "package"
    shutil.copy("/bin/true", python)
    package.mkdir()
    for name, asked in (
        ("setup_backend", {"PYTHON": str(python)}),
        ("setup_backend", {"WHEELHOUSE": str(package)}),
        ("check_backend", {"MODEL": str(package)}),
        ("check_backend", {"MODEL": str(package / "manifest.json")}),
    ):
        assert created(name).checkParameterValues(asked, QgsProcessingContext()) == (True, ""), asked


def test_a_bare_manifest_is_that_of_the_working_folder(home, tmp_path, monkeypatch):
    """Its folder's name is empty, which stands for the bundled model."""
    (tmp_path / "manifest.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr(
        check_backend, "diagnose", lambda versions, job, *rest: asked.append(job) or diagnosis.Diagnosis()
    )
    processing.run("semantic3d:check_backend", {"MODEL": "manifest.json"})
    assert asked[0].model_path == str(tmp_path)


def test_a_problem_of_several_lines_is_shown_whole(home, monkeypatch):
    found = diagnosis.Diagnosis(problem="one\ntwo", advice="Do this.", facts=[("Python", "/p")])
    monkeypatch.setattr(check_backend, "diagnose", lambda *rest: found)
    feedback = QgsProcessingFeedback()
    processing.run("semantic3d:check_backend", {}, feedback=feedback)
    assert "Python: /p" in feedback.textLog() and "NOT HEALTHY: one\ntwo Do this." in feedback.textLog()


def test_the_doctor_takes_a_manifest_for_its_folder(home, tmp_path, monkeypatch):
    (tmp_path / "manifest.json").write_text("{}")
    asked = []
    monkeypatch.setattr(
        check_backend, "diagnose", lambda versions, job, *rest: asked.append(job) or diagnosis.Diagnosis()
    )
    for model in (tmp_path / "manifest.json", tmp_path):
        processing.run("semantic3d:check_backend", {"MODEL": str(model)})
    assert [job.model_path for job in asked] == [str(tmp_path)] * 2
    with pytest.raises(QgsProcessingException, match="no model package at /nowhere/model.zip"):
        processing.run("semantic3d:check_backend", {"MODEL": "/nowhere/model.zip"})


@pytest.mark.parametrize(
    ("failed", "words", "not_said"),
    [(["model"], "another model package", "SEMANTIC3D_PYTHON"), (["numpy", "model"], "SEMANTIC3D_PYTHON", "another")],
)
def test_the_advice_for_an_invalid_model_is_another_model(home, tmp_path, monkeypatch, failed, words, not_said):
    checks = [{"name": "Python", "ok": True, "detail": ""}] + [{"name": n, "ok": False, "detail": ""} for n in failed]
    values = {"healthy": False, "problems": ["it is broken"], "checks": checks}
    backend = environment.BackendEnvironment("/python", "light", "variable", True)
    monkeypatch.setattr(diagnosis, "find_backend", lambda profile: backend)
    monkeypatch.setattr(diagnosis, "run_job", lambda *rest, **options: values)
    problem = processing.run("semantic3d:check_backend", {"MODEL": str(tmp_path)})["PROBLEM"]
    assert problem.startswith("it is broken") and words in problem and not_said not in problem


@pytest.mark.parametrize("profile", ["light", "full"])
def test_the_advice_to_repair_names_the_environment_that_is_broken(home, monkeypatch, profile):
    values = {"healthy": False, "problems": ["torch is broken"], "checks": [{"name": "torch", "ok": False, "detail": ""}]}
    backend = environment.BackendEnvironment("/python", profile, "managed", True)  # full serves light jobs, too
    monkeypatch.setattr(diagnosis, "find_backend", lambda asked: backend)
    monkeypatch.setattr(diagnosis, "run_job", lambda *rest, **options: values)
    problem = processing.run("semantic3d:check_backend", {})["PROBLEM"]
    assert f"ACTION=repair and PROFILE={profile}." in problem


# -- auto ------------------------------------------------------------------------------------------


@pytest.fixture
def nvidia(home, monkeypatch):
    """A machine with an NVIDIA driver, whose only Python is this one, without uv."""
    monkeypatch.setattr(accelerator, "nvidia_driver_found", lambda: True)
    monkeypatch.setattr(accelerator, "cuda_packages_exist", lambda: True)
    monkeypatch.setattr(interpreters, "candidates", lambda: [sys.executable])
    monkeypatch.setenv("SEMANTIC3D_UV", "")


def install(monkeypatch, **parameters):
    """The accelerator that setup_backend installs, and what it says."""
    locks, feedback = [], QgsProcessingFeedback()
    monkeypatch.setattr(
        setup_backend.SetupBackend, "_install", lambda self, installer, lock, *rest: locks.append(lock) or NOTHING
    )
    processing.run("semantic3d:setup_backend", parameters, feedback=feedback)
    return locks[0].accelerator, feedback.textLog()


def test_auto_is_cpu_where_no_python_fits_cuda_and_says_so(nvidia, monkeypatch):
    newer = (sys.version_info[0], sys.version_info[1] + 1)
    assert install(monkeypatch)[0] == "cuda"
    monkeypatch.setitem(OLDEST_PYTHON, "cuda", newer)
    kind, said = install(monkeypatch)
    assert kind == "cpu" and "accelerator is cpu" in said and sys.executable in said
    assert install(monkeypatch, PYTHON=sys.executable)[0] == "cpu"
    assert install(monkeypatch, ACCELERATOR="cuda")[0] == "cuda"  # an explicit wish is never changed


def test_auto_is_cuda_where_uv_fetches_a_python(nvidia, tmp_path, monkeypatch):
    monkeypatch.setattr(interpreters, "candidates", lambda: [])
    (tmp_path / "uv").write_text("#!/bin/sh\necho uv 0.9.0\n")
    (tmp_path / "uv").chmod(0o755)
    monkeypatch.setenv("SEMANTIC3D_UV", str(tmp_path / "uv"))
    assert install(monkeypatch)[0] == "cuda"
    assert install(monkeypatch, WHEELHOUSE=str(tmp_path))[0] == "cpu"  # there uv fetches nothing


# -- repair and remove -----------------------------------------------------------------------------


def test_a_broken_full_environment_is_what_repair_and_remove_act_on(home):
    lock = Lock("full", "cuda")
    put_environment(lock, python=False)
    found = environment.find_backend()
    assert (found.healthy, found.profile, found.accelerator) == (False, "full", "cuda")
    assert os.path.basename(found.folder) == lock.name and "lost its Python" in found.problem
    put_environment(Lock("light", "cpu"))
    broken, whole = environment.installed()  # broken ones first
    assert (broken.folder, whole.profile, whole.healthy) == (found.folder, "light", True)
    shutil.rmtree(whole.folder)
    actions = environment_panel.EnvironmentPanel(AlgorithmTask()).actions(broken)
    assert actions["repair"][1] == {"ACTION": "repair", "PROFILE": "full", "ACCELERATOR": "cuda"}
    assert actions["remove"][1]["PROFILE"] == "full"
    ready, reason = created("reconstruct").canExecute()
    assert not ready and "lost its Python" in reason and "needs the full environment" not in reason


def test_repair_makes_the_accelerator_that_is_there_anew(home):
    put_environment(Lock("light", "cpu"))
    repair = environment_panel.EnvironmentPanel(AlgorithmTask()).actions(*environment.installed())["repair"][1]
    assert repair == {"ACTION": "repair", "PROFILE": "light", "ACCELERATOR": "cpu"}

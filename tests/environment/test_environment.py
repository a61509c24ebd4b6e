"""Which Python runs the backend, what is asked of it, and how the installers reach the network."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from semantic3d_plugin.backend.s3d_protocol.errors import BackendMissing, InvalidParameter
from semantic3d_plugin.runtime import accelerator, locations
from semantic3d_plugin.runtime.environment import find_backend
from semantic3d_plugin.runtime.interpreters import Interpreter, find_base, find_uv, probe
from semantic3d_plugin.runtime.lockfiles import ACCELERATORS, PROFILES, Lock
from semantic3d_plugin.runtime.network import installer_variables, pip_settings, proxy_variables, scrubbed, uv_variables
from semantic3d_plugin.runtime.verify import VerdictMemory, check_imports

VARIABLES = {"PATH": "/usr/bin:/bin"}
LOCKS = [Lock(profile, kind) for profile in PROFILES for kind in ACCELERATORS]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, no Python named."""
    monkeypatch.setenv("SEMANTIC3D_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SEMANTIC3D_PYTHON", raising=False)
    settings = {}
    monkeypatch.setattr(locations, "qgis_setting", lambda key: settings.get(key, ""))
    return settings


def make_python(folder, modules):
    """A program that is a Python whose only extra modules are these, with nothing in them."""
    site = folder / "site"
    site.mkdir(parents=True)
    for name in modules:
        (site / f"{name}.py").write_text("__version__ = '1'\n")
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={site} exec {sys.executable} -S "$@"\n')
    program.chmod(0o755)
    return program


# -- the interpreter that was named ----------------------------------------------------------------


def test_nothing_installed(home):
    found = find_backend()
    assert (found.healthy, found.python_path, found.source) == (False, "", "managed")
    assert "not installed" in found.problem


def test_the_setting_wins_over_the_variable(home, tmp_path, monkeypatch):
    first = make_python(tmp_path / "a", Lock("light", "cpu").modules)
    second = make_python(tmp_path / "b", Lock("light", "cpu").modules)
    monkeypatch.setenv("SEMANTIC3D_PYTHON", str(second))
    assert (find_backend().python_path, find_backend().source) == (str(second), "variable")
    home["semantic3d/python_path"] = str(first)
    assert (find_backend().python_path, find_backend().source) == (str(first), "setting")


def test_a_named_python_that_lacks_a_package_is_refused_by_name(home, tmp_path, monkeypatch):
    monkeypatch.setenv("SEMANTIC3D_PYTHON", str(make_python(tmp_path / "a", ("numpy", "rasterio"))))
    found = find_backend()
    assert not found.healthy
    assert "onnxruntime" in found.problem and "SEMANTIC3D_PYTHON" in found.problem


def test_a_good_verdict_lasts_until_the_interpreter_changes(home, tmp_path, monkeypatch):
    program = make_python(tmp_path / "a", Lock("light", "cpu").modules)
    monkeypatch.setenv("SEMANTIC3D_PYTHON", str(program))
    assert find_backend().healthy
    (tmp_path / "a" / "site" / "numpy.py").unlink()
    assert find_backend().healthy  # remembered
    program.write_text(program.read_text() + "# changed\n")
    assert not find_backend().healthy


def test_a_bad_verdict_is_not_remembered(tmp_path):
    memory = VerdictMemory(tmp_path / "memory.json")
    assert not memory.passed(sys.executable, ("numpy",))
    memory.remember(sys.executable, ("numpy",))
    assert memory.passed(sys.executable, ("numpy",)) and not memory.passed(sys.executable, ("numpy", "rasterio"))


def test_each_import_stands_alone(tmp_path):
    """A module that ends its process does not hide the others."""
    program = make_python(tmp_path / "a", ("numpy",))
    (tmp_path / "a" / "site" / "crash.py").write_text("import os\nos.abort()\n")
    verdict = check_imports(str(program), ("crash", "numpy", "absent"), VARIABLES)
    assert set(verdict.versions) == {"numpy"} and set(verdict.problems) == {"crash", "absent"}
    assert "No module named 'absent'" in verdict.text


# -- base interpreters and tools -------------------------------------------------------------------


def test_this_python_answers():
    found = probe(sys.executable, VARIABLES)
    assert found.version == tuple(sys.version_info[:3]) and found.bits == 64
    assert probe("/bin/true", VARIABLES) is None and probe("/nowhere/python", VARIABLES) is None


@pytest.mark.parametrize(
    "change, words",
    [({"version": (3, 9, 2)}, "3.9.2"), ({"version": (3, 15, 0)}, "3.15.0"), ({"bits": 32}, "32-bit"),
     ({"implementation": "PyPy"}, "CPython"), ({"threads": True}, "CPython"), ({}, "")],
)  # fmt: skip
def test_objections(change, words):
    plain = {"path": "p", "version": (3, 11, 2), "bits": 64, "implementation": "CPython", "machine": "x86_64",
             "threads": False, "venv": True, "ensurepip": True, "pip": True, "uv": False}  # fmt: skip
    objection = Interpreter(**{**plain, **change}).objection((3, 10))
    assert words in objection and bool(objection) == bool(words)


def test_the_first_usable_candidate_is_taken():
    found = find_base("", (3, 10), VARIABLES, paths=["/nowhere/python", "/bin/true", sys.executable])
    assert found.version == tuple(sys.version_info[:3])


def test_no_usable_python_says_what_to_install():
    with pytest.raises(BackendMissing, match="Install Python 3.10 to 3.14"):
        find_base("", (3, 10), VARIABLES, paths=["/bin/true"])
    with pytest.raises(BackendMissing, match="/bin/true cannot carry"):
        find_base("/bin/true", (3, 10), VARIABLES)


def test_uv_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("SEMANTIC3D_UV", "")
    assert find_uv() == []


# -- locks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_has_a_version_and_hashes(lock):
    texts = [path.read_text() for path in (lock.path, lock.torch_cuda_path, lock.local_builds_path) if path]
    for text in texts:
        pins = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]
        assert pins and all(re.match(r"[a-z0-9._-]+==[^ ]+ ", pin) for pin in pins)
        for block in re.split(r"\n(?=[A-Za-z0-9])", text):
            assert block.startswith("#") or re.search(r"--hash=sha256:[0-9a-f]{64}", block), block
        assert "://" not in text, "no index or mirror belongs into a lock"


def test_what_the_profiles_hold():
    names = {lock.name[: -len("-00000000")]: lock.path.read_text() for lock in LOCKS}
    assert "\ntorch==" not in names["light-cpu"] and "\ntorch==2.13.0 " in names["full-cpu"]
    assert "\nonnxruntime==" in names["light-cpu"] and "\nonnxruntime-gpu==" not in names["light-cpu"]
    assert "\nonnxruntime-gpu==" in names["light-cuda"] and "\nonnxruntime==" not in names["light-cuda"]
    assert "\nnvidia-" not in names["full-cpu"]


def test_local_builds_take_the_place_of_their_namesake():
    text = Lock("full", "cpu").text_with_local_builds()
    assert re.findall(r"^torch==(\S+)", text, re.MULTILINE) == ["2.13.0+cpu"]
    assert "\ndiffusers==" in text


def test_accelerator(monkeypatch):
    monkeypatch.setattr(accelerator, "nvidia_driver_found", lambda: True)
    monkeypatch.setattr(accelerator, "cuda_packages_exist", lambda: True)
    assert [accelerator.resolve(choice) for choice in accelerator.CHOICES] == ["cuda", "cpu", "cuda"]
    monkeypatch.setattr(accelerator, "cuda_packages_exist", lambda: False)
    assert accelerator.resolve("auto") == "cpu"
    with pytest.raises(InvalidParameter, match="no CUDA packages"):
        accelerator.resolve("cuda")


# -- the network -----------------------------------------------------------------------------------


def test_qgis_proxy_becomes_variables():
    found = proxy_variables(
        {"proxyType": "HttpProxy", "proxyHost": "proxy.example", "proxyPort": "3128", "proxyUser": "me@work",
         "proxyPassword": "p:w/d", "noProxyUrls": ["http://intranet.example/x"], "proxyExcludedUrls": "a.example|b.example"}
    )  # fmt: skip
    assert found["HTTPS_PROXY"] == found["http_proxy"] == "http://me%40work:p%3Aw%2Fd@proxy.example:3128"
    assert found["NO_PROXY"] == "intranet.example,a.example,b.example"
    assert proxy_variables({"proxyType": "Socks5Proxy", "proxyHost": "s", "proxyPort": 0})["ALL_PROXY"] == "socks5://s"
    assert proxy_variables({"proxyType": "DefaultProxy", "proxyHost": "s"}) == {}


def test_pip_configuration_reaches_uv(tmp_path):
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nfind-links = /a\n  /b\nindex-url = file:///mirror/simple\n")
    variables = {"PIP_CONFIG_FILE": str(settings), "PIP_EXTRA_INDEX_URL": "https://one.example https://two.example"}
    assert pip_settings(variables)["index-url"] == "file:///mirror/simple"
    found = uv_variables(variables)
    assert found["UV_FIND_LINKS"] == "/a,/b"
    assert found["UV_DEFAULT_INDEX"] == "file:///mirror/simple"
    assert found["UV_INDEX"] == "https://one.example https://two.example"
    assert uv_variables({**variables, "UV_FIND_LINKS": "/mine"})["UV_FIND_LINKS"] == "/mine"


def test_installers_get_certificates_but_not_qgis_libraries(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONHOME", "/qgis")
    for name in ("SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/mine.pem")
    found = installer_variables(tmp_path / "qgis.pem")
    assert found["SSL_CERT_FILE"] == found["PIP_CERT"] == "/etc/mine.pem" and "PYTHONHOME" not in found
    monkeypatch.delenv("SSL_CERT_FILE")
    assert installer_variables(tmp_path / "qgis.pem")["SSL_CERT_FILE"] == str(tmp_path / "qgis.pem")


def test_scrubbing():
    assert scrubbed("GET https://me:s3cret@host/x ok") == "GET https://***@host/x ok"
    assert scrubbed("used s3cret-token", {"MY_TOKEN": "s3cret-token"}) == "used ***"
    assert scrubbed("https://host/x@y") == "https://host/x@y"


def test_home_by_variable(monkeypatch):
    monkeypatch.setenv("SEMANTIC3D_HOME", "~/somewhere")
    assert locations.home_folder() == Path("~/somewhere").expanduser()

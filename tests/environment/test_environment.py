"""Which Python runs the backend, what is asked of it, and how the installers reach the network."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

import pytest

from semantic3d_plugin.backend.s3d_protocol.errors import BackendMissing, InvalidParameter
from semantic3d_plugin.runtime import accelerator, interpreters, locations, network, verify
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


def test_a_program_that_hangs_is_asked_once(tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nsleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(verify, "START_S", 1.0)
    started_s = time.monotonic()
    verdict = check_imports(str(program), ("a", "b", "c", "d", "e"), VARIABLES)
    assert "no answer within 1 s" in verdict.text and list(verdict.problems) == ["Python"]
    assert time.monotonic() - started_s < 30
    monkeypatch.setattr(verify, "IMPORT_S", 1.0)
    slow = make_python(tmp_path / "a", ("numpy",))
    (tmp_path / "a" / "site" / "slow.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(verify, "START_S", 30.0)
    assert list(check_imports(str(slow), ("slow", "numpy"), VARIABLES).problems) == ["slow"]


def test_packages_beside_the_program_count_too(tmp_path):
    """As Windows has them where there is no virtual environment."""
    program = tmp_path / "python.exe"
    program.touch()
    packages = tmp_path / "Lib" / "site-packages"
    (packages / "onnxruntime").mkdir(parents=True)
    memory = VerdictMemory(tmp_path / "memory.json")
    memory.remember(str(program), ("onnxruntime",))
    assert memory.passed(str(program), ("onnxruntime",))
    (packages / "onnxruntime").rmdir()
    os.utime(packages, ns=(0, 1))
    assert not memory.passed(str(program), ("onnxruntime",))


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
             "threads": False, "ssl": True, "venv": True, "ensurepip": True, "pip": True, "uv": False}  # fmt: skip
    objection = Interpreter(**{**plain, **change}).objection((3, 10))
    assert words in objection and bool(objection) == bool(words)
    without_ssl = Interpreter(**{**plain, "ssl": False})
    assert "ssl" in without_ssl.objection((3, 10), downloads=True) and not without_ssl.objection((3, 10))


def test_the_first_usable_candidate_is_taken():
    found = find_base("", (3, 10), VARIABLES, paths=["/nowhere/python", "/bin/true", sys.executable])
    assert found.version == tuple(sys.version_info[:3])


def test_a_candidate_that_failed_is_not_taken_again():
    with pytest.raises(BackendMissing, match="No Python was found"):
        find_base("", (3, 10), VARIABLES, paths=["/nowhere/python", sys.executable], but_not=[sys.executable])


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")
@pytest.mark.parametrize(
    "script, is_uv",
    [("echo uv 0.9.0", True), ("echo 'uv 1.0.0 (abc 2027-01-01)'", True), ("echo uv 0.4.9", False),
     ("echo 'pyenv: uv: command not found'; exit 127", False), ("echo something else", False)],
)  # fmt: skip
def test_only_a_uv_that_answers_and_is_new_enough_is_taken(tmp_path, monkeypatch, script, is_uv):
    program = tmp_path / "uv"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("SEMANTIC3D_UV", str(program))
    assert find_uv() == ([str(program)] if is_uv else [])
    monkeypatch.delenv("SEMANTIC3D_UV")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert (find_uv() == [str(program)]) == is_uv


def test_the_stub_of_apples_tools_is_never_started(monkeypatch):
    monkeypatch.setattr(interpreters.sys, "platform", "darwin")
    monkeypatch.setattr(interpreters.sys, "base_prefix", "/usr")
    monkeypatch.setattr(interpreters.shutil, "which", lambda name: f"/usr/bin/{name}")
    found = list(interpreters.candidates())
    assert "/usr/bin/python3" not in found and "/usr/bin/python3.12" in found


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


def test_certificates_proxy_and_index_of_pip_reach_uv(tmp_path):
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\ncert = /corp.pem\nproxy = http://proxy:3128\nno-index = true\n")
    variables = {"PIP_CONFIG_FILE": str(settings)}
    found = uv_variables(variables)
    assert (found["SSL_CERT_FILE"], found["HTTPS_PROXY"], found["UV_NO_INDEX"]) == ("/corp.pem", "http://proxy:3128", "1")
    found = uv_variables({**variables, "https_proxy": "http://mine:1", "SSL_CERT_FILE": "/mine.pem"})
    assert found["SSL_CERT_FILE"] == "/mine.pem" and "HTTPS_PROXY" not in found
    assert uv_variables({"PIP_CONFIG_FILE": os.devnull, "REQUESTS_CA_BUNDLE": "/r.pem"})["SSL_CERT_FILE"] == "/r.pem"
    assert uv_variables({"PIP_CONFIG_FILE": os.devnull, "PIP_CERT": "/p.pem"})["SSL_CERT_FILE"] == "/p.pem"


def test_the_users_proxy_wins_in_either_spelling(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://mine:2")
    monkeypatch.setattr(network, "qgis_proxy", lambda: {name: "http://qgis:1" for name in ("HTTPS_PROXY", "https_proxy",
                                                                                          "HTTP_PROXY", "http_proxy")})
    found = installer_variables()
    assert found["HTTPS_PROXY"] == "http://mine:2" and "https_proxy" not in found
    assert found["http_proxy"] == found["HTTP_PROXY"] == "http://qgis:1"


def test_where_pip_puts_the_users_own_packages_does_not_matter(monkeypatch):
    for name in ("PIP_TARGET", "PIP_PREFIX"):
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    found = installer_variables()
    assert found["PIP_USER"] == "0" and "PIP_TARGET" not in found and "PIP_PREFIX" not in found


def test_a_certificate_in_pips_configuration_stays_the_users(monkeypatch, tmp_path):
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pip.conf").write_text("[global]\ncert = /corp.pem\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    found = installer_variables(tmp_path / "qgis.pem")
    assert "PIP_CERT" not in found and uv_variables(found)["SSL_CERT_FILE"] == "/corp.pem"


def test_certificates_that_come_with_qgis_are_not_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for name in ("SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OSGEO4W_ROOT", str(tmp_path / "OSGeo4W"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "OSGeo4W" / "bin" / "curl-ca-bundle.crt"))
    found = installer_variables(tmp_path / "qgis.pem")  # which holds those and what the user added to QGIS
    assert found["SSL_CERT_FILE"] == found["PIP_CERT"] == str(tmp_path / "qgis.pem")


def test_installers_get_certificates_but_not_qgis_libraries(monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
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
    assert scrubbed("http://me:p@ss@host/x") == "http://***@host/x"
    assert scrubbed("http://me:pa/ss@host/x, http://other/") == "http://***@host/x, http://other/"


def test_home_by_variable(monkeypatch):
    monkeypatch.setenv("SEMANTIC3D_HOME", "~/somewhere")
    assert locations.home_folder() == Path("~/somewhere").expanduser()

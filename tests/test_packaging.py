"""The package that users install: reproducible, complete, and nothing in it that the plugin site blocks."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "scripts"
sys.path.insert(0, str(SCRIPTS))

import build_resources  # noqa: E402
import package as packaging  # noqa: E402
import site_check  # noqa: E402
import sum_tests  # noqa: E402


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The ZIP, built by the script as a user calls it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, str(SCRIPTS / "package.py"), "--out", str(folder)], check=True)
    (path,) = folder.glob("*.zip")
    return path


def test_named_after_the_version(package):
    assert package.name == f"semantic3d_plugin-{packaging.version()}.zip"


def test_structure(package):
    assert site_check.structure_findings(package) == []


def test_the_scanners_find_nothing(package):
    missing = site_check.missing_scanners()
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert site_check.scan_findings(package) == []


def test_the_same_bytes_again(package, tmp_path):
    packaging.build_zip(tmp_path / "again.zip")
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (package, tmp_path / "again.zip")]
    assert digests[0] == digests[1]


def test_what_is_built_is_inside(package):
    names = zipfile.ZipFile(package).namelist()
    for source in (ROOT / "i18n").glob("*.ts"):
        assert f"semantic3d_plugin/i18n/{source.stem}.qm" in names
    assert "semantic3d_plugin/resources.rcc" in names
    assert "semantic3d_plugin/backend/worker.py" in names
    assert "semantic3d_plugin/runtime/locks/light-cpu.txt" in names


def test_resources_do_not_change_by_themselves():
    before = [path.read_bytes() for path in build_resources.build()]
    assert before == [path.read_bytes() for path in build_resources.build()]


def bad_zip(path, **changes):
    """A ZIP that is good but for what is changed: name -> text, None leaves the file out."""
    metadata = "[general]\nname=X\ndescription=d\nabout=a\nversion=1.0.0\nqgisMinimumVersion=3.22\nauthor=a\n"
    metadata += "email=e\ntracker=t\nrepository=r\nicon=i.svg\n"
    files = {"p/__init__.py": "", "p/LICENSE": "", "p/i.svg": "", "p/metadata.txt": metadata, **changes}
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            if text is not None:
                archive.writestr(name, text)
    return path


@pytest.mark.parametrize(
    "changes, words",
    [
        ({}, None),
        ({"p/LICENSE": None}, "LICENSE is missing"),
        ({"p/a.sh": ""}, "not allowed"),
        ({"p/__pycache__/a.txt": ""}, "not allowed"),
        ({"q/a.py": ""}, "one top folder"),
        ({"p/i.svg": None}, "icon"),
        ({"p/metadata.txt": "[general]\nname=My Plugin\nversion=1\n"}, "'plugin'"),
    ],
)
def test_the_check_sees(tmp_path, changes, words):
    findings = site_check.structure_findings(bad_zip(tmp_path / "bad.zip", **changes))
    assert findings == [] if words is None else any(words in finding for finding in findings)


def test_the_scan_sees(tmp_path):
    if site_check.missing_scanners():
        pytest.skip("the scanners are not installed")
    risky = "import subprocess\nsubprocess.run('ls', shell=True)\n"
    key = "AKIA" + "IOSFODNN7EXAMPL9"
    findings = site_check.scan_findings(bad_zip(tmp_path / "bad.zip", **{"p/a.py": risky, "p/b.txt": f"k='{key}'"}))
    assert any("bandit B602" in finding for finding in findings)
    assert any("detect-secrets AWS" in finding for finding in findings)


def test_sums(tmp_path):
    report = tmp_path / "a.xml"
    report.write_text(
        "<testsuites><testsuite><testcase classname='a' name='one'/><testcase classname='a' name='two'>"
        "<failure/></testcase><testcase classname='a' name='three'><skipped message='why'/></testcase>"
        "<testcase classname='a' name='four'><error/></testcase></testsuite></testsuites>"
    )
    assert sum_tests.count(report) == (1, ["a::three: why"], ["a::two", "a::four"])
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "sum_tests.py"), str(tmp_path), "a", "absent"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "1 passed, 3 failed"

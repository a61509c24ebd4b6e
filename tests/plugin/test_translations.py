"""Every text is translated in every language, completely, and the compiled files work."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from qgis.PyQt.QtCore import QCoreApplication

REPOSITORY = Path(__file__).resolve().parents[2]


def load_translate():
    specification = importlib.util.spec_from_file_location("translate", REPOSITORY / "scripts" / "translate.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


translate = load_translate()
LANGUAGES = translate.LANGUAGES


def test_two_languages_at_least():
    assert len(LANGUAGES) >= 2
    assert {p.stem for p in (REPOSITORY / "i18n").glob("*.ts")} == {"semantic3d_" + name for name in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_missing_unfinished_or_obsolete(language):
    """scripts/translate.py writes what is missing; the words come from a person."""
    assert translate.faults(language, translate.source_texts()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_survive_translation(language):
    for source, (text, _) in translate.read_ts(language).items():
        assert sorted(re.findall(r"\{\w*\}", source)) == sorted(re.findall(r"\{\w*\}", text)), source


def test_the_check_sees_each_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(translate, "FOLDER", tmp_path)
    translate.write_ts("de", {"gone": ["a.py"], "open": ["a.py"]}, {"gone": ("weg", True)})
    assert translate.faults("de", {"open": ["a.py"], "new": ["a.py"]}) == [
        "de: missing: new",
        "de: unfinished: open",
        "de: obsolete: gone",
    ]


def test_a_text_that_is_no_literal_is_refused(tmp_path, monkeypatch):
    (tmp_path / "semantic3d_plugin").mkdir()
    (tmp_path / "semantic3d_plugin" / "a.py").write_text("tr('a' + name)")
    monkeypatch.setattr(translate, "REPOSITORY", tmp_path)
    monkeypatch.setattr(translate, "PLUGIN", tmp_path / "semantic3d_plugin")
    with pytest.raises(SystemExit, match="a.py:1"):
        translate.source_texts()


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """All languages compiled into a folder that the plugin reads."""
    lrelease = shutil.which("lrelease") or shutil.which("lrelease-qt5") or shutil.which("lrelease6")
    if lrelease is None or subprocess.run([lrelease, "-version"], capture_output=True, check=False).returncode:
        pytest.skip("lrelease is not installed")
    from semantic3d_plugin import translation

    for language in LANGUAGES:
        target = tmp_path / "semantic3d_{}.qm".format(language)
        subprocess.run([lrelease, "-silent", str(translate.ts_path(language)), "-qm", str(target)], check=True)
    monkeypatch.setattr(translation, "FOLDER", str(tmp_path))
    return translation


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("de_AT", "Höhen und Landbedeckung"), ("fr", "Reconstruire hauteurs"), ("fr-CA", "Reconstruire hauteurs")],
)
def test_algorithms_speak_the_users_language(provider, compiled, locale, expected):
    from semantic3d_plugin.algorithms.reconstruct import Reconstruct

    translator = compiled.install_translator(locale)
    try:
        assert Reconstruct().displayName().startswith(expected)
    finally:
        QCoreApplication.removeTranslator(translator)
    assert Reconstruct().displayName().startswith("Reconstruct heights")


def test_an_unknown_language_stays_english(qgis_app, compiled):
    assert compiled.install_translator("zz") is None


def test_ids_and_options_are_never_translated(provider, compiled):
    from semantic3d_plugin.algorithms.reconstruct import Reconstruct

    translator = compiled.install_translator("de")
    try:
        algorithm = Reconstruct()
        algorithm.initAlgorithm()
        assert algorithm.name() == "reconstruct"
        assert algorithm.groupId() == "reconstruction"
        assert list(algorithm.parameterDefinition("DEVICE").options()) == ["auto", "cpu", "cuda"]
    finally:
        QCoreApplication.removeTranslator(translator)

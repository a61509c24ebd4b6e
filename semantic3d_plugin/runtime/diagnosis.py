"""The doctor's report as QGIS sees it: what is installed, what the backend says of itself, what to do."""

from __future__ import annotations

import html
import json
import os
import platform
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Callable

from ..backend.s3d_protocol.errors import Cancelled, Semantic3DError
from ..backend.s3d_protocol.jobs import DoctorJob
from ..backend.s3d_protocol.messages import shown_text
from .accelerator import nvidia_driver_found
from .environment import SOURCE_NAMES, find_backend, read_marker
from .locations import environments_folder, home_folder
from .lockfiles import PROFILES
from .runner import run_job

ADVICE = {
    "setting": "Correct the setting semantic3d/python_path, or empty it to use the plugin's own environment.",
    "variable": "Correct the variable SEMANTIC3D_PYTHON, or unset it to use the plugin's own environment.",
    "managed": 'Run the algorithm "Set up the backend" (semantic3d:setup_backend).',
}
OTHER_MODEL = "Choose another model package (MODEL), or leave MODEL empty for the one that comes with the plugin."
OWN_MODEL = "The model that comes with the plugin is damaged: install the plugin again."
REPAIR = "Repair the environment: semantic3d:setup_backend with ACTION=repair and PROFILE={profile}."


@dataclass
class Diagnosis:
    """What the doctor found.

    Attributes:
        healthy: whether a job ran to its end.
        problem, advice: in plain words, "" where nothing is wrong.
        facts: label and value, in the order of reading.
        values: what the backend's doctor job returned; {} where it could not run.
    """

    healthy: bool = False
    python_path: str = ""
    profile: str = ""
    source: str = ""
    problem: str = ""
    advice: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The report for people: one fact in a line, then the verdict."""
        return "\n".join([*self.fact_lines, self.verdict])

    @property
    def fact_lines(self) -> list[str]:
        """What was found, label and value."""
        return [f"{label}: {value}" for label, value in self.facts + _findings(self.values)]

    @property
    def verdict(self) -> str:
        """Healthy, or what is wrong (of several lines, perhaps) and what to do."""
        return "The backend is healthy." if self.healthy else f"NOT HEALTHY: {self.problem} {self.advice}"

    def write(self, path: str) -> None:
        """Write the report in the form that the name asks for: .json, .txt, else HTML."""
        suffix = Path(path).suffix.lower()
        forms = {".json": self._json, ".txt": lambda: self.text + "\n"}
        Path(path).write_text(forms.get(suffix, self._html)(), encoding="utf-8")

    def _json(self) -> str:
        return json.dumps(asdict(self), indent=1, default=str) + "\n"

    def _html(self) -> str:
        rows = self.facts + _findings(self.values)
        table = "\n".join(f"<tr><th>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>" for label, value in rows)
        verdict = "The backend is healthy." if self.healthy else f"{self.problem} {self.advice}"
        return (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Semantic 3D: doctor</title>'
            "<style>body{font-family:sans-serif;margin:2em}th{text-align:left;padding-right:2em;vertical-align:top}"
            "</style></head><body><h1>Semantic 3D: doctor</h1>"
            f"<p><b>{html.escape(verdict)}</b></p><table>{table}</table></body></html>\n"
        )


def diagnose(
    versions: dict[str, str],
    job: DoctorJob = DoctorJob(),
    feedback: Any = None,
    pump: Callable[[], None] | None = None,
    profile: str = "light",
) -> Diagnosis:
    """Look at the environment and run the backend's doctor job in it.

    Args:
        versions: of the programs around us, by name, for the report.

    Raises:
        Cancelled: the user stopped it. Everything else that goes wrong is the report's content.
    """
    backend = find_backend(profile)
    diagnosis = Diagnosis(python_path=backend.python_path, profile=backend.profile, source=backend.source)
    diagnosis.facts += list(versions.items())
    diagnosis.facts += _surroundings(backend)
    if not backend.healthy:
        diagnosis.problem, diagnosis.advice = backend.problem, ADVICE[backend.source]
        return diagnosis
    try:
        diagnosis.values = run_job(backend.python_path, job.kind, job, feedback, pump=pump)
    except Cancelled:
        raise
    except Semantic3DError as error:
        diagnosis.problem = f"{error} [{error.code}]"
        diagnosis.advice = _repair(backend)
        return diagnosis
    diagnosis.healthy = bool(diagnosis.values.get("healthy", True))
    if not diagnosis.healthy:
        problems = _of_type(list, diagnosis.values.get("problems")) or ["the backend's own check failed"]
        diagnosis.problem = "; ".join(map(str, problems))
        diagnosis.advice = _repair(backend)
        if _only_the_model_failed(diagnosis.values):  # another interpreter would not make it valid
            diagnosis.advice = OTHER_MODEL if job.model_path else OWN_MODEL
    return diagnosis


def _repair(backend) -> str:
    if backend.source != "managed":
        return ADVICE[backend.source]
    return REPAIR.format(profile=backend.profile)


def _only_the_model_failed(values: dict[str, Any]) -> bool:
    checks = [check for check in _of_type(list, values.get("checks")) if isinstance(check, dict)]
    return [check.get("name") for check in checks if not check.get("ok")] == ["model"]


def _surroundings(backend: Any) -> list[tuple[str, str]]:
    """What can be said without starting the backend."""
    home = home_folder()
    existing = next((folder for folder in (home, *home.parents) if folder.is_dir()), Path.home())
    free_gb = shutil.disk_usage(existing).free / 1e9
    facts = [
        ("System", f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} processors"),
        ("NVIDIA driver", "found" if nvidia_driver_found() else "none"),
        ("Folder of the environments", f"{environments_folder()} ({free_gb:.1f} GB free)"),
    ]
    for profile in PROFILES:
        markers = [read_marker(folder) for folder in sorted(environments_folder().glob(f"{profile}-*"))]
        found = [f"{marker['name']} ({marker.get('size_mb', '?')} MB)" for marker in markers if marker]
        facts.append((f"Environments, {profile}", ", ".join(found) or "none"))
    facts.append(("Python of the backend", backend.python_path or "none"))
    facts.append(("It comes from", SOURCE_NAMES[backend.source]))
    return facts


def _findings(values: dict[str, Any]) -> list[tuple[str, str]]:
    """What the backend's doctor said, as label and value; what has another form than it should is left out."""
    found = [
        (f"{'ok ' if check.get('ok') else 'BAD'} {check.get('name')}", str(check.get("detail", "")))
        for check in _of_type(list, values.get("checks"))
        if isinstance(check, dict)
    ]
    packages = _of_type(dict, values.get("packages"))
    if packages:
        found.append(("Packages", ", ".join(f"{name} {version}" for name, version in packages.items())))
    model = _of_type(dict, values.get("model"))
    if model:
        found.append(("Model", f"{model.get('name')} {model.get('version')}, {model.get('sha256')}"))
    if values.get("device"):
        speed = _of_type(float, values.get("seconds_per_tile"))
        found.append(("The model ran on", f"{values['device']}" + (f", {speed:.2f} s per tile" if speed else "")))
    return [(shown_text(label), shown_text(text)) for label, text in found]


def _of_type(kind: type, value: Any) -> Any:
    return value if isinstance(value, kind) else kind()

"""Create, repair and remove the plugin's own environments. Nothing here runs without the user's explicit wish.

An environment is built aside under a name that nobody looks for, tried, marked as complete and only then
renamed; what was there before stays in use until that moment. A virtual environment bears the move because
only its interpreter is ever started, never a script with a fixed first line.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

from ..backend.s3d_protocol.errors import BackendMissing, InvalidParameter, OutputFailed
from .environment import BackendEnvironment, look_at
from .interpreters import Interpreter, find_base, find_uv
from .locations import MARKER, environments_folder, home_folder, python_in
from .lockfiles import Lock
from .network import installer_variables, scrubbed, uv_variables, write_certificates
from .ownership import Ownership
from .process import backend_variables
from .tool_process import Finished, run_tool
from .verify import check_imports

_MANAGED_PYTHON = "3.12"  # what uv fetches where the machine has no usable Python
_NO_SOCKS = (
    "the proxy is a SOCKS proxy, which pip cannot use and uv can. Install uv (https://docs.astral.sh/uv) and try "
    "again; or name an HTTP proxy, or install from a folder of wheels (WHEELHOUSE). The action download always uses "
    "pip."
)
_CHECK_NETWORK = "Check the network and QGIS's proxy settings."
_FILL_FOLDER = (
    "Fill it by the action download (with the same PROFILE and ACCELERATOR) on a machine of the same kind, with the "
    "same version of Python."
)
_NOT_FOUND = re.compile(r"(?:No matching distribution found for|you require) ([\w.\[\]-]+===?[^\s,;()]+)")  # by pip, uv
_TORCH_BUILD = "import importlib.metadata as m; print(any('nvidia' in r or 'cuda' in r for r in m.requires('torch') or ()))"


class Installer:
    """Builds environments; one object per run.

    Args:
        feedback: anything with QgsProcessingFeedback's methods; None is nobody.
        pump: called while waiting, to handle the events of a user interface.
        wheelhouse: folder of wheels to install from instead of the network; "" for the network.
        base_python: interpreter to build on; "" finds one.
    """

    def __init__(
        self,
        feedback: Any = None,
        pump: Callable[[], None] | None = None,
        wheelhouse: str = "",
        base_python: str = "",
    ):
        self._feedback = feedback
        self._pump = pump
        self._wheelhouse = os.path.abspath(wheelhouse) if wheelhouse else ""
        self._base_python = base_python
        self._variables: dict[str, str] = {}
        self._log: Any = None

    # -- what can be done ----------------------------------------------------------------------

    def install(self, lock: Lock, again: bool = False) -> BackendEnvironment:
        """Make the environment; one that is there and works is kept, unless `again`.

        Raises:
            Semantic3DError: it could not be made; what was there before still is.
        """
        if self._wheelhouse and not os.path.isdir(self._wheelhouse):
            raise InvalidParameter(
                f"The folder of wheels {self._wheelhouse} does not exist. Name one, or leave it empty to install from "
                "the network; the action download fills one."
            )
        with _disk_faults(), Ownership(environments_folder() / "setup.lock"), self._logging(lock):
            self._clear_leftovers(lock)
            found = look_at(lock)
            if found.healthy and not again:
                self._say(f"The environment {found.folder} is installed; its packages are tried.")
                if self._imports(Path(found.folder), lock).healthy:
                    return found
                self._say("It is broken, so it is made anew.")
            self._check_room(lock)
            self._build(lock)
            self._drop_outdated(lock)
        return look_at(lock)

    def remove(self, profile: str, accelerators: tuple[str, ...]) -> list[str]:
        """Remove these environments, of every version. Returns their folders."""
        removed = []
        with _disk_faults(), Ownership(environments_folder() / "setup.lock"):
            for accelerator in accelerators:
                for folder in sorted(environments_folder().glob(f"{profile}-{accelerator}-*")):
                    if folder.is_dir():
                        self._remove_folder(folder)
                        removed.append(str(folder))
                    else:
                        folder.unlink(missing_ok=True)
            if not any(path.is_dir() for path in environments_folder().iterdir()):
                self._remove_folder(_pythons_folder())
        return removed

    def download(self, lock: Lock) -> int:
        """Fill the wheelhouse, a folder that need not exist, with all that `install` needs on a machine like this one.

        Returns the number of files.
        """
        if not self._wheelhouse:
            raise InvalidParameter("Name the folder (WHEELHOUSE) that the packages are to be downloaded to.")
        try:
            os.makedirs(self._wheelhouse, exist_ok=True)
        except OSError as error:
            raise OutputFailed(
                f"The folder of wheels {self._wheelhouse} cannot be created ({error.strerror or error}). Name another."
            ) from error
        with _disk_faults(), Ownership(environments_folder() / "setup.lock"), self._logging(lock):
            folder = self._aside(lock)
            try:
                base, uv = self._tools(lock)
                # The Python's own bundle has a pip; uv would fetch the newest, which no hash pins.
                bundled = base is not None and base.venv and base.ensurepip
                self._make_venv(folder, base, [] if bundled else uv, with_pip=True)
                python = str(python_in(folder))
                # without a bundle, and without uv, the Python's own pip works for the bare environment
                pip = [python, "-m", "pip"] if bundled or uv else [base.path, "-m", "pip", "--python", python]
                self._download_all(folder, lock, pip)
            finally:
                self._remove_folder(folder)
        return len(list(Path(self._wheelhouse).glob("*.whl")))

    # -- building ------------------------------------------------------------------------------

    def _build(self, lock: Lock) -> None:
        folder = self._aside(lock)
        started_s = time.monotonic()
        try:
            self._step(2, "Looking for a Python and for uv")
            base, uv = self._begin(folder, lock)
            self._step(15, f"Installing the packages of the {lock.profile} environment ({lock.accelerator})")
            self._install_all(folder, lock, base, uv)
            self._install_cuda_of_torch(folder, lock, base, uv)
            self._step(80, "Trying each package")
            verdict = self._imports(folder, lock)
            if not verdict.healthy:
                raise OutputFailed(
                    f"The packages were installed, but do not all work ({verdict.text}). "
                    f"{self._log_hint(lock)}",
                    verdict.problems,
                )
            self._mark(folder, lock, verdict.versions, "uv" if uv else "pip")
            self._step(97, "Putting the environment in its place")
            self._swap(folder, environments_folder() / lock.name)
            self._step(100, f"The environment is ready after {time.monotonic() - started_s:.0f} s")
        finally:
            if folder.exists():
                self._remove_folder(folder)

    def _begin(self, folder: Path, lock: Lock) -> tuple[Interpreter | None, list[str]]:
        """Make the virtual environment, on the next Python where one cannot; returns what it was made with."""
        failed, first = [], None
        while True:
            try:
                base, uv = self._tools(lock, failed)
            except BackendMissing:
                if first is not None:
                    raise first from None
                raise
            self._step(8, f"Creating {environments_folder() / lock.name}")
            try:
                self._make_venv(folder, base, uv, with_pip=not uv)
                return base, uv
            except (OutputFailed, BackendMissing) as error:
                if self._base_python or base is None:
                    raise
                first = first or error
                failed.append(base.path)
                self._say(f"{base.path} did not do ({error}). Another Python is looked for.")
                self._remove_folder(folder)

    def _tools(self, lock: Lock, failed: Sequence[str] = ()) -> tuple[Interpreter | None, list[str]]:
        """The base interpreter and uv's command. Without a usable Python uv may fetch one."""
        self._variables = installer_variables(write_certificates(home_folder() / "trusted_certificates.pem"))
        uv = find_uv()
        try:
            base = find_base(
                self._base_python, lock.oldest_python, self._variables, self._feedback, self._pump,
                downloads=not uv and not self._wheelhouse, but_not=failed,
            )  # fmt: skip
        except BackendMissing:
            if self._base_python or not uv or self._wheelhouse:
                raise
            self._say(f"No usable Python is installed; uv fetches Python {_MANAGED_PYTHON}.")
            return None, uv
        self._say(f"Python {base.version_text} at {base.path}")
        uv = uv or find_uv(base)
        self._say(f"Installer: {' '.join(uv) if uv else 'pip'}")
        return base, uv

    def _make_venv(self, folder: Path, base: Interpreter | None, uv: list[str], with_pip: bool) -> None:
        if uv:
            command = [*uv, "venv", "--no-project", "--python", base.path if base else _MANAGED_PYTHON]
            if base is None:
                command += ["--python-preference", "only-managed"]
            done = self._run([*command, *(["--seed"] if with_pip else []), str(folder)], uv=True)
        elif not base.venv or not (base.ensurepip or base.pip):
            raise BackendMissing(self._no_venv_advice(base))
        else:
            bare = [] if base.ensurepip else ["--without-pip"]
            done = self._run([base.path, "-I", "-m", "venv", *bare, str(folder)])
        self._demand(done, "The virtual environment could not be created")

    @staticmethod
    def _no_venv_advice(base: Interpreter) -> str:
        package = f"python{base.version[0]}.{base.version[1]}-venv"
        return (
            f"The Python {base.path} cannot create virtual environments with pip in them. On Debian and Ubuntu: "
            f"sudo apt install python3-venv (or {package}). Elsewhere install uv, or a Python from python.org, "
            "and try again."
        )

    def _install_all(self, folder: Path, lock: Lock, base: Interpreter | None, uv: list[str]) -> None:
        """Install the lock's pins; of those with local builds the local one, where the mirror or folder has it."""
        requirements = lock.path
        if lock.local_builds_path is not None:
            self._say(f"Looking for smaller builds ({lock.local_builds_path.name})")
            if self._run(self._install_command(folder, lock.local_builds_path, base, uv), bool(uv), quiet=True).ok:
                requirements = folder / "requirements.txt"
                requirements.write_text(lock.text_with_local_builds(), encoding="utf-8")
        self._install_packages(folder, requirements, base, uv)

    def _install_packages(self, folder: Path, requirements: Path, base: Interpreter | None, uv: list[str]) -> None:
        """Install all pins of one file. The lock is complete, so nothing is resolved."""
        done = self._run(self._install_command(folder, requirements, base, uv), bool(uv))
        if self._wheelhouse:
            what = f"The packages could not be installed from the folder {self._wheelhouse}"
            self._demand(done, what + _lacking(done.tail), _FILL_FOLDER)
        else:
            self._demand(done, "The packages could not be installed from the network")

    def _install_command(
        self, folder: Path, requirements: Path, base: Interpreter | None, uv: list[str]
    ) -> list[str]:
        """The command that installs the pins of one file, each downloaded file checked against its hash."""
        strict = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(requirements)]
        strict += ["--no-index", "--find-links", self._wheelhouse] if self._wheelhouse else []
        python = str(python_in(folder))
        if uv:
            return [*uv, "pip", "install", "--python", python, *strict]
        if base is not None and not base.ensurepip:
            return [base.path, "-m", "pip", "--python", python, "install", *strict]
        return [python, "-m", "pip", "install", *strict]

    def _install_cuda_of_torch(self, folder: Path, lock: Lock, base: Interpreter | None, uv: list[str]) -> None:
        """torch for Linux comes in two builds under one version; the CUDA one needs its libraries even on a CPU."""
        if lock.torch_cuda_path is None:
            return
        self._step(60, "Looking at the kind of torch")
        done = self._run([str(python_in(folder)), "-c", _TORCH_BUILD])
        self._demand(done, "The installed torch could not be looked at")
        if done.tail.strip().endswith("True"):
            self._say("This torch is the CUDA build, so its libraries are installed too.")
            self._install_packages(folder, lock.torch_cuda_path, base, uv)

    def _download_all(self, folder: Path, lock: Lock, pip: list[str]) -> None:
        """Download the pins; the CUDA libraries of torch too, unless a build without them was to be had."""
        wanted = [lock.path, lock.torch_cuda_path]
        if lock.local_builds_path is not None:
            if self._run(self._download_command(pip, lock.local_builds_path), quiet=True).ok:
                requirements = folder / "requirements.txt"
                requirements.write_text(lock.text_with_local_builds(), encoding="utf-8")
                wanted = [requirements]
        for requirements in filter(None, wanted):
            done = self._run(self._download_command(pip, requirements))
            self._demand(done, "The packages could not be downloaded", _CHECK_NETWORK)

    def _download_command(self, pip: list[str], requirements: Path) -> list[str]:
        command = [*pip, "download", "--no-deps", "--require-hashes"]
        return [*command, "--only-binary", ":all:", "-d", self._wheelhouse, "-r", str(requirements)]

    def _imports(self, folder: Path, lock: Lock) -> Any:
        verdict = check_imports(
            str(python_in(folder)), lock.modules, backend_variables(os.environ), self._feedback, self._pump
        )
        for module, version in verdict.versions.items():
            self._say(f"  {module} {version}")
        for module, problem in verdict.problems.items():
            self._say(f"  {module} FAILED: {problem}")
        return verdict

    def _mark(self, folder: Path, lock: Lock, versions: dict[str, str], tool: str) -> None:
        marker = {
            "format": 1,
            "name": lock.name,
            "profile": lock.profile,
            "accelerator": lock.accelerator,
            "versions": versions,
            "installer": tool,
            "size_mb": round(folder_size_mb(folder)),
        }
        (folder / MARKER).write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")

    # -- folders -------------------------------------------------------------------------------

    def _aside(self, lock: Lock) -> Path:
        return environments_folder() / f"{lock.name}.building-{os.getpid()}"

    def _clear_leftovers(self, lock: Lock) -> None:
        """Remove what an installer left behind that was killed; we hold the lock, so none is at work.

        Where it was killed between two renames, the environment that was in use comes back.
        """
        final = environments_folder() / lock.name
        for old in environments_folder().glob(f"{lock.name}.old-*"):
            if not final.exists() and (old / MARKER).is_file():
                old.rename(final)
        for pattern in (f"{lock.name}.building-*", f"{lock.name}.old-*"):
            for folder in environments_folder().glob(pattern):
                self._remove_folder(folder)

    def _drop_outdated(self, lock: Lock) -> None:
        for folder in environments_folder().glob(f"{lock.profile}-{lock.accelerator}-*"):
            if folder.is_dir() and folder.name != lock.name:
                self._say(f"Removing {folder}, which an older version of the plugin made.")
                self._remove_folder(folder)

    def _swap(self, built: Path, final: Path) -> None:
        """Put `built` in the place of `final`; a failure leaves `final` as it was."""
        old = final.with_name(f"{final.name}.old-{os.getpid()}")
        try:
            if final.exists():
                _renamed(final, old)
            try:
                _renamed(built, final)
            except OSError:
                if old.exists():
                    old.rename(final)
                raise
        except OSError as error:
            raise OutputFailed(
                f"The environment {final} could not be put in its place ({error.strerror or error}). "
                "Close programs that use it, such as running jobs, and try again."
            ) from error
        if old.exists():
            self._remove_folder(old)

    def _remove_folder(self, folder: Path) -> None:
        """Remove an environment: first its marker, so that half of it is never taken for a whole one."""
        if not folder.exists():
            return
        try:
            (folder / MARKER).unlink(missing_ok=True)
            shutil.rmtree(_long(folder))
        except OSError as error:
            raise OutputFailed(
                f"{folder} could not be removed ({error.strerror or error}). Close programs that use it and try again."
            ) from error

    def _check_room(self, lock: Lock) -> None:
        folder = environments_folder()
        free_mb = shutil.disk_usage(folder).free / 1e6
        if free_mb < lock.room_mb:
            raise OutputFailed(
                f"The {lock.profile} environment ({lock.accelerator}) needs {lock.room_mb} MB of free disk space, and "
                f"{folder} has {free_mb:.0f} MB. Make room, or set SEMANTIC3D_HOME to a folder on another disk.",
                {"needed_mb": lock.room_mb, "free_mb": free_mb},
            )

    # -- words ---------------------------------------------------------------------------------

    def _run(self, command: list[str], uv: bool = False, quiet: bool = False) -> Finished:
        """Run a tool; `quiet` keeps what it says in the log, for what may fail without harm."""
        on_line = self._write if quiet else self._on_line
        variables = self._variables
        if uv:  # a Python that uv fetches is ours: it goes when the last environment goes
            variables = {"UV_PYTHON_INSTALL_DIR": str(_pythons_folder()), **uv_variables(self._variables)}
        self._write("$ " + " ".join(command))
        try:
            return run_tool(
                command, variables, self._feedback, on_line, self._pump, folder=str(environments_folder())
            )
        except OSError as error:
            return Finished(-1, f"{command[0]} cannot be started ({error.strerror or error})")

    def _demand(self, done: Finished, what: str, advice: str = "") -> None:
        if not done.ok:
            if "SOCKS support" in done.tail:  # pip's words
                raise OutputFailed(f"{what}: {_NO_SOCKS}")
            lines = [line for line in done.tail.splitlines() if not line.startswith("Ignoring ")]  # of other Pythons
            words = scrubbed(" | ".join(lines[-4:]), self._variables)
            advice = advice or f"{_CHECK_NETWORK[:-1]}, or install from a folder of wheels (WHEELHOUSE)."
            raise OutputFailed(
                f"{what}: {words}. {advice} The whole story is in {self._log.name if self._log else 'the log'}."
            )

    def _log_hint(self, lock: Lock) -> str:
        return f"The whole story is in {environments_folder() / (lock.name + '.log')}."

    def _step(self, percent: float, text: str) -> None:
        if self._feedback is not None:
            self._feedback.setProgress(percent)
        self._say(text)

    def _on_line(self, line: str) -> None:
        clean = self._write(line)
        if self._feedback is not None:
            self._feedback.pushConsoleInfo(clean)

    def _say(self, text: str) -> None:
        clean = self._write(text)
        if self._feedback is not None:
            self._feedback.pushInfo(clean)

    def _write(self, text: str) -> str:
        clean = scrubbed(text, self._variables)
        if self._log is not None:
            with contextlib.suppress(OSError):  # a full disk stops the work where it matters, not the diary
                self._log.write(clean + "\n")
                self._log.flush()
        return clean

    def _logging(self, lock: Lock) -> _Log:
        return _Log(self, environments_folder() / f"{lock.name}.log")


def _lacking(tail: str) -> str:
    """What a folder of wheels has not, by the last words of pip or uv, as the end of a sentence; "" where unclear."""
    found = _NOT_FOUND.findall(" ".join(tail.split()))  # uv breaks its lines
    return f", which lacks {found[-1]}" if found else ""


@contextlib.contextmanager
def _disk_faults() -> Iterator[None]:
    """Tell in our own words what the disk refuses."""
    try:
        yield
    except OSError as error:
        where = f" at {error.filename}" if error.filename else ""
        raise OutputFailed(
            f"The disk refused{where}: {error.strerror or error}. Make room in {home_folder()}, or set SEMANTIC3D_HOME "
            "to a folder on another disk; what was there before is unchanged.",
            {"path": str(error.filename or "")},
        ) from error


def _renamed(folder: Path, new: Path) -> None:
    """Rename, with patience where a virus scanner looks at what was just written."""
    for _ in range(20 if os.name == "nt" else 0):
        try:
            folder.rename(new)
            return
        except PermissionError:
            time.sleep(0.5)
    folder.rename(new)


def _long(folder: Path) -> str:
    """The folder as Windows takes paths of more than 260 characters below it; elsewhere as it is."""
    return "\\\\?\\" + os.path.abspath(folder) if os.name == "nt" else str(folder)


def _pythons_folder() -> Path:
    """Where uv puts the Python that it fetches, unless the user's UV_PYTHON_INSTALL_DIR names another folder."""
    return home_folder() / "pythons"


class _Log:
    """Gives an Installer its log file while a piece of work lasts."""

    def __init__(self, installer: Installer, path: Path):
        self._installer = installer
        self._path = path

    def __enter__(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._installer._log = open(self._path, "w", encoding="utf-8")

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self._installer._write(f"FAILED: {error}")
        log, self._installer._log = self._installer._log, None
        with contextlib.suppress(OSError):
            log.close()


def folder_size_mb(folder: Path) -> float:
    """Bytes of all files below `folder`, in MB (10**6)."""
    total = 0
    for root, _, files in os.walk(_long(folder)):
        total += sum(os.lstat(os.path.join(root, name)).st_size for name in files)
    return total / 1e6

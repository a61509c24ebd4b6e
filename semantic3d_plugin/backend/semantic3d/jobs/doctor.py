"""The doctor: looks over Python, packages, model and devices, and proves them by a real run of the model.

A finding is no failure of the job: the result says what is wrong and what to do about it.
"""
from __future__ import annotations

import importlib
import importlib.metadata
import platform
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import Callable

import numpy as np
from s3d_protocol import (
    DeviceUnavailable, DoctorJob, InvalidModel, JobControl, MissingDependency, OutOfMemory,
    product_version,
)

from ..inference.session import InferenceSession
from ..models.package import ModelPackage, load_package
from ..inference.main_memory import free_memory_mb

OLDEST_PYTHON = (3, 10)
NEEDED = ("numpy", "rasterio", "onnxruntime")
OPTIONAL = ("onnxruntime-gpu", "torch", "diffusers", "peft", "safetensors", "onnx", "dask")
_LITTLE_MEMORY_MB, _LITTLE_DISK_MB = 1024, 1024
_STEPS = ("Python", "packages", "geodata", "memory", "disk", "model", "devices")


@dataclass(frozen=True)
class Check:
    """One finding; `ok` is None for a remark that does not make the backend unhealthy."""

    name: str
    ok: bool | None
    detail: str


def run(job: DoctorJob, control: JobControl) -> dict:
    """Look everything over.

    Returns:
        healthy, version, device (where the model ran; "" if nowhere), seconds_per_tile (None if nowhere), problems,
        checks ([{name, ok, detail}]), packages (name -> version), providers, model (name, version, sha256).

    Raises:
        InvalidParameter: the job's values are wrong. Cancelled.
    """
    job.check()
    checks: list = []
    values: dict = {"version": product_version(), "device": "", "seconds_per_tile": None, "model": {}}
    values["packages"] = package_versions()

    def step(number: int) -> None:
        control.check_cancelled()
        control.progress(number, len(_STEPS), "checks", text=_STEPS[number] if number < len(_STEPS) else "")

    step(0)
    checks.append(check_python())
    step(1)
    checks += [check_import(name) for name in NEEDED]
    values["providers"] = listed_providers()
    step(2)
    checks.append(check_geodata())
    step(3)
    checks.append(check_memory())
    step(4)
    checks.append(check_disk())
    step(5)
    package, found = check_model(job.model_path)
    checks.append(found)
    if package is not None:
        values["model"] = {"name": package.name, "version": package.version, "sha256": package.sha256}
        step(6)
        checks += _check_devices(package, job.device, values, control)
    step(7)
    values["problems"] = [f"{check.name}: {check.detail}" for check in checks if check.ok is False]
    values["healthy"] = not values["problems"]
    values["checks"] = [{"name": check.name, "ok": check.ok is not False, "detail": check.detail} for check in checks]
    return values


def report_text(values: dict) -> str:
    """The doctor's result for people to read."""
    lines = [f"Semantic3D {values['version']}"]
    lines += [f"  {'ok  ' if check['ok'] else 'BAD '} {check['name']}: {check['detail']}" for check in values["checks"]]
    optional = {name: version for name, version in values["packages"].items() if name in OPTIONAL}
    lines.append("  also installed: " + (", ".join(f"{n} {v}" for n, v in optional.items()) or "nothing more"))
    if values["seconds_per_tile"] is not None:
        lines.append(f"  the model runs on {values['device']}, {values['seconds_per_tile']:.2f} s per tile")
    lines.append("The backend is healthy." if values["healthy"] else "The backend is NOT healthy.")
    return "\n".join(lines)


def package_versions() -> dict:
    """Installed versions of the packages that matter, without importing them."""
    found = {}
    for name in NEEDED + OPTIONAL:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def check_python() -> Check:
    """The interpreter's version, and where it is."""
    text = f"{platform.python_version()} on {platform.platform()} ({sys.executable})"
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Check("Python", False, f"{text}; at least {'.'.join(map(str, OLDEST_PYTHON))} is needed.")
    return Check("Python", True, text)


def check_import(name: str) -> Check:
    """Whether a package really loads, native libraries included."""
    try:
        module = importlib.import_module(name)
    except (ImportError, OSError, AttributeError, ValueError, RuntimeError) as error:  # as builds that do not match do
        return Check(name, False, f"does not load ({error}). Run Set up backend to repair the environment.")
    return Check(name, True, str(getattr(module, "__version__", "unknown version")))


def listed_providers() -> list:
    """What onnxruntime lists; that a device is listed does not prove that it works."""
    try:
        import onnxruntime
    except (ImportError, OSError):
        return []
    return list(onnxruntime.get_available_providers())


def check_geodata() -> Check:
    """Whether GDAL writes and reads a raster and PROJ finds its database, which foreign settings can break."""
    try:
        import rasterio
        from rasterio.errors import RasterioError
        from rasterio.io import MemoryFile
    except (ImportError, OSError) as error:
        return Check("geodata", False, f"rasterio does not load ({error}).")
    values = np.arange(12, dtype=np.uint8).reshape(1, 3, 4)
    try:
        with MemoryFile() as memory:
            transform = rasterio.Affine(0.5, 0, 500_000, 0, -0.5, 4_800_000)
            with memory.open(driver="GTiff", width=4, height=3, count=1, dtype="uint8", crs="EPSG:32610",
                             transform=transform) as target:
                target.write(values)
            with memory.open() as source:
                fits = (source.read() == values).all() and source.crs.to_epsg() == 32610
    except RasterioError as error:
        return Check("geodata", False, f"GDAL or PROJ do not work ({error}). Unset PROJ_LIB, PROJ_DATA and GDAL_DATA.")
    text = f"GDAL {rasterio.__gdal_version__} writes and reads, PROJ knows coordinate systems"
    return Check("geodata", True, text) if fits else Check("geodata", False, "A raster came back changed.")


def check_memory() -> Check:
    """Free main memory; little of it is a remark."""
    free_mb = free_memory_mb()
    if free_mb is None:
        return Check("memory", None, "free main memory is unknown here")
    remark = ": little; close other programs before a large job" if free_mb < _LITTLE_MEMORY_MB else ""
    return Check("memory", None if remark else True, f"{free_mb} MB free{remark}")


def check_disk() -> Check:
    """Free room for temporary files; little of it is a remark."""
    free_mb = shutil.disk_usage(tempfile.gettempdir()).free // 1_000_000
    remark = ": little; outputs need room" if free_mb < _LITTLE_DISK_MB else ""
    return Check("disk", None if remark else True, f"{free_mb} MB free in {tempfile.gettempdir()}{remark}")


def check_model(path: str) -> tuple:
    """Load the package with all its hashes; returns (package or None, Check)."""
    try:
        package = load_package(path)
    except InvalidModel as error:
        return None, Check("model", False, error.message)
    if package.onnx_name is None:
        return None, Check("model", False, f"{package.name} has no ONNX file to run.")
    text = f"{package.name} {package.version}".strip()
    return package, Check("model", True, f"{text}, all hashes agree (sha256:{package.sha256[:12]}...)")


def _check_devices(package: ModelPackage, device: str, values: dict, control: JobControl) -> list:
    """Run the model on each device in question; the last that works is where jobs would run."""
    checks = []
    wanted = {"cpu": ("cpu",), "cuda": ("cuda",), "auto": ("cpu", "cuda")}[device]
    for name in wanted:
        if name == "cuda" and device == "auto" and "CUDAExecutionProvider" not in values["providers"]:
            checks.append(Check("device cuda", None, "not offered by this onnxruntime; the processor is used"))
            continue
        control.check_cancelled()
        found, seconds = check_device(package, name)
        if found.ok is False and device == "auto" and name == "cuda":
            found = Check(found.name, None, f"{found.detail} The processor is used instead.")
        if seconds is not None:
            values["device"], values["seconds_per_tile"] = name, seconds
        checks.append(found)
    return checks


def check_device(package: ModelPackage, device: str) -> tuple:
    """Run the model on a synthetic tile; returns (Check, seconds per tile or None)."""
    name = f"device {device}"
    size = package.tile_size_px
    unit = np.random.default_rng(0).random((1, 3, size, size), dtype=np.float32)
    mean = np.asarray(package.normalisation_mean, np.float32)[:, None, None]
    std = np.asarray(package.normalisation_std, np.float32)[:, None, None]
    image = (unit - mean) / std
    try:
        session = InferenceSession(package, device)
        session.run(image, tuple(package.output_names))  # the first run warms up
        seconds = _seconds(lambda: session.run(image, tuple(package.output_names)))
    except (DeviceUnavailable, InvalidModel, MissingDependency, OutOfMemory) as error:
        return Check(name, False, error.message), None
    if session.device != device:
        return Check(name, False, f"the run ended up on {session.device}."), None
    return Check(name, True, f"a tile of {size} pixels ran in {seconds:.3f} s"), seconds


def _seconds(work: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s

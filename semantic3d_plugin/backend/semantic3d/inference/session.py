"""A model package as something that runs: one onnxruntime session on one proven device."""

from __future__ import annotations

import dataclasses
import os
from typing import Callable

import numpy as np

from s3d_protocol.diagnosis import tells_of_memory
from s3d_protocol.errors import DeviceUnavailable, InvalidModel, MissingDependency, OutOfMemory

from ..models.package import ModelPackage, check_session_io
from .heap import return_free_pages
from .control_groups import processors
from .main_memory import free_memory_mb

_MOST_LANES = 8
_LANES_PIXELS = 8 * 512**2  # of all tiles that run side by side; one of 512 pixels takes about 125 MB in the small model
_LANES_MODEL_BYTES = 64_000_000  # a larger model's layers are large enough for all threads together
_LANE_MEMORY_MB = 250  # of the limit, and twice that must be free
_NO_FOLDER = os.path.join(os.path.abspath(__file__), "none")  # a model never reads files; else it looks where we stand
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class InferenceSession:
    """The model, loaded and proven by a run.

    Attributes:
        package: what it was made from.
        device: "cpu" or "cuda", where it really runs; a card that is lost in the middle turns it to "cpu".
        lanes: how many threads should call `run` side by side.
        fixed_batch: tiles that the model takes at once, whatever is asked for; None where it takes any number.
        version: of onnxruntime.
    """

    def __init__(
        self,
        package: ModelPackage,
        device: str = "auto",
        log: Callable[[str, str], None] | None = None,
        memory_mb: float = _LANE_MEMORY_MB,
    ):
        """Load the model.

        Args:
            device: auto (the graphics card if it works, else the processor), cpu or cuda.
            log: called with (text, level) for what the user should know.
            memory_mb: the limit on main memory, which bounds the lanes.

        Raises:
            DeviceUnavailable: cuda was asked for and does not work.
            InvalidModel: onnxruntime refuses the model.
            MissingDependency: onnxruntime is not installed.
        """
        self._runtime = _import_runtime()
        self.package = package
        self.version = self._runtime.__version__
        data = package.read_onnx()
        self._external = package.read_external() if package.external else {}  # the session reads it while it lives
        log = log or (lambda text, level: None)
        self._must, self._log = device == "cuda", log
        self._session, self.device, self.lanes = None, "cpu", 1
        if device in ("auto", "cuda"):
            self._try_cuda(data, must=device == "cuda", log=log)
        if self._session is None:
            self.lanes = lanes_for(package, len(data) + sum(array.nbytes for array in self._external.values()), memory_mb)
            self._session = self._load(data, "cpu")
        del data
        return_free_pages()
        check_session_io(package, self._session.get_inputs(), self._session.get_outputs())
        batch = self._session.get_inputs()[0].shape[0]
        self.fixed_batch = batch if isinstance(batch, int) and batch > 0 else None

    def _try_cuda(self, data: bytes, must: bool, log) -> None:
        """Take the graphics card if a real run stays on it; what a build lists as available proves nothing."""
        if _PROVIDERS["cuda"] not in self._runtime.get_available_providers():
            if must:
                raise DeviceUnavailable(
                    "The device cuda is asked for, but this backend's onnxruntime is built for the processor alone. "
                    "Install the GPU backend (Set up backend), or choose the device auto or cpu."
                )
            return
        reason = "the session fell back to the processor"
        if hasattr(self._runtime, "preload_dlls"):
            self._runtime.preload_dlls()  # CUDA libraries that came as wheels are on no search path
        try:
            session = self._load(data, "cuda")
            self._prove(session)
            if _PROVIDERS["cuda"] in session.get_providers():
                self._session, self.device = session, "cuda"
                return
        except (OutOfMemory, InvalidModel) as error:
            reason = error.message
        if must:
            raise DeviceUnavailable(
                f"The device cuda is asked for, but the model does not run on the graphics card: {reason}. "
                "Check the driver and CUDA libraries, or choose the device auto or cpu."
            )
        log(f"The graphics card cannot be used ({reason}); the processor computes instead, which is slower.", "warning")

    def _load(self, data: bytes, device: str):
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = worker_threads() - self.lanes + 1  # those that the lanes' own threads share
        options.enable_mem_pattern = False  # it would take a block of a run's whole size beside what the first run took
        options.execution_order = self._runtime.ExecutionOrder.PRIORITY_BASED  # frees layers' results sooner
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # reader, blender, QGIS need the cores
        options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")  # not in the arena
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NO_FOLDER)
        if self._external:
            values = [self._runtime.OrtValue.ortvalue_from_numpy(array) for array in self._external.values()]
            options.add_external_initializers(list(self._external), values)
        providers = [_PROVIDERS[device]] + ([_PROVIDERS["cpu"]] if device == "cuda" else [])
        try:
            session = self._runtime.InferenceSession(data, options, providers=providers)
        except _runtime_errors(self._runtime) as error:
            raise _translated(error, self.package, 1) from error
        session.disable_fallback()  # it would go on with the processor and tell nobody but standard output
        session._model_bytes = None  # what it would load then
        return session

    def _prove(self, session) -> None:
        size = self.package.tile_size_px
        image = np.zeros((1, 3, size, size), np.float32)
        try:
            session.run(None, {self.package.input_name: image})
        except _runtime_errors(self._runtime) as error:
            raise _translated(error, self.package, 1) from error

    def limit_lanes(self, lane_mb: float, memory_mb: float) -> None:
        """Let fewer runs go on side by side where they would take too much memory.

        Args:
            lane_mb: what a run was seen to take.
            memory_mb: the limit on all lanes together.
        """
        lanes = max(1, min(self.lanes, _fitting(memory_mb, max(1.0, lane_mb))))
        if lanes < self.lanes:
            self.lanes = lanes
            self._session = None  # lets go of its memory before the model loads again, with more threads for each run
            self._session = self._load(self.package.read_onnx(), self.device)

    def run(self, images: np.ndarray, roles: tuple) -> dict:
        """Run the model.

        Args:
            images: normalised tiles, float32 [N, 3, T, T].
            roles: the outputs wanted (`models.package.OUTPUT_NAMES`).

        Returns:
            role -> float32 [N, C, T, T].

        Raises:
            OutOfMemory: the device's memory does not suffice.
            DeviceUnavailable: cuda was asked for, and the graphics card failed. Where auto was, the processor takes
                over with a warning.
            InvalidModel: the model fails, or gives shapes or values that it should not.
        """
        if self.fixed_batch is not None and len(images) != self.fixed_batch:
            return self._run_in_fixed_batches(images, roles)
        names = {role: self.package.output_names[role] for role in self.package.output_names if role in roles}
        try:
            values = self._session.run(list(names.values()), {self.package.input_name: images})
        except _runtime_errors(self._runtime) as error:
            fault = _translated(error, self.package, len(images))
            if self.device != "cuda":
                raise fault from error
            self._leave_the_card(fault)
            return self.run(images, roles)
        arrays = dict(zip(names.values(), values))
        return _canonical(self.package, names, arrays)

    def _leave_the_card(self, fault: Exception) -> None:
        """Load the model again for the processor after the graphics card failed in the middle of the work.

        Raises:
            OutOfMemory, DeviceUnavailable: cuda was asked for, and nothing else will do.
        """
        if self._must:
            if isinstance(fault, OutOfMemory):
                raise fault
            raise DeviceUnavailable(
                f"The graphics card failed in the middle of the work: {fault} Check its driver, temperature and "
                "power, and run the job again, or choose the device auto or cpu.",
                {"runtime": str(fault)},
            ) from fault
        self._log(
            f"The graphics card failed in the middle of the work ({fault}) The processor goes on from here, which is "
            "slower.",
            "warning",
        )
        self._session, self.device = None, "cpu"  # lets go of the card before the model loads a second time
        self._session = self._load(self.package.read_onnx(), "cpu")

    def _run_in_fixed_batches(self, images: np.ndarray, roles: tuple) -> dict:
        size, parts = self.fixed_batch, []
        for first in range(0, len(images), size):
            batch = images[first : first + size]
            if len(batch) < size:
                batch = np.concatenate([batch, np.repeat(batch[-1:], size - len(batch), axis=0)])
            parts.append(self.run(batch, roles))
        return {role: np.concatenate([part[role] for part in parts])[: len(images)] for role in parts[0]}


def worker_threads() -> int:
    """Processors that we may use, less one for the desktop when there are more than two.

    A container or a batch system may allow less of them than the machine shows.
    """
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    count = min(count, processors() or count)
    return count - 1 if count > 2 else count


def lanes_for(package: ModelPackage, model_bytes: int, memory_mb: float) -> int:
    """Return how many runs should go on side by side on the processor.

    Threads that share each of a small model's layers wait for one another (two give 1.6 times the speed of one);
    threads with a tile each do not.
    """
    most = min(_MOST_LANES, _LANES_PIXELS // package.tile_size_px**2)
    most = min(most, _fitting(memory_mb, _LANE_MEMORY_MB), worker_threads())
    return max(1, most) if model_bytes <= _LANES_MODEL_BYTES else 1


def _fitting(memory_mb: float, lane_mb: float) -> int:
    """Return how many lanes fit into the limit, and into half of what is free."""
    free_mb = free_memory_mb()
    if free_mb is not None:
        memory_mb = min(memory_mb, free_mb / 2)
    return int(memory_mb / lane_mb)


def runtime_version() -> str:
    """Return onnxruntime's version.

    Raises:
        MissingDependency: it is not installed.
    """
    return _import_runtime().__version__


def _canonical(package: ModelPackage, names: dict, arrays: dict) -> dict:
    """Let the package check exactly the outputs that were asked for."""
    asked = package if set(names) == set(package.output_names) else dataclasses.replace(package, output_names=names)
    return asked.canonical_outputs(arrays)


def _import_runtime():
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependency(
            f"The Python package onnxruntime is missing or broken in the backend's environment ({error}). "
            "Run Set up backend to repair it."
        ) from error
    return onnxruntime


def _runtime_errors(runtime) -> tuple:
    """All that onnxruntime raises; its own exceptions share no base and grow from release to release."""
    state = runtime.capi.onnxruntime_pybind11_state
    found = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return (*found, MemoryError, RuntimeError, ValueError)


def _translated(error: BaseException, package: ModelPackage, batch: int):
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or tells_of_memory(text):
        return OutOfMemory(
            f"Memory ran out while the model worked on {batch} tile{'s' if batch > 1 else ''} of "
            f"{package.tile_size_px} pixels. Lower the batch size, close other programs, or choose the device cpu.",
            {"batch_size": batch, "runtime": text[:500]},
        )
    return InvalidModel(f'onnxruntime cannot run the model "{package.name}": {text[:500]}', {"runtime": text[:2000]})

"""What runs on the workers of a Dask cluster: one object per job, which loads plan and model once and computes blocks.

Plan and model's path arrive with a plugin (cluster_parcel.py), one time per worker; a task names a folder and a block,
no more. A worker that joins later, or that its nanny has started anew, gets the plugin from the scheduler.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import pickle  # nosec B403 # Dask itself sends functions: whoever reaches its scheduler runs code on all workers
import platform
import socket
import sys
import threading
import time
import uuid
from dataclasses import dataclass, replace
from functools import partial
from typing import Callable

import numpy as np
import rasterio
from distributed import get_worker

from s3d_protocol import (
    Cancelled,
    DeviceUnavailable,
    InvalidInput,
    OutOfMemory,
    OutputFailed,
    Semantic3DError,
    product_version,
)

from ..inference.heap import give_freed_memory_back
from ..inference.main_memory import peak_memory_mb
from ..inference.session import InferenceSession, runtime_version
from ..raster.block_grid import Block
from ..raster.source import ImageSource
from .image_identity import add_samples
from .preflight import pixels_mb, seconds_per_tile, settle_lanes
from .reconstruct_blocks import compute_block
from .reconstruct_plan import Plan
from .reconstruct_work import Watched, code_fingerprint
from .tile_progress import told
from .work_folder import record_block

_PATIENCE_S = 20.0  # for a block to stop
_TELL_S = 1.0  # between two messages about a block's tiles; they pass through the scheduler
_IDLE_S = 600.0  # after which the model is let go of: the client may have died
_opening = threading.Lock()
_lane_mb: dict[tuple, float | None] = {}  # (model, batch size) -> what a run takes; a process's peak is seen once


@dataclass(frozen=True)
class Readiness:
    """What a worker says of itself before the work.

    Attributes:
        device: "cpu" or "cuda", where the model has really run.
        seconds_per_tile: timed with as many batches side by side as it will compute.
        memory_mb: at the peak, expected; None where the system does not tell.
        rounding: `rounding_of` its model.
        messages: (text, level) for the user.
    """

    device: str
    seconds_per_tile: float
    memory_mb: int | None
    rounding: str
    messages: tuple


def versions() -> dict:
    """Return what must be the same on all machines, so that they give the same bytes: name -> version."""
    return {
        "semantic3d": f"{product_version()}, code {code_fingerprint()[:12]}",
        "Python": ".".join(map(str, sys.version_info[:2])),
        "numpy": np.__version__,
        "rasterio": rasterio.__version__,
        "GDAL": rasterio.__gdal_version__,
        "onnxruntime": runtime_version(),
        "processor": platform.machine(),
    }


def image_samples(path: str, bands: tuple) -> str:
    """Return 64 hexadecimal digits from the image's size and pixels from all over it."""
    digest = hashlib.sha256()
    with ImageSource(path, bands) as source:
        digest.update(f"{source.grid.width} {source.grid.height} {source.dtype}".encode())
        add_samples(digest, source)
    return digest.hexdigest()


def rounding_of(plan: Plan, session: InferenceSession) -> str:
    """Return 64 hexadecimal digits from what the model gives for noise: others where it rounds in other ways."""
    size = plan.package.tile_size_px
    shape = (plan.job.batch_size, 3, size, size)
    given = session.run(np.random.default_rng(0).normal(size=shape).astype(np.float32), tuple(plan.roles))
    return hashlib.sha256(b"".join(given[role].tobytes() for role in sorted(given))).hexdigest()


def travelling(plan: Plan) -> Plan:
    """Return the plan with paths that do not depend on where a process stands."""
    image, model = (os.path.abspath(p) if os.path.exists(p) else p for p in (plan.job.image_path, plan.job.model_path))
    return replace(plan, job=replace(plan.job, image_path=image, model_path=model))


class WorkerUnfit(DeviceUnavailable):
    """This worker cannot take part in the job, whichever block it is given."""


class BlockWorker:
    """A job on one worker: its plan and its model. One block at a time, so that the memory limit is the worker's."""

    def __init__(self, address: str, wanted: dict, samples: str, packed_plan: bytes):
        """Begin; nothing is looked at yet.

        Args:
            address: of the worker.
            wanted, samples: `versions` and `image_samples` of the client.
            packed_plan: a pickled `Plan`.
        """
        self._wanted, self._samples, self._packed = wanted, samples, packed_plan
        self._address, self._where = address, f"{socket.gethostname()} ({address})"
        self._turn, self._closed = threading.Lock(), threading.Event()
        self._folder = ""  # that was seen to be there
        self._plan: Plan | None = None
        self._session: InferenceSession | None = None
        self._rounding = ""  # of the model here, once it was seen
        self._messages: list[tuple[str, str]] = []
        self._idle: threading.Timer | None = None

    async def end(self) -> None:
        """End the job here: a block under way stops and its files go, then the model."""
        self._closed.set()
        stopped = await asyncio.to_thread(self._turn.acquire, timeout=_PATIENCE_S)
        self._forget_later(None)
        if stopped:
            self._session = None
            self._turn.release()

    def look_over(self) -> Readiness:
        """Check that this worker can do the job, and load the model.

        Raises:
            Semantic3DError: it cannot; the message names the worker.
        """
        return self._here(self._look_over)

    def _look_over(self) -> Readiness:
        with self._turn:
            self._check_open()
            plan, session = self._loaded()
            tile_s, process_mb = seconds_per_tile(plan, session, rounds=2), peak_memory_mb()
            more_mb = pixels_mb(plan, session, min(plan.block_px, plan.grid.width))
            memory_mb = None if process_mb is None else process_mb + more_mb
            self._rounding = rounding_of(plan, session)
            return Readiness(session.device, tile_s, memory_mb, self._rounding, self._said())

    def _check_versions(self) -> None:
        own, wanted = versions(), self._wanted
        differ = [name for name in wanted if own.get(name) != wanted[name]]
        if differ:
            other = ", ".join(f"{name} {own.get(name)} instead of {wanted[name]}" for name in differ)
            raise DeviceUnavailable(
                f"it has {other}. The bytes of a result depend on them: install the same versions on all "
                "workers as on this computer.",
                {"here": wanted, "there": own},
            )

    def _check_image(self, plan: Plan) -> None:
        path = plan.job.image_path
        if image_samples(path, plan.job.bands) != self._samples:
            raise InvalidInput(
                f"under {path} it sees another image than this computer does. Use a path that leads to the same file "
                "everywhere, on a shared disk or in an object store (/vsis3/).",
                {"path": path},
            )

    def compute(self, folder: str, block: Block, tell: Callable[[dict], None]) -> dict:
        """Compute and record one block; returns what `cluster_answers` reads.

        Args:
            tell: called now and then with `tile_progress.told`.

        Raises:
            Semantic3DError: as `compute_block`; the message names the worker. Cancelled when the job ends, WorkerUnfit
                where it cannot take part: a worker that came late is looked over by its first block.
        """
        return self._here(self._compute, folder, block, tell)

    def _compute(self, folder: str, block: Block, tell: Callable[[dict], None]) -> dict:
        with self._turn:
            self._check_open()
            self._forget_later(None)
            plan, session = self._loaded_for_block(folder)
            model, told_s = Watched(session), 0.0

            def on_tiles(done: int) -> None:
                nonlocal told_s
                if time.monotonic() - told_s > _TELL_S:
                    told_s = time.monotonic()
                    tell(told(block, done))

            try:
                self._rounding = self._rounding or rounding_of(plan, session)  # else it came after all were asked
                with rasterio.Env(GDAL_CACHEMAX=plan.cache_bytes):
                    record = compute_block(plan, model, folder, block, self._check_open, on_tiles)
                record_block(folder, record, model.device)
            finally:
                self._forget_later(_IDLE_S)
            return {"said": self._said(), "rounding": self._rounding, "worker": self._address}

    def _loaded_for_block(self, folder: str) -> tuple[Plan, InferenceSession]:
        try:
            if folder != self._folder and not os.path.isdir(folder):
                raise OutputFailed(f"it does not see the work folder {folder}. Mount that disk under the same path.")
            self._folder = folder
            return self._loaded()
        except Semantic3DError as error:
            failure = WorkerUnfit(error.message, error.details)
        raise failure

    def _loaded(self) -> tuple[Plan, InferenceSession]:
        if self._plan is None:
            self._check_versions()
            plan = pickle.loads(self._packed)  # nosec B301 # came with the plugin
            self._check_image(plan)
            self._plan = plan
        if self._session is None:
            give_freed_memory_back()
            job = self._plan.job
            self._session = InferenceSession(
                self._plan.package, job.device, lambda *said: self._messages.append(said), job.max_memory_mb
            )
            kind = self._plan.package.sha256, job.batch_size
            _lane_mb[kind] = settle_lanes(self._plan, self._session, _lane_mb.get(kind))
        return self._plan, self._session

    def _forget_later(self, seconds: float | None) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if seconds is not None and not self._closed.is_set():
            self._idle = threading.Timer(seconds, self._forget)
            self._idle.daemon = True
            self._idle.start()

    def _forget(self) -> None:
        with self._turn:
            self._session = None

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise Cancelled("The job has ended.")

    def _said(self) -> tuple:
        said, self._messages = tuple(self._messages), []
        return tuple((f"Worker {self._where}: {text}", level) for text, level in said)

    def _here(self, function, *arguments):
        """Call; errors of ours name the worker, and carry nothing that could not travel (a cause may not)."""
        try:
            return function(*arguments)
        except Semantic3DError as error:
            failure = type(error)(f"Worker {self._where}: {error.message}", error.details)
        except MemoryError:
            failure = OutOfMemory(
                f"Worker {self._where}: its main memory ran out. Lower the memory limit or the batch size, or start "
                "workers with more memory each."
            )
        raise failure


def parcel_content(plan: Plan, wanted: dict) -> dict:
    """Return what a parcel brings to the workers: arguments of `BlockWorker` but the address.

    Args:
        wanted: `versions` of the client.
    """
    samples = image_samples(plan.job.image_path, plan.job.bands)
    return {"wanted": wanted, "samples": samples, "packed_plan": pickle.dumps(travelling(plan))}


def _job_on(worker, name: str) -> BlockWorker:
    """Return the job whose plugin has this name; at the first call its parcel is opened."""
    parcel = worker.plugins.get(name)
    if parcel is None:
        raise Cancelled("The job has ended on this worker.")
    with _opening:
        if parcel.block_worker is None:
            parcel.block_worker = BlockWorker(worker.address, **parcel.content)
        job = parcel.block_worker
    if worker.plugins.get(name) is not parcel:  # it ended meanwhile, perhaps before there was anything to end
        raise Cancelled("The job has ended on this worker.")
    return job


def compute_or_refuse(name: str, folder: str, row: int, column: int) -> dict:
    """The task: one block of the job whose plugin has this name; the block is in the folder, not in the answer.

    A worker that cannot take part returns what `cluster_answers.refusal` reads: its address, and why.

    Raises:
        Semantic3DError: as `BlockWorker.compute`; Cancelled where the job has ended.
    """
    worker = get_worker()
    try:
        return _job_on(worker, name).compute(folder, Block(row, column), partial(worker.log_event, name))
    except WorkerUnfit as error:
        return {"unfit": worker.address, "why": error.message}


async def look_over(name: str, dask_worker=None) -> Readiness:
    """Ask a worker whether it can do the job, beside its tasks."""
    return await asyncio.to_thread(lambda: _job_on(dask_worker, name).look_over())


async def look_into(folder: str, token: str, dask_worker=None) -> None:
    """Check that the worker sees the client's work folder, and may write there.

    Args:
        token: name of a file that the client has put there.

    Raises:
        OutputFailed: it does not.
    """
    await asyncio.to_thread(_look_into, folder, token, f"{socket.gethostname()} ({dask_worker.address})")


def _look_into(folder: str, token: str, where: str) -> None:
    failure = ""
    try:
        with open(os.path.join(folder, token), encoding="utf-8") as file:
            file.read()
        own = os.path.join(folder, f"{token}.{uuid.uuid4().hex}")
        with open(own, "x", encoding="utf-8") as file:
            file.write("seen")
        os.remove(own)
    except OSError as error:
        failure = error.strerror or str(error)
    if failure:
        raise OutputFailed(
            f"Worker {where} cannot use the work folder {folder}: {failure}. Blocks are put together there: the "
            "outputs must lie on a disk that all workers have mounted under the same path, and may write to.",
            {"folder": folder},
        )

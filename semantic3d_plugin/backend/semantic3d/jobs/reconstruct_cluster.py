"""The blocks of a reconstruct job computed by the workers of a Dask cluster; this process plans and puts together.

Each block is one task that names the job's work folder and the block. Workers write there as the local engine does,
so that a job may change engines whenever it goes on. What they answer is not relied upon: whether a block is there, and
what it says of itself, is read in the folder.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import time
import uuid
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass

from s3d_protocol import (
    DeviceUnavailable,
    InvalidInput,
    InvalidModel,
    InvalidParameter,
    JobControl,
    MissingDependency,
    OutputFailed,
    Semantic3DError,
)
from s3d_protocol.messages import LOG_LEVELS, shown_text

from ..raster.block_grid import Block, Blocks
from .image_identity import ImageFiles
from .preflight import Preflight, check_disk, duration_text
from .reconstruct_blocks import tile_count
from .reconstruct_plan import Plan, provenance_tags
from .reconstruct_work import KeptWork
from .work_folder import BlockRecord, has_files, read_record, record_path

_CONNECT_S = 20.0
_ANSWER_S = 900.0  # a large model has to be read from a slow disk by everybody
_END_S = 60.0
_LOOK_S = 0.2  # between two looks at whether the job was cancelled
_ROLL_CALL_S = 30.0  # between two looks at whether there are workers, where none answers
_LONELY_S = 900.0  # without any: new ones may be on their way
_FETCHERS = 16
_LEAST_WAITING = 200  # tasks at the scheduler; each names a folder and two numbers
_TRIES = 3
_FINAL = (InvalidInput, InvalidModel, InvalidParameter, MissingDependency)  # no second try helps


@dataclass(frozen=True)
class _Model:
    """The model as the workers have it, for the provenance."""

    device: str
    version: str


def compute_on_cluster(
    plan: Plan, source, files: ImageFiles, work: KeptWork, control: JobControl
) -> tuple[dict, Preflight]:
    """Compute the missing blocks on the job's cluster.

    Returns:
        Tags of provenance, what was expected before the work.

    Raises:
        Semantic3DError: MissingDependency without Dask, DeviceUnavailable when the cluster is not reached, is lost or
            does not fit, and what the block function raises. Finished blocks stay.
    """
    distributed = _import_distributed()
    control.log(f"Connecting to the Dask scheduler {plan.job.scheduler}.")
    with _Cluster(distributed, plan, control) as cluster:
        device, seconds_per_tile, memory_mb, version = cluster.prepare()
        tags = provenance_tags(plan, _Model(device, version))
        work.take(plan, files.fingerprint(source), tags)
        cluster.share(work.path)
        missing = [block for block in plan.blocks.all() if block not in work.records]
        disk_mb = check_disk(plan, control, work.path, len(work.records))
        tiles = sum(tile_count(plan, Blocks(*block, 1, 1)) for block in missing)
        found = Preflight(tiles, tiles * seconds_per_tile / max(1, cluster.at_once), memory_mb, disk_mb)
        memory = "" if memory_mb is None else f", up to about {memory_mb} MB of main memory for each"
        control.log(
            f"To do: {len(missing)} blocks, {tiles} tiles of {plan.package.tile_size_px} pixels, about "
            f"{duration_text(found.expected_s)} on {cluster.at_once} workers ({device}){memory}, up to {disk_mb} MB of disk."
        )
        cluster.compute(missing, work, device)
    return tags, found


class _Cluster:
    """The connection, and this job's plugin on all workers; both go at the end."""

    def __init__(self, distributed, plan: Plan, control: JobControl):
        self._distributed, self._plan, self._control = distributed, plan, control
        self._address = plan.job.scheduler
        self._name = f"semantic3d-{uuid.uuid4().hex}"  # of this connection: a job's id may serve for many scenes
        self._thread = ThreadPoolExecutor(2, "semantic3d-cluster")  # one may wait for an answer
        self._fetchers = ThreadPoolExecutor(_FETCHERS, "semantic3d-records")
        self._client, self._registered, self._folder = None, False, ""
        self._resources: dict = {}
        self._running: dict = {}
        self.at_once = 0

    def __enter__(self) -> _Cluster:
        try:
            self._client = self._patiently(self._connect, _CONNECT_S + 10.0)
        except BaseException:
            self._end_threads()
            raise
        return self

    def _connect(self):
        failure = ""
        try:
            return self._distributed.Client(
                self._address, timeout=_CONNECT_S, set_as_default=False, name="semantic3d"
            )
        except (OSError, asyncio.TimeoutError, ValueError, RuntimeError, ImportError) as error:
            failure = " ".join(str(error).split()) or type(error).__name__
        raise DeviceUnavailable(
            f"The Dask scheduler {self._address} was not reached within {_CONNECT_S:g} s: {failure[:300]}. Is it "
            "running there, is the port open from this computer, and does it have a like version of Dask (here: "
            f"distributed {self._distributed.__version__})? Start one with dask scheduler --port 8786, or leave the "
            "scheduler out to compute here.",
            {"scheduler": self._address},
        )

    def prepare(self) -> tuple[str, float, int | None, str]:
        """Send the plugin and ask every worker whether it can do the job.

        Returns:
            The device, seconds per tile of the slowest, MB of the largest, the version of onnxruntime.

        Raises:
            Semantic3DError: some worker cannot; the message names it, and how many more.
        """
        from .cluster_worker import BlockWorker, image_samples, look_over, versions

        workers = self._choose_workers()
        self._control.log(f"Loading the model on {len(workers)} workers.")
        job, here = self._plan.job, versions()
        self._ask(_by_value("versions"), workers)  # tells which of them lack the package
        plugin = BlockWorker(self._name, self._plan, here, image_samples(job.image_path, job.bands))
        self._registered = True
        self._patiently(lambda: self._client.register_plugin(plugin, name=self._name), _ANSWER_S)
        answers = self._ask(look_over, workers, self._name)
        for answer in answers.values():
            for text, level in answer.messages:
                self._control.log(text, level)
        devices = sorted({answer.device for answer in answers.values()})
        if len(devices) > 1:
            raise InvalidParameter(
                "Some workers run the model on a graphics card and some on the processor, which gives different "
                "bytes. Choose the device cpu, or cuda with workers that announce their card: dask worker "
                '--resources "GPU=1".',
                {"devices": {address: answer.device for address, answer in answers.items()}},
            )
        slowest_s = max(answer.seconds_per_tile for answer in answers.values())
        sizes_mb = [answer.memory_mb for answer in answers.values() if answer.memory_mb is not None]
        return devices[0], slowest_s, max(sizes_mb, default=None), here["onnxruntime"]

    def _choose_workers(self) -> list[str]:
        """Return the addresses of the workers that will take part: with a card, where some announce one."""
        found = self._workers()
        device = self._plan.job.device
        if not found:
            raise DeviceUnavailable(
                f"The Dask scheduler {self._address} has no workers yet. Start some with dask worker {self._address} "
                "--nthreads 1, then run the job again.",
                {"scheduler": self._address},
            )
        with_card = _with_card(found)
        if device == "cuda" and not with_card:
            raise DeviceUnavailable(
                f"The device cuda is asked for, but none of the {len(found)} workers of {self._address} announces a "
                f'graphics card. Start one worker per card with dask worker {self._address} --nthreads 1 --resources '
                '"GPU=1", or choose the device cpu.',
                {"scheduler": self._address, "workers": len(found)},
            )
        if with_card and device != "cpu":
            self._resources = {"GPU": 1}
            self.at_once = len(with_card)
            return with_card
        self.at_once = len(found)
        return list(found)

    def _workers(self) -> dict:
        """Return address -> what the scheduler knows of a worker."""
        return self._patiently(lambda: self._client.scheduler_info(n_workers=-1), _END_S)["workers"]

    def share(self, folder: str) -> None:
        """Check that all workers see the work folder.

        Raises:
            OutputFailed: one does not.
        """
        from .cluster_worker import look_into

        self._folder = os.path.abspath(folder)
        token = f"seen.{uuid.uuid4().hex}"
        path = os.path.join(self._folder, token)
        try:
            with open(path, "x", encoding="utf-8") as file:
                file.write(self._name)
            self._ask(look_into, None, self._folder, token)
            os.remove(path)
        except OSError as error:
            raise OutputFailed(f"The work folder {folder} cannot be written: {error.strerror or error}.") from error

    def _ask(self, function, workers: list | None, *arguments) -> dict:
        """Call a function on workers, beside their tasks; returns address -> answer.

        Raises:
            Semantic3DError: the first complaint, and how many there are.
        """
        answers = self._patiently(
            lambda: self._client.run(function, *arguments, workers=workers, on_error="return"), _ANSWER_S
        )
        faults = {address: answer for address, answer in answers.items() if isinstance(answer, Exception)}
        if not faults:
            return answers
        address, fault = next(iter(sorted(faults.items())))
        others = f" ({len(faults)} of {len(answers)} workers have such a fault.)" if len(answers) > 1 else ""
        if isinstance(fault, Semantic3DError):
            raise type(fault)(fault.message + others, fault.details)
        if isinstance(fault, ImportError):
            raise DeviceUnavailable(
                f"Worker {address} cannot load Semantic3D: {fault}. Install the same release on all workers as on "
                f"this computer, with its extras dask and cpu or gpu.{others}",
                {"worker": address},
            )
        raise DeviceUnavailable(
            f"Worker {address} does not answer as it should: {type(fault).__name__}: {str(fault)[:300]}.{others} Look "
            "at its log.",
            {"worker": address},
        )

    def compute(self, missing: list[Block], work: KeptWork, device: str) -> None:
        """Let the workers compute blocks, and count what is finished.

        Args:
            device: where the workers run the model.
        """
        waiting = deque((block, 1) for block in missing)
        done: queue.SimpleQueue = queue.SimpleQueue()
        total, pixels = self._plan.blocks.count, sum(self._pixels(block) for block in work.records)
        self._control.progress(len(work.records), total, "blocks", megapixels=pixels / 1e6)
        roll = _RollCall(self, self._control)
        while waiting or self._running:
            while waiting and len(self._running) < max(_LEAST_WAITING, 4 * self.at_once):
                self._submit(*waiting.popleft(), done)
            self._control.check_cancelled()
            try:
                future, fetched = done.get(timeout=_LOOK_S)
            except queue.Empty:
                self._check_connected()
                roll.call()
                continue
            roll.answered()
            block, tried = self._running[future]
            record = self._record_of(future, fetched, block, tried)
            del self._running[future]
            future.release()
            if record is None:
                waiting.appendleft((block, tried + 1))
                continue
            if record.device not in ("", device):  # a worker came later, or has lost its card
                self._control.log(
                    f"Block {block.name} was computed on {record.device}, others on {device}: the last digits may be "
                    "others than there.",
                    "warning",
                )
            work.add(record)
            pixels += self._pixels(block)
            self._control.progress(len(work.records), total, "blocks", megapixels=pixels / 1e6)

    def _submit(self, block: Block, tried: int, done: queue.SimpleQueue) -> None:
        future = self._client.submit(
            _by_value("compute_one"), self._name, self._folder, block.row, block.column, pure=False,
            key=f"{self._name}-{block.name}-{tried}", resources=self._resources or None,
        )
        self._running[future] = block, tried
        future.add_done_callback(lambda future: self._fetch(future, done))

    def _fetch(self, future, done: queue.SimpleQueue) -> None:
        """Bring a finished block's record here; one that does not answer holds up no other's.

        (Dask itself has at most five such answers under way at a time.)
        """
        try:
            fetching = self._fetchers.submit(future.result, _ANSWER_S)
        except RuntimeError:  # the job has ended
            return
        fetching.add_done_callback(lambda fetched: done.put((future, fetched)))

    def _record_of(self, future, fetched, block: Block, tried: int) -> BlockRecord | None:
        """Return a block's record; None where it shall be tried again."""
        error = fetched.exception()
        if error is None:
            for text, level in _messages(fetched.result()):
                self._control.log(text, level)
            record = read_record(record_path(self._folder, block), self._plan.layers, self._plan.blocks)
            if record is not None and has_files(self._folder, record):
                return record
            error = OutputFailed(
                f"A worker says that it has finished block {block.name}, but in the work folder {self._folder} it is "
                "not to be found, or not whole. All workers must have the same disk mounted there.",
                {"block": block.name, "folder": self._folder},
            )
            if tried >= _TRIES:
                raise error
            self._control.log(f"Block {block.name} is tried again. {error.message}", "warning")
            return None
        if future.status == "finished" and isinstance(error, (TimeoutError, asyncio.TimeoutError)) and tried < _TRIES:
            self._control.log(
                f"Block {block.name} is tried again: its worker has finished it, and has not answered for "
                f"{_ANSWER_S:g} s.",
                "warning",
            )
            return None
        if future.status != "error":  # it was cancelled, or its record did not come
            raise self._lost() from error
        if isinstance(error, self._distributed.scheduler.KilledWorker):
            raise DeviceUnavailable(
                f"Block {block.name} was given up: {error.allowed_failures + 1} workers ended while they worked on it, "
                f"last {error.last_worker.address}. Most likely their memory ran out: start workers with --nthreads 1 "
                "and more memory, or lower the memory limit or the batch size; their logs say more. Dask's setting "
                "distributed.scheduler.allowed-failures is how many may be lost at one task. Finished blocks are kept.",
                {"block": block.name},
            ) from error
        self._control.check_cancelled()
        if isinstance(error, _FINAL) or not isinstance(error, Semantic3DError) or tried >= _TRIES:
            raise error
        self._control.log(f"Block {block.name} is tried again. {error.message}", "warning")
        return None

    def _pixels(self, block: Block) -> int:
        _, _, width, height = self._plan.blocks.window(block)
        return width * height

    def _check_connected(self) -> None:
        if self._client.status != "running":
            raise self._lost()

    def _lost(self) -> DeviceUnavailable:
        return DeviceUnavailable(
            f"The connection to the Dask scheduler {self._address} was lost, or somebody restarted the cluster. "
            "Finished blocks are kept: run the same job again to continue, with that scheduler or without one.",
            {"scheduler": self._address},
        )

    def _patiently(self, function, most_s: float):
        """Call what blocks in another thread, and look meanwhile whether the job was cancelled."""
        future, ends_s = self._thread.submit(function), time.monotonic() + most_s
        while not wait_for([future], timeout=_LOOK_S).done:
            self._control.check_cancelled()
            if time.monotonic() > ends_s:
                raise DeviceUnavailable(
                    f"The Dask cluster at {self._address} has not answered for {most_s:g} s. Look at the logs of "
                    "scheduler and workers.",
                    {"scheduler": self._address},
                )
        try:
            return future.result()
        except (OSError, asyncio.TimeoutError, self._distributed.CancelledError) as error:
            raise self._lost() from error

    def __exit__(self, kind, error, trace) -> None:
        """Stop what runs, let the workers forget the job, and hang up; bounded, whatever the cluster does."""
        hanging_up = self._thread.submit(self._hang_up)
        finished = wait_for([hanging_up], timeout=_END_S).done
        fault = hanging_up.exception() if finished else f"no answer for {_END_S:g} s"
        if fault is not None:
            self._control.log(
                f"The Dask cluster at {self._address} may not know that the job has ended ({fault}).", "warning"
            )
        self._end_threads()

    def _end_threads(self) -> None:
        for threads in (self._thread, self._fetchers):
            threads.shutdown(wait=False, cancel_futures=True)

    def _hang_up(self) -> None:
        connected = self._client.status == "running"
        try:
            if connected and self._running:
                self._client.cancel(list(self._running))
            if connected and self._registered:
                self._client.unregister_worker_plugin(self._name)  # returns when running blocks have stopped
        finally:
            self._client.close()


    def has_workers(self) -> bool:
        """Whether the scheduler has workers that may take this job's blocks."""
        found = self._workers()
        return bool(_with_card(found) if self._resources else found)

    def lonely(self) -> DeviceUnavailable:
        """Return what to raise when no worker is left."""
        kind = " with a graphics card" if self._resources else ""
        return DeviceUnavailable(
            f"The Dask scheduler {self._address} has had no workers{kind} for {_LONELY_S / 60:g} minutes. Finished "
            "blocks are kept: start workers and run the same job again, or leave the scheduler out to go on here.",
            {"scheduler": self._address},
        )


class _RollCall:
    """Looks from time to time, while no block is finished, whether there are workers at all."""

    def __init__(self, cluster: _Cluster, control: JobControl):
        self._cluster, self._control = cluster, control
        self._next_s, self._alone_s = time.monotonic() + _ROLL_CALL_S, None

    def answered(self) -> None:
        """Note that a worker has done something."""
        self._next_s, self._alone_s = time.monotonic() + _ROLL_CALL_S, None

    def call(self) -> None:
        """Look, if it is time.

        Raises:
            DeviceUnavailable: there has been no worker for long.
        """
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + _ROLL_CALL_S
        if self._cluster.has_workers():
            self._alone_s = None
        elif self._alone_s is None:
            self._alone_s = now_s
            self._control.log(
                "The Dask scheduler has no workers left that could go on. The job waits for new ones, "
                f"{_LONELY_S / 60:g} minutes at most.",
                "warning",
            )
        elif now_s - self._alone_s > _LONELY_S:
            raise self._cluster.lonely()


def _with_card(workers: dict) -> list[str]:
    return [address for address, worker in workers.items() if worker.get("resources", {}).get("GPU", 0) >= 1]


def _messages(answer: object) -> list[tuple[str, str]]:
    """Return what of a worker's answer can be shown: (text, level)."""
    said = answer if isinstance(answer, (tuple, list)) else ()
    pairs = [item for item in said if isinstance(item, (tuple, list)) and len(item) == 2]
    return [(shown_text(text), level if level in LOG_LEVELS else "warning") for text, level in pairs]


def _by_value(name: str):
    """Return a function that calls the one of this name in `cluster_worker`.

    Being a local one, it travels by its code and not by its module's name: the scheduler, which opens tasks, need not
    have this package, and a worker that lacks it can say so.
    """

    def call(*arguments):
        from semantic3d.jobs import cluster_worker

        return getattr(cluster_worker, name)(*arguments)

    return call


def _import_distributed():
    try:
        import distributed
    except ImportError as error:
        raise MissingDependency(
            f"A Dask scheduler is given, but the package distributed does not load here ({error}). In QGIS run \"Set up "
            f'the backend" with PROFILE=full; in a Python of your own install it with "{sys.executable}" -m pip install '
            '"dask[distributed]". Or leave the scheduler out to compute here.',
            {"package": "distributed"},
        ) from error
    return distributed

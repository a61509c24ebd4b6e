"""The blocks of a reconstruct job computed by the workers of a Dask cluster; this process plans and puts together.

Each block is one task that names the job's work folder and the block. Workers write there as the local engine does,
so that a job may change engines whenever it goes on. What they answer is not relied upon: whether a block is there, and
what it says of itself, is read in the folder.
"""

from __future__ import annotations

import asyncio
import os
import queue
import uuid
from collections import deque
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

from ..raster.block_grid import Block, Blocks
from ..raster.source import ReadFailed
from .cluster_answers import Roundings, messages, refusal, rounding
from .cluster_connection import LOOK_S, Connection, daemons
from .cluster_parcel import block_task, parcel, question
from .cluster_roll_call import RollCall, with_card
from .image_identity import ImageFiles
from .preflight import Preflight, check_disk, duration_text
from .reconstruct_blocks import tile_count
from .reconstruct_plan import Plan, provenance_tags
from .reconstruct_work import KeptWork
from .tile_progress import TileProgress, TilesOnWorkers
from .work_folder import BlockRecord, has_files, read_record, record_path

_RECORD_S = 900.0  # for a finished block's answer
_FETCHERS = 16
_TRIES = 3
_PAUSE_SHARE = 0.8  # Dask's default of distributed.worker.memory.pause
_FINAL = (InvalidInput, InvalidModel, InvalidParameter, MissingDependency)  # no second try helps, but with ReadFailed


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
    control.log(f"Connecting to the Dask scheduler {plan.job.scheduler}.")
    with _Cluster(plan, control) as cluster:
        device, seconds_per_tile, memory_mb, version = cluster.prepare()
        tags = provenance_tags(plan, _Model(device, version))
        work.take(plan, files.fingerprint(source), tags)
        cluster.share(work.path)
        disk_mb = check_disk(plan, control, work.path, len(work.records))
        missing = [block for block in plan.blocks.all() if block not in work.records]
        tiles = {block: tile_count(plan, Blocks(*block, 1, 1)) for block in missing}
        total = sum(tiles.values())
        at_once = max(1, min(cluster.at_once, len(missing)))
        found = Preflight(total, total * seconds_per_tile / at_once, memory_mb, disk_mb)
        memory = "" if memory_mb is None else f", up to about {memory_mb} MB of main memory for each"
        control.log(
            f"To do: {len(missing)} blocks, {total} tiles of {plan.package.tile_size_px} pixels, about "
            f"{duration_text(found.expected_s)} on {cluster.at_once} workers ({device}){memory}, up to {disk_mb} MB of "
            "disk."
        )
        cluster.compute(tiles, work, device)
    return tags, found


class _Cluster:
    """The connection, and this job's plugin on all workers; both go at the end."""

    def __init__(self, plan: Plan, control: JobControl):
        self._plan, self._control = plan, control
        self._connection = Connection(plan.job.scheduler, control)
        self._client = self._connection.client
        self._name = self._client.id  # of this connection: a job's id may serve for many scenes
        self._roundings = Roundings(control)
        self._fetchers = daemons(_FETCHERS, "semantic3d-records")
        self._registered, self._listening, self._folder = False, False, ""
        self._chosen: list[str] = []
        self._limits: dict = {}
        self._resources: dict = {}
        self._running: dict = {}  # future -> block, how often it was tried, the workers that it may run on
        self._submitted = 0
        self.at_once = 0

    def __enter__(self) -> _Cluster:
        return self

    def __exit__(self, kind, error, trace) -> None:
        """Stop what runs, let the workers forget the job, and hang up."""
        self._connection.close(self._end_job)
        self._fetchers.shutdown(wait=False)

    def _end_job(self) -> None:
        if self._listening:  # else the scheduler tells a client that is gone that it is gone, and logs that in full
            self._client.unsubscribe_topic(self._name)
        if self._running:
            self._client.cancel(list(self._running))
        if self._registered:
            self._client.unregister_worker_plugin(self._name)  # returns when running blocks have stopped

    def prepare(self) -> tuple[str, float, int | None, str]:
        """Send the plugin and ask every worker whether it can do the job.

        Returns:
            The device, seconds per tile of the slowest, MB of the largest, the version of onnxruntime.

        Raises:
            Semantic3DError: some worker cannot; the message names it, and how many more.
        """
        from .cluster_worker import look_over, parcel_content, versions

        self._connection.forget_plugins_left_behind()
        self._chosen = workers = self._choose_workers()
        self._control.log(f"Loading the model on {len(workers)} workers.")
        here = versions()
        self._connection.ask(question("versions"), workers)  # tells which of them lack the package
        self._registered = True
        self._connection.register(parcel(self._name, parcel_content(self._plan, here)))
        answers = self._connection.ask(look_over, workers, self._name)
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
        self._roundings.compare({address: answer.rounding for address, answer in answers.items()})
        slowest_s = max(answer.seconds_per_tile for answer in answers.values())
        self._check_limits({address: answer.memory_mb or 0 for address, answer in answers.items()})
        sizes_mb = [answer.memory_mb for answer in answers.values() if answer.memory_mb is not None]
        return devices[0], slowest_s, max(sizes_mb, default=None), here["onnxruntime"]

    def _check_limits(self, sizes_mb: dict[str, int]) -> None:
        """Warn where workers may need more memory (address -> MB) than Dask lets them have: it would pause them."""
        limits = {address: self._limits.get(address) or 0 for address in sizes_mb}  # bytes; 0 is none
        tight = [address for address in sizes_mb if 0 < _PAUSE_SHARE * limits[address] < sizes_mb[address] * 1e6]
        if tight:
            first, limit_mb = tight[0], int(limits[tight[0]] / 1e6)
            self._control.log(
                f"{len(tight)} of {len(sizes_mb)} workers may need more memory than their limit, such as {first}: up "
                f"to about {sizes_mb[first]} MB of {limit_mb} MB, and Dask pauses a worker at "
                f"{_PAUSE_SHARE:.0%} of its limit. Start it with dask worker --memory-limit "
                f"{int(sizes_mb[first] / _PAUSE_SHARE) + 1}MB or more, or lower the job's memory limit or batch size.",
                "warning",
            )

    def _choose_workers(self) -> list[str]:
        """Return the addresses of the workers that will take part: with a card, where some announce one."""
        found = self._connection.workers()
        self._limits = {name: worker.get("memory_limit") for name, worker in found.items()}
        device, address = self._plan.job.device, self._connection.address
        if not found:
            raise DeviceUnavailable(
                f"The Dask scheduler {address} has no workers yet. Start some with dask worker {address} "
                "--nthreads 1, then run the job again.",
                {"scheduler": address},
            )
        have_card = with_card(found)
        if device == "cuda" and not have_card:
            raise DeviceUnavailable(
                f"The device cuda is asked for, but none of the {len(found)} workers of {address} announces a "
                f'graphics card. Start one worker per card with dask worker {address} --nthreads 1 --resources '
                '"GPU=1", or choose the device cpu.',
                {"scheduler": address, "workers": len(found)},
            )
        if have_card and device != "cpu":
            self._resources = {"GPU": 1}
            self.at_once = len(have_card)
            return have_card
        self.at_once = len(found)
        return list(found)

    def share(self, folder: str) -> None:
        """Check that the workers see the work folder.

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
            self._connection.ask(look_into, self._chosen, self._folder, token)
            os.remove(path)
        except OSError as error:
            raise OutputFailed(f"The work folder {folder} cannot be written: {error.strerror or error}.") from error

    def compute(self, missing: dict[Block, int], work: KeptWork, device: str) -> None:
        """Let the workers compute blocks, and count what is finished.

        Args:
            missing: the blocks to compute, and how many tiles each takes.
            device: where the workers run the model.
        """
        waiting, tiles = deque((block, 1) for block in missing), TilesOnWorkers(missing)
        done: queue.SimpleQueue = queue.SimpleQueue()
        progress = TileProgress(self._plan, tiles.total, len(work.records), self._control)
        self._client.subscribe_topic(self._name, tiles.hear)  # the scheduler forgets a client's own topic after it
        self._listening = True
        roll = RollCall(self._connection, bool(self._resources), self._control)
        while waiting or self._running:
            self._submit_some(waiting, roll, done)
            progress.on_tiles(tiles.count(), tiles.total)
            try:
                future, fetched = done.get(timeout=LOOK_S)
            except queue.Empty:
                self._connection.check_alive()
                if roll.call():
                    waiting.extendleft(self._take_back(roll))
                continue
            if future not in self._running:  # it was taken back
                continue
            block, tried, _ = self._running[future]
            refused = None if fetched.exception() else refusal(fetched.result())
            record = None if refused else self._record_of(future, fetched, block, tried)
            del self._running[future]
            future.release()
            if refused:
                roll.refused(*refused)
                waiting.appendleft((block, tried))
                continue
            roll.answered()
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
            tiles.finished(block)
        progress.on_tiles(tiles.count(), tiles.total)

    def _submit_some(self, waiting: deque, roll: RollCall, done: queue.SimpleQueue) -> None:
        """Hand blocks over to Dask, where there are workers that may have them."""
        named = roll.named()
        while waiting and named != [] and len(self._running) < roll.most_waiting():
            self._submit(*waiting.popleft(), named, done)

    def _take_back(self, roll: RollCall) -> list[tuple[Block, int]]:
        """Return the blocks that wait for workers which are gone, and how often they were tried."""
        stranded = [future for future, (*_, named) in self._running.items() if roll.is_stranded(named)]
        blocks = [self._running.pop(future)[:2] for future in stranded]
        self._client.cancel(stranded)
        return blocks

    def _submit(self, block: Block, tried: int, named: list[str] | None, done: queue.SimpleQueue) -> None:
        self._submitted += 1
        future = self._client.submit(
            block_task(), self._name, self._folder, block.row, block.column, pure=False,
            key=f"{self._name}-{block.name}-{self._submitted}", resources=self._resources or None, workers=named,
        )
        self._running[future] = block, tried, named
        future.add_done_callback(lambda future: self._fetch(future, done))

    def _fetch(self, future, done: queue.SimpleQueue) -> None:
        """Bring a finished block's record here; one that does not answer holds up no other's.

        (Dask itself has at most five such answers under way at a time.)
        """
        try:
            fetching = self._fetchers.submit(future.result, _RECORD_S)
        except RuntimeError:  # the job has ended
            return
        fetching.add_done_callback(lambda fetched: done.put((future, fetched)))

    def _record_of(self, future, fetched, block: Block, tried: int) -> BlockRecord | None:
        """Return a block's record; None where it shall be tried again."""
        error = fetched.exception()
        if error is None:
            for text, level in messages(fetched.result()):
                self._control.log(text, level)
            self._roundings.compare(rounding(fetched.result()))
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
                f"{_RECORD_S:g} s.",
                "warning",
            )
            return None
        if future.status != "error":  # it was cancelled, or its record did not come
            raise self._connection.lost() from error
        if isinstance(error, self._connection.distributed.scheduler.KilledWorker):
            raise DeviceUnavailable(
                f"Block {block.name} was given up: {error.allowed_failures + 1} workers ended while they worked on it, "
                f"last {error.last_worker.address}. Most likely their memory ran out: start workers with --nthreads 1 "
                "and more memory, or lower the memory limit or the batch size; their logs say more. Dask's setting "
                "distributed.scheduler.allowed-failures is how many may be lost at one task. Finished blocks are kept.",
                {"block": block.name},
            ) from error
        self._control.check_cancelled()
        final = isinstance(error, _FINAL) and not isinstance(error, ReadFailed)
        if final or not isinstance(error, Semantic3DError) or tried >= _TRIES:
            raise error
        self._control.log(f"Block {block.name} is tried again. {error.message}", "warning")
        return None

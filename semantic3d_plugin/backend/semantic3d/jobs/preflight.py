"""What a reconstruct job will take, said before the work; what cannot fit is refused."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np

from s3d_protocol import InvalidParameter, JobControl, OutOfMemory

from ..inference.session import InferenceSession
from ..raster.block_grid import Blocks
from ..raster.writer import check_room
from ..inference.main_memory import free_memory_mb, free_swap_mb, peak_memory_mb
from .reconstruct_blocks import MOST_COLUMNS
from .reconstruct_plan import Plan, buffer_mb, paths_aside

_MB = 1_000_000
_FEW_BATCHES = 3
_BATCH_MARGIN = 1.4
_MANY_TILES = 300  # a second round costs a small job a thirtieth of its time


@dataclass(frozen=True)
class Preflight:
    """What is still to be done.

    Attributes:
        tiles: to compute.
        expected_s: for all of them, from one that was timed; None where they are too few to time one besides.
        memory_mb: of main memory at the peak; None where the system does not tell.
        disk_mb: while the work lasts: blocks, outputs and temporary files.
    """

    tiles: int
    expected_s: float | None
    memory_mb: int | None
    disk_mb: int

    def to_dict(self) -> dict:
        return asdict(self)


def check_memory(plan: Plan) -> None:
    """Check that the memory limit lets the job run at all.

    Raises:
        InvalidParameter: it does not.
    """
    job, package = plan.job, plan.package
    least_mb = plan.buffers.least_mb(plan.columns)
    if least_mb > buffer_mb(job):
        needed_mb = int(least_mb * job.max_memory_mb / buffer_mb(job)) + 1
        raise InvalidParameter(
            f"The memory limit is {job.max_memory_mb} MB, and tiles of {package.tile_size_px} pixels in batches of "
            f"{job.batch_size} need at least {needed_mb} MB. Raise the limit, or lower the batch size.",
            {"max_memory_mb": job.max_memory_mb, "needed_mb": needed_mb},
        )


def check_disk(plan: Plan, control: JobControl, work_folder: str = "", kept_blocks: int = 0) -> int:
    """Check that blocks and outputs fit on their disks.

    Args:
        work_folder: of the job; empty before it is known, it lies beside the first output.
        kept_blocks: that are there already.

    Returns:
        The MB needed in all.

    Raises:
        OutputFailed: a disk has too little room.
    """
    sizes = plan.layer_bytes()
    place = work_folder or next(iter(plan.job.outputs().values()))
    missing = 1.0 - kept_blocks / plan.blocks.count
    beside = os.path.join(place, "blocks") if work_folder else place + ".blocks"
    needed = {beside: sum(sizes.values()) * missing + max(sizes.values()) / 3}  # overviews of one layer at a time
    if missing and not plan.job.scheduler:  # workers have temporary folders of their own
        width_px = min(plan.window[2], MOST_COLUMNS * plan.block_px) * plan.columns.to_model.scale
        needed[beside] += plan.buffers.temporary_mb(plan.columns, int(width_px)) * _MB
    for name, path in paths_aside(plan.job, plan.package, control.job_id).items():
        needed[path] = sizes[name]
    check_room(needed, factor=1.0)
    return int(sum(needed.values()) / _MB)


def look_ahead(
    plan: Plan, session: InferenceSession, parts: list[Blocks], tiles: int, disk_mb: int, control: JobControl
) -> Preflight:
    """Time a tile and say what is to be done.

    Args:
        parts: rectangles of blocks still to compute; tiles: of all of them.

    Raises:
        OutOfMemory: the machine has too little left.
    """
    width_px = max((plan.blocks.window(part)[2] for part in parts), default=0)
    if tiles > session.lanes:
        settle_lanes(plan, session)
    few = _FEW_BATCHES * plan.job.batch_size * session.lanes
    rounds = 2 if tiles > _MANY_TILES else 1
    expected_s = tiles * seconds_per_tile(plan, session, rounds) if tiles > few else None
    process_mb, more_mb = peak_memory_mb(), pixels_mb(plan, session, width_px)
    memory_mb = None if process_mb is None else process_mb + more_mb
    found = Preflight(tiles, expected_s, memory_mb, disk_mb)
    duration = "" if expected_s is None else f", about {duration_text(expected_s)}"
    memory = "" if memory_mb is None else f", about {memory_mb} MB of main memory"
    control.log(
        f"To do: {tiles} tiles of {plan.package.tile_size_px} pixels on {session.device}{duration}"
        f"{memory}, up to {disk_mb} MB of disk."
    )
    limit_mb = plan.job.max_memory_mb
    _check_free_memory(more_mb, limit_mb)
    if memory_mb is not None and memory_mb > limit_mb:
        control.log(
            f"The memory limit of {limit_mb} MB will be exceeded: Python, the model and its runtime take "
            f"{process_mb} MB, and the pixels, which the limit bounds, up to {more_mb} MB besides.",
            "warning",
        )
    return found


def pixels_mb(plan: Plan, session: InferenceSession, width_px: int) -> int:
    """Return the MB that the work takes besides the process with its model.

    Args:
        width_px: of what is computed in one walk, image pixels.
    """
    model_width_px = int(width_px * plan.columns.to_model.scale) + 1
    return int(plan.buffers.expected_mb(model_width_px, session.lanes) + plan.cache_bytes / _MB)


def _check_free_memory(more_mb: int, max_memory_mb: int) -> None:
    """Check that the machine has what the job takes beside the model, which is loaded already."""
    free_mb = free_memory_mb()
    if free_mb is not None and more_mb > free_mb + free_swap_mb():
        raise OutOfMemory(
            f"The job takes about {more_mb} MB of main memory beside the model, and {free_mb} MB are free. Close other "
            f"programs, or lower the memory limit, which is {max_memory_mb} MB.",
            {"needed_mb": more_mb, "free_mb": free_mb},
        )


def settle_lanes(plan: Plan, session: InferenceSession, lane_mb: float | None = None) -> float | None:
    """See what a run takes, and bound the runs side by side by the memory limit and by half of what is free.

    Args:
        lane_mb: what a run was seen to take before; a peak is seen once in a process.

    Returns:
        What a run takes; None where the system does not tell.

    Raises:
        OutOfMemory: a batch takes more than the machine has left.
    """
    before_mb = peak_memory_mb()
    if before_mb is None:
        return lane_mb
    if lane_mb is None and plan.job.batch_size > 1 and session.fixed_batch is None:
        _check_batch(plan, session, before_mb)
    if session.lanes == 1:
        return lane_mb
    if lane_mb is None:
        session.run(_blank(plan), tuple(plan.roles))
        lane_mb = peak_memory_mb() - before_mb
    session.limit_lanes(lane_mb, plan.job.max_memory_mb)
    return lane_mb


def _check_batch(plan: Plan, session: InferenceSession, before_mb: int) -> None:
    """See what one tile takes, before a whole batch is tried: a machine that runs out of memory may kill us untold."""
    session.run(_blank(plan)[:1], tuple(plan.roles))
    seen_mb = peak_memory_mb() - before_mb  # less than it takes where loading the model took more for a moment
    needed_mb = int(_BATCH_MARGIN * seen_mb * (plan.job.batch_size - 1))
    free_mb = free_memory_mb()
    if free_mb is not None and needed_mb > free_mb + free_swap_mb():
        raise OutOfMemory(
            f"A batch of {plan.job.batch_size} tiles takes about {needed_mb} MB of main memory more than one tile, and "
            f"{free_mb} MB are free. Lower the batch size, or close other programs.",
            {"needed_mb": needed_mb, "free_mb": free_mb, "batch_size": plan.job.batch_size},
        )


def _blank(plan: Plan) -> np.ndarray:
    size = plan.package.tile_size_px
    return np.zeros((plan.job.batch_size, 3, size, size), np.float32)


def seconds_per_tile(plan: Plan, session: InferenceSession, rounds: int) -> float:
    """Time a batch in each lane, all at once; of several rounds the last counts, for the first is slower."""
    batch = plan.job.batch_size
    images, seconds = _blank(plan), 0.0
    with ThreadPoolExecutor(session.lanes) as pool:
        for _ in range(rounds):
            started_s = time.perf_counter()
            for run in [pool.submit(session.run, images, tuple(plan.roles)) for _ in range(session.lanes)]:
                run.result()
            seconds = time.perf_counter() - started_s
    return seconds / (batch * session.lanes)


def duration_text(seconds: float) -> str:
    """Return a duration in words."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"

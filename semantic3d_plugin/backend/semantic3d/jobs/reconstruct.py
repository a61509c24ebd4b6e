"""The reconstruct job: heights, their uncertainty and land cover from one aerial image.

Everything that can be wrong with the job is looked for before the model loads. Results become blocks, each recorded
when it is finished; the same job run again continues with those that are there. At the end the outputs are put
together from the blocks, aside, and moved to their places together.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Callable

import rasterio

from s3d_protocol import JobControl, OutOfMemory, ReconstructJob, partial_path

from ..inference.heap import give_freed_memory_back
from ..inference.session import InferenceSession, worker_threads
from ..models.package import load_package
from ..raster.mosaic import write_from_blocks
from ..raster.source import ImageSource
from ..raster.writer import RasterSpec
from .image_identity import ImageFiles
from .layers import layer_specs
from .mosaic_job import as_one_image
from .preflight import Preflight, check_disk, check_memory, look_ahead
from .reconstruct_blocks import compute_region, regions, tile_count
from .reconstruct_cluster import compute_on_cluster
from .reconstruct_finish import Totals, write_report_aside, write_style
from .reconstruct_plan import (
    LEAST_CACHE_BYTES,
    Plan,
    check_model_serves,
    make_plan,
    normalisation_text,
    paths_aside,
    provenance_tags,
    without_what_the_model_lacks,
)
from .reconstruct_work import KeptWork, Watched, has_kept_work
from .side_by_side import side_by_side
from .style_sidecar import write_style_aside
from .tile_progress import TileProgress
from .whole_outputs import check_output_paths, whole_outputs
from .work_folder import whole_block_path

_LAYERS_AT_ONCE = 2  # most of a layer's assembly is one thread's work


def run(job: ReconstructJob, control: JobControl) -> dict:
    """Do the job.

    Returns:
        mean_height_m (None without a height), megapixels, seconds, device ("cpu, cuda" where a card was lost in the
        midst), gsd_m, warnings, image_path (of the mosaic where the job has many images), outputs, normalisation,
        and in `preflight` what was expected: tiles, expected_s, memory_mb, disk_mb.

    Raises:
        Semantic3DError: InvalidParameter, InvalidInput, InvalidModel, OutputFailed and OutOfMemory before or
            during the work, Cancelled; no output is left then, but finished blocks may be, to continue with.
    """
    started_s = time.monotonic()
    job.check()
    check_output_paths(job, {job.image_path: "the image itself"})
    with as_one_image(job, control) as one:
        values = _run_on_one_image(one, control)
    values["seconds"] = time.monotonic() - started_s
    return values


def _run_on_one_image(job: ReconstructJob, control: JobControl) -> dict:
    give_freed_memory_back()
    package = load_package(job.model_path)
    job = without_what_the_model_lacks(job, package, control)
    check_model_serves(job, package)
    try:
        with KeptWork(control) as work, whole_outputs(job, control), rasterio.Env(GDAL_CACHEMAX=LEAST_CACHE_BYTES):
            files = ImageFiles(job.image_path)
            _tell_of_far_files(files, control)
            with files.explaining(), ImageSource(job.image_path, job.bands) as source:
                plan = make_plan(job, package, source, control)
                check_memory(plan)
                if not has_kept_work(next(iter(job.outputs().values()))):
                    check_disk(plan, control)
                with rasterio.Env(GDAL_CACHEMAX=plan.cache_bytes):
                    return _compute(plan, source, files, work, control)
    except MemoryError as error:
        raise OutOfMemory(
            f"Main memory ran out; the job was allowed {job.max_memory_mb} MB. Lower the memory limit or the batch "
            "size, or close other programs."
        ) from error


def _tell_of_far_files(files: ImageFiles, control: JobControl) -> None:
    if files.far:
        more = f" and {len(files.far) - 1} more" if files.far[1:] else ""
        control.log(
            f"{files.far[0]}{more} cannot be watched as a file of a disk is. See to it that nothing changes there "
            "until the job is done, also where it is interrupted and run again."
        )


def _compute(plan: Plan, source: ImageSource, files: ImageFiles, work: KeptWork, control: JobControl) -> dict:
    """Compute the blocks that are missing and write all outputs aside; returns the job's values but the time."""
    compute = compute_on_cluster if plan.job.scheduler else _compute_here
    tags, expected = compute(plan, source, files, work, control)
    files.check_unchanged()
    totals = Totals.of(work.records.values())
    device = totals.device or tags["SEMANTIC3D_DEVICE"]  # planned was one; a card may have failed in the midst
    tags = {**tags, "SEMANTIC3D_DEVICE": device}
    _write_outputs(plan, source, work, tags, totals, control)
    return {
        "mean_height_m": totals.mean_height_m,
        "megapixels": plan.grid.megapixels,
        "seconds": 0.0,
        "device": device,
        "gsd_m": plan.size.gsd_m,
        "warnings": list(plan.warnings),
        "image_path": plan.job.image_path,
        "outputs": dict(plan.job.outputs()),
        "normalisation": normalisation_text(plan.normalisation),
        "preflight": expected.to_dict(),
    }


def _compute_here(
    plan: Plan, source: ImageSource, files: ImageFiles, work: KeptWork, control: JobControl
) -> tuple[dict, Preflight]:
    """Compute the missing blocks in this process; returns tags of provenance, what was expected."""
    job, package = plan.job, plan.package
    control.check_cancelled()
    control.log(f"Loading the model {package.name} {package.version}.".replace(" .", "."))
    session = InferenceSession(package, job.device, control.log, job.max_memory_mb)
    control.check_cancelled()
    tags = provenance_tags(plan, session)
    work.take(plan, files.fingerprint(source), tags)
    disk_mb = check_disk(plan, control, work.path, len(work.records))  # before all blocks are listed, which takes memory
    parts = regions(plan, [block for block in plan.blocks.all() if block not in work.records])
    tiles = [tile_count(plan, part) for part in parts]
    expected = look_ahead(plan, session, parts, sum(tiles), disk_mb, control)
    progress = TileProgress(plan, sum(tiles), len(work.records), control)
    for part, count in zip(parts, tiles):
        model = Watched(session)
        compute_region(
            plan, model, work.path, part, files, progress.on_tiles, partial(work.finish, model),
            control.check_cancelled, work.path,
        )
        progress.part_is_done(count)
    return tags, expected


def _write_outputs(plan: Plan, source, work: KeptWork, tags: dict, totals: Totals, control: JobControl) -> None:
    """Put the outputs together from the blocks, aside."""
    job, package = plan.job, plan.package
    paths = paths_aside(job, package, control.job_id)
    threads = worker_threads()
    at_once = min(_LAYERS_AT_ONCE, threads)
    layer_threads = threads if threads <= 2 else threads // at_once  # of two, each has pauses that the other fills

    def write(name: str, spec: RasterSpec, check: Callable[[], None]) -> None:
        control.log(f"Writing {name.replace('_', ' ')}.")
        records = sorted(work.records.items())
        blocks = {block: whole_block_path(work.path, name, record, check) for block, record in records}
        virtual = f"{work.path}/{name}.vrt"
        with rasterio.Env(GDAL_CACHEMAX=plan.cache_bytes):
            write_from_blocks(paths[name], plan.grid, spec, plan.blocks, blocks, virtual, layer_threads, check)
        if job.outputs().get(name):
            write_style_aside(job.outputs()[name], control, partial(write_style, name, package))

    specs = layer_specs(list(paths), package, tags)
    largest_first = sorted(specs, key=lambda name: -specs[name].bytes_per_pixel())
    side_by_side(
        [partial(write, name, specs[name]) for name in largest_first],
        at_once,
        control.check_cancelled,
    )
    if job.report_path:
        control.log("Writing the report.")
        write_report_aside(plan, source, totals, tags, paths, partial_path(job.report_path, control.job_id))

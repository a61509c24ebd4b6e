"""Studies of whole runs: against the arithmetic, against a peer, against the raster's size."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Iterator

from s3d_protocol import ReconstructJob
from semantic3d.inference.session import worker_threads
from semantic3d.models.package import load_package
from semantic3d.raster.tiling import Axis

from .machine import Finished, in_rounds, ratio_text, run_process

OVERLAP_PX = ReconstructJob(image_path="").overlap_px
CLOCKS = {"wall": "Wall time", "cpu": "Processor time (user and system, all threads)"}
FLOOR_TARGET, PEER_TIME_TARGET, PEER_MEMORY_TARGET = 1.10, 2.0, 4.0


@contextmanager
def raster(size_px: int) -> Iterator[tuple[Path, Path]]:
    """Give (image, folder) of a size x size raster, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.tif"
        run_process(["-m", "speed.write_raster", image, size_px], Path(folder))
        yield image, Path(folder)


def tile_count(size_px: int, tile_px: int) -> int:
    """Return how many tiles Reconstruct computes for a square raster on the model's own GSD."""
    return Axis(size_px, tile_px, OVERLAP_PX).count ** 2


def reconstruct(image: Path, folder: Path, model: str, height_only: bool = False, scheduler: str = "") -> Finished:
    """Run the command line with default parameters, height, sigma and land cover or the height alone."""
    arguments = ["-m", "semantic3d.cli", "reconstruct", image, "--quiet", "--json", "--height", folder / "height.tif"]
    if not height_only:
        arguments += ["--sigma", folder / "sigma.tif", "--land-cover", folder / "cover.tif"]
    arguments += [*(["--model", model] if model else []), *(["--scheduler", scheduler] if scheduler else [])]
    return run_process(arguments, folder)


def floor_study(sizes: list[int], rounds: int, model: str, clock: str) -> list[str]:
    """Compare a whole run with onnxruntime alone over as many tiles.

    Args:
        clock: wall, or cpu where other work keeps the machine busy; then best on one core, where nothing waits.
    """
    lines = [
        f"{CLOCKS[clock]} of the whole process (interpreter, model, reading, blending, writing, "
        "assembling COGs) against "
        "what onnxruntime alone takes for as many tiles, with as many threads, batch 1 and all outputs, "
        "its own start not counted: as it is by default, all threads on one tile after the other, and with a tile for "
        "each thread, which is what Reconstruct does. Rounds interleaved; medians, the range of the rounds beside. "
        f"Target: at most {FLOOR_TARGET:.2f} of the default.", "",
        "| raster | tiles | rounds | onnxruntime alone, s | a tile for each thread, s | end to end, s | ratio | "
        "to a tile for each thread |", "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for size_px in sizes:
        tiles = tile_count(size_px, load_package(model).tile_size_px)
        with raster(size_px) as (image, folder):

            def floor(lanes: int) -> float:
                spent = run_process(["-m", "speed.tiles_loop", image, model, tiles, lanes], folder).output.split()
                return float(spent[list(CLOCKS).index(clock)])

            def ours() -> float:
                run = reconstruct(image, folder, model)
                return run.seconds if clock == "wall" else run.cpu_seconds

            contestants = {"floor": partial(floor, 1), "ours": ours, "lanes": partial(floor, worker_threads())}
            values = in_rounds(contestants, rounds)
        lines.append(
            f"| {size_px} x {size_px} | {tiles} | {rounds} | {median(values['floor']):.1f} | "
            f"{median(values['lanes']):.1f} | {median(values['ours']):.1f} | "
            f"{ratio_text(values['ours'], values['floor'])} | {ratio_text(values['ours'], values['lanes'])} |"
        )
        print(lines[-1], flush=True)
    return lines


def peer_study(sizes: list[int], rounds: int, model: str, cases: tuple = ("all", "height")) -> list[str]:
    """Compare with the peer's loop, each in a process of its own."""
    lines = [
        "The peer is the loop of Deepness's Regressor as its published source has it (`scripts/speed/peer_loop.py` "
        "says what is modelled and what is kinder), on the same ONNX file, raster and overlap "
        f"({OVERLAP_PX} pixels). It runs the same number of tiles. \"all\": ours writes height, sigma (four bands) "
        "and land cover; the peer writes the first channel of each of the five outputs, as Deepness does. "
        "\"height\": both write the height alone. The array's type is what the peer holds results in: uint8 as "
        "published, which cuts heights to whole metres, or float32, which a height needs. Targets: "
        f"{PEER_TIME_TARGET:.0f} x faster, {PEER_MEMORY_TARGET:.0f} x less memory.", "",
        "| raster | outputs | peer's array | rounds | peer, s | ours, s | times faster | peer, MB | ours, MB | "
        "times less memory |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for size_px in sizes:
        with raster(size_px) as (image, folder):
            for case in cases:
                lines += _peer_case(image, folder, model, case, rounds, f"{size_px} x {size_px}")
    return lines


def _peer_case(image: Path, folder: Path, model: str, case: str, rounds: int, raster_text: str) -> list[str]:
    outputs, _, only = case.partition(":")
    types = (only,) if only else ("float32", "uint8")
    peaks: dict[str, list[float]] = {}

    def noted(name: str, run: Finished) -> float:
        peaks.setdefault(name, []).append(run.peak_mb)
        return run.seconds

    def peer(dtype: str) -> float:
        arguments = ["-m", "speed.peer_loop", image, model, OVERLAP_PX, folder, outputs, dtype]
        return noted(dtype, run_process(arguments, folder))

    contestants = {"ours": lambda: noted("ours", reconstruct(image, folder, model, outputs == "height"))}
    contestants |= {dtype: (lambda dtype=dtype: peer(dtype)) for dtype in types}
    seconds = in_rounds(contestants, rounds)
    lines = []
    for dtype in types:
        lines.append(
            f"| {raster_text} | {outputs} | {dtype} | {rounds} | {median(seconds[dtype]):.1f} | "
            f"{median(seconds['ours']):.1f} | {ratio_text(seconds[dtype], seconds['ours'])} | "
            f"{median(peaks[dtype]):.0f} | {median(peaks['ours']):.0f} | "
            f"{ratio_text(peaks[dtype], peaks['ours'])} |"
        )
        print(lines[-1], flush=True)
    return lines


def processes_study(sizes: list[int], rounds: int, model: str) -> list[str]:
    """Compare one process that has all threads with a process for each processor."""
    from distributed import LocalCluster  # the light environment has no Dask

    cores = sorted(os.sched_getaffinity(0))
    lines = [
        "Height, sigma and land cover with default parameters, by the local engine (one process, a tile for each "
        f"thread) and by a Dask cluster of {len(cores)} processes on this machine, each bound to a processor of its own "
        "and started before. Wall time of the command line; rounds interleaved.", "",
        "| raster | rounds | one process, s | a process for each processor, s | ratio |", "|---|---|---|---|---|",
    ]  # fmt: skip
    with LocalCluster(
        n_workers=len(cores), threads_per_worker=1, processes=True, memory_limit=0, dashboard_address=":0"
    ) as cluster, cluster.get_client() as client:
        for core, worker in zip(cores, client.scheduler_info()["workers"]):
            client.run(os.sched_setaffinity, 0, {core}, workers=[worker])
        for size_px in sizes:
            with raster(size_px) as (image, folder):

                def seconds(scheduler: str) -> float:
                    return reconstruct(image, folder, model, scheduler=scheduler).seconds

                contestants = {"one": "", "many": cluster.scheduler_address}
                values = in_rounds({name: partial(seconds, at) for name, at in contestants.items()}, rounds)
            lines.append(
                f"| {size_px} x {size_px} | {rounds} | {median(values['one']):.1f} | {median(values['many']):.1f} | "
                f"{ratio_text(values['many'], values['one'])} |"
            )
            print(lines[-1], flush=True)
    return lines


def scale_study(sizes: list[int], rounds: int, model: str) -> list[str]:
    """Seconds per megapixel and peak memory against the raster's size."""
    lines = [
        "Height, sigma and land cover with default parameters, each size a raster and a process of its own. Target: "
        "seconds per megapixel within 5 %, peak memory within 10 %.", "",
        "| raster | megapixels | rounds | seconds | said before, s | seconds per megapixel | against the first | "
        "peak memory, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    first = 0.0
    for size_px in sizes:
        with raster(size_px) as (image, folder):
            runs = [reconstruct(image, folder, model) for _ in range(rounds)]
        megapixels, seconds = size_px**2 / 1e6, median(run.seconds for run in runs)
        said = [json.loads(run.output)["preflight"]["expected_s"] for run in runs]
        first = first or seconds / megapixels
        lines.append(
            f"| {size_px} x {size_px} | {megapixels:.3g} | {rounds} | {seconds:.0f} | "
            f"{median(said):.0f} | {seconds / megapixels:.2f} | "
            f"{seconds / megapixels / first:.2f} | {max(run.peak_mb for run in runs):.0f} |"
        )
        print(lines[-1], flush=True)
    return lines

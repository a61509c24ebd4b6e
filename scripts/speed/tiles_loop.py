"""The floor: nothing but onnxruntime over as many tiles as a raster has, in a process of its own.

    python -m speed.tiles_loop IMAGE MODEL TILES LANES

Prints the seconds and the processor seconds that the runs took. Threads, batch and outputs are those of
Reconstruct, everything else is onnxruntime's default; the tiles are real ones, cut before the clock starts. With
one lane all threads work on one tile after the other, which is the default; with as many lanes as threads each
works on tiles of its own.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import rasterio
from rasterio.windows import Window

from semantic3d.inference.session import worker_threads
from semantic3d.models.package import load_package

from .tiles import normalised

DISTINCT_TILES = 8


def main() -> None:
    image, model, count, lanes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    package = load_package(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = worker_threads() - lanes + 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(package.read_onnx(), options, providers=["CPUExecutionProvider"])
    tiles = _tiles(image, package)
    names = list(package.output_names.values())
    session.run(names, {package.input_name: tiles[0]})
    waiting, started = iter(range(count)), (time.perf_counter(), time.process_time())

    def work(_: int) -> None:
        for number in waiting:
            session.run(names, {package.input_name: tiles[number % len(tiles)]})

    with ThreadPoolExecutor(lanes) as pool:
        list(pool.map(work, range(lanes)))
    print(time.perf_counter() - started[0], time.process_time() - started[1])


def _tiles(image: str, package) -> list[np.ndarray]:
    size = package.tile_size_px
    tiles = []
    with rasterio.open(image) as source:
        for number in range(DISTINCT_TILES):
            left = number * max(0, source.width - size) // DISTINCT_TILES
            pixels = source.read((1, 2, 3), window=Window(left, left, size, size))
            tiles.append(
                normalised(pixels.transpose(1, 2, 0), package.normalisation_mean, package.normalisation_std)
            )
    return tiles


if __name__ == "__main__":
    main()

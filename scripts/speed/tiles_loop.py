"""The floor: nothing but onnxruntime over as many tiles as a raster has, in a process of its own.

    python -m speed.tiles_loop IMAGE MODEL TILES

Prints the seconds and the processor seconds that the runs took. Threads, batch and outputs are those of
Reconstruct, everything else is onnxruntime's default; the tiles are real ones, cut before the clock starts.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import onnxruntime
import rasterio
from rasterio.windows import Window

from semantic3d.inference.session import worker_threads
from semantic3d.models.package import load_package

from .tiles import normalised

DISTINCT_TILES = 8


def main() -> None:
    image, model, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    package = load_package(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = worker_threads()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(package.read_onnx(), options, providers=["CPUExecutionProvider"])
    tiles = _tiles(image, package)
    names = list(package.output_names.values())
    session.run(names, {package.input_name: tiles[0]})
    started = time.perf_counter(), time.process_time()
    for number in range(count):
        session.run(names, {package.input_name: tiles[number % len(tiles)]})
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

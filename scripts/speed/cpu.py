"""The study of the processor: settings, precisions and rewrites of the bundled model, tile by tile in one run."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from statistics import median
from typing import Callable

import numpy as np
import onnx
import onnxruntime
from onnx import helper

try:
    import openvino
except ImportError:  # a runtime to compare with
    openvino = None

from quantise_model import CALIBRATION_TILES, Quantising, quantise, training_tiles
from semantic3d.datasets.labelled import VALIDATION_SETS, read_sample
from semantic3d.inference.session import worker_threads
from semantic3d.models.package import load_package

from .graph import REWRITES, SOFTMAX, SQUARE, TRANSPOSED, folded, rewritten
from .machine import in_rounds, ratio_text
from .tiles import normalised

BASE = "fp32 as shipped"
MAX_CHANGE_CM = 2.0
_STATE = onnxruntime.capi.onnxruntime_pybind11_state
REFUSALS = (_STATE.Fail, _STATE.NotImplemented, _STATE.InvalidGraph, _STATE.InvalidArgument)
LEVELS = {"no": "ORT_DISABLE_ALL", "basic": "ORT_ENABLE_BASIC", "extended": "ORT_ENABLE_EXTENDED"}
INTEGERS = {
    "int8 convolutions, first and heads float": Quantising(),
    "int8 convolutions, all": Quantising(keep_heads=False),
    "int8 convolutions and matrix products": Quantising(("Conv", "MatMul", "Gemm")),
}


class Contestant:
    """One way to run the model."""

    def __init__(self, data: bytes, threads: int, level: str = "ORT_ENABLE_ALL", batch: int = 1, entries=()):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        for key, value in entries:
            options.add_session_config_entry(key, value)
        self.session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        self.batch, self.megabytes = batch, len(data) / 1e6

    def seconds(self, tile: np.ndarray, names: list[str], clock) -> float:
        """Return the seconds per tile of one run, by this clock."""
        images = np.repeat(tile, self.batch, axis=0)
        started = clock()
        self.run(names, images)
        return (clock() - started) / self.batch

    def run(self, names: list[str], images: np.ndarray) -> list[np.ndarray]:
        """Return the named outputs for images [n, 3, h, w]."""
        return self.session.run(names, {"image": images})


class OpenVinoContestant(Contestant):
    """The same file by another runtime."""

    def __init__(self, data: bytes, threads: int, tile_size_px: int):
        self.batch, self.megabytes = 1, len(data) / 1e6
        model = openvino.Core().read_model(data)
        model.reshape([1, 3, tile_size_px, tile_size_px])
        wanted = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        self._request = openvino.compile_model(model, "CPU", wanted).create_infer_request()

    def run(self, names: list[str], images: np.ndarray) -> list[np.ndarray]:
        found = self._request.infer({"image": images})
        return [np.array(found[name]) for name in names]


def contestants(
    data: bytes, calibration: list, integers: dict, threads: int, tile_size_px: int
) -> tuple[dict, dict]:
    """Return the ways to run the model, and why others cannot be run."""
    made = {BASE: Contestant(data, threads)}
    for name, level in LEVELS.items():
        made[f"{name} graph optimisation"] = Contestant(data, threads, level)
    for batch in (2, 4):
        made[f"batch {batch}"] = Contestant(data, threads, batch=batch)
    if threads > 1:
        made["1 thread"] = Contestant(data, 1)
    made["denormals as zero"] = Contestant(data, threads, entries=[("session.set_denormal_as_zero", "1")])
    plain = folded(data)
    for rewrite in (SOFTMAX, TRANSPOSED, SQUARE):
        made[f"rewritten: {rewrite}"] = Contestant(stored(rewritten(plain, (rewrite,))), threads)
    best = stored(rewritten(plain, REWRITES))
    made["rewritten: all of these"] = Contestant(best, threads)
    refused = {}
    if openvino is None:
        refused["OpenVINO"] = "it is not installed (pip install openvino)"
    else:
        made[f"OpenVINO {openvino.__version__.split('-')[0]}"] = OpenVinoContestant(data, threads, tile_size_px)
    for name, low in lower_precisions(plain).items():
        try:
            made[name] = Contestant(low, threads)
        except REFUSALS as error:
            refused[name] = " ".join(str(error).split())[:160]
            continue
    for name, choice in integers.items():
        print("quantising:", name, flush=True)
        integer = quantise(data, calibration, choice)
        made[name] = Contestant(integer, threads)
        both = stored(rewritten(onnx.load_from_string(integer), (SOFTMAX,)))
        made[f"{name}; softmax rewritten"] = Contestant(both, threads)
    return made, refused


def timed(way: Contestant, tiles: list[np.ndarray], names: list[str], clock) -> Callable[[], float]:
    """Return what runs this way on the next of the tiles and gives the seconds per tile."""
    following = itertools.cycle(tiles)
    return lambda: way.seconds(next(following), names, clock)


def stored(model: onnx.ModelProto) -> bytes:
    """Return the file."""
    return model.SerializeToString()


def lower_precisions(model: onnx.ModelProto) -> dict[str, bytes]:
    """Return the model with its convolutions in float16, and in bfloat16."""
    types = {"fp16 convolutions": onnx.TensorProto.FLOAT16, "bf16 convolutions": onnx.TensorProto.BFLOAT16}
    return {name: stored(with_convolutions_in(model, kind)) for name, kind in types.items()}


def with_convolutions_in(model: onnx.ModelProto, kind: int) -> onnx.ModelProto:
    """Return the model with each convolution between casts to a shorter type and back."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.graph.node[:]
    for original in model.graph.node:
        node = result.graph.node.add()
        node.CopyFrom(original)
        if node.op_type != "Conv":
            continue
        result.graph.node.pop()
        names = [f"{node.name}_short_{index}" for index in range(len(node.input))]
        for source, name in zip(original.input, names):
            result.graph.node.append(helper.make_node("Cast", [source], [name], name, to=kind))
        short = f"{original.output[0]}_short"
        del node.input[:], node.output[:]
        node.input.extend(names)
        node.output.append(short)
        result.graph.node.append(node)
        back = helper.make_node("Cast", [short], list(original.output), f"{short}_back", to=onnx.TensorProto.FLOAT)
        result.graph.node.append(back)
    return result


def validation_tiles(data: Path, package) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return normalised tiles and truths [T, T] (NaN: unknown) of the validation columns and what lies beside them."""
    chosen, size = VALIDATION_SETS[0], package.tile_size_px
    folder = data / "labelled" / chosen.name
    file_name = f"{chosen.name}.tif"
    image = read_sample(folder, file_name, type(chosen)(chosen.name), package.gsd_m)
    wide = chosen.columns[1]
    tiles, truths = [], []
    for top in range(0, image.rgb.shape[0] - size + 1, size):
        rgb = image.rgb[top : top + size, :size]
        truth = image.ndsm_m[top : top + size, :size].copy()
        truth[:, wide:] = np.nan
        if np.isfinite(truth).any():
            tiles.append(normalised(rgb, package.normalisation_mean, package.normalisation_std))
            truths.append(truth)
    return tiles, truths


def cpu_study(data: Path, model: str, rounds: int, clock: str, integers: dict = INTEGERS) -> list[str]:
    """Time per tile, change of heights and file size of every way.

    Args:
        clock: wall; or cpu, the processor time of one thread, where other work keeps the machine busy.
    """
    package = load_package(model)
    calibration = training_tiles(
        data, CALIBRATION_TILES // 2, package.tile_size_px, package.gsd_m, package.normalisation_mean,
        package.normalisation_std,
    )  # fmt: skip
    made, refused = contestants(
        package.read_onnx(), calibration, integers, worker_threads() if clock == "wall" else 1, package.tile_size_px
    )
    tiles, truths = validation_tiles(data, package)
    known = [np.isfinite(truth) for truth in truths]
    heights = {name: [_height(way, tile) for tile in tiles] for name, way in made.items()}
    names = list(package.output_names.values())
    timer = time.perf_counter if clock == "wall" else time.process_time
    seconds = in_rounds({name: timed(way, tiles, names, timer) for name, way in made.items()}, rounds)
    lines = [
        f"One tile of {package.tile_size_px} pixels, all ways in turn in one process, {rounds} rounds; "
        f"{'time' if clock == 'wall' else 'processor time of one thread'} per tile "
        "against the shipped model's in the same round: median (smallest to largest). Change: mean distance of the "
        f"heights from fp32's over {sum(int(k.sum()) for k in known)} validation pixels with truth (autzen, columns "
        f"below {VALIDATION_SETS[0].columns[1]}); MAE against truth beside. A way may ship within {MAX_CHANGE_CM:g} "
        "cm and 16 MB (a float32 file is stored with float16 weights: half of what stands here). Integers: static "
        f"QDQ, per channel, calibrated on {len(calibration)} training tiles.", "",
        "| way | time per tile | of fp32's | change, cm | MAE, m | MAE - fp32's, cm | file, MB |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    base = _mean_distance(heights[BASE], truths, known)
    for name, way in made.items():
        change = _mean_distance(heights[name], heights[BASE], known)
        error = _mean_distance(heights[name], truths, known)
        lines.append(
            f"| {name} | {median(seconds[name]):.3f} s | {ratio_text(seconds[name], seconds[BASE])} | "
            f"{100 * change:.2f} | {error:.3f} | "
            f"{100 * (error - base):+.2f} | {way.megabytes:.1f} |"
        )
    lines += [f"| {name} | does not run: {why} | | | | | |" for name, why in refused.items()]
    print("\n".join(lines), flush=True)
    return lines


def _height(way: Contestant, tile: np.ndarray) -> np.ndarray:
    return way.run(["height_m"], tile)[0][0, 0]


def _mean_distance(ones: list, others: list, known: list) -> float:
    pairs = zip(ones, others, known)
    return float(np.concatenate([np.abs(one - other)[where] for one, other, where in pairs]).mean())

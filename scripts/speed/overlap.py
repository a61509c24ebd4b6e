"""The study of overlap: what a smaller stride buys, in error and in agreement of neighbouring tiles."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio

from semantic3d.datasets.labelled import VALIDATION_SETS, read_sample
from semantic3d.inference.session import InferenceSession
from semantic3d.models.package import HEIGHT, ModelPackage, load_package
from semantic3d.raster.tiling import Axis, reflected

from .end_to_end import OVERLAP_PX
from .tiles import normalised

PAPER_STRIDE_PX = 32
STRIDES = (PAPER_STRIDE_PX, 64, 128, 192, 256, 384, 448, 512)
MAX_LOSS = 0.01


class FineAxis(Axis):
    """Tiles at any stride: Reconstruct itself allows no more overlap than seven eighths of a tile."""

    def __post_init__(self):
        assert 0 <= self.overlap_px < self.tile_px


@dataclass(frozen=True)
class TiledHeights:
    """Tiles of one stride over a window of the raster.

    Attributes:
        height_m: blended as the engine blends [H, W].
        disagreement_m: mean distance of the tiles from the blend, weighted as they are blended, over the pixels that
            two tiles or more cover; NaN where tiles do not overlap.
        step_m: how much more neighbouring pixels differ across a tile's border than elsewhere, on average.
        tiles: how many were run.
        seconds: for them.
    """

    height_m: np.ndarray
    disagreement_m: float
    step_m: float
    tiles: int
    seconds: float


def tiled_heights(run, rgb: np.ndarray, stride_px: int, window: tuple, package: ModelPackage) -> TiledHeights:
    """Run the tiles that touch a window, on the lattice of the whole raster.

    Args:
        run: normalised float32 [1, 3, T, T] to heights [T, T].
        rgb: the whole raster, uint8 [H, W, 3], at the model's GSD.
        window: (top, left, height, width).
    """
    size = package.tile_size_px
    rows, columns = (FineAxis(length, size, size - stride_px) for length in rgb.shape[:2])
    top, left, high, wide = window
    placed, borders, seconds = [], (set(), set()), 0.0
    for row in rows.touching(top, top + high):
        for column in columns.touching(left, left + wide):
            first_row, first_column = rows.start(row), columns.start(column)
            pixels = rgb[reflected(first_row, first_row + size, rgb.shape[0])]
            pixels = pixels[:, reflected(first_column, first_column + size, rgb.shape[1])]
            tile = normalised(pixels, package.normalisation_mean, package.normalisation_std)
            started = time.perf_counter()
            heights = run(tile)
            seconds += time.perf_counter() - started
            weights = np.outer(rows.weights(row), columns.weights(column)).astype(np.float32)
            target, part = _common(first_row - top, first_column - left, size, high, wide)
            placed.append((target, weights[part], heights[part]))
            borders[0].update((first_row - top, first_row - top + size))
            borders[1].update((first_column - left, first_column - left + size))
    blend, disagreement = _fused(placed, high, wide)
    return TiledHeights(blend, disagreement, _step(blend, borders), len(placed), seconds)


def _common(row: int, column: int, size: int, high: int, wide: int) -> tuple[tuple, tuple]:
    """Return the slices of a tile in the window, and of the window in the tile."""
    rows = max(0, row), min(high, row + size)
    columns = max(0, column), min(wide, column + size)
    return (slice(*rows), slice(*columns)), (
        slice(rows[0] - row, rows[1] - row), slice(columns[0] - column, columns[1] - column),
    )  # fmt: skip


def _fused(placed: list, high: int, wide: int) -> tuple[np.ndarray, float]:
    """Return the blend [H, W] and the weighted distance of the tiles from it, where two or more meet."""
    blend, count = np.zeros((high, wide)), np.zeros((high, wide), int)
    for target, weights, heights in placed:
        blend[target] += weights * heights
        count[target] += 1
    distance = np.zeros((high, wide))
    for target, weights, heights in placed:
        distance[target] += weights * np.abs(heights - blend[target])
    shared = count > 1
    return blend, float(distance[shared].mean()) if shared.any() else float("nan")


def _step(blend: np.ndarray, borders: tuple[set, set]) -> float:
    """Return how much larger the steps across tiles' borders are than all others, metres."""
    at, off = [], []
    for axis in (0, 1):
        steps = np.abs(np.diff(blend, axis=axis)).mean(axis=1 - axis)
        is_border = np.isin(np.arange(1, blend.shape[axis]), sorted(borders[axis]))
        at.extend(steps[is_border])
        off.extend(steps[~is_border])
    return float(np.mean(at) - np.mean(off)) if at and off else float("nan")


def validation_image(data: Path, package: ModelPackage) -> tuple[str, np.ndarray, np.ndarray]:
    """Name of the largest labelled image, its pixels uint8 [H, W, 3], and truth [H, w] of its validation columns."""
    chosen = VALIDATION_SETS[0]
    folder = data / "labelled" / chosen.name
    with rasterio.open(folder / "rgb" / f"{chosen.name}.tif") as source:
        rgb = source.read((1, 2, 3)).transpose(1, 2, 0)
    return chosen.name, rgb, read_sample(folder, f"{chosen.name}.tif", chosen, package.gsd_m).ndsm_m


def overlap_study(data: Path, model: str, strides: tuple, rows: tuple[int, int], quick_rows: int) -> list[str]:
    """Error and disagreement against stride, on the validation columns of the largest labelled image.

    Args:
        rows: (first, end) rows measured with all strides but the paper's.
        quick_rows: rows, in the middle of them, measured with all; 0 leaves that out.
    """
    package = load_package(model)
    session = InferenceSession(package, "cpu")
    image_name, rgb, truth = validation_image(data, package)

    def run(tile: np.ndarray) -> np.ndarray:
        return session.run(tile, (HEIGHT,))[HEIGHT][0, 0]

    wide = truth.shape[1]
    middle = (rows[0] + rows[1] - quick_rows) // 2
    default = package.tile_size_px - OVERLAP_PX
    lines = [
        f"{image_name}, validation columns (0 to {wide - 1}), {package.gsd_m} m; tiles on the lattice of the whole "
        "image, blended as Reconstruct blends, their context may reach beyond these columns. Disagreement: mean "
        "distance of the tiles' heights from what they are blended to, weighted as they are blended, over pixels "
        "where tiles overlap. Step: how much more neighbouring pixels differ across a tile's border than elsewhere. "
        "Tiles: what one more megapixel of a large raster costs, against the default stride.", "",
    ]  # fmt: skip
    for part, window, some in (
        ("small crop", (middle, 0, quick_rows, wide), strides),
        ("large crop", (rows[0], 0, rows[1] - rows[0], wide), tuple(s for s in strides if s > PAPER_STRIDE_PX)),
    ):
        if window[2] <= 0:
            continue
        found = {}
        for stride in some:
            found[stride] = tiled_heights(run, rgb, stride, window, package)
            print(part, stride, found[stride].tiles, round(found[stride].seconds, 1), flush=True)
        known = truth[window[0] : window[0] + window[2]]
        lines += _table(part, window, found, known, default, package.tile_size_px)
    return lines


def _table(part: str, window: tuple, found: dict, truth: np.ndarray, default: int, size: int) -> list[str]:
    known = np.isfinite(truth)
    mae = {stride: float(np.abs(result.height_m - truth)[known].mean()) for stride, result in found.items()}
    finest = min(mae)
    lines = [
        f"The {part}: rows {window[0]} to {window[0] + window[2] - 1}, {known.sum()} pixels with truth.", "",
        f"| stride, px | overlap, px | tiles here | tiles per area, stride {default} = 1 | MAE, m | "
        f"against stride {finest} | disagreement, m | step, cm |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for stride, result in found.items():
        lines.append(
            f"| {stride} | {size - stride} | {result.tiles} | "
            f"{(default / stride) ** 2:.2f} | {mae[stride]:.3f} | {100 * (mae[stride] / mae[finest] - 1):+.1f} % | "
            f"{_number(result.disagreement_m, '.3f')} | {_number(100 * result.step_m, '.1f')} |"
        )
    cheapest = cheapest_within(mae, MAX_LOSS)
    return [
        *lines, "",
        f"The cheapest within {MAX_LOSS:.0%} of stride {finest}'s MAE is stride {cheapest}: "
        f"{(cheapest / finest) ** 2:.0f} times fewer tiles; the default, {default}, is at "
        f"{100 * (mae[default] / mae[finest] - 1):+.1f} % with {(default / finest) ** 2:.0f} times fewer.", "",
    ]  # fmt: skip


def cheapest_within(mae_m: dict[int, float], loss: float) -> int:
    """Return the largest stride whose error is at most (1 + loss) of the smallest stride's."""
    limit = mae_m[min(mae_m)] * (1.0 + loss)
    return max(stride for stride, value in mae_m.items() if value <= limit)


def _number(value: float, form: str) -> str:
    return "-" if np.isnan(value) else format(value, form)

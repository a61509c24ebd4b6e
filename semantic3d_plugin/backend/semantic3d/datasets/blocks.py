"""Spatial split: blocks of each image go whole into training or validation, with a strip cut between them.

Pixels near each other look alike and often show the same object. A random split of pixels or patches would let
the validation part be learnt by heart; blocks with a guard strip do not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.warp import transform as transform_points

from s3d_protocol.errors import InvalidInput

from ..raster.gdal_errors import GDAL_ERRORS, reason
from ..raster.grid import Grid, apply
from .labelled import Sample, Surroundings

GUARD_SHARE = 1 / 16  # of a block's side
LEAST_GUARD_PX = 8
LEAST_LABELLED_PX = 256  # a block with fewer known pixels is no use for either part
_RING_POINTS = 16


@dataclass(frozen=True)
class Scene:
    """One image with its labels on the model's grid.

    Attributes:
        sample: pixels and labels.
        grid: where they lie.
    """

    sample: Sample
    grid: Grid


@dataclass(frozen=True)
class Block:
    """A rectangle of a scene: row, column, height and width in pixels, and its place in the lattice."""

    scene: int
    i: int
    j: int
    top: int
    left: int
    height: int
    width: int

    @property
    def key(self) -> tuple[int, int, int]:
        return self.scene, self.i, self.j


@dataclass(frozen=True)
class Split:
    """Samples of both parts, and how they were made.

    Attributes:
        training, validation: a sample per block; no training pixel with a label lies within `guard_m` of a
            validation pixel. Validation samples know their surroundings where a tile is given.
        guard_m: width of the strip without labels or pixels between the parts.
        training_blocks, validation_blocks: where the samples lie, in their order.
    """

    training: list[Sample]
    validation: list[Sample]
    guard_m: float
    training_blocks: list[Block]
    validation_blocks: list[Block]


def labelled(sample: Sample) -> np.ndarray:
    """Where a height or a class is known, bool [H, W]."""
    return np.isfinite(sample.ndsm_m) | (sample.land_cover > 0)


def lattice(scene_index: int, height: int, width: int, block_px: int) -> list[Block]:
    """Blocks of about `block_px` that cover an image evenly, without slivers at its far sides."""
    edges = [np.round(np.linspace(0, size, max(1, round(size / block_px)) + 1)).astype(int) for size in (height, width)]
    return [
        Block(scene_index, i, j, top, left, bottom - top, right - left)
        for i, (top, bottom) in enumerate(zip(edges[0].tolist(), edges[0][1:].tolist()))
        for j, (left, right) in enumerate(zip(edges[1].tolist(), edges[1][1:].tolist()))
    ]


def split_scenes(
    scenes: list[Scene], block_m: float, validation_share: float, seed: int, tile_px: int = 0
) -> Split:
    """Split scenes into training and validation.

    Validation blocks are drawn by `seed` from the blocks that hold labels: the given share of them, at least
    one, and never all. The strip is cut from validation blocks where they border training blocks; where scenes
    overlap on the ground, training loses its labels over the other scenes' validation blocks and the strip.

    Args:
        tile_px: window of the model; validation samples get as much of the image around them as fills such windows,
            so that the figures do not depend on the size of the blocks. 0: none.

    Raises:
        InvalidInput: fewer than two blocks hold labels, or nothing is left to train or validate on.
    """
    gsd_m = scenes[0].sample.gsd_m
    block_px = max(1, round(block_m / gsd_m))
    guard_px = max(LEAST_GUARD_PX, round(block_px * GUARD_SHARE))
    useful = [
        block
        for index, scene in enumerate(scenes)
        for block in lattice(index, *scene.sample.ndsm_m.shape, block_px)
        if labelled(cut(scene.sample, block)).sum() >= LEAST_LABELLED_PX
    ]
    if len(useful) < 2:
        raise InvalidInput(
            f"Labels lie in {len(useful)} block(s) of {block_m:g} m, and at least two are needed: one to learn from, "
            "one to validate on. Give more labelled ground, or make the blocks smaller.",
            {"blocks": len(useful)},
        )
    count = min(len(useful) - 1, max(1, round(validation_share * len(useful))))
    drawn = np.random.default_rng(seed).permutation(len(useful))[:count]
    held = [useful[index] for index in sorted(drawn.tolist())]
    held_keys = {block.key for block in held}
    kept = [block for block in useful if block.key not in held_keys]
    kept_keys = {block.key for block in kept}
    masked = _without_ground_of_others(scenes, held, guard_px)
    training = _useful([(block, cut(masked[block.scene], block)) for block in kept])
    parts = [shrunk(block, kept_keys, guard_px) for block in held]
    validation = _useful([(part, cut(scenes[part.scene].sample, part, tile_px)) for part in parts])
    _check_parts(training, validation, guard_px * gsd_m)
    return Split(
        [sample for _, sample in training], [sample for _, sample in validation], guard_px * gsd_m,
        [block for block, _ in training], [block for block, _ in validation],
    )


def _useful(parts: list[tuple[Block, Sample]]) -> list[tuple[Block, Sample]]:
    return [(block, sample) for block, sample in parts if labelled(sample).any()]


def cut(sample: Sample, block: Block, tile_px: int = 0) -> Sample:
    """The part of a sample within a block, with surroundings where a tile is given; the arrays are views."""
    place = slice(block.top, block.top + block.height), slice(block.left, block.left + block.width)
    name = f"{sample.name}, block {block.i + 1}-{block.j + 1}"
    return replace(
        sample, name=name, rgb=sample.rgb[place], ndsm_m=sample.ndsm_m[place], land_cover=sample.land_cover[place],
        valid=None if sample.valid is None else sample.valid[place],
        surroundings=_surroundings(sample, block, tile_px) if tile_px and block.height and block.width else None,
    )


def _surroundings(sample: Sample, block: Block, tile_px: int) -> Surroundings:
    """The block in the middle of whole tiles, moved inwards at the image's sides."""
    height, width = sample.ndsm_m.shape
    top, bottom = _reach(block.top, block.height, height, tile_px)
    left, right = _reach(block.left, block.width, width, tile_px)
    valid = None if sample.valid is None else sample.valid[top:bottom, left:right]
    return Surroundings(sample.rgb[top:bottom, left:right], valid, block.top - top, block.left - left)


def _reach(start: int, length: int, size: int, tile_px: int) -> tuple[int, int]:
    """First and last (excluded) pixel along one side, for a block that starts at `start` in an image of `size`."""
    reach = min(size, -(-length // tile_px) * tile_px)
    first = min(max(0, start + length // 2 - reach // 2), size - reach)
    return first, first + reach


def shrunk(block: Block, training: set, guard_px: int) -> Block:
    """A validation block without the strip along its sides and corners that meet a training block.

    A corner where only the diagonal neighbour is training takes the strip along both its sides.

    Args:
        training: keys of the training blocks.
    """

    def meets(di: int, dj: int) -> bool:
        return (block.scene, block.i + di, block.j + dj) in training

    top, bottom, left, right = (
        guard_px * any(meets(*step) for step in steps)
        for steps in (
            ((-1, -1), (-1, 0), (-1, 1)), ((1, -1), (1, 0), (1, 1)),
            ((-1, -1), (0, -1), (1, -1)), ((-1, 1), (0, 1), (1, 1)),
        )
    )
    height, width = max(0, block.height - top - bottom), max(0, block.width - left - right)
    return replace(block, top=block.top + top, left=block.left + left, height=height, width=width)


def _without_ground_of_others(scenes: list[Scene], held: list[Block], guard_px: int) -> list[Sample]:
    """Scenes whose labels are gone where another scene's validation block, grown by the strip, covers the ground."""
    samples = []
    for index, scene in enumerate(scenes):
        rings = [_ring(scenes[block.scene], block, guard_px, scene) for block in held if block.scene != index]
        shapes = [ring for ring in rings if ring is not None]
        sample = scene.sample
        if shapes:
            size = sample.ndsm_m.shape
            taken = rasterize(shapes, size, transform=Affine.identity(), all_touched=True, dtype=np.uint8) > 0
            if taken.any():
                heights_m, codes = sample.ndsm_m.copy(), sample.land_cover.copy()
                heights_m[taken], codes[taken] = np.nan, 0
                sample = replace(sample, ndsm_m=heights_m, land_cover=codes)
        samples.append(sample)
    return samples


def _ring(held: Scene, block: Block, guard_px: int, other: Scene) -> dict | None:
    """A block's outline, grown by the strip, in pixels of another scene's grid; None where it lies elsewhere.

    Raises:
        InvalidInput: nothing leads from one scene's CRS to the other's, so that an overlap would not be seen.
    """
    source, target = held.grid, other.grid
    left, top = block.left - guard_px, block.top - guard_px
    right, bottom = block.left + block.width + guard_px, block.top + block.height + guard_px
    steps = np.linspace(0, 1, _RING_POINTS, endpoint=False)
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    points = [
        apply(source.transform, (x0 + s * (x1 - x0), y0 + s * (y1 - y0)))
        for (x0, y0), (x1, y1) in zip(corners, corners[1:])
        for s in steps
    ]
    if source.crs != target.crs:
        try:
            xs, ys = transform_points(source.crs, target.crs, *map(list, zip(*points)))
        except GDAL_ERRORS as error:
            names = [f"{scene.sample.name} ({_crs_text(scene.grid)})" for scene in (held, other)]
            raise InvalidInput(
                f"Whether {names[0]} and {names[1]} show the same ground cannot be told: no transformation leads from "
                "one CRS to the other. Where they overlap, the model would be validated on ground that it learnt "
                "from. Warp the images to one CRS, or train with one of them.",
                {"reason": reason(error)},
            ) from error
        points = list(zip(xs, ys))
    if not np.isfinite(points).all():
        return None
    pixels = [apply(~target.transform, point) for point in points]
    xs, ys = [x for x, _ in pixels], [y for _, y in pixels]
    if max(xs) <= 0 or max(ys) <= 0 or min(xs) >= target.width or min(ys) >= target.height:
        return None
    return {"type": "Polygon", "coordinates": [[*pixels, pixels[0]]]}


def _crs_text(grid: Grid) -> str:
    if grid.crs is None:
        return "no CRS"
    authority = grid.crs.to_authority()
    return ":".join(authority) if authority else grid.crs.to_wkt()[:80]


def _check_parts(training: list, validation: list, guard_m: float) -> None:
    if training and validation:
        return
    part = "train" if not training else "validate"
    raise InvalidInput(
        f"After the strip of {guard_m:g} m between training and validation blocks nothing with labels is left to "
        f"{part} "
        "on. Make the blocks larger or smaller, change the seed, or give more labelled ground."
    )

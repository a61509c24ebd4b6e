"""The spatial split: parts never meet, within an image and across images of the same ground."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.warp import transform as transform_points
from s3d_protocol import InvalidInput
from semantic3d.datasets.blocks import Scene, labelled, split_scenes
from semantic3d.datasets.labelled import Sample
from semantic3d.raster.grid import Grid

UTM = CRS.from_epsg(32632)


def scene(height=300, width=400, gsd_m=0.5, east=500000.0, north=5300000.0, crs=UTM):
    """Every pixel's red, green and blue say where it is: row, column in tens, so that parts can be found again."""
    rows, columns = np.mgrid[0:height, 0:width]
    rgb = np.stack([rows % 256, columns % 256, (rows // 256) * 16 + columns // 256], axis=2).astype(np.uint8)
    ndsm_m = np.zeros((height, width), np.float32)
    sample = Sample("made", rgb, ndsm_m, np.zeros((height, width), np.uint8), gsd_m)
    return Scene(sample, Grid(crs, from_origin(east, north, gsd_m, gsd_m), width, height))


def places(samples, only_labelled=False):
    """Rows and columns of all pixels [N, 2], read back from the colours."""
    found = []
    for sample in samples:
        mask = labelled(sample) if only_labelled else np.ones(sample.ndsm_m.shape, bool)
        red, green, blue = sample.rgb[mask].astype(int).T
        found.append(np.stack([red + 256 * (blue // 16), green + 256 * (blue % 16)], axis=1))
    return np.concatenate(found)


@pytest.mark.parametrize("seed", range(6))
def test_no_training_pixel_lies_within_the_strip(seed):
    split = split_scenes([scene()], block_m=25, validation_share=0.3, seed=seed)
    image = np.zeros((300, 400), np.uint8)
    training, validation = places(split.training), places(split.validation)
    image[tuple(training.T)] = 1
    assert not image[tuple(validation.T)].any()
    reach = round(split.guard_m / 0.5)
    assert reach == 8
    for row, column in validation:
        window = image[max(0, row - reach) : row + reach, max(0, column - reach) : column + reach]
        assert not window.any()


def test_share_and_least_numbers():
    split = split_scenes([scene()], block_m=25, validation_share=0.3, seed=0)
    assert len(split.training_blocks) + len(split.validation_blocks) == 6 * 8
    assert len(split.validation_blocks) == round(0.3 * 48)
    two = split_scenes([scene(100, 200)], block_m=50, validation_share=0.01, seed=0)
    assert (len(two.training), len(two.validation)) == (1, 1)
    most = split_scenes([scene(100, 200)], block_m=50, validation_share=0.9, seed=0)
    assert (len(most.training), len(most.validation)) == (1, 1)


def test_the_seed_decides():
    chosen = [[b.key for b in split_scenes([scene()], 25, 0.3, seed).validation_blocks] for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_blocks_without_labels_go_nowhere():
    bare = scene()
    bare.sample.ndsm_m[:, 200:] = np.nan
    split = split_scenes([bare], block_m=25, validation_share=0.3, seed=0)
    assert places(split.training)[:, 1].max() < 200 and places(split.validation)[:, 1].max() < 200
    assert len(split.validation_blocks) == round(0.3 * 24)


@pytest.mark.parametrize("tile_px", [64, 128, 512])
def test_held_out_blocks_know_the_image_around_them(tile_px):
    made = scene()
    made.sample.rgb.setflags(write=False)
    gaps = np.ones((300, 400), bool)
    gaps[:, 390:] = False
    made = Scene(replace(made.sample, valid=gaps), made.grid)
    split = split_scenes([made], block_m=25, validation_share=0.3, seed=0, tile_px=tile_px)
    for block, part in zip(split.validation_blocks, split.validation):
        around = part.surroundings
        rows = slice(around.top, around.top + block.height), slice(around.left, around.left + block.width)
        np.testing.assert_array_equal(around.rgb[rows], part.rgb)
        np.testing.assert_array_equal(around.valid[rows], part.valid)
        assert around.rgb.shape[:2] == (min(300, tile_px), min(400, tile_px))  # whole tiles; the image where it is less
        assert around.rgb.base is not None  # no copy
        if tile_px == 64:  # in the middle, but for the image's sides
            middle = around.top + block.height // 2
            assert middle == 32 or block.top + block.height // 2 < 32 or block.top + block.height // 2 > 300 - 32
    assert all(part.surroundings is None for part in split.training)


def test_too_little_ground_is_refused():
    with pytest.raises(InvalidInput, match=r"1 block\(s\) of 1000 m"):
        split_scenes([scene()], block_m=1000, validation_share=0.2, seed=0)


LUNAR = CRS.from_wkt(
    'PROJCS["Moon",GEOGCS["Moon",DATUM["Moon",SPHEROID["Moon",1737400,0]],PRIMEM["0",0],UNIT["degree",0.0174532925]],'
    'PROJECTION["Transverse_Mercator"],PARAMETER["central_meridian",9],UNIT["metre",1]]'
)


def test_images_whose_crs_cannot_be_brought_together_are_refused():
    with pytest.raises(InvalidInput, match=r"made \(.*Moon.*made \(EPSG:32632\)|made \(EPSG:32632\).*Moon.*one CRS"):
        split_scenes([scene(), scene(crs=LUNAR)], block_m=25, validation_share=0.2, seed=3)


def test_images_far_from_each_other_are_split_as_if_alone():
    """Beyond what the other's projection can show: its points are infinite there, and that is no fault."""
    split = split_scenes([scene(), scene(crs=CRS.from_epsg(32660))], block_m=25, validation_share=0.2, seed=3)
    assert sum(labelled(sample).sum() for sample in split.training) == 50 * 50 * len(split.training)


@pytest.mark.parametrize("crs", [UTM, CRS.from_epsg(32633)])
def test_images_of_the_same_ground_do_not_leak_into_each_other(crs):
    """A second image, shifted or in another zone, holds the same ground: its labels there are gone."""
    first = scene()
    if crs == UTM:
        second = scene(east=500020.0, north=5299990.0)
    else:
        (east,), (north,) = transform_points(UTM, crs, [500020.0], [5299990.0])
        second = scene(east=east, north=north, crs=crs)
    split = split_scenes([first, second], block_m=25, validation_share=0.2, seed=3)
    trained = [[], []]
    for block, sample in zip(split.training_blocks, split.training):
        trained[block.scene].append(places([sample], only_labelled=True))
    held = [[], []]
    for block, sample in zip(split.validation_blocks, split.validation):
        held[block.scene].append(places([sample]))
    ground = np.zeros((1200, 1600), bool)  # 0.25 m cells over both images

    def cells(index, rows_columns):
        grid = (first, second)[index].grid
        rows, columns = np.concatenate(rows_columns).T + 0.5
        x = grid.transform.c + columns * 0.5
        y = grid.transform.f - rows * 0.5
        if grid.crs != UTM:
            x, y = map(np.array, transform_points(grid.crs, UTM, x.tolist(), y.tolist()))
        return ((5300050 - y) * 4).astype(int), ((x - 499950) * 4).astype(int)

    for index in (0, 1):
        ground[:] = False
        ground[cells(index, held[index])] = True
        assert not ground[cells(1 - index, trained[1 - index])].any()
    assert sum(map(len, trained)) > 10

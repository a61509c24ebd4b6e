"""US3D and Open Data DC in the layouts in which they are published: found, cut, split and read."""

import json

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine, from_origin
from rasterio.windows import Window

from s3d_protocol import InvalidInput
from semantic3d.datasets.crops import crop_corners, read_list, split_groups
from semantic3d.datasets.open_data_dc import open_open_data_dc
from semantic3d.datasets.us3d import heights_m, open_us3d

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
DC = "EPSG:26985"
WEST, NORTH = 397_000.0, 137_000.0


def tif(path, layers, gsd_m=None, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = layers.shape
    place = {"transform": Affine.identity()}
    if gsd_m:
        place = {"crs": DC, "transform": from_origin(WEST, NORTH, gsd_m, gsd_m)}
    with rasterio.open(path, "w", driver="GTiff", count=count, height=height, width=width, dtype=layers.dtype, **place,
                       **more) as target:
        target.write(layers)


def us3d_image(folder, name, side=32, truth=None, heights=None):
    rng = np.random.default_rng(len(name))
    rgb = rng.integers(0, 255, (3, side, side), np.uint8)
    heights = np.arange(side * side, dtype=np.float32).reshape(side, side) / 100 if heights is None else heights
    tif(folder / f"{name}_RGB.tif", rgb)
    tif((truth or folder) / f"{name}_AGL.tif", heights[None])
    tif((truth or folder) / f"{name}_CLS.tif", np.full((1, side, side), 6, np.uint8))
    return rgb


def test_crops_lie_side_by_side_and_a_rest_is_left():
    assert crop_corners(40, 33, 16) == [(0, 0), (0, 16), (16, 0), (16, 16)]
    assert len(crop_corners(2048, 2048, 512)) == 16  # 1,098 images of US3D are the paper's 17,568 crops


def test_us3d_reads_the_pixels_of_its_crop(tmp_path):
    rgb = us3d_image(tmp_path / "train", "JAX_004_006")
    us3d_image(tmp_path / "test", "JAX_163_010")
    data = open_us3d(tmp_path, crop_px=16)
    assert (len(data.train), len(data.test)) == (4, 4) and data.remarks == ()
    sample = data.train.sample(3)
    assert data.train.crops[3].name == "JAX_004_006_16_16"
    assert np.array_equal(sample.rgb, rgb[:, 16:, 16:].transpose(1, 2, 0))
    assert sample.ndsm_m[0, 0] == pytest.approx((16 * 32 + 16) / 100) and sample.ndsm_m.shape == (16, 16)
    assert data.class_names[sample.land_cover[5, 5] - 1] == "building" and data.building_code == 3


def test_us3d_of_the_contest_lies_in_two_folders_and_is_split_by_whole_tiles(tmp_path):
    for tile in range(12):
        for view in (1, 2, 3):
            us3d_image(tmp_path / "Track1-RGB", f"JAX_{tile:03d}_{view:03d}", 16, truth=tmp_path / "Track1-Truth")
    us3d_image(tmp_path / "Track1-RGB", "OMA_001_001", 16, truth=tmp_path / "Track1-Truth")
    data = open_us3d(tmp_path, crop_px=16)
    tiles = [{crop.name.split("_")[1] for crop in part.crops} for part in (data.train, data.test)]
    assert not tiles[0] & tiles[1] and tiles[0] | tiles[1] == {f"{n:03d}" for n in range(12)}
    assert len(data.test) == 3 and len(data.train) == 33  # 9.85 % of 36 as the paper, in whole tiles
    assert "1 whole tiles" in data.remarks[0]


def test_us3d_follows_a_list(tmp_path):
    us3d_image(tmp_path, "JAX_004_006", 16)
    us3d_image(tmp_path, "JAX_004_007", 16)
    (tmp_path / "split.csv").write_text("name,split\nJAX_004_006,test\nJAX_004_007,train\n")
    (tmp_path / "subsets.csv").write_text("name,subset\nJAX_004_006,HD\n")
    data = open_us3d(tmp_path, crop_px=16)
    assert [crop.image for crop in data.test.crops] == ["JAX_004_006"]
    assert [data.subset(crop) for crop in (*data.test.crops, *data.train.crops)] == ["HD", ""]


def test_us3d_heights_in_metres_and_in_centimetres():
    metres = heights_m(np.array([[1.25, np.nan, -0.4, -9999.0]], np.float32))
    centimetres = heights_m(np.array([[125, 65535, 0, 0]], np.uint16))
    assert np.array_equal(metres, [[1.25, np.nan, 0.0, np.nan]], equal_nan=True)
    assert np.array_equal(centimetres, [[1.25, np.nan, 0.0, 0.0]], equal_nan=True)


def test_us3d_says_what_is_missing(tmp_path):
    with pytest.raises(InvalidInput, match="no folder"):
        open_us3d(tmp_path / "absent")
    with pytest.raises(InvalidInput, match=r"No JAX_\*_RGB.tif among the 0"):
        open_us3d(tmp_path)
    for number in range(5):
        us3d_image(tmp_path, f"JAX_004_00{number}", 16)
    (tmp_path / "JAX_004_001_CLS.tif").unlink()
    with pytest.raises(InvalidInput, match=r"1 of the 5 images .* have no classes .*JAX_004_001_RGB.tif"):
        open_us3d(tmp_path, crop_px=16)
    us3d_image(tmp_path, "JAX_004_001", 16, heights=np.zeros((8, 16), np.float32))
    with pytest.raises(InvalidInput, match=r"JAX_004_001_AGL.tif 16 x 8"):
        open_us3d(tmp_path, crop_px=16)


def test_us3d_refuses_images_outside_of_train_and_test(tmp_path):
    us3d_image(tmp_path / "train", "JAX_004_006", 16)
    us3d_image(tmp_path / "test", "JAX_005_006", 16)
    us3d_image(tmp_path / "more", "JAX_006_006", 16)
    with pytest.raises(InvalidInput, match="1 images .* neither below train nor test: JAX_006_006"):
        open_us3d(tmp_path, crop_px=16)


def dc_folder(folder):
    """8 x 8 crops of 16 pixels of 0.2 m: 3.2 m each; heights on the eastern half alone."""
    east = np.arange(256) // 32  # 32 native pixels of 0.1 m a crop
    tif(folder / "ortho.tif", np.broadcast_to((east * 30).astype(np.uint8), (3, 256, 256)).copy(), 0.1)
    heights = np.full((1, 256, 256), -9999.0, np.float32)
    heights[:, :, 128:] = 7.5
    tif(folder / "ndsm.tif", heights, 0.1, nodata=-9999.0)
    cover = np.full((1, 64, 64), 40, np.uint8)  # tree
    cover[:, 32:] = 9  # a value that the list leaves empty
    tif(folder / "landcover.tif", cover, 0.4)
    (folder / "landcover.csv").write_text("name,class\n40,tree\n9,\n")
    box = [[WEST + 19.2, NORTH], [WEST + 22.4, NORTH], [WEST + 22.4, NORTH - 1.6], [WEST + 19.2, NORTH - 1.6],
           [WEST + 19.2, NORTH]]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::26985"}}
    shape = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [box]}}
    content = {"type": "FeatureCollection", "crs": crs, "features": [shape]}
    (folder / "buildings.geojson").write_text(json.dumps(content))
    return folder


def test_dc_keeps_crops_with_heights_and_reads_all_layers_on_one_grid(tmp_path):
    data = open_open_data_dc(dc_folder(tmp_path), crop_px=16)
    crops = {crop.name: crop for part in (data.train, data.test) for crop in part.crops}
    assert sorted(crops) == [f"dc_{row:04d}_{column:04d}" for row in range(8) for column in range(4, 8)]
    sample = data.train.read(crops["dc_0000_0006"])
    assert sample.rgb.shape == (16, 16, 3) and (sample.rgb == 180).all()
    assert sample.ndsm_m == pytest.approx(np.full((16, 16), 7.5))
    assert (sample.land_cover[:8] == 1).all() and (sample.land_cover[8:] == 2).all()  # footprint over tree
    assert (data.train.read(crops["dc_0007_0006"]).land_cover == 0).all()
    assert sample.gsd_m == 0.2


def test_dc_takes_tiles_as_they_were_downloaded(tmp_path):
    whole, tiled = dc_folder(tmp_path / "whole"), dc_folder(tmp_path / "tiled")
    for name in ("ortho", "ndsm", "landcover"):
        with rasterio.open(tiled / f"{name}.tif") as source:
            half = source.width // 2
            for column in (0, half):
                window = Window(column, 0, half, source.height)
                place = {**source.profile, "width": half, "transform": source.window_transform(window)}
                (tiled / name).mkdir(exist_ok=True)
                with rasterio.open(tiled / name / f"tile_{column}.tif", "w", **place) as target:
                    target.write(source.read(window=window))
        (tiled / f"{name}.tif").unlink()
    expected, found = (open_open_data_dc(folder, crop_px=16) for folder in (whole, tiled))
    assert found.train.crops == expected.train.crops and found.test.crops == expected.test.crops
    for crop in expected.train.crops:
        samples = expected.train.read(crop), found.train.read(crop)
        for layer in ("rgb", "ndsm_m", "land_cover"):
            np.testing.assert_array_equal(*(getattr(sample, layer) for sample in samples))


def test_dc_splits_by_blocks_of_neighbours(tmp_path):
    data = open_open_data_dc(dc_folder(tmp_path), crop_px=16)
    blocks = [{(crop.row // 64, crop.column // 64) for crop in part.crops} for part in (data.train, data.test)]
    assert len(data.train) == len(data.test) == 16 and not blocks[0] & blocks[1]
    assert "does not publish its split" in data.remarks[0]
    names = [crop.name for part in (data.train, data.test) for crop in part.crops]
    lines = [f"{name},{'test' if name.endswith('0004') else 'train'}" for name in names]
    (tmp_path / "split.csv").write_text("\n".join(["name,split", *lines]))
    listed = open_open_data_dc(tmp_path, crop_px=16)
    assert {crop.name[-4:] for crop in listed.test.crops} == {"0004"} and len(listed.test) == 8 and not listed.remarks


def test_dc_says_what_is_missing(tmp_path):
    folder = dc_folder(tmp_path)
    (folder / "landcover.csv").rename(folder / "kept.csv")
    with pytest.raises(InvalidInput, match="landcover.csv. Write it"):
        open_open_data_dc(folder, crop_px=16)
    (folder / "landcover.csv").write_text("name,class\n40,forest\n")
    with pytest.raises(InvalidInput, match="says forest; class is one of"):
        open_open_data_dc(folder, crop_px=16)
    (folder / "kept.csv").rename(folder / "landcover.csv")
    (folder / "ndsm.tif").rename(folder / "other.tif")
    (folder / "buildings.geojson").rename(folder / "other.geojson")
    missing = "lacks 2 of 4 layers: ndsm.tif or a folder ndsm/ of tiles, buildings.geojson"
    with pytest.raises(InvalidInput, match=missing):
        open_open_data_dc(folder, crop_px=16)


def test_dc_needs_heights_on_the_orthophoto(tmp_path):
    folder = dc_folder(tmp_path)
    tif(folder / "ndsm.tif", np.full((1, 64, 64), -9999.0, np.float32), 0.4, nodata=-9999.0)
    with pytest.raises(InvalidInput, match="None of the 64 crops"):
        open_open_data_dc(folder, crop_px=16)


def test_groups_go_whole_and_repeat():
    sizes = {f"g{n}": 1 + n % 3 for n in range(40)}
    chosen = split_groups(sizes, 0.2)
    share = sum(sizes[name] for name in chosen) / sum(sizes.values())
    assert 0.15 < share < 0.25 and chosen == split_groups(dict(reversed(sizes.items())), 0.2)
    assert len(split_groups({"a": 9, "b": 1}, 0.99)) == 1


def test_a_list_without_its_column_is_refused(tmp_path):
    (tmp_path / "split.csv").write_text("image,split\na,test\n")
    with pytest.raises(InvalidInput, match="columns image, split; it needs name and split"):
        read_list(tmp_path / "split.csv", "split")
    assert read_list(tmp_path / "absent.csv", "split") == {}

"""US3D under the names of each edition that is around: IEEE DataPort's, the contest's, JPEG 2000."""

import numpy as np
import pytest
import rasterio

from s3d_protocol import InvalidInput
from semantic3d.datasets.us3d import open_us3d

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
SIDE = 16


def write(path, layers, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = layers.shape
    profile = {"driver": "GTiff", **more, "count": count, "height": height, "width": width, "dtype": layers.dtype}
    with rasterio.open(path, "w", **profile) as target:
        target.write(layers)


def image(folder, stem, ending="tif", height_m=0.0, **more):
    """An image of noise and its labels; `stem` has {} where the kind stands. Returns the image [3, H, W]."""
    rgb = np.random.default_rng(sum(stem.encode())).integers(0, 255, (3, SIDE, SIDE), np.uint8)
    write(folder / f"{stem.format('RGB')}.{ending}", rgb, **more)
    write(folder / f"{stem.format('AGL')}.tif", np.full((1, SIDE, SIDE), height_m, np.float32))
    write(folder / f"{stem.format('CLS')}.tif", np.full((1, SIDE, SIDE), 9, np.uint8))
    return rgb


def test_dataports_names_are_read(tmp_path):
    rgb = image(tmp_path / "train", "JAX_Tile_163_{}_001", height_m=12.5)
    image(tmp_path / "test", "JAX_Tile_004_{}_017")
    (tmp_path / "train" / "JAX_Tile_163_VFLOW_001.json").write_text("{}")
    data = open_us3d(tmp_path, crop_px=SIDE)
    sample = data.train.sample(0)
    assert [crop.image for part in (data.train, data.test) for crop in part.crops] == [
        "JAX_Tile_163_001", "JAX_Tile_004_017",
    ]
    assert np.array_equal(sample.rgb, rgb.transpose(1, 2, 0)) and (sample.ndsm_m == 12.5).all()
    assert {data.class_names[code - 1] for code in np.unique(sample.land_cover)} == {"water"}


def test_views_of_a_tile_stay_together_across_editions(tmp_path):
    for tile in range(12):
        image(tmp_path, f"JAX_Tile_{tile:03d}_{{}}_001")
        image(tmp_path, f"JAX_Tile_{tile:03d}_{{}}_002")
        image(tmp_path, f"JAX_{tile:03d}_003_{{}}")
    data = open_us3d(tmp_path, crop_px=SIDE)
    tiles = [{crop.image.split("_")[-2] for crop in part.crops} for part in (data.train, data.test)]
    assert not tiles[0] & tiles[1] and (len(data.train), len(data.test)) == (33, 3)


def test_an_image_of_jpeg_2000_is_read(tmp_path):
    with rasterio.Env() as gdal:
        if "JP2OpenJPEG" not in gdal.drivers():
            pytest.skip("this GDAL writes no JPEG 2000")
    how = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES"}
    rgb = image(tmp_path / "train", "JAX_004_006_{}", "j2k", CODEC="J2K", **how)
    image(tmp_path / "test", "JAX_Tile_005_{}_006", "jp2", **how)
    data = open_us3d(tmp_path, crop_px=SIDE)
    assert np.array_equal(data.train.sample(0).rgb, rgb.transpose(1, 2, 0)) and len(data.test) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("train/JAX_004_006_RGB.tif", "test/JAX_004_006_RGB.tif"),
        ("train/JAX_Tile_004_RGB_006.tif", "train/JAX_Tile_004_RGB_006.jp2"),
        ("train/JAX_004_006_RGB.tif", "test/JAX_004_RGB_006.tif"),
        ("train/JAX_004_006_AGL.tif", "labels/JAX_004_006_AGL.tif"),
    ],
)
def test_two_files_for_one_thing_are_refused_and_both_are_named(tmp_path, first, second):
    image(tmp_path / "train", "JAX_Tile_004_{}_006" if "Tile" in first else "JAX_004_006_{}")
    image(tmp_path / "test", "JAX_005_006_{}")
    (tmp_path / second).parent.mkdir(exist_ok=True)
    (tmp_path / second).write_bytes((tmp_path / first).read_bytes())
    with pytest.raises(InvalidInput, match="both there for the same image") as refused:
        open_us3d(tmp_path, crop_px=SIDE)
    assert str(tmp_path / first) in str(refused.value) and str(tmp_path / second) in str(refused.value)


def test_labels_that_are_missing_are_named_as_they_are_expected(tmp_path):
    image(tmp_path, "JAX_Tile_163_{}_001")
    (tmp_path / "JAX_Tile_163_CLS_001.tif").rename(tmp_path / "JAX_Tile_163_001_CLS.tif")
    with pytest.raises(InvalidInput, match=r"no classes \(such as JAX_Tile_163_CLS_001.tif\): JAX_Tile_163_RGB_001"):
        open_us3d(tmp_path, crop_px=SIDE)


def test_images_that_were_published_without_labels_are_left_out(tmp_path):
    """As the contest's Validate-Track1; one that lacks a part of its labels is a fault of the download."""
    image(tmp_path / "Train-Track1", "JAX_004_006_{}")
    image(tmp_path / "Test-Track1", "JAX_163_001_{}")
    bare = np.zeros((3, SIDE, SIDE), np.uint8)
    write(tmp_path / "Validate-Track1" / "JAX_040_001_RGB.tif", bare)
    data = open_us3d(tmp_path, crop_px=SIDE)
    assert (len(data.train), len(data.test)) == (1, 1)
    assert any("1 images have neither heights nor classes" in text and "JAX_040_001" in text for text in data.remarks)
    write(tmp_path / "Validate-Track1" / "JAX_040_001_AGL.tif", bare[:1].astype(np.float32))
    with pytest.raises(InvalidInput, match="1 of the 3 images .* have no classes"):
        open_us3d(tmp_path, crop_px=SIDE)


def test_a_folder_without_any_labels_is_refused(tmp_path):
    write(tmp_path / "JAX_040_001_RGB.tif", np.zeros((3, SIDE, SIDE), np.uint8))
    with pytest.raises(InvalidInput, match="1 of the 1 images .* have no heights"):
        open_us3d(tmp_path, crop_px=SIDE)

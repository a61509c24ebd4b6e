"""US3D (Urban Semantic 3D, Foster, Christie and Brown 2020), its Jacksonville part: folders as published.

Three files make an image, in one folder or in several: RGB (8 bit), AGL (height above ground, float32 metres, NaN
unknown) and CLS (LAS codes). Two editions name them in two ways:

    JAX_Tile_163_RGB_001.tif  JAX_Tile_163_AGL_001.tif  JAX_Tile_163_CLS_001.tif    IEEE DataPort, 2048 pixels
    JAX_004_006_RGB.tif       JAX_004_006_AGL.tif       JAX_004_006_CLS.tif         Data Fusion Contest 2019, track 1
                                                                                (Track1-RGB, Track1-Truth), 1024 pixels

How DataPort's edition calls its CLS files could not be verified: its loader reads none, so that the name is made like
AGL's. The later contest edition has RGB as JPEG 2000 and AGL as whole centimetres with 65535 for unknown, which is told
by the data type. There is no georeference.

Sources: the data's README (github.com/pubgeo/dfc2019, data/README.md) and the loader of its authors
(github.com/pubgeo/monocular-geocentric-pose: utilities/misc_utils.py finds *_RGB*.tif and writes _AGL for _RGB;
utilities/downsample_images.py reads .j2k). The paper cuts the images into crops of 512 pixels side by side: 17,568
for training and 1,920 for the test, which is 1,098 and 120 images of 2048 pixels.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window

from s3d_protocol import InvalidInput

from .crops import TEST, TRAIN, Crop, CropSet, PublishedData, crop_corners, read_list, some, split_groups
from .labelled import IGNORED, Sample

CROP_PX = 512
GSD_M = 0.31  # about: WorldView-3's panchromatic band at nadir; the files do not say
CLASS_NAMES = ("ground", "tree", "building", "water", "bridge or elevated road")
BUILDING_CODE = 3
CODE_OF_LAS = {2: 1, 5: 2, 6: 3, 9: 4, 17: 5}  # 65 is unlabelled
PAPER_CROPS = (17_568, 1_920)
PAPER_TEST_SHARE = PAPER_CROPS[1] / sum(PAPER_CROPS)
UNKNOWN_CM = 65535
_ENDINGS = (".tif", ".j2k", ".jp2")


@dataclass(frozen=True)
class _Image:
    name: str  # CITY_TILE_VIEW or CITY_Tile_TILE_VIEW
    tile: str  # CITY_TILE in either edition: all views of one place
    rgb: Path
    heights: Path
    classes: Path
    height_px: int
    width_px: int


def open_us3d(folder: Path, crop_px: int = CROP_PX, city: str = "JAX") -> PublishedData:
    """Find the images and cut them into crops; pixels are read later, crop by crop.

    The split is that of the folders called train... and test...; else that of `split.csv` (name, split); else whole
    tiles, so that no place is in both parts. `subsets.csv` (name, subset) tells the land use of images or crops.

    Args:
        folder: holds the files at any depth.
        city: first part of the file names.

    Raises:
        InvalidInput: no image, or an image without heights or classes, or one of another size than its labels; or
            several files for the same image or labels.
    """
    images, without_labels = _find(folder, city)
    remarks = []
    if without_labels:
        remarks.append(
            f"{len(without_labels)} images have neither heights nor classes, as the contest's validation set, and are "
            f"left out: {some(without_labels)}."
        )
    split = _split_by_folder(images, folder) or _split_by_list(images, folder)
    if split is None:
        tiles = split_groups(dict(Counter(image.tile for image in images)), PAPER_TEST_SHARE)
        split = {image.name: TEST if image.tile in tiles else TRAIN for image in images}
        remarks.append(
            f"No train and test folders and no split.csv in {folder}: {len(tiles)} whole tiles were put to the test."
        )
    by_name = {image.name: image for image in images}
    crops = {part: [] for part in (TRAIN, TEST)}
    for image in images:
        for row, column in crop_corners(image.height_px, image.width_px, crop_px):
            crops[split[image.name]].append(Crop(f"{image.name}_{row}_{column}", image.name, row, column))
    empty = [part for part, found in crops.items() if not found]
    if empty:
        raise InvalidInput(
            f"No crop of {crop_px} pixels for {' and '.join(empty)} among the {len(images)} images of {folder}. "
            "Check the folders' names (train, test), split.csv and the images' size."
        )

    def read(crop: Crop) -> Sample:
        return _read(by_name[crop.image], crop, crop_px)

    return PublishedData(
        "US3D JAX", CLASS_NAMES, BUILDING_CODE, GSD_M, CropSet(tuple(crops[TRAIN]), read),
        CropSet(tuple(crops[TEST]), read), PAPER_CROPS, read_list(folder / "subsets.csv", "subset"), tuple(remarks),
    )


def _find(folder: Path, city: str) -> tuple[list[_Image], list[str]]:
    """The images with their labels, and the names of the files of those that have none."""
    if not folder.is_dir():
        raise InvalidInput(f"There is no folder {folder}. Give the folder of US3D.")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS)
    of_stem, of_image, tile_of = defaultdict(list), defaultdict(list), {}
    for path in files:
        of_stem[path.stem].append(path)
        tile = _tile(path.stem, city)
        if tile:
            name = path.stem.replace("_RGB", "")
            of_image[name].append(path)
            tile_of[name] = tile
    if not of_image:
        raise InvalidInput(
            f"No {city}_*_RGB.tif among the {len(files)} files ({', '.join(_ENDINGS)}) of {folder}. US3D's files are "
            f"called like {city}_Tile_004_RGB_006.tif or {city}_004_006_RGB.tif, with AGL and CLS in place of RGB for "
            "heights and classes."
        )
    images = {name: _only(paths) for name, paths in of_image.items()}
    labels_of = {name: [rgb.stem.replace("_RGB", f"_{kind}") for kind in ("AGL", "CLS")] for name, rgb in images.items()}
    without = [name for name, stems in labels_of.items() if not any(stem in of_stem for stem in stems)]
    without_labels = [images.pop(name).name for name in without if len(without) < len(labels_of)]
    heights, classes = (_labels(images, of_stem, folder, *kind) for kind in (("AGL", "heights"), ("CLS", "classes")))
    found = [_image(name, tile_of[name], rgb, heights[name], classes[name]) for name, rgb in images.items()]
    return found, without_labels


def _tile(stem: str, city: str) -> str:
    """City and tile of an RGB file without its ending, in the names of either edition; "" for other files."""
    found = re.fullmatch(rf"{re.escape(city)}(?:_Tile)?_(\d+)(?:_RGB_\d+|_\d+_RGB)", stem)
    return f"{city}_{found[1]}" if found else ""


def _labels(
    images: dict[str, Path], of_stem: dict[str, list[Path]], folder: Path, kind: str, what: str
) -> dict[str, Path]:
    """Image name -> its file of one kind, named like the image with `kind` in place of RGB."""
    stems = {name: rgb.stem.replace("_RGB", f"_{kind}") for name, rgb in images.items()}
    missing = [name for name, stem in stems.items() if stem not in of_stem]
    if missing:
        raise InvalidInput(
            f"{len(missing)} of the {len(images)} images in {folder} have no {what} (such as {stems[missing[0]]}.tif): "
            f"{some([images[name].name for name in missing])}. Unpack the reference data into the same folder."
        )
    return {name: _only(of_stem[stem]) for name, stem in stems.items()}


def _only(paths: list[Path]) -> Path:
    """The one file; several may be of different editions, and which of them counts must not depend on their order."""
    if len(paths) > 1:
        raise InvalidInput(
            f"{paths[0]} and {paths[1]} are both there for the same image. Take one of them out of the folder."
        )
    return paths[0]


def _image(name: str, tile: str, *paths: Path) -> _Image:
    shapes = []
    for path in paths:
        with _opened(path) as source:
            shapes.append((source.height, source.width))
            if path is paths[0] and (source.count < 3 or source.dtypes[0] != "uint8"):
                raise InvalidInput(
                    f"{path} has {source.count} bands of {source.dtypes[0]}; an RGB image has 3 bands of uint8."
                )
    if len(set(shapes)) > 1:
        sizes = ", ".join(f"{path.name} {width} x {height}" for path, (height, width) in zip(paths, shapes))
        raise InvalidInput(f"Image and labels differ in size: {sizes}. The files are damaged or of different editions.")
    return _Image(name, tile, *paths, *shapes[0])


def _split_by_folder(images: list[_Image], folder: Path) -> dict[str, str] | None:
    split = {}
    for image in images:
        parts = image.rgb.relative_to(folder).parent.parts
        named = [part for part in (TRAIN, TEST) if any(name.lower().startswith(part) for name in parts)]
        if len(named) == 1:
            split[image.name] = named[0]
    if TEST not in split.values():
        return None
    outside = [image.name for image in images if image.name not in split]
    if outside:
        raise InvalidInput(f"{len(outside)} images of {folder} lie neither below train nor test: {some(outside)}.")
    return split


def _split_by_list(images: list[_Image], folder: Path) -> dict[str, str] | None:
    split = read_list(folder / "split.csv", "split", (TRAIN, TEST))
    if not split:
        return None
    unnamed = [image.name for image in images if image.name not in split]
    if unnamed:
        raise InvalidInput(f"{folder / 'split.csv'} does not name {len(unnamed)} images: {some(unnamed)}.")
    return split


def _read(image: _Image, crop: Crop, crop_px: int) -> Sample:
    window = Window(crop.column, crop.row, crop_px, crop_px)
    with _opened(image.rgb) as source:
        rgb = np.ascontiguousarray(source.read((1, 2, 3), window=window).transpose(1, 2, 0))
    with _opened(image.heights) as source:
        ndsm_m = heights_m(source.read(1, window=window))
    with _opened(image.classes) as source:
        values = source.read(1, window=window)
    land_cover = np.full(values.shape, IGNORED, np.uint8)
    for value, code in CODE_OF_LAS.items():
        land_cover[values == value] = code
    return Sample(crop.name, rgb, ndsm_m, land_cover, GSD_M)


def heights_m(stored: np.ndarray) -> np.ndarray:
    """AGL as stored [H, W] to metres, float32, NaN unknown; below ground is noise and becomes 0."""
    if stored.dtype.kind in "iu":
        metres = np.where(stored == UNKNOWN_CM, np.nan, stored / 100.0)
    else:
        metres = np.where(np.isfinite(stored) & (stored > -50), stored, np.nan)
    return np.maximum(metres, 0).astype(np.float32)  # NaN stays NaN


def _opened(path: Path) -> rasterio.DatasetReader:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            return rasterio.open(path)
        except rasterio.errors.RasterioIOError as error:
            why = "The file is damaged"
            if path.suffix.lower() != ".tif":
                why += ", or this GDAL reads no JPEG 2000: convert it to GeoTIFF then"
            raise InvalidInput(f"{path} cannot be opened: {error}. {why}.") from error

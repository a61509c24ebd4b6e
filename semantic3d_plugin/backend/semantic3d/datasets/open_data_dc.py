"""Open Data DC (opendata.dc.gov): the layers as the city publishes them, cut into crops on one grid.

What the city publishes is in metres, horizontally and vertically (NAD83 / Maryland, EPSG:26985): orthophotos of 0.08 m
as JPEG 2000 or GeoTIFF, the nDSM from lidar as GeoTIFF tiles, building footprints as GeoJSON, and the land cover of the
urban tree canopy assessment as a raster. Each layer is one file, or a folder of tiles as they were downloaded:

    ortho.(vrt|tif|jp2) or ortho/    ndsm.(vrt|tif) or ndsm/    landcover.(vrt|tif) or landcover/
    landcover.csv    buildings.geojson

`landcover.csv` (name, class) says which value of the raster (in the column "name") is which class: the city renumbered
its classes from edition to edition, so that no numbering is taken for granted.

The paper gives crops of 512 pixels, 12,066 for training and 3,015 for the test, but neither year, GSD nor the list of
the split. Its 15,081 crops cover the District's land (158 km2) at 0.2 m, which is our default.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.features import bounds as geometry_bounds, rasterize
from rasterio.transform import Affine
from rasterio.warp import transform_geom
from rasterio.windows import Window

from s3d_protocol import InvalidInput

from ..raster.grid import Grid, apply, pixel_size
from ..raster.image_collection import find_images
from ..raster.image_mosaic import write_mosaic
from ..raster.reference import Reference
from .crops import TEST, TRAIN, Crop, CropSet, PublishedData, read_list, some, split_groups
from .labelled import Sample

CROP_PX = 512
GSD_M = 0.2
CLASS_NAMES = ("building", "tree", "understory vegetation", "impervious surface", "road", "water")
BUILDING_CODE = 1
PAPER_CROPS = (12_066, 3_015)
PAPER_TEST_SHARE = PAPER_CROPS[1] / sum(PAPER_CROPS)
LEAST_KNOWN = 0.5  # share of a crop with heights
BLOCK_CROPS = 4  # crops along a side of the blocks that go whole into one part of the split
_PROBES = 4  # along a crop's side, to see where there are heights
_LOWEST_M = -50.0
_ENDINGS = (".vrt", ".tif", ".tiff", ".jp2", ".img")


def open_open_data_dc(folder: Path, crop_px: int = CROP_PX, gsd_m: float = GSD_M) -> PublishedData:
    """Lay the crops over the orthophoto where there are heights; pixels are read later, crop by crop.

    The split is that of `split.csv` (name, split); else whole blocks of BLOCK_CROPS x BLOCK_CROPS crops.
    `subsets.csv` (name, subset) tells the land use of crops.

    Raises:
        InvalidInput: a layer is missing, has no CRS, does not lie on the orthophoto, or has tiles that do not fit.
        OutputFailed: tiles are to be joined, and the folder cannot be written.
    """
    layers = _Layers(folder, crop_px, gsd_m)
    crops = layers.crops()
    split = read_list(folder / "split.csv", "split", (TRAIN, TEST))
    remarks = []
    if split:
        unnamed = [crop.name for crop in crops if crop.name not in split]
        if unnamed:
            raise InvalidInput(f"{folder / 'split.csv'} does not name {len(unnamed)} crops: {some(unnamed)}.")
        part_of = [split[crop.name] for crop in crops]
    else:
        blocks = [f"{crop.row // (BLOCK_CROPS * crop_px)}_{crop.column // (BLOCK_CROPS * crop_px)}" for crop in crops]
        chosen = split_groups(dict(Counter(blocks)), PAPER_TEST_SHARE)
        part_of = [TEST if block in chosen else TRAIN for block in blocks]
        remarks.append(
            f"The paper does not publish its split, and {folder} holds no split.csv: {len(chosen)} whole blocks of "
            f"{BLOCK_CROPS} x {BLOCK_CROPS} crops were put to the test."
        )
    parts = {part: tuple(c for c, of in zip(crops, part_of) if of == part) for part in (TRAIN, TEST)}
    empty = [part for part, found in parts.items() if not found]
    if empty:
        raise InvalidInput(f"No crop for {' and '.join(empty)} among {len(crops)} crops of {folder}.")
    return PublishedData(
        "Open Data DC", CLASS_NAMES, BUILDING_CODE, gsd_m, CropSet(parts[TRAIN], layers.read),
        CropSet(parts[TEST], layers.read), PAPER_CROPS, read_list(folder / "subsets.csv", "subset"), tuple(remarks),
        layers.label_sources(),
    )


class _Layers:
    """The open layers of one folder."""

    def __init__(self, folder: Path, crop_px: int, gsd_m: float):
        ortho, ndsm, land_cover = _layer_files(folder)
        self._code_of_value = read_class_values(folder / "landcover.csv")
        self._crop_px, self._gsd_m = crop_px, gsd_m
        self._ortho = rasterio.open(ortho)
        if self._ortho.crs is None or self._ortho.count < 3 or self._ortho.dtypes[0] != "uint8":
            raise InvalidInput(
                f"{ortho} has {self._ortho.count} bands of {self._ortho.dtypes[0]} and the CRS {self._ortho.crs}; an "
                "orthophoto has a CRS and at least 3 bands of uint8."
            )
        native = Grid(self._ortho.crs, self._ortho.transform, self._ortho.width, self._ortho.height)
        size = pixel_size(native)
        if size is None:
            raise InvalidInput(f"{ortho} has no georeference. Assign its CRS and extent.")
        self._native, self._step = native, gsd_m / size.gsd_m  # native pixels along a pixel of the crops
        self._ndsm, self._cover = Reference(str(ndsm), "nDSM"), Reference(str(land_cover), "land cover")
        self._footprints = Footprints(folder / "buildings.geojson", native.crs)

    def label_sources(self) -> tuple:
        """See `PublishedData`."""
        return sorted(self._code_of_value.items(), key=str), len(self._footprints)

    def grid(self, row: int, column: int, height: int, width: int, step: float) -> Grid:
        """A grid whose pixels are `step` native pixels; `row` and `column` are in native pixels."""
        a, b, _, d, e, _ = self._native.transform[:6]
        x, y = apply(self._native.transform, (column, row))
        return Grid(self._native.crs, Affine(a * step, b * step, x, d * step, e * step, y), width, height)

    def crops(self) -> list[Crop]:
        """The crops with enough heights, row by row.

        Raises:
            InvalidInput: there is none.
        """
        side = self._crop_px * self._step
        rows, columns = int(self._native.height // side), int(self._native.width // side)
        if not rows or not columns:
            raise InvalidInput(
                f"The orthophoto has {self._native.width} x {self._native.height} pixels, a crop of {self._crop_px} "
                f"pixels of {self._gsd_m} m needs {side:.0f}. Give the whole orthophoto, or a smaller GSD."
            )
        probes = self.grid(0, 0, rows * _PROBES, columns * _PROBES, side / _PROBES)
        known = np.isfinite(self._ndsm.heights(probes, lambda: None, _LOWEST_M))
        share = known.reshape(rows, _PROBES, columns, _PROBES).mean(axis=(1, 3))
        found = [
            Crop(f"dc_{row:04d}_{column:04d}", "dc", row * self._crop_px, column * self._crop_px)
            for row, column in zip(*(place.tolist() for place in np.nonzero(share >= LEAST_KNOWN)))
        ]
        if not found:
            raise InvalidInput(
                f"None of the {rows * columns} crops of the orthophoto has heights on {LEAST_KNOWN:.0%} of its area. "
                f"Check that {self._ndsm.path} lies on the orthophoto and is in metres."
            )
        return found

    def read(self, crop: Crop) -> Sample:
        """Read one crop: the image is averaged, heights averaged or interpolated, footprints win over the raster."""
        size, step = self._crop_px, self._step
        row, column = crop.row * step, crop.column * step
        window = Window(column, row, size * step, size * step)
        method = Resampling.average if step > 1 else Resampling.cubic
        rgb = self._ortho.read((1, 2, 3), window=window, out_shape=(3, size, size), resampling=method)
        grid = self.grid(row, column, size, size, step)
        ndsm_m = np.maximum(self._ndsm.heights(grid, lambda: None, _LOWEST_M), 0)  # NaN stays NaN
        land_cover = self._cover.classes(grid, lambda: None, self._code_of_value)
        land_cover[self._footprints.burn(grid)] = BUILDING_CODE
        return Sample(crop.name, np.ascontiguousarray(rgb.transpose(1, 2, 0)), ndsm_m, land_cover, self._gsd_m)


class Footprints:
    """A city's building outlines, found by their bounds: burning one crop does not go through all of them."""

    def __init__(self, path: Path, crs):
        """Read a GeoJSON; without a `crs` member its coordinates are degrees (RFC 7946).

        Raises:
            InvalidInput: no GeoJSON, or no polygon in it.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise InvalidInput(f"The building footprints {path} cannot be read as GeoJSON: {error}.") from error
        found = [feature.get("geometry") or {} for feature in content.get("features", ())]
        shapes = [shape for shape in found if shape.get("type") in ("Polygon", "MultiPolygon")]
        if not shapes:
            raise InvalidInput(f"{path} holds {len(found)} features and no polygon. Give the building footprints.")
        named = content.get("crs", {}).get("properties", {}).get("name", "EPSG:4326")
        self._shapes = list(transform_geom(named, crs, shapes))
        self._bounds = np.array([geometry_bounds(shape) for shape in self._shapes])  # [N, 4]: west, south, east, north

    def __len__(self) -> int:
        return len(self._shapes)

    def burn(self, grid: Grid) -> np.ndarray:
        """Mark pixels whose centre a footprint covers, bool [H, W]."""
        west, south, east, north = grid.bounds()
        near = (self._bounds[:, 0] <= east) & (self._bounds[:, 2] >= west)
        near &= (self._bounds[:, 1] <= north) & (self._bounds[:, 3] >= south)
        shapes = [self._shapes[index] for index in np.flatnonzero(near)]
        if not shapes:
            return np.zeros((grid.height, grid.width), bool)
        return rasterize(shapes, (grid.height, grid.width), transform=grid.transform, dtype=np.uint8) > 0


def read_class_values(path: Path) -> dict[int, int]:
    """Which value of the land-cover raster is which class: value -> code 1..6; other values are unknown.

    Raises:
        InvalidInput: there is no such list, or it names other classes.
    """
    if not path.is_file():
        raise InvalidInput(
            f"There is no {path}. Write it with the columns name and class, a row for each value of the land-cover "
            f"raster as its own legend has it: name is the value, class one of {', '.join(CLASS_NAMES)}, or empty."
        )
    found = read_list(path, "class", ("", *CLASS_NAMES))
    try:
        return {int(value): CLASS_NAMES.index(name) + 1 for value, name in found.items() if name}
    except ValueError as error:
        raise InvalidInput(f"{path}: the column name holds values of the raster, whole numbers ({error}).") from error


def _layer_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InvalidInput(f"There is no folder {folder}. Give the folder with the layers of Open Data DC.")
    files, missing = [], []
    for stem in ("ortho", "ndsm", "landcover"):
        found = [folder / f"{stem}{ending}" for ending in _ENDINGS if (folder / f"{stem}{ending}").is_file()]
        if not found and (folder / stem).is_dir():
            found = [_joined(folder / stem)]
        files += found[:1]
        missing += [] if found else [f"{stem}.tif or a folder {stem}/ of tiles"]
    missing += [] if (folder / "buildings.geojson").is_file() else ["buildings.geojson"]
    if missing:
        raise InvalidInput(
            f"{folder} lacks {len(missing)} of 4 layers: {', '.join(missing)}. Put them there."
        )
    return files


def _joined(tiles: Path) -> Path:
    """Tiles as one virtual raster beside their folder; written anew when they change."""
    target = tiles.with_name(f"{tiles.name}_mosaic.vrt")
    write_mosaic(find_images(str(tiles)), str(target), str(tiles.absolute()), lambda: None)
    return target

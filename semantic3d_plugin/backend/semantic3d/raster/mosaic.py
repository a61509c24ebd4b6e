"""Many block files seen as one raster: a virtual one (VRT), which is then turned into the final file."""

from __future__ import annotations

import os
import warnings
import xml.etree.ElementTree as ElementTree  # nosec B405 # for VRTs of our own and of GDAL
from contextlib import suppress
from typing import Callable, Mapping

import rasterio
from rasterio.errors import NotGeoreferencedWarning

from .block_grid import Block, BlockGrid
from .gdal_errors import GDAL_ERRORS
from .grid import Grid
from .writer import RasterSpec, describe, failed, raster_statistics, statistics_tags, write_cog

_TILE_PX = 512


def write_from_blocks(
    path: str,
    grid: Grid,
    spec: RasterSpec,
    blocks: BlockGrid,
    files: Mapping[Block, str],
    virtual_path: str,
    threads: int,
    check_cancelled: Callable[[], None],
) -> None:
    """Write the final file of a layer from its blocks. Memory does not grow with the raster.

    Args:
        path: of the final file.
        files: block -> its file, for all blocks.
        virtual_path: of the VRT, which stays.

    Raises:
        OutputFailed: the disk is full or refuses.
    """
    try:
        _write_virtual(virtual_path, grid, spec, blocks, files)
        with rasterio.open(virtual_path) as dataset:
            statistics = raster_statistics(dataset, spec, check_cancelled)
        with rasterio.open(virtual_path, "r+") as dataset:
            for band, values in enumerate(statistics, 1):
                dataset.update_tags(band, **statistics_tags(values, grid, spec.scale))
        check_cancelled()
        write_cog(virtual_path, path, spec, threads, check_cancelled)
    except GDAL_ERRORS as error:
        raise failed(path, error) from error
    finally:
        with suppress(FileNotFoundError):
            os.remove(virtual_path + ".ovr")  # made on the way


def _write_virtual(path: str, grid: Grid, spec: RasterSpec, blocks: BlockGrid, files: Mapping[Block, str]) -> None:
    """Let GDAL write the head, with all that describes the raster, and add where the pixels are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # as the image, so the result
        with rasterio.open(
            path, "w", driver="VRT", width=grid.width, height=grid.height, count=len(spec.bands), dtype=spec.dtype,
            nodata=spec.nodata, crs=grid.crs, transform=grid.transform,
        ) as dataset:
            describe(dataset, spec)
    tree = ElementTree.parse(path)  # nosec B314 # GDAL has just written it
    tile_px = str(_TILE_PX)
    for band in tree.getroot().iter("VRTRasterBand"):
        band.set("blockXSize", tile_px)
        band.set("blockYSize", tile_px)
        for block, file in files.items():
            band.append(_source(os.path.relpath(file, os.path.dirname(path)), band.get("band"), blocks.window(block)))
    tree.write(path, encoding="utf-8")


def _source(file: str, band: str, window: tuple[int, int, int, int]) -> ElementTree.Element:
    column, row, width, height = window
    source = ElementTree.Element("SimpleSource")
    ElementTree.SubElement(source, "SourceFilename", relativeToVRT="1", shared="0").text = file.replace(os.sep, "/")
    ElementTree.SubElement(source, "SourceBand").text = band
    size = {"xSize": str(width), "ySize": str(height)}
    ElementTree.SubElement(source, "SrcRect", xOff="0", yOff="0", **size)
    ElementTree.SubElement(source, "DstRect", xOff=str(column), yOff=str(row), **size)
    return source

"""The image to work on: opened, judged, and read by windows as red, green, blue and a validity mask."""

from __future__ import annotations

import math
import os

import numpy as np
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.windows import Window

from s3d_protocol.errors import InvalidInput, InvalidParameter

from .block_sizes import check_blocks, is_plain_path, open_quietly, pixel_bytes
from .gdal_errors import GDAL_ERRORS, reason
from .grid import Grid

_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
_PICTURE_SHARE = 0.25  # of an alpha band's pixels that are neither transparent nor opaque
_PICTURE_VALUES = 16


class ReadFailed(InvalidInput):
    """An image was not opened or read this time. Where it had been before, a server or a disk may do better the next."""


class ImageSource:
    """An open image. Close it, or use it as a context manager.

    Attributes:
        grid: its grid.
        bands: the one-based bands read as red, green and blue; the palette band alone for a palette image.
        dtype: of what `read` gives.
        has_mask: whether any pixel can be invalid.
        warnings: what the user should know about how the image is read.
    """

    def __init__(self, path: str, bands: tuple = ()):
        """Open an image and judge it, without reading pixels.

        Raises:
            InvalidInput: it cannot be opened, or is no image with red, green and blue on a regular grid.
            InvalidParameter: `bands` does not fit it.
        """
        self.path = path
        self.warnings: list[str] = []
        self._dataset = open_raster(path)
        try:
            self._judge(bands)
        except BaseException:
            self._dataset.close()
            raise

    def _judge(self, bands: tuple) -> None:
        dataset = self._dataset
        _check_pixels(dataset, self.path)
        check_blocks(dataset, self.path)
        self._palette = None
        if bands:
            self.bands = self._given_bands(bands)
        else:
            self.bands = self._own_bands()
        _check_geometry(dataset, self.path)
        self.grid = Grid(dataset.crs, dataset.transform, dataset.width, dataset.height)
        types = {dataset.dtypes[band - 1] for band in self.bands}
        for name in types:
            if name.startswith("complex"):
                raise InvalidInput(
                    f"{self.path} holds complex numbers ({name}), as radar does before processing. "
                    "Semantic3D needs an optical image with red, green and blue bands."
                )
        self.dtype = np.dtype("uint8") if self._palette is not None else np.result_type(*map(np.dtype, types))
        self._prepare_mask()

    def _given_bands(self, bands: tuple) -> tuple:
        dataset = self._dataset
        for band in bands:
            if band > dataset.count:
                raise InvalidParameter(
                    f"Band {band} is asked for, but {self.path} has {dataset.count} "
                    f"band{'s' if dataset.count > 1 else ''}. Choose bands from 1 to {dataset.count}."
                )
            if dataset.colorinterp[band - 1] == ColorInterp.alpha:
                raise InvalidParameter(f"Band {band} of {self.path} holds transparency, not a colour. Choose another.")
            if dataset.colorinterp[band - 1] == ColorInterp.palette:
                raise InvalidParameter(
                    f"Band {band} of {self.path} holds numbers of a colour table, not a brightness. Leave the bands "
                    "empty: the colours of the table are read then."
                )
        if len(set(bands)) < len(bands):
            self.warnings.append(
                f"The same band serves for several colours (bands {', '.join(map(str, bands))}). The model was "
                "trained on colour images: expect worse heights and land cover."
            )
        return tuple(bands)

    def _own_bands(self) -> tuple:
        """Choose the bands: by colour interpretation, else by description, else the first three."""
        dataset = self._dataset
        colours = [band for band in dataset.indexes if dataset.colorinterp[band - 1] != ColorInterp.alpha]
        if len(colours) == 1 and dataset.colorinterp[colours[0] - 1] == ColorInterp.palette:
            self._palette = _palette_table(dataset, colours[0])
            self.warnings.append(
                "The image has one band with a colour table. It is read as the colours of that table; "
                "if they are a map's classes and no photograph, the results mean nothing."
            )
            return (colours[0],)
        if len(colours) < 3:
            what = "one grey band" if len(colours) == 1 else f"{len(colours)} bands"
            raise InvalidInput(
                f"{self.path} has {what}; red, green and blue are needed. Use a colour image. To try it on one "
                f"band all the same, give that band three times (bands {colours[0]}, {colours[0]}, {colours[0]}).",
                {"bands": dataset.count},
            )
        names = band_names(dataset)
        chosen = colour_positions(
            [dataset.colorinterp[band - 1] for band in colours], [names[band - 1] for band in colours]
        )
        if chosen is None and len(colours) > 3:
            self.warnings.append(
                f"Nothing says which of the image's {len(colours)} bands are red, green and blue: bands "
                f"{', '.join(map(str, colours[:3]))} are taken. If they are others, give them (BANDS)."
            )
        return tuple(colours[position] for position in chosen or (0, 1, 2))

    def _prepare_mask(self) -> None:
        dataset = self._dataset
        alphas = [band for band in dataset.indexes if dataset.colorinterp[band - 1] == ColorInterp.alpha]
        self._alpha = alphas[0] if alphas else None
        flags = dataset.mask_flag_enums[self.bands[0] - 1]
        if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
            self._masked_bands = self.bands[:1]
        else:  # without any flag: a mask of the band's own
            self._masked_bands = tuple(band for band in self.bands if not dataset.mask_flag_enums[band - 1])
        self._nodata = None
        values = [dataset.nodatavals[band - 1] for band in self.bands]
        if all(value is not None for value in values) and not self._masked_bands:
            self._nodata = values
        self.has_mask = bool(
            self._alpha or self._masked_bands or self._nodata or self.dtype.kind == "f"
            or (self._palette is not None and not self._palette[:, 3].all())
        )

    def read(self, column: int, row: int, width: int, height: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Read a window.

        Returns:
            Pixels [3, height, width] in the image's own type and units, and their validity [height, width],
            bool, or None where all are valid. Invalid pixels hold any finite or non-finite value.

        Raises:
            ReadFailed: the file cannot be read there.
        """
        window = Window(column, row, width, height)
        try:
            pixels = self._dataset.read(list(self.bands), window=window, out_dtype=self._read_type())
            valid = self._valid(pixels, window) if self.has_mask else None
        except GDAL_ERRORS as error:
            raise ReadFailed(
                f"{self.path} cannot be read at columns {column} to {column + width} and rows {row} to {row + height}: "
                f"{reason(error)} {self._read_advice()}",
                {"column": column, "row": row, "width": width, "height": height},
            ) from error
        if self._palette is not None:
            coloured = self._palette[pixels[0]]
            pixels = np.ascontiguousarray(np.moveaxis(coloured[..., :3], -1, 0))
        return pixels, valid

    def _read_advice(self) -> str:
        if is_plain_path(self.path):
            return (
                "The file is truncated or damaged, or it refers to one that cannot be had; get it again from its "
                "source."
            )
        return (
            "The server or archive does not give it all, or the file there is damaged. Run the job again; if it fails "
            "there once more, get the file and use the copy."
        )

    def _read_type(self):
        return None if self._palette is not None else self.dtype

    def _valid(self, pixels: np.ndarray, window: Window) -> np.ndarray:
        """Join what the file says about validity; NaN and infinity are never valid."""
        valid = np.ones(pixels.shape[1:], bool)
        if self._alpha is not None:
            valid &= self._dataset.read(self._alpha, window=window) > 0
        for band in self._masked_bands:
            valid &= self._dataset.read_masks(band, window=window) > 0
        if self._nodata is not None:
            valid &= ~_is_nodata(pixels, self._nodata)
        if pixels.dtype.kind == "f":
            valid &= np.isfinite(pixels).all(axis=0)
        if self._palette is not None:
            valid &= self._palette[pixels[0], 3] > 0
        return valid

    def alpha_warning(self, column: int, row: int, width: int, height: int) -> str:
        """Say so where the alpha band holds a picture in a window; "" where it looks like transparency.

        GDAL gives that meaning to the fourth band of many a TIFF of four bands whose writer said nothing.
        """
        if self._alpha is None:
            return ""
        alpha = self._dataset.read(self._alpha, window=Window(column, row, width, height))
        most = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "iu" else alpha.max()
        partial = alpha[(alpha > 0) & (alpha < most)]
        if partial.size < _PICTURE_SHARE * alpha.size or np.unique(partial).size < _PICTURE_VALUES:
            return ""
        return (
            f"Band {self._alpha} is declared as transparency, but it looks like a picture ({np.unique(partial).size} "
            f"different values between none and full): where it is 0, the image is taken for NoData. If it is near "
            f"infrared or another colour, say so, for instance with gdal_edit -colorinterp_{self._alpha} undefined."
        )

    @property
    def reading(self) -> bytes:
        """How pixels become colours and validity. Some of it may stand beside the image (.aux.xml)."""
        rules = f"{self.bands} {self.dtype} alpha {self._alpha} mask {self._masked_bands} nodata {self._nodata} "
        return rules.encode() + (b"" if self._palette is None else self._palette.tobytes())

    def row_bytes(self, wide_px: int, rows_px: int) -> int:
        """Return what must stay in memory so that rows read in pieces from left to right are decoded once.

        Args:
            wide_px: narrower blocks of the file are soon done with, and count nothing.
            rows_px: height of the pieces.
        """
        rows, columns = self.block_shape
        is_near = is_plain_path(self.path)  # what comes from far away is dear
        if columns <= wide_px and is_near and self._dataset.driver != "VRT":  # what a VRT reads may have wider ones
            return 0
        return pixel_bytes(self._dataset) * self.grid.width * (rows_px + 2 * rows)

    @property
    def block_bytes(self) -> int:
        """Memory of a block of the file, all bands."""
        rows, columns = self.block_shape
        return pixel_bytes(self._dataset) * rows * columns

    @property
    def block_shape(self) -> tuple[int, int]:
        """(rows, columns) of the file's own blocks."""
        return self._dataset.block_shapes[self.bands[0] - 1]

    def close(self) -> None:
        self._dataset.close()

    def __enter__(self) -> ImageSource:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def open_raster(path: str):
    """Open a raster with rasterio.

    Raises:
        InvalidInput: there is none; ReadFailed where it does not open, or GDAL does not know it.
    """
    try:
        dataset = open_quietly(path)
    except (*GDAL_ERRORS, ValueError) as error:
        if is_plain_path(path) and not os.path.exists(path):
            raise InvalidInput(f"The image {path} does not exist. Check the path.") from error
        if os.path.isdir(path):
            raise InvalidInput(f"{path} is a folder. Name the image file in it.") from error
        raise ReadFailed(
            f"The image {path} cannot be opened: {reason(error)} Is it a raster that GDAL knows?"
        ) from error
    return dataset


def _check_pixels(dataset, path: str) -> None:
    if dataset.count == 0:
        parts = list(dataset.subdatasets)
        hint = f" It is a container; name one of its parts, such as {parts[0]}." if parts else ""
        raise InvalidInput(f"{path} has no bands.{hint}")
    if all(name.startswith("complex") for name in dataset.dtypes):
        raise InvalidInput(
            f"{path} holds complex numbers ({dataset.dtypes[0]}), as radar does before processing. "
            "Semantic3D needs an optical image with red, green and blue bands."
        )


def _check_geometry(dataset, path: str) -> None:
    if not all(map(math.isfinite, dataset.transform[:6])) or dataset.transform.determinant == 0:
        raise InvalidInput(f"{path} has a geotransform that maps all pixels to one line: {dataset.transform[:6]}.")
    if not dataset.transform.is_identity:
        return
    points, _ = dataset.gcps
    if points:
        raise InvalidInput(
            f"{path} is placed by {len(points)} ground control points and not yet on a map grid. "
            "Warp it first, for instance with gdalwarp or Raster > Projections > Warp, then use the result."
        )
    if dataset.rpcs is not None:
        raise InvalidInput(
            f"{path} is placed by rational polynomials (RPC) and not yet on a map grid. Orthorectify it first, "
            "for instance with gdalwarp -rpc and an elevation model, then use the result."
        )


def band_names(dataset) -> list[str]:
    """Descriptions of the bands of an open raster, in small letters; "" for one that has none.

    They are a hint: where they are in no encoding that rasterio reads, there are none.
    """
    try:
        return [(text or "").strip().lower() for text in dataset.descriptions]
    except UnicodeDecodeError:
        return [""] * dataset.count


def colour_positions(kinds: list, names: list) -> tuple | None:
    """Positions of red, green and blue among bands by their colour interpretations, else by their names, else None."""
    return _positions(kinds, _COLOURS) or _positions(names, ("red", "green", "blue"))


def _positions(values: list, wanted: tuple) -> tuple | None:
    return tuple(values.index(value) for value in wanted) if all(value in values for value in wanted) else None


def _palette_table(dataset, band: int) -> np.ndarray:
    """Return the colour table [entries, 4], uint8 RGBA; entries that the file leaves out are transparent."""
    try:
        table = dataset.colormap(band)
    except ValueError as error:
        raise InvalidInput(
            f"{dataset.name} says that its band is a palette but has no colour table. Use a colour image."
        ) from error
    if dataset.dtypes[band - 1] not in ("uint8", "uint16"):
        raise InvalidInput(
            f"{dataset.name} has a colour table over {dataset.dtypes[band - 1]} values. Use a colour image."
        )
    colours = np.zeros((np.iinfo(dataset.dtypes[band - 1]).max + 1, 4), np.uint8)
    for value, colour in table.items():
        if 0 <= value < len(colours):
            colours[value] = colour
    return colours


def _is_nodata(pixels: np.ndarray, nodata: list) -> np.ndarray:
    """Tell which pixels are NoData [H, W] from the bands' NoData values.

    A value that also occurs as a colour (0 to 65535, or in unsigned types any) marks a pixel only when all bands
    have it: black roofs and pure colours stay. One that cannot be a colour marks it in any band.
    """
    could_be_colour = all(0 <= value <= 65535 for value in nodata) or pixels.dtype.kind == "u"
    hits = [_equals(band, value) for band, value in zip(pixels, nodata)]
    return np.logical_and.reduce(hits) if could_be_colour else np.logical_or.reduce(hits)


def _equals(band: np.ndarray, value: float) -> np.ndarray:
    if math.isnan(value):
        return np.isnan(band) if band.dtype.kind == "f" else np.zeros(band.shape, bool)
    if band.dtype.kind == "f":
        return band == band.dtype.type(value)
    return band == value

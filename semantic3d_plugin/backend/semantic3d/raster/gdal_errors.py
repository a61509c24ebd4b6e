"""All that rasterio may raise when GDAL or the file system fails, as one tuple for `except`."""

from __future__ import annotations

from rasterio._err import CPLE_BaseError  # not re-exported, and not below RasterioError
from rasterio.errors import CRSError, RasterioError

GDAL_ERRORS = (RasterioError, CRSError, CPLE_BaseError, OSError)


def reason(error: BaseException) -> str:
    """Return what GDAL said, on one line and as a sentence."""
    text = " ".join(str(error.__cause__ or error).split()).rstrip(".")
    return f"{text}." if text else ""

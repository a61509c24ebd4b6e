"""What forms that take one orthophoto share: INPUT, BANDS and EXTENT, and the checks of their values."""

import re

from qgis.core import (
    QgsProcessingParameterExtent,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ..backend.s3d_protocol import InvalidInput, InvalidParameter
from ..translation import tr

_BAND = re.compile(r"[0-9]{1,9}")


def add_image_and_bands(algorithm, bands):
    """Add INPUT and BANDS; `bands` is the job's default."""
    algorithm.add(
        QgsProcessingParameterRasterLayer("INPUT", tr("Orthophoto")),
        tr(
            "Aerial or satellite image with red, green and blue bands, 8 bit, 16 bit or float. A layer that is "
            "no file (web map, database) is exported for the job within the extent."
        ),
    )
    algorithm.add(
        QgsProcessingParameterString(
            "BANDS", tr("Red, green and blue bands"), ",".join(map(str, bands)), optional=True
        ),
        tr("Three band numbers such as 1,2,3, or 4,3,2 for an image that starts with blue. Empty: the image says."),
    )


def add_extent(algorithm):
    """Add EXTENT."""
    algorithm.add(
        QgsProcessingParameterExtent("EXTENT", tr("Extent"), optional=True),
        tr("Only this part is computed, with the same values as in a run on the whole image. Empty: all of it."),
    )


def add_gsd(algorithm, gsd_m, advanced=False):
    """Add GSD; `gsd_m` is the job's default."""
    algorithm.add(
        QgsProcessingParameterNumber(
            "GSD",
            tr("Ground sampling distance (m)"),
            QgsProcessingParameterNumber.Type.Double,
            gsd_m or None,
            True,
            0.0,
        ),
        tr("Metres per pixel, for an image whose grid does not say it. Not set or 0: taken from the image."),
        advanced,
    )


def given_bands(algorithm, parameters, context):
    """BANDS as a tuple of ints: a text with any separator, or a list as scripts give it.

    Raises:
        InvalidParameter: it holds something else than numbers.
    """
    value = parameters.get("BANDS")
    if isinstance(value, (list, tuple)):
        words = [str(band) for band in value]
    else:
        words = re.split(r"[,;\s]+", algorithm.parameterAsString(parameters, "BANDS", context).strip(" []()"))
    words = [word.strip() for word in words if word.strip()]
    if not all(_BAND.fullmatch(word) for word in words):  # "²" is a digit to isdigit, and no number to int
        raise InvalidParameter(
            tr("BANDS is {}. Give three band numbers such as 1,2,3, or nothing.").format(" ".join(words))
        )
    return tuple(int(word) for word in words)


def check_on_image(layer, bands, extent):
    """Check that bands and extent (QgsRectangle in the layer's CRS, or None) lie on the image.

    Raises:
        InvalidInput: there are fewer bands.
        InvalidParameter: the extent lies outside.
    """
    if bands and max(bands) > layer.bandCount():
        raise InvalidInput(
            tr("{layer} has {count} bands; BANDS asks for {bands}.").format(
                layer=layer.name(), count=layer.bandCount(), bands=",".join(map(str, bands))
            )
        )
    if extent is not None and not extent.intersects(layer.extent()):
        raise InvalidParameter(
            tr("EXTENT lies outside the image {}. Choose an extent on the image.").format(layer.name())
        )

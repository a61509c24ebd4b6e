"""What forms that take an orthophoto ask about it: its bands and the extent on it."""

import re

from ..backend.s3d_protocol import InvalidInput, InvalidParameter
from ..translation import tr


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
    if not all(word.isdigit() for word in words):
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

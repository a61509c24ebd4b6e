"""A polygon layer as the backend can read it: GeoJSON, written for the job."""

import json
import math
import os

from qgis.core import QgsFeatureRequest, QgsJsonUtils

from ..backend.s3d_protocol import Cancelled, InvalidInput
from ..translation import tr


class PolygonSource:
    """Polygons of a feature source, copied when this is made, so that no layer is touched later."""

    def __init__(self, source, field=""):
        """Copy the geometries, and the values of `field` where one is named.

        Raises:
            InvalidInput: the source has none, or no such field.
        """
        check_field(source, field)
        request = QgsFeatureRequest()
        if field:
            request.setSubsetOfAttributes([field], source.fields())
        else:
            request.setSubsetOfAttributes([])
        self.shapes = [
            (feature.geometry().asJson(9), as_property(field, feature.attribute(field)) if field else "{}")
            for feature in source.getFeatures(request)
            if feature.hasGeometry() and not feature.geometry().isEmpty()
        ]
        self.crs = source.sourceCrs()
        if not self.shapes:
            raise InvalidInput(tr("The layer {} holds no outlines.").format(source.sourceName()))

    def materialise(self, folder, feedback):
        """Write the GeoJSON into `folder`, in the layer's own CRS, and return its path."""
        target = os.path.join(folder, "outlines.geojson")
        with open(target, "w", encoding="utf-8") as stream:
            stream.write('{"type": "FeatureCollection",')
            if self.crs.isValid():
                name = self.crs.authid() if self.crs.authid().startswith("EPSG:") else self.crs.toWkt()
                stream.write('"crs": {{"type": "name", "properties": {{"name": {}}}}},'.format(json.dumps(name)))
            stream.write('"features": [')
            for number, (shape, properties) in enumerate(self.shapes):
                if feedback.isCanceled():
                    raise Cancelled(tr("Cancelled: nothing was written."))
                stream.write(",\n" if number else "\n")
                stream.write('{{"type": "Feature", "properties": {}, "geometry": {}}}'.format(properties, shape))
            stream.write("]}")
        return target


def feature_source(algorithm, parameters, name, context):
    """The feature source that parameter `name` holds.

    Raises:
        InvalidInput: it cannot be opened.
    """
    source = algorithm.parameterAsSource(parameters, name, context)
    if source is None:
        text = tr("{name} is no layer that QGIS can open: {value}")
        raise InvalidInput(text.format(name=name, value=parameters[name]))
    return source


def check_field(source, field):
    """Check that a feature source has a field; none need be named.

    Raises:
        InvalidInput: it has not.
    """
    names = source.fields().names()
    if field and field not in names:
        raise InvalidInput(
            tr("The layer {layer} has no field {field}. It has: {names}.").format(
                layer=source.sourceName(), field=field, names=", ".join(names) or "-"
            )
        )


def as_property(name, value):
    """A JSON object of one attribute; what JSON cannot hold, such as NaN, is null."""
    if isinstance(value, float) and not math.isfinite(value):
        value = None
    plain = value is None or isinstance(value, (bool, int, float, str))
    written = json.dumps(value) if plain else QgsJsonUtils.encodeValue(value)  # QGIS's own NULL, dates
    return "{{{}: {}}}".format(json.dumps(name), written)

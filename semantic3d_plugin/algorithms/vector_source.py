"""A polygon layer as the backend can read it: GeoJSON, written for the job."""

import json
import os

from qgis.core import QgsFeatureRequest

from ..backend.s3d_protocol import Cancelled, InvalidInput
from ..translation import tr


class PolygonSource:
    """Polygons of a feature source, copied when this is made, so that no layer is touched later."""

    def __init__(self, source):
        """Copy the geometries.

        Raises:
            InvalidInput: the source has none.
        """
        request = QgsFeatureRequest().setSubsetOfAttributes([])
        self.shapes = [
            feature.geometry().asJson(9)
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
            for number, shape in enumerate(self.shapes):
                if feedback.isCanceled():
                    raise Cancelled(tr("Cancelled: nothing was written."))
                stream.write(",\n" if number else "\n")
                stream.write('{{"type": "Feature", "properties": {{}}, "geometry": {}}}'.format(shape))
            stream.write("]}")
        return target

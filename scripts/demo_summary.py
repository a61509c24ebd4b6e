#!/usr/bin/env python3
"""The demo's last page: a quick-look picture, where the layers are, and the error where the truth is known.

usage: demo_summary.py IMAGE FOLDER [TRUE_HEIGHT TRUE_LAND_COVER], with the backend's Python.
"""

import sys
from pathlib import Path

import numpy as np
import rasterio

from semantic3d.exporters.preview import stored_classes
from semantic3d.exporters.quicklook import write_quicklook


def read(path):
    """The first band and the mask of its valid pixels, both [H, W]."""
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.read_masks(1) > 0


def gsd_m(path):
    """Metres per pixel for the scale bar; 0 where the grid does not say it."""
    with rasterio.open(path) as dataset:
        projected = dataset.crs is not None and dataset.crs.is_projected
        return abs(dataset.res[0]) * dataset.crs.linear_units_factor[1] if projected else 0.0


def height_errors(height_path, truth_path):
    """Mean absolute and root mean square error in metres, and the same for a guess of zero everywhere."""
    (height_m, valid), (truth_m, known) = read(height_path), read(truth_path)
    truth_m = truth_m[valid & known].astype(np.float64)
    errors = {"model": height_m[valid & known] - truth_m, "zero everywhere": -truth_m}
    return {name: (np.abs(error).mean(), np.sqrt((error**2).mean())) for name, error in errors.items()}


def class_overlaps(cover_path, truth_path):
    """Intersection over union by class name, for the classes that the truth has."""
    (cover, valid), (truth, known) = read(cover_path), read(truth_path)
    names = {entry.id: entry.name for entry in stored_classes(str(cover_path))}
    cover, truth = cover[valid & known], truth[valid & known]
    overlaps = {}
    for number in np.unique(truth):
        found, wanted = cover == number, truth == number
        overlaps[names.get(int(number), f"class {number}")] = np.count_nonzero(found & wanted) / np.count_nonzero(found | wanted)
    return overlaps


def main():
    image, folder, *truth = map(Path, sys.argv[1:])
    layers = {name: folder / f"{name}.tif" for name in ("height", "sigma", "land_cover")}
    picture = folder / "quicklook.png"
    write_quicklook(str(picture), str(image), *map(str, layers.values()), gsd_m=gsd_m(layers["height"]))
    if truth:
        print("Heights against the truth of the rendered scene (metres):")
        for name, (mae_m, rmse_m) in height_errors(layers["height"], truth[0]).items():
            print(f"  {name:16} MAE {mae_m:6.2f}   RMSE {rmse_m:6.2f}")
        overlaps = class_overlaps(layers["land_cover"], truth[1])
        print(f"Land cover, intersection over union, mean {np.mean(list(overlaps.values())):.2f}:")
        for name, overlap in overlaps.items():
            print(f"  {name:24} {overlap:.2f}")
    print("Layers, ready to be opened in QGIS:")
    for path in [*layers.values(), folder / "report.html", picture]:
        print(f"  {path}")


if __name__ == "__main__":
    main()

"""What tests of Reconstruct, and of other jobs on one image, share: rasters to run on, and jobs that ask for layers in a folder."""

import os

import numpy as np
import rasterio
from rasterio.transform import Affine

from s3d_protocol import ReconstructJob

GROUND = Affine(0.5, 0, 5e5, 0, -0.5, 5e6)
LAYERS = ("height", "sigma", "land_cover", "probabilities")


def save(path, pixels, **profile):
    pixels = np.asarray(pixels)
    settings = {"driver": "GTiff", "crs": "EPSG:32632", "transform": GROUND, **profile}
    settings = {key: value for key, value in settings.items() if value is not None}
    with rasterio.open(
        path, "w", width=pixels.shape[2], height=pixels.shape[1], count=pixels.shape[0], dtype=pixels.dtype, **settings
    ) as dataset:
        dataset.write(pixels)
    return str(path)


def noise(height=130, width=170, bands=3):
    return np.random.default_rng(4).integers(1, 256, (bands, height, width)).astype(np.uint8)


def job_for(image, package, folder, layers=LAYERS, **options):
    os.makedirs(folder, exist_ok=True)
    paths = {f"{name}_path": os.path.join(folder, f"{name}.tif") for name in layers}
    return ReconstructJob(image_path=image, model_path=package, **{"overlap_px": 16, **paths, **options})


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read()

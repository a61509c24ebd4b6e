"""A small reconstruction with its reference, for the tests of the evaluation."""

from dataclasses import replace

import numpy as np
import rasterio
from rasterio.transform import Affine

from s3d_protocol import EvaluateJob

GROUND = Affine(0.5, 0, 5e5, 0, -0.5, 5e6)


def save(path, values, nodata=None, transform=GROUND, crs="EPSG:32632", **options):
    values = np.asarray(values)
    with rasterio.open(
        path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1, dtype=values.dtype,
        nodata=nodata, transform=transform, crs=crs, **options
    ) as dataset:
        dataset.write(values, 1)
    return str(path)


class Scene:
    """A reference with buildings (4), trees (3) and ground (11), and a prediction with errors."""

    def __init__(self, folder, rows=90, columns=130):
        random = np.random.default_rng(7)
        self.reference = np.zeros((rows, columns), np.float32)
        self.classes = np.full((rows, columns), 11, np.uint8)
        self.reference[20:50, 30:70], self.classes[20:50, 30:70] = 8.0, 4
        self.reference[60:75, 80:110], self.classes[60:75, 80:110] = 5.0, 3
        self.classes[:5] = 0
        self.sigma = random.uniform(0.3, 2.0, self.reference.shape).astype(np.float32)
        self.height = (self.reference + random.normal(0, 1, self.reference.shape) * self.sigma).astype(np.float32)
        self.found = np.where(self.classes == 11, 2, self.classes)
        self.found[random.random(self.found.shape) < 0.1] = 4
        self.shadow = random.integers(0, 3, self.reference.shape).astype(np.uint8)  # 2 is neither
        self.zones = (np.arange(columns)[None] // 50 + np.zeros((rows, 1))).astype(np.int32)
        self.unknown = random.random(self.reference.shape) < 0.05
        stored = np.where(self.unknown, np.float32(-9999), self.height)
        self.job = EvaluateJob(
            height_path=save(folder / "h.tif", stored, -9999),
            reference_height_path=save(folder / "t.tif", self.reference),
            sigma_path=save(folder / "s.tif", self.sigma, -9999),
            land_cover_path=save(folder / "c.tif", self.found, 0),
            reference_land_cover_path=save(folder / "l.tif", self.classes, 0),
            shadow_path=save(folder / "d.tif", self.shadow),
            zones_path=save(folder / "z.tif", self.zones),
        )
        self.folder = folder

    def with_outputs(self, name="out"):
        folder = self.folder / name
        folder.mkdir()
        return replace(
            self.job, report_path=str(folder / "r.html"), figures_path=str(folder / "f.json"),
            table_path=str(folder / "t.csv"), error_path=str(folder / "e.tif"),
        )  # fmt: skip

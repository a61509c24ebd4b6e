"""A peer: the loop of the Deepness plugin for QGIS (PUTvision/qgis-plugin-deepness, Regressor), without QGIS.

    python -m speed.peer_loop IMAGE MODEL OVERLAP_PX OUT_FOLDER OUTPUTS DTYPE

Written after reading its published source (map_processor.py, map_processor_regression.py, tile_params.py,
extent_utils.py, processing_utils.py, models/model_base.py), none of it copied:

- a session with onnxruntime's defaults (its options never reach the session: the keyword is a wrong one);
- one thread that reads a tile band by band, bilinear, runs it alone (batch 1, its default), and stores it;
- the extent grows on two sides to whole strides (there right and top, here right and bottom); tiles are not blended:
  each keeps all but half the overlap along its borders, and edge tiles keep their edge;
- one array holds the first channel of every output until the last tile is done;
- then each plane is copied, its mean, deviation and range are computed, and it is written: an uncompressed GeoTIFF
  and a copy of it.

What is kinder here than there: reading goes through GDAL alone, without QGIS's provider; nobody draws or logs.
The published array is uint8, which cuts heights to whole metres; DTYPE says which type to hold.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import rasterio
import rasterio.shutil
from rasterio.enums import Resampling
from rasterio.windows import Window

from semantic3d.models.package import load_package


def main() -> None:
    image, model, overlap_px, folder, outputs, dtype = sys.argv[1:]
    peer = Peer(model, int(overlap_px), all_outputs=outputs == "all")
    peer.run(image, Path(folder), np.dtype(dtype))


class Peer:
    """The loop.

    Attributes:
        tiles: how many have been run.
    """

    def __init__(self, model: str, overlap_px: int, all_outputs: bool):
        package = load_package(model)
        self._session = onnxruntime.InferenceSession(package.read_onnx(), providers=["CPUExecutionProvider"])
        self._package, self._tile = package, package.tile_size_px
        self._overlap, self._stride = overlap_px, package.tile_size_px - overlap_px
        self._names = list(package.output_names.values()) if all_outputs else [package.output_names["height_m"]]
        self.tiles = 0

    def run(self, image: str, folder: Path, dtype: np.dtype) -> None:
        """Compute and write one file per output."""
        with rasterio.open(image) as source:
            counts = [self.count(size) for size in (source.height, source.width)]
            shape = [self._tile + (count - 1) * self._stride for count in counts]
            full = np.zeros((len(self._names), *shape), dtype)
            for row in range(counts[0]):
                for column in range(counts[1]):
                    results = self._process(self._read(source, row, column))
                    self._store(full, results, (row, column), counts)
            for plane in full:
                plane[...] = plane.copy()
            full = full[:, : source.height, : source.width]
            for plane in full:
                print(f"{np.mean(plane)} {np.std(plane)} {np.min(plane)} {np.max(plane)}")
            for name, plane in zip(self._names, full):
                self._write(source, plane, folder / f"{name}.tif")

    def count(self, size: int) -> int:
        """Return the tiles along an axis: whole strides that cover it."""
        return 1 + max(0, -(-(size - self._tile) // self._stride))

    def _read(self, source, row: int, column: int) -> np.ndarray:
        """Read a tile, uint8 [T, T, 3], band by band."""
        window = Window(column * self._stride, row * self._stride, self._tile, self._tile)
        bands = [
            source.read(band, window=window, boundless=True, fill_value=0, resampling=Resampling.bilinear)[..., None]
            for band in (1, 2, 3)
        ]
        return np.concatenate(bands, axis=2)

    def _process(self, pixels: np.ndarray) -> np.ndarray:
        """Run one tile; returns float32 [outputs, T, T]."""
        batch = np.array([pixels])[:, :, :, :3]
        batch = np.float32(batch * 1.0 / 255.0)
        mean = np.asarray(self._package.normalisation_mean, np.float32)
        batch = (batch - mean) / np.asarray(self._package.normalisation_std, np.float32)
        outputs = self._session.run(self._names, {self._package.input_name: np.transpose(batch, (0, 3, 1, 2))})
        self.tiles += 1
        for output in outputs:
            output[np.isnan(output)] = 0
            output *= 1.0
        return np.array([output.astype(np.float32)[0, 0] for output in outputs])

    def _store(self, full: np.ndarray, results: np.ndarray, place: tuple, counts: list) -> None:
        """Keep the part of a tile that is nearer to it than to its neighbours."""
        half, parts, targets = self._overlap // 2, [], []
        for index, count in zip(place, counts):
            low = 0 if index == 0 else half
            high = self._tile if index == count - 1 else self._tile - half
            parts.append(slice(low, high))
            targets.append(slice(index * self._stride + low, index * self._stride + high))
        full[:, targets[0], targets[1]] = results[:, parts[0], parts[1]]

    @staticmethod
    def _write(source, plane: np.ndarray, path: Path) -> None:
        profile = {
            "driver": "GTiff", "width": plane.shape[1], "height": plane.shape[0], "count": 1, "dtype": "float32",
            "crs": source.crs, "transform": source.transform,
        }  # fmt: skip
        first = path.with_suffix(".grid_data.tif")
        with rasterio.open(first, "w", **profile) as target:
            target.write(plane, 1)
        rasterio.shutil.copy(first, path, driver="GTiff")
        first.unlink()


if __name__ == "__main__":
    main()

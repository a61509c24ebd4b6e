"""How heights and land cover of the validation images change when the same places are pictured otherwise.

    python scripts/bench_robustness.py --data ../shared/data [--model FOLDER [FOLDER ...]] [--only "one grey band" ...]

Every validation image at 0.5 m (of the largest, the rows that the study of the overlap takes) goes through the real
reconstruct job once as it is, then blurred, sharpened, compressed, darkened, tinted and so on. Prints the table of
docs/robustness.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"))

from semantic3d import reconstruct  # noqa: E402
from semantic3d.datasets.labelled import VALIDATION_SETS, Sample, read_set  # noqa: E402
from semantic3d.metrics.figures import Figures, figures  # noqa: E402
from semantic3d.models.package import load_package  # noqa: E402
from semantic3d.training.small import GSD_M  # noqa: E402

LARGE_PX, ROWS = 1024, slice(900, 1924)
Picture = np.ndarray  # float32 [H, W, 3], 0..255


def resampled(picture: Picture, shape: tuple[int, int], method: Resampling) -> Picture:
    """The picture with `shape` rows and columns, by GDAL."""
    high, wide = picture.shape[:2]
    with MemoryFile() as file:
        with file.open(driver="GTiff", height=high, width=wide, count=3, dtype="float32") as target:
            target.write(picture.transpose(2, 0, 1))
        with file.open() as source:
            return source.read(out_shape=(3, *shape), resampling=method).transpose(1, 2, 0)


def seen_at(gsd_m: float) -> Callable[[Picture], Picture]:
    """As a sensor with larger pixels sees it, enlarged again."""

    def coarser(picture: Picture) -> Picture:
        shape = picture.shape[:2]
        small = tuple(max(2, round(size * GSD_M / gsd_m)) for size in shape)
        return resampled(resampled(picture, small, Resampling.average), shape, Resampling.cubic)

    return coarser


def sharpened(amount: float) -> Callable[[Picture], Picture]:
    """Unsharp mask: differences from the mean of 3 x 3 pixels, enlarged."""

    def sharper(picture: Picture) -> Picture:
        padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
        return picture + amount * (picture - windows.mean((-2, -1)))

    return sharper


def compressed(quality: int) -> Callable[[Picture], Picture]:
    """Through a JPEG file."""

    def lossy(picture: Picture) -> Picture:
        high, wide = picture.shape[:2]
        with MemoryFile() as file:
            shape = dict(height=high, width=wide, count=3, dtype="uint8")
            with file.open(driver="JPEG", quality=quality, **shape) as target:
                target.write(as_bytes(picture).transpose(2, 0, 1))
            with file.open() as source:
                return source.read().transpose(1, 2, 0).astype(np.float32)

    return lossy


def noisy(spread: float) -> Callable[[Picture], Picture]:
    """With noise of that standard deviation, the same in every run."""
    return lambda picture: picture + np.random.default_rng(0).normal(0, spread, picture.shape).astype(np.float32)


def times(*gains: float) -> Callable[[Picture], Picture]:
    """All bands, or red, green and blue, times a gain."""
    return lambda picture: picture * np.float32(gains)


def power(gamma: float) -> Callable[[Picture], Picture]:
    """Values to a power: below 1 brighter in the dark, above 1 darker."""
    return lambda picture: 255 * (picture / 255) ** np.float32(gamma)


def spread_about(centre: Callable[[Picture], np.ndarray], factor: float) -> Callable[[Picture], Picture]:
    """Distances from a centre times a factor."""
    return lambda picture: centre(picture) + np.float32(factor) * (picture - centre(picture))


def stretched(picture: Picture) -> Picture:
    """From the 2nd to the 98th percentile of each band, as GIS show rasters."""
    low, high = np.percentile(picture, (2, 98), axis=(0, 1))
    return 255 * (picture - low) / np.maximum(high - low, 1)


def middle(picture: Picture) -> np.ndarray:
    return picture.mean()


def grey(picture: Picture) -> np.ndarray:
    return picture.mean(axis=2, keepdims=True)


CHANGES: dict[str, Callable[[Picture], Picture]] = {
    "as it is": lambda picture: picture,
    "one grey band": lambda picture: np.repeat(grey(picture), 3, axis=2),
    "pixels of 1 m": seen_at(1.0),
    "pixels of 1.5 m": seen_at(1.5),
    "pixels of 2 m": seen_at(2.0),
    "sharpened": sharpened(1.0),
    "sharpened twice as much": sharpened(2.0),
    "JPEG, quality 50": compressed(50),
    "JPEG, quality 20": compressed(20),
    "noise of 10 grey values": noisy(10),
    "half as bright": times(0.5),
    "half as bright again, burnt out": times(1.5),
    "contrast 0.4": spread_about(middle, 0.4),
    "gamma 0.6": power(0.6),
    "gamma 1.6": power(1.6),
    "haze": lambda picture: picture * np.float32(0.6) + np.float32([70, 85, 100]),
    "warm (red x 1.25, blue x 0.75)": times(1.25, 1.0, 0.75),
    "cold (red x 0.75, blue x 1.25)": times(0.75, 1.0, 1.25),
    "saturation 0.4": spread_about(grey, 0.4),
    "saturation 1.8": spread_about(grey, 1.8),
    "stretched, 2 to 98 %": stretched,
}


@dataclass(frozen=True)
class Fared:
    """Figures of one image, with the mean error (bias) of its heights in metres."""

    figures: Figures
    bias_m: float


def as_bytes(picture: Picture) -> np.ndarray:
    return np.rint(picture).clip(0, 255).astype(np.uint8)


def validation_images(data: Path) -> Iterator[Sample]:
    """The validation images at the model's GSD, no higher than `LARGE_PX`."""
    for chosen in VALIDATION_SETS:
        for sample in read_set(data / "labelled", chosen, GSD_M):
            rows = ROWS if sample.rgb.shape[0] > LARGE_PX else slice(None)
            yield Sample(sample.name, sample.rgb[rows], sample.ndsm_m[rows], sample.land_cover[rows], GSD_M)


def fared(sample: Sample, change: Callable[[Picture], Picture], model: str) -> Fared:
    """Run the job on the changed image."""
    rgb = as_bytes(change(sample.rgb.astype(np.float32)))
    with tempfile.TemporaryDirectory() as folder:
        image, height, cover = (str(Path(folder) / name) for name in ("image.tif", "height.tif", "cover.tif"))
        shape = dict(height=rgb.shape[0], width=rgb.shape[1], count=3, dtype="uint8")
        at = from_origin(5e5, 5e6, GSD_M, GSD_M)
        with rasterio.open(image, "w", driver="GTiff", crs="EPSG:32632", transform=at, **shape) as target:
            target.write(rgb.transpose(2, 0, 1))
        reconstruct(image, model_path=model, height_path=height, land_cover_path=cover)
        with rasterio.open(height) as heights, rasterio.open(cover) as classes:
            height_m = heights.read(1, masked=True).filled(np.nan)
            codes = classes.read(1, masked=True).filled(0)
    error = height_m - sample.ndsm_m
    return Fared(figures(sample.name, sample.ndsm_m, sample.land_cover, height_m, codes), float(np.nanmean(error)))


def line(name: str, found: list[Fared]) -> str:
    """One line of the table: means over the images, then each image's MAE."""
    keys = ("mae_m", "rmse_m", "accuracy", "building_iou", "tree_iou")
    means = [float(np.nanmean([getattr(one.figures, key) for one in found])) for key in keys]
    bias_m = float(np.mean([one.bias_m for one in found]))
    cells = [f"{value:.2f}" for value in means] + [f"{bias_m:+.2f}"] + [f"{one.figures.mae_m:.2f}" for one in found]
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", nargs="*", default=[""], help="packages; the bundled one if none is given")
    parser.add_argument("--only", nargs="*", choices=list(CHANGES), default=list(CHANGES), metavar="CHANGE")
    options = parser.parse_args()
    samples = list(validation_images(options.data))
    for model in options.model:
        package = load_package(model)
        print(f"\n{package.name} {package.version}, {date.today().isoformat()}\n")
        names = [Path(sample.name).stem for sample in samples]
        print("| picture | MAE | RMSE | accuracy | building IoU | tree IoU | bias | " + " | ".join(names) + " |")
        print("|---" * (7 + len(names)) + "|")
        for name in options.only:
            print(line(name, [fared(sample, CHANGES[name], model) for sample in samples]), flush=True)


if __name__ == "__main__":
    main()

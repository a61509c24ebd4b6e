"""Images with heights and land cover: reading, splitting, masking."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.windows import Window

from ..metrics.figures import BUILDING

IGNORED = 0
NOT_BUILDING = 255  # any class but building, known where only building outlines are

MAX_GROUND_DISTANCE_M = 30.0


@dataclass(frozen=True)
class Surroundings:
    """The image around a sample, without labels: a model is judged on what it says where it sees as much as at work.

    Attributes:
        rgb, valid: as a sample's, of a larger rectangle.
        top, left: the sample's first row and column in it.
    """

    rgb: np.ndarray
    valid: np.ndarray | None
    top: int
    left: int


@dataclass(frozen=True)
class Sample:
    """One labelled image.

    Attributes:
        name: where it comes from.
        rgb: uint8 [H, W, 3].
        ndsm_m: float32 [H, W], NaN where no height is trusted.
        land_cover: uint8 [H, W], codes of the data's table, 0 where unknown.
        gsd_m: ground sampling distance.
        heights_true: whether they were measured or rendered. A model's own heights teach heights, but how far a
            model errs cannot be learned from what it said itself.
        valid: bool [H, W], where there is an image; None where there is one everywhere.
        surroundings: where it was cut from; None where nothing else is known.
    """

    name: str
    rgb: np.ndarray
    ndsm_m: np.ndarray
    land_cover: np.ndarray
    gsd_m: float
    heights_true: bool = True
    valid: np.ndarray | None = None
    surroundings: Surroundings | None = None

    @property
    def has_heights(self) -> bool:
        """Whether some pixel has a height."""
        return bool(np.isfinite(self.ndsm_m).any())

    @property
    def has_land_cover(self) -> bool:
        """Whether some pixel has a class."""
        return bool((self.land_cover > 0).any())


@dataclass(frozen=True)
class LabelledSet:
    """How one set of `labelled/` is to be read.

    Attributes:
        columns: first and last (excluded) column that belong to the split.
        pattern: file names.
        roofs_trusted: whether building heights may be learned from.
        share: probability of drawing from the set, relative to the others.
    """

    name: str
    columns: tuple[int, int | None] = (0, None)
    pattern: str = "*.tif"
    roofs_trusted: bool = True
    share: float = 1.0


# What the sets' licences allow to ship, by the split of their README.
TRAINING_SETS = (
    LabelledSet("autzen", (470, None), share=6.0),
    LabelledSet("autzen_030", (783, None), share=3.0),
    LabelledSet("ign_rural", share=0.6),
    LabelledSet("llanchama", roofs_trusted=False, share=0.7),
    LabelledSet("centro_fuerte", roofs_trusted=False, share=0.7),
)
VALIDATION_SETS = (
    LabelledSet("autzen", (0, 450)),
    LabelledSet("tuniu"),
    LabelledSet("ign_ortho02"),
    LabelledSet("zurich_lake"),
    LabelledSet("neon_osbs"),
)


def read_sample(folder: Path, file_name: str, chosen: LabelledSet, gsd_m: float) -> Sample:
    """Read image, heights and classes of one file at `gsd_m`.

    Images are averaged or cubically refined, heights averaged, classes taken by majority.
    """
    with rasterio.open(folder / "rgb" / file_name) as source:
        first, last, _ = slice(*chosen.columns).indices(source.width)
        window = Window(first, 0, last - first, source.height)
        factor = source.res[0] / gsd_m
        shape = (round(source.height * factor), round((last - first) * factor))
        image_method = Resampling.average if factor < 1 else Resampling.cubic
        rgb = source.read((1, 2, 3), window=window, out_shape=(3, *shape), resampling=image_method)
    with rasterio.open(folder / "ndsm" / file_name) as source:
        method = Resampling.average if factor < 1 else Resampling.bilinear
        ndsm = source.read(1, window=window, out_shape=shape, resampling=method, masked=True)
    with rasterio.open(folder / "landcover" / file_name) as source:
        method = Resampling.mode if factor < 1 else Resampling.nearest
        land_cover = source.read(1, window=window, out_shape=shape, resampling=method)
    ndsm_m = ndsm.astype("float32").filled(np.nan)
    ndsm_m[ndsm_m < -50] = np.nan
    ndsm_m = np.maximum(ndsm_m, 0)  # below ground is noise of the point cloud; NaN stays NaN
    distance_path = folder / "ground_dist" / file_name
    if distance_path.exists():
        with rasterio.open(distance_path) as source:
            distance = source.read(1, window=window, out_shape=shape, resampling=Resampling.nearest)
        ndsm_m[distance > MAX_GROUND_DISTANCE_M] = np.nan
    if not chosen.roofs_trusted:
        ndsm_m[land_cover == BUILDING] = np.nan
    rgb = np.ascontiguousarray(rgb.transpose(1, 2, 0))
    return Sample(f"{chosen.name}/{file_name}", rgb, ndsm_m, land_cover, gsd_m)


def read_set(root: Path, chosen: LabelledSet, gsd_m: float) -> list[Sample]:
    """Read every file of a set under `root` (the data's `labelled` folder)."""
    folder = root / chosen.name
    names = sorted(path.name for path in (folder / "rgb").glob(chosen.pattern))
    if not names:
        raise FileNotFoundError(f"no {chosen.pattern} in {folder / 'rgb'}")
    return [read_sample(folder, name, chosen, gsd_m) for name in names]


def read_rendered(folder: Path) -> list[Sample]:
    """Read the scenes that `procedural_corpus` wrote."""
    return [_read_scene(path) for path in sorted(folder.glob("*.npz"))]


def read_pseudo_labelled(folder: Path) -> list[Sample]:
    """Read the images that a model labelled (`training.pseudo_labels`)."""
    return [replace(_read_scene(path), heights_true=False) for path in sorted(folder.glob("*.npz"))]


def _read_scene(path: Path) -> Sample:
    with np.load(path) as stored:
        ndsm_m = stored["ndsm_dm"].astype(np.float32) / 10
        ndsm_m[ndsm_m < 0] = np.nan
        name = f"{path.parent.name}/{path.stem}"
        return Sample(name, stored["rgb"], ndsm_m, stored["land_cover"], float(stored["gsd_m"]))

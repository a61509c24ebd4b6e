"""A published data set as crops that are read one by one: it does not have to fit into memory."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from s3d_protocol import InvalidInput

from .labelled import Sample

TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Crop:
    """One square of an image.

    Attributes:
        name: unique; `split.csv` and `subsets.csv` know it by this.
        image: the image that it is cut from.
        row, column: of its first pixel, in pixels of the crops' grid.
    """

    name: str
    image: str
    row: int
    column: int


@dataclass(frozen=True)
class CropSet:
    """Crops and how to read one: `read` gives its `Sample`."""

    crops: tuple[Crop, ...]
    read: Callable[[Crop], Sample]

    def __len__(self) -> int:
        return len(self.crops)

    def sample(self, index: int) -> Sample:
        """Read one crop."""
        return self.read(self.crops[index])


@dataclass(frozen=True)
class PublishedData:
    """A data set of the paper.

    Attributes:
        name: for tables.
        class_names: of the codes 1, 2, ...
        building_code: the class that the paper calls foreground.
        gsd_m: of the crops.
        train, test: the split.
        paper_counts: training and test crops in the paper.
        subset_of: crop or image name -> subset of the test set (table VI); empty where there is no list.
        remarks: what differs from the paper, for the log.
        label_sources: what labels are made with beside rasters (class of each value, number of footprints), JSON values.
    """

    name: str
    class_names: tuple[str, ...]
    building_code: int
    gsd_m: float
    train: CropSet
    test: CropSet
    paper_counts: tuple[int, int]
    subset_of: dict[str, str]
    remarks: tuple[str, ...] = ()
    label_sources: tuple = ()

    def subset(self, crop: Crop) -> str:
        """The crop's subset, "" where the list does not name it."""
        return self.subset_of.get(crop.name, self.subset_of.get(crop.image, ""))


def crop_corners(height_px: int, width_px: int, crop_px: int) -> list[tuple[int, int]]:
    """First row and column of every crop that fits, side by side without overlap, as the paper cuts its images."""
    return [
        (row, column)
        for row in range(0, height_px - crop_px + 1, crop_px)
        for column in range(0, width_px - crop_px + 1, crop_px)
    ]


def split_groups(sizes: dict[str, int], test_share: float, seed: int = 0) -> set[str]:
    """Choose whole groups for the test set until it holds about `test_share` of everything.

    Args:
        sizes: group -> how much it holds; neighbours or views of one place belong into one group.
        seed: the choice follows from it and the groups' names alone.

    Returns:
        The groups of the test set: at least one, and never all where there are two.
    """
    names = sorted(sizes)
    random.Random(seed).shuffle(names)  # nosec B311 # a split, no secret
    wanted, chosen, held = test_share * sum(sizes.values()), set(), 0
    for name in names[: max(1, len(names) - 1)]:
        if chosen and held + sizes[name] / 2 > wanted:
            break
        chosen.add(name)
        held += sizes[name]
    return chosen


def read_list(path: Path, value_column: str, allowed: tuple[str, ...] = ()) -> dict[str, str]:
    """Read a CSV of names and values; an absent file is an empty list.

    Args:
        path: with the columns "name" and `value_column`.
        allowed: values there may be, where not any.

    Raises:
        InvalidInput: a column is missing, or a value is not allowed.
    """
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = csv.DictReader(stream)
        columns = rows.fieldnames or []
        if "name" not in columns or value_column not in columns:
            raise InvalidInput(
                f"{path} has the columns {', '.join(columns) or 'none'}; it needs name and {value_column}."
            )
        found = {row["name"].strip(): (row[value_column] or "").strip() for row in rows}
    wrong = sorted({value for value in found.values() if allowed and value not in allowed})
    if wrong:
        raise InvalidInput(f"{path} says {', '.join(wrong[:5])}; {value_column} is one of {', '.join(allowed)}.")
    return found


def some(names: list[str], most: int = 3) -> str:
    """The first few names and how many there are, for messages."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

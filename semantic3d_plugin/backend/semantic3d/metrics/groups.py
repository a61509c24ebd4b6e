"""Figures by groups of pixels, such as classes or zones."""

from __future__ import annotations

from typing import Callable, Iterator

import numpy as np


def split_by_group(groups: np.ndarray, *values: np.ndarray) -> Iterator[tuple]:
    """Yield (group id, values of its pixels ...) for each group that occurs.

    Args:
        groups: integer ids [N].
        values: arrays [N].
    """
    order = np.argsort(groups, kind="stable")
    ids, starts = np.unique(groups[order], return_index=True)
    for number, code in enumerate(ids):
        end = starts[number + 1] if number + 1 < starts.size else order.size
        members = order[starts[number] : end]
        yield (int(code), *(array[members] for array in values))


class Grouped:
    """One accumulator per group, made when the group first occurs.

    Attributes:
        members: group id -> accumulator.
    """

    def __init__(self, make: Callable[[], object]):
        self._make = make
        self.members: dict = {}

    def add(self, groups: np.ndarray, *values: np.ndarray) -> None:
        """Add pixels [N] to the accumulators of their groups."""
        for code, *parts in split_by_group(groups, *values):
            if code not in self.members:
                self.members[code] = self._make()
            self.members[code].add(*parts)

    def results(self) -> dict:
        """Group id -> its figures, in order of the ids."""
        return {code: self.members[code].result() for code in sorted(self.members)}

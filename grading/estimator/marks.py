"""The shapes the estimator works on: marks sorted by agency, in blocks that fit in memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]

NONE = -1
"""Code of "not stated" for difficulty, client and case."""


@dataclass(frozen=True, slots=True)
class Block:
    """Expert marks of some agencies, all of an agency together.

    Agency `k` of the block has the rows `starts[k]:starts[k + 1]`; `reviewer` and `difficulty` are codes from 0
    (difficulty −1: not stated) and `mark` is in points. An agency never lies in two blocks.
    """

    starts: Ints
    reviewer: Codes
    difficulty: Codes
    mark: Reals

    @property
    def sizes(self) -> Ints:
        """Marks of each agency."""
        return np.diff(self.starts)

    @property
    def owner(self) -> Ints:
        """Agency of each mark, counted from 0 within the block."""
        return owners(self.starts)


class Blocks(Protocol):
    """Whatever can go over all marks again and again: a list, or files read block by block."""

    def __call__(self) -> Iterable[Block]: ...


@dataclass(frozen=True, slots=True)
class Marks:
    """Case marks of some agencies, corrected, all of an agency together and the oldest first.

    `value` in points, `age` in months; `client` −1 where not stated. `consistency` says how many marks of an average
    reviewer one counts. `link_mark` and `link_reviewer` say who gave a mark: several reviewers share it equally. The
    links stand in the order of the marks.
    """

    starts: Ints
    value: Reals
    age: Reals
    consistency: Reals
    client: Codes
    link_mark: Ints
    link_reviewer: Codes

    @property
    def sizes(self) -> Ints:
        """Marks of each agency."""
        return np.diff(self.starts)

    @property
    def owner(self) -> Ints:
        """Agency of each mark, counted from 0."""
        return owners(self.starts)


def owners(starts: Ints) -> Ints:
    """Agency of each row, counted from 0, from the row bounds of the agencies."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def totals(values: Reals, starts: Ints) -> Reals:
    """The sum of each agency's values; 0 for an agency without any."""
    sums = np.zeros(len(starts) - 1)
    filled = np.diff(starts) > 0
    if filled.any():
        sums[filled] = np.add.reduceat(values, starts[:-1][filled])
    return sums


def starts_of(owner: NDArray[np.integer], agencies: int) -> Ints:
    """Row bounds of each agency from the sorted agency codes of the rows."""
    return np.searchsorted(owner, np.arange(agencies + 1)).astype(np.int64)


def half_up(values: Reals, places: int) -> Reals:
    """Rounded half up, as money and marks are; a hair is added for what binary fractions lose."""
    scale = 10.0**places
    rounded: Reals = np.floor(values * scale + 0.5 + 1e-9) / scale
    return rounded

"""The field: its level μ, how far agencies differ (va), how far one mark strays (ve), how fast agencies move.

μ and va are the Paule–Mandel estimates of a random-effects model over the agencies' mean corrected marks: the va at
which their weighted squares about μ come out as expected. One agency is one voice, however many marks it has beyond
what its own error needs, so a field of many small agencies is not drowned by a few large ones.

Two marks of one agency differ by more the further apart they lie. The straight line through half the squared
differences over the time between them gives how fast agencies move (its slope) and how far one mark strays on its
day (its start): the interval of a score needs both apart, where ve, learnt over the whole window, holds both.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from grading.estimator.constants import BELIEF, BETWEEN_BEFORE, ERROR_BEFORE, LEVEL_BEFORE
from grading.estimator.marks import Ints, Reals, owners, totals

LEAST = 1e-4
STEPS = 200
LEAST_PAIRS = 100
"""With fewer pairs of marks nothing is said about how agencies move."""


@dataclass(frozen=True, slots=True)
class Field:
    """`level` μ in points, `between` va and `error` ve in square points.

    `motion` None: nothing is known about how agencies move (before learning), and the interval carries the scheme's
    allowance instead.
    """

    level: float
    between: float
    error: float
    motion: "Motion | None" = None

    @property
    def prior_weight(self) -> float:
        """λ = ve/va: the weight of the field's level, counted in fresh expert marks."""
        return self.error / self.between

    @property
    def entry_level(self) -> float:
        """What an agency never rated starts from: μ less one standard deviation of the field."""
        return self.level - sqrt(self.between)


@dataclass(frozen=True, slots=True)
class Motion:
    """How far one mark strays on its day (`noise`, square points) and how fast agencies move.

    `drift` is the variance, in square points, that a year of the random walk adds.
    """

    noise: float
    drift: float


@dataclass(frozen=True, slots=True)
class Pairs:
    """Sums over pairs of marks of the same agency; they add up over blocks.

    For x = half the years between two marks and z = half their squared difference: n, Σx, Σx², Σz, Σxz.
    """

    sums: Reals

    def motion(self, severity_error: float = 0.0) -> Motion | None:
        """The line z = noise + drift·x; None with too few pairs or all marks of a day."""
        n, x, xx, z, xz = (float(one) for one in self.sums)
        spread = n * xx - x * x
        if n < LEAST_PAIRS or spread <= LEAST * n * n:
            return None
        drift = max((n * xz - x * z) / spread, 0.0)
        return Motion(max((z - drift * x) / n, LEAST) + severity_error, drift)


def pair_up(value: Reals, age: Reals, starts: Ints) -> Pairs:
    """Pairs 1, 2, 4, 8... marks apart, the marks of an agency standing in order of time; `age` in months."""
    owner = owners(starts)
    sums, apart = np.zeros(5), 1
    while apart < int(np.diff(starts).max(initial=0)):
        first = np.flatnonzero(owner[:-apart] == owner[apart:])
        x = np.abs(age[first] - age[first + apart]) / 24
        z = (value[first] - value[first + apart]) ** 2 / 2
        sums += [len(x), x.sum(), x @ x, z.sum(), x @ z]
        apart *= 2
    return Pairs(sums)


@dataclass(frozen=True, slots=True)
class Summary:
    """What the field is learnt from: per agency the number of marks, their mean and squares about it."""

    number: Ints
    mean: Reals
    squares: Reals


def summarise(value: Reals, starts: Ints) -> Summary:
    """Number, mean and squares of each agency that has marks."""
    sizes = np.diff(starts)
    held = sizes > 0
    mean = totals(value, starts) / np.maximum(sizes, 1)
    squares = totals((value - np.repeat(mean, sizes)) ** 2, starts)
    return Summary(sizes[held], mean[held], squares[held])


def learn_field(summary: Summary, error: float | None = None, severity_error: float = 0.0) -> Field:
    """The field from its agencies.

    `error` is ve where it was learnt with the severities; else it is the spread within agencies. `severity_error`
    is the mean variance of a correction: a corrected mark strays by both.
    """
    degrees = float((summary.number - 1).sum())
    within = (float(summary.squares.sum()) + BELIEF * ERROR_BEFORE) / (degrees + BELIEF)
    ve = max((within if error is None else error) + severity_error, LEAST)
    noise = ve / summary.number
    va = _between(summary.mean, noise)
    weight = 1 / (va + noise)
    level = float((weight * summary.mean).sum() / weight.sum()) if len(weight) else LEVEL_BEFORE
    return Field(level, va, ve)


def _between(mean: Reals, noise: Reals) -> float:
    """The root of Σ (mean − μ)²/(va + noise) = agencies − 1, by bisection; it falls in va."""
    if len(mean) < 3:
        return BETWEEN_BEFORE

    def excess(va: float) -> float:
        weight = 1 / (va + noise)
        centre = (weight * mean).sum() / weight.sum()
        return float((weight * (mean - centre) ** 2).sum()) - (len(mean) - 1)

    low, high = LEAST, max(float(np.var(mean)) * 2, LEAST * 2)
    while excess(high) > 0:
        high *= 2
    for _ in range(STEPS):
        if high - low <= 1e-9 * high:
            break
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2

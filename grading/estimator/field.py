"""The field: its level μ, how far agencies differ (va), how far one mark strays (ve), how fast agencies move (`motion`).

μ and va are the Paule–Mandel estimates of a random-effects model over the agencies' mean corrected marks: the va at
which their weighted squares about μ come out as expected. One agency is one voice, however many marks it has beyond
what its own error needs, so a field of many small agencies is not drowned by a few large ones.
"""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from grading.estimator.constants import BELIEF, BETWEEN_BEFORE, ERROR_BEFORE, LEVEL_BEFORE, Constants
from grading.estimator.marks import Ints, Reals, totals
from grading.estimator.motion import Calendar, Motion, Pairs, learn_half_life

LEAST = 1e-4
STEPS = 200


@dataclass(frozen=True, slots=True)
class Field:
    """`level` μ in points, `between` va and `error` ve in square points.

    `motion` None: nothing is known about how agencies move (before learning), and the interval carries the scheme's
    allowance instead.
    """

    level: float
    between: float
    error: float
    motion: Motion | None = None

    @property
    def prior_weight(self) -> float:
        """λ = ve/va: the weight of the field's level, counted in fresh expert marks."""
        return self.error / self.between

    @property
    def entry_level(self) -> float:
        """What an agency never rated starts from: μ less one standard deviation of the field."""
        return self.level - sqrt(self.between)

    def half_life(self, constants: Constants) -> float:
        """After how many months a mark counts half: as learnt, within the scheme's bounds; before that as announced."""
        learnt = self.motion.half_life if self.motion else None
        wanted = constants.half_life_months if learnt is None else learnt
        return min(max(wanted, constants.half_life_least), constants.half_life_most)


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


def in_motion(field: Field, pairs: Pairs, when: Calendar, constants: Constants, severity_error: float = 0.0) -> Field:
    """The field together with how its agencies move and how long their marks count therefore."""
    motion = pairs.motion(severity_error)
    if motion is None:
        return field
    months = learn_half_life(motion, pairs.doubt(), field.error, field.prior_weight, when, constants)
    return replace(field, motion=replace(motion, half_life=months))


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

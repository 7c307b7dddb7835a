"""How agencies move, and how long a mark should count therefore.

Two marks of one agency differ by more the further apart they lie. The straight line through half the squared
differences over the time between them gives how fast agencies move (its slope) and how far one mark strays on its
day (its start): the interval of a score needs both apart, where ve, learnt over the whole window, holds both.

Where agencies stand still an old mark says as much as a new one; where they move fast it misleads. The half-life is
the one under which the scores of these agencies vary least about what the agencies are today. It leaves the announced
value only as far as the marks bear it out: it is the value nearest to the announced one between the best for a drift
one standard error less and the best for one standard error more.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from grading.estimator.constants import Constants
from grading.estimator.marks import Ints, Reals, owners, totals

LEAST = 1e-4
LEAST_PAIRS = 100
"""With fewer pairs of marks nothing is said about how agencies move."""
HALF_LIVES = (3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 21, 24, 30, 36, 48, 60)
"""Months that are tried. Beyond the last one all marks of the window count nearly alike."""
AGENCIES_TRIED = 2_000
"""So many agencies, evenly taken, tell which half-life is best; more would say the same."""


@dataclass(frozen=True, slots=True)
class Motion:
    """How far one mark strays on its day (`noise`, square points) and how fast agencies move.

    `drift` is the variance, in square points, that a year of the random walk adds; `half_life`, in months, what follows
    from both for the weight of old marks (None: not learnt).
    """

    noise: float
    drift: float
    half_life: float | None = None


@dataclass(frozen=True, slots=True)
class Pairs:
    """Sums over pairs of marks of the same agency; they add up over blocks.

    For x = half the years between two marks and z = half their squared difference: n, Σx, Σx², Σz, Σxz, Σz², and the
    number of neighbours among the pairs, since pairs that share a mark do not speak for themselves.
    """

    sums: Reals

    @classmethod
    def none(cls) -> "Pairs":
        """Before any block."""
        return cls(np.zeros(7))

    def __add__(self, other: "Pairs") -> "Pairs":
        return Pairs(self.sums + other.sums)

    def motion(self, severity_error: float = 0.0) -> Motion | None:
        """The line z = noise + drift·x; None with too few pairs or all marks of a day."""
        n, x, xx, z, xz, _, _ = (float(one) for one in self.sums)
        spread = n * xx - x * x
        if n < LEAST_PAIRS or spread <= LEAST * n * n:
            return None
        drift = max((n * xz - x * z) / spread, 0.0)
        return Motion(max((z - drift * x) / n, LEAST) + severity_error, drift)

    def doubt(self) -> float:
        """Standard error of the drift, as if only neighbours spoke for themselves."""
        n, x, xx, z, xz, zz, neighbours = (float(one) for one in self.sums)
        spread = xx - x * x / n
        slope = (xz - x * z / n) / spread
        rest = max(zz - z * z / n - slope**2 * spread, 0.0) / max(n - 2, 1.0)
        return sqrt(rest / spread * n / neighbours)


def pair_up(value: Reals, age: Reals, starts: Ints) -> Pairs:
    """Pairs 1, 2, 4, 8... marks apart, the marks of an agency standing in order of time; `age` in months."""
    owner = owners(starts)
    sums, apart = np.zeros(7), 1
    while apart < int(np.diff(starts).max(initial=0)):
        first = np.flatnonzero(owner[:-apart] == owner[apart:])
        x = np.abs(age[first] - age[first + apart]) / 24
        z = (value[first] - value[first + apart]) ** 2 / 2
        sums += [len(x), x.sum(), x @ x, z.sum(), x @ z, z @ z, len(x) if apart == 1 else 0]
        apart *= 2
    return Pairs(sums)


@dataclass(frozen=True, slots=True)
class Calendar:
    """When the marks of some agencies were given: `age` in months, oldest first, agency by agency."""

    starts: Ints
    age: Reals

    def part(self, wanted: Ints) -> "Calendar":
        """The agencies `wanted`, in that order."""
        sizes = np.diff(self.starts)[wanted]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        rows = np.arange(starts[-1]) + np.repeat(self.starts[wanted] - starts[:-1], sizes)
        return Calendar(starts, self.age[rows])


def together(parts: list[Calendar]) -> Calendar:
    """The agencies of all parts."""
    sizes = np.concatenate([np.zeros(1, np.int64), *(np.diff(one.starts) for one in parts)])
    return Calendar(np.cumsum(sizes), np.concatenate([np.zeros(0), *(one.age for one in parts)]))


def walk(age: Reals, starts: Ints, weight: Reals) -> Reals:
    """By how much each agency's Σ w·mark varies per unit of drift, since the agency has gone on from every mark.

    Every stretch of time counts with the square of all the weight that is older than it, in years.
    """
    sizes = np.diff(starts)
    sofar = np.cumsum(weight)
    before = np.concatenate([[0.0], sofar])[starts[:-1]]
    older = sofar - np.repeat(before, sizes)  # marks stand oldest first
    newest = starts[1:][sizes > 0] - 1
    gap = age.copy()
    gap[:-1] -= age[1:]
    gap[newest] = age[newest]  # up to the day itself
    return totals(gap * older * older, starts) / 12


def one_in(agencies: int) -> int:
    """One agency in so many is asked which half-life is best."""
    return max(1, -(-agencies // AGENCIES_TRIED))


def learn_half_life(
    motion: Motion, doubt: float, error: float, prior_weight: float, when: Calendar, constants: Constants
) -> float:
    """The half-life, in months, that serves agencies with such marks best (see the module's head).

    `doubt` is the standard error of the drift, `error` ve, `prior_weight` λ. Caps and robust weights are left out: they
    depend on the marks, and who marked high must not decide how long marks count.
    """
    agencies = len(when.starts) - 1
    tried = when.part(np.arange(0, agencies, one_in(agencies)))
    drifting, resting = np.array([_variance(tried, motion.noise, error, prior_weight, one) for one in HALF_LIVES]).T
    best = [
        HALF_LIVES[int(np.argmin(resting + max(drift, 0.0) * drifting))]
        for drift in (motion.drift + doubt, motion.drift - doubt)
    ]
    return float(min(max(constants.half_life_months, min(best)), max(best)))


def _variance(when: Calendar, noise: float, error: float, prior_weight: float, half_life: float) -> tuple[float, float]:
    """Mean variance of the scores under a half-life: the part per unit of drift, and the rest."""
    weight = np.exp2(when.age / -half_life)
    total = prior_weight + totals(weight, when.starts)
    still = noise * totals(weight**2, when.starts) + error * prior_weight
    return float(np.mean(walk(when.age, when.starts, weight) / total**2)), float(np.mean(still / total**2))

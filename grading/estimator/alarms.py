"""The alarm: a two-sided CUSUM over an agency's marks in order of time. It orders an early check, never grades.

Each mark is compared with what the marks *before* it led one to expect: the shrunk, time-weighted mean on that day
(the same decay and the same λ as the score), and the spread of one mark about that expectation. So the sums need no
stored state, and the alarm of any day can be computed again from the marks alone. The first marks, fewer than a grade
needs, only form the expectation: before them there is no level to have left.
"""

from dataclasses import dataclass

import numpy as np

from grading.estimator.constants import Constants
from grading.estimator.field import Field
from grading.estimator.marks import Flags, Ints, Reals


@dataclass(frozen=True, slots=True)
class Alarms:
    """The sums of each agency, in standard deviations: `low` grows with falling marks, `high` with rising."""

    low: Reals
    high: Reals
    limit: float

    @property
    def falling(self) -> Flags:
        """Whether marks have fallen enough to order a check."""
        return self.low > self.limit

    @property
    def rising(self) -> Flags:
        """Whether marks have risen enough to order a check."""
        return self.high > self.limit

    @property
    def sounding(self) -> Flags:
        """Whether a check is ordered."""
        return self.falling | self.rising


def watch(value: Reals, age: Reals, starts: Ints, prior: Field, constants: Constants) -> Alarms:
    """The sums after the last mark.

    `value` in points and `age` in months, oldest first within each agency. Works through the first marks of all
    agencies, then the second of all, and so on.
    """
    agencies = len(starts) - 1
    low, high = np.zeros(agencies), np.zeros(agencies)
    lam, level = prior.prior_weight, prior.level
    noise = prior.motion.noise if prior.motion else prior.error
    half_life = prior.half_life(constants)
    weight, drawn = np.zeros(agencies), np.zeros(agencies)
    last = np.zeros(agencies)
    sizes = np.diff(starts)
    order = np.argsort(-sizes, kind="stable")
    remaining = np.searchsorted(-sizes[order], -np.arange(1, int(sizes.max(initial=0)) + 1), side="right")
    for turn, many in enumerate(remaining):
        who = order[:many]
        row = starts[who] + turn
        fade = 0.5 ** (np.maximum(last[who] - age[row], 0.0) / half_life) if turn else 1.0
        held, pull = weight[who] * fade, drawn[who] * fade
        expected = (lam * level + pull) / (lam + held)
        spread = np.sqrt(noise * (1 + 1 / (lam + held)))
        z = (value[row] - expected) / spread
        if turn >= constants.least_results:
            low[who] = np.maximum(0.0, low[who] - z - constants.alarm_slack)
            high[who] = np.maximum(0.0, high[who] + z - constants.alarm_slack)
        robust = np.minimum(1.0, constants.robust_at / np.maximum(np.abs(z), 1e-12))
        weight[who], drawn[who] = held + robust, pull + robust * value[row]
        last[who] = age[row]
    return Alarms(low, high, constants.alarm_limit)

"""The alarm: a two-sided CUSUM on standardised new marks. It orders an early check, never grades."""

from collections.abc import Iterable
from dataclasses import dataclass

from grading.rules.scheme import EstimatorRules


@dataclass(frozen=True, slots=True)
class Alarm:
    """The two sums, in standard deviations: `low` grows with falling marks, `high` with rising."""

    low: float
    high: float
    limit: float

    @property
    def falling(self) -> bool:
        """Whether marks have fallen enough to order a check."""
        return self.low > self.limit

    @property
    def rising(self) -> bool:
        """Whether marks have risen enough to order a check."""
        return self.high > self.limit


def watch(marks: Iterable[float], *, expected: float, sd: float, start: Alarm | None, rules: EstimatorRules) -> Alarm:
    """Carry the sums over the new marks in order of time.

    `expected` is the score they are compared with and `sd` the spread of one mark about it, in
    points; `start` holds the sums of the last report, None at the beginning.
    """
    low, high = (start.low, start.high) if start else (0.0, 0.0)
    for mark in marks:
        z = (mark - expected) / sd
        low = max(0.0, low - z - rules.alarm_slack)
        high = max(0.0, high + z - rules.alarm_slack)
    return Alarm(low, high, rules.alarm_limit)

"""When a record stops counting: one rule for points, for the ground of a D and for what the public sees (decision 0016).

A finding counts from the day it was upheld until the earliest of: twelve months (`conduct.item_life_months`), the
longest display of its class (3 / 12 / 36 months), the day a repair of it is granted. A direct D counts from its start
until the earliest of: the longest display (36 months, or as the decision says if longer), the day its way back takes
effect (never before its term is over), the day a repair of it is granted. Everything ends together on that day.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from grading.rules.months import add_months
from grading.rules.scheme import Scheme, TermRules


class EndedBy(StrEnum):
    """What ends a record."""

    TIME = "time"
    WAY_BACK = "way-back"
    REPAIR = "repair"


@dataclass(frozen=True, slots=True)
class Record:
    """A finding or a direct D: from when it counts, when time alone ends it, and what may end it earlier."""

    start: date
    longest: date
    repaired_on: date | None = None
    released_on: date | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The first day on which a record no longer counts, and why; on one day a repair outweighs a way back and time."""

    on: date
    by: EndedBy


def end_of(record: Record) -> End:
    """When the record stops counting; never before it began to."""
    found = [(record.longest, 2, EndedBy.TIME)]
    if record.released_on:
        found.append((record.released_on, 1, EndedBy.WAY_BACK))
    if record.repaired_on:
        found.append((record.repaired_on, 0, EndedBy.REPAIR))
    day, _, by = min(found)
    return End(max(record.start, day), by)


def counts(record: Record, day: date) -> bool:
    """Whether it counts on `day`: its first day does, its end does not."""
    return record.start <= day < end_of(record).on


def finding_record(decided_on: date, points: int, ended_on: date | None, scheme: Scheme) -> Record:
    """An upheld finding under the scheme it was decided with; `ended_on` is what the record says of its end."""
    display = scheme.repair.terms(scheme.repair.class_of(points))
    longest = min(add_months(decided_on, scheme.conduct.life_months), add_months(decided_on, display.most_months))
    return Record(decided_on, longest, repaired_on=ended_on)


def longest_d(starts_on: date, ends_on: date, terms: TermRules) -> date:
    """When a direct D ends though nobody showed anything: 36 months, or as the decision says if longer."""
    return max(ends_on, add_months(starts_on, terms.veto_d_months_at_most))


def ground_record(
    starts_on: date, ends_on: date, *, released_on: date | None, repaired_on: date | None, terms: TermRules
) -> Record:
    """A direct D with the term of its decision; a way back never takes effect before that term is over."""
    released = max(ends_on, released_on) if released_on else None
    return Record(starts_on, longest_d(starts_on, ends_on, terms), repaired_on, released)

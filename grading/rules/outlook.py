"""What would move a grade: the same estimator asked "what if", and honest about how likely that is.

Every statement is computed with `replay.grade` on the evidence as published plus results that do not
exist yet: of unrelated clients, by different reviewers, marked alike, final on the day of the next run.
The chance is that of the agency *as it is*: marks drawn around the published score with the spread of
one case mark. It says what the agency may expect without changing, not what it is able to do.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from math import erf, sqrt

from agencies.rules import CreditGrade
from core.money import half_up
from grading.rules.bands import Check, rank
from grading.rules.calibration import Calibration
from grading.rules.evidence import Case, Evidence, PastGrade, Previous
from grading.rules.months import add_months
from grading.rules.replay import Outcome, grade
from grading.rules.scheme import Scheme

COUNTS = (1, 2, 3, 5, 10, 20)
MOST_WAYS = 3
MOST_NEEDED = 8
MONTHS = 12
TOP = 100
STRIDE = 5
MARKS = frozenset({"probability", "results", "reviewers", "clients", "reliability", "reviewed", "unrelated"})
"""Conditions that new results can meet; the others are met by time, by conduct, or not at all."""


@dataclass(frozen=True, slots=True)
class Way:
    """`count` new results, each marked `mark`: the least on the way up, the most on the way down.

    `chance` is the probability that their mean gets there while the agency stays as it is.
    """

    count: int
    mark: int
    result: CreditGrade
    chance: Decimal


@dataclass(frozen=True, slots=True)
class Turn:
    """A grade that changes by time alone: no new result, nothing else happens."""

    on: date
    before: CreditGrade
    after: CreditGrade


@dataclass(frozen=True, slots=True)
class Outlook:
    """Ways up and down from the grade as published; `barred` are conditions that results cannot meet.

    `rated_after` is for those not rated: how many results marked at the present level suffice, and
    `rated_as` what they would make. `turn` is the first change by time alone within a year.
    """

    target: CreditGrade
    ups: tuple[Way, ...]
    downs: tuple[Way, ...]
    barred: tuple[Check, ...]
    rated_after: int | None
    rated_as: CreditGrade | None
    turn: Turn | None


def outlook(evidence: Evidence, outcome: Outcome, scheme: Scheme, table: Calibration) -> Outlook:
    """What would move this grade at the next monthly run."""
    ahead = next_month(evidence, outcome)

    def would(count: int, mark: int) -> Outcome:
        return grade(with_results(ahead, count, mark), scheme, table)

    chance = _chance(outcome, table)
    barred = tuple(check for check in outcome.missing if not check.met and check.code not in MARKS)
    turn = turn_by_time(evidence, outcome, scheme, table)
    if outcome.quality is CreditGrade.N:
        after, rated_as = _rated(outcome, would)
        return Outlook(outcome.next_grade, (), (), barred, after, rated_as, turn)
    here = rank(outcome.result)
    ups: tuple[Way, ...] = ()
    downs: tuple[Way, ...] = ()
    if outcome.result is not CreditGrade.A and rank(outcome.conduct.grade) > here:
        ups = _ways(lambda n, m: rank(would(n, m).result) > here, would, chance, outcome.score, up=True)
    if outcome.result is not CreditGrade.D:
        downs = _ways(lambda n, m: rank(would(n, m).result) < here, would, chance, outcome.score, up=False)
    return Outlook(outcome.next_grade, ups, downs, barred, None, None, turn)


def next_month(evidence: Evidence, outcome: Outcome) -> Evidence:
    """The evidence a month on when nothing has happened but the grade being published."""
    day = add_months(evidence.as_of, 1)
    rated = outcome.quality is not CreditGrade.N
    until = evidence.certificate_until
    return replace(
        evidence,
        as_of=day,
        certificate_valid=evidence.certificate_valid and (until is None or until >= day),
        rated_before=evidence.rated_before or rated,
        previous=Previous(
            evidence.as_of,
            outcome.band,
            outcome.result,
            outcome.score,
            outcome.sd,
        ),
        history=(*evidence.history, PastGrade(evidence.as_of, outcome.result)),
    )


def with_results(evidence: Evidence, count: int, mark: int) -> Evidence:
    """The evidence with `count` results that do not exist: unrelated clients, different reviewers, one mark."""
    value = Decimal(mark)
    made = tuple(
        Case(
            deliverable_id=-n,
            title="",
            client_id=-n,
            reviewers=(f"next-{n}",),
            marks=(value,),
            technical=value,
            vetoed=False,
            punctuality=value,
            filings=value,
            finalised_on=evidence.as_of,
            difficulty="",
            related=False,
        )
        for n in range(1, count + 1)
    )
    return replace(evidence, cases=(*evidence.cases, *made))


Reached = Callable[[int, int], bool]
Would = Callable[[int, int], Outcome]
Chance = Callable[[int, int, bool], Decimal]


def _ways(reached: Reached, would: Would, chance: Chance, score: Decimal, *, up: bool) -> tuple[Way, ...]:
    """For growing counts the least demanding mark that gets there; counts that ask no less are left out."""
    ways: list[Way] = []
    for count in COUNTS:
        mark = _edge(reached, count, score, up=up)
        if mark is None or (ways and mark == ways[-1].mark):
            continue
        ways.append(Way(count, mark, would(count, mark).result, chance(count, mark, up)))
        if len(ways) == MOST_WAYS:
            break
    return tuple(ways)


def _edge(reached: Reached, count: int, score: Decimal, *, up: bool) -> int | None:
    """The whole mark nearest to the score that suffices: in strides first, then one by one inside the stride.

    Not by bisection: a mark far from the others counts less, so that 100 may prove less than 95.
    """
    start, end, step = (int(score), TOP, 1) if up else (int(score), 0, -1)
    for near in range(start, end + step, step * STRIDE):
        far = min(end, near + STRIDE - 1) if up else max(end, near - STRIDE + 1)
        if reached(count, far):
            return next(mark for mark in range(near, far + step, step) if reached(count, mark))
    return None


def _chance(outcome: Outcome, table: Calibration) -> Chance:
    """P(mean of n new marks >= m), or <= m, for a level known as published: N(Q, sd² + ve/n); to 0.0001."""

    def chance(count: int, mark: int, up: bool) -> Decimal:
        spread = sqrt(float(outcome.sd) ** 2 + table.error_variance / count)
        above = 0.5 * (1 + erf((float(outcome.score) - mark) / spread / sqrt(2)))
        return half_up(Decimal(above if up else 1 - above), 4)

    return chance


def _rated(outcome: Outcome, would: Would) -> tuple[int | None, CreditGrade | None]:
    level = min(TOP, max(0, round(outcome.score)))
    for count in range(1, MOST_NEEDED + 1):
        made = would(count, level)
        if made.quality is not CreditGrade.N:
            return count, made.result
    return None, None


def turn_by_time(evidence: Evidence, outcome: Outcome, scheme: Scheme, table: Calibration) -> Turn | None:
    """The first monthly run of a year at which the grade changes though nothing new comes in."""
    before, at, last = outcome.result, evidence, outcome
    for _month in range(MONTHS):
        at = next_month(at, last)
        last = grade(at, scheme, table)
        if last.result is not before:
            return Turn(at.as_of, before, last.result)
    return None

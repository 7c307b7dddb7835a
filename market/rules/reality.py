"""A plan against what happened: working days of the plan as dates, and how late a step is in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from core.i18n import N_
from core.workdays import Calendar
from market.rules.guide import Course, Handling, Step


class Standing(StrEnum):
    """Where a step of the plan stands."""

    WAITING = "waiting"
    NOT_BEGUN = "not-begun"
    POSTED = "posted"
    AWARDED = "awarded"
    DONE = "done"
    OWN = "own"
    HAVE = "have"
    DEPARTMENT = "department"


STANDINGS = {
    Standing.WAITING: N_("还没到时候"),
    Standing.NOT_BEGUN: N_("该开始了，还没有发公告"),
    Standing.POSTED: N_("已发公告"),
    Standing.AWARDED: N_("已中选"),
    Standing.DONE: N_("已办结"),
    Standing.OWN: N_("自行编制"),
    Standing.HAVE: N_("已有成果"),
    Standing.DEPARTMENT: N_("由主管部门委托"),
}


@dataclass(frozen=True)
class Facts:
    """What the market knows of an item: days in Shanghai."""

    posted: date | None = None
    awarded: date | None = None
    completed: date | None = None


@dataclass(frozen=True)
class StepNow:
    """A step with its planned days, what happened, and how many working days it is behind.

    `real_start` and `real_finish` count working days from the plan's start, for the chart; an item that
    runs ends today. `behind` > 0 means late: against the planned finish once that day has passed or the
    item is done, otherwise against the planned start.
    """

    step: Step
    start_on: date
    finish_on: date
    standing: Standing
    facts: Facts
    real_start: int | None
    real_finish: int | None
    behind: int

    @property
    def late(self) -> bool:
        """Whether it is behind the plan."""
        return self.behind > 0


def compare(
    course: Course,
    started_on: date,
    facts: Mapping[str, Facts],
    handling: Mapping[str, Handling],
    departments: frozenset[str],
    *,
    calendar: Calendar,
    today: date,
) -> list[StepNow]:
    """Every step of a plan beside what happened by `today`.

    Counting is the house's: day 1 is the first working day after `started_on`. `departments` are the
    items that an authority orders itself: the market knows nothing of them and calls nobody late.
    """
    return [
        _compare(step, started_on, facts.get(step.item, Facts()), handling.get(step.item), departments, calendar, today)
        for step in course.steps
    ]


def _compare(
    step: Step,
    started_on: date,
    known: Facts,
    handled: Handling | None,
    departments: frozenset[str],
    calendar: Calendar,
    today: date,
) -> StepNow:
    start_on = calendar.add(started_on, step.start + 1 if step.days else step.start)
    finish_on = calendar.add(started_on, step.finish)
    standing = _standing(step, known, handled, departments, late=start_on <= today)
    begun = known.posted is not None
    last = known.completed or today
    return StepNow(
        step,
        start_on,
        finish_on,
        standing,
        known,
        max(0, calendar.count(started_on, known.posted) - 1) if known.posted else None,
        max(0, calendar.count(started_on, last)) if begun else None,
        _behind(standing, start_on, finish_on, last, calendar),
    )


def _standing(
    step: Step, known: Facts, handled: Handling | None, departments: frozenset[str], *, late: bool
) -> Standing:
    if known.completed:
        return Standing.DONE
    if known.awarded:
        return Standing.AWARDED
    if known.posted:
        return Standing.POSTED
    if handled is Handling.HAVE:
        return Standing.HAVE
    if handled is Handling.SELF:
        return Standing.OWN
    if step.item in departments:
        return Standing.DEPARTMENT
    return Standing.NOT_BEGUN if late else Standing.WAITING


def _behind(standing: Standing, start_on: date, finish_on: date, last: date, calendar: Calendar) -> int:
    if standing in {Standing.HAVE, Standing.OWN, Standing.DEPARTMENT, Standing.WAITING}:
        return 0
    if standing is Standing.NOT_BEGUN and last <= finish_on:
        return max(0, calendar.count(start_on, last))
    return max(0, calendar.count(finish_on, last))

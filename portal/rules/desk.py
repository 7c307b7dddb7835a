"""How a desk is ordered: by due time only, in groups a person plans by.

Whoever is due first stands on top; nobody can move a line by hand (design language §5, workbench).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from core.clock import shanghai
from core.desk import DeskItem
from core.workdays import Calendar

WEEK_LENGTH = 5
_NEVER = datetime.max.replace(tzinfo=UTC)


class When(StrEnum):
    """The groups of a desk, in the order in which they stand."""

    LATE = "late"
    TODAY = "today"
    THIS_WEEK = "this-week"
    LATER = "later"
    OPEN = "open"
    OTHERS = "others"


@dataclass(frozen=True)
class Task:
    """A line of the desk: the item, the day and hour it is due, and the working day it is in.

    `used` counts working days since the item came to its holder, the day of arrival not counted and
    the first day shown as 1. `late_by` is in calendar days.
    """

    item: DeskItem
    due_on: date | None
    due_time: str
    used: int
    late_by: int


@dataclass(frozen=True)
class Group:
    """Some lines of the desk under one heading."""

    when: When
    tasks: tuple[Task, ...]

    @property
    def longest(self) -> int:
        """The largest number of working days that any of them has taken."""
        return max(task.used for task in self.tasks)


@dataclass(frozen=True)
class Day:
    """One working day of the strip beside the desk, with what is due on it."""

    day: date
    due: int


def due_day(moment: datetime) -> tuple[date, str]:
    """The Shanghai day and hour of a moment; midnight belongs to the day it ends, as 24:00."""
    local = shanghai(moment)
    if local.time() == time():
        return local.date() - timedelta(days=1), "24:00"
    return local.date(), f"{local:%H:%M}"


def arrange(items: Iterable[DeskItem], now: datetime, calendar: Calendar) -> tuple[Group, ...]:
    """The whole desk in groups; empty groups are left out."""
    lines = sorted(items, key=lambda item: (item.due_at or _NEVER, item.since))
    found: dict[When, list[Task]] = {when: [] for when in When}
    for item in lines:
        found[when_due(item, now)].append(_task(item, now, calendar))
    return tuple(Group(when, tuple(tasks)) for when, tasks in found.items() if tasks)


def when_due(item: DeskItem, now: datetime) -> When:
    """The group of one item. The week ends with Sunday."""
    if not item.mine:
        return When.OTHERS
    if item.due_at is None:
        return When.OPEN
    if item.due_at <= now:
        return When.LATE
    today, due = shanghai(now).date(), due_day(item.due_at)[0]
    if due <= today:
        return When.TODAY
    sunday = today + timedelta(days=6 - today.weekday())
    return When.THIS_WEEK if due <= sunday else When.LATER


def _task(item: DeskItem, now: datetime, calendar: Calendar) -> Task:
    day, hour = due_day(item.due_at) if item.due_at else (None, "")
    today = shanghai(now).date()
    used = max(calendar.count(shanghai(item.since).date(), today), 1)
    late = item.due_at is not None and item.due_at <= now
    return Task(item, day, hour, used, max((today - day).days, 1) if late and day else 0)


def strip(groups: Sequence[Group], today: date, calendar: Calendar) -> tuple[Day, ...]:
    """The next five working days, today included if it is one, with the number of my lines due."""
    days: list[date] = []
    day = today
    while len(days) < WEEK_LENGTH:
        if calendar.is_workday(day):
            days.append(day)
        day += timedelta(days=1)
    mine = [task.due_on for group in groups if group.when is not When.OTHERS for task in group.tasks]
    return tuple(Day(day, mine.count(day)) for day in days)


def count(groups: Sequence[Group], *wanted: When) -> int:
    """How many lines the wanted groups hold together."""
    return sum(len(group.tasks) for group in groups if group.when in wanted)

"""Working days: published holidays and make-up weekends, never guessed silently.

Counting rule (test vectors of the 2026 notice): the start day is not counted, day 1 is the first
working day after it. A year without a published notice falls back to Monday to Friday and is marked
provisional wherever it shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core import clock, db

SATURDAY = 5


@dataclass(frozen=True)
class Calendar:
    """Exceptions to Monday-to-Friday, and the years that a notice covers."""

    exceptions: Mapping[date, bool]
    published_years: frozenset[int]

    def is_workday(self, day: date) -> bool:
        """Whether offices work on `day`."""
        known = self.exceptions.get(day)
        return day.weekday() < SATURDAY if known is None else known

    def is_provisional(self, day: date) -> bool:
        """Whether the holidays of that year are not yet published."""
        return day.year not in self.published_years

    def add(self, start: date, days: int) -> date:
        """The `days`-th working day after `start`; `start` itself for zero."""
        day, left = start, days
        while left > 0:
            day += timedelta(days=1)
            if self.is_workday(day):
                left -= 1
        return day

    def count(self, start: date, end: date) -> int:
        """Working days after `start` up to and including `end`; negative when `end` is earlier."""
        if end < start:
            return -self.count(end, start)
        span = (end - start).days
        return sum(self.is_workday(start + timedelta(days=n)) for n in range(1, span + 1))

    def due_at(self, start: datetime, days: int) -> datetime:
        """UTC moment at which a clock of `days` working days, started at `start`, runs out."""
        return clock.end_of_day(self.add(clock.shanghai(start).date(), days))


def published() -> Calendar:
    """The calendar of the holiday notices that the installed package knows."""
    from chinese_calendar.constants import holidays, workdays

    exceptions = dict.fromkeys(holidays, False) | dict.fromkeys(workdays, True)
    years = range(min(holidays).year, max(holidays).year + 1)
    return Calendar(exceptions, frozenset(years))


_cached: Calendar | None = None


async def calendar() -> Calendar:
    """The calendar in force, from the table that an administrator may edit."""
    global _cached  # noqa: PLW0603  one table, read by every act, changed once a year
    if _cached is None:
        found = await db.rows("select day, works, published from core_workday")
        _cached = Calendar(
            {row["day"]: row["works"] for row in found},
            frozenset(row["day"].year for row in found if row["published"]),
        )
    return _cached


def forget() -> None:
    """Read the table again next time, because somebody changed it."""
    global _cached  # noqa: PLW0603
    _cached = None


async def load_published() -> None:
    """Fill the table from the published notices; days an administrator has set stay as they are."""
    await db.execute_many(
        "insert into core_workday (day, works, published, note) values ($1, $2, true, '') on conflict (day) do nothing",
        sorted(published().exceptions.items()),
    )
    forget()

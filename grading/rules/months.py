"""Calendar months: how long a finding, a case or a term lives."""

from calendar import monthrange
from datetime import date

DAYS_PER_MONTH = 365.25 / 12


def add_months(day: date, months: int) -> date:
    """The same day `months` later (earlier when negative), the last of the month where it has none."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def alive(start: date, as_of: date, months: int) -> bool:
    """Whether something that began on `start` still counts on `as_of`: from that day, for `months`."""
    return start <= as_of < add_months(start, months)


def age_in_months(start: date, as_of: date) -> float:
    """Age for the half-life, in mean months of 30.4375 days; never negative."""
    return max(0, (as_of - start).days) / DAYS_PER_MONTH


def full_months(start: date, as_of: date) -> int:
    """Whole calendar months from `start` to `as_of`, zero when `start` lies ahead."""
    months = (as_of.year - start.year) * 12 + as_of.month - start.month
    return max(0, months - (add_months(start, months) > as_of))

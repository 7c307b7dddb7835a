"""The months of a chart, and what changed between two of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

ORDER = "DCBA"
"""Grades from low to high; N has no place among them, because it is not a mark."""


@dataclass(frozen=True)
class Moves:
    """How many agency-and-profession pairs moved from one month to the next."""

    up: int
    down: int
    rated: int


def month_ends(today: date, months: int) -> list[date]:
    """The last days of the `months` months up to today; for the present month, today itself."""
    ends = [today]
    first = today.replace(day=1)
    for _ in range(months - 1):
        ends.append(first - timedelta(days=1))
        first = ends[-1].replace(day=1)
    return ends[::-1]


def labels(ends: Sequence[date]) -> list[str]:
    """Months as they stand on an axis: the year only where it begins."""
    return [f"{day:%y-%m}" if i == 0 or day.month == 1 else f"{day:%m}" for i, day in enumerate(ends)]


def moves(before: Mapping[tuple[int, str], str], after: Mapping[tuple[int, str], str]) -> Moves:
    """Compare the grades of two months by (agency, profession). A first grade is neither up nor down."""
    up = down = rated = 0
    for pair, grade in after.items():
        old = before.get(pair, "N")
        if grade in {"N", old}:
            continue
        if old == "N":
            rated += 1
        elif ORDER.index(grade) > ORDER.index(old):
            up += 1
        else:
            down += 1
    return Moves(up, down, rated)

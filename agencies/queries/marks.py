"""What must stand beside an agency wherever it is listed for a client: badge, note, and whether its grade is contested.

Grading knows which grades are contested; it stands three floors higher and is plugged in by `app.wire()`.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from agencies.rules import CreditGrade, Profession
from core import db

Pair = tuple[int, Profession]


class TagLike(Protocol):
    """An open objection as the floor above knows it."""

    @property
    def number(self) -> str:
        """The number of the objection."""

    @property
    def lodged_at(self) -> datetime:
        """Since when the grade is contested."""


@dataclass(frozen=True)
class Contested:
    """That a grade is under objection: everybody may know it from the day after (grading.md §6)."""

    number: str
    lodged_at: datetime


class ContestedGrades:
    """Open objections to grades, kept higher up and supplied from there in `app.wire()`."""

    def __init__(self) -> None:
        self._source: Callable[[Sequence[Pair]], Awaitable[Mapping[Pair, TagLike]]] | None = None

    def supply(self, source: Callable[[Sequence[Pair]], Awaitable[Mapping[Pair, TagLike]]] | None) -> None:
        """Name the query that finds the open objections of a whole list at once; None unplugs it."""
        self._source = source

    async def among(self, pairs: Iterable[Pair]) -> dict[Pair, Contested]:
        """Those of the pairs whose grade is contested; none while nobody supplies them."""
        asked = sorted(set(pairs))
        if self._source is None or not asked:
            return {}
        found = await self._source(asked)
        return {pair: Contested(found[pair].number, found[pair].lodged_at) for pair in asked if pair in found}


CONTESTED_GRADES = ContestedGrades()


@dataclass(frozen=True)
class GradeMark:
    """The grade on record of one agency in one profession, and the open objection to it."""

    grade: CreditGrade
    firm: bool
    contested: Contested | None


async def marks(pairs: Iterable[tuple[int, str]]) -> dict[tuple[int, str], GradeMark]:
    """The marks of a whole list, by agency and profession, in two queries whatever its length.

    Agencies without a grade on record in that profession are N. Source: rule-set XT-2026.1, consequences (A shows its
    badge, C a warning) and appeal (an objection is tagged within a working day).
    """
    asked = sorted({(agency_id, Profession(profession)) for agency_id, profession in pairs})
    if not asked:
        return {}
    graded = await db.rows(
        "select agency, profession, grade, firm from agencies_profession"
        " where ended_on is null and agency = any($1::bigint[])",
        sorted({agency_id for agency_id, _ in asked}),
    )
    on_record = {(row["agency"], row["profession"]): (CreditGrade(row["grade"]), row["firm"]) for row in graded}
    contested = await CONTESTED_GRADES.among(asked)
    return {
        (agency_id, trade.value): GradeMark(
            *on_record.get((agency_id, trade.value), (CreditGrade.N, False)), contested.get((agency_id, trade))
        )
        for agency_id, trade in asked
    }

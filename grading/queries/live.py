"""The latest measurement of an agency, and the alarms that wait for an early check."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from agencies.rules import CreditGrade, Profession
from core import db
from core.identity import Identity, Permission


@dataclass(frozen=True)
class LiveView:
    """A measurement between two gradings; points of 0 to 100."""

    agency_id: int
    name_zh: str
    name_en: str
    profession: Profession
    as_of: date
    results: int
    score: Decimal
    low: Decimal
    high: Decimal
    band: CreditGrade
    alarm: bool
    computed_at: datetime


_LIVE = """
select l.agency, o.name_zh, o.name_en, l.profession, l.as_of, l.results, l.score, l.low, l.high, l.band, l.alarm, l.computed_at
from grading_live l join agencies_agency a on a.id = l.agency join core_organization o on o.id = a.organization
where not exists (select 1 from grading_report r where r.agency = l.agency and r.profession = l.profession
                    and r.state in ('published', 'superseded') and r.as_of >= l.as_of)
"""


async def live_score(agency_id: int, profession: Profession, reader: Identity | None) -> LiveView | None:
    """What has been measured since the grade in force; for the agency itself and for those who watch grading."""
    row = await db.row(
        _LIVE + " and l.agency = $1 and l.profession = $2 and ($3 or a.organization = $4)",
        agency_id,
        profession.value,
        reader is not None and reader.may(Permission.WATCH_GRADING),
        reader.organization_id if reader else None,
    )
    return _view(row) if row else None


async def alarms() -> list[LiveView]:
    """Alarms since the last grading, the latest first."""
    return [_view(row) for row in await db.rows(_LIVE + " and l.alarm order by l.computed_at desc")]


def _view(row: Any) -> LiveView:
    return LiveView(
        agency_id=row["agency"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        profession=Profession(row["profession"]),
        as_of=row["as_of"],
        results=row["results"],
        score=row["score"],
        low=row["low"],
        high=row["high"],
        band=CreditGrade(row["band"]),
        alarm=row["alarm"],
        computed_at=row["computed_at"],
    )

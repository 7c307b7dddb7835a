"""Who is suspended, and why."""

from dataclasses import dataclass
from datetime import datetime

from core import db


@dataclass(frozen=True)
class SuspensionRow:
    """One suspension of an agency; `lifted_at` is None while it runs."""

    agency_id: int
    name_zh: str
    name_en: str
    reason: str
    suspended_at: datetime
    lifted_at: datetime | None
    lift_reason: str


COLUMNS = """
select s.agency as agency_id, a.name_zh, a.name_en, s.reason, s.suspended_at, s.lifted_at, s.lift_reason
from agencies_suspension s join agencies_agency a on a.id = s.agency
"""


async def suspension_of(organization_id: int) -> SuspensionRow | None:
    """The suspension that runs for the agency of an organisation, or None."""
    row = await db.row(COLUMNS + " where a.organization = $1 and s.lifted_at is null", organization_id)
    return SuspensionRow(**dict(row)) if row else None


async def suspensions(agency_id: int) -> list[SuspensionRow]:
    """All suspensions of an agency, newest first."""
    found = await db.rows(COLUMNS + " where s.agency = $1 order by s.id desc", agency_id)
    return [SuspensionRow(**dict(row)) for row in found]

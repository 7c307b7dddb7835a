"""What the floor of grading asks of the register to find successors and to list who may be inspected.

Names, addresses and certificates leave this floor for comparison only; no page shows them.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from core import clock, db

STAFF_YEARS = 2
MOST = 200
"""Candidates compared with one agency at a time."""

_KIN = """
select a.id as agency_id, a.uscc, a.controller, a.legal_representative as representative, a.address,
  a.contact_phone as phone, a.recorded_on,
  array(select distinct p.certificate_no from agencies_practitioner p
        where p.agency = a.id and (p.ended_on is null or p.ended_on >= $2)) as staff,
  array(select f.target from agencies_affiliation f where f.agency = a.id and f.ended_on is null
        and f.kind in ('shared_controller', 'shareholding')) as declared
from agencies_agency a
"""
_CANDIDATES = """
where a.id <> $1 and exists (select 1 from agencies_agency s where s.id = $1 and (
    a.controller = s.controller or a.legal_representative = s.legal_representative or a.address = s.address
    or a.contact_phone = s.contact_phone
    or exists (select 1 from agencies_affiliation f where f.ended_on is null
               and ((f.agency = a.id and f.target = s.uscc) or (f.agency = s.id and f.target = a.uscc)))
    or exists (select 1 from agencies_practitioner p join agencies_practitioner q
               on q.certificate_no = p.certificate_no and q.agency = s.id and (q.ended_on is null or q.ended_on >= $3)
               where p.agency = a.id and p.ended_on is null)))
order by a.id limit $4
"""


@dataclass(frozen=True)
class Kin:
    """An agency as edges see it; `staff` are certificate numbers since the day asked for."""

    agency_id: int
    uscc: str
    controller: str
    representative: str
    address: str
    phone: str
    recorded_on: date
    staff: frozenset[str]
    declared: frozenset[str]


def _kin(row: Any) -> Kin:
    facts = dict(row) | {"staff": frozenset(row["staff"]), "declared": frozenset(row["declared"])}
    return Kin(**{name: facts[name] for name in Kin.__dataclass_fields__})


def _since() -> date:
    return clock.today() - timedelta(days=365 * STAFF_YEARS)


async def kin_source(agency_id: int) -> Kin | None:
    """An agency with everybody who worked there within two years."""
    row = await db.row(_KIN + "where a.id = $1", agency_id, _since())
    return _kin(row) if row else None


async def kin_candidates(agency_id: int) -> list[Kin]:
    """Agencies that share something with it, with their staff of today."""
    found = await db.rows(_KIN + _CANDIDATES, agency_id, clock.today(), _since(), MOST)
    return [_kin(row) for row in found]


@dataclass(frozen=True)
class GradedLine:
    """An agency in one profession on record, with the grade now shown."""

    agency_id: int
    uscc: str
    profession: str
    grade: str


async def graded_lines() -> list[GradedLine]:
    """Every agency and profession on record with its grade, by credit code."""
    found = await db.rows(
        "select a.id, a.uscc, p.profession, p.grade from agencies_profession p join agencies_agency a on a.id = p.agency"
        ' where p.ended_on is null order by a.uscc collate "C", p.profession'
    )
    return [GradedLine(*row) for row in found]

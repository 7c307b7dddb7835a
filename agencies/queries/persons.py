"""Flags on persons: for officers, and for the present employer. Personal data; no public page reads this."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from agencies.rules.persons import running
from core import clock, db

_FLAGS = """
select f.id, f.certificate_no, f.name, f.document_no, f.authority, f.facts, f.bars, f.starts_on, f.ends_on, f.ended_on,
  f.end_reason, p.agency, a.name_zh, a.name_en, p.recorded_on as employed_on
from agencies_person_flag f
left join agencies_practitioner p on p.certificate_no = f.certificate_no and p.ended_on is null
left join agencies_agency a on a.id = p.agency
"""


@dataclass(frozen=True)
class FlagRow:
    """A flag with the person's present employer, if any; `moved` after the flag began."""

    flag_id: int
    certificate_no: str
    name: str
    document_no: str
    authority: str
    facts: str
    bars: bool
    starts_on: date
    ends_on: date
    ended_on: date | None
    end_reason: str
    agency_id: int | None
    agency_zh: str
    agency_en: str
    employed_on: date | None

    @property
    def running(self) -> bool:
        """Whether it counts today."""
        return running(self.starts_on, self.ends_on, self.ended_on, clock.today())

    @property
    def moved(self) -> bool:
        """Whether the present employer took the person on after the flag began."""
        return self.employed_on is not None and self.employed_on > self.starts_on


def _row(row: Any) -> FlagRow:
    facts = dict(row) | {"flag_id": row["id"], "agency_id": row["agency"]}
    facts |= {"agency_zh": row["name_zh"] or "", "agency_en": row["name_en"] or row["name_zh"] or ""}
    return FlagRow(**{name: facts[name] for name in FlagRow.__dataclass_fields__})


async def person_flags(*, before: int | None = None, limit: int = 50) -> list[FlagRow]:
    """All flags, the latest first, wherever the persons now work."""
    found = await db.rows(_FLAGS + "where $1::bigint is null or f.id < $1 order by f.id desc limit $2", before, limit)
    return [_row(row) for row in found]


async def flagged_staff(agency_id: int, day: date | None = None) -> list[FlagRow]:
    """Flags in force on `day` (today) on persons now on the agency's register."""
    found = await db.rows(
        _FLAGS + "where p.agency = $1 and f.starts_on <= $2 and least(f.ends_on, coalesce(f.ended_on, f.ends_on)) > $2"
        " order by f.bars desc, f.id",
        agency_id,
        day or clock.today(),
    )
    return [_row(row) for row in found]


async def flagged_certificates(certificates: Sequence[str], day: date) -> list[str]:
    """Which of the certificates carry a flag in force on `day`."""
    found = await db.rows(
        "select distinct certificate_no from agencies_person_flag where certificate_no = any($1::text[])"
        " and starts_on <= $2 and least(ends_on, coalesce(ended_on, ends_on)) > $2 order by 1",
        list(certificates),
        day,
    )
    return [row["certificate_no"] for row in found]


async def barred_practitioners(practitioner_ids: Sequence[int], day: date) -> list[int]:
    """Which of the practitioners may sign nothing on `day`, because a ban on their person runs."""
    found = await db.rows(
        "select distinct p.id from agencies_practitioner p join agencies_person_flag f"
        " on f.certificate_no = p.certificate_no and f.bars"
        " where p.id = any($1::bigint[]) and f.starts_on <= $2 and least(f.ends_on, coalesce(f.ended_on, f.ends_on)) > $2",
        list(practitioner_ids),
        day,
    )
    return [row["id"] for row in found]

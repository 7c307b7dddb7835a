"""Who owes an improvement plan, who filed it, and when: own for an agency, all for officers; that it is late is public."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agencies.queries import standings
from agencies.rules import CreditGrade, Profession
from core import clock, db
from core.workdays import calendar
from grading.rules.improvement import WORKDAYS

_ROWS_OF_C = """
with chain as (
  select r.* from grading_report r where r.state in ('published', 'superseded')
    and ($1::bigint is null or r.agency = $1)
    and not exists (select 1 from grading_replacement x where x.report = r.id)
), first as (
  select distinct on (c.agency, c.profession) c.id, c.agency, c.profession, c.as_of, c.published_at
  from chain c where c.result = 'C' and not exists (
    select 1 from chain e where e.agency = c.agency and e.profession = c.profession and e.result <> 'C'
      and (e.as_of, e.id) > (c.as_of, c.id))
  order by c.agency, c.profession, c.as_of, c.id
)
select f.id as report_id, f.agency, f.profession, f.published_at, a.name_zh, a.name_en, p.number, p.measures, p.training,
  p.filed_at, p.due_at
from first f join agencies_agency a on a.id = f.agency
left join lateral (
  select * from grading_improvement i where i.agency = f.agency and i.profession = f.profession
    and (i.filed_at at time zone 'Asia/Shanghai')::date >= f.as_of order by i.id limit 1) p on true
order by f.published_at, f.id
"""


@dataclass(frozen=True)
class Duty:
    """An agency in a profession with grade C on record: until when its plan is due, and the plan once it is filed."""

    report_id: int
    agency_id: int
    name_zh: str
    name_en: str
    profession: Profession
    since: datetime
    due_at: datetime
    number: str | None
    measures: str
    training: str
    filed_at: datetime | None

    @property
    def owed(self) -> bool:
        """Whether the plan is still to be filed."""
        return self.filed_at is None

    @property
    def late(self) -> bool:
        """Whether it came, or is, after its time."""
        return (self.filed_at or clock.now()) > self.due_at


async def duties(agency_id: int | None = None, profession: Profession | None = None) -> list[Duty]:
    """Everybody whose grade on record is C, or one agency, the longest due first. A C that waits for an objection asks nothing."""
    rows = [row for row in await db.rows(_ROWS_OF_C, agency_id) if profession in (None, Profession(row["profession"]))]
    held = await _held(rows, clock.today())
    days = await calendar()
    return [
        _duty(row, row["due_at"] or days.due_at(row["published_at"], WORKDAYS)) for row in rows if _key(row) in held
    ]


def _key(row: Any) -> tuple[int, str]:
    return row["agency"], row["profession"]


async def _held(rows: list[Any], day: date) -> set[tuple[int, str]]:
    """Those whose grade on record is C today."""
    by_trade: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_trade[row["profession"]].append(row["agency"])
    found = set()
    for trade, ids in by_trade.items():
        for agency_id, one in (await standings(ids, Profession(trade), day)).items():
            if one.grade is CreditGrade.C:
                found.add((agency_id, trade))
    return found


def _duty(row: Any, due_at: datetime) -> Duty:
    return Duty(
        report_id=row["report_id"],
        agency_id=row["agency"],
        name_zh=row["name_zh"],
        name_en=row["name_en"] or row["name_zh"],
        profession=Profession(row["profession"]),
        since=row["published_at"],
        due_at=due_at,
        number=row["number"],
        measures=row["measures"] or "",
        training=row["training"] or "",
        filed_at=row["filed_at"],
    )

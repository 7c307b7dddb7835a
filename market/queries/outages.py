"""Reads of outages and of the deadlines they moved; all of it is public."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core import attempts, db
from core.i18n import language
from market.rules.outages import OutageGone


@dataclass(frozen=True)
class OutageRow:
    """One outage with the number of deadlines it moved."""

    id: int
    since_at: datetime
    until_at: datetime
    logged_at: datetime
    moved: int

    @property
    def lasted(self) -> timedelta:
        """How long nothing could be handed in."""
        return self.until_at - self.since_at


@dataclass(frozen=True)
class ExtensionRow:
    """One deadline that was moved."""

    outage_id: int
    notice_id: int
    number: str | None
    project_title: str
    item_name_zh: str
    item_name_en: str
    old_deadline: datetime
    new_deadline: datetime
    lost_seconds: int
    decided_at: datetime

    @property
    def title(self) -> str:
        """Project and service, in the reader's language."""
        if language() == "en":
            return f"{self.project_title}: {self.item_name_en}"
        return f"{self.project_title}：{self.item_name_zh}"


_OUTAGE = """
select o.id, o.since_at, o.until_at, o.logged_at,
       (select count(*) from market_extension e where e.outage = o.id) as moved
  from market_outage o
"""
_EXTENSION = """
select e.outage as outage_id, e.notice as notice_id, n.number, p.title as project_title,
       i.name_zh as item_name_zh, i.name_en as item_name_en, e.old_deadline, e.new_deadline,
       e.lost_seconds, e.decided_at
  from market_extension e
  join market_notice n on n.id = e.notice
  join market_project p on p.id = n.project
  join market_service_item i on i.id = n.item
"""


async def outages(*, limit: int, before: int | None = None) -> list[OutageRow]:
    """The log of outages, newest first; up to `limit + 1` rows."""
    found = await db.rows(
        _OUTAGE + " where $1::bigint is null or o.id < $1 order by o.id desc limit $2", before, limit + 1
    )
    return [OutageRow(**dict(row)) for row in found]


async def outage(outage_id: int) -> OutageRow:
    """One outage; `OutageGone`."""
    row = await db.row(_OUTAGE + " where o.id = $1", outage_id)
    if row is None:
        raise OutageGone
    return OutageRow(**dict(row))


async def moved_by(outage_id: int) -> list[ExtensionRow]:
    """Every deadline that an outage moved."""
    found = await db.rows(_EXTENSION + " where e.outage = $1 order by e.id", outage_id)
    return [ExtensionRow(**dict(row)) for row in found]


async def extensions_of(notice_id: int) -> list[ExtensionRow]:
    """How often and from when to when outages moved a notice's deadline, newest first."""
    found = await db.rows(_EXTENSION + " where e.notice = $1 order by e.id desc", notice_id)
    return [ExtensionRow(**dict(row)) for row in found]


async def failed_attempts(row: OutageRow) -> int:
    """How many attempts failed during an outage, all pages together and nobody's name."""
    return await attempts.count_between(row.since_at, row.until_at)

"""Reads of questions about low prices. The justification is for its agency, the client and the supervisor only."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from core import db
from core.identity import Identity, Permission

CHECK_SQL = """
select c.id, c.notice as notice_id, c.bid as bid_id, b.state as bid_state, coalesce(b.place, 0) as place,
       b.agency as agency_id, a.organization as agency_organization_id, a.name_zh as agency_name_zh,
       a.name_en as agency_name_en, c.amount, c.compared, c.mean, c.next_amount, c.chosen, c.asked_at, c.due_at,
       c.justification, c.justified_at, c.decide_by, c.outcome, c.words, c.decided_at
  from market_low_price_check c
  join market_bid b on b.id = c.bid
  join agencies_agency a on a.id = b.agency
"""


@dataclass(frozen=True)
class CheckRow:
    """One question about a price, with what came of it. Money in yuan."""

    id: int
    notice_id: int
    bid_id: int
    bid_state: str
    place: int
    agency_id: int
    agency_organization_id: int
    agency_name_zh: str
    agency_name_en: str
    amount: Decimal
    compared: int
    mean: Decimal | None
    next_amount: Decimal
    chosen: Mapping[str, Any]
    asked_at: datetime
    due_at: datetime
    justification: str
    justified_at: datetime | None
    decide_by: datetime | None
    outcome: str
    words: str
    decided_at: datetime | None

    @property
    def open(self) -> bool:
        """Whether it still waits for somebody."""
        return not self.outcome


async def open_check(notice_id: int) -> CheckRow | None:
    """The question of a notice that still waits, for the services; None when there is none."""
    record = await db.row(CHECK_SQL + " where c.notice = $1 and c.outcome = ''", notice_id)
    return CheckRow(**dict(record)) if record else None


async def price_checks(notice_id: int, client_id: int, identity: Identity | None) -> list[CheckRow]:
    """All questions of a notice, oldest first; the justification is blank for those it is not meant for."""
    found = await db.rows(CHECK_SQL + " where c.notice = $1 order by c.id", notice_id)
    rows = [CheckRow(**dict(record)) for record in found]
    return [row if _may_read(row, client_id, identity) else replace(row, justification="") for row in rows]


def _may_read(row: CheckRow, client_id: int, identity: Identity | None) -> bool:
    if identity is None:
        return False
    parties = {client_id, row.agency_organization_id}
    return identity.organization_id in parties or identity.may(Permission.WATCH_MARKET)


async def checks_waiting(identity: Identity) -> list[CheckRow]:
    """Questions that wait for the reader: as agency for its words, as client for its decision."""
    found = await db.rows(
        CHECK_SQL
        + """ join market_notice n on n.id = c.notice
         where c.outcome = '' and n.state in ('opened', 'shortlisted', 'assessing', 'selected') and ((c.justified_at is null and a.organization = $1)
            or (c.justified_at is not null and n.client = $1)) order by c.due_at""",
        identity.organization_id,
    )
    return [CheckRow(**dict(record)) for record in found]

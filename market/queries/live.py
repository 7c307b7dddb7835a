"""What the public watches: one query for all watched notices, and only columns that are public by then."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from core import db
from market import content
from market.rules.editions import Custody
from market.rules.live import Watched
from market.rules.notices import NoticeState, SelectionMethod

_SQL = """
select n.id, n.state, n.method, n.deadline, n.custody, n.edition, o.received, o.qualified,
       o.draw is not null as drawn, w.name_zh, w.name_en, w.amount,
       case when n.deadline <= $2 then
         (select count(*) from market_key_share k where k.notice = n.id and k.released_at is not null)
       else 0 end as shares
  from market_notice n
  left join market_opening o on o.notice = n.id
  left join lateral (
       select a.name_zh, a.name_en, x.amount from market_award x join agencies_agency a on a.id = x.agency
        where x.notice = n.id and x.state not in ('replaced', 'cancelled')
        order by x.id desc limit 1) w on true
 where n.id = any($1) and n.state <> 'draft'
"""


async def watched(notice_ids: Iterable[int], now: datetime) -> dict[int, Watched]:
    """The published ones among these notices."""
    return {row["id"]: _watched(row) for row in await db.rows(_SQL, list(notice_ids), now)}


def _watched(row: Any) -> Watched:
    return Watched(
        notice_id=row["id"],
        state=NoticeState(row["state"]),
        method=SelectionMethod(row["method"]),
        deadline=row["deadline"],
        custody=Custody(row["custody"]),
        shares=row["shares"],
        shares_needed=content.edition(row["edition"]).custody.needed,
        received=row["received"],
        qualified=row["qualified"],
        drawn=row["drawn"],
        agency_zh=row["name_zh"],
        agency_en=row["name_en"],
        amount=f"{row['amount']:.2f}" if row["amount"] is not None else None,
    )

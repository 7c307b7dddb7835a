"""Reads the frames that signals are computed from: one query each, only what openings made known."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import anyio

from core import db

if TYPE_CHECKING:
    import pandas as pd

    from market.signals import Frames

_WHICH = (
    "n.opened_at is not null and ($1::bigint is null or n.id = $1) and ($2::timestamptz is null or n.opened_at > $2)"
)

NOTICES = f"""
select n.id as notice, n.number, n.client, i.code as item, i.profession, o.region_code as region, n.method,
       n.published_at, n.deadline
  from market_notice n
  join market_service_item i on i.id = n.item
  join core_organization o on o.id = n.client
 where {_WHICH}
"""  # noqa: S608  put together from our own constants
BIDS = f"""
select b.id as bid, b.notice, b.agency, coalesce(b.account, 0) as account, b.state,
       (coalesce(b.amount, 0) * 100)::bigint as cents, b.received_at, b.origin->>'address' as address,
       b.origin->>'browser' as browser, b.staff
  from market_bid b join market_notice n on n.id = b.notice
 where b.agency is not null and b.state in ('entered', 'set-aside') and {_WHICH}
"""  # noqa: S608
FILES = f"""
select b.notice, b.agency, f.sha256, t.author
  from market_bid_attachment t
  join market_bid b on b.id = t.bid
  join market_notice n on n.id = b.notice
  join core_stored_file f on f.id = t.file
 where b.agency is not null and b.state in ('entered', 'set-aside') and {_WHICH}
"""  # noqa: S608
AWARDS = """
select w.notice, coalesce(w.bid, 0) as bid, w.agency, n.client, i.code as item, i.profession,
       o.region_code as region, n.method, (w.amount * 100)::bigint as cents
  from market_award w
  join market_notice n on n.id = w.notice
  join market_service_item i on i.id = n.item
  join core_organization o on o.id = n.client
 where w.state in ('announced', 'confirmed') and ($1::bigint is null or n.id = $1)
   and ($2::timestamptz is null or w.announced_at > $2)
"""


async def frames(*, notice_id: int | None = None, since: datetime | None = None) -> "Frames":
    """Everything about one opened notice, or about all that was opened and awarded since a moment."""
    sqls = (NOTICES, BIDS, FILES, AWARDS)
    notices, bids, files, awards = [await db.rows(sql, notice_id, since) for sql in sqls]
    return await anyio.to_thread.run_sync(_frames, notices, bids, files, awards)


def _frames(notices: Sequence[Any], bids: Sequence[Any], files: Sequence[Any], awards: Sequence[Any]) -> "Frames":
    from market.signals import Frames

    staff = [
        {"notice": bid["notice"], "agency": bid["agency"], "person": person}
        for bid in bids
        for person in persons(bid["staff"])
    ]
    return Frames.of(notices, bids, staff, files, awards)


def persons(staff: Any) -> list[str]:
    """Who stands on the staff of a bid: names or ids, or objects that hold one."""
    found = staff if isinstance(staff, list) else []
    return [text for one in found if (text := _person(one))]


def _person(one: Any) -> str:
    if isinstance(one, dict):
        one = next((one[name] for name in ("certificate_no", "id", "name") if one.get(name)), "")
    return str(one).strip()


async def awards_frame(since: datetime) -> "pd.DataFrame":
    """The awards announced since a moment that stand."""
    found = await db.rows(AWARDS, None, since)
    return await anyio.to_thread.run_sync(_awards, found)


def _awards(found: Sequence[Any]) -> "pd.DataFrame":
    from market.signals.frames import AWARDS as COLUMNS
    from market.signals.frames import frame

    return frame(found, COLUMNS)

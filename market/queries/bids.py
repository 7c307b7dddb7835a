"""Reads of a bidder's own bids. A sealed bid is found by its mark, which only the platform can make."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from agencies import queries as agencies
from core import clock, db
from core.identity import Identity
from core.keys import secret
from market import sealing
from market.queries.notices import NOTICE_SQL, NoticeRow, notice_row
from market.rules.bids import BidState, receipt_number
from market.rules.reasons import Reason, from_json


@dataclass(frozen=True)
class MyBid:
    """A bid as its bidder sees it; price and days only after the opening (they are sealed)."""

    notice_id: int
    number: str
    state: BidState
    digest: str
    algorithm: str
    received_at: datetime
    withdrawn_at: datetime | None
    amount: Decimal | None
    days: int | None
    place: int | None
    reasons: list[Reason]
    entry_id: int | None
    unconfirmed: bool
    chosen: bool


MINE_SQL = """
select b.notice as notice_id, b.state, b.digest, b.algorithm, b.received_at, b.withdrawn_at,
       b.amount, b.days, b.place, b.reasons,
       b.state = 'sealed' and b.amendment < n.amendment as unconfirmed,
       exists (select from market_award w
                where w.bid = b.id and w.state in ('announced', 'confirmed')) as chosen,
       (select max(e.id) from core_trail_entry e
         where e.threads @> array['envelope:' || left(b.digest, 40)]) as entry_id
  from market_bid b join market_notice n on n.id = b.notice
"""


async def my_bid(identity: Identity | None, notice_id: int) -> MyBid | None:
    """The reader's bid on a notice, found by recomputing its mark; None when there is none."""
    agency = await agencies.agency_of(identity.organization_id) if identity else None
    if agency is None:
        return None
    tag = sealing.bidder_tag(secret("seal"), notice_id, agency.agency_id)
    record = await db.row(MINE_SQL + " where b.notice = $1 and b.bidder_tag = $2", notice_id, tag)
    return _mine(record) if record else None


async def my_envelope(identity: Identity, notice_id: int) -> bytes | None:
    """The stored envelope of the reader's own bid, to check it against the receipt."""
    agency = await agencies.agency_of(identity.organization_id)
    if agency is None:
        return None
    tag = sealing.bidder_tag(secret("seal"), notice_id, agency.agency_id)
    found: bytes | None = await db.value(
        "select envelope from market_bid where notice = $1 and bidder_tag = $2", notice_id, tag
    )
    return found


async def my_bids(identity: Identity) -> list[tuple[NoticeRow, MyBid]]:
    """The reader's bids: on running notices and those ended lately by mark, opened ones by name.

    Marks are computed for at most 2,000 notices, newest first; one query fetches the bids.
    """
    agency = await agencies.agency_of(identity.organization_id)
    if agency is None:
        return []
    recent = await db.rows(
        """select id from market_notice
            where (state in ('published', 'withdrawn', 'failed') or (state <> 'draft' and amendment > 0))
              and method <> 'direct'
            order by published_at desc limit 2000"""
    )
    key = secret("seal")
    tags = [sealing.bidder_tag(key, row["id"], agency.agency_id) for row in recent]
    found = await db.rows(
        MINE_SQL + " where b.bidder_tag = any($1) or b.agency = $2 order by b.id desc limit 500",
        tags,
        agency.agency_id,
    )
    bids = {record["notice_id"]: _mine(record) for record in found}
    notices = await db.rows(NOTICE_SQL + " where n.id = any($1)", list(bids))
    rows = {record["id"]: notice_row(record) for record in notices}
    return [(rows[notice_id], bid) for notice_id, bid in bids.items()]


async def offers_to(identity: Identity) -> list[NoticeRow]:
    """Direct offers that wait for the reader's agency."""
    found = await db.rows(
        NOTICE_SQL
        + """ where n.state = 'published' and n.method = 'direct' and da.organization = $1
          and n.deadline > $2 order by n.deadline""",
        identity.organization_id,
        clock.now(),
    )
    return [notice_row(record) for record in found]


def _mine(record: Any) -> MyBid:
    columns = dict(record)
    return MyBid(
        number=receipt_number(columns["digest"]),
        **columns
        | {
            "state": BidState(columns["state"]),
            "reasons": [from_json(each) for each in columns["reasons"]],
        },
    )

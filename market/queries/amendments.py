"""Reads of a notice's versions: what changed when and why, and what a re-posted notice changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core import db
from core.trail import format
from market.queries.notices import NOTICE_SQL, NoticeRow, notice_row
from market.rules.amendments import FIELD_TITLES, Change, changes
from market.rules.notices import Phase


@dataclass(frozen=True)
class VersionRow:
    """One amendment, with its changes field by field."""

    amendment: int
    reason: str
    digest: str
    amended_at: datetime
    changes: tuple[Change, ...]


async def versions(notice_id: int) -> list[VersionRow]:
    """Every amendment of a notice, newest first. Public like the notice; ask `notice()` first."""
    found = await db.rows(
        "select amendment, reason, digest, amended_at, before, after from market_notice_version"
        " where notice = $1 order by amendment desc",
        notice_id,
    )
    return [
        VersionRow(
            one["amendment"],
            one["reason"],
            one["digest"],
            one["amended_at"],
            changes(one["before"], one["after"]),
        )
        for one in found
    ]


async def last_moves(notice_ids: Sequence[int]) -> dict[int, datetime]:
    """When each notice last changed while it was open: by an amendment, or by an outage that moved its deadline."""
    found = await db.rows(
        """select notice, max(at) as at from (
               select notice, amended_at as at from market_notice_version where notice = any($1)
               union all select notice, decided_at from market_extension where notice = any($1)) moves
            group by notice""",
        list(notice_ids),
    )
    return {one["notice"]: one["at"] for one in found}


async def ceiling_under(row: NoticeRow, amendment: int) -> Decimal:
    """The price limit that stood when a bid answered that amendment, in yuan."""
    before: Mapping[str, Any] | None = await db.value(
        "select before from market_notice_version where notice = $1 and amendment = $2", row.id, amendment + 1
    )
    return Decimal(before["ceiling"]) if before else row.ceiling


async def unconfirmed(row: NoticeRow) -> int | None:
    """How many bids were never confirmed after an amendment; told only once nobody can bid any more."""
    if row.amendment == 0 or row.phase in {Phase.DRAFT, Phase.COLLECTING, Phase.OFFERED}:
        return None
    count: int = await db.value(
        "select count(*) from market_bid where notice = $1 and state = 'sealed' and amendment < $2",
        row.id,
        row.amendment,
    )
    return count


@dataclass(frozen=True)
class Lineage:
    """A notice that was posted again: the how-manieth posting it is, and what differs from the one before."""

    times: int
    before: NoticeRow
    changes: tuple[Change, ...]


LINEAGE_SQL = """
with recursive line as (
    select id, repost_of from market_notice where id = $1
    union all
    select n.id, n.repost_of from market_notice n join line l on n.id = l.repost_of)
select count(*) from line
"""


async def lineage(row: NoticeRow) -> Lineage | None:
    """Where a re-posted notice comes from; None for one posted for the first time."""
    if row.repost_of is None:
        return None
    times: int = await db.value(LINEAGE_SQL, row.id)
    before = notice_row(await db.row(NOTICE_SQL + " where n.id = $1", row.repost_of))
    return Lineage(times, before, changes(_said(before), _said(row)))


def _said(row: NoticeRow) -> dict[str, Any]:
    said: dict[str, Any] = format.plain({field: getattr(row, field) for field in FIELD_TITLES})
    return said

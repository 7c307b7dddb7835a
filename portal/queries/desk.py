"""Everybody's desk, gathered from the packages."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import agencies.queries
import contracts.queries
import grading.queries
import market.queries
import payments.queries
from core import admin, db
from core.desk import DeskItem
from core.identity import Identity
from core.trail.registry import title

RECENT = timedelta(days=30)
Source = Callable[[Identity, datetime], Awaitable[list[DeskItem]]]

SOURCES: tuple[Source, ...] = (
    agencies.queries.desk_items,
    market.queries.desk_items,
    contracts.queries.desk_items,
    payments.queries.desk_items,
    grading.queries.desk_items,
    admin.desk_items,
)


async def waiting(identity: Identity, now: datetime) -> list[DeskItem]:
    """Everything that waits for this person, and what they wait for at others."""
    return [item for source in SOURCES for item in await source(identity, now)]


@dataclass(frozen=True)
class OwnAct:
    """One of the reader's own acts, as the trail keeps it."""

    entry_id: int
    at: datetime
    title: str


async def own_acts(identity: Identity, now: datetime, *, limit: int = 6) -> list[OwnAct]:
    """What this person did in the last 30 days, newest first; signing in does not count."""
    found = await db.rows(
        "select id, recorded_at, act from core_trail_entry"
        " where account_id = $1 and recorded_at > $2 and act not like 'session.%'"
        " order by id desc limit $3",
        identity.account_id,
        now - RECENT,
        limit,
    )
    return [OwnAct(row["id"], row["recorded_at"], title(row["act"])) for row in found]

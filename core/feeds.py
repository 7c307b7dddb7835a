"""Secret addresses for calendar programs: each shows one membership's deadlines, can do nothing, can be revoked."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from core import accounts, clock, db, trail
from core.db import transaction
from core.errors import NotFound
from core.i18n import N_
from core.identity import Identity

TRAIL_TITLES = {"feed.opened": N_("建立日历订阅地址"), "feed.ended": N_("吊销日历订阅地址")}
MOST_PER_ACCOUNT = 10


class FeedGone(NotFound):
    """No such address (any more)."""

    code = "feed-not-found"
    text = N_("这个日历订阅地址不存在，或者已经吊销。请在“我的事项”里重新建立。")


@dataclass(frozen=True)
class FeedRow:
    """A live address of the reader; the address itself is not kept."""

    id: int
    created_at: datetime


async def open_feed(actor: Identity) -> str:
    """A new secret address for the actor's present role; older ones beyond ten are revoked. The token, once."""
    token = secrets.token_urlsafe(32)
    async with transaction():
        await db.execute("select id from core_account where id = $1 for update", actor.account_id)
        await db.execute(
            """update core_calendar_feed set ended_at = $2 where id in (
                   select id from core_calendar_feed where account = $1 and ended_at is null
                    order by id desc offset $3)""",
            actor.account_id,
            clock.now(),
            MOST_PER_ACCOUNT - 1,
        )
        feed_id: int = await db.value(
            """insert into core_calendar_feed (token_hash, account, membership, created_at)
               select $1, m.account, m.id, $2 from core_membership m
                where m.account = $3 and m.organization = $4 and m.role = $5 returning id""",
            accounts.digest(token),
            clock.now(),
            actor.account_id,
            actor.organization_id,
            actor.role.value,
        )
        await trail.record(actor, "feed.opened", f"feed:{feed_id}")
    return token


async def end_feed(actor: Identity, *, feed_id: int) -> None:
    """Revoke one of the actor's own addresses; `FeedGone`."""
    async with transaction():
        ended = await db.execute(
            "update core_calendar_feed set ended_at = $3 where id = $1 and account = $2 and ended_at is null",
            feed_id,
            actor.account_id,
            clock.now(),
        )
        if not ended:
            raise FeedGone
        await trail.record(actor, "feed.ended", f"feed:{feed_id}")


async def my_feeds(identity: Identity) -> list[FeedRow]:
    """The reader's live addresses for the present role, newest first."""
    found = await db.rows(
        """select f.id, f.created_at from core_calendar_feed f join core_membership m on m.id = f.membership
            where f.account = $1 and f.ended_at is null and m.organization = $2 and m.role = $3
            order by f.id desc""",
        identity.account_id,
        identity.organization_id,
        identity.role.value,
    )
    return [FeedRow(**dict(row)) for row in found]


async def holder(token: str) -> Identity:
    """Whose deadlines an address shows; `FeedGone` when it is revoked or its membership has ended."""
    found = await db.row(
        accounts._IDENTITY + " join core_calendar_feed f on f.membership = m.id"
        " where f.token_hash = $1 and f.ended_at is null and m.ended_at is null",
        accounts.digest(token),
    )
    if found is None:
        raise FeedGone
    return accounts._identity(found)

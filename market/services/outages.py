"""What outages do: they are logged, move deadlines by rule, and hold openings until it is clear that they do not."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from agencies import queries as agencies
from core import clock, db, heartbeat, mail, trail
from core.db import transaction
from core.identity import SYSTEM
from market.queries.notices import NoticeRow
from market.queries.notices import notice as one_notice
from market.rules.notices import NoticeAct, NoticeState, SelectionMethod
from market.rules.outages import Down, Held, Moved, extension
from market.services.cases import letter, lock_notice, move

LOOK_BACK = timedelta(days=35)
WIDEST_WINDOW = timedelta(hours=48)
"""No edition looks further back before a deadline than this."""


async def log_outages() -> int:
    """Log every outage that is over, and move the deadlines it touched; how many deadlines moved.

    Idempotent: woken after each recovery and by the sweep.
    """
    now = clock.now()
    since = await db.value("select max(until_at) from market_outage") or now - LOOK_BACK
    over = [gap for gap in await heartbeat.gaps(since, now) if gap.until_at is not None]
    moved = 0
    for gap in over:
        async with transaction():
            assert gap.until_at is not None
            await _logged(gap.since_at, gap.until_at)
    if not over:
        return 0
    for notice_id in await _touched(over):
        async with transaction():
            moved += isinstance(await settle(await lock_notice(notice_id)), Moved)
    return moved


async def _touched(gaps: Sequence[heartbeat.Stretch]) -> list[int]:
    found = await db.rows(
        "select id from market_notice where state = 'published' and deadline >= $1 and deadline <= $2 order by id",
        min(gap.since_at for gap in gaps),
        max(gap.until_at for gap in gaps if gap.until_at) + WIDEST_WINDOW,
    )
    return [row["id"] for row in found]


async def may_open(notice: NoticeRow) -> bool:
    """Whether the opening, or the lapse of an offer, may go ahead; the caller holds the notice's lock.

    Extends the notice instead when an outage demands it. Holds it while an outage lasts, and until a beat at or
    after the deadline proves that one could hand in to the last. Where nobody ever beat, nothing is held.
    """
    beat = await heartbeat.last_beat()
    if beat is None:
        return True
    return await settle(notice) is None and beat >= notice.deadline


async def settle(notice: NoticeRow) -> Moved | Held | None:
    """Extend a locked notice if its outages demand it; what they demand."""
    if notice.state is not NoticeState.PUBLISHED:
        return None
    verdict = await extension_due(notice)
    if isinstance(verdict, Moved):
        await _extend(notice, verdict)
    return verdict


async def extension_due(notice: NoticeRow) -> Moved | Held | None:
    """What the known outages do to a notice's deadline, by the rules it runs under."""
    rule = notice.law.outage
    gaps = await heartbeat.gaps(notice.deadline - timedelta(hours=rule.window_hours), clock.now())
    counted = await db.value("select max(counted_until) from market_extension where notice = $1", notice.id)
    return extension(notice.deadline, [Down(gap.since_at, gap.until_at) for gap in gaps], rule, counted)


async def opening_held(notice: NoticeRow) -> bool:
    """What `may_open` would say no to, without doing anything about it: for acts that must come after it."""
    beat = await heartbeat.last_beat()
    if beat is None:
        return False
    return beat < notice.deadline or await extension_due(notice) is not None


async def held(notice_id: int) -> bool:
    """Whether a notice waits past its deadline for an outage to end or for proof that there was none."""
    row = await one_notice(notice_id)
    due = row.state is NoticeState.PUBLISHED and row.deadline <= clock.now()
    return due and await opening_held(row)


async def _extend(notice: NoticeRow, moved: Moved) -> None:
    window = notice.deadline - timedelta(hours=notice.law.outage.window_hours)
    downs = [
        gap for gap in await heartbeat.gaps(window, clock.now()) if gap.until_at and gap.since_at <= notice.deadline
    ]
    logged = [await _logged(gap.since_at, gap.until_at) for gap in downs if gap.until_at]
    await db.execute(
        """insert into market_extension (notice, outage, old_deadline, new_deadline, lost_seconds, counted_until,
               decided_at) values ($1, $2, $3, $4, $5, $6, $7)""",
        notice.id,
        logged[-1],
        notice.deadline,
        moved.new_deadline,
        int(moved.lost.total_seconds()),
        moved.counted_until,
        clock.now(),
    )
    await move(notice, NoticeAct.EXTEND, deadline=moved.new_deadline)
    await trail.record(
        SYSTEM,
        "notice.extended",
        notice.subject,
        before={"deadline": notice.deadline},
        after={
            "deadline": moved.new_deadline,
            "lost_seconds": int(moved.lost.total_seconds()),
            "outages": [{"since": gap.since_at, "until": gap.until_at} for gap in downs],
            "edition": notice.edition,
        },
        threads=(*notice.threads, f"outage:{logged[-1]}"),
    )
    await _tell(notice, moved, logged[-1])


async def _logged(since: datetime, until: datetime) -> int:
    fresh: int | None = await db.value(
        "insert into market_outage (since_at, until_at, logged_at) values ($1, $2, $3)"
        " on conflict (since_at) do nothing returning id",
        since,
        until,
        clock.now(),
    )
    if fresh is None:
        known: int = await db.value("select id from market_outage where since_at = $1", since)
        return known
    await trail.record(SYSTEM, "outage.logged", f"outage:{fresh}", after={"since": since, "until": until})
    return fresh


async def _tell(notice: NoticeRow, moved: Moved, outage_id: int) -> None:
    """The client and everybody who may offer the service; never "the bidders", whom the outbox would name."""
    told = [notice.client_id]
    if notice.method is SelectionMethod.DIRECT:
        told += [notice.direct_organization_id] if notice.direct_organization_id else []
    else:
        told += await agencies.offering(notice.item_code)
    await mail.send(to_organizations=told, message="market/deadline_moved", context=_words(notice, moved, outage_id))


def _words(notice: NoticeRow, moved: Moved, outage_id: int) -> dict[str, Any]:
    return letter(notice) | {
        "old_deadline": f"{clock.shanghai(notice.deadline):%Y-%m-%d %H:%M}",
        "new_deadline": f"{clock.shanghai(moved.new_deadline):%Y-%m-%d %H:%M}",
        "outage_id": outage_id,
    }

"""Proof that writing works: each process says so every fifteen seconds, in the database itself.

Nobody asks what was broken (database, disk, network, power): where no beat of a web process was written,
nothing could be handed in. Beats testify to real time only; under a clock set by hand there are none.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from core import attempts, clock, db
from core.db import transaction
from core.handover import Handover

EVERY = timedelta(seconds=15)
GRACE = timedelta(seconds=60)
"""A pause of this length or less is no gap: a missed beat, a restart."""
WEB, WORKER = "web", "worker"
WRITES_BACK: Handover[[]] = Handover("core.writes-back")
_log = structlog.get_logger()


@dataclass(frozen=True)
class Stretch:
    """A stretch of time, in UTC; `until_at` is None while it lasts."""

    since_at: datetime
    until_at: datetime | None


async def beat(process: str, stretch_id: int | None = None) -> tuple[int, bool]:
    """Write that `process` could write now: the stretch, and whether it is a new one.

    A stretch whose last beat is older than `GRACE` is never lengthened: that would hide the gap.
    """
    now = clock.now()
    grown = await db.execute(
        "update core_heartbeat set until_at = greatest(until_at, $2) where id = $1 and until_at >= $3",
        stretch_id,
        now,
        now - GRACE,
    )
    if stretch_id is not None and grown:
        return stretch_id, False
    begun: int = await db.value(
        "insert into core_heartbeat (process, since_at, until_at) values ($1, $2, $2) returning id", process, now
    )
    return begun, True


async def keep_beating(process: str) -> None:
    """Beat until cancelled. After a gap the floors above are told, and failed attempts are taken over."""
    stretch: int | None = None
    while True:
        if clock.is_real():
            try:
                stretch, new = await beat(process, stretch)
                if process == WEB:
                    await _after(new)
            except Exception as error:
                _log.warning("no heartbeat", process=process, error=repr(error))
        await asyncio.sleep(EVERY.total_seconds())


async def _after(new: bool) -> None:
    if new:
        async with transaction():
            await WRITES_BACK()
    await attempts.take_over()


_WEB_STRETCHES = """
select since_at, until_at from core_heartbeat
 where process = 'web' and until_at >= coalesce(
       (select max(until_at) from core_heartbeat where process = 'web' and until_at < $1), $1)
   and since_at <= $2
 order by since_at
"""


async def gaps(since: datetime, until: datetime) -> list[Stretch]:
    """When nothing could be handed in between two moments, as far as beats tell; the last may still last.

    Before the first beat ever nothing is known, so nothing is claimed.
    """
    return between(await _stretches(since, until), until)


def between(stretches: Sequence[tuple[datetime, datetime]], now: datetime) -> list[Stretch]:
    """The gaps longer than `GRACE` between stretches that may overlap (several servers), up to `now`."""
    found: list[Stretch] = []
    covered: datetime | None = None
    for since_at, until_at in sorted(stretches):
        if covered is not None and since_at - covered > GRACE:
            found.append(Stretch(covered, since_at))
        covered = max(until_at, covered or until_at)
    if covered is not None and now - covered > GRACE:
        found.append(Stretch(covered, None))
    return found


async def _stretches(since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    return [(row["since_at"], row["until_at"]) for row in await db.rows(_WEB_STRETCHES, since, until)]


async def last_beat(process: str = WEB) -> datetime | None:
    """The last moment at which writing was proved; None where nobody ever beat."""
    found: datetime | None = await db.value("select max(until_at) from core_heartbeat where process = $1", process)
    return found

"""Five thousand bids in the last minute of one notice: none lost, how long each waits, and the raw statements beside.

The agencies are copies of one, made in SQL: what is measured begins where a bid reaches the service.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from benchmarks.bids import ITEM, OFFER, Statement, fresh, notice, recorded
from benchmarks.turns import Ratio
from core import accounts, clock, db
from core.db import _prepare
from core.identity import Identity, Role
from core.postgres import Urls
from market import services
from market.queries.notices import opening_of

BIDS = 5000
SECONDS = 60.0
AT_ONCE = 10


@dataclass(frozen=True)
class RushFigure:
    """Waiting times in milliseconds under the arrivals of a minute, bids kept, and throughput beside raw SQL."""

    sent: int
    kept: int
    p50: float
    p99: float
    slowest: float
    per_second: float
    raw_per_second: float
    opening_seconds: float

    def lines(self) -> list[str]:
        """The row of the table: bids a second, ten at once, ours and the bare statements."""
        ratio = self.per_second / self.raw_per_second
        return [
            f"| bids a second on one notice, {AT_ONCE} at once | {self.per_second:.0f}/s |"
            f" {self.raw_per_second:.0f}/s | {ratio:.2f} | – | – |"
        ]

    def notes(self) -> list[str]:
        """What the last minute was like."""
        return [
            f"- Last minute: {self.sent} bids arrive evenly in {SECONDS:.0f} s on one notice, {self.kept} kept,"
            f" {self.sent - self.kept} lost; waiting p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms, slowest"
            f" {self.slowest:.0f} ms. Opening all of them together: {self.opening_seconds:.1f} s.",
        ]

    def ratios(self) -> list[Ratio]:
        """What has a control."""
        return []


async def measure(urls: Urls, *, bids: int = BIDS, seconds: float = SECONDS) -> RushFigure:
    """Arrivals spread over a minute first, then both ways as fast as they go."""
    bidders = await _bidders(urls, bids)
    client = await accounts.identity_of(login="cl-01", role=Role.CLIENT)
    crowded, closed, spare = [await notice(client) for _ in range(3)]
    waits = await _arrivals(bidders, crowded, seconds)
    kept: int = await db.value("select count(*) from market_bid where notice = $1 and state = 'sealed'", crowded)
    quickly = len(bidders) // 2
    ours = await _rate([lambda one=one: _bid(one, closed) for one in bidders[:quickly]])
    raw = await _raw_rate(urls, await recorded((bidders[-1], spare)), quickly)
    opening = await _opened(crowded)
    ordered = sorted(1000 * wait for wait in waits)
    return RushFigure(
        sent=len(bidders),
        kept=kept,
        p50=statistics.median(ordered),
        p99=ordered[int(0.99 * len(ordered))],
        slowest=ordered[-1],
        per_second=ours,
        raw_per_second=raw,
        opening_seconds=opening,
    )


_COPY = {
    "core_organization": "jsonb_build_object('uscc', 'BENCH' || lpad(n::text, 13, '0'))",
    "agencies_agency": "jsonb_build_object('uscc', 'BENCH' || lpad(n::text, 13, '0'), 'controller', 'C' || n, 'organization',"
    " (select o.id from core_organization o where o.uscc = 'BENCH' || lpad(n::text, 13, '0')))",
    "agencies_profession": "jsonb_build_object('agency',"
    " (select a.id from agencies_agency a where a.uscc = 'BENCH' || lpad(n::text, 13, '0')))",
    "agencies_qualification": "jsonb_build_object('agency',"
    " (select a.id from agencies_agency a where a.uscc = 'BENCH' || lpad(n::text, 13, '0')))",
}


async def _bidders(urls: Urls, count: int) -> list[Identity]:
    link = await asyncpg.connect(urls.owner_url)
    try:
        model = await link.fetchrow(
            "select a.id as agency, a.organization from agencies_agency a"
            " join agencies_profession p on p.agency = a.id and $1 = any(p.items) order by a.id limit 1",
            ITEM,
        )
        for table, changes in _COPY.items():
            key = {"core_organization": "id", "agencies_agency": "id"}.get(table, "agency")
            number = model["organization"] if table == "core_organization" else model["agency"]
            await link.execute(
                f"insert into {table} select (jsonb_populate_record(null::{table}, to_jsonb(s) || {changes}"
                f" || jsonb_build_object('id', nextval(pg_get_serial_sequence('{table}', 'id'))))).*"
                f" from {table} s, generate_series(1, $2) n where s.{key} = $1",
                number,
                count,
            )
        await link.execute("analyze")
        found = await link.fetch("select id from core_organization where uscc like 'BENCH%' order by id")
        account = await link.fetchval("select min(account) from core_membership where role = 'agency'")
    finally:
        await link.close()
    return [Identity(account, "bench", row["id"], "bench", Role.AGENCY) for row in found]


async def _bid(bidder: Identity, notice_id: int) -> None:
    await services.submit_bid(bidder, notice_id=notice_id, offer=OFFER)


async def _arrivals(bidders: list[Identity], notice_id: int, seconds: float) -> list[float]:
    """Each bid at its moment, whatever the others are doing; how long each waited."""
    began = time.perf_counter()

    async def arrive(number: int, bidder: Identity) -> float:
        due = began + seconds * number / len(bidders)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await _bid(bidder, notice_id)
        return time.perf_counter() - due

    return await asyncio.gather(*(arrive(number, bidder) for number, bidder in enumerate(bidders)))


async def _rate(acts: list[Callable[[], Awaitable[None]]]) -> float:
    """Acts a second, `AT_ONCE` of them under way."""
    waiting = iter(acts)

    async def worker() -> None:
        for act in waiting:
            await act()

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return len(acts) / (time.perf_counter() - began)


async def _raw_rate(urls: Urls, statements: list[Statement], count: int) -> float:
    pool = await asyncpg.create_pool(urls.url, min_size=AT_ONCE, max_size=AT_ONCE, init=_prepare)

    async def once() -> None:
        async with pool.acquire() as link, link.transaction():
            for one in statements:
                await link.fetch(one.sql, *fresh(one))

    try:
        return await _rate([once] * count)
    finally:
        await pool.close()


async def _opened(notice_id: int) -> float:
    deadline = await db.value("select deadline from market_notice where id = $1", notice_id)
    with clock.at(deadline + timedelta(seconds=1)):
        began = time.perf_counter()
        await services.open_bids(notice_id)
        took = time.perf_counter() - began
    opening = await opening_of(notice_id)
    assert opening is not None
    assert opening.received == await db.value("select count(*) from market_bid where notice = $1", notice_id)
    return took

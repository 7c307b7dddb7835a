"""A sealed bid against the same SQL statements in one raw asyncpg transaction."""

import secrets
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from benchmarks.turns import Ratio, compare
from core import accounts, clock, db
from core.db import _prepare
from core.identity import Identity, Role
from core.postgres import Urls
from market import sealing, services
from market.rules.bids import Offer
from market.rules.notices import FundSource, NoticeDraft, SelectionMethod
from market.services.projects import ProjectDraft

ITEM = "XT-SV-01"
OFFER = Offer(Decimal("21800.00"), 10, "两级检查，合同签订次日进场。")
BLOCK = 12


@dataclass(frozen=True)
class BidFigure:
    """The comparison, how many statements an act sends, and what sealing alone costs."""

    ratio: Ratio
    statements: int
    sealing_ms: float


@dataclass(frozen=True)
class Statement:
    """One statement as the act sent it."""

    sql: str
    arguments: tuple[Any, ...]


async def measure(urls: Urls, *, rounds: int) -> BidFigure:
    """Both ways, in turns, on one connection each."""
    blocks = 6 * rounds + 4
    places = await _places(blocks * BLOCK)
    statements = await recorded(next(places))
    link = await asyncpg.connect(urls.url, statement_cache_size=1000)
    await _prepare(link)
    try:
        ratio = await compare(lambda: _acts(places), lambda: _raw(link, statements), rounds=rounds)
    finally:
        await link.close()
    return BidFigure(ratio, len(statements), _sealing_ms())


async def _places(count: int) -> "Iterator[tuple[Identity, int]]":
    """So many pairs of a surveying agency and a notice it has not bid on."""
    found = await db.rows(
        "select a.login from core_account a join core_membership m on m.account = a.id and m.role = 'agency'"
        " join agencies_agency g on g.organization = m.organization"
        " join agencies_profession p on p.agency = g.id and $1 = any(p.items) order by a.id",
        ITEM,
    )
    bidders = [await accounts.identity_of(login=row["login"], role=Role.AGENCY) for row in found]
    client = await accounts.identity_of(login="cl-01", role=Role.CLIENT)
    notices = [await notice(client) for _ in range(count // len(bidders) + 2)]
    return iter([(bidder, notice) for notice in notices for bidder in bidders])


async def notice(client: Identity) -> int:
    """A notice that takes bids for a fortnight."""
    project = await services.describe_project(
        client, draft=ProjectDraft("测量项目", "新泰市", "测量用", Decimal(1_000_000), FundSource.OWN)
    )
    draft = NoticeDraft(
        item_code=ITEM,
        method=SelectionMethod.LOWEST_PRICE,
        fund_source=FundSource.OWN,
        scale="约 2 公顷",
        requirements="一次提交",
        payment_terms="验收后付清",
        ceiling=Decimal("30000.00"),
        days_limit=15,
        deadline=clock.now() + timedelta(days=15),
    )
    receipt = await services.draft_notice(client, project_id=project.project_id, draft=draft)
    await services.publish_notice(client, notice_id=receipt.notice_id, version=1)
    return receipt.notice_id


async def _acts(places: "Iterator[tuple[Identity, int]]") -> float:
    began = time.perf_counter()
    for _ in range(BLOCK):
        bidder, notice = next(places)
        await services.submit_bid(bidder, notice_id=notice, offer=OFFER)
    return (time.perf_counter() - began) / BLOCK


async def recorded(place: tuple[Identity, int]) -> list[Statement]:
    """What one act sends."""
    sent: list[Statement] = []

    def note(record: Any) -> None:
        if not record.query.lstrip().lower().startswith(("begin", "commit", "savepoint", "release")):
            sent.append(Statement(record.query, tuple(record.args)))

    async with db.transaction() as running:
        with running.connection.query_logger(note):
            await services.submit_bid(place[0], notice_id=place[1], offer=OFFER)
    return sent


async def _raw(link: asyncpg.Connection, statements: list[Statement]) -> float:
    """The same statements, one transaction each time; only what must be unique is new."""
    began = time.perf_counter()
    for _ in range(BLOCK):
        async with link.transaction():
            for one in statements:
                arguments = fresh(one)
                await link.fetch(one.sql, *arguments)
    return (time.perf_counter() - began) / BLOCK


def fresh(statement: Statement) -> tuple[Any, ...]:
    """The arguments with what must be unique made new."""
    if "insert into market_bid" not in statement.sql:
        return statement.arguments
    number, _, _, *rest = statement.arguments
    return number, secrets.token_hex(32), secrets.token_hex(32), *rest


def _sealing_ms() -> float:
    pair = sealing.new_key_pair()
    content = sealing.Content(1, 2, 3, 4, OFFER)
    times = []
    for _ in range(50):
        began = time.perf_counter()
        sealing.digest(sealing.seal(pair.public, content))
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)

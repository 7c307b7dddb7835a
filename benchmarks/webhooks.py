"""Stripe's events with all their effects against the same SQL statements in raw asyncpg; reconciling 100,000 payments.

What Stripe itself would answer is at hand here, so that our own work is measured and not the network.
"""

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import httpx

from benchmarks.bids import Statement
from benchmarks.turns import Ratio, compare, ratio_line
from core import accounts, clock, db
from core.db import _prepare
from core.identity import Identity, Role
from core.postgres import Urls
from payments import services
from payments.gateway import client
from payments.gateway.client import Body, Gateway
from payments.gateway.configuration import API_VERSION, Configuration
from payments.services import stripe
from payments.services.stripe.paying import INSERT
from payments.stripe_double.app import Double
from payments.stripe_double.courier import sign

BLOCK = 12
PAYMENTS = 100_000
SECRET = "whsec_bench"
AMOUNT = 2_460_000
KNOWN = Configuration("sk_test_double", (SECRET,), "http://stripe.double", "HK", "hkd")


class AtHand(Gateway):
    """A Stripe whose answers need no network."""

    def __init__(self) -> None:
        super().__init__(KNOWN)

    async def intent(self, given: str) -> Body:
        """A card payment that has arrived."""
        now = int(clock.now().timestamp())
        line = {
            "id": given.replace("pi_", "txn_"),
            "type": "charge",
            "amount": 2_674_758,
            "fee": 91_177,
            "currency": "hkd",
            "exchange_rate": 1.0873,
            "created": now,
        }
        charge = {
            "id": given.replace("pi_", "ch_"),
            "amount_captured": AMOUNT,
            "amount_refunded": 0,
            "disputed": False,
            "payment_method_details": {"type": "card", "card": {"capture_before": now}},
            "balance_transaction": line,
        }
        return {"id": given, "status": "succeeded", "currency": "cny", "latest_charge": charge}


@dataclass(frozen=True)
class WebhookFigure:
    """Events beside raw statements, and the comparison of the books."""

    ratio: Ratio
    statements: int
    seconds: float
    matched: int

    def lines(self) -> list[str]:
        """The row of the table."""
        return [ratio_line(f"an event of Stripe with all effects ({self.statements} statements)", self.ratio)]

    def notes(self) -> list[str]:
        """How many a second, and how long the nightly comparison takes."""
        return [
            f"- Stripe: {1000 / self.ratio.ours_ms:.0f} events/s one after the other (verified, kept, settled, booked,"
            f" on the trail, letters written), raw statements {1000 / self.ratio.peer_ms:.0f}/s. Comparing"
            f" {self.matched:,} payments with Stripe's list, {PAYMENTS // 100:,} pages of 100 from our double:"
            f" {self.seconds:.0f} s.",
        ]

    def ratios(self) -> list[Ratio]:
        """What was compared in turns."""
        return [self.ratio]


async def measure(urls: Urls, *, rounds: int, payments: int = PAYMENTS) -> WebhookFigure:
    """Both ways, in turns, on one connection each; then the comparison."""
    client.use(AtHand())
    taker = list(services.SETTLED._takers)
    services.SETTLED.supply(_nobody)
    try:
        events = await _events((6 * rounds + 4) * BLOCK)
        statements = await _recorded(next(events))
        link = await asyncpg.connect(urls.url, statement_cache_size=1000)
        await _prepare(link)
        try:
            ratio = await compare(lambda: _ours(events), lambda: _raw(link, statements), rounds=rounds)
        finally:
            await link.close()
        seconds, matched = await _reconcile(urls, payments)
    finally:
        services.SETTLED.supply(*taker)
        client.use(None)
    return WebhookFigure(ratio, len(statements), seconds, matched)


async def _nobody(*_facts: object) -> None:
    """These fees belong to no contract."""


async def _events(count: int) -> Iterator[tuple[bytes, str]]:
    """So many signed events of payments of fees of their own."""
    payer = await accounts.identity_of(login="cl-01", role=Role.CLIENT)
    payee: int = await db.value("select organization from agencies_agency order by id limit 1")
    return iter([await _event(payer, payee, number) for number in range(count)])


async def _event(payer: Identity, payee: int, number: int) -> tuple[bytes, str]:
    payable_id = await services.create_payable(
        kind="review-cost",
        key=f"bench-{number}",
        payer_id=payer.organization_id,
        payee_id=payee,
        amount=Decimal("24600.00"),
        title="测量用款项",
        due_on=clock.today() + timedelta(days=14),
    )
    key, now = secrets.token_hex(16), clock.now()
    await db.value(INSERT, key, payable_id, payer.account_id, False, AMOUNT, now, now + timedelta(hours=23))
    event = {
        "id": f"evt_{key}",
        "type": "payment_intent.succeeded",
        "api_version": API_VERSION,
        "created": int(now.timestamp()),
        "data": {"object": {"id": f"pi_{key}", "metadata": {"xinshi": key}}},
    }
    body = json.dumps(event).encode()
    return body, sign(body, SECRET, int(now.timestamp()))


async def _ours(events: Iterator[tuple[bytes, str]]) -> float:
    began = time.perf_counter()
    for _ in range(BLOCK):
        await stripe.take_in(*next(events))
    return (time.perf_counter() - began) / BLOCK


async def _recorded(event: tuple[bytes, str]) -> list[Statement]:
    """What one event sends."""
    sent: list[Statement] = []

    def note(record: Any) -> None:
        if not record.query.lstrip().lower().startswith(("begin", "commit", "savepoint", "release")):
            sent.append(Statement(record.query, tuple(record.args)))

    async with db.transaction() as running:
        with running.connection.query_logger(note):
            await stripe.take_in(*event)
    return sent


async def _raw(link: Any, statements: list[Statement]) -> float:
    """The same statements, one transaction each time; only what must be unique is new."""
    began = time.perf_counter()
    for _ in range(BLOCK):
        posting = 0
        async with link.transaction():
            for one in statements:
                arguments = list(one.arguments)
                if "insert into payments_posting" in one.sql:
                    arguments[1] = secrets.token_hex(16)
                    posting = await link.fetchval(one.sql, *arguments)
                    continue
                if "insert into payments_entry" in one.sql:
                    arguments[0] = posting
                elif "insert into payments_stripe_line" in one.sql or "insert into payments_stripe_event" in one.sql:
                    arguments[0] = secrets.token_hex(16)
                await link.fetch(one.sql, *arguments)
    return (time.perf_counter() - began) / BLOCK


async def _reconcile(urls: Urls, payments: int) -> tuple[float, int]:
    """The comparison of so many payments; seconds and how many were found alike."""
    double = Double(urls.owner_url, KNOWN.api, deliver=False)
    await double.start()
    client.use(Gateway(KNOWN, transport=httpx.ASGITransport(app=double.app)))
    try:
        await _fill(double, payments)
        began = time.perf_counter()
        report = await stripe.reconcile(since=clock.now() - timedelta(days=40), until=clock.now() - timedelta(days=20))
        return time.perf_counter() - began, report.matched
    finally:
        await double.stop()


async def _fill(double: Double, payments: int) -> None:
    at = int((clock.now() - timedelta(days=30)).timestamp())
    payable_id = await db.value("select min(id) from payments_payable")
    async with double.store.pool.acquire() as link:
        await link.execute(
            "insert into stripe_double.object (id, kind, account, created, body) select 'txn_' || n,"
            " 'balance_transaction', '', $1::bigint + n / 100, jsonb_build_object('id', 'txn_' || n, 'object',"
            " 'balance_transaction', 'amount', 2674758, 'fee', 91177, 'net', 2583581, 'currency', 'hkd', 'created',"
            " $1::bigint + n / 100, 'exchange_rate', 1.0873, 'type', 'charge', 'source', 'ch_' || n, 'status', 'available')"
            " from generate_series(1, $2::int) n",
            at,
            payments,
        )
    await db.execute(
        "insert into payments_stripe_line (line, kind, source, payable, presented, amount, fee, currency, rate, made_at,"
        " booked_at) select 'txn_' || n, 'charge', 'ch_' || n, $1, 2460000, 2674758, 91177, 'hkd', 1.0873,"
        " to_timestamp($2::bigint + n / 100), now() from generate_series(1, $3::int) n",
        payable_id,
        at,
        payments,
    )

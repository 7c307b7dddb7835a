"""The statement page of an organisation with 100,000 entries, against its one query on a raw connection."""

import time
from dataclasses import dataclass

import asyncpg

from benchmarks.turns import Ratio, compare, ratio_line
from core import accounts, db
from core.db import _prepare
from core.identity import Identity, Role
from core.postgres import Urls
from payments import queries, services
from payments.queries.ledger import BALANCES, PAGE
from payments.rules.ledger import AccountKind

ENTRIES = 100_000
PAGES = 10
ROWS = 51


@dataclass(frozen=True)
class StatementFigure:
    """The comparison, the audit of the same books, and the whole statement in chunks."""

    entries: int
    ratio: Ratio
    audit_seconds: float
    export_seconds: float

    def lines(self) -> list[str]:
        """The row of the table."""
        return [ratio_line(f"a page of a statement of {self.entries:,} entries", self.ratio)]

    def notes(self) -> list[str]:
        """What else the same books took."""
        return [
            "- Statement: accounts with their balances, then 50 entries with the running balance, on one snapshot; the peer"
            " is the same two statements, prepared, without a snapshot of their own, rows left as they come.",
            f"- The whole statement in chunks {self.export_seconds:.1f} s; `xinshi payments audit` over twice as many entries"
            f" {self.audit_seconds:.1f} s.",
        ]

    def ratios(self) -> list[Ratio]:
        """What was compared in turns."""
        return [self.ratio]


async def measure(urls: Urls, *, rounds: int, entries: int = ENTRIES) -> StatementFigure:
    """Fill the books of one organisation, then read its statement both ways in turns."""
    payer, payee = [await accounts.identity_of(login=login, role=Role.CLIENT) for login in ("cl-01", "cl-02")]
    await _fill(urls, payer, payee, entries)
    link = await asyncpg.connect(urls.url, statement_cache_size=1000)
    await _prepare(link)
    try:
        ratio = await compare(lambda: _ours(payee), lambda: _raw(link, payee), rounds=rounds)
    finally:
        await link.close()
    return StatementFigure(entries, ratio, await _audit(), await _export(payee))


async def _fill(urls: Urls, payer: Identity, payee: Identity, entries: int) -> None:
    """One payable by the service, and very many movements of a fen each beside it."""
    from datetime import timedelta
    from decimal import Decimal

    from core import clock

    payable_id = await services.create_payable(
        kind="milestone",
        key="bench",
        payer_id=payer.organization_id,
        payee_id=payee.organization_id,
        amount=Decimal("1000.00"),
        title="对账单",
        due_on=clock.today() + timedelta(days=10),
    )
    entry_id = await db.value("select trail_entry from payments_posting where payable = $1", payable_id)
    link = await asyncpg.connect(urls.owner_url)
    try:
        await link.execute("set session_replication_role = replica")
        await link.execute(
            "insert into payments_account (organization, kind, currency, opened_at) values ($1, 'outside', 'CNY', now()),"
            " ($2, 'outside', 'CNY', now())",
            payer.organization_id,
            payee.organization_id,
        )
        await link.execute(
            "insert into payments_posting (kind, key, payable, trail_entry, occurred_at)"
            " select 'bank-paid', 'bench:' || n, $1, $2, now() from generate_series(1, $3) n",
            payable_id,
            entry_id,
            entries,
        )
        for somebody, sign in ((payer, -1), (payee, 1)):
            await link.execute(
                "insert into payments_entry (posting, account, amount) select s.id, a.id, $2 from payments_posting s,"
                " payments_account a where s.key like 'bench:%' and a.organization = $1 and a.kind = 'outside' order by s.id",
                somebody.organization_id,
                sign,
            )
    finally:
        await link.close()
    link = await asyncpg.connect(urls.owner_url)
    try:
        await link.execute("vacuum analyze payments_entry")
        await link.execute("vacuum analyze payments_posting")
    finally:
        await link.close()


async def _ours(payee: Identity) -> float:
    began = time.perf_counter()
    for _ in range(PAGES):
        _accounts, chosen, rows = await queries.statement(payee.organization_id, limit=ROWS)
        assert chosen is not None
        assert len(rows) == ROWS
    return (time.perf_counter() - began) / PAGES


async def _raw(link: asyncpg.Connection, payee: Identity) -> float:
    began = time.perf_counter()
    for _ in range(PAGES):
        found = await link.fetch(BALANCES, payee.organization_id)
        own = next(row for row in found if row["kind"] == AccountKind.OUTSIDE)
        await link.fetch(PAGE, own["id"], None, ROWS, payee.organization_id, own["amount"])
    return (time.perf_counter() - began) / PAGES


async def _audit() -> float:
    began = time.perf_counter()
    await queries.audit()
    return time.perf_counter() - began


async def _export(payee: Identity) -> float:
    began = time.perf_counter()
    _accounts, chosen, _rows = await queries.statement(payee.organization_id, limit=1)
    assert chosen is not None
    count = 0
    async for chunk in queries.statement_rows(payee.organization_id, chosen):
        count += len(chunk)
    assert count == chosen.entries
    return time.perf_counter() - began

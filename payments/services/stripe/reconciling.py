"""The nightly comparison: every line of Stripe's balance against every line of ours, and the balance against the ledger.

What Stripe has and we have not is fetched and booked on the spot when it is ours (`healed`): its event was lost. What is
left is named, one by one. Our own withdrawals to our own bank are not payments of anybody here and are counted apart.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from core import clock, db
from core.db import transaction
from core.errors import DomainError
from payments.gateway import client
from payments.gateway.client import Body
from payments.queries.stripe import attempt_by, order_by
from payments.services.stripe import applying, orders

OWN = frozenset({"payout", "payout_cancel", "payout_failure", "topup", "topup_reversal", "stripe_fee", "contribution"})
"""Kinds of lines that are between Stripe and the platform alone."""
MOST_NAMED = 1000


@dataclass(frozen=True)
class Report:
    """One comparison: how many lines, how many alike, both balances in cents, and every difference by name."""

    check_id: int
    since: datetime
    until: datetime
    lines: int
    matched: int
    ours: int
    theirs: int
    currency: str
    differences: list[dict[str, Any]] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing is left to explain."""
        return self.ours == self.theirs and all(one.get("healed") for one in self.differences)


async def reconcile(*, since: datetime | None = None, until: datetime | None = None) -> Report:
    """Compare lines made in [since, until) – everything up to now unless given – and both balances. `StripeAway`."""
    until = until or clock.now() + timedelta(seconds=1)
    since = since or datetime(2020, 1, 1, tzinfo=UTC)
    known = client.account()
    gateway = client.gateway()
    assert known is not None
    theirs, own = await _theirs(since, until)
    ours = await _ours(since, until)
    missing = [line for name, line in theirs.items() if name not in ours]
    differences = [await _heal(line) for line in missing]
    differences += [_named("unknown-to-stripe", name, ours[name]) for name in ours.keys() - theirs.keys()]
    matched = 0
    for name in theirs.keys() & ours.keys():
        if _alike(theirs[name], ours[name]):
            matched += 1
        else:
            differences.append(_named("differs", name, theirs[name]) | {"ours": _facts(ours[name])})
    held = (await gateway.balance()).get(known.currency, 0)
    provider = await provider_balance(known.currency)
    report = Report(0, since, until, len(theirs), matched, provider, held - own, known.currency, differences)
    return await _store(report)


async def _theirs(since: datetime, until: datetime) -> tuple[dict[str, Body], int]:
    """Stripe's lines by id without our own withdrawals, and what those come to."""
    found, own = {}, 0
    lines: AsyncIterator[Body] = client.gateway().lines(since=int(since.timestamp()), until=int(until.timestamp()) + 1)
    async for line in lines:
        if line["type"] in OWN:
            own += line["net"]
        else:
            found[line["id"]] = line
    return found, own


async def _ours(since: datetime, until: datetime) -> dict[str, Any]:
    """Our lines by Stripe's id, the parts of each added up."""
    found = await db.rows(
        "select line as id, min(kind) as type, min(source) as source, sum(amount)::bigint as amount,"
        " sum(fee)::bigint as fee, min(currency) as currency from payments_stripe_line"
        " where made_at >= $1 and made_at < $2 group by line",
        since.replace(microsecond=0),
        until,
    )
    return {row["id"]: row for row in found}


def _alike(theirs: Body, ours: Any) -> bool:
    return (theirs["amount"], theirs["fee"], theirs["currency"]) == (ours["amount"], ours["fee"], ours["currency"])


def _facts(line: Any) -> dict[str, Any]:
    return {name: line[name] for name in ("type", "source", "amount", "fee", "currency")}


def _named(what: str, name: str, line: Any) -> dict[str, Any]:
    return {"what": what, "line": name, **_facts(line)}


async def _heal(line: Body) -> dict[str, Any]:
    """Book a line whose event was lost, when its object is one of ours."""
    named = _named("unknown-to-us", line["id"], line)
    try:
        await _fetch(str(line["source"]))
    except DomainError as fault:
        return named | {"problem": fault.code}
    return named | {"healed": await applying.booked(line["id"])}


async def _fetch(source: str) -> None:
    body = await client.gateway().source(source)
    if body is None:
        return
    key = (body.get("metadata") or {}).get("order")
    order = await order_by("key", key) if key and source.startswith("tr_") else None
    if order is not None:
        await orders.run_order(order.id)
        return
    intent = body.get("payment_intent")
    attempt = await attempt_by("intent", intent) if intent else None
    if attempt is None and intent:
        found = (await client.gateway().intent(intent)).get("metadata") or {}
        attempt = await attempt_by("key", found.get("xinshi", ""))
    if attempt is not None:
        await applying.refresh(attempt.id, intent=intent, deep=True)


async def provider_balance(currency: str) -> int:
    """What the ledger says Stripe holds for us, in cents of that currency."""
    total: int = await db.value(
        "select coalesce(sum(e.amount), 0)::bigint from payments_entry e join payments_account a on a.id = e.account"
        " where a.kind = 'provider' and a.currency = $1",
        currency.upper(),
    )
    return total


async def _store(report: Report) -> Report:
    async with transaction():
        check_id: int = await db.value(
            "insert into payments_stripe_check (since_at, until_at, lines, matched, ours, theirs, currency, differences,"
            " made_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
            report.since,
            report.until,
            report.lines,
            report.matched,
            report.ours,
            report.theirs,
            report.currency,
            report.differences[:MOST_NAMED],
            clock.now(),
        )
    return Report(**{**vars(report), "check_id": check_id})

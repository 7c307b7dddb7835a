"""What Stripe says about an attempt, put into our books: once, in any order, in one transaction.

`look` fetches and holds no lock; `apply` locks the payable and changes only what is news. Which lines of Stripe's balance
are in the ledger is remembered in `payments_stripe_line`: a line is never booked twice. Attempts that are paid on one page
are applied together: their payables are locked in order, and what Stripe says of the whole is shared out among them.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core import clock, db
from core.db import transaction
from core.identity import SYSTEM
from payments.gateway import client
from payments.gateway.client import Body, StripeAway
from payments.queries.payables import PayableRow
from payments.queries.stripe import ATTEMPT, AttemptRow, attempt_by, attempt_row, order_by
from payments.rules import PayableAct, PayableState, Position
from payments.rules.ledger import (
    Parties,
    Posting,
    captured,
    exchanged,
    obligation_ended,
    provider_fee,
    refunded,
    unapplied,
    unapplied_returned,
    yuan_of,
)
from payments.rules.stripe import AttemptAct, AttemptState, OrderKind, observe, seen_in
from payments.rules.stripe_bundle import cut, spread
from payments.services.moving import locked, move, settle, tell_row
from payments.services.stripe import disputes, failures, ordering

Also = Callable[[], Awaitable[bool]]
"""Run inside the transaction before anything else; False: somebody else has done this already."""
TAKES = frozenset({PayableState.DUE, PayableState.PROCESSING, PayableState.AUTHORISED})
"""States in which money of an attempt settles the payable."""


@dataclass(frozen=True)
class Seen:
    """What Stripe says now."""

    session: Body | None = None
    intent: Body | None = None
    refunds: list[Body] = field(default_factory=list)
    disputes: list[Body] = field(default_factory=list)


async def look(attempt: AttemptRow, *, intent: str | None = None, deep: bool = False) -> Seen:
    """Fetch the attempt from Stripe; `deep` asks for refunds and disputes too. `StripeAway`, `StripeRefuses`."""
    gateway = client.gateway()
    session = None
    known = attempt.intent or intent
    if known is None and attempt.session is not None:
        session = await gateway.session(attempt.session)
        known = session["payment_intent"]
    if known is None:
        return Seen(session)
    found = await gateway.intent(known)
    charge = found.get("latest_charge") or {}
    given = await gateway.disputes_of(known) if deep or charge.get("disputed") else []
    refunds = await gateway.refunds_of(known) if deep or charge.get("amount_refunded") else []
    return Seen(session, found, refunds, given)  # refunds last: none that came before a dispute is missing


async def refresh(attempt_id: int, *, intent: str | None = None, deep: bool = False, also: Also | None = None) -> bool:
    """Fetch and apply: the one way in which an attempt changes. False when `also` said it was done already."""
    attempt = await attempt_by("id", attempt_id)
    assert attempt is not None
    seen = await look(attempt, intent=intent, deep=deep)
    return await apply(attempt_id, seen, also=also)


async def apply(attempt_id: int, seen: Seen, *, also: Also | None = None) -> bool:
    """Put what was seen into the books, in one transaction with whatever `also` does."""
    async with transaction():
        parts = await _lock(attempt_id)
        if also is not None and not await also():
            return False
        if seen.intent is not None:
            await _intent(parts, seen.intent)
        elif seen.session is not None and seen.session["status"] == "expired":
            for part in parts:
                await _lapse(part.row, part.attempt)
        ids = [part.attempt.id for part in parts]
        returned = await _refunds(ids, seen.refunds)
        for one in seen.disputes:
            attempts = [await _fresh(part_id) for part_id in ids]
            left = [max(each.captured - returned[each.id], 0) for each in attempts]
            await disputes.apply_dispute(attempts, left, one, book)
        await db.execute(
            "update payments_stripe_attempt set looked_at = $2 where id = any($1::bigint[])", ids, clock.now()
        )
    return True


@dataclass(frozen=True)
class Part:
    """One payable and the attempt at it, both locked; several when they are paid on one page."""

    row: PayableRow
    attempt: AttemptRow


async def _lock(attempt_id: int) -> list[Part]:
    """The attempt and all that are paid on its page, locked in the order of their payables."""
    given = await db.row("select id, payable, bundle from payments_stripe_attempt where id = $1", attempt_id)
    found = [given]
    if given["bundle"] is not None:
        found = await db.rows(
            "select id, payable from payments_stripe_attempt where bundle = $1 order by payable", given["bundle"]
        )
    rows = [await locked(one["payable"]) for one in found]
    locks = [await db.row(ATTEMPT + " where a.id = $1 for update", one["id"]) for one in found]
    return [Part(row, attempt_row(lock)) for row, lock in zip(rows, locks, strict=True)]


async def _fresh(attempt_id: int) -> AttemptRow:
    return attempt_row(await db.row(ATTEMPT + " where a.id = $1", attempt_id))


async def _intent(parts: list[Part], intent: Body) -> None:
    charge = intent.get("latest_charge")
    details = charge["payment_method_details"] if isinstance(charge, dict) else {}
    error = intent.get("last_payment_error") or {}
    for part in parts:
        part.row.position.same_currency(intent["currency"])
    await db.execute(
        "update payments_stripe_attempt set intent = $2, charge = coalesce($3, charge), way = coalesce($4, way),"
        " problem = $5 where id = any($1::bigint[])",
        [part.attempt.id for part in parts],
        intent["id"],
        charge["id"] if isinstance(charge, dict) else None,
        details.get("type"),
        error.get("decline_code") or error.get("code") or "",
    )
    act = seen_in(intent["status"], intent.get("cancellation_reason"))
    if act is None:
        return
    for at, part in enumerate(parts):
        state = observe(part.attempt.state, act)
        if state is None:
            continue
        match act:
            case AttemptAct.COLLECT:
                await _collect(part, state, charge, _shares(parts, charge)[at])
            case AttemptAct.HOLD:
                await _hold(part.row, part.attempt, state, details)
            case _:
                await _end(part.row, part.attempt, state)


@dataclass(frozen=True)
class Share:
    """What one attempt gets of a charge: fen, and the line of the balance cut down to its part."""

    amount: int
    line: Body


def _shares(parts: list[Part], charge: Any) -> list[Share]:
    """A charge shared out among the attempts that were paid by it. `StripeAway` while its line is not written."""
    line = charge.get("balance_transaction") if isinstance(charge, dict) else None
    if not isinstance(line, dict):
        raise StripeAway  # Stripe has taken the money but not written the line yet: ask again
    weights = [part.attempt.amount for part in parts]
    lines = cut(line, weights)
    return [Share(*share) for share in zip(spread(charge["amount_captured"], weights), lines, strict=True)]


async def _change(attempt: AttemptRow, state: AttemptState, **facts: Any) -> None:
    """The attempt's next state with its dated facts."""
    ended = clock.now() if state not in {AttemptState.OPEN, AttemptState.HELD} else None
    names = ", ".join(f"{name} = ${number}" for number, name in enumerate(facts, 4))
    await db.execute(
        f"update payments_stripe_attempt set state = $2, ended_at = $3{', ' if names else ''}{names} where id = $1",  # noqa: S608  names of columns, written in this module
        attempt.id,
        state.value,
        ended,
        *facts.values(),
    )


async def _collect(part: Part, state: AttemptState, charge: Any, share: Share) -> None:
    """Money has come: it settles the payable, or, when that is settled already, it goes back."""
    row, attempt, amount, line = part.row, part.attempt, share.amount, share.line
    excess = row.state not in TAKES or row.released_at is not None
    facts = {"currency": line["currency"], "captured": amount, "settled": line["amount"], "excess": excess}
    await _change(attempt, state, **facts)
    said = {"charge": charge["id"], "captured": yuan_of(amount), "way": charge["payment_method_details"]["type"]}
    money = await book(row.parties, amount, line, charge["id"], row.id)
    if excess:
        postings = [unapplied(row.parties, amount, charge["id"]), *money]
        await move(actor=SYSTEM, row=row, to=row.state, says="payable.overpaid", facts=said, postings=postings)
        await ordering.order(OrderKind.REFUND, attempt.id, amount=amount, text="excess")
        return
    postings = [captured(row.parties, amount, charge["id"]), *money]
    if amount < attempt.amount:
        postings.append(obligation_ended(row.parties, attempt.amount - amount, charge["id"]))
    position = row.position.capture(yuan_of(amount))
    await settle(actor=SYSTEM, row=row, to=position, says="payable.captured", facts=said, postings=postings)
    if not row.is_bond:
        await ordering.later(row.id)


async def book(of: Parties, presented: int, line: Body, source: str, payable_id: int) -> list[Posting]:
    """The postings of a line of Stripe's balance, and the line itself; `presented` is the same in fen, signed."""
    currency = line["currency"].upper()
    await db.execute(
        "insert into payments_stripe_line (line, kind, source, payable, presented, amount, fee, currency, rate, made_at,"
        " booked_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        line["id"],
        line["type"],
        source,
        payable_id,
        presented,
        line["amount"],
        line["fee"],
        line["currency"],
        line["exchange_rate"],
        datetime.fromtimestamp(line["created"], UTC),
        clock.now(),
    )
    postings = []
    if currency != of.currency:
        postings.append(exchanged(of, presented, line["id"], line["amount"], currency))
    if line["fee"]:
        postings.append(provider_fee(of, line["fee"], line["id"], currency))
    return postings


async def booked(line: str) -> bool:
    """Whether a line of Stripe's balance is in the ledger."""
    return bool(await db.value("select true from payments_stripe_line where line = $1", line))


async def _hold(row: PayableRow, attempt: AttemptRow, state: AttemptState, details: Body) -> None:
    """The card holds the money ready; a hold that nobody needs is let go."""
    until = datetime.fromtimestamp(details["card"]["capture_before"], UTC)
    needed = row.state in {PayableState.DUE, PayableState.PROCESSING} and row.released_at is None
    await _change(attempt, state, held_until=until, excess=not needed)
    if not needed:
        await ordering.order(OrderKind.RELEASE, attempt.id, text="excess")
        return
    facts = {"held": row.amount, "until": until}
    await move(actor=SYSTEM, row=row, to=PayableAct.AUTHORISE, says="payable.authorised", facts=facts)
    await tell_row(row.payee_id, "payments/bond_held", row, until=f"{clock.shanghai(until):%Y-%m-%d %H:%M}")


async def _end(row: PayableRow, attempt: AttemptRow, state: AttemptState) -> None:
    """The hold is over, or nobody will pay on this page any more."""
    await _change(attempt, state)
    if attempt.state is not AttemptState.HELD or attempt.excess:
        await _give_up(row, attempt)
        return
    if row.state is not PayableState.AUTHORISED:
        return
    if row.released_at is not None:
        postings = [obligation_ended(row.parties, attempt.amount, attempt.key)]
        await move(actor=SYSTEM, row=row, to=PayableAct.RELEASE, says="payable.hold-ended", facts={}, postings=postings)
        return
    says = "payable.hold-expired" if state is AttemptState.RAN_OUT else "payable.hold-ended"
    await move(actor=SYSTEM, row=row, to=PayableAct.EXPIRE, says=says, facts={})
    await tell_row(row.payer_id, "payments/hold_expired", row)


async def _lapse(row: PayableRow, attempt: AttemptRow) -> None:
    state = observe(attempt.state, AttemptAct.LAPSE)
    if state is not None:
        await _change(attempt, state)
        await _give_up(row, attempt)


async def _give_up(row: PayableRow, attempt: AttemptRow) -> None:
    """Back to "to be paid" when no other page is open."""
    other = await db.value(
        "select true from payments_stripe_attempt where payable = $1 and id <> $2 and state in ('prepared', 'open')",
        row.id,
        attempt.id,
    )
    if row.state is PayableState.PROCESSING and not other:
        facts = {"attempt": attempt.id}
        await move(actor=SYSTEM, row=row, to=PayableAct.FAIL, says="payable.attempt-failed", facts=facts)


async def _refunds(attempt_ids: Sequence[int], found: list[Body]) -> Counter[int]:
    """Book every refund that has gone out, and every one that came back, once; how many fen of each attempt are gone."""
    returned: Counter[int] = Counter()
    for one in sorted(found, key=lambda refund: int(refund["created"])):
        line, back = one.get("balance_transaction"), one.get("failure_balance_transaction")
        gone = one["status"] == "succeeded" or isinstance(back, dict)
        attempt_id = attempt_ids[0] if len(attempt_ids) == 1 else await _refunded_by(attempt_ids, one)
        if not gone or not isinstance(line, dict) or attempt_id is None:
            continue
        if not await booked(line["id"]):
            await _refund(await _fresh(attempt_id), one, line)
        if not isinstance(back, dict):
            returned[attempt_id] += one["amount"]
        elif not await booked(back["id"]):
            await failures.apply_failure(await _fresh(attempt_id), one, back, book)
    return returned


async def _refund(attempt: AttemptRow, one: Body, line: Body) -> None:
    row = await locked(attempt.payable_id)
    amount: int = one["amount"]
    facts = {"refund": one["id"], "refunded": yuan_of(amount)}
    money = await book(row.parties, -amount, line, one["id"], row.id)
    await failures.settle_failures(attempt.id, amount)
    if attempt.excess:
        postings = [unapplied_returned(row.parties, amount, one["id"]), *money]
        says = "payable.overpaid-returned"
        await move(actor=SYSTEM, row=row, to=row.state, says=says, facts=facts, postings=postings)
        return
    position = _given_back(row, yuan_of(amount))
    postings = [refunded(row.parties, amount, one["id"]), *money]
    await move(actor=SYSTEM, row=row, to=position, says="payable.refunded", facts=facts, postings=postings)
    await tell_row(row.payer_id, "payments/payment_refunded", row, refunded=f"{yuan_of(amount):,.2f}")


async def _refunded_by(attempt_ids: Sequence[int], refund: Body) -> int | None:
    """Of several attempts paid together, the one whose order made a refund. None when no order of ours did: nobody can know
    whose money it was, so it is not guessed, and the comparison of the books names it."""
    order = await order_by("key", (refund.get("metadata") or {}).get("order", ""))
    return order.attempt_id if order is not None and order.attempt_id in attempt_ids else None


def _given_back(row: PayableRow, amount: Decimal) -> Position:
    """The position after a refund; one that is told of only after a dispute was opened, or that is made again after the
    rest was paid out, leaves the state as it is."""
    if row.state in {PayableState.DISPUTED, PayableState.PAID_OUT, PayableState.CONFIRMED}:
        return replace(row.position, refunded=row.refunded + amount)
    return row.position.refund(amount)

"""Disputes as Stripe tells them: money taken back by the payer's bank, and what the bank decides."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core import clock, db
from core.identity import SYSTEM, Identity, Permission
from core.states import advance
from payments.gateway.client import Body
from payments.queries.stripe import AttemptRow, OrderRow
from payments.rules import TRANSITIONS, PayableAct, PayableState
from payments.rules.ledger import (
    Parties,
    Posting,
    dispute_lost,
    dispute_opened,
    dispute_won,
    fen,
    unapplied_taken,
    yuan_of,
)
from payments.rules.stripe import OrderKind
from payments.rules.stripe_bundle import ConcededTogether, cut, spread
from payments.services.moving import locked, move, tell_row
from payments.services.stripe import ordering

MOST_EVIDENCE = 20_000
"""Characters that Stripe takes."""
Book = Callable[[Parties, int, Body, str, int], Awaitable[list[Posting]]]
PASSED_ON = frozenset({PayableState.PAID_OUT, PayableState.CONFIRMED})
WON = frozenset({"won", "warning_closed"})


async def apply_dispute(attempts: Sequence[AttemptRow], left: Sequence[int], one: Body, book: Book) -> None:
    """Put a dispute into the books: its opening, its outcome, whichever is news.

    A charge for several payables is disputed as a whole: each attempt bears its part by
    `left`, the fen of each that have not been given back.
    """
    known = await _known(one["id"])
    lines = sorted(one["balance_transactions"], key=lambda line: (line["created"], line["amount"]))
    taken = next((line for line in lines if line["amount"] < 0), None)
    back = next((line for line in lines if line["amount"] > 0), None)
    if not known and taken is not None:
        await _open(attempts, left, one, taken, book)
        known = await _known(one["id"])
    await db.execute("update payments_stripe_dispute set status = $2 where dispute = $1", one["id"], one["status"])
    if not known or known[0]["closed_at"] is not None:
        return
    if one["status"] in WON and back is not None:
        for part, line in zip(known, cut(back, [part["amount"] for part in known]), strict=True):
            await _won(part, one, line, book)
    elif one["status"] == "lost":
        for part in known:
            await _lost(part, one)
    else:
        return
    await db.execute("update payments_stripe_dispute set closed_at = $2 where dispute = $1", one["id"], clock.now())


async def _known(dispute: str) -> list[Any]:
    """The parts of a dispute in the order of their payables, locked."""
    return await db.rows(
        "select d.*, a.payable, a.excess from payments_stripe_dispute d join payments_stripe_attempt a on a.id = d.attempt"
        " where d.dispute = $1 order by a.payable for update of d",
        dispute,
    )


async def _open(attempts: Sequence[AttemptRow], left: Sequence[int], one: Body, taken: Body, book: Book) -> None:
    """Share the dispute out and take each part from its payable; what has been given back whole bears nothing."""
    shares = spread(one["amount"], left if sum(left) > 0 else [attempt.captured for attempt in attempts])
    for attempt, share, line in zip(attempts, shares, cut(taken, shares), strict=True):
        if share:
            await _opened(attempt, share, one, line, book)


async def _opened(attempt: AttemptRow, share: int, one: Body, line: Body, book: Book) -> None:
    row = await locked(attempt.payable_id)
    due = (one.get("evidence_details") or {}).get("due_by")
    await db.execute(
        "insert into payments_stripe_dispute (dispute, attempt, amount, reason, status, paid_out, opened_at, due_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        one["id"],
        attempt.id,
        share,
        one["reason"],
        one["status"],
        row.state in PASSED_ON,
        datetime.fromtimestamp(one["created"], UTC),
        datetime.fromtimestamp(due, UTC) if due else None,
    )
    facts = {"dispute": one["id"], "disputed": yuan_of(share), "reason": one["reason"]}
    postings = [dispute_opened(row.parties, share, one["id"])]
    postings += await book(row.parties, -share, line, one["id"], row.id)
    act = row.state if attempt.excess else PayableAct.DISPUTE
    await move(actor=SYSTEM, row=row, to=act, says="payable.disputed", facts=facts, postings=postings)
    if not attempt.excess:
        await tell_row(row.payee_id, "payments/payment_disputed", row, reason=one["reason"])


async def _won(part: Any, one: Body, line: Body, book: Book) -> None:
    row = await locked(part["payable"])
    postings = [dispute_won(row.parties, part["amount"], one["id"])]
    postings += await book(row.parties, part["amount"], line, one["id"], row.id)
    act: PayableAct | PayableState = PayableAct.WIN_AFTER_PAYOUT if row.paid_out > 0 else PayableAct.WIN_DISPUTE
    if part["excess"]:
        act = row.state
        await _return_again(part)
    facts = {"dispute": one["id"]}
    await move(actor=SYSTEM, row=row, to=act, says="payable.dispute-won", facts=facts, postings=postings)


async def _return_again(part: Any) -> None:
    """What settled nothing and has come back goes to the payer, unless its refund still waits to be carried out."""
    going = await db.value(
        "select true from payments_stripe_order where attempt = $1 and kind = 'refund' and state <> 'refused' limit 1",
        part["attempt"],
    )
    if not going:
        await ordering.order(OrderKind.REFUND, part["attempt"], amount=part["amount"], text="excess")


async def _lost(part: Any, one: Body) -> None:
    row, amount = await locked(part["payable"]), part["amount"]
    facts: dict[str, object] = {"dispute": one["id"]}
    if part["excess"]:
        postings = [unapplied_taken(row.parties, amount, one["id"])]
        await move(actor=SYSTEM, row=row, to=row.state, says="payable.dispute-lost", facts=facts, postings=postings)
        return
    held = min(max(fen(row.position.held), 0), amount)
    state = advance(TRANSITIONS, row.state, PayableAct.LOSE_DISPUTE)
    position = replace(row.position, state=state, refunded=row.refunded + yuan_of(amount))
    postings = [dispute_lost(row.parties, amount, one["id"], held)]
    facts["kept"] = yuan_of(held)
    await move(actor=SYSTEM, row=row, to=position, says="payable.dispute-lost", facts=facts, postings=postings)
    await tell_row(row.payer_id, "payments/payment_refunded", row, refunded=f"{yuan_of(amount):,.2f}")


async def check_concede(actor: Identity, dispute: str) -> None:
    """A dispute over a page for several payables is given up by the regulator only. `ConcededTogether`."""
    count: int = await db.value("select count(*) from payments_stripe_dispute where dispute = $1", dispute)
    if count > 1 and not actor.may(Permission.HOLD_PAYMENT):
        raise ConcededTogether(count=count)


SAID = """
select p.number, e.text, e.watch from payments_stripe_dispute d join payments_stripe_attempt a on a.id = d.attempt
join payments_payable p on p.id = a.payable
left join lateral (
  select o.text, not exists (select from core_membership m where m.account = o.account and m.organization = p.payee) as watch
  from payments_stripe_order o where o.attempt = a.id and o.kind = 'send-evidence' and o.target = d.dispute and o.id <= $2
  order by o.id desc limit 1) e on true
where d.dispute = $1 order by p.id
"""


async def evidence(order: OrderRow) -> tuple[str, bool]:
    """What is to be handed in with an order, and whether for good. The bank hears each case once: of several payables the
    words of every payee go together, when the last one has spoken or the regulator says that it is enough."""
    parts = await db.rows(SAID, order.target, order.id)
    if len(parts) < 2:
        return order.text, True
    words = "\n".join(f"{part['number']}: {part['text']}" for part in parts if part["text"])
    return words[:MOST_EVIDENCE], any(part["watch"] for part in parts) or all(part["text"] for part in parts)

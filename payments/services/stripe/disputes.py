"""Disputes as Stripe tells them: money taken back by the payer's bank, and what the bank decides."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

from core import clock, db
from core.identity import SYSTEM
from core.states import advance
from payments.gateway.client import Body
from payments.queries.payables import PayableRow
from payments.queries.stripe import AttemptRow
from payments.rules import TRANSITIONS, PayableAct, PayableState
from payments.rules.ledger import Parties, Posting, dispute_lost, dispute_opened, dispute_won, fen, yuan_of
from payments.services.moving import locked, move, tell_row

Book = Callable[[Parties, int, Body, str, int], Awaitable[list[Posting]]]
PASSED_ON = frozenset({PayableState.PAID_OUT, PayableState.CONFIRMED})
WON = frozenset({"won", "warning_closed"})


async def apply_dispute(attempt: AttemptRow, one: Body, book: Book) -> None:
    """Put a dispute into the books: its opening, its outcome, whichever is news."""
    row = await locked(attempt.payable_id)
    known = await db.row("select * from payments_stripe_dispute where dispute = $1 for update", one["id"])
    lines = sorted(one["balance_transactions"], key=lambda line: (line["created"], line["amount"]))
    taken = next((line for line in lines if line["amount"] < 0), None)
    back = next((line for line in lines if line["amount"] > 0), None)
    if known is None and taken is not None:
        await _opened(row, attempt, one, taken, book)
        known = await db.row("select * from payments_stripe_dispute where dispute = $1", one["id"])
        row = await locked(attempt.payable_id)
    if known is None:
        return
    await db.execute("update payments_stripe_dispute set status = $2 where id = $1", known["id"], one["status"])
    if known["closed_at"] is not None:
        return
    if one["status"] in WON and back is not None:
        await _won(row, row.paid_out > 0, one, back, book)
    elif one["status"] == "lost":
        await _lost(row, one)
    else:
        return
    await db.execute("update payments_stripe_dispute set closed_at = $2 where id = $1", known["id"], clock.now())


async def _opened(row: PayableRow, attempt: AttemptRow, one: Body, taken: Body, book: Book) -> None:
    due = (one.get("evidence_details") or {}).get("due_by")
    await db.execute(
        "insert into payments_stripe_dispute (dispute, attempt, amount, reason, status, paid_out, opened_at, due_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        one["id"],
        attempt.id,
        one["amount"],
        one["reason"],
        one["status"],
        row.state in PASSED_ON,
        datetime.fromtimestamp(one["created"], UTC),
        datetime.fromtimestamp(due, UTC) if due else None,
    )
    facts = {"dispute": one["id"], "disputed": yuan_of(one["amount"]), "reason": one["reason"]}
    postings = [dispute_opened(row.parties, one["amount"], one["id"])]
    postings += await book(row.parties, -one["amount"], taken, one["id"], row.id)
    await move(actor=SYSTEM, row=row, to=PayableAct.DISPUTE, says="payable.disputed", facts=facts, postings=postings)
    await tell_row(row.payee_id, "payments/payment_disputed", row, reason=one["reason"])


async def _won(row: PayableRow, paid_out: bool, one: Body, back: Body, book: Book) -> None:
    postings = [dispute_won(row.parties, one["amount"], one["id"])]
    postings += await book(row.parties, one["amount"], back, one["id"], row.id)
    act = PayableAct.WIN_AFTER_PAYOUT if paid_out else PayableAct.WIN_DISPUTE
    facts = {"dispute": one["id"]}
    await move(actor=SYSTEM, row=row, to=act, says="payable.dispute-won", facts=facts, postings=postings)


async def _lost(row: PayableRow, one: Body) -> None:
    held = min(max(fen(row.position.held), 0), one["amount"])
    state = advance(TRANSITIONS, row.state, PayableAct.LOSE_DISPUTE)
    position = replace(row.position, state=state, refunded=row.refunded + yuan_of(one["amount"]))
    postings = [dispute_lost(row.parties, one["amount"], one["id"], held)]
    facts = {"dispute": one["id"], "kept": yuan_of(held)}
    await move(actor=SYSTEM, row=row, to=position, says="payable.dispute-lost", facts=facts, postings=postings)
    await tell_row(row.payer_id, "payments/payment_refunded", row, refunded=f"{yuan_of(one['amount']):,.2f}")

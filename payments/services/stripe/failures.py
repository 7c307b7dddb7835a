"""Refunds that Stripe had made and the payer's bank sent back: undone in the books, told to people, made again by them.

Nothing is repeated by itself: a closed account would send it back for ever. Until somebody has made the refund again the
money is neither paid out nor released.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal

from core import clock, db, mail
from core.db import transaction
from core.errors import NotAllowedNow
from core.identity import SYSTEM, Identity, Permission
from payments.gateway.client import Body
from payments.queries.payables import PayableRow
from payments.queries.stripe import ATTEMPT, AttemptRow, attempt_row, reserved, unreturned
from payments.rules import PayableNotFound, RefundAbovePaid
from payments.rules.custody import RefundFailureSettled
from payments.rules.ledger import Parties, Posting, fen, refund_failed, unapplied_return_failed, yuan_of
from payments.rules.lifecycle import ZERO
from payments.rules.stripe import OrderKind
from payments.services.moving import PaymentReceipt, locked, move, tell_row, watchers
from payments.services.stripe.ordering import order

Book = Callable[[Parties, int, Body, str, int], Awaitable[list[Posting]]]


async def apply_failure(attempt: AttemptRow, one: Body, back: Body, book: Book) -> None:
    """Undo a refund whose money is in Stripe's balance again; `back` is the line that says so. In the transaction of
    `applying.apply`; the caller has seen that the line is news."""
    row = await locked(attempt.payable_id)
    amount: int = one["amount"]
    reason = str(one.get("failure_reason") or "unknown")[:60]
    await db.execute(
        "insert into payments_refund_failure (refund, attempt, amount, reason, failed_at) values ($1, $2, $3, $4, $5)",
        one["id"],
        attempt.id,
        amount,
        reason,
        datetime.fromtimestamp(back["created"], UTC),
    )
    money = await book(row.parties, amount, back, one["id"], row.id)
    facts = {"refund": one["id"], "failed": yuan_of(amount), "reason": reason}
    if attempt.excess:
        postings = [unapplied_return_failed(row.parties, amount, one["id"]), *money]
        await move(actor=SYSTEM, row=row, to=row.state, says="payable.refund-failed", facts=facts, postings=postings)
    else:
        after = row.position.fail_refund(yuan_of(amount))
        kept = fen(max(after.held, ZERO) - max(row.position.held, ZERO))
        postings = [refund_failed(row.parties, amount, one["id"], kept), *money]
        await move(actor=SYSTEM, row=row, to=after, says="payable.refund-failed", facts=facts, postings=postings)
    await _tell(row, f"{yuan_of(amount):,.2f}", reason)


async def _tell(row: PayableRow, failed: str, reason: str) -> None:
    """The payer, and everybody who watches payments."""
    await tell_row(row.payer_id, "payments/refund_failed", row, failed=failed, why=reason)
    told = {"number": row.number, "title": row.title, "payable": row.id, "failed": failed, "why": reason}
    letters = [(account, told) for account in await watchers(Permission.WATCH_PAYMENTS)]
    await mail.send_each(message="payments/refund_failed_watch", letters=letters)


async def settle_failures(attempt_id: int, amount: int) -> None:
    """A refund of `amount` fen has gone out: so many failed ones of the attempt, oldest first, are made good."""
    found = await db.rows(
        "select id, amount from payments_refund_failure where attempt = $1 and settled_at is null order by id",
        attempt_id,
    )
    for one in found:
        if one["amount"] > amount:
            return
        amount -= one["amount"]
        await db.execute("update payments_refund_failure set settled_at = $2 where id = $1", one["id"], clock.now())


async def retry_refund(*, actor: Identity, payable_id: int, failure_id: int) -> PaymentReceipt:
    """Make a refund again that came back: the payee, or the regulator.

    `RefundFailureSettled`, `RefundAbovePaid`, `NotAllowedNow` (another refund is under way), `PayableNotFound`.
    """
    async with transaction():
        row = await locked(payable_id)
        if not (row.is_payee(actor) or actor.may(Permission.HOLD_PAYMENT)):
            raise PayableNotFound
        failure = await db.row(
            "select f.attempt, f.amount, f.settled_at from payments_refund_failure f"
            " join payments_stripe_attempt a on a.id = f.attempt where f.id = $1 and a.payable = $2 for update of f",
            failure_id,
            payable_id,
        )
        if failure is None:
            raise PayableNotFound
        if failure["settled_at"] is not None:
            raise RefundFailureSettled
        await _nothing_waits(failure["attempt"])
        attempt = attempt_row(await db.row(ATTEMPT + " where a.id = $1", failure["attempt"]))
        left = row.position.held - await reserved(payable_id)
        if not attempt.excess and fen(left) < failure["amount"]:
            raise RefundAbovePaid(asked=f"{yuan_of(failure['amount']):.2f}", left=f"{max(left, ZERO):.2f}")
        await order(OrderKind.REFUND, attempt.id, amount=failure["amount"], text="failed before", actor=actor)
        facts = {"refund": yuan_of(failure["amount"])}
        return await move(actor=actor, row=row, to=row.state, says="payable.refund-retried", facts=facts)


async def _nothing_waits(attempt_id: int) -> None:
    waiting = await db.value(
        "select true from payments_stripe_order where attempt = $1 and state = 'waiting' and kind = 'refund' limit 1",
        attempt_id,
    )
    if waiting:
        raise NotAllowedNow(state="waiting", act=OrderKind.REFUND)


async def claimed(payable_id: int) -> Decimal:
    """Yuan of what is kept that waiting orders claim, or that is still to go back to the payer after a failed refund."""
    return max(await reserved(payable_id), await unreturned(payable_id))

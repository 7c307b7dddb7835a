"""What people and the clock tell Stripe to do with money that is held or kept, and carrying it out.

An order says what, once; carrying it out may be tried for ever. Before a second try Stripe is asked whether the first one
was done after all: its memory of keys is short, ours is not.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from core import clock, db
from core.db import transaction
from core.errors import Conflict, NotAllowedNow
from core.identity import SYSTEM, Identity, Permission
from payments.gateway import client
from payments.gateway.client import Body, StripeAway, StripeRefuses
from payments.queries.payables import PayableRow
from payments.queries.stripe import ATTEMPT, AttemptRow, OrderRow, attempt_by, attempt_row, order_by, payee_of, reserved
from payments.rules import (
    TRANSITIONS,
    CaptureAboveHeld,
    PayableAct,
    PayableNotFound,
    PayableState,
    Position,
    RefundAbovePaid,
)
from payments.rules.ledger import fen, yuan_of
from payments.rules.stripe import (
    AttemptNotFound,
    AttemptState,
    DisputeNotFound,
    HoldTooOld,
    OrderKind,
    OrderState,
    PayeeNotReady,
    share,
)
from payments.rules.stripe_bundle import PaidTogether
from payments.services.bonds import released_by
from payments.services.forfeits import note_forfeit, undo_uncaptured
from payments.services.holds import hold_locked
from payments.services.moving import PaymentReceipt, locked, locked_by, move, tell_row
from payments.services.payouts import check_payout, payout_posting
from payments.services.stripe import applying, disputes
from payments.services.stripe.failures import claimed
from payments.services.stripe.ordering import order
from payments.services.stripe.paying import group_of, page_for

ZERO = Decimal(0)


async def _for(actor: Identity, payable_id: int) -> PayableRow:
    """The payable, locked, for whoever it is owed to, and for the regulator."""
    row = await locked(payable_id)
    if not (row.is_payee(actor) or actor.may(Permission.HOLD_PAYMENT)):
        raise PayableNotFound
    return row


async def _paid(payable_id: int, state: AttemptState) -> AttemptRow:
    """The attempt that holds or brought the money of a payable. `NotAllowedNow` when there is none."""
    found = await db.row(
        ATTEMPT + " where a.payable = $1 and a.state = $2 and not a.excess order by a.id desc limit 1",
        payable_id,
        state.value,
    )
    if found is None:
        raise NotAllowedNow(state=state, act="order")
    return attempt_row(found)


async def _no_other(attempt_id: int, *kinds: OrderKind) -> None:
    """Raise `NotAllowedNow` while an order of these kinds waits: two people pressed at once."""
    waiting = await db.value(
        "select kind from payments_stripe_order where attempt = $1 and state = 'waiting' and kind = any($2) limit 1",
        attempt_id,
        [kind.value for kind in kinds],
    )
    if waiting:
        raise NotAllowedNow(state="waiting", act=waiting)


async def capture_bond(*, actor: Identity, payable_id: int, amount: Decimal, reason: str) -> PaymentReceipt:
    """Take a held bond, or a part of it: it is forfeited, the rest is let go. The holder or the regulator, with a reason.

    `BondForfeited`, `BondReleased`, `HoldTooOld`, `CaptureAboveHeld`, `NotAllowedNow`, `PayableNotFound`.
    """
    async with transaction():
        row = await _for(actor, payable_id)
        if row.released_at is not None:
            raise await released_by(row)
        row.position.capture(amount)
        attempt = await _paid(payable_id, AttemptState.HELD)
        if attempt.held_until is not None and attempt.held_until <= clock.now():
            raise HoldTooOld(at=f"{clock.shanghai(attempt.held_until):%Y-%m-%d %H:%M}")
        if fen(amount) > attempt.amount:
            raise CaptureAboveHeld(asked=f"{amount:.2f}", left=f"{attempt.yuan:.2f}")
        await _no_other(attempt.id, OrderKind.CAPTURE, OrderKind.RELEASE)
        if row.is_bond:
            await note_forfeit(actor, row, amount, reason)
        await order(OrderKind.CAPTURE, attempt.id, amount=fen(amount), text=reason, actor=actor)
        facts = {"take": amount, "reason": reason}
        return await move(actor=actor, row=row, to=row.state, says="payable.capture-ordered", facts=facts)


async def give_up(*, actor: Identity, payable_id: int, attempt_id: int) -> PaymentReceipt:
    """The payer will not pay on Stripe's page after all: it is closed, and the payable may be paid by bank.

    `NotAllowedNow` once something has been paid or held, `PaidTogether` for one of a bundle, which is given up as a whole,
    `AttemptNotFound`, `PayableNotFound`.
    """
    actor.require(Permission.PAY)
    async with transaction():
        row = await locked_by(actor, payable_id, "payer")
        found = await db.row(ATTEMPT + " where a.id = $1 and a.payable = $2 for update", attempt_id, payable_id)
        if found is None:
            raise AttemptNotFound
        attempt = attempt_row(found)
        if not attempt.live:
            raise NotAllowedNow(state=attempt.state, act=OrderKind.CLOSE_PAGE)
        if attempt.bundle_id is not None:
            raise PaidTogether(number=row.number)
        await _no_other(attempt_id, OrderKind.CLOSE_PAGE)
        await order(OrderKind.CLOSE_PAGE, attempt_id, actor=actor)
        facts = {"attempt": attempt_id}
        return await move(actor=actor, row=row, to=row.state, says="payable.given-up", facts=facts)


async def run_waiting(attempt_id: int) -> None:
    """Carry out what waits for an attempt, now. `StripeAway`."""
    found = await db.rows(
        "select id from payments_stripe_order where attempt = $1 and state = 'waiting' order by id", attempt_id
    )
    for row in found:
        await run_order(row["id"])


async def release_online(*, payable_id: int) -> None:
    """A released bond goes back the way it came, of a forfeited one what was not forfeited: the hold is let go, or what
    was taken is refunded. Idempotent."""
    async with transaction():
        row = await locked(payable_id)
        if row.released_at is None and (row.forfeited is None or row.state is not PayableState.CAPTURED):
            return
        kept = row.forfeited or ZERO
        if row.state is PayableState.AUTHORISED:
            attempt = await _paid(payable_id, AttemptState.HELD)
            if not await _ordered(attempt.id, OrderKind.RELEASE, OrderKind.CAPTURE):
                await order(OrderKind.RELEASE, attempt.id, text="released")
        elif row.state is PayableState.CAPTURED:
            left = row.position.held - kept - await claimed(payable_id)
            if left > ZERO:
                attempt = await _paid(payable_id, AttemptState.PAID)
                await order(OrderKind.REFUND, attempt.id, amount=fen(left), text="released")


async def _ordered(attempt_id: int, *kinds: OrderKind) -> bool:
    return bool(
        await db.value(
            "select true from payments_stripe_order where attempt = $1 and state = 'waiting' and kind = any($2) limit 1",
            attempt_id,
            [kind.value for kind in kinds],
        )
    )


async def refund(*, actor: Identity, payable_id: int, amount: Decimal, reason: str) -> PaymentReceipt:
    """Give back to the payer out of what is kept: the payee agrees, or the regulator orders it.

    `RefundAbovePaid` counts what other orders already claim. `NotAllowedNow`, `PayableNotFound`.
    """
    async with transaction():
        row = await _for(actor, payable_id)
        if row.state is not PayableState.CAPTURED:
            raise NotAllowedNow(state=row.state, act=PayableAct.REFUND)
        left = row.position.held - await reserved(payable_id)
        if not ZERO < amount <= left:
            raise RefundAbovePaid(asked=f"{amount:.2f}", left=f"{max(left, ZERO):.2f}")
        attempt = await _paid(payable_id, AttemptState.PAID)
        await order(OrderKind.REFUND, attempt.id, amount=fen(amount), text=reason, actor=actor)
        facts = {"refund": amount, "reason": reason}
        return await move(actor=actor, row=row, to=row.state, says="payable.refund-ordered", facts=facts)


async def order_payout(*, payable_id: int) -> int | None:
    """Pass on what is kept for the payee; the order's id, or None when there is nothing to pass on (any more).

    `PayeeNotReady`, and what `check_payout` raises: on hold, bond, suspended.
    """
    async with transaction():
        row = await locked(payable_id)
        if row.state is not PayableState.CAPTURED or (row.is_bond and row.forfeited_at is None):
            return None
        await check_payout(row)
        if await reserved(payable_id) or row.position.held <= ZERO:
            return None
        payee = await payee_of(row.payee_id)
        if payee is None or payee.stripe is None or not payee.receives:
            raise PayeeNotReady
        attempt = await _paid(payable_id, AttemptState.PAID)
        settled = share(attempt.settled, row.position.held, yuan_of(attempt.captured))
        return await order(
            OrderKind.TRANSFER, attempt.id, amount=fen(row.position.held), settled=settled, target=payee.stripe
        )


async def reverse_payout(*, actor: Identity, payable_id: int, reason: str) -> PaymentReceipt:
    """Take a payout back from the payee's account, for a refund or a dispute, also one that is lost: then only what the
    platform is short of. The regulator, with a reason. What comes back is on hold until somebody has decided where it
    goes; a dispute decides that by itself. `NotAllowedNow`, `RefundAbovePaid`, `PayableNotFound`."""
    actor.require(Permission.HOLD_PAYMENT)
    async with transaction():
        row = await locked(payable_id)
        row.position.reverse_payout(row.position.reversible)
        attempt = await _paid(payable_id, AttemptState.PAID)
        await _no_other(attempt.id, OrderKind.REVERSE)
        sent = await db.row(
            "select object, settled, amount from payments_stripe_order where attempt = $1 and kind = 'transfer'"
            " and state = 'done' order by id desc limit 1",
            attempt.id,
        )
        if sent is None:
            raise NotAllowedNow(state=row.state, act=PayableAct.REVERSE_PAYOUT)
        amount = min(sent["amount"], fen(row.position.reversible))
        await order(
            OrderKind.REVERSE,
            attempt.id,
            amount=amount,
            settled=share(sent["settled"], Decimal(amount), Decimal(sent["amount"])),
            target=sent["object"],
            text=reason,
            actor=actor,
        )
        if row.state in {PayableState.PAID_OUT, PayableState.CONFIRMED} and not row.on_hold:
            await hold_locked(actor, row, reason)  # or the sweep would pay it out again
        facts = {"reason": reason}
        return await move(actor=actor, row=row, to=row.state, says="payable.payout-reversal-ordered", facts=facts)


async def answer_dispute(*, actor: Identity, dispute_id: int, text: str) -> PaymentReceipt:
    """Hand evidence in: the payee whose money is disputed, or the regulator."""
    return await _dispute(actor, dispute_id, OrderKind.SEND_EVIDENCE, "payable.dispute-answered", text)


async def concede_dispute(*, actor: Identity, dispute_id: int, reason: str) -> PaymentReceipt:
    """Give a dispute up: the payee whose money is disputed, or the regulator, who alone may when it is money of several
    (`ConcededTogether`)."""
    return await _dispute(actor, dispute_id, OrderKind.CONCEDE, "payable.dispute-conceded", reason)


async def _dispute(actor: Identity, dispute_id: int, kind: OrderKind, says: str, text: str) -> PaymentReceipt:
    async with transaction():
        known = await db.row(
            "select d.dispute, d.attempt, d.closed_at, a.payable from payments_stripe_dispute d"
            " join payments_stripe_attempt a on a.id = d.attempt where d.id = $1",
            dispute_id,
        )
        if known is None:
            raise DisputeNotFound
        try:
            row = await _for(actor, known["payable"])
        except PayableNotFound:
            raise DisputeNotFound from None
        if known["closed_at"] is not None:
            raise NotAllowedNow(state="closed", act=kind)
        if kind is OrderKind.CONCEDE:
            await disputes.check_concede(actor, known["dispute"])
        await _no_other(known["attempt"], OrderKind.SEND_EVIDENCE, OrderKind.CONCEDE)
        await order(kind, known["attempt"], target=known["dispute"], text=text, actor=actor)
        return await move(actor=actor, row=row, to=row.state, says=says, facts={"dispute": known["dispute"]})


# ---- carrying out
@dataclass(frozen=True)
class Work:
    """An order and its attempt."""

    order: OrderRow
    attempt: AttemptRow


async def run_order(order_id: int) -> OrderState:
    """Carry an order out, unless it is done; how it stands then. `StripeAway` when nobody can tell."""
    found = await order_by("id", order_id)
    assert found is not None
    if found.state is not OrderState.WAITING:
        return found.state
    attempt = await attempt_by("id", found.attempt_id)
    assert attempt is not None
    work = Work(found, attempt)
    try:
        await _still_right(work)
        await db.execute(
            "update payments_stripe_order set tries = tries + 1, tried_at = $2 where id = $1", order_id, clock.now()
        )
        body = (await _done_before(work) if found.tries else None) or await CALLS[found.kind](work)
    except StripeAway as fault:
        await db.execute("update payments_stripe_order set problem = $2 where id = $1", order_id, fault.code)
        raise
    except (StripeRefuses, Conflict) as fault:
        return await _refused(work, fault)
    if found.kind in {OrderKind.TRANSFER, OrderKind.REVERSE}:
        await _moved(work, body)
    else:
        await applying.refresh(attempt.id, deep=True, also=lambda: _mark(order_id, body["id"]))
    return OrderState.DONE


async def _mark(order_id: int, given: str) -> bool:
    """The order is done, in the running transaction; False when it was already."""
    done = await db.execute(
        "update payments_stripe_order set state = 'done', object = $2, done_at = $3, problem = ''"
        " where id = $1 and state = 'waiting'",
        order_id,
        given,
        clock.now(),
    )
    return bool(done)


async def _still_right(work: Work) -> None:
    """A payout that was right when it was ordered may not be any more; raises what stops it."""
    if work.order.kind is not OrderKind.TRANSFER or work.order.tries:
        return
    async with transaction():
        row = await locked(work.order.payable_id)
        await check_payout(row)


async def _refused(work: Work, fault: Conflict) -> OrderState:
    async with transaction():
        await locked(work.order.payable_id)
        await db.execute(
            "update payments_stripe_order set state = 'refused', problem = $2, done_at = $3"
            " where id = $1 and state = 'waiting'",
            work.order.id,
            fault.message(),
            clock.now(),
        )
    if isinstance(fault, StripeRefuses):
        await applying.refresh(work.attempt.id, deep=True)
    if work.order.kind is OrderKind.CAPTURE:
        await undo_uncaptured(work.order.payable_id)
    return OrderState.REFUSED


async def _done_before(work: Work) -> Body | None:
    """What an earlier try of this order did at Stripe, if it arrived there."""
    gateway, key = client.gateway(), work.order.key
    match work.order.kind:
        case OrderKind.REFUND:
            found = await gateway.refunds_of(_intent(work))
        case OrderKind.TRANSFER:
            found = await gateway.transfers_of(await group_of(work.attempt))
        case OrderKind.REVERSE:
            found = await gateway.reversals_of(work.order.target)
        case _:
            return None
    return next((one for one in found if (one.get("metadata") or {}).get("order") == key), None)


def _intent(work: Work) -> str:
    assert work.attempt.intent is not None
    return work.attempt.intent


async def _capture(work: Work) -> Body:
    return await client.gateway().capture(_intent(work), work.order.amount, key=work.order.key)


async def _release(work: Work) -> Body:
    return await client.gateway().release(_intent(work), key=work.order.key)


async def _refund(work: Work) -> Body:
    metadata = {"order": work.order.key, "xinshi": work.attempt.key}
    return await client.gateway().refund(_intent(work), work.order.amount, key=work.order.key, metadata=metadata)


async def _transfer(work: Work) -> Body:
    assert work.attempt.charge is not None
    return await client.gateway().transfer(
        key=work.order.key,
        amount=work.order.settled,
        currency=work.attempt.currency,
        account=work.order.target,
        charge=work.attempt.charge,
        group=await group_of(work.attempt),
        metadata={"order": work.order.key, "xinshi": work.attempt.key},
    )


async def _reverse(work: Work) -> Body:
    metadata = {"order": work.order.key}
    return await client.gateway().reverse(work.order.target, work.order.settled, key=work.order.key, metadata=metadata)


async def _close_page(work: Work) -> Body:
    if work.attempt.session is None:  # the page may be open at Stripe without our knowing: the same key finds it
        opened = await page_for(work.attempt.id)
        return await client.gateway().expire_checkout(opened.session or "", key=work.order.key)
    return await client.gateway().expire_checkout(work.attempt.session, key=work.order.key)


async def _evidence(work: Work) -> Body:
    text, submit = await disputes.evidence(work.order)
    return await client.gateway().answer_dispute(work.order.target, text, submit=submit, key=work.order.key)


async def _concede(work: Work) -> Body:
    return await client.gateway().concede_dispute(work.order.target, key=work.order.key)


CALLS: dict[OrderKind, Callable[[Work], Awaitable[Body]]] = {
    OrderKind.CAPTURE: _capture,
    OrderKind.RELEASE: _release,
    OrderKind.REFUND: _refund,
    OrderKind.TRANSFER: _transfer,
    OrderKind.REVERSE: _reverse,
    OrderKind.CLOSE_PAGE: _close_page,
    OrderKind.SEND_EVIDENCE: _evidence,
    OrderKind.CONCEDE: _concede,
}


async def _moved(work: Work, body: Body) -> None:
    """A transfer or its reversal is in Stripe's books: put it into ours. The money has gone, whatever was decided since."""
    line: Any = body["balance_transaction"]
    async with transaction():
        row = await locked(work.order.payable_id)
        if not await _mark(work.order.id, body["id"]):
            return
        amount = work.order.amount
        out = work.order.kind is OrderKind.TRANSFER
        money = await applying.book(row.parties, -amount if out else amount, line, body["id"], row.id)
        says = "payable.paid-out" if out else "payable.payout-reversed"
        position = _passed_on(row, out, yuan_of(amount))
        posting = payout_posting(row, position, body["id"])
        facts = {"transfer": work.order.target if not out else body["id"], "moved": yuan_of(amount)}
        await move(actor=SYSTEM, row=row, to=position, says=says, facts=facts, postings=[posting, *money])
        if out:
            await tell_row(row.payee_id, "payments/payment_paid_out", row)


def _passed_on(row: PayableRow, out: bool, amount: Decimal) -> Position:
    """Where the payable stands afterwards; a dispute that came in between keeps its state, only the sums change."""
    act = PayableAct.PAY_OUT if out else PayableAct.REVERSE_PAYOUT
    state = TRANSITIONS.get((row.state, act), row.state)
    return replace(row.position, state=state, paid_out=row.paid_out + (amount if out else -amount))

"""Whoever lodged a bond objects to its forfeiture while the platform still keeps the money; the regulator answers.

From the objection to the answer nothing is paid out (`check_payout`). An objection that is upheld puts the payable on hold,
and the regulator then refunds it or lifts the hold.
"""

from core import clock, db, mail
from core.db import transaction
from core.identity import Identity, Permission
from payments.queries.custody import ForfeitObjectionRow, forfeit_objection
from payments.queries.payables import PayableRow
from payments.rules.custody import (
    OBJECTABLE,
    NoOpenObjection,
    NothingToObject,
    ObjectedAlready,
    ObjectionResult,
    OwnDecision,
)
from payments.services.holds import hold_locked
from payments.services.moving import PaymentReceipt, locked, locked_by, move, tell_row, watchers


async def object_to_forfeit(*, actor: Identity, payable_id: int, words: str) -> PaymentReceipt:
    """The payer does not agree that its bond is forfeited. The holder and the supervisors are told.

    `NothingToObject` (nothing forfeited, or the money is with the holder or on its way), `ObjectedAlready`,
    `PayableNotFound`.
    """
    actor.require(Permission.PAY)
    async with transaction():
        row = await locked_by(actor, payable_id, "payer")
        if row.forfeited_at is None or row.state not in OBJECTABLE or await _leaving(payable_id):
            raise NothingToObject
        before = await forfeit_objection(payable_id)
        if before is not None:
            raise ObjectedAlready(at=f"{clock.shanghai(before.lodged_at):%Y-%m-%d %H:%M}")
        await db.execute(
            "insert into payments_forfeit_objection (forfeit, account, words, lodged_at, answer)"
            " select f.id, $2, $3, $4, '' from payments_forfeit f where f.payable = $1 and f.undone_at is null",
            payable_id,
            actor.account_id,
            words,
            clock.now(),
        )
        receipt = await move(
            actor=actor, row=row, to=row.state, says="payable.forfeit-objected", facts={"objection": words}
        )
        facts = {"who": actor.organization_name, "words": words, "kept": f"{row.forfeited:,.2f}"}
        await tell_row(row.payee_id, "payments/forfeit_objected", row, **facts)
        told = {"number": row.number, "title": row.title, "payable": row.id, **facts}
        letters = [(account, told) for account in await watchers(Permission.HOLD_PAYMENT)]
        await mail.send_each(message="payments/forfeit_objected", letters=letters)
    return receipt


async def _leaving(payable_id: int) -> bool:
    """Whether the money is on its way to the holder."""
    return bool(
        await db.value(
            "select true from payments_stripe_order o join payments_stripe_attempt a on a.id = o.attempt"
            " where a.payable = $1 and o.kind = 'transfer' and o.state = 'waiting' limit 1",
            payable_id,
        )
    )


async def answer_objection(*, actor: Identity, payable_id: int, result: ObjectionResult, answer: str) -> PaymentReceipt:
    """A supervisor answers: the payout is stopped, or goes on. Never whoever decided the forfeiture.

    `NoOpenObjection`, `OwnDecision`, `PayableNotFound`.
    """
    actor.require(Permission.HOLD_PAYMENT)
    async with transaction():
        row = await locked(payable_id)
        objection = await forfeit_objection(payable_id)
        if objection is None or not objection.open:
            raise NoOpenObjection
        if objection.decided_by == actor.account_id:
            raise OwnDecision
        await _answered(actor, objection, result, answer)
        upheld = result is ObjectionResult.STOP
        says = "payable.forfeit-objection-upheld" if upheld else "payable.forfeit-objection-dismissed"
        receipt = await move(actor=actor, row=row, to=row.state, says=says, facts={"answer": answer})
        if upheld and not row.on_hold:
            await hold_locked(actor, row, answer)
        for party in (row.payer_id, row.payee_id):
            await _tell(party, row, upheld, answer)
    return receipt


async def _answered(actor: Identity, objection: ForfeitObjectionRow, result: ObjectionResult, answer: str) -> None:
    await db.execute(
        "update payments_forfeit_objection set answered_at = $2, answered_by = $3, stopped = $4, answer = $5 where id = $1",
        objection.id,
        clock.now(),
        actor.account_id,
        result is ObjectionResult.STOP,
        answer,
    )


async def _tell(party: int, row: PayableRow, upheld: bool, answer: str) -> None:
    message = "payments/forfeit_objection_upheld" if upheld else "payments/forfeit_objection_dismissed"
    await tell_row(party, message, row, answer=answer)

"""The regulator stops the money of a payable for a reason, and lets it go again."""

from core import clock, db, trail
from core.db import transaction
from core.errors import NotAllowedNow
from core.identity import Identity, Permission
from payments.queries.payables import PayableRow
from payments.rules import OPEN, AlreadyHeld, NotHeld, PayableAct
from payments.services.moving import PaymentReceipt, locked, tell_row


async def place_hold(*, actor: Identity, payable_id: int, reason: str) -> PaymentReceipt:
    """Stop a payable: no voucher, no online payment, no payout until the hold is lifted. `AlreadyHeld`, `NotAllowedNow`."""
    actor.require(Permission.HOLD_PAYMENT)
    async with transaction():
        row = await locked(payable_id)
        if row.on_hold:
            raise AlreadyHeld(who=row.holder_zh)
        if row.state not in OPEN:
            raise NotAllowedNow(state=row.state, act=PayableAct.PAY_OUT)
        return await hold_locked(actor, row, reason)


async def hold_locked(actor: Identity, row: PayableRow, reason: str) -> PaymentReceipt:
    """Stop a locked payable that is not stopped yet, in the running transaction; the caller has checked."""
    await db.execute(
        "insert into payments_hold (payable, organization, account, reason, placed_at, lift_reason)"
        " values ($1, $2, $3, $4, $5, '')",
        row.id,
        actor.organization_id,
        actor.account_id,
        reason,
        clock.now(),
    )
    receipt = await _noted(actor, row, "payable.held", reason)
    for party in (row.payer_id, row.payee_id):
        await tell_row(party, "payments/payment_held", row, reason=reason, who=actor.organization_name)
    return receipt


async def lift_hold(*, actor: Identity, payable_id: int, reason: str) -> PaymentReceipt:
    """Let the money go again. `NotHeld`."""
    actor.require(Permission.HOLD_PAYMENT)
    async with transaction():
        row = await locked(payable_id)
        lifted = await db.execute(
            "update payments_hold set lifted_at = $2, lift_reason = $3 where payable = $1 and lifted_at is null",
            payable_id,
            clock.now(),
            reason,
        )
        if not lifted:
            raise NotHeld
        receipt = await _noted(actor, row, "payable.unheld", reason)
        for party in (row.payer_id, row.payee_id):
            await tell_row(party, "payments/payment_unheld", row, reason=reason, who=actor.organization_name)
    return receipt


async def _noted(actor: Identity, row: PayableRow, act: str, reason: str) -> PaymentReceipt:
    version: int = await db.value(
        "update payments_payable set version = version + 1 where id = $1 returning version", row.id
    )
    entry = await trail.record(
        actor,
        act,
        f"payable:{row.id}",
        after={"number": row.number, "state": row.state.value, "amount": row.amount, "reason": reason},
        threads=row.threads,
    )
    return PaymentReceipt(row.id, row.number, row.state, version, entry)

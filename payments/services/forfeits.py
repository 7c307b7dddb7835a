"""That a bond is not given back: the fact, with its reason, and what undoes it when the money could not be taken."""

from decimal import Decimal

from core import clock, db
from core.db import transaction
from core.identity import SYSTEM, Identity
from payments.queries.payables import PayableRow
from payments.rules import PayableState
from payments.services.moving import locked, move, tell_row


async def note_forfeit(actor: Identity, row: PayableRow, amount: Decimal, reason: str) -> None:
    """Note on a locked bond that `amount` of it is not given back, and tell the payer why. In the running transaction;
    the caller has checked and writes the trail. `BondForfeited`."""
    row.check_not_forfeited()
    await db.execute(
        "insert into payments_forfeit (payable, organization, account, amount, reason, forfeited_at)"
        " values ($1, $2, $3, $4, $5, $6)",
        row.id,
        actor.organization_id,
        actor.account_id,
        amount,
        reason,
        clock.now(),
    )
    facts = {"reason": reason, "who": actor.organization_name, "kept": f"{amount:,.2f}"}
    await tell_row(row.payer_id, "payments/bond_forfeited", row, **facts)


async def undo_uncaptured(payable_id: int) -> bool:
    """A forfeiture whose money could not be taken from the card is over; both parties are told. False when it stands."""
    async with transaction():
        row = await locked(payable_id)
        if row.forfeited_at is None or row.captured or row.state is PayableState.CONFIRMED:
            return False
        waiting = await db.value(
            "select true from payments_stripe_order o join payments_stripe_attempt a on a.id = o.attempt"
            " where a.payable = $1 and o.kind = 'capture' and o.state = 'waiting' limit 1",
            payable_id,
        )
        if waiting:
            return False
        await db.execute(
            "update payments_forfeit set undone_at = $2 where payable = $1 and undone_at is null",
            payable_id,
            clock.now(),
        )
        facts = {"forfeited": row.forfeited, "reason": row.forfeit_reason}
        await move(actor=SYSTEM, row=row, to=row.state, says="payable.forfeit-undone", facts=facts)
        for party in (row.payer_id, row.payee_id):
            await tell_row(party, "payments/forfeit_undone", row)
    return True

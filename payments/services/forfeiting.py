"""The holder of a bond, or the regulator, decides that it is not given back.

Held on a card: the card is charged. Kept by the platform: what is not forfeited is refunded, the rest goes to the holder
after three working days. Paid to the holder by bank: it stays there and no longer belongs to whoever lodged it; what is
not forfeited is owed back.
"""

from datetime import timedelta
from decimal import Decimal

from core import clock, jobs
from core.db import transaction
from core.identity import Identity
from payments.queries.payables import PayableRow
from payments.rules import BOND_BACK_DAYS, PayableKind, PayableNotFound, PayableState, return_title
from payments.rules.custody import check_forfeit
from payments.rules.ledger import bond_forfeited, bond_released, fen
from payments.services.bonds import RELEASE_ONLINE, may_release, released_by
from payments.services.forfeits import note_forfeit
from payments.services.moving import PaymentReceipt, locked, move
from payments.services.payables import create_payable
from payments.services.stripe.failures import claimed
from payments.services.stripe.orders import capture_bond


async def forfeit_bond(*, actor: Identity, payable_id: int, amount: Decimal, reason: str) -> PaymentReceipt:
    """Not give back a bond, or `amount` of it, with a reason that the payer reads. The holder or the regulator.

    `BondForfeited` and `BondReleased` tell who was quicker; `NotABond`, `NotAllowedNow`, `CaptureAboveHeld`,
    `PayoutOnHold` (by bank only), `PayableNotFound`, and what `capture_bond` refuses.
    """
    async with transaction():
        row = await locked(payable_id)
        if not may_release(row, actor):
            raise PayableNotFound
        row.check_not_forfeited()
        if row.is_bond and row.released_at is not None:
            raise await released_by(row)
        if row.is_bond and row.state is PayableState.AUTHORISED:
            return await capture_bond(actor=actor, payable_id=payable_id, amount=amount, reason=reason)
        online = row.state is PayableState.CAPTURED
        left = row.position.held - await claimed(payable_id) if online else row.amount
        released = row.released_at is not None
        check_forfeit(row.position, bond=row.is_bond, released=released, asked=amount, left=left)
        await note_forfeit(actor, row, amount, reason)
        facts = {"forfeited": amount, "reason": reason}
        if not online:
            return await _by_bank(actor, row, amount, facts)
        receipt = await move(actor=actor, row=row, to=row.state, says="payable.forfeited", facts=facts)
        await jobs.defer(RELEASE_ONLINE, {"payable_id": payable_id})
    return receipt


async def _by_bank(actor: Identity, row: PayableRow, amount: Decimal, facts: dict[str, object]) -> PaymentReceipt:
    row.check_not_held()
    rest = row.amount - amount
    postings = [bond_forfeited(row.parties, fen(amount))]
    if rest:
        postings.append(bond_released(row.parties, fen(rest)))
    receipt = await move(actor=actor, row=row, to=row.state, says="payable.forfeited", facts=facts, postings=postings)
    if rest:
        await create_payable(
            kind=PayableKind.BOND_RETURN,
            key=f"{row.kind}:{row.key}",
            payer_id=row.payee_id,
            payee_id=row.payer_id,
            amount=rest,
            title=return_title(row.title),
            due_on=clock.today() + timedelta(days=BOND_BACK_DAYS),
            threads=row.threads,
            actor=actor,
        )
    return receipt

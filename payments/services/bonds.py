"""Bonds: when one has served it is released, once, and goes back the way it came.

Not paid: the payable is cancelled. Paid by bank: the holder owes it back as a payable of its own (`bond-return`). Held or
kept by the provider: the payable is marked released and `RELEASE_ONLINE` is enqueued, which lets the hold go or refunds.
A payment under way is left alone; whoever asked asks again when it is settled.
"""

from datetime import date, timedelta

from core import clock, db, jobs
from core.db import transaction
from core.errors import NotAllowedNow
from core.identity import SYSTEM, Identity, Permission
from payments.queries.payables import PayableRow, payable_for
from payments.rules import (
    BOND_BACK_DAYS,
    UNPAID,
    BondReleased,
    NotABond,
    PayableAct,
    PayableKind,
    PayableNotFound,
    PayableState,
    return_title,
)
from payments.rules.ledger import bond_released, fen, obligation_ended
from payments.services.moving import Dates, PaymentReceipt, locked, locked_for, move
from payments.services.payables import create_payable

RELEASE_ONLINE = "payments.release_online"
"""The job that lets a hold go or refunds what is not kept of a bond at the provider; its argument is `payable_id`."""
ONLINE = frozenset({PayableState.AUTHORISED, PayableState.CAPTURED})


async def release_bond_of(
    *, kind: str, key: str, reason: str, due_on: date | None = None, actor: Identity = SYSTEM
) -> PaymentReceipt | None:
    """The floor above no longer needs the bond of a case. Idempotent: None when there is nothing (more) to release.

    `due_on` is the last day for the holder to give it back; the law's five days unless given.
    """
    async with transaction():
        if await payable_for(kind, key) is None:
            return None
        row = await locked_for(kind, key)
        if row.released_at is not None or row.forfeited_at is not None:
            return None
        if row.state not in UNPAID | ONLINE | {PayableState.CONFIRMED}:
            return None
        return await _release(actor, row, reason, due_on)


async def release_bond(*, actor: Identity, payable_id: int, reason: str, version: int | None = None) -> PaymentReceipt:
    """The holder or the regulator releases a bond that is held. Of two who press at once one wins: `BondReleased` tells
    the other who it was. `BondForfeited`, `NotABond`, `NotAllowedNow` (nothing is held yet), `PayableNotFound`."""
    async with transaction():
        row = await locked(payable_id)
        if not (may_release(row, actor)):
            raise PayableNotFound
        if not row.is_bond:
            raise NotABond
        if row.released_at is not None:
            raise await released_by(row)
        row.check_not_forfeited()
        if row.state not in ONLINE | {PayableState.CONFIRMED}:
            raise NotAllowedNow(state=row.state, act=PayableAct.RELEASE)
        return await _release(actor, row, reason, None)


def may_release(row: PayableRow, actor: Identity) -> bool:
    """Whether somebody may release this bond: whoever holds it, and the regulator."""
    return row.is_payee(actor) or actor.may(Permission.HOLD_PAYMENT)


async def released_by(row: PayableRow) -> BondReleased:
    """The refusal that says who has released this bond and when."""
    who = await db.value(
        "select o.name_zh from core_trail_entry t join core_organization o on o.id = t.organization_id"
        " where t.threads @> array[$1] and t.subject = $1 and t.act = 'payable.released' order by t.id desc limit 1",
        f"payable:{row.id}",
    )
    assert row.released_at is not None
    return BondReleased(at=f"{clock.shanghai(row.released_at):%Y-%m-%d %H:%M}", who=who or "")


async def _release(actor: Identity, row: PayableRow, reason: str, due_on: date | None) -> PaymentReceipt:
    now, amount, facts = clock.now(), fen(row.amount), {"reason": reason}
    if row.state in UNPAID:
        return await move(
            actor=actor,
            row=row,
            to=PayableAct.CANCEL,
            says="payable.cancelled",
            facts=facts,
            postings=[obligation_ended(row.parties, amount)],
            dates=Dates(cancelled_at=now),
        )
    dates = Dates(released_at=now)
    if row.state in ONLINE:
        receipt = await move(actor=actor, row=row, to=row.state, says="payable.released", facts=facts, dates=dates)
        await jobs.defer(RELEASE_ONLINE, {"payable_id": row.id})
        return receipt
    receipt = await move(
        actor=actor,
        row=row,
        to=PayableAct.RELEASE,
        says="payable.released",
        facts=facts,
        postings=[bond_released(row.parties, amount)],
        dates=dates,
    )
    await create_payable(
        kind=PayableKind.BOND_RETURN,
        key=f"{row.kind}:{row.key}",
        payer_id=row.payee_id,
        payee_id=row.payer_id,
        amount=row.amount,
        title=return_title(row.title),
        due_on=due_on or clock.today() + timedelta(days=BOND_BACK_DAYS),
        threads=row.threads,
        actor=actor,
    )
    return receipt

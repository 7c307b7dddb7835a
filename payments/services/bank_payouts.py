"""Payouts by bank: the platform's operator transfers what is kept for a payee whom the provider cannot pay.

Stripe Connect is not open to payees everywhere. The operator draws the money from the provider to the platform's bank
account, transfers it, and registers reference, day and voucher; the payee confirms. What comes back the same way – a
transfer the bank returned, a payee that gives back what a lost dispute took – is registered likewise.
"""

from core import clock, db, files
from core.db import transaction
from core.errors import Conflict, NotAllowedNow
from core.files import SCAN
from core.identity import Identity, Permission
from payments.gateway import client
from payments.queries.payables import PayableRow
from payments.queries.stripe import payee_of, reserved
from payments.rules import PayableAct, PayableState, Position, ReferenceUsed, check_paid_on, check_seen
from payments.rules.custody import NothingKept, PayeeIsPaidOnline, take_back
from payments.rules.ledger import AccountKind
from payments.services.holds import hold_locked
from payments.services.moving import PaymentReceipt, locked, move, tell_row
from payments.services.payouts import check_payout, payout_posting
from payments.services.vouchers import VoucherDraft

CAME_BACK = "收款方已退回划付，流水号 %s，待决定去向"
"""The reason of the hold on what came back; both parties read it."""


async def pay_out_by_bank(*, actor: Identity, payable_id: int, draft: VoucherDraft) -> PaymentReceipt:
    """All that is kept for a payee went to its bank account. The operator, when `check_payout` allows it and the payee
    cannot be paid through Stripe.

    `PayeeIsPaidOnline`, `NothingKept`, `AmountDiffers`, `PaidInFuture`, `ReferenceUsed`, `PayableNotFound`, what
    `check_payout` raises, and what is wrong with the file.
    """
    actor.require(Permission.PAY_OUT)
    async with transaction():
        row = await locked(payable_id)
        await _check(row)
        check_seen(draft.seen, row.position.held)
        receipt = await _register(actor, row, row.position.pay_out(), draft, "payable.paid-out-by-bank")
        facts = {"reference": draft.reference, "day": draft.paid_on.isoformat()}
        await tell_row(row.payee_id, "payments/paid_out_by_bank", row, sum=f"{row.position.held:,.2f}", **facts)
    return receipt


async def return_by_bank(*, actor: Identity, payable_id: int, draft: VoucherDraft) -> PaymentReceipt:
    """The payee gave a payout back into the platform's bank account, or the bank returned it. The operator.

    What comes back outside a dispute is on hold until somebody has decided where it goes. `NotAllowedNow`,
    `RefundAbovePaid`, `ReturnDiffers`, `PaidInFuture`, `ReferenceUsed`, `PayableNotFound`.
    """
    actor.require(Permission.PAY_OUT)
    async with transaction():
        row = await locked(payable_id)
        amount = row.position.reversible if draft.seen is None else draft.seen
        after = take_back(row.position, amount)
        await _no_reversal(payable_id)
        if row.state in {PayableState.PAID_OUT, PayableState.CONFIRMED} and not row.on_hold:
            await hold_locked(actor, row, CAME_BACK % draft.reference)
        receipt = await _register(actor, row, after, draft, "payable.payout-returned-by-bank")
        await tell_row(row.payee_id, "payments/payout_returned", row, sum=f"{amount:,.2f}", reference=draft.reference)
    return receipt


async def bank_payout_bar(row: PayableRow) -> Conflict | None:
    """Why what is kept cannot go out by bank now, for pages; None when it can."""
    try:
        await _check(row)
    except Conflict as refused:
        return refused
    return None


async def _check(row: PayableRow) -> None:
    await check_payout(row)
    if row.position.held <= 0 or await reserved(row.id):
        raise NothingKept
    payee = await payee_of(row.payee_id)
    if client.account() is not None and payee is not None and payee.receives:
        raise PayeeIsPaidOnline


async def _no_reversal(payable_id: int) -> None:
    """Raise `NotAllowedNow` while Stripe is taking the same money back."""
    waiting = await db.value(
        "select true from payments_stripe_order o join payments_stripe_attempt a on a.id = o.attempt"
        " where a.payable = $1 and o.kind = 'reverse' and o.state = 'waiting' limit 1",
        payable_id,
    )
    if waiting:
        raise NotAllowedNow(state="waiting", act=PayableAct.REVERSE_PAYOUT)


async def _register(
    actor: Identity, row: PayableRow, after: Position, draft: VoucherDraft, says: str
) -> PaymentReceipt:
    """The bank's paper, its row, the ledger and the trail."""
    check_paid_on(draft.paid_on, clock.today())
    stored = await files.store(draft.voucher, use=SCAN, actor=actor)
    amount = abs(after.paid_out - row.paid_out)
    made = await db.value(
        "insert into payments_bank_payout (payable, organization, account, amount, reference, paid_on, voucher, back,"
        " made_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (reference) do nothing returning id",
        row.id,
        actor.organization_id,
        actor.account_id,
        amount,
        draft.reference,
        draft.paid_on,
        stored.id,
        after.paid_out < row.paid_out,
        clock.now(),
    )
    if made is None:
        number = await db.value(
            "select p.number from payments_bank_payout b join payments_payable p on p.id = b.payable"
            " where b.reference = $1",
            draft.reference,
        )
        raise ReferenceUsed(reference=draft.reference, number=number)
    facts = {"moved": amount, "reference": draft.reference, "paid_on": draft.paid_on, "voucher": stored.sha256}
    posting = payout_posting(row, after, f"bank:{draft.reference}", AccountKind.OUTSIDE)
    return await move(actor=actor, row=row, to=after, says=says, facts=facts, postings=[posting])

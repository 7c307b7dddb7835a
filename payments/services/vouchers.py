"""Bank transfers: whoever pays proves it, whoever is paid confirms or contests it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core import clock, db, files
from core.db import transaction
from core.files import SCAN
from core.forms import Upload
from core.identity import Identity, Permission
from core.states import advance
from payments.queries.payables import PayableRow, reference_user
from payments.rules import TRANSITIONS, Method, PayableAct, PayableState, ReferenceUsed, check_paid_on, check_seen
from payments.rules.ledger import Posting, bank_paid, bond_lodged, fen
from payments.services.moving import PaymentReceipt, locked_by, move, settle, tell_row


@dataclass(frozen=True)
class VoucherDraft:
    """What the payer says about a bank transfer; `seen` is the sum on its page, when the form carried it."""

    reference: str
    paid_on: date
    voucher: Upload
    seen: Decimal | None = None


async def submit_voucher(
    *, actor: Identity, payable_id: int, draft: VoucherDraft, version: int | None = None
) -> PaymentReceipt:
    """The payer says it has paid: bank reference, day, voucher. `PaidInFuture`, `ReferenceUsed`, `StaleForm`,
    `PayoutOnHold`, `AmountDiffers`, and what is wrong with the file."""
    actor.require(Permission.PAY)
    async with transaction():
        row = await locked_by(actor, payable_id, "payer", version)
        state = advance(TRANSITIONS, row.state, PayableAct.SUBMIT_VOUCHER)
        row.check_not_held()
        check_seen(draft.seen, row.amount)
        check_paid_on(draft.paid_on, clock.today())
        other = await reference_user(draft.reference, payable_id)
        if other:
            raise ReferenceUsed(reference=draft.reference, number=other)
        stored = await files.store(draft.voucher, use=SCAN, actor=actor)
        await db.execute(
            "insert into payments_transfer (payable, method, amount, reference, paid_on, voucher, account,"
            " submitted_at, contest_reason) values ($1, $2, $3, $4, $5, $6, $7, $8, '')",
            payable_id,
            Method.BANK_TRANSFER.value,
            row.amount,
            draft.reference,
            draft.paid_on,
            stored.id,
            actor.account_id,
            clock.now(),
        )
        facts = {"reference": draft.reference, "paid_on": draft.paid_on, "voucher": stored.sha256}
        receipt = await move(actor=actor, row=row, to=state, says="payable.vouchered", facts=facts)
        await tell_row(row.payee_id, "payments/voucher_submitted", row, reference=draft.reference)
    return receipt


async def contest(*, actor: Identity, payable_id: int, reason: str, version: int | None = None) -> PaymentReceipt:
    """The payee says the money has not arrived; it is the payer's turn again."""
    actor.require(Permission.CONFIRM_PAYMENT)
    async with transaction():
        row = await locked_by(actor, payable_id, "payee", version)
        receipt = await move(
            actor=actor, row=row, to=PayableAct.CONTEST, says="payable.contested", facts={"reason": reason}
        )
        await db.execute(
            "update payments_transfer set contested_at = $2, contest_reason = $3"
            " where payable = $1 and confirmed_at is null and contested_at is null",
            payable_id,
            clock.now(),
            reason,
        )
        await tell_row(row.payer_id, "payments/payment_contested", row, reason=reason)
    return receipt


async def confirm_receipt(*, actor: Identity, payable_id: int, version: int | None = None) -> PaymentReceipt:
    """The payee confirms the money; the case above learns of it in the same transaction.

    After a payout by the platform the confirmation only closes the case: the debt was settled when the money came in.
    """
    actor.require(Permission.CONFIRM_PAYMENT)
    async with transaction():
        row = await locked_by(actor, payable_id, "payee", version)
        if row.state is PayableState.PAID_OUT:
            return await move(actor=actor, row=row, to=PayableAct.CONFIRM, says="payable.confirmed", facts={})
        return await settle_by_bank(actor, row, PayableAct.CONFIRM)


async def settle_by_bank(actor: Identity, row: PayableRow, act: PayableAct) -> PaymentReceipt:
    """The last transfer of a locked payable arrived: confirm it, post it, tell the floor above."""
    receipt = await settle(
        actor=actor, row=row, to=act, says="payable.confirmed", facts={}, postings=arrived_by_bank(row)
    )
    await db.execute(
        "update payments_transfer t set confirmed_at = p.settled_at, contested_at = null from payments_payable p"
        " where p.id = $1 and t.id = (select max(id) from payments_transfer where payable = $1)",
        row.id,
    )
    return receipt


def arrived_by_bank(row: PayableRow) -> list[Posting]:
    """What a transfer from bank to bank moves; a bond still belongs to whoever lodged it."""
    amount = fen(row.amount)
    paid = bank_paid(row.parties, amount)
    return [paid, bond_lodged(row.parties, amount)] if row.is_bond else [paid]

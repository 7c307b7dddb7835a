"""The payee records the invoice it issued: number, day, amount, file."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core import clock, db, files
from core.db import transaction
from core.errors import NotAllowedNow
from core.files import SCAN
from core.forms import Upload
from core.identity import Identity, Permission
from payments.rules import PayableAct, PayableState, check_paid_on
from payments.rules.invoices import InvoiceUsed, check_amount, invoice_number
from payments.services.moving import PaymentReceipt, locked_by, move

NOT_INVOICED = frozenset({PayableState.CANCELLED, PayableState.REFUNDED, PayableState.RELEASED})


@dataclass(frozen=True)
class InvoiceDraft:
    """What stands on the invoice."""

    number: str
    issued_on: date
    amount: Decimal
    paper: Upload


async def record_invoice(*, actor: Identity, payable_id: int, draft: InvoiceDraft) -> PaymentReceipt:
    """Record the invoice of a fee; a later one replaces it. Bonds have none.

    `InvoiceNumberInvalid`, `InvoiceUsed`, `InvoiceAmountDiffers`, `PaidInFuture`, `NotAllowedNow`, file faults.
    """
    actor.require(Permission.CONFIRM_PAYMENT)
    number = invoice_number(draft.number)
    async with transaction():
        row = await locked_by(actor, payable_id, "payee")
        if row.state in NOT_INVOICED or row.is_bond or row.is_return:
            raise NotAllowedNow(state=row.state, act=PayableAct.CONFIRM)
        check_paid_on(draft.issued_on, clock.today())
        check_amount(draft.amount, row.amount)
        stored = await files.store(draft.paper, use=SCAN, actor=actor)
        once = await db.execute(
            "insert into payments_invoice (payable, number, issued_on, amount, stored, account, recorded_at, note)"
            " values ($1, $2, $3, $4, $5, $6, $7, '') on conflict (number) do nothing",
            payable_id,
            number,
            draft.issued_on,
            draft.amount,
            stored.id,
            actor.account_id,
            clock.now(),
        )
        if not once:
            raise InvoiceUsed(number=number, payable=await _user_of(number))
        facts = {"invoice": number, "issued_on": draft.issued_on, "file": stored.sha256}
        return await move(actor=actor, row=row, to=row.state, says="payable.invoiced", facts=facts)


async def _user_of(number: str) -> str:
    found: str = await db.value(
        "select p.number from payments_invoice i join payments_payable p on p.id = i.payable where i.number = $1",
        number,
    )
    return found

"""Reads on payouts by bank: shown with a payable that the reader may see."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core import db
from core.identity import Identity, Permission
from payments.rules import PayableNotFound


@dataclass(frozen=True)
class BankPayoutRow:
    """Money that went from the platform's bank account to a payee, or came `back`; yuan."""

    id: int
    amount: Decimal
    reference: str
    paid_on: date
    back: bool
    made_at: datetime
    voucher_name: str
    voucher_size: int


async def bank_payouts(payable_id: int) -> list[BankPayoutRow]:
    """Every payout by bank of a payable and what came back, oldest first. Show them only with a payable the reader may
    see."""
    found = await db.rows(
        "select b.id, b.amount, b.reference, b.paid_on, b.back, b.made_at, s.name as voucher_name, s.size as voucher_size"
        " from payments_bank_payout b join core_stored_file s on s.id = b.voucher where b.payable = $1 order by b.id",
        payable_id,
    )
    return [BankPayoutRow(**dict(row)) for row in found]


async def bank_payout_file(payable_id: int, payout_id: int, identity: Identity) -> int:
    """The stored voucher of a payout by bank, for both parties and whoever watches payments; `PayableNotFound`."""
    file_id: int | None = await db.value(
        "select b.voucher from payments_bank_payout b join payments_payable p on p.id = b.payable"
        " where p.id = $1 and b.id = $2 and ($3 in (p.payer, p.payee) or $4)",
        payable_id,
        payout_id,
        identity.organization_id,
        identity.may(Permission.WATCH_PAYMENTS),
    )
    if file_id is None:
        raise PayableNotFound
    return file_id

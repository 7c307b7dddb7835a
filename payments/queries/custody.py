"""Reads on payouts by bank and on objections to forfeitures: shown with a payable that the reader may see."""

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


@dataclass(frozen=True)
class ForfeitObjectionRow:
    """The payer's objection to a forfeiture in force, and the answer; `decided_by` is whoever decided the forfeiture."""

    id: int
    payable_id: int
    words: str
    lodged_at: datetime
    answered_at: datetime | None
    stopped: bool | None
    answer: str
    decided_by: int

    @property
    def open(self) -> bool:
        """Whether it waits for the regulator."""
        return self.answered_at is None


OBJECTIONS = """
select j.id, f.payable as payable_id, j.words, j.lodged_at, j.answered_at, j.stopped, j.answer, f.account as decided_by
from payments_forfeit_objection j join payments_forfeit f on f.id = j.forfeit and f.undone_at is null"""


async def forfeit_objection(payable_id: int) -> ForfeitObjectionRow | None:
    """The objection to the forfeiture of a bond, or None. Show it only with a payable the reader may see."""
    row = await db.row(OBJECTIONS + " where f.payable = $1", payable_id)
    return ForfeitObjectionRow(**dict(row)) if row else None


@dataclass(frozen=True)
class OpenObjection:
    """An objection that waits, for the desk; `mine` is False for the parties and for whoever decided the forfeiture."""

    payable_id: int
    title: str
    forfeited: Decimal
    lodged_at: datetime
    mine: bool


async def open_objections(identity: Identity) -> list[OpenObjection]:
    """Objections to forfeitures without an answer, oldest first: all for supervisors, one's own for the payer."""
    found = await db.rows(
        "select f.payable as payable_id, p.title, f.amount as forfeited, j.lodged_at,"
        " $2 and f.account <> $3 as mine from payments_forfeit_objection j"
        " join payments_forfeit f on f.id = j.forfeit and f.undone_at is null"
        " join payments_payable p on p.id = f.payable"
        " where j.answered_at is null and ($2 or p.payer = $1) order by j.id",
        identity.organization_id,
        identity.may(Permission.HOLD_PAYMENT),
        identity.account_id,
    )
    return [OpenObjection(**dict(row)) for row in found]

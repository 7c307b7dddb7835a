"""Reads on payables. Only the two parties see one: visibility is decided here, in the select."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core import clock, db
from core.identity import Identity, Permission
from payments.rules import (
    BONDS,
    PAYEE_TURN,
    PAYER_TURN,
    PayableKind,
    PayableNotFound,
    PayableState,
    PayoutOnHold,
    Position,
)
from payments.rules.custody import BondForfeited
from payments.rules.ledger import Parties

COLUMNS = """
select p.id, p.number, p.kind, p.key, p.payer, p.payee, p.amount, p.currency, p.base, p.captured, p.refunded,
  p.paid_out, p.title, p.due_on, p.state, p.version, p.threads, p.created_at, p.settled_at, p.cancelled_at,
  p.released_at, p.receipt_number, p.receipt_entry, r.name_zh as payer_zh, r.name_en as payer_en,
  e.name_zh as payee_zh, e.name_en as payee_en, h.reason as hold_reason, o.name_zh as holder_zh, o.name_en as holder_en,
  f.amount as forfeited, f.reason as forfeit_reason, f.forfeited_at, k.name_zh as keeper_zh, k.name_en as keeper_en
from payments_payable p
left join payments_hold h on h.payable = p.id and h.lifted_at is null
left join payments_forfeit f on f.payable = p.id and f.undone_at is null
left join core_organization k on k.id = f.organization
left join core_organization o on o.id = h.organization
join core_organization r on r.id = p.payer
join core_organization e on e.id = p.payee
"""


@dataclass(frozen=True)
class PayableRow:
    """A payable with the names of both parties."""

    id: int
    number: str
    kind: str
    key: str
    payer_id: int
    payee_id: int
    amount: Decimal
    currency: str
    base: Decimal | None
    captured: Decimal
    refunded: Decimal
    paid_out: Decimal
    title: str
    due_on: date
    state: PayableState
    version: int
    threads: tuple[str, ...]
    created_at: datetime
    settled_at: datetime | None
    cancelled_at: datetime | None
    released_at: datetime | None
    receipt_number: str | None
    receipt_entry: int | None
    payer_zh: str
    payer_en: str
    payee_zh: str
    payee_en: str
    hold_reason: str | None
    holder_zh: str | None
    holder_en: str | None
    forfeited: Decimal | None
    forfeit_reason: str | None
    forfeited_at: datetime | None
    keeper_zh: str | None
    keeper_en: str | None

    @property
    def parties(self) -> Parties:
        """Between whom and in which currency, for the recipes of the ledger."""
        return Parties(self.id, self.payer_id, self.payee_id, self.currency)

    @property
    def position(self) -> Position:
        """How much was taken, given back and passed on."""
        return Position(self.state, self.amount, self.captured, self.refunded, self.paid_out, self.currency)

    @property
    def is_bond(self) -> bool:
        """Whether the payee only keeps the money."""
        return self.kind in BONDS

    @property
    def is_return(self) -> bool:
        """Whether a bond goes back by it."""
        return self.kind == PayableKind.BOND_RETURN

    @property
    def on_hold(self) -> bool:
        """Whether the regulator has stopped it."""
        return self.hold_reason is not None

    def check_not_forfeited(self) -> None:
        """Raise `BondForfeited` when it was decided that this bond is not given back."""
        if self.forfeited_at is not None:
            at = f"{clock.shanghai(self.forfeited_at):%Y-%m-%d %H:%M}"
            raise BondForfeited(at=at, who=self.keeper_zh, amount=f"{self.forfeited:,.2f}", reason=self.forfeit_reason)

    def check_not_held(self) -> None:
        """Raise `PayoutOnHold` while the regulator holds it."""
        if self.hold_reason is not None:
            raise PayoutOnHold(who=self.holder_zh, reason=self.hold_reason)

    @property
    def payer_turn(self) -> bool:
        """Whether the payer is to act."""
        return self.state in PAYER_TURN

    @property
    def payee_turn(self) -> bool:
        """Whether the payee is to act."""
        return self.state in PAYEE_TURN

    def is_payer(self, identity: Identity) -> bool:
        """Whether `identity` may act as payer."""
        return identity.organization_id == self.payer_id and identity.may(Permission.PAY)

    def is_payee(self, identity: Identity) -> bool:
        """Whether `identity` may act as payee."""
        return identity.organization_id == self.payee_id and identity.may(Permission.CONFIRM_PAYMENT)


@dataclass(frozen=True)
class TransferRow:
    """One attempt to pay."""

    id: int
    method: str
    amount: Decimal
    reference: str
    paid_on: date
    voucher_id: int
    voucher_name: str
    voucher_size: int
    submitted_at: datetime
    confirmed_at: datetime | None
    contested_at: datetime | None
    contest_reason: str


def payable_row(row: Any) -> PayableRow:
    """A `PayableRow` out of a record that carries `COLUMNS`."""
    return PayableRow(
        **{name: value for name, value in row.items() if name not in {"payer", "payee", "state", "threads"}},
        payer_id=row["payer"],
        payee_id=row["payee"],
        state=PayableState(row["state"]),
        threads=tuple(row["threads"]),
    )


async def payable_for(kind: str, key: str) -> PayableRow | None:
    """The payable of a case of the floor above, or None. For services, not for pages."""
    row = await db.row(COLUMNS + " where p.kind = $1 and p.key = $2", kind, key)
    return payable_row(row) if row else None


async def payables_for(kind: str, keys: Sequence[str]) -> dict[str, PayableRow]:
    """The payables of several cases by key, in one query. For services and case pages."""
    found = await db.rows(COLUMNS + " where p.kind = $1 and p.key = any($2::text[])", kind, list(keys))
    return {row["key"]: payable_row(row) for row in found}


async def payables_after(payable_id: int, kinds: Sequence[str]) -> list[PayableRow]:
    """Open payables of these kinds created after `payable_id`, oldest first. For services and plays, not for pages."""
    found = await db.rows(
        COLUMNS + " where p.id > $1 and p.kind = any($2::text[]) and p.state <> 'cancelled' order by p.id",
        payable_id,
        list(kinds),
    )
    return [payable_row(row) for row in found]


async def payable(payable_id: int, identity: Identity) -> PayableRow:
    """A payable of one's own organisation, on either side, or any for whoever watches payments; `PayableNotFound`
    otherwise."""
    row = await db.row(
        COLUMNS + " where p.id = $1 and ($2 in (p.payer, p.payee) or $3)",
        payable_id,
        identity.organization_id,
        identity.may(Permission.WATCH_PAYMENTS),
    )
    if row is None:
        raise PayableNotFound
    return payable_row(row)


async def my_payables(
    identity: Identity, *, state: PayableState | None = None, limit: int = 20, before: int | None = None
) -> list[PayableRow]:
    """Payables of one's own organisation, newest first, up to `limit` below the id `before`."""
    found = await db.rows(
        COLUMNS + " where $1 in (p.payer, p.payee) and ($2::text is null or p.state = $2)"
        " and ($3::bigint is null or p.id < $3) order by p.id desc limit $4",
        identity.organization_id,
        state.value if state else None,
        before,
        limit,
    )
    return [payable_row(row) for row in found]


async def my_states(identity: Identity) -> list[PayableState]:
    """The states in which payables of one's own organisation stand, in the order of their life."""
    found = await db.rows(
        "select distinct state from payments_payable where $1 in (payer, payee)", identity.organization_id
    )
    present = {row["state"] for row in found}
    return [state for state in PayableState if state.value in present]


@dataclass(frozen=True)
class Sums:
    """What is open and settled for one organisation, in yuan."""

    to_pay: Decimal
    to_receive: Decimal
    paid: Decimal
    received: Decimal


async def sums(identity: Identity) -> Sums:
    """Open and settled amounts on both sides of one's own organisation."""
    row = await db.row(
        "select coalesce(sum(amount) filter (where payer = $1 and state = any($2::text[])), 0) as to_pay,"
        " coalesce(sum(amount) filter (where payee = $1 and state = any($2::text[])), 0) as to_receive,"
        " coalesce(sum(amount) filter (where payer = $1 and state = 'confirmed'), 0) as paid,"
        " coalesce(sum(amount) filter (where payee = $1 and state = 'confirmed'), 0) as received"
        " from payments_payable where $1 in (payer, payee)",
        identity.organization_id,
        [state.value for state in (*PAYER_TURN, *PAYEE_TURN)],
    )
    return Sums(**dict(row))


async def transfers(payable_id: int) -> list[TransferRow]:
    """All attempts to pay, oldest first. Show them only with a payable the reader may see."""
    found = await db.rows(
        "select t.id, t.method, t.amount, t.reference, t.paid_on, t.voucher as voucher_id,"
        " s.name as voucher_name, s.size as voucher_size, t.submitted_at, t.confirmed_at, t.contested_at,"
        " t.contest_reason from payments_transfer t join core_stored_file s on s.id = t.voucher"
        " where t.payable = $1 order by t.id",
        payable_id,
    )
    return [TransferRow(**dict(row)) for row in found]


async def voucher_file(payable_id: int, transfer_id: int, identity: Identity) -> int:
    """The stored file of a voucher that one may see; `PayableNotFound` otherwise."""
    file_id: int | None = await db.value(
        "select t.voucher from payments_transfer t join payments_payable p on p.id = t.payable"
        " where p.id = $1 and t.id = $2 and ($3 in (p.payer, p.payee) or $4)",
        payable_id,
        transfer_id,
        identity.organization_id,
        identity.may(Permission.WATCH_PAYMENTS),
    )
    if file_id is None:
        raise PayableNotFound
    return file_id


async def reference_user(reference: str, payable_id: int) -> str | None:
    """The number of another payable that a bank reference already belongs to, or None."""
    number: str | None = await db.value(
        "select p.number from payments_transfer t join payments_payable p on p.id = t.payable"
        " where t.reference = $1 and p.id <> $2 and t.contested_at is null limit 1",
        reference,
        payable_id,
    )
    return number

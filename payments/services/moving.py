"""Every change of a payable goes through `move`: state, version, trail entry and ledger postings in one transaction.

`settle` is the one place where money counts as arrived, whichever way it came: the payable gets its receipt number and
the floor above is told, once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core import clock, db, mail, serials, trail
from core.errors import StaleForm
from core.handover import Handover
from core.identity import PERMISSIONS, Identity, Permission
from core.states import advance
from payments.queries.payables import COLUMNS, PayableRow, payable_row
from payments.rules import TRANSITIONS, PayableAct, PayableNotFound, PayableState, Position
from payments.rules.ledger import Posting
from payments.services import ledger

SETTLED: Handover[[str, str, int, datetime]] = Handover("payments.settled")
"""Called with (kind, key, payable_id, settled_at) in the transaction in which the money counts as arrived."""


@dataclass(frozen=True)
class PaymentReceipt:
    """What an act on a payable leaves in the hand."""

    payable_id: int
    number: str
    state: PayableState
    version: int
    entry_id: int
    receipt_number: str | None = None


@dataclass(frozen=True)
class Dates:
    """Dated facts that come with a move; None leaves what is there."""

    settled_at: datetime | None = None
    cancelled_at: datetime | None = None
    released_at: datetime | None = None
    receipt_number: str | None = None


UNDATED = Dates()


async def locked(payable_id: int) -> PayableRow:
    """The payable, locked, whoever asks: for events of the provider and the clock. `PayableNotFound`."""
    return await _locked("p.id = $1", payable_id)


async def locked_for(kind: str, key: str) -> PayableRow:
    """The payable of a case of the floor above, locked. `PayableNotFound`."""
    return await _locked("p.kind = $1 and p.key = $2", kind, key)


async def locked_by(actor: Identity, payable_id: int, side: str, version: int | None = None) -> PayableRow:
    """The payable, locked, when the actor's organisation is its `payer` or `payee`. `PayableNotFound`, `StaleForm`."""
    column = {"payer": "p.payer", "payee": "p.payee"}[side]
    found = await _locked(f"p.id = $1 and {column} = $2", payable_id, actor.organization_id)
    if version is not None and version != found.version:
        raise StaleForm
    return found


async def _locked(which: str, *given: Any) -> PayableRow:
    """Lock first, then read: what was waited for may have written a hold or a forfeiture beside the payable, and only a
    statement that begins afterwards sees them."""
    await db.execute(f"select from payments_payable p where {which} for update", *given)
    row = await db.row(COLUMNS + f" where {which}", *given)
    if row is None:
        raise PayableNotFound
    return payable_row(row)


CHANGE = """
update payments_payable set state = $2, version = version + 1, settled_at = coalesce($3, settled_at),
  cancelled_at = coalesce($4, cancelled_at), released_at = coalesce($5, released_at),
  receipt_number = coalesce($6, receipt_number), captured = $7, refunded = $8, paid_out = $9
where id = $1 returning version
"""


async def move(
    *,
    actor: Identity,
    row: PayableRow,
    to: PayableState | PayableAct | Position,
    says: str,
    facts: Mapping[str, Any],
    postings: Sequence[Posting] = (),
    dates: Dates = UNDATED,
    threads: Sequence[str] = (),
) -> PaymentReceipt:
    """Change a locked payable: `to` is an act, the state after it, or the whole position after it.

    `says` is the act on the trail (`payable.…`, named in `rules.trail_titles`), `postings` what moves in the ledger.
    `NotAllowedNow` when the life-cycle has no such step.
    """
    position = _position(row, to)
    version: int = await db.value(
        CHANGE,
        row.id,
        position.state.value,
        dates.settled_at,
        dates.cancelled_at,
        dates.released_at,
        dates.receipt_number,
        position.captured,
        position.refunded,
        position.paid_out,
    )
    entry = await trail.record(
        actor,
        says,
        f"payable:{row.id}",
        before={"state": row.state.value},
        after={"state": position.state.value, "number": row.number, "amount": row.amount, **facts},
        threads=(*row.threads, *threads),
        note=ledger.note(postings),
    )
    await ledger.post(postings, payable_id=row.id, entry_id=entry)
    return PaymentReceipt(row.id, row.number, position.state, version, entry, dates.receipt_number)


def _position(row: PayableRow, to: PayableState | PayableAct | Position) -> Position:
    match to:
        case Position():
            return to
        case PayableAct():
            state = advance(TRANSITIONS, row.state, to)
        case _:
            state = to
    return Position(state, row.amount, row.captured, row.refunded, row.paid_out, row.currency)


async def settle(
    *,
    actor: Identity,
    row: PayableRow,
    to: PayableState | PayableAct | Position,
    says: str,
    facts: Mapping[str, Any],
    postings: Sequence[Posting],
) -> PaymentReceipt:
    """The money counts as arrived: `move` with a receipt number, the floor above is told, the payer gets a letter.

    Call it once per payable: for bank transfers when the payee confirms, online when the money is captured.
    """
    now = clock.now()
    number = await serials.next_number("SK", clock.today())
    receipt = await move(
        actor=actor,
        row=row,
        to=to,
        says=says,
        facts={"receipt": number, **facts},
        postings=postings,
        dates=Dates(settled_at=now, receipt_number=number),
    )
    await db.execute("update payments_payable set receipt_entry = $2 where id = $1", row.id, receipt.entry_id)
    await SETTLED(row.kind, row.key, row.id, now)
    await tell_row(row.payer_id, "payments/payment_confirmed", row, receipt=number)
    return receipt


async def watchers(permission: Permission) -> list[int]:
    """The accounts of everybody with a role that has this permission, for letters."""
    roles = [role.value for role, allowed in PERMISSIONS.items() if permission in allowed]
    found = await db.rows(
        "select distinct account from core_membership where role = any($1::text[]) and ended_at is null", roles
    )
    return [row["account"] for row in found]


async def tell_row(organization_id: int, message: str, row: PayableRow, **facts: str) -> None:
    """A letter about a payable to one of its parties."""
    await tell(organization_id, message, row.number, row.title, row.amount, row.id, **facts)


async def tell(
    organization_id: int, message: str, number: str, title: str, amount: Decimal, payable_id: int, **facts: str
) -> None:
    """A letter about a payable that has no row yet."""
    context = {"number": number, "title": title, "amount": f"{amount:,.2f}", "payable": payable_id, **facts}
    await mail.send(to_organization=organization_id, message=message, context=context)

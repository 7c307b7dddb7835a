"""The acts on a payable. Whoever pays proves it; only the payee's confirmation settles.

`_settle` is the one place where money counts as arrived: the ledger and other ways to pay join there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core import clock, db, files, mail, serials, trail
from core.db import transaction
from core.errors import StaleForm
from core.files import SCAN
from core.forms import Upload
from core.handover import Handover
from core.identity import SYSTEM, Identity, Permission
from core.states import advance
from payments.queries import COLUMNS, PayableRow, payable_for, payable_row, reference_user
from payments.rules import (
    TRANSITIONS,
    Method,
    PayableAct,
    PayableDiffers,
    PayableNotFound,
    PayableState,
    ReferenceUsed,
    SameParties,
    check_paid_on,
    payable_amount,
)

SETTLED: Handover[[str, str, int, datetime]] = Handover("payments.settled")
"""Called with (kind, key, payable_id, settled_at) in the transaction of the confirmation."""


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
class VoucherDraft:
    """What the payer says about a bank transfer."""

    reference: str
    paid_on: date
    voucher: Upload


CREATE = """
insert into payments_payable (number, kind, key, payer, payee, amount, currency, title, due_on, state,
  version, threads, created_at)
values ($1, $2, $3, $4, $5, $6, 'CNY', $7, $8, 'due', 1, $9, $10) returning id
"""


async def create_payable(
    *,
    kind: str,
    key: str,
    payer_id: int,
    payee_id: int,
    amount: Decimal,
    title: str,
    due_on: date,
    threads: Sequence[str] = (),
    actor: Identity = SYSTEM,
) -> int:
    """Let one organisation owe another `amount` yuan for a case, once; the payable's id.

    Called again with the same facts it returns the same payable. `AmountInvalid`, `SameParties`;
    `PayableDiffers` when the case already has a payable with other facts.
    """
    exact = payable_amount(amount)
    if payer_id == payee_id:
        raise SameParties
    async with transaction():
        await db.value("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"payable {kind} {key}")
        known = await payable_for(kind, key)
        if known is not None:
            return _same(known, payer_id, payee_id, exact)
        number = await serials.next_number("FK", clock.today())
        facts = (number, kind, key, payer_id, payee_id, exact, title, due_on, list(threads), clock.now())
        payable_id: int = await db.value(CREATE, *facts)
        await trail.record(
            actor,
            "payable.created",
            f"payable:{payable_id}",
            after={"number": number, "amount": exact, "payer": payer_id, "payee": payee_id, "due_on": due_on},
            threads=threads,
        )
        await _tell(payer_id, "payments/payable_due", number, title, exact, payable_id, due=due_on.isoformat())
    return payable_id


def _same(known: PayableRow, payer_id: int, payee_id: int, amount: Decimal) -> int:
    if (known.payer_id, known.payee_id, known.amount) != (payer_id, payee_id, amount):
        raise PayableDiffers(number=known.number)
    return known.id


async def submit_voucher(
    *, actor: Identity, payable_id: int, draft: VoucherDraft, version: int | None = None
) -> PaymentReceipt:
    """The payer says it has paid: bank reference, day, voucher. `PaidInFuture`, `ReferenceUsed`, `StaleForm`,
    and what is wrong with the file."""
    actor.require(Permission.PAY)
    async with transaction():
        row = await _locked(payable_id, "payer", actor, version)
        state = advance(TRANSITIONS, row.state, PayableAct.SUBMIT_VOUCHER)
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
        receipt = await _change(actor, row, state, "payable.vouchered", facts)
        await _tell_row(row.payee_id, "payments/voucher_submitted", row, reference=draft.reference)
    return receipt


async def contest(*, actor: Identity, payable_id: int, reason: str, version: int | None = None) -> PaymentReceipt:
    """The payee says the money has not arrived; it is the payer's turn again."""
    actor.require(Permission.CONFIRM_PAYMENT)
    async with transaction():
        row = await _locked(payable_id, "payee", actor, version)
        state = advance(TRANSITIONS, row.state, PayableAct.CONTEST)
        await db.execute(
            "update payments_transfer set contested_at = $2, contest_reason = $3"
            " where payable = $1 and confirmed_at is null and contested_at is null",
            payable_id,
            clock.now(),
            reason,
        )
        receipt = await _change(actor, row, state, "payable.contested", {"reason": reason})
        await _tell_row(row.payer_id, "payments/payment_contested", row, reason=reason)
    return receipt


async def confirm_receipt(*, actor: Identity, payable_id: int, version: int | None = None) -> PaymentReceipt:
    """The payee confirms the money; the case above learns of it in the same transaction."""
    actor.require(Permission.CONFIRM_PAYMENT)
    async with transaction():
        row = await _locked(payable_id, "payee", actor, version)
        state = advance(TRANSITIONS, row.state, PayableAct.CONFIRM)
        return await _settle(actor, row, state)


async def cancel_payable(*, kind: str, key: str, reason: str, actor: Identity = SYSTEM) -> PaymentReceipt:
    """The floor above takes a payable back before it is paid. `PayableNotFound`, `NotAllowedNow`."""
    async with transaction():
        known = await db.row(COLUMNS + " where p.kind = $1 and p.key = $2 for update of p", kind, key)
        if known is None:
            raise PayableNotFound
        row = payable_row(known)
        state = advance(TRANSITIONS, row.state, PayableAct.CANCEL)
        return await _change(actor, row, state, "payable.cancelled", {"reason": reason}, cancelled_at=clock.now())


async def _settle(actor: Identity, row: PayableRow, state: PayableState) -> PaymentReceipt:
    now = clock.now()
    await db.execute(
        "update payments_transfer set confirmed_at = $2, contested_at = null where id ="
        " (select max(id) from payments_transfer where payable = $1)",
        row.id,
        now,
    )
    number = await serials.next_number("SK", clock.today())
    receipt = await _change(
        actor, row, state, "payable.confirmed", {"receipt": number}, settled_at=now, receipt_number=number
    )
    await db.execute("update payments_payable set receipt_entry = $2 where id = $1", row.id, receipt.entry_id)
    await SETTLED(row.kind, row.key, row.id, now)
    await _tell_row(row.payer_id, "payments/payment_confirmed", row, receipt=number)
    return receipt


async def _locked(payable_id: int, side: str, actor: Identity, version: int | None) -> PayableRow:
    """The payable, locked, when the actor's organisation is on that side of it."""
    column = {"payer": "p.payer", "payee": "p.payee"}[side]
    row = await db.row(
        COLUMNS + f" where p.id = $1 and {column} = $2 for update of p", payable_id, actor.organization_id
    )
    if row is None:
        raise PayableNotFound
    found = payable_row(row)
    if version is not None and version != found.version:
        raise StaleForm
    return found


CHANGE = """
update payments_payable set state = $2, version = version + 1, settled_at = coalesce($3, settled_at),
  cancelled_at = coalesce($4, cancelled_at), receipt_number = coalesce($5, receipt_number)
where id = $1 returning version
"""


async def _change(
    actor: Identity,
    row: PayableRow,
    state: PayableState,
    act: str,
    facts: dict[str, Any],
    *,
    settled_at: datetime | None = None,
    cancelled_at: datetime | None = None,
    receipt_number: str | None = None,
) -> PaymentReceipt:
    version: int = await db.value(CHANGE, row.id, state.value, settled_at, cancelled_at, receipt_number)
    entry = await trail.record(
        actor,
        act,
        f"payable:{row.id}",
        before={"state": row.state.value},
        after={"state": state.value, "number": row.number, "amount": row.amount, **facts},
        threads=row.threads,
    )
    return PaymentReceipt(row.id, row.number, state, version, entry, receipt_number)


async def _tell_row(organization_id: int, message: str, row: PayableRow, **facts: str) -> None:
    await _tell(organization_id, message, row.number, row.title, row.amount, row.id, **facts)


async def _tell(
    organization_id: int,
    message: str,
    number: str,
    title: str,
    amount: Decimal,
    payable_id: int,
    **facts: str,
) -> None:
    context = {"number": number, "title": title, "amount": f"{amount:,.2f}", "payable": payable_id, **facts}
    await mail.send(to_organization=organization_id, message=message, context=context)

"""What is owed: created by the floor above once per case, and taken back before it is paid."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from core import clock, db, serials, trail
from core.db import transaction
from core.identity import SYSTEM, Identity
from payments.queries.payables import PayableRow, payable_for
from payments.rules import PayableAct, PayableDiffers, SameParties, check_bond, payable_amount
from payments.rules.ledger import Parties, fen, obligation, obligation_ended
from payments.services import ledger
from payments.services.moving import Dates, PaymentReceipt, locked_for, move, tell

CREATE = """
insert into payments_payable (number, kind, key, payer, payee, amount, currency, base, title, due_on, state,
  version, threads, created_at)
values ($1, $2, $3, $4, $5, $6, 'CNY', $7, $8, $9, 'due', 1, $10, $11) returning id
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
    base: Decimal | None = None,
    threads: Sequence[str] = (),
    actor: Identity = SYSTEM,
) -> int:
    """Let one organisation owe another `amount` yuan for a case, once; the payable's id.

    `base` is the estimate or contract price that a bond is a share of. Called again with the same facts it returns the
    same payable. `AmountInvalid`, `SameParties`, `BondAboveCap`, `BondWithoutBase`; `PayableDiffers` when the case
    already has a payable with other facts.
    """
    exact = payable_amount(amount)
    if payer_id == payee_id:
        raise SameParties
    check_bond(kind, exact, base)
    async with transaction():
        await db.value("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"payable {kind} {key}")
        known = await payable_for(kind, key)
        if known is not None:
            return _same(known, payer_id, payee_id, exact)
        number = await serials.next_number("FK", clock.today())
        facts = (number, kind, key, payer_id, payee_id, exact, base, title, due_on, list(threads), clock.now())
        payable_id: int = await db.value(CREATE, *facts)
        postings = [obligation(Parties(payable_id, payer_id, payee_id), fen(exact))]
        entry = await trail.record(
            actor,
            "payable.created",
            f"payable:{payable_id}",
            after={"number": number, "amount": exact, "payer": payer_id, "payee": payee_id, "due_on": due_on},
            threads=threads,
            note=ledger.note(postings),
        )
        await ledger.post(postings, payable_id=payable_id, entry_id=entry)
        await tell(payer_id, "payments/payable_due", number, title, exact, payable_id, due=due_on.isoformat())
    return payable_id


def _same(known: PayableRow, payer_id: int, payee_id: int, amount: Decimal) -> int:
    if (known.payer_id, known.payee_id, known.amount) != (payer_id, payee_id, amount):
        raise PayableDiffers(number=known.number)
    return known.id


async def cancel_payable(*, kind: str, key: str, reason: str, actor: Identity = SYSTEM) -> PaymentReceipt:
    """The floor above takes a payable back before it is paid. `PayableNotFound`, `NotAllowedNow`."""
    async with transaction():
        row = await locked_for(kind, key)
        return await move(
            actor=actor,
            row=row,
            to=PayableAct.CANCEL,
            says="payable.cancelled",
            facts={"reason": reason},
            postings=[obligation_ended(row.parties, fen(row.amount))],
            dates=Dates(cancelled_at=clock.now()),
        )

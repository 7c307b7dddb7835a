"""A bundle: several payables of one payer paid by one transfer and split among their payees.

By bank this is the batch order of a corporate account: one voucher, one batch reference; every payee confirms its own
part. Online the Stripe part takes the bundle as one checkout and splits it by transfers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core import clock, db, files, serials, trail
from core.db import transaction
from core.errors import Rejected
from core.files import SCAN
from core.i18n import N_
from core.identity import Identity, Permission
from core.states import advance
from payments.queries.payables import PayableRow, reference_user
from payments.rules import TRANSITIONS, CurrencyMixed, Method, PayableAct, ReferenceUsed, check_paid_on, check_seen
from payments.services.moving import locked_by, move, tell_row
from payments.services.vouchers import VoucherDraft

FEWEST, MOST = 2, 50


class BundleSize(Rejected):
    """One payable is no bundle, and a page of hundreds nobody checks."""

    code = "bundle-size"
    text = N_("合并付款请选 %(fewest)s 至 %(most)s 笔待付款项，现在是 %(count)s 笔。")


@dataclass(frozen=True)
class BundleReceipt:
    """That a bundle was paid; `parts` are the ids of its payables."""

    bundle_id: int
    number: str
    amount: Decimal
    parts: tuple[int, ...]
    entry_id: int


async def lock_parts(actor: Identity, payable_ids: Sequence[int], act: PayableAct) -> list[PayableRow]:
    """The payables of a bundle, locked in the order of their ids; all of one payer, one currency, all ready for `act`.

    `BundleSize`, `PayableNotFound`, `NotAllowedNow`, `PayoutOnHold`, `CurrencyMixed`.
    """
    ids = sorted(set(payable_ids))
    if not FEWEST <= len(ids) <= MOST:
        raise BundleSize(fewest=FEWEST, most=MOST, count=len(ids))
    rows = [await locked_by(actor, payable_id, "payer") for payable_id in ids]
    for row in rows:
        advance(TRANSITIONS, row.state, act)
        row.check_not_held()
        if row.currency != rows[0].currency:
            raise CurrencyMixed(expected=rows[0].currency, given=row.currency)
    return rows


async def make_bundle(actor: Identity, rows: Sequence[PayableRow]) -> tuple[int, str, Decimal]:
    """Write a bundle of locked payables, in the running transaction: id, number, sum in yuan."""
    number, total = await serials.next_number("HB", clock.today()), sum((row.amount for row in rows), Decimal(0))
    bundle_id: int = await db.value(
        "insert into payments_bundle (number, payer, account, amount, currency, created_at)"
        " values ($1, $2, $3, $4, $5, $6) returning id",
        number,
        actor.organization_id,
        actor.account_id,
        total,
        rows[0].currency,
        clock.now(),
    )
    await db.execute(
        "insert into payments_bundle_part (bundle, payable, amount) select $1, * from unnest($2::bigint[], $3::numeric[])",
        bundle_id,
        [row.id for row in rows],
        [row.amount for row in rows],
    )
    return bundle_id, number, total


async def pay_bundle(*, actor: Identity, payable_ids: Sequence[int], draft: VoucherDraft) -> BundleReceipt:
    """The payer says that one bank transfer paid all of these; every payee confirms or contests its own part.

    `draft.seen` is the sum on the page: with another sum in the database nothing happens (`AmountDiffers`).
    """
    actor.require(Permission.PAY)
    async with transaction():
        rows = await lock_parts(actor, payable_ids, PayableAct.SUBMIT_VOUCHER)
        total = sum((row.amount for row in rows), Decimal(0))
        check_seen(draft.seen, total)
        check_paid_on(draft.paid_on, clock.today())
        other = await reference_user(draft.reference, rows[0].id)
        if other:
            raise ReferenceUsed(reference=draft.reference, number=other)
        stored = await files.store(draft.voucher, use=SCAN, actor=actor)
        bundle_id, number, _ = await make_bundle(actor, rows)
        facts = {"reference": draft.reference, "paid_on": draft.paid_on, "voucher": stored.sha256, "bundle": number}
        for row in rows:
            await _pay_part(actor, row, draft, stored.id, facts)
        entry = await trail.record(
            actor,
            "bundle.vouchered",
            f"bundle:{bundle_id}",
            after={**facts, "amount": total, "payables": [row.number for row in rows]},
            threads=[f"payable:{row.id}" for row in rows],
        )
    return BundleReceipt(bundle_id, number, total, tuple(row.id for row in rows), entry)


async def _pay_part(
    actor: Identity, row: PayableRow, draft: VoucherDraft, stored_id: int, facts: dict[str, object]
) -> None:
    await db.execute(
        "insert into payments_transfer (payable, method, amount, reference, paid_on, voucher, account, submitted_at,"
        " contest_reason) values ($1, $2, $3, $4, $5, $6, $7, $8, '')",
        row.id,
        Method.BANK_TRANSFER.value,
        row.amount,
        draft.reference,
        draft.paid_on,
        stored_id,
        actor.account_id,
        clock.now(),
    )
    await move(actor=actor, row=row, to=PayableAct.SUBMIT_VOUCHER, says="payable.vouchered", facts=facts)
    await tell_row(row.payee_id, "payments/voucher_submitted", row, reference=draft.reference)

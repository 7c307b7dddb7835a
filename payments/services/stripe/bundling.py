"""A bundle paid online: one attempt per payable, all on one page of Stripe, and what comes is shared out among the payees.

Every payable keeps its own attempt, ledger, orders and payout; what they share is the page. Two pages at once could be
paid twice, so a payable that is being paid already does not go into a bundle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from core import clock, db, jobs, trail
from core.db import transaction
from core.errors import NotAllowedNow
from core.identity import Identity, Permission
from payments.gateway import client
from payments.gateway.client import StripeOff
from payments.queries.payables import PayableRow
from payments.queries.stripe import ATTEMPT, AttemptRow, attempt_row
from payments.rules import PayableAct, PayableKind, PayableNotFound, PayableState, check_seen
from payments.rules.ledger import fen
from payments.rules.stripe import CHECKOUT_HOURS, NoWayToPay, OrderKind, Way
from payments.rules.stripe_bundle import OnlyFeesTogether, PartBeingPaid, bundle_offers
from payments.services.bundles import lock_parts, make_bundle
from payments.services.moving import locked_by, move
from payments.services.stripe.ordering import order
from payments.services.stripe.paying import OPEN_PAGE, fresh_key


@dataclass(frozen=True)
class BundleStart:
    """What starting to pay a bundle leaves in the hand: `attempts` in the order of `parts`, the ids of its payables."""

    bundle_id: int
    number: str
    amount: Decimal
    parts: tuple[int, ...]
    attempts: tuple[int, ...]
    entry_id: int


INSERT = """
insert into payments_stripe_attempt (key, payable, bundle, account, hold, amount, state, url, way, captured, settled,
  currency, excess, problem, created_at, expires_at)
values ($1, $2, $3, $4, false, $5, 'prepared', '', '', 0, 0, '', false, '', $6, $7) returning id
"""


async def check_bundle(*, actor: Identity, payable_ids: Sequence[int]) -> list[PayableRow]:
    """The payables, when they may be paid together online: milestone fees of one payer, none of them being paid already.

    `StripeOff`, `BundleSize`, `PayableNotFound`, `OnlyFeesTogether`, `PartBeingPaid`, `NotAllowedNow`, `PayoutOnHold`.
    """
    actor.require(Permission.PAY)
    if client.account() is None:
        raise StripeOff
    async with transaction():
        rows = await lock_parts(actor, payable_ids, PayableAct.START)
        for row in rows:
            if row.kind != PayableKind.MILESTONE:
                raise OnlyFeesTogether(number=row.number)
            if row.state is PayableState.PROCESSING:
                raise PartBeingPaid(number=row.number)
    return rows


async def start_bundle(*, actor: Identity, payable_ids: Sequence[int], seen: Decimal | None = None) -> BundleStart:
    """The payer begins to pay several payables on one page of Stripe. `seen` is the sum on the page, in yuan.

    `NoWayToPay` when no way takes the sum, `AmountDiffers`, and what `check_bundle` raises.
    """
    async with transaction():
        rows = await check_bundle(actor=actor, payable_ids=payable_ids)
        open_bundle_ways(rows)
        check_seen(seen, sum((row.amount for row in rows), Decimal(0)))
        bundle_id, number, total = await make_bundle(actor, rows)
        attempts = [await _prepare(actor, row, bundle_id, number) for row in rows]
        entry = await trail.record(
            actor,
            "bundle.started",
            f"bundle:{bundle_id}",
            after={"bundle": number, "amount": total, "payables": [row.number for row in rows]},
            threads=[f"payable:{row.id}" for row in rows],
        )
        await jobs.defer(OPEN_PAGE, {"attempt_id": attempts[0]})
    return BundleStart(bundle_id, number, total, tuple(row.id for row in rows), tuple(attempts), entry)


def open_bundle_ways(rows: Sequence[PayableRow]) -> tuple[Way, ...]:
    """The ways that take these payables at once. `NoWayToPay`, `StripeOff`."""
    known = client.account()
    if known is None:
        raise StripeOff
    found = bundle_offers([fen(row.amount) for row in rows], country=known.country)
    ways = tuple(offer.way for offer in found if offer.refused is None)
    if not ways:
        raise NoWayToPay
    return ways


async def _prepare(actor: Identity, row: PayableRow, bundle_id: int, number: str) -> int:
    now = clock.now()
    attempt_id: int = await db.value(
        INSERT,
        fresh_key("pay"),
        row.id,
        bundle_id,
        actor.account_id,
        fen(row.amount),
        now,
        now + timedelta(hours=CHECKOUT_HOURS),
    )
    facts = {"attempt": attempt_id, "hold": False, "bundle": number}
    await move(actor=actor, row=row, to=PayableAct.START, says="payable.started", facts=facts)
    return attempt_id


async def give_up_bundle(*, actor: Identity, bundle_id: int) -> int:
    """The payer will not pay the bundle online after all: its page is closed for all of them; the trail entry.

    `NotAllowedNow` once it is paid or closed, or while it is being closed; `PayableNotFound`.
    """
    actor.require(Permission.PAY)
    async with transaction():
        ids = await db.rows("select payable from payments_stripe_attempt where bundle = $1 order by payable", bundle_id)
        if not ids:
            raise PayableNotFound
        rows = [await locked_by(actor, one["payable"], "payer") for one in ids]
        attempts = [
            attempt_row(await db.row(ATTEMPT + " where a.bundle = $1 and a.payable = $2 for update", bundle_id, row.id))
            for row in rows
        ]
        await _check_open(attempts)
        await order(OrderKind.CLOSE_PAGE, min(attempt.id for attempt in attempts), actor=actor)
        for row, attempt in zip(rows, attempts, strict=True):
            facts = {"attempt": attempt.id}
            await move(actor=actor, row=row, to=row.state, says="payable.given-up", facts=facts)
        return await trail.record(
            actor,
            "bundle.given-up",
            f"bundle:{bundle_id}",
            after={"payables": [row.number for row in rows]},
            threads=[f"payable:{row.id}" for row in rows],
        )


async def _check_open(attempts: Sequence[AttemptRow]) -> None:
    first = attempts[0]
    if not first.live:
        raise NotAllowedNow(state=first.state, act=OrderKind.CLOSE_PAGE)
    closing = await db.value(
        "select true from payments_stripe_order where attempt = any($1::bigint[]) and state = 'waiting'"
        " and kind = 'close-page' limit 1",
        [attempt.id for attempt in attempts],
    )
    if closing:
        raise NotAllowedNow(state="waiting", act=OrderKind.CLOSE_PAGE)

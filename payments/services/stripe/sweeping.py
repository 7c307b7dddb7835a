"""What time does: whatever waits for Stripe is tried again, and holds that run out are told of in time."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from core import clock, db
from core.db import transaction
from core.errors import DomainError
from payments.gateway import client
from payments.gateway.client import StripeAway
from payments.queries.stripe import attempt_by
from payments.rules.stripe import ASK_AGAIN_HOURS
from payments.services.forfeits import undo_uncaptured
from payments.services.moving import locked, tell_row
from payments.services.stripe import applying, orders, webhooks
from payments.services.stripe.paying import page_for

_log = structlog.get_logger()
BATCH = 200


async def sweep() -> int:
    """Try again whatever waits; how many things were tried. Does nothing without a Stripe account."""
    if client.account() is None:
        return 0
    tried = 0
    for find, act in STEPS:
        for given in await _ids(find):
            tried += 1
            try:
                await act(given)
            except StripeAway:
                return tried  # nobody answers: the rest waits for the next round
            except DomainError as fault:
                _log.info("left for later", step=act.__name__, id=given, reason=fault.code)
    await _ask_in_time()
    return tried


async def _ids(find: str) -> list[int]:
    return [row["id"] for row in await db.rows(find + " limit $2", clock.now(), BATCH)]


async def _page(attempt_id: int) -> None:
    await page_for(attempt_id)


async def _look(attempt_id: int) -> None:
    attempt = await attempt_by("id", attempt_id)
    assert attempt is not None
    if attempt.session is None and attempt.intent is None:
        await lapse_unopened(attempt_id)
    else:
        await applying.refresh(attempt_id)


async def lapse_unopened(attempt_id: int) -> None:
    """An attempt whose page never opened and whose time is over is given up."""
    await applying.apply(attempt_id, applying.Seen(session={"status": "expired"}))


async def _order(order_id: int) -> None:
    await orders.run_order(order_id)


async def _event(event_id: int) -> None:
    await webhooks.again(event_id)


async def _payout(payable_id: int) -> None:
    await orders.order_payout(payable_id=payable_id)


async def _unforfeited(payable_id: int) -> None:
    await undo_uncaptured(payable_id)


async def _released(payable_id: int) -> None:
    await orders.release_online(payable_id=payable_id)


STEPS: tuple[tuple[str, Callable[[int], Awaitable[None]]], ...] = (
    (
        "select id from payments_stripe_attempt where state = 'prepared' and session is null and expires_at > $1 order by id",
        _page,
    ),
    (
        "select id from payments_stripe_event where state in ('waiting', 'stuck') and received_at <= $1 order by id",
        _event,
    ),
    (
        "select min(id) as id from payments_stripe_attempt where (state in ('prepared', 'open') and (expires_at <= $1 or"
        " coalesce(looked_at, created_at) <= $1 - interval '10 minutes')) or (state = 'held' and held_until <= $1)"
        " group by coalesce(-bundle, id) order by 1",
        _look,
    ),
    (
        "select f.payable as id from payments_forfeit f join payments_payable p on p.id = f.payable where f.undone_at is"
        " null and p.captured = 0 and p.state <> 'confirmed' and f.forfeited_at <= $1 and not exists (select from"
        " payments_stripe_order o join payments_stripe_attempt a on a.id = o.attempt where a.payable = p.id and o.kind ="
        " 'capture' and o.state = 'waiting') order by f.id",
        _unforfeited,
    ),
    (
        "select p.id from payments_payable p where p.state in ('authorised', 'captured') and (p.released_at <= $1 or"
        " p.state = 'captured' and p.captured - p.refunded - p.paid_out > (select f.amount from payments_forfeit f where"
        " f.payable = p.id and f.undone_at is null)) order by p.id",
        _released,
    ),
    (
        "select p.id from payments_payable p join payments_stripe_payee y on y.organization = p.payee and y.receives"
        " where p.state = 'captured' and (p.kind not in ('bid-bond', 'performance-bond') or exists (select from"
        " payments_forfeit f where f.payable = p.id and f.undone_at is null)) and p.settled_at <= $1"
        " order by p.id",
        _payout,
    ),
    ("select id from payments_stripe_order where state = 'waiting' and created_at <= $1 order by id", _order),
)
"""In this order: what one step orders, the last one carries out."""


async def _ask_in_time() -> None:
    """Two days before a hold runs out the payee may take it and the payer hold anew: both are asked, once."""
    found = await db.rows(
        "select id, payable, held_until from payments_stripe_attempt where state = 'held' and not excess"
        " and asked_at is null and held_until <= $1",
        clock.now() + timedelta(hours=ASK_AGAIN_HOURS),
    )
    for one in found:
        async with transaction():
            row = await locked(one["payable"])
            asked = await db.execute(
                "update payments_stripe_attempt set asked_at = $2 where id = $1 and asked_at is null",
                one["id"],
                clock.now(),
            )
            if not asked:
                continue
            until = f"{clock.shanghai(one['held_until']):%Y-%m-%d %H:%M}"
            for party in (row.payer_id, row.payee_id):
                await tell_row(party, "payments/hold_ending", row, until=until)

"""Events of Stripe: believed when signed, kept as they came, and applied once.

An event is only a hint that something happened to an object: the object is fetched, and event row, effect, ledger, trail
and letters commit together. Only then is the answer a 2xx, so that Stripe repeats whatever a crash has lost. An event we
know nothing of, or of another API version, is kept and answered 200 without effect.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe

from core import clock, db
from core.db import transaction
from core.errors import DomainError
from payments.gateway import client
from payments.gateway.client import StripeAway, StripeRefuses
from payments.gateway.configuration import API_VERSION, TOLERANCE_SECONDS
from payments.queries.stripe import AttemptRow, attempt_by, order_by
from payments.rules.stripe import EventState, SignatureWrong
from payments.services.stripe import applying, orders, payees

ATTEMPTS = ("checkout.session.", "payment_intent.", "charge.", "refund.")
DEEP = ("charge.dispute.", "charge.refund", "refund.")


@dataclass(frozen=True)
class Event:
    """An event as read from its body."""

    id: str
    kind: str
    version: str
    account: str
    made_at: datetime
    object: dict[str, Any]
    body: bytes


def read(body: bytes, header: str) -> Event:
    """An event that Stripe has signed within the last 300 seconds with one of our secrets. `SignatureWrong`."""
    known = client.account()
    if known is None or not any(_signed(body, header, secret) for secret in known.secrets):
        raise SignatureWrong
    try:
        found = json.loads(body)
        return Event(
            id=str(found["id"])[:80],
            kind=str(found["type"])[:80],
            version=str(found.get("api_version") or "")[:40],
            account=str(found.get("account") or "")[:60],
            made_at=datetime.fromtimestamp(found["created"], UTC),
            object=dict(found["data"]["object"]),
            body=body,
        )
    except (KeyError, TypeError, ValueError):
        raise SignatureWrong from None


def _signed(body: bytes, header: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, header, secret)
        at = int(next(part[2:] for part in header.split(",") if part.startswith("t=")))
    except (stripe.SignatureVerificationError, UnicodeDecodeError, ValueError, StopIteration):
        return False
    return abs(clock.now().timestamp() - at) <= TOLERANCE_SECONDS


async def take_in(body: bytes, header: str) -> EventState:
    """Verify, keep and apply an event; how it stands then. `SignatureWrong`; `StripeAway` when it has to come again."""
    return await _take(read(body, header))


async def again(event_id: int) -> EventState:
    """Try an event that was kept but could not be applied."""
    row = await db.row(
        "select event, kind, version, account, made_at, body from payments_stripe_event where id = $1", event_id
    )
    inner = dict(json.loads(row["body"])["data"]["object"])
    return await _take(
        Event(row["event"], row["kind"], row["version"], row["account"], row["made_at"], inner, row["body"])
    )


async def _take(event: Event) -> EventState:
    state: str | None = await db.value("select state from payments_stripe_event where event = $1", event.id)
    if state in {EventState.APPLIED, EventState.IGNORED}:
        return EventState(state)
    try:
        effect = await _effect(event)
        if effect is None:
            async with transaction():
                await _keep(event, EventState.IGNORED)
            return EventState.IGNORED
        await effect(lambda: _keep(event, EventState.APPLIED))
    except (StripeAway, StripeRefuses) as fault:
        await _postpone(event, EventState.WAITING, fault.code)
        raise StripeAway from fault
    except DomainError as fault:
        await _postpone(event, EventState.STUCK, f"{fault.code}: {fault.message()}")
        raise
    return EventState.APPLIED


INSERT = """
insert into payments_stripe_event as e (event, kind, version, account, object, body, state, reason, tries, made_at,
  received_at, done_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11)
on conflict (event) do update set state = excluded.state, reason = excluded.reason, tries = e.tries + 1,
  done_at = excluded.done_at where e.state in ('waiting', 'stuck')
returning id
"""


async def _keep(event: Event, state: EventState, reason: str = "") -> bool:
    """Write the event in the running transaction; False when it has had its effect already."""
    done = clock.now() if state in {EventState.APPLIED, EventState.IGNORED} else None
    found = await db.value(
        INSERT,
        event.id,
        event.kind,
        event.version,
        event.account,
        str(event.object.get("id") or "")[:120],
        event.body,
        state.value,
        reason,
        event.made_at,
        clock.now(),
        done,
    )
    return found is not None


async def _postpone(event: Event, state: EventState, reason: str) -> None:
    async with transaction():
        await _keep(event, state, reason)


Effect = Callable[[applying.Also], Awaitable[object]]


async def _effect(event: Event) -> Effect | None:
    """What an event leads to, or None: unknown, of another version, or of somebody else's objects."""
    if event.version != API_VERSION:
        return None
    if event.kind.startswith(ATTEMPTS):
        return await _on_attempt(event)
    match event.kind.split("."):
        case ["account", "updated"]:
            return _on_account(event)
        case ["payout", *_] if event.account:
            return _on_payout(event)
        case ["transfer", "created"]:
            return await _on_transfer(event)
        case _:
            return None


async def _on_attempt(event: Event) -> Effect | None:
    intent = event.object.get("payment_intent")
    if event.kind.startswith("payment_intent."):
        intent = event.object.get("id")
    attempt = await _attempt(event, intent if isinstance(intent, str) else None)
    if attempt is None:
        return None
    deep = event.kind.startswith(DEEP)

    async def effect(also: applying.Also) -> bool:
        return await applying.refresh(attempt.id, intent=intent, deep=deep, also=also)

    return effect


async def _attempt(event: Event, intent: str | None) -> AttemptRow | None:
    """Whose attempt it is: by our key in the metadata, by the intent, or by asking Stripe for the intent's metadata."""
    key = (event.object.get("metadata") or {}).get("xinshi")
    found = await attempt_by("key", key) if key else None
    if found is None and intent is not None:
        found = await attempt_by("intent", intent)
    if found is None and not key and intent is not None:
        key = ((await client.gateway().intent(intent)).get("metadata") or {}).get("xinshi")
        found = await attempt_by("key", key) if key else None
    return found


def _on_account(event: Event) -> Effect:
    async def effect(also: applying.Also) -> bool:
        if await payees.refresh_account(str(event.object["id"]), also=also):
            return True
        return await _alone(also)

    return effect


def _on_payout(event: Event) -> Effect:
    async def effect(also: applying.Also) -> bool:
        if await payees.refresh_payout(str(event.object["id"]), event.account, also=also):
            return True
        return await _alone(also)

    return effect


async def _on_transfer(event: Event) -> Effect | None:
    key = (event.object.get("metadata") or {}).get("order")
    order = await order_by("key", key) if key else None
    if order is None:
        return None

    async def effect(also: applying.Also) -> bool:
        await orders.run_order(order.id)
        return await _alone(also)

    return effect


async def _alone(also: applying.Also) -> bool:
    async with transaction():
        return await also()

"""Agencies' own accounts at Stripe: opened from here, filled in on Stripe's pages, watched here."""

from datetime import UTC, datetime

from core import clock, db, settings, trail
from core.db import transaction
from core.identity import SYSTEM, Identity, Permission
from core.web import url_for
from payments.gateway import client
from payments.gateway.client import Body, StripeOff
from payments.queries.stripe import PAYEE, PayeeRow, payee_by_stripe, payee_of, payee_row
from payments.rules.stripe import CountryNotServed, payee_countries
from payments.services.stripe import ordering
from payments.services.stripe.applying import Also
from payments.services.stripe.paying import fresh_key


async def open_account(*, actor: Identity, country: str) -> PayeeRow:
    """The actor's organisation wants to be paid through Stripe: a row of ours, once. `CountryNotServed`, `StripeOff`."""
    actor.require(Permission.CONFIRM_PAYMENT)
    known = client.account()
    if known is None:
        raise StripeOff
    if country not in payee_countries(known.country):
        raise CountryNotServed(country=country)
    async with transaction():
        made: int | None = await db.value(
            "insert into payments_stripe_payee (key, organization, account, country, submitted, receives, pays_out, due,"
            " created_at) values ($1, $2, $3, $4, false, false, false, '{}'::text[], $5)"
            " on conflict (organization) do nothing returning id",
            fresh_key("payee"),
            actor.organization_id,
            actor.account_id,
            country,
            clock.now(),
        )
        if made:
            await trail.record(actor, "payee-account.opened", f"payee-account:{made}", after={"country": country})
    found = await payee_of(actor.organization_id)
    assert found is not None
    return found


async def onboarding_page(*, actor: Identity) -> str:
    """The address of Stripe's page on which the actor's organisation tells who it is. `StripeAway`, `StripeRefuses`."""
    actor.require(Permission.CONFIRM_PAYMENT)
    payee = await payee_of(actor.organization_id)
    assert payee is not None
    account = payee.stripe or await _create(payee, actor)
    here = settings.load().address + url_for("payments:stripe-account")
    return await client.gateway().onboarding(account, back=f"{here}?back=1", again=f"{here}?back=0")


async def _create(payee: PayeeRow, actor: Identity) -> str:
    email = await db.value("select email from core_account where id = $1", payee.account_id)
    body = await client.gateway().create_account(
        key=payee.key,
        country=payee.country,
        email=email or "",
        name=actor.organization_name,
        metadata={"payee": payee.key},
    )
    account: str = body["id"]
    await db.execute("update payments_stripe_payee set stripe = $2 where id = $1 and stripe is null", payee.id, account)
    return account


async def refresh_account(stripe: str, *, also: Also | None = None) -> bool:
    """Fetch an account from Stripe and note what it may do; False when `also` said it was done, or it is not ours."""
    body = await client.gateway().account(stripe)
    return await apply_account(body, also=also)


async def apply_account(body: Body, *, also: Also | None = None) -> bool:
    """Note what an account may do; money that waited for it goes on its way."""
    key = (body.get("metadata") or {}).get("payee", "")
    async with transaction():
        row = await db.row(PAYEE + " where y.stripe = $1 or y.key = $2 for update", body["id"], key)
        if row is None or (also is not None and not await also()):
            return False
        payee = payee_row(row)
        due = sorted((body.get("requirements") or {}).get("currently_due") or [])
        receives = (body.get("capabilities") or {}).get("transfers") == "active"
        await db.execute(
            "update payments_stripe_payee set stripe = $2, submitted = $3, receives = $4, pays_out = $5, due = $6,"
            " looked_at = $7 where id = $1",
            payee.id,
            body["id"],
            bool(body["details_submitted"]),
            receives,
            bool(body["payouts_enabled"]),
            due,
            clock.now(),
        )
        if (payee.receives, payee.pays_out) != (receives, bool(body["payouts_enabled"])):
            facts = {"receives": receives, "pays_out": bool(body["payouts_enabled"])}
            await trail.record(SYSTEM, "payee-account.changed", f"payee-account:{payee.id}", after=facts)
        if receives and not payee.receives:
            await _waiting(payee.organization_id)
    return True


async def _waiting(organization_id: int) -> None:
    found = await db.rows(
        "select id from payments_payable where payee = $1 and state = 'captured' order by id", organization_id
    )
    for row in found:
        await ordering.later(row["id"])


async def refresh_payout(given: str, stripe: str, *, also: Also | None = None) -> bool:
    """Note how a payout of a payee to its bank stands. False when it is not ours or done."""
    payee = await payee_by_stripe(stripe)
    if payee is None:
        return False
    body = await client.gateway().payout(given, stripe)
    async with transaction():
        if also is not None and not await also():
            return False
        await db.execute(
            "insert into payments_stripe_payout (payout, payee, amount, currency, status, failure, arrives_at, changed_at)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (payout) do update set status = excluded.status,"
            " failure = excluded.failure, arrives_at = excluded.arrives_at, changed_at = excluded.changed_at",
            body["id"],
            payee.id,
            body["amount"],
            body["currency"],
            body["status"],
            body.get("failure_code") or "",
            datetime.fromtimestamp(body["arrival_date"], UTC) if body.get("arrival_date") else None,
            clock.now(),
        )
    return True

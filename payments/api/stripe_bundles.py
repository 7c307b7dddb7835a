"""Several payables paid on one page of Stripe, for programs: what each way allows, begin, look, give up."""

from decimal import Decimal
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from core import web
from core.forms import Form
from core.identity import Permission
from payments import forms
from payments.gateway import client
from payments.gateway.client import StripeAway, StripeRefuses
from payments.queries import stripe_bundles
from payments.queries.stripe_bundles import BundleRow
from payments.rules.ledger import fen
from payments.rules.stripe_bundle import bundle_offers
from payments.services import stripe
from payments.services.stripe import BundleStart

AnyRequest = Request[Any, Any, Any]
PAYER = [web.requires(Permission.PAY)]


class BundleBody(msgspec.Struct):
    """Which payables, and their sum in yuan as it was seen."""

    payable: list[str]
    amount: str | None = None


@get("/bundles/online", name="api:bundle-ways", guards=PAYER)
async def ways(request: AnyRequest, payable: FromQuery[list[int] | None] = None) -> dict[str, Any]:
    """What each way allows for the sum of these payables; nothing is begun."""
    rows = await stripe.check_bundle(actor=await web.identity_of(request), payable_ids=payable or [])
    account = client.account()
    assert account is not None
    offers = bundle_offers([fen(row.amount) for row in rows], country=account.country)
    return {
        "amount": f"{sum((row.amount for row in rows), Decimal(0)):.2f}",
        "payables": [row.id for row in rows],
        "ways": [
            {"way": one.way.value, "open": one.refused is None, "reason": one.refused.render() if one.refused else None}
            for one in offers
        ],
    }


@post("/bundles/online", name="api:bundle-start", guards=PAYER)
async def start(request: AnyRequest, data: JSONBody[BundleBody]) -> Response[Any]:
    """Begin to pay them at once; then read the bundle, whose `url` is Stripe's page."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> BundleStart:
        seen, chosen = form.money("amount", required=False), forms.parse_parts(form)
        form.finish()
        return await stripe.start_bundle(actor=identity, payable_ids=chosen, seen=seen)

    def show(receipt: BundleStart) -> dict[str, Any]:
        return {
            "bundle": receipt.bundle_id,
            "number": receipt.number,
            "amount": f"{receipt.amount:.2f}",
            "payables": receipt.parts,
            "trail_entry": receipt.entry_id,
        }

    return await web.api_act(request, data, do, show)


@get("/bundles/{bundle_id:int}", name="api:bundle", guards=[web.signed_in])
async def look(request: AnyRequest, bundle_id: FromPath[int]) -> dict[str, Any]:
    """How a bundle stands; opens Stripe's page for it when that has not happened yet."""
    identity = await web.identity_of(request)
    found = await stripe_bundles.bundle(bundle_id, identity)
    try:
        if found.attempt.live:
            await stripe.page_for(found.attempt.id)
            await stripe.refresh(found.attempt.id)
    except (StripeAway, StripeRefuses):
        pass
    return _bundle(await stripe_bundles.bundle(bundle_id, identity))


def _bundle(row: BundleRow) -> dict[str, Any]:
    return {
        "bundle": row.id,
        "number": row.number,
        "amount": f"{row.amount:.2f}",
        "state": row.attempt.state.value,
        "url": row.attempt.url if row.attempt.live else None,
        "parts": [
            {
                "payable": part.payable.id,
                "attempt": part.attempt.id,
                "amount": f"{part.attempt.yuan:.2f}",
                "state": part.payable.state.value,
                "excess": part.attempt.excess,
            }
            for part in row.parts
        ],
    }


@post("/bundles/{bundle_id:int}/give-up", name="api:bundle-give-up", guards=PAYER)
async def give_up(request: AnyRequest, bundle_id: FromPath[int]) -> Response[Any]:
    """Not pay them online after all; the page is closed for all of them."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> int:
        form.finish()
        return await stripe.give_up_bundle(actor=identity, bundle_id=bundle_id)

    return await web.api_act(request, {}, do, lambda entry: {"bundle": bundle_id, "trail_entry": entry})


HANDLERS = [ways, start, look, give_up]

"""Several payables paid on one page of Stripe: choose, see what each way allows for the sum, go there, come back."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from core import web
from core.forms import Form
from core.identity import Permission
from core.web import FormState
from payments import forms
from payments.controllers import words
from payments.controllers.overviews import VOUCHER_BODY, show_bundle
from payments.controllers.stripe import WORDS, bring_up_to_date
from payments.gateway import client
from payments.queries import stripe_bundles
from payments.queries.payables import PayableRow
from payments.rules.ledger import fen
from payments.rules.stripe_bundle import bundle_offers
from payments.services import stripe
from payments.services.stripe import BundleStart

AnyRequest = Request[Any, Any, Any]
PAYER = [web.requires(Permission.PAY)]


@post("/payments/bundle/choose", name="payments:bundle-choose", guards=PAYER, request_max_body_size=VOUCHER_BODY)
async def choose(request: AnyRequest) -> Response[Any]:
    """Whether what was ticked may be paid together; nothing is written."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> list[PayableRow]:
        return await stripe.check_bundle(actor=identity, payable_ids=forms.parse_parts(form))

    def done(rows: list[PayableRow]) -> Response[None]:
        return web.redirect("payments:bundle-online", payable=[row.id for row in rows])

    return await web.act(request, do, done, lambda form: show_bundle(request, form), once=False)


@get("/payments/bundle/online", name="payments:bundle-online", guards=PAYER)
async def review_page(request: AnyRequest, payable: FromQuery[list[int] | None] = None) -> Response[Any]:
    """The sum, its parts and payees, and what each way allows for it, before the button."""
    return await _review(request, payable or [])


async def _review(request: AnyRequest, payable_ids: Sequence[int], form: FormState | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    rows = await stripe.check_bundle(actor=identity, payable_ids=payable_ids)
    account = client.account()
    assert account is not None
    return await web.page(
        request,
        "payments/bundle_online.html",
        **words.WORDS | WORDS,
        form=form,
        rows=rows,
        total=sum((row.amount for row in rows), Decimal(0)),
        offers=bundle_offers([fen(row.amount) for row in rows], country=account.country),
        currency=account.currency.upper(),
    )


@post("/payments/bundle/online", name="payments:bundle-start", guards=PAYER)
async def start(request: AnyRequest) -> Response[Any]:
    """The payer presses the button."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> BundleStart:
        seen, chosen = form.money("amount", required=False), forms.parse_parts(form)
        form.finish()
        return await stripe.start_bundle(actor=identity, payable_ids=chosen, seen=seen)

    def done(receipt: BundleStart) -> Response[None]:
        return web.redirect("payments:bundle-attempt", bundle_id=receipt.bundle_id)

    return await web.act(request, do, done, lambda form: show_bundle(request, form))


@get("/payments/bundles/{bundle_id:int}", name="payments:bundle-attempt", guards=[web.signed_in])
async def bundle_page(
    request: AnyRequest, bundle_id: FromPath[int], back: FromQuery[int | None] = None
) -> Response[Any]:
    """On the way to Stripe, or back from it: how the bundle stands and what became of each part."""
    return await _show(request, bundle_id, back)


async def _show(request: AnyRequest, bundle_id: int, back: int | None, form: FormState | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    found = await stripe_bundles.bundle(bundle_id, identity)
    problem = await bring_up_to_date(found.attempt, back is not None or form is not None)
    found = await stripe_bundles.bundle(bundle_id, identity)
    attempt, mine = found.attempt, found.is_payer(identity)
    going = attempt.live and back is None and form is None and bool(attempt.url) and mine
    response = await web.page(
        request,
        "payments/bundle_attempt.html",
        **words.WORDS | WORDS,
        form=form,
        bundle=found,
        attempt=attempt,
        going=going,
        mine=mine,
        cancelled=back == 0,
        problem=problem,
    )
    if going:
        response.headers["refresh"] = f"0; url={attempt.url}"
    elif attempt.live and back != 0 and form is None:
        response.headers["refresh"] = "4"
    return response


@post("/payments/bundles/{bundle_id:int}/give-up", name="payments:bundle-give-up", guards=PAYER)
async def give_up(request: AnyRequest, bundle_id: FromPath[int]) -> Response[Any]:
    """The payer will not pay the bundle online after all."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> int:
        form.finish()
        return await stripe.give_up_bundle(actor=identity, bundle_id=bundle_id)

    def done(_entry: int) -> Response[None]:
        return web.redirect("payments:bundle-attempt", bundle_id=bundle_id, back=0)

    return await web.act(request, do, done, lambda form: _show(request, bundle_id, 0, form))


HANDLERS = [choose, review_page, start, bundle_page, give_up]

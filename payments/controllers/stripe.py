"""Paying through Stripe as people see it: the button, the page one comes back to, holds, refunds, disputes, payouts."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from babel import Locale
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from core import clock, web
from core.errors import DomainError
from core.forms import Form
from core.i18n import _, language
from core.identity import Identity, Permission
from core.web import FormState
from payments import forms, queries
from payments.controllers.acts import Act, act_on_payable
from payments.forms import stripe as stripe_forms
from payments.gateway import client
from payments.gateway.client import StripeAway, StripeRefuses
from payments.queries import stripe as known
from payments.queries.payables import PayableRow
from payments.rules import KIND_TITLES, PAYABLE_STATE_TITLES
from payments.rules.ledger import fen
from payments.rules.stripe import (
    ATTEMPT_TITLES,
    DISPUTE_TITLES,
    ORDER_STATE_TITLES,
    ORDER_TITLES,
    REASON_TITLES,
    REFUND_REASON_TITLES,
    WAY_TITLES,
    AttemptState,
    Offer,
    OrderKind,
    OrderState,
    offers,
    payee_countries,
)
from payments.services import stripe
from payments.services.moving import PaymentReceipt
from payments.services.stripe import AttemptReceipt, payees

AnyRequest = Request[Any, Any, Any]
LOOK_AGAIN = timedelta(seconds=3)
WORDS: dict[str, Any] = {
    "attempt_titles": ATTEMPT_TITLES,
    "order_titles": ORDER_TITLES,
    "order_state_titles": ORDER_STATE_TITLES,
    "way_titles": WAY_TITLES,
    "dispute_titles": DISPUTE_TITLES,
    "reason_titles": REASON_TITLES,
    "refund_reasons": REFUND_REASON_TITLES,
    "kind_titles": KIND_TITLES,
    "state_titles": PAYABLE_STATE_TITLES,
}


async def panel(row: PayableRow, identity: Identity) -> dict[str, Any] | None:
    """What the page of a payable says about Stripe; None where there is no Stripe and never was."""
    account = client.account()
    attempts = await known.attempts(row.id)
    if account is None and not attempts:
        return None
    orders = await known.orders(row.id)
    may_order = row.is_payee(identity) or identity.may(Permission.HOLD_PAYMENT)
    held = next((one for one in attempts if one.state is AttemptState.HELD and not one.excess), None)
    return WORDS | {
        "on": account is not None,
        "currency": account.currency.upper() if account else "",
        "offers": _offers(row, hold=False),
        "hold_offers": _offers(row, hold=True) if row.is_bond else (),
        "may_start": account is not None and row.payer_turn and row.is_payer(identity) and not row.on_hold,
        "attempts": attempts,
        "orders": orders,
        "disputes": await known.disputes(row.id),
        "failures": await known.refund_failures(row.id),
        "may_retry": may_order,
        "held": held,
        "may_capture": held is not None and may_order and row.released_at is None and row.forfeited_at is None,
        "may_refund": may_order and row.state.value == "captured" and row.position.held > 0,
        "may_reverse": identity.may(Permission.HOLD_PAYMENT) and row.position.reversible > 0 and _sent(orders),
        "may_answer": may_order,
        "may_concede_all": identity.may(Permission.HOLD_PAYMENT),
    }


def _sent(orders: list[known.OrderRow]) -> bool:
    """Whether there is a transfer at Stripe that may be taken back."""
    return any(one.kind is OrderKind.TRANSFER and one.state is OrderState.DONE for one in orders)


def _offers(row: PayableRow, *, hold: bool) -> tuple[Offer, ...]:
    account = client.account()
    return offers(fen(row.amount), hold=hold, country=account.country) if account else ()


@post("/payments/{payable_id:int}/stripe", name="payments:stripe-start", guards=[web.requires(Permission.PAY)])
async def start(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The payer presses the button."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> AttemptReceipt:
        return await stripe.start_payment(
            actor=identity, payable_id=payable_id, hold=form.flag("hold"), version=forms.version_of(form)
        )

    def done(receipt: AttemptReceipt) -> Response[None]:
        return web.redirect("payments:stripe-attempt", payable_id=payable_id, attempt_id=receipt.attempt_id)

    return await web.act(request, do, done, lambda form: _again(request, payable_id, form))


async def _again(request: AnyRequest, payable_id: int, form: FormState) -> Response[Any]:
    from payments.controllers.payables import show_payable

    return await show_payable(request, payable_id, form)


@get("/payments/{payable_id:int}/stripe/{attempt_id:int}", name="payments:stripe-attempt", guards=[web.signed_in])
async def attempt_page(
    request: AnyRequest, payable_id: FromPath[int], attempt_id: FromPath[int], back: FromQuery[int | None] = None
) -> Response[Any]:
    """On the way to Stripe, or back from it: the page asks Stripe itself until it knows, and reloads meanwhile."""
    identity = await web.identity_of(request)
    attempt = await known.attempt_of(payable_id, attempt_id, identity)
    row = await queries.payable(payable_id, identity)
    if attempt.bundle_id is not None and row.is_payer(identity):
        back = 0 if attempt.live else 1  # never led on to a page with another sum than the one that was pressed
        return web.redirect("payments:bundle-attempt", bundle_id=attempt.bundle_id, back=back)
    problem = await bring_up_to_date(attempt, back is not None)
    attempt = await known.attempt_of(payable_id, attempt_id, identity)
    row = await queries.payable(payable_id, identity)
    going = attempt.live and back is None and bool(attempt.url) and row.is_payer(identity)
    response = await web.page(
        request,
        "payments/stripe_attempt.html",
        **WORDS,
        attempt=attempt,
        payable=row,
        going=going,
        mine=row.is_payer(identity),
        cancelled=back == 0,
        problem=problem,
    )
    if going:
        response.headers["refresh"] = f"0; url={attempt.url}"
    elif attempt.live and back != 0:
        response.headers["refresh"] = "4"
    return response


async def bring_up_to_date(attempt: known.AttemptRow, came_back: bool) -> str | None:
    """Open the page or ask Stripe how it stands, at most every few seconds; what went wrong, in words."""
    try:
        await stripe.run_waiting(attempt.id)
        if attempt.live and not came_back:
            await stripe.page_for(attempt.id)
        elif _worth_asking(attempt):
            await stripe.refresh(attempt.id)
    except (StripeAway, StripeRefuses) as fault:
        return fault.message()
    return None


@post(
    "/payments/{payable_id:int}/stripe/{attempt_id:int}/give-up",
    name="payments:stripe-give-up",
    guards=[web.requires(Permission.PAY)],
)
async def give_up(request: AnyRequest, payable_id: FromPath[int], attempt_id: FromPath[int]) -> Response[Any]:
    """The payer will not pay online after all."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        form.finish()
        return await stripe.give_up(actor=identity, payable_id=payable_id, attempt_id=attempt_id)

    return await act_on_payable(request, payable_id, do, to="payments:stripe-attempt", attempt_id=attempt_id, back=0)


def _worth_asking(attempt: known.AttemptRow) -> bool:
    fresh = attempt.looked_at is not None and clock.now() - attempt.looked_at <= LOOK_AGAIN
    return not fresh and (attempt.live or attempt.state is AttemptState.HELD)


ORDERS = [web.signed_in]


@post("/payments/{payable_id:int}/capture", name="payments:stripe-capture", guards=ORDERS)
async def capture(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The holder takes a held bond, or a part of it."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        amount, reason = stripe_forms.parse_order(form, "take_")
        return await stripe.capture_bond(actor=identity, payable_id=payable_id, amount=amount, reason=reason)

    return await _ordered(request, payable_id, do)


@post("/payments/{payable_id:int}/refund", name="payments:stripe-refund", guards=ORDERS)
async def refund(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The payee agrees to give back, or the regulator orders it."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        amount, reason = stripe_forms.parse_order(form, "back_")
        return await stripe.refund(actor=identity, payable_id=payable_id, amount=amount, reason=reason)

    return await _ordered(request, payable_id, do)


@post(
    "/payments/{payable_id:int}/reverse", name="payments:stripe-reverse", guards=[web.requires(Permission.HOLD_PAYMENT)]
)
async def reverse(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The regulator takes a payout back."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        return await stripe.reverse_payout(
            actor=identity, payable_id=payable_id, reason=stripe_forms.parse_text(form, "undo_")
        )

    return await _ordered(request, payable_id, do)


@post("/payments/{payable_id:int}/disputes/{dispute_id:int}", name="payments:stripe-dispute", guards=ORDERS)
async def dispute(request: AnyRequest, payable_id: FromPath[int], dispute_id: FromPath[int]) -> Response[Any]:
    """Hand evidence in, or give the dispute up."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        text = stripe_forms.parse_text(form, f"case{dispute_id}_")
        if form.flag(f"case{dispute_id}_concede"):
            return await stripe.concede_dispute(actor=identity, dispute_id=dispute_id, reason=text)
        return await stripe.answer_dispute(actor=identity, dispute_id=dispute_id, text=text)

    return await _ordered(request, payable_id, do)


@post("/payments/{payable_id:int}/refunds/{failure_id:int}", name="payments:stripe-refund-again", guards=ORDERS)
async def refund_again(request: AnyRequest, payable_id: FromPath[int], failure_id: FromPath[int]) -> Response[Any]:
    """Make a refund again that came back."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        form.finish()
        return await stripe.retry_refund(actor=identity, payable_id=payable_id, failure_id=failure_id)

    return await _ordered(request, payable_id, do)


async def _ordered(request: AnyRequest, payable_id: int, do: Act) -> Response[Any]:
    return await act_on_payable(request, payable_id, do, _("已受理，正在交 Stripe 办理。"))


# ---- accounts of agencies
@get("/my/payout-account", name="payments:stripe-account", guards=[web.requires(Permission.CONFIRM_PAYMENT)])
async def account_page(request: AnyRequest, back: FromQuery[int | None] = None) -> Response[Any]:
    """My organisation's account at Stripe: what is missing, what was passed on, what is on its way to the bank."""
    return await _account(request, back=back)


async def _account(request: AnyRequest, form: FormState | None = None, back: int | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    payee, problem = await known.payee_of(identity.organization_id), None
    if back is not None and payee is not None and payee.stripe is not None:
        try:
            await stripe.refresh_account(payee.stripe)
        except DomainError as fault:
            problem = fault.message()
        payee = await known.payee_of(identity.organization_id)
    account = client.account()
    countries = _named(payee_countries(account.country)) if account else []
    return await web.page(
        request,
        "payments/stripe_account.html",
        **WORDS,
        form=form,
        payee=payee,
        problem=problem,
        on=account is not None,
        currency=account.currency.upper() if account else "",
        countries=[name for _code, name in countries],
        country_options=countries,
        transferred=await known.transferred(identity.organization_id),
        payouts=await known.payouts(payee.id) if payee else [],
    )


def _named(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Countries and regions with their names in the reader's language, in the order of their codes."""
    names = Locale.parse(language()).territories
    return [(code, f"{code} {names.get(code, '')}".strip()) for code in sorted(codes)]


@post("/my/payout-account", name="payments:stripe-open", guards=[web.requires(Permission.CONFIRM_PAYMENT)])
async def open_account(request: AnyRequest) -> Response[Any]:
    """The agency wants to be paid through Stripe."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> known.PayeeRow:
        country = form.text("country", max_length=2).upper()
        form.finish()
        return await stripe.open_account(actor=identity, country=country)

    def done(_payee: known.PayeeRow) -> Response[None]:
        return web.redirect("payments:stripe-onboarding")

    return await web.act(request, do, done, lambda form: _account(request, form))


@get("/my/payout-account/stripe", name="payments:stripe-onboarding", guards=[web.requires(Permission.CONFIRM_PAYMENT)])
async def onboarding(request: AnyRequest) -> Response[Any]:
    """On the way to Stripe's own form, whose address is good once and for minutes."""
    identity = await web.identity_of(request)
    if await known.payee_of(identity.organization_id) is None:
        return web.redirect("payments:stripe-account")
    try:
        address, problem = await payees.onboarding_page(actor=identity), None
    except (StripeAway, StripeRefuses) as fault:
        address, problem = None, fault.message()
    response = await web.page(request, "payments/stripe_onboarding.html", address=address, problem=problem)
    if address:
        response.headers["refresh"] = f"0; url={address}"
    return response


# ---- whoever runs the platform
@get("/payments/stripe", name="payments:stripe", guards=[web.requires(Permission.WATCH_PAYMENTS)])
async def desk(request: AnyRequest) -> Response[Any]:
    """What waits at Stripe, disputes, and how our books compare with Stripe's."""
    return await _desk(request)


async def _desk(request: AnyRequest, form: FormState | None = None) -> Response[Any]:
    return await web.page(
        request,
        "payments/stripe_desk.html",
        **WORDS,
        form=form,
        on=client.account() is not None,
        troubles=await known.troubles(),
        disputes=await known.disputes(),
        checks=await known.checks(),
    )


@post("/payments/stripe/reconcile", name="payments:stripe-reconcile", guards=[web.requires(Permission.WATCH_PAYMENTS)])
async def reconcile(request: AnyRequest) -> Response[Any]:
    """Compare now. Not inside the form's transaction: it makes many calls and books what it finds one by one."""

    async def do(form: Form) -> stripe.Report:
        form.finish()
        return await stripe.reconcile()

    def done(report: stripe.Report) -> Response[None]:
        say = _("对账完成，没有差异。") if report.clean else _("对账完成，有差异，见下表。")
        return web.redirect("payments:stripe", say=say)

    return await web.act(request, do, done, lambda form: _desk(request, form), once=False)


HANDLERS = [
    start,
    attempt_page,
    give_up,
    capture,
    refund,
    refund_again,
    reverse,
    dispute,
    account_page,
    open_account,
    onboarding,
    desk,
    reconcile,
]

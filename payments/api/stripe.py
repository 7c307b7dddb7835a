"""Paying through Stripe for programs: begin, look, take, refund, answer a dispute; accounts; the comparison of the books."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from core import web
from core.forms import Form
from core.identity import Permission
from payments import forms, queries
from payments.forms import stripe as stripe_forms
from payments.gateway.client import StripeAway, StripeRefuses
from payments.queries import stripe as known
from payments.services import stripe
from payments.services.moving import PaymentReceipt
from payments.services.stripe import AttemptReceipt

AnyRequest = Request[Any, Any, Any]
ORDERS = [web.signed_in]


def _attempt(row: known.AttemptRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "payable": row.payable_id,
        "bundle": row.bundle_id,
        "hold": row.hold,
        "amount": f"{row.yuan:.2f}",
        "state": row.state.value,
        "way": row.way or None,
        "url": row.url if row.live and row.bundle_id is None else None,
        "held_until": row.held_until.isoformat() if row.held_until else None,
        "excess": row.excess,
        "problem": row.problem or None,
    }


class StartBody(msgspec.Struct):
    """Whether a bond is only to be held, and the version that was seen."""

    hold: bool = False
    version: int | None = None


class OrderBody(msgspec.Struct):
    """How much in yuan, and why."""

    amount: str
    reason: str


class ReasonBody(msgspec.Struct):
    """Why."""

    reason: str


class DisputeBody(msgspec.Struct):
    """Evidence, or the words with which a dispute is accepted."""

    reason: str
    concede: bool = False


class AccountBody(msgspec.Struct):
    """Where the payee is established, two letters."""

    country: str


@post("/payables/{payable_id:int}/stripe", name="api:stripe-start", guards=[web.requires(Permission.PAY)])
async def start(request: AnyRequest, payable_id: FromPath[int], data: JSONBody[StartBody]) -> Response[Any]:
    """Begin to pay; then read the attempt, whose `url` is Stripe's page."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> AttemptReceipt:
        return await stripe.start_payment(
            actor=identity, payable_id=payable_id, hold=form.flag("hold"), version=forms.version_of(form)
        )

    def show(receipt: AttemptReceipt) -> dict[str, Any]:
        return {"attempt": receipt.attempt_id, "payable": receipt.payable_id, "hold": receipt.hold}

    return await web.api_act(request, data, do, show)


@get("/payables/{payable_id:int}/stripe/{attempt_id:int}", name="api:stripe-attempt", guards=[web.signed_in])
async def attempt(request: AnyRequest, payable_id: FromPath[int], attempt_id: FromPath[int]) -> dict[str, Any]:
    """How an attempt stands; opens Stripe's page for it when that has not happened yet."""
    identity = await web.identity_of(request)
    row = await known.attempt_of(payable_id, attempt_id, identity)
    try:
        if row.live:
            row = await stripe.page_for(attempt_id)
            await stripe.refresh(attempt_id)
    except (StripeAway, StripeRefuses):
        pass
    return _attempt(await known.attempt_of(payable_id, attempt_id, identity))


@post(
    "/payables/{payable_id:int}/stripe/{attempt_id:int}/give-up",
    name="api:stripe-give-up",
    guards=[web.requires(Permission.PAY)],
)
async def give_up(request: AnyRequest, payable_id: FromPath[int], attempt_id: FromPath[int]) -> Response[Any]:
    """Not pay online after all; the page is closed and the payable may be paid by bank."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        form.finish()
        return await stripe.give_up(actor=identity, payable_id=payable_id, attempt_id=attempt_id)

    return await web.api_act(request, {}, do, _receipt)


@get("/payables/{payable_id:int}/stripe", name="api:stripe-attempts", guards=[web.signed_in])
async def attempts(request: AnyRequest, payable_id: FromPath[int]) -> dict[str, Any]:
    """Every attempt, order and dispute of a payable of one's own."""
    await queries.payable(payable_id, await web.identity_of(request))
    return {
        "attempts": [_attempt(row) for row in await known.attempts(payable_id)],
        "orders": [
            {"id": one.id, "kind": one.kind.value, "amount": f"{one.yuan:.2f}", "state": one.state.value}
            for one in await known.orders(payable_id)
        ],
        "disputes": [
            {"id": one.id, "amount": f"{one.yuan:.2f}", "reason": one.reason, "status": one.status}
            for one in await known.disputes(payable_id)
        ],
        "refund_failures": [
            {
                "id": one.id,
                "amount": f"{one.yuan:.2f}",
                "reason": one.reason,
                "failed_at": one.failed_at.isoformat(),
                "settled_at": one.settled_at.isoformat() if one.settled_at else None,
            }
            for one in await known.refund_failures(payable_id)
        ],
    }


def _receipt(receipt: PaymentReceipt) -> dict[str, Any]:
    return {
        "payable": receipt.payable_id,
        "state": receipt.state.value,
        "version": receipt.version,
        "trail_entry": receipt.entry_id,
    }


@post("/payables/{payable_id:int}/capture", name="api:stripe-capture", guards=ORDERS)
async def capture(request: AnyRequest, payable_id: FromPath[int], data: JSONBody[OrderBody]) -> Response[Any]:
    """Take a held bond, or a part of it."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        amount, reason = stripe_forms.parse_order(form)
        return await stripe.capture_bond(actor=identity, payable_id=payable_id, amount=amount, reason=reason)

    return await web.api_act(request, data, do, _receipt)


@post("/payables/{payable_id:int}/refund", name="api:stripe-refund", guards=ORDERS)
async def refund(request: AnyRequest, payable_id: FromPath[int], data: JSONBody[OrderBody]) -> Response[Any]:
    """Give back to the payer."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        amount, reason = stripe_forms.parse_order(form)
        return await stripe.refund(actor=identity, payable_id=payable_id, amount=amount, reason=reason)

    return await web.api_act(request, data, do, _receipt)


@post("/payables/{payable_id:int}/refunds/{failure_id:int}", name="api:stripe-refund-again", guards=ORDERS)
async def refund_again(request: AnyRequest, payable_id: FromPath[int], failure_id: FromPath[int]) -> Response[Any]:
    """Make a refund again that came back (one of `refund_failures`)."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        form.finish()
        return await stripe.retry_refund(actor=identity, payable_id=payable_id, failure_id=failure_id)

    return await web.api_act(request, {}, do, _receipt)


@post("/payables/{payable_id:int}/reverse", name="api:stripe-reverse", guards=[web.requires(Permission.HOLD_PAYMENT)])
async def reverse(request: AnyRequest, payable_id: FromPath[int], data: JSONBody[ReasonBody]) -> Response[Any]:
    """Take a payout back."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        text = stripe_forms.parse_text(form)
        return await stripe.reverse_payout(actor=identity, payable_id=payable_id, reason=text)

    return await web.api_act(request, data, do, _receipt)


@post("/payment-disputes/{dispute_id:int}", name="api:stripe-dispute", guards=ORDERS)
async def dispute(request: AnyRequest, dispute_id: FromPath[int], data: JSONBody[DisputeBody]) -> Response[Any]:
    """Hand evidence in, or accept the dispute."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        text = stripe_forms.parse_text(form)
        if form.flag("concede"):
            return await stripe.concede_dispute(actor=identity, dispute_id=dispute_id, reason=text)
        return await stripe.answer_dispute(actor=identity, dispute_id=dispute_id, text=text)

    return await web.api_act(request, data, do, _receipt)


def _payee(row: known.PayeeRow | None) -> dict[str, Any]:
    if row is None:
        return {"open": False}
    return {
        "open": True,
        "country": row.country,
        "submitted": row.submitted,
        "receives": row.receives,
        "pays_out": row.pays_out,
        "due": list(row.due),
    }


@get("/payout-account", name="api:stripe-account", guards=[web.requires(Permission.CONFIRM_PAYMENT)])
async def account(request: AnyRequest) -> dict[str, Any]:
    """How one's own account at Stripe stands."""
    return _payee(await known.payee_of((await web.identity_of(request)).organization_id))


@post("/payout-account", name="api:stripe-open", guards=[web.requires(Permission.CONFIRM_PAYMENT)])
async def open_account(request: AnyRequest, data: JSONBody[AccountBody]) -> Response[Any]:
    """Ask for an account; Stripe's form is filled in by a person on the page."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> known.PayeeRow:
        country = form.text("country", max_length=2).upper()
        form.finish()
        return await stripe.open_account(actor=identity, country=country)

    return await web.api_act(request, data, do, _payee)


@get("/payments/reconciliations", name="api:stripe-checks", guards=[web.requires(Permission.WATCH_PAYMENTS)])
async def checks() -> dict[str, Any]:
    """Comparisons of our books with Stripe's, newest first; amounts in cents of `currency`."""
    return {"items": [_check(one) for one in await known.checks()]}


def _check(one: known.CheckRow) -> dict[str, Any]:
    return {
        "id": one.id,
        "made_at": one.made_at.isoformat(),
        "lines": one.lines,
        "matched": one.matched,
        "ours": one.ours,
        "theirs": one.theirs,
        "currency": one.currency,
        "clean": one.clean,
        "differences": list(one.differences),
    }


@post("/payments/reconciliations", name="api:stripe-reconcile", guards=[web.requires(Permission.WATCH_PAYMENTS)])
async def reconcile(request: AnyRequest) -> Response[Any]:
    """Compare now, and say what was found. Not inside one transaction: it makes many calls and books one by one."""

    async def do(form: Form) -> known.CheckRow:
        form.finish()
        await stripe.reconcile()
        (made,) = await known.checks(limit=1)
        return made

    return await web.api_act(request, {}, do, _check, once=False)


HANDLERS = [
    reconcile,
    start,
    attempt,
    give_up,
    attempts,
    capture,
    refund,
    refund_again,
    reverse,
    dispute,
    account,
    open_account,
    checks,
]

"""Overviews: bonds and why, what is coming in, several payables paid at once, and the finance desk of the platform."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromQuery

from core import clock, web
from core.forms import Form
from core.i18n import _
from core.identity import Permission
from core.web import FormState
from core.web.pages import decode_cursor, encode_cursor
from payments import forms, queries, services
from payments.controllers.words import WORDS
from payments.gateway.client import account
from payments.queries import finance
from payments.rules import PayableState
from payments.services.bundles import MOST, BundleReceipt

AnyRequest = Request[Any, Any, Any]
PAGE = 50
VOUCHER_BODY = 12 * 1024 * 1024
PARTY = [web.requires(Permission.PAY)]


@get("/payments/bonds", name="payments:bonds", guards=PARTY)
async def bonds_page(request: AnyRequest) -> Response[Any]:
    """Every bond my organisation lodged or holds: how much, by which share, where it is, why it went."""
    identity = await web.identity_of(request)
    return await web.page(request, "payments/bonds.html", **WORDS, lines=await finance.bonds(identity))


@get("/payments/incoming", name="payments:incoming", guards=PARTY)
async def incoming_page(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """Where the money is that my organisation is to receive, and which invoices are on record."""
    identity = await web.identity_of(request)
    before = decode_cursor(cursor)
    lines = await finance.incoming(identity, before=before if isinstance(before, int) else None, limit=PAGE + 1)
    return await web.page(
        request,
        "payments/incoming.html",
        **WORDS,
        lines=lines[:PAGE],
        next=encode_cursor(lines[PAGE - 1].row.id) if len(lines) > PAGE else None,
    )


@get("/payments/bundle", name="payments:bundle", guards=PARTY)
async def bundle_page(request: AnyRequest) -> Response[Any]:
    """Choose several payables and pay them by one transfer."""
    return await show_bundle(request)


async def show_bundle(request: AnyRequest, form: FormState | None = None) -> Response[Any]:
    """The page on which a bundle is chosen, also after a refused form."""
    identity = await web.identity_of(request)
    due = await queries.my_payables(identity, state=PayableState.DUE, limit=MOST * 2)
    rows = [row for row in due if row.is_payer(identity) and not row.on_hold]
    return await web.page(
        request,
        "payments/bundle.html",
        **WORDS,
        form=form,
        rows=rows,
        today=clock.today(),
        most=MOST,
        online=account() is not None,
    )


@post("/payments/bundle", name="payments:bundle-pay", guards=PARTY, request_max_body_size=VOUCHER_BODY)
async def bundle_pay(request: AnyRequest) -> Response[Any]:
    """One voucher for all of them."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> BundleReceipt:
        return await services.pay_bundle(
            actor=identity, payable_ids=forms.parse_parts(form), draft=forms.parse_voucher(form)
        )

    def done(receipt: BundleReceipt) -> Response[None]:
        say = _("合并付款 %(number)s 已登记：%(n)s 笔，各收款方分别确认。") % {
            "number": receipt.number,
            "n": len(receipt.parts),
        }
        return web.redirect("payments:list", say=say)

    return await web.act(request, do, done, lambda form: show_bundle(request, form))


@get("/payments/desk", name="payments:desk", guards=[web.requires(Permission.WATCH_PAYMENTS)])
async def desk_page(request: AnyRequest) -> Response[Any]:
    """The finance desk: what is out of order first, then the sums and the latest proof of the books."""
    return await web.page(
        request,
        "payments/desk.html",
        **WORDS,
        troubles=await finance.troubles(),
        sums=await finance.state_sums(),
        audit=await finance.latest_audit(),
    )


@get("/payments/review-cost", name="payments:review-cost", guards=[web.requires(Permission.ASSIGN_REVIEW)])
async def review_cost_page(request: AnyRequest) -> Response[Any]:
    """A department takes over the cost of a review it orders."""
    return await _review_cost(request)


async def _review_cost(request: AnyRequest, form: FormState | None = None) -> Response[Any]:
    return await web.page(request, "payments/review_cost.html", form=form)


@post("/payments/review-cost", name="payments:review-cost-ask", guards=[web.requires(Permission.ASSIGN_REVIEW)])
async def review_cost_ask(request: AnyRequest) -> Response[Any]:
    """The department owes it; whom else one might name does not matter."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> int:
        said = forms.parse_review_cost(form)
        return await services.ask_review_cost(
            actor=identity,
            payee_uscc=said.payee_uscc,
            reference=said.reference,
            amount=said.amount,
            title=said.title,
            due_on=said.due_on,
        )

    def done(payable_id: int) -> Response[None]:
        return web.redirect("payments:payable", payable_id=payable_id, say=_("已登记，由本部门承担。"))

    return await web.act(request, do, done, lambda form: _review_cost(request, form))


HANDLERS = [
    bonds_page,
    incoming_page,
    bundle_page,
    bundle_pay,
    desk_page,
    review_cost_page,
    review_cost_ask,
]

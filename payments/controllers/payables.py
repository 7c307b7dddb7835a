"""My payables, one payable with its voucher, the receipt."""

from typing import Any

import anyio
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from core import clock, files, trail, web, workdays
from core.forms import Form
from core.i18n import N_, _
from core.identity import Identity, Permission
from core.trail.queries import timeline
from core.web import FormState
from core.web.pages import decode_cursor, encode_cursor
from payments import forms, papers, queries, services
from payments.controllers import custody, stripe
from payments.controllers.acts import act_on_payable
from payments.controllers.words import WORDS
from payments.queries import PayableRow, finance
from payments.rules import CONFIRM_WORKDAYS, OPEN, PayableState
from payments.rules.custody import FORFEITABLE
from payments.services import PaymentReceipt
from payments.services.bonds import ONLINE, may_release
from payments.services.invoices import NOT_INVOICED
from payments.services.payouts import payout_bar

AnyRequest = Request[Any, Any, Any]
PAGE = 20
VOUCHER_BODY = 12 * 1024 * 1024
VOUCHER_STATES = frozenset({PayableState.DUE, PayableState.CONTESTED, PayableState.EXPIRED})
KEEPABLE = FORFEITABLE - {PayableState.AUTHORISED}
"""Bonds that are forfeited by this page's own form; a hold on a card has the form that charges it."""
RELEASABLE = ONLINE | {PayableState.CONFIRMED}


@get("/payments", name="payments:list", guards=[web.signed_in])
async def list_page(
    request: AnyRequest, status: FromQuery[str | None] = None, cursor: FromQuery[str | None] = None
) -> Response[Any]:
    """What my organisation owes and is owed."""
    identity = await web.identity_of(request)
    before = decode_cursor(cursor)
    wanted = forms.read_state(status)
    rows = await queries.my_payables(
        identity, state=wanted, limit=PAGE + 1, before=before if isinstance(before, int) else None
    )
    return await web.page(
        request,
        "payments/list.html",
        **WORDS,
        rows=rows[:PAGE],
        next=encode_cursor(rows[PAGE - 1].id) if len(rows) > PAGE else None,
        wanted=wanted,
        states=await queries.my_states(identity),
        sums=await queries.sums(identity),
    )


@get("/payments/{payable_id:int}", name="payments:payable", guards=[web.signed_in])
async def payable_page(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """One payable: the facts, what one can do now, what has happened."""
    return await show_payable(request, payable_id)


async def show_payable(request: AnyRequest, payable_id: int, form: FormState | None = None) -> Response[Any]:
    """The page of a payable, also after a refused form of another controller."""
    identity = await web.identity_of(request)
    row = await queries.payable(payable_id, identity)
    attempts = await queries.transfers(payable_id)
    fee = not (row.is_bond or row.is_return)
    bond_open = row.is_bond and row.released_at is None and row.forfeited_at is None and may_release(row, identity)
    return await web.page(
        request,
        "payments/payable.html",
        **WORDS,
        form=form,
        payable=row,
        transfers=attempts,
        may_pay=row.state in VOUCHER_STATES and row.is_payer(identity) and not row.on_hold,
        may_hold=identity.may(Permission.HOLD_PAYMENT) and (row.on_hold or row.state in OPEN),
        may_release=bond_open and row.state in RELEASABLE,
        may_forfeit=bond_open and row.state in KEEPABLE,
        may_invoice=fee and row.is_payee(identity) and row.state not in NOT_INVOICED,
        invoices=await finance.invoices(payable_id),
        may_confirm=row.payee_turn and row.is_payee(identity),
        may_find=row.state is PayableState.CONTESTED and row.is_payee(identity),
        stopped=await _stopped(row),
        entries=await timeline(f"payable:{payable_id}"),
        now_box=await _now_box(row, attempts),
        today=clock.today(),
        stripe=await stripe.panel(row, identity),
        custody=await custody.panel(row, identity),
    )


async def _stopped(row: PayableRow) -> str | None:
    """Why money that is kept does not go on to the payee now, beside a hold, which the page says already."""
    if row.state is not PayableState.CAPTURED or row.is_bond or row.on_hold:
        return None
    bar = await payout_bar(row)
    return bar.message() if bar else None


async def _now_box(row: PayableRow, attempts: list[queries.TransferRow]) -> dict[str, Any] | None:
    if row.payer_turn:
        title = N_("核对并重新登记凭证") if row.state is PayableState.CONTESTED else N_("等待付款")
        until = clock.end_of_day(row.due_on)
        return {"title": _(title), "holder": _(N_("付款方")), "n": None, "of": None, "until": until, "note": None}
    if not row.payee_turn or not attempts:
        return None
    calendar = await workdays.calendar()
    since = attempts[-1].submitted_at
    return {
        "title": _(N_("等待确认收款")),
        "holder": _(N_("收款方")),
        "n": max(1, calendar.count(clock.shanghai(since).date(), clock.today())),
        "of": CONFIRM_WORKDAYS,
        "until": calendar.due_at(since, CONFIRM_WORKDAYS),
        "note": None,
    }


@post(
    "/payments/{payable_id:int}/voucher",
    name="payments:voucher",
    guards=[web.requires(Permission.PAY)],
    request_max_body_size=VOUCHER_BODY,
)
async def voucher(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The payer says it has paid."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        return await services.submit_voucher(
            actor=identity,
            payable_id=payable_id,
            draft=forms.parse_voucher(form),
            version=forms.version_of(form),
        )

    return await act_on_payable(request, payable_id, do, _("已登记，收款方确认后即结清。"))


@post(
    "/payments/{payable_id:int}/confirm",
    name="payments:confirm",
    guards=[web.requires(Permission.CONFIRM_PAYMENT)],
)
async def confirm(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The payee confirms the money."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        return await services.confirm_receipt(actor=identity, payable_id=payable_id, version=forms.version_of(form))

    return await act_on_payable(request, payable_id, do, to="payments:receipt")


@post(
    "/payments/{payable_id:int}/contest",
    name="payments:contest",
    guards=[web.requires(Permission.CONFIRM_PAYMENT)],
)
async def contest(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The payee says the money has not arrived."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        return await services.contest(
            actor=identity,
            payable_id=payable_id,
            reason=forms.parse_contest(form),
            version=forms.version_of(form),
        )

    return await act_on_payable(request, payable_id, do, _("已告知付款方核对。"))


@get("/payments/{payable_id:int}/receipt", name="payments:receipt", guards=[web.signed_in])
async def receipt_page(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The receipt of a settled payable, with the checkpoint of the trail."""
    row = await queries.payable(payable_id, await web.identity_of(request))
    if row.receipt_number is None:
        return web.redirect("payments:payable", payable_id=payable_id)
    return await web.page(
        request,
        "payments/receipt.html",
        **WORDS,
        payable=row,
        transfers=[one for one in await queries.transfers(payable_id) if one.confirmed_at],
        checkpoint=await trail.latest_checkpoint(),
    )


@get(
    "/payments/{payable_id:int}/vouchers/{transfer_id:int}",
    name="payments:voucher-file",
    guards=[web.signed_in],
)
async def voucher_file(request: AnyRequest, payable_id: FromPath[int], transfer_id: FromPath[int]) -> Response[Any]:
    """The bank's voucher, for both parties."""
    identity = await web.identity_of(request)
    return await files.response(await queries.voucher_file(payable_id, transfer_id, identity))


@get("/payments/{payable_id:int}/receipt.pdf", name="payments:receipt-pdf", guards=[web.signed_in])
async def receipt_file(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The receipt as PDF/A, drawn off the event loop."""
    row = await queries.payable(payable_id, await web.identity_of(request))
    if row.receipt_number is None:
        return web.redirect("payments:payable", payable_id=payable_id)
    paid = [one for one in await queries.transfers(payable_id) if one.confirmed_at]
    body = await anyio.to_thread.run_sync(papers.receipt_pdf, row, paid, await trail.latest_checkpoint())
    return Response(
        body,
        media_type="application/pdf",
        headers={
            "content-disposition": f'attachment; filename="{row.receipt_number}.pdf"',
            "cache-control": "private, no-store",
            "x-content-type-options": "nosniff",
        },
    )


HANDLERS = [receipt_file, list_page, payable_page, voucher, confirm, contest, receipt_page, voucher_file]

"""Payables and what is done to them, as JSON."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from core import web
from core.forms import Form
from core.identity import Permission
from core.web.pages import decode_cursor
from payments import forms, queries, services
from payments.queries import PayableRow, TransferRow
from payments.queries.custody import forfeit_objection
from payments.services import PaymentReceipt

AnyRequest = Request[Any, Any, Any]
MOST = 100
VOUCHER_BODY = 12 * 1024 * 1024


def show_row(row: PayableRow) -> dict[str, Any]:
    """A payable with both parties."""
    return {
        "id": row.id,
        "number": row.number,
        "kind": row.kind,
        "key": row.key,
        "payer": {"id": row.payer_id, "name_zh": row.payer_zh, "name_en": row.payer_en},
        "payee": {"id": row.payee_id, "name_zh": row.payee_zh, "name_en": row.payee_en},
        "amount": f"{row.amount:.2f}",
        "currency": row.currency,
        "title": row.title,
        "due_on": row.due_on.isoformat(),
        "state": row.state.value,
        "version": row.version,
        "settled_at": row.settled_at.isoformat() if row.settled_at else None,
        "receipt_number": row.receipt_number,
        "released_at": row.released_at.isoformat() if row.released_at else None,
        "forfeited": {
            "amount": f"{row.forfeited:.2f}",
            "at": row.forfeited_at.isoformat(),
            "reason": row.forfeit_reason,
        }
        if row.forfeited_at
        else None,
    }


def _transfer(row: TransferRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "method": row.method,
        "amount": f"{row.amount:.2f}",
        "reference": row.reference,
        "paid_on": row.paid_on.isoformat(),
        "submitted_at": row.submitted_at.isoformat(),
        "confirmed_at": row.confirmed_at.isoformat() if row.confirmed_at else None,
        "contested_at": row.contested_at.isoformat() if row.contested_at else None,
        "contest_reason": row.contest_reason,
    }


def show_receipt(receipt: PaymentReceipt) -> dict[str, Any]:
    """What an act on a payable answers."""
    return {
        "payable": receipt.payable_id,
        "number": receipt.number,
        "state": receipt.state.value,
        "version": receipt.version,
        "receipt_number": receipt.receipt_number,
        "trail_entry": receipt.entry_id,
    }


@get("/payables", name="api:payables", guards=[web.signed_in])
async def list_payables(
    request: AnyRequest,
    limit: FromQuery[int] = 20,
    cursor: FromQuery[str | None] = None,
    status: FromQuery[str | None] = None,
) -> dict[str, Any]:
    """Payables of one's own organisation on either side, newest first."""
    before = decode_cursor(cursor)
    limit = min(max(limit, 1), MOST)
    rows = await queries.my_payables(
        await web.identity_of(request),
        state=forms.read_state(status),
        limit=limit + 1,
        before=before if isinstance(before, int) else None,
    )
    return web.cursor_page(rows, limit, lambda row: row.id, show_row)


@get("/payables/{payable_id:int}", name="api:payable", guards=[web.signed_in])
async def show_payable(request: AnyRequest, payable_id: FromPath[int]) -> dict[str, Any]:
    """One payable with its transfers."""
    row = await queries.payable(payable_id, await web.identity_of(request))
    attempts = await queries.transfers(payable_id)
    objection = await forfeit_objection(payable_id)
    return {
        **show_row(row),
        "transfers": [_transfer(one) for one in attempts],
        "forfeit_objection": {
            "objection": objection.words,
            "lodged_at": objection.lodged_at.isoformat(),
            "stopped": objection.stopped,
            "answer": objection.answer or None,
        }
        if objection
        else None,
    }


@post(
    "/payables/{payable_id:int}/voucher",
    name="api:payable-voucher",
    guards=[web.requires(Permission.PAY)],
    request_max_body_size=VOUCHER_BODY,
)
async def submit_voucher(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """Say that a transfer was made: multipart/form-data with `reference`, `paid_on`, `voucher`."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        return await services.submit_voucher(
            actor=identity,
            payable_id=payable_id,
            draft=forms.parse_voucher(form),
            version=forms.version_of(form),
        )

    return await web.api_act(request, None, do, show_receipt)


class VersionBody(msgspec.Struct):
    """The version of the payable that the caller has seen."""

    version: int | None = None


class ContestBody(msgspec.Struct):
    """Why the money is not there."""

    reason: str
    version: int | None = None


PAYEE = [web.requires(Permission.CONFIRM_PAYMENT)]


@post("/payables/{payable_id:int}/confirm", name="api:payable-confirm", guards=PAYEE)
async def confirm(request: AnyRequest, payable_id: FromPath[int], data: JSONBody[VersionBody]) -> Response[Any]:
    """Confirm the money."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        return await services.confirm_receipt(actor=identity, payable_id=payable_id, version=forms.version_of(form))

    return await web.api_act(request, data, do, show_receipt)


@post("/payables/{payable_id:int}/contest", name="api:payable-contest", guards=PAYEE)
async def contest(request: AnyRequest, payable_id: FromPath[int], data: JSONBody[ContestBody]) -> Response[Any]:
    """Say that the money has not arrived."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        return await services.contest(
            actor=identity,
            payable_id=payable_id,
            reason=forms.parse_contest(form),
            version=forms.version_of(form),
        )

    return await web.api_act(request, data, do, show_receipt)


HANDLERS = [list_payables, show_payable, submit_voucher, confirm, contest]

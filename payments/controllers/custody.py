"""Payouts by bank as the operator registers them and both parties see them."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from core import files, web
from core.forms import Form
from core.i18n import _
from core.identity import Identity, Permission
from core.web import FormState
from payments import forms, services
from payments.queries import custody
from payments.queries.payables import PayableRow
from payments.rules import PayableState
from payments.services import PaymentReceipt
from payments.services.bank_payouts import bank_payout_bar

AnyRequest = Request[Any, Any, Any]
VOUCHER_BODY = 12 * 1024 * 1024
OPERATOR = [web.requires(Permission.PAY_OUT)]
RETURNABLE = frozenset({PayableState.PAID_OUT, PayableState.CONFIRMED, PayableState.DISPUTED, PayableState.REFUNDED})


async def panel(row: PayableRow, identity: Identity) -> dict[str, Any]:
    """What the page of a payable says about payouts by bank, and what the operator may do."""
    operator = identity.may(Permission.PAY_OUT)
    kept = operator and row.state is PayableState.CAPTURED and row.position.held > 0
    return {
        "payouts": await custody.bank_payouts(row.id),
        "may_pay_out": kept,
        "bar": await bank_payout_bar(row) if kept else None,
        "may_return": operator and row.state in RETURNABLE and row.position.reversible > 0,
    }


async def _again(request: AnyRequest, payable_id: int, form: FormState) -> Response[Any]:
    from payments.controllers.payables import show_payable

    return await show_payable(request, payable_id, form)


@post(
    "/payments/{payable_id:int}/bank-payout",
    name="payments:bank-payout",
    guards=OPERATOR,
    request_max_body_size=VOUCHER_BODY,
)
async def pay_out(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The operator has transferred what is kept."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        draft = forms.parse_voucher(form)
        return await services.pay_out_by_bank(actor=identity, payable_id=payable_id, draft=draft)

    def done(_receipt: PaymentReceipt) -> Response[None]:
        return web.redirect("payments:payable", payable_id=payable_id, say=_("已登记划付，收款方确认后结清。"))

    return await web.act(request, do, done, lambda form: _again(request, payable_id, form))


@post(
    "/payments/{payable_id:int}/bank-return",
    name="payments:bank-return",
    guards=OPERATOR,
    request_max_body_size=VOUCHER_BODY,
)
async def take_back(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The payee, or its bank, has given it back."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        draft = forms.parse_voucher(form)
        return await services.return_by_bank(actor=identity, payable_id=payable_id, draft=draft)

    def done(_receipt: PaymentReceipt) -> Response[None]:
        return web.redirect("payments:payable", payable_id=payable_id, say=_("已登记退回，钱由平台保管。"))

    return await web.act(request, do, done, lambda form: _again(request, payable_id, form))


@get(
    "/payments/{payable_id:int}/bank-payouts/{payout_id:int}", name="payments:bank-payout-file", guards=[web.signed_in]
)
async def payout_file(request: AnyRequest, payable_id: FromPath[int], payout_id: FromPath[int]) -> Response[Any]:
    """The bank's paper, for both parties."""
    identity = await web.identity_of(request)
    return await files.response(await custody.bank_payout_file(payable_id, payout_id, identity))


HANDLERS = [pay_out, take_back, payout_file]

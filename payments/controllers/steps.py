"""What is done to a payable beside paying and confirming: hold, let go, release a bond, record the invoice."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from core import files, web
from core.forms import Form
from core.i18n import _
from core.identity import Identity, Permission
from payments import forms, queries, services
from payments.controllers.acts import act_on_payable
from payments.forms import stripe as stripe_forms
from payments.queries import finance
from payments.rules import PayableNotFound
from payments.services import PaymentReceipt

AnyRequest = Request[Any, Any, Any]
PAPER_BODY = 12 * 1024 * 1024
REGULATOR = [web.requires(Permission.HOLD_PAYMENT)]


@post("/payments/{payable_id:int}/hold", name="payments:hold", guards=REGULATOR)
async def hold(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The regulator stops the money."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        return await services.place_hold(actor=identity, payable_id=payable_id, reason=forms.parse_reason(form))

    return await act_on_payable(request, payable_id, do, _("已暂停支付，双方已收到通知。"))


@post("/payments/{payable_id:int}/unhold", name="payments:unhold", guards=REGULATOR)
async def unhold(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The regulator lets it go again."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        return await services.lift_hold(actor=identity, payable_id=payable_id, reason=forms.parse_reason(form))

    return await act_on_payable(request, payable_id, do, _("已恢复支付，双方已收到通知。"))


@post("/payments/{payable_id:int}/release", name="payments:release", guards=[web.signed_in])
async def release(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """Whoever holds a bond, or the regulator, says that it has served."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        return await services.release_bond(
            actor=identity,
            payable_id=payable_id,
            reason=forms.parse_reason(form),
        )

    return await act_on_payable(request, payable_id, do, _("保证金已解除，退还情况在“保证金”里可查。"))


@post("/payments/{payable_id:int}/forfeit", name="payments:forfeit", guards=[web.signed_in])
async def forfeit(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """Whoever holds a bond, or the regulator, decides that it is not given back."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        amount, reason = stripe_forms.parse_order(form, "keep_")
        return await services.forfeit_bond(actor=identity, payable_id=payable_id, amount=amount, reason=reason)

    return await act_on_payable(request, payable_id, do, _("已决定不予退还，缴存方已收到原因。"))


@post("/payments/{payable_id:int}/objection", name="payments:object", guards=[web.requires(Permission.PAY)])
async def object_to_forfeit(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """Whoever lodged a bond does not agree that it is forfeited."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        return await services.object_to_forfeit(
            actor=identity, payable_id=payable_id, words=forms.parse_objection(form)
        )

    return await act_on_payable(request, payable_id, do, _("异议已提交，监管部门答复之前不划付。"))


@post("/payments/{payable_id:int}/objection/answer", name="payments:answer-objection", guards=REGULATOR)
async def answer_objection(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The regulator stops the payout, or lets it go on."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        result, answer = forms.parse_answer(form)
        return await services.answer_objection(actor=identity, payable_id=payable_id, result=result, answer=answer)

    return await act_on_payable(request, payable_id, do, _("已答复，双方已收到通知。"))


@post(
    "/payments/{payable_id:int}/invoice",
    name="payments:invoice",
    guards=[web.requires(Permission.CONFIRM_PAYMENT)],
    request_max_body_size=PAPER_BODY,
)
async def invoice(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The payee records its invoice."""

    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        return await services.record_invoice(actor=identity, payable_id=payable_id, draft=forms.parse_invoice(form))

    return await act_on_payable(request, payable_id, do, _("发票已登记，付款方可以下载。"))


@get("/payments/{payable_id:int}/invoices/{invoice_id:int}", name="payments:invoice-file", guards=[web.signed_in])
async def invoice_file(request: AnyRequest, payable_id: FromPath[int], invoice_id: FromPath[int]) -> Response[Any]:
    """The invoice's paper, for both parties."""
    await queries.payable(payable_id, await web.identity_of(request))
    for one in await finance.invoices(payable_id):
        if one.id == invoice_id:
            return await files.response(one.stored_id)
    raise PayableNotFound


HANDLERS = [hold, unhold, release, forfeit, object_to_forfeit, answer_objection, invoice, invoice_file]

"""Payouts by bank for programs."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from core import web
from core.forms import Form
from core.identity import Permission
from payments import forms, queries, services
from payments.api.payables import show_receipt
from payments.queries import custody
from payments.services import PaymentReceipt

AnyRequest = Request[Any, Any, Any]
VOUCHER_BODY = 12 * 1024 * 1024
OPERATOR = [web.requires(Permission.PAY_OUT)]


@post(
    "/payables/{payable_id:int}/bank-payout",
    name="api:bank-payout",
    guards=OPERATOR,
    request_max_body_size=VOUCHER_BODY,
)
async def pay_out(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """What is kept was transferred to the payee's bank: multipart/form-data with `reference`, `paid_on`, `voucher`, and
    `amount` as it was seen."""
    return await _registered(request, payable_id, services.pay_out_by_bank)


@post(
    "/payables/{payable_id:int}/bank-return",
    name="api:bank-return",
    guards=OPERATOR,
    request_max_body_size=VOUCHER_BODY,
)
async def take_back(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """A payout came back into the platform's bank account: multipart/form-data as above; `amount` may be a part after a
    lost dispute."""
    return await _registered(request, payable_id, services.return_by_bank)


async def _registered(
    request: AnyRequest, payable_id: int, service: Callable[..., Awaitable[PaymentReceipt]]
) -> Response[Any]:
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        return await service(actor=identity, payable_id=payable_id, draft=forms.parse_voucher(form))

    return await web.api_act(request, None, do, show_receipt)


@get("/payables/{payable_id:int}/bank-payouts", name="api:bank-payouts", guards=[web.signed_in])
async def list_payouts(request: AnyRequest, payable_id: FromPath[int]) -> list[dict[str, Any]]:
    """Payouts of a payable by bank, and what came `back`, oldest first."""
    await queries.payable(payable_id, await web.identity_of(request))
    return [
        {
            "id": one.id,
            "amount": f"{one.amount:.2f}",
            "reference": one.reference,
            "paid_on": one.paid_on.isoformat(),
            "back": one.back,
            "made_at": one.made_at.isoformat(),
        }
        for one in await custody.bank_payouts(payable_id)
    ]


HANDLERS = [pay_out, take_back, list_payouts]

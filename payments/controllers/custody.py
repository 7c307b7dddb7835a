"""Payouts by bank as the operator registers them and both parties see them; objections to forfeitures beside them."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from core import files, web
from core.forms import Form
from core.i18n import _
from core.identity import Identity, Permission
from payments import forms, services
from payments.controllers.acts import act_on_payable
from payments.queries import custody
from payments.queries.payables import PayableRow
from payments.rules import PayableState
from payments.rules.custody import OBJECTABLE, OBJECTION_RESULTS
from payments.services import PaymentReceipt
from payments.services.bank_payouts import bank_payout_bar

AnyRequest = Request[Any, Any, Any]
Registering = Callable[..., Awaitable[PaymentReceipt]]
VOUCHER_BODY = 12 * 1024 * 1024
OPERATOR = [web.requires(Permission.PAY_OUT)]
RETURNABLE = frozenset({PayableState.PAID_OUT, PayableState.CONFIRMED, PayableState.DISPUTED, PayableState.REFUNDED})


async def panel(row: PayableRow, identity: Identity) -> dict[str, Any]:
    """What the page of a payable says about payouts by bank, and what the operator may do."""
    operator = identity.may(Permission.PAY_OUT)
    kept = operator and row.state is PayableState.CAPTURED and row.position.held > 0
    objection = await custody.forfeit_objection(row.id) if row.forfeited_at else None
    waits = objection is not None and objection.open and identity.may(Permission.HOLD_PAYMENT)
    return {
        "objection": objection,
        "may_object": row.forfeited_at and not objection and row.state in OBJECTABLE and row.is_payer(identity),
        "may_answer": waits and objection and objection.decided_by != identity.account_id,
        "own_decision": waits and objection and objection.decided_by == identity.account_id,
        "results": [(one.value, _(text)) for one, text in OBJECTION_RESULTS.items()],
        "payouts": await custody.bank_payouts(row.id),
        "may_pay_out": kept,
        "bar": await bank_payout_bar(row) if kept else None,
        "may_return": operator and row.state in RETURNABLE and row.position.reversible > 0,
    }


@post(
    "/payments/{payable_id:int}/bank-payout",
    name="payments:bank-payout",
    guards=OPERATOR,
    request_max_body_size=VOUCHER_BODY,
)
async def pay_out(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The operator has transferred what is kept."""
    return await _registered(request, payable_id, services.pay_out_by_bank, _("已登记划付，收款方确认后结清。"))


@post(
    "/payments/{payable_id:int}/bank-return",
    name="payments:bank-return",
    guards=OPERATOR,
    request_max_body_size=VOUCHER_BODY,
)
async def take_back(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """The payee, or its bank, has given it back."""
    return await _registered(request, payable_id, services.return_by_bank, _("已登记退回，钱由平台保管。"))


async def _registered(request: AnyRequest, payable_id: int, service: Registering, say: str) -> Response[Any]:
    async def do(identity: Identity, form: Form) -> PaymentReceipt:
        return await service(actor=identity, payable_id=payable_id, draft=forms.parse_voucher(form))

    return await act_on_payable(request, payable_id, do, say)


@get(
    "/payments/{payable_id:int}/bank-payouts/{payout_id:int}", name="payments:bank-payout-file", guards=[web.signed_in]
)
async def payout_file(request: AnyRequest, payable_id: FromPath[int], payout_id: FromPath[int]) -> Response[Any]:
    """The bank's paper, for both parties."""
    identity = await web.identity_of(request)
    return await files.response(await custody.bank_payout_file(payable_id, payout_id, identity))


HANDLERS = [pay_out, take_back, payout_file]

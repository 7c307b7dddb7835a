"""Pages of evaluation: the client's stars and the agency's statement."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from contracts import forms, queries, services
from contracts.rules.evaluations import DIMENSION_NAMES, STAR_NAMES
from core import web
from core.forms import Form
from core.i18n import _
from core.identity import Identity, Permission
from core.web.acts import FormState

AnyRequest = Request[Any, Any, Any]


@get(
    "/contracts/{contract_id:int}/evaluation",
    name="contracts:evaluation-form",
    guards=[web.requires(Permission.EVALUATE)],
)
async def evaluation_form(request: AnyRequest, contract_id: FromPath[int]) -> Response[Any]:
    """The client's form."""
    return await _evaluation(request, await web.identity_of(request), contract_id)


async def _evaluation(
    request: AnyRequest, actor: Identity, contract_id: int, form: FormState | None = None
) -> Response[Any]:
    view = await queries.contract(contract_id, actor)
    return await web.page(
        request,
        "contracts/evaluation_form.html",
        view=view,
        row=view.row,
        dimensions=DIMENSION_NAMES,
        stars=STAR_NAMES,
        form=form,
    )


def _back(contract_id: int, revealed: bool) -> Response[None]:
    text = _("已提交。双方都已提交，现在互相可见。") if revealed else _("已提交。对方提交或期满后公开。")
    return web.redirect("contracts:contract-detail", contract_id=contract_id, say=text)


@post(
    "/contracts/{contract_id:int}/evaluation",
    name="contracts:evaluation-file",
    guards=[web.requires(Permission.EVALUATE)],
)
async def file_evaluation(request: AnyRequest, contract_id: FromPath[int]) -> Response[Any]:
    """File the client's stars."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.EvaluationReceipt:
        stars = forms.parse_stars(form)
        return await services.file_evaluation(actor=actor, contract_id=contract_id, stars=stars)

    return await web.act(
        request,
        do,
        lambda receipt: _back(contract_id, receipt.revealed),
        lambda state: _evaluation(request, actor, contract_id, state),
    )


@get(
    "/contracts/{contract_id:int}/statement",
    name="contracts:statement-form",
    guards=[web.requires(Permission.FILE_DELIVERABLE)],
)
async def statement_form(request: AnyRequest, contract_id: FromPath[int]) -> Response[Any]:
    """The agency's form."""
    return await _statement(request, await web.identity_of(request), contract_id)


async def _statement(
    request: AnyRequest, actor: Identity, contract_id: int, form: FormState | None = None
) -> Response[Any]:
    view = await queries.contract(contract_id, actor)
    return await web.page(request, "contracts/statement_form.html", view=view, row=view.row, form=form)


@post(
    "/contracts/{contract_id:int}/statement",
    name="contracts:statement-file",
    guards=[web.requires(Permission.FILE_DELIVERABLE)],
)
async def file_statement(request: AnyRequest, contract_id: FromPath[int]) -> Response[Any]:
    """File the agency's own account."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.EvaluationReceipt:
        text = forms.parse_text(form, "statement")
        return await services.file_statement(actor=actor, contract_id=contract_id, text=text)

    return await web.act(
        request,
        do,
        lambda receipt: _back(contract_id, receipt.revealed),
        lambda state: _statement(request, actor, contract_id, state),
    )


HANDLERS = [evaluation_form, file_evaluation, statement_form, file_statement]

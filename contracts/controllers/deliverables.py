"""Pages of a result: filing a version, reading it, returning or accepting it."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from contracts import forms, queries, services
from contracts.queries.contracts import ContractView, MilestoneRow, possible_signers
from contracts.queries.deliverables import deliverable_file as find_file
from contracts.queries.holding import deliverable_now
from contracts.rules.deliverables import MOST_FILES
from core import files, web
from core.errors import NotFound
from core.forms import Form
from core.i18n import _
from core.identity import Identity, Permission
from core.trail import latest_checkpoint
from core.trail.queries import timeline
from core.web.acts import FormState

AnyRequest = Request[Any, Any, Any]
UPLOAD_LIMIT = 220 * files.MEGABYTE
"""All files of one version together; each has its own limit in `services.RESULT`."""


@get(
    "/contracts/{contract_id:int}/milestones/{milestone_id:int}/result",
    name="contracts:result-form",
    guards=[web.requires(Permission.FILE_DELIVERABLE)],
)
async def result_form(request: AnyRequest, contract_id: FromPath[int], milestone_id: FromPath[int]) -> Response[Any]:
    """The form with which an agency files the result of a milestone."""
    return await _result_form(request, await web.identity_of(request), contract_id, milestone_id)


def _milestone(view: ContractView, milestone_id: int) -> MilestoneRow:
    for milestone in view.milestones:
        if milestone.id == milestone_id:
            return milestone
    raise NotFound


async def _result_form(
    request: AnyRequest,
    actor: Identity,
    contract_id: int,
    milestone_id: int,
    form: FormState | None = None,
) -> Response[Any]:
    view = await queries.contract(contract_id, actor)
    milestone = _milestone(view, milestone_id)
    before = await queries.deliverable(milestone.deliverable_id, actor) if milestone.deliverable_id else None
    return await web.page(
        request,
        "contracts/result_form.html",
        view=view,
        row=view.row,
        milestone=milestone,
        before=before,
        signers=await possible_signers(actor),
        use=services.RESULT,
        most=MOST_FILES,
        form=form,
    )


@post(
    "/contracts/{contract_id:int}/milestones/{milestone_id:int}/result",
    name="contracts:result-file",
    guards=[web.requires(Permission.FILE_DELIVERABLE)],
    request_max_body_size=UPLOAD_LIMIT,
)
async def file_result(request: AnyRequest, contract_id: FromPath[int], milestone_id: FromPath[int]) -> Response[Any]:
    """File the result, or its next version after a return."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ResultReceipt:
        version, result = forms.parse_result(form)
        return await services.file_deliverable(
            actor=actor,
            contract_id=contract_id,
            milestone_id=milestone_id,
            version=version,
            result=result,
        )

    return await web.act(
        request,
        do,
        lambda receipt: _back(
            receipt.deliverable_id,
            _("成果已提交，编号 %(number)s 第 %(v)s 版。") % {"number": receipt.number, "v": receipt.version},
        ),
        lambda state: _result_form(request, actor, contract_id, milestone_id, state),
    )


def _back(deliverable_id: int, say: str) -> Response[None]:
    return web.redirect("contracts:deliverable-detail", deliverable_id=deliverable_id, say=say)


@get(
    "/deliverables/{deliverable_id:int}",
    name="contracts:deliverable-detail",
    guards=[web.signed_in],
)
async def deliverable_detail(request: AnyRequest, deliverable_id: FromPath[int]) -> Response[Any]:
    """One result with its versions, for the parties and officers."""
    return await _detail(request, await web.identity_of(request), deliverable_id)


async def _detail(
    request: AnyRequest, actor: Identity, deliverable_id: int, form: FormState | None = None
) -> Response[Any]:
    view = await queries.deliverable(deliverable_id, actor)
    now_box, following = await deliverable_now(view)
    return await web.page(
        request,
        "contracts/deliverable_detail.html",
        view=view,
        row=view.row,
        entries=await timeline(f"deliverable:{deliverable_id}"),
        now_box=now_box,
        following=following,
        checkpoint=await latest_checkpoint(),
        form=form,
    )


@get(
    "/deliverables/{deliverable_id:int}/files/{file_id:int}",
    name="contracts:deliverable-file",
    guards=[web.signed_in],
)
async def deliverable_file(request: AnyRequest, deliverable_id: FromPath[int], file_id: FromPath[int]) -> Response[Any]:
    """A file of a result, for the parties and officers."""
    found = await find_file(deliverable_id, file_id, await web.identity_of(request))
    return await files.response(found.stored_file_id, name=found.name)


@post(
    "/deliverables/{deliverable_id:int}/return",
    name="contracts:deliverable-return",
    guards=[web.requires(Permission.ACCEPT_DELIVERABLE)],
)
async def return_result(request: AnyRequest, deliverable_id: FromPath[int]) -> Response[Any]:
    """Send a version back with reasons."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ResultReceipt:
        version = forms.parse_version(form)
        reason = forms.parse_text(form, "reason")
        return await services.return_deliverable(
            actor=actor, deliverable_id=deliverable_id, version=version, reason=reason
        )

    return await web.act(
        request,
        do,
        lambda _receipt: _back(deliverable_id, _("已退回，机构在五个工作日内更正。")),
        lambda state: _detail(request, actor, deliverable_id, state),
    )


@post(
    "/deliverables/{deliverable_id:int}/acceptance",
    name="contracts:deliverable-accept",
    guards=[web.requires(Permission.ACCEPT_DELIVERABLE)],
)
async def accept_result(request: AnyRequest, deliverable_id: FromPath[int]) -> Response[Any]:
    """Accept a version: it becomes payable and goes into technical review."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.AcceptanceReceipt:
        version = forms.parse_version(form)
        return await services.accept_deliverable(actor=actor, deliverable_id=deliverable_id, version=version)

    return await web.act(
        request,
        do,
        lambda _receipt: _back(deliverable_id, _("已验收。节点款进入待付，成果进入技术审查。")),
        lambda state: _detail(request, actor, deliverable_id, state),
    )


HANDLERS = [
    result_form,
    file_result,
    deliverable_detail,
    deliverable_file,
    return_result,
    accept_result,
]

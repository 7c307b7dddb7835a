"""Pages of a contract: list, detail with the comparison, editing, confirming, filing, suspending."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from agencies.queries import marks
from contracts import forms, queries, services
from contracts.queries.contracts import contracts as list_contracts
from contracts.queries.deferred import deferral
from contracts.queries.holding import contract_now
from contracts.rules.filing import CONTRACT_STATES, MOST_MILESTONES, ContractState
from contracts.rules.supervision import DEFERRED_STATES
from core import web
from core.forms import Form
from core.i18n import _
from core.identity import Identity, Permission
from core.trail import latest_checkpoint
from core.trail.queries import timeline
from core.web.acts import FormState
from core.web.pages import decode_cursor

AnyRequest = Request[Any, Any, Any]
PER_PAGE = 30


@get("/contracts", name="contracts:contract-list", guards=[web.signed_in])
async def contract_list(
    request: AnyRequest, cursor: FromQuery[str | None] = None, stage: FromQuery[str | None] = None
) -> Response[Any]:
    """My organisation's contracts; all of them for an officer."""
    actor = await web.identity_of(request)
    chosen = ContractState(stage) if stage in set(ContractState) else None
    found = await list_contracts(actor, limit=PER_PAGE, before=_number(decode_cursor(cursor)), state=chosen)
    listing = web.cursor_page(found, PER_PAGE, lambda row: row.id)
    return await web.page(
        request,
        "contracts/contract_list.html",
        listing=listing,
        marks=await marks((one.agency_id, one.profession) for one in listing["items"]),
        states=CONTRACT_STATES,
        chosen=chosen,
    )


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


@get("/contracts/{contract_id:int}", name="contracts:contract-detail", guards=[web.signed_in])
async def contract_detail(request: AnyRequest, contract_id: FromPath[int]) -> Response[Any]:
    """One contract with everything its reader may do now."""
    return await _detail(request, await web.identity_of(request), contract_id)


async def _detail(
    request: AnyRequest, actor: Identity, contract_id: int, form: FormState | None = None
) -> Response[Any]:
    view = await queries.contract(contract_id, actor)
    now_box, following = await contract_now(view)
    return await web.page(
        request,
        "contracts/contract_detail.html",
        view=view,
        row=view.row,
        marks=await marks([(view.row.agency_id, view.row.profession)]),
        entries=await timeline(f"contract:{contract_id}"),
        now_box=now_box,
        following=following,
        checkpoint=await latest_checkpoint(),
        deferral=await deferral(view, actor),
        deferred_states=DEFERRED_STATES,
        form=form,
    )


show_contract = _detail
"""The contract's page again, for acts whose form stands on it."""


@get(
    "/contracts/{contract_id:int}/edit",
    name="contracts:contract-edit",
    guards=[web.requires(Permission.MAKE_CONTRACT)],
)
async def contract_edit(request: AnyRequest, contract_id: FromPath[int]) -> Response[Any]:
    """The form for the terms."""
    return await _edit(request, await web.identity_of(request), contract_id)


async def _edit(request: AnyRequest, actor: Identity, contract_id: int, form: FormState | None = None) -> Response[Any]:
    view = await queries.contract(contract_id, actor)
    typed = sum(name.startswith("milestones-") and name.endswith("-name") for name in form.values) if form else 0
    rows = min(MOST_MILESTONES, max(typed, len(view.milestones) + 1))
    return await web.page(
        request,
        "contracts/contract_edit.html",
        view=view,
        row=view.row,
        rows=rows,
        most=MOST_MILESTONES,
        form=form,
    )


@post(
    "/contracts/{contract_id:int}/terms",
    name="contracts:contract-terms",
    guards=[web.requires(Permission.MAKE_CONTRACT)],
)
async def edit_contract(request: AnyRequest, contract_id: FromPath[int]) -> Response[Any]:
    """Save changed terms; both confirmations lapse."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ContractReceipt:
        version, terms = forms.parse_terms(form)
        return await services.edit_contract(actor=actor, contract_id=contract_id, version=version, terms=terms)

    return await web.act(
        request,
        do,
        lambda receipt: _back(contract_id, _("已保存为第 %(v)s 稿，双方须重新确认。") % {"v": receipt.version}),
        lambda state: _edit(request, actor, contract_id, state),
    )


def _back(contract_id: int, say: str) -> Response[None]:
    return web.redirect("contracts:contract-detail", contract_id=contract_id, say=say)


@post(
    "/contracts/{contract_id:int}/confirmation",
    name="contracts:contract-confirm",
    guards=[web.requires(Permission.MAKE_CONTRACT)],
)
async def confirm_contract(request: AnyRequest, contract_id: FromPath[int]) -> Response[Any]:
    """Agree to the version on the page."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ContractReceipt:
        version = forms.parse_version(form)
        return await services.confirm_contract(actor=actor, contract_id=contract_id, version=version)

    def said(receipt: services.ContractReceipt) -> Response[None]:
        signed = receipt.state is ContractState.SIGNED
        return _back(contract_id, _("合同已签订，请办理备案。") if signed else _("您已确认，现在等对方确认。"))

    return await web.act(request, do, said, lambda state: _detail(request, actor, contract_id, state))


@post(
    "/contracts/{contract_id:int}/filing",
    name="contracts:contract-file",
    guards=[web.requires(Permission.MAKE_CONTRACT)],
)
async def file_contract(request: AnyRequest, contract_id: FromPath[int]) -> Response[Any]:
    """File the signed contract for the record."""
    actor = await web.identity_of(request)
    return await web.act(
        request,
        lambda _form: services.file_contract(actor=actor, contract_id=contract_id),
        lambda receipt: _back(contract_id, _("合同已备案，编号 %(number)s。") % {"number": receipt.number}),
        lambda state: _detail(request, actor, contract_id, state),
    )


@post(
    "/contracts/{contract_id:int}/suspension",
    name="contracts:contract-suspend",
    guards=[web.requires(Permission.ACCEPT_DELIVERABLE)],
)
async def suspend_work(request: AnyRequest, contract_id: FromPath[int]) -> Response[Any]:
    """The client stops the work for a reason of its own."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ContractReceipt:
        reason = forms.parse_text(form, "reason", max_length=1000)
        return await services.suspend_work(actor=actor, contract_id=contract_id, reason=reason)

    return await web.act(
        request,
        do,
        lambda _receipt: _back(contract_id, _("已中止履行，这段时间不计入机构的期限。")),
        lambda state: _detail(request, actor, contract_id, state),
    )


@post(
    "/contracts/{contract_id:int}/resumption",
    name="contracts:contract-resume",
    guards=[web.requires(Permission.ACCEPT_DELIVERABLE)],
)
async def resume_work(request: AnyRequest, contract_id: FromPath[int]) -> Response[Any]:
    """The client lets the work go on."""
    actor = await web.identity_of(request)
    return await web.act(
        request,
        lambda _form: services.resume_work(actor=actor, contract_id=contract_id),
        lambda _receipt: _back(contract_id, _("已恢复履行，从下一个工作日起计期。")),
        lambda state: _detail(request, actor, contract_id, state),
    )


HANDLERS = [
    contract_list,
    contract_detail,
    contract_edit,
    edit_contract,
    confirm_contract,
    file_contract,
    suspend_work,
    resume_work,
]

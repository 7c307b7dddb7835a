"""Contracts, results and evaluations as JSON."""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from contracts import forms, queries, services
from contracts.api.bodies import (
    Empty,
    ReasonBody,
    ReturnBody,
    StarsBody,
    StatementBody,
    TermsBody,
    VersionBody,
)
from contracts.controllers.deliverables import UPLOAD_LIMIT
from contracts.queries.contracts import contracts as list_own
from contracts.rules.filing import ContractState
from core import web
from core.forms import Form
from core.identity import Permission
from core.web.pages import decode_cursor

AnyRequest = Request[Any, Any, Any]
MOST = 100
PARTY = [web.requires(Permission.MAKE_CONTRACT)]
CLIENT = [web.requires(Permission.ACCEPT_DELIVERABLE)]
SELLER = [web.requires(Permission.FILE_DELIVERABLE)]


def plain(value: Any) -> Any:
    """Dataclasses, amounts, days and enums as plain JSON; amounts and marks stay text."""
    return msgspec.to_builtins(value)


def page(rows: Any, limit: int, key: Callable[[Any], Any] = lambda row: row.id) -> dict[str, Any]:
    """One page of a list."""
    return web.cursor_page(rows, limit, key, plain)


def before_of(cursor: str | None) -> int | None:
    """The id behind a cursor."""
    value = decode_cursor(cursor)
    return value if isinstance(value, int) else None


def bounded(limit: int) -> int:
    """A page size between 1 and 100."""
    return min(max(limit, 1), MOST)


# ---- reads
@get("/contracts", name="api:contracts", guards=[web.signed_in])
async def list_contracts(
    request: AnyRequest,
    limit: FromQuery[int] = 20,
    cursor: FromQuery[str | None] = None,
    stage: FromQuery[ContractState | None] = None,
) -> dict[str, Any]:
    """My organisation's contracts, newest first; every contract for an officer."""
    actor = await web.identity_of(request)
    limit = bounded(limit)
    return page(await list_own(actor, limit=limit, before=before_of(cursor), state=stage), limit)


@get("/contracts/{contract_id:int}", name="api:contract", guards=[web.signed_in])
async def show_contract(request: AnyRequest, contract_id: FromPath[int]) -> dict[str, Any]:
    """One contract with milestones, suspensions, evaluation, and its differences from the bid."""
    view = await queries.contract(contract_id, await web.identity_of(request))
    shown: dict[str, Any] = plain(view)
    return {**shown.pop("row"), **shown}


@get("/contract-records", name="api:contract-records", opt=web.public)
async def list_records(
    request: AnyRequest,
    limit: FromQuery[int] = 20,
    cursor: FromQuery[str | None] = None,
    agency: FromQuery[int | None] = None,
    project: FromQuery[int | None] = None,
) -> dict[str, Any]:
    """Filed contracts, newest first: the public subset."""
    limit = bounded(limit)
    found = await queries.public_contracts(limit=limit, before=before_of(cursor), agency_id=agency, project_id=project)
    return page(found, limit)


@get("/contract-records/{number:str}", name="api:contract-record", opt=web.public)
async def show_record(request: AnyRequest, number: FromPath[str]) -> dict[str, Any]:
    """One filed contract with its results: the public subset."""
    row = await queries.public_contract(number)
    return {**plain(row), "results": plain(await queries.public_deliverables(row.id))}


@get("/deliverable-records/{number:str}", name="api:deliverable-record", opt=web.public)
async def show_result_record(request: AnyRequest, number: FromPath[str]) -> dict[str, Any]:
    """One filed result: dates, hashes, and the mark when it is final."""
    shown: dict[str, Any] = plain(await queries.public_deliverable(number))
    return shown


@get("/deliverables/{deliverable_id:int}", name="api:deliverable", guards=[web.signed_in])
async def show_deliverable(request: AnyRequest, deliverable_id: FromPath[int]) -> dict[str, Any]:
    """One result with all versions, for the parties and officers."""
    view = await queries.deliverable(deliverable_id, await web.identity_of(request))
    shown: dict[str, Any] = plain(view)
    return {**shown.pop("row"), **shown}


# ---- acts on a contract
@post("/contracts/{contract_id:int}/terms", name="api:contract-terms", guards=PARTY)
async def edit_contract(request: AnyRequest, contract_id: FromPath[int], data: JSONBody[TermsBody]) -> Response[Any]:
    """Change the terms; both confirmations lapse."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ContractReceipt:
        version, terms = forms.parse_terms(form)
        return await services.edit_contract(actor=actor, contract_id=contract_id, version=version, terms=terms)

    return await web.api_act(request, data, do, plain)


@post("/contracts/{contract_id:int}/confirmations", name="api:contract-confirm", guards=PARTY)
async def confirm_contract(
    request: AnyRequest, contract_id: FromPath[int], data: JSONBody[VersionBody]
) -> Response[Any]:
    """Agree to a version; the second side's confirmation signs the contract."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ContractReceipt:
        version = forms.parse_version(form)
        return await services.confirm_contract(actor=actor, contract_id=contract_id, version=version)

    return await web.api_act(request, data, do, plain)


@post("/contracts/{contract_id:int}/filings", name="api:contract-file", guards=PARTY)
async def file_contract(request: AnyRequest, contract_id: FromPath[int], data: JSONBody[Empty]) -> Response[Any]:
    """File the signed contract for the record."""
    actor = await web.identity_of(request)

    async def do(_form: Form) -> services.ContractReceipt:
        return await services.file_contract(actor=actor, contract_id=contract_id)

    return await web.api_act(request, data, do, plain)


@post("/contracts/{contract_id:int}/suspensions", name="api:contract-suspend", guards=CLIENT)
async def suspend_work(request: AnyRequest, contract_id: FromPath[int], data: JSONBody[ReasonBody]) -> Response[Any]:
    """Stop the work for a reason on the client's side."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ContractReceipt:
        reason = forms.parse_text(form, "reason", max_length=1000)
        return await services.suspend_work(actor=actor, contract_id=contract_id, reason=reason)

    return await web.api_act(request, data, do, plain)


@post("/contracts/{contract_id:int}/resumptions", name="api:contract-resume", guards=CLIENT)
async def resume_work(request: AnyRequest, contract_id: FromPath[int], data: JSONBody[Empty]) -> Response[Any]:
    """Let the work go on."""
    actor = await web.identity_of(request)

    async def do(_form: Form) -> services.ContractReceipt:
        return await services.resume_work(actor=actor, contract_id=contract_id)

    return await web.api_act(request, data, do, plain)


# ---- acts on a result
@post(
    "/contracts/{contract_id:int}/milestones/{milestone_id:int}/results",
    name="api:result-file",
    guards=SELLER,
    request_max_body_size=UPLOAD_LIMIT,
)
async def file_result(request: AnyRequest, contract_id: FromPath[int], milestone_id: FromPath[int]) -> Response[Any]:
    """File a result as multipart/form-data: `version`, `title`, `note`, `signers`, `files`."""
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

    return await web.api_act(request, None, do, plain)


@post("/deliverables/{deliverable_id:int}/acceptances", name="api:deliverable-accept", guards=CLIENT)
async def accept_result(
    request: AnyRequest, deliverable_id: FromPath[int], data: JSONBody[VersionBody]
) -> Response[Any]:
    """Accept a version."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.AcceptanceReceipt:
        version = forms.parse_version(form)
        return await services.accept_deliverable(actor=actor, deliverable_id=deliverable_id, version=version)

    return await web.api_act(request, data, do, plain)


@post("/deliverables/{deliverable_id:int}/returns", name="api:deliverable-return", guards=CLIENT)
async def return_result(
    request: AnyRequest, deliverable_id: FromPath[int], data: JSONBody[ReturnBody]
) -> Response[Any]:
    """Send a version back with all reasons."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ResultReceipt:
        version = forms.parse_version(form)
        reason = forms.parse_text(form, "reason")
        return await services.return_deliverable(
            actor=actor, deliverable_id=deliverable_id, version=version, reason=reason
        )

    return await web.api_act(request, data, do, plain)


# ---- evaluation
@post(
    "/contracts/{contract_id:int}/evaluations",
    name="api:evaluation-file",
    guards=[web.requires(Permission.EVALUATE)],
)
async def file_evaluation(request: AnyRequest, contract_id: FromPath[int], data: JSONBody[StarsBody]) -> Response[Any]:
    """File the client's stars, once per contract."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.EvaluationReceipt:
        stars = forms.parse_stars(form)
        return await services.file_evaluation(actor=actor, contract_id=contract_id, stars=stars)

    return await web.api_act(request, data, do, plain)


@post("/contracts/{contract_id:int}/statements", name="api:statement-file", guards=SELLER)
async def file_statement(
    request: AnyRequest, contract_id: FromPath[int], data: JSONBody[StatementBody]
) -> Response[Any]:
    """File the agency's own account, once per contract."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.EvaluationReceipt:
        text = forms.parse_text(form, "statement")
        return await services.file_statement(actor=actor, contract_id=contract_id, text=text)

    return await web.api_act(request, data, do, plain)


HANDLERS = [
    list_contracts,
    show_contract,
    list_records,
    show_record,
    show_result_record,
    show_deliverable,
    edit_contract,
    confirm_contract,
    file_contract,
    suspend_work,
    resume_work,
    file_result,
    accept_result,
    return_result,
    file_evaluation,
    file_statement,
]

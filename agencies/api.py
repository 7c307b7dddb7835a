"""The same reads and acts as JSON under /api/v1."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from agencies import forms, services
from agencies.queries import directory, filings
from agencies.queries.drafts import to_draft
from agencies.queries.marks import CONTESTED_GRADES
from agencies.queries.register import grade_history
from agencies.queries.storefront import storefront
from agencies.queries.suspensions import SuspensionRow, suspensions
from agencies.rules import Profession
from agencies.rules.dossier import Step
from agencies.rules.filing import FilingKind
from agencies.services import FilingReceipt
from agencies.services.steps import defects_now
from core import clock, web
from core.forms import Form
from core.identity import Identity, Permission
from core.web.pages import decode_cursor

AnyRequest = Request[Any, Any, Any]
MOST = 100
SCAN_BODY = 12 * 1024 * 1024
APPLICANT = [web.requires(Permission.REGISTER_AGENCY)]
REGISTRAR = [web.requires(Permission.CHECK_FILING)]
SUPERVISOR = [web.requires(Permission.SUSPEND_AGENCY)]


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _listed(row: directory.ListingRow, contested: bool) -> dict[str, Any]:
    return {
        "id": row.agency_id,
        "profession": row.profession,
        "name_zh": row.name_zh,
        "name_en": row.name_en,
        "uscc": row.uscc,
        "region_code": row.region_code,
        "recorded_on": row.recorded_on.isoformat(),
        "qualified_until": row.qualified_until.isoformat(),
        "items": row.items,
        "grade": row.grade,
        "score": _text(row.score),
        "low": _text(row.low),
        "high": _text(row.high),
        "firm": row.firm,
        "contested": contested,
        "graded_on": row.graded_on.isoformat() if row.graded_on else None,
        "figures": row.figures,
        "suspended": row.suspended,
    }


@get("/agencies", name="api:agencies", opt=web.public)
async def list_agencies(
    request: AnyRequest,
    limit: FromQuery[int] = 20,
    cursor: FromQuery[str | None] = None,
    profession: FromQuery[str | None] = None,
    grade: FromQuery[list[str] | None] = None,
    region: FromQuery[str | None] = None,
    item: FromQuery[list[str] | None] = None,
    q: FromQuery[str | None] = None,
    order: FromQuery[str | None] = None,
) -> dict[str, Any]:
    """Agencies on record, one line per profession, in the order drawn for the day. Two queries, whatever the length."""
    given = {
        "profession": [profession or ""],
        "grade": grade or [],
        "region": [region or ""],
        "item": item or [],
        "q": [q or ""],
        "order": [order or ""],
    }
    limit = min(max(limit, 1), MOST)
    after = directory.cursor_of(decode_cursor(cursor))
    rows = await directory.listing(forms.read_filter(given), clock.today(), limit=limit + 1, after=after)
    tagged = await CONTESTED_GRADES.among((row.agency_id, Profession(row.profession)) for row in rows)
    return web.cursor_page(
        rows,
        limit,
        directory.cursor_key,
        lambda row: _listed(row, (row.agency_id, Profession(row.profession)) in tagged),
    )


@get("/agencies/{agency_id:int}", name="api:agency", opt=web.public)
async def show_agency(request: AnyRequest, agency_id: FromPath[int]) -> dict[str, Any]:
    """The public file of an agency; names of natural persons are veiled."""
    front = await storefront(agency_id, clock.today())
    plain: dict[str, Any] = msgspec.to_builtins(asdict(front))
    stops = [_suspension(row) for row in await suspensions(agency_id)]
    return {"id": agency_id, **plain.pop("card"), **plain, "suspensions": stops}


def _suspension(row: SuspensionRow) -> dict[str, Any]:
    return {
        "reason": row.reason,
        "suspended_at": row.suspended_at.isoformat(),
        "lifted_at": row.lifted_at.isoformat() if row.lifted_at else None,
        "lift_reason": row.lift_reason,
    }


class SuspensionBody(msgspec.Struct):
    """Why the agency is stopped, or let work again; the reason is public."""

    reason: str


@post("/agencies/{agency_id:int}/suspend", name="api:agency-suspend", guards=SUPERVISOR)
async def suspend(request: AnyRequest, agency_id: FromPath[int], data: JSONBody[SuspensionBody]) -> Response[Any]:
    """Stop an agency until further notice."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> int:
        reason = forms.parse_reason(form)
        return await services.suspend_agency(actor=identity, agency_id=agency_id, reason=reason)

    return await web.api_act(request, data, do, lambda entry: {"agency": agency_id, "trail_entry": entry})


@post("/agencies/{agency_id:int}/resume", name="api:agency-resume", guards=SUPERVISOR)
async def resume(request: AnyRequest, agency_id: FromPath[int], data: JSONBody[SuspensionBody]) -> Response[Any]:
    """Let it work again."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> int:
        return await services.resume_agency(actor=identity, agency_id=agency_id, reason=forms.parse_reason(form))

    return await web.api_act(request, data, do, lambda entry: {"agency": agency_id, "trail_entry": entry})


@get("/agencies/{agency_id:int}/grades", name="api:agency-grades", opt=web.public)
async def show_grades(
    request: AnyRequest, agency_id: FromPath[int], profession: FromQuery[Profession]
) -> dict[str, Any]:
    """Every published grade of an agency in a profession, newest first."""
    rows = await grade_history(agency_id, profession)
    return {"items": [msgspec.to_builtins(dict(row)) for row in rows], "next": None}


def _receipt(receipt: FilingReceipt) -> dict[str, Any]:
    return {
        "filing": receipt.filing_id,
        "state": receipt.state.value,
        "version": receipt.version,
        "number": receipt.number,
        "receipt_number": receipt.receipt_number,
        "agency": receipt.agency_id,
        "trail_entry": receipt.entry_id,
    }


def _filing(row: filings.FilingRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "organization": row.organization_id,
        "kind": row.kind.value,
        "state": row.state.value,
        "version": row.version,
        "number": row.number,
        "receipt_number": row.receipt_number,
        "submitted_at": row.submitted_at,
        "check_due_at": row.check_due_at,
        "notice_until": row.notice_until,
        "dossier": to_draft(row.dossier),
        "returned_defects": [
            {"step": one.step.value, "code": one.code, "text": one.message().render()} for one in row.returned_defects
        ],
    }


@get("/filings", name="api:filings", guards=APPLICANT)
async def list_filings(request: AnyRequest) -> dict[str, Any]:
    """The filings of one's own organisation, newest first."""
    rows = await filings.own_filings(await web.identity_of(request))
    return {"items": [_filing(row) for row in rows], "next": None}


@get("/filings/{filing_id:int}", name="api:filing", guards=[web.signed_in])
async def show_filing(request: AnyRequest, filing_id: FromPath[int]) -> dict[str, Any]:
    """One filing, for its organisation and for registrars, with the defects found today."""
    row = await filings.filing(filing_id, await web.identity_of(request))
    found = await defects_now(row) if row.may_edit else ()
    shown = [{"step": one.step.value, "code": one.code, "text": one.message().render()} for one in found]
    return {**_filing(row), "defects": shown}


class StartBody(msgspec.Struct):
    """Which filing to open."""

    kind: FilingKind = FilingKind.REGISTRATION


@post("/filings", name="api:filing-start", guards=APPLICANT)
async def start_filing(request: AnyRequest, data: JSONBody[StartBody]) -> Response[Any]:
    """Open a registration or a change."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        if forms.parse_kind(form) is FilingKind.CHANGE:
            return await services.start_change(actor=identity)
        return await services.start_registration(actor=identity)

    return await web.api_act(request, data, do, _receipt)


class StepBody(msgspec.Struct):
    """The fields of a step, named as in the HTML form; `version` refuses a stale one."""

    fields: dict[str, Any]
    version: int | None = None


async def _saved(step: Step, form: Form, actor: Identity, filing_id: int, version: int | None) -> FilingReceipt:
    act: Callable[..., Awaitable[FilingReceipt]]
    match step:
        case Step.ORGANIZATION:
            act = partial(services.save_organization, step=forms.parse_organization(form))
        case Step.QUALIFICATIONS:
            act = partial(services.add_qualification, draft=forms.parse_qualification(form, has_scan=True).draft)
        case Step.PRACTITIONERS:
            act = partial(services.add_practitioner, person=forms.parse_practitioner(form))
        case Step.INDEPENDENCE:
            act = partial(services.save_independence, step=forms.parse_independence(form))
        case Step.COMMITMENTS:
            act = partial(services.save_commitments, step=forms.parse_commitments(form))
    return await act(actor=actor, filing_id=filing_id, version=version)


@post("/filings/{filing_id:int}/steps/{step:str}", name="api:filing-step", guards=APPLICANT)
async def save_step(
    request: AnyRequest, filing_id: FromPath[int], step: FromPath[Step], data: JSONBody[StepBody]
) -> Response[Any]:
    """Save `organization`, `independence` or `commitments`; add one line to `qualifications` or `practitioners`."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        return await _saved(step, form, identity, filing_id, forms.version_of(form))

    return await web.api_act(request, {**data.fields, "version": data.version}, do, _receipt)


@post(
    "/filings/{filing_id:int}/qualifications",
    name="api:filing-qualification",
    guards=APPLICANT,
    request_max_body_size=SCAN_BODY,
)
async def add_qualification(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Add a certificate with its scan, as multipart/form-data with the fields of the HTML form."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        parsed = forms.parse_qualification(form)
        return await services.add_qualification(
            actor=identity,
            filing_id=filing_id,
            draft=parsed.draft,
            scan=parsed.scan,
            version=forms.version_of(form),
        )

    return await web.api_act(request, None, do, _receipt)


class VersionBody(msgspec.Struct):
    """The version of the case that the caller has seen."""

    version: int | None = None


async def _moved(
    request: AnyRequest, filing_id: int, data: VersionBody, service: Callable[..., Awaitable[FilingReceipt]]
) -> Response[Any]:
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        return await service(actor=identity, filing_id=filing_id, version=forms.version_of(form))

    return await web.api_act(request, data, do, _receipt)


@post("/filings/{filing_id:int}/submit", name="api:filing-submit", guards=APPLICANT)
async def submit_filing(request: AnyRequest, filing_id: FromPath[int], data: JSONBody[VersionBody]) -> Response[Any]:
    """Hand the filing in."""
    return await _moved(request, filing_id, data, services.submit_filing)


@post("/filings/{filing_id:int}/withdraw", name="api:filing-withdraw", guards=APPLICANT)
async def withdraw_filing(request: AnyRequest, filing_id: FromPath[int], data: JSONBody[VersionBody]) -> Response[Any]:
    """End the filing on one's own wish."""
    return await _moved(request, filing_id, data, services.withdraw_filing)


@post("/filings/{filing_id:int}/accept", name="api:filing-accept", guards=REGISTRAR)
async def accept_filing(request: AnyRequest, filing_id: FromPath[int], data: JSONBody[VersionBody]) -> Response[Any]:
    """Find the file formally in order; the public notice begins."""
    return await _moved(request, filing_id, data, services.accept_filing)


class ReturnBody(msgspec.Struct):
    """All defects at once: a text per step, `defect_organization` … `defect_commitments`."""

    defect_organization: str = ""
    defect_qualifications: str = ""
    defect_practitioners: str = ""
    defect_independence: str = ""
    defect_commitments: str = ""
    version: int | None = None


@post("/filings/{filing_id:int}/return", name="api:filing-return", guards=REGISTRAR)
async def return_filing(request: AnyRequest, filing_id: FromPath[int], data: JSONBody[ReturnBody]) -> Response[Any]:
    """Send the file back with every defect at once."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        return await services.return_filing(
            actor=identity,
            filing_id=filing_id,
            defects=forms.parse_return(form),
            version=forms.version_of(form),
        )

    return await web.api_act(request, data, do, _receipt)


class ObjectionBody(msgspec.Struct):
    """Facts and grounds."""

    text: str


@post("/filings/{filing_id:int}/objections", name="api:filing-object", guards=[web.signed_in])
async def lodge_objection(
    request: AnyRequest, filing_id: FromPath[int], data: JSONBody[ObjectionBody]
) -> Response[Any]:
    """Bring something forward against a filing on public notice."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        text = forms.parse_reason(form, "text")
        return await services.lodge_objection(actor=identity, filing_id=filing_id, text=text)

    return await web.api_act(request, data, do, _receipt)


class DecisionBody(msgspec.Struct):
    """`outcome` is `upheld` or `dismissed`."""

    outcome: str
    reasons: str


@post("/objections/{objection_id:int}/decide", name="api:objection-decide", guards=REGISTRAR)
async def decide_objection(
    request: AnyRequest, objection_id: FromPath[int], data: JSONBody[DecisionBody]
) -> Response[Any]:
    """Uphold or dismiss an objection."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        decision = forms.parse_decision(form)
        return await services.decide_objection(
            actor=identity, objection_id=objection_id, upheld=decision.upheld, reasons=decision.reasons
        )

    return await web.api_act(request, data, do, _receipt)


@get("/public-notices", name="api:public-notices", opt=web.public)
async def list_notices(request: AnyRequest) -> dict[str, Any]:
    """Filings on public notice now, and what went on record lately."""
    rows = await filings.on_notice(clock.now())
    return {"items": [msgspec.to_builtins(asdict(row)) for row in rows], "next": None}


api_router = Router(
    path="/",
    route_handlers=[
        list_agencies,
        show_agency,
        suspend,
        resume,
        show_grades,
        list_filings,
        show_filing,
        start_filing,
        save_step,
        add_qualification,
        submit_filing,
        withdraw_filing,
        accept_filing,
        return_filing,
        lodge_objection,
        decide_objection,
        list_notices,
    ],
    tags=["agencies"],
)

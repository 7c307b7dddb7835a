"""The same reads and acts as JSON under /api/v1. Figures are text with two decimals, as published."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from agencies.rules import Profession
from core import clock, files, web
from core.errors import NotFound
from core.forms import Form
from core.identity import Identity, Permission
from core.web.pages import decode_cursor
from grading import forms, queries, services
from grading.api import laboratory, life, supervision, watching
from grading.queries.conduct import FindingView, finding_file, finding_files
from grading.queries.reports import ReportView
from grading.rules.evidence import plain
from grading.services.conduct import MOST_FILES

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")
MOST = 100
UPLOAD_LIMIT = (MOST_FILES * 10 + 2) * files.MEGABYTE
OFFICER = [web.requires(Permission.RUN_GRADING)]
SIGNER = [web.requires(Permission.PUBLISH_GRADE)]
RECORDER = [web.requires(Permission.RECORD_CONDUCT)]
DECIDER = [web.requires(Permission.DECIDE_CONDUCT)]
AGENCY = [web.requires(Permission.COMMENT_GRADE)]


def _limit(limit: int) -> int:
    return min(max(limit, 1), MOST)


def _before(cursor: str | None) -> int | None:
    found = decode_cursor(cursor)
    return found if isinstance(found, int) else None


# ---------------------------------------------------------------- reads
@get("/grades", name="api:grades", opt=web.public)
async def list_grades(
    request: AnyRequest,
    limit: FromQuery[int] = 20,
    cursor: FromQuery[str | None] = None,
    profession: FromQuery[Profession | None] = None,
) -> dict[str, Any]:
    """Grades in force, the newest publication first."""
    limit = _limit(limit)
    rows = await queries.latest_grades(profession=profession, before=_before(cursor), limit=limit + 1)
    return web.cursor_page(rows, limit, lambda row: row.report_id, plain)


@get("/agencies/{agency_id:int}/grades/{profession:str}", name="api:explanation", opt=web.public)
async def explanation(
    request: AnyRequest, agency_id: FromPath[int], profession: FromPath[Profession]
) -> dict[str, Any]:
    """The grade in force, the table that adds up (case by case for its agency and the officers, by year for
    everybody else) and what is missing for the next."""
    view = await queries.standing_explanation(agency_id, profession, await web.who(request))
    if view is None:
        raise NotFound
    tag = await queries.open_tag(agency_id, profession)
    return _report(view) | {"contested": plain(tag) if tag else None}


@get("/grade-reports/{report_id:int}", name="api:grade-report", opt=web.public)
async def show_report(request: AnyRequest, report_id: FromPath[int]) -> dict[str, Any]:
    """One report: published ones for everybody, drafts for their agency and the grading officers."""
    return _report(await queries.report(await web.who(request), report_id))


def _report(view: ReportView) -> dict[str, Any]:
    """A report without the names of the people who reviewed or signed."""
    hidden = {"signer", "lines", "current_id", "organization_id"}
    shown: dict[str, Any] = {name: value for name, value in plain(view).items() if name not in hidden}
    return shown


@get("/grade-runs", name="api:grade-runs", guards=OFFICER)
async def list_runs(
    request: AnyRequest, limit: FromQuery[int] = 20, cursor: FromQuery[str | None] = None
) -> dict[str, Any]:
    """Runs, the latest first."""
    limit = _limit(limit)
    rows = await queries.runs(before=_before(cursor), limit=limit + 1)
    return web.cursor_page(rows, limit, lambda row: row.run_id, plain)


@get("/grade-runs/{run_id:int}", name="api:grade-run", guards=OFFICER)
async def show_run(request: AnyRequest, run_id: FromPath[int]) -> dict[str, Any]:
    """A run with its reports."""
    row: dict[str, Any] = plain(await queries.run(run_id))
    return row | {"reports": plain(await queries.run_reports(run_id))}


@get("/conduct-points", name="api:conduct-points", guards=[web.signed_in])
async def list_findings(
    request: AnyRequest, limit: FromQuery[int] = 20, cursor: FromQuery[str | None] = None
) -> dict[str, Any]:
    """Findings: all for the officers, its own for an agency."""
    limit = _limit(limit)
    rows = await queries.findings(await web.identity_of(request), before=_before(cursor), limit=limit + 1)
    return web.cursor_page(rows, limit, lambda row: row.finding_id, _finding)


@get("/agencies/{agency_id:int}/conduct-points", name="api:agency-conduct-points", opt=web.public)
async def agency_findings(request: AnyRequest, agency_id: FromPath[int]) -> dict[str, Any]:
    """The live points of an agency, as everybody may see them."""
    return {"items": [_finding(one) for one in await queries.live_findings(agency_id)], "next": None}


def _finding(view: FindingView) -> dict[str, Any]:
    """A finding; the reply belongs to the agency and the officers and is left out."""
    hidden = {"proposed_by", "organization_id", "reply"}
    return {name: value for name, value in plain(view).items() if name not in hidden}


@get("/certificates/{number:str}", name="api:certificate", opt=web.public)
async def show_certificate(request: AnyRequest, number: FromPath[str]) -> dict[str, Any]:
    """The state of a certificate now; fingerprint and grade are checked on each call."""
    view = await queries.certificate(number)
    shown: dict[str, Any] = plain(view)
    return shown | {"valid": view.valid, "sound": view.sound}


@get("/grading-scheme", name="api:grading-scheme", opt=web.public)
async def show_scheme(request: AnyRequest) -> dict[str, Any]:
    """The rule-set and the calibration table in force today."""
    rules = await queries.rulebook_on(clock.today())
    return {
        "scheme": plain(rules.scheme) | {"triggers": [_trigger(one) for one in rules.scheme.triggers]},
        "in_force_from": rules.in_force_from.isoformat(),
        "calibration": plain(rules.calibration),
    }


def _trigger(one: Any) -> dict[str, Any]:
    shown: dict[str, Any] = plain(one)
    return shown | {"professions": sorted(one.professions)}


# ---------------------------------------------------------------- acts
class RunBody(msgspec.Struct):
    """The day of a run."""

    as_of: str


class TextBody(msgspec.Struct):
    """One text: a comment, an answer, a reason, a reply."""

    text: str = ""


class FindingBody(msgspec.Struct):
    """A finding put to an agency; `profession` empty means all of the agency's."""

    agency_id: int
    code: str
    found_on: str
    facts: str
    source: str
    profession: str = ""
    event: str = ""
    complaint: bool = False


class DecisionBody(msgspec.Struct):
    """`verdict` is `uphold` or `dismiss`."""

    verdict: str
    reasons: str


class ImpositionBody(msgspec.Struct):
    """A decision that makes the grade D."""

    agency_id: int
    code: str
    document_no: str
    authority: str
    facts: str
    starts_on: str
    ends_on: str
    profession: str = ""
    as_decided: str = ""


class RevocationBody(msgspec.Struct):
    """Why a certificate is revoked."""

    document_no: str
    reason: str


async def _act(
    request: AnyRequest,
    data: msgspec.Struct | None,
    parse: Callable[[Form], T],
    do: Callable[[Identity, T], Awaitable[Any]],
) -> Response[Any]:
    """Parse, carry out once, answer with the receipt."""
    actor = await web.identity_of(request)

    async def carry_out(form: Form) -> Any:
        return await do(actor, parse(form))

    return await web.api_act(request, data, carry_out, plain)


@post("/grade-runs", name="api:grade-run-prepare", guards=OFFICER)
async def prepare_run(request: AnyRequest, data: JSONBody[RunBody]) -> Response[Any]:
    """Grade every agency on a day and send the drafts out."""
    return await _act(request, data, forms.parse_day, lambda actor, day: services.prepare_run(actor=actor, as_of=day))


@post("/grade-runs/{run_id:int}/publication", name="api:grade-run-publish", guards=SIGNER)
async def publish_run(request: AnyRequest, run_id: FromPath[int]) -> Response[Any]:
    """Sign every report of a run that nobody commented on."""
    return await _act(
        request,
        TextBody(),
        lambda form: None,
        lambda actor, _none: services.publish_run(actor=actor, run_id=run_id),
    )


@post("/grade-reports/{report_id:int}/comment", name="api:grade-report-comment", guards=AGENCY)
async def comment_report(request: AnyRequest, report_id: FromPath[int], data: JSONBody[TextBody]) -> Response[Any]:
    """The agency's comment on its draft."""
    return await _act(
        request,
        data,
        forms.parse_text,
        lambda actor, text: services.comment(actor=actor, report_id=report_id, text=text),
    )


@post("/grade-reports/{report_id:int}/publication", name="api:grade-report-publish", guards=SIGNER)
async def publish_report(request: AnyRequest, report_id: FromPath[int], data: JSONBody[TextBody]) -> Response[Any]:
    """Sign one report; `text` answers the agency's comment."""
    return await _act(
        request,
        data,
        lambda form: forms.parse_text(form, required=False),
        lambda actor, text: services.publish(actor=actor, report_id=report_id, answer=text),
    )


@post("/grade-reports/{report_id:int}/renewal", name="api:grade-report-renew", guards=SIGNER)
async def renew_report(request: AnyRequest, report_id: FromPath[int], data: JSONBody[TextBody]) -> Response[Any]:
    """Withdraw a draft and make it again."""
    return await _act(
        request,
        data,
        forms.parse_text,
        lambda actor, text: services.renew(actor=actor, report_id=report_id, reason=text),
    )


@post("/conduct-points", name="api:conduct-point-propose", guards=RECORDER)
async def propose_finding(request: AnyRequest, data: JSONBody[FindingBody]) -> Response[Any]:
    """Put a finding to an agency."""
    return await _act(
        request,
        data,
        forms.parse_finding,
        lambda actor, draft: services.propose_conduct(actor=actor, draft=draft),
    )


@post(
    "/conduct-points/with-files",
    name="api:conduct-point-propose-files",
    guards=RECORDER,
    request_max_body_size=UPLOAD_LIMIT,
)
async def propose_with_files(request: AnyRequest) -> Response[Any]:
    """The same as multipart, with up to five files `evidence`."""
    return await _act(
        request,
        None,
        forms.parse_finding,
        lambda actor, draft: services.propose_conduct(actor=actor, draft=draft),
    )


async def _reply(request: AnyRequest, finding_id: int, data: msgspec.Struct | None) -> Response[Any]:
    return await _act(
        request,
        data,
        forms.parse_reply,
        lambda actor, reply: services.reply_conduct(
            actor=actor, finding_id=finding_id, text=reply.text, evidence=reply.evidence
        ),
    )


@post("/conduct-points/{finding_id:int}/reply", name="api:conduct-point-reply", guards=AGENCY)
async def reply_finding(request: AnyRequest, finding_id: FromPath[int], data: JSONBody[TextBody]) -> Response[Any]:
    """The agency's reply."""
    return await _reply(request, finding_id, data)


@post(
    "/conduct-points/{finding_id:int}/reply-with-files",
    name="api:conduct-point-reply-files",
    guards=AGENCY,
    request_max_body_size=UPLOAD_LIMIT,
)
async def reply_with_files(request: AnyRequest, finding_id: FromPath[int]) -> Response[Any]:
    """The same as multipart, with up to five files `evidence`."""
    return await _reply(request, finding_id, None)


@get("/conduct-points/{finding_id:int}/files", name="api:conduct-point-files", guards=[web.signed_in])
async def list_files(request: AnyRequest, finding_id: FromPath[int]) -> dict[str, Any]:
    """The files of both sides, for the agency and the officers; empty for everybody else."""
    reader = await web.identity_of(request)
    shown = await finding_files(reader, await queries.finding(reader, finding_id))
    return {"items": plain(shown), "next": None}


@get("/conduct-points/{finding_id:int}/files/{file_id:int}", name="api:conduct-point-file", guards=[web.signed_in])
async def one_file(request: AnyRequest, finding_id: FromPath[int], file_id: FromPath[int]) -> Response[Any]:
    """One of these files."""
    found = await finding_file(await web.identity_of(request), finding_id, file_id)
    return await files.response(found.id, name=found.name)


@post("/conduct-points/{finding_id:int}/decision", name="api:conduct-point-decide", guards=DECIDER)
async def decide_finding(request: AnyRequest, finding_id: FromPath[int], data: JSONBody[DecisionBody]) -> Response[Any]:
    """Uphold or dismiss, by somebody else than the proposer."""
    return await _act(
        request,
        data,
        forms.parse_decision,
        lambda actor, made: services.decide_conduct(
            actor=actor, finding_id=finding_id, upheld=made.upheld, reasons=made.reasons
        ),
    )


@post("/direct-d", name="api:direct-d", guards=DECIDER)
async def impose(request: AnyRequest, data: JSONBody[ImpositionBody]) -> Response[Any]:
    """Record a decision that makes the grade D."""
    return await _act(
        request,
        data,
        forms.parse_imposition,
        lambda actor, decision: services.impose_direct_d(actor=actor, decision=decision),
    )


@post("/certificates/{number:str}/revocation", name="api:certificate-revoke", guards=SIGNER)
async def revoke(request: AnyRequest, number: FromPath[str], data: JSONBody[RevocationBody]) -> Response[Any]:
    """Revoke a certificate by a numbered decision."""
    return await _act(
        request,
        data,
        forms.parse_revocation,
        lambda actor, given: services.revoke_certificate(
            actor=actor, number=number, document_no=given.document_no, reason=given.reason
        ),
    )


api_router = Router(
    path="/",
    route_handlers=[
        list_grades,
        explanation,
        show_report,
        list_runs,
        show_run,
        list_findings,
        agency_findings,
        show_certificate,
        show_scheme,
        prepare_run,
        publish_run,
        comment_report,
        publish_report,
        renew_report,
        propose_finding,
        propose_with_files,
        reply_finding,
        reply_with_files,
        list_files,
        one_file,
        decide_finding,
        impose,
        revoke,
        *watching.HANDLERS,
        *laboratory.HANDLERS,
        *life.HANDLERS,
        *supervision.HANDLERS,
    ],
    tags=["grading"],
)

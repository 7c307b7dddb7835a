"""Requests, objections, panels, repairs, the day as seen, and file checks as JSON: the same parsers and services.

Evidence goes along as multipart (`evidence`, up to five files); without files a JSON body does.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from agencies.rules import Profession
from core import files, web
from core.forms import Form
from core.identity import Identity, Permission
from core.web.pages import decode_cursor
from core.web.reading import read_form
from grading import services
from grading.controllers.filecheck import check_file
from grading.forms import life as life_forms
from grading.queries import objections
from grading.queries.as_seen import as_seen
from grading.queries.asked import asked, asked_list
from grading.queries.objections import ObjectionView
from grading.queries.repairs import repair, repairs
from grading.rules.evidence import plain
from grading.rules.objections import MOST_FILES

AnyRequest = Request[Any, Any, Any]
AGENCY = [web.requires(Permission.COMMENT_GRADE)]
SIGNER = [web.requires(Permission.PUBLISH_GRADE)]
DECIDER = [web.requires(Permission.DECIDE_CONDUCT)]
UPLOAD_LIMIT = (MOST_FILES * 10 + 2) * files.MEGABYTE
MOST = 100
Do = Callable[[Identity, Form], Awaitable[Any]]


class AskBody(msgspec.Struct):
    """`kind` is `explanation` or `human`."""

    kind: str = ""
    question: str = ""


class WordsBody(msgspec.Struct):
    """One text under the name the page uses: `answer`, `words` or `reasons`."""

    answer: str = ""
    words: str = ""
    reasons: str = ""


class ChangeBody(msgspec.Struct):
    """`target` is `case:<deliverable id>` or `finding:<id>`; `amount` the new mark where one is corrected."""

    target: str
    kind: str
    amount: str = ""


class DecidingBody(msgspec.Struct):
    """`verdict` is `uphold` or `reject`."""

    verdict: str = ""
    reasons: str = ""
    change: list[ChangeBody] = []


class VoteBody(msgspec.Struct):
    """`vote` is `agree` or `disagree`, on proposal `number`."""

    number: int = 0
    vote: str = ""
    words: str = ""


class RepairDecisionBody(msgspec.Struct):
    """`verdict` is `grant` or `refuse`."""

    verdict: str = ""
    reasons: str = ""
    forged: bool = False


async def _act(request: AnyRequest, data: msgspec.Struct | dict[str, Any] | None, do: Do) -> Response[Any]:
    actor = await web.identity_of(request)

    async def carry_out(form: Form) -> Any:
        return await do(actor, form)

    return await web.api_act(request, data, carry_out, plain)


def _list(rows: list[Any], limit: int, key: Callable[[Any], Any], show: Callable[[Any], Any]) -> dict[str, Any]:
    return web.cursor_page(rows, limit, key, show)


def _before(cursor: str | None) -> int | None:
    found = decode_cursor(cursor)
    return found if isinstance(found, int) else None


# ---------------------------------------------------------------- requests
@get("/grade-requests", name="api:grade-requests", guards=[web.signed_in])
async def list_requests(request: AnyRequest) -> dict[str, Any]:
    """Requests: all for the officers, its own for an agency."""
    return {"items": plain(await asked_list(await web.identity_of(request))), "next": None}


@get("/grade-requests/{request_id:int}", name="api:grade-request", guards=[web.signed_in])
async def show_request(request: AnyRequest, request_id: FromPath[int]) -> dict[str, Any]:
    """One request."""
    shown: dict[str, Any] = plain(await asked(await web.identity_of(request), request_id))
    return shown


@post("/grade-reports/{report_id:int}/requests", name="api:grade-request-ask", guards=AGENCY)
async def ask(request: AnyRequest, report_id: FromPath[int], data: JSONBody[AskBody]) -> Response[Any]:
    """Ask for an explanation or for a person."""

    async def do(actor: Identity, form: Form) -> Any:
        kind, question = life_forms.parse_asking(form)
        return await services.ask(actor=actor, report_id=report_id, kind=kind, question=question)

    return await _act(request, data, do)


@post("/grade-requests/{request_id:int}/answer", name="api:grade-request-answer", guards=SIGNER)
async def answer(request: AnyRequest, request_id: FromPath[int], data: JSONBody[WordsBody]) -> Response[Any]:
    """Answer in person (`answer`)."""

    async def do(actor: Identity, form: Form) -> Any:
        text = life_forms.parse_long(form, "answer")
        return await services.answer_asked(actor=actor, request_id=request_id, answer=text)

    return await _act(request, data, do)


# ---------------------------------------------------------------- objections
def objection_json(row: ObjectionView) -> dict[str, Any]:
    """An objection without the names of the people who handled it."""
    hidden = {"decider", "checker", "signed_by", "organization_id"}
    return {name: value for name, value in plain(row).items() if name not in hidden}


@get("/grade-objections", name="api:grade-objections", guards=[web.signed_in])
async def list_objections(
    request: AnyRequest, limit: FromQuery[int] = 20, cursor: FromQuery[str | None] = None
) -> dict[str, Any]:
    """Objections: all for the officers, its own for an agency, those one sits on for others."""
    limit = min(max(limit, 1), MOST)
    reader = await web.identity_of(request)
    rows = await objections.grade_objections(reader, before=_before(cursor), limit=limit + 1)
    return _list(rows, limit, lambda row: row.objection_id, objection_json)


@get("/grade-objections/{objection_id:int}", name="api:grade-objection", guards=[web.signed_in])
async def show_objection(request: AnyRequest, objection_id: FromPath[int]) -> dict[str, Any]:
    """One objection with what was corrected and what was published again."""
    row = await objections.grade_objection(await web.identity_of(request), objection_id)
    return objection_json(row) | {
        "changes": plain(await objections.changes_made(objection_id)),
        "replaced": plain(await objections.replaced_by(objection_id)),
    }


@post(
    "/grade-reports/{report_id:int}/objections",
    name="api:grade-objection-lodge",
    guards=AGENCY,
    request_max_body_size=UPLOAD_LIMIT,
)
async def lodge(request: AnyRequest, report_id: FromPath[int]) -> Response[Any]:
    """Lodge an objection: multipart with `facts`, `wish` and files `evidence`."""

    async def do(actor: Identity, form: Form) -> Any:
        return await services.lodge_objection(actor=actor, report_id=report_id, draft=life_forms.parse_objecting(form))

    return await _act(request, None, do)


@post("/grade-objections/{objection_id:int}/check", name="api:grade-objection-check", guards=SIGNER)
async def check(request: AnyRequest, objection_id: FromPath[int], data: JSONBody[WordsBody]) -> Response[Any]:
    """Somebody outside must check (`words`)."""

    async def do(actor: Identity, form: Form) -> Any:
        words = life_forms.parse_long(form)
        return await services.check_outside(actor=actor, objection_id=objection_id, words=words)

    return await _act(request, data, do)


@post("/grade-objections/{objection_id:int}/decision", name="api:grade-objection-decide", guards=SIGNER)
async def decide(request: AnyRequest, objection_id: FromPath[int], data: JSONBody[DecidingBody]) -> Response[Any]:
    """The first decision."""

    async def do(actor: Identity, form: Form) -> Any:
        return await services.decide_objection(
            actor=actor, objection_id=objection_id, **_deciding(life_forms.parse_deciding(form))
        )

    return await _act(request, data, do)


def _deciding(made: life_forms.Deciding) -> dict[str, Any]:
    return {"verdict": made.verdict, "reasons": made.reasons, "changes": made.changes}


@post("/grade-objections/{objection_id:int}/rereview", name="api:grade-objection-contest", guards=AGENCY)
async def contest(request: AnyRequest, objection_id: FromPath[int], data: JSONBody[WordsBody]) -> Response[Any]:
    """Ask for a re-review (`reasons`)."""

    async def do(actor: Identity, form: Form) -> Any:
        words = life_forms.parse_long(form, "reasons")
        return await services.contest(actor=actor, objection_id=objection_id, words=words)

    return await _act(request, data, do)


@post("/grade-objections/{objection_id:int}/withdrawal", name="api:grade-objection-withdraw", guards=AGENCY)
async def withdraw(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """Take it back."""

    async def do(actor: Identity, _form: Form) -> Any:
        return await services.withdraw_objection(actor=actor, objection_id=objection_id)

    return await _act(request, {}, do)


@post("/grade-objections/{objection_id:int}/proposal", name="api:grade-objection-propose", guards=[web.signed_in])
async def propose(request: AnyRequest, objection_id: FromPath[int], data: JSONBody[DecidingBody]) -> Response[Any]:
    """A member of the panel puts a decision to the vote."""

    async def do(actor: Identity, form: Form) -> Any:
        return await services.propose(
            actor=actor, objection_id=objection_id, **_deciding(life_forms.parse_deciding(form))
        )

    return await _act(request, data, do)


@post("/grade-objections/{objection_id:int}/vote", name="api:grade-objection-vote", guards=[web.signed_in])
async def vote(request: AnyRequest, objection_id: FromPath[int], data: JSONBody[VoteBody]) -> Response[Any]:
    """A member of the panel votes."""

    async def do(actor: Identity, form: Form) -> Any:
        cast = life_forms.parse_vote(form)
        return await services.vote(actor=actor, objection_id=objection_id, **asdict(cast))

    return await _act(request, data, do)


# ---------------------------------------------------------------- repair
@get("/credit-repairs", name="api:credit-repairs", guards=[web.signed_in])
async def list_repairs(
    request: AnyRequest, limit: FromQuery[int] = 20, cursor: FromQuery[str | None] = None
) -> dict[str, Any]:
    """Applications: all for the officers, its own for an agency."""
    limit = min(max(limit, 1), MOST)
    rows = await repairs(await web.identity_of(request), before=_before(cursor), limit=limit + 1)
    return _list(rows, limit, lambda row: row.repair_id, plain)


@get("/credit-repairs/{repair_id:int}", name="api:credit-repair", guards=[web.signed_in])
async def show_repair(request: AnyRequest, repair_id: FromPath[int]) -> dict[str, Any]:
    """One application."""
    shown: dict[str, Any] = plain(await repair(await web.identity_of(request), repair_id))
    return shown


@post("/credit-repairs", name="api:credit-repair-apply", guards=AGENCY, request_max_body_size=UPLOAD_LIMIT)
async def apply(request: AnyRequest) -> Response[Any]:
    """Apply: multipart with the fields of the page and files `evidence`."""

    async def do(actor: Identity, form: Form) -> Any:
        return await services.apply_repair(actor=actor, draft=life_forms.parse_repair(form))

    return await _act(request, None, do)


@post("/credit-repairs/{repair_id:int}/acceptance", name="api:credit-repair-accept", guards=DECIDER)
async def accept(request: AnyRequest, repair_id: FromPath[int]) -> Response[Any]:
    """The papers are complete."""

    async def do(actor: Identity, _form: Form) -> Any:
        return await services.accept_repair(actor=actor, repair_id=repair_id)

    return await _act(request, {}, do)


@post("/credit-repairs/{repair_id:int}/return", name="api:credit-repair-return", guards=DECIDER)
async def send_back(request: AnyRequest, repair_id: FromPath[int], data: JSONBody[WordsBody]) -> Response[Any]:
    """Something is missing (`reasons`)."""

    async def do(actor: Identity, form: Form) -> Any:
        reasons = life_forms.parse_long(form, "reasons")
        return await services.return_repair(actor=actor, repair_id=repair_id, reasons=reasons)

    return await _act(request, data, do)


@post("/credit-repairs/{repair_id:int}/decision", name="api:credit-repair-decide", guards=DECIDER)
async def decide_repair(
    request: AnyRequest, repair_id: FromPath[int], data: JSONBody[RepairDecisionBody]
) -> Response[Any]:
    """Grant or refuse."""

    async def do(actor: Identity, form: Form) -> Any:
        made = life_forms.parse_repair_decision(form)
        return await services.decide_repair(actor=actor, repair_id=repair_id, **asdict(made))

    return await _act(request, data, do)


# ---------------------------------------------------------------- for everybody
@get("/agencies/{agency_id:int}/grades/{profession:str}/seen", name="api:grade-seen", opt=web.public)
async def seen(
    agency_id: FromPath[int], profession: FromPath[Profession], on: FromQuery[str | None] = None
) -> dict[str, Any]:
    """Grade, tag and certificate as everybody saw them at the end of the day `on` (Shanghai)."""
    shown: dict[str, Any] = plain(await as_seen(agency_id, profession, life_forms.parse_on(on)))
    return shown


@post("/certificates/check", name="api:certificate-check", opt=web.public, request_max_body_size=3 * files.MEGABYTE)
async def check_certificate(request: AnyRequest) -> Response[dict[str, Any]]:
    """Check a certificate file (multipart, `file`): nothing is kept, so no key is needed."""
    form = await read_form(request)
    found = await check_file(form, "file")
    shown = found.shown
    body = {
        "seal": found.seal.value,
        "signed_at": found.signed_at.isoformat() if found.signed_at else None,
        "number": shown.number if shown else None,
        "state": shown.state.value if shown else None,
        "agrees_with_register": found.same,
        "holds": found.holds,
    }
    return Response(body, status_code=200)


HANDLERS = [
    list_requests,
    show_request,
    ask,
    answer,
    list_objections,
    show_objection,
    lodge,
    check,
    decide,
    contest,
    withdraw,
    propose,
    vote,
    list_repairs,
    show_repair,
    apply,
    accept,
    send_back,
    decide_repair,
    seen,
    check_certificate,
]

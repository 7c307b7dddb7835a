"""Supervision as JSON: measures, my grade, the way back, successors, persons, inspections."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from agencies.queries import person_flags
from agencies.rules import Profession
from agencies.services import end_person_flag, flag_person
from core import clock, web
from core.forms import Form
from core.identity import Identity, Permission
from core.web.pages import decode_cursor
from grading import services
from grading.controllers.supervision import UPLOAD_LIMIT
from grading.forms import parse_text
from grading.forms import supervision as forms
from grading.queries.improvement import duties
from grading.queries.inheritance import InheritanceView, inheritance, inheritances
from grading.queries.inspections import inspections, plan, plans
from grading.queries.my_grade import my_grade
from grading.queries.supervision import measure_notes, supervision_on
from grading.queries.way_back import WayBackView, way_back, way_backs
from grading.rules.evidence import plain

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")
MOST = 100
AGENCY = [web.requires(Permission.COMMENT_GRADE)]
RECORDER = [web.requires(Permission.RECORD_CONDUCT)]
DECIDER = [web.requires(Permission.DECIDE_CONDUCT)]
OFFICER = [web.requires(Permission.RUN_GRADING)]


def _before(cursor: str | None) -> int | None:
    found = decode_cursor(cursor)
    return found if isinstance(found, int) else None


def _without(shown: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: one for name, one in shown.items() if name not in names}


async def _act(
    request: AnyRequest, data: Any, parse: Callable[[Form], T], do: Callable[[Identity, T], Awaitable[Any]]
) -> Response[Any]:
    actor = await web.identity_of(request)

    async def carry_out(form: Form) -> Any:
        return await do(actor, parse(form))

    return await web.api_act(request, data, carry_out, plain)


class RulingBody(msgspec.Struct):
    """`verdict` is `yes` or `no`."""

    verdict: str = ""
    reasons: str = ""


class WordsBody(msgspec.Struct):
    """One text."""

    text: str = ""


class PairBody(msgspec.Struct):
    """Who is said to carry on whom."""

    predecessor: int = 0
    successor: int = 0
    facts: str = ""


class FlagBody(msgspec.Struct):
    """A decision against a registered professional; `bars` when it forbids to practise."""

    certificate_no: str = ""
    document_no: str = ""
    authority: str = ""
    facts: str = ""
    starts_on: str = ""
    ends_on: str = ""
    bars: bool = False


class SourceBody(msgspec.Struct):
    """The public value that will complete the draw."""

    outside_source: str = ""


class ValueBody(msgspec.Struct):
    """The value and where it was read."""

    value: str = ""
    where: str = ""


class InspectionBody(msgspec.Struct):
    """What an inspection found: clean, corrected, ordered (with `correct_by`), finding (with `code`), obstructed."""

    visited_on: str = ""
    inspectors: str = ""
    facts: str = ""
    outcome: str = ""
    code: str = ""
    correct_by: str = ""


class ImprovementBody(msgspec.Struct):
    """What the agency does about its grade C, and how its people will be trained."""

    measures: str = ""
    training: str = ""


class RectifiedBody(msgspec.Struct):
    """How it was checked."""

    words: str = ""


# ---------------------------------------------------------------- measures
@get("/grade-consequences", name="api:grade-consequences", opt=web.public)
async def consequences() -> dict[str, Any]:
    """Every measure by grade with its basis."""
    rules = await supervision_on(clock.today())
    grades: dict[str, Any] = plain({grade.value: one for grade, one in rules.grades.items()})
    return {"scheme": rules.scheme_id, "grades": grades, "measures": plain(measure_notes())}


@get("/my-grade", name="api:my-grade", guards=AGENCY)
async def mine(request: AnyRequest) -> dict[str, Any]:
    """What the agency's own grades mean today."""
    found = await my_grade(await web.identity_of(request))
    return {
        "agency_id": found.card.agency_id,
        "professions": plain(found.trades),
        "findings": [_without(plain(one), "proposed_by", "organization_id") for one in found.findings],
        "direct_d": [_without(plain(one), "imposed_by", "organization_id") for one in found.grounds],
        "inherited": [_pair(one) for one in found.carried],
        "inspections": [_without(plain(one), "organization_id") for one in found.inspections],
    }


@post("/my-grade/{profession:str}/improvement", name="api:improvement-file", guards=AGENCY)
async def file_plan(
    request: AnyRequest, profession: FromPath[Profession], data: JSONBody[ImprovementBody]
) -> Response[Any]:
    """File the improvement plan that grade C asks for."""
    return await _act(
        request,
        data,
        forms.parse_improvement,
        lambda actor, draft: services.file_improvement(actor=actor, profession=profession, draft=draft),
    )


@get("/improvement-plans", name="api:improvement-plans", guards=RECORDER)
async def list_plans_of_c(request: AnyRequest) -> dict[str, Any]:
    """Every agency with grade C, with its plan or until when it is due."""
    return {"plans": plain(await duties())}


# ---------------------------------------------------------------- way back
def _way_back(view: WayBackView) -> dict[str, Any]:
    shown = _without(plain(view), "checked_by", "proofs")
    shown["ground"] = _without(shown["ground"], "imposed_by", "organization_id")
    return shown | {"proofs": [{"name": one.name, "sha256": one.sha256} for one in view.proofs]}


@get("/way-backs", name="api:way-backs", guards=[web.signed_in])
async def list_way_backs(request: AnyRequest) -> dict[str, Any]:
    """Applications that wait: all for the officers, its own for an agency."""
    return {"items": [_way_back(one) for one in await way_backs(await web.identity_of(request))], "next": None}


@get("/way-backs/{way_back_id:int}", name="api:way-back", guards=[web.signed_in])
async def show_way_back(request: AnyRequest, way_back_id: FromPath[int]) -> dict[str, Any]:
    """One application."""
    return _way_back(await way_back(await web.identity_of(request), way_back_id))


@post(
    "/direct-d/{direct_d_id:int}/way-backs",
    name="api:way-back-file",
    guards=AGENCY,
    request_max_body_size=UPLOAD_LIMIT,
)
async def file_way_back(request: AnyRequest, direct_d_id: FromPath[int]) -> Response[Any]:
    """Apply to leave a direct D, as multipart/form-data: corrected, obligations, confirmation, committed, proofs."""
    return await _act(
        request,
        None,
        forms.parse_way_back,
        lambda actor, given: services.file_way_back(
            actor=actor, direct_d_id=direct_d_id, draft=given[0], proofs=given[1]
        ),
    )


@post(
    "/way-backs/{way_back_id:int}/completions",
    name="api:way-back-complete",
    guards=AGENCY,
    request_max_body_size=UPLOAD_LIMIT,
)
async def complete_way_back(request: AnyRequest, way_back_id: FromPath[int]) -> Response[Any]:
    """Hand a returned application in again, in the same form."""
    return await _act(
        request,
        None,
        lambda form: forms.parse_way_back(form, files_needed=False),
        lambda actor, given: services.complete_way_back(
            actor=actor, way_back_id=way_back_id, draft=given[0], proofs=given[1]
        ),
    )


@post("/way-backs/{way_back_id:int}/check", name="api:way-back-check", guards=DECIDER)
async def check_way_back(request: AnyRequest, way_back_id: FromPath[int], data: JSONBody[RulingBody]) -> Response[Any]:
    """The formal check: yes, complete; no, returned."""
    return await _act(
        request,
        data,
        lambda form: forms.parse_ruling(form, reasons_needed=False),
        lambda actor, made: services.check_way_back(
            actor=actor, way_back_id=way_back_id, complete=made.yes, note=made.reasons
        ),
    )


@post("/way-backs/{way_back_id:int}/decision", name="api:way-back-decide", guards=DECIDER)
async def decide_way_back(request: AnyRequest, way_back_id: FromPath[int], data: JSONBody[RulingBody]) -> Response[Any]:
    """Grant or refuse, by a third person."""
    return await _act(
        request,
        data,
        forms.parse_ruling,
        lambda actor, made: services.decide_way_back(
            actor=actor, way_back_id=way_back_id, granted=made.yes, reasons=made.reasons
        ),
    )


@post("/way-backs/publication", name="api:way-back-lift", guards=DECIDER)
async def lift(request: AnyRequest) -> Response[Any]:
    """Publish the grades of ways back granted early whose day has come."""

    async def do(actor: Identity, _none: None) -> dict[str, int]:
        return {"lifted": await services.lift_due(actor=actor)}

    return await _act(request, WordsBody(), lambda form: None, do)


# ---------------------------------------------------------------- successors and persons
def _pair(view: InheritanceView) -> dict[str, Any]:
    return _without(plain(view), "proposed_by", "organization_id")


@get("/inheritances", name="api:inheritances", guards=[web.signed_in])
async def list_inheritances(
    request: AnyRequest, limit: FromQuery[int] = 20, cursor: FromQuery[str | None] = None
) -> dict[str, Any]:
    """Pairs: all for the officers, its own for an agency once told."""
    limit = min(max(limit, 1), MOST)
    rows = await inheritances(await web.identity_of(request), before=_before(cursor), limit=limit + 1)
    return web.cursor_page(rows, limit, lambda row: row.inheritance_id, _pair)


@get("/inheritances/{inheritance_id:int}", name="api:inheritance", opt=web.public)
async def show_inheritance(request: AnyRequest, inheritance_id: FromPath[int]) -> dict[str, Any]:
    """One pair; the public sees who carries whom and why, not the ties of the register."""
    reader = await web.who(request)
    view = await inheritance(reader, inheritance_id)
    own = reader is not None and reader.organization_id == view.organization_id
    if own or (reader is not None and reader.may(Permission.RECORD_CONDUCT)):
        return _pair(view)
    return _without(_pair(view), "edges", "facts", "reply", "replied_at")


@post("/inheritances", name="api:inheritance-pair", guards=RECORDER)
async def propose_pair(request: AnyRequest, data: JSONBody[PairBody]) -> Response[Any]:
    """Put a pair to the successor."""
    return await _act(
        request,
        data,
        forms.parse_pair,
        lambda actor, pair: services.propose_pair(
            actor=actor, predecessor=pair.predecessor, successor=pair.successor, facts=pair.facts
        ),
    )


@post("/inheritances/{inheritance_id:int}/proposal", name="api:inheritance-propose", guards=RECORDER)
async def propose(request: AnyRequest, inheritance_id: FromPath[int], data: JSONBody[WordsBody]) -> Response[Any]:
    """Put a suggestion to the successor; `text` are the facts."""
    return await _act(
        request,
        data,
        parse_text,
        lambda actor, text: services.propose_inheritance(actor=actor, inheritance_id=inheritance_id, facts=text),
    )


@post("/inheritances/{inheritance_id:int}/drop", name="api:inheritance-drop", guards=DECIDER)
async def drop(request: AnyRequest, inheritance_id: FromPath[int], data: JSONBody[WordsBody]) -> Response[Any]:
    """Lay a suggestion aside; `text` are the reasons."""
    return await _act(
        request,
        data,
        parse_text,
        lambda actor, text: services.drop_suggestion(actor=actor, inheritance_id=inheritance_id, reasons=text),
    )


@post("/inheritances/{inheritance_id:int}/reply", name="api:inheritance-reply", guards=AGENCY)
async def reply(request: AnyRequest, inheritance_id: FromPath[int], data: JSONBody[WordsBody]) -> Response[Any]:
    """The successor's reply."""
    return await _act(
        request,
        data,
        parse_text,
        lambda actor, text: services.reply_inheritance(actor=actor, inheritance_id=inheritance_id, text=text),
    )


@post("/inheritances/{inheritance_id:int}/decision", name="api:inheritance-decide", guards=DECIDER)
async def decide(request: AnyRequest, inheritance_id: FromPath[int], data: JSONBody[RulingBody]) -> Response[Any]:
    """Confirm or dismiss, by somebody else."""
    return await _act(
        request,
        data,
        forms.parse_ruling,
        lambda actor, made: services.decide_inheritance(
            actor=actor, inheritance_id=inheritance_id, confirmed=made.yes, reasons=made.reasons
        ),
    )


@post("/inheritances/{inheritance_id:int}/clearing", name="api:inheritance-clear", guards=DECIDER)
async def clear(request: AnyRequest, inheritance_id: FromPath[int], data: JSONBody[WordsBody]) -> Response[Any]:
    """End an inheritance; `text` are the reasons."""
    return await _act(
        request,
        data,
        parse_text,
        lambda actor, text: services.clear_inheritance(actor=actor, inheritance_id=inheritance_id, reasons=text),
    )


@get("/person-flags", name="api:person-flags", guards=RECORDER)
async def list_flags(
    request: AnyRequest, limit: FromQuery[int] = 20, cursor: FromQuery[str | None] = None
) -> dict[str, Any]:
    """Flags on persons, wherever they now work."""
    limit = min(max(limit, 1), MOST)
    rows = await person_flags(before=_before(cursor), limit=limit + 1)
    return web.cursor_page(rows, limit, lambda row: row.flag_id, plain)


@post("/person-flags", name="api:person-flag", guards=DECIDER)
async def flag(request: AnyRequest, data: JSONBody[FlagBody]) -> Response[Any]:
    """Put a decision against a person on record."""
    return await _act(request, data, forms.parse_flag, lambda actor, given: flag_person(actor=actor, flag=given))


@post("/person-flags/{flag_id:int}/end", name="api:person-flag-end", guards=DECIDER)
async def end_flag(request: AnyRequest, flag_id: FromPath[int], data: JSONBody[WordsBody]) -> Response[Any]:
    """End a flag before its day."""
    return await _act(
        request,
        data,
        parse_text,
        lambda actor, text: end_person_flag(actor=actor, flag_id=flag_id, reason=text),
    )


# ---------------------------------------------------------------- inspections
@get("/inspection-plans", name="api:inspection-plans", opt=web.public)
async def list_plans() -> dict[str, Any]:
    """The plans, the latest first."""
    found = [_without(plain(one), "lines", "result") for one in await plans()]
    return {"items": found, "next": None}


@get("/inspection-plans/{plan_id:int}", name="api:inspection-plan", opt=web.public)
async def show_plan(request: AnyRequest, plan_id: FromPath[int]) -> dict[str, Any]:
    """One plan with its frozen list, the draw file and what was found."""
    view = await plan(plan_id)
    rows = await inspections(plan_id, await web.who(request))
    shown: dict[str, Any] = plain(view)
    return shown | {"inspections": [_without(plain(one), "organization_id") for one in rows]}


@post("/inspection-plans", name="api:inspection-announce", guards=OFFICER)
async def announce(request: AnyRequest, data: JSONBody[SourceBody]) -> Response[Any]:
    """Announce this quarter's plan."""
    return await _act(
        request,
        data,
        forms.parse_source,
        lambda actor, source: services.announce_plan(actor=actor, outside_source=source),
    )


@post("/inspection-plans/{plan_id:int}/draw", name="api:inspection-draw", guards=OFFICER)
async def draw(request: AnyRequest, plan_id: FromPath[int], data: JSONBody[ValueBody]) -> Response[Any]:
    """Record the public value and draw."""
    return await _act(
        request,
        data,
        forms.parse_value,
        lambda actor, found: services.draw_plan(actor=actor, plan_id=plan_id, value=found.value, where=found.where),
    )


@post("/inspections/{inspection_id:int}/result", name="api:inspection-record", guards=RECORDER)
async def record(request: AnyRequest, inspection_id: FromPath[int], data: JSONBody[InspectionBody]) -> Response[Any]:
    """Record what an inspection found."""
    return await _act(
        request,
        data,
        forms.parse_inspection,
        lambda actor, draft: services.record_inspection(actor=actor, inspection_id=inspection_id, draft=draft),
    )


@post("/inspections/{inspection_id:int}/rectified", name="api:inspection-rectified", guards=RECORDER)
async def rectified(request: AnyRequest, inspection_id: FromPath[int], data: JSONBody[RectifiedBody]) -> Response[Any]:
    """Confirm that what was ordered is put right."""
    return await _act(
        request,
        data,
        forms.parse_rectified,
        lambda actor, words: services.confirm_rectified(actor=actor, inspection_id=inspection_id, words=words),
    )


HANDLERS = [
    consequences,
    mine,
    file_plan,
    list_plans_of_c,
    list_way_backs,
    show_way_back,
    file_way_back,
    complete_way_back,
    check_way_back,
    decide_way_back,
    lift,
    list_inheritances,
    show_inheritance,
    propose_pair,
    propose,
    drop,
    reply,
    decide,
    clear,
    list_flags,
    flag,
    end_flag,
    list_plans,
    show_plan,
    announce,
    draw,
    record,
    rectified,
]

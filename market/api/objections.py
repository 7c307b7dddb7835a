"""Objections as JSON. Lodging takes a multipart form when evidence is sent along, JSON otherwise."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from core import files, web
from core.forms import Form
from core.identity import Identity, Permission
from core.web.pages import decode_cursor
from market import forms, services
from market.api.shapes import moment_text
from market.queries import objections
from market.queries.objections import ObjectionRow, StepRow
from market.rules.objections import MOST_FILES, Against, ObjectionAct

AnyRequest = Request[Any, Any, Any]
LODGER = [web.requires(Permission.LODGE_OBJECTION)]
OWNER = [web.requires(Permission.SELECT_AGENCY)]
SUPERVISOR = [web.requires(Permission.DECIDE_OBJECTION)]
UPLOAD_LIMIT = (MOST_FILES * 10 + 2) * files.MEGABYTE
MOST = 100


class ObjectionBody(msgspec.Struct):
    """An objection without files. `provision` is a code of the list, or say it in `provision_words`."""

    facts: str = ""
    wish: str = ""
    provision: str = ""
    provision_words: str = ""
    evidence_words: str = ""
    honest: bool = False


class AnswerBody(msgspec.Struct):
    """A client's answer. `remedy`: reject, amend, withdraw, cancel, refer."""

    remedy: str = ""
    words: str = ""


class WordsBody(msgspec.Struct):
    """Reasons, in words that will be public."""

    words: str = ""


class DecisionBody(msgspec.Struct):
    """A decision: confirm, correct (with ids of bids to set aside or to let in again), void."""

    decision: str = ""
    words: str = ""
    aside: list[int] = []
    back: list[int] = []


def objection_json(row: ObjectionRow) -> dict[str, Any]:
    """The public part of an objection; the objector only where it is public anyway."""
    named = row.against is Against.RESULT
    return {
        "id": row.id,
        "number": row.number,
        "notice_id": row.notice_id,
        "notice_number": row.notice_no,
        "against": row.against.value,
        "state": row.state.value,
        "objector_id": row.agency_id if named else None,
        "objector_zh": row.objector_name_zh if named else None,
        "client_zh": row.client_name_zh,
        "facts": row.facts,
        "wish": row.wish,
        "provision": row.provision or None,
        "provision_words": row.provision_words or None,
        "lodged_at": moment_text(row.lodged_at),
        "due_at": moment_text(row.due_at),
        "late": row.late,
        "closed_at": moment_text(row.closed_at),
    }


def step_json(step: StepRow, *, named: bool) -> dict[str, Any]:
    """One act on an objection."""
    objector = step.act in {ObjectionAct.LODGE, ObjectionAct.ESCALATE, ObjectionAct.WITHDRAW}
    return {
        "act": step.act.value,
        "at": moment_text(step.at),
        "by": step.organization_zh if named or not objector else None,
        "words": step.words,
        "detail": dict(step.detail) if step.detail else None,
    }


def receipt_json(receipt: services.ObjectionReceipt) -> dict[str, Any]:
    """The receipt of an act on an objection."""
    return {"id": receipt.objection_id, "number": receipt.number, "notice_id": receipt.notice_id}


@get("/notice-objections", name="api:market-objections", opt=web.public)
async def list_objections(cursor: FromQuery[str | None] = None, limit: FromQuery[int] = 20) -> dict[str, Any]:
    """All objections, newest first."""
    size = min(max(1, limit), MOST)
    before = decode_cursor(cursor)
    rows = await objections.objection_list(limit=size, before=before if isinstance(before, int) else None)
    return web.cursor_page(rows, size, lambda row: row.id, objection_json)


@get("/notice-objections/{objection_id:int}", name="api:market-objection", opt=web.public)
async def show_objection(objection_id: FromPath[int]) -> dict[str, Any]:
    """One objection with everything done about it."""
    row = await objections.objection(objection_id)
    named = row.against is Against.RESULT
    steps = await objections.steps_of(objection_id)
    return objection_json(row) | {"steps": [step_json(one, named=named) for one in steps]}


@post("/notices/{notice_id:int}/objections", name="api:market-objection-lodge", guards=LODGER)
async def lodge(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[ObjectionBody]) -> Response[Any]:
    """Lodge an objection whose evidence is described in words."""
    return await _lodge(request, notice_id, data)


@post(
    "/notices/{notice_id:int}/objections/with-evidence",
    name="api:market-objection-lodge-files",
    guards=LODGER,
    request_max_body_size=UPLOAD_LIMIT,
)
async def lodge_with_files(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The same as a multipart form, with up to five files named `evidence`."""
    return await _lodge(request, notice_id, None)


async def _lodge(request: AnyRequest, notice_id: int, data: ObjectionBody | None) -> Response[Any]:
    async def do(identity: Identity, form: Form) -> services.ObjectionReceipt:
        draft, evidence, honest = forms.parse_objection(form)
        return await services.lodge_objection(
            identity, notice_id=notice_id, draft=draft, evidence=evidence, honest=honest
        )

    return await _act(request, data, do)


Do = Callable[[Identity, Form], Awaitable[services.ObjectionReceipt]]


async def _act(request: AnyRequest, data: msgspec.Struct | dict[str, Any] | None, do: Do) -> Response[Any]:
    identity = await web.identity_of(request)

    async def carry_out(form: Form) -> services.ObjectionReceipt:
        return await do(identity, form)

    return await web.api_act(request, data, carry_out, receipt_json)


@post("/notice-objections/{objection_id:int}/answer", name="api:market-objection-answer", guards=OWNER)
async def answer(request: AnyRequest, objection_id: FromPath[int], data: JSONBody[AnswerBody]) -> Response[Any]:
    """The client's answer."""

    async def do(identity: Identity, form: Form) -> services.ObjectionReceipt:
        remedy, words = forms.parse_objection_answer(form)
        return await services.answer_objection(identity, objection_id=objection_id, remedy=remedy, words=words)

    return await _act(request, data, do)


@post("/notice-objections/{objection_id:int}/escalation", name="api:market-objection-escalate", guards=LODGER)
async def escalate(request: AnyRequest, objection_id: FromPath[int], data: JSONBody[WordsBody]) -> Response[Any]:
    """To the supervisor."""

    async def do(identity: Identity, form: Form) -> services.ObjectionReceipt:
        words = forms.parse_words(form)
        return await services.escalate_objection(identity, objection_id=objection_id, words=words)

    return await _act(request, data, do)


@post("/notice-objections/{objection_id:int}/withdrawal", name="api:market-objection-withdraw", guards=LODGER)
async def withdraw(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """The objector takes it back."""

    async def do(identity: Identity, _form: Form) -> services.ObjectionReceipt:
        return await services.withdraw_objection(identity, objection_id=objection_id)

    return await _act(request, {}, do)


@post("/notice-objections/{objection_id:int}/acceptance", name="api:market-objection-accept", guards=SUPERVISOR)
async def accept(request: AnyRequest, objection_id: FromPath[int], data: JSONBody[WordsBody]) -> Response[Any]:
    """The supervisor takes it up."""

    async def do(identity: Identity, form: Form) -> services.ObjectionReceipt:
        words = forms.parse_words(form, required=False)
        return await services.accept_objection(identity, objection_id=objection_id, words=words)

    return await _act(request, data, do)


@post("/notice-objections/{objection_id:int}/refusal", name="api:market-objection-decline", guards=SUPERVISOR)
async def decline(request: AnyRequest, objection_id: FromPath[int], data: JSONBody[WordsBody]) -> Response[Any]:
    """The supervisor does not take it up."""

    async def do(identity: Identity, form: Form) -> services.ObjectionReceipt:
        words = forms.parse_words(form)
        return await services.decline_objection(identity, objection_id=objection_id, words=words)

    return await _act(request, data, do)


@post("/notice-objections/{objection_id:int}/decision", name="api:market-objection-decide", guards=SUPERVISOR)
async def decide(request: AnyRequest, objection_id: FromPath[int], data: JSONBody[DecisionBody]) -> Response[Any]:
    """The supervisor decides."""

    async def do(identity: Identity, form: Form) -> services.ObjectionReceipt:
        decision, words, correction = forms.parse_decision(form)
        return await services.decide_objection(
            identity, objection_id=objection_id, decision=decision, words=words, correction=correction
        )

    return await _act(request, data, do)


HANDLERS = [
    list_objections,
    show_objection,
    lodge,
    lodge_with_files,
    answer,
    escalate,
    withdraw,
    accept,
    decline,
    decide,
]

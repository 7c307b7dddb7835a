"""Successors and persons: suggestions, right of reply, decision, clearing; flags that follow a certificate."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from agencies.queries import person_flags, recorded_agencies
from agencies.services import FlagReceipt, end_person_flag, flag_person
from core import clock, web
from core.forms import Form
from core.i18n import _, loc
from core.identity import Identity, Permission
from core.trail.queries import timeline
from core.web import FormState
from core.web.pages import decode_cursor
from grading import services
from grading.controllers.words import words
from grading.forms import parse_text
from grading.forms import supervision as forms
from grading.queries.conduct import live_findings
from grading.queries.inheritance import inheritance, inheritances
from grading.queries.way_back import grounds_of
from grading.rules.inheritance import EDGE_TITLES, INHERITANCE_STATES
from grading.services import InheritanceReceipt

AnyRequest = Request[Any, Any, Any]
PAGE = 30
RECORDER = [web.requires(Permission.RECORD_CONDUCT)]
DECIDER = [web.requires(Permission.DECIDE_CONDUCT)]


def _before(cursor: str | None) -> int | None:
    found = decode_cursor(cursor)
    return found if isinstance(found, int) else None


@get("/inheritance", name="grading:inheritances", guards=[web.signed_in])
async def list_page(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """Pairs: all for the officers, its own for an agency."""
    rows = await inheritances(await web.identity_of(request), before=_before(cursor), limit=PAGE + 1)
    listed = web.cursor_page(rows, PAGE, lambda row: row.inheritance_id)
    return await web.page(
        request,
        "grading/inheritances.html",
        **words(),
        rows=listed["items"],
        next_cursor=listed["next"],
        states=INHERITANCE_STATES,
        edge_titles=EDGE_TITLES,
    )


@get("/inheritance/new", name="grading:inheritance-new", guards=RECORDER)
async def new_page(request: AnyRequest) -> Response[Any]:
    """The form for a pair that no suggestion names."""
    return await _new(request)


async def _new(request: AnyRequest, form: FormState | None = None) -> Response[Any]:
    choices = [(one.agency_id, loc(one, "name")) for one in await recorded_agencies()]
    return await web.page(request, "grading/inheritance_form.html", **words(), agencies=choices, form=form)


@post("/inheritance/new", name="grading:inheritance-pair", guards=RECORDER)
async def propose_pair(request: AnyRequest) -> Response[Any]:
    """Put a pair to the successor."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> InheritanceReceipt:
        pair = forms.parse_pair(form)
        return await services.propose_pair(
            actor=actor, predecessor=pair.predecessor, successor=pair.successor, facts=pair.facts
        )

    return await web.act(
        request,
        do,
        lambda receipt: _to(receipt.inheritance_id, _("已告知机构，申辩期满后由另一位工作人员决定。")),
        lambda state: _new(request, state),
    )


def _to(inheritance_id: int, say: str) -> Response[None]:
    return web.redirect("grading:inheritance", inheritance_id=inheritance_id, say=say)


@get("/inheritance/{inheritance_id:int}", name="grading:inheritance", opt=web.public)
async def pair_page(request: AnyRequest, inheritance_id: FromPath[int]) -> Response[Any]:
    """One pair: public while it is in force."""
    return await _pair(request, inheritance_id)


async def _pair(request: AnyRequest, inheritance_id: int, form: FormState | None = None) -> Response[Any]:
    reader = await web.who(request)
    view = await inheritance(reader, inheritance_id)
    now = clock.now()
    own = reader is not None and reader.organization_id == view.organization_id
    return await web.page(
        request,
        "grading/inheritance.html",
        **words(),
        view=view,
        form=form,
        states=INHERITANCE_STATES,
        edge_titles=EDGE_TITLES,
        party=own or (reader is not None and reader.may(Permission.RECORD_CONDUCT)),
        may_propose=reader is not None and view.may_propose(reader),
        may_drop=reader is not None and view.may_drop(reader),
        may_reply=reader is not None and view.may_reply(reader, now),
        may_decide=reader is not None and view.may_decide(reader, now),
        may_clear=reader is not None and view.may_clear(reader),
        carried=[one for one in await grounds_of(view.predecessor) if one.running],
        points=await live_findings(view.predecessor),
        entries=await timeline(f"inheritance:{inheritance_id}"),
    )


@post("/inheritance/{inheritance_id:int}/proposal", name="grading:inheritance-propose", guards=RECORDER)
async def propose(request: AnyRequest, inheritance_id: FromPath[int]) -> Response[Any]:
    """Put a suggestion to the successor."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> InheritanceReceipt:
        facts = parse_text(form, "facts")
        return await services.propose_inheritance(actor=actor, inheritance_id=inheritance_id, facts=facts)

    return await _do(request, inheritance_id, do, _("已告知机构，申辩期满后由另一位工作人员决定。"))


async def _do(request: AnyRequest, inheritance_id: int, do: Any, say: str) -> Response[Any]:
    return await web.act(
        request, do, lambda _receipt: _to(inheritance_id, say), lambda state: _pair(request, inheritance_id, state)
    )


@post("/inheritance/{inheritance_id:int}/drop", name="grading:inheritance-drop", guards=DECIDER)
async def drop(request: AnyRequest, inheritance_id: FromPath[int]) -> Response[Any]:
    """Lay a suggestion aside."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> InheritanceReceipt:
        reasons = parse_text(form, "dropping")
        return await services.drop_suggestion(actor=actor, inheritance_id=inheritance_id, reasons=reasons)

    return await _do(request, inheritance_id, do, _("提示已搁置，不影响任何机构。"))


@post(
    "/inheritance/{inheritance_id:int}/reply",
    name="grading:inheritance-reply",
    guards=[web.requires(Permission.COMMENT_GRADE)],
)
async def reply(request: AnyRequest, inheritance_id: FromPath[int]) -> Response[Any]:
    """The successor's reply."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> InheritanceReceipt:
        return await services.reply_inheritance(actor=actor, inheritance_id=inheritance_id, text=parse_text(form))

    return await _do(request, inheritance_id, do, _("申辩已收到。"))


@post("/inheritance/{inheritance_id:int}/decision", name="grading:inheritance-decide", guards=DECIDER)
async def decide(request: AnyRequest, inheritance_id: FromPath[int]) -> Response[Any]:
    """Confirm or dismiss."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> InheritanceReceipt:
        made = forms.parse_ruling(form)
        return await services.decide_inheritance(
            actor=actor, inheritance_id=inheritance_id, confirmed=made.yes, reasons=made.reasons
        )

    return await _do(request, inheritance_id, do, _("已作出决定，并告知机构。"))


@post("/inheritance/{inheritance_id:int}/clearing", name="grading:inheritance-clear", guards=DECIDER)
async def clear(request: AnyRequest, inheritance_id: FromPath[int]) -> Response[Any]:
    """End an inheritance."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> InheritanceReceipt:
        reasons = parse_text(form, "clearing")
        return await services.clear_inheritance(actor=actor, inheritance_id=inheritance_id, reasons=reasons)

    return await _do(request, inheritance_id, do, _("承继已解除，受影响的等级已重新公布。"))


@get("/conduct/persons", name="grading:persons", guards=RECORDER)
async def persons_page(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """Flags on persons, wherever they now work."""
    return await _persons(request, cursor=cursor)


async def _persons(request: AnyRequest, *, cursor: str | None = None, form: FormState | None = None) -> Response[Any]:
    rows = await person_flags(before=_before(cursor), limit=PAGE + 1)
    listed = web.cursor_page(rows, PAGE, lambda row: row.flag_id)
    return await web.page(
        request,
        "grading/persons.html",
        **words(),
        rows=listed["items"],
        next_cursor=listed["next"],
        form=form,
    )


@post("/conduct/persons", name="grading:person-flag", guards=DECIDER)
async def flag(request: AnyRequest) -> Response[Any]:
    """Put a decision against a person on record."""
    actor: Identity = await web.identity_of(request)

    async def do(form: Form) -> FlagReceipt:
        return await flag_person(actor=actor, flag=forms.parse_flag(form))

    return await web.act(
        request,
        do,
        lambda _receipt: web.redirect("grading:persons", say=_("标记已登记，随人员转到新单位。")),
        lambda state: _persons(request, form=state),
    )


@post("/conduct/persons/{flag_id:int}/end", name="grading:person-flag-end", guards=DECIDER)
async def end_flag(request: AnyRequest, flag_id: FromPath[int]) -> Response[Any]:
    """End a flag before its day."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> FlagReceipt:
        return await end_person_flag(actor=actor, flag_id=flag_id, reason=parse_text(form, "reason"))

    return await web.act(
        request,
        do,
        lambda _receipt: web.redirect("grading:persons", say=_("标记已解除。")),
        lambda state: _persons(request, form=state),
    )


HANDLERS = [
    list_page,
    new_page,
    propose_pair,
    pair_page,
    propose,
    drop,
    reply,
    decide,
    clear,
    persons_page,
    flag,
    end_flag,
]

"""Pages of objections: the public list, one objection with everything done about it, the form to lodge one."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from core import clock, files, web
from core.forms import Form
from core.i18n import N_, _, language, loc
from core.identity import Identity, Permission
from core.web.pages import decode_cursor
from market import content, forms, services
from market.queries import notices, objections
from market.queries.notices import NoticeRow
from market.queries.objections import ObjectionRow
from market.rules.notices import NoticeState
from market.rules.objections import (
    AGAINST,
    DECISIONS,
    MOST_FILES,
    REMEDIES,
    SHORTEST,
    STATES,
    NotObjectable,
    ObjectionState,
    objectable,
    remedies,
)

AnyRequest = Request[Any, Any, Any]
LODGER = [web.requires(Permission.LODGE_OBJECTION)]
OWNER = [web.requires(Permission.SELECT_AGENCY)]
SUPERVISOR = [web.requires(Permission.DECIDE_OBJECTION)]
UPLOAD_LIMIT = (MOST_FILES * 10 + 2) * files.MEGABYTE
PAGE = 30


@get("/objections", name="market:objection-list", opt=web.public)
async def objection_list(
    request: AnyRequest, cursor: FromQuery[str | None] = None, show: FromQuery[str | None] = None
) -> Response[Any]:
    """All objections, newest first, and what became of them."""
    before = decode_cursor(cursor)
    only_open = show == "open"
    found = await objections.objection_list(
        limit=PAGE, before=before if isinstance(before, int) else None, only_open=only_open
    )
    listed = web.cursor_page(found, PAGE, lambda row: row.id)
    return await web.page(
        request,
        "market/objection_list.html",
        rows=[(row, await objections.now_box(row)) for row in listed["items"]],
        next_cursor=listed["next"],
        only_open=only_open,
        outcomes=await objections.outcomes(),
        states=STATES,
        against=AGAINST,
    )


@get("/notices/{notice_id:int}/objections/new", name="market:objection-form", guards=LODGER)
async def objection_form(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Write an objection to a notice, or to its result."""
    return await _form(request, notice_id)


async def _form(request: AnyRequest, notice_id: int, form: web.FormState | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    row = await notices.notice(notice_id, identity)
    against = objectable(row.clock, clock.now())
    if against is None:
        raise NotObjectable
    column = "en" if language() == "en" else "zh"
    return await web.page(
        request,
        "market/objection_form.html",
        form=form,
        row=row,
        against=against,
        kind=AGAINST[against],
        rule=row.law.objection,
        provisions=[(one["code"], one[column]) for one in content.provisions() if one["against"] == against],
        use=services.EVIDENCE,
        most=MOST_FILES,
        shortest=SHORTEST,
    )


@post(
    "/notices/{notice_id:int}/objections",
    name="market:objection-lodge",
    guards=LODGER,
    request_max_body_size=UPLOAD_LIMIT,
)
async def lodge(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Lodge it."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.ObjectionReceipt:
        draft, evidence, honest = forms.parse_objection(form)
        return await services.lodge_objection(
            identity, notice_id=notice_id, draft=draft, evidence=evidence, honest=honest
        )

    async def again(form: web.FormState) -> Response[Any]:
        return await _form(request, notice_id, form)

    return await web.act(request, do, _said(N_("异议已提出，编号 %(number)s。业主须在期限内答复。")), again)


def _said(words: str) -> Callable[[services.ObjectionReceipt], Response[None]]:
    def done(receipt: services.ObjectionReceipt) -> Response[None]:
        say = _(words) % {"number": receipt.number}
        return web.redirect("market:objection-detail", objection_id=receipt.objection_id, say=say)

    return done


@get("/objections/{objection_id:int}", name="market:objection-detail", opt=web.public)
async def objection_page(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """One objection: what is said, what was answered and decided, who holds it now."""
    return await _detail(request, objection_id)


async def _detail(request: AnyRequest, objection_id: int, form: web.FormState | None = None) -> Response[Any]:
    identity = await web.who(request)
    row = await objections.objection(objection_id)
    notice = await objections.notice_of(row)
    can = _powers(row, identity)
    return await web.page(
        request,
        "market/objection_detail.html",
        form=form,
        row=row,
        notice=notice,
        can=can,
        named=row.names(identity),
        steps=await objections.steps_of(objection_id),
        now_box=await objections.now_box(row),
        evidence=await objections.evidence_of(row, identity),
        party=row.party(identity),
        states=STATES,
        kind=AGAINST[row.against],
        remedies=[(one.value, _(REMEDIES[one])) for one in remedies(notice.phase)],
        decisions=[
            (one.value, _(words)) for one, words in DECISIONS.items() if one != "correct" or _correctable(notice)
        ],
        bids=await _bids(notice.id) if can["decide"] and _correctable(notice) else ([], []),
        shortest=SHORTEST,
    )


def _correctable(notice: NoticeRow) -> bool:
    return notice.state is NoticeState.SELECTED and not notice.clock.held


async def _bids(notice_id: int) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Bids a correction may set aside, and those it may let in again."""
    found = await notices.opened_bids(notice_id)
    placed = [
        (bid.id, _("第 %(n)s 位　%(name)s") % {"n": bid.place, "name": loc(bid, "agency_name")})
        for bid in found
        if bid.place is not None
    ]
    return placed, [(bid.id, loc(bid, "agency_name")) for bid in found if bid.place is None]


def _powers(row: ObjectionRow, identity: Identity | None) -> dict[str, bool]:
    """What this reader can do now."""
    state = row.state
    objector = identity is not None and identity.organization_id == row.objector_id
    client = identity is not None and identity.organization_id == row.client_id
    supervisor = identity is not None and identity.may(Permission.DECIDE_OBJECTION)
    silent = state is ObjectionState.LODGED and row.late
    return {
        "answer": client and state is ObjectionState.LODGED,
        "escalate": objector and ((state is ObjectionState.REJECTED and not row.late) or silent),
        "withdraw": objector and row.open,
        "accept": supervisor and state is ObjectionState.ESCALATED,
        "decide": supervisor and state is ObjectionState.ACCEPTED,
    }


@get("/objections/{objection_id:int}/evidence/{file_id:int}", name="market:objection-evidence", guards=[web.signed_in])
async def evidence(request: AnyRequest, objection_id: FromPath[int], file_id: FromPath[int]) -> Response[Any]:
    """A file of the evidence, for the parties and the supervisor."""
    found = await objections.evidence_file(objection_id, file_id, await web.identity_of(request))
    return await files.response(found.file_id, name=found.name)


Do = Callable[[Identity, Form], Awaitable[services.ObjectionReceipt]]


async def _act(request: AnyRequest, objection_id: int, do: Do, said: str) -> Response[Any]:
    identity = await web.identity_of(request)

    async def carry_out(form: Form) -> services.ObjectionReceipt:
        return await do(identity, form)

    async def again(form: web.FormState) -> Response[Any]:
        return await _detail(request, objection_id, form)

    return await web.act(request, carry_out, _said(said), again)


@post("/objections/{objection_id:int}/answer", name="market:objection-answer", guards=OWNER)
async def answer(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """The client's answer."""

    async def do(identity: Identity, form: Form) -> services.ObjectionReceipt:
        remedy, words = forms.parse_objection_answer(form)
        return await services.answer_objection(identity, objection_id=objection_id, remedy=remedy, words=words)

    return await _act(request, objection_id, do, N_("已答复异议 %(number)s，理由已公开。"))


@post("/objections/{objection_id:int}/escalation", name="market:objection-escalate", guards=LODGER)
async def escalate(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """The objector goes to the supervisor."""

    async def do(identity: Identity, form: Form) -> services.ObjectionReceipt:
        words = forms.parse_words(form)
        return await services.escalate_objection(identity, objection_id=objection_id, words=words)

    return await _act(request, objection_id, do, N_("异议 %(number)s 已上报监督部门。"))


@post("/objections/{objection_id:int}/withdrawal", name="market:objection-withdraw", guards=LODGER)
async def withdraw(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """The objector takes it back."""

    async def do(identity: Identity, _form: Form) -> services.ObjectionReceipt:
        return await services.withdraw_objection(identity, objection_id=objection_id)

    return await _act(request, objection_id, do, N_("异议 %(number)s 已撤回。"))


@post("/objections/{objection_id:int}/acceptance", name="market:objection-accept", guards=SUPERVISOR)
async def accept(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """The supervisor takes it up."""

    async def do(identity: Identity, form: Form) -> services.ObjectionReceipt:
        words = forms.parse_words(form, required=False)
        return await services.accept_objection(identity, objection_id=objection_id, words=words)

    return await _act(request, objection_id, do, N_("已受理异议 %(number)s，须由另一位监督员作出决定。"))


@post("/objections/{objection_id:int}/refusal", name="market:objection-decline", guards=SUPERVISOR)
async def decline(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """The supervisor does not take it up."""

    async def do(identity: Identity, form: Form) -> services.ObjectionReceipt:
        words = forms.parse_words(form)
        return await services.decline_objection(identity, objection_id=objection_id, words=words)

    return await _act(request, objection_id, do, N_("不予受理异议 %(number)s，理由已公开。"))


@post("/objections/{objection_id:int}/decision", name="market:objection-decide", guards=SUPERVISOR)
async def decide(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """The supervisor decides."""

    async def do(identity: Identity, form: Form) -> services.ObjectionReceipt:
        decision, words, correction = forms.parse_decision(form)
        return await services.decide_objection(
            identity, objection_id=objection_id, decision=decision, words=words, correction=correction
        )

    return await _act(request, objection_id, do, N_("异议 %(number)s 的决定已作出并公开。"))


HANDLERS = [
    objection_list,
    objection_form,
    lodge,
    objection_page,
    evidence,
    answer,
    escalate,
    withdraw,
    accept,
    decline,
    decide,
]

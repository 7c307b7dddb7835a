"""The later steps of a selection as JSON: pick, outside value, decline, and the panel's work."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from core import web
from core.forms import Form
from core.identity import Identity, Permission
from market import forms, services
from market.api.bodies import Amount, ReasonBody
from market.api.shapes import posted_json, yuan_text
from market.queries import notices
from market.queries.panels import panel_view

AnyRequest = Request[Any, Any, Any]
NAMER = [web.requires(Permission.POST_NOTICE)]
ASSESSOR = [web.requires(Permission.ASSESS_PROPOSAL)]


class PickBody(msgspec.Struct):
    """Whom the owner picks from the short list, and the public reason."""

    agency_id: int
    reason: str = ""


class ValueBody(msgspec.Struct):
    """The public value that the notice named, and where it was read."""

    value: str = ""
    where: str = ""


class PanelBody(msgspec.Struct):
    """Accounts of the members, and which of them is the chair."""

    members: list[int]
    chair: int


class MemberBody(msgspec.Struct):
    """A new member, and the number of the seat it takes over (none: a vacant one)."""

    account: int
    seat: int | None = None


class ScoresBody(msgspec.Struct):
    """Points as objects of `proposal`, `question`, `points`; `submit` makes them final."""

    scores: list[dict[str, Amount]]
    submit: bool = False


class ConsensusBody(msgspec.Struct):
    """What the panel agreed on."""

    proposal: str
    question: str
    points: Amount
    reason: str
    risk_acknowledged: bool = False


Act = Callable[[Identity, Form], Awaitable[Any]]


async def _act(request: AnyRequest, body: msgspec.Struct | None, act: Act) -> Response[Any]:
    identity = await web.identity_of(request)

    def show(receipt: Any) -> dict[str, Any]:
        return {"id": receipt} if isinstance(receipt, int) else posted_json(receipt)

    return await web.api_act(request, body if body is not None else {}, lambda form: act(identity, form), show)


@post("/notices/{notice_id:int}/pick", name="api:pick", guards=[web.requires(Permission.SELECT_AGENCY)])
async def pick(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[PickBody]) -> Response[Any]:
    """Pick from the short list."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        agency_id, reason, risk = forms.parse_pick(form)
        return await services.pick_agency(
            identity, notice_id=notice_id, agency_id=agency_id, reason=reason, risk_acknowledged=risk
        )

    return await _act(request, data, act)


@post("/notices/{notice_id:int}/outside-value", name="api:outside-value", guards=[web.signed_in])
async def outside_value(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[ValueBody]) -> Response[Any]:
    """Record the public value for which the draw waits."""

    async def act(identity: Identity, form: Form) -> int:
        value, where = forms.parse_outside_value(form)
        return await services.record_outside_value(identity, notice_id=notice_id, value=value, where=where)

    return await _act(request, data, act)


@post("/notices/{notice_id:int}/award/refusal", name="api:award-decline", guards=[web.requires(Permission.SUBMIT_BID)])
async def decline_award(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[ReasonBody]) -> Response[Any]:
    """Give one's own award up before it is confirmed."""

    async def act(identity: Identity, form: Form) -> int:
        return await services.decline_award(identity, notice_id=notice_id, words=forms.parse_reason(form))

    return await _act(request, data, act)


@post("/notices/{notice_id:int}/panel", name="api:panel-name", guards=NAMER)
async def name_panel(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[PanelBody]) -> Response[Any]:
    """Name the panel of a proposal-preferred notice."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        return await services.name_panel(identity, notice_id=notice_id, accounts=forms.parse_members(form))

    return await _act(request, data, act)


@post("/notices/{notice_id:int}/panel/members", name="api:panel-replace", guards=NAMER)
async def replace_member(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[MemberBody]) -> Response[Any]:
    """Fill a vacant or overdue seat."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        account, seat = forms.parse_member(form)
        return await services.replace_member(identity, notice_id=notice_id, account=account, seat=seat)

    return await _act(request, data, act)


@get("/notices/{notice_id:int}/assessment", name="api:assessment", guards=ASSESSOR)
async def show_assessment(request: AnyRequest, notice_id: FromPath[int]) -> dict[str, Any]:
    """What a member of the panel works with."""
    identity = await web.identity_of(request)
    row = await notices.notice(notice_id, identity)
    view = await panel_view(row, identity)
    return {
        "seat": view.seat.number,
        "chair": view.seat.chair,
        "declared": view.seat.declared_at is not None,
        "submitted": view.seat.submitted_at is not None,
        "bidders": [zh for zh, _en in view.bidders],
        "questions": row.criteria,
        "proposals": [{"proposal": one.name, "days": one.days, "text": one.text} for one in view.proposals],
        "scores": [
            {"proposal": name, "question": code, "points": yuan_text(points)}
            for (name, code), points in view.own.items()
        ],
        "missing": view.missing,
        "apart": [{"proposal": name, "question": code} for name, code in view.open_points],
    }


@post("/notices/{notice_id:int}/assessment/declaration", name="api:assessment-declare", guards=ASSESSOR)
async def declare(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Declare that one has no tie with any bidder."""

    async def act(identity: Identity, _form: Form) -> services.NoticeReceipt:
        return await services.declare_no_tie(identity, notice_id=notice_id)

    return await _act(request, None, act)


@post("/notices/{notice_id:int}/assessment/recusal", name="api:assessment-recuse", guards=ASSESSOR)
async def recuse(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[ReasonBody]) -> Response[Any]:
    """Give one's seat up because of a tie."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        return await services.recuse(identity, notice_id=notice_id, words=forms.parse_reason(form))

    return await _act(request, data, act)


@post("/notices/{notice_id:int}/assessment/scores", name="api:assessment-scores", guards=ASSESSOR)
async def scores(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[ScoresBody]) -> Response[Any]:
    """Keep or submit one's own points."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        submit, marks = form.flag("submit"), forms.parse_marks(form)
        return await services.save_scores(identity, notice_id=notice_id, marks=marks, submit=submit)

    return await _act(request, data, act)


@post("/notices/{notice_id:int}/assessment/consensus", name="api:assessment-consensus", guards=ASSESSOR)
async def consensus(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[ConsensusBody]) -> Response[Any]:
    """The chair records what the panel agreed on."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        return await services.record_consensus(identity, notice_id=notice_id, **forms.parse_consensus(form))

    return await _act(request, data, act)


@post("/notices/{notice_id:int}/assessment/signature", name="api:assessment-sign", guards=ASSESSOR)
async def sign(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The chair signs: the result goes on display."""

    async def act(identity: Identity, _form: Form) -> services.NoticeReceipt:
        return await services.sign_assessment(identity, notice_id=notice_id)

    return await _act(request, None, act)


HANDLERS = [
    pick,
    outside_value,
    decline_award,
    name_panel,
    replace_member,
    show_assessment,
    declare,
    recuse,
    scores,
    consensus,
    sign,
]

"""The panel of a proposal-preferred notice: its client names it, its members assess, its chair signs."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from core import web
from core.forms import Form
from core.i18n import N_, _, loc
from core.identity import Identity, Permission
from market import services
from market.forms import parse_consensus, parse_marks, parse_member, parse_members, parse_reason
from market.queries import notices
from market.queries.panels import panel_candidates, panel_view, seats_of
from market.rules.notices import PHASES

AnyRequest = Request[Any, Any, Any]
Receipt = services.NoticeReceipt
NAMER = [web.requires(Permission.POST_NOTICE)]
ASSESSOR = [web.requires(Permission.ASSESS_PROPOSAL)]


@get("/notices/{notice_id:int}/panel", name="market:panel", guards=NAMER)
async def panel_page(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Who sits on the panel; the client names and replaces members here."""
    return await _panel(request, notice_id)


async def _panel(request: AnyRequest, notice_id: int, form: web.FormState | None = None) -> Response[Any]:
    row = await notices.own_notice(notice_id, await web.identity_of(request))
    seats = await seats_of(notice_id)
    candidates = await panel_candidates(row.client_id)
    return await web.page(
        request,
        "market/panel_form.html",
        form=form,
        row=row,
        rule=row.law.proposal,
        seats=seats,
        phases=PHASES,
        options=[
            (one.account_id, _("%(name)s（%(more)s）") % {"name": one.name, "more": loc(one, "organization")})
            for one in candidates
        ],
        named=[seat.account_id for seat in seats],
        chair=next((seat.account_id for seat in seats if seat.chair), None),
    )


@post("/notices/{notice_id:int}/panel", name="market:panel-name", guards=NAMER)
async def name_panel(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Name the panel."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> Receipt:
        return await services.name_panel(identity, notice_id=notice_id, accounts=parse_members(form))

    return await _on_panel(request, notice_id, do, N_("评审小组已保存。"))


@post("/notices/{notice_id:int}/panel/members", name="market:panel-replace", guards=NAMER)
async def replace_member(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Fill a vacant or overdue seat."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> Receipt:
        account, seat = parse_member(form)
        return await services.replace_member(identity, notice_id=notice_id, account=account, seat=seat)

    return await _on_panel(request, notice_id, do, N_("成员已补上。"))


async def _on_panel(
    request: AnyRequest, notice_id: int, do: Callable[[Form], Awaitable[Receipt]], said: str
) -> Response[Any]:
    def done(_receipt: Receipt) -> Response[None]:
        return web.redirect("market:panel", notice_id=notice_id, say=_(said))

    async def again(form: web.FormState) -> Response[Any]:
        return await _panel(request, notice_id, form)

    return await web.act(request, do, done, again)


@get("/notices/{notice_id:int}/assessment", name="market:assessment", guards=ASSESSOR)
async def assessment(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The room of the panel: for its members only."""
    return await _room(request, notice_id)


async def _room(request: AnyRequest, notice_id: int, form: web.FormState | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    row = await notices.notice(notice_id, identity)
    return await web.page(
        request,
        "market/panel_room.html",
        form=form,
        row=row,
        view=await panel_view(row, identity),
        phases=PHASES,
        questions={one.code: one for one in row.questions.questions},
    )


Act = Callable[[Identity, Form], Awaitable[Receipt]]


async def _in_room(request: AnyRequest, notice_id: int, act: Act, said: str, route: str = "") -> Response[Any]:
    identity = await web.identity_of(request)

    def done(_receipt: Receipt) -> Response[None]:
        return web.redirect(route or "market:assessment", notice_id=notice_id, say=_(said))

    async def again(form: web.FormState) -> Response[Any]:
        return await _room(request, notice_id, form)

    return await web.act(request, lambda form: act(identity, form), done, again)


@post("/notices/{notice_id:int}/assessment/declaration", name="market:assessment-declare", guards=ASSESSOR)
async def declare(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """No ties with any bidder."""

    async def act(identity: Identity, _form: Form) -> Receipt:
        return await services.declare_no_tie(identity, notice_id=notice_id)

    return await _in_room(request, notice_id, act, N_("已声明，可以打分了。"))


@post("/notices/{notice_id:int}/assessment/recusal", name="market:assessment-recuse", guards=ASSESSOR)
async def recuse(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Give the seat up because of a tie."""

    async def act(identity: Identity, form: Form) -> Receipt:
        return await services.recuse(identity, notice_id=notice_id, words=parse_reason(form))

    return await _in_room(request, notice_id, act, N_("已回避，业主会另请成员。"), "market:notice-detail")


@post("/notices/{notice_id:int}/assessment/scores", name="market:assessment-scores", guards=ASSESSOR)
async def scores(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Keep or submit one's own points."""

    async def act(identity: Identity, form: Form) -> Receipt:
        submit = form.flag("submit")
        return await services.save_scores(identity, notice_id=notice_id, marks=parse_marks(form), submit=submit)

    return await _in_room(request, notice_id, act, N_("评分已保存。"))


@post("/notices/{notice_id:int}/assessment/consensus", name="market:assessment-consensus", guards=ASSESSOR)
async def consensus(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The chair records what was agreed."""

    async def act(identity: Identity, form: Form) -> Receipt:
        return await services.record_consensus(identity, notice_id=notice_id, **parse_consensus(form))

    return await _in_room(request, notice_id, act, N_("合议结果已记录。"))


@post("/notices/{notice_id:int}/assessment/signature", name="market:assessment-sign", guards=ASSESSOR)
async def sign(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The chair signs; the result is public from now on."""

    async def act(identity: Identity, _form: Form) -> Receipt:
        return await services.sign_assessment(identity, notice_id=notice_id)

    return await _in_room(request, notice_id, act, N_("已签署，结果公开。"), "market:notice-result")


HANDLERS = [
    panel_page,
    name_panel,
    replace_member,
    assessment,
    declare,
    recuse,
    scores,
    consensus,
    sign,
]

"""The policy laboratory: proposals of new rules, their replays, and the public notice of approved ones."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from core import clock, web
from core.forms import Form
from core.i18n import N_, _, loc
from core.identity import Identity, Permission
from core.trail.queries import timeline
from core.web import FormState
from core.web.pages import decode_cursor
from grading import services
from grading.controllers.laboratory_charts import flips_chart, grades_chart
from grading.controllers.words import words
from grading.forms import parse_text
from grading.forms.laboratory import parse_variant
from grading.queries.proposals import (
    KnobField,
    MoverRow,
    ProposalView,
    announced_change,
    announced_changes,
    knob_fields,
    movers,
    newest_scheme,
    proposal,
    proposals,
    shadow_grades,
)
from grading.rules.proposals import ProposalAbsent, ProposalState
from grading.services.proposals import ApprovalReceipt, ProposalReceipt
from grading.services.trying import ReplayReceipt

AnyRequest = Request[Any, Any, Any]
READER = [web.requires(Permission.READ_LABORATORY)]
OFFICER = [web.requires(Permission.CHANGE_SCHEME)]
PAGE, SHOWN, MOST = 24, 50, 1_000_000
TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
STATES = {
    ProposalState.DRAFT: N_("草稿"),
    ProposalState.SUBMITTED: N_("待另一人决定"),
    ProposalState.APPROVED: N_("已批准，公示和影子运行中"),
    ProposalState.IN_FORCE: N_("已施行"),
    ProposalState.REJECTED: N_("未批准"),
    ProposalState.WITHDRAWN: N_("已撤回"),
}
STATE_TAGS = {
    ProposalState.DRAFT: "",
    ProposalState.SUBMITTED: "act",
    ProposalState.APPROVED: "warn",
    ProposalState.IN_FORCE: "ok",
    ProposalState.REJECTED: "bad",
    ProposalState.WITHDRAWN: "",
}
GROUPS = (
    (N_("等级分段"), N_("下一级的上限随上一级的起点走。"), ("band-a", "band-b", "band-c")),
    (N_("单件得分的权重"), N_("三项之和须为 1。"), ("technical", "deadline", "filing")),
    (N_("升降级"), N_("把握达到这个概率才变动。"), ("up-at", "down-at")),
    (
        N_("评分"),
        N_(
            "权重随时间减半，超过年限的不看。半衰期由季度修正表按机构变化的快慢学得，不出上下限；三个数相同就是固定的。"
        ),
        ("half-life", "half-life-least", "half-life-most", "window"),
    ),
    (N_("上限"), "", ("reviewer-share", "client-share", "stars-cap", "severity-cap", "consistency-cap", "bonus-cap")),
    (
        N_("评级所需的证据"),
        N_("不满足的不评级，显示“证据不足”。"),
        ("rated-results", "rated-reviewers", "rated-clients", "rated-reliability"),
    ),
    (
        N_("A 级的其他条件"),
        N_("无零分成果的月数也用于最高 C 级和两件零分定 D 级。"),
        ("a-registered", "a-results", "a-clients", "a-no-low", "a-points", "no-zero"),
    ),
    (
        N_("D 级的条件和期限"),
        N_("已有决定书的 D 级按决定的期限，不随试算改动。"),
        ("d-results", "points-term", "veto-term", "after-term"),
    ),
    (N_("不良行为记分"), "", ("warning-at", "restriction-at", "item-life")),
)


def _words() -> dict[str, Any]:
    return {**words(), "states": STATES, "state_tags": STATE_TAGS}


# ---------------------------------------------------------------- the laboratory
@get("/grading/lab", name="grading:lab", guards=READER)
async def lab_page(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """All proposals."""
    reader = await web.identity_of(request)
    before = decode_cursor(cursor)
    rows = await proposals(before=before if isinstance(before, int) else None, limit=PAGE + 1)
    listed = web.cursor_page(rows, PAGE, lambda row: row.proposal_id)
    return await web.page(
        request,
        "grading/lab.html",
        **_words(),
        rows=listed["items"],
        next_cursor=listed["next"],
        may_change=reader.may(Permission.CHANGE_SCHEME),
        base_code=(await newest_scheme())[1],
    )


@get("/grading/lab/new", name="grading:lab-new", guards=OFFICER)
async def new_page(request: AnyRequest) -> Response[Any]:
    """An empty form: the numbers of the newest scheme."""
    return await _form(request, None)


@get("/grading/lab/{proposal_id:int}/edit", name="grading:lab-edit", guards=OFFICER)
async def edit_page(request: AnyRequest, proposal_id: FromPath[int]) -> Response[Any]:
    """The form of a draft."""
    return await _form(request, await proposal(proposal_id))


async def _form(request: AnyRequest, view: ProposalView | None, form: FormState | None = None) -> Response[Any]:
    _base_id, code, source = (view.base_id, view.base_code, view.base_source) if view else await newest_scheme()
    fields = knob_fields(source, {one.knob.name: one.after for one in view.changes} if view else {})
    by_name = {one.name: one for one in fields}
    return await web.page(
        request,
        "grading/lab_form.html",
        **_words(),
        form=form,
        view=view,
        base_code=code,
        groups=[(title, hint, [by_name[name] for name in names]) for title, hint, names in GROUPS],
        items=[one for one in fields if one.name.startswith("points:")],
        title_of=_title_of,
        items_open=_items_open(fields, form),
    )


def _title_of(one: Any) -> str:
    """The name of a number in the reader's language; items of the list bring their own English."""
    return loc({"t_zh": one.title, "t_en": one.title_en}, "t") if one.title_en else _(one.title)


def _items_open(fields: Sequence[KnobField], form: FormState | None) -> bool:
    touched = any(one.present != one.proposed for one in fields if one.name.startswith("points:"))
    return touched or bool(form and any(name.startswith("changes-points:") for name in form.errors))


@post("/grading/lab", name="grading:lab-create", guards=OFFICER)
async def create(request: AnyRequest) -> Response[Any]:
    """Draft a proposal from the form."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> ProposalReceipt:
        base_id, _code, source = await newest_scheme()
        return await services.draft_scheme(actor=actor, variant=parse_variant(form, base_id, source))

    return await web.act(
        request,
        do,
        lambda made: _back(made.proposal_id, _("草稿已保存。请试算，看它会改变什么。")),
        lambda state: _form(request, None, state),
    )


@post("/grading/lab/{proposal_id:int}/edit", name="grading:lab-change", guards=OFFICER)
async def change(request: AnyRequest, proposal_id: FromPath[int]) -> Response[Any]:
    """Change a draft."""
    actor = await web.identity_of(request)
    view = await proposal(proposal_id)

    async def do(form: Form) -> ProposalReceipt:
        version = form.integer("version", minimum=1) or 0
        variant = parse_variant(form, view.base_id, view.base_source)
        return await services.edit_scheme(actor=actor, proposal_id=proposal_id, version=version, variant=variant)

    return await web.act(
        request,
        do,
        lambda made: _back(made.proposal_id, _("草稿已修改。请重新试算。")),
        lambda state: _form(request, view, state),
    )


def _back(proposal_id: int, say: str) -> Response[None]:
    return web.redirect("grading:lab-proposal", proposal_id=proposal_id, say=say)


@get("/grading/lab/{proposal_id:int}", name="grading:lab-proposal", guards=READER)
async def proposal_page(
    request: AnyRequest, proposal_id: FromPath[int], cursor: FromQuery[str | None] = None
) -> Response[Any]:
    """A proposal with its result; for htmx only the part that moves while a replay runs."""
    return await _proposal(request, proposal_id, cursor=cursor)


async def _proposal(
    request: AnyRequest, proposal_id: int, form: FormState | None = None, cursor: str | None = None
) -> Response[Any]:
    reader = await web.identity_of(request)
    view = await proposal(proposal_id)
    after = decode_cursor(cursor)
    moved = (
        await movers(view.replay.replay_id, after=after if isinstance(after, int) else 0, limit=SHOWN + 1)
        if view.replay
        else []
    )
    listed = web.cursor_page(moved, SHOWN, lambda row: row.row_id)
    block = "replay" if request.headers.get("hx-request") and form is None else None
    response = await web.page(
        request,
        "grading/lab_proposal.html",
        block=block,
        **_words(),
        **_figures(view),
        form=form,
        view=view,
        movers=listed["items"],
        next_cursor=listed["next"],
        may_change=reader.may(Permission.CHANGE_SCHEME),
        may_decide=reader.may(Permission.CHANGE_SCHEME) and view.may_decide(reader.account_id),
        title_of=_title_of,
        entries=await timeline(f"scheme:{view.number}"),
    )
    if block and not (view.replay and view.replay.busy):
        response.headers["hx-refresh"] = "true"  # the next step stands outside the part that moves
    return response


def _figures(view: ProposalView) -> dict[str, Any]:
    shown = view.replay.result if view.replay else None
    shadow = view.shadow.result if view.shadow else None
    return {
        "result": shown,
        "flips": flips_chart(shown) if shown else None,
        "mix": grades_chart(shown) if shown else None,
        "shadow_result": shadow,
        "shadow_mix": grades_chart(shadow) if shadow else None,
        "shadow_flips": flips_chart(shadow) if shadow else None,
    }


Do = Callable[[Identity, Form], Awaitable[object]]


async def _act(request: AnyRequest, proposal_id: int, do: Do, say: Callable[[Any], str]) -> Response[Any]:
    actor = await web.identity_of(request)
    return await web.act(
        request,
        lambda form: do(actor, form),
        lambda receipt: _back(proposal_id, say(receipt)),
        lambda state: _proposal(request, proposal_id, state),
    )


@post("/grading/lab/{proposal_id:int}/replay", name="grading:lab-replay", guards=OFFICER)
async def replay(request: AnyRequest, proposal_id: FromPath[int]) -> Response[Any]:
    """Replay the past under it."""

    async def do(actor: Identity, _form: Form) -> ReplayReceipt:
        return await services.start_replay(actor=actor, proposal_id=proposal_id)

    return await _act(request, proposal_id, do, lambda _made: _("开始试算，进度见下。"))


@post("/grading/lab/{proposal_id:int}/submit", name="grading:lab-submit", guards=OFFICER)
async def submit(request: AnyRequest, proposal_id: FromPath[int]) -> Response[Any]:
    """Put it to a second officer."""

    async def do(actor: Identity, _form: Form) -> ProposalReceipt:
        return await services.submit_scheme(actor=actor, proposal_id=proposal_id)

    return await _act(request, proposal_id, do, lambda _made: _("已提交，由另一位评级员决定。"))


@post("/grading/lab/{proposal_id:int}/approve", name="grading:lab-approve", guards=OFFICER)
async def approve(request: AnyRequest, proposal_id: FromPath[int]) -> Response[Any]:
    """Approve it, by somebody else."""

    async def do(actor: Identity, form: Form) -> ApprovalReceipt:
        return await services.approve_scheme(actor=actor, proposal_id=proposal_id, reasons=parse_text(form, "reasons"))

    def say(made: ApprovalReceipt) -> str:
        told = {"v": made.scheme_code, "day": made.in_force_from, "n": made.told}
        return _("已批准为 %(v)s，%(day)s 起施行，已通知 %(n)s 家机构。") % told

    return await _act(request, proposal_id, do, say)


@post("/grading/lab/{proposal_id:int}/reject", name="grading:lab-reject", guards=OFFICER)
async def reject(request: AnyRequest, proposal_id: FromPath[int]) -> Response[Any]:
    """Refuse it, by somebody else."""

    async def do(actor: Identity, form: Form) -> ProposalReceipt:
        return await services.reject_scheme(actor=actor, proposal_id=proposal_id, reasons=parse_text(form, "reasons"))

    return await _act(request, proposal_id, do, lambda _made: _("已决定不批准，理由已留痕。"))


@post("/grading/lab/{proposal_id:int}/withdraw", name="grading:lab-withdraw", guards=OFFICER)
async def withdraw(request: AnyRequest, proposal_id: FromPath[int]) -> Response[Any]:
    """Take it back."""

    async def do(actor: Identity, form: Form) -> ProposalReceipt:
        return await services.withdraw_scheme(actor=actor, proposal_id=proposal_id, reasons=parse_text(form, "reasons"))

    return await _act(request, proposal_id, do, lambda _made: _("已撤回。"))


@get("/grading/lab/{proposal_id:int}/grades/{name:str}", name="grading:lab-file", guards=READER)
async def grades_file(proposal_id: FromPath[int], name: FromPath[str]) -> Response[bytes]:
    """Who would move (`movers.csv`, `movers.xlsx`) or everybody (`all.csv`, `all.xlsx`)."""
    which, _dot, kind = name.partition(".")
    view = await proposal(proposal_id)
    if which not in ("movers", "all") or kind not in TYPES or not view.replay:
        raise ProposalAbsent
    rows = await movers(view.replay.replay_id, limit=MOST, moved=which == "movers")
    body = await anyio.to_thread.run_sync(_sheet, rows, kind)
    headers = {
        "content-disposition": f'attachment; filename="{view.number}-{which}-{clock.today()}.{kind}"',
        "cache-control": "no-store",
    }
    return Response(body, media_type=TYPES[kind], headers=headers)


def _sheet(rows: Sequence[MoverRow], kind: str) -> bytes:
    from grading.watching import sheets

    trades = words()["profession_titles"]
    shown = {
        "agency": _("机构"),
        "trade": _("专业"),
        "old": _("现行等级"),
        "new": _("新规则下的等级"),
        "old_score": _("现行评分"),
        "new_score": _("新规则下的评分"),
    }
    made = [
        {
            "agency": loc(one, "name"),
            "trade": _(trades[one.profession]),
            "old": one.old.value,
            "new": one.new.value,
            "old_score": float(one.old_score) if one.old.value != "N" else None,
            "new_score": float(one.new_score) if one.new.value != "N" else None,
        }
        for one in rows
    ]
    frame = sheets.table(list(shown), list(shown.values()), made)
    return sheets.csv(frame) if kind == "csv" else sheets.xlsx(frame, "grades")


# ---------------------------------------------------------------- in public
@get("/grading/changes", name="grading:changes", opt=web.public)
async def changes_page(request: AnyRequest) -> Response[Any]:
    """Changes of the rules, announced and applied."""
    return await web.page(request, "grading/changes.html", **_words(), rows=await announced_changes())


@get("/grading/changes/{number:str}", name="grading:change", opt=web.public)
async def change_page(request: AnyRequest, number: FromPath[str]) -> Response[Any]:
    """An approved change: what differs, from when, its figures; for an agency its own grade under it."""
    reader = await web.who(request)
    view = await announced_change(number)
    own = [one for one in await shadow_grades(reader) if one.number == view.number]
    return await web.page(
        request, "grading/change.html", **_words(), **_figures(view), view=view, title_of=_title_of, own=own
    )


HANDLERS = [
    lab_page,
    new_page,
    edit_page,
    create,
    change,
    proposal_page,
    replay,
    submit,
    approve,
    reject,
    withdraw,
    grades_file,
    changes_page,
    change_page,
]

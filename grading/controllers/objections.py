"""Objections to a grade: lodge, check, decide, contest, and the panel's table."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from core import clock, files, web
from core.forms import Form
from core.i18n import _, loc
from core.identity import Identity, Permission
from core.trail.queries import timeline
from core.web import FormState
from core.web.pages import decode_cursor
from core.workdays import calendar
from grading import services
from grading.controllers.words import words
from grading.forms import life as life_forms
from grading.queries import objections
from grading.queries.objections import ObjectionView
from grading.queries.reports import ReportView, contested_report, report
from grading.queries.schemes import rulebook_on
from grading.rules.corrections import CORRECTIONS
from grading.rules.objections import MOST_FILES, SHORTEST, STATES, ObjectionState
from grading.services.objections import EVIDENCE, ObjectionReceipt
from grading.services.rereviews import changes_from

AnyRequest = Request[Any, Any, Any]
AGENCY = [web.requires(Permission.COMMENT_GRADE)]
OFFICER = [web.requires(Permission.PUBLISH_GRADE)]
UPLOAD_LIMIT = (MOST_FILES * 10 + 2) * files.MEGABYTE
PAGE = 30
CHANGE_ROWS = 3
TAGS = {
    ObjectionState.UPHELD: "ok",
    ObjectionState.UPHELD_ON_REVIEW: "ok",
    ObjectionState.LODGED: "act",
    ObjectionState.CHECKING: "act",
    ObjectionState.PANEL: "act",
    ObjectionState.REJECTED: "warn",
}


@dataclass(frozen=True)
class NowBox:
    """Who holds it now and until when, for the timeline."""

    title: str
    holder: str
    n: int
    of: int
    until: datetime | None
    note: str | None = None


@get("/grading/objections", name="grading:objections", guards=[web.signed_in])
async def list_page(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """Objections: all for the officers, its own for an agency, those one sits on for others."""
    before = decode_cursor(cursor)
    rows = await objections.grade_objections(
        await web.identity_of(request), before=before if isinstance(before, int) else None, limit=PAGE + 1
    )
    listed = web.cursor_page(rows, PAGE, lambda row: row.objection_id)
    return await web.page(
        request,
        "grading/objections.html",
        **words(),
        rows=listed["items"],
        next_cursor=listed["next"],
        objection_states=STATES,
        objection_tags=TAGS,
        appeal=(await rulebook_on(clock.today())).scheme.appeal,
    )


@get("/grading/reports/{report_id:int}/objection", name="grading:objection-form", guards=AGENCY)
async def form_page(request: AnyRequest, report_id: FromPath[int]) -> Response[Any]:
    """The form."""
    return await _form(request, report_id)


async def _form(request: AnyRequest, report_id: int, form: FormState | None = None) -> Response[Any]:
    view = await report(await web.identity_of(request), report_id)
    return await web.page(
        request,
        "grading/objection_form.html",
        **words(),
        form=form,
        view=view,
        until=await objections.objection_until(report_id),
        tag=await objections.tag_of_report(report_id),
        appeal=(await rulebook_on(view.as_of)).scheme.appeal,
        use=EVIDENCE,
        most=MOST_FILES,
        shortest=SHORTEST,
    )


@post(
    "/grading/reports/{report_id:int}/objection",
    name="grading:objection-lodge",
    guards=AGENCY,
    request_max_body_size=UPLOAD_LIMIT,
)
async def lodge(request: AnyRequest, report_id: FromPath[int]) -> Response[Any]:
    """Lodge it."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> ObjectionReceipt:
        return await services.lodge_objection(actor=actor, report_id=report_id, draft=life_forms.parse_objecting(form))

    def done(receipt: ObjectionReceipt) -> Response[None]:
        say = _("异议已提出，编号 %(no)s。公布的等级已加注“异议中”。") % {"no": receipt.number}
        return web.redirect("grading:objection", objection_id=receipt.objection_id, say=say)

    return await web.act(request, do, done, lambda state: _form(request, report_id, state))


@get("/grading/objections/{objection_id:int}", name="grading:objection", guards=[web.signed_in])
async def objection_page(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """One objection for its agency, the officers and its panel."""
    return await _detail(request, objection_id)


async def _detail(request: AnyRequest, objection_id: int, form: FormState | None = None) -> Response[Any]:
    reader = await web.identity_of(request)
    row = await objections.grade_objection(reader, objection_id)
    view = await contested_report(row.report_id)
    seats = await objections.seats_of(objection_id)
    own_seat = next((seat for seat in seats if seat.account_id == reader.account_id), None)
    voting = row.proposal if row.proposal and row.proposal.get("verdict") else None
    sits = own_seat is not None and row.state is ObjectionState.PANEL
    return await web.page(
        request,
        "grading/objection.html",
        **words(),
        form=form,
        row=row,
        view=view,
        seats=seats,
        own_seat=own_seat,
        proposal=voting,
        proposed=_lines(view, changes_from(voting["changes"])) if voting else [],
        may_decide=row.may_decide(reader),
        may_check=row.may_decide(reader) and row.state is ObjectionState.LODGED,
        may_contest=row.may_contest(reader),
        may_withdraw=row.own(reader) and row.open,
        may_propose=sits,
        may_vote=sits and voting is not None and own_seat is not None and own_seat.agrees is None,
        signer=reader.account_id == row.signed_by and row.open,
        named=reader.may(Permission.PUBLISH_GRADE) or own_seat is not None,
        changes=_lines(view, await objections.changes_made(objection_id)),
        replaced=await objections.replaced_by(objection_id),
        told=await objections.told(objection_id, row.agency_id) if not row.open else [],
        evidence=await objections.files_of(objection_id),
        targets=_targets(view),
        kinds=[(kind.value, _(text)) for kind, text in CORRECTIONS.items()],
        change_rows=CHANGE_ROWS,
        objection_states=STATES,
        objection_tags=TAGS,
        shortest=SHORTEST,
        now_box=await _now_box(row),
        entries=await timeline(f"grade-objection:{objection_id}"),
    )


def _targets(view: ReportView) -> list[tuple[str, str]]:
    """What can be corrected: results and findings behind the grade."""
    cases = [
        (
            f"case:{line.case.deliverable_id}",
            _("成果 %(no)s　%(title)s（审查分 %(t)s）")
            % {"no": line.number, "title": line.case.title, "t": line.case.technical},
        )
        for line in view.lines
    ]
    findings = [
        (f"finding:{one.id}", _("记分 %(no)s（%(n)s 分）") % {"no": one.document_no, "n": one.points})
        for one in view.evidence.findings
    ]
    return cases + findings


def _lines(view: ReportView, changes: Any) -> list[tuple[str, str]]:
    """Corrections in words: what, and how."""
    names = dict(_targets(view))
    lines = []
    for one in changes:
        key = f"{'finding' if one.kind == 'drop-finding' else 'case'}:{one.target}"
        how = _(CORRECTIONS[one.kind])
        lines.append((names.get(key, key), how if one.amount is None else f"{how}　{one.amount}"))
    return lines


async def _now_box(row: ObjectionView) -> NowBox | None:
    if row.due_at is None:
        return None
    holders = {
        ObjectionState.REJECTED: (_("可以申请复评"), loc(row, "name"), 10, row.decided_at),
        ObjectionState.PANEL: (_("复评"), _("复评组"), 15, row.contested_at),
        ObjectionState.CHECKING: (_("外部核查后作出首次处理"), _("评级员"), 7, row.lodged_at),
    }
    title, holder, allowed, since = holders.get(row.state, (_("首次处理"), _("未经手的评级员"), 3, row.lodged_at))
    days = await calendar()
    used = max(1, days.count(clock.shanghai(since or row.lodged_at).date(), clock.today()))
    return NowBox(title, holder, used, allowed, row.due_at)


@get(
    "/grading/objections/{objection_id:int}/evidence/{file_id:int}",
    name="grading:objection-evidence",
    guards=[web.signed_in],
)
async def evidence(request: AnyRequest, objection_id: FromPath[int], file_id: FromPath[int]) -> Response[Any]:
    """A file of the evidence, for who may see the objection."""
    found = await objections.evidence_file(await web.identity_of(request), objection_id, file_id)
    return await files.response(found.id, name=found.name)


Do = Callable[[Identity, Form], Awaitable[ObjectionReceipt]]


async def _act(request: AnyRequest, objection_id: int, do: Do, say: str) -> Response[Any]:
    actor = await web.identity_of(request)

    async def carry_out(form: Form) -> ObjectionReceipt:
        return await do(actor, form)

    return await web.act(
        request,
        carry_out,
        lambda receipt: web.redirect("grading:objection", objection_id=receipt.objection_id, say=say),
        lambda state: _detail(request, objection_id, state),
    )


@post("/grading/objections/{objection_id:int}/check", name="grading:objection-check", guards=OFFICER)
async def check(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """Somebody outside must check: seven working days instead of three."""

    async def do(actor: Identity, form: Form) -> ObjectionReceipt:
        said = life_forms.parse_long(form)
        return await services.check_outside(actor=actor, objection_id=objection_id, words=said)

    return await _act(request, objection_id, do, _("已转外部核查，首次处理时限改为 7 个工作日。"))


@post("/grading/objections/{objection_id:int}/decision", name="grading:objection-decide", guards=OFFICER)
async def decide(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """The first decision."""

    async def do(actor: Identity, form: Form) -> ObjectionReceipt:
        made = life_forms.parse_deciding(form)
        return await services.decide_objection(
            actor=actor, objection_id=objection_id, verdict=made.verdict, reasons=made.reasons, changes=made.changes
        )

    return await _act(request, objection_id, do, _("首次处理决定已作出，并告知机构。"))


@post("/grading/objections/{objection_id:int}/rereview", name="grading:objection-contest", guards=AGENCY)
async def contest(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """The agency asks for a re-review; the panel is drawn."""

    async def do(actor: Identity, form: Form) -> ObjectionReceipt:
        said = life_forms.parse_long(form, "reasons")
        return await services.contest(actor=actor, objection_id=objection_id, words=said)

    return await _act(request, objection_id, do, _("已申请复评，复评组已抽签产生。"))


@post("/grading/objections/{objection_id:int}/withdrawal", name="grading:objection-withdraw", guards=AGENCY)
async def withdraw(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """The agency takes it back."""

    async def do(actor: Identity, _form: Form) -> ObjectionReceipt:
        return await services.withdraw_objection(actor=actor, objection_id=objection_id)

    return await _act(request, objection_id, do, _("异议已撤回。"))


@post("/grading/objections/{objection_id:int}/proposal", name="grading:objection-propose", guards=[web.signed_in])
async def propose(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """A member of the panel puts a decision to the vote."""

    async def do(actor: Identity, form: Form) -> ObjectionReceipt:
        made = life_forms.parse_deciding(form)
        return await services.propose(
            actor=actor, objection_id=objection_id, verdict=made.verdict, reasons=made.reasons, changes=made.changes
        )

    return await _act(request, objection_id, do, _("意见稿已提出，等其他成员表决。"))


@post("/grading/objections/{objection_id:int}/vote", name="grading:objection-vote", guards=[web.signed_in])
async def vote(request: AnyRequest, objection_id: FromPath[int]) -> Response[Any]:
    """A member of the panel votes."""

    async def do(actor: Identity, form: Form) -> ObjectionReceipt:
        cast = life_forms.parse_vote(form)
        return await services.vote(
            actor=actor, objection_id=objection_id, number=cast.number, agrees=cast.agrees, words=cast.words
        )

    return await _act(request, objection_id, do, _("表决已记入。"))


HANDLERS = [
    list_page,
    form_page,
    lodge,
    objection_page,
    evidence,
    check,
    decide,
    contest,
    withdraw,
    propose,
    vote,
]

"""Runs and reports: the officers' desk, and the draft as its agency reads and comments it."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from core import clock, web
from core.forms import Form
from core.i18n import _
from core.identity import Identity, Permission
from core.trail.queries import timeline
from core.web import FormState
from core.web.pages import decode_cursor
from core.workdays import calendar
from grading import services
from grading.controllers.words import words
from grading.forms import parse_day, parse_text
from grading.queries import objections
from grading.queries.outlook import ahead_of
from grading.queries.reports import ReportView, chart_data, history, report
from grading.queries.runs import RunReport, run, run_reports, runs
from grading.queries.schemes import rulebook_on
from grading.rules.lifecycle import ReportState
from grading.services.reports import RunPublicationReceipt
from grading.services.runs import RunReceipt

AnyRequest = Request[Any, Any, Any]
PAGE = 24
OFFICER = [web.requires(Permission.RUN_GRADING)]
SIGNER = [web.requires(Permission.PUBLISH_GRADE)]
OPEN = (ReportState.DRAFT, ReportState.COMMENTED)


@get("/runs", name="grading:runs", guards=OFFICER)
async def runs_page(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """All runs, and the way to prepare one by hand."""
    return await _runs(request, cursor=cursor)


async def _runs(request: AnyRequest, *, cursor: str | None = None, form: FormState | None = None) -> Response[Any]:
    before = decode_cursor(cursor)
    rows = await runs(before=before if isinstance(before, int) else None, limit=PAGE + 1)
    listed = web.cursor_page(rows, PAGE, lambda row: row.run_id)
    return await web.page(
        request,
        "grading/runs.html",
        **words(),
        form=form,
        rows=listed["items"],
        next_cursor=listed["next"],
        rules=await rulebook_on(clock.today()),
    )


@post("/runs", name="grading:run-prepare", guards=OFFICER)
async def prepare(request: AnyRequest) -> Response[Any]:
    """Prepare a run for a day; it may take a moment for a whole province."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> RunReceipt:
        return await services.prepare_run(actor=actor, as_of=parse_day(form))

    def done(receipt: RunReceipt) -> Response[None]:
        say = _("已生成 %(n)s 份草案，送机构征求意见。") % {"n": receipt.reports}
        return web.redirect("grading:run", run_id=receipt.run_id, say=say)

    return await web.act(request, do, done, lambda state: _runs(request, form=state))


@get("/runs/{run_id:int}", name="grading:run", guards=OFFICER)
async def run_page(request: AnyRequest, run_id: FromPath[int]) -> Response[Any]:
    """One run: how far, what moves, what to look at one by one."""
    return await _run(request, run_id)


async def _run(request: AnyRequest, run_id: int, form: FormState | None = None) -> Response[Any]:
    row = await run(run_id)
    reports = await run_reports(run_id)
    now = clock.now()
    workdays = await calendar()
    return await web.page(
        request,
        "grading/run.html",
        **words(),
        form=form,
        row=row,
        reports=reports,
        moves=[one for one in reports if one.moved],
        ready=[one for one in reports if _signable(one) and not one.commented],
        over=now >= row.comment_until,
        sign_due=workdays.due_at(row.prepared_at, 6),
        day_n=max(1, workdays.count(clock.shanghai(row.prepared_at).date(), clock.today())),
        entries=await timeline(f"grade-run:{run_id}", limit=12),
    )


def _signable(one: RunReport) -> bool:
    return one.state in OPEN and clock.now() >= one.comment_until


@post("/runs/{run_id:int}/publish", name="grading:run-publish", guards=SIGNER)
async def publish_run(request: AnyRequest, run_id: FromPath[int]) -> Response[Any]:
    """Sign everything in a run that nobody commented on."""
    actor = await web.identity_of(request)

    async def do(_form: Form) -> RunPublicationReceipt:
        return await services.publish_run(actor=actor, run_id=run_id)

    def done(receipt: RunPublicationReceipt) -> Response[None]:
        say = _("已签发 %(n)s 份，尚余 %(m)s 份须逐份处理。") % {
            "n": len(receipt.published),
            "m": len(receipt.left) + len(receipt.drifted),
        }
        return web.redirect("grading:run", run_id=run_id, say=say)

    return await web.act(request, do, done, lambda state: _run(request, run_id, state))


@get("/grading/reports/{report_id:int}", name="grading:report", guards=[web.signed_in])
async def report_page(request: AnyRequest, report_id: FromPath[int]) -> Response[Any]:
    """A report with its evidence: the draft for its agency and the officers, the published one for all."""
    return await _report(request, report_id)


async def _report(request: AnyRequest, report_id: int, form: FormState | None = None) -> Response[Any]:
    reader = await web.identity_of(request)
    view = await report(reader, report_id)
    rules = await rulebook_on(view.as_of)
    points = await history(view.agency_id, view.profession)
    workdays = await calendar()
    started = view.comment_until
    return await web.page(
        request,
        "grading/report.html",
        **words(),
        form=form,
        view=view,
        rules=rules,
        edges=sorted(int(band.minimum) for band in rules.scheme.bands[:-1]),
        points=points,
        chart=chart_data(points, [b.minimum for b in rules.scheme.bands[:-1]], _("首次评级 %(g)s"), _("变为 %(g)s 级")),
        ahead=await ahead_of(view),
        may_comment=_may_comment(reader, view),
        may_sign=reader.may(Permission.PUBLISH_GRADE) and view.state in OPEN,
        over=clock.now() >= started,
        is_workday=workdays.is_workday(clock.today()),
        life=await _life(reader, view),
        entries=await timeline(f"grade:{report_id}"),
    )


async def _life(reader: Identity, view: ReportView) -> dict[str, Any]:
    """What the agency may do about it, whether it is contested, and what stands for it since."""
    return {
        "own": reader.organization_id == view.organization_id and reader.may(Permission.COMMENT_GRADE),
        "until": await objections.objection_until(view.report_id),
        "tag": await objections.tag_of_report(view.report_id),
        "replacement": await objections.replacement_of(view.report_id),
    }


def _may_comment(reader: Identity, view: ReportView) -> bool:
    own = reader.organization_id == view.organization_id and reader.may(Permission.COMMENT_GRADE)
    return own and view.state in OPEN and clock.now() < view.comment_until


Do = Callable[[Identity, str], Awaitable[object]]


async def _text_act(request: AnyRequest, report_id: int, do: Do, say: str, *, required: bool = True) -> Response[Any]:
    """An act on a report that takes one text."""
    actor = await web.identity_of(request)

    async def carry_out(form: Form) -> object:
        return await do(actor, parse_text(form, required=required))

    return await web.act(
        request,
        carry_out,
        lambda _receipt: web.redirect("grading:report", report_id=report_id, say=say),
        lambda state: _report(request, report_id, state),
    )


@post(
    "/grading/reports/{report_id:int}/comment",
    name="grading:report-comment",
    guards=[web.requires(Permission.COMMENT_GRADE)],
)
async def comment_report(request: AnyRequest, report_id: FromPath[int]) -> Response[Any]:
    """The agency's comment on its draft."""
    return await _text_act(
        request,
        report_id,
        lambda actor, text: services.comment(actor=actor, report_id=report_id, text=text),
        _("意见已收到，将与等级一并公布。期满前可以修改。"),
    )


@post("/grading/reports/{report_id:int}/publish", name="grading:report-publish", guards=SIGNER)
async def publish_report(request: AnyRequest, report_id: FromPath[int]) -> Response[Any]:
    """Sign one report."""
    return await _text_act(
        request,
        report_id,
        lambda actor, text: services.publish(actor=actor, report_id=report_id, answer=text),
        _("等级已签发公布。"),
        required=False,
    )


@post("/grading/reports/{report_id:int}/renew", name="grading:report-renew", guards=SIGNER)
async def renew_report(request: AnyRequest, report_id: FromPath[int]) -> Response[Any]:
    """Withdraw a draft and make it again from the evidence as it now stands."""
    return await _text_act(
        request,
        report_id,
        lambda actor, text: services.renew(actor=actor, report_id=report_id, reason=text),
        _("草案已作废，并按现有证据重新生成，重新征求意见。"),
    )


HANDLERS = [
    runs_page,
    prepare,
    run_page,
    publish_run,
    report_page,
    comment_report,
    publish_report,
    renew_report,
]

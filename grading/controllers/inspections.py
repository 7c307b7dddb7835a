"""Random inspections: plans in public, the draw to recompute, results; announcing, drawing and recording for officers."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from core import clock, web
from core.errors import NotFound
from core.forms import Form
from core.i18n import _, loc
from core.identity import Permission
from core.trail.queries import timeline
from core.web import FormState
from grading import services
from grading.controllers.words import words
from grading.forms import supervision as forms
from grading.queries.inspections import inspection, inspections, plan, plans
from grading.queries.schemes import rulebook_on
from grading.queries.supervision import supervision_on
from grading.rules.evidence import plain
from grading.rules.inspections import OUTCOMES, quarter_of
from grading.services import InspectionReceipt, PlanReceipt

AnyRequest = Request[Any, Any, Any]
OFFICER = [web.requires(Permission.RUN_GRADING)]
RECORDER = [web.requires(Permission.RECORD_CONDUCT)]


@get("/inspections", name="grading:inspections", opt=web.public)
async def list_page(request: AnyRequest) -> Response[Any]:
    """The plans of every quarter, and for officers the way to announce this one."""
    return await _list(request)


async def _list(request: AnyRequest, form: FormState | None = None) -> Response[Any]:
    reader = await web.who(request)
    found = await plans()
    year, quarter = quarter_of(clock.today())
    missing = not any((one.year, one.quarter) == (year, quarter) for one in found)
    return await web.page(
        request,
        "grading/inspections.html",
        **words(),
        plans=found,
        form=form,
        year=year,
        quarter=quarter,
        may_announce=missing and reader is not None and reader.may(Permission.RUN_GRADING),
        supervision=await supervision_on(clock.today()),
    )


@post("/inspections", name="grading:inspection-announce", guards=OFFICER)
async def announce(request: AnyRequest) -> Response[Any]:
    """Announce this quarter's plan."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> PlanReceipt:
        return await services.announce_plan(actor=actor, outside_source=forms.parse_source(form))

    def done(receipt: PlanReceipt) -> Response[None]:
        say = _("计划 %(no)s 已公告，名单 %(n)s 家次，应抽 %(m)s 家次。") % {
            "no": receipt.number,
            "n": receipt.lines,
            "m": receipt.inspections,
        }
        return web.redirect("grading:inspection-plan", plan_id=receipt.plan_id, say=say)

    return await web.act(request, do, done, lambda state: _list(request, state))


@get("/inspections/{plan_id:int}", name="grading:inspection-plan", opt=web.public)
async def plan_page(request: AnyRequest, plan_id: FromPath[int]) -> Response[Any]:
    """One plan: what was frozen, how it was drawn, whom it took, what was found."""
    return await _plan(request, plan_id)


async def _plan(request: AnyRequest, plan_id: int, form: FormState | None = None) -> Response[Any]:
    reader = await web.who(request)
    view = await plan(plan_id)
    return await web.page(
        request,
        "grading/inspection_plan.html",
        **words(),
        view=view,
        form=form,
        rows=await inspections(plan_id, reader),
        outcomes=OUTCOMES,
        may_draw=not view.drawn and reader is not None and reader.may(Permission.RUN_GRADING),
        may_record=reader is not None and reader.may(Permission.RECORD_CONDUCT),
        entries=await timeline(f"inspection-plan:{plan_id}"),
    )


@post("/inspections/{plan_id:int}/draw", name="grading:inspection-draw", guards=OFFICER)
async def draw(request: AnyRequest, plan_id: FromPath[int]) -> Response[Any]:
    """Record the public value and draw."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> PlanReceipt:
        found = forms.parse_value(form)
        return await services.draw_plan(actor=actor, plan_id=plan_id, value=found.value, where=found.where)

    def done(receipt: PlanReceipt) -> Response[None]:
        say = _("抽取完成，共 %(n)s 家次，已告知机构。") % {"n": receipt.inspections}
        return web.redirect("grading:inspection-plan", plan_id=plan_id, say=say)

    return await web.act(request, do, done, lambda state: _plan(request, plan_id, state))


@get("/inspections/{plan_id:int}/draw.json", name="grading:inspection-draw-file", opt=web.public)
async def draw_file(plan_id: FromPath[int]) -> Response[Any]:
    """The draw in format `xinshi-draw-2`, for `xinshi draw verify`."""
    view = await plan(plan_id)
    if view.result is None:
        raise NotFound
    name = f'attachment; filename="{view.number}-draw.json"'
    return Response(view.result, headers={"content-disposition": name})


@get("/inspections/{plan_id:int}/list.json", name="grading:inspection-list-file", opt=web.public)
async def list_file(plan_id: FromPath[int]) -> Response[Any]:
    """The frozen list with grades and quotas: with the draw file it gives whom the plan takes."""
    view = await plan(plan_id)
    body = {
        "format": "xinshi-inspection-list-1",
        "plan": view.number,
        "year": view.year,
        "quarter": view.quarter,
        "candidates": [[line.code, line.grade] for line in view.lines],
        "candidates_sha256": view.candidates_digest,
        "grades_sha256": view.grades_digest,
        "quotas": plain({grade: one.quota for grade, one in view.quotas.items()}),
        "commitment": view.commitment,
        "outside_source": view.outside_source,
    }
    return Response(body, headers={"content-disposition": f'attachment; filename="{view.number}-list.json"'})


@get("/inspections/records/{inspection_id:int}", name="grading:inspection-record", guards=RECORDER)
async def record_page(request: AnyRequest, inspection_id: FromPath[int]) -> Response[Any]:
    """The form for the result of an inspection."""
    return await _record(request, inspection_id)


async def _record(request: AnyRequest, inspection_id: int, form: FormState | None = None) -> Response[Any]:
    row = await inspection(inspection_id, await web.who(request))
    rules = await rulebook_on(clock.today())
    return await web.page(
        request,
        "grading/inspection_form.html",
        **words(),
        row=row,
        form=form,
        outcomes=OUTCOMES,
        items=[
            (
                item.code,
                _("%(code)s　%(name)s（%(n)s 分）") % {"code": item.code, "name": loc(item, "name"), "n": item.points},
            )
            for item in rules.scheme.conduct.items
        ],
    )


@post("/inspections/records/{inspection_id:int}", name="grading:inspection-record-file", guards=RECORDER)
async def record(request: AnyRequest, inspection_id: FromPath[int]) -> Response[Any]:
    """Record what was found."""
    actor = await web.identity_of(request)
    plan_id = (await inspection(inspection_id, actor)).plan_id

    async def do(form: Form) -> InspectionReceipt:
        draft = forms.parse_inspection(form)
        return await services.record_inspection(actor=actor, inspection_id=inspection_id, draft=draft)

    def done(receipt: InspectionReceipt) -> Response[None]:
        say = _("结果已记录并公布。") if receipt.finding_id is None else _("结果已记录，拟记分已告知机构。")
        return web.redirect("grading:inspection-plan", plan_id=plan_id, say=say)

    return await web.act(request, do, done, lambda state: _record(request, inspection_id, state))


@post("/inspections/records/{inspection_id:int}/rectified", name="grading:inspection-rectified", guards=RECORDER)
async def rectified(request: AnyRequest, inspection_id: FromPath[int]) -> Response[Any]:
    """Confirm that what was ordered is put right."""
    actor = await web.identity_of(request)
    plan_id = (await inspection(inspection_id, actor)).plan_id

    async def do(form: Form) -> InspectionReceipt:
        words_ = forms.parse_rectified(form)
        return await services.confirm_rectified(actor=actor, inspection_id=inspection_id, words=words_)

    def done(_receipt: InspectionReceipt) -> Response[None]:
        return web.redirect("grading:inspection-plan", plan_id=plan_id, say=_("整改已确认完成，并告知机构。"))

    return await web.act(request, do, done, lambda state: _record(request, inspection_id, state))


HANDLERS = [list_page, announce, plan_page, draw, draw_file, list_file, record_page, record, rectified]

"""The agency asks why, or for a person; an officer answers."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from core import web
from core.forms import Form
from core.i18n import _
from core.identity import Permission
from core.trail.queries import timeline
from core.web import FormState
from grading import services
from grading.controllers.words import words
from grading.forms import life as life_forms
from grading.queries.asked import asked, asked_list
from grading.queries.reports import report
from grading.rules.asked import ANSWER_WD, KINDS
from grading.services.asked import AskedReceipt

AnyRequest = Request[Any, Any, Any]
AGENCY = [web.requires(Permission.COMMENT_GRADE)]
OFFICER = [web.requires(Permission.PUBLISH_GRADE)]


@get("/grading/requests", name="grading:requests", guards=[web.signed_in])
async def list_page(request: AnyRequest) -> Response[Any]:
    """Requests: all for the officers, its own for an agency."""
    rows = await asked_list(await web.identity_of(request))
    return await web.page(request, "grading/requests.html", **words(), rows=rows, kinds=KINDS, answer_wd=ANSWER_WD)


@get("/grading/reports/{report_id:int}/ask", name="grading:ask-form", guards=AGENCY)
async def form_page(request: AnyRequest, report_id: FromPath[int]) -> Response[Any]:
    """The form."""
    return await _form(request, report_id)


async def _form(request: AnyRequest, report_id: int, form: FormState | None = None) -> Response[Any]:
    reader = await web.identity_of(request)
    view = await report(reader, report_id)
    return await web.page(
        request,
        "grading/request_form.html",
        **words(),
        form=form,
        view=view,
        rows=await asked_list(reader, report_id=report_id),
        kinds=KINDS,
        answer_wd=ANSWER_WD,
    )


@post("/grading/reports/{report_id:int}/ask", name="grading:ask", guards=AGENCY)
async def ask(request: AnyRequest, report_id: FromPath[int]) -> Response[Any]:
    """Ask."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> AskedReceipt:
        kind, question = life_forms.parse_asking(form)
        return await services.ask(actor=actor, report_id=report_id, kind=kind, question=question)

    def done(receipt: AskedReceipt) -> Response[None]:
        say = _("已收到，编号 %(no)s。评级员 %(n)s 个工作日内答复。") % {"no": receipt.number, "n": ANSWER_WD}
        return web.redirect("grading:request", request_id=receipt.request_id, say=say)

    return await web.act(request, do, done, lambda state: _form(request, report_id, state))


@get("/grading/requests/{request_id:int}", name="grading:request", guards=[web.signed_in])
async def request_page(request: AnyRequest, request_id: FromPath[int]) -> Response[Any]:
    """One request."""
    return await _detail(request, request_id)


async def _detail(request: AnyRequest, request_id: int, form: FormState | None = None) -> Response[Any]:
    reader = await web.identity_of(request)
    row = await asked(reader, request_id)
    return await web.page(
        request,
        "grading/request.html",
        **words(),
        form=form,
        row=row,
        kinds=KINDS,
        may_answer=row.may_answer(reader),
        entries=await timeline(f"grade-request:{request_id}"),
    )


@post("/grading/requests/{request_id:int}/answer", name="grading:request-answer", guards=OFFICER)
async def answer(request: AnyRequest, request_id: FromPath[int]) -> Response[Any]:
    """An officer answers in person."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> AskedReceipt:
        text = life_forms.parse_long(form, "answer")
        return await services.answer_asked(actor=actor, request_id=request_id, answer=text)

    return await web.act(
        request,
        do,
        lambda _receipt: web.redirect("grading:request", request_id=request_id, say=_("已答复，并告知机构。")),
        lambda state: _detail(request, request_id, state),
    )


HANDLERS = [list_page, form_page, ask, request_page, answer]

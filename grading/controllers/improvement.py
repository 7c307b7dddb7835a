"""The improvement plan of a C agency: filed on its grade page, read by the officers."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from agencies.rules import Profession
from core import web
from core.errors import NotFound
from core.forms import Form
from core.i18n import _
from core.identity import Permission
from grading import services
from grading.controllers.supervision import my_grade_view
from grading.controllers.words import words
from grading.forms import supervision as forms
from grading.queries.improvement import duties
from grading.services import ImprovementReceipt

AnyRequest = Request[Any, Any, Any]


@get("/improvements", name="grading:improvements", guards=[web.requires(Permission.RECORD_CONDUCT)])
async def list_page(request: AnyRequest) -> Response[Any]:
    """Every agency with grade C, with its plan or until when it is due."""
    return await web.page(request, "grading/improvements.html", **words(), rows=await duties())


@post(
    "/my-grade/{profession:str}/improvement",
    name="grading:improvement-file",
    guards=[web.requires(Permission.COMMENT_GRADE)],
)
async def file_plan(request: AnyRequest, profession: FromPath[str]) -> Response[Any]:
    """File the plan for one profession."""
    actor = await web.identity_of(request)
    if profession not in set(Profession):
        raise NotFound
    trade = Profession(profession)

    async def do(form: Form) -> ImprovementReceipt:
        return await services.file_improvement(actor=actor, profession=trade, draft=forms.parse_improvement(form))

    def done(receipt: ImprovementReceipt) -> Response[None]:
        return web.redirect("grading:my-grade", say=_("改进计划已收到，编号 %(no)s。") % {"no": receipt.number})

    return await web.act(request, do, done, lambda state: my_grade_view(request, state, trade))


HANDLERS = [list_page, file_plan]

"""What a grade means, for everybody and for the agency itself; and the way back from a direct D."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from agencies.rules import Profession
from core import clock, files, web
from core.errors import NotFound
from core.forms import Form
from core.i18n import _
from core.identity import Identity, Permission
from core.trail.queries import timeline
from core.web import FormState
from grading import services
from grading.controllers.measures import measure_words
from grading.controllers.words import words
from grading.forms import supervision as forms
from grading.queries.my_grade import my_grade
from grading.queries.proposals import shadow_grades
from grading.queries.schemes import rulebook_on
from grading.queries.supervision import measure_notes, supervision_on
from grading.queries.way_back import ground_of, way_back, way_backs
from grading.rules.way_back import WAY_BACK_STATES
from grading.services import WayBackReceipt

AnyRequest = Request[Any, Any, Any]
UPLOAD_LIMIT = 84 * files.MEGABYTE
AGENCY = [web.requires(Permission.COMMENT_GRADE)]
DECIDER = [web.requires(Permission.DECIDE_CONDUCT)]


@get("/grading/consequences", name="grading:consequences", opt=web.public)
async def consequences_page(request: AnyRequest) -> Response[Any]:
    """Every measure by grade, where it is applied, on what basis."""
    return await web.page(
        request,
        "grading/consequences.html",
        **words(),
        **measure_words(),
        rules=await rulebook_on(clock.today()),
        supervision=await supervision_on(clock.today()),
        notes=measure_notes(),
    )


@get("/my-grade", name="grading:my-grade", guards=AGENCY)
async def my_grade_page(request: AnyRequest) -> Response[Any]:
    """What my grade means: measures counted against their limits, duties, what runs against me, the way back."""
    return await my_grade_view(request)


async def my_grade_view(
    request: AnyRequest, form: FormState | None = None, planned: Profession | None = None
) -> Response[Any]:
    """The page, with the form of one profession's improvement plan as it was typed."""
    reader = await web.identity_of(request)
    return await web.page(
        request,
        "grading/my_grade.html",
        **words(),
        **measure_words(),
        mine=await my_grade(reader),
        shadow=await shadow_grades(reader),
        notes=measure_notes(),
        rules=await rulebook_on(clock.today()),
        way_back_states=WAY_BACK_STATES,
        form=form,
        planned=planned,
    )


@get("/way-back", name="grading:way-backs", guards=DECIDER)
async def way_backs_page(request: AnyRequest) -> Response[Any]:
    """Applications to leave a D that wait for an officer."""
    return await _way_backs(request)


async def _way_backs(request: AnyRequest, form: FormState | None = None) -> Response[Any]:
    rows = await way_backs(await web.identity_of(request))
    return await web.page(
        request,
        "grading/way_backs.html",
        **words(),
        rows=rows,
        form=form,
        way_back_states=WAY_BACK_STATES,
        to_lift=[one for one in rows if one.effective_on and one.effective_on <= clock.today() and not one.lifted],
    )


@post("/way-back/lift", name="grading:way-back-lift", guards=DECIDER)
async def lift(request: AnyRequest) -> Response[Any]:
    """Publish the grades of ways back granted early whose day has come."""
    actor = await web.identity_of(request)

    async def do(_form: Form) -> int:
        return await services.lift_due(actor=actor)

    def done(count: int) -> Response[None]:
        return web.redirect("grading:way-backs", say=_("已公布 %(n)s 家退出 D 级后的等级。") % {"n": count})

    return await web.act(request, do, done, lambda state: _way_backs(request, state))


@get("/direct-d/{direct_d_id:int}/way-back", name="grading:way-back-new", guards=AGENCY)
async def new_page(request: AnyRequest, direct_d_id: FromPath[int]) -> Response[Any]:
    """The form with which an agency applies to leave a direct D."""
    return await _new(request, direct_d_id)


async def _new(request: AnyRequest, direct_d_id: int, form: FormState | None = None) -> Response[Any]:
    ground = await ground_of(await web.identity_of(request), direct_d_id)
    return await web.page(
        request,
        "grading/way_back_form.html",
        **words(),
        ground=ground,
        form=form,
        use=services.PROOF,
        supervision=await supervision_on(clock.today()),
        rules=await rulebook_on(clock.today()),
    )


@post(
    "/direct-d/{direct_d_id:int}/way-back",
    name="grading:way-back-file",
    guards=AGENCY,
    request_max_body_size=UPLOAD_LIMIT,
)
async def file_application(request: AnyRequest, direct_d_id: FromPath[int]) -> Response[Any]:
    """File the application."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> WayBackReceipt:
        draft, proofs = forms.parse_way_back(form)
        return await services.file_way_back(actor=actor, direct_d_id=direct_d_id, draft=draft, proofs=proofs)

    def done(receipt: WayBackReceipt) -> Response[None]:
        say = _("申请已收到，编号 %(no)s。") % {"no": receipt.number}
        return web.redirect("grading:way-back", way_back_id=receipt.way_back_id, say=say)

    return await web.act(request, do, done, lambda state: _new(request, direct_d_id, state))


@get("/way-back/{way_back_id:int}", name="grading:way-back", guards=[web.signed_in])
async def way_back_page(request: AnyRequest, way_back_id: FromPath[int]) -> Response[Any]:
    """One application, for its agency and the officers."""
    return await _way_back(request, await web.identity_of(request), way_back_id)


async def _way_back(
    request: AnyRequest, reader: Identity, way_back_id: int, form: FormState | None = None
) -> Response[Any]:
    view = await way_back(reader, way_back_id)
    return await web.page(
        request,
        "grading/way_back.html",
        **words(),
        view=view,
        form=form,
        use=services.PROOF,
        way_back_states=WAY_BACK_STATES,
        may_check=view.may_check(reader),
        may_decide=view.may_decide(reader),
        may_complete=view.may_complete(reader),
        entries=await timeline(f"way-back:{way_back_id}"),
        rules=await rulebook_on(clock.today()),
    )


@post(
    "/way-back/{way_back_id:int}/completion",
    name="grading:way-back-complete",
    guards=AGENCY,
    request_max_body_size=UPLOAD_LIMIT,
)
async def complete(request: AnyRequest, way_back_id: FromPath[int]) -> Response[Any]:
    """Hand a returned application in again."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> WayBackReceipt:
        draft, proofs = forms.parse_way_back(form, files_needed=False)
        return await services.complete_way_back(actor=actor, way_back_id=way_back_id, draft=draft, proofs=proofs)

    return await web.act(
        request,
        do,
        lambda _receipt: _to(way_back_id, _("补正已收到。")),
        lambda state: _way_back(request, actor, way_back_id, state),
    )


def _to(way_back_id: int, say: str) -> Response[None]:
    return web.redirect("grading:way-back", way_back_id=way_back_id, say=say)


@post("/way-back/{way_back_id:int}/check", name="grading:way-back-check", guards=DECIDER)
async def check(request: AnyRequest, way_back_id: FromPath[int]) -> Response[Any]:
    """The formal check: complete, or returned with what is missing."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> WayBackReceipt:
        made = forms.parse_ruling(form, reasons_needed=False)
        return await services.check_way_back(actor=actor, way_back_id=way_back_id, complete=made.yes, note=made.reasons)

    return await web.act(
        request,
        do,
        lambda _receipt: _to(way_back_id, _("核对结果已告知机构。")),
        lambda state: _way_back(request, actor, way_back_id, state),
    )


@post("/way-back/{way_back_id:int}/decision", name="grading:way-back-decide", guards=DECIDER)
async def decide(request: AnyRequest, way_back_id: FromPath[int]) -> Response[Any]:
    """Let the agency leave the D, or not."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> WayBackReceipt:
        made = forms.parse_ruling(form)
        return await services.decide_way_back(
            actor=actor, way_back_id=way_back_id, granted=made.yes, reasons=made.reasons
        )

    return await web.act(
        request,
        do,
        lambda _receipt: _to(way_back_id, _("已作出决定，并告知机构。")),
        lambda state: _way_back(request, actor, way_back_id, state),
    )


@get("/way-back/{way_back_id:int}/files/{file_id:int}", name="grading:way-back-file-page", guards=[web.signed_in])
async def proof_file(request: AnyRequest, way_back_id: FromPath[int], file_id: FromPath[int]) -> Response[Any]:
    """A proof, for the agency and the officers."""
    view = await way_back(await web.identity_of(request), way_back_id)
    for one in view.proofs:
        if one.file_id == file_id:
            return await files.response(one.stored_file, name=one.name)
    raise NotFound


HANDLERS = [
    consequences_page,
    my_grade_page,
    way_backs_page,
    lift,
    new_page,
    file_application,
    way_back_page,
    complete,
    check,
    decide,
    proof_file,
]

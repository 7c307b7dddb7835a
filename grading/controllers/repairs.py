"""Credit repair: what can be repaired from when, the application, and its decision."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from agencies.queries import agency_of
from core import clock, files, web
from core.forms import Form
from core.i18n import _
from core.identity import Identity, Permission
from core.trail.queries import timeline
from core.web import FormState
from core.web.pages import decode_cursor
from grading import services
from grading.controllers.words import words
from grading.forms import life as life_forms
from grading.queries.repairs import record_line, repair, repair_file, repair_files, repairable, repairs
from grading.queries.schemes import rulebook_on
from grading.rules.repair import CLASSES, MOST_FILES, STATES, RepairState
from grading.services.repairs import EVIDENCE, RepairReceipt

AnyRequest = Request[Any, Any, Any]
AGENCY = [web.requires(Permission.COMMENT_GRADE)]
OFFICER = [web.requires(Permission.DECIDE_CONDUCT)]
UPLOAD_LIMIT = (MOST_FILES * 10 + 2) * files.MEGABYTE
PAGE = 30
TAGS = {
    RepairState.APPLIED: "act",
    RepairState.ACCEPTED: "act",
    RepairState.JOINT: "act",
    RepairState.GRANTED: "ok",
    RepairState.REFUSED: "bad",
}


async def _frame() -> dict[str, Any]:
    scheme = (await rulebook_on(clock.today())).scheme
    shown = {"repair_states": STATES, "repair_tags": TAGS, "classes": CLASSES}
    return {**words(), **shown, "rules": scheme.repair, "life_months": scheme.conduct.life_months}


@get("/grading/repairs", name="grading:repairs", guards=[web.signed_in])
async def list_page(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """Applications: all for the officers; for an agency its own, and what it could have repaired."""
    reader = await web.identity_of(request)
    before = decode_cursor(cursor)
    rows = await repairs(reader, before=before if isinstance(before, int) else None, limit=PAGE + 1)
    listed = web.cursor_page(rows, PAGE, lambda row: row.repair_id)
    agency = await agency_of(reader.organization_id) if reader.may(Permission.COMMENT_GRADE) else None
    return await web.page(
        request,
        "grading/repairs.html",
        **await _frame(),
        rows=listed["items"],
        next_cursor=listed["next"],
        records=await repairable(agency.agency_id) if agency else [],
        own=agency is not None,
    )


@get("/grading/repairs/new", name="grading:repair-form", guards=AGENCY)
async def form_page(request: AnyRequest, record: FromQuery[str | None] = None) -> Response[Any]:
    """The form."""
    return await _form(request, record=record)


async def _form(request: AnyRequest, form: FormState | None = None, record: str | None = None) -> Response[Any]:
    agency = await agency_of((await web.identity_of(request)).organization_id)
    records = await repairable(agency.agency_id) if agency else []
    return await web.page(
        request,
        "grading/repair_form.html",
        **await _frame(),
        form=form,
        choices=[(one.key, record_line(one)) for one in records if one.ready],
        chosen=record,
        use=EVIDENCE,
        most=MOST_FILES,
    )


@post("/grading/repairs/new", name="grading:repair-apply", guards=AGENCY, request_max_body_size=UPLOAD_LIMIT)
async def apply(request: AnyRequest) -> Response[Any]:
    """Apply."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> RepairReceipt:
        return await services.apply_repair(actor=actor, draft=life_forms.parse_repair(form))

    def done(receipt: RepairReceipt) -> Response[None]:
        say = _("修复申请已提交，编号 %(no)s，2 个工作日内决定是否受理。") % {"no": receipt.number}
        return web.redirect("grading:repair", repair_id=receipt.repair_id, say=say)

    return await web.act(request, do, done, lambda state: _form(request, state))


@get("/grading/repairs/{repair_id:int}", name="grading:repair", guards=[web.signed_in])
async def repair_page(request: AnyRequest, repair_id: FromPath[int]) -> Response[Any]:
    """One application."""
    return await _detail(request, repair_id)


async def _detail(request: AnyRequest, repair_id: int, form: FormState | None = None) -> Response[Any]:
    reader = await web.identity_of(request)
    row = await repair(reader, repair_id)
    return await web.page(
        request,
        "grading/repair.html",
        **await _frame(),
        form=form,
        row=row,
        proof=await repair_files(repair_id),
        may_accept=row.state is RepairState.APPLIED and reader.may(Permission.PUBLISH_GRADE),
        may_decide=row.may_decide(reader),
        entries=await timeline(f"repair:{repair_id}"),
    )


@get("/grading/repairs/{repair_id:int}/files/{file_id:int}", name="grading:repair-file", guards=[web.signed_in])
async def proof_file(request: AnyRequest, repair_id: FromPath[int], file_id: FromPath[int]) -> Response[Any]:
    """A file of the proof."""
    found = await repair_file(await web.identity_of(request), repair_id, file_id)
    return await files.response(found.id, name=found.name)


Do = Callable[[Identity, Form], Awaitable[RepairReceipt]]


async def _act(request: AnyRequest, repair_id: int, do: Do, say: str) -> Response[Any]:
    actor = await web.identity_of(request)

    async def carry_out(form: Form) -> RepairReceipt:
        return await do(actor, form)

    return await web.act(
        request,
        carry_out,
        lambda receipt: web.redirect("grading:repair", repair_id=receipt.repair_id, say=say),
        lambda state: _detail(request, repair_id, state),
    )


@post("/grading/repairs/{repair_id:int}/acceptance", name="grading:repair-accept", guards=OFFICER)
async def accept(request: AnyRequest, repair_id: FromPath[int]) -> Response[Any]:
    """The papers are complete."""

    async def do(actor: Identity, _form: Form) -> RepairReceipt:
        return await services.accept_repair(actor=actor, repair_id=repair_id)

    return await _act(request, repair_id, do, _("已受理，7 个工作日内作出决定。"))


@post("/grading/repairs/{repair_id:int}/return", name="grading:repair-return", guards=OFFICER)
async def send_back(request: AnyRequest, repair_id: FromPath[int]) -> Response[Any]:
    """Something is missing."""

    async def do(actor: Identity, form: Form) -> RepairReceipt:
        reasons = life_forms.parse_long(form, "reasons")
        return await services.return_repair(actor=actor, repair_id=repair_id, reasons=reasons)

    return await _act(request, repair_id, do, _("已退回，并告知机构缺什么。"))


@post("/grading/repairs/{repair_id:int}/decision", name="grading:repair-decide", guards=OFFICER)
async def decide(request: AnyRequest, repair_id: FromPath[int]) -> Response[Any]:
    """Grant or refuse; a grave record needs two officers."""

    async def do(actor: Identity, form: Form) -> RepairReceipt:
        made = life_forms.parse_repair_decision(form)
        return await services.decide_repair(
            actor=actor, repair_id=repair_id, granted=made.granted, reasons=made.reasons, forged=made.forged
        )

    return await _act(request, repair_id, do, _("决定已记入，并告知机构。"))


HANDLERS = [list_page, form_page, apply, repair_page, proof_file, accept, send_back, decide]

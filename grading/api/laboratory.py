"""The policy laboratory for programs: proposals, replays, who would move, and announced changes of the rules."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from core import web
from core.forms import Form
from core.identity import Identity, Permission
from core.web.pages import decode_cursor
from grading import services
from grading.forms import parse_text
from grading.forms.laboratory import parse_variant
from grading.queries.proposals import (
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
from grading.rules.evidence import plain

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")
READER = [web.requires(Permission.READ_LABORATORY)]
OFFICER = [web.requires(Permission.CHANGE_SCHEME)]
MOST = 100
PERSONS = {"created_name", "edited_name", "submitted_name", "decided_name"}
ACCOUNTS = {"created_by", "edited_by", "submitted_by", "decided_by"}


class VariantBody(msgspec.Struct):
    """Why, and the numbers by name; see `/scheme-knobs`. `version` of the draft when changing one."""

    purpose: str = ""
    changes: dict[str, str] = {}
    version: int = 1


class ReasonsBody(msgspec.Struct):
    """Why it is decided so."""

    reasons: str = ""


def _shown(view: ProposalView, *, public: bool = False) -> dict[str, Any]:
    """A proposal as JSON: its changes by knob; texts of schemes are at `/schemes/{code}`, persons are left out in public."""
    hidden = {"source", "base_source", "changes", "base_id", *(PERSONS | ACCOUNTS if public else ())}
    shown: dict[str, Any] = {name: value for name, value in plain(view).items() if name not in hidden}
    changes = [
        {"knob": one.knob.name, "title": one.knob.title, "before": str(one.before), "after": str(one.after)}
        for one in view.changes
    ]
    return shown | {"changes": changes, "state": view.state.value}


@get("/scheme-knobs", name="api:scheme-knobs", guards=READER)
async def list_knobs() -> dict[str, Any]:
    """The numbers that may be tried, with their present values and ranges."""
    _id, code, source = await newest_scheme()
    fields = [
        {name: value for name, value in plain(one).items() if name != "proposed"} for one in knob_fields(source, {})
    ]
    return {"base": code, "knobs": fields}


@get("/scheme-proposals", name="api:scheme-proposals", guards=READER)
async def list_proposals(limit: FromQuery[int] = 20, cursor: FromQuery[str | None] = None) -> dict[str, Any]:
    """Proposals, the newest first."""
    limit = min(max(limit, 1), MOST)
    before = decode_cursor(cursor)
    rows = await proposals(before=before if isinstance(before, int) else None, limit=limit + 1)
    return web.cursor_page(rows, limit, lambda row: row.proposal_id, _shown)


@get("/scheme-proposals/{proposal_id:int}", name="api:scheme-proposal", guards=READER)
async def show_proposal(proposal_id: FromPath[int]) -> dict[str, Any]:
    """One proposal with the progress or result of its newest replay and shadow."""
    return _shown(await proposal(proposal_id))


@get("/scheme-proposals/{proposal_id:int}/movers", name="api:scheme-movers", guards=READER)
async def list_movers(
    proposal_id: FromPath[int], limit: FromQuery[int] = 50, cursor: FromQuery[str | None] = None
) -> dict[str, Any]:
    """Who would have another grade by the newest replay."""
    limit = min(max(limit, 1), MOST)
    after = decode_cursor(cursor)
    view = await proposal(proposal_id)
    last = after if isinstance(after, int) else 0
    rows = await movers(view.replay.replay_id, after=last, limit=limit + 1) if view.replay else []
    return web.cursor_page(rows, limit, lambda row: row.row_id, plain)


@get("/scheme-changes", name="api:scheme-changes", opt=web.public)
async def list_changes() -> dict[str, Any]:
    """Approved changes of the rules, announced or applied."""
    return {"items": [_shown(one, public=True) for one in await announced_changes()], "next": None}


@get("/scheme-changes/{number:str}", name="api:scheme-change", opt=web.public)
async def show_change(request: AnyRequest, number: FromPath[str]) -> dict[str, Any]:
    """An approved change with its figures; for an agency its own grades under it."""
    view = await announced_change(number)
    own = [one for one in await shadow_grades(await web.who(request)) if one.number == number]
    return _shown(view, public=True) | {"own": plain(own)}


async def _act(
    request: AnyRequest, data: Any, do: Callable[[Identity, Form], Awaitable[T]], *, status: int = 201
) -> Response[Any]:
    actor = await web.identity_of(request)
    return await web.api_act(request, data, lambda form: do(actor, form), plain, status=status)


@post("/scheme-proposals", name="api:scheme-draft", guards=OFFICER)
async def create(request: AnyRequest, data: JSONBody[VariantBody]) -> Response[Any]:
    """Draft a proposal on top of the newest scheme."""

    async def do(actor: Identity, form: Form) -> Any:
        base_id, _code, source = await newest_scheme()
        return await services.draft_scheme(actor=actor, variant=parse_variant(form, base_id, source))

    return await _act(request, data, do)


@post("/scheme-proposals/{proposal_id:int}/edit", name="api:scheme-edit", guards=OFFICER)
async def change(request: AnyRequest, proposal_id: FromPath[int], data: JSONBody[VariantBody]) -> Response[Any]:
    """Change a draft; all changed numbers are given anew."""

    async def do(actor: Identity, form: Form) -> Any:
        view = await proposal(proposal_id)
        variant = parse_variant(form, view.base_id, view.base_source)
        return await services.edit_scheme(actor=actor, proposal_id=proposal_id, version=data.version, variant=variant)

    return await _act(request, data, do)


@post("/scheme-proposals/{proposal_id:int}/replay", name="api:scheme-replay", guards=OFFICER)
async def replay(request: AnyRequest, proposal_id: FromPath[int]) -> Response[Any]:
    """Replay the last 24 months under it, in the background."""
    return await _act(
        request, {}, lambda actor, _form: services.start_replay(actor=actor, proposal_id=proposal_id), status=202
    )


@post("/scheme-proposals/{proposal_id:int}/submission", name="api:scheme-submit", guards=OFFICER)
async def submit(request: AnyRequest, proposal_id: FromPath[int]) -> Response[Any]:
    """Put a tried draft to a second officer."""
    return await _act(request, {}, lambda actor, _form: services.submit_scheme(actor=actor, proposal_id=proposal_id))


@post("/scheme-proposals/{proposal_id:int}/approval", name="api:scheme-approve", guards=OFFICER)
async def approve(request: AnyRequest, proposal_id: FromPath[int], data: JSONBody[ReasonsBody]) -> Response[Any]:
    """Approve and announce it, by somebody else."""

    async def do(actor: Identity, form: Form) -> Any:
        return await services.approve_scheme(actor=actor, proposal_id=proposal_id, reasons=parse_text(form, "reasons"))

    return await _act(request, data, do)


@post("/scheme-proposals/{proposal_id:int}/rejection", name="api:scheme-reject", guards=OFFICER)
async def reject(request: AnyRequest, proposal_id: FromPath[int], data: JSONBody[ReasonsBody]) -> Response[Any]:
    """Refuse it, by somebody else."""

    async def do(actor: Identity, form: Form) -> Any:
        return await services.reject_scheme(actor=actor, proposal_id=proposal_id, reasons=parse_text(form, "reasons"))

    return await _act(request, data, do)


@post("/scheme-proposals/{proposal_id:int}/withdrawal", name="api:scheme-withdraw", guards=OFFICER)
async def withdraw(request: AnyRequest, proposal_id: FromPath[int], data: JSONBody[ReasonsBody]) -> Response[Any]:
    """Take it back."""

    async def do(actor: Identity, form: Form) -> Any:
        return await services.withdraw_scheme(actor=actor, proposal_id=proposal_id, reasons=parse_text(form, "reasons"))

    return await _act(request, data, do)


HANDLERS = [
    list_knobs,
    list_proposals,
    show_proposal,
    list_movers,
    list_changes,
    show_change,
    create,
    change,
    replay,
    submit,
    approve,
    reject,
    withdraw,
]

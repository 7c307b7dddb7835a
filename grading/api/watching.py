"""Watching the graders for programs: figures with full precision, and the queue of signals."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from agencies.rules import Profession
from core import web
from core.errors import NotFound
from core.forms import Form
from core.identity import Identity, Permission
from core.web.pages import decode_cursor
from grading import services
from grading.controllers.grader_signals import signal_filter
from grading.forms import signals as signal_forms
from grading.queries.grader_signals import SignalRow, grader_signal, grader_signals
from grading.queries.outlook import ahead_of
from grading.queries.reports import standing_explanation
from grading.queries.watching import figures
from grading.rules.evidence import plain
from grading.services.grader_signals import SignalReceipt

if TYPE_CHECKING:
    from grading.watching.figures import Figure

AnyRequest = Request[Any, Any, Any]
WATCHER = [web.requires(Permission.WATCH_GRADING)]
MOST = 100
Do = Callable[[Identity, Form], Awaitable[SignalReceipt]]


class AssignmentBody(msgspec.Struct):
    """The account that a signal is given to."""

    account_id: int = 0


class SignalDecisionBody(msgspec.Struct):
    """How a signal is decided: harmless, observe, talk, recheck or refer, with reasons."""

    result: str = ""
    reasons: str = ""


class ReopeningBody(msgspec.Struct):
    """Why a decided signal is opened again."""

    reasons: str = ""


@get("/grading-watch", name="api:grading-watch", guards=WATCHER)
async def list_figures() -> dict[str, Any]:
    """All figures: rows, main facts, verdict (calm, watch, act, thin)."""
    return {"figures": [_figure(one) for one in (await figures()).values()]}


def _figure(one: "Figure") -> dict[str, Any]:
    return {"code": one.code, "verdict": one.verdict.value, "facts": one.facts, "rows": list(one.rows)}


@get("/reviewer-severities", name="api:reviewer-severities", opt=web.public)
async def list_severities() -> dict[str, Any]:
    """How strict each reviewer is, with interval and drift; reviewers by alias."""
    figure = (await figures())["severity"]
    hidden = {"reviewer", "mean"}
    return {"items": [{name: value for name, value in row.items() if name not in hidden} for row in figure.rows]}


def signal_json(row: SignalRow) -> dict[str, Any]:
    """A signal with its sentence in the reader's language."""
    hidden = {"assignee", "decider"}
    shown: dict[str, Any] = {name: value for name, value in plain(row).items() if name not in hidden}
    for name in ("first_found_at", "last_found_at", "assigned_at", "due_at", "decided_at"):
        moment = getattr(row, name)
        shown[name] = moment.isoformat() if moment else None
    definition = {"code": row.code, "title": row.title} if row.definition else None
    return shown | {"title": row.title, "text": row.text, "definition": definition}


def _receipt(receipt: SignalReceipt) -> dict[str, Any]:
    due = receipt.due_at.isoformat() if receipt.due_at else None
    return {"id": receipt.signal_id, "state": receipt.state.value, "due_at": due, "trail_entry": receipt.entry_id}


@get("/grader-signals", name="api:grader-signals", guards=WATCHER)
async def list_signals(
    request: AnyRequest, cursor: FromQuery[str | None] = None, limit: FromQuery[int] = 30
) -> dict[str, Any]:
    """Signals, newest first; narrowed by `status` (new, assigned, decided, all), `code` and `gone`."""
    limit = min(max(limit, 1), MOST)
    before = decode_cursor(cursor)
    rows = await grader_signals(signal_filter(request), limit=limit, before=before if isinstance(before, int) else None)
    return web.cursor_page(rows, limit, lambda row: row.id, signal_json)


@get("/grader-signals/{signal_id:int}", name="api:grader-signal", guards=WATCHER)
async def show_signal(signal_id: FromPath[int]) -> dict[str, Any]:
    """One signal with its evidence."""
    return signal_json(await grader_signal(signal_id))


async def _act(request: AnyRequest, data: msgspec.Struct, do: Do) -> Response[Any]:
    actor = await web.identity_of(request)

    async def carry_out(form: Form) -> SignalReceipt:
        return await do(actor, form)

    return await web.api_act(request, data, carry_out, _receipt)


@post("/grader-signals/{signal_id:int}/assignment", name="api:grader-signal-assign", guards=WATCHER)
async def assign(request: AnyRequest, signal_id: FromPath[int], data: JSONBody[AssignmentBody]) -> Response[Any]:
    """Give a signal to somebody."""

    async def do(actor: Identity, form: Form) -> SignalReceipt:
        account = signal_forms.parse_assignment(form)
        return await services.assign_signal(actor=actor, signal_id=signal_id, account_id=account)

    return await _act(request, data, do)


@post("/grader-signals/{signal_id:int}/decision", name="api:grader-signal-decide", guards=WATCHER)
async def decide(request: AnyRequest, signal_id: FromPath[int], data: JSONBody[SignalDecisionBody]) -> Response[Any]:
    """Close a signal."""

    async def do(actor: Identity, form: Form) -> SignalReceipt:
        made = signal_forms.parse_signal_decision(form)
        return await services.decide_signal(actor=actor, signal_id=signal_id, result=made.result, reasons=made.reasons)

    return await _act(request, data, do)


@post("/grader-signals/{signal_id:int}/reopening", name="api:grader-signal-reopen", guards=WATCHER)
async def reopen(request: AnyRequest, signal_id: FromPath[int], data: JSONBody[ReopeningBody]) -> Response[Any]:
    """Open a decided signal again."""

    async def do(actor: Identity, form: Form) -> SignalReceipt:
        reasons = signal_forms.parse_reopening(form)
        return await services.reopen_signal(actor=actor, signal_id=signal_id, reasons=reasons)

    return await _act(request, data, do)


@get("/agencies/{agency_id:int}/grades/{profession:str}/outlook", name="api:grade-outlook", guards=[web.signed_in])
async def show_outlook(
    request: AnyRequest, agency_id: FromPath[int], profession: FromPath[Profession]
) -> dict[str, Any]:
    """What would move the grade in force, for the agency and the officers; absent for everybody else."""
    view = await standing_explanation(agency_id, profession, await web.identity_of(request))
    ahead = await ahead_of(view) if view else None
    if ahead is None:
        raise NotFound
    shown: dict[str, Any] = plain(ahead)
    return shown


HANDLERS = [show_outlook, list_figures, list_severities, list_signals, show_signal, assign, decide, reopen]

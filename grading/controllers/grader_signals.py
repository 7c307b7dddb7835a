"""The queue of signals about reviewers, evaluations and ties: look, assign, decide."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from core import web
from core.forms import Form
from core.i18n import _
from core.identity import Identity, Permission
from core.trail.queries import timeline
from core.web import FormState
from core.web.pages import decode_cursor
from grading import services
from grading.controllers.words import words
from grading.forms import signals as signal_forms
from grading.queries.grader_signals import SignalFilter, grader_signal, grader_signals, signal_counts, watchers
from grading.rules.grader_signals import DEFINITIONS, SIGNAL_RESULTS, SIGNAL_STATES, SIGNALS, SignalState

AnyRequest = Request[Any, Any, Any]
WATCHER = [web.requires(Permission.WATCH_GRADING)]
PAGE = 30
STATE_TAGS = {SignalState.NEW: "warn", SignalState.ASSIGNED: "act", SignalState.DECIDED: "ok"}


def signal_filter(request: AnyRequest) -> SignalFilter:
    """What the address asks for; new ones unless it says otherwise."""
    asked = request.query_params
    state, code = str(asked.get("status", "new")), str(asked.get("code", ""))
    return SignalFilter("" if state == "all" else state, code if code in DEFINITIONS else "", asked.get("gone") != "1")


@get("/grading/signals", name="grading:signals", guards=WATCHER)
async def signals_page(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """Signals, newest first."""
    chosen = signal_filter(request)
    before = decode_cursor(cursor)
    rows = await grader_signals(chosen, limit=PAGE, before=before if isinstance(before, int) else None)
    listed = web.cursor_page(rows, PAGE, lambda row: row.id)
    counts = await signal_counts()
    shown = chosen.state
    asked = {"status": chosen.state or "all"} | ({"code": chosen.code} if chosen.code else {})
    return await web.page(
        request,
        "grading/signals.html",
        **words(),
        rows=listed["items"],
        next_cursor=listed["next"],
        chosen=chosen,
        query=urlencode(asked),
        counts={
            one.code: sum(n for (code, state), n in counts.items() if code == one.code and shown in ("", state))
            for one in SIGNALS
        },
        definitions=SIGNALS,
        states=SIGNAL_STATES,
        state_tags=STATE_TAGS,
        results=SIGNAL_RESULTS,
    )


@get("/grading/signals/{signal_id:int}", name="grading:signal", guards=WATCHER)
async def signal_page(request: AnyRequest, signal_id: FromPath[int]) -> Response[Any]:
    """One signal with its evidence and how it was handled."""
    return await _signal(request, signal_id)


async def _signal(request: AnyRequest, signal_id: int, form: FormState | None = None) -> Response[Any]:
    row = await grader_signal(signal_id)
    reader = await web.identity_of(request)
    return await web.page(
        request,
        "grading/signal.html",
        **words(),
        form=form,
        row=row,
        mine=row.assigned_to == reader.account_id,
        watchers=await watchers(),
        me=reader,
        states=SIGNAL_STATES,
        state_tags=STATE_TAGS,
        results=SIGNAL_RESULTS,
        entries=await timeline(f"grader-signal:{signal_id}"),
    )


Do = Callable[[Identity, Form], Awaitable[object]]


async def _act(request: AnyRequest, signal_id: int, do: Do, say: str) -> Response[Any]:
    actor = await web.identity_of(request)

    async def carry_out(form: Form) -> object:
        return await do(actor, form)

    return await web.act(
        request,
        carry_out,
        lambda _receipt: web.redirect("grading:signal", signal_id=signal_id, say=say),
        lambda state: _signal(request, signal_id, state),
    )


@post("/grading/signals/{signal_id:int}/assign", name="grading:signal-assign", guards=WATCHER)
async def assign(request: AnyRequest, signal_id: FromPath[int]) -> Response[Any]:
    """Give it to somebody."""

    async def do(actor: Identity, form: Form) -> object:
        account = signal_forms.parse_assignment(form)
        return await services.assign_signal(actor=actor, signal_id=signal_id, account_id=account)

    return await _act(request, signal_id, do, _("已分派，5 个工作日内决定。"))


@post("/grading/signals/{signal_id:int}/decide", name="grading:signal-decide", guards=WATCHER)
async def decide(request: AnyRequest, signal_id: FromPath[int]) -> Response[Any]:
    """Close it with a result and reasons."""

    async def do(actor: Identity, form: Form) -> object:
        made = signal_forms.parse_signal_decision(form)
        return await services.decide_signal(actor=actor, signal_id=signal_id, result=made.result, reasons=made.reasons)

    return await _act(request, signal_id, do, _("已办结，理由已留痕。"))


@post("/grading/signals/{signal_id:int}/reopen", name="grading:signal-reopen", guards=WATCHER)
async def reopen(request: AnyRequest, signal_id: FromPath[int]) -> Response[Any]:
    """Open it again."""

    async def do(actor: Identity, form: Form) -> object:
        reasons = signal_forms.parse_reopening(form)
        return await services.reopen_signal(actor=actor, signal_id=signal_id, reasons=reasons)

    return await _act(request, signal_id, do, _("已重新打开，等待分派。"))


HANDLERS = [signals_page, signal_page, assign, decide, reopen]

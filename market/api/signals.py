"""Signals, cases and concentration for programs: the same services, parsers and visibility as the pages."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from core import web
from core.forms import Form
from core.i18n import loc
from core.identity import Permission
from core.web.pages import decode_cursor
from market.api.shapes import moment_text, yuan_text
from market.controllers.signals import signal_filter
from market.forms import signals as signal_forms
from market.queries import signal_cases as cases
from market.queries import signals
from market.queries.signal_cases import CaseRow
from market.queries.signals import SignalRow
from market.services import signal_cases as services
from market.services.signal_cases import CaseReceipt
from market.services.signals import note_signal

AnyRequest = Request[Any, Any, Any]
WATCHER = [web.requires(Permission.WATCH_MARKET)]
PARTY = [web.requires(Permission.LODGE_OBJECTION)]
MOST = 100


class NoteBody(msgspec.Struct):
    """Why a signal needs no case."""

    note: str = ""


class CaseBody(msgspec.Struct):
    """A case: ids of signals, ids of the organisations named, and what is to be clarified."""

    signal: list[int] = []
    party: list[int] = []
    question: str = ""


class DecisionBody(msgspec.Struct):
    """A decision. `breacher` are organisations; `conduct_code` proposes points, empty for none."""

    result: str = ""
    reasons: str = ""
    breacher: list[int] = []
    conduct_code: str = ""


class WithdrawalBody(msgspec.Struct):
    """Why a case is taken back."""

    why: str = ""


def signal_json(row: SignalRow) -> dict[str, Any]:
    """A signal with its sentence in the reader's language."""
    return {
        "id": row.id,
        "code": row.code,
        "title": row.title,
        "text": row.text,
        "params": dict(row.params),
        "subject": row.subject,
        "state": row.state.value,
        "notices": row.notices,
        "agencies": row.agencies,
        "clients": row.clients,
        "cases": row.cases,
        "note": row.note or None,
        "first_found_at": moment_text(row.first_found_at),
        "last_found_at": moment_text(row.last_found_at),
        "gone_at": moment_text(row.gone_at),
    }


def case_json(row: CaseRow) -> dict[str, Any]:
    """A case as this reader may see it."""
    return {
        "id": row.id,
        "number": row.number,
        "state": row.state.value,
        "question": row.question,
        "facts": [{"text": text, "code": fact["code"], "notices": fact["notices"]} for text, fact in row.sentences],
        "parties": row.parties,
        "opened_at": moment_text(row.opened_at),
        "reply_until": moment_text(row.reply_until),
        "decided_at": moment_text(row.decided_at),
        "result": row.result.value if row.result else None,
        "reasons": row.reasons or None,
        "decision_sha256": row.digest or None,
    }


def receipt_json(receipt: CaseReceipt) -> dict[str, Any]:
    """The receipt of an act in a case."""
    return {
        "id": receipt.case_id,
        "number": receipt.number,
        "state": receipt.state.value,
        "reply_until": moment_text(receipt.reply_until),
        "trail_entry": receipt.entry_id,
    }


def _before(cursor: str | None) -> int | None:
    found = decode_cursor(cursor)
    return found if isinstance(found, int) else None


@get("/signals", name="api:signals", guards=WATCHER)
async def list_signals(
    request: AnyRequest,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 30,
) -> dict[str, Any]:
    """Signals, newest first; narrowed by `family`, `code`, `status`, `handled`, `background`, `agency`, `notice`."""
    size = max(1, min(limit, MOST))
    chosen = signal_filter(request)
    rows = await signals.signals(chosen, limit=size, before=_before(cursor))
    return web.cursor_page(rows, size, lambda row: row.id, signal_json)


@get("/signals/{signal_id:int}", name="api:signal", guards=WATCHER)
async def show_signal(signal_id: FromPath[int]) -> dict[str, Any]:
    """One signal."""
    return signal_json(await signals.signal(signal_id))


@post("/signals/{signal_id:int}/note", name="api:signal-note", guards=WATCHER)
async def note(request: AnyRequest, signal_id: FromPath[int], data: JSONBody[NoteBody]) -> Response[Any]:
    """Looked at, no case."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> int:
        return await note_signal(actor, signal_id=signal_id, note=signal_forms.parse_note(form))

    return await web.api_act(request, data, do, lambda found: {"id": found})


@get("/concentration", name="api:concentration", guards=WATCHER)
async def show_concentration() -> dict[str, Any]:
    """Shares, HHI and repeated pairs of the last year."""
    found = await signals.concentration()
    return {
        "since": moment_text(found.since),
        "shares": [
            {
                "item": row.item,
                "region": row.region,
                "region_name": loc(row, "region"),
                "agency_id": row.agency_id,
                "agency_zh": row.name_zh,
                "awards": row.awards,
                "amount": yuan_text(row.amount),
                "share": round(row.share, 4),
                "market_awards": row.market_awards,
                "hhi": round(row.hhi),
                "alarm": row.alarm,
            }
            for row in found.shares
        ],
        "pairs": [
            {
                "client_id": row.client_id,
                "agency_id": row.agency_id,
                "awards": row.awards,
                "direct": row.direct,
                "client_awards": row.total,
                "share": round(row.share, 4),
            }
            for row in found.pairs
        ],
    }


@get("/signal-cases", name="api:signal-cases", guards=[web.signed_in])
async def list_cases(
    request: AnyRequest, cursor: FromQuery[str | None] = None, limit: FromQuery[int] = 30
) -> dict[str, Any]:
    """Cases: all for supervisors, one's own for parties."""
    reader = await web.identity_of(request)
    size = max(1, min(limit, MOST))
    rows = await cases.cases(reader, limit=size, before=_before(cursor))
    return web.cursor_page(rows, size, lambda row: row.id, case_json)


@get("/signal-cases/{case_id:int}", name="api:signal-case", opt=web.public)
async def show_case(request: AnyRequest, case_id: FromPath[int]) -> dict[str, Any]:
    """One case as far as the caller may see it."""
    return case_json(await cases.case(case_id, await web.who(request)))


@post("/signal-cases", name="api:signal-case-open", guards=WATCHER)
async def open_case(request: AnyRequest, data: JSONBody[CaseBody]) -> Response[Any]:
    """Open a case from signals."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> CaseReceipt:
        draft = signal_forms.parse_case(form)
        return await services.open_case(
            actor, signal_ids=draft.signal_ids, parties=draft.parties, question=draft.question
        )

    return await web.api_act(request, data, do, receipt_json)


@post("/signal-cases/{case_id:int}/statements", name="api:signal-case-reply", guards=PARTY)
async def reply(request: AnyRequest, case_id: FromPath[int]) -> Response[Any]:
    """A party's statement: multipart with `text` and `files`."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> CaseReceipt:
        said = signal_forms.parse_statement(form)
        return await services.reply_case(actor, case_id=case_id, text=said.text, uploads=said.uploads)

    return await web.api_act(request, None, do, receipt_json)


@post("/signal-cases/{case_id:int}/decision", name="api:signal-case-decide", guards=WATCHER)
async def decide(request: AnyRequest, case_id: FromPath[int], data: JSONBody[DecisionBody]) -> Response[Any]:
    """The second officer's decision."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> CaseReceipt:
        return await services.decide_case(actor, case_id=case_id, decision=signal_forms.parse_decision(form))

    return await web.api_act(request, data, do, receipt_json)


@post("/signal-cases/{case_id:int}/withdrawal", name="api:signal-case-withdraw", guards=WATCHER)
async def withdraw(request: AnyRequest, case_id: FromPath[int], data: JSONBody[WithdrawalBody]) -> Response[Any]:
    """Take a case back."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> CaseReceipt:
        return await services.withdraw_case(actor, case_id=case_id, reasons=signal_forms.parse_withdrawal(form))

    return await web.api_act(request, data, do, receipt_json)


HANDLERS = [
    list_signals,
    show_signal,
    note,
    show_concentration,
    list_cases,
    show_case,
    open_case,
    reply,
    decide,
    withdraw,
]

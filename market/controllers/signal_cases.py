"""Cases from signals: opened and decided by supervisors, answered by those named; breaches are public."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from core import clock, files, web
from core.forms import Form
from core.i18n import _, loc
from core.identity import Permission
from core.trail.queries import timeline
from core.web.pages import decode_cursor
from market import content
from market.forms import signals as signal_forms
from market.queries import signal_cases as cases
from market.queries.signals import SignalRow, signals_by_id
from market.rules.signal_cases import CASE_RESULTS, CASE_STATES, CONDUCT_CODES
from market.rules.signals import SignalUnknown
from market.services import signal_cases as services
from market.services.signal_cases import EVIDENCE, MOST_FILES, CaseReceipt

AnyRequest = Request[Any, Any, Any]
WATCHER = [web.requires(Permission.WATCH_MARKET)]
PARTY = [web.requires(Permission.LODGE_OBJECTION)]
PAGE = 30


@get("/supervision/cases", name="market:signal-cases", guards=[web.signed_in])
async def cases_page(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """All cases for supervisors; for clients and agencies those that name them."""
    reader = await web.identity_of(request)
    before = decode_cursor(cursor)
    rows = await cases.cases(reader, limit=PAGE, before=before if isinstance(before, int) else None)
    listed = web.cursor_page(rows, PAGE, lambda row: row.id)
    return await _list(request, listed, public=False)


@get("/supervision/breaches", name="market:breaches", opt=web.public)
async def breaches_page(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """Breaches that were decided, for everybody."""
    before = decode_cursor(cursor)
    rows = await cases.breaches(limit=PAGE, before=before if isinstance(before, int) else None)
    return await _list(request, web.cursor_page(rows, PAGE, lambda row: row.id), public=True)


async def _list(request: AnyRequest, listed: dict[str, Any], *, public: bool) -> Response[Any]:
    return await web.page(
        request,
        "market/signal_cases.html",
        rows=listed["items"],
        next_cursor=listed["next"],
        public=public,
        states=CASE_STATES,
        results=CASE_RESULTS,
    )


@get("/supervision/cases/new", name="market:signal-case-new", guards=WATCHER)
async def new_page(request: AnyRequest, signal: FromQuery[list[int] | None] = None) -> Response[Any]:
    """The form for a case from the chosen signals."""
    return await _new(request, signal or [])


async def _new(request: AnyRequest, signal_ids: list[int], form: web.FormState | None = None) -> Response[Any]:
    rows = await signals_by_id(signal_ids)
    if not rows:
        raise SignalUnknown
    return await web.page(
        request,
        "market/signal_case_form.html",
        form=form,
        rows=rows,
        parties=_parties(rows),
        reply_wd=content.edition_in_force(clock.today()).signals.reply_wd,
    )


def _parties(rows: list[SignalRow]) -> list[tuple[int, str]]:
    named = {one["organization"]: loc(one, "name") for row in rows for one in (*row.agencies, *row.clients)}
    return sorted(named.items())


@post("/supervision/cases", name="market:signal-case-open", guards=WATCHER)
async def open_case(request: AnyRequest) -> Response[Any]:
    """Open it and tell those named."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> CaseReceipt:
        draft = signal_forms.parse_case(form)
        return await services.open_case(
            actor, signal_ids=draft.signal_ids, parties=draft.parties, question=draft.question
        )

    def done(receipt: CaseReceipt) -> Response[None]:
        say = _("已立案并告知当事单位，编号 %(no)s。") % {"no": receipt.number}
        return web.redirect("market:signal-case", case_id=receipt.case_id, say=say)

    async def again(state: web.FormState) -> Response[Any]:
        typed = state.values.get("signal", [])
        chosen = [typed] if isinstance(typed, str) else list(typed)
        return await _new(request, [int(one) for one in chosen if one.isdecimal()], state)

    return await web.act(request, do, done, again)


@get("/supervision/cases/{case_id:int}", name="market:signal-case", opt=web.public)
async def case_page(request: AnyRequest, case_id: FromPath[int]) -> Response[Any]:
    """One case as far as the reader may see it."""
    return await _case(request, case_id)


async def _case(request: AnyRequest, case_id: int, form: web.FormState | None = None) -> Response[Any]:
    reader = await web.who(request)
    row = await cases.case(case_id, reader)
    now = clock.now()
    return await web.page(
        request,
        "market/signal_case.html",
        form=form,
        row=row,
        may_reply=reader is not None and row.may_reply(reader, now),
        may_decide=reader is not None and row.may_decide(reader, now),
        ripe=row.ripe(now),
        states=CASE_STATES,
        results=CASE_RESULTS,
        result_options=[(result.value, _(name)) for result, name in CASE_RESULTS.items()],
        code_options=[(code, f"{code}　{_(name)}") for code, name in CONDUCT_CODES.items()],
        party_options=[(one["organization"], loc(one, "name")) for one in row.parties],
        codes=CONDUCT_CODES,
        use=EVIDENCE,
        most=MOST_FILES,
        entries=await timeline(f"signal-case:{case_id}"),
    )


@post("/supervision/cases/{case_id:int}/statements", name="market:signal-case-reply", guards=PARTY)
async def reply(request: AnyRequest, case_id: FromPath[int]) -> Response[Any]:
    """A party's statement."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> CaseReceipt:
        said = signal_forms.parse_statement(form)
        return await services.reply_case(actor, case_id=case_id, text=said.text, uploads=said.uploads)

    return await _act(request, case_id, do, _("陈述已收到，期满前可以补充。"))


@post("/supervision/cases/{case_id:int}/decision", name="market:signal-case-decide", guards=WATCHER)
async def decide(request: AnyRequest, case_id: FromPath[int]) -> Response[Any]:
    """The second officer's decision."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> CaseReceipt:
        return await services.decide_case(actor, case_id=case_id, decision=signal_forms.parse_decision(form))

    return await _act(request, case_id, do, _("已作出决定，并告知当事单位。"))


@post("/supervision/cases/{case_id:int}/withdrawal", name="market:signal-case-withdraw", guards=WATCHER)
async def withdraw(request: AnyRequest, case_id: FromPath[int]) -> Response[Any]:
    """Take it back."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> CaseReceipt:
        return await services.withdraw_case(actor, case_id=case_id, reasons=signal_forms.parse_withdrawal(form))

    return await _act(request, case_id, do, _("核查已撤回，并告知当事单位。"))


async def _act(request: AnyRequest, case_id: int, do: Any, said: str) -> Response[Any]:
    return await web.act(
        request,
        do,
        lambda _receipt: web.redirect("market:signal-case", case_id=case_id, say=said),
        lambda state: _case(request, case_id, state),
    )


@get("/supervision/cases/{case_id:int}/files/{file_id:int}", name="market:signal-case-file", guards=[web.signed_in])
async def case_file(request: AnyRequest, case_id: FromPath[int], file_id: FromPath[int]) -> Response[Any]:
    """A file of a statement, for supervisors and the party that filed it."""
    reader = await web.identity_of(request)
    return await files.response(await cases.case_file(case_id, file_id, reader))


HANDLERS = [
    cases_page,
    breaches_page,
    new_page,
    open_case,
    case_page,
    reply,
    decide,
    withdraw,
    case_file,
]

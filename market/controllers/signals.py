"""Pages of the market's supervisors: signals, and how concentrated the market is."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from core import clock, web
from core.forms import Form
from core.i18n import _, loc
from core.identity import Permission
from core.trail.queries import timeline
from core.web.pages import decode_cursor
from market import content
from market.forms import signals as signal_forms
from market.queries import signals
from market.queries.signals import Concentration, ShareRow, SignalFilter, SignalRow
from market.rules.signal_list import DEFINITIONS
from market.rules.signals import FAMILIES, SIGNAL_STATES
from market.services.signals import note_signal

AnyRequest = Request[Any, Any, Any]
WATCHER = [web.requires(Permission.WATCH_MARKET)]
PAGE = 30
MOST_CSV = 10_000
MOST_BARS = 12
LONGEST_ID = 15


def signal_filter(request: AnyRequest) -> SignalFilter:
    """What the address asks for; signals still found and not yet looked at unless it says otherwise."""
    asked = request.query_params

    def number(name: str) -> int | None:
        text = str(asked.get(name, ""))
        return int(text) if text.isdecimal() and len(text) <= LONGEST_ID else None

    return SignalFilter(
        str(asked.get("family", "")),
        str(asked.get("code", "")),
        str(asked.get("status", "found")),
        str(asked.get("handled", "new")),
        asked.get("background") == "1",
        number("agency"),
        number("notice"),
    )


@get("/supervision/signals", name="market:signals", guards=WATCHER)
async def signals_page(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """Signals, newest first, narrowed by what the supervisor chose."""
    chosen = signal_filter(request)
    before = decode_cursor(cursor)
    rows = await signals.signals(chosen, limit=PAGE, before=before if isinstance(before, int) else None)
    listed = web.cursor_page(rows, PAGE, lambda row: row.id)
    counts = await signals.signal_counts(chosen)
    return await web.page(
        request,
        "market/signals.html",
        rows=listed["items"],
        next_cursor=listed["next"],
        chosen=chosen,
        counts=counts,
        total=sum(counts.values()),
        query=urlencode(_query(chosen)),
        query_without_code=urlencode({name: text for name, text in _query(chosen).items() if name != "code"}),
        family_options=[(family.value, _(name)) for family, name in FAMILIES.items()],
        families=signals.families(),
        family_names=FAMILIES,
        states=SIGNAL_STATES,
        definitions=DEFINITIONS,
        limits=content.edition_in_force(clock.today()).signals,
        active=sum(name in request.query_params for name in ("family", "code", "status", "handled", "background")),
    )


def _query(chosen: SignalFilter) -> dict[str, Any]:
    asked = {"family": chosen.family, "code": chosen.code, "agency": chosen.agency, "notice": chosen.notice}
    background = {"background": "1"} if chosen.background else {}
    kept = {name: value for name, value in asked.items() if value}
    return kept | {"status": chosen.state, "handled": chosen.handled} | background


@get("/supervision/signals.csv", name="market:signals-csv", guards=WATCHER)
async def signals_csv(request: AnyRequest) -> Response[bytes]:
    """The same signals as a table for spreadsheets, 10,000 lines at most."""
    chosen = signal_filter(request)
    rows = (await signals.signals(chosen, limit=MOST_CSV))[:MOST_CSV]
    head = ("id", "code", "title", "fact", "notices", "agencies", "clients", "state", "first_found_at", "last_found_at")
    return _csv("signals.csv", head, (_signal_line(row) for row in rows))


def _signal_line(row: SignalRow) -> Sequence[Any]:
    return (
        row.id,
        row.code,
        row.title,
        row.text,
        " ".join(str(one["number"]) for one in row.notices),
        "; ".join(loc(one, "name") for one in row.agencies),
        "; ".join(loc(one, "name") for one in row.clients),
        row.state.value,
        row.first_found_at.isoformat(),
        row.last_found_at.isoformat(),
    )


def _csv(name: str, head: Sequence[str], lines: Iterable[Sequence[Any]]) -> Response[bytes]:
    """UTF-8 with a mark, so that spreadsheets read Chinese; no cell can start a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([[_cell(value) for value in line] for line in lines])
    return Response(
        out.getvalue().encode("utf-8-sig"),
        media_type="text/csv",
        headers={"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"},
    )


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value


@get("/supervision/signals/{signal_id:int}", name="market:signal", guards=WATCHER)
async def signal_page(request: AnyRequest, signal_id: FromPath[int]) -> Response[Any]:
    """One signal: the fact, the records it rests on, what it does not mean."""
    return await _signal(request, signal_id)


async def _signal(request: AnyRequest, signal_id: int, form: web.FormState | None = None) -> Response[Any]:
    row = await signals.signal(signal_id)
    return await web.page(
        request,
        "market/signal_detail.html",
        form=form,
        row=row,
        family_names=FAMILIES,
        states=SIGNAL_STATES,
        entries=await timeline(f"signal:{signal_id}"),
    )


@post("/supervision/signals/{signal_id:int}/note", name="market:signal-note", guards=WATCHER)
async def note(request: AnyRequest, signal_id: FromPath[int]) -> Response[Any]:
    """Looked at, no case."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> int:
        return await note_signal(actor, signal_id=signal_id, note=signal_forms.parse_note(form))

    return await web.act(
        request,
        do,
        lambda _id: web.redirect("market:signals", say=_("已记下，这条线索不再列为待看。")),
        lambda state: _signal(request, signal_id, state),
    )


@get("/supervision/concentration", name="market:concentration", guards=WATCHER)
async def concentration_page(request: AnyRequest) -> Response[Any]:
    """Shares, HHI and repeated pairs of the last year, as charts with their tables."""
    found = await signals.concentration()
    return await web.page(
        request,
        "market/concentration.html",
        found=found,
        regions=_regions(found),
        limits=found.limits,
        shares=_bars(_largest(found), lambda row: 100 * row.share, 100 * found.limits.share_alarm, "%"),
        hhi=_bars(found.markets[:MOST_BARS], lambda row: row.hhi, 2500.0, "", by_market=True),
        largest=_largest(found),
    )


def _regions(found: Concentration) -> set[str]:
    return {row.region for row in found.shares}


def _largest(found: Concentration) -> list[ShareRow]:
    enough = [row for row in found.shares if row.market_awards >= found.limits.share_market]
    return sorted(enough, key=lambda row: (-row.share, row.item, row.agency_id))[:MOST_BARS]


def _bars(rows: Sequence[ShareRow], value: Any, limit: float, unit: str, *, by_market: bool = False) -> dict[str, Any]:
    """Bars for charts.js, largest on top, with the line of the limit."""
    return {
        "names": [_market(row) if by_market else f"{loc(row, 'name')} · {loc(row, 'item')}" for row in rows],
        "values": [round(float(value(row)), 1) for row in rows],
        "limit": limit,
        "unit": unit,
    }


def _market(row: ShareRow) -> str:
    return f"{loc(row, 'item')} · {loc(row, 'region')}"


@get("/supervision/concentration.csv", name="market:concentration-csv", guards=WATCHER)
async def concentration_csv() -> Response[bytes]:
    """All shares as a table for spreadsheets."""
    found = await signals.concentration()
    head = (
        "item",
        "item_name",
        "region",
        "region_name",
        "agency",
        "awards",
        "amount",
        "share",
        "market_awards",
        "market_amount",
        "hhi",
    )
    lines = (
        (
            row.item,
            loc(row, "item"),
            row.region,
            loc(row, "region"),
            loc(row, "name"),
            row.awards,
            f"{row.amount:.2f}",
            f"{row.share:.4f}",
            row.market_awards,
            f"{row.market_amount:.2f}",
            f"{row.hhi:.0f}",
        )
        for row in found.shares
    )
    return _csv("concentration.csv", head, lines)


HANDLERS = [
    signals_page,
    signals_csv,
    signal_page,
    note,
    concentration_page,
    concentration_csv,
]

"""The notice board and one notice."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from agencies import queries as agencies
from agencies.rules import PROFESSION_TITLES
from core import web
from core.i18n import _, loc
from core.identity import Identity, Permission
from core.trail.queries import timeline
from core.web.pages import decode_cursor
from market.queries import custody, notices
from market.queries.amendments import lineage, unconfirmed
from market.queries.awards import award_of, ended_awards
from market.queries.bonds import bonds_of
from market.queries.catalogue import items
from market.queries.flags import flags_of
from market.queries.low_price import price_checks
from market.queries.notices import BoardFilter
from market.queries.objections import boxed_objections, may_object
from market.queries.outages import extensions_of
from market.queries.powers import powers, recused
from market.queries.progress import progress
from market.queries.questions import clarifications
from market.rules.bonds import BOND_STATES
from market.rules.conditions import CONDITIONS
from market.rules.editions import Custody
from market.rules.low_price import OUTCOMES
from market.rules.notices import FUND_SOURCES, METHOD_NAMES, METHOD_RULES, PHASES, Phase
from market.rules.objections import STATES
from market.services.custody import HOLDER_NAMES

AnyRequest = Request[Any, Any, Any]
PAGE = 20
LONGEST_QUERY = 100
PUBLIC_PHASES = {phase: name for phase, name in PHASES.items() if phase is not Phase.DRAFT}
TAKING_PART = frozenset({Phase.COLLECTING, Phase.OFFERED})


@get("/notices", name="market:notice-board", opt=web.public)
async def board(
    request: AnyRequest,
    q: FromQuery[str | None] = None,
    item: FromQuery[str | None] = None,
    profession: FromQuery[str | None] = None,
    method: FromQuery[str | None] = None,
    phase: FromQuery[str | None] = None,
    fund: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
) -> Response[Any]:
    """All published notices, newest first, narrowed by what the reader chose."""
    chosen = BoardFilter(
        item or "",
        profession or "",
        method or "",
        phase or "",
        fund or "",
        (q or "")[:LONGEST_QUERY],
    )
    rows = await notices.notice_board(chosen, limit=PAGE, before=board_cursor(cursor))
    listed = web.cursor_page(rows, PAGE, lambda row: [row.published_at, row.id])
    return await web.page(
        request,
        "market/notice_board.html",
        rows=listed["items"],
        next_cursor=listed["next"],
        chosen=chosen,
        active=sum(bool(value) for value in (item, profession, method, phase, fund)),
        query=urlencode({name: text for name, text in _query(chosen).items() if text}),
        methods=METHOD_NAMES,
        phases=PUBLIC_PHASES,
        fund_sources=FUND_SOURCES,
        phase_options=_options(PUBLIC_PHASES),
        method_options=_options({each: METHOD_NAMES[each] for each in METHOD_RULES}),
        fund_options=_options(FUND_SOURCES),
        profession_options=_options(PROFESSION_TITLES),
        item_options=[(each.code, loc(each, "name")) for each in await items()],
    )


def _query(chosen: BoardFilter) -> dict[str, str]:
    return {
        "q": chosen.query,
        "item": chosen.item,
        "profession": chosen.profession,
        "method": chosen.method,
        "phase": chosen.phase,
        "fund": chosen.fund,
    }


def _options(names: Mapping[Any, str]) -> list[tuple[str, str]]:
    return [(str(value), _(name)) for value, name in names.items()]


def board_cursor(cursor: str | None) -> tuple[str, int] | None:
    """What `web.cursor_page` was given as key; anything else starts at the beginning."""
    match decode_cursor(cursor):
        case [str() as moment, int() as last]:
            return moment, last
        case _:
            return None


@get("/notices/{notice_id:int}", name="market:notice-detail", opt=web.public)
async def notice_page(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """One notice: what is asked, by which rule, where it stands, what the reader can do."""
    return await show_notice(request, notice_id)


async def show_notice(request: AnyRequest, notice_id: int, form: web.FormState | None = None) -> Response[Any]:
    """The page of a notice, also after a refused act on it."""
    identity = await web.who(request)
    row = await notices.notice(notice_id, identity)
    award = await award_of(notice_id)
    marks = await agencies.marks([(award.agency_id, row.profession)]) if award else {}
    shares = await custody.shares_of(notice_id) if row.custody is Custody.JOINT else []
    return await web.page(
        request,
        "market/notice_detail.html",
        shares=shares,
        open_until=await custody.open_until(row) if shares and row.phase is Phase.OPENING else None,
        holders=HOLDER_NAMES,
        received=await custody.envelopes_received(notice_id) if shares else None,
        keeps_share=identity is not None and _keeps(shares, identity),
        form=form,
        row=row,
        powers=await powers(row, identity),
        seal=await notices.seal_of(notice_id),
        opening=await notices.opening_of(notice_id),
        award=award,
        award_mark=next(iter(marks.values()), None),
        ended=await ended_awards(notice_id),
        recused=await recused(row) if row.phase in TAKING_PART else [],
        objections=await boxed_objections(row.id),
        may_object=await may_object(row, identity),
        objection_states=STATES,
        progress=await progress(row),
        clarify=await clarifications(row, identity),
        lineage=await lineage(row),
        bonds=await bonds_of(row, identity),
        bond_states=BOND_STATES,
        unconfirmed=await unconfirmed(row),
        extensions=await extensions_of(notice_id),
        entries=await timeline(row.subject),
        methods=METHOD_NAMES,
        rules=METHOD_RULES,
        phases=PHASES,
        fund_sources=FUND_SOURCES,
        professions=PROFESSION_TITLES,
        flags=await flags_of(notice_id),
        price_checks=await price_checks(notice_id, row.client_id, identity),
        conditions=CONDITIONS,
        outcomes=OUTCOMES,
    )


def _keeps(shares: list[custody.ShareRow], identity: Identity) -> bool:
    """Whether the reader still owes its share."""
    may = identity.may(Permission.KEEP_OPENING_KEY)
    return may and any(one.organization_id == identity.organization_id and not one.released_at for one in shares)


HANDLERS = [board, notice_page]

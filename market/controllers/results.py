"""What came of a notice: everybody's prices, the draw with all that recomputes it, the awards."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from agencies import queries as agencies
from agencies.rules import GRADE_TITLES, CreditGrade
from core import web
from core.errors import NotFound
from core.i18n import N_, _, loc
from core.trail.queries import timeline
from core.web.pages import decode_cursor
from market.queries import awards, notices
from market.queries.low_price import price_checks
from market.queries.notices import NoticeRow, OpenedBid
from market.queries.panels import published_scores
from market.queries.powers import powers
from market.queries.progress import progress
from market.rules.bids import BID_STATES
from market.rules.low_price import OUTCOMES
from market.rules.notices import METHOD_NAMES, METHOD_RULES, PHASES, SelectionMethod
from market.rules.selection.price import counted_prices, mean_price, reference_price
from market.rules.selection.proposal import sums

AnyRequest = Request[Any, Any, Any]
PAGE = 30


class ResultPending(NotFound):
    """The notice has not been opened (yet)."""

    code = "result-pending"
    text = N_("这份公告还没有开启，结果在截止后公布。")


@get("/notices/{notice_id:int}/result", name="market:notice-result", opt=web.public)
async def result_page(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The result with every price, every reason, and the draw step by step."""
    return await show_result(request, notice_id)


async def show_result(request: AnyRequest, notice_id: int, form: web.FormState | None = None) -> Response[Any]:
    """The page of a result, also after a refused act on it."""
    identity = await web.who(request)
    row = await notices.notice(notice_id, identity)
    opening = await notices.opening_of(notice_id)
    if opening is None:
        raise ResultPending
    bids = await notices.opened_bids(notice_id)
    panel = await published_scores(row)
    standing_award = await awards.award_of(notice_id)
    seen: list[OpenedBid | awards.AwardRow] = [*bids, *_just(standing_award)]
    marks = await agencies.marks((one.agency_id, row.profession) for one in seen)
    amounts = {one.id: one.amount for one in bids if one.amount is not None}
    return await web.page(
        request,
        "market/notice_result.html",
        form=form,
        row=row,
        opening=opening,
        bids=bids,
        panel=panel,
        sums=sums(amounts, panel.assessment) if panel else {},
        figures=_figures(row, bids, opening.draw),
        names={bid.uscc: bid for bid in bids},
        award=standing_award,
        marks=marks,
        short_options=_short_options(bids, marks),
        ended=await awards.ended_awards(notice_id),
        powers=await powers(row, identity),
        progress=await progress(row),
        entries=await timeline(row.subject),
        states=BID_STATES,
        methods=METHOD_NAMES,
        rules=METHOD_RULES,
        phases=PHASES,
        price_checks=await price_checks(notice_id, row.client_id, identity),
        outcomes=OUTCOMES,
    )


def _just(award: awards.AwardRow | None) -> list[awards.AwardRow]:
    return [award] if award else []


def _short_options(bids: list[OpenedBid], found: Mapping[tuple[int, str], agencies.GradeMark]) -> list[tuple[int, str]]:
    """The shortlist to choose from, each with what must be known before choosing."""
    told = {agency_id: mark for (agency_id, _trade), mark in found.items()}
    return [(one.agency_id, f"{one.place}　{_noted(one, told[one.agency_id])}") for one in bids if one.shortlisted]


def _noted(bid: OpenedBid, mark: agencies.GradeMark) -> str:
    notes = [_(GRADE_TITLES[CreditGrade(bid.grade or "N")])]
    if mark.contested:
        notes.append(_("等级异议中"))
    return _("%(name)s（%(more)s）") % {"name": loc(bid, "agency_name"), "more": _("，").join(notes)}


def _figures(row: NoticeRow, bids: list[OpenedBid], draw: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """How the reference price came about, computed by the rules from what the page shows."""
    if row.method is not SelectionMethod.AVERAGE_PRICE or not draw or not draw.get("factor"):
        return None
    amounts = [bid.amount for bid in bids if bid.state == "entered" and bid.amount is not None]
    if not amounts:
        return None
    counted = counted_prices(amounts, row.law.average)
    factor = Decimal(draw["factor"]["candidate"])
    return {
        "counted": counted,
        "dropped": len(amounts) - len(counted),
        "mean": mean_price(counted),
        "factor": factor,
        "reference": reference_price(counted, factor),
    }


@get("/notices/{notice_id:int}/draw.json", name="market:notice-draw", opt=web.public)
async def draw_file(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The draw as a file that others can recompute (docs/draw-format.md)."""
    await notices.notice(notice_id, await web.who(request))
    opening = await notices.opening_of(notice_id)
    if opening is None or opening.draw is None:
        raise ResultPending
    name = f'attachment; filename="draw-{notice_id}.json"'
    return Response(opening.draw, headers={"content-disposition": name})


@get("/awards", name="market:awards", opt=web.public)
async def awards_page(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """All awards, newest first."""
    before = decode_cursor(cursor)
    found = await awards.awards(limit=PAGE, before=before if isinstance(before, int) else None)
    listed = web.cursor_page(found, PAGE, lambda row: row.award_id)
    return await web.page(
        request,
        "market/awards.html",
        rows=listed["items"],
        marks=await agencies.marks((one.agency_id, one.profession) for one in listed["items"]),
        next_cursor=listed["next"],
        methods=METHOD_NAMES,
    )


HANDLERS = [result_page, draw_file, awards_page]

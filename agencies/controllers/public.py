"""What everybody may see: the directory, the comparison, the file of an agency, the public notices."""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from agencies import forms, services
from agencies.controllers.applying import now_box
from agencies.controllers.words import words
from agencies.queries import directory, filings
from agencies.queries.course import course
from agencies.queries.marks import marks
from agencies.queries.register import agency_of
from agencies.queries.storefront import promised_days, storefront
from agencies.queries.suspensions import suspensions
from agencies.rules import TRAIL_TITLES
from agencies.rules.listing import lot_seed
from agencies.rules.suspensions import TRAIL_TITLES as SUSPENSION_TITLES
from agencies.services import FilingReceipt
from core import clock, web
from core.forms import Form
from core.i18n import N_, _
from core.identity import Permission
from core.trail.queries import timeline
from core.web.pages import decode_cursor, encode_cursor

AnyRequest = Request[Any, Any, Any]
PAGE = 20
CITIES = {
    "3709": N_("泰安市（含新泰）"),
    "3701": N_("济南市"),
    "3702": N_("青岛市"),
    "3703": N_("淄博市"),
    "3705": N_("东营市"),
    "3713": N_("临沂市"),
    "1101": N_("北京市"),
    "1201": N_("天津市"),
    "3201": N_("南京市"),
    "3301": N_("杭州市"),
    "4101": N_("郑州市"),
}
ORDERS = {
    directory.Order.LOT: N_("随机（每日换序）"),
    directory.Order.SCORE: N_("评分"),
    directory.Order.NAME: N_("名称"),
}


def _query(request: AnyRequest) -> dict[str, list[str]]:
    return {name: request.query_params.getall(name) for name in request.query_params}


@get("/agencies", name="agencies:directory", opt=web.public)
async def directory_page(request: AnyRequest) -> Response[Any]:
    """The directory: filters, the list drawn by lot, and the comparison of what is picked."""
    query = _query(request)
    wanted = forms.read_filter(query)
    today = clock.today()
    after = directory.cursor_of(decode_cursor((query.get("cursor") or [""])[0]))
    rows = await directory.listing(wanted, today, limit=PAGE + 1, after=after)
    following = encode_cursor(directory.cursor_key(rows[PAGE - 1])) if len(rows) > PAGE else None
    picked = forms.read_numbers(query.get("pick", ()))
    compared = await _compared(picked, wanted)
    return await web.page(
        request,
        "agencies/directory.html",
        **await words(),
        wanted=wanted,
        rows=rows[:PAGE],
        next=following,
        total=await directory.matching(wanted),
        facets=await directory.facets(wanted.profession),
        seed=lot_seed(today),
        picked=picked,
        compared=compared,
        marks=await marks((one.agency_id, one.profession) for one in (*rows[:PAGE], *compared)),
        promises=await promised_days(picked, wanted.items[0] if wanted.items else None),
        base_query=_address(query, "cursor"),
        without=lambda name, value=None: _address(query, name, value),
        orders=ORDERS,
        cities=CITIES,
        shown_grades=wanted.grades or frozenset(directory.NOT_D),
    )


async def _compared(picked: list[int], wanted: directory.DirectoryFilter) -> list[directory.ListingRow]:
    if not picked or wanted.profession is None:
        return []
    return await directory.compared(picked, wanted.profession)


def _address(query: dict[str, list[str]], without: str, value: str | None = None) -> str:
    """The present query without one name (or one value of it), and without the cursor."""
    pairs = [
        (name, one)
        for name, values in query.items()
        for one in values
        if name != "cursor" and one and not (name == without and value in {None, one})
    ]
    return urlencode(pairs)


@get("/agencies/{agency_id:int}", name="agencies:storefront", opt=web.public)
async def storefront_page(
    request: AnyRequest, agency_id: FromPath[int], profession: FromQuery[str | None] = None
) -> Response[Any]:
    """The public file of an agency, one profession at a time."""
    return await show_storefront(request, agency_id, profession)


async def show_storefront(
    request: AnyRequest, agency_id: int, profession: str | None = None, form: web.FormState | None = None
) -> Response[Any]:
    """The public file of an agency, also after a refused form of another controller."""
    reader, stops = await web.who(request), await suspensions(agency_id)
    front = await storefront(agency_id, clock.today())
    shown = next((card for card in front.card.cards if card.profession == profession), None)
    shown = shown or (front.card.cards[0] if front.card.cards else None)
    return await web.page(
        request,
        "agencies/storefront.html",
        **await words(),
        front=front,
        agency=front.card,
        shown=shown,
        entries=await timeline(f"agency:{agency_id}", acts=[*TRAIL_TITLES, *SUSPENSION_TITLES]),
        today=clock.today(),
        form=form,
        stops=stops,
        running=next((row for row in stops if row.lifted_at is None), None),
        may_suspend=reader is not None and reader.may(Permission.SUSPEND_AGENCY),
    )


@get("/public-notices", name="agencies:notices", opt=web.public)
async def notices_page(request: AnyRequest) -> Response[Any]:
    """Filings on public notice now, and what went on record lately."""
    return await web.page(request, "agencies/notices.html", **await words(), rows=await filings.on_notice(clock.now()))


@get("/public-notices/{filing_id:int}", name="agencies:notice", opt=web.public)
async def notice_page(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """One filing as the public sees it, with the place to object."""
    return await _notice(request, filing_id)


async def _notice(request: AnyRequest, filing_id: int, form: web.FormState | None = None) -> Response[Any]:
    filing = await filings.noticed_filing(filing_id)
    return await web.page(
        request,
        "agencies/notice.html",
        **await words(),
        form=form,
        filing=filing,
        running=filing.on_notice and filing.notice_until is not None and clock.now() < filing.notice_until,
        agency=await agency_of(filing.organization_id),
        objections=await filings.objections(filing_id),
        entries=await course(filing_id, await web.who(request)),
        now_box=await now_box(filing),
    )


@post("/public-notices/{filing_id:int}/objections", name="agencies:object", guards=[web.signed_in])
async def lodge_objection(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Bring something forward, by name."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        text = forms.parse_reason(form, "text")
        return await services.lodge_objection(actor=identity, filing_id=filing_id, text=text)

    def done(_receipt: FilingReceipt) -> Response[None]:
        return web.redirect("agencies:notice", filing_id=filing_id, say=_("异议已收到，登记员核实后在本页公布结果。"))

    return await web.act(request, do, done, lambda form: _notice(request, filing_id, form))


HANDLERS = [directory_page, storefront_page, notices_page, notice_page, lodge_objection]

"""Public reads, and a bidder's own bid."""

from typing import Any

from litestar import Request, get
from litestar.params import FromPath, FromQuery

from core import web
from core.identity import Permission
from core.web.pages import decode_cursor
from market.api.shapes import (
    award_json,
    bid_json,
    item_json,
    my_bid_json,
    notice_json,
    opening_json,
    project_json,
    seal_json,
)
from market.controllers.notices import board_cursor
from market.controllers.results import ResultPending
from market.queries import awards, bids, catalogue, notices, projects
from market.queries.notices import BoardFilter
from market.rules.bids import NoBid

AnyRequest = Request[Any, Any, Any]
MOST = 100


def _limit(limit: int) -> int:
    return min(max(1, limit), MOST)


def _whole(cursor: str | None) -> int | None:
    decoded = decode_cursor(cursor)
    return decoded if isinstance(decoded, int) else None


@get("/service-items", name="api:service-items", opt=web.public)
async def list_items(q: FromQuery[str | None] = None) -> dict[str, Any]:
    """The catalogue in force; `q` searches in Chinese and English."""
    return {"items": [item_json(item) for item in await catalogue.find_items(q or "")], "next": None}


@get("/service-items/{code:str}", name="api:service-item", opt=web.public)
async def show_item(code: FromPath[str]) -> dict[str, Any]:
    """One item with its whole guide."""
    guide = await catalogue.guide(code)
    return item_json(guide.item) | {"guide": guide.facts}


@get("/projects", name="api:projects", opt=web.public)
async def list_projects(cursor: FromQuery[str | None] = None, limit: FromQuery[int] = 20) -> dict[str, Any]:
    """Projects with a published notice, newest first."""
    size = _limit(limit)
    rows = await projects.public_projects(limit=size, before=_whole(cursor))
    return web.cursor_page(rows, size, lambda row: row.id, project_json)


@get("/projects/{project_id:int}", name="api:project", opt=web.public)
async def show_project(request: AnyRequest, project_id: FromPath[int]) -> dict[str, Any]:
    """One project with its notices."""
    identity = await web.who(request)
    row = await projects.project(project_id, identity)
    found = await notices.project_notices(project_id, identity)
    return project_json(row) | {"notices": [notice_json(one) for one in found]}


@get("/notices", name="api:notices", opt=web.public)
async def list_notices(
    item: FromQuery[str | None] = None,
    profession: FromQuery[str | None] = None,
    method: FromQuery[str | None] = None,
    phase: FromQuery[str | None] = None,
    fund: FromQuery[str | None] = None,
    q: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 20,
) -> dict[str, Any]:
    """The notice board, newest first."""
    chosen = BoardFilter(item or "", profession or "", method or "", phase or "", fund or "", (q or "")[:100])
    size = _limit(limit)
    rows = await notices.notice_board(chosen, limit=size, before=board_cursor(cursor))
    return web.cursor_page(rows, size, lambda row: [row.published_at, row.id], notice_json)


@get("/notices/{notice_id:int}", name="api:notice", opt=web.public)
async def show_notice(request: AnyRequest, notice_id: FromPath[int]) -> dict[str, Any]:
    """One notice, with the public side of its keys."""
    row = await notices.notice(notice_id, await web.who(request))
    seal = await notices.seal_of(notice_id)
    return notice_json(row) | {"seal": seal_json(seal) if seal else None}


@get("/notices/{notice_id:int}/result", name="api:notice-result", opt=web.public)
async def show_result(request: AnyRequest, notice_id: FromPath[int]) -> dict[str, Any]:
    """What the opening found, everybody's offer and reasons, the draw."""
    await notices.notice(notice_id, await web.who(request))
    opening = await notices.opening_of(notice_id)
    if opening is None:
        raise ResultPending
    award = await awards.award_of(notice_id)
    return opening_json(opening) | {
        "bids": [bid_json(bid) for bid in await notices.opened_bids(notice_id)],
        "award": award_json(award) if award else None,
    }


@get("/awards", name="api:awards", opt=web.public)
async def list_awards(
    agency: FromQuery[int | None] = None,
    client: FromQuery[int | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 20,
) -> dict[str, Any]:
    """Awards, newest first; of one agency or client if wanted."""
    size = _limit(limit)
    rows = await awards.awards(limit=size, before=_whole(cursor), agency_id=agency, client_id=client)
    return web.cursor_page(rows, size, lambda row: row.award_id, award_json)


@get("/awards/{award_id:int}", name="api:award", opt=web.public)
async def show_award(award_id: FromPath[int]) -> dict[str, Any]:
    """One award."""
    return award_json(await awards.award(award_id))


@get("/notices/{notice_id:int}/bids/mine", name="api:bid-mine", guards=[web.requires(Permission.SUBMIT_BID)])
async def show_my_bid(request: AnyRequest, notice_id: FromPath[int]) -> dict[str, Any]:
    """One's own bid: the receipt, and after the opening what became of it."""
    identity = await web.identity_of(request)
    await notices.notice(notice_id, identity)
    bid = await bids.my_bid(identity, notice_id)
    if bid is None:
        raise NoBid
    return my_bid_json(bid)


HANDLERS = [
    list_items,
    show_item,
    list_projects,
    show_project,
    list_notices,
    show_notice,
    show_result,
    list_awards,
    show_award,
    show_my_bid,
]

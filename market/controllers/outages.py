"""The public log of outages, a communiqué for each, and one's own failed attempts."""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from core import attempts, clock, web
from core.web.pages import decode_cursor
from market import content
from market.queries import outages

AnyRequest = Request[Any, Any, Any]
PAGE = 30


@get("/outages", name="market:outages", opt=web.public)
async def outage_list(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """Every outage, newest first, with the rule that says what it moves."""
    before = decode_cursor(cursor)
    found = await outages.outages(limit=PAGE, before=before if isinstance(before, int) else None)
    listed = web.cursor_page(found, PAGE, lambda row: row.id)
    return await web.page(
        request,
        "market/outages_list.html",
        rows=listed["items"],
        next_cursor=listed["next"],
        law=content.edition_in_force(clock.today()),
    )


@get("/outages/{outage_id:int}", name="market:outage", opt=web.public)
async def outage_page(request: AnyRequest, outage_id: FromPath[int]) -> Response[Any]:
    """One outage: how long, how many attempts failed, which deadlines moved from when to when."""
    row = await outages.outage(outage_id)
    return await web.page(
        request,
        "market/outages_one.html",
        row=row,
        moved=await outages.moved_by(outage_id),
        attempts=await outages.failed_attempts(row),
        law=content.edition_in_force(clock.today()),
    )


@get("/outages/mine", name="market:my-attempts", guards=[web.signed_in])
async def my_attempts(request: AnyRequest) -> Response[Any]:
    """What the reader sent while the database was away, as kept."""
    identity = await web.identity_of(request)
    return await web.page(request, "market/outages_mine.html", rows=await attempts.of_account(identity))


HANDLERS = [outage_list, outage_page, my_attempts]

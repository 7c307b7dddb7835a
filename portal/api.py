"""The caller's deadlines and the secret addresses of its calendar, for programs."""

from typing import Any

from litestar import Request, Response, Router, delete, get, post
from litestar.params import FromPath

from core import clock, feeds, settings, web
from core.forms import Form
from portal.queries.desk import waiting

AnyRequest = Request[Any, Any, Any]


@get("/deadlines", name="api:deadlines", guards=[web.signed_in])
async def list_deadlines(request: AnyRequest) -> dict[str, Any]:
    """What the calendar shows: every matter of the caller's desk that has a moment, soonest first."""
    items = [item for item in await waiting(await web.identity_of(request), clock.now()) if item.due_at is not None]
    return {
        "items": [
            {
                "kind": item.kind,
                "title": item.title,
                "note": item.note,
                "due_at": item.due_at.isoformat() if item.due_at else None,
                "mine": item.mine,
                "url": settings.load().address + item.href,
            }
            for item in sorted(items, key=lambda item: item.due_at or clock.now())
        ],
        "next": None,
    }


@get("/calendar-feeds", name="api:calendar-feeds", guards=[web.signed_in])
async def list_feeds(request: AnyRequest) -> dict[str, Any]:
    """The caller's live addresses for its present role; the addresses themselves are not kept."""
    rows = await feeds.my_feeds(await web.identity_of(request))
    return {"items": [{"id": row.id, "created_at": row.created_at.isoformat()} for row in rows], "next": None}


@post("/calendar-feeds", name="api:calendar-feed-open", guards=[web.signed_in])
async def open_feed(request: AnyRequest) -> Response[Any]:
    """A new secret address, shown this once. Sent twice it makes two: an answer with a secret is not kept."""
    identity = await web.identity_of(request)

    async def do(_form: Form) -> str:
        return await feeds.open_feed(identity)

    def show(token: str) -> dict[str, Any]:
        return {"address": settings.load().address + web.url_for("portal:calendar-file", token=token)}

    return await web.api_act(request, {}, do, show, once=False)


@delete("/calendar-feeds/{feed_id:int}", name="api:calendar-feed-end", guards=[web.signed_in], status_code=200)
async def end_feed(request: AnyRequest, feed_id: FromPath[int]) -> Response[Any]:
    """Revoke one of the caller's addresses."""
    identity = await web.identity_of(request)

    async def do(_form: Form) -> None:
        await feeds.end_feed(identity, feed_id=feed_id)

    return await web.api_act(request, {}, do, lambda _none: {"id": feed_id, "ended": True}, status=200)


api_router = Router(path="/", route_handlers=[list_deadlines, list_feeds, open_feed, end_feed], tags=["portal"])

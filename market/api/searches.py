"""Saved searches as JSON."""

from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.params import FromPath, JSONBody

from core import web
from core.forms import Form
from market import services
from market.forms import parse_search
from market.queries.searches import SearchRow, my_searches

AnyRequest = Request[Any, Any, Any]


class SearchBody(msgspec.Struct):
    """A saved search; empty parts mean everything. `frequency`: `immediately` or `daily`."""

    name: str = ""
    frequency: str = ""
    q: str = ""
    item: str = ""
    profession: str = ""
    method: str = ""
    fund: str = ""


def _search(row: SearchRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "frequency": row.frequency.value,
        "q": row.query,
        "item": row.item,
        "profession": row.profession,
        "method": row.method,
        "fund": row.fund,
        "hits": row.hits,
        "created_at": row.created_at.isoformat(),
    }


@get("/searches", name="api:searches", guards=[web.signed_in])
async def list_searches(request: AnyRequest) -> dict[str, Any]:
    """The caller's running searches."""
    rows = await my_searches(await web.identity_of(request))
    return {"items": [_search(row) for row in rows], "next": None}


@post("/searches", name="api:search-save", guards=[web.signed_in])
async def save_search(request: AnyRequest, data: JSONBody[SearchBody]) -> Response[Any]:
    """Save a search."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> int:
        return await services.save_search(identity, draft=parse_search(form))

    return await web.api_act(request, data, do, lambda search_id: {"id": search_id})


@delete("/searches/{search_id:int}", name="api:search-end", guards=[web.signed_in], status_code=200)
async def end_search(request: AnyRequest, search_id: FromPath[int]) -> Response[Any]:
    """Stop a search."""
    identity = await web.identity_of(request)

    async def do(_form: Form) -> None:
        await services.end_search(identity, search_id=search_id)

    return await web.api_act(request, {}, do, lambda _none: {"id": search_id, "ended": True}, status=200)


HANDLERS = [list_searches, save_search, end_search]

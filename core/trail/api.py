"""The trail for programs: heads, entries with their proofs, consistency."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath, FromQuery

from core import web
from core.trail import proofs, queries, sequencer
from core.trail.queries import EntryView
from core.trail.sequencer import PublishedHead
from core.web.pages import decode_cursor

AnyRequest = Request[Any, Any, Any]
MOST = 500


@get("/", opt=web.public)
async def newest_head() -> dict[str, Any]:
    """The newest signed head, and the public keys to check it with."""
    head = await queries.latest_checkpoint()
    keys = [str(key) for key in await sequencer.verifier_keys()]
    return _head(head) | {"origin": head.origin, "keys": keys}


@get("/checkpoints", opt=web.public)
async def checkpoints(limit: FromQuery[int] = 50, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """Signed heads, newest first."""
    limit = _limit(limit)
    heads = await queries.checkpoints(below=_cursor(cursor), limit=limit + 1)
    return Response(web.cursor_page(heads, limit, lambda head: head.size, _head))


@get("/entries", opt=web.public)
async def entries(
    request: AnyRequest, limit: FromQuery[int] = 50, cursor: FromQuery[str | None] = None
) -> Response[Any]:
    """Entries in the order of the log. Continuing from the last cursor meets every entry exactly once."""
    limit, after = _limit(limit), _cursor(cursor)
    reader = await web.who(request)
    views = await queries.entry_views(reader, after=-1 if after is None else after, limit=limit + 1)
    return Response(web.cursor_page(views, limit, lambda view: view.leaf_index, _entry))


@get("/entries/{entry_id:int}", opt=web.public)
async def entry(request: AnyRequest, entry_id: FromPath[int]) -> dict[str, Any]:
    """One entry as far as you may see it, with its inclusion proof once a head covers it."""
    view = await queries.entry_view(entry_id, await web.who(request))
    head = await queries.latest_checkpoint()
    if view.leaf_index is None or view.leaf_index >= head.size:
        return _entry(view) | {"inclusion": None}
    steps = queries.inclusion(view, head)
    path = [step.sibling.hex() for step in steps]
    return _entry(view) | {"inclusion": {"path": path, "checkpoint": _head(head)}}


@get("/consistency", opt=web.public)
async def consistency(first: FromQuery[int], second: FromQuery[int]) -> dict[str, Any]:
    """Proof that the log of `second` entries only continued the log of `first`."""
    found = queries.consistency(first, second, await queries.latest_checkpoint())
    return {
        "first": found.first,
        "second": found.second,
        "first_root": found.first_root.hex(),
        "second_root": found.second_root.hex(),
        "path": [step.hex() for step in found.path],
    }


def _limit(asked: int) -> int:
    return max(1, min(asked, MOST))


def _cursor(text: str | None) -> int | None:
    found = decode_cursor(text)
    return found if isinstance(found, int) else None


def _head(head: PublishedHead) -> dict[str, Any]:
    return {
        "size": head.size,
        "root": head.root_hex,
        "note": head.note,
        "published_at": head.published_at,
    }


def _entry(view: EntryView) -> dict[str, Any]:
    return {
        "id": view.entry_id,
        "index": view.leaf_index,
        "leaf_hash": view.leaf_hash.hex(),
        "act": view.act,
        "title": view.title,
        "subject": view.subject,
        "at": view.at,
        "role": view.role_name or None,
        "organization": view.organization_name or None,
    } | proofs.disclosure(view.entry)


api_router = Router(
    path="/trail",
    route_handlers=[newest_head, checkpoints, entries, entry, consistency],
    tags=["trail"],
)

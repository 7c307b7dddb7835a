"""The trail's public pages and its log as static files (C2SP tlog-tiles under `/trail`)."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath, FromQuery

from core import settings, web
from core.errors import NotFound
from core.trail import queries, sequencer
from core.trail.api import api_router
from core.trail.tiles import is_tile_path

__all__ = ["api_router", "router"]

AnyRequest = Request[Any, Any, Any]
TEXT = "text/plain"
BYTES = "application/octet-stream"
FRESH = "public, max-age=5"
FOR_EVER = "public, max-age=31536000, immutable"


@get("/", name="core:trail", opt=web.public)
async def home(request: AnyRequest) -> Response[Any]:
    """The newest head, the newest entries, and how to check all of it oneself."""
    reader = await web.who(request)
    return await web.page(
        request,
        "core/trail_home.html",
        head=await queries.latest_checkpoint(),
        heads=await queries.checkpoints(limit=10),
        entries=await queries.newest_views(reader, limit=8),
        base=settings.load().address,
        keys=[str(key) for key in await sequencer.verifier_keys()],
    )


@get("/entries", name="core:trail-find", opt=web.public)
async def find(entry: FromQuery[str] = "") -> Response[None]:
    """Go to the entry of the number printed on a receipt."""
    number = entry.strip()
    if not (number.isascii() and number.isdigit()):
        raise NotFound
    return web.redirect("core:trail-entry", entry_id=int(number))


@get("/entries/{entry_id:int}", name="core:trail-entry", opt=web.public)
async def entry_page(request: AnyRequest, entry_id: FromPath[int]) -> Response[Any]:
    """One entry, as far as the reader may see it, with every step of its proof."""
    view = await queries.entry_view(entry_id, await web.who(request))
    head = await queries.latest_checkpoint()
    covered = view.leaf_index is not None and view.leaf_index < head.size
    return await web.page(
        request,
        "core/trail_entry.html",
        view=view,
        head=head,
        covered=covered,
        steps=queries.inclusion(view, head) if covered else [],
    )


@get("/entries/{entry_id:int}/proof", name="core:trail-proof", opt=web.public)
async def proof(request: AnyRequest, entry_id: FromPath[int]) -> Response[str]:
    """The proof file: what this reader may see of the entry, its place, the signed head."""
    view = await queries.entry_view(entry_id, await web.who(request))
    text = queries.proof_file(view, await queries.latest_checkpoint()).text()
    name = f'attachment; filename="xinshi-{entry_id}.tlog-proof"'
    headers = {"content-disposition": name, "cache-control": "no-store"}
    return Response(text, media_type=TEXT, headers=headers)


@get("/consistency", name="core:trail-consistency", opt=web.public)
async def consistency_page(request: AnyRequest) -> Response[Any]:
    """That a later log only continued an earlier one; sizes in the query as `from` and `to`."""
    head = await queries.latest_checkpoint()
    first, second = _size(request, "from"), _size(request, "to") or head.size
    return await web.page(
        request,
        "core/trail_consistency.html",
        head=head,
        proof=queries.consistency(first, second, head),
    )


def _size(request: AnyRequest, name: str) -> int:
    """A size from the query; 0, which is never found, for none or nonsense."""
    text = str(request.query_params.get(name, "")).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@get("/checkpoint", name="core:trail-checkpoint", opt=web.public)
async def checkpoint() -> Response[bytes]:
    """The signed head as a C2SP checkpoint."""
    return _file(sequencer.CHECKPOINT, TEXT, FRESH)


@get("/key", name="core:trail-key", opt=web.public)
async def key() -> Response[bytes]:
    """The log's public keys, one vkey on each line."""
    return _file(sequencer.KEY, TEXT, FRESH)


@get("/tile/{path:path}", name="core:trail-tile", opt=web.public)
async def tile(path: FromPath[str]) -> Response[bytes]:
    """A tile or an entry bundle; leaves hold only blinded digests, so all of them are public."""
    wanted = f"tile{path}"
    if not is_tile_path(wanted):
        raise NotFound
    return _file(wanted, BYTES, FOR_EVER)


def _file(path: str, media_type: str, caching: str) -> Response[bytes]:
    data = sequencer.store().read(path)
    if data is None:
        raise NotFound
    return Response(data, media_type=media_type, headers={"cache-control": caching})


router = Router(
    path="/trail",
    route_handlers=[home, find, entry_page, proof, consistency_page, checkpoint, key, tile],
    include_in_schema=False,
)

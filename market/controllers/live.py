"""An opening as it happens: a page that reads without JavaScript, and the stream that keeps it fresh."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from litestar import Request, Response, asgi, get
from litestar.params import FromPath
from litestar.types import Receive, Scope, Send

from core import clock, i18n, web
from core.i18n import _, speaking
from core.web import templates
from market.broadcast import Hub, Key, Piece, event
from market.queries import notices
from market.queries.live import watched
from market.rules.live import STEP_NAMES, Snapshot, snapshot
from market.rules.notices import PHASES

AnyRequest = Request[Any, Any, Any]
TEMPLATE = "market/live_page.html"
HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)


async def look(keys: Iterable[Key]) -> Mapping[Key, Piece]:
    """The newest piece for each notice and language, from one query."""
    wanted = list(keys)
    now = clock.now()
    found = await watched({notice_id for notice_id, _lang in wanted}, now)
    return {key: _piece(snapshot(found[key[0]], now), key[1]) for key in wanted if key[0] in found}


def _piece(shot: Snapshot, lang: str) -> Piece:
    """A snapshot on the wire: the same block that the page itself shows."""
    known = _pieces.get((shot.id, shot.notice_id, lang))
    if known is not None:
        return known
    with speaking(lang):
        html = templates.render(TEMPLATE, {"shot": shot, "steps": STEP_NAMES, "phases": PHASES}, block="stages")
    data = json.dumps({"html": html, "over": shot.over}, ensure_ascii=False)
    if len(_pieces) > MOST_PIECES:
        _pieces.clear()
    piece = _pieces[shot.id, shot.notice_id, lang] = Piece(shot.id, event(shot.id, "stage", data), shot.over)
    return piece


MOST_PIECES = 2_000
_pieces: dict[tuple[str, int, str], Piece] = {}
HUB = Hub(look)


async def hang_up() -> None:
    """End every stream of this process: the server is about to stop."""
    await HUB.close()


@get("/notices/{notice_id:int}/live", name="market:notice-live", opt=web.public)
async def live_page(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The steps of an opening as they stand now."""
    row = await notices.notice(notice_id, None)
    now = clock.now()
    shot = snapshot((await watched([notice_id], now))[notice_id], now)
    return await web.page(request, TEMPLATE, row=row, shot=shot, steps=STEP_NAMES, phases=PHASES)


@asgi("/notices/{notice_id:int}/live/events", name="market:notice-events", opt=web.public, copy_scope=False)
async def live_events(scope: Scope, receive: Receive, send: Send) -> None:
    """The stream: the steps now, and again whenever they change. `Last-Event-ID` (or `after`) resumes."""
    request: AnyRequest = Request(scope)
    if scope["method"] != "GET":  # type: ignore[typeddict-item]
        await _refuse(send, 405, "GET", [])
        return
    if HUB.full:
        await _refuse(send, 503, _("现在观看的人太多，请稍后再连，或刷新页面查看进展。"), [(b"retry-after", b"30")])
        return
    channel = await HUB.channel((int(scope["path_params"]["notice_id"]), i18n.language()))
    if channel is None:
        await _refuse(send, 404, _("没有找到这份公告。它可能还是草稿，或者编号写错了。"), [])
        return
    seen = request.headers.get("last-event-id") or request.query_params.get("after") or ""
    await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
    await HUB.watch(channel, seen, send, receive)


async def _refuse(send: Send, status: int, sentence: str, headers: list[tuple[bytes, bytes]]) -> None:
    plain = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [plain, *headers]})
    await send({"type": "http.response.body", "body": sentence.encode(), "more_body": False})


HANDLERS = [live_page, live_events]

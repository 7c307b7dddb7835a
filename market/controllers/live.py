"""An opening as it happens: a page that reads without JavaScript, and the stream that keeps it fresh."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery
from litestar.types import Receive, Scope, Send

from core import clock, i18n, web
from core.errors import DomainError
from core.i18n import N_, speaking
from core.web import templates
from market.broadcast import Channel, Hub, Key, Piece, event
from market.queries import notices
from market.queries.live import watched
from market.rules.live import STEP_NAMES, Snapshot, snapshot
from market.rules.notices import PHASES, NoticeGone

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


class TooManyWatchers(DomainError):
    """This process holds as many streams as it may."""

    status = 503
    code = "too-many-watchers"
    text = N_("现在观看的人太多，请稍后再连，或刷新页面查看进展。")


class Stream(Response[None]):
    """An answer that goes on: who speaks is the hub. (The framework's bare ASGI routes take no path parameters.)"""

    def __init__(self, channel: Channel, seen: str) -> None:
        super().__init__(None)
        self._channel, self._seen = channel, seen

    def to_asgi_response(self, *_args: Any, **_options: Any) -> Any:
        """What the framework calls with the connection."""
        return self._flow

    async def _flow(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
        await HUB.watch(self._channel, self._seen, send, receive)


@get("/notices/{notice_id:int}/live/events", name="market:notice-events", opt=web.public)
async def live_events(request: AnyRequest, notice_id: FromPath[int], after: FromQuery[str | None] = None) -> Stream:
    """The stream: the steps now, and again whenever they change. `Last-Event-ID` (or `after`) resumes."""
    if HUB.full:
        raise TooManyWatchers
    channel = await HUB.channel((notice_id, i18n.language()))
    if channel is None:
        raise NoticeGone
    return Stream(channel, request.headers.get("last-event-id") or after or "")


HANDLERS = [live_page, live_events]

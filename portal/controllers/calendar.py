"""My deadlines in my own calendar: a secret address to subscribe to, and its management."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from core import clock, feeds, settings, web
from core.db import row
from core.desk import DeskItem
from core.forms import Form
from core.i18n import _, speaking
from core.identity import Identity
from portal.queries.desk import waiting
from portal.rules.icalendar import Event, calendar

AnyRequest = Request[Any, Any, Any]


@get("/calendar-feed", name="portal:calendar", guards=[web.signed_in])
async def calendar_page(request: AnyRequest) -> Response[Any]:
    """The reader's addresses; an address itself is shown once, when it is made."""
    return await _page(request)


async def _page(request: AnyRequest, form: web.FormState | None = None, token: str | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    made = settings.load().address + web.url_for("portal:calendar-file", token=token) if token else None
    return await web.page(request, "portal/calendar.html", form=form, rows=await feeds.my_feeds(identity), made=made)


@post("/calendar-feed", name="portal:calendar-open", guards=[web.signed_in])
async def open_feed(request: AnyRequest) -> Response[Any]:
    """A new address."""
    identity = await web.identity_of(request)

    async def do(_form: Form) -> str:
        return await feeds.open_feed(identity)

    async def done(token: str) -> Response[Any]:
        return await _page(request, token=token)

    return await web.act(request, do, done, lambda form: _page(request, form), once=False)


@post("/calendar-feed/{feed_id:int}/end", name="portal:calendar-end", guards=[web.signed_in])
async def end_feed(request: AnyRequest, feed_id: FromPath[int]) -> Response[Any]:
    """Revoke one."""
    identity = await web.identity_of(request)

    async def do(_form: Form) -> None:
        await feeds.end_feed(identity, feed_id=feed_id)

    return await web.act(
        request,
        do,
        lambda _none: web.redirect("portal:calendar", say=_("已吊销这个日历订阅地址。")),
        lambda form: _page(request, form),
    )


@get("/calendar-feed/{token:str}/deadlines.ics", name="portal:calendar-file", opt=web.public)
async def calendar_file(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """Every deadline of the desk, of all floors, in the owner's language; the secret is in the address."""
    identity = await feeds.holder(token)
    known = await row("select language from core_account where id = $1", identity.account_id)
    with speaking(known["language"]):
        body = calendar(_("信市：我的期限"), _events(identity, await waiting(identity, clock.now())), clock.now())
    headers = {"cache-control": "private, no-store", "content-disposition": 'inline; filename="deadlines.ics"'}
    return Response(body, media_type="text/calendar", headers=headers)


def _events(identity: Identity, items: Sequence[DeskItem]) -> list[Event]:
    """One event per line of the desk, named by where the line leads and its place among those that lead there.

    So the identity changes neither with the moment nor with the reader's language.
    """
    site, host = settings.load().address, settings.load().log_origin.partition("/")[0]
    places: Counter[str] = Counter()
    events = []
    for item in items:
        if item.due_at is None:
            continue
        places[item.href] += 1
        text = f"{identity.organization_id}|{identity.role}|{item.href}|{places[item.href]}"
        uid = f"{hashlib.sha256(text.encode()).hexdigest()[:32]}@{host}"
        events.append(Event(uid=uid, at=item.due_at, summary=item.title, description=item.note, url=site + item.href))
    return events


HANDLERS = [calendar_page, open_feed, end_feed, calendar_file]

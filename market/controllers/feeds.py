"""Atom feeds (RFC 4287) of the notice board and of outages: public, and cheap to ask for again and again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

from litestar import Request, Response, get
from litestar.params import FromQuery

from core import clock, settings, web
from core.i18n import HTML_LANG, _, language, loc
from core.web.templates import moment, wan
from market.queries import amendments, notices, outages
from market.queries.notices import BoardFilter, NoticeRow
from market.rules.notices import METHOD_NAMES, PHASES

AnyRequest = Request[Any, Any, Any]
ATOM = "http://www.w3.org/2005/Atom"
MEDIA_TYPE = "application/atom+xml; charset=utf-8"
ENTRIES = 50
TAG_YEAR = 2026
NOTHING_YET = datetime(TAG_YEAR, 1, 1, tzinfo=UTC)
LONGEST_QUERY = 100


@dataclass(frozen=True)
class Entry:
    """One entry; `name` is its stable identity within this installation."""

    name: str
    title: str
    href: str
    published: datetime
    updated: datetime
    summary: str
    author: str
    category: str = ""


@get("/notices.atom", name="market:notice-feed", opt=web.public)
async def notice_feed(
    request: AnyRequest,
    q: FromQuery[str | None] = None,
    item: FromQuery[str | None] = None,
    profession: FromQuery[str | None] = None,
    method: FromQuery[str | None] = None,
    phase: FromQuery[str | None] = None,
    fund: FromQuery[str | None] = None,
) -> Response[Any]:
    """The newest notices, narrowed as on the board."""
    chosen = BoardFilter(item or "", profession or "", method or "", phase or "", fund or "", (q or "")[:LONGEST_QUERY])
    rows = await notices.notice_board(chosen, limit=ENTRIES)
    moved = await amendments.last_moves([row.id for row in rows[:ENTRIES]])
    asked = {"q": q, "item": item, "profession": profession, "method": method, "phase": phase, "fund": fund}
    query = urlencode({name: text for name, text in sorted(asked.items()) if text})
    return answer(
        request, _("信市：采购公告"), "notices", query, [_notice(row, moved.get(row.id)) for row in rows[:ENTRIES]]
    )


def _notice(row: NoticeRow, moved: datetime | None) -> Entry:
    """What an entry says changes with every step, every move of its deadline, and when the deadline has come."""
    reached = row.deadline if row.published_at and row.deadline <= clock.now() else None
    steps = (row.published_at, row.opened_at, row.selected_at, row.awarded_at, row.ended_at)
    moments = (*steps, row.paused_at, moved, reached)
    parts = (
        row.number or "",
        _(METHOD_NAMES[row.method]),
        wan(row.ceiling),
        _(PHASES[row.phase]),
        _("%(t)s 截止") % {"t": moment(row.deadline)},
    )
    return Entry(
        name=f"notice/{row.id}",
        title=row.title,
        href=web.url_for("market:notice-detail", notice_id=row.id),
        published=row.published_at or row.drafted_at,
        updated=max((each for each in moments if each), default=row.drafted_at),
        summary=("; " if language() == "en" else "　").join(parts),
        author=loc(row, "client_name"),
        category=row.method.value,
    )


@get("/outages.atom", name="market:outage-feed", opt=web.public)
async def outage_feed(request: AnyRequest) -> Response[Any]:
    """The newest outages."""
    entries = [
        Entry(
            name=f"outage/{row.id}",
            title=_("%(a)s 至 %(b)s 系统中断") % {"a": moment(row.since_at), "b": moment(row.until_at)},
            href=web.url_for("market:outage", outage_id=row.id),
            published=row.logged_at,
            updated=row.logged_at,
            summary=_("顺延截止时间的公告：%(n)s 份") % {"n": row.moved},
            author=_publisher(),
        )
        for row in (await outages.outages(limit=ENTRIES))[:ENTRIES]
    ]
    return answer(request, _("信市：系统中断公告"), "outages", "", entries)


def answer(request: AnyRequest, title: str, name: str, query: str, entries: Sequence[Entry]) -> Response[Any]:
    """The feed, or 304 when the reader has it already."""
    updated = max((entry.updated for entry in entries), default=NOTHING_YET)
    body = write(title, name, query, entries, updated)
    headers = {
        "etag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "last-modified": format_datetime(updated.astimezone(UTC), usegmt=True),
        "cache-control": "public, max-age=60",
        "vary": "Cookie",
    }
    if _known(request, headers["etag"], updated):
        return Response(None, status_code=304, headers=headers)
    return Response(body, media_type=MEDIA_TYPE, headers=headers)


def _known(request: AnyRequest, etag: str, updated: datetime) -> bool:
    """RFC 9110: the tag decides where one is sent, the date otherwise."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
        return updated.replace(microsecond=0) <= since
    except (ValueError, TypeError):
        return False


def write(title: str, name: str, query: str, entries: Sequence[Entry], updated: datetime) -> bytes:
    """The document. Identities are tag URIs (RFC 4151): they never change, whatever the address becomes."""
    ET.register_namespace("", ATOM)
    site = settings.load().address
    asked = f"?{query}" if query else ""
    feed = ET.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": HTML_LANG[language()]})
    _text(feed, "id", _tag(name + asked))
    _text(feed, "title", title)
    _text(feed, "updated", _when(updated))
    _link(feed, "self", MEDIA_TYPE.partition(";")[0], f"{site}/{name}.atom{asked}")
    _link(feed, "alternate", "text/html", f"{site}/{name}{asked}")
    _author(feed, _publisher())
    for entry in entries:
        node = ET.SubElement(feed, f"{{{ATOM}}}entry")
        _text(node, "id", _tag(entry.name))
        _text(node, "title", entry.title)
        _text(node, "published", _when(entry.published))
        _text(node, "updated", _when(entry.updated))
        _link(node, "alternate", "text/html", site + entry.href)
        _author(node, entry.author)
        if entry.category:
            ET.SubElement(node, f"{{{ATOM}}}category", {"term": entry.category})
        _text(node, "summary", entry.summary)
    written: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _publisher() -> str:
    return _("新泰市中介服务市场与信用评价平台（信市）")


def _author(parent: ET.Element, name: str) -> None:
    _text(ET.SubElement(parent, f"{{{ATOM}}}author"), "name", name)


def _link(parent: ET.Element, rel: str, kind: str, href: str) -> None:
    ET.SubElement(parent, f"{{{ATOM}}}link", {"rel": rel, "type": kind, "href": href})


def _text(parent: ET.Element, name: str, text: str) -> None:
    child = ET.SubElement(parent, f"{{{ATOM}}}{name}")
    child.text = "".join(sign for sign in text if sign >= " " or sign in "\t\n")


def _tag(name: str) -> str:
    return f"tag:{urlsplit(settings.load().address).hostname},{TAG_YEAR}:{name}"


def _when(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


HANDLERS = [notice_feed, outage_feed]

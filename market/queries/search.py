"""The market's part of the site's search."""

from dataclasses import dataclass

from core.i18n import _, loc
from core.web.pages import url_for
from market.queries.catalogue import find_items
from market.queries.notices import BoardFilter, notice_board

FEW = 10


@dataclass(frozen=True)
class Hit:
    """One thing found: what kind, what it is called, where it is."""

    kind: str
    title: str
    note: str
    href: str


async def search(query: str) -> list[Hit]:
    """Service items and notices that match, items first; nothing for an empty query."""
    if not query.strip():
        return []
    items = [
        Hit(_("服务事项"), loc(item, "name"), item.code, url_for("market:item-detail", code=item.code))
        for item in (await find_items(query))[:FEW]
    ]
    notices = [
        Hit(
            _("采购公告"),
            row.title,
            row.number or "",
            url_for("market:notice-detail", notice_id=row.id),
        )
        for row in (await notice_board(BoardFilter(query=query), limit=FEW))[:FEW]
    ]
    return items + notices

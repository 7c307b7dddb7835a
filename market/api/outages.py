"""Outages as JSON: the same log, and one's own failed attempts."""

from typing import Any

from litestar import Request, get
from litestar.params import FromPath, FromQuery

from core import attempts, web
from core.web.pages import decode_cursor
from market.queries import outages
from market.queries.outages import ExtensionRow, OutageRow

AnyRequest = Request[Any, Any, Any]
MOST = 100


def _outage(row: OutageRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "since": row.since_at.isoformat(),
        "until": row.until_at.isoformat(),
        "seconds": int(row.lasted.total_seconds()),
        "deadlines_moved": row.moved,
    }


def _moved(row: ExtensionRow) -> dict[str, Any]:
    return {
        "notice_id": row.notice_id,
        "number": row.number,
        "old_deadline": row.old_deadline.isoformat(),
        "new_deadline": row.new_deadline.isoformat(),
        "lost_seconds": row.lost_seconds,
    }


@get("/outages", name="api:outages", opt=web.public)
async def list_outages(cursor: FromQuery[str | None] = None, limit: FromQuery[int] = 20) -> dict[str, Any]:
    """Outages, newest first."""
    size, before = min(max(1, limit), MOST), decode_cursor(cursor)
    rows = await outages.outages(limit=size, before=before if isinstance(before, int) else None)
    return web.cursor_page(rows, size, lambda row: row.id, _outage)


@get("/outages/{outage_id:int}", name="api:outage", opt=web.public)
async def show_outage(outage_id: FromPath[int]) -> dict[str, Any]:
    """One outage with every deadline it moved."""
    row = await outages.outage(outage_id)
    moved = [_moved(one) for one in await outages.moved_by(outage_id)]
    return _outage(row) | {"failed_attempts": await outages.failed_attempts(row), "moved": moved}


@get("/outages/mine", name="api:my-attempts", guards=[web.signed_in])
async def list_my_attempts(request: AnyRequest) -> dict[str, Any]:
    """The caller's own failed attempts; digests in hex."""
    rows = await attempts.of_account(await web.identity_of(request))
    return {
        "items": [
            {
                "at": row.attempted_at.isoformat(),
                "path": row.path,
                "content": row.content.hex(),
                "line_hash": row.line_hash.hex(),
            }
            for row in rows
        ],
        "next": None,
    }


HANDLERS = [list_outages, show_outage, list_my_attempts]

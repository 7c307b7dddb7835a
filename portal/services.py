"""The one act of the front doors: passing on a reader's report of an error."""

from datetime import timedelta

from core import clock, db, mail, trail
from core.db import transaction
from core.identity import SYSTEM, Identity, Role
from portal.rules.reports import MOST_AN_HOUR, ErrorReport, TooManyReports

MESSAGE = "portal/error_report"
_HOUR = timedelta(hours=1)


async def report_error(*, actor: Identity | None, report: ErrorReport) -> int:
    """Put the report into the trail and send it to every administrator; returns the trail entry.

    Nobody needs to sign in for it. Words and contact are the reporter's own and stay outside the
    hashed payload. Raises `TooManyReports` above sixty in an hour.
    """
    async with transaction():
        entry: int = await trail.record(
            actor or SYSTEM,
            "error.reported",
            "site:1",
            after={"page": report.page},
            personal={"words": report.words, "contact": report.contact},
        )
        await _refuse_flood()
        await _tell_administrators(entry, report)
    return entry


async def _refuse_flood() -> None:
    reports: int = await db.value(
        "select count(*) from core_trail_entry where act = 'error.reported' and recorded_at > $1",
        clock.now() - _HOUR,
    )
    if reports > MOST_AN_HOUR:
        raise TooManyReports


async def _tell_administrators(entry: int, report: ErrorReport) -> None:
    found = await db.rows(
        "select distinct account from core_membership where role = $1 and ended_at is null",
        Role.ADMINISTRATOR.value,
    )
    for row in found:
        await mail.send(message=MESSAGE, to_account=row["account"], context={"entry": entry, **vars(report)})

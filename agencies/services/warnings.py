"""Warnings before a certificate ends: at 90, 60 and 30 days, once each (domain.md row 20)."""

from agencies.queries.filings import ExpiringRow, expiring
from agencies.rules.formal_check import WARNING_DAYS, warning_due
from core import clock, db, mail, trail
from core.db import transaction
from core.identity import SYSTEM


async def warn_of_expiry() -> int:
    """Write to every agency with a certificate at a threshold not warned of yet; how many letters."""
    today = clock.today()
    sent = 0
    for row in await expiring(today, WARNING_DAYS[0]):
        days = warning_due(row.expires_on, today)
        if days is not None and days not in row.warned:
            sent += await _warn(row, days)
    return sent


async def _warn(row: ExpiringRow, days: int) -> int:
    async with transaction():
        fresh = await db.value(
            "insert into agencies_expiry_warning (qualification, days, sent_at) values ($1, $2, $3)"
            " on conflict do nothing returning id",
            row.qualification_id,
            days,
            clock.now(),
        )
        if fresh is None:
            return 0
        await trail.record(
            SYSTEM,
            "qualification.expiring",
            f"agency:{row.agency_id}",
            after={"number": row.number, "expires_on": row.expires_on, "warned_at_days": days},
        )
        await mail.send(
            to_organization=row.organization_id,
            message="agencies/certificate_expiring",
            context={
                "number": row.number,
                "day": row.expires_on.isoformat(),
                "left": (row.expires_on - clock.today()).days,
            },
        )
        return 1

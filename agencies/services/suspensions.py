"""The market supervisor stops an agency for a time. Others ask here before they let money go to it."""

from agencies.queries.register import AgencyNotFound
from agencies.queries.suspensions import suspension_of
from agencies.rules.suspensions import AgencySuspended, NotSuspended, SuspendedAlready
from core import clock, db, trail
from core.db import transaction
from core.identity import Identity, Permission


async def suspend_agency(*, actor: Identity, agency_id: int, reason: str) -> int:
    """Stop an agency: it is no longer on record for bids, and nothing is paid out to it. The trail entry's id.
    `AgencyNotFound`, `SuspendedAlready`."""
    actor.require(Permission.SUSPEND_AGENCY)
    async with transaction():
        await _lock(agency_id)
        if await db.value(
            "select exists (select from agencies_suspension where agency = $1 and lifted_at is null)", agency_id
        ):
            raise SuspendedAlready
        await db.execute(
            "insert into agencies_suspension (agency, account, reason, suspended_at, lift_reason) values ($1, $2, $3, $4, '')",
            agency_id,
            actor.account_id,
            reason,
            clock.now(),
        )
        return await trail.record(actor, "agency.suspended", f"agency:{agency_id}", after={"reason": reason})


async def resume_agency(*, actor: Identity, agency_id: int, reason: str) -> int:
    """Let it work again. The trail entry's id. `AgencyNotFound`, `NotSuspended`."""
    actor.require(Permission.SUSPEND_AGENCY)
    async with transaction():
        await _lock(agency_id)
        lifted = await db.execute(
            "update agencies_suspension set lifted_at = $2, lift_reason = $3 where agency = $1 and lifted_at is null",
            agency_id,
            clock.now(),
            reason,
        )
        if not lifted:
            raise NotSuspended
        return await trail.record(actor, "agency.resumed", f"agency:{agency_id}", after={"reason": reason})


async def check_may_be_paid(organization_id: int) -> None:
    """Raise `AgencySuspended` when the organisation is an agency that is suspended now; inside the payout's transaction,
    so that a suspension that comes meanwhile waits for the payout or stops it."""
    await db.row("select id from agencies_agency where organization = $1 for share", organization_id)
    running = await suspension_of(organization_id)
    if running is not None:
        since = f"{clock.shanghai(running.suspended_at):%Y-%m-%d %H:%M}"
        raise AgencySuspended(name=running.name_zh, since=since, reason=running.reason)


async def _lock(agency_id: int) -> None:
    if await db.row("select id from agencies_agency where id = $1 for update", agency_id) is None:
        raise AgencyNotFound

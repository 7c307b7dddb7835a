"""The market supervisor stops an agency for a time. Others ask here before they let money go to it."""

from agencies.queries.register import AgencyNotFound, AgencyRow, agency_row
from agencies.queries.suspensions import suspension_of
from agencies.rules.suspensions import AgencySuspended, NotSuspended, SuspendedAlready
from core import clock, db, mail, trail
from core.db import transaction
from core.identity import Identity, Permission


async def suspend_agency(*, actor: Identity, agency_id: int, reason: str) -> int:
    """Stop an agency: it is no longer on record for bids, and nothing is paid out to it. It is told why and how to object.
    The trail entry's id. `AgencyNotFound`, `SuspendedAlready`."""
    actor.require(Permission.SUSPEND_AGENCY)
    async with transaction():
        agency = await _locked(agency_id)
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
        return await _told(actor, agency, "suspended", reason)


async def resume_agency(*, actor: Identity, agency_id: int, reason: str) -> int:
    """Let it work again, and tell it. The trail entry's id. `AgencyNotFound`, `NotSuspended`."""
    actor.require(Permission.SUSPEND_AGENCY)
    async with transaction():
        agency = await _locked(agency_id)
        lifted = await db.execute(
            "update agencies_suspension set lifted_at = $2, lift_reason = $3 where agency = $1 and lifted_at is null",
            agency_id,
            clock.now(),
            reason,
        )
        if not lifted:
            raise NotSuspended
        return await _told(actor, agency, "resumed", reason)


async def check_may_be_paid(organization_id: int) -> None:
    """Raise `AgencySuspended` when the organisation is an agency that is suspended now; inside the payout's transaction,
    so that a suspension that comes meanwhile waits for the payout or stops it."""
    await db.row("select id from agencies_agency where organization = $1 for share", organization_id)
    running = await suspension_of(organization_id)
    if running is not None:
        since = f"{clock.shanghai(running.suspended_at):%Y-%m-%d %H:%M}"
        raise AgencySuspended(name=running.name_zh, since=since, reason=running.reason)


async def _locked(agency_id: int) -> AgencyRow:
    if await db.row("select id from agencies_agency where id = $1 for update", agency_id) is None:
        raise AgencyNotFound
    return await agency_row(agency_id)


async def _told(actor: Identity, agency: AgencyRow, what: str, reason: str) -> int:
    """The entry on the trail, and the letter to the agency."""
    entry = await trail.record(actor, f"agency.{what}", f"agency:{agency.agency_id}", after={"reason": reason})
    await mail.send(
        to_organization=agency.organization_id,
        message=f"agencies/{what}",
        context={
            "agency": agency.agency_id,
            "reason": reason,
            "who": actor.organization_name,
            "at": f"{clock.shanghai(clock.now()):%Y-%m-%d %H:%M}",
        },
    )
    return entry

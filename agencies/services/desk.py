"""The registrar's acts: accept, return with all defects at once, decide objections, put on record."""

from agencies.queries.drafts import to_defects
from agencies.queries.filings import FilingRow
from agencies.rules.filing import (
    NOTICE_WORKDAYS,
    TRANSITIONS,
    FilingAct,
    FilingIncomplete,
    FilingKind,
    FilingState,
    NoDefectsNamed,
    ObjectionDecided,
    ObjectionState,
    OwnNotice,
    require_over,
    require_running,
)
from agencies.rules.formal_check import Defect
from agencies.services.dossiers import write_to_register
from agencies.services.locked import FilingReceipt, any_locked, stamp, threads_of
from agencies.services.steps import defects_now
from core import clock, db, jobs, mail, serials, trail, workdays
from core.db import transaction
from core.errors import StaleForm
from core.identity import SYSTEM, Identity, Permission
from core.states import advance


async def accept_filing(*, actor: Identity, filing_id: int, version: int | None = None) -> FilingReceipt:
    """Find the file formally in order; the public notice of five working days begins.

    `FilingIncomplete` when the formal check finds something today, for example a certificate that
    has expired meanwhile.
    """
    actor.require(Permission.CHECK_FILING)
    async with transaction():
        filing = await _locked(filing_id, version)
        state = advance(TRANSITIONS, filing.state, FilingAct.ACCEPT)
        defects = await defects_now(filing)
        if defects:
            raise FilingIncomplete(count=len(defects))
        now = clock.now()
        until = (await workdays.calendar()).due_at(now, NOTICE_WORKDAYS)
        after = await stamp(filing, state, noticed_at=now, notice_until=until)
        entry = await _record(actor, "filing.accepted", filing, state, {"notice_until": until})
        await jobs.defer("agencies.record_filing", {"filing_id": filing_id}, at=until)
        await _tell(filing, "agencies/filing_noticed", until=_moment(until))
    return FilingReceipt(filing_id, state, after, filing.number, entry)


async def return_filing(
    *, actor: Identity, filing_id: int, defects: tuple[Defect, ...], version: int | None = None
) -> FilingReceipt:
    """Send the file back with every defect at once; `NoDefectsNamed` for an empty list."""
    actor.require(Permission.CHECK_FILING)
    if not defects:
        raise NoDefectsNamed
    async with transaction():
        filing = await _locked(filing_id, version)
        state = advance(TRANSITIONS, filing.state, FilingAct.RETURN)
        after = await stamp(
            filing,
            state,
            returned_at=clock.now(),
            defects=to_defects(defects),
            returns=filing.returns + 1,
        )
        entry = await _record(
            actor,
            "filing.returned",
            filing,
            state,
            {"defects": [f"{one.step.value}/{one.code}" for one in defects]},
        )
        await _tell(filing, "agencies/filing_returned", count=len(defects))
    return FilingReceipt(filing_id, state, after, filing.number, entry)


async def _locked(filing_id: int, version: int | None) -> FilingRow:
    filing = await any_locked(filing_id)
    if version is not None and version != filing.version:
        raise StaleForm
    return filing


async def lodge_objection(*, actor: Identity, filing_id: int, text: str) -> FilingReceipt:
    """Bring something forward against a filing on public notice, by name. `NoticeOver`, `OwnNotice`."""
    async with transaction():
        filing = await any_locked(filing_id)
        state = advance(TRANSITIONS, filing.state, FilingAct.OBJECT)
        assert filing.notice_until is not None
        require_running(filing.notice_until, clock.now(), _moment(filing.notice_until))
        if filing.organization_id == actor.organization_id:
            raise OwnNotice
        objection_id = await db.value(
            "insert into agencies_objection (filing, account, organization, text, state, lodged_at, reasons)"
            " values ($1, $2, $3, $4, 'open', $5, '') returning id",
            filing_id,
            actor.account_id,
            actor.organization_id,
            text,
            clock.now(),
        )
        after = await stamp(filing, state)
        entry = await _record(actor, "filing.objected", filing, state, {"objection": objection_id})
    return FilingReceipt(filing_id, state, after, filing.number, entry)


async def decide_objection(*, actor: Identity, objection_id: int, upheld: bool, reasons: str) -> FilingReceipt:
    """Uphold an objection (the filing is refused) or dismiss it; the notice goes on when none is open."""
    actor.require(Permission.CHECK_FILING)
    async with transaction():
        filing_id = await db.value("select filing from agencies_objection where id = $1", objection_id)
        filing = await any_locked(filing_id or 0)
        decided = ObjectionState.UPHELD if upheld else ObjectionState.DISMISSED
        changed = await db.execute(
            "update agencies_objection set state = $2, decided_at = $3, reasons = $4 where id = $1 and state = 'open'",
            objection_id,
            decided.value,
            clock.now(),
            reasons,
        )
        if not changed:
            raise ObjectionDecided
        return await (_refuse if upheld else _dismiss)(actor, filing, objection_id, reasons)


async def _refuse(actor: Identity, filing: FilingRow, objection_id: int, reasons: str) -> FilingReceipt:
    state = advance(TRANSITIONS, filing.state, FilingAct.UPHOLD)
    after = await stamp(filing, state, closed_at=clock.now())
    entry = await _record(actor, "filing.refused", filing, state, {"objection": objection_id, "reasons": reasons})
    await _tell(filing, "agencies/filing_refused", reasons=reasons)
    return FilingReceipt(filing.id, state, after, filing.number, entry)


async def _dismiss(actor: Identity, filing: FilingRow, objection_id: int, reasons: str) -> FilingReceipt:
    state, after = filing.state, filing.version
    still_open = await db.value(
        "select count(*) from agencies_objection where filing = $1 and state = 'open'", filing.id
    )
    if not still_open:
        state = advance(TRANSITIONS, filing.state, FilingAct.DISMISS)
        after = await stamp(filing, state)
    entry = await _record(
        actor,
        "filing.objection-dismissed",
        filing,
        state,
        {"objection": objection_id, "reasons": reasons},
    )
    return FilingReceipt(filing.id, state, after, filing.number, entry)


async def record_filing(*, actor: Identity = SYSTEM, filing_id: int) -> FilingReceipt:
    """Put a filing on record after its notice, with a gap-free receipt number; usually the clock acts.

    `NoticeStillRunning` before the end, `NotAllowedNow` while an objection is open.
    """
    actor.require(Permission.CHECK_FILING)
    async with transaction():
        filing = await any_locked(filing_id)
        state = advance(TRANSITIONS, filing.state, FilingAct.RECORD)
        assert filing.notice_until is not None
        require_over(filing.notice_until, clock.now(), _moment(filing.notice_until))
        agency_id = await write_to_register(filing, clock.today())
        receipt = await serials.next_number("BA", clock.today())
        act = "agency.recorded" if filing.kind is FilingKind.REGISTRATION else "agency.changed"
        entry = await trail.record(
            actor,
            act,
            f"agency:{agency_id}",
            before={"state": filing.state.value},
            after={"state": state.value, "receipt": receipt, "uscc": filing.uscc},
            threads=threads_of(filing.id, filing.organization_id),
        )
        after = await stamp(filing, state, closed_at=clock.now(), receipt_number=receipt, receipt_entry=entry)
        await _tell(filing, "agencies/filing_recorded", receipt=receipt)
    return FilingReceipt(filing_id, state, after, filing.number, entry, receipt, agency_id)


async def record_due_filings() -> int:
    """Put everything on record whose notice is over; how many. A sweep: safe to run at any time."""
    due = await db.rows(
        "select id from agencies_filing where state = 'noticed' and notice_until <= $1 order by id", clock.now()
    )
    for row in due:
        await record_filing(filing_id=row["id"])
    return len(due)


def _moment(moment: object) -> str:
    from core.web.templates import moment as shown

    return shown(moment)  # type: ignore[arg-type]


async def _record(actor: Identity, act: str, filing: FilingRow, state: FilingState, facts: dict[str, object]) -> int:
    return await trail.record(
        actor,
        act,
        f"filing:{filing.id}",
        before={"state": filing.state.value},
        after={"state": state.value, **facts},
        threads=threads_of(filing.id, filing.organization_id),
    )


async def _tell(filing: FilingRow, message: str, **facts: object) -> None:
    await mail.send(
        to_organization=filing.organization_id,
        message=message,
        context={"number": filing.number, "name": filing.name_zh, "filing": filing.id, **facts},
    )

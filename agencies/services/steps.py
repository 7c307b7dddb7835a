"""The applicant's acts: open a filing, fill it step by step, submit, withdraw. It can be left any time."""

from dataclasses import replace
from typing import TypeVar

from agencies.queries.drafts import to_defects, to_draft
from agencies.queries.filings import FilingRow, open_filing, surroundings
from agencies.queries.register import agency_of
from agencies.rules.dossier import (
    CommitmentsStep,
    Dossier,
    IndependenceStep,
    OrganizationStep,
    PractitionerDraft,
    QualificationDraft,
    Scan,
    Step,
)
from agencies.rules.filing import (
    CHECK_WORKDAYS,
    TRANSITIONS,
    AlreadyFiling,
    AlreadyRecorded,
    FilingAct,
    FilingIncomplete,
    FilingKind,
    FilingState,
    NotYetRecorded,
)
from agencies.rules.formal_check import Defect, formal_defects
from agencies.services.dossiers import recorded_dossier
from agencies.services.locked import FilingReceipt, own_locked, stamp, threads_of
from core import clock, db, files, mail, serials, trail, workdays
from core.db import transaction
from core.errors import NotAllowedNow, NotFound
from core.files import SCAN
from core.forms import Upload
from core.i18n import N_
from core.identity import Identity, Permission
from core.states import advance

T = TypeVar("T")


class LineNotFound(NotFound):
    """The line of a list was removed meanwhile."""

    code = "filing-line-not-found"
    text = N_("这一条已不在清单里，可能刚被删除。请刷新页面查看。")


async def start_registration(*, actor: Identity) -> FilingReceipt:
    """Open a first filing for one's own organisation; `AlreadyRecorded`, `AlreadyFiling`."""
    actor.require(Permission.REGISTER_AGENCY)
    async with transaction():
        await _only_one(actor)
        if await agency_of(actor.organization_id):
            raise AlreadyRecorded
        return await _open(actor, FilingKind.REGISTRATION, Dossier())


async def start_change(*, actor: Identity) -> FilingReceipt:
    """Open a change of what is on record, filled with it; `NotYetRecorded`, `AlreadyFiling`."""
    actor.require(Permission.REGISTER_AGENCY)
    async with transaction():
        await _only_one(actor)
        agency = await agency_of(actor.organization_id)
        if agency is None:
            raise NotYetRecorded
        return await _open(actor, FilingKind.CHANGE, await recorded_dossier(agency.agency_id))


async def _only_one(actor: Identity) -> None:
    await db.value("select id from core_organization where id = $1 for update", actor.organization_id)
    if await open_filing(actor.organization_id):
        raise AlreadyFiling


async def _open(actor: Identity, kind: FilingKind, dossier: Dossier) -> FilingReceipt:
    filing_id: int = await db.value(
        "insert into agencies_filing (organization, kind, state, version, draft, defects, returns, opened_at)"
        " values ($1, $2, 'draft', 1, $3, '[]', 0, $4) returning id",
        actor.organization_id,
        kind.value,
        to_draft(dossier),
        clock.now(),
    )
    entry = await trail.record(
        actor,
        "filing.opened",
        f"filing:{filing_id}",
        after={"kind": kind.value},
        threads=threads_of(filing_id, actor.organization_id),
    )
    return FilingReceipt(filing_id, FilingState.DRAFT, 1, None, entry)


async def save_organization(
    *, actor: Identity, filing_id: int, step: OrganizationStep, version: int | None = None
) -> FilingReceipt:
    """Save who the agency is. `NotAllowedNow` once submitted, `StaleForm`, `FilingNotFound`."""
    async with transaction():
        filing = await _editable(actor, filing_id, version)
        return await _save(actor, filing, replace(filing.dossier, organization=step), Step.ORGANIZATION)


async def add_qualification(
    *,
    actor: Identity,
    filing_id: int,
    draft: QualificationDraft,
    scan: Upload | None = None,
    version: int | None = None,
) -> FilingReceipt:
    """Add a certificate with its scan (checked for type and size, `FileMislabelled` and its kin)."""
    async with transaction():
        filing = await _editable(actor, filing_id, version)
        draft = await _with_scan(actor, draft, scan)
        held = (*filing.dossier.qualifications, draft)
        return await _save(actor, filing, replace(filing.dossier, qualifications=held), Step.QUALIFICATIONS)


async def change_qualification(
    *,
    actor: Identity,
    filing_id: int,
    line: int,
    draft: QualificationDraft,
    scan: Upload | None = None,
    version: int | None = None,
) -> FilingReceipt:
    """Replace line `line` (from 0); its scan stays unless a new one comes. `LineNotFound`."""
    async with transaction():
        filing = await _editable(actor, filing_id, version)
        held = list(filing.dossier.qualifications)
        before = _line(held, line)
        held[line] = await _with_scan(actor, replace(draft, scan=before.scan), scan)
        return await _save(actor, filing, replace(filing.dossier, qualifications=tuple(held)), Step.QUALIFICATIONS)


async def remove_qualification(
    *, actor: Identity, filing_id: int, line: int, version: int | None = None
) -> FilingReceipt:
    """Take line `line` (from 0) off the list; `LineNotFound`."""
    async with transaction():
        filing = await _editable(actor, filing_id, version)
        held = list(filing.dossier.qualifications)
        held.remove(_line(held, line))
        return await _save(actor, filing, replace(filing.dossier, qualifications=tuple(held)), Step.QUALIFICATIONS)


async def add_practitioner(
    *, actor: Identity, filing_id: int, person: PractitionerDraft, version: int | None = None
) -> FilingReceipt:
    """Add somebody to the staff list."""
    return await add_practitioners(actor=actor, filing_id=filing_id, people=(person,), version=version)


async def add_practitioners(
    *, actor: Identity, filing_id: int, people: tuple[PractitionerDraft, ...], version: int | None = None
) -> FilingReceipt:
    """Add several people to the staff list at once."""
    async with transaction():
        filing = await _editable(actor, filing_id, version)
        staff = (*filing.dossier.practitioners, *people)
        return await _save(actor, filing, replace(filing.dossier, practitioners=staff), Step.PRACTITIONERS)


async def remove_practitioner(
    *, actor: Identity, filing_id: int, line: int, version: int | None = None
) -> FilingReceipt:
    """Take line `line` (from 0) off the staff list; `LineNotFound`."""
    async with transaction():
        filing = await _editable(actor, filing_id, version)
        staff = list(filing.dossier.practitioners)
        staff.remove(_line(staff, line))
        return await _save(actor, filing, replace(filing.dossier, practitioners=tuple(staff)), Step.PRACTITIONERS)


async def save_independence(
    *, actor: Identity, filing_id: int, step: IndependenceStep, version: int | None = None
) -> FilingReceipt:
    """Save the independence declaration."""
    async with transaction():
        filing = await _editable(actor, filing_id, version)
        return await _save(actor, filing, replace(filing.dossier, independence=step), Step.INDEPENDENCE)


async def save_commitments(
    *, actor: Identity, filing_id: int, step: CommitmentsStep, version: int | None = None
) -> FilingReceipt:
    """Save the promises on time, fee and service."""
    async with transaction():
        filing = await _editable(actor, filing_id, version)
        return await _save(actor, filing, replace(filing.dossier, commitments=step), Step.COMMITMENTS)


async def _editable(actor: Identity, filing_id: int, version: int | None) -> FilingRow:
    actor.require(Permission.REGISTER_AGENCY)
    filing = await own_locked(filing_id, actor, version)
    if not filing.may_edit:
        raise NotAllowedNow(state=filing.state.value, act="save")
    return filing


async def _with_scan(actor: Identity, draft: QualificationDraft, scan: Upload | None) -> QualificationDraft:
    if scan is None:
        return draft
    stored = await files.store(scan, use=SCAN, actor=actor)
    return replace(draft, scan=Scan(stored.id, stored.name, stored.size, stored.sha256))


def _line(held: list[T], line: int) -> T:
    if not 0 <= line < len(held):
        raise LineNotFound
    return held[line]


async def _save(actor: Identity, filing: FilingRow, dossier: Dossier, step: Step) -> FilingReceipt:
    dossier = replace(dossier, visited=dossier.visited | {step})
    version = await stamp(filing, filing.state, draft=to_draft(dossier))
    entry = await trail.record(
        actor,
        "filing.saved",
        f"filing:{filing.id}",
        after={"step": step.value, "version": version},
        threads=threads_of(filing.id, filing.organization_id),
    )
    return FilingReceipt(filing.id, filing.state, version, filing.number, entry)


async def defects_now(filing: FilingRow) -> tuple[Defect, ...]:
    """Every defect of a filing by the formal check, today."""
    around = await surroundings(filing.organization_id, filing.uscc, filing.dossier)
    return formal_defects(filing.dossier, clock.today(), around)


async def submit_filing(*, actor: Identity, filing_id: int, version: int | None = None) -> FilingReceipt:
    """Hand the filing in for the formal check, due in two working days. `FilingIncomplete` with defects left."""
    actor.require(Permission.REGISTER_AGENCY)
    async with transaction():
        filing = await own_locked(filing_id, actor, version)
        state = advance(TRANSITIONS, filing.state, FilingAct.SUBMIT)
        defects = await defects_now(filing)
        if defects:
            raise FilingIncomplete(count=len(defects))
        now = clock.now()
        due = (await workdays.calendar()).due_at(now, CHECK_WORKDAYS)
        number = filing.number or await serials.next_number("SL", clock.today())
        after = await stamp(filing, state, submitted_at=now, check_due_at=due, number=number, defects=to_defects(()))
        entry = await _submitted(actor, filing, number)
    return FilingReceipt(filing_id, state, after, number, entry)


async def _submitted(actor: Identity, filing: FilingRow, number: str) -> int:
    dossier = filing.dossier
    assert dossier.organization is not None
    entry = await trail.record(
        actor,
        "filing.submitted",
        f"filing:{filing.id}",
        before={"state": filing.state.value},
        after={
            "state": "submitted",
            "number": number,
            "uscc": dossier.organization.uscc,
            "professions": [one.value for one in dossier.professions()],
            "items": list(dossier.offered_items()),
            "scans": [one.scan.sha256 for one in dossier.qualifications if one.scan],
            "practitioners": len(dossier.practitioners),
        },
        threads=threads_of(filing.id, filing.organization_id),
        personal={
            "legal_representative": dossier.organization.legal_representative,
            "practitioners": [person.name for person in dossier.practitioners],
        },
    )
    await mail.send(
        to_organization=filing.organization_id,
        message="agencies/filing_submitted",
        context={"number": number, "name": dossier.organization.name_zh, "filing": filing.id},
    )
    return entry


async def withdraw_filing(*, actor: Identity, filing_id: int, version: int | None = None) -> FilingReceipt:
    """End a filing on the applicant's own wish; nothing goes on record."""
    actor.require(Permission.REGISTER_AGENCY)
    async with transaction():
        filing = await own_locked(filing_id, actor, version)
        state = advance(TRANSITIONS, filing.state, FilingAct.WITHDRAW)
        after = await stamp(filing, state, closed_at=clock.now())
        entry = await trail.record(
            actor,
            "filing.withdrawn",
            f"filing:{filing.id}",
            before={"state": filing.state.value},
            after={"state": state.value},
            threads=threads_of(filing.id, filing.organization_id),
        )
    return FilingReceipt(filing_id, state, after, filing.number, entry)

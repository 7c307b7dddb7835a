"""The way back from a direct D: the agency shows, one officer checks, another decides, the grade follows at once."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agencies.queries import agency_of, agency_row
from agencies.rules import Profession
from core import clock, db, files, mail, trail
from core.db import transaction
from core.forms import Upload
from core.identity import Identity, Permission
from core.serials import next_number
from core.states import advance
from core.workdays import calendar
from grading.queries.schemes import rulebook_on
from grading.queries.supervision import supervision_on
from grading.rules.ends import ground_record
from grading.rules.way_back import (
    WAITING,
    WAY_BACK_TRANSITIONS,
    RepairRunning,
    SameOfficer,
    WayBackAct,
    WayBackDraft,
    WayBackGone,
    WayBackOpen,
    WayBackOver,
    WayBackState,
    check_moment,
    check_shown,
    effective_on,
)
from grading.services.direct_d import publish_now, settle_drafts
from grading.services.inheritance import regrade_heirs
from grading.services.reports import PublicationReceipt, check_signer

SERIES = "TC"
PROOF = files.SCAN


@dataclass(frozen=True)
class WayBackReceipt:
    """Where an application stands after an act; `publications` when the grade changed with it."""

    way_back_id: int
    number: str
    state: WayBackState
    at: datetime
    entry_id: int
    effective_on: date | None = None
    publications: tuple[PublicationReceipt, ...] = ()


async def file_way_back(
    *, actor: Identity, direct_d_id: int, draft: WayBackDraft, proofs: tuple[Upload, ...]
) -> WayBackReceipt:
    """Apply to leave a direct D, from a month before its term ends; it takes effect at the end at the earliest.

    Raises `WayBackGone` for another agency's, `WayBackTooEarly`, `WayBackOver`, `WayBackOpen`, `RepairRunning`,
    `NothingShown`.
    """
    actor.require(Permission.COMMENT_GRADE)
    check_shown(draft, len(proofs))
    async with transaction():
        ground = await _own_ground(actor, direct_d_id)
        await _refuse_second(direct_d_id)
        terms = (await rulebook_on(clock.today())).scheme.terms
        repaired = await _repair(direct_d_id)
        record = ground_record(
            ground["starts_on"], ground["ends_on"], released_on=None, repaired_on=repaired, terms=terms
        )
        check_moment(ground["ends_on"], record, clock.today())
        number = await next_number(SERIES, clock.today())
        due = (await calendar()).due_at(clock.now(), (await supervision_on(clock.today())).accept_wd)
        way_back_id: int = await db.value(
            "insert into grading_way_back (number, direct_d, agency, state, corrected, obligations, confirmation,"
            " filed_by, filed_at, check_due_at, check_note, reasons)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '') returning id",
            number,
            direct_d_id,
            ground["agency"],
            WayBackState.FILED.value,
            draft.corrected,
            draft.obligations,
            draft.confirmation,
            actor.account_id,
            clock.now(),
            due,
        )
        digests = await _attach(way_back_id, proofs, actor)
        facts = {"number": number, "ground": ground["document_no"], "proofs": digests, "committed": draft.committed}
        entry = await _record(actor, "way-back.filed", way_back_id, ground["agency"], facts)
    return WayBackReceipt(way_back_id, number, WayBackState.FILED, clock.now(), entry)


async def complete_way_back(
    *, actor: Identity, way_back_id: int, draft: WayBackDraft, proofs: tuple[Upload, ...]
) -> WayBackReceipt:
    """Hand in again what was returned; proofs given before stay. Raises as `file_way_back`."""
    actor.require(Permission.COMMENT_GRADE)
    async with transaction():
        row = await _locked(way_back_id)
        await _own_ground(actor, row["direct_d"])
        given = await db.value("select count(*) from grading_way_back_file where way_back = $1", way_back_id)
        check_shown(draft, given + len(proofs))
        state = advance(WAY_BACK_TRANSITIONS, WayBackState(row["state"]), WayBackAct.FILE_AGAIN)
        due = (await calendar()).due_at(clock.now(), (await supervision_on(clock.today())).accept_wd)
        await db.execute(
            "update grading_way_back set state = $2, corrected = $3, obligations = $4, confirmation = $5,"
            " filed_at = $6, check_due_at = $7 where id = $1",
            way_back_id,
            state.value,
            draft.corrected,
            draft.obligations,
            draft.confirmation,
            clock.now(),
            due,
        )
        digests = await _attach(way_back_id, proofs, actor)
        entry = await _record(actor, "way-back.filed", way_back_id, row["agency"], {"proofs": digests})
    return WayBackReceipt(way_back_id, row["number"], state, clock.now(), entry)


async def check_way_back(*, actor: Identity, way_back_id: int, complete: bool, note: str) -> WayBackReceipt:
    """The formal check within 2 working days: complete, and the 7 of the decision begin; or returned with what is missing.

    Raises `SameOfficer` for the one who imposed the D.
    """
    actor.require(Permission.DECIDE_CONDUCT)
    async with transaction():
        row = await _locked(way_back_id)
        act = WayBackAct.ACCEPT if complete else WayBackAct.RETURN
        state = advance(WAY_BACK_TRANSITIONS, WayBackState(row["state"]), act)
        if actor.account_id == row["imposed_by"]:
            raise SameOfficer
        wd = (await supervision_on(clock.today())).decide_wd
        due = (await calendar()).due_at(row["check_due_at"] if _late(row) else clock.now(), wd) if complete else None
        await db.execute(
            "update grading_way_back set state = $2, checked_by = $3, checked_at = $4, check_note = $5,"
            " decide_due_at = $6 where id = $1",
            way_back_id,
            state.value,
            actor.account_id,
            clock.now(),
            note,
            due,
        )
        name = "way-back.accepted" if complete else "way-back.returned"
        entry = await _record(actor, name, way_back_id, row["agency"], {"note": note})
        await _tell(row, state, note)
    return WayBackReceipt(way_back_id, row["number"], state, clock.now(), entry)


def _late(row: Any) -> bool:
    """A check after its time does not move the decision's."""
    late: bool = clock.now() > row["check_due_at"]
    return late


async def decide_way_back(*, actor: Identity, way_back_id: int, granted: bool, reasons: str) -> WayBackReceipt:
    """Let the agency leave the D, or not, with reasons, by a third person; the grade is published in the same act.

    What follows the D (grade C for 6 months, no A in the next annual cycle) counts from the effective day.
    Raises `SameOfficer`, `NotAllowedNow`.
    """
    actor.require(Permission.DECIDE_CONDUCT)
    check_signer(actor)
    async with transaction():
        row = await _locked(way_back_id)
        act = WayBackAct.GRANT if granted else WayBackAct.REFUSE
        state = advance(WAY_BACK_TRANSITIONS, WayBackState(row["state"]), act)
        if actor.account_id in (row["checked_by"], row["imposed_by"]):
            raise SameOfficer
        due_on = clock.shanghai(row["decide_due_at"]).date()
        effective = effective_on(row["ends_on"], due_on, clock.today()) if granted else None
        await db.execute(
            "update grading_way_back set state = $2, decided_by = $3, decided_at = $4, reasons = $5, effective_on = $6"
            " where id = $1",
            way_back_id,
            state.value,
            actor.account_id,
            clock.now(),
            reasons,
            effective,
        )
        facts = {"effective_on": effective, "reasons": reasons, "ground": row["document_no"]}
        name = "way-back.granted" if granted else "way-back.refused"
        entry = await _record(actor, name, way_back_id, row["agency"], facts)
        published = await _lifted(actor, row, effective)
        await _tell(row, state, reasons)
    return WayBackReceipt(way_back_id, row["number"], state, clock.now(), entry, effective, published)


async def _lifted(actor: Identity, row: Any, effective: date | None) -> tuple[PublicationReceipt, ...]:
    """The new grades, when the D is over today; one that ends later is lifted by the run of its day."""
    if effective is None or effective > clock.today():
        return ()
    held = [Profession(one) for one in (await agency_row(row["agency"])).professions]
    trades = [one for one in held if row["profession"] in (None, one.value)]
    rules = await rulebook_on(clock.today())
    published = await publish_now(actor, f"way-back:{row['id']}", row["agency"], trades, rules)
    await settle_drafts(actor, row["agency"], trades, since=effective, published=bool(published), reason=row["number"])
    return published + await regrade_heirs(actor, row["agency"], f"way-back:{row['id']}", row["number"])


async def lift_due(*, actor: Identity) -> int:
    """Publish the grades of ways back granted early whose day has come; how many. For a person's signature."""
    check_signer(actor)
    ready = await db.rows(
        "select id from grading_way_back where state = 'granted' and effective_on <= $1", clock.today()
    )
    lifted = 0
    for one in ready:
        async with transaction():
            row = await _locked(one["id"])
            if await db.value("select 1 from grading_run where key = $1", f"way-back:{row['id']}") is None:
                await _lifted(actor, row, row["effective_on"])
                lifted += 1
    return lifted


async def _own_ground(actor: Identity, direct_d_id: int) -> Any:
    agency = await agency_of(actor.organization_id)
    ground = await db.row("select * from grading_direct_d where id = $1 for update", direct_d_id)
    if agency is None or ground is None or ground["agency"] != agency.agency_id:
        raise WayBackGone
    return ground


async def _refuse_second(direct_d_id: int) -> None:
    states = [
        WayBackState(row["state"])
        for row in await db.rows("select state from grading_way_back where direct_d = $1", direct_d_id)
    ]
    if WayBackState.GRANTED in states:
        raise WayBackOver
    if WAITING & set(states):
        raise WayBackOpen


async def _repair(direct_d_id: int) -> date | None:
    """When a repair ended this D, if one did; one that waits refuses the way back."""
    found = await db.rows(
        "select number, state, ends_on from grading_repair where direct_d = $1"
        " and state in ('applied', 'accepted', 'joint', 'granted') order by id",
        direct_d_id,
    )
    for row in found:
        if row["ends_on"] is None:
            raise RepairRunning(number=row["number"])
    return min((row["ends_on"] for row in found), default=None)


async def _attach(way_back_id: int, proofs: tuple[Upload, ...], actor: Identity) -> list[str]:
    digests = []
    for upload in proofs:
        stored = await files.store(upload, use=PROOF, actor=actor)
        await db.execute(
            "insert into grading_way_back_file (way_back, stored_file, name, sha256) values ($1, $2, $3, $4)",
            way_back_id,
            stored.id,
            stored.name,
            stored.sha256,
        )
        digests.append(stored.sha256)
    return digests


_WAY_BACK = """
select w.*, d.imposed_by, d.profession, d.starts_on, d.ends_on, d.document_no, a.organization
from grading_way_back w join grading_direct_d d on d.id = w.direct_d join agencies_agency a on a.id = w.agency
"""


async def _locked(way_back_id: int) -> Any:
    row = await db.row(_WAY_BACK + "where w.id = $1 for update of w", way_back_id)
    if row is None:
        raise WayBackGone
    return row


async def _record(actor: Identity, act: str, way_back_id: int, agency_id: int, facts: dict[str, Any]) -> int:
    return await trail.record(actor, act, f"way-back:{way_back_id}", after=facts, threads=[f"agency:{agency_id}"])


async def _tell(row: Any, state: WayBackState, text: str) -> None:
    context = {"way_back_id": row["id"], "number": row["number"], "state": state.value, "text": text}
    await mail.send(to_organization=row["organization"], message="grading/way_back", context=context)

"""Credit repair: apply, accept or return, decide; granted, display, sharing and consequences end together that day."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agencies.queries import agency_of, agency_row
from agencies.rules import Profession
from core import clock, db, files, mail, trail
from core.db import transaction
from core.errors import FormInvalid, Message
from core.forms import Upload
from core.i18n import N_
from core.identity import SYSTEM, Identity, Permission
from core.serials import next_number
from core.states import advance
from core.workdays import calendar
from grading.queries.records import ground_of_row
from grading.queries.schemes import rulebook_on
from grading.rules.ends import Record, counts, finding_record
from grading.rules.life_terms import RepairClass
from grading.rules.lifecycle import CONDUCT_TRANSITIONS, ConductAct, ConductState, RunKind
from grading.rules.months import add_months
from grading.rules.repair import (
    MOST_FILES,
    STATES,
    TRANSITIONS,
    ImposerDecides,
    NothingToRepair,
    PromiseMissing,
    ProofMissing,
    RepairAbsent,
    RepairAct,
    RepairBarred,
    RepairOpen,
    RepairState,
    SecondOfficer,
    WayBackRunning,
    after_agreement,
    check_start,
    check_term,
)
from grading.rules.scheme import Scheme, load_scheme
from grading.services.inheritance import regrade_heirs
from grading.services.objections import check_reasons
from grading.services.reports import PublicationReceipt, check_signer, publish, withdraw
from grading.services.runs import UNPUBLISHED, Batch, draft, one_subject, open_run

SERIES = "XF"
EVIDENCE = files.SCAN


@dataclass(frozen=True)
class RepairDraft:
    """What the agency says: what was corrected, which obligations are met, who confirms it, and the promise."""

    corrected: str
    obligations: str
    confirmed_by: str
    promised: bool
    evidence: tuple[Upload, ...]
    finding_id: int | None = None
    direct_d_id: int | None = None


@dataclass(frozen=True)
class RepairReceipt:
    """What anybody gets for an act on an application."""

    repair_id: int
    number: str
    state: RepairState
    due_at: datetime | None
    entry_id: int
    publications: tuple[PublicationReceipt, ...] = ()


@dataclass(frozen=True)
class _Target:
    """What is to be repaired."""

    agency_id: int
    record: Record
    grade_class: RepairClass
    scheme: Scheme
    subject: str


async def apply_repair(*, actor: Identity, draft: RepairDraft) -> RepairReceipt:
    """Apply once the minimum display has elapsed (0, 3 or 12 months), with proof and a public promise; no fee.

    Raises `RepairAbsent` for other agencies' records, `NothingToRepair`, `RepairEarly`, `RepairOpen`,
    `RepairBarred`, `PromiseMissing`, `ProofMissing`, `FormInvalid`; for a direct D `TermIsOver`, `TermAsDecided`,
    `WayBackRunning` (decision 0016).
    """
    actor.require(Permission.COMMENT_GRADE)
    _check_draft(draft)
    async with transaction():
        agency = await agency_of(actor.organization_id)
        target = await _target(draft)
        if agency is None or target.agency_id != agency.agency_id:
            raise RepairAbsent
        rules = target.scheme.repair
        check_start(target.record, clock.today(), rules.terms(target.grade_class))
        await _refuse_again(draft, agency.agency_id, rules.forged_bar_months)
        due = (await calendar()).due_at(clock.now(), rules.accept_wd)
        repair_id, number = await _insert(actor, draft, target, due)
        digests = [await _attach(repair_id, upload, actor) for upload in draft.evidence]
        entry = await trail.record(
            actor,
            "repair.applied",
            f"repair:{repair_id}",
            after={"number": number, "class": target.grade_class.value, "evidence": digests},
            threads=[f"agency:{target.agency_id}", target.subject],
        )
    return RepairReceipt(repair_id, number, RepairState.APPLIED, due, entry)


def _check_draft(draft: RepairDraft) -> None:
    if not draft.promised:
        raise PromiseMissing
    if not draft.evidence:
        raise ProofMissing
    if len(draft.evidence) > MOST_FILES:
        raise FormInvalid({"evidence": Message(N_("证据最多 %(n)s 份。"), {"n": MOST_FILES})})


async def _target(draft: RepairDraft) -> _Target:
    if draft.finding_id is not None:
        return await _finding_target(draft.finding_id)
    row = await db.row(
        "select d.*, s.source from grading_direct_d d join grading_scheme s on s.id = d.scheme"
        " where d.id = $1 for update of d",
        draft.direct_d_id,
    )
    if row is None:
        raise RepairAbsent
    scheme, subject = load_scheme(row["source"]), f"direct-d:{row['id']}"
    ended = await db.row(
        "select (select min(ends_on) from grading_repair where direct_d = $1 and state = 'granted') as repaired_on,"
        " (select max(effective_on) from grading_way_back where direct_d = $1 and state = 'granted') as released_on,"
        " (select max(number) from grading_way_back where direct_d = $1 and state <> 'refused') as way_back",
        row["id"],
    )
    record = ground_of_row({**row, **ended}, scheme.terms)
    if counts(record, clock.today()):
        if ended["way_back"]:
            raise WayBackRunning(number=ended["way_back"])
        check_term(row["ends_on"], clock.today(), as_decided=row["as_decided"])
    return _Target(row["agency"], record, RepairClass.GRAVE, scheme, subject)


async def _finding_target(finding_id: int) -> _Target:
    row = await db.row(
        "select f.*, s.source from grading_conduct f join grading_scheme s on s.id = f.scheme"
        " where f.id = $1 for update of f",
        finding_id,
    )
    if row is None:
        raise RepairAbsent
    if row["state"] != ConductState.UPHELD:
        raise NothingToRepair
    scheme = load_scheme(row["source"])
    record = finding_record(row["decided_on"], row["points"], row["ended_on"], scheme)
    grade_class = scheme.repair.class_of(row["points"])
    return _Target(row["agency"], record, grade_class, scheme, f"conduct:{finding_id}")


async def _refuse_again(draft: RepairDraft, agency_id: int, bar_months: int) -> None:
    known = await db.value(
        "select number from grading_repair where state in ('applied', 'accepted', 'joint')"
        " and (finding = $1 or direct_d = $2)",
        draft.finding_id,
        draft.direct_d_id,
    )
    if known:
        raise RepairOpen(number=known)
    forged = await db.value("select max(decided_at) from grading_repair where agency = $1 and forged", agency_id)
    if forged:
        until = add_months(clock.shanghai(forged).date(), bar_months)
        if clock.today() < until:
            raise RepairBarred(until=until.isoformat())


async def _insert(actor: Identity, draft: RepairDraft, target: _Target, due: datetime) -> tuple[int, str]:
    number = await next_number(SERIES, clock.today())
    repair_id: int = await db.value(
        "insert into grading_repair (number, agency, finding, direct_d, grade_class, state, corrected, obligations,"
        " confirmed_by, promised, applied_by, applied_at, due_at, reasons, forged)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', false) returning id",
        number,
        target.agency_id,
        draft.finding_id,
        draft.direct_d_id,
        target.grade_class.value,
        RepairState.APPLIED.value,
        draft.corrected,
        draft.obligations,
        draft.confirmed_by,
        draft.promised,
        actor.account_id,
        clock.now(),
        due,
    )
    return repair_id, number


async def _attach(repair_id: int, upload: Upload, actor: Identity) -> str:
    try:
        stored = await files.store(upload, use=EVIDENCE, actor=actor)
    except (files.FileEmpty, files.FileTooLarge, files.FileMislabelled) as fault:
        raise FormInvalid({"evidence": Message(fault.text, fault.params)}) from fault
    await db.execute("insert into grading_repair_file (repair, file) values ($1, $2)", repair_id, stored.id)
    return stored.sha256


async def accept_repair(*, actor: Identity, repair_id: int) -> RepairReceipt:
    """The papers are complete: within 2 working days; the decision has 7 from here."""
    actor.require(Permission.DECIDE_CONDUCT)
    async with transaction():
        row = await _locked(repair_id)
        rules = (await rulebook_on(clock.today())).scheme.repair
        due = (await calendar()).due_at(clock.now(), rules.decide_wd)
        facts = {"accepted_by": actor.account_id, "accepted_at": clock.now(), "due_at": due}
        return await _step(actor, row, RepairAct.ACCEPT, "repair.accepted", **facts)


async def return_repair(*, actor: Identity, repair_id: int, reasons: str) -> RepairReceipt:
    """Something is missing: said with reasons; the agency may apply again."""
    actor.require(Permission.DECIDE_CONDUCT)
    check_reasons(reasons)
    async with transaction():
        row = await _locked(repair_id)
        facts = {"decided_by": actor.account_id, "decided_at": clock.now(), "due_at": None, "reasons": reasons}
        receipt = await _step(actor, row, RepairAct.RETURN, "repair.returned", **facts)
        await _tell(row, receipt.state, reasons)
    return receipt


async def decide_repair(
    *, actor: Identity, repair_id: int, granted: bool, reasons: str, forged: bool = False
) -> RepairReceipt:
    """Grant or refuse within 7 working days; a grave record needs the agreement of two officers.

    Granted, the finding or the direct D ends today, and the grades that rest on it are graded anew and published in
    the same act. Forged papers bar from applying for 12 months. Raises `SecondOfficer`, `ImposerDecides`, `NotAllowedNow`.
    """
    actor.require(Permission.DECIDE_CONDUCT)
    check_signer(actor)
    check_reasons(reasons)
    async with transaction():
        row = await _locked(repair_id)
        if row["first_by"] == actor.account_id:
            raise SecondOfficer
        if row["direct_d"] and actor.account_id == await _imposer(row["direct_d"]):
            raise ImposerDecides
        if granted:
            return await _agree(actor, row, reasons)
        facts = {"decided_by": actor.account_id, "decided_at": clock.now(), "due_at": None}
        receipt = await _step(actor, row, RepairAct.REFUSE, "repair.refused", **facts, reasons=reasons, forged=forged)
        await _tell(row, receipt.state, reasons)
    return receipt


async def _imposer(direct_d_id: int) -> int:
    """Who recorded the D: as with the way back, not who lifts it."""
    account: int = await db.value("select imposed_by from grading_direct_d where id = $1", direct_d_id)
    return account


async def _agree(actor: Identity, row: Any, reasons: str) -> RepairReceipt:
    rules = (await rulebook_on(clock.today())).scheme.repair
    joint = row["state"] == RepairState.JOINT
    act = after_agreement(RepairClass(row["grade_class"]), rules, joint=joint)
    if act is RepairAct.AGREE:
        facts = {"first_by": actor.account_id, "first_at": clock.now(), "reasons": reasons}
        return await _step(actor, row, act, "repair.joint", **facts)
    today = clock.today()
    facts = {"decided_by": actor.account_id, "decided_at": clock.now(), "due_at": None, "ends_on": today}
    receipt = await _step(actor, row, act, "repair.granted", **facts, reasons=reasons)
    await _end(actor, row, today)
    published = await _regrade(actor, row)
    published += await regrade_heirs(actor, row["agency"], f"repair:{row['id']}", row["number"])
    await _tell(row, receipt.state, reasons)
    return RepairReceipt(row["id"], row["number"], receipt.state, None, receipt.entry_id, published)


async def _end(actor: Identity, row: Any, today: date) -> None:
    """The finding ends; the end of a direct D stands in the application itself, the decision stays as it was."""
    if row["finding"] is None:
        return
    before = ConductState(await db.value("select state from grading_conduct where id = $1 for update", row["finding"]))
    state = advance(CONDUCT_TRANSITIONS, before, ConductAct.REPAIR)
    await db.execute(
        "update grading_conduct set state = $2, ended_on = $3 where id = $1", row["finding"], state.value, today
    )
    await trail.record(
        actor,
        "conduct.repaired",
        f"conduct:{row['finding']}",
        before={"state": before.value},
        after={"state": state.value, "ended_on": today, "repair": row["number"]},
        threads=[f"agency:{row['agency']}"],
    )


async def _regrade(actor: Identity, row: Any) -> tuple[PublicationReceipt, ...]:
    """Consequences end the same day: every published grade that still counts the record is graded anew."""
    trades = await _trades(row)
    if not trades:
        return ()
    rules, today, now = await rulebook_on(clock.today()), clock.today(), clock.now()
    key = f"repair:{row['id']}"
    run_id = await open_run(actor, key, RunKind.REPAIR, today, rules, comment_until=now)
    subjects = [await one_subject(row["agency"], trade, today, rules) for trade in trades]
    await _withdraw_drafts(actor, row, trades)
    reports = await draft(actor, Batch(run_id, today, now, rules), subjects)
    return tuple([await publish(actor=actor, report_id=report_id, answer="") for report_id in reports])


async def _trades(row: Any) -> list[Profession]:
    """The professions whose published grade was computed with the record."""
    held = (await agency_row(row["agency"])).professions
    if row["finding"] is not None:
        part, name, key = "findings", "id", str(row["finding"])
    else:
        part, name = "grounds", "document_no"
        key = await db.value("select document_no from grading_direct_d where id = $1", row["direct_d"])
    found = await db.rows(
        "select r.profession from grading_report r where r.agency = $1 and r.state = 'published'"
        " and r.profession = any($2::text[]) and exists ("
        "   select 1 from jsonb_array_elements(r.evidence -> $3) one where one ->> $4 = $5) order by r.id",
        row["agency"],
        list(held),
        part,
        name,
        key,
    )
    return [Profession(one["profession"]) for one in found]


async def _withdraw_drafts(actor: Identity, row: Any, trades: list[Profession]) -> None:
    waiting = await db.rows(
        "select id from grading_report where agency = $1 and profession = any($2::text[]) and state = any($3::text[])",
        row["agency"],
        [trade.value for trade in trades],
        list(UNPUBLISHED),
    )
    for one in waiting:
        await withdraw(actor=actor, report_id=one["id"], reason=row["number"])


async def _locked(repair_id: int) -> Any:
    row = await db.row(
        "select p.*, a.organization from grading_repair p join agencies_agency a on a.id = p.agency"
        " where p.id = $1 for update of p",
        repair_id,
    )
    if row is None:
        raise RepairAbsent
    return row


async def _step(actor: Identity, row: Any, act: RepairAct, title: str, **facts: Any) -> RepairReceipt:
    state = advance(TRANSITIONS, RepairState(row["state"]), act)
    facts |= {"state": state.value, "overdue_at": None}
    names = ", ".join(f"{name} = ${n}" for n, name in enumerate(facts, 2))
    await db.execute(f"update grading_repair set {names} where id = $1", row["id"], *facts.values())  # noqa: S608
    subject = f"conduct:{row['finding']}" if row["finding"] is not None else f"direct-d:{row['direct_d']}"
    entry = await trail.record(
        actor,
        title,
        f"repair:{row['id']}",
        before={"state": row["state"]},
        after={"state": state.value, "reasons": facts.get("reasons", "")},
        threads=[f"agency:{row['agency']}", subject],
    )
    return RepairReceipt(row["id"], row["number"], state, facts.get("due_at", row["due_at"]), entry)


async def _tell(row: Any, state: RepairState, reasons: str) -> None:
    context = {"repair_id": row["id"], "number": row["number"], "state": STATES[state], "reasons": reasons}
    await mail.send(to_organization=row["organization"], message="grading/repair", context=context)


async def sweep_repairs() -> int:
    """Mark applications that wait for an officer longer than they may, once per step; how many."""
    async with transaction():
        late = await db.rows(
            "update grading_repair set overdue_at = $1 where state in ('applied', 'accepted', 'joint')"
            " and overdue_at is null and due_at <= $1 returning id, agency, state, due_at",
            clock.now(),
        )
        for row in late:
            await trail.record(
                SYSTEM,
                "repair.overdue",
                f"repair:{row['id']}",
                after={"state": row["state"], "due_at": row["due_at"]},
                threads=[f"agency:{row['agency']}"],
            )
    return len(late)

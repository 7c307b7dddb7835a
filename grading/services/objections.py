"""Objections to a published grade: lodge, check, decide first, take back; the panel is in `rereviews`.

One act, one transaction: an upheld objection corrects, replays and publishes in the act that upholds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agencies.queries import agency_of
from agencies.rules import PROFESSION_TITLES, Profession
from core import clock, db, files, mail, trail
from core.db import refuse_after, transaction
from core.errors import FormInvalid, Message
from core.forms import Upload
from core.i18n import N_
from core.identity import Identity, Permission
from core.serials import next_number
from core.states import advance
from core.workdays import calendar
from grading.queries.schemes import rulebook_of
from grading.rules.corrections import Change, CorrectionKind, check_changes
from grading.rules.lifecycle import CONDUCT_TRANSITIONS, ConductAct, ConductState, ReportState
from grading.rules.objections import (
    MOST_FILES,
    SHORTEST,
    STATES,
    TRANSITIONS,
    GradeObjectionAbsent,
    NotObjectionable,
    ObjectedAlready,
    ObjectionAct,
    ObjectionState,
    ObjectionWindowOver,
    SignerDecides,
    Verdict,
    due_at,
)
from grading.services.holding import hold, release, would_wait
from grading.services.reports import check_signer
from grading.services.superseding import Case, Replayed, supersede
from grading.services.wording import local
from grading.stored import evidence_of

SERIES = "DY"
EVIDENCE = files.SCAN
_REPORT = """
select r.*, n.scheme as scheme_id, n.calibration as calibration_id, a.organization,
  exists (select 1 from grading_replacement x where x.report = r.id) as replaced,
  (select j.number from grading_objection j where j.report = r.id) as objection_no
from grading_report r join grading_run n on n.id = r.run join agencies_agency a on a.id = r.agency
where r.id = $1 for update of r
"""


@dataclass(frozen=True)
class Objecting:
    """What an agency says against its grade."""

    facts: str
    wish: str
    evidence: tuple[Upload, ...] = ()


@dataclass(frozen=True)
class ObjectionReceipt:
    """What anybody gets for an act on an objection; `replayed` is what an upheld one has changed."""

    objection_id: int
    number: str
    state: ObjectionState
    due_at: datetime | None
    entry_id: int
    replayed: tuple[Replayed, ...] = ()


async def lodge_objection(*, actor: Identity, report_id: int, draft: Objecting) -> ObjectionReceipt:
    """Object to a published grade within 15 working days; the public grade is tagged in the same act.

    A downgrade waits from here on: the grade before is back on record until the objection is closed, unless an
    immediate direct D stands behind it (grading.md §6). Raises `GradeObjectionAbsent` for other agencies' reports,
    `NotObjectionable`, `ObjectedAlready`, `ObjectionWindowOver` judged at commit, `FormInvalid`.
    """
    actor.require(Permission.COMMENT_GRADE)
    _check_draft(draft)
    async with transaction():
        agency = await agency_of(actor.organization_id)
        report = await db.row(_REPORT, report_id)
        if agency is None or report is None or report["agency"] != agency.agency_id:
            raise GradeObjectionAbsent
        await _check_open(report)
        suspends = report["state"] == ReportState.PUBLISHED and await would_wait(report)
        objection_id, number, due = await _insert(actor, report, draft, suspends=suspends)
        digests = [await _attach(objection_id, upload, actor) for upload in draft.evidence]
        entry = await trail.record(
            actor,
            "grade-objection.lodged",
            f"grade-objection:{objection_id}",
            after={
                "number": number,
                "publication": report["publication_no"],
                "suspends": suspends,
                "evidence": digests,
            },
            threads=[f"agency:{report['agency']}", f"grade:{report_id}"],
        )
        if suspends:
            await hold(actor, number, report, subject=f"grade-objection:{objection_id}")
    return ObjectionReceipt(objection_id, number, ObjectionState.LODGED, due, entry)


def _check_draft(draft: Objecting) -> None:
    errors = {}
    if len(draft.facts) < SHORTEST:
        errors["facts"] = Message(N_("请写明事实和理由，至少 %(n)s 个字。"), {"n": SHORTEST})
    if len(draft.evidence) > MOST_FILES:
        errors["evidence"] = Message(N_("证据最多 %(n)s 份。"), {"n": MOST_FILES})
    if errors:
        raise FormInvalid(errors)


async def _check_open(report: Any) -> None:
    if report["state"] not in (ReportState.PUBLISHED, ReportState.SUPERSEDED) or report["replaced"]:
        raise NotObjectionable
    if report["objection_no"]:
        raise ObjectedAlready(number=report["objection_no"])
    rules = await rulebook_of(report["scheme_id"], report["calibration_id"])
    until = (await calendar()).due_at(report["published_at"], rules.scheme.appeal.objection_wd)
    over = ObjectionWindowOver(until=local(until))
    if clock.now() >= until:
        raise over
    refuse_after(until, over)


async def _insert(actor: Identity, report: Any, draft: Objecting, *, suspends: bool) -> tuple[int, str, datetime]:
    rules = await rulebook_of(report["scheme_id"], report["calibration_id"])
    now = clock.now()
    due = due_at(ObjectionState.LODGED, now, now, rules.scheme.appeal, await calendar())
    number = await next_number(SERIES, clock.today())
    objection_id: int = await db.value(
        "insert into grading_objection (number, report, agency, profession, state, suspends, facts, wish, lodged_by,"
        " lodged_at, tagged_at, due_at, check_words, reasons, contest_words, lot_seed, lot_pool, final_reasons)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, '', '', '', '', '[]', '') returning id",
        number,
        report["id"],
        report["agency"],
        report["profession"],
        ObjectionState.LODGED.value,
        suspends,
        draft.facts,
        draft.wish,
        actor.account_id,
        now,
        due,
    )
    return objection_id, number, due


async def _attach(objection_id: int, upload: Upload, actor: Identity) -> str:
    try:
        stored = await files.store(upload, use=EVIDENCE, actor=actor)
    except (files.FileEmpty, files.FileTooLarge, files.FileMislabelled) as fault:
        raise FormInvalid({"evidence": Message(fault.text, fault.params)}) from fault
    await db.execute("insert into grading_objection_file (objection, file) values ($1, $2)", objection_id, stored.id)
    return stored.sha256


# --- the first decision -----------------------------------------------------------------------


async def check_outside(*, actor: Identity, objection_id: int, words: str) -> ObjectionReceipt:
    """Somebody outside must check: the first decision then has 7 working days from lodging instead of 3."""
    check_signer(actor)
    async with transaction():
        row = await locked(objection_id)
        _refuse_signer(actor, row)
        after, receipt = await step(actor, row, ObjectionAct.CHECK, checked_by=actor.account_id, check_words=words)
        entry = await trail_step(actor, row, "grade-objection.checking", after | {"words": words})
    return replace(receipt, entry_id=entry)


async def decide_objection(
    *, actor: Identity, objection_id: int, verdict: Verdict, reasons: str, changes: Sequence[Change] = ()
) -> ObjectionReceipt:
    """The first decision, by an officer who did not sign the grade (nor find what is to be withdrawn).

    Upheld: `changes` say which case, mark or finding is changed how; everything that rests on it is computed again
    and published. Rejected: with reasons; the agency may ask for a re-review for 10 working days.
    Raises `SignerDecides`, `CorrectionMissing` and its kin, `NotAllowedNow`.
    """
    check_signer(actor)
    check_reasons(reasons)
    async with transaction():
        row = await locked(objection_id)
        _refuse_signer(actor, row)
        await _refuse_finder(actor, changes)
        facts = {"decided_by": actor.account_id, "decided_at": clock.now(), "reasons": reasons}
        if verdict is Verdict.UPHOLD:
            return await uphold(actor, row, changes, reasons, **facts)
        after, receipt = await step(actor, row, ObjectionAct.REJECT, **facts)
        entry = await trail_step(actor, row, "grade-objection.rejected", after | {"reasons": reasons})
        await tell(row, receipt.state, reasons)
    return replace(receipt, entry_id=entry)


def check_reasons(words: str) -> None:
    """Reasons are given, or it is no decision. Raises `FormInvalid`."""
    if len(words.strip()) < SHORTEST:
        raise FormInvalid({"reasons": Message(N_("请写明理由，至少 %(n)s 个字。"), {"n": SHORTEST})})


def _refuse_signer(actor: Identity, row: Any) -> None:
    if actor.account_id == row["signed_by"]:
        raise SignerDecides


async def _refuse_finder(actor: Identity, changes: Sequence[Change]) -> None:
    ids = [one.target for one in changes if one.kind is CorrectionKind.DROP_FINDING]
    own = await db.value(
        "select 1 from grading_conduct where id = any($1::bigint[]) and $2 in (proposed_by, decided_by)",
        ids,
        actor.account_id,
    )
    if own:
        raise SignerDecides


async def uphold(actor: Identity, row: Any, changes: Sequence[Change], words: str, **facts: Any) -> ObjectionReceipt:
    """Write the corrections, withdraw findings, replay and publish, close, tell. In the caller's transaction."""
    check_changes(changes, evidence_of(row["evidence"]))
    after, receipt = await step(actor, row, ObjectionAct.UPHOLD, **facts)
    for one in changes:
        await _correct(actor, row, one, words)
    case = Case(row["id"], row["number"], row["report"], row["agency"], words)
    replayed = await supersede(actor, case)
    said = after | {"reasons": words, "changes": [plain_change(one) for one in changes]}
    said |= {"replayed": [one.new_publication_no for one in replayed]}
    entry = await trail_step(actor, row, f"grade-objection.{receipt.state.value}", said)
    await tell(row, receipt.state, words)
    return replace(receipt, entry_id=entry, replayed=tuple(replayed))


def plain_change(one: Change) -> dict[str, Any]:
    """A correction as plain JSON."""
    return {"kind": one.kind.value, "target": one.target, "amount": None if one.amount is None else str(one.amount)}


async def _correct(actor: Identity, row: Any, change: Change, reasons: str) -> None:
    await db.execute(
        "insert into grading_correction (objection, agency, kind, target, amount, reasons, decided_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        row["id"],
        row["agency"],
        change.kind.value,
        change.target,
        change.amount,
        reasons,
        clock.now(),
    )
    if change.kind is CorrectionKind.DROP_FINDING:
        await _overturn(actor, row, change.target)


async def _overturn(actor: Identity, row: Any, finding_id: int) -> None:
    finding = await db.row("select id, state, number from grading_conduct where id = $1 for update", finding_id)
    state = advance(CONDUCT_TRANSITIONS, ConductState(finding["state"]), ConductAct.OVERTURN)
    await db.execute("update grading_conduct set state = $2 where id = $1", finding_id, state.value)
    await trail.record(
        actor,
        "conduct.overturned",
        f"conduct:{finding_id}",
        before={"state": finding["state"]},
        after={"state": state.value, "objection": row["number"]},
        threads=[f"agency:{row['agency']}"],
    )


async def withdraw_objection(*, actor: Identity, objection_id: int) -> ObjectionReceipt:
    """The agency takes it back; the published grade takes effect."""
    actor.require(Permission.COMMENT_GRADE)
    async with transaction():
        row = await own_locked(actor, objection_id)
        after, receipt = await step(actor, row, ObjectionAct.WITHDRAW)
        entry = await trail_step(actor, row, "grade-objection.withdrawn", after)
        await let_go(row)
    return replace(receipt, entry_id=entry)


# --- what every act needs ---------------------------------------------------------------------


async def locked(objection_id: int) -> Any:
    """The objection with its report, locked; `GradeObjectionAbsent`."""
    row = await db.row(
        "select j.*, r.signed_by, r.evidence, r.as_of, r.publication_no, a.organization, n.scheme as scheme_id,"
        " n.calibration as calibration_id from grading_objection j join grading_report r on r.id = j.report"
        " join grading_run n on n.id = r.run join agencies_agency a on a.id = j.agency where j.id = $1 for update of j",
        objection_id,
    )
    if row is None:
        raise GradeObjectionAbsent
    return row


async def own_locked(actor: Identity, objection_id: int) -> Any:
    """The same for its own agency; absent for everybody else."""
    row = await locked(objection_id)
    if row["organization"] != actor.organization_id:
        raise GradeObjectionAbsent
    return row


async def step(actor: Identity, row: Any, act: ObjectionAct, **facts: Any) -> tuple[dict[str, Any], ObjectionReceipt]:
    """Advance the state with its dated facts and the clock of the next holder."""
    state = advance(TRANSITIONS, ObjectionState(row["state"]), act)
    now = clock.now()
    is_open = (state, ObjectionAct.WITHDRAW) in TRANSITIONS
    rules = await rulebook_of(row["scheme_id"], row["calibration_id"])
    due = due_at(state, now, row["lodged_at"], rules.scheme.appeal, await calendar()) if is_open else None
    facts |= {"state": state.value, "due_at": due, "overdue_at": None, "closed_at": None if is_open else now}
    names = ", ".join(f"{name} = ${n}" for n, name in enumerate(facts, 2))
    await db.execute(f"update grading_objection set {names} where id = $1", row["id"], *facts.values())  # noqa: S608
    return {"state": state.value}, ObjectionReceipt(row["id"], row["number"], state, due, 0)


async def trail_step(actor: Identity, row: Any, act: str, after: dict[str, Any]) -> int:
    """One act on the trail of the objection, its agency and its grade."""
    return await trail.record(
        actor,
        act,
        f"grade-objection:{row['id']}",
        before={"state": row["state"]},
        after=after,
        threads=[f"agency:{row['agency']}", f"grade:{row['report']}"],
    )


async def let_go(row: Any) -> None:
    """Closed without a change: a grade that waited takes effect."""
    if row["suspends"]:
        subject = f"grade-objection:{row['id']}"
        await release(row["number"], row["agency"], Profession(row["profession"]), subject=subject)


async def tell(row: Any, state: ObjectionState, reasons: str) -> None:
    """A letter to the agency."""
    await mail.send(
        to_organization=row["organization"],
        message="grading/objection",
        context={
            "objection_id": row["id"],
            "number": row["number"],
            "trade": PROFESSION_TITLES[Profession(row["profession"])],
            "state": STATES[state],
            "reasons": reasons,
        },
    )

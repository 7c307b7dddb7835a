"""Re-review of a rejected objection: a panel of three drawn by lot, none of whom had a part in the grade."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from contracts.services.chance import fresh_seed
from core import clock, db, mail, trail
from core.db import refuse_after, transaction
from core.identity import SYSTEM, Identity, Permission, Role
from grading.rules.corrections import Change, CorrectionKind, check_changes
from grading.rules.objections import (
    Candidate,
    GradeObjectionAbsent,
    NothingProposed,
    NotSeated,
    ObjectionAct,
    ObjectionState,
    ProposalChanged,
    RereviewLate,
    Tally,
    Verdict,
    draw_panel,
    tally,
)
from grading.services.objections import (
    ObjectionReceipt,
    check_reasons,
    let_go,
    locked,
    own_locked,
    plain_change,
    step,
    tell,
    trail_step,
    uphold,
)
from grading.services.wording import local
from grading.stored import evidence_of

_CANDIDATES = """
select u.id as account, bool_or(m.role = $2) as above,
  case
    when u.id = any($3::bigint[]) then 'earlier'
    when exists (select 1 from contracts_assignment s join contracts_reviewer v on v.id = s.reviewer
                 join contracts_review w on w.id = s.review
                 where v.account = u.id and w.deliverable = any($4::bigint[])) then 'reviewed'
    when exists (select 1 from grading_conduct f where f.id = any($5::bigint[])
                 and u.id in (f.proposed_by, f.decided_by)) then 'finder'
    when exists (select 1 from core_membership x where x.account = u.id and x.organization = $6)
      or exists (select 1 from contracts_reviewer v join contracts_reviewer_interest i on i.reviewer = v.id
                 where v.account = u.id and i.organization = $6) then 'interest'
    else '' end as barred
from core_account u join core_membership m on m.account = u.id and m.ended_at is null
where u.active and (m.role in ($2, $7) or (m.role = $8 and exists (
  select 1 from contracts_reviewer v where v.account = u.id and v.active and $1 = any(v.professions))))
group by u.id order by u.id
"""


async def contest(*, actor: Identity, objection_id: int, words: str) -> ObjectionReceipt:
    """The agency asks for a re-review within 10 working days; the panel is drawn in the same act.

    Raises `GradeObjectionAbsent`, `RereviewLate` judged at commit, `NoPanel`, `FormInvalid`.
    """
    actor.require(Permission.COMMENT_GRADE)
    check_reasons(words)
    async with transaction():
        row = await own_locked(actor, objection_id)
        if row["state"] == ObjectionState.REJECTED:
            late = RereviewLate(until=local(row["due_at"]))
            if clock.now() >= row["due_at"]:
                raise late
            refuse_after(row["due_at"], late)
        seed, candidates = fresh_seed(), await _candidates(row)
        panel = draw_panel(seed, candidates)
        pool = [{"account": one.account_id, "above": one.above, "barred": one.barred} for one in candidates]
        facts = {"contested_at": clock.now(), "contest_words": words, "lot_seed": seed, "lot_pool": pool}
        after, receipt = await step(actor, row, ObjectionAct.CONTEST, **facts)
        await _seat(row, panel)
        entry = await trail_step(
            actor, row, "grade-objection.contested", after | {"seed": seed, "pool": pool, "panel": list(panel)}
        )
    return replace(receipt, entry_id=entry)


async def _candidates(row: Any) -> list[Candidate]:
    """Supervisors (one level above), grading officers and reviewers of the profession, with why some are barred."""
    evidence = evidence_of(row["evidence"])
    asked = await db.rows("select answered_by from grading_request where report = $1", row["report"])
    earlier = {row["signed_by"], row["decided_by"], row["checked_by"], *(one["answered_by"] for one in asked)} - {None}
    found = await db.rows(
        _CANDIDATES,
        row["profession"],
        Role.MARKET_SUPERVISOR.value,
        sorted(earlier),
        [case.deliverable_id for case in evidence.cases],
        [finding.id for finding in evidence.findings],
        row["organization"],
        Role.GRADING_OFFICER.value,
        Role.REVIEWER.value,
    )
    return [Candidate(one["account"], one["above"], one["barred"]) for one in found]


async def _seat(row: Any, panel: Sequence[int]) -> None:
    for place, account in enumerate(panel, 1):
        await db.execute(
            "insert into grading_panel_seat (objection, place, account, seated_at, words) values ($1, $2, $3, $4, '')",
            row["id"],
            place,
            account,
            clock.now(),
        )
        await mail.send(
            to_account=account, message="grading/seated", context={"objection_id": row["id"], "number": row["number"]}
        )


async def propose(
    *, actor: Identity, objection_id: int, verdict: Verdict, reasons: str, changes: Sequence[Change] = ()
) -> ObjectionReceipt:
    """A member of the panel puts a written decision to the vote; it replaces the one before and its votes.

    Raises `NotSeated`, `CorrectionMissing` and its kin when an upholding decision does not say what changes.
    """
    check_reasons(reasons)
    async with transaction():
        row, seats = await _panel(actor, objection_id)
        if verdict is Verdict.UPHOLD:
            check_changes(changes, evidence_of(row["evidence"]))
        number = (row["proposal"] or {}).get("no", 0) + 1
        proposal = {
            "no": number,
            "by": actor.account_id,
            "verdict": verdict.value,
            "reasons": reasons,
            "changes": [plain_change(one) for one in changes] if verdict is Verdict.UPHOLD else [],
        }
        await db.execute("update grading_objection set proposal = $2 where id = $1", row["id"], proposal)
        await db.execute(
            "update grading_panel_seat set agrees = null, words = '', voted_at = null where objection = $1", row["id"]
        )
        entry = await trail_step(actor, row, "grade-objection.proposed", {"state": row["state"], "proposal": proposal})
        for seat in seats:
            if seat["account"] != actor.account_id:
                context = {"objection_id": row["id"], "number": row["number"]}
                await mail.send(to_account=seat["account"], message="grading/seated", context=context)
        receipt = await vote(actor=actor, objection_id=objection_id, number=number, agrees=True, words="")
    return replace(receipt, entry_id=entry)


async def vote(*, actor: Identity, objection_id: int, number: int, agrees: bool, words: str) -> ObjectionReceipt:
    """A member agrees or disagrees with proposal `number`. Final when all three have spoken and two agree.

    A carried decision is carried out at once, signed by the member whose vote closed it; a fallen one makes room
    for another. Raises `NotSeated`, `NothingProposed`, `ProposalChanged`; a dissent needs words (`FormInvalid`).
    """
    if not agrees:
        check_reasons(words)
    async with transaction():
        row, _ = await _panel(actor, objection_id)
        proposal = row["proposal"]
        if not proposal or not proposal.get("verdict"):
            raise NothingProposed
        if proposal["no"] != number:
            raise ProposalChanged
        await db.execute(
            "update grading_panel_seat set agrees = $3, words = $4, voted_at = $5 where objection = $1 and account = $2",
            row["id"],
            actor.account_id,
            agrees,
            words,
            clock.now(),
        )
        entry = await trail_step(
            actor, row, "grade-objection.voted", {"state": row["state"], "no": number, "agrees": agrees}
        )
        votes = await db.rows("select agrees from grading_panel_seat where objection = $1 order by place", row["id"])
        match tally([one["agrees"] for one in votes]):
            case Tally.CARRIED:
                return await _carry(actor, row, proposal)
            case Tally.FALLEN:
                await db.execute(
                    "update grading_objection set proposal = $2 where id = $1", row["id"], {"no": proposal["no"]}
                )
            case _:
                pass
    return ObjectionReceipt(row["id"], row["number"], ObjectionState(row["state"]), row["due_at"], entry)


async def _panel(actor: Identity, objection_id: int) -> tuple[Any, Sequence[Any]]:
    """The objection and its seats, for one of the three while the panel sits."""
    row = await locked(objection_id)
    seats = await db.rows("select * from grading_panel_seat where objection = $1 order by place", objection_id)
    if actor.account_id not in {seat["account"] for seat in seats}:
        raise NotSeated
    if row["state"] != ObjectionState.PANEL:
        raise GradeObjectionAbsent
    return row, seats


async def _carry(actor: Identity, row: Any, proposal: Any) -> ObjectionReceipt:
    """Carry out what the panel decided: final on the platform."""
    reasons = proposal["reasons"]
    if proposal["verdict"] == Verdict.UPHOLD:
        return await uphold(actor, row, changes_from(proposal["changes"]), reasons, final_reasons=reasons)
    after, receipt = await step(actor, row, ObjectionAct.REJECT, final_reasons=reasons)
    entry = await trail_step(actor, row, "grade-objection.dismissed", after | {"reasons": reasons})
    await let_go(row)
    await tell(row, receipt.state, reasons)
    return replace(receipt, entry_id=entry)


def changes_from(plain: Sequence[Any]) -> list[Change]:
    """Corrections back from plain JSON."""
    return [
        Change(CorrectionKind(one["kind"]), one["target"], None if one["amount"] is None else Decimal(one["amount"]))
        for one in plain
    ]


# --- what the clock does ----------------------------------------------------------------------


async def sweep_objections() -> int:
    """Lapse rejected objections nobody contested in time, and mark whatever is overdue; how many moved."""
    due = await db.rows(
        "select id from grading_objection where due_at <= $1 and (state = $2 or overdue_at is null) order by id",
        clock.now(),
        ObjectionState.REJECTED.value,
    )
    return sum([await _due(row["id"]) for row in due])


async def _due(objection_id: int) -> bool:
    async with transaction():
        row = await locked(objection_id)
        if row["due_at"] is None or row["due_at"] > clock.now():
            return False
        if row["state"] == ObjectionState.REJECTED:
            after, receipt = await step(SYSTEM, row, ObjectionAct.LAPSE)
            await trail_step(SYSTEM, row, "grade-objection.lapsed", after)
            await let_go(row)
            await tell(row, receipt.state, row["reasons"])
            return True
        if row["overdue_at"] is not None:
            return False
        await db.execute("update grading_objection set overdue_at = $2 where id = $1", objection_id, clock.now())
        await trail.record(
            SYSTEM,
            "grade-objection.overdue",
            f"grade-objection:{objection_id}",
            after={"due_at": row["due_at"], "state": row["state"]},
            threads=[f"agency:{row['agency']}", f"grade:{row['report']}"],
        )
        return True

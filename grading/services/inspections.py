"""Random inspections: announce (list and secret frozen), draw by a public value, record what was found."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import anyio.to_thread

from agencies.queries import agency_row, graded_lines
from agencies.rules import Profession
from core import clock, db, mail, trail
from core.db import transaction
from core.identity import Identity, Permission
from core.keys import secret
from core.serials import next_number
from grading.queries.schemes import rulebook_on
from grading.queries.supervision import supervision_on
from grading.rules.inspections import (
    NO_ENVELOPES,
    OBSTRUCTION_ITEM,
    PROPOSING,
    AlreadyInspected,
    ItemMissing,
    Line,
    NothingOrdered,
    NothingToInspect,
    OrderWithoutTerm,
    Outcome,
    OutsideEmpty,
    PlanDrawn,
    PlanExists,
    PlanGone,
    Quota,
    chosen,
    draw,
    grades_digest,
    quarter_ends,
    quarter_of,
    quotas,
)
from grading.services.conduct import FindingDraft, propose_conduct
from market import sealing
from market.rules.draw import Checkpoint, Outside, commit_to, contributions_digest, list_digest, lots_digest

SERIES = "CC"


@dataclass(frozen=True)
class PlanReceipt:
    """That a plan is announced or drawn."""

    plan_id: int
    number: str
    lines: int
    inspections: int
    at: datetime
    entry_id: int


@dataclass(frozen=True)
class InspectionDraft:
    """What an inspection found; `code` names the conduct item when points are proposed, `correct_by` the term of an order."""

    visited_on: date
    inspectors: str
    facts: str
    outcome: Outcome
    code: str = ""
    correct_by: date | None = None


@dataclass(frozen=True)
class InspectionReceipt:
    """That the result of an inspection is recorded, with the finding it led to."""

    inspection_id: int
    outcome: Outcome
    finding_id: int | None
    at: datetime
    entry_id: int


async def announce_plan(*, actor: Identity, outside_source: str) -> PlanReceipt:
    """Announce this quarter's inspections: list, quotas and the fingerprint of a secret are frozen and recorded.

    `outside_source` names the public value, not known today, that completes the draw. Raises `PlanExists`,
    `NothingToInspect`, `OutsideEmpty`.
    """
    actor.require(Permission.RUN_GRADING)
    if not outside_source.strip():
        raise OutsideEmpty
    async with transaction():
        year, quarter = quarter_of(clock.today())
        await db.execute("select pg_advisory_xact_lock(hashtext('grading_inspection_plan'))")
        if await db.value("select 1 from grading_inspection_plan where year = $1 and quarter = $2", year, quarter):
            raise PlanExists(year=year, quarter=quarter)
        lines, owed = await _owed(year, quarter)
        if not any(one.quota for one in owed.values()):
            raise NothingToInspect
        number = await next_number(SERIES, clock.today())
        plan_id, frozen = await _freeze(actor, number, (year, quarter), lines, owed, outside_source.strip())
        entry = await trail.record(
            actor, "inspection-plan.announced", f"inspection-plan:{plan_id}", after={"number": number, **frozen}
        )
    total = sum(one.quota for one in owed.values())
    return PlanReceipt(plan_id, number, len(lines), total, clock.now(), entry)


async def _owed(year: int, quarter: int) -> tuple[list[Line], dict[str, Quota]]:
    """Who is on the list (not yet drawn this year) and what each grade owes."""
    before = await db.rows(
        "select i.agency, i.profession, i.grade from grading_inspection i join grading_inspection_plan p on p.id = i.plan"
        " where p.year = $1",
        year,
    )
    seen = {(row["agency"], row["profession"]) for row in before}
    drawn: dict[str, int] = {}
    for row in before:
        drawn[row["grade"]] = drawn.get(row["grade"], 0) + 1
    lines = [
        Line(f"{one.uscc}.{one.profession}", one.agency_id, one.profession, one.grade)
        for one in await graded_lines()
        if (one.agency_id, one.profession) not in seen
    ]
    rates = {grade.value: one.inspection_rate for grade, one in (await supervision_on(clock.today())).grades.items()}
    return sorted(lines, key=lambda one: one.code), quotas(lines, drawn, rates, quarter)


async def _freeze(
    actor: Identity, number: str, when: tuple[int, int], lines: list[Line], owed: dict[str, Quota], source: str
) -> tuple[int, dict[str, Any]]:
    hidden = sealing.new_secret()
    head = await trail.latest_checkpoint()
    checkpoint = Checkpoint(head.size, head.root.hex()) if head.size else Checkpoint()
    codes = [one.code for one in lines]
    commitment = commit_to(hidden)
    plan_id: int = await db.value(
        "insert into grading_inspection_plan (number, year, quarter, scheme, candidates, candidates_digest, quotas,"
        " commitment, secret, checkpoint_size, checkpoint_root, outside_source, outside_value, outside_where, state,"
        " announced_by, announced_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', '', 'announced', $13, $14) returning id",
        number,
        *when,
        (await rulebook_on(clock.today())).scheme_id,
        [[one.code, one.agency_id, one.profession, one.grade] for one in lines],
        list_digest(codes),
        {grade: [one.lines, one.drawn, one.quota] for grade, one in owed.items()},
        commitment,
        sealing.wrap(secret("seal"), bytes.fromhex(hidden)),
        checkpoint.size,
        checkpoint.root,
        source,
        actor.account_id,
        clock.now(),
    )
    frozen = {
        "year": when[0],
        "quarter": when[1],
        "draw_commitment": commitment,
        "envelopes_sha256": NO_ENVELOPES,
        "contributions_sha256": contributions_digest([]),
        "candidates_sha256": list_digest(codes),
        "lots_sha256": lots_digest([(code, 1) for code in codes]),
        "checkpoint": vars(checkpoint),
        "factors": [],
        "grades_sha256": grades_digest(lines),
        "quotas": {grade: one.quota for grade, one in owed.items()},
        "outside_source": source,
    }
    return plan_id, frozen


def lines_of(plan: Any) -> list[Line]:
    """The frozen list of a plan's row."""
    return [Line(*one) for one in plan["candidates"]]


async def draw_plan(*, actor: Identity, plan_id: int, value: str, where: str) -> PlanReceipt:
    """Record the public value and draw; whom the lot takes is published at once, each agency is told.

    Raises `PlanGone`, `PlanDrawn`, `OutsideEmpty`. The one place where the plan's secret is read.
    """
    actor.require(Permission.RUN_GRADING)
    value, where = value.strip(), where.strip()
    if not value or not where:
        raise OutsideEmpty
    async with transaction():
        plan = await db.row("select * from grading_inspection_plan where id = $1 for update", plan_id)
        if plan is None:
            raise PlanGone
        if plan["state"] != "announced":
            raise PlanDrawn
        lines = lines_of(plan)
        hidden = sealing.unwrap(secret("seal"), plan["secret"]).hex()
        checkpoint = Checkpoint(plan["checkpoint_size"], plan["checkpoint_root"])
        outside = Outside(plan["outside_source"], value)
        record = await anyio.to_thread.run_sync(
            draw, plan["number"], hidden, plan["commitment"], checkpoint, outside, lines
        )
        taken = chosen(record.order, lines, {grade: one[2] for grade, one in plan["quotas"].items()})
        await db.execute(
            "update grading_inspection_plan set state = 'drawn', outside_value = $2, outside_where = $3, drawn_by = $4,"
            " drawn_at = $5, result = $6 where id = $1",
            plan_id,
            value,
            where,
            actor.account_id,
            clock.now(),
            record.as_json(),
        )
        due_on = quarter_ends(plan["year"], plan["quarter"])
        for place, line in taken:
            await _order(plan, place, line, due_on)
        facts = {"value": value, "where": where, "key": record.key, "inspected": [line.code for _place, line in taken]}
        threads = sorted({f"agency:{line.agency_id}" for _place, line in taken})
        subject = f"inspection-plan:{plan_id}"
        entry = await trail.record(actor, "inspection-plan.drawn", subject, after=facts, threads=threads)
    return PlanReceipt(plan_id, plan["number"], len(lines), len(taken), clock.now(), entry)


async def _order(plan: Any, place: int, line: Line, due_on: date) -> None:
    await db.execute(
        "insert into grading_inspection (plan, agency, profession, grade, place, due_on, state, inspectors, facts,"
        " outcome) values ($1, $2, $3, $4, $5, $6, 'due', '', '', '')",
        plan["id"],
        line.agency_id,
        line.profession,
        line.grade,
        place,
        due_on,
    )
    agency = await agency_row(line.agency_id)
    await mail.send(
        to_organization=agency.organization_id,
        message="grading/inspection_drawn",
        context={"plan_id": plan["id"], "number": plan["number"], "due_on": str(due_on)},
    )


async def record_inspection(*, actor: Identity, inspection_id: int, draft: InspectionDraft) -> InspectionReceipt:
    """Record what was found; published. A finding or an obstruction becomes a proposal of points, decided by another.

    An order to put something right within a term caps the grade at C while it is open (rule-set XT-2026.1, CC-03).
    Raises `PlanGone`, `AlreadyInspected`, `ItemMissing`, `OrderWithoutTerm`.
    """
    actor.require(Permission.RECORD_CONDUCT)
    ordered = draft.outcome is Outcome.ORDERED
    if ordered and (draft.correct_by is None or draft.correct_by < clock.today()):
        raise OrderWithoutTerm
    correct_by = draft.correct_by if ordered else None
    async with transaction():
        row = await db.row(
            "select i.*, p.number from grading_inspection i join grading_inspection_plan p on p.id = i.plan"
            " where i.id = $1 for update of i",
            inspection_id,
        )
        if row is None:
            raise PlanGone
        if row["state"] == "done":
            raise AlreadyInspected
        finding_id = await _proposed(actor, row, draft)
        await db.execute(
            "update grading_inspection set state = 'done', visited_on = $2, inspectors = $3, facts = $4, outcome = $5,"
            " recorded_by = $6, recorded_at = $7, finding = $8, correct_by = $9 where id = $1",
            inspection_id,
            draft.visited_on,
            draft.inspectors,
            draft.facts,
            draft.outcome.value,
            actor.account_id,
            clock.now(),
            finding_id,
            correct_by,
        )
        term = {"correct_by": correct_by} if correct_by else {}
        entry = await trail.record(
            actor,
            "inspection.recorded",
            f"inspection:{inspection_id}",
            after={"plan": row["number"], "visited_on": draft.visited_on, "outcome": draft.outcome.value} | term,
            personal={"inspectors": draft.inspectors, "facts": draft.facts},
            threads=[f"inspection-plan:{row['plan']}", f"agency:{row['agency']}"],
        )
        await _tell(row, draft)
    return InspectionReceipt(inspection_id, draft.outcome, finding_id, clock.now(), entry)


async def confirm_rectified(*, actor: Identity, inspection_id: int, words: str) -> InspectionReceipt:
    """Confirm that what an inspection ordered is put right; from that day it caps no grade any more.

    The next grade knows it. Raises `PlanGone`, `NothingOrdered`.
    """
    actor.require(Permission.RECORD_CONDUCT)
    async with transaction():
        row = await db.row(
            "select i.*, p.number from grading_inspection i join grading_inspection_plan p on p.id = i.plan"
            " where i.id = $1 for update of i",
            inspection_id,
        )
        if row is None:
            raise PlanGone
        if row["correct_by"] is None or row["corrected_on"] is not None:
            raise NothingOrdered
        await db.execute(
            "update grading_inspection set corrected_on = $2, confirmed_by = $3 where id = $1",
            inspection_id,
            clock.today(),
            actor.account_id,
        )
        entry = await trail.record(
            actor,
            "inspection.rectified",
            f"inspection:{inspection_id}",
            after={"plan": row["number"], "corrected_on": clock.today(), "late": clock.today() > row["correct_by"]},
            personal={"words": words},
            threads=[f"inspection-plan:{row['plan']}", f"agency:{row['agency']}"],
        )
        agency = await agency_row(row["agency"])
        context = {"plan_id": row["plan"], "number": row["number"], "words": words}
        await mail.send(to_organization=agency.organization_id, message="grading/inspection_rectified", context=context)
    return InspectionReceipt(inspection_id, Outcome.ORDERED, row["finding"], clock.now(), entry)


async def _proposed(actor: Identity, row: Any, draft: InspectionDraft) -> int | None:
    if draft.outcome not in PROPOSING:
        return None
    code = OBSTRUCTION_ITEM if draft.outcome is Outcome.OBSTRUCTED else draft.code
    if not code:
        raise ItemMissing
    finding = FindingDraft(
        row["agency"],
        Profession(row["profession"]),
        code,
        f"inspection:{row['id']}",
        draft.visited_on,
        draft.facts,
        f"{row['number']}　{draft.inspectors}",
    )
    return (await propose_conduct(actor=actor, draft=finding)).finding_id


async def _tell(row: Any, draft: InspectionDraft) -> None:
    agency = await agency_row(row["agency"])
    await mail.send(
        to_organization=agency.organization_id,
        message="grading/inspection_recorded",
        context={
            "plan_id": row["plan"],
            "number": row["number"],
            "outcome": draft.outcome.value,
            "until": str(draft.correct_by or ""),
        },
    )

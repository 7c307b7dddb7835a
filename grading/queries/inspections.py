"""Random inspections for everybody: plans, draws, results. Who inspected is for officers and the agency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core import clock, db
from core.identity import Identity, Permission
from grading.rules.inspections import Line, Outcome, PlanGone, Quota, grades_digest

_PLAN = """
select p.*, (select count(*) from grading_inspection i where i.plan = p.id) as ordered,
  (select count(*) from grading_inspection i where i.plan = p.id and i.state = 'done') as done
from grading_inspection_plan p
"""


@dataclass(frozen=True)
class PlanView:
    """A plan with its frozen list; `result` is the draw file once drawn."""

    plan_id: int
    number: str
    year: int
    quarter: int
    lines: tuple[Line, ...]
    candidates_digest: str
    quotas: dict[str, Quota]
    commitment: str
    checkpoint_size: int
    checkpoint_root: str
    outside_source: str
    outside_value: str
    outside_where: str
    drawn: bool
    announced_at: datetime
    drawn_at: datetime | None
    result: dict[str, Any] | None
    ordered: int
    done: int

    @property
    def owed(self) -> int:
        """How many the plan takes."""
        return sum(one.quota for one in self.quotas.values())

    @property
    def grades_digest(self) -> str:
        """The fingerprint of the grades the quotas rest on, computed now from the list."""
        return grades_digest(self.lines)


def _plan(row: Any) -> PlanView:
    facts = dict(row) | {
        "plan_id": row["id"],
        "lines": tuple(Line(*one) for one in row["candidates"]),
        "quotas": {grade: Quota(*one) for grade, one in sorted(row["quotas"].items())},
        "drawn": row["state"] == "drawn",
    }
    return PlanView(**{name: facts[name] for name in PlanView.__dataclass_fields__})


async def plans(limit: int = 24) -> list[PlanView]:
    """The plans, the latest first."""
    return [_plan(row) for row in await db.rows(_PLAN + "order by p.year desc, p.quarter desc limit $1", limit)]


async def plan(plan_id: int) -> PlanView:
    """One plan; `PlanGone`."""
    row = await db.row(_PLAN + "where p.id = $1", plan_id)
    if row is None:
        raise PlanGone
    return _plan(row)


@dataclass(frozen=True)
class InspectionRow:
    """An inspection; `inspectors` and `facts` are empty for readers they are not meant for."""

    inspection_id: int
    plan_id: int
    plan_number: str
    agency_id: int
    agency_zh: str
    agency_en: str
    organization_id: int
    uscc: str
    profession: str
    grade: str
    place: int
    due_on: date
    done: bool
    visited_on: date | None
    inspectors: str
    facts: str
    outcome: Outcome | None
    finding_id: int | None
    correct_by: date | None
    corrected_on: date | None

    @property
    def open_order(self) -> bool:
        """Whether something ordered is not yet confirmed to be put right."""
        return self.correct_by is not None and self.corrected_on is None

    @property
    def overdue(self) -> bool:
        """Whether the term of an open order is over."""
        return self.open_order and self.correct_by is not None and clock.today() > self.correct_by


_ROWS = """
select i.*, p.number as plan_number, a.name_zh, a.name_en, a.organization, a.uscc
from grading_inspection i join grading_inspection_plan p on p.id = i.plan join agencies_agency a on a.id = i.agency
"""


def _row(row: Any, reader: Identity | None) -> InspectionRow:
    own = reader is not None and reader.organization_id == row["organization"]
    inside = own or (reader is not None and reader.may(Permission.RECORD_CONDUCT))
    return InspectionRow(
        inspection_id=row["id"],
        plan_id=row["plan"],
        plan_number=row["plan_number"],
        agency_id=row["agency"],
        agency_zh=row["name_zh"],
        agency_en=row["name_en"] or row["name_zh"],
        organization_id=row["organization"],
        uscc=row["uscc"],
        profession=row["profession"],
        grade=row["grade"],
        place=row["place"],
        due_on=row["due_on"],
        done=row["state"] == "done",
        visited_on=row["visited_on"],
        inspectors=row["inspectors"] if inside else "",
        facts=row["facts"] if inside else "",
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        finding_id=row["finding"] if inside else None,
        correct_by=row["correct_by"],
        corrected_on=row["corrected_on"],
    )


async def inspections(plan_id: int, reader: Identity | None) -> list[InspectionRow]:
    """Whom the lot took, in drawn order, with what was found."""
    found = await db.rows(_ROWS + "where i.plan = $1 order by i.place", plan_id)
    return [_row(row, reader) for row in found]


async def inspection(inspection_id: int, reader: Identity | None) -> InspectionRow:
    """One inspection; `PlanGone`."""
    row = await db.row(_ROWS + "where i.id = $1", inspection_id)
    if row is None:
        raise PlanGone
    return _row(row, reader)


async def inspections_of(agency_id: int, reader: Identity | None) -> list[InspectionRow]:
    """The inspections of an agency, the latest first."""
    found = await db.rows(_ROWS + "where i.agency = $1 order by i.id desc limit 20", agency_id)
    return [_row(row, reader) for row in found]


async def open_orders(agency_id: int | None, reader: Identity) -> list[InspectionRow]:
    """Orders not yet confirmed to be put right, of one agency or of all, the nearest term first."""
    found = await db.rows(
        _ROWS + "where i.correct_by is not null and i.corrected_on is null and ($1::bigint is null or i.agency = $1)"
        " order by i.correct_by, i.id limit 50",
        agency_id,
    )
    return [_row(row, reader) for row in found]


async def orders_on(agency_ids: Sequence[int], day: date) -> set[tuple[int, str]]:
    """Agency and profession of every order open on `day`: recorded by then, and not confirmed by then."""
    found = await db.rows(
        "select agency, profession from grading_inspection where agency = any($1::bigint[]) and correct_by is not null"
        " and (recorded_at at time zone 'Asia/Shanghai')::date <= $2"
        " and (corrected_on is null or corrected_on > $2)",
        list(agency_ids),
        day,
    )
    return {(row["agency"], row["profession"]) for row in found}


async def due_inspections(reader: Identity) -> list[InspectionRow]:
    """Inspections ordered and not yet recorded, the nearest due first."""
    found = await db.rows(_ROWS + "where i.state = 'due' order by i.due_on, i.id limit 50")
    return [_row(row, reader) for row in found]

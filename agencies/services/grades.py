"""The grade on record: grading publishes, this floor remembers (house rule: record downward)."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from agencies.queries.register import AgencyNotFound
from agencies.rules import CreditGrade, Profession
from core import db, trail
from core.db import transaction
from core.identity import SYSTEM, Identity


@dataclass(frozen=True)
class GradeFigures:
    """What stands beside a grade in lists, as of its publication. None: not known."""

    results: int | None = None
    on_time_percent: int | None = None
    reviewers: int | None = None
    clients: int | None = None
    points: int | None = None
    stars: str | None = None


@dataclass(frozen=True)
class GradeReceipt:
    """That a grade is on record."""

    record_id: int
    entry_id: int


INSERT = """
insert into agencies_grade_record (agency, profession, grade, score, low, high, firm, scheme, as_of,
  published_at, publication_no, figures)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning id
"""


async def record_grade(
    *,
    agency_id: int,
    profession: Profession,
    grade: CreditGrade,
    score: Decimal | None,
    low: Decimal | None,
    high: Decimal | None,
    firm: bool,
    scheme: str,
    as_of: date,
    published_at: datetime,
    publication_no: str,
    figures: GradeFigures | None = None,
    actor: Identity = SYSTEM,
) -> GradeReceipt:
    """Append a published grade and make it the one shown, unless a later one is there already.

    Raises `AgencyNotFound` when the agency is not on record in that profession. Recording the same
    publication twice violates the unique constraint: publications are immutable.
    """
    scored = (grade.value, score, low, high, firm)
    published = (scheme, as_of, published_at, publication_no)
    facts = {"grade": grade.value, "score": score, "scheme": scheme, "as_of": as_of, "publication": publication_no}
    async with transaction():
        profession_id = await _locked(agency_id, profession)
        record_id = await db.value(INSERT, agency_id, profession.value, *scored, *published, _shown(figures))
        before = await _show_latest(profession_id)
        entry = await trail.record(
            actor,
            "agency.graded",
            f"agency:{agency_id}",
            before={"grade": before},
            after={"profession": profession.value, **facts},
        )
    return GradeReceipt(record_id, entry)


def _shown(figures: GradeFigures | None) -> dict[str, Any]:
    return {name: value for name, value in asdict(figures or GradeFigures()).items() if value is not None}


async def _locked(agency_id: int, profession: Profession) -> int:
    profession_id: int | None = await db.value(
        "select id from agencies_profession where agency = $1 and profession = $2 for update",
        agency_id,
        profession.value,
    )
    if profession_id is None:
        raise AgencyNotFound
    return profession_id


async def _show_latest(profession_id: int) -> str:
    """Copy the latest published line beside the profession; the grade shown before."""
    before: str = await db.value("select grade from agencies_profession where id = $1", profession_id)
    await db.execute(
        "update agencies_profession p set grade = r.grade, score = r.score, low = r.low, high = r.high,"
        " firm = r.firm, graded_on = (r.published_at at time zone 'Asia/Shanghai')::date, figures = r.figures"
        " from (select * from agencies_grade_record g where (g.agency, g.profession) ="
        " (select agency, profession from agencies_profession where id = $1)"
        " order by g.published_at desc, g.id desc limit 1) r where p.id = $1",
        profession_id,
    )
    return before

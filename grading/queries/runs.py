"""Runs and their reports, for the grading officers."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from agencies.rules import CreditGrade, Profession
from core import db
from grading.rules.errors import RunAbsent
from grading.rules.lifecycle import ReportState, RunKind, RunState

_RUN = """
select n.*, s.code as scheme_code, c.code as calibration_code,
  count(r.id) filter (where r.state <> 'withdrawn') as total,
  count(r.id) filter (where r.state in ('published', 'superseded')) as published,
  count(r.id) filter (where r.state = 'commented') as commented
from grading_run n
join grading_scheme s on s.id = n.scheme
join grading_calibration c on c.id = n.calibration
left join grading_report r on r.run = n.id
"""


@dataclass(frozen=True)
class RunRow:
    """A run with how far it is."""

    run_id: int
    kind: RunKind
    as_of: date
    state: RunState
    scheme_code: str
    calibration_code: str
    prepared_at: datetime
    comment_until: datetime
    closed_at: datetime | None
    total: int
    published: int
    commented: int

    @property
    def waiting(self) -> int:
        """Drafts that nobody has signed yet."""
        return self.total - self.published


@dataclass(frozen=True)
class RunReport:
    """One line of a run."""

    report_id: int
    agency_id: int
    name_zh: str
    name_en: str
    profession: Profession
    prior_result: CreditGrade
    result: CreditGrade
    quality: CreditGrade
    conduct: CreditGrade
    score: Decimal
    low: Decimal
    high: Decimal
    firm: bool
    alarm: bool
    state: ReportState
    commented: bool
    comment_until: datetime
    publication_no: str | None

    @property
    def moved(self) -> bool:
        """Whether the grade changes."""
        return self.prior_result is not self.result

    @property
    def rated(self) -> bool:
        """Whether the score may be shown."""
        return self.quality is not CreditGrade.N


def _run(row: Any) -> RunRow:
    plain = ("as_of", "scheme_code", "calibration_code", "prepared_at", "comment_until", "closed_at")
    counts = ("total", "published", "commented")
    return RunRow(
        run_id=row["id"],
        kind=RunKind(row["kind"]),
        state=RunState(row["state"]),
        **{name: row[name] for name in plain + counts},
    )


async def runs(*, before: int | None = None, limit: int = 24) -> list[RunRow]:
    """Runs, latest first; `before` is the id of the last one seen."""
    found = await db.rows(
        _RUN + "where $1::bigint is null or n.id < $1 group by n.id, s.code, c.code order by n.id desc limit $2",
        before,
        limit,
    )
    return [_run(row) for row in found]


async def run(run_id: int) -> RunRow:
    """One run; `RunAbsent`."""
    row = await db.row(_RUN + "where n.id = $1 group by n.id, s.code, c.code", run_id)
    if row is None:
        raise RunAbsent
    return _run(row)


async def run_reports(run_id: int) -> list[RunReport]:
    """The reports of a run, commented and changed ones first; withdrawn drafts are left out."""
    found = await db.rows(
        "select r.*, a.name_zh, a.name_en from grading_report r join agencies_agency a on a.id = r.agency"
        " where r.run = $1 and r.state <> 'withdrawn'"
        " order by (r.state = 'commented') desc, (r.prior_result <> r.result) desc, r.alarm desc, r.id",
        run_id,
    )
    plain = ("name_zh", "name_en", "score", "low", "high", "firm", "alarm", "comment_until", "publication_no")
    return [
        RunReport(
            report_id=row["id"],
            agency_id=row["agency"],
            profession=Profession(row["profession"]),
            prior_result=CreditGrade(row["prior_result"]),
            result=CreditGrade(row["result"]),
            quality=CreditGrade(row["quality"]),
            conduct=CreditGrade(row["conduct"]),
            state=ReportState(row["state"]),
            commented=bool(row["comment"]),
            **{name: row[name] for name in plain},
        )
        for row in found
    ]

"""Reports: the published one for everybody, drafts for their agency and the officers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from agencies.queries import agency_of
from agencies.rules import CreditGrade, Profession
from core import db
from core.identity import Identity, Permission
from grading.rules.calibration import load_calibration
from grading.rules.errors import ReportAbsent
from grading.rules.evidence import Case, Evidence
from grading.rules.explain import CaseRow
from grading.rules.lifecycle import ReportState
from grading.rules.replay import Outcome
from grading.rules.scheme import load_scheme
from grading.stored import evidence_of, outcome_of

_REPORT = """
select r.*, a.name_zh, a.name_en, a.uscc, a.organization, s.code as scheme_code, s.digest as scheme_digest,
  s.source as rules, c.source as corrections,
  c.code as calibration_code, c.digest as calibration_digest, n.kind as run_kind, u.name as signer,
  (select x.id from grading_report x where x.agency = r.agency and x.profession = r.profession
   and x.state = 'published') as current_id
from grading_report r
join grading_run n on n.id = r.run
join grading_scheme s on s.id = n.scheme
join grading_calibration c on c.id = n.calibration
join agencies_agency a on a.id = r.agency
left join core_account u on u.id = r.signed_by
"""


@dataclass(frozen=True)
class CaseLine:
    """One line of the table that adds up: the evidence and what became of it."""

    case: Case
    row: CaseRow
    number: str
    client_zh: str
    client_en: str

    @property
    def month(self) -> str:
        """The month in which the review became final."""
        return f"{self.case.finalised_on:%Y-%m}"


@dataclass(frozen=True)
class YearLine:
    """The results of one year together: what everybody may see of the table that adds up.

    `numbers` are those of the public records of the results; no reviewer and no client can be read off it.
    """

    year: int
    results: int
    numbers: tuple[str, ...]
    share: Decimal
    effect: Decimal


@dataclass(frozen=True)
class ReportView:
    """A report with its evidence, outcome and names; what a reader may see is decided by the query.

    `full` is for the agency and the officers. For everybody else the cases are summed by year: lines, cases
    of the evidence and their rows in the outcome are empty.
    """

    report_id: int
    run_id: int
    run_kind: str
    agency_id: int
    organization_id: int
    name_zh: str
    name_en: str
    uscc: str
    profession: Profession
    as_of: date
    state: ReportState
    prior_result: CreditGrade
    result: CreditGrade
    evidence: Evidence
    outcome: Outcome
    evidence_digest: str
    outcome_digest: str
    scheme_code: str
    scheme_digest: str
    calibration_code: str
    calibration_digest: str
    half_life: float
    comment: str
    commented_at: datetime | None
    comment_until: datetime
    answer: str
    signer: str | None
    published_at: datetime | None
    publication_no: str | None
    current_id: int | None
    lines: tuple[CaseLine, ...]
    full: bool
    results: int
    years: tuple[YearLine, ...]

    @property
    def superseded(self) -> bool:
        """Whether a later grade or draft has taken its place."""
        return self.state in (ReportState.SUPERSEDED, ReportState.WITHDRAWN)

    @property
    def rated(self) -> bool:
        """Whether the evidence sufficed for a quality grade."""
        return self.outcome.quality is not CreditGrade.N

    @property
    def most(self) -> Decimal:
        """The largest effect in the table, for the length of its bars."""
        effects = [abs(line.row.effect) for line in self.lines] or [abs(line.effect) for line in self.years]
        effects += [abs(row.effect) for row in self.outcome.explanation.extras]
        return max(effects, default=Decimal(1))

    @property
    def met(self) -> int:
        """How many conditions for the next grade are met."""
        return sum(check.met for check in self.outcome.missing)


async def _view(row: Any, *, full: bool) -> ReportView:
    evidence, outcome = evidence_of(row["evidence"]), outcome_of(row["outcome"])
    clients = await _clients([case.client_id for case in evidence.cases])
    numbers = await _numbers([case.deliverable_id for case in evidence.cases])
    by_id = {line.deliverable_id: line for line in outcome.explanation.cases}
    lines = tuple(
        CaseLine(
            case,
            by_id[case.deliverable_id],
            numbers.get(case.deliverable_id, ""),
            *clients.get(case.client_id, ("", "")),
        )
        for case in reversed(evidence.cases)
        if case.deliverable_id in by_id
    )
    view = ReportView(
        full=True,
        results=len(evidence.cases),
        years=_years(lines),
        report_id=row["id"],
        run_id=row["run"],
        agency_id=row["agency"],
        organization_id=row["organization"],
        profession=Profession(row["profession"]),
        state=ReportState(row["state"]),
        prior_result=CreditGrade(row["prior_result"]),
        result=CreditGrade(row["result"]),
        evidence=evidence,
        outcome=outcome,
        lines=lines,
        half_life=load_calibration(row["corrections"]).half_life(load_scheme(row["rules"])),
        **{name: row[name] for name in _PLAIN},
    )
    return view if full else _lawful(view)


def _years(lines: Sequence[CaseLine]) -> tuple[YearLine, ...]:
    """The lines summed by the year in which the review became final, newest first."""
    years = sorted({line.case.finalised_on.year for line in lines}, reverse=True)
    grouped = [[line for line in lines if line.case.finalised_on.year == year] for year in years]
    return tuple(
        YearLine(
            year,
            len(group),
            tuple(line.number for line in group if line.number),
            sum((line.row.share for line in group), Decimal(0)),
            sum((line.row.effect for line in group), Decimal(0)),
        )
        for year, group in zip(years, grouped, strict=True)
    )


def _lawful(view: ReportView) -> ReportView:
    """What everybody may see: the sums, but no single mark with its reviewer, correction, client or stars."""
    explanation = replace(view.outcome.explanation, cases=())
    return replace(
        view,
        full=False,
        lines=(),
        evidence=replace(view.evidence, cases=()),
        outcome=replace(view.outcome, explanation=explanation),
    )


_PLAIN = (
    "run_kind",
    "name_zh",
    "name_en",
    "uscc",
    "as_of",
    "evidence_digest",
    "outcome_digest",
    "scheme_code",
    "scheme_digest",
    "calibration_code",
    "calibration_digest",
    "comment",
    "commented_at",
    "comment_until",
    "answer",
    "signer",
    "published_at",
    "publication_no",
    "current_id",
)


async def _clients(ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    found = await db.rows(
        "select id, name_zh, name_en from core_organization where id = any($1::bigint[])", list(set(ids))
    )
    return {row["id"]: (row["name_zh"], row["name_en"] or row["name_zh"]) for row in found}


async def _numbers(ids: Sequence[int]) -> dict[int, str]:
    found = await db.rows("select id, number from contracts_deliverable where id = any($1::bigint[])", list(ids))
    return {row["id"]: row["number"] for row in found}


async def standing_explanation(
    agency_id: int, profession: Profession, reader: Identity | None = None
) -> ReportView | None:
    """The published report in force; None before the first. Case by case for its agency and the officers only."""
    row = await db.row(
        _REPORT + "where r.agency = $1 and r.profession = $2 and r.state = 'published'",
        agency_id,
        profession.value,
    )
    return await _view(row, full=await _may_see_cases(reader, row["agency"])) if row else None


async def report(reader: Identity | None, report_id: int) -> ReportView:
    """One report: published and superseded ones for everybody, drafts for the agency and the officers.

    `ReportAbsent` for everything else, as if it were not there.
    """
    row = await db.row(_REPORT + "where r.id = $1", report_id)
    if row is None or not await _may_see(reader, row):
        raise ReportAbsent
    return await _view(row, full=await _may_see_cases(reader, row["agency"]))


async def contested_report(report_id: int) -> ReportView:
    """A report with every case behind it, for those who may see the objection to it: the caller has checked that.

    Members of a re-review panel are no party and watch no grading, but they decide about single cases.
    """
    row = await db.row(_REPORT + "where r.id = $1", report_id)
    if row is None:
        raise ReportAbsent
    return await _view(row, full=True)


async def _may_see(reader: Identity | None, row: Any) -> bool:
    if row["state"] in (ReportState.PUBLISHED, ReportState.SUPERSEDED):
        return True
    return reader is not None and await _is_party(reader, row["agency"])


async def _may_see_cases(reader: Identity | None, agency_id: int) -> bool:
    if reader is None:
        return False
    return reader.may(Permission.WATCH_GRADING) or await _is_party(reader, agency_id)


async def _is_party(reader: Identity, agency_id: int) -> bool:
    if reader.may(Permission.PUBLISH_GRADE):
        return True
    agency = await agency_of(reader.organization_id) if reader.may(Permission.COMMENT_GRADE) else None
    return agency is not None and agency.agency_id == agency_id


@dataclass(frozen=True)
class HistoryPoint:
    """One published grade in time."""

    report_id: int
    as_of: date
    published_at: datetime
    result: CreditGrade
    rated: bool
    score: Decimal
    low: Decimal
    high: Decimal
    publication_no: str


async def history(agency_id: int, profession: Profession, *, most: int = 24) -> list[HistoryPoint]:
    """The last published grades, oldest first; one that was replaced after an objection gives way to its successor."""
    found = await db.rows(
        "select id, as_of, published_at, result, quality, score, low, high, publication_no from grading_report"
        " where agency = $1 and profession = $2 and state in ('published', 'superseded')"
        " and not exists (select 1 from grading_replacement x where x.report = grading_report.id)"
        " order by as_of desc, published_at desc, id desc limit $3",
        agency_id,
        profession.value,
        most,
    )
    return [
        HistoryPoint(
            report_id=row["id"],
            as_of=row["as_of"],
            published_at=row["published_at"],
            result=CreditGrade(row["result"]),
            rated=row["quality"] != CreditGrade.N,
            score=row["score"],
            low=row["low"],
            high=row["high"],
            publication_no=row["publication_no"],
        )
        for row in reversed(found)
    ]


def chart_data(points: Sequence[HistoryPoint], edges: Sequence[Decimal], first: str, moved: str) -> dict[str, Any]:
    """What `history` charts draw: months, scores with interval, and where the grade changed.

    `first` and `moved` are sentences with `%(g)s` for the grade.
    """
    events, before = [], CreditGrade.N
    for n, point in enumerate(points):
        if point.result != before and point.result is not CreditGrade.N:
            text = first if before is CreditGrade.N else moved
            events.append({"i": n, "t": text % {"g": point.result.value}})
        before = point.result
    return {
        "months": [f"{point.as_of:%y-%m}" for point in points],
        "q": [float(point.score) if point.rated else None for point in points],
        "lo": [float(point.low) if point.rated else None for point in points],
        "hi": [float(point.high) if point.rated else None for point in points],
        "grade": [point.result.value for point in points],
        "events": events,
        "bands": [float(edge) for edge in edges],
    }


@dataclass(frozen=True)
class LatestGrade:
    """One line of the list of grades as last published."""

    report_id: int
    agency_id: int
    name_zh: str
    name_en: str
    profession: Profession
    result: CreditGrade
    prior_result: CreditGrade
    rated: bool
    firm: bool
    score: Decimal
    low: Decimal
    high: Decimal
    as_of: date
    publication_no: str


async def latest_grades(
    *, profession: Profession | None = None, before: int | None = None, limit: int = 50
) -> list[LatestGrade]:
    """Grades in force, latest publication first; `before` is the id of the last line seen."""
    found = await db.rows(
        "select r.id as report_id, r.agency as agency_id, a.name_zh, a.name_en, r.profession, r.result,"
        " r.prior_result, r.quality, r.firm, r.score, r.low, r.high, r.as_of, r.publication_no"
        " from grading_report r join agencies_agency a on a.id = r.agency where r.state = 'published'"
        " and ($1::text is null or r.profession = $1) and ($2::bigint is null or r.id < $2)"
        " order by r.id desc limit $3",
        profession.value if profession else None,
        before,
        limit,
    )
    return [
        LatestGrade(
            **{name: row[name] for name in ("report_id", "agency_id", "name_zh", "name_en", "firm", "as_of")},
            profession=Profession(row["profession"]),
            result=CreditGrade(row["result"]),
            prior_result=CreditGrade(row["prior_result"]),
            rated=row["quality"] != CreditGrade.N,
            score=row["score"],
            low=row["low"],
            high=row["high"],
            publication_no=row["publication_no"],
        )
        for row in found
    ]


async def grade_mix(months: int = 12) -> dict[str, Any]:
    """Published grades per month of evaluation, for the stacked chart; months without a run are absent."""
    found = await db.rows(
        "select to_char(n.as_of, 'YY-MM') as month, r.result, count(*) as number"
        " from grading_report r join grading_run n on n.id = r.run"
        " where r.state in ('published', 'superseded') and n.kind in ('monthly', 'replay')"
        " and not exists (select 1 from grading_replacement x where x.report = r.id) and n.as_of > ("
        "   select max(as_of) from grading_run where kind = 'monthly') - make_interval(months => $1)"
        " group by 1, 2 order by 1",
        months,
    )
    labels = sorted({row["month"] for row in found})
    counts = {(row["month"], row["result"]): row["number"] for row in found}
    return {"months": labels} | {
        grade.value: [counts.get((label, grade.value), 0) for label in labels] for grade in CreditGrade
    }

"""Reads of objections to a grade. That a grade is contested is public; facts, evidence and votes are the parties'."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agencies.queries import agency_of
from agencies.rules import CreditGrade, Profession
from core import clock, db
from core.files import StoredFile
from core.identity import Identity, Permission
from core.workdays import calendar
from grading.queries.schemes import rulebook_of
from grading.rules.corrections import Change, CorrectionKind
from grading.rules.objections import FIRST, OPEN, GradeObjectionAbsent, ObjectionState
from market.queries import Reliance, relied_on

_OBJECTION = """
select j.*, r.signed_by, r.result, r.prior_result, r.score, r.publication_no, r.as_of, r.published_at, r.evidence,
       a.name_zh, a.name_en, a.organization, d.name as decider, c.name as checker
from grading_objection j
join grading_report r on r.id = j.report
join agencies_agency a on a.id = j.agency
left join core_account d on d.id = j.decided_by
left join core_account c on c.id = j.checked_by
"""

_CHOSEN = """
where ($1::bigint is null or j.agency = $1) and ($2::bigint is null or j.id < $2) and (not $3 or j.closed_at is null)
  and (not $4 or exists (select 1 from grading_panel_seat s where s.objection = j.id and s.account = $5))
order by j.id desc limit $6
"""


@dataclass(frozen=True)
class SeatView:
    """One seat of the panel."""

    account_id: int
    name: str
    chair: bool
    agrees: bool | None
    words: str
    voted_at: datetime | None


@dataclass(frozen=True)
class ReplacedView:
    """A published report, what stands for it now, and both grades."""

    report_id: int
    publication_no: str
    as_of: date
    result: CreditGrade
    score: Any
    new_report_id: int
    new_publication_no: str
    new_result: CreditGrade
    new_score: Any


@dataclass(frozen=True)
class ObjectionView:
    """An objection with the grade it is about."""

    objection_id: int
    number: str
    report_id: int
    agency_id: int
    organization_id: int
    name_zh: str
    name_en: str
    profession: Profession
    result: CreditGrade
    prior_result: CreditGrade
    publication_no: str
    as_of: date
    state: ObjectionState
    suspends: bool
    facts: str
    wish: str
    lodged_at: datetime
    tagged_at: datetime
    due_at: datetime | None
    overdue_at: datetime | None
    check_words: str
    checker: str | None
    decider: str | None
    decided_at: datetime | None
    reasons: str
    contest_words: str
    contested_at: datetime | None
    lot_seed: str
    final_reasons: str
    closed_at: datetime | None
    signed_by: int
    proposal: Any

    @property
    def open(self) -> bool:
        """Whether it still waits for somebody."""
        return self.state in OPEN

    @property
    def late(self) -> bool:
        """Whether the present holder is over its time."""
        return self.due_at is not None and clock.now() >= self.due_at

    def may_decide(self, reader: Identity) -> bool:
        """Whether this reader may make the first decision: an officer who did not sign."""
        return self.state in FIRST and reader.may(Permission.PUBLISH_GRADE) and reader.account_id != self.signed_by

    def may_contest(self, reader: Identity) -> bool:
        """Whether this reader may ask for a re-review now."""
        return self.state is ObjectionState.REJECTED and self.own(reader) and not self.late

    def own(self, reader: Identity) -> bool:
        """Whether it is the reader's own objection."""
        return reader.organization_id == self.organization_id and reader.may(Permission.COMMENT_GRADE)


_PLAIN = (
    *("number", "name_zh", "name_en", "publication_no", "as_of", "suspends", "facts", "wish", "lodged_at", "tagged_at"),
    *("due_at", "overdue_at", "check_words", "checker", "decider", "decided_at", "reasons", "contest_words"),
    *("contested_at", "lot_seed", "final_reasons", "closed_at", "signed_by", "proposal"),
)


def _view(row: Any) -> ObjectionView:
    return ObjectionView(
        objection_id=row["id"],
        report_id=row["report"],
        agency_id=row["agency"],
        organization_id=row["organization"],
        profession=Profession(row["profession"]),
        result=CreditGrade(row["result"]),
        prior_result=CreditGrade(row["prior_result"]),
        state=ObjectionState(row["state"]),
        **{name: row[name] for name in _PLAIN},
    )


async def grade_objection(reader: Identity, objection_id: int) -> ObjectionView:
    """One objection for its agency, the officers and its panel; `GradeObjectionAbsent` for everybody else."""
    row = await db.row(_OBJECTION + "where j.id = $1", objection_id)
    if row is None or not await _may_see(reader, row):
        raise GradeObjectionAbsent
    return _view(row)


async def _may_see(reader: Identity, row: Any) -> bool:
    if reader.may(Permission.PUBLISH_GRADE):
        return True
    if reader.may(Permission.COMMENT_GRADE) and row["organization"] == reader.organization_id:
        return True
    seated = await db.value(
        "select 1 from grading_panel_seat where objection = $1 and account = $2", row["id"], reader.account_id
    )
    return bool(seated)


async def grade_objections(
    reader: Identity, *, before: int | None = None, limit: int = 50, only_open: bool = False
) -> list[ObjectionView]:
    """Objections, the newest first: all for the officers, its own for an agency, those one sits on for others."""
    agency_id = None
    seated = not reader.may(Permission.PUBLISH_GRADE)
    if seated and reader.may(Permission.COMMENT_GRADE):
        agency = await agency_of(reader.organization_id)
        agency_id, seated = (agency.agency_id if agency else 0), False
    found = await db.rows(
        _OBJECTION + _CHOSEN,
        agency_id,
        before,
        only_open,
        seated,
        reader.account_id,
        limit,
    )
    return [_view(row) for row in found]


async def seats_of(objection_id: int) -> list[SeatView]:
    """The panel, the chair first."""
    found = await db.rows(
        "select s.*, u.name from grading_panel_seat s join core_account u on u.id = s.account"
        " where s.objection = $1 order by s.place",
        objection_id,
    )
    return [
        SeatView(row["account"], row["name"], row["place"] == 1, row["agrees"], row["words"], row["voted_at"])
        for row in found
    ]


async def files_of(objection_id: int) -> list[StoredFile]:
    """The evidence handed in."""
    found = await db.rows(
        "select f.id, f.sha256, f.size, f.media_type, f.name from grading_objection_file e"
        " join core_stored_file f on f.id = e.file where e.objection = $1 order by e.id",
        objection_id,
    )
    return [StoredFile(**dict(row)) for row in found]


async def evidence_file(reader: Identity, objection_id: int, file_id: int) -> StoredFile:
    """One file of the evidence, for who may see the objection."""
    await grade_objection(reader, objection_id)
    found = [one for one in await files_of(objection_id) if one.id == file_id]
    if not found:
        raise GradeObjectionAbsent
    return found[0]


async def changes_made(objection_id: int) -> list[Change]:
    """What was corrected."""
    found = await db.rows(
        "select kind, target, amount from grading_correction where objection = $1 order by id", objection_id
    )
    return [Change(CorrectionKind(row["kind"]), row["target"], row["amount"]) for row in found]


async def replaced_by(objection_id: int) -> list[ReplacedView]:
    """Every report that was computed again, oldest first."""
    found = await db.rows(
        "select o.id as report_id, o.publication_no, o.as_of, o.result, o.score, n.id as new_report_id,"
        " n.publication_no as new_publication_no, n.result as new_result, n.score as new_score"
        " from grading_replacement x join grading_report o on o.id = x.report join grading_report n on n.id = x.by"
        " where x.objection = $1 order by o.as_of, o.id",
        objection_id,
    )
    return [
        ReplacedView(**dict(row) | {"result": CreditGrade(row["result"]), "new_result": CreditGrade(row["new_result"])})
        for row in found
    ]


async def told(objection_id: int, agency_id: int) -> list[Reliance]:
    """The notices whose clients were told, because they had used a grade that has changed."""
    changed = [
        one.publication_no
        for one in await replaced_by(objection_id)
        if (one.result, one.score) != (one.new_result, one.new_score)
    ]
    return await relied_on(agency_id, changed) if changed else []


@dataclass(frozen=True)
class Tag:
    """What everybody may know: this grade is, or was, contested."""

    objection_id: int
    number: str
    lodged_at: datetime
    state: ObjectionState
    suspends: bool
    closed_at: datetime | None
    report_id: int
    prior_result: CreditGrade


async def open_tags(pairs: Sequence[tuple[int, Profession]]) -> dict[tuple[int, Profession], Tag]:
    """Open objections by agency and profession, for lists of grades; one query."""
    found = await db.rows(
        "select j.*, r.prior_result from grading_objection j join grading_report r on r.id = j.report"
        " where j.closed_at is null and j.agency = any($1::bigint[]) order by j.id desc",
        sorted({agency for agency, _ in pairs}),
    )
    return {(row["agency"], Profession(row["profession"])): _tag(row) for row in found}


async def open_tag(agency_id: int, profession: Profession) -> Tag | None:
    """The open objection to the grade of one agency in one profession, if there is one."""
    return (await open_tags([(agency_id, profession)])).get((agency_id, profession))


async def tag_of_report(report_id: int) -> Tag | None:
    """The objection to one report, open or closed."""
    row = await db.row(
        "select j.*, r.prior_result from grading_objection j join grading_report r on r.id = j.report"
        " where j.report = $1",
        report_id,
    )
    return _tag(row) if row else None


def _tag(row: Any) -> Tag:
    return Tag(
        row["id"],
        row["number"],
        row["lodged_at"],
        ObjectionState(row["state"]),
        row["suspends"],
        row["closed_at"],
        row["report"],
        CreditGrade(row["prior_result"]),
    )


async def objection_until(report_id: int) -> datetime | None:
    """Until when this report can be objected to; None when it cannot (not published, replaced, contested already)."""
    row = await db.row(
        "select r.published_at, n.scheme, n.calibration from grading_report r join grading_run n on n.id = r.run"
        " where r.id = $1 and r.state in ('published', 'superseded')"
        " and not exists (select 1 from grading_replacement x where x.report = r.id)"
        " and not exists (select 1 from grading_objection j where j.report = r.id)",
        report_id,
    )
    if row is None:
        return None
    rules = await rulebook_of(row["scheme"], row["calibration"])
    until = (await calendar()).due_at(row["published_at"], rules.scheme.appeal.objection_wd)
    return until if clock.now() < until else None


async def replacement_of(report_id: int) -> tuple[int, str] | None:
    """The report that stands for this one since an objection was upheld: its id and publication number."""
    row = await db.row(
        "select n.id, n.publication_no from grading_replacement x join grading_report n on n.id = x.by"
        " where x.report = $1",
        report_id,
    )
    return (row["id"], row["publication_no"]) if row else None

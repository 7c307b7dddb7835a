"""Requests of agencies for an explanation or for a person: their own for agencies, all for the officers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agencies.queries import agency_of
from agencies.rules import CreditGrade, Profession
from core import clock, db
from core.identity import Identity, Permission
from grading.rules.asked import AskedKind, AskedState, RequestAbsent

_REQUEST = """
select q.*, r.profession, r.result, r.as_of, r.signed_by, r.publication_no, a.name_zh, a.name_en, a.organization,
       u.name as answered_name
from grading_request q
join grading_report r on r.id = q.report
join agencies_agency a on a.id = q.agency
left join core_account u on u.id = q.answered_by
"""


@dataclass(frozen=True)
class RequestView:
    """One request with the grade it is about."""

    request_id: int
    number: str
    report_id: int
    agency_id: int
    organization_id: int
    name_zh: str
    name_en: str
    profession: Profession
    result: CreditGrade
    as_of: Any
    publication_no: str | None
    kind: AskedKind
    state: AskedState
    question: str
    asked_at: datetime
    due_at: datetime
    answer: str
    answered_at: datetime | None
    answered_name: str | None
    signed_by: int | None

    @property
    def open(self) -> bool:
        """Whether nobody has answered yet."""
        return self.state is AskedState.ASKED

    @property
    def late(self) -> bool:
        """Whether the answer is overdue."""
        return self.open and clock.now() >= self.due_at

    def may_answer(self, reader: Identity) -> bool:
        """Whether this reader may answer: an officer; for a human look, another one than who signed."""
        if not self.open or not reader.may(Permission.PUBLISH_GRADE):
            return False
        return self.kind is not AskedKind.HUMAN or reader.account_id != self.signed_by


def _view(row: Any) -> RequestView:
    plain = ("number", "name_zh", "name_en", "as_of", "publication_no", "question", "asked_at", "due_at", "answer")
    return RequestView(
        request_id=row["id"],
        report_id=row["report"],
        agency_id=row["agency"],
        organization_id=row["organization"],
        profession=Profession(row["profession"]),
        result=CreditGrade(row["result"]),
        kind=AskedKind(row["kind"]),
        state=AskedState(row["state"]),
        answered_at=row["answered_at"],
        answered_name=row["answered_name"],
        signed_by=row["signed_by"],
        **{name: row[name] for name in plain},
    )


async def asked(reader: Identity, request_id: int) -> RequestView:
    """One request; `RequestAbsent` for everybody but its agency and the officers."""
    row = await db.row(_REQUEST + "where q.id = $1", request_id)
    if row is None:
        raise RequestAbsent
    officer = reader.may(Permission.PUBLISH_GRADE)
    own = reader.may(Permission.COMMENT_GRADE) and row["organization"] == reader.organization_id
    if not officer and not own:
        raise RequestAbsent
    return _view(row)


async def asked_list(reader: Identity, *, report_id: int | None = None, only_open: bool = False) -> list[RequestView]:
    """Requests, the newest first: all for the officers, its own for an agency, none for others."""
    agency_id = None
    if not reader.may(Permission.PUBLISH_GRADE):
        agency = await agency_of(reader.organization_id) if reader.may(Permission.COMMENT_GRADE) else None
        if agency is None:
            return []
        agency_id = agency.agency_id
    found = await db.rows(
        _REQUEST + "where ($1::bigint is null or q.agency = $1) and ($2::bigint is null or q.report = $2)"
        " and (not $3 or q.state = 'asked') order by q.id desc limit 100",
        agency_id,
        report_id,
        only_open,
    )
    return [_view(row) for row in found]


async def human_asked(report_id: int) -> str | None:
    """The number of an unanswered request for a person about this report."""
    number: str | None = await db.value(
        "select number from grading_request where report = $1 and kind = 'human' and state = 'asked' limit 1",
        report_id,
    )
    return number

"""Reads of reviews: a reviewer's own assignments with masked names, and results for those concerned."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from contracts.queries.contracts import OFFICERS
from contracts.queries.deliverables import FileToSend
from contracts.rules import sheets
from contracts.rules.reviews import (
    ASSIGNMENT_STATES,
    CONNECTED,
    REVIEW_STATES,
    AssignmentState,
    ReviewState,
)
from contracts.rules.sheets import Mark, ReviewSheet
from core import clock, db
from core.errors import NotFound
from core.identity import Identity, Permission, Role

# ---- the reviewer's side: never the agency, the client, the project or a filed number
_ASSIGNMENTS = """
select a.id, v.number, v.sheet_id, v.sheet_version, v.wanted, v.state as review_state, a.seat,
       a.blind, a.drawn_at, a.due_at, a.state, a.marks, a.vetoes, a.summary, a.version, a.reason,
       a.submitted_at, a.points, a.mark, c.item_name_zh, c.item_name_en, v.comment, v.answer,
       v.id as review_id
from contracts_assignment a
join contracts_reviewer r on r.id = a.reviewer
join contracts_review v on v.id = a.review
join contracts_deliverable d on d.id = v.deliverable
join contracts_contract c on c.id = d.contract
where r.account = $1
"""


@dataclass(frozen=True)
class MaskedFile:
    """A file of the result under a name that says nothing about its author."""

    place: int
    name: str
    size: int


@dataclass(frozen=True)
class AssignmentRow:
    """A reviewer's assignment with the sheet as filled in so far."""

    id: int
    review_id: int
    number: str
    sheet_id: str
    sheet_version: str
    wanted: int
    review_state: ReviewState
    seat: int
    blind: bool
    drawn_at: datetime
    due_at: datetime
    state: AssignmentState
    marks: Mapping[str, Mark]
    vetoes: Mapping[str, str]
    summary: str
    version: int
    reason: str
    submitted_at: datetime | None
    points: Decimal
    mark: Decimal | None
    item_name_zh: str
    item_name_en: str
    comment: str
    answer: str

    @property
    def state_name(self) -> str:
        """The state as a msgid."""
        return ASSIGNMENT_STATES[self.state]

    @property
    def sheet(self) -> ReviewSheet:
        """The version under which the review began."""
        return sheets.sheet_version(self.sheet_id, self.sheet_version)

    @property
    def done(self) -> int:
        """How many indicators have level and remark."""
        return sum(bool(mark.level and mark.remark.strip()) for mark in self.marks.values())

    @property
    def open(self) -> bool:
        """Whether the sheet can still be filled in."""
        return self.state is AssignmentState.ASSIGNED

    @property
    def may_answer(self) -> bool:
        """Whether the agency's comment waits for an answer that this reviewer may give."""
        mine = self.state is AssignmentState.SUBMITTED
        return mine and self.review_state is ReviewState.ANSWER


def _assignment(record: Any) -> AssignmentRow:
    return AssignmentRow(
        **(
            dict(record)
            | {
                "state": AssignmentState(record["state"]),
                "review_state": ReviewState(record["review_state"]),
                "marks": {code: Mark(*found) for code, found in record["marks"].items()},
            }
        )
    )


async def assignments(
    identity: Identity, *, limit: int, before: int | None = None, open_only: bool = False
) -> list[AssignmentRow]:
    """My assignments: open ones by due time, all of them newest first; `limit` + 1 rows."""
    identity.require(Permission.REVIEW)
    order = "a.due_at, a.id" if open_only else "a.id desc"
    found = await db.rows(
        _ASSIGNMENTS + " and ($2::bigint is null or a.id < $2)"
        f" and ($3 = false or a.state = 'assigned') order by {order} limit $4",
        identity.account_id,
        before,
        open_only,
        limit + 1,
    )
    return [_assignment(record) for record in found]


async def assignment(assignment_id: int, identity: Identity) -> AssignmentRow:
    """One of my assignments; `NotFound` for anybody else's."""
    record = await db.row(_ASSIGNMENTS + " and a.id = $2", identity.account_id, assignment_id)
    if record is None:
        raise NotFound
    return _assignment(record)


_MASKED = """
select f.place, f.name, f.size, f.stored_file
from contracts_assignment a
join contracts_reviewer r on r.id = a.reviewer
join contracts_review v on v.id = a.review
join contracts_deliverable d on d.id = v.deliverable
join contracts_submission s on s.deliverable = d.id and s.version = d.version
join contracts_submission_file f on f.submission = s.id
where a.id = $1 and r.account = $2 and a.state in ('assigned', 'submitted')
order by f.place
"""


def masked_name(number: str, place: int, name: str) -> str:
    """`XT-SC-2026-000012-1.pdf`: the review's number instead of whatever the author wrote."""
    return f"{number}-{place}{PurePath(name).suffix.lower()}"


async def assignment_files(row: AssignmentRow, identity: Identity) -> list[MaskedFile]:
    """The files of the result under review."""
    found = await db.rows(_MASKED, row.id, identity.account_id)
    return [MaskedFile(one["place"], masked_name(row.number, one["place"], one["name"]), one["size"]) for one in found]


async def assignment_file(assignment_id: int, place: int, identity: Identity) -> FileToSend:
    """One file of the result under review, to the reviewer who was drawn."""
    row = await assignment(assignment_id, identity)
    for one in await db.rows(_MASKED, assignment_id, identity.account_id):
        if one["place"] == place:
            return FileToSend(one["stored_file"], masked_name(row.number, place, one["name"]))
    raise NotFound


# ---- the result, for the agency (once shared), the client (once final) and officers
_REVIEW = """
select v.id, v.number, v.profession, v.sheet_id, v.sheet_version, v.sheet_digest, v.wanted,
       v.doubled, v.double_seed, v.state, v.opened_at, v.shared_at, v.due_at, v.comment,
       v.commented_at, v.answer, v.finalised_at, v.technical, v.vetoed,
       d.id as deliverable_id, d.number as deliverable_number, d.title, c.id as contract_id,
       c.item_name_zh, c.item_name_en, c.agency as agency_id, c.client as client_id,
       c.agency_organization as agency_organization_id
from contracts_review v
join contracts_deliverable d on d.id = v.deliverable
join contracts_contract c on c.id = d.contract
where v.id = $1 and ($3 or (c.agency_organization = $2 and v.state <> 'marking')
                        or (c.client = $2 and v.state = 'final'))
"""


@dataclass(frozen=True)
class ReviewRow:
    """A review with the result it judges."""

    id: int
    number: str
    profession: str
    sheet_id: str
    sheet_version: str
    sheet_digest: str
    wanted: int
    doubled: bool
    double_seed: str
    state: ReviewState
    opened_at: datetime
    shared_at: datetime | None
    due_at: datetime | None
    comment: str
    commented_at: datetime | None
    answer: str
    finalised_at: datetime | None
    technical: Decimal | None
    vetoed: bool
    deliverable_id: int
    deliverable_number: str
    title: str
    contract_id: int
    item_name_zh: str
    item_name_en: str
    agency_id: int
    client_id: int
    agency_organization_id: int

    @property
    def state_name(self) -> str:
        """The state as a msgid."""
        return REVIEW_STATES[self.state]

    @property
    def sheet(self) -> ReviewSheet:
        """The version under which the review began."""
        return sheets.sheet_version(self.sheet_id, self.sheet_version)


@dataclass(frozen=True)
class FindingRow:
    """One reviewer's finished sheet; `code` and the lot only for officers."""

    id: int
    seat: int
    blind: bool
    state: AssignmentState
    code: str
    drawn_at: datetime
    due_at: datetime
    submitted_at: datetime | None
    marks: Mapping[str, Mark]
    vetoes: Mapping[str, str]
    summary: str
    points: Decimal
    mark: Decimal | None
    reason: str
    lot_seed: str
    lot_pool: tuple[str, ...]
    lot_excluded: Mapping[str, str]

    @property
    def state_name(self) -> str:
        """The state as a msgid."""
        return ASSIGNMENT_STATES[self.state]

    @property
    def barred(self) -> tuple[str, ...]:
        """Who could not be drawn: tied to a party, or on this review already."""
        return tuple(code for code, why in self.lot_excluded.items() if why != CONNECTED)

    @property
    def connected(self) -> tuple[str, ...]:
        """Who was left out so that reviewers are compared whom nothing linked yet."""
        return tuple(code for code, why in self.lot_excluded.items() if why == CONNECTED)


@dataclass(frozen=True)
class ReviewView:
    """Everything on the page of a review, with what this reader may do now."""

    row: ReviewRow
    findings: tuple[FindingRow, ...]
    officer: bool
    may_comment: bool
    may_close: bool
    empty_seats: int


_FINDINGS = """
select a.id, a.seat, a.blind, a.state, r.code, a.drawn_at, a.due_at, a.submitted_at, a.marks,
       a.vetoes, a.summary, a.points, a.mark, a.reason, a.lot_seed,
       array(select p.code from contracts_reviewer p where p.id = any(a.lot_pool) order by p.id)
           as lot_pool,
       (select coalesce(jsonb_object_agg(p.code, x.value), jsonb_build_object())
          from jsonb_each_text(a.lot_excluded) x
          join contracts_reviewer p on p.id = x.key::bigint) as lot_excluded
from contracts_assignment a
join contracts_reviewer r on r.id = a.reviewer
where a.review = $1 and ($2 or a.state = 'submitted')
order by a.seat, a.id
"""


async def review(review_id: int, identity: Identity) -> ReviewView:
    """A review as this reader may see it; `NotFound` otherwise, and before the result is shared."""
    officer = identity.role in OFFICERS
    record = await db.row(_REVIEW, review_id, identity.organization_id, officer)
    if record is None:
        raise NotFound
    row = ReviewRow(**(dict(record) | {"state": ReviewState(record["state"])}))
    findings = tuple(_finding(one, officer=officer) for one in await db.rows(_FINDINGS, review_id, officer))
    held = {f.seat for f in findings if f.state in {AssignmentState.ASSIGNED, AssignmentState.SUBMITTED}}
    agency = identity.role is Role.AGENCY and row.agency_organization_id == identity.organization_id
    return ReviewView(
        row,
        findings,
        officer=officer,
        may_comment=agency and row.state is ReviewState.COMMENT,
        may_close=identity.may(Permission.CLOSE_REVIEW) and row.state is ReviewState.ANSWER,
        empty_seats=row.wanted - len(held) if officer else 0,
    )


def _finding(record: Any, *, officer: bool) -> FindingRow:
    hidden = {} if officer else {"code": "", "lot_seed": "", "lot_pool": (), "lot_excluded": {}}
    return FindingRow(
        **(
            dict(record)
            | {
                "state": AssignmentState(record["state"]),
                "marks": {code: Mark(*found) for code, found in record["marks"].items()},
                "lot_pool": tuple(record["lot_pool"]),
            }
            | hidden
        )
    )


# ---- the officer's lists
@dataclass(frozen=True)
class OpenReview:
    """A review that is not final, for the officer's list."""

    id: int
    number: str
    item_name_zh: str
    item_name_en: str
    profession: str
    state: ReviewState
    opened_at: datetime
    due_at: datetime | None
    wanted: int
    held: int
    submitted: int
    earliest_due_at: datetime | None

    @property
    def state_name(self) -> str:
        """The state as a msgid."""
        return REVIEW_STATES[self.state]


_OPEN = """
select v.id, v.number, c.item_name_zh, c.item_name_en, v.profession, v.state, v.opened_at,
       v.due_at, v.wanted, s.held, s.submitted, s.earliest_due_at
from contracts_review v
join contracts_deliverable d on d.id = v.deliverable
join contracts_contract c on c.id = d.contract
join lateral (
    select count(*) filter (where a.state in ('assigned', 'submitted')) as held,
           count(*) filter (where a.state = 'submitted') as submitted,
           min(a.due_at) filter (where a.state = 'assigned') as earliest_due_at
    from contracts_assignment a where a.review = v.id
) s on true
where ($1::text is null and v.state <> 'final' or v.state = $1)
  and ($2::bigint is null or v.id < $2)
order by v.id desc limit $3
"""


async def reviews(
    identity: Identity,
    *,
    limit: int,
    before: int | None = None,
    state: ReviewState | None = None,
) -> list[OpenReview]:
    """Reviews in a state, or all that are not final, newest first; `limit` + 1 rows. Officers only."""
    identity.require(Permission.ASSIGN_REVIEW)
    found = await db.rows(_OPEN, state.value if state else None, before, limit + 1)
    return [OpenReview(**(dict(row) | {"state": ReviewState(row["state"])})) for row in found]


@dataclass(frozen=True)
class ReviewerRow:
    """A reviewer on the list: code, professions, region, present load, declared ties."""

    id: int
    code: str
    name: str
    organization_zh: str
    organization_en: str
    professions: tuple[str, ...]
    region: str
    active: bool
    open: int
    recent: int
    interests: int


async def reviewers(identity: Identity) -> list[ReviewerRow]:
    """Everybody from whom lots are drawn, with the load of the last 90 days. Officers only."""
    identity.require(Permission.ASSIGN_REVIEW)
    found = await db.rows(
        "select r.id, r.code, a.name, o.name_zh as organization_zh, o.name_en as organization_en,"
        " r.professions, r.region, r.active,"
        " count(s.id) filter (where s.state = 'assigned') as open,"
        " count(s.id) filter (where s.drawn_at > $1) as recent,"
        " (select count(*) from contracts_reviewer_interest i where i.reviewer = r.id) as interests"
        " from contracts_reviewer r join core_account a on a.id = r.account"
        " join core_organization o on o.id = r.organization"
        " left join contracts_assignment s on s.reviewer = r.id"
        " group by r.id, a.name, o.name_zh, o.name_en order by r.id",
        clock.now() - timedelta(days=90),
    )
    return [ReviewerRow(**(dict(row) | {"professions": tuple(row["professions"])})) for row in found]


@dataclass(frozen=True)
class InterestRow:
    """A declared tie."""

    kind: str
    name_zh: str
    name_en: str
    declared_at: datetime


async def my_interests(identity: Identity) -> list[InterestRow]:
    """The ties that a reviewer has declared."""
    found = await db.rows(
        "select i.kind, o.name_zh, o.name_en, i.declared_at from contracts_reviewer_interest i"
        " join contracts_reviewer r on r.id = i.reviewer"
        " join core_organization o on o.id = i.organization where r.account = $1 order by i.id",
        identity.account_id,
    )
    return [InterestRow(**dict(row)) for row in found]


async def masked_phrases(assignment_id: int) -> list[str]:
    """What must not be read on the pages shown to a reviewer: the agency's names, code and signers."""
    found = await db.rows(
        "select unnest(array[g.name_zh, g.name_en, g.uscc]) as phrase"
        " from contracts_assignment a join contracts_review v on v.id = a.review"
        " join contracts_deliverable d on d.id = v.deliverable"
        " join contracts_contract c on c.id = d.contract join agencies_agency g on g.id = c.agency"
        " where a.id = $1 union"
        " select p.name from contracts_assignment a join contracts_review v on v.id = a.review"
        " join contracts_deliverable d on d.id = v.deliverable"
        " join contracts_submission s on s.deliverable = d.id and s.version = d.version"
        " join contracts_signer n on n.submission = s.id"
        " join agencies_practitioner p on p.id = n.practitioner where a.id = $1",
        assignment_id,
    )
    return [row["phrase"] for row in found if row["phrase"]]

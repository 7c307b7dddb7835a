"""Reads of results for the parties and officers; reviewers see them only through an assignment."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from contracts.queries.contracts import OFFICERS
from contracts.rules.deliverables import DELIVERABLE_STATES, DeliverableState
from contracts.rules.reviews import REVIEW_STATES, ReviewState
from core import db
from core.errors import NotFound
from core.identity import Identity, Role

_DELIVERABLE = """
select d.id, d.contract as contract_id, d.milestone as milestone_id, d.number, d.title, d.version,
       d.state, d.filed_at, d.due_at, d.accepted_at, d.agreed_days, d.taken_days, d.punctuality,
       d.late_filings, d.filings, c.number as contract_number, c.title as contract_title,
       c.item_name_zh, c.item_name_en, c.client as client_id, c.agency as agency_id,
       c.agency_organization as agency_organization_id, cl.name_zh as client_name_zh,
       cl.name_en as client_name_en, a.name_zh as agency_name_zh, a.name_en as agency_name_en,
       m.name as milestone_name, m.place as milestone_place, m.amount as milestone_amount,
       r.id as review_id, r.number as review_number, r.state as review_state,
       case when r.state = 'final' or (r.state <> 'marking' and c.client <> $2)
            then r.technical end as technical,
       case when r.state = 'final' or (r.state <> 'marking' and c.client <> $2)
            then r.vetoed end as vetoed
from contracts_deliverable d
join contracts_contract c on c.id = d.contract
join contracts_milestone m on m.id = d.milestone
join core_organization cl on cl.id = c.client
join agencies_agency a on a.id = c.agency
left join contracts_review r on r.deliverable = d.id
where d.id = $1 and ($3 or c.client = $2 or c.agency_organization = $2)
"""


@dataclass(frozen=True)
class FileRow:
    """A filed file."""

    id: int
    name: str
    size: int
    sha256: str
    media_type: str


@dataclass(frozen=True)
class SubmissionRow:
    """One version of a result."""

    id: int
    version: int
    note: str
    filed_at: datetime
    late: bool
    digest: str
    returned_at: datetime | None
    return_reason: str
    signers: tuple[str, ...]
    files: tuple[FileRow, ...]


@dataclass(frozen=True)
class DeliverableRow:
    """A result with its contract's facts; D and F appear with acceptance."""

    id: int
    contract_id: int
    milestone_id: int
    number: str
    title: str
    version: int
    state: DeliverableState
    filed_at: datetime
    due_at: datetime
    accepted_at: datetime | None
    agreed_days: int | None
    taken_days: int | None
    punctuality: Decimal | None
    late_filings: int | None
    filings: Decimal | None
    contract_number: str | None
    contract_title: str
    item_name_zh: str
    item_name_en: str
    client_id: int
    agency_id: int
    agency_organization_id: int
    client_name_zh: str
    client_name_en: str
    agency_name_zh: str
    agency_name_en: str
    milestone_name: str
    milestone_place: int
    milestone_amount: Decimal
    review_id: int | None
    review_number: str | None
    review_state: ReviewState | None
    technical: Decimal | None
    vetoed: bool | None

    @property
    def state_name(self) -> str:
        """The state as a msgid."""
        return DELIVERABLE_STATES[self.state]

    @property
    def review_state_name(self) -> str:
        """The review's state as a msgid; empty before acceptance."""
        return REVIEW_STATES[self.review_state] if self.review_state else ""


@dataclass(frozen=True)
class DeliverableView:
    """Everything on the page of a result, with what this reader may do now."""

    row: DeliverableRow
    submissions: tuple[SubmissionRow, ...]
    may_decide: bool
    may_file_again: bool


async def deliverable(deliverable_id: int, identity: Identity) -> DeliverableView:
    """One result for a party of its contract or an officer; `NotFound` for everybody else."""
    officer = identity.role in OFFICERS
    record = await db.row(_DELIVERABLE, deliverable_id, identity.organization_id, officer)
    if record is None:
        raise NotFound
    row = _row(record)
    mine = identity.organization_id
    client = identity.role is Role.CLIENT and row.client_id == mine
    agency = identity.role is Role.AGENCY and row.agency_organization_id == mine
    return DeliverableView(
        row,
        await _submissions(deliverable_id),
        may_decide=client and row.state is DeliverableState.FILED,
        may_file_again=agency and row.state is DeliverableState.RETURNED,
    )


def _row(record: Any) -> DeliverableRow:
    review = record["review_state"]
    return DeliverableRow(
        **(
            dict(record)
            | {
                "state": DeliverableState(record["state"]),
                "review_state": ReviewState(review) if review else None,
            }
        )
    )


_SUBMISSIONS = """
select s.id, s.version, s.note, s.filed_at, s.late, s.digest, s.returned_at, s.return_reason,
       array(select p.name from contracts_signer g
               join agencies_practitioner p on p.id = g.practitioner
              where g.submission = s.id order by p.id) as signers,
       (select coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'name', f.name, 'size', f.size,
               'sha256', f.sha256, 'media_type', f.media_type) order by f.place), '[]'::jsonb)
          from contracts_submission_file f where f.submission = s.id) as files
from contracts_submission s
where s.deliverable = $1
order by s.version desc
"""


async def _submissions(deliverable_id: int) -> tuple[SubmissionRow, ...]:
    found = await db.rows(_SUBMISSIONS, deliverable_id)
    return tuple(
        SubmissionRow(
            **(
                dict(row)
                | {
                    "signers": tuple(row["signers"]),
                    "files": tuple(FileRow(**one) for one in row["files"]),
                }
            )
        )
        for row in found
    )


@dataclass(frozen=True)
class FileToSend:
    """A stored file and the name under which this reader gets it."""

    stored_file_id: int
    name: str


async def deliverable_file(deliverable_id: int, file_id: int, identity: Identity) -> FileToSend:
    """A file of a result, for a party or an officer."""
    row = await db.row(
        "select f.stored_file, f.name from contracts_submission_file f"
        " join contracts_submission s on s.id = f.submission"
        " join contracts_deliverable d on d.id = s.deliverable"
        " join contracts_contract c on c.id = d.contract"
        " where d.id = $1 and f.id = $2 and ($4 or c.client = $3 or c.agency_organization = $3)",
        deliverable_id,
        file_id,
        identity.organization_id,
        identity.role in OFFICERS,
    )
    if row is None:
        raise NotFound
    return FileToSend(row["stored_file"], row["name"])

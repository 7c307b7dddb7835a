"""What everybody may see: filed contracts and results, their dates, hashes and final marks."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from contracts.rules.deliverables import DELIVERABLE_STATES, DeliverableState
from contracts.rules.filing import CONTRACT_STATES, ContractState
from core import db
from core.errors import NotFound

_PUBLIC = """
select c.id, c.number, c.title, c.item_code, c.item_name_zh, c.item_name_en, c.profession,
       c.project as project_id, c.notice as notice_id, c.notice_no, c.agency as agency_id,
       a.name_zh as agency_name_zh, a.name_en as agency_name_en, cl.name_zh as client_name_zh,
       cl.name_en as client_name_en, c.amount, c.bid_amount, c.days, c.bid_days, c.state,
       c.signed_at, c.filed_at, c.filed_late, c.completed_at
from contracts_contract c
join core_organization cl on cl.id = c.client
join agencies_agency a on a.id = c.agency
where c.number is not null
"""


@dataclass(frozen=True)
class PublicContract:
    """The public subset of a filed contract; fees in yuan, days in working days."""

    id: int
    number: str
    title: str
    item_code: str
    item_name_zh: str
    item_name_en: str
    profession: str
    project_id: int
    notice_id: int
    notice_no: str
    agency_id: int
    agency_name_zh: str
    agency_name_en: str
    client_name_zh: str
    client_name_en: str
    amount: Decimal
    bid_amount: Decimal
    days: int
    bid_days: int
    state: ContractState
    signed_at: datetime
    filed_at: datetime
    filed_late: bool
    completed_at: datetime | None

    @property
    def state_name(self) -> str:
        """The state as a msgid."""
        return CONTRACT_STATES[self.state]


@dataclass(frozen=True)
class PublicFile:
    """Name and hash of a filed file; the file itself is the parties' own."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class PublicDeliverable:
    """The public subset of a filed result; the mark appears when the review is final."""

    id: int
    number: str
    title: str
    version: int
    state: DeliverableState
    filed_at: datetime
    accepted_at: datetime | None
    contract_number: str
    contract_title: str
    item_name_zh: str
    item_name_en: str
    agency_id: int
    agency_name_zh: str
    agency_name_en: str
    digest: str
    agreed_days: int | None
    taken_days: int | None
    punctuality: Decimal | None
    filings: Decimal | None
    review_state: str | None
    sheet_id: str | None
    sheet_version: str | None
    technical: Decimal | None
    vetoed: bool | None
    finalised_at: datetime | None
    files: tuple[PublicFile, ...] = ()

    @property
    def state_name(self) -> str:
        """The state as a msgid."""
        return DELIVERABLE_STATES[self.state]


def _contract(record: Any) -> PublicContract:
    return PublicContract(**(dict(record) | {"state": ContractState(record["state"])}))


async def public_contracts(
    *, limit: int, before: int | None = None, agency_id: int | None = None,
    project_id: int | None = None,
) -> list[PublicContract]:  # fmt: skip
    """Filed contracts, newest first, `limit` + 1 rows."""
    found = await db.rows(
        _PUBLIC + " and ($1::bigint is null or c.id < $1) and ($2::bigint is null or c.agency = $2)"
        " and ($3::bigint is null or c.project = $3) order by c.id desc limit $4",
        before,
        agency_id,
        project_id,
        limit + 1,
    )
    return [_contract(record) for record in found]


async def public_contract(number: str) -> PublicContract:
    """One filed contract by its number."""
    record = await db.row(_PUBLIC + " and c.number = $1", number)
    if record is None:
        raise NotFound
    return _contract(record)


_DELIVERABLE = """
select d.id, d.number, d.title, d.version, d.state, d.filed_at, d.accepted_at,
       c.number as contract_number, c.title as contract_title, c.item_name_zh, c.item_name_en,
       c.agency as agency_id, a.name_zh as agency_name_zh, a.name_en as agency_name_en, s.digest,
       d.agreed_days, d.taken_days, d.punctuality, d.filings, r.state as review_state,
       case when r.state = 'final' then r.sheet_id end as sheet_id,
       case when r.state = 'final' then r.sheet_version end as sheet_version,
       case when r.state = 'final' then r.technical end as technical,
       case when r.state = 'final' then r.vetoed end as vetoed, r.finalised_at, s.id as submission
from contracts_deliverable d
join contracts_contract c on c.id = d.contract
join agencies_agency a on a.id = c.agency
join contracts_submission s on s.deliverable = d.id and s.version = d.version
left join contracts_review r on r.deliverable = d.id
"""


async def public_deliverables(contract_id: int) -> list[PublicDeliverable]:
    """The filed results of a contract, in order, without their files."""
    found = await db.rows(_DELIVERABLE + " where c.id = $1 order by d.id", contract_id)
    return [_deliverable(record, ()) for record in found]


async def public_deliverable(number: str) -> PublicDeliverable:
    """One filed result by its number, with the hashes of its files."""
    record = await db.row(_DELIVERABLE + " where d.number = $1", number)
    if record is None:
        raise NotFound
    files = await db.rows(
        "select name, sha256, size from contracts_submission_file where submission = $1 order by place",
        record["submission"],
    )
    return _deliverable(record, tuple(PublicFile(**dict(row)) for row in files))


def _deliverable(record: Any, files: tuple[PublicFile, ...]) -> PublicDeliverable:
    columns = dict(record) | {"state": DeliverableState(record["state"]), "files": files}
    del columns["submission"]
    return PublicDeliverable(**columns)

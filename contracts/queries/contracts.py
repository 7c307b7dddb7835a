"""Reads of contracts. Parties and officers see all of theirs; the public sees what is filed."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from contracts.rules import filing
from contracts.rules.deliverables import DeliverableState, MilestoneState, Pause, due_on
from contracts.rules.filing import ContractState, Difference, MilestoneTerms, Offer, Side, Terms
from core import clock, db
from core.errors import NotFound
from core.identity import Identity, Permission, Role
from core.workdays import calendar

OFFICERS = frozenset({Role.REGISTRAR, Role.GRADING_OFFICER, Role.ADMINISTRATOR, Role.SYSTEM})
"""Roles that may read every contract; they may change none."""

CONTRACT_SQL = """
select c.id, c.award as award_id, c.project as project_id, c.notice as notice_id, c.notice_no,
       c.client as client_id, c.agency as agency_id, c.agency_organization as agency_organization_id,
       cl.name_zh as client_name_zh, cl.name_en as client_name_en,
       a.name_zh as agency_name_zh, a.name_en as agency_name_en,
       c.item_code, c.item_name_zh, c.item_name_en, c.profession, c.title, c.review_sheet,
       c.fund_source, c.bid_amount, c.bid_days, c.bid_conditions, c.amount, c.days, c.scope,
       c.version, c.state, c.awarded_at, c.confirm_due_at, c.client_confirmed_at,
       c.agency_confirmed_at, c.signed_at, c.filing_due_at, c.number, c.filed_at, c.filed_late,
       c.completed_at
from contracts_contract c
join core_organization cl on cl.id = c.client
join agencies_agency a on a.id = c.agency
"""


@dataclass(frozen=True)
class ContractRow:
    """One contract; fees in yuan, days in working days, moments UTC."""

    id: int
    award_id: int
    project_id: int
    notice_id: int
    notice_no: str
    client_id: int
    agency_id: int
    agency_organization_id: int
    client_name_zh: str
    client_name_en: str
    agency_name_zh: str
    agency_name_en: str
    item_code: str
    item_name_zh: str
    item_name_en: str
    profession: str
    title: str
    review_sheet: str
    fund_source: str
    bid_amount: Decimal
    bid_days: int
    bid_conditions: str
    amount: Decimal
    days: int
    scope: str
    version: int
    state: ContractState
    awarded_at: datetime
    confirm_due_at: datetime
    client_confirmed_at: datetime | None
    agency_confirmed_at: datetime | None
    signed_at: datetime | None
    filing_due_at: datetime | None
    number: str | None
    filed_at: datetime | None
    filed_late: bool
    completed_at: datetime | None

    @property
    def state_name(self) -> str:
        """The state as a msgid."""
        return filing.CONTRACT_STATES[self.state]

    @property
    def offer(self) -> Offer:
        """What was bid."""
        return Offer(self.bid_amount, self.bid_days, self.bid_conditions)


@dataclass(frozen=True)
class MilestoneRow:
    """A milestone with its due day and the result filed for it, if any."""

    id: int
    place: int
    name: str
    percent: Decimal
    days: int
    amount: Decimal
    state: MilestoneState
    accepted_at: datetime | None
    paid_at: datetime | None
    payable_id: int | None
    due_on: date | None
    deliverable_id: int | None
    deliverable_number: str | None
    deliverable_state: DeliverableState | None
    deliverable_version: int | None


@dataclass(frozen=True)
class SuspensionRow:
    """Days that do not count."""

    reason: str
    started_on: date
    ended_on: date | None


@dataclass(frozen=True)
class EvaluationView:
    """What this reader may see of both sides' words: one's own at once, the other's when revealed."""

    due_at: datetime
    client_filed_at: datetime | None
    statement_filed_at: datetime | None
    revealed_at: datetime | None
    stars: dict[str, int] | None
    again: bool | None
    narrative: str
    score: Decimal | None
    statement: str

    @property
    def absent(self) -> bool:
        """Revealed without an answer of the client."""
        return self.revealed_at is not None and self.client_filed_at is None


@dataclass(frozen=True)
class ContractView:
    """Everything on the page of a contract, with what this reader may do now."""

    row: ContractRow
    side: Side | None
    milestones: tuple[MilestoneRow, ...]
    suspensions: tuple[SuspensionRow, ...]
    evaluation: EvaluationView | None
    differences: tuple[Difference, ...]
    now: datetime

    @property
    def terms(self) -> Terms:
        """The terms as agreed so far."""
        steps = tuple(MilestoneTerms(m.name, m.percent, m.days) for m in self.milestones)
        return Terms(self.row.amount, self.row.days, self.row.scope, steps)

    @property
    def confirmed_by_me(self) -> bool:
        """Whether the reader's side has confirmed this version."""
        if self.side is Side.CLIENT:
            return self.row.client_confirmed_at is not None
        return self.row.agency_confirmed_at is not None

    @property
    def may_edit(self) -> bool:
        """Both sides, until both have confirmed."""
        drafting = {ContractState.DRAFT, ContractState.HALF_CONFIRMED}
        return self.side is not None and self.row.state in drafting

    @property
    def may_confirm(self) -> bool:
        """The side that has not confirmed this version."""
        return self.may_edit and not self.confirmed_by_me

    @property
    def may_file(self) -> bool:
        """Either side, once signed."""
        return self.side is not None and self.row.state is ContractState.SIGNED

    @property
    def may_suspend(self) -> bool:
        """The client, while work goes on."""
        waiting = any(m.state is MilestoneState.PLANNED for m in self.milestones)
        return self.side is Side.CLIENT and self.row.state is ContractState.FILED and waiting

    @property
    def may_resume(self) -> bool:
        """The client, while work stands still."""
        return self.side is Side.CLIENT and self.row.state is ContractState.SUSPENDED

    @property
    def may_evaluate(self) -> bool:
        """The client, once, while the time runs."""
        return self._open(Side.CLIENT) and self.evaluation.client_filed_at is None  # type: ignore[union-attr]

    @property
    def may_state(self) -> bool:
        """The agency, once, while the time runs."""
        return self._open(Side.AGENCY) and self.evaluation.statement_filed_at is None  # type: ignore[union-attr]

    def _open(self, side: Side) -> bool:
        asked = self.evaluation is not None and self.evaluation.due_at > self.now
        return asked and self.side is side

    def may_deliver(self, milestone: MilestoneRow) -> bool:
        """The agency, for a milestone without a result or with a returned one."""
        open_result = milestone.deliverable_state in {None, DeliverableState.RETURNED}
        return self.side is Side.AGENCY and self.row.state is ContractState.FILED and open_result


def _reader(identity: Identity) -> tuple[int, bool]:
    return identity.organization_id, identity.role in OFFICERS


def contract_row(record: Any) -> ContractRow:
    """From a record of the contract select."""
    return ContractRow(**(dict(record) | {"state": ContractState(record["state"])}))


async def contracts(
    identity: Identity, *, limit: int, before: int | None = None, state: ContractState | None = None
) -> list[ContractRow]:
    """My organisation's contracts, or all for an officer; newest first, `limit` + 1 rows."""
    organization, officer = _reader(identity)
    found = await db.rows(
        CONTRACT_SQL + " where ($2 or c.client = $1 or c.agency_organization = $1)"
        " and ($3::bigint is null or c.id < $3) and ($4::text is null or c.state = $4)"
        " order by c.id desc limit $5",
        organization,
        officer,
        before,
        state.value if state else None,
        limit + 1,
    )
    return [contract_row(record) for record in found]


async def contract(contract_id: int, identity: Identity) -> ContractView:
    """One contract for one of its parties or an officer; `NotFound` for everybody else."""
    organization, officer = _reader(identity)
    record = await db.row(
        CONTRACT_SQL + " where c.id = $1 and ($3 or c.client = $2 or c.agency_organization = $2)",
        contract_id,
        organization,
        officer,
    )
    if record is None:
        raise NotFound
    row = contract_row(record)
    side = _side(row, identity)
    suspensions = await _suspensions(contract_id)
    milestones = await _milestones(row, suspensions)
    view = ContractView(row, side, milestones, suspensions, await _evaluation(contract_id, side), (), clock.now())
    found = filing.differences(view.terms, row.offer)
    return ContractView(row, side, milestones, suspensions, view.evaluation, found, view.now)


def _side(row: ContractRow, identity: Identity) -> Side | None:
    if identity.role is Role.CLIENT and identity.organization_id == row.client_id:
        return Side.CLIENT
    if identity.role is Role.AGENCY and identity.organization_id == row.agency_organization_id:
        return Side.AGENCY
    return None


async def _suspensions(contract_id: int) -> tuple[SuspensionRow, ...]:
    found = await db.rows(
        "select reason, started_on, ended_on from contracts_suspension where contract = $1 order by started_on, id",
        contract_id,
    )
    return tuple(SuspensionRow(**dict(row)) for row in found)


async def _milestones(row: ContractRow, suspensions: tuple[SuspensionRow, ...]) -> tuple[MilestoneRow, ...]:
    found = await db.rows(
        "select m.id, m.place, m.name, m.percent, m.days, m.amount, m.state, m.accepted_at,"
        " m.paid_at, m.payable_id, d.id as deliverable_id, d.number as deliverable_number,"
        " d.state as deliverable_state, d.version as deliverable_version"
        " from contracts_milestone m left join contracts_deliverable d on d.milestone = m.id"
        " where m.contract = $1 order by m.place",
        row.id,
    )
    pauses = [Pause(s.started_on, s.ended_on or clock.today()) for s in suspensions]
    days = await calendar()
    start = clock.shanghai(row.signed_at).date() if row.signed_at else None
    return tuple(
        MilestoneRow(
            **(dict(one) | _typed(one)),
            due_on=due_on(days, start, one["days"], pauses) if start else None,
        )
        for one in found
    )


def _typed(one: Any) -> dict[str, Any]:
    result = one["deliverable_state"]
    return {
        "state": MilestoneState(one["state"]),
        "deliverable_state": DeliverableState(result) if result else None,
    }


async def _evaluation(contract_id: int, side: Side | None) -> EvaluationView | None:
    row = await db.row("select * from contracts_evaluation where contract = $1", contract_id)
    if row is None:
        return None
    stars_shown = row["revealed_at"] is not None or side is Side.CLIENT
    words_shown = row["revealed_at"] is not None or side is Side.AGENCY
    stars = {name: row[name] for name in ("quality", "time", "conduct", "charging")}
    answered = stars_shown and row["client_filed_at"] is not None
    return EvaluationView(
        due_at=row["due_at"],
        client_filed_at=row["client_filed_at"],
        statement_filed_at=row["statement_filed_at"],
        revealed_at=row["revealed_at"],
        stars=stars if answered else None,
        again=row["again"] if answered else None,
        narrative=row["narrative"] if answered else "",
        score=row["score"] if answered else None,
        statement=row["statement"] if words_shown else "",
    )


@dataclass(frozen=True)
class Signer:
    """Somebody on the agency's staff who may sign a result."""

    id: int
    name: str
    certificate_kind: str


async def possible_signers(identity: Identity) -> list[Signer]:
    """The recorded practitioners of the reader's own agency."""
    identity.require(Permission.FILE_DELIVERABLE)
    found = await db.rows(
        "select p.id, p.name, p.certificate_kind from agencies_practitioner p"
        " join agencies_agency a on a.id = p.agency where a.organization = $1"
        " and p.recorded_on <= $2 and (p.ended_on is null or p.ended_on > $2) order by p.id",
        identity.organization_id,
        clock.today(),
    )
    return [Signer(**dict(row)) for row in found]

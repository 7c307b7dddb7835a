"""Reads of the panel: for its client, for a member, and for everybody once the result is public."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core import db
from core.identity import PERMISSIONS, Identity, Permission, Role
from core.keys import secret
from market.queries.notices import NoticeRow
from market.rules.notices import NoticeState
from market.rules.panel import (
    Assessment,
    Mark,
    NotOnPanel,
    PanelIncomplete,
    enough_members,
    hidden_order,
    without_names,
)

ASSESSORS = [role.value for role, held in PERMISSIONS.items() if Permission.ASSESS_PROPOSAL in held]
PUBLISHED = frozenset({NoticeState.SELECTED, NoticeState.AWARDED, NoticeState.CANCELLED, NoticeState.FAILED})


@dataclass(frozen=True)
class SeatRow:
    """A seat in force. `account_name` is for the client and the panel only."""

    id: int
    number: int
    account_id: int
    account_name: str
    chair: bool
    declared_at: datetime | None
    submitted_at: datetime | None


async def seats_of(notice_id: int) -> list[SeatRow]:
    """The panel as it now sits, by seat number."""
    found = await db.rows(
        """select s.id, s.number, s.account as account_id, a.name as account_name, s.chair, s.declared_at,
                  s.submitted_at
             from market_panel_seat s join core_account a on a.id = s.account
            where s.notice = $1 and s.ended_at is null order by s.number""",
        notice_id,
    )
    return [SeatRow(**dict(record)) for record in found]


async def seat_of(notice_id: int, identity: Identity | None) -> SeatRow:
    """The reader's own seat; `NotOnPanel` for everybody else."""
    account = identity.account_id if identity else None
    for seat in await seats_of(notice_id):
        if seat.account_id == account:
            return seat
    raise NotOnPanel


async def check_panel(notice: NoticeRow) -> None:
    """Raise `PanelIncomplete` unless enough members, an odd number, are named."""
    count = len(await seats_of(notice.id))
    rule = notice.law.proposal
    if not enough_members(count, rule):
        raise PanelIncomplete(needed=rule.panel_minimum, count=count)


@dataclass(frozen=True)
class Candidate:
    """Somebody who may be named: of the client's own organisation, or an expert."""

    account_id: int
    name: str
    organization_zh: str
    organization_en: str
    own: bool


async def panel_candidates(client_id: int) -> list[Candidate]:
    """Active accounts of the client's people and of the experts, the client's own first."""
    found = await db.rows(
        """select distinct on (a.id) a.id as account_id, a.name, o.name_zh as organization_zh,
                  o.name_en as organization_en, m.organization = $1 as own
             from core_membership m join core_account a on a.id = m.account
             join core_organization o on o.id = m.organization
            where m.ended_at is null and a.active and m.role = any($2)
              and (m.role <> $3 or m.organization = $1)
            order by a.id, own desc limit 500""",
        client_id,
        ASSESSORS,
        Role.CLIENT.value,
    )
    return sorted((Candidate(**dict(record)) for record in found), key=lambda one: (not one.own, one.account_id))


@dataclass(frozen=True)
class ProposalRow:
    """A proposal as the panel sees it: without name and price."""

    name: str
    days: int
    text: str


@dataclass(frozen=True)
class PanelView:
    """What a member works with. `marks` are its own; everybody's (by seat number) once all have submitted."""

    seat: SeatRow
    seats: list[SeatRow]
    bidders: list[tuple[str, str]]
    proposals: list[ProposalRow]
    own: dict[tuple[str, str], Decimal]
    all_in: bool
    everybody: dict[tuple[str, str], list[tuple[int, Decimal]]] = field(default_factory=dict)
    apart: list[tuple[str, str]] = field(default_factory=list)
    agreed: dict[tuple[str, str], tuple[Decimal, str]] = field(default_factory=dict)

    @property
    def open_points(self) -> list[tuple[str, str]]:
        """Where the panel must still agree."""
        return [each for each in self.apart if each not in self.agreed]

    @property
    def missing(self) -> int:
        """How many members have not submitted."""
        return sum(seat.submitted_at is None for seat in self.seats)


async def panel_view(row: NoticeRow, identity: Identity | None) -> PanelView:
    """The panel's room for one of its members; proposals only after it declared that it has no ties."""
    seat = await seat_of(row.id, identity)
    seats = await seats_of(row.id)
    if row.state is not NoticeState.ASSESSING:
        return PanelView(seat, seats, [], [], {}, all_in=False)
    entrants = await db.rows(
        """select b.id, b.days, b.proposal, a.name_zh, a.name_en, a.uscc from market_bid b
             join agencies_agency a on a.id = b.agency where b.notice = $1 and b.state = 'entered' order by a.uscc""",
        row.id,
    )
    bidders = [(record["name_zh"], record["name_en"]) for record in entrants]
    if seat.declared_at is None:
        return PanelView(seat, seats, bidders, [], {}, all_in=False)
    names = hidden_names(row.id, [record["id"] for record in entrants])
    struck = [record[part] for record in entrants for part in ("name_zh", "name_en", "uscc")]
    proposals = [
        ProposalRow(names[record["id"]], record["days"], without_names(record["proposal"] or "", struck))
        for record in sorted(entrants, key=lambda each: list(names).index(each["id"]))
    ]
    own = await db.rows("select bid, question, points from market_panel_score where seat = $1", seat.id)
    mine = {(names[record["bid"]], record["question"]): record["points"] for record in own}
    all_in = all(one.submitted_at for one in seats)
    if not all_in:
        return PanelView(seat, seats, bidders, proposals, mine, all_in=False)
    found = await assessment_of(row)
    everybody: dict[tuple[str, str], list[tuple[int, Decimal]]] = {}
    for mark in found.marks:
        everybody.setdefault((names[mark.bid_id], mark.question), []).append((mark.seat, mark.points))
    apart = [(names[bid_id], question.code) for bid_id, question in found.far_apart(row.law.proposal)]
    return PanelView(seat, seats, bidders, proposals, mine, True, everybody, apart, await _agreed(row.id, names))


async def _agreed(notice_id: int, names: dict[int, str]) -> dict[tuple[str, str], tuple[Decimal, str]]:
    found = await db.rows(
        "select bid, question, points, reason from market_panel_consensus where notice = $1", notice_id
    )
    return {
        (names[one["bid"]], one["question"]): (one["points"], one["reason"]) for one in found if one["bid"] in names
    }


def hidden_names(notice_id: int, bid_ids: list[int]) -> dict[int, str]:
    """甲, 乙, 丙 … by bid, in the hidden order."""
    return hidden_order(secret("seal"), notice_id, bid_ids)


async def assessment_of(row: NoticeRow) -> Assessment:
    """All marks of the seats in force that submitted, with the consensus."""
    marks = await db.rows(
        """select s.number, p.bid, p.question, p.points from market_panel_score p
             join market_panel_seat s on s.id = p.seat
            where s.notice = $1 and s.ended_at is null and s.submitted_at is not null
            order by p.bid, p.question, s.number""",
        row.id,
    )
    agreed = await db.rows("select bid, question, points from market_panel_consensus where notice = $1", row.id)
    return Assessment(
        row.questions,
        tuple(Mark(one["number"], one["bid"], one["question"], one["points"]) for one in marks),
        {(one["bid"], one["question"]): one["points"] for one in agreed},
    )


@dataclass(frozen=True)
class Published:
    """The panel's whole work, published with the result: seat numbers, never names."""

    assessment: Assessment
    reasons: dict[tuple[int, str], str]


async def published_scores(row: NoticeRow) -> Published | None:
    """All individual scores, once the panel has signed; None before, and for other methods."""
    if row.state not in PUBLISHED or not row.questions.questions:
        return None
    found = await assessment_of(row)
    if not found.marks:
        return None
    agreed = await db.rows("select bid, question, reason from market_panel_consensus where notice = $1", row.id)
    return Published(found, {(one["bid"], one["question"]): one["reason"] for one in agreed})


@dataclass(frozen=True)
class PanelTask:
    """A notice that waits for a panel's member."""

    notice_id: int
    project_title: str
    named_at: datetime
    decide_by: datetime | None
    submitted: bool
    chair: bool
    all_in: bool


async def panel_tasks(identity: Identity) -> list[PanelTask]:
    """Assessments in which the reader holds a seat, soonest first."""
    found = await db.rows(
        """select n.id as notice_id, p.title as project_title, s.named_at, n.decide_by,
                  s.submitted_at is not null as submitted, s.chair,
                  not exists (select 1 from market_panel_seat o where o.notice = n.id and o.ended_at is null
                                 and o.submitted_at is null) as all_in
             from market_panel_seat s join market_notice n on n.id = s.notice
             join market_project p on p.id = n.project
            where s.account = $1 and s.ended_at is null and n.state = 'assessing' order by n.decide_by""",
        identity.account_id,
    )
    return [PanelTask(**dict(record)) for record in found]

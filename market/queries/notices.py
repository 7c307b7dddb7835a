"""Reads of notices: the board, one notice, what its opening found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from core import clock, db
from core.i18n import language
from core.identity import Identity
from market import content
from market.rules.bids import Terms
from market.rules.catalogue import query_shingles
from market.rules.editions import Custody, Edition
from market.rules.eligibility import Call
from market.rules.notices import (
    FundSource,
    NoticeClock,
    NoticeGone,
    NoticeState,
    Phase,
    SelectionMethod,
    phase,
)
from market.rules.panel import Criteria
from market.rules.reasons import Reason, from_json

NOTICE_SQL = """
select n.id, n.number, n.state, n.version, n.method, n.fund_source, n.scale, n.requirements,
       n.payment_terms, n.ceiling, n.floor, n.days_limit, n.deadline, n.edition, n.repost_of,
       n.amendment, n.questions_until, n.custody, n.bid_bond, n.performance_bond, n.short_list, n.criteria,
       n.outside_source, n.outside_value, n.decide_by, n.paused_at, n.held_until,
       n.direct_agency as direct_agency_id, n.direct_reason, n.risk_acknowledged, n.end_reason,
       n.display_until, n.drafted_at, n.published_at, n.opened_at, n.selected_at, n.awarded_at,
       n.ended_at, n.project as project_id, p.number as project_number, p.title as project_title,
       p.location, n.client as client_id, o.name_zh as client_name_zh, o.name_en as client_name_en,
       i.id as item_id, i.code as item_code, i.name_zh as item_name_zh, i.name_en as item_name_en,
       i.profession, i.department_code, i.self_preparation,
       da.name_zh as direct_name_zh, da.name_en as direct_name_en,
       da.organization as direct_organization_id, s.public_key
  from market_notice n
  join market_project p on p.id = n.project
  join core_organization o on o.id = n.client
  join market_service_item i on i.id = n.item
  left join agencies_agency da on da.id = n.direct_agency
  left join market_seal s on s.notice = n.id
"""

# The same truth as `rules.notices.phase`, for lists; a property test compares the two.
PHASE_SQL = """
case when n.state = 'published' and n.deadline <= $1 then 'opening'
     when n.state = 'published' and n.method = 'direct' then 'offered'
     when n.state = 'published' then 'collecting'
     when n.state in ('opened', 'shortlisted', 'assessing', 'selected') and n.held_until is not null then 'justifying'
     when n.state = 'opened' then 'selecting'
     when n.state = 'selected' and n.paused_at is not null then 'paused'
     when n.state = 'selected' and n.display_until > $1 then 'on-display'
     when n.state = 'selected' then 'confirming'
     else n.state end
"""


@dataclass(frozen=True)
class NoticeRow:
    """A notice with its project, client and item. Money in yuan, moments in UTC."""

    id: int
    number: str | None
    state: NoticeState
    version: int
    method: SelectionMethod
    fund_source: FundSource
    scale: str
    requirements: str
    payment_terms: str
    ceiling: Decimal
    floor: Decimal | None
    days_limit: int
    deadline: datetime
    edition: str
    repost_of: int | None
    amendment: int
    questions_until: datetime | None
    custody: Custody
    bid_bond: Decimal | None
    performance_bond: Decimal | None
    short_list: int | None
    criteria: list[Any] | None
    outside_source: str
    outside_value: str
    decide_by: datetime | None
    paused_at: datetime | None
    held_until: datetime | None
    direct_agency_id: int | None
    direct_reason: str
    risk_acknowledged: bool
    end_reason: Mapping[str, Any] | None
    display_until: datetime | None
    drafted_at: datetime
    published_at: datetime | None
    opened_at: datetime | None
    selected_at: datetime | None
    awarded_at: datetime | None
    ended_at: datetime | None
    project_id: int
    project_number: str
    project_title: str
    location: str
    client_id: int
    client_name_zh: str
    client_name_en: str
    item_id: int
    item_code: str
    item_name_zh: str
    item_name_en: str
    profession: str
    department_code: str
    self_preparation: bool
    direct_name_zh: str | None
    direct_name_en: str | None
    direct_organization_id: int | None
    public_key: bytes | None

    @property
    def title(self) -> str:
        """Project and service, in the reader's language."""
        if language() == "en":
            return f"{self.project_title}: {self.item_name_en}"
        return f"{self.project_title}：{self.item_name_zh}"

    @property
    def clock(self) -> NoticeClock:
        """What the clock needs to know."""
        return NoticeClock(
            self.state,
            self.method,
            self.deadline,
            self.display_until,
            self.paused_at,
            self.decide_by,
            bool(self.outside_source and not self.outside_value),
            self.held_until,
        )

    @cached_property
    def phase(self) -> Phase:
        """The phase now."""
        return phase(self.clock, clock.now())

    @property
    def law(self) -> Edition:
        """The rules this notice runs under: those of its publication, today's for a draft."""
        if self.edition:
            return content.edition(self.edition)
        return content.edition_in_force(clock.today())

    @property
    def call(self) -> Call:
        """What it asks of those who take part."""
        return Call(
            self.item_code,
            self.method,
            self.fund_source.public_money,
            self.client_id,
            self.department_code,
        )

    @property
    def terms(self) -> Terms:
        """The limits an offer must keep."""
        return Terms(self.method, self.ceiling, self.floor, self.days_limit)

    @property
    def questions(self) -> Criteria:
        """What proposals are judged by; empty for other methods."""
        return Criteria.of(self.criteria)

    @property
    def subject(self) -> str:
        """Its name on the trail."""
        return f"notice:{self.id}"

    @property
    def threads(self) -> tuple[str, ...]:
        """The threads of the trail its acts belong to."""
        return (f"project:{self.project_id}",)

    @property
    def ending(self) -> Reason | None:
        """Why it ended without an award."""
        return from_json(self.end_reason) if self.end_reason and "code" in self.end_reason else None

    @property
    def end_words(self) -> str:
        """The client's own words for a withdrawal or cancellation."""
        return str((self.end_reason or {}).get("words", ""))


def notice_row(record: Any) -> NoticeRow:
    """From a record of `NOTICE_SQL`."""
    columns = dict(record)
    return NoticeRow(
        **columns
        | {
            "state": NoticeState(columns["state"]),
            "method": SelectionMethod(columns["method"]),
            "fund_source": FundSource(columns["fund_source"]),
            "custody": Custody(columns["custody"]),
        }
    )


async def notice(notice_id: int, identity: Identity | None = None) -> NoticeRow:
    """A published notice, or a draft for its own client; otherwise `NoticeGone`."""
    record = await db.row(
        NOTICE_SQL + " where n.id = $1 and (n.state <> 'draft' or n.client = $2)",
        notice_id,
        identity.organization_id if identity else None,
    )
    if record is None:
        raise NoticeGone
    return notice_row(record)


async def own_notice(notice_id: int, identity: Identity) -> NoticeRow:
    """A notice of the reader's own organisation, drafts included; otherwise `NoticeGone`."""
    record = await db.row(NOTICE_SQL + " where n.id = $1 and n.client = $2", notice_id, identity.organization_id)
    if record is None:
        raise NoticeGone
    return notice_row(record)


@dataclass(frozen=True)
class BoardFilter:
    """What the notice board is narrowed by; empty means everything."""

    item: str = ""
    profession: str = ""
    method: str = ""
    phase: str = ""
    fund: str = ""
    query: str = ""
    client_id: int | None = None


async def notice_board(chosen: BoardFilter, *, limit: int, before: tuple[str, int] | None = None) -> list[NoticeRow]:
    """Published notices, newest first. `before` = (published_at, id) of the last one seen.

    Returns up to `limit + 1` rows so that the caller knows whether more follow.
    """
    moment, last = before or (None, None)
    found = await db.rows(
        NOTICE_SQL
        + f""" where n.state <> 'draft'
          and ($2 = '' or i.code = $2) and ($3 = '' or i.profession = $3)
          and ($4 = '' or n.method = $4) and ($5 = '' or ({PHASE_SQL}) = $5)
          and ($6 = '' or n.fund_source = $6) and ($7::text[] = '{{}}' or n.shingles @> $7)
          and ($8::bigint is null or n.client = $8)
          and ($9::timestamptz is null or (n.published_at, n.id) < ($9, $10::bigint))
        order by n.published_at desc, n.id desc limit $11""",
        clock.now(),
        chosen.item,
        chosen.profession,
        chosen.method,
        chosen.phase,
        chosen.fund,
        query_shingles(chosen.query),
        chosen.client_id,
        datetime.fromisoformat(moment) if moment else None,
        last,
        limit + 1,
    )
    return [notice_row(record) for record in found]


async def my_notices(identity: Identity, *, project_id: int | None = None) -> list[NoticeRow]:
    """A client's own notices with drafts, newest first."""
    found = await db.rows(
        NOTICE_SQL
        + """ where n.client = $1 and ($2::bigint is null or n.project = $2)
        order by n.id desc limit 500""",
        identity.organization_id,
        project_id,
    )
    return [notice_row(record) for record in found]


async def project_notices(project_id: int, identity: Identity | None) -> list[NoticeRow]:
    """The notices of a project: published ones for everybody, drafts for its client."""
    found = await db.rows(
        NOTICE_SQL + " where n.project = $1 and (n.state <> 'draft' or n.client = $2) order by n.id",
        project_id,
        identity.organization_id if identity else None,
    )
    return [notice_row(record) for record in found]


@dataclass(frozen=True)
class SealRow:
    """The public side of a notice's keys."""

    algorithm: str
    public_key: bytes
    draw_format: str
    draw_commitment: str


async def seal_of(notice_id: int) -> SealRow | None:
    """The public key and the draw commitment; None for a direct selection."""
    record = await db.row(
        "select algorithm, public_key, draw_format, draw_commitment from market_seal where notice = $1",
        notice_id,
    )
    return SealRow(**dict(record)) if record else None


@dataclass(frozen=True)
class OpeningRow:
    """What the opening found."""

    opened_at: datetime
    received: int
    qualified: int
    envelopes_digest: str
    candidates: list[str]
    candidates_digest: str
    draw_decided: bool
    draw: Mapping[str, Any] | None


async def opening_of(notice_id: int) -> OpeningRow | None:
    """The opening of a notice; None before it happened."""
    record = await db.row(
        "select opened_at, received, qualified, envelopes_digest, candidates, candidates_digest,"
        " draw_decided, draw from market_opening where notice = $1",
        notice_id,
    )
    return OpeningRow(**dict(record)) if record else None


@dataclass(frozen=True)
class OpenedBid:
    """A bid after the opening, as everybody may see it."""

    id: int
    state: str
    digest: str
    received_at: datetime
    agency_id: int
    agency_name_zh: str
    agency_name_en: str
    uscc: str
    amount: Decimal | None
    days: int | None
    grade: str | None
    score: Decimal | None
    place: int | None
    reasons: list[Reason]
    publication_no: str | None
    graded_at: datetime | None
    points: Decimal | None = None
    shortlisted: bool = False


async def opened_bids(notice_id: int) -> list[OpenedBid]:
    """Everybody's offer with place and reasons, in rank order; sealed bids never appear here.

    Nor do those that a panel still assesses: names and prices stay apart from proposals until it has signed.
    """
    found = await db.rows(
        """select b.id, b.state, b.digest, b.received_at, a.id as agency_id,
                  a.name_zh as agency_name_zh, a.name_en as agency_name_en, a.uscc, b.amount,
                   b.days, b.grade, b.score, b.place, b.reasons, b.points, b.shortlisted,
                   g.publication_no, g.published_at as graded_at
             from market_bid b join agencies_agency a on a.id = b.agency join market_notice n on n.id = b.notice
             left join agencies_grade_record g on g.id = b.grade_record
            where b.notice = $1 and b.state in ('entered', 'set-aside')
              and not (n.method = 'proposal-preferred' and n.state in ('opened', 'assessing'))
            order by b.place nulls last, b.id""",
        notice_id,
    )
    return [
        OpenedBid(**dict(record) | {"reasons": [from_json(each) for each in record["reasons"]]}) for record in found
    ]

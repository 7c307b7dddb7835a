"""Reads of awards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core import db
from core.errors import NotFound
from core.i18n import N_
from market.rules.notices import FundSource, SelectionMethod
from market.rules.reasons import Reason, from_json


class AwardGone(NotFound):
    """No such award."""

    code = "award-not-found"
    text = N_("没有找到这个中选结果。请从公告页进入。")


@dataclass(frozen=True)
class AwardRow:
    """An award with everything a contract is drafted from.

    `amount` in yuan, `days` in working days, `conditions` the notice's own words.
    """

    award_id: int
    state: str
    notice_id: int
    notice_no: str
    project_id: int
    project_title: str
    item_code: str
    item_name_zh: str
    item_name_en: str
    review_sheet: str
    profession: str
    client_id: int
    client_name_zh: str
    client_name_en: str
    agency_id: int
    agency_organization_id: int
    agency_name_zh: str
    agency_name_en: str
    bid_id: int | None
    amount: Decimal
    days: int
    scale: str
    conditions: str
    payment_terms: str
    proposal: str
    fund_source: FundSource
    method: SelectionMethod
    grade_at_selection: str
    score_at_selection: Decimal | None
    place: int
    reason: Mapping[str, Any]
    announced_at: datetime
    display_until: datetime
    confirmed_at: datetime | None
    completed_at: datetime | None
    publication_no: str | None
    graded_at: datetime | None

    @property
    def why(self) -> Reason:
        """Why this agency."""
        return from_json(self.reason)


AWARD_SQL = """
select w.id as award_id, w.state, n.id as notice_id, n.number as notice_no, p.id as project_id,
       p.title as project_title, i.code as item_code, i.name_zh as item_name_zh,
       i.name_en as item_name_en, i.review_sheet, i.profession, n.client as client_id,
       o.name_zh as client_name_zh, o.name_en as client_name_en, a.id as agency_id,
       a.organization as agency_organization_id, a.name_zh as agency_name_zh,
       a.name_en as agency_name_en, w.bid as bid_id, w.amount, w.days, n.scale,
       n.requirements as conditions, n.payment_terms, coalesce(b.proposal, '') as proposal,
       n.fund_source, n.method, w.grade_at_selection, w.score_at_selection, w.place, w.reason,
       w.announced_at, w.display_until, w.confirmed_at, w.completed_at,
       g.publication_no, g.published_at as graded_at
  from market_award w
  join market_notice n on n.id = w.notice
  join market_project p on p.id = n.project
  join market_service_item i on i.id = n.item
  join core_organization o on o.id = n.client
  join agencies_agency a on a.id = w.agency
  left join market_bid b on b.id = w.bid
  left join agencies_grade_record g on g.id = w.grade_record
"""


def award_row(record: Any) -> AwardRow:
    """From a record of `AWARD_SQL`."""
    columns = dict(record)
    return AwardRow(
        **columns
        | {
            "fund_source": FundSource(columns["fund_source"]),
            "method": SelectionMethod(columns["method"]),
        }
    )


async def award(award_id: int) -> AwardRow:
    """An award; `AwardGone` when there is none. Awards are public."""
    record = await db.row(AWARD_SQL + " where w.id = $1", award_id)
    if record is None:
        raise AwardGone
    return award_row(record)


async def award_of(notice_id: int) -> AwardRow | None:
    """The award of a notice that stands (announced or confirmed)."""
    record = await db.row(AWARD_SQL + " where n.id = $1 and w.state in ('announced', 'confirmed')", notice_id)
    return award_row(record) if record else None


async def ended_awards(notice_id: int) -> list[AwardRow]:
    """Awards of a notice that were replaced or cancelled, in order."""
    found = await db.rows(
        AWARD_SQL + " where n.id = $1 and w.state not in ('announced', 'confirmed') order by w.id",
        notice_id,
    )
    return [award_row(record) for record in found]


async def awards(
    *,
    limit: int,
    before: int | None = None,
    agency_id: int | None = None,
    client_id: int | None = None,
) -> list[AwardRow]:
    """Standing awards, newest first; one more than `limit` tells that more follow."""
    found = await db.rows(
        AWARD_SQL
        + """ where w.state in ('announced', 'confirmed')
          and ($1::bigint is null or w.id < $1) and ($2::bigint is null or w.agency = $2)
          and ($3::bigint is null or n.client = $3)
        order by w.id desc limit $4""",
        before,
        agency_id,
        client_id,
        limit + 1,
    )
    return [award_row(record) for record in found]


async def open_jobs(agency_ids: list[int]) -> dict[int, int]:
    """Awards not yet completed, by agency: what the limit for grade C counts."""
    found = await db.rows(
        """select agency, count(*) as open from market_award
            where agency = any($1) and state in ('announced', 'confirmed')
              and completed_at is null group by agency""",
        agency_ids,
    )
    return {record["agency"]: record["open"] for record in found}

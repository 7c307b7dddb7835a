"""Who relied on a published grade: notices in which it was the grade of a bidder or of the one chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core import db

_RELIED = """
with used as (
    select w.notice, w.grade_record, true as chosen from market_award w where w.agency = $1
    union all
    select b.notice, b.grade_record, false from market_bid b where b.agency = $1)
select n.id as notice_id, n.number as notice_no, p.title, n.client as client_id,
       o.name_zh as client_zh, o.name_en as client_en, bool_or(u.chosen) as chosen,
       array_agg(distinct g.publication_no) as publications
from used u
join agencies_grade_record g on g.id = u.grade_record
join market_notice n on n.id = u.notice
join market_project p on p.id = n.project
join core_organization o on o.id = n.client
where g.publication_no = any($2::text[])
group by n.id, p.title, o.name_zh, o.name_en
order by n.id
"""


@dataclass(frozen=True)
class Reliance:
    """A notice whose opening or award stored the grade of one of these publications."""

    notice_id: int
    notice_no: str
    title: str
    client_id: int
    client_zh: str
    client_en: str
    chosen: bool
    publications: tuple[str, ...]


async def relied_on(agency_id: int, publications: Sequence[str]) -> list[Reliance]:
    """Notices that used a grade of the agency under one of these publication numbers, oldest first.

    Only what an opening or an award has stored: a sealed bid carries no grade, so nothing is given away.
    """
    return [_reliance(row) for row in await db.rows(_RELIED, agency_id, list(publications))]


def _reliance(row: Any) -> Reliance:
    return Reliance(**dict(row) | {"publications": tuple(row["publications"])})

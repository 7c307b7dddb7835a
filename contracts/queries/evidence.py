"""The evidence of a grade: one row per finally reviewed result, in one query (the door of grading)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from core import clock, db


@dataclass(frozen=True)
class StarEvidence:
    """A client's revealed evaluation of the contract; `score` 0–100 as in XT-2026.1."""

    contract_id: int
    client_id: int
    quality: int
    time: int
    conduct: int
    charging: int
    again: bool
    score: Decimal
    filed_at: datetime


@dataclass(frozen=True)
class CaseEvidence:
    """One reviewed result: T with the reviewers behind it, D, F, and the stars of its contract.

    Results of one contract share its stars. `difficulty` names the class in which projects are
    compared: the service item. `related` is True when client and agency declared a tie.
    """

    deliverable_id: int
    contract_id: int
    contract_no: str
    title: str
    agency_id: int
    profession: str
    item_code: str
    client_id: int
    reviewer_ids: tuple[int, ...]
    technical_marks: tuple[Decimal, ...]
    technical: Decimal
    vetoed: bool
    punctuality: Decimal
    filings: Decimal
    finalised_at: datetime
    stars: StarEvidence | None
    difficulty: str
    related: bool


_EVIDENCE = """
select d.id as deliverable_id, c.id as contract_id, c.number as contract_no, c.title,
       c.agency as agency_id, c.profession, c.item_code, c.client as client_id,
       m.reviewer_ids, m.technical_marks, r.technical, r.vetoed, d.punctuality, d.filings,
       r.finalised_at, c.related_parties as related,
       e.quality, e.time, e.conduct, e.charging, e.again, e.score, e.client_filed_at
from contracts_review r
join contracts_deliverable d on d.id = r.deliverable
join contracts_contract c on c.id = d.contract
join lateral (
    select array_agg(a.reviewer order by a.seat) as reviewer_ids,
           array_agg(a.mark order by a.seat) as technical_marks
    from contracts_assignment a where a.review = r.id and a.state = 'submitted'
) m on true
left join contracts_evaluation e
       on e.contract = c.id and e.client_filed_at is not null and e.revealed_at < $4
where r.state = 'final' and r.finalised_at >= $3 and r.finalised_at < $4
  and ($1::bigint is null or c.agency = $1) and ($2::text is null or c.profession = $2)
order by r.finalised_at, d.id
"""


async def case_evidence(
    agency_id: int | None = None,
    profession: str | None = None,
    *,
    since: date,
    until: date,
) -> list[CaseEvidence]:
    """Everything made final from `since` to `until`, both days included, in the order it became so.

    Stars count only when both sides could read them by the end of `until`, so that asking later for
    the same days gives the same rows.
    """
    found = await db.rows(
        _EVIDENCE,
        agency_id,
        str(profession) if profession else None,
        clock.end_of_day(since - timedelta(days=1)),
        clock.end_of_day(until),
    )
    return [_evidence(row) for row in found]


def _evidence(row: Any) -> CaseEvidence:
    return CaseEvidence(
        deliverable_id=row["deliverable_id"],
        contract_id=row["contract_id"],
        contract_no=row["contract_no"],
        title=row["title"],
        agency_id=row["agency_id"],
        profession=row["profession"],
        item_code=row["item_code"],
        client_id=row["client_id"],
        reviewer_ids=tuple(row["reviewer_ids"]),
        technical_marks=tuple(row["technical_marks"]),
        technical=row["technical"],
        vetoed=row["vetoed"],
        punctuality=row["punctuality"],
        filings=row["filings"],
        finalised_at=row["finalised_at"],
        stars=_stars(row),
        difficulty=row["item_code"],
        related=row["related"],
    )


def _stars(row: Any) -> StarEvidence | None:
    if row["quality"] is None:
        return None
    return StarEvidence(
        contract_id=row["contract_id"],
        client_id=row["client_id"],
        quality=row["quality"],
        time=row["time"],
        conduct=row["conduct"],
        charging=row["charging"],
        again=row["again"],
        score=row["score"],
        filed_at=row["client_filed_at"],
    )

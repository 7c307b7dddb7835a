"""What watching the graders reads of reviews, evaluations and contracts: one query each, no names of persons."""

from datetime import date, timedelta
from typing import Any

from core import clock, db

_MARKS = """
select r.id as review, c.agency, c.profession, c.item_code as item, c.client, a.reviewer, v.region,
       a.mark, a.blind, r.vetoed, c.related_parties as related, (r.finalised_at at time zone 'Asia/Shanghai')::date as day
from contracts_review r
join contracts_deliverable d on d.id = r.deliverable
join contracts_contract c on c.id = d.contract
join contracts_assignment a on a.review = r.id and a.state = 'submitted' and a.mark is not null
join contracts_reviewer v on v.id = a.reviewer
where r.state = 'final' and r.finalised_at >= $1 and r.finalised_at < $2
order by r.id, a.seat
"""
_STARS = """
select e.contract, c.agency, c.client, (e.requested_at at time zone 'Asia/Shanghai')::date as requested,
       (e.due_at at time zone 'Asia/Shanghai')::date as due,
       (e.client_filed_at at time zone 'Asia/Shanghai')::date as answered, e.score as level
from contracts_evaluation e join contracts_contract c on c.id = e.contract
where e.requested_at >= $1 and e.requested_at < $2 and (e.client_filed_at is null or e.revealed_at < $2)
order by e.id
"""
_DEALS = """
select c.id as contract, c.client, c.agency, c.agency_organization as organization,
       (c.signed_at at time zone 'Asia/Shanghai')::date as day
from contracts_contract c where c.signed_at >= $1 and c.signed_at < $2 order by c.id
"""


async def _within(sql: str, since: date, until: date) -> list[Any]:
    return await db.rows(sql, clock.end_of_day(since - timedelta(days=1)), clock.end_of_day(until))


async def expert_marks(since: date, until: date) -> list[Any]:
    """Every submitted mark of reviews made final on these days; reviewers by number only."""
    return await _within(_MARKS, since, until)


async def evaluation_requests(since: date, until: date) -> list[Any]:
    """Every request for an evaluation made on these days; an answer only once both sides may read it."""
    return await _within(_STARS, since, until)


async def signed_contracts(since: date, until: date) -> list[Any]:
    """Who commissioned whom: contracts signed on these days."""
    return await _within(_DEALS, since, until)

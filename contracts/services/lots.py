"""Drawing a reviewer: who could, who could not and why, the seed, and who came out; all of it kept."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from contracts.queries.inquiries import COMPONENTS
from contracts.rules import reviews as rules
from contracts.rules.clocks import clocks_on
from contracts.rules.reviews import Candidate
from contracts.services.chance import fresh_seed
from core import clock, db, mail, trail
from core.identity import SYSTEM
from core.workdays import calendar

LOAD_WINDOW = timedelta(days=90)

_CANDIDATES = """
select r.id, r.region, r.account,
       (select count(*) from contracts_assignment a
         where a.reviewer = r.id and a.drawn_at > $3) as load,
       case
         when exists (select 1 from contracts_assignment a
                       where a.reviewer = r.id and a.review = $1) then 'seated'
         when r.organization = any($4::bigint[])
           or exists (select 1 from contracts_reviewer_interest i
                       where i.reviewer = r.id and i.organization = any($4::bigint[]))
           or exists (select 1 from core_membership m
                       where m.account = r.account and m.organization = any($4::bigint[]))
         then 'interest'
       end as barred
from contracts_reviewer r
where r.active and $2 = any(r.professions)
order by r.id
"""

_INTEREST = """
select exists (select 1 from contracts_reviewer r where r.id = $1 and (
    r.organization = any($2::bigint[])
    or exists (select 1 from contracts_reviewer_interest i
                where i.reviewer = r.id and i.organization = any($2::bigint[]))
    or exists (select 1 from core_membership m
                where m.account = r.account and m.organization = any($2::bigint[]))))
"""


@dataclass(frozen=True)
class Seat:
    """Which seat of a review is drawn, whether it is the blind second mark, and beside which reviewer of the other one."""

    number: int
    blind: bool = False
    other_region_than: str = ""
    beside: int | None = None


async def has_interest(reviewer_id: int, parties: list[int]) -> bool:
    """Whether a reviewer is tied to one of the organisations, by declaration or membership."""
    found: bool = await db.value(_INTEREST, reviewer_id, parties)
    return found


async def draw_reviewer(review: Any, seat: Seat) -> Any:
    """Draw one seat of a review by lot; None when nobody is left, which waits on the officer's desk.

    The lot can be recomputed: `contracts.rules.reviews.draw(seed, pool)`. Who was left out because the published table
    links them to the other reviewer already is on record as `connected`.
    """
    found = await db.rows(
        _CANDIDATES,
        review["id"],
        review["profession"],
        clock.now() - LOAD_WINDOW,
        list(review["parties"]),
    )
    candidates = [Candidate(row["id"], row["region"], row["load"]) for row in found if row["barred"] is None]
    if seat.blind:
        candidates = list(rules.prefer_other_region(candidates, seat.other_region_than))
    if not candidates:
        return None
    fair = rules.fair_pool(candidates)
    pool = rules.prefer_joining(fair, seat.beside, await COMPONENTS() or {})
    lot = rules.draw(fresh_seed(), pool)
    excluded = {str(row["id"]): row["barred"] for row in found if row["barred"]}
    excluded |= {str(one): rules.CONNECTED for one in fair if one not in pool}
    picked = next(row for row in found if row["id"] == lot.picked)
    await _seat(review, seat, lot, excluded)
    await mail.send(
        to_account=picked["account"],
        message="contracts/review_assigned",
        context={"number": review["number"]},
    )
    return picked


async def _seat(review: Any, seat: Seat, lot: rules.Draw, excluded: dict[str, str]) -> None:
    now = clock.now()
    due = (await calendar()).due_at(now, clocks_on(clock.today()).review)
    await db.execute(
        "insert into contracts_assignment (review, reviewer, seat, blind, drawn_at, due_at,"
        " lot_seed, lot_pool, lot_excluded, state, marks, vetoes, summary, version, reason, points)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'assigned', $10, $11, '', 1, '', 0)",
        review["id"],
        lot.picked,
        seat.number,
        seat.blind,
        now,
        due,
        lot.seed,
        list(lot.pool),
        excluded,
        {},
        {},
    )
    await trail.record(
        SYSTEM,
        "review.reviewer-drawn",
        f"review:{review['id']}",
        after={
            "seat": seat.number,
            "seed": lot.seed,
            "pool": list(lot.pool),
            "excluded": excluded,
            "picked": lot.picked,
        },
    )

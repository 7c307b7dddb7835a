"""Planning a review by the grade, as it stands on the day the review is opened."""

from typing import Any

from contracts.rules.supervision import Depth, Plan, plan_review, supervision_on
from core import clock, db, trail
from core.identity import SYSTEM


async def planned(contract: Any, grade: str, *, by_amount: int, seed: str) -> Plan:
    """Depth and reviewers for the next result of a contract's agency. Joins the caller's transaction."""
    before: int = await db.value(
        "select count(*) from contracts_review v join contracts_deliverable d on d.id = v.deliverable"
        " join contracts_contract c on c.id = d.contract where c.agency = $1 and v.profession = $2",
        contract["agency"],
        contract["profession"],
    )
    law = supervision_on(clock.today())
    return plan_review(grade, by_amount=by_amount, results_before=before, seed=seed, law=law)


async def keep_plan(review: Any, plan: Plan, grade: str) -> None:
    """Store how the review was planned, with what is needed to draw the lot again."""
    law = supervision_on(clock.today())
    await db.execute(
        "insert into contracts_review_plan (review, rule, grade, depth, share, seed, reviewers, reason)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        review["id"],
        law.id,
        grade,
        plan.depth.value,
        plan.share,
        review["double_seed"],
        plan.reviewers,
        plan.reason,
    )
    await trail.record(
        SYSTEM,
        "review.planned",
        f"review:{review['id']}",
        after={
            "grade": grade,
            "depth": plan.depth.value,
            "share": plan.share,
            "reviewers": plan.reviewers,
            "reason": plan.reason,
            "seed": review["double_seed"],
            "rule": law.id,
        },
    )


async def depth_of(review_id: int) -> Depth:
    """How deep a review is; standard for those opened before the measures."""
    found = await db.value("select depth from contracts_review_plan where review = $1", review_id)
    return Depth(found) if found else Depth.STANDARD

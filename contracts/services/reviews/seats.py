"""Leaving a seat: a reviewer steps back or is relieved, and the seat is drawn again."""

from typing import Any

from contracts.rules import reviews as rules
from contracts.rules.reviews import AssignmentAct, AssignmentState
from contracts.services.reviews.cases import (
    ReviewReceipt,
    lock_assignment,
    lock_review,
    receipt,
)
from contracts.services.reviews.opening import draw_missing
from core import db, trail
from core.db import transaction
from core.identity import Identity, Permission
from core.states import advance


async def recuse(*, actor: Identity, assignment_id: int, reason: str) -> ReviewReceipt:
    """A reviewer steps back; the seat is drawn again among the others."""
    actor.require(Permission.REVIEW)
    if not reason.strip():
        raise rules.RecusalWithoutReason
    async with transaction():
        review, assignment = await lock_assignment(actor, assignment_id)
        entry = await _vacate(actor, review, assignment, AssignmentAct.RECUSE, reason)
    return receipt(review, entry)


async def release_assignment(*, actor: Identity, assignment_id: int, reason: str) -> ReviewReceipt:
    """An officer takes an overdue assignment back and has the seat drawn again."""
    actor.require(Permission.ASSIGN_REVIEW)
    if not reason.strip():
        raise rules.RecusalWithoutReason
    async with transaction():
        review_id = await db.value("select review from contracts_assignment where id = $1", assignment_id)
        review = await lock_review(review_id)
        assignment = await db.row("select * from contracts_assignment where id = $1", assignment_id)
        entry = await _vacate(actor, review, assignment, AssignmentAct.RELEASE, reason)
    return receipt(review, entry)


_LEFT = {
    AssignmentAct.RECUSE: "review.reviewer-recused",
    AssignmentAct.RELEASE: "review.reviewer-released",
}


async def _vacate(actor: Identity, review: Any, assignment: Any, act: AssignmentAct, reason: str) -> int:
    state = advance(rules.ASSIGNMENT_TRANSITIONS, AssignmentState(assignment["state"]), act)
    await db.execute(
        "update contracts_assignment set state = $2, reason = $3 where id = $1",
        assignment["id"],
        state.value,
        reason,
    )
    entry = await trail.record(
        actor,
        _LEFT[act],
        f"review:{review['id']}",
        after={"seat": assignment["seat"], "reviewer": assignment["reviewer"], "reason": reason},
    )
    await draw_missing(review)
    return entry

"""The agency's comment, its answer, and the moment a result is final."""

from typing import Any

from contracts.rules import reviews as rules
from contracts.rules.clocks import clocks_on
from contracts.rules.reviews import ReviewAct, ReviewState
from contracts.services.reviews.cases import (
    ReviewReceipt,
    contract_of,
    findings,
    lock_review,
    threads,
)
from core import clock, db, mail, trail
from core.db import transaction
from core.errors import NotFound, Rejected
from core.handover import Handover
from core.i18n import N_
from core.identity import SYSTEM, Identity, Permission
from core.states import advance
from core.workdays import calendar

REVIEWED: Handover[[int, str, int]] = Handover("contracts.reviewed")
"""A result has its final mark: agency, profession, deliverable. Inside the transaction that makes it final."""


class CommentEmpty(Rejected):
    """A comment or an answer says something."""

    code = "comment-empty"
    text = N_("请写明意见或答复的内容。没有意见可以点“没有意见”。")


async def _lock_for_agency(actor: Identity, review_id: int) -> tuple[Any, Any]:
    review = await lock_review(review_id)
    contract = await contract_of(review)
    if contract["agency_organization"] != actor.organization_id:
        raise NotFound
    return review, contract


async def comment_on_review(*, actor: Identity, review_id: int, comment: str) -> ReviewReceipt:
    """The agency's comment on a shared result, within five working days; it must be answered."""
    actor.require(Permission.COMMENT_GRADE)
    if not comment.strip():
        raise CommentEmpty
    now = clock.now()
    async with transaction():
        review, contract = await _lock_for_agency(actor, review_id)
        state = advance(rules.TRANSITIONS, ReviewState(review["state"]), ReviewAct.COMMENT)
        due = (await calendar()).due_at(now, clocks_on(clock.today()).answer)
        await db.execute(
            "update contracts_review set state = $2, comment = $3, commented_at = $4, due_at = $5 where id = $1",
            review_id,
            state.value,
            comment,
            now,
            due,
        )
        entry = await trail.record(
            actor,
            "review.commented",
            f"review:{review_id}",
            after={"comment": comment},
            threads=threads(contract),
        )
    return ReviewReceipt(review_id, review["number"], state, now, entry)


async def waive_comment(*, actor: Identity, review_id: int) -> ReviewReceipt:
    """The agency has nothing to add: the result is final at once."""
    actor.require(Permission.COMMENT_GRADE)
    async with transaction():
        review, contract = await _lock_for_agency(actor, review_id)
        await trail.record(actor, "review.waived", f"review:{review_id}", threads=threads(contract))
        return await _finalise(actor, review, contract, ReviewAct.WAIVE, "")


async def close_review(*, actor: Identity, review_id: int, answer: str) -> ReviewReceipt:
    """Answer the agency's comment and make the result final: a reviewer of the case or an officer."""
    if not answer.strip():
        raise CommentEmpty
    async with transaction():
        review = await lock_review(review_id)
        await _check_may_answer(actor, review_id)
        contract = await contract_of(review)
        # Reviewers stay unknown to the agency: their answer stands on the review's own thread only.
        await trail.record(actor, "review.answered", f"review:{review_id}", after={"answer": answer})
        return await _finalise(SYSTEM, review, contract, ReviewAct.CLOSE, answer)


async def _check_may_answer(actor: Identity, review_id: int) -> None:
    if actor.may(Permission.CLOSE_REVIEW):
        return
    actor.require(Permission.REVIEW)
    mine = await db.value(
        "select 1 from contracts_assignment a join contracts_reviewer r on r.id = a.reviewer"
        " where a.review = $1 and r.account = $2 and a.state = 'submitted'",
        review_id,
        actor.account_id,
    )
    if mine is None:
        raise NotFound


class VerdictDrift(RuntimeError):
    """The stored result is not what the stored sheets give: somebody has touched one of them."""


async def _finalise(actor: Identity, review: Any, contract: Any, act: ReviewAct, answer: str) -> ReviewReceipt:
    state = advance(rules.TRANSITIONS, ReviewState(review["state"]), act)
    now = clock.now()
    verdict = rules.verdict([finding for _, finding in await findings(review["id"])])
    if (verdict.technical, verdict.vetoed) != (review["technical"], review["vetoed"]):
        raise VerdictDrift(review["number"])
    await db.execute(
        "update contracts_review set state = $2, answer = $3, finalised_at = $4, due_at = null where id = $1",
        review["id"],
        state.value,
        answer,
        now,
    )
    entry = await trail.record(
        actor,
        "review.finalised",
        f"review:{review['id']}",
        after={"technical": verdict.technical, "vetoed": verdict.vetoed, "answer": answer},
        threads=threads(contract),
    )
    for organization in (contract["agency_organization"], contract["client"]):
        await mail.send(
            to_organization=organization,
            message="contracts/review_final",
            context={"review_id": review["id"], "number": review["number"]},
        )
    await REVIEWED(contract["agency"], contract["profession"], review["deliverable"])
    return ReviewReceipt(review["id"], review["number"], state, now, entry)


async def finalise_due_reviews(limit: int = 200) -> int:
    """Make final what nobody commented on or answered in time; how many were. For the clock."""
    due = await db.rows(
        "select id from contracts_review where state in ('comment', 'answer') and due_at <= $1"
        " order by due_at limit $2",
        clock.now(),
        limit,
    )
    return sum([await _expire(row["id"]) for row in due])


async def _expire(review_id: int) -> bool:
    async with transaction():
        review = await lock_review(review_id)
        if review["due_at"] is None or review["due_at"] > clock.now():
            return False
        contract = await contract_of(review)
        await _finalise(SYSTEM, review, contract, ReviewAct.EXPIRE, "")
    return True

"""Technical review of every accepted result: opened, marked, shared, commented on, final."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from agencies import queries as agencies
from agencies.rules import Profession
from contracts.rules import reviews as rules
from contracts.rules import sheets
from contracts.rules.clocks import clocks_on
from contracts.rules.reviews import (
    AssignmentAct,
    AssignmentState,
    Finding,
    ReviewAct,
    ReviewState,
    Verdict,
)
from contracts.rules.sheets import Mark, ReviewSheet, VetoFinding
from contracts.services.chance import fresh_seed
from contracts.services.lots import Seat, draw_reviewer, has_interest
from core import clock, db, mail, serials, trail
from core.db import transaction
from core.errors import NotFound, Rejected, StaleForm
from core.i18n import N_
from core.identity import SYSTEM, Identity, Permission
from core.states import advance
from core.workdays import calendar


class CommentEmpty(Rejected):
    """A comment or an answer says something."""

    code = "comment-empty"
    text = N_("请写明意见或答复的内容。没有意见可以点“没有意见”。")


@dataclass(frozen=True)
class SheetFilled:
    """A review sheet as filled in so far."""

    marks: Mapping[str, Mark]
    vetoes: Sequence[VetoFinding]
    summary: str = ""


@dataclass(frozen=True)
class ReviewReceipt:
    """What an act on a review or assignment leaves behind."""

    review_id: int
    number: str
    state: ReviewState
    at: datetime
    entry_id: int | None
    version: int = 0
    points: Decimal | None = None


# ---- opening
async def open_review(contract: Any, deliverable: Any) -> int:
    """Open the review of an accepted result and draw its reviewers; joins the caller's transaction.

    One reviewer, two from a fee of 200,000 yuan or where the sheet says so; by lot at least 5 % of
    the others get a blind second mark from another region.
    """
    sheet = sheets.sheet_in_force(contract["review_sheet"], clock.today())
    wanted = rules.reviewers_wanted(contract["amount"], sheet.reviewers)
    seed = fresh_seed()
    doubled = wanted == 1 and await _doubled(contract["profession"], seed)
    review = await _insert(contract, deliverable, sheet, wanted + doubled, doubled, seed)
    await trail.record(
        SYSTEM,
        "review.opened",
        f"review:{review['id']}",
        after={
            "number": review["number"],
            "sheet": sheet.id,
            "version": sheet.version,
            "sheet_digest": sheet.digest,
            "double_seed": seed,
        },
        threads=(f"deliverable:{deliverable['id']}", f"contract:{contract['id']}"),
    )
    await draw_missing(review)
    return int(review["id"])


async def _doubled(profession: str, seed: str) -> bool:
    recent = await db.row(
        "select count(*) as n, count(*) filter (where doubled) as doubled from ("
        "select doubled from contracts_review where profession = $1 and (doubled or wanted = 1)"
        " order by id desc limit $2) as recent",
        profession,
        rules.DOUBLE_WINDOW,
    )
    return rules.double_by_lot(seed, recent["doubled"], recent["n"])


async def _insert(contract: Any, deliverable: Any, sheet: ReviewSheet, wanted: int, doubled: bool, seed: str) -> Any:
    standing = await agencies.standing(contract["agency"], Profession(contract["profession"]), clock.today())
    parties = {contract["client"], contract["agency_organization"], *standing.related_organizations}
    number = await serials.next_number("SC", clock.today())
    return await db.row(
        "insert into contracts_review (deliverable, number, profession, sheet_id, sheet_version,"
        " sheet_digest, parties, wanted, doubled, double_seed, state, opened_at, comment, answer,"
        " vetoed) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'marking', $11, '', '', false)"
        " returning *",
        deliverable["id"],
        number,
        contract["profession"],
        sheet.id,
        sheet.version,
        sheet.digest,
        sorted(parties),
        wanted,
        doubled,
        seed,
        clock.now(),
    )


async def draw_missing(review: Any) -> int:
    """Draw every seat that nobody holds; gives the number of seats still empty."""
    held = await db.rows(
        "select a.seat, r.region from contracts_assignment a"
        " join contracts_reviewer r on r.id = a.reviewer"
        " where a.review = $1 and a.state in ('assigned', 'submitted') order by a.seat",
        review["id"],
    )
    seats = {row["seat"]: row["region"] for row in held}
    for number in range(1, review["wanted"] + 1):
        if number not in seats:
            blind = review["doubled"] and number == 2
            picked = await draw_reviewer(review, Seat(number, blind, seats.get(1, "")))
            if picked is not None:
                seats[number] = picked["region"]
    return int(review["wanted"]) - len(seats)


async def draw_again(*, actor: Identity, review_id: int) -> ReviewReceipt:
    """An officer draws the empty seats of a review, after registering more reviewers."""
    actor.require(Permission.ASSIGN_REVIEW)
    async with transaction():
        review = await _lock_review(review_id)
        if await draw_missing(review):
            raise rules.NoReviewerAvailable
    return _receipt(review, None)


# ---- marking
_ASSIGNMENT = (
    "select a.* from contracts_assignment a join contracts_reviewer r on r.id = a.reviewer"
    " where a.id = $1 and r.account = $2 for update of a"
)


async def _lock_assignment(actor: Identity, assignment_id: int) -> tuple[Any, Any]:
    """Review first, then assignment; `NotFound` for anybody but the reviewer who was drawn."""
    review_id = await db.value("select review from contracts_assignment where id = $1", assignment_id)
    review = await _lock_review(review_id)
    assignment = await db.row(_ASSIGNMENT, assignment_id, actor.account_id)
    if assignment is None:
        raise NotFound
    return review, assignment


async def _lock_review(review_id: int | None) -> Any:
    row = await db.row("select * from contracts_review where id = $1 for update", review_id)
    if row is None:
        raise NotFound
    return row


async def save_marks(*, actor: Identity, assignment_id: int, version: int, sheet: SheetFilled) -> ReviewReceipt:
    """Keep an unfinished sheet. No trail entry: a draft has no effect on anybody."""
    actor.require(Permission.REVIEW)
    async with transaction():
        review, assignment = await _lock_assignment(actor, assignment_id)
        _check_version(assignment, version)
        advance(
            rules.ASSIGNMENT_TRANSITIONS,
            AssignmentState(assignment["state"]),
            AssignmentAct.SAVE,
        )
        form = sheets.sheet_version(review["sheet_id"], review["sheet_version"])
        points = sheets.points(form, _known(form, sheet.marks))
        await _write_sheet(assignment, sheet, AssignmentState.ASSIGNED, points, None)
    return _receipt(review, None, version + 1, points)


async def submit_review(*, actor: Identity, assignment_id: int, version: int, sheet: SheetFilled) -> ReviewReceipt:
    """Hand in a finished sheet; with the last one the result goes to the agency.

    `IncompleteSheet` names every missing indicator; `ReviewerHasInterest` when a tie to one of the
    parties has become known since the lot.
    """
    actor.require(Permission.REVIEW)
    async with transaction():
        review, assignment = await _lock_assignment(actor, assignment_id)
        _check_version(assignment, version)
        state = advance(
            rules.ASSIGNMENT_TRANSITIONS,
            AssignmentState(assignment["state"]),
            AssignmentAct.SUBMIT,
        )
        if await has_interest(assignment["reviewer"], list(review["parties"])):
            raise rules.ReviewerHasInterest
        form = sheets.sheet_version(review["sheet_id"], review["sheet_version"])
        sheets.check_complete(form, sheet.marks, sheet.vetoes)
        points = sheets.points(form, sheet.marks)
        mark = sheets.technical(points, sheet.vetoes)
        await _write_sheet(assignment, sheet, state, points, mark)
        entry = await _record_submission(actor, review, assignment, sheet, mark)
        concluded = await _conclude(review)
    return _receipt(review, entry, version + 1, points, concluded)


def _check_version(assignment: Any, version: int) -> None:
    if assignment["version"] != version:
        raise StaleForm


def _known(form: ReviewSheet, marks: Mapping[str, Mark]) -> dict[str, Mark]:
    return {code: mark for code, mark in marks.items() if mark.level in {0, *sheets.LEVELS}}


async def _write_sheet(
    assignment: Any,
    sheet: SheetFilled,
    state: AssignmentState,
    points: Decimal,
    mark: Decimal | None,
) -> None:
    await db.execute(
        "update contracts_assignment set marks = $2, vetoes = $3, summary = $4, state = $5,"
        " points = $6, mark = $7, version = version + 1, submitted_at = $8 where id = $1",
        assignment["id"],
        {code: [mark.level, mark.remark] for code, mark in sheet.marks.items()},
        {finding.code: finding.evidence for finding in sheet.vetoes},
        sheet.summary,
        state.value,
        points,
        mark,
        None if mark is None else clock.now(),
    )


async def _record_submission(actor: Identity, review: Any, assignment: Any, sheet: SheetFilled, mark: Decimal) -> int:
    return await trail.record(
        actor,
        "review.submitted",
        f"review:{review['id']}",
        after={
            "seat": assignment["seat"],
            "reviewer": assignment["reviewer"],
            "levels": {code: found.level for code, found in sheet.marks.items()},
            "vetoes": [finding.code for finding in sheet.vetoes],
            "mark": mark,
        },
    )


async def _findings(review_id: int) -> list[tuple[AssignmentState, Finding]]:
    found = await db.rows(
        "select state, points, vetoes from contracts_assignment"
        " where review = $1 and state in ('assigned', 'submitted') order by seat",
        review_id,
    )
    return [(AssignmentState(row["state"]), Finding(row["points"], bool(row["vetoes"]))) for row in found]


async def _conclude(review: Any) -> ReviewState:
    """Share the result when every seat is in; draw a third reviewer when two differ too much."""
    seats = await _findings(review["id"])
    if len(seats) < review["wanted"] or any(state is AssignmentState.ASSIGNED for state, _ in seats):
        return ReviewState.MARKING
    findings = [finding for _, finding in seats]
    if rules.needs_third(findings):
        await db.execute("update contracts_review set wanted = $2 where id = $1", review["id"], rules.MOST_SEATS)
        await draw_reviewer(review, Seat(rules.MOST_SEATS))
        return ReviewState.MARKING
    return await _share(review, rules.verdict(findings))


async def _share(review: Any, verdict: Verdict) -> ReviewState:
    state = advance(rules.TRANSITIONS, ReviewState(review["state"]), ReviewAct.SHARE)
    now = clock.now()
    due = (await calendar()).due_at(now, clocks_on(clock.today()).comment)
    await db.execute(
        "update contracts_review set state = $2, shared_at = $3, due_at = $4, technical = $5,"
        " vetoed = $6 where id = $1",
        review["id"],
        state.value,
        now,
        due,
        verdict.technical,
        verdict.vetoed,
    )
    contract = await _contract_of(review)
    await trail.record(
        SYSTEM,
        "review.shared",
        f"review:{review['id']}",
        after={"technical": verdict.technical, "vetoed": verdict.vetoed},
        threads=_threads(contract),
    )
    await mail.send(
        to_organization=contract["agency_organization"],
        message="contracts/review_shared",
        context={"review_id": review["id"], "number": review["number"]},
    )
    return state


async def _contract_of(review: Any) -> Any:
    return await db.row(
        "select c.id, c.project, c.agency, c.client, c.agency_organization, d.id as deliverable"
        " from contracts_deliverable d join contracts_contract c on c.id = d.contract"
        " where d.id = $1",
        review["deliverable"],
    )


def _threads(contract: Any) -> tuple[str, ...]:
    return (
        f"deliverable:{contract['deliverable']}",
        f"contract:{contract['id']}",
        f"project:{contract['project']}",
        f"agency:{contract['agency']}",
    )


# ---- leaving a seat
async def recuse(*, actor: Identity, assignment_id: int, reason: str) -> ReviewReceipt:
    """A reviewer steps back; the seat is drawn again among the others."""
    actor.require(Permission.REVIEW)
    if not reason.strip():
        raise rules.RecusalWithoutReason
    async with transaction():
        review, assignment = await _lock_assignment(actor, assignment_id)
        entry = await _vacate(actor, review, assignment, AssignmentAct.RECUSE, reason)
    return _receipt(review, entry)


async def release_assignment(*, actor: Identity, assignment_id: int, reason: str) -> ReviewReceipt:
    """An officer takes an overdue assignment back and has the seat drawn again."""
    actor.require(Permission.ASSIGN_REVIEW)
    if not reason.strip():
        raise rules.RecusalWithoutReason
    async with transaction():
        review_id = await db.value("select review from contracts_assignment where id = $1", assignment_id)
        review = await _lock_review(review_id)
        assignment = await db.row("select * from contracts_assignment where id = $1", assignment_id)
        entry = await _vacate(actor, review, assignment, AssignmentAct.RELEASE, reason)
    return _receipt(review, entry)


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


# ---- comment and end
async def _lock_for_agency(actor: Identity, review_id: int) -> tuple[Any, Any]:
    review = await _lock_review(review_id)
    contract = await _contract_of(review)
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
            threads=_threads(contract),
        )
    return ReviewReceipt(review_id, review["number"], state, now, entry)


async def waive_comment(*, actor: Identity, review_id: int) -> ReviewReceipt:
    """The agency has nothing to add: the result is final at once."""
    actor.require(Permission.COMMENT_GRADE)
    async with transaction():
        review, contract = await _lock_for_agency(actor, review_id)
        await trail.record(actor, "review.waived", f"review:{review_id}", threads=_threads(contract))
        return await _finalise(actor, review, contract, ReviewAct.WAIVE, "")


async def close_review(*, actor: Identity, review_id: int, answer: str) -> ReviewReceipt:
    """Answer the agency's comment and make the result final: a reviewer of the case or an officer."""
    if not answer.strip():
        raise CommentEmpty
    async with transaction():
        review = await _lock_review(review_id)
        await _check_may_answer(actor, review_id)
        contract = await _contract_of(review)
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
    verdict = rules.verdict([finding for _, finding in await _findings(review["id"])])
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
        threads=_threads(contract),
    )
    for organization in (contract["agency_organization"], contract["client"]):
        await mail.send(
            to_organization=organization,
            message="contracts/review_final",
            context={"review_id": review["id"], "number": review["number"]},
        )
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
        review = await _lock_review(review_id)
        if review["due_at"] is None or review["due_at"] > clock.now():
            return False
        contract = await _contract_of(review)
        await _finalise(SYSTEM, review, contract, ReviewAct.EXPIRE, "")
    return True


def _receipt(
    review: Any,
    entry: int | None,
    version: int = 0,
    points: Decimal | None = None,
    state: ReviewState | None = None,
) -> ReviewReceipt:
    return ReviewReceipt(
        review["id"],
        review["number"],
        state or ReviewState(review["state"]),
        clock.now(),
        entry,
        version,
        points,
    )

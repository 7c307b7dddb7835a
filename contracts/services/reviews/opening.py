"""Opening a review: how many reviewers, under which sheet, and the lots that seat them."""

from typing import Any

from agencies import queries as agencies
from agencies.rules import Profession
from contracts.rules import reviews as rules
from contracts.rules import sheets
from contracts.rules.sheets import ReviewSheet
from contracts.services.chance import fresh_seed
from contracts.services.lots import Seat, draw_reviewer
from contracts.services.reviews.cases import ReviewReceipt, lock_review, receipt
from contracts.services.supervision import keep_plan, planned
from core import clock, db, serials, trail
from core.db import transaction
from core.identity import SYSTEM, Identity, Permission


async def open_review(contract: Any, deliverable: Any) -> int:
    """Open the review of an accepted result and draw its reviewers; joins the caller's transaction.

    One reviewer, two from a fee of 200,000 yuan or where the sheet says so, more and deeper where the
    agency's grade asks for it. By lot at least 5 % of all results, however many reviewers they have, get their second
    mark blind from another region: an added seat where there would be one, the second seat where there are more.
    """
    sheet = sheets.sheet_in_force(contract["review_sheet"], clock.today())
    seed = fresh_seed()
    standing = await agencies.standing(contract["agency"], Profession(contract["profession"]), clock.today())
    by_amount = rules.reviewers_wanted(contract["amount"], sheet.reviewers)
    plan = await planned(contract, standing.grade.value, by_amount=by_amount, seed=seed)
    wanted = plan.reviewers
    doubled = await _doubled(contract["profession"], seed)
    review = await _insert(contract, deliverable, sheet, max(wanted, 2) if doubled else wanted, doubled, seed)
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
    await keep_plan(review, plan, standing.grade.value)
    await draw_missing(review)
    return int(review["id"])


async def _doubled(profession: str, seed: str) -> bool:
    recent = await db.row(
        "select count(*) as n, count(*) filter (where doubled) as doubled from ("
        "select doubled from contracts_review where profession = $1"
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
        "select a.seat, a.reviewer as id, r.region from contracts_assignment a"
        " join contracts_reviewer r on r.id = a.reviewer"
        " where a.review = $1 and a.state in ('assigned', 'submitted') order by a.seat",
        review["id"],
    )
    seats = {row["seat"]: row for row in held}
    for number in range(1, review["wanted"] + 1):
        if number not in seats:
            blind = review["doubled"] and number == 2
            first, other = seats.get(1), seats.get(3 - number)
            seat = Seat(number, blind, first["region"] if first else "", other["id"] if other else None)
            picked = await draw_reviewer(review, seat)
            if picked is not None:
                seats[number] = picked
    return int(review["wanted"]) - len(seats)


async def draw_again(*, actor: Identity, review_id: int) -> ReviewReceipt:
    """An officer draws the empty seats of a review, after registering more reviewers."""
    actor.require(Permission.ASSIGN_REVIEW)
    async with transaction():
        review = await lock_review(review_id)
        if await draw_missing(review):
            raise rules.NoReviewerAvailable
    return receipt(review, None)

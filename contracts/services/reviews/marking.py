"""Filling in a sheet: drafts, submission, and what follows when the last one is in."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from contracts.rules import reviews as rules
from contracts.rules import sheets
from contracts.rules.clocks import clocks_on
from contracts.rules.reviews import AssignmentAct, AssignmentState, ReviewAct, ReviewState, Verdict
from contracts.rules.sheets import Mark, ReviewSheet
from contracts.rules.supervision import check_deep
from contracts.services.lots import Seat, draw_reviewer, has_interest
from contracts.services.reviews.cases import (
    ReviewReceipt,
    SheetFilled,
    contract_of,
    findings,
    lock_assignment,
    receipt,
    threads,
)
from contracts.services.supervision import depth_of
from core import clock, db, mail, trail
from core.db import transaction
from core.errors import StaleForm
from core.identity import SYSTEM, Identity, Permission
from core.states import advance
from core.workdays import calendar


async def save_marks(*, actor: Identity, assignment_id: int, version: int, sheet: SheetFilled) -> ReviewReceipt:
    """Keep an unfinished sheet. No trail entry: a draft has no effect on anybody."""
    actor.require(Permission.REVIEW)
    async with transaction():
        review, assignment = await lock_assignment(actor, assignment_id)
        _check_version(assignment, version)
        advance(
            rules.ASSIGNMENT_TRANSITIONS,
            AssignmentState(assignment["state"]),
            AssignmentAct.SAVE,
        )
        form = sheets.sheet_version(review["sheet_id"], review["sheet_version"])
        points = sheets.points(form, _known(form, sheet.marks))
        await _write_sheet(assignment, sheet, AssignmentState.ASSIGNED, points, None)
    return receipt(review, None, version + 1, points)


async def submit_review(*, actor: Identity, assignment_id: int, version: int, sheet: SheetFilled) -> ReviewReceipt:
    """Hand in a finished sheet; with the last one the result goes to the agency.

    `IncompleteSheet` names every missing indicator; `DeepReviewUnsaid`; `ReviewerHasInterest` when a tie to one of the
    parties has become known since the lot.
    """
    actor.require(Permission.REVIEW)
    async with transaction():
        review, assignment = await lock_assignment(actor, assignment_id)
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
        check_deep(await depth_of(review["id"]), sheet.summary)
        points = sheets.points(form, sheet.marks)
        mark = sheets.technical(points, sheet.vetoes)
        await _write_sheet(assignment, sheet, state, points, mark)
        entry = await _record_submission(actor, review, assignment, sheet, mark)
        concluded = await _conclude(review)
    return receipt(review, entry, version + 1, points, concluded)


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


async def _conclude(review: Any) -> ReviewState:
    """Share the result when every seat is in; draw a third reviewer when two differ too much."""
    seats = await findings(review["id"])
    if len(seats) < review["wanted"] or any(state is AssignmentState.ASSIGNED for state, _ in seats):
        return ReviewState.MARKING
    found = [finding for _, finding in seats]
    if rules.needs_third(found):
        await db.execute("update contracts_review set wanted = $2 where id = $1", review["id"], rules.MOST_SEATS)
        await draw_reviewer(review, Seat(rules.MOST_SEATS))
        return ReviewState.MARKING
    return await _share(review, rules.verdict(found))


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
    contract = await contract_of(review)
    await trail.record(
        SYSTEM,
        "review.shared",
        f"review:{review['id']}",
        after={"technical": verdict.technical, "vetoed": verdict.vetoed},
        threads=threads(contract),
    )
    await mail.send(
        to_organization=contract["agency_organization"],
        message="contracts/review_shared",
        context={"review_id": review["id"], "number": review["number"]},
    )
    return state

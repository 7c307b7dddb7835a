"""The agency asks for an explanation or for a person; an officer answers, by the clock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agencies.queries import agency_of
from agencies.rules import PROFESSION_TITLES, Profession
from core import clock, db, mail, trail
from core.db import transaction
from core.identity import SYSTEM, Identity, Permission
from core.serials import next_number
from core.states import advance
from core.workdays import calendar
from grading.rules.asked import (
    ANSWER_WD,
    TRANSITIONS,
    AskedAct,
    AskedAlready,
    AskedKind,
    AskedState,
    RequestAbsent,
    SignerAnswers,
)
from grading.rules.lifecycle import ReportState
from grading.services.reports import check_signer

SERIES = "JS"
CLOSED = (ReportState.WITHDRAWN,)


@dataclass(frozen=True)
class AskedReceipt:
    """That a request is on record, or answered."""

    request_id: int
    number: str
    state: AskedState
    due_at: datetime
    entry_id: int


async def ask(*, actor: Identity, report_id: int, kind: AskedKind, question: str) -> AskedReceipt:
    """Ask for an explanation of a grade or for a person to look at it; answered within 3 working days.

    A draft for which a person was asked is not signed before that person has answered. Raises `RequestAbsent` for
    other agencies' reports, `AskedAlready`.
    """
    actor.require(Permission.COMMENT_GRADE)
    async with transaction():
        agency = await agency_of(actor.organization_id)
        report = await db.row("select id, agency, state from grading_report where id = $1 for update", report_id)
        if agency is None or report is None or report["agency"] != agency.agency_id or report["state"] in CLOSED:
            raise RequestAbsent
        known = await db.value(
            "select number from grading_request where report = $1 and kind = $2 and state = 'asked'",
            report_id,
            kind.value,
        )
        if known:
            raise AskedAlready(number=known)
        due = (await calendar()).due_at(clock.now(), ANSWER_WD)
        number = await next_number(SERIES, clock.today())
        request_id: int = await db.value(
            "insert into grading_request (number, report, agency, kind, question, state, asked_by, asked_at, due_at,"
            " answer) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, '') returning id",
            number,
            report_id,
            report["agency"],
            kind.value,
            question,
            AskedState.ASKED.value,
            actor.account_id,
            clock.now(),
            due,
        )
        entry = await trail.record(
            actor,
            "grade.asked",
            f"grade-request:{request_id}",
            after={"number": number, "kind": kind.value, "question": question},
            threads=[f"grade:{report_id}"],
        )
    return AskedReceipt(request_id, number, AskedState.ASKED, due, entry)


async def answer_asked(*, actor: Identity, request_id: int, answer: str) -> AskedReceipt:
    """Answer in person. Raises `SignerAnswers` when a human look at a signed grade is taken by its signer."""
    check_signer(actor)
    async with transaction():
        row = await _locked(request_id)
        state = advance(TRANSITIONS, AskedState(row["state"]), AskedAct.ANSWER)
        if row["kind"] == AskedKind.HUMAN and row["signed_by"] == actor.account_id:
            raise SignerAnswers
        await db.execute(
            "update grading_request set state = $2, answered_by = $3, answered_at = $4, answer = $5 where id = $1",
            request_id,
            state.value,
            actor.account_id,
            clock.now(),
            answer,
        )
        entry = await trail.record(
            actor,
            "grade.asked-answered",
            f"grade-request:{request_id}",
            after={"answer": answer},
            threads=[f"grade:{row['report']}"],
        )
        await mail.send(
            to_organization=row["organization"],
            message="grading/asked",
            context={
                "request_id": request_id,
                "number": row["number"],
                "trade": PROFESSION_TITLES[Profession(row["profession"])],
                "answer": answer,
            },
        )
    return AskedReceipt(request_id, row["number"], state, row["due_at"], entry)


async def _locked(request_id: int) -> Any:
    row = await db.row(
        "select q.*, r.signed_by, r.profession, a.organization from grading_request q"
        " join grading_report r on r.id = q.report join agencies_agency a on a.id = q.agency"
        " where q.id = $1 for update of q",
        request_id,
    )
    if row is None:
        raise RequestAbsent
    return row


async def sweep_asked() -> int:
    """Mark unanswered requests that are overdue, once each; how many."""
    async with transaction():
        late = await db.rows(
            "update grading_request set overdue_at = $1 where state = 'asked' and overdue_at is null and due_at <= $1"
            " returning id, report, due_at",
            clock.now(),
        )
        for row in late:
            await trail.record(
                SYSTEM,
                "grade.asked-overdue",
                f"grade-request:{row['id']}",
                after={"due_at": row["due_at"]},
                threads=[f"grade:{row['report']}"],
            )
    return len(late)

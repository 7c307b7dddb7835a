"""The client's evaluation and the agency's statement, asked for when every result is accepted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contracts.rules import evaluations as rules
from contracts.rules.clocks import clocks_on
from contracts.rules.evaluations import Stars
from contracts.rules.filing import Side
from contracts.services.filing import complete_when_done
from contracts.services.parties import lock_contract, require_side, threads
from core import clock, db, mail, trail
from core.db import transaction
from core.errors import Rejected
from core.i18n import N_
from core.identity import SYSTEM, Identity, Permission
from core.workdays import calendar


class StatementEmpty(Rejected):
    """A statement says something."""

    code = "statement-empty"
    text = N_("请写明本次履约的情况。没有要说明的，可以写“无补充”。")


@dataclass(frozen=True)
class EvaluationReceipt:
    """That an evaluation or statement is in; `revealed` once both sides can read both."""

    contract_id: int
    at: datetime
    revealed: bool
    entry_id: int


async def request_when_all_accepted(contract: Any) -> bool:
    """Ask both sides once every milestone is accepted; joins the caller's transaction."""
    waiting = await db.value(
        "select 1 from contracts_milestone where contract = $1 and state = 'planned' limit 1",
        contract["id"],
    )
    if waiting:
        return False
    now = clock.now()
    due = (await calendar()).due_at(now, clocks_on(clock.today()).evaluate)
    await db.execute(
        "insert into contracts_evaluation (contract, requested_at, due_at, reminders_sent,"
        " narrative, statement) values ($1, $2, $3, 0, '', '')",
        contract["id"],
        now,
        due,
    )
    await trail.record(
        SYSTEM,
        "evaluation.requested",
        f"contract:{contract['id']}",
        after={"due": due},
        threads=threads(contract),
    )
    for organization in (contract["client"], contract["agency_organization"]):
        await _tell(organization, "contracts/evaluation_requested", contract)
    return True


async def _lock(actor: Identity, contract_id: int, side: Side) -> tuple[Any, Any]:
    contract = await lock_contract(actor, contract_id)
    require_side(actor, contract, side)
    row = await db.row("select * from contracts_evaluation where contract = $1 for update", contract_id)
    if row is None:
        raise rules.NotYetAccepted
    return contract, row


def _check_open(row: Any) -> None:
    """By the clock at commit as well: an answer that arrives late stays absent."""
    last_day = clock.shanghai(row["due_at"] - timedelta(seconds=1)).date()
    closed = rules.EvaluationClosed(due=f"{last_day} 24:00")
    if clock.now() >= row["due_at"]:
        raise closed
    db.refuse_after(row["due_at"], closed)


async def file_evaluation(*, actor: Identity, contract_id: int, stars: Stars) -> EvaluationReceipt:
    """The client's stars, once per filed contract with every result accepted, within 15 working days."""
    actor.require(Permission.EVALUATE)
    rules.check_stars(stars)
    now = clock.now()
    async with transaction():
        contract, row = await _lock(actor, contract_id, Side.CLIENT)
        if row["client_filed_at"] is not None:
            raise rules.AlreadyEvaluated
        _check_open(row)
        await db.execute(
            "update contracts_evaluation set quality = $2, time = $3, conduct = $4, charging = $5,"
            " again = $6, narrative = $7, score = $8, client_filed_at = $9 where id = $1",
            row["id"],
            *stars.values(),
            stars.again,
            stars.narrative,
            rules.star_score(stars),
            now,
        )
        entry = await trail.record(
            actor,
            "evaluation.filed",
            f"contract:{contract_id}",
            after={"client": contract["client"]},
            personal={"stars": list(stars.values()), "again": stars.again},
            threads=threads(contract),
        )
        revealed = await _reveal(contract, now, row["statement_filed_at"], row["due_at"])
    return EvaluationReceipt(contract_id, now, revealed, entry)


async def file_statement(*, actor: Identity, contract_id: int, text: str) -> EvaluationReceipt:
    """The agency's own account of the work, written without having seen the stars."""
    actor.require(Permission.FILE_DELIVERABLE)
    if not text.strip():
        raise StatementEmpty
    now = clock.now()
    async with transaction():
        contract, row = await _lock(actor, contract_id, Side.AGENCY)
        if row["statement_filed_at"] is not None:
            raise rules.AlreadyEvaluated
        _check_open(row)
        await db.execute(
            "update contracts_evaluation set statement = $2, statement_filed_at = $3 where id = $1",
            row["id"],
            text,
            now,
        )
        entry = await trail.record(
            actor,
            "evaluation.statement-filed",
            f"contract:{contract_id}",
            threads=threads(contract),
        )
        revealed = await _reveal(contract, row["client_filed_at"], now, row["due_at"])
    return EvaluationReceipt(contract_id, now, revealed, entry)


async def _reveal(
    contract: Any,
    client_filed_at: datetime | None,
    statement_filed_at: datetime | None,
    due: datetime,
) -> bool:
    """Open both sides' words to both sides, when the rules say so; may complete the contract."""
    now = clock.now()
    if not rules.is_revealed(client_filed_at, statement_filed_at, due, now):
        return False
    stars = await db.row(
        "update contracts_evaluation set revealed_at = $2"
        " where contract = $1 and revealed_at is null"
        " returning quality, time, conduct, charging, again, score, narrative",
        contract["id"],
        now,
    )
    if stars is None:
        return True
    answered = stars["score"] is not None
    await trail.record(
        SYSTEM,
        "evaluation.revealed",
        f"contract:{contract['id']}",
        after={"answered": answered, "stars": dict(stars) if answered else None},
        threads=threads(contract),
    )
    await complete_when_done(contract["id"])
    return True


async def close_due_evaluations(limit: int = 200) -> int:
    """End evaluations whose time is over: no answer stays absent. For the clock; how many ended."""
    due = await db.rows(
        "select contract from contracts_evaluation where revealed_at is null and due_at <= $1 order by due_at limit $2",
        clock.now(),
        limit,
    )
    for row in due:
        await _close(row["contract"])
    return len(due)


async def _close(contract_id: int) -> None:
    async with transaction():
        contract = await lock_contract(SYSTEM, contract_id)
        row = await db.row("select * from contracts_evaluation where contract = $1 for update", contract_id)
        await _reveal(contract, row["client_filed_at"], row["statement_filed_at"], row["due_at"])


async def send_reminders(limit: int = 500) -> int:
    """Remind clients who have not answered after 3, 7 and 12 working days; how many mails."""
    waiting = await db.rows(
        "select e.id, e.requested_at, e.reminders_sent, c.id as contract, c.client, c.title"
        " from contracts_evaluation e join contracts_contract c on c.id = e.contract"
        " where e.client_filed_at is null and e.due_at > $1 and e.reminders_sent < $2"
        " order by e.id limit $3",
        clock.now(),
        len(clocks_on(clock.today()).reminders),
        limit,
    )
    days = await calendar()
    plan = clocks_on(clock.today()).reminders
    sent = 0
    for row in waiting:
        passed = days.count(clock.shanghai(row["requested_at"]).date(), clock.today())
        if rules.reminders_due(passed, row["reminders_sent"], plan):
            sent += await _remind(row)
    return sent


async def _remind(row: Any) -> int:
    async with transaction():
        counted = await db.execute(
            "update contracts_evaluation set reminders_sent = reminders_sent + 1"
            " where id = $1 and reminders_sent = $2 and client_filed_at is null",
            row["id"],
            row["reminders_sent"],
        )
        if counted:
            await mail.send(
                to_organization=row["client"],
                message="contracts/evaluation_reminder",
                context={"contract_id": row["contract"], "title": row["title"]},
            )
    return counted


async def _tell(organization_id: int, message: str, contract: Any) -> None:
    await mail.send(
        to_organization=organization_id,
        message=message,
        context={"contract_id": contract["id"], "title": contract["title"]},
    )

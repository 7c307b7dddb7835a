"""容缺: a named document promised at a filing for later; kept, or lapsed by the clock."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agencies import queries as agencies
from agencies.rules import Profession
from contracts.queries.deferred import open_promises, points_today
from contracts.rules.deliverables import DeliverableState
from contracts.rules.filing import ContractState, Side
from contracts.rules.supervision import (
    DEFERRED_TRANSITIONS,
    DeferralNotAllowed,
    DeferralOver,
    DeferralTooLate,
    DeferralTooLong,
    DeferredAct,
    DeferredGone,
    DeferredState,
    Supervision,
    may_defer,
    supervision_on,
)
from contracts.services.parties import lock_contract, require_side, threads
from core import clock, db, files, mail, trail
from core.db import refuse_after, transaction
from core.forms import Upload
from core.handover import Handover
from core.identity import SYSTEM, Identity, Permission
from core.states import advance
from core.workdays import calendar


@dataclass(frozen=True)
class Lapse:
    """What is handed up when a promise was not kept. The name is Chinese, as promised."""

    deferred_id: int
    contract_id: int
    contract_no: str
    agency_id: int
    profession: str
    name: str
    due_at: datetime


DEFERRED_LAPSED: Handover[[Lapse]] = Handover("contracts.deferred_lapsed")


@dataclass(frozen=True)
class DeferralDraft:
    """Which document, why it is missing, by which day; `deliverable_id` None for the contract's own filing."""

    name: str
    reason: str
    due_on: date
    deliverable_id: int | None = None


@dataclass(frozen=True)
class DeferredReceipt:
    """Where a promise stands after an act."""

    deferred_id: int
    contract_id: int
    state: DeferredState
    due_at: datetime
    at: datetime
    entry_id: int


async def promise_document(*, actor: Identity, contract_id: int, draft: DeferralDraft) -> DeferredReceipt:
    """Promise a missing secondary document while a contract is filed or a result waits for acceptance.

    A and B only (rule-set XT-2026.1). Raises `DeferralNotAllowed`, `DeferralTooLong`, `DeferralTooLate`.
    """
    actor.require(Permission.FILE_DELIVERABLE)
    async with transaction():
        contract = await lock_contract(actor, contract_id)
        require_side(actor, contract, Side.AGENCY)
        await _check_moment(contract, draft.deliverable_id)
        law = supervision_on(clock.today())
        grade = await _check_allowed(contract, law)
        due = await _due(draft.due_on, law)
        deferred_id: int = await db.value(
            "insert into contracts_deferred_document (contract, deliverable, name, reason, rule, grade, state,"
            " promised_by, promised_at, due_at, file_name, sha256)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '') returning id",
            contract_id,
            draft.deliverable_id,
            draft.name,
            draft.reason,
            law.id,
            grade,
            DeferredState.PROMISED.value,
            actor.account_id,
            clock.now(),
            due,
        )
        facts = {"document": draft.name, "reason": draft.reason, "due_at": due, "grade": grade, "rule": law.id}
        entry = await _record(actor, "document.deferred", deferred_id, contract, facts)
        await _tell(contract["client"], "contracts/document_deferred", contract, draft.name, due)
    return DeferredReceipt(deferred_id, contract_id, DeferredState.PROMISED, due, clock.now(), entry)


async def _check_moment(contract: Any, deliverable_id: int | None) -> None:
    if deliverable_id is None:
        if ContractState(contract["state"]) is not ContractState.SIGNED:
            raise DeferralTooLate
        return
    state = await db.value(
        "select state from contracts_deliverable where id = $1 and contract = $2", deliverable_id, contract["id"]
    )
    if state != DeliverableState.FILED:
        raise DeferralTooLate


async def _check_allowed(contract: Any, law: Supervision) -> str:
    await db.execute("select pg_advisory_xact_lock(hashtext('deferred'), $1)", contract["agency"])
    standing = await agencies.standing(contract["agency"], Profession(contract["profession"]), clock.today())
    points = await points_today(contract["agency"], contract["profession"])
    waiting = await open_promises(contract["agency"])
    if not may_defer(standing.grade.value, points=points, open_promises=waiting, law=law):
        raise DeferralNotAllowed(points=law.deferred_points_below, most=law.deferred_at_once)
    return standing.grade.value


async def _due(due_on: date, law: Supervision) -> datetime:
    last = (await calendar()).add(clock.today(), law.deferred_workdays)
    if not clock.today() < due_on <= last:
        raise DeferralTooLong(most=last, days=law.deferred_workdays)
    return clock.end_of_day(due_on)


async def supply_document(*, actor: Identity, deferred_id: int, upload: Upload) -> DeferredReceipt:
    """Hand in a promised document before its date passes, judged at commit. Raises `DeferralOver`, `DeferredGone`."""
    actor.require(Permission.FILE_DELIVERABLE)
    async with transaction():
        contract_id = await db.value("select contract from contracts_deferred_document where id = $1", deferred_id)
        if contract_id is None:
            raise DeferredGone
        contract = await lock_contract(actor, contract_id)
        require_side(actor, contract, Side.AGENCY)
        row = await db.row("select * from contracts_deferred_document where id = $1 for update", deferred_id)
        over = DeferralOver(due=f"{clock.shanghai(row['due_at']):%Y-%m-%d %H:%M}")
        if row["state"] == DeferredState.LAPSED or clock.now() >= row["due_at"]:
            raise over
        state = advance(DEFERRED_TRANSITIONS, DeferredState(row["state"]), DeferredAct.SUPPLY)
        refuse_after(row["due_at"], over)
        stored = await files.store(upload, use=files.SCAN, actor=actor)
        await db.execute(
            "update contracts_deferred_document set state = $2, stored_file = $3, file_name = $4, sha256 = $5,"
            " supplied_at = $6 where id = $1",
            deferred_id,
            state.value,
            stored.id,
            stored.name,
            stored.sha256,
            clock.now(),
        )
        facts = {"document": row["name"], "sha256": stored.sha256}
        entry = await _record(actor, "document.supplied", deferred_id, contract, facts)
        await _tell(contract["client"], "contracts/document_supplied", contract, row["name"], row["due_at"])
    return DeferredReceipt(deferred_id, contract_id, state, row["due_at"], clock.now(), entry)


async def sweep_deferred() -> int:
    """Let promises lapse whose date has passed, and hand each one up; how many."""
    found = await db.rows(
        "select id, contract from contracts_deferred_document where state = 'promised' and due_at <= $1 order by id",
        clock.now(),
    )
    for row in found:
        await _lapse(row["id"], row["contract"])
    return len(found)


async def _lapse(deferred_id: int, contract_id: int) -> None:
    async with transaction():
        contract = await lock_contract(SYSTEM, contract_id)
        row = await db.row("select * from contracts_deferred_document where id = $1 for update", deferred_id)
        if row["state"] != DeferredState.PROMISED or clock.now() < row["due_at"]:
            return
        state = advance(DEFERRED_TRANSITIONS, DeferredState.PROMISED, DeferredAct.LAPSE)
        await db.execute(
            "update contracts_deferred_document set state = $2, lapsed_at = $3 where id = $1",
            deferred_id,
            state.value,
            clock.now(),
        )
        await _record(SYSTEM, "document.lapsed", deferred_id, contract, {"document": row["name"]})
        number = contract["number"] or contract["notice_no"]
        whose = (contract["agency"], contract["profession"])
        await DEFERRED_LAPSED(Lapse(deferred_id, contract_id, number, *whose, row["name"], row["due_at"]))


async def _record(actor: Identity, act: str, deferred_id: int, contract: Any, facts: dict[str, Any]) -> int:
    linked = (f"contract:{contract['id']}", *threads(contract))
    return await trail.record(actor, act, f"deferred:{deferred_id}", after=facts, threads=linked)


async def _tell(organization_id: int, message: str, contract: Any, name: str, due: datetime) -> None:
    shown = f"{clock.shanghai(due):%Y-%m-%d %H:%M}"
    context = {"contract_id": contract["id"], "title": contract["title"], "name": name, "due": shown}
    await mail.send(to_organization=organization_id, message=message, context=context)

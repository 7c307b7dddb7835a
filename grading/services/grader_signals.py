"""Signals about the graders: computed every night, assigned to a person, decided with reasons.

Idempotent: a signal found again keeps its row, its first moment and how it was handled; one that is no
longer found is marked, never deleted. Nothing here touches a grade.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from core import clock, db, trail
from core.db import transaction
from core.identity import SYSTEM, Identity, Permission
from core.states import advance
from core.workdays import calendar
from grading.queries.watching import in_thread
from grading.rules.grader_signals import (
    DECIDE_WD,
    TRANSITIONS,
    WATCHERS,
    Found,
    NotAWatcher,
    NotTheAssignee,
    OwnSignal,
    SignalAbsent,
    SignalAct,
    SignalResult,
    SignalState,
)

UPSERT = """
insert into grading_signal (signature, code, subject, params, agencies, clients, reviewers, contracts, reviews, found,
                            first_found_at, last_found_at, state, result, reasons)
select f.signature, f.code, f.subject, f.params, f.agencies, f.clients, f.reviewers, f.contracts, f.reviews, true,
       $2, $2, 'new', '', ''
  from jsonb_to_recordset($1::jsonb) as f(signature text, code text, subject text, params jsonb, agencies bigint[],
                                          clients bigint[], reviewers bigint[], contracts bigint[], reviews bigint[])
on conflict (signature) do update set params = excluded.params, agencies = excluded.agencies,
   clients = excluded.clients, reviewers = excluded.reviewers, contracts = excluded.contracts,
   reviews = excluded.reviews, found = true, last_found_at = excluded.last_found_at
returning (xmax = 0) as fresh
"""


@dataclass(frozen=True)
class Computed:
    """What a computation did."""

    found: int
    fresh: int
    gone: int


@dataclass(frozen=True)
class SignalReceipt:
    """That a signal was handled."""

    signal_id: int
    state: SignalState
    due_at: datetime | None
    entry_id: int


def signature(found: Found) -> str:
    """What makes a hit the same hit tomorrow."""
    text = json.dumps([found.code, found.subject, found.key], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


async def compute_grader_signals() -> Computed:
    """All signals over the frames as they stand today."""
    from grading.watching.signals import find

    return await _store(await in_thread(find))


async def _store(found: Sequence[Found]) -> Computed:
    now = clock.now()
    by_signature = {signature(one): one for one in found}
    rows = [
        {name: value for name, value in asdict(one).items() if name != "key"} | {"signature": sign}
        for sign, one in by_signature.items()
    ]
    async with transaction():
        kept = await db.rows(UPSERT, json.dumps(rows, ensure_ascii=False), now)
        gone = await db.execute(
            "update grading_signal set found = false where found and not (signature = any($1))", list(by_signature)
        )
        done = Computed(len(kept), sum(row["fresh"] for row in kept), gone)
        listed = hashlib.sha256("\n".join(sorted(by_signature)).encode()).hexdigest()
        await trail.record(
            SYSTEM,
            "grader-signals.computed",
            f"grader-signal-run:{now:%Y%m%d}",
            after={"found": done.found, "fresh": done.fresh, "gone": done.gone, "signatures_sha256": listed},
        )
    return done


async def _locked(signal_id: int) -> Any:
    row = await db.row("select * from grading_signal where id = $1 for update", signal_id)
    if row is None:
        raise SignalAbsent
    return row


async def assign_signal(*, actor: Identity, signal_id: int, account_id: int) -> SignalReceipt:
    """Give a signal to somebody who watches the grading, with five working days to decide.

    May be repeated while undecided. Raises `NotAWatcher`, and `OwnSignal` when it concerns that person's
    own organisation.
    """
    actor.require(Permission.WATCH_GRADING)
    async with transaction():
        row = await _locked(signal_id)
        state = advance(TRANSITIONS, SignalState(row["state"]), SignalAct.ASSIGN)
        organizations = [
            one["organization"]
            for one in await db.rows(
                "select organization from core_membership where account = $1 and role = any($2) and ended_at is null",
                account_id,
                WATCHERS,
            )
        ]
        if not organizations:
            raise NotAWatcher
        await _not_own(row, organizations)
        due = (await calendar()).due_at(clock.now(), DECIDE_WD)
        await db.execute(
            "update grading_signal set state = $2, assigned_to = $3, assigned_at = $4, due_at = $5 where id = $1",
            signal_id,
            state.value,
            account_id,
            clock.now(),
            due,
        )
        entry = await trail.record(
            actor, "grader-signal.assigned", f"grader-signal:{signal_id}", after={"code": row["code"], "to": account_id}
        )
    return SignalReceipt(signal_id, state, due, entry)


async def _not_own(row: Any, organizations: Sequence[int]) -> None:
    concerned = await db.rows(
        "select organization from agencies_agency where id = any($1)"
        " union select organization from contracts_reviewer where id = any($2)",
        row["agencies"],
        row["reviewers"],
    )
    if {*row["clients"], *(one["organization"] for one in concerned)} & set(organizations):
        raise OwnSignal


async def decide_signal(*, actor: Identity, signal_id: int, result: SignalResult, reasons: str) -> SignalReceipt:
    """Close a signal with a result and reasons, by whom it was assigned to (`NotTheAssignee`)."""
    actor.require(Permission.WATCH_GRADING)
    async with transaction():
        row = await _locked(signal_id)
        state = advance(TRANSITIONS, SignalState(row["state"]), SignalAct.DECIDE)
        if row["assigned_to"] != actor.account_id:
            raise NotTheAssignee
        await db.execute(
            "update grading_signal set state = $2, decided_by = $3, decided_at = $4, result = $5, reasons = $6"
            " where id = $1",
            signal_id,
            state.value,
            actor.account_id,
            clock.now(),
            result.value,
            reasons,
        )
        entry = await trail.record(
            actor,
            "grader-signal.decided",
            f"grader-signal:{signal_id}",
            after={"code": row["code"], "params": row["params"], "result": result.value},
            personal={"reasons": reasons},
        )
    return SignalReceipt(signal_id, state, None, entry)


async def reopen_signal(*, actor: Identity, signal_id: int, reasons: str) -> SignalReceipt:
    """Open a decided signal again, because of new evidence; the old decision stays on the trail."""
    actor.require(Permission.WATCH_GRADING)
    async with transaction():
        row = await _locked(signal_id)
        state = advance(TRANSITIONS, SignalState(row["state"]), SignalAct.REOPEN)
        await db.execute(
            "update grading_signal set state = $2, assigned_to = null, assigned_at = null, due_at = null,"
            " decided_by = null, decided_at = null, result = '', reasons = '' where id = $1",
            signal_id,
            state.value,
        )
        entry = await trail.record(
            actor,
            "grader-signal.reopened",
            f"grader-signal:{signal_id}",
            before={"result": row["result"]},
            personal={"reasons": reasons},
        )
    return SignalReceipt(signal_id, state, None, entry)

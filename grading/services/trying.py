"""Replaying the published past under a proposal's text: in the background, in pieces, with its progress saved.

A replay belongs to its newest attempt: an attempt that was overtaken (a worker killed and its job taken up
again) finds that it may no longer write, and stops.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from hashlib import sha256
from itertools import groupby
from typing import TYPE_CHECKING, Any

import anyio
import structlog

from agencies.rules import CreditGrade
from core import clock, db, jobs, trail
from core.db import UNAVAILABLE, transaction
from core.identity import SYSTEM, Identity, Permission
from grading.queries.watching import frames
from grading.rules.calibration import Calibration, load_calibration
from grading.rules.laboratory import Comparison, PastReport, Regraded, Side, compare
from grading.rules.laboratory import replay as replay_past
from grading.rules.lifecycle import RunKind, RunState
from grading.rules.months import add_months
from grading.rules.proposals import (
    HELD_OUT_MONTHS,
    WINDOW_MONTHS,
    NothingToReplay,
    ProposalAbsent,
    ProposalState,
    ReplayKind,
    ReplayRunning,
    flips_by_month,
    last_orders,
)
from grading.rules.scheme import Scheme, load_scheme
from grading.stored import evidence_of

if TYPE_CHECKING:
    import pandas as pd

TASK = "grading.replay_scheme"
PIECE = 200
"""Reports graded between two savings of the progress; agencies are never cut."""
_PAST = """
select distinct on (r.agency, r.profession, r.as_of) r.id, r.agency, r.profession, r.as_of, r.result, r.score,
  n.calibration, r.evidence_digest
from grading_report r join grading_run n on n.id = r.run
where r.state in ('published', 'superseded') and r.as_of > $1 and r.id <= $2
order by r.agency, r.profession, r.as_of, r.id desc
"""
_log = structlog.get_logger()


class Overtaken(Exception):
    """Another attempt has taken this replay over."""


@dataclass(frozen=True)
class ReplayReceipt:
    """That a replay was asked for."""

    replay_id: int
    proposal_id: int
    entry_id: int


@dataclass(frozen=True)
class _Work:
    """One attempt at one replay."""

    replay_id: int
    attempt: int
    kind: ReplayKind
    number: str
    since: date
    last_report: int
    source: str
    base_source: str

    @property
    def scheme(self) -> Scheme:
        """What is tried."""
        return load_scheme(self.source)

    @property
    def base(self) -> Scheme:
        """What it changes."""
        return load_scheme(self.base_source)


async def start_replay(*, actor: Identity, proposal_id: int) -> ReplayReceipt:
    """Queue a replay of the last 24 months under the proposal as it now stands; progress is on its page.

    Raises `ReplayRunning` while one runs, `NothingToReplay` before anything was published. A text that was
    replayed over the same reports already gives that replay again.
    """
    actor.require(Permission.CHANGE_SCHEME)
    async with transaction():
        row = await db.row(
            "select id, number, version, state from grading_proposal where id = $1 for update", proposal_id
        )
        if row is None:
            raise ProposalAbsent
        if await db.value(
            "select 1 from grading_replay where proposal = $1 and kind = 'try' and state in ('queued', 'running')",
            proposal_id,
        ):
            raise ReplayRunning
        since, last = await _window(clock.today())
        key = f"try:{proposal_id}:{row['version']}:{last}"
        replay_id = await _queue(key, actor, row, ReplayKind.TRY, since, last, None)
        entry = await trail.record(
            actor, "scheme.replay-asked", f"scheme:{row['number']}", after={"replay": replay_id, "reports_to": last}
        )
    return ReplayReceipt(replay_id, proposal_id, entry)


async def shadow_latest() -> list[int]:
    """Replay every announced scheme after the newest closed monthly run; idempotent, the ids queued just now."""
    run = await db.row(
        "select id, as_of from grading_run where kind = $1 and state = $2 order by as_of desc limit 1",
        *(RunKind.MONTHLY.value, RunState.CLOSED.value),
    )
    if run is None:
        return []
    queued = []
    async with transaction():
        waiting = await db.rows(
            "select id, number, version, state from grading_proposal p where state = $1 and in_force_from > $2"
            " and not exists (select 1 from grading_replay x where x.proposal = p.id and x.run = $3) order by id",
            *(ProposalState.APPROVED.value, run["as_of"], run["id"]),
        )
        for row in waiting:
            since, last = await _window(run["as_of"])
            key = f"shadow:{row['id']}:{run['id']}"
            queued.append(await _queue(key, SYSTEM, row, ReplayKind.SHADOW, since, last, run["id"]))
    return queued


async def _window(until: date) -> tuple[date, int]:
    since = add_months(until, -WINDOW_MONTHS)
    last = await db.value(
        "select max(id) from grading_report where state in ('published', 'superseded') and as_of > $1", since
    )
    if last is None:
        raise NothingToReplay
    return since, int(last)


async def _queue(key: str, actor: Identity, row: Any, kind: ReplayKind, since: date, last: int, run: int | None) -> int:
    replay_id: int = await db.value(
        "insert into grading_replay (key, proposal, kind, run, version, since, last_report, state, attempt, done,"
        " total, asked_by, asked_at, problem, inputs_digest)"
        " values ($1, $2, $3, $4, $5, $6, $7, 'queued', 0, 0, 0, $8, $9, '', '')"
        " on conflict (key) do update set state ="
        " case when grading_replay.state = 'failed' then 'queued' else grading_replay.state end returning id",
        *(key, row["id"], kind.value, run, row["version"], since, last, actor.account_id, clock.now()),
    )
    await jobs.defer(TASK, {"replay_id": replay_id})
    return replay_id


async def run_queued_replays() -> int:
    """Everything queued, oldest first: for the clock, when a hint was lost."""
    waiting = await db.rows("select id from grading_replay where state = 'queued' order by id")
    for row in waiting:
        await run_replay(replay_id=row["id"])
    return len(waiting)


async def run_replay(*, replay_id: int) -> None:
    """Carry out a queued replay, or take up one that was cut off. Done and failed ones stay as they are.

    What goes wrong is kept with the replay for the officer to read; only a database that is away raises.
    """
    work = await _begin(replay_id)
    if work is None:
        return
    try:
        await _carry_out(work)
    except Overtaken:
        _log.warning("replay overtaken", replay=replay_id)
    except UNAVAILABLE:
        raise
    except Exception as problem:
        _log.exception("replay failed", replay=replay_id)
        await db.execute(
            "update grading_replay set state = 'failed', problem = $3, finished_at = $4 where id = $1 and attempt = $2",
            *(replay_id, work.attempt, f"{type(problem).__name__}: {problem}"[:500], clock.now()),
        )


async def _begin(replay_id: int) -> _Work | None:
    async with transaction():
        row = await db.row(
            "update grading_replay set state = 'running', attempt = attempt + 1, done = 0, problem = ''"
            " where id = $1 and state in ('queued', 'running')"
            " returning id, attempt, kind, since, last_report, proposal",
            replay_id,
        )
        if row is None:
            return None
        found = await db.row(
            "select p.number, p.source, s.source as base from grading_proposal p"
            " join grading_scheme s on s.id = p.base where p.id = $1",
            row["proposal"],
        )
    return _Work(
        *(row["id"], row["attempt"], ReplayKind(row["kind"]), found["number"], row["since"], row["last_report"]),
        *(found["source"], found["base"]),
    )


async def _carry_out(work: _Work) -> None:
    past = await db.rows(_PAST, work.since, work.last_report)
    tables = await _tables({row["calibration"] for row in past})
    await _save(work, 0, len(past))
    regraded: list[Regraded] = []
    for piece in _pieces(past):
        stored = await db.rows(
            "select id, evidence from grading_report where id = any($1::bigint[])", [row["id"] for row in piece]
        )
        evidence = {row["id"]: row["evidence"] for row in stored}
        regraded += await anyio.to_thread.run_sync(partial(_again, piece, evidence, tables, work))
        await _save(work, len(regraded), len(past))
    made = await anyio.to_thread.run_sync(partial(compare, regraded, work.base, work.scheme))
    result = _result(made, regraded) | {"pairs": await _pairs(regraded)}
    await _store(work, made, result, _inputs(past, tables, work), _latest_ids(past, regraded))


async def _tables(ids: set[int]) -> dict[int, Calibration]:
    found = await db.rows("select id, source from grading_calibration where id = any($1::bigint[])", list(ids))
    return {row["id"]: load_calibration(row["source"]) for row in found}


def _pieces(past: Sequence[Any]) -> Iterator[list[Any]]:
    piece: list[Any] = []
    for _, chain in groupby(past, key=lambda row: (row["agency"], row["profession"])):
        piece.extend(chain)
        if len(piece) >= PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def _again(piece: Sequence[Any], stored: dict[int, Any], tables: dict[int, Calibration], work: _Work) -> list[Regraded]:
    """Grade one piece; of the evidence only the day is kept, so that memory does not grow with the past.

    A try-out asks what the rules would have done; a shadow what they will do, with findings as decided.
    """
    past = [
        PastReport(
            agency_id=row["agency"],
            profession=row["profession"],
            evidence=evidence_of(stored[row["id"]]),
            table=tables[row["calibration"]],
            result=CreditGrade(row["result"]),
            score=row["score"],
        )
        for row in piece
    ]
    regraded = replay_past(past, work.scheme, as_decided=work.kind is ReplayKind.SHADOW)
    return [_light(one) for one in regraded]


def _light(one: Regraded) -> Regraded:
    kept = replace(one.past.evidence, cases=(), findings=(), grounds=(), bonuses=(), history=(), previous=None)
    return replace(one, past=replace(one.past, evidence=kept))


async def _save(work: _Work, done: int, total: int) -> None:
    kept = await db.execute(
        "update grading_replay set done = $3, total = $4 where id = $1 and attempt = $2 and state = 'running'",
        *(work.replay_id, work.attempt, done, total),
    )
    if not kept:
        raise Overtaken


def _result(made: Comparison, regraded: Sequence[Regraded]) -> dict[str, Any]:
    order = "DCBA"
    rated = [(r.past.result.value, r.result.value) for r in made.movers]
    steps = [(order.index(a), order.index(b)) for a, b in rated if "N" not in (a, b)]
    return {
        "today": _side(made.today),
        "variant": _side(made.variant),
        "migration": made.migration,
        "movers": len(made.movers),
        "up": sum(b > a for a, b in steps),
        "down": sum(b < a for a, b in steps),
        "subjects": sum(made.today.grades.values()),
        "reports": made.reports,
        "by_month": [asdict(one) for one in flips_by_month(regraded)],
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "grades": dict(side.grades),
        "flips": side.flips,
        "months": side.months,
        "inspections": str(side.inspections),
    }


async def _pairs(regraded: Sequence[Regraded]) -> dict[str, Any] | None:
    """Within-reviewer pair accuracy of both orders on the marks of the last months (grading.md §7)."""
    if not regraded:
        return None
    until = max(one.past.evidence.as_of for one in regraded)
    by = add_months(until, -HELD_OUT_MONTHS)
    orders = last_orders(regraded, by)
    if not orders[0]:
        return None
    marks = (await frames()).marks
    return await anyio.to_thread.run_sync(partial(_accuracies, marks, orders, by))


def _accuracies(marks: "pd.DataFrame", orders: tuple[list[Any], list[Any]], by: date) -> dict[str, Any] | None:
    import pandas as pd

    from grading.watching.accuracy import pairs

    later = marks[~marks["vetoed"] & (marks["day"] > pd.Timestamp(by))]
    today, number = pairs(later, pd.DataFrame(orders[0]))
    variant, _ = pairs(later, pd.DataFrame(orders[1]))
    if not number:
        return None
    return {"after": by.isoformat(), "pairs": number, "today": round(today, 4), "variant": round(variant, 4)}


def _inputs(past: Sequence[Any], tables: dict[int, Calibration], work: _Work) -> str:
    lines = [f"{row['id']} {row['evidence_digest']} {tables[row['calibration']].digest}" for row in past]
    return sha256("\n".join([work.scheme.digest, work.base.digest, *lines]).encode()).hexdigest()


def _latest_ids(past: Sequence[Any], regraded: Sequence[Regraded]) -> list[tuple[Any, Regraded]]:
    """The newest report of every agency and profession beside its replay."""
    rows = {(row["agency"], row["profession"]): row for row in past}
    newest = {(one.past.agency_id, one.past.profession): one for one in regraded}
    return [(row, newest[key]) for key, row in rows.items()]


async def _store(
    work: _Work, made: Comparison, result: dict[str, Any], inputs: str, latest: Sequence[tuple[Any, Regraded]]
) -> None:
    async with transaction():
        kept = await db.execute(
            "update grading_replay set state = 'done', finished_at = $3, result = $4, inputs_digest = $5"
            " where id = $1 and attempt = $2 and state = 'running'",
            *(work.replay_id, work.attempt, clock.now(), result, inputs),
        )
        if not kept:
            raise Overtaken
        await db.execute_many(
            "insert into grading_replay_grade (replay, agency, profession, report, old, new, old_score, new_score)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                (
                    *(work.replay_id, row["agency"], row["profession"], row["id"]),
                    *(row["result"], one.result.value, row["score"], one.score),
                )
                for row, one in latest
            ],
        )
        await trail.record(
            SYSTEM,
            "scheme.shadowed" if work.kind is ReplayKind.SHADOW else "scheme.replayed",
            f"scheme:{work.number}",
            after={"replay": work.replay_id, "inputs": inputs, "reports": made.reports, "movers": len(made.movers)},
        )

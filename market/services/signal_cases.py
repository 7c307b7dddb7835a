"""Cases from signals: opened with the facts, answered by those named, decided by a second officer.

Names and facts of an open case are on the trail as proofs only; a breach that was found is public.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import clock, db, files, mail, trail
from core.db import refuse_after, transaction
from core.files import DOCX, JPEG, MEGABYTE, PDF, PNG, XLSX, FileUse
from core.forms import Upload
from core.handover import Handover
from core.identity import Identity, Permission
from core.serials import next_number
from core.states import advance
from core.workdays import calendar
from market import content
from market.queries.signals import SignalRow, signals_by_id
from market.rules.signal_cases import (
    TRANSITIONS,
    Breach,
    CaseAct,
    CaseGone,
    CaseResult,
    CaseState,
    NobodyNamed,
    ReplyOver,
    ReplyRunning,
    check_breach,
    check_officer,
    may_decide,
)
from market.rules.signal_list import sentence
from market.rules.signals import SignalUnknown

SERIES = "HC"
EVIDENCE = FileUse("case-statement", 10 * MEGABYTE, (PDF, PNG, JPEG, DOCX, XLSX))
MOST_FILES = 5

CASE_DECIDED: Handover[[Identity, Breach]] = Handover("market.case_decided")
"""Called once for every agency found in breach when the decision proposes conduct points, in the same transaction."""


@dataclass(frozen=True)
class CaseReceipt:
    """That something happened in a case."""

    case_id: int
    number: str
    state: CaseState
    reply_until: datetime
    entry_id: int


@dataclass(frozen=True)
class CaseDecision:
    """How an officer decides a case. `breachers` are organisations; `conduct_code` is empty for no points."""

    result: CaseResult
    reasons: str
    breachers: tuple[int, ...] = ()
    conduct_code: str = ""


async def open_case(
    actor: Identity, *, signal_ids: Sequence[int], parties: Sequence[int], question: str
) -> CaseReceipt:
    """Open a case from signals and tell everybody named, who has 3 working days (edition: signals.reply_wd) to reply.

    `parties` are organisations that the signals concern. Raises `SignalUnknown`, `NobodyNamed`.
    """
    actor.require(Permission.WATCH_MARKET)
    async with transaction():
        found = await signals_by_id(list(signal_ids))
        if not found or len(found) != len(set(signal_ids)):
            raise SignalUnknown
        named = sorted(set(parties))
        if not named or not set(named) <= concerned(found):
            raise NobodyNamed
        now = clock.now()
        until = (await calendar()).due_at(now, content.edition_in_force(clock.today()).signals.reply_wd)
        facts = [_fact(one) for one in found]
        number = await next_number(SERIES, clock.today())
        case_id: int = await db.value(
            "insert into market_signal_case (number, state, question, facts, opened_by, opened_at, reply_until,"
            " result, reasons, conduct_code, digest) values ($1, $2, $3, $4, $5, $6, $7, '', '', '', '') returning id",
            number,
            CaseState.OPEN.value,
            question,
            facts,
            actor.account_id,
            now,
            until,
        )
        await db.execute_many(
            "insert into market_case_signal (signal_case, signal) values ($1, $2)", [(case_id, one.id) for one in found]
        )
        await db.execute_many(
            "insert into market_case_party (signal_case, organization, breach) values ($1, $2, false)",
            [(case_id, one) for one in named],
        )
        after = {
            "number": number,
            "signals": [one.id for one in found],
            "parties": named,
            "facts_sha256": digest(facts),
        }
        entry = await trail.record(actor, "signal-case.opened", f"signal-case:{case_id}", after=after)
        for organization in named:
            letter = {"case_id": case_id, "number": number, "until": local(until)}
            await mail.send(to_organization=organization, message="market/case_opened", context=letter)
    return CaseReceipt(case_id, number, CaseState.OPEN, until, entry)


def concerned(found: Sequence[SignalRow]) -> set[int]:
    """The organisations that signals concern."""
    return {one["organization"] for row in found for one in (*row.agencies, *row.clients)}


def _fact(row: SignalRow) -> dict[str, Any]:
    return {
        "signal": row.id,
        "code": row.code,
        "params": dict(row.params),
        "notices": row.notices,
        "agencies": row.agencies,
        "clients": row.clients,
    }


def digest(value: Any) -> str:
    """SHA-256 of a value as canonical JSON."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def local(moment: datetime) -> str:
    """A moment as people in the market read it."""
    return f"{clock.shanghai(moment):%Y-%m-%d %H:%M}"


async def _locked(case_id: int) -> Any:
    row = await db.row("select * from market_signal_case where id = $1 for update", case_id)
    if row is None:
        raise CaseGone
    return row


async def reply_case(actor: Identity, *, case_id: int, text: str, uploads: Sequence[Upload] = ()) -> CaseReceipt:
    """What a party says about the facts, with files, until its time is over (`ReplyOver`).

    May be added to; nothing said is overwritten. A case that names somebody else is `CaseGone`.
    """
    actor.require(Permission.LODGE_OBJECTION)
    async with transaction():
        row = await _locked(case_id)
        party = await db.value(
            "select id from market_case_party where signal_case = $1 and organization = $2",
            case_id,
            actor.organization_id,
        )
        if party is None:
            raise CaseGone
        state = advance(TRANSITIONS, CaseState(row["state"]), CaseAct.REPLY)
        over = ReplyOver(until=local(row["reply_until"]))
        if clock.now() >= row["reply_until"]:
            raise over
        refuse_after(row["reply_until"], over)
        statement = await db.value(
            "insert into market_case_statement (party, account, text, made_at) values ($1, $2, $3, $4) returning id",
            party,
            actor.account_id,
            text,
            clock.now(),
        )
        stored = [await files.store(one, use=EVIDENCE, actor=actor) for one in uploads]
        await db.execute_many(
            "insert into market_case_file (statement, file) values ($1, $2)", [(statement, one.id) for one in stored]
        )
        after = {"text_sha256": digest(text), "files": [one.sha256 for one in stored]}
        entry = await trail.record(actor, "signal-case.replied", f"signal-case:{case_id}", after=after)
    return CaseReceipt(case_id, row["number"], state, row["reply_until"], entry)


async def withdraw_case(actor: Identity, *, case_id: int, reasons: str) -> CaseReceipt:
    """Take a case back that should not have been opened; those named are told. Any supervisor may."""
    actor.require(Permission.WATCH_MARKET)
    async with transaction():
        row = await _locked(case_id)
        state = advance(TRANSITIONS, CaseState(row["state"]), CaseAct.WITHDRAW)
        await db.execute(
            "update market_signal_case set state = $2, decided_by = $3, decided_at = $4, reasons = $5 where id = $1",
            case_id,
            state.value,
            actor.account_id,
            clock.now(),
            reasons,
        )
        after = {"reasons": reasons}
        entry = await trail.record(actor, "signal-case.withdrawn", f"signal-case:{case_id}", after=after)
        await _tell(case_id, row["number"])
    return CaseReceipt(case_id, row["number"], state, row["reply_until"], entry)


async def decide_case(actor: Identity, *, case_id: int, decision: CaseDecision) -> CaseReceipt:
    """Decide a case, by somebody else than who opened it, after all replies or the end of their time.

    A breach names its parties and may propose conduct points against the agencies among them, which stay contestable
    there. Raises `SameOfficer`, `ReplyRunning`, `BreachNamesNobody`.
    """
    actor.require(Permission.WATCH_MARKET)
    async with transaction():
        row = await _locked(case_id)
        state = advance(TRANSITIONS, CaseState(row["state"]), CaseAct.DECIDE)
        check_officer(opened_by=row["opened_by"], decides=actor.account_id)
        parties = await _parties(case_id)
        replied = [one["organization"] for one in parties if one["statements"]]
        named = [one["organization"] for one in parties]
        if not may_decide(named, replied, row["reply_until"], clock.now()):
            raise ReplyRunning(until=local(row["reply_until"]))
        check_breach(decision.result, decision.breachers, named)
        sealed = digest(signed(row, parties, decision, actor))
        await _keep(row, decision, actor, sealed)
        guilty = [one for one in parties if one["organization"] in decision.breachers]
        entry = await _on_the_trail(actor, row, decision, guilty, sealed)
        if decision.conduct_code:
            for one in guilty:
                if one["agency"] is not None:
                    await CASE_DECIDED(actor, _breach(row, decision, one["agency"]))
        await _tell(case_id, row["number"])
    return CaseReceipt(case_id, row["number"], state, row["reply_until"], entry)


def signed(row: Any, parties: Sequence[Any], decision: CaseDecision, actor: Identity) -> dict[str, Any]:
    """What the decision's digest covers: the facts and replies it was made on, not the verdict alone."""
    return {
        "number": row["number"],
        "question": row["question"],
        "facts": row["facts"],
        "statements": [{"organization": one["organization"], "said": one["statements"]} for one in parties],
        "result": decision.result.value,
        "reasons": decision.reasons,
        "breachers": sorted(decision.breachers),
        "conduct_code": decision.conduct_code,
        "officer": actor.account_id,
    }


async def _parties(case_id: int) -> list[Any]:
    return await db.rows(
        """select p.organization, a.id as agency,
                  (select coalesce(jsonb_agg(jsonb_build_object('text', s.text, 'at', s.made_at, 'files',
                          (select coalesce(jsonb_agg(f.sha256 order by f.id), '[]') from market_case_file x
                             join core_stored_file f on f.id = x.file where x.statement = s.id)) order by s.id), '[]')
                     from market_case_statement s where s.party = p.id) as statements
             from market_case_party p left join agencies_agency a on a.organization = p.organization
            where p.signal_case = $1 order by p.organization""",
        case_id,
    )


async def _keep(row: Any, decision: CaseDecision, actor: Identity, sealed: str) -> None:
    await db.execute(
        "update market_signal_case set state = $2, decided_by = $3, decided_at = $4, result = $5, reasons = $6,"
        " conduct_code = $7, digest = $8 where id = $1",
        row["id"],
        CaseState.DECIDED.value,
        actor.account_id,
        clock.now(),
        decision.result.value,
        decision.reasons,
        decision.conduct_code,
        sealed,
    )
    await db.execute(
        "update market_case_party set breach = true where signal_case = $1 and organization = any($2)",
        row["id"],
        list(decision.breachers),
    )


async def _on_the_trail(actor: Identity, row: Any, decision: CaseDecision, guilty: Sequence[Any], sealed: str) -> int:
    after: dict[str, Any] = {"number": row["number"], "result": decision.result.value, "decision_sha256": sealed}
    threads: list[str] = []
    if decision.result is CaseResult.BREACH:
        after |= {"reasons": decision.reasons, "breachers": sorted(decision.breachers)}
        threads = [f"notice:{one['id']}" for fact in row["facts"] for one in fact["notices"]]
        threads += [f"agency:{one['agency']}" for one in guilty if one["agency"] is not None]
    act = "signal-case.upheld" if decision.result is CaseResult.BREACH else "signal-case.closed"
    return await trail.record(actor, act, f"signal-case:{row['id']}", after=after, threads=threads)


def _breach(row: Any, decision: CaseDecision, agency_id: int) -> Breach:
    said = "；".join(plain(fact) for fact in row["facts"])
    return Breach(row["id"], row["number"], agency_id, decision.conduct_code, said, decision.reasons)


def plain(fact: Mapping[str, Any]) -> str:
    """What a fact says, in Chinese."""
    message = sentence(fact["code"], fact["params"])
    return message.text % message.params


async def _tell(case_id: int, number: str) -> None:
    for one in await db.rows("select organization from market_case_party where signal_case = $1", case_id):
        letter = {"case_id": case_id, "number": number}
        await mail.send(to_organization=one["organization"], message="market/case_decided", context=letter)

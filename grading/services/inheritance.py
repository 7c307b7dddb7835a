"""Successors: suggested by the register's edges, put to the agency, decided by a second person, cleared by a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agencies.queries import Kin, agency_of, agency_row, flagged_certificates, kin_candidates, kin_source
from agencies.rules import Profession
from core import clock, db, mail, trail
from core.db import refuse_after, transaction
from core.identity import SYSTEM, Identity, Permission
from core.serials import next_number
from core.states import advance
from core.workdays import calendar
from grading.queries.schemes import rulebook_on
from grading.queries.supervision import Stain, predecessors, stained, supervision_on
from grading.rules.inheritance import (
    INHERITANCE_TRANSITIONS,
    Edge,
    InheritanceAct,
    InheritanceGone,
    InheritanceState,
    NoEdges,
    Profile,
    SameAgency,
    SameDecider,
    edges,
    suggests,
)
from grading.rules.lifecycle import ReplyPeriodOpen, ReplyPeriodOver, may_decide
from grading.rules.replay import grade
from grading.services.direct_d import publish_now, settle_drafts
from grading.services.reports import PublicationReceipt, check_signer
from grading.services.runs import one_subject
from grading.services.wording import local

SERIES = "CJ"


@dataclass(frozen=True)
class InheritanceReceipt:
    """Where the question stands after an act; `publications` when grades changed with it."""

    inheritance_id: int
    number: str
    state: InheritanceState
    at: datetime
    entry_id: int
    reply_until: datetime | None = None
    publications: tuple[PublicationReceipt, ...] = ()


def _profile(kin: Kin) -> Profile:
    return Profile(**vars(kin))


async def edges_between(predecessor: int, successor: int) -> tuple[Edge, ...]:
    """The ties of the register between two agencies today, strong ones first."""
    source = await kin_source(predecessor)
    other = next((one for one in await kin_candidates(predecessor) if one.agency_id == successor), None)
    if source is None or other is None:
        return ()
    known = {one.agency_id: one for one in await stained()}
    return await _edges(source, other, known.get(predecessor))


async def _edges(source: Kin, other: Kin, stain: Stain | None) -> tuple[Edge, ...]:
    today = clock.today()
    flagged = frozenset(await flagged_certificates(list(source.staff & other.staff), today))
    overlap = (await supervision_on(today)).staff_overlap
    since = stain.since if stain else None
    return edges(_profile(source), _profile(other), flagged=flagged, stained_on=since, overlap=overlap)


async def suggest_successors() -> int:
    """Suggest who may carry on an agency with a record that counts; nightly, once per pair. How many are new.

    A suggestion has no effect and reaches nobody but the officers. Whoever carries a record by inheritance is
    searched from too: registering a third firm does not break the chain.
    """
    known = {one.agency_id: one for one in await stained()}
    carriers = await db.rows("select predecessor, successor from grading_inheritance where state = 'in-force'")
    for row in carriers:
        if row["predecessor"] in known:
            known.setdefault(row["successor"], known[row["predecessor"]])
    new = 0
    for agency_id, stain in sorted(known.items()):
        source = await kin_source(agency_id)
        for other in await kin_candidates(agency_id):
            found = await _edges(source, other, stain) if source else ()
            if suggests(found) and await _suggest(agency_id, other.agency_id, found):
                new += 1
    return new


async def _suggest(predecessor: int, successor: int, found: Sequence[Edge]) -> bool:
    async with transaction():
        known = await db.value(
            "select 1 from grading_inheritance where (predecessor, successor) in (($1, $2), ($2, $1))",
            predecessor,
            successor,
        )
        if known:
            return False
        await _insert(SYSTEM, predecessor, successor, found, "inheritance.suggested")
    return True


async def _insert(actor: Identity, predecessor: int, successor: int, found: Sequence[Edge], act: str) -> int:
    number = await next_number(SERIES, clock.today())
    new_id: int = await db.value(
        "insert into grading_inheritance (number, predecessor, successor, edges, state, suggested_at, facts, reply,"
        " reasons, clearing_reasons) values ($1, $2, $3, $4, $5, $6, '', '', '', '') returning id",
        number,
        predecessor,
        successor,
        _plain(found),
        InheritanceState.SUGGESTED.value,
        clock.now(),
    )
    facts = {"number": number, "predecessor": predecessor, "successor": successor, "edges": _plain(found)}
    await trail.record(actor, act, f"inheritance:{new_id}", after=facts)
    return new_id


def _plain(found: Sequence[Edge]) -> list[list[str]]:
    return [[edge.kind.value, edge.value] for edge in found]


async def propose_pair(*, actor: Identity, predecessor: int, successor: int, facts: str) -> InheritanceReceipt:
    """Put a pair to the successor although no suggestion waits; the edges must be there all the same.

    Raises `SameAgency`, `NoEdges`, `AgencyNotFound`.
    """
    actor.require(Permission.RECORD_CONDUCT)
    if predecessor == successor:
        raise SameAgency
    async with transaction():
        await agency_row(predecessor)
        await agency_row(successor)
        found = await edges_between(predecessor, successor)
        if not suggests(found):
            raise NoEdges
        known: int | None = await db.value(
            "select id from grading_inheritance where predecessor = $1 and successor = $2", predecessor, successor
        )
        pair = known or await _insert(actor, predecessor, successor, found, "inheritance.suggested")
        return await propose_inheritance(actor=actor, inheritance_id=pair, facts=facts)


async def propose_inheritance(*, actor: Identity, inheritance_id: int, facts: str) -> InheritanceReceipt:
    """Put the question to the successor, which has 5 working days to reply. No effect yet."""
    actor.require(Permission.RECORD_CONDUCT)
    async with transaction():
        row = await _locked(inheritance_id)
        state = advance(INHERITANCE_TRANSITIONS, InheritanceState(row["state"]), InheritanceAct.PROPOSE)
        until = (await calendar()).due_at(clock.now(), (await supervision_on(clock.today())).reply_wd)
        await db.execute(
            "update grading_inheritance set state = $2, proposed_by = $3, proposed_at = $4, facts = $5,"
            " reply_until = $6, reply = '', replied_at = null, decided_by = null, decided_at = null, decided_on = null,"
            " reasons = '', cleared_by = null, cleared_at = null, cleared_on = null, clearing_reasons = ''"
            " where id = $1",
            inheritance_id,
            state.value,
            actor.account_id,
            clock.now(),
            facts,
            until,
        )
        entry = await _record(actor, "inheritance.proposed", inheritance_id, {"facts": facts, "edges": row["edges"]})
        await _tell(row, state, facts, local(until))
    return InheritanceReceipt(inheritance_id, row["number"], state, clock.now(), entry, until)


async def drop_suggestion(*, actor: Identity, inheritance_id: int, reasons: str) -> InheritanceReceipt:
    """Lay a suggestion aside with reasons; the agency never hears of it."""
    actor.require(Permission.DECIDE_CONDUCT)
    async with transaction():
        row = await _locked(inheritance_id)
        state = advance(INHERITANCE_TRANSITIONS, InheritanceState(row["state"]), InheritanceAct.DROP)
        await _decided(actor, inheritance_id, state, reasons)
        entry = await _record(actor, "inheritance.dropped", inheritance_id, {"reasons": reasons})
    return InheritanceReceipt(inheritance_id, row["number"], state, clock.now(), entry)


async def reply_inheritance(*, actor: Identity, inheritance_id: int, text: str) -> InheritanceReceipt:
    """The successor's reply, until its 5 working days are over (`ReplyPeriodOver`); `InheritanceGone` for others."""
    actor.require(Permission.COMMENT_GRADE)
    async with transaction():
        agency = await agency_of(actor.organization_id)
        row = await _locked(inheritance_id)
        hidden = row["state"] == InheritanceState.SUGGESTED
        if agency is None or row["successor"] != agency.agency_id or hidden:
            raise InheritanceGone
        state = advance(INHERITANCE_TRANSITIONS, InheritanceState(row["state"]), InheritanceAct.REPLY)
        over = ReplyPeriodOver(until=local(row["reply_until"]))
        if clock.now() >= row["reply_until"]:
            raise over
        refuse_after(row["reply_until"], over)
        await db.execute(
            "update grading_inheritance set reply = $2, replied_at = $3 where id = $1",
            inheritance_id,
            text,
            clock.now(),
        )
        entry = await _record(actor, "inheritance.replied", inheritance_id, {"reply": text})
    return InheritanceReceipt(inheritance_id, row["number"], state, clock.now(), entry, row["reply_until"])


async def decide_inheritance(
    *, actor: Identity, inheritance_id: int, confirmed: bool, reasons: str
) -> InheritanceReceipt:
    """Decide that the record follows, or does not, by somebody else than who put it forward.

    Confirmed: findings, direct D and grade history of the predecessor count for the successor from today until cleared;
    when that makes a D, it is published in the same act, otherwise the next run takes it up. Raises `SameDecider`,
    `ReplyPeriodOpen`.
    """
    actor.require(Permission.DECIDE_CONDUCT)
    check_signer(actor)
    async with transaction():
        row = await _locked(inheritance_id)
        act = InheritanceAct.CONFIRM if confirmed else InheritanceAct.DISMISS
        state = advance(INHERITANCE_TRANSITIONS, InheritanceState(row["state"]), act)
        if row["proposed_by"] == actor.account_id:
            raise SameDecider
        if not may_decide(row["reply"], row["reply_until"], clock.now()):
            raise ReplyPeriodOpen(until=local(row["reply_until"]))
        await _decided(actor, inheritance_id, state, reasons)
        name = "inheritance.confirmed" if confirmed else "inheritance.dismissed"
        entry = await _record(actor, name, inheritance_id, {"reasons": reasons}, row)
        key = f"inherit:{inheritance_id}:{entry}"
        published = await _regraded(actor, row, key, only_d=True) if confirmed else ()
        await _tell(row, state, reasons)
    return InheritanceReceipt(inheritance_id, row["number"], state, clock.now(), entry, None, published)


async def clear_inheritance(*, actor: Identity, inheritance_id: int, reasons: str) -> InheritanceReceipt:
    """End an inheritance, because the agency has shown that it stands by itself; grades it changed follow at once."""
    actor.require(Permission.DECIDE_CONDUCT)
    check_signer(actor)
    async with transaction():
        row = await _locked(inheritance_id)
        state = advance(INHERITANCE_TRANSITIONS, InheritanceState(row["state"]), InheritanceAct.CLEAR)
        await db.execute(
            "update grading_inheritance set state = $2, cleared_by = $3, cleared_at = $4, cleared_on = $5,"
            " clearing_reasons = $6 where id = $1",
            inheritance_id,
            state.value,
            actor.account_id,
            clock.now(),
            clock.today(),
            reasons,
        )
        entry = await _record(actor, "inheritance.cleared", inheritance_id, {"reasons": reasons}, row)
        published = await _regraded(actor, row, f"inherit:{inheritance_id}:{entry}", only_d=False)
        await _tell(row, state, reasons)
    return InheritanceReceipt(inheritance_id, row["number"], state, clock.now(), entry, None, published)


async def _decided(actor: Identity, inheritance_id: int, state: InheritanceState, reasons: str) -> None:
    await db.execute(
        "update grading_inheritance set state = $2, decided_by = $3, decided_at = $4, decided_on = $5, reasons = $6"
        " where id = $1",
        inheritance_id,
        state.value,
        actor.account_id,
        clock.now(),
        clock.today(),
        reasons,
    )


async def _regraded(actor: Identity, row: Any, key: str, *, only_d: bool) -> tuple[PublicationReceipt, ...]:
    """Publish what changes for the successor (and whoever carries it on): a D now, or everything that was cleared."""
    carriers = await _carriers(row["successor"])
    return await _regrade(actor, carriers, key, row["number"], only_d=only_d)


async def regrade_heirs(actor: Identity, agency_id: int, key: str, number: str) -> tuple[PublicationReceipt, ...]:
    """A record of the agency has ended: those who carry it on are graded anew the same day (decision 0016).

    `key` names the runs, at most 24 characters. Joins the caller's transaction.
    """
    heirs = [one for one in await _carriers(agency_id) if one != agency_id]
    return await _regrade(actor, heirs, f"{key}:heir", number, only_d=False)


async def _regrade(
    actor: Identity, agency_ids: list[int], key: str, number: str, *, only_d: bool
) -> tuple[PublicationReceipt, ...]:
    today = clock.today()
    rules = await rulebook_on(today)
    published: list[PublicationReceipt] = []
    for agency_id in agency_ids:
        agency = await agency_row(agency_id)
        changed = []
        for trade in map(Profession, agency.professions):
            subject = await one_subject(agency_id, trade, today, rules)
            result = grade(subject.evidence, rules.scheme, rules.calibration).result
            if result is not subject.prior_result and (not only_d or result.value == "D"):
                changed.append(trade)
        if changed:
            published += await publish_now(actor, f"{key}:{agency_id}", agency_id, changed, rules)
        trades = [Profession(one) for one in agency.professions]
        await settle_drafts(actor, agency_id, changed, since=today, published=True, reason=number)
        others = [one for one in trades if one not in changed]
        await settle_drafts(actor, agency_id, others, since=today, published=False, reason=number)
    return tuple(published)


async def _carriers(successor: int) -> list[int]:
    """The successor and whoever carries it on."""
    later = await db.rows("select distinct successor from grading_inheritance where state = 'in-force'")
    chains = await predecessors([row["successor"] for row in later], clock.today())
    return [successor, *sorted(one for one, sources in chains.items() if successor in sources and one != successor)]


async def _locked(inheritance_id: int) -> Any:
    row = await db.row(
        "select i.*, a.organization, p.name_zh as before_zh, p.name_en as before_en from grading_inheritance i"
        " join agencies_agency a on a.id = i.successor join agencies_agency p on p.id = i.predecessor"
        " where i.id = $1 for update of i",
        inheritance_id,
    )
    if row is None:
        raise InheritanceGone
    return row


async def _record(actor: Identity, act: str, inheritance_id: int, facts: dict[str, Any], row: Any = None) -> int:
    threads = [f"agency:{row['successor']}", f"agency:{row['predecessor']}"] if row else []
    return await trail.record(actor, act, f"inheritance:{inheritance_id}", after=facts, threads=threads)


async def _tell(row: Any, state: InheritanceState, text: str, until: str = "") -> None:
    context = {
        "inheritance_id": row["id"],
        "number": row["number"],
        "state": state.value,
        "before_zh": row["before_zh"],
        "before_en": row["before_en"] or row["before_zh"],
        "text": text,
        "until": until,
    }
    await mail.send(to_organization=row["organization"], message="grading/inheritance", context=context)

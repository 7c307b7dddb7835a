"""Conduct findings: proposed with evidence, answered by the agency, decided by a second person."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agencies.queries import agency_of, standing
from agencies.rules import Profession
from contracts.services import Lapse
from core import clock, db, files, mail, trail
from core.db import refuse_after, transaction
from core.errors import FormInvalid, Message
from core.forms import Upload
from core.i18n import N_
from core.identity import SYSTEM, Identity, Permission
from core.serials import next_number
from core.states import advance
from core.workdays import calendar
from grading.queries.schemes import rulebook_on
from grading.rules.errors import AgencyUnknown, FindingAbsent, ItemUnknown
from grading.rules.lifecycle import (
    CONDUCT_TRANSITIONS,
    ConductAct,
    ConductState,
    ReplyPeriodOpen,
    ReplyPeriodOver,
    SamePerson,
    may_decide,
)
from grading.services.wording import local
from market.rules.signal_cases import Breach

EVIDENCE = files.SCAN
MOST_FILES = 5
SERIES = "JF"
LAPSE_ITEM = "CP-0505"


@dataclass(frozen=True)
class FindingDraft:
    """What is found against an agency; `profession` None means it concerns all of them.

    `complaint`: it came up by a complaint; two upheld ones cap the grade at C (CC-04).
    """

    agency_id: int
    profession: Profession | None
    code: str
    event: str
    found_on: date
    facts: str
    source: str
    evidence: tuple[Upload, ...] = ()
    complaint: bool = False


@dataclass(frozen=True)
class ProposalReceipt:
    """That a finding was put to the agency."""

    finding_id: int
    number: str
    points: int
    reply_until: datetime
    entry_id: int


@dataclass(frozen=True)
class DecisionReceipt:
    """That a finding was decided."""

    finding_id: int
    number: str
    state: ConductState
    decided_on: date
    entry_id: int


@dataclass(frozen=True)
class ReplyReceipt:
    """That the agency's reply is on file."""

    finding_id: int
    at: datetime
    entry_id: int


async def propose_conduct(*, actor: Identity, draft: FindingDraft) -> ProposalReceipt:
    """Put a finding to the agency, which has 5 working days to reply; it counts only once upheld.

    Raises `ItemUnknown` for a code outside the scheme, `AgencyUnknown` for an agency or profession
    not on record.
    """
    actor.require(Permission.RECORD_CONDUCT)
    return await propose(actor, draft)


async def propose_from_case(actor: Identity, breach: Breach) -> ProposalReceipt:
    """A breach that the market's supervisors decided, put to the agency as any other finding.

    It counts only once a grading officer upholds it: the reply here is the second one, on the points.
    """
    actor.require(Permission.WATCH_MARKET)
    draft = FindingDraft(
        breach.agency_id,
        None,
        breach.conduct_code,
        f"signal-case:{breach.case_id}",
        clock.today(),
        f"{breach.facts}\n{breach.reasons}",
        breach.number,
    )
    return await propose(actor, draft)


async def propose_from_lapse(lapse: Lapse) -> ProposalReceipt:
    """A deferred document that was not handed in by its date (容缺), put to the agency by the clock; a person decides."""
    due = local(lapse.due_at)
    draft = FindingDraft(
        lapse.agency_id,
        Profession(lapse.profession),
        LAPSE_ITEM,
        f"deferred:{lapse.deferred_id}",
        clock.today(),
        f"合同 {lapse.contract_no} 申报时承诺于 {due} 前补交“{lapse.name}”，到期未补交。",
        f"{lapse.contract_no} 容缺承诺记录，系统时钟",
    )
    return await propose(SYSTEM, draft)


async def propose(actor: Identity, draft: FindingDraft) -> ProposalReceipt:
    """Put a finding to the agency for whom `actor` acts; who may is checked by the callers."""
    async with transaction():
        rules = await rulebook_on(clock.today())
        item = rules.scheme.item(draft.code)
        if item is None:
            raise ItemUnknown(code=draft.code)
        organization_id = await _organization_of(draft.agency_id, draft.profession)
        until = (await calendar()).due_at(clock.now(), rules.scheme.conduct.reply_wd)
        number = await next_number(SERIES, clock.today())
        finding_id = await _insert(actor, draft, number, item.points, rules.scheme_id, until)
        digests = await _attach(actor, finding_id, "evidence", draft.evidence)
        stated = {"number": number, "code": draft.code, "points": item.points, "facts": draft.facts}
        stated |= {"complaint": True} if draft.complaint else {}
        entry = await trail.record(
            actor,
            "conduct.proposed",
            f"conduct:{finding_id}",
            after=stated | ({"evidence": digests} if digests else {}),
        )
        await mail.send(
            to_organization=organization_id,
            message="grading/conduct_proposed",
            context={
                "finding_id": finding_id,
                "number": number,
                "name_zh": item.name_zh,
                "name_en": item.name_en,
                "points": item.points,
                "until": local(until),
            },
        )
    return ProposalReceipt(finding_id, number, item.points, until, entry)


async def _organization_of(agency_id: int, profession: Profession | None) -> int:
    found = await standing(agency_id, profession or Profession.OTHER, clock.today())
    if not found.recorded or (profession and not found.profession_recorded):
        raise AgencyUnknown
    return found.organization_id


async def _insert(
    actor: Identity, draft: FindingDraft, number: str, points: int, scheme_id: int, until: datetime
) -> int:
    finding_id: int = await db.value(
        "insert into grading_conduct (number, agency, profession, code, scheme, points, event, found_on, facts,"
        " source, state, proposed_by, proposed_at, reply_until, reply, reasons, document_no,"
        " complaint)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, '', '', '', $15) returning id",
        number,
        draft.agency_id,
        draft.profession.value if draft.profession else None,
        draft.code,
        scheme_id,
        points,
        draft.event,
        draft.found_on,
        draft.facts,
        draft.source,
        ConductState.PROPOSED.value,
        actor.account_id,
        clock.now(),
        until,
        draft.complaint,
    )
    return finding_id


async def _attach(actor: Identity, finding_id: int, side: str, uploads: tuple[Upload, ...]) -> list[str]:
    """Store the files of one side; the same file once. Gives their hashes for the trail."""
    if len(uploads) > MOST_FILES:
        raise FormInvalid({"evidence": Message(N_("证据最多 %(n)s 份。"), {"n": MOST_FILES})})
    digests = []
    for upload in uploads:
        try:
            stored = await files.store(upload, use=EVIDENCE, actor=actor)
        except (files.FileEmpty, files.FileTooLarge, files.FileMislabelled) as fault:
            raise FormInvalid({"evidence": Message(fault.text, fault.params)}) from fault
        await db.execute(
            "insert into grading_conduct_file (conduct, side, file) values ($1, $2, $3)", finding_id, side, stored.id
        )
        digests.append(stored.sha256)
    return digests


async def reply_conduct(
    *, actor: Identity, finding_id: int, text: str, evidence: tuple[Upload, ...] = ()
) -> ReplyReceipt:
    """The agency's reply to a proposed finding, until the 5 working days are over (`ReplyPeriodOver`).

    Files go along; those of an earlier reply stay. `FormInvalid` for a file that cannot be taken.
    """
    actor.require(Permission.COMMENT_GRADE)
    async with transaction():
        agency = await agency_of(actor.organization_id)
        finding = await _locked(finding_id)
        if agency is None or finding["agency"] != agency.agency_id:
            raise FindingAbsent
        state = advance(CONDUCT_TRANSITIONS, ConductState(finding["state"]), ConductAct.REPLY)
        over = ReplyPeriodOver(until=local(finding["reply_until"]))
        if clock.now() >= finding["reply_until"]:
            raise over
        refuse_after(finding["reply_until"], over)
        await db.execute(
            "update grading_conduct set state = $2, reply = $3, replied_at = $4 where id = $1",
            finding_id,
            state.value,
            text,
            clock.now(),
        )
        digests = await _attach(actor, finding_id, "reply", evidence)
        entry = await trail.record(
            actor,
            "conduct.replied",
            f"conduct:{finding_id}",
            after={"reply": text} | ({"evidence": digests} if digests else {}),
        )
    return ReplyReceipt(finding_id, clock.now(), entry)


async def decide_conduct(*, actor: Identity, finding_id: int, upheld: bool, reasons: str) -> DecisionReceipt:
    """Uphold or dismiss a finding, with reasons, by somebody else than who proposed it.

    Raises `SamePerson`, and `ReplyPeriodOpen` before the agency has replied or its time is over.
    Upheld points live for 12 months from today (grading.md §5).
    """
    actor.require(Permission.DECIDE_CONDUCT)
    async with transaction():
        finding = await _locked(finding_id)
        act = ConductAct.UPHOLD if upheld else ConductAct.DISMISS
        state = advance(CONDUCT_TRANSITIONS, ConductState(finding["state"]), act)
        if finding["proposed_by"] == actor.account_id:
            raise SamePerson
        if not may_decide(finding["reply"], finding["reply_until"], clock.now()):
            raise ReplyPeriodOpen(until=local(finding["reply_until"]))
        await db.execute(
            "update grading_conduct set state = $2, decided_by = $3, decided_at = $4, decided_on = $5,"
            " reasons = $6, document_no = $7 where id = $1",
            finding_id,
            state.value,
            actor.account_id,
            clock.now(),
            clock.today(),
            reasons,
            finding["number"],
        )
        entry = await _told(actor, finding, state, reasons)
    return DecisionReceipt(finding_id, finding["number"], state, clock.today(), entry)


async def _told(actor: Identity, finding: Any, state: ConductState, reasons: str) -> int:
    upheld = state is ConductState.UPHELD
    entry = await trail.record(
        actor,
        "conduct.upheld" if upheld else "conduct.dismissed",
        f"conduct:{finding['id']}",
        before={"state": finding["state"]},
        after={"state": state.value, "points": finding["points"], "reasons": reasons},
        threads=[f"agency:{finding['agency']}"] if upheld else [],
    )
    who = await standing(finding["agency"], Profession.OTHER, clock.today())
    await mail.send(
        to_organization=who.organization_id,
        message="grading/conduct_decided",
        context={
            "finding_id": finding["id"],
            "number": finding["number"],
            "upheld": upheld,
            "points": finding["points"],
            "reasons": reasons,
        },
    )
    return entry


async def _locked(finding_id: int) -> Any:
    finding = await db.row("select * from grading_conduct where id = $1 for update", finding_id)
    if finding is None:
        raise FindingAbsent
    return finding

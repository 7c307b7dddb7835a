"""Objections: lodge, answer, escalate, take back; what the clock does with them; the pause they cause.

An admissible objection to the result stops the notice period; the deadline of a notice is never moved by one.
Nothing is confirmed while any objection is open.
"""

from dataclasses import dataclass

from agencies import queries as agencies
from agencies.rules import Profession
from core import clock, db, files, jobs, trail
from core.db import transaction
from core.errors import FormInvalid, Message
from core.forms import Upload
from core.i18n import N_
from core.identity import SYSTEM, Identity, Permission
from core.serials import next_number
from core.workdays import calendar
from market import content
from market.queries.awards import award_of
from market.queries.notices import NoticeRow
from market.queries.objections import ObjectionRow, open_results
from market.rules.notices import NoticeAct, NoticeGone, NoticeState, Phase, SelectionMethod
from market.rules.objections import (
    REMEDY_ACTS,
    SHORTEST,
    Against,
    AlreadyObjected,
    NotConcerned,
    NotObjectable,
    ObjectionAct,
    ObjectionClock,
    ObjectionDraft,
    ObjectionGone,
    ObjectionLate,
    ObjectionState,
    Remedy,
    after,
    check_escalation,
    check_objection,
    due_events,
    objectable,
    remedies,
    resumed_until,
)
from market.services.cases import lock_notice, move
from market.services.notices import cancel_selection, withdraw_notice
from market.services.objection_steps import (
    keep_step,
    lock_objection,
    notice_id_of,
    record_act,
    step,
    tell,
)

EVIDENCE = files.SCAN


@dataclass(frozen=True)
class ObjectionReceipt:
    """What anybody gets for an act on an objection."""

    objection_id: int
    number: str
    notice_id: int


async def lodge_objection(
    actor: Identity,
    *,
    notice_id: int,
    draft: ObjectionDraft,
    evidence: tuple[Upload, ...] = (),
    honest: bool = True,
) -> ObjectionReceipt:
    """Object to a notice before its deadline, or to a result in its notice period (which then stands still).

    Raises `FormInvalid`, `NotObjectable`, `ObjectionLate`, `NotConcerned`, `AlreadyObjected`.
    """
    actor.require(Permission.LODGE_OBJECTION)
    _checked(draft, files_count=len(evidence), honest=honest)
    async with transaction():
        notice = await lock_notice(notice_id)
        if notice.state is NoticeState.DRAFT:
            raise NoticeGone
        against = _open_to(notice)
        agency_id = await _concerned(actor, notice, against)
        row = await _insert(actor, notice, against, agency_id, draft)
        digests = [await _attach(row.id, upload, actor) for upload in evidence]
        await keep_step(actor, row.id, ObjectionAct.LODGE)
        facts = {"number": row.number, "against": against.value, "provision": draft.provision, "evidence": digests}
        await record_act(actor, row, ObjectionAct.LODGE, facts)
        if against is Against.RESULT and notice.paused_at is None:
            await pause(notice)
        await tell(row, ObjectionAct.LODGE, also=await _winner(notice))
    return ObjectionReceipt(row.id, row.number, notice_id)


def _checked(draft: ObjectionDraft, *, files_count: int, honest: bool) -> None:
    errors = check_objection(draft, files=files_count, honest=honest)
    if draft.provision and draft.provision not in {each["code"] for each in content.provisions()}:
        errors["provision"] = Message(N_("请从列出的选项中选择一项。"))
    if errors:
        raise FormInvalid(errors)


def _open_to(notice: NoticeRow) -> Against:
    """What may be objected to, still so when the transaction commits."""
    against = objectable(notice.clock, clock.now())
    if against is None:
        raise NotObjectable
    if notice.paused_at is None:
        until = notice.deadline if against is Against.NOTICE else notice.display_until
        assert until is not None
        db.refuse_after(until, ObjectionLate(until=f"{clock.shanghai(until):%Y-%m-%d %H:%M}"))
    return against


async def _concerned(actor: Identity, notice: NoticeRow, against: Against) -> int:
    """The objector's agency: a bidder for a result, an agency on record for the item otherwise."""
    agency = await agencies.agency_of(actor.organization_id)
    if agency is None:
        raise NotConcerned
    if against is Against.RESULT and notice.method is not SelectionMethod.DIRECT:
        bid = await db.value(
            "select id from market_bid where notice = $1 and agency = $2 and state in ('entered', 'set-aside')",
            notice.id,
            agency.agency_id,
        )
        if bid is None:
            raise NotConcerned
        return agency.agency_id
    standing = await agencies.standing(agency.agency_id, Profession(notice.profession), clock.today())
    if not standing.recorded or notice.item_code not in standing.items:
        raise NotConcerned
    return agency.agency_id


async def _insert(
    actor: Identity, notice: NoticeRow, against: Against, agency_id: int, draft: ObjectionDraft
) -> ObjectionRow:
    target = notice.amendment
    if against is Against.RESULT:
        award = await award_of(notice.id)
        target = int(award.announced_at.timestamp() * 1_000_000) if award else 0
    known = await db.value(
        "select number from market_objection where notice = $1 and agency = $2 and against = $3 and target = $4",
        notice.id,
        agency_id,
        against.value,
        target,
    )
    if known is not None:
        raise AlreadyObjected(number=known)
    now = clock.now()
    due = after(ObjectionState.LODGED, now, notice.law.objection, await calendar())
    objection_id: int = await db.value(
        """insert into market_objection (number, notice, against, target, agency, state, facts, wish, provision,
               provision_words, evidence_words, lodged_at, since_at, due_at, moves_at)
           values ($1, $2, $3, $4, $5, 'lodged', $6, $7, $8, $9, $10, $11, $11, $12, $13) returning id""",
        await next_number("YY", clock.today()),
        notice.id,
        against.value,
        target,
        agency_id,
        draft.facts,
        draft.wish,
        draft.provision,
        draft.provision_words,
        draft.evidence_words,
        now,
        due.due_at,
        due.moves_at,
    )
    await _remind(objection_id, due)
    return await lock_objection(objection_id)


async def _remind(objection_id: int, due: ObjectionClock) -> None:
    for moment, _act in due_events(due):
        await jobs.defer("market.objection_due", {"objection_id": objection_id}, at=moment)


async def _attach(objection_id: int, upload: Upload, actor: Identity) -> str:
    try:
        stored = await files.store(upload, use=EVIDENCE, actor=actor)
    except (files.FileEmpty, files.FileTooLarge, files.FileMislabelled) as fault:
        raise FormInvalid({"evidence": Message(fault.text, fault.params)}) from fault
    await db.execute("insert into market_objection_evidence (objection, file) values ($1, $2)", objection_id, stored.id)
    return stored.sha256


async def _winner(notice: NoticeRow) -> set[int]:
    award = await award_of(notice.id)
    return {award.agency_organization_id} if award else set()


# --- answer, escalate, take back --------------------------------------------------------------


async def answer_objection(actor: Identity, *, objection_id: int, remedy: Remedy, words: str) -> ObjectionReceipt:
    """The client answers with reasons: rejects, or upholds and withdraws, amends, cancels, or asks to correct.

    Raises `ObjectionGone` for anybody else, `FormInvalid`, `AlreadyDecided`, `NotAllowedNow`.
    """
    actor.require(Permission.SELECT_AGENCY)
    check_words(words)
    async with transaction():
        notice, row = await lock_both(objection_id)
        if row.client_id != actor.organization_id:
            raise ObjectionGone
        if remedy not in remedies(notice.phase):
            raise FormInvalid({"remedy": Message(N_("公告现在的状态下不能这样处理，请另选一种。"))})
        act = REMEDY_ACTS[remedy]
        await step(actor, row, act, words=words, detail={"remedy": remedy.value})
        await tell(row, act, words=words, also=await _winner(notice))
        if remedy is Remedy.WITHDRAW:
            await withdraw_notice(actor, notice_id=notice.id, reason=words)
        elif remedy is Remedy.CANCEL:
            await cancel_selection(actor, notice_id=notice.id, reason=words)
        elif act is ObjectionAct.UPHOLD:
            await resume_if_clear(notice)
    return ObjectionReceipt(row.id, row.number, row.notice_id)


def check_words(words: str) -> None:
    """Reasons are given, or it is no answer. Raises `FormInvalid`."""
    if len(words.strip()) < SHORTEST:
        raise FormInvalid({"words": Message(N_("请写明理由，至少 %(n)s 个字，理由会公开。"), {"n": SHORTEST})})


async def lock_both(objection_id: int) -> tuple[NoticeRow, ObjectionRow]:
    """The notice, then the objection: every act locks in this order."""
    notice = await lock_notice(await notice_id_of(objection_id))
    return notice, await lock_objection(objection_id)


async def escalate_objection(actor: Identity, *, objection_id: int, words: str) -> ObjectionReceipt:
    """The objector takes a rejected (or unanswered, overdue) objection to the market's supervisor.

    Raises `ObjectionGone`, `NotYourTurn`, `EscalationLate`, `AlreadyDecided`.
    """
    actor.require(Permission.LODGE_OBJECTION)
    check_words(words)
    async with transaction():
        _notice, row = await lock_both(objection_id)
        if row.objector_id != actor.organization_id:
            raise ObjectionGone
        if row.open:
            check_escalation(row.clock, clock.now())
        await step(actor, row, ObjectionAct.ESCALATE, words=words)
        await tell(row, ObjectionAct.ESCALATE, words=words)
    return ObjectionReceipt(row.id, row.number, row.notice_id)


async def withdraw_objection(actor: Identity, *, objection_id: int) -> ObjectionReceipt:
    """The objector takes it back; with the last one gone the notice period runs on."""
    actor.require(Permission.LODGE_OBJECTION)
    async with transaction():
        notice, row = await lock_both(objection_id)
        if row.objector_id != actor.organization_id:
            raise ObjectionGone
        await step(actor, row, ObjectionAct.WITHDRAW)
        await tell(row, ObjectionAct.WITHDRAW)
        await resume_if_clear(notice)
    return ObjectionReceipt(row.id, row.number, row.notice_id)


async def objection_due(objection_id: int) -> bool:
    """What the clock owes an objection: lapse after an answer nobody contested, escalate silence.

    Silence never ends an objection: a client cannot wait it out. False when nothing is due.
    """
    async with transaction():
        notice, row = await lock_both(objection_id)
        acts = [act for moment, act in due_events(row.clock) if moment <= clock.now()]
        if not acts:
            return False
        await step(SYSTEM, row, acts[0])
        await tell(row, acts[0])
        if acts[0] is ObjectionAct.LAPSE:
            await resume_if_clear(notice)
    return True


async def sweep_objections() -> int:
    """Every objection whose moment has come and whose job was lost; how many moved."""
    due = await db.rows("select id from market_objection where moves_at <= $1 order by moves_at, id", clock.now())
    return sum([await objection_due(row["id"]) for row in due])


# --- the pause --------------------------------------------------------------------------------


async def pause(notice: NoticeRow) -> None:
    """Stop the notice period: the confirmation waits, and the days that were left are kept."""
    now = clock.now()
    await move(notice, NoticeAct.PAUSE, paused_at=now)
    await trail.record(SYSTEM, "notice.paused", notice.subject, after={"paused_at": now}, threads=notice.threads)


async def resume_if_clear(notice: NoticeRow) -> bool:
    """Let the notice period run on by the working days that were left, when no objection is open any more."""
    if notice.phase is not Phase.PAUSED or await open_results(notice.id):
        return False
    assert notice.paused_at is not None
    assert notice.display_until is not None
    until = resumed_until(notice.paused_at, notice.display_until, clock.now(), await calendar())
    await db.execute(
        "update market_award set display_until = $2 where notice = $1 and state = 'announced'", notice.id, until
    )
    await move(notice, NoticeAct.RESUME, display_until=until, paused_at=None)
    after_ = {"display_until": until}
    await trail.record(SYSTEM, "notice.resumed", notice.subject, after=after_, threads=notice.threads)
    return True

"""Proposal-preferred: the panel is named, declares its ties, scores, agrees, and its chair signs."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from core import clock, db, trail
from core.db import transaction
from core.errors import FormInvalid, Message, NotAllowedNow
from core.i18n import N_
from core.identity import Identity, Permission
from core.states import advance
from market.queries.notices import NoticeRow
from market.queries.panels import SeatRow, assessment_of, hidden_names, panel_candidates, seat_of, seats_of
from market.rules.notices import TRANSITIONS, NoticeAct, NoticeState, SelectionMethod
from market.rules.panel import (
    HasTie,
    NotAPanelMember,
    NotTheChair,
    PanelIncomplete,
    Question,
    ScoresMissing,
    ScoresSubmitted,
    TieUndeclared,
    enough_members,
)
from market.rules.selection import select
from market.services.cases import lock_notice, lock_own_notice, not_held
from market.services.drawing import entrants_of
from market.services.letters import tell_named
from market.services.notices import NoticeReceipt
from market.services.selecting import conclude, selection_facts
from market.tables import PanelSeat

Marks = Mapping[tuple[str, str], Decimal]
"""Points by proposal (甲, 乙 …) and question."""


async def name_panel(actor: Identity, *, notice_id: int, accounts: Sequence[int]) -> NoticeReceipt:
    """Name the panel, the first as its chair, in place of whoever was named before. Before the deadline only.

    Members are the client's own people and experts. Raises `PanelIncomplete`, `NotAPanelMember`.
    """
    actor.require(Permission.POST_NOTICE)
    async with transaction():
        notice = await lock_own_notice(notice_id, actor)
        open_still = notice.state is NoticeState.PUBLISHED and clock.now() < notice.deadline
        if notice.method is not SelectionMethod.PROPOSAL_PREFERRED or not (
            notice.state is NoticeState.DRAFT or open_still
        ):
            raise NotAllowedNow(state=notice.state.value, act="name-panel")
        members = list(dict.fromkeys(accounts))
        rule = notice.law.proposal
        if not enough_members(len(members), rule):
            raise PanelIncomplete(needed=rule.panel_minimum, count=len(members))
        await _may_be_named(notice, members)
        before = {seat.account_id for seat in await seats_of(notice_id)}
        await db.execute(
            "update market_panel_seat set ended_at = $2 where notice = $1 and ended_at is null", notice_id, clock.now()
        )
        for position, account in enumerate(members):
            await _seat(notice_id, account, chair=position == 0)
        await trail.record(
            actor, "panel.named", notice.subject, after={"members": len(members)}, threads=notice.threads
        )
        await tell_named(notice, [account for account in members if account not in before])
    return NoticeReceipt(notice_id, notice.number, notice.version)


async def _may_be_named(notice: NoticeRow, accounts: Sequence[int]) -> None:
    known = {one.account_id for one in await panel_candidates(notice.client_id)}
    if not set(accounts) <= known:
        raise NotAPanelMember


async def _seat(notice_id: int, account: int, *, chair: bool) -> None:
    last = await db.value("select coalesce(max(number), 0) from market_panel_seat where notice = $1", notice_id)
    await PanelSeat.insert(
        PanelSeat(notice=notice_id, number=last + 1, account=account, chair=chair, named_at=clock.now())
    )


async def replace_member(actor: Identity, *, notice_id: int, account: int, seat: int | None = None) -> NoticeReceipt:
    """Fill the place of a member who recused itself, or (overdue) of one who did not submit: `seat` is its number."""
    actor.require(Permission.POST_NOTICE)
    async with transaction():
        notice = await lock_own_notice(notice_id, actor)
        seats = await seats_of(notice_id)
        leaving = next((one for one in seats if one.number == seat), None)
        overdue = notice.decide_by is not None and clock.now() >= notice.decide_by
        vacant = not enough_members(len(seats), notice.law.proposal)
        may_leave = leaving is not None and leaving.submitted_at is None and overdue
        if notice.state is not NoticeState.ASSESSING or not (may_leave or (seat is None and vacant)):
            raise NotAllowedNow(state=notice.state.value, act="replace-member")
        await _may_be_named(notice, [account])
        if account in {one.account_id for one in seats}:
            raise NotAPanelMember
        if leaving is not None:
            await _end_seat(leaving, "overdue")
        staying = [one for one in seats if one is not leaving]
        await _seat(notice_id, account, chair=not any(one.chair for one in staying))
        await trail.record(actor, "panel.replaced", notice.subject, after={"seat": seat}, threads=notice.threads)
        await tell_named(notice, [account])
    return NoticeReceipt(notice_id, notice.number, notice.version)


async def _end_seat(seat: SeatRow, reason: str) -> None:
    await db.execute(
        "update market_panel_seat set ended_at = $2, end_reason = $3 where id = $1", seat.id, clock.now(), reason
    )


async def declare_no_tie(actor: Identity, *, notice_id: int) -> NoticeReceipt:
    """A member declares, the bidders' names before its eyes, that it has no tie with any of them.

    Who acts for a bidder cannot: `HasTie`.
    """
    actor.require(Permission.ASSESS_PROPOSAL)
    async with transaction():
        notice, seat = await _assessing(actor, notice_id)
        tied = await db.value(
            """select exists (select 1 from market_bid b join agencies_agency a on a.id = b.agency
                 join core_membership m on m.organization = a.organization and m.ended_at is null
                where b.notice = $1 and m.account = $2)""",
            notice_id,
            actor.account_id,
        )
        if tied:
            raise HasTie
        await db.execute("update market_panel_seat set declared_at = $2 where id = $1", seat.id, clock.now())
        await trail.record(actor, "panel.declared", notice.subject, after={"seat": seat.number}, threads=notice.threads)
    return NoticeReceipt(notice_id, notice.number, notice.version)


async def recuse(actor: Identity, *, notice_id: int, words: str) -> NoticeReceipt:
    """A member with a tie gives up its seat; the client names somebody else."""
    actor.require(Permission.ASSESS_PROPOSAL)
    async with transaction():
        notice = await lock_notice(notice_id)
        seat = await seat_of(notice_id, actor)
        if seat.submitted_at is not None:
            raise ScoresSubmitted
        await _end_seat(seat, words)
        facts = {"seat": seat.number, "words": words}
        await trail.record(actor, "panel.recused", notice.subject, after=facts, threads=notice.threads)
    return NoticeReceipt(notice_id, notice.number, notice.version)


async def save_scores(actor: Identity, *, notice_id: int, marks: Marks, submit: bool) -> NoticeReceipt:
    """Keep a member's points as a draft, or submit them for good (every proposal, every question).

    Raises `TieUndeclared`, `ScoresSubmitted`, `FormInvalid` with what is missing or out of range.
    """
    actor.require(Permission.ASSESS_PROPOSAL)
    async with transaction():
        notice, seat = await _assessing(actor, notice_id)
        if seat.declared_at is None:
            raise TieUndeclared
        if seat.submitted_at is not None:
            raise ScoresSubmitted
        bids = await _bids_by_name(notice_id)
        questions = {one.code: one for one in notice.questions.questions}
        _check_marks(marks, bids, questions, complete=submit)
        await db.execute_many(
            """insert into market_panel_score (seat, bid, question, points) values ($1, $2, $3, $4)
               on conflict (seat, bid, question) do update set points = excluded.points""",
            [(seat.id, bids[name], code, points) for (name, code), points in marks.items()],
        )
        if submit:
            await db.execute("update market_panel_seat set submitted_at = $2 where id = $1", seat.id, clock.now())
            facts = {
                "seat": seat.number,
                "marks": {f"{name} {code}": str(each) for (name, code), each in marks.items()},
            }
            await trail.record(actor, "panel.scored", notice.subject, after=facts, threads=notice.threads)
    return NoticeReceipt(notice_id, notice.number, notice.version)


def _check_marks(marks: Marks, bids: Mapping[str, int], questions: Mapping[str, Question], *, complete: bool) -> None:
    wanted = {(name, code) for name in bids for code in questions}
    if set(marks) - wanted:
        raise FormInvalid({"scores": Message(N_("评分里有不在列表中的方案或问题，请刷新后重填。"))})
    for (_name, code), points in marks.items():
        if not 0 <= points <= questions[code].weight:
            most = {"most": questions[code].weight, "question": questions[code].text}
            raise FormInvalid({"scores": Message(N_("“%(question)s”的评分应在 0 至 %(most)s 分之间。"), most)})
    if complete and wanted - set(marks):
        raise FormInvalid({"scores": Message(N_("每个方案的每个问题都要打分后才能提交。"))})


async def record_consensus(
    actor: Identity, *, notice_id: int, proposal: str, question: str, points: Decimal, reason: str
) -> NoticeReceipt:
    """The chair records what the panel agreed on where its members were far apart, with the reason."""
    actor.require(Permission.ASSESS_PROPOSAL)
    async with transaction():
        notice, _seat_row = await _chairing(actor, notice_id)
        names = await _bids_by_name(notice_id)
        found = await assessment_of(notice)
        apart = {(bid_id, one.code): one for bid_id, one in found.far_apart(notice.law.proposal)}
        wanted = apart.get((names.get(proposal, 0), question))
        if wanted is None:
            raise FormInvalid({"question": Message(N_("这一处没有需要合议的分歧，请刷新后重试。"))})
        if not 0 <= points <= wanted.weight:
            most = {"most": wanted.weight, "question": wanted.text}
            raise FormInvalid({"points": Message(N_("“%(question)s”的评分应在 0 至 %(most)s 分之间。"), most)})
        await db.execute(
            """insert into market_panel_consensus (notice, bid, question, points, reason, recorded_by, recorded_at)
               values ($1, $2, $3, $4, $5, $6, $7) on conflict (bid, question)
               do update set points = excluded.points, reason = excluded.reason, recorded_at = excluded.recorded_at""",
            notice_id,
            names[proposal],
            question,
            points,
            reason,
            actor.account_id,
            clock.now(),
        )
        facts = {"proposal": proposal, "question": question, "points": str(points), "reason": reason}
        await trail.record(actor, "panel.agreed", notice.subject, after=facts, threads=notice.threads)
    return NoticeReceipt(notice_id, notice.number, notice.version)


async def sign_assessment(actor: Identity, *, notice_id: int) -> NoticeReceipt:
    """The chair signs: quality is final, only now the prices are added, and the result goes on display.

    Raises `ScoresMissing` while members or points are open, `PanelIncomplete` while a seat is vacant.
    """
    actor.require(Permission.ASSESS_PROPOSAL)
    async with transaction():
        notice, seat = await _chairing(actor, notice_id)
        found = await assessment_of(notice)
        still_open = found.open_points(notice.law.proposal)
        if still_open:
            raise ScoresMissing(seats=0, points=len(still_open))
        await trail.record(
            actor, "assessment.signed", notice.subject, after={"seat": seat.number}, threads=notice.threads
        )
        selection = select(await selection_facts(notice, found))
        await conclude(notice, selection, act=NoticeAct.DECIDE)
    return NoticeReceipt(notice_id, notice.number, notice.version + 1)


async def _assessing(actor: Identity, notice_id: int) -> tuple[NoticeRow, SeatRow]:
    notice = await lock_notice(notice_id)
    seat = await seat_of(notice_id, actor)
    advance(TRANSITIONS, notice.state, NoticeAct.DECIDE)
    not_held(notice)
    return notice, seat


async def _chairing(actor: Identity, notice_id: int) -> tuple[NoticeRow, SeatRow]:
    """For what only the chair does, and only when every seat is filled and has submitted."""
    notice, seat = await _assessing(actor, notice_id)
    if not seat.chair:
        raise NotTheChair
    seats = await seats_of(notice_id)
    rule = notice.law.proposal
    if not enough_members(len(seats), rule):
        raise PanelIncomplete(needed=rule.panel_minimum, count=len(seats))
    missing = sum(one.submitted_at is None for one in seats)
    if missing:
        raise ScoresMissing(seats=missing, points=0)
    return notice, seat


async def _bids_by_name(notice_id: int) -> dict[str, int]:
    ids = [one.bid_id for one in await entrants_of(notice_id)]
    return {name: bid_id for bid_id, name in hidden_names(notice_id, ids).items()}

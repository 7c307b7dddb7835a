"""The supervisor's part: take an objection up or decline it, then confirm, correct or void, with reasons.

Two persons: whoever takes it up does not decide. A correction goes along the order that was fixed at the
selection; nothing is ever drawn again.
"""

from typing import Any

from core import clock, db, trail
from core.db import transaction
from core.errors import Message
from core.i18n import N_
from core.identity import Identity, Permission
from core.states import advance
from market.queries.awards import award_of
from market.queries.notices import NoticeRow
from market.queries.objections import ObjectionRow
from market.rules.bids import TRANSITIONS as BID_LIFE
from market.rules.bids import BidAct, BidState
from market.rules.bonds import Release
from market.rules.notices import NoticeAct, NoticeState
from market.rules.objections import (
    Against,
    CannotCorrect,
    Correction,
    Decision,
    ObjectionAct,
    Placed,
    SecondPersonNeeded,
    corrected_order,
)
from market.rules.reasons import Reason
from market.services.asking_prices import hold_bid
from market.services.awards import Chosen, agency_faults, announce
from market.services.bonds import release_bonds
from market.services.cases import fail, move
from market.services.objection_steps import moot_objections, step, tell
from market.services.objections import ObjectionReceipt, check_words, lock_both, resume_if_clear

DECISION_ACTS = {
    Decision.CONFIRM: ObjectionAct.CONFIRM,
    Decision.CORRECT: ObjectionAct.CORRECT,
    Decision.VOID: ObjectionAct.VOID,
}


async def accept_objection(actor: Identity, *, objection_id: int, words: str = "") -> ObjectionReceipt:
    """Take an escalated objection up; the time to decide begins. `SecondPersonNeeded`, `AlreadyDecided`."""
    actor.require(Permission.DECIDE_OBJECTION)
    async with transaction():
        _notice, row = await lock_both(objection_id)
        _apart(actor, row)
        await step(actor, row, ObjectionAct.ACCEPT, words=words)
        await tell(row, ObjectionAct.ACCEPT, words=words)
    return ObjectionReceipt(row.id, row.number, row.notice_id)


async def decline_objection(actor: Identity, *, objection_id: int, words: str) -> ObjectionReceipt:
    """Not take it up, with reasons; it ends and the notice period runs on."""
    actor.require(Permission.DECIDE_OBJECTION)
    check_words(words)
    async with transaction():
        notice, row = await lock_both(objection_id)
        _apart(actor, row)
        await step(actor, row, ObjectionAct.DECLINE, words=words)
        await tell(row, ObjectionAct.DECLINE, words=words)
        await resume_if_clear(notice)
    return ObjectionReceipt(row.id, row.number, row.notice_id)


async def decide_objection(
    actor: Identity,
    *,
    objection_id: int,
    decision: Decision,
    words: str,
    correction: Correction = Correction(),  # noqa: B008  frozen
) -> ObjectionReceipt:
    """Decide an objection that was taken up: confirm, correct or void. Final on the platform.

    Raises `SecondPersonNeeded`, `AlreadyDecided`, `CannotCorrect`, `NotAllowedNow`, `FormInvalid`.
    """
    actor.require(Permission.DECIDE_OBJECTION)
    check_words(words)
    async with transaction():
        notice, row = await lock_both(objection_id)
        _apart(actor, row)
        if row.open:
            await _not_the_accepter(actor, row)
        act = DECISION_ACTS[decision]
        detail = None
        if decision is Decision.CORRECT:
            detail = {"set_aside": sorted(correction.set_aside), "reinstate": sorted(correction.reinstate)}
        await step(actor, row, act, words=words, detail=detail)
        concerned = await _concerned(notice)
        match decision:
            case Decision.CONFIRM:
                await resume_if_clear(notice)
            case Decision.CORRECT:
                await _correct(actor, notice, row, correction)
            case Decision.VOID:
                await _void(actor, notice, row)
        await tell(row, act, words=words, also=concerned)
    return ObjectionReceipt(row.id, row.number, row.notice_id)


def _apart(actor: Identity, row: ObjectionRow) -> None:
    if actor.organization_id in {row.client_id, row.objector_id}:
        raise SecondPersonNeeded


async def _not_the_accepter(actor: Identity, row: ObjectionRow) -> None:
    accepted_by = await db.value(
        "select account from market_objection_step where objection = $1 and act = 'accept' order by id desc limit 1",
        row.id,
    )
    if accepted_by == actor.account_id:
        raise SecondPersonNeeded


async def _concerned(notice: NoticeRow) -> set[int]:
    """Everybody whom a decision touches: the winner and all bidders, who are known after the opening."""
    found = await db.rows(
        """select a.organization from market_bid b join agencies_agency a on a.id = b.agency where b.notice = $1
           union select a.organization from market_award w join agencies_agency a on a.id = w.agency
            where w.notice = $1 and w.state = 'announced'""",
        notice.id,
    )
    return {one["organization"] for one in found}


async def _void(actor: Identity, notice: NoticeRow, row: ObjectionRow) -> None:
    reason = Reason("void-by-decision", {"number": row.number})
    now = clock.now()
    standing = await award_of(notice.id)
    if standing is not None:
        await db.execute(
            "update market_award set state = 'cancelled', ended_at = $2 where id = $1", standing.award_id, now
        )
        await release_bonds(standing.award_id, Release.VOIDED)
    await move(notice, NoticeAct.VOID, ended_at=now, end_reason=reason.as_json(), paused_at=None)
    await trail.record(
        actor,
        "notice.voided",
        notice.subject,
        before={"state": notice.state.value},
        after=reason.as_json(),
        threads=notice.threads,
    )


async def _correct(actor: Identity, notice: NoticeRow, row: ObjectionRow, correction: Correction) -> None:
    """Set bids aside or let them in again, and announce the first in the fixed order who may take part.

    A new winner whose price is abnormally low justifies it first; one that stays the winner is not asked again.
    """
    _must_be_on_display(notice)
    order = await _reorder(notice, row, correction)
    await moot_objections(notice.id, against=Against.RESULT, besides=row.id)
    before = await award_of(notice.id)
    chosen = await _first(notice, row, order)
    now = clock.now()
    changed = before is None or chosen is None or before.agency_id != chosen.agency_id
    if before is not None and changed:
        await db.execute(
            "update market_award set state = 'replaced', ended_at = $2 where id = $1", before.award_id, now
        )
        await release_bonds(before.award_id, Release.REPLACED)
    await trail.record(
        actor,
        "award.corrected",
        notice.subject,
        before={"agency": before.agency_id if before else None},
        after={"agency": chosen.agency_id if chosen else None, "objection": row.number, "order": order},
        threads=notice.threads,
    )
    if chosen is None:
        await fail(notice, Reason("nobody-left"))
        return
    if changed and chosen.bid_id is not None and await hold_bid(notice, bid_id=chosen.bid_id, reason=chosen.reason):
        return
    await announce(notice, chosen, act=NoticeAct.CORRECT, actor=actor)


def _must_be_on_display(notice: NoticeRow) -> None:
    if notice.state is not NoticeState.SELECTED or notice.clock.held:
        raise CannotCorrect(why=Message(N_("结果还没有公示，只能维持或决定无效。")))


async def _reorder(notice: NoticeRow, row: ObjectionRow, correction: Correction) -> list[int]:
    found = await db.rows(
        "select id, amount, place, state from market_bid where notice = $1 and state in ('entered', 'set-aside')"
        " order by id for update",
        notice.id,
    )
    bids = [Placed(one["id"], one["amount"], one["place"]) for one in found]
    order = corrected_order(bids, correction, notice.method)
    states = {one["id"]: BidState(one["state"]) for one in found}
    for bid_id in correction.set_aside:
        state = advance(BID_LIFE, states[bid_id], BidAct.SET_ASIDE)
        reason = Reason("set-aside-by-decision", {"number": row.number})
        await _rewrite(bid_id, state, None, reason)
    for bid_id in correction.reinstate:
        state = advance(BID_LIFE, states[bid_id], BidAct.REINSTATE)
        place = order.index(bid_id) + 1
        await _rewrite(bid_id, state, place, Reason("reinstated-by-decision", {"number": row.number, "place": place}))
    if correction.reinstate:
        await db.execute_many(
            "update market_bid set place = $2 where id = $1", [(bid_id, n) for n, bid_id in enumerate(order, 1)]
        )
    return order


async def _rewrite(bid_id: int, state: BidState, place: int | None, reason: Reason) -> None:
    """The newest reason comes first; the earlier ones stay readable."""
    await db.execute(
        "update market_bid set state = $2, place = $3, reasons = $4::jsonb || reasons where id = $1",
        bid_id,
        state.value,
        place,
        [reason.as_json()],
    )


async def _first(notice: NoticeRow, row: ObjectionRow, order: list[int]) -> Chosen | None:
    """The first of the order who may take part today."""
    for bid_id in order:
        bid = await db.row("select id, agency, amount, days, place, grade, score from market_bid where id = $1", bid_id)
        own = await db.value(
            "select count(*) from market_award where notice = $1 and agency = $2 and state = 'announced'",
            notice.id,
            bid["agency"],
        )
        if not await agency_faults(notice, bid["agency"], own=own):
            return _chosen(bid, row)
    return None


def _chosen(bid: Any, row: ObjectionRow) -> Chosen:
    reason = Reason("chosen-by-decision", {"number": row.number, "place": bid["place"]})
    return Chosen(
        bid["agency"], bid["id"], bid["amount"], bid["days"], bid["place"], reason, bid["grade"], bid["score"]
    )

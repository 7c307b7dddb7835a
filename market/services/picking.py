"""Credit-preferred: the owner picks from the short list, or time does."""

from agencies.rules import CreditGrade
from core import clock, db, trail
from core.db import transaction
from core.errors import FormInvalid, Message
from core.i18n import N_
from core.identity import Identity, Permission
from core.states import advance
from market.queries.notices import NoticeRow
from market.rules.eligibility import NotEligible, needs_warning
from market.rules.methods import NotShortListed, PickTooLate
from market.rules.notices import TRANSITIONS, NoticeAct, is_due
from market.rules.reasons import Reason
from market.rules.selection import Ranked, picked
from market.services.asking_prices import hold_bid
from market.services.awards import Chosen, agency_faults, announce
from market.services.cases import fail, lock_notice, lock_own_notice, not_held, tell_others
from market.services.drawing import entrants_of
from market.services.notices import NoticeReceipt
from market.services.selecting import keep_places


async def pick_agency(
    actor: Identity, *, notice_id: int, agency_id: int, reason: str, risk_acknowledged: bool = False
) -> NoticeReceipt:
    """The owner picks one of the short list before the announced moment; its reason is public.

    The others follow as substitutes in drawn order. An agency whose grade at the opening carries a warning needs
    the risk acknowledged (`FormInvalid`). Raises `NotShortListed`, `PickTooLate`, `NotEligible`,
    `NotAllowedNow`.
    """
    actor.require(Permission.SELECT_AGENCY)
    async with transaction():
        notice = await lock_own_notice(notice_id, actor)
        advance(TRANSITIONS, notice.state, NoticeAct.PICK)
        not_held(notice)
        assert notice.decide_by is not None
        if clock.now() >= notice.decide_by:
            raise PickTooLate
        db.refuse_after(notice.decide_by, PickTooLate())
        short_list = await _short_list(notice_id)
        chosen = next((one.entrant for one in short_list if one.entrant.agency_id == agency_id), None)
        if chosen is None:
            raise NotShortListed
        if needs_warning(CreditGrade(chosen.grade), notice.call, notice.law) and not risk_acknowledged:
            unread = Message(N_("该机构为 %(grade)s 级，请先阅读风险提示并勾选确认。"), {"grade": chosen.grade})
            raise FormInvalid({"risk_acknowledged": unread})
        faults = await agency_faults(notice, agency_id)
        if faults:
            raise NotEligible(faults)
        public = {"agency": agency_id, "reason": reason, "risk_acknowledged": risk_acknowledged}
        threads = (*notice.threads, f"agency:{agency_id}")
        await trail.record(actor, "award.picked", notice.subject, after=public, threads=threads)
        await _announce(notice, picked(short_list, chosen.bid_id, by_owner=True), actor)
    return NoticeReceipt(notice_id, notice.number, notice.version + 1)


async def pick_overdue(notice_id: int) -> bool:
    """Nobody picked in time: the first drawn that may still take part wins. False when it is not (yet) due.

    Not a failure: bidders shall not pay for the owner's silence, and silence shall not undo a draw one dislikes.
    """
    async with transaction():
        notice = await lock_notice(notice_id)
        if not is_due(notice.clock, NoticeAct.PICK, clock.now()):
            return False
        short_list = await _short_list(notice_id)
        for one in short_list:
            if not await agency_faults(notice, one.entrant.agency_id):
                await _announce(notice, picked(short_list, one.entrant.bid_id, by_owner=False), None)
                return True
        await fail(notice, Reason("nobody-left"))
    return True


async def _short_list(notice_id: int) -> list[Ranked]:
    found = await db.rows(
        "select id, place from market_bid where notice = $1 and shortlisted and state = 'entered' order by place",
        notice_id,
    )
    entrants = {one.bid_id: one for one in await entrants_of(notice_id)}
    return [Ranked(row["place"], entrants[row["id"]], Reason("short-listed")) for row in found]


async def _announce(notice: NoticeRow, ranking: tuple[Ranked, ...], actor: Identity | None) -> None:
    await keep_places(ranking)
    winner = ranking[0]
    if await hold_bid(notice, bid_id=winner.entrant.bid_id, reason=winner.reason):
        return
    if actor is None:
        await announce(notice, Chosen.of(winner), act=NoticeAct.PICK)
    else:
        await announce(notice, Chosen.of(winner), act=NoticeAct.PICK, actor=actor)
    await tell_others(notice, winner.entrant.agency_id)

"""An abnormally low price waits: the agency justifies it, the client decides, or time does.

`asking_prices.hold_bid` asks; here is what follows. While a notice is held its state stays and the clock owes it LAPSE at `held_until`. Whoever is set aside is
followed by the next in the fixed order; nothing is drawn again.
"""

from dataclasses import dataclass, replace

from core import clock, db, mail, trail
from core.db import transaction
from core.identity import SYSTEM, Identity, Permission
from core.states import advance
from core.workdays import calendar
from market.queries.low_price import CheckRow, open_check
from market.queries.notices import NoticeRow
from market.rules.bids import TRANSITIONS, BidAct, BidState
from market.rules.low_price import JustificationLate, NoPriceCheck, NotJustifiedYet, Outcome
from market.rules.notices import NoticeAct, NoticeState, is_due
from market.rules.reasons import Reason, from_json
from market.services.asking_prices import hold_bid
from market.services.awards import Chosen, agency_faults, announce
from market.services.cases import fail, letter, lock_notice, lock_own_notice, move, tell_others, tell_why

ENDS_WITH = {
    NoticeState.OPENED: NoticeAct.SELECT,
    NoticeState.SHORTLISTED: NoticeAct.PICK,
    NoticeState.ASSESSING: NoticeAct.DECIDE,
    NoticeState.SELECTED: NoticeAct.SUBSTITUTE,
}
"""The act that announces, by the state in which a notice is held."""


@dataclass(frozen=True)
class PriceReceipt:
    """What an act on a low price leaves in the hand."""

    notice_id: int
    check_id: int
    entry_id: int


async def justify_price(actor: Identity, *, notice_id: int, words: str) -> PriceReceipt:
    """The agency explains its low price, once, before the end of the working day it was given.

    Raises `NoPriceCheck` for everybody else, `JustificationLate`.
    """
    actor.require(Permission.SUBMIT_BID)
    async with transaction():
        notice = await lock_notice(notice_id)
        check = await open_check(notice_id)
        if check is None or check.agency_organization_id != actor.organization_id:
            raise NoPriceCheck
        now = clock.now()
        if check.justified_at is not None or now >= check.due_at:
            raise JustificationLate
        db.refuse_after(check.due_at, JustificationLate())
        until = (await calendar()).due_at(now, notice.law.low_price.decide_wd)
        await db.execute(
            "update market_low_price_check set justification = $2, justified_at = $3, decide_by = $4 where id = $1",
            check.id,
            words,
            now,
            until,
        )
        await move(notice, NoticeAct.HOLD, held_until=until)
        entry = await trail.record(
            actor,
            "price.justified",
            notice.subject,
            after={"decide_by": until},
            threads=(*notice.threads, f"agency:{check.agency_id}"),
        )
        told = letter(notice) | {"amount": str(check.amount)}
        await mail.send(to_organization=notice.client_id, message="market/low_price_justified", context=told)
    return PriceReceipt(notice_id, check.id, entry)


async def decide_price(actor: Identity, *, notice_id: int, accept: bool, words: str) -> PriceReceipt:
    """The client accepts the justification, or sets the bid aside; its reason becomes public.

    Raises `NoticeGone` for a foreign notice, `NoPriceCheck`, `NotJustifiedYet`.
    """
    actor.require(Permission.SELECT_AGENCY)
    async with transaction():
        notice = await lock_own_notice(notice_id, actor)
        check = await open_check(notice_id)
        if check is None:
            raise NoPriceCheck
        if check.justified_at is None:
            raise NotJustifiedYet
        outcome = Outcome.ACCEPTED if accept else Outcome.REJECTED
        entry = await _close(actor, notice, check, outcome, words)
    return PriceReceipt(notice_id, check.id, entry)


async def lapse_price(notice_id: int) -> bool:
    """Time is up: not justified, the bid is set aside; justified but not decided, it counts as accepted.

    False when nothing is (yet) due.
    """
    async with transaction():
        notice = await lock_notice(notice_id)
        check = await open_check(notice_id)
        if check is None or not is_due(notice.clock, NoticeAct.LAPSE, clock.now()):
            return False
        outcome = Outcome.LAPSED if check.justified_at is None else Outcome.DEEMED
        await _close(SYSTEM, notice, check, outcome, "")
    return True


async def _close(actor: Identity, notice: NoticeRow, check: CheckRow, outcome: Outcome, words: str) -> int:
    await db.execute(
        "update market_low_price_check set outcome = $2, words = $3, decided_at = $4 where id = $1",
        check.id,
        outcome.value,
        words,
        clock.now(),
    )
    entry = await trail.record(
        actor,
        "price.decided",
        notice.subject,
        after={"agency": check.agency_id, "amount": check.amount, "outcome": outcome.value, "words": words},
        threads=(*notice.threads, f"agency:{check.agency_id}"),
    )
    await db.execute("update market_notice set held_until = null where id = $1", notice.id)
    released = replace(notice, held_until=None)
    if outcome in {Outcome.ACCEPTED, Outcome.DEEMED}:
        await _announce(released, check.bid_id, from_json(check.chosen))
        return entry
    await _set_aside(notice, check, outcome, words)
    await _next(released, check.place)
    return entry


async def _set_aside(notice: NoticeRow, check: CheckRow, outcome: Outcome, words: str) -> None:
    state = advance(TRANSITIONS, BidState(check.bid_state), BidAct.SET_ASIDE)
    reason = Reason("low-price-lapsed", {"amount": str(check.amount)})
    if outcome is Outcome.REJECTED:
        reason = Reason("low-price-rejected", {"amount": str(check.amount), "words": words})
    await db.execute(
        "update market_bid set state = $2, place = null, reasons = $3 where id = $1",
        check.bid_id,
        state.value,
        [reason.as_json()],
    )
    if notice.state is NoticeState.SELECTED:
        await tell_why(notice, check.agency_organization_id, [reason.as_json()])


async def _next(notice: NoticeRow, after_place: int) -> None:
    """The next in the fixed order takes the place; it too may have to be asked about."""
    found = await db.rows(
        """select id, agency, place from market_bid where notice = $1 and state = 'entered' and place > $2
            order by place""",
        notice.id,
        after_place,
    )
    for bid in found:
        if await agency_faults(notice, bid["agency"]):
            continue
        reason = Reason("chosen-after-low-price", {"place": bid["place"]})
        if not await hold_bid(notice, bid_id=bid["id"], reason=reason):
            await _announce(notice, bid["id"], reason)
        return
    await fail(notice, Reason("nobody-left"))


async def _announce(notice: NoticeRow, bid_id: int, reason: Reason) -> None:
    """At the first selection everybody is told; after it, losers know why already, and their bids keep the reasons."""
    first = notice.state is not NoticeState.SELECTED
    bid = await db.row(
        """update market_bid set reasons = case when $3 then $2::jsonb else reasons end where id = $1
           returning agency, amount, days, place, grade, score""",
        bid_id,
        [reason.as_json()],
        first,
    )
    chosen = Chosen(
        bid["agency"], bid_id, bid["amount"], bid["days"], bid["place"] or 1, reason, bid["grade"], bid["score"]
    )
    await announce(notice, chosen, act=ENDS_WITH[notice.state])
    if first:
        await tell_others(notice, bid["agency"])

"""An abnormally low price waits: the agency justifies it, the client decides, or time does.

`hold` is the one hook: the service that selects calls it after the ranking is kept and before it announces.
While a notice is held its state stays and the clock owes it LAPSE at `held_until`. Whoever is set aside is
followed by the next in the fixed order; nothing is drawn again.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from agencies import queries as agencies
from core import clock, db, mail, trail
from core.db import transaction
from core.identity import SYSTEM, Identity, Permission
from core.states import advance
from core.workdays import calendar
from market.queries.low_price import CheckRow, open_check
from market.queries.notices import NoticeRow
from market.rules.bids import TRANSITIONS, BidAct, BidState
from market.rules.low_price import (
    EXEMPT,
    JustificationLate,
    LowPrice,
    NoPriceCheck,
    NotJustifiedYet,
    Outcome,
    judge,
)
from market.rules.notices import NoticeAct, NoticeState, is_due
from market.rules.reasons import Reason, from_json
from market.rules.selection import Selection
from market.services.awards import Chosen, agency_faults, announce
from market.services.cases import fail, letter, lock_notice, lock_own_notice, move

ENDS_WITH = {
    NoticeState.OPENED: NoticeAct.SELECT,
    NoticeState.SHORTLISTED: NoticeAct.PICK,
    NoticeState.ASSESSING: NoticeAct.DECIDE,
}
"""The act that announces, by the state in which a notice is held."""


@dataclass(frozen=True)
class PriceReceipt:
    """What an act on a low price leaves in the hand."""

    notice_id: int
    check_id: int
    entry_id: int


async def hold(notice: NoticeRow, selection: Selection) -> bool:
    """Ask about the winner's price if it is abnormally low; True when the award has to wait.

    Inside the selecting transaction, after places are stored and before `announce`.
    """
    winner = selection.winner
    if winner is None:
        return False
    return await hold_bid(notice, bid_id=winner.entrant.bid_id, reason=winner.reason)


async def hold_bid(notice: NoticeRow, *, bid_id: int, reason: Reason) -> bool:
    """The same for any bid about to be chosen (a pick, a panel's decision); `reason` is why it was chosen.

    A bid that was already asked about and accepted is not held again.
    """
    if notice.method in EXEMPT:
        return False
    figures = await _figures(notice, bid_id)
    asked = await db.value("select 1 from market_low_price_check where bid = $1", bid_id)
    if figures is None or asked:
        return False
    await _ask(notice, bid_id, figures, reason)
    return True


async def _figures(notice: NoticeRow, bid_id: int) -> LowPrice | None:
    prices = await db.rows(
        "select id, amount from market_bid where notice = $1 and state = 'entered' and amount is not null", notice.id
    )
    amounts: dict[int, Decimal] = {row["id"]: row["amount"] for row in prices}
    if bid_id not in amounts:
        return None
    amount = amounts.pop(bid_id)
    return judge(amount, list(amounts.values()), notice.law.low_price)


async def _ask(notice: NoticeRow, bid_id: int, figures: LowPrice, reason: Reason) -> None:
    now = clock.now()
    due = (await calendar()).due_at(now, notice.law.low_price.justify_wd)
    await db.execute(
        """insert into market_low_price_check (notice, bid, amount, compared, mean, next_amount, chosen,
               asked_at, due_at, justification, outcome, words)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', '', '')""",
        notice.id,
        bid_id,
        figures.amount,
        figures.compared,
        figures.mean,
        figures.next_amount,
        reason.as_json(),
        now,
        due,
    )
    await move(notice, NoticeAct.HOLD, held_until=due)
    agency_id = await db.value("select agency from market_bid where id = $1", bid_id)
    after = {
        "agency": agency_id,
        "amount": figures.amount,
        "compared": figures.compared,
        "mean": figures.mean,
        "next": figures.next_amount,
        "due_at": due,
    }
    threads = (*notice.threads, f"agency:{agency_id}")
    await trail.record(SYSTEM, "price.asked", notice.subject, after=after, threads=threads)
    agency = await agencies.agency_row(agency_id)
    told = letter(notice) | {"amount": str(figures.amount)}
    await mail.send(to_organization=agency.organization_id, message="market/low_price_asked", context=told)


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
    await _set_aside(check, outcome, words)
    await _next(released, check.place)
    return entry


async def _set_aside(check: CheckRow, outcome: Outcome, words: str) -> None:
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
    bid = await db.row(
        """update market_bid b set reasons = $2 from agencies_agency a where b.id = $1 and a.id = b.agency
           returning b.agency, b.amount, b.days, b.place, b.grade, b.score""",
        bid_id,
        [reason.as_json()],
    )
    chosen = Chosen(
        bid["agency"], bid_id, bid["amount"], bid["days"], bid["place"] or 1, reason, bid["grade"], bid["score"]
    )
    await announce(notice, chosen, act=ENDS_WITH[notice.state])
    await _tell_others(notice, bid["agency"])


async def _tell_others(notice: NoticeRow, winner_id: int) -> None:
    found: list[Any] = await db.rows(
        """select a.organization, b.reasons from market_bid b join agencies_agency a on a.id = b.agency
            where b.notice = $1 and b.agency <> $2 order by b.id""",
        notice.id,
        winner_id,
    )
    for bid in found:
        reasons = [from_json(each).as_letter() for each in bid["reasons"]]
        told = letter(notice) | {"reasons": reasons}
        await mail.send(to_organization=bid["organization"], message="market/not_selected", context=told)

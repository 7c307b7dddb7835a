"""The one hook for abnormally low prices: whoever is about to be announced passes here, and may have to wait.

Called after the ranking is kept and before the announcement: by the selection, the pick, the panel's decision, by a
substitution and by a correction that changes the winner. `services.low_price` goes on from there.
"""

from decimal import Decimal

from agencies import queries as agencies
from core import clock, db, mail, trail
from core.identity import SYSTEM
from core.workdays import calendar
from market.queries.notices import NoticeRow
from market.rules.low_price import EXEMPT, LowPrice, judge
from market.rules.notices import NoticeAct
from market.rules.reasons import Reason
from market.rules.selection import Selection
from market.services.cases import letter, move


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

    A bid that was already asked about is not held again: its justification was accepted, or the supervisor let it
    in again after it had been set aside.
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
    await move(notice, NoticeAct.HOLD, held_until=due, paused_at=None)
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

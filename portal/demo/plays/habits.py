"""Habits of clients: one that always ends up with the same agency, one that buys in small portions.

Both may be quite in order, which is why the market shows them and decides nothing.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from core import clock
from market import services
from market.rules.eligibility import NotEligible
from portal.demo.market import DemoMarket
from portal.demo.plays.commission import on_display
from portal.demo.plays.scene import DIRECT, Posted, Scene, concludes, day_of, hands_in, posts
from portal.demo.roster import SETTLED_CLIENT
from portal.demo.stage import Process

USUAL, OTHER, PAIR = "AG-SV-02", "AG-SV-03", ("AG-SV-06", "AG-SV-07")
LOYAL_DAYS = (290, 245, 200, 160, 120, 80, 45)
WON_BY_THE_OTHER = 2
ALONE = 4
UNDERCUT = (1, 5)
"""Numbers in the row: the one that the other agency wins, the one to which nobody else comes, those in which the
cheapest bid is set aside."""
BOUNDARY = Scene(SETTLED_CLIENT, "XT-SV-02", "营地界址点测量", "界址点约 60 个", "18000.00")

PORTION_CLIENT, PORTION_AGENCY = "CL-12", "AG-SV-03"
PORTIONS = ((70, "29000.00", "便民服务点地形图（东片）"), (52, "27500.00", "便民服务点地形图（西片）"))


def habits(market: DemoMarket) -> Iterator[tuple[Process, date]]:
    """Every notice of the two clients, with its day."""
    for number, days in enumerate(LOYAL_DAYS):
        day = day_of(market, days, SETTLED_CLIENT, USUAL, OTHER, *PAIR)
        if day is not None:
            yield _comes_back(market, number), day
    for days, amount, what in PORTIONS:
        day = day_of(market, days, PORTION_CLIENT, PORTION_AGENCY)
        if day is not None:
            yield _buys_a_portion(market, amount, what), day


async def _comes_back(market: DemoMarket, number: int) -> Process:
    """Two bidders have one controller and exclude each other, twice as the cheapest; of the rest the usual one is."""
    posted = await posts(market, BOUNDARY)
    yield posted.draft.deadline - timedelta(hours=5)
    price = 14_000 + 150 * number
    for place, key in enumerate(PAIR):
        await hands_in(market, posted, key, f"{price + (-300 if number in UNDERCUT else 500) + 900 * place}.00")
    await hands_in(market, posted, USUAL, f"{price}.00")
    if number != ALONE:
        await hands_in(market, posted, OTHER, f"{price + (-400 if number == WON_BY_THE_OTHER else 1100)}.00")
    yield posted.draft.deadline
    async for moment in concludes(market, posted):
        yield moment


async def _buys_a_portion(market: DemoMarket, amount: str, what: str) -> Process:
    """Public money, directly awarded; with the one before it would have passed the limit of that method."""
    scene = Scene(PORTION_CLIENT, "XT-SV-01", what, "1:500 地形图", amount, DIRECT, agency=PORTION_AGENCY)
    try:
        posted = await posts(market, scene)
    except NotEligible:
        return
    async for moment in accepts(market, posted):
        yield moment


async def accepts(market: DemoMarket, posted: Posted) -> Process:
    """The agency that was asked accepts the next day; the rest goes as usual."""
    player = market.people.player_of(posted.draft.agency_id or 0)
    yield market.turn(player.identity, market.diary.later(clock.now(), 1, posted.need.stream))
    await services.accept_offer(player.identity, notice_id=posted.notice_id)
    market.enter(on_display(market, posted.need, posted.notice_id, may_cancel=False), clock.now())

"""Somebody joins the list of experts while the market is running."""

from portal.demo.market import DemoMarket
from portal.demo.stage import Process
from portal.demo.world import DemoReviewer


async def joins(market: DemoMarket, expert: DemoReviewer) -> Process:
    """An account, a place on the list from which lots are drawn, and there until the end."""
    await market.people.seat(expert)
    yield market.ends_at

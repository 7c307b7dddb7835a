"""What time does to notices. A job is a hint; the services let the rules decide."""

from core import jobs
from market import services


@jobs.task("market.open_bids")
async def open_bids(notice_id: int) -> None:
    """At the deadline: open, then select."""
    if await services.open_bids(notice_id):
        await services.select_winner(notice_id)


@jobs.task("market.select_winner")
async def select_winner(notice_id: int) -> None:
    """After an opening that was interrupted."""
    await services.select_winner(notice_id)


@jobs.task("market.confirm_award")
async def confirm_award(notice_id: int) -> None:
    """When the notice period is over."""
    await services.confirm_award(notice_id)


@jobs.task("market.lapse_offer")
async def lapse_offer(notice_id: int) -> None:
    """When a direct offer was not answered."""
    await services.lapse_offer(notice_id)


@jobs.task("market.lapse_price")
async def lapse_price(notice_id: int) -> None:
    """When an abnormally low price was not justified, or not decided upon, in time."""
    await services.lapse_price(notice_id)


@jobs.periodic("* * * * *", "market.sweep")
async def sweep() -> None:
    """Whatever a lost job left undone."""
    await services.sweep_notices()

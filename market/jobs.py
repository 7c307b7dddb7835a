"""What time does to notices. A job is a hint; the services let the rules decide."""

from core import clock, heartbeat, jobs
from market import services


@jobs.task("market.open_bids")
async def open_bids(notice_id: int) -> None:
    """At the deadline: open, then select."""
    if await services.open_bids(notice_id):
        await services.select_winner(notice_id)
    elif await services.held(notice_id):
        await jobs.defer("market.open_bids", {"notice_id": notice_id}, at=clock.now() + heartbeat.EVERY)


@jobs.task("market.select_winner")
async def select_winner(notice_id: int) -> None:
    """After an opening that was interrupted."""
    await services.select_winner(notice_id)


@jobs.task("market.confirm_award")
async def confirm_award(notice_id: int) -> None:
    """When the notice period is over."""
    await services.confirm_award(notice_id)


@jobs.task("market.pick_overdue")
async def pick_overdue(notice_id: int) -> None:
    """When the owner did not pick from the short list in time."""
    await services.pick_overdue(notice_id)


@jobs.task("market.lapse_offer")
async def lapse_offer(notice_id: int) -> None:
    """When a direct offer was not answered."""
    await services.lapse_offer(notice_id)


@jobs.task("market.objection_due")
async def objection_due(objection_id: int) -> None:
    """When the window to contest an answer, or the client's silence, has run out."""
    await services.objection_due(objection_id)


@jobs.task("market.tell_searchers")
async def tell_searchers(notice_id: int) -> None:
    """When a notice was published."""
    await services.tell_searchers(notice_id)


@jobs.periodic("0 0 * * *", "market.send_digests")
async def send_digests() -> None:
    """Eight in the morning in Shanghai."""
    await services.send_digests()


@jobs.task("market.notice_signals")
async def notice_signals(notice_id: int) -> None:
    """After an opening and after a selection: what one notice alone can show."""
    await services.compute_notice_signals(notice_id)


@jobs.periodic("20 18 * * *", "market.signals")
async def signals() -> None:
    """Every night at 02:20 in Shanghai: all signals over the last year."""
    await services.compute_signals()


@jobs.task("market.lapse_price")
async def lapse_price(notice_id: int) -> None:
    """When an abnormally low price was not justified, or not decided upon, in time."""
    await services.lapse_price(notice_id)


@jobs.periodic("* * * * *", "market.sweep")
async def sweep() -> None:
    """Whatever a lost job left undone."""
    await services.sweep_notices()


@jobs.task("market.post_batch")
async def post_batch(batch_id: int) -> None:
    """The rows of an uploaded sheet, one after the other."""
    await services.post_batch(batch_id)


@jobs.periodic("*/10 * * * *", "market.sweep_batches")
async def sweep_batches() -> None:
    """Batches whose job was lost."""
    await services.sweep_batches()

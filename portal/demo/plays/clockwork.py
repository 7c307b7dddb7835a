"""What time does by itself: the sweeps that a worker runs in life, once a night here."""

from datetime import timedelta

from agencies import services as agencies
from contracts import services as contracts
from core import clock
from grading import services as grading
from market import services as market_services
from portal.demo.market import DemoMarket
from portal.demo.plays import online
from portal.demo.plays.payment import bonds_are_paid
from portal.demo.stage import Process


async def nights(market: DemoMarket) -> Process:
    """Every night just after twelve: what has run out is concluded, reminders and warnings go out."""
    night = clock.end_of_day(clock.today()) + timedelta(minutes=1)
    while True:
        yield night
        await agencies.record_due_filings()
        await contracts.finalise_due_reviews()
        await contracts.close_due_evaluations()
        await contracts.sweep_deferred()
        await contracts.send_reminders()
        await grading.sweep_objections()
        await grading.sweep_repairs()
        await grading.sweep_asked()
        await market_services.sweep_notices()
        await bonds_are_paid(market)
        await online.nightly(market)
        if clock.today().day == 1:
            await agencies.warn_of_expiry()
        night += timedelta(days=1)

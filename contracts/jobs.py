"""What time does to contracts: sweeps that ask the rules again, so late and doubled runs are harmless."""

from contracts import services
from core import jobs


@jobs.periodic("*/5 * * * *", "contracts.finalise_reviews")
async def finalise_reviews() -> None:
    """Reviews whose time for comment or answer is over become final."""
    while await services.finalise_due_reviews():
        pass


@jobs.periodic("*/5 * * * *", "contracts.close_evaluations")
async def close_evaluations() -> None:
    """Evaluations whose time is over are shown; who did not answer stays absent."""
    while await services.close_due_evaluations():
        pass


@jobs.periodic("0 1 * * *", "contracts.send_reminders")
async def send_reminders() -> None:
    """At 09:00 in Shanghai: remind clients who have not evaluated yet."""
    await services.send_reminders()


@jobs.periodic("*/5 * * * *", "contracts.sweep_deferred")
async def sweep_deferred() -> None:
    """Promised documents whose date has passed lapse and are handed up."""
    await services.sweep_deferred()

"""What time does to payables: reminders, and the nightly proof of the books."""

from core import jobs
from payments import services


@jobs.periodic("30 0 * * *", "payments.remind")
async def remind() -> None:
    """Half past eight in the morning in Shanghai."""
    await services.send_reminders()


@jobs.periodic("40 18 * * *", "payments.audit")
async def audit() -> None:
    """Every night at 02:40 in Shanghai."""
    await services.record_audit()

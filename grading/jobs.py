"""What time does to grades: the monthly run is prepared by the clock, and signed by a person."""

from core import jobs
from grading import services


@jobs.periodic("20 * * * *", "grading.monthly_run")
async def monthly_run() -> None:
    """On or after the first working day of the month, once; everything else is decided by the service."""
    await services.run_if_due()

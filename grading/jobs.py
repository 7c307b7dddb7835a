"""What time does to grades: tables and runs are prepared by the clock; a grade is signed by a person."""

from core import jobs
from grading import services


@jobs.periodic("20 * * * *", "grading.monthly_run")
async def monthly_run() -> None:
    """On or after the first working day of quarter and month, once; everything else is decided by the services."""
    await services.calibrate_if_due()
    await services.run_if_due()

"""What time does to filings and certificates; each job is a hint, the service decides."""

from agencies import services
from agencies.rules.filing import FilingNotFound, NoticeStillRunning
from core import jobs
from core.errors import NotAllowedNow


@jobs.task("agencies.record_filing")
async def record_filing(filing_id: int) -> None:
    """Put a filing on record at the end of its notice; early, late and doubled calls do nothing."""
    try:
        await services.record_filing(filing_id=filing_id)
    except (FilingNotFound, NoticeStillRunning, NotAllowedNow):
        return


@jobs.periodic("*/10 * * * *", "agencies.record_due_filings")
async def record_due_filings() -> None:
    """Catch filings whose own job was missed."""
    await services.record_due_filings()


@jobs.periodic("15 0 * * *", "agencies.warn_of_expiry")
async def warn_of_expiry() -> None:
    """At 08:15 in Shanghai, write to agencies whose certificates end soon."""
    await services.warn_of_expiry()

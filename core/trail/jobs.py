"""What the clock does for the trail."""

from core import jobs
from core.trail import sequencer


@jobs.periodic("* * * * * */15", "trail.publish")
async def publish() -> None:
    """Every 15 seconds: from an act to its signed checkpoint it may take 60."""
    await sequencer.publish()

"""Moments as people in the market read them, for sentences and letters."""

from datetime import datetime, time, timedelta

from core import clock


def local(moment: datetime) -> str:
    """Day and minute in Shanghai; midnight is said as 24:00 of the day that ends, as deadlines are."""
    here = clock.shanghai(moment)
    if here.time() == time():
        return f"{here.date() - timedelta(days=1)} 24:00"
    return here.strftime("%Y-%m-%d %H:%M")

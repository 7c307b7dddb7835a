"""Moments as people in the market read them, for sentences and letters."""

from datetime import datetime

from core import clock


def local(moment: datetime) -> str:
    """`2026-11-10 00:00` in Shanghai."""
    return clock.shanghai(moment).strftime("%Y-%m-%d %H:%M")

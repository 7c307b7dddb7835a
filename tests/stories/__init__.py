"""Journeys through the whole market, committed, nothing faked. Start with `test_main_journey.py`."""

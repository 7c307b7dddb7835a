"""Working days: the vectors of the 2026 notice, make-up weekends, years nobody has published yet."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock, workdays

CALENDAR = workdays.published()
VECTORS = [
    ("2026-02-13", 3, "2026-02-25"),
    ("2026-04-30", 5, "2026-05-11"),
    ("2026-06-01", 68, "2026-09-04"),
    ("2026-09-18", 1, "2026-09-20"),
    ("2026-09-24", 10, "2026-10-15"),
    ("2026-09-30", 5, "2026-10-13"),
]


@pytest.mark.parametrize(("start", "days", "end"), VECTORS)
def test_the_published_vectors(start: str, days: int, end: str) -> None:
    assert CALENDAR.add(date.fromisoformat(start), days) == date.fromisoformat(end)
    assert CALENDAR.count(date.fromisoformat(start), date.fromisoformat(end)) == days


def test_2026_has_248_working_days() -> None:
    assert CALENDAR.count(date(2025, 12, 31), date(2026, 12, 31)) == 248


def test_a_year_without_a_notice_is_marked_and_counts_monday_to_friday() -> None:
    assert CALENDAR.is_provisional(date(2027, 1, 4))
    assert not CALENDAR.is_provisional(date(2026, 12, 31))
    assert CALENDAR.add(date(2027, 3, 5), 1) == date(2027, 3, 8)


def test_a_clock_runs_out_at_midnight_in_shanghai() -> None:
    started = datetime(2026, 9, 18, 15, 59, 59, tzinfo=UTC)  # 23:59:59 in Shanghai
    assert CALENDAR.due_at(started, 1) == datetime(2026, 9, 20, 16, 0, tzinfo=UTC)


@given(st.dates(date(2024, 1, 1), date(2026, 6, 1)), st.integers(0, 120))
def test_adding_and_counting_agree(start: date, days: int) -> None:
    end = CALENDAR.add(start, days)
    assert CALENDAR.count(start, end) == days
    assert days == 0 or CALENDAR.is_workday(end)


@pytest.mark.anyio
async def test_an_administrators_day_wins_over_the_notice(db: None) -> None:
    from core import db as database

    await database.execute("update core_workday set works = false where day = '2026-09-20'")
    workdays.forget()
    try:
        assert (await workdays.calendar()).add(date(2026, 9, 18), 1) == date(2026, 9, 21)
        await workdays.load_published()
        assert (await workdays.calendar()).add(date(2026, 9, 18), 1) == date(2026, 9, 21)
    finally:
        workdays.forget()


def test_the_clock_can_stand_and_run() -> None:
    moment = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    with clock.at(moment):
        assert clock.now() == moment
        assert clock.today() == date(2027, 1, 1)

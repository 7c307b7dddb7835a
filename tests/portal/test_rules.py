"""How a desk is ordered, which months a chart shows: no database."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.desk import DeskItem
from core.workdays import Calendar, published
from portal.rules.desk import When, arrange, count, due_day, strip, when_due
from portal.rules.months import Moves, labels, month_ends, moves

NOW = datetime(2026, 11, 20, 6, 32, tzinfo=UTC)  # Friday 14:32 in Shanghai
WEEKDAYS = Calendar({}, frozenset())


def item(due_at: datetime | None, *, mine: bool = True, since: datetime = NOW) -> DeskItem:
    return DeskItem("核对", "备案", "", "/x", due_at, since, 5, "核对", mine=mine)


def shanghai(day: int, hour: int, month: int = 11) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC) + timedelta(hours=hour - 8)


@pytest.mark.parametrize(
    ("due_at", "when"),
    [
        (shanghai(20, 14), When.LATE),
        (shanghai(20, 17), When.TODAY),
        (shanghai(20, 24), When.TODAY),
        (shanghai(21, 24), When.THIS_WEEK),
        (shanghai(22, 24), When.THIS_WEEK),
        (shanghai(23, 1), When.LATER),
        (None, When.OPEN),
    ],
)
def test_the_group_follows_the_shanghai_day(due_at: datetime | None, when: When) -> None:
    assert when_due(item(due_at), NOW) is when


def test_what_others_hold_stands_apart_even_when_late() -> None:
    assert when_due(item(shanghai(1, 9), mine=False), NOW) is When.OTHERS


def test_midnight_belongs_to_the_day_it_ends() -> None:
    assert due_day(shanghai(20, 24)) == (date(2026, 11, 20), "24:00")
    assert due_day(shanghai(20, 9)) == (date(2026, 11, 20), "09:00")


def test_the_working_day_of_arrival_is_not_counted() -> None:
    groups = arrange([item(None, since=shanghai(17, 9)), item(None, since=NOW)], NOW, WEEKDAYS)
    assert [task.used for task in groups[0].tasks] == [3, 1]


def test_days_of_lateness_start_at_one() -> None:
    groups = arrange([item(shanghai(20, 14)), item(shanghai(18, 24))], NOW, WEEKDAYS)
    assert [task.late_by for task in groups[0].tasks] == [2, 1]


moments = st.none() | st.integers(-60, 60).map(lambda hours: NOW + timedelta(hours=7 * hours))


@given(st.lists(st.tuples(moments, st.booleans()), max_size=12))
def test_nothing_is_lost_and_each_group_is_in_order(drawn: list[tuple[datetime | None, bool]]) -> None:
    items = [item(due_at, mine=mine) for due_at, mine in drawn]
    groups = arrange(items, NOW, WEEKDAYS)
    assert sorted(id(task.item) for group in groups for task in group.tasks) == sorted(map(id, items))
    assert count(groups, *When) == len(items)
    for group in groups:
        due = [task.item.due_at for task in group.tasks if task.item.due_at]
        assert due == sorted(due)
        assert group.longest == max(task.used for task in group.tasks)


def test_the_strip_skips_holidays_and_counts_only_my_lines() -> None:
    groups = arrange([item(shanghai(23, 24)), item(shanghai(23, 24), mine=False)], NOW, published())
    days = strip(groups, date(2026, 11, 20), published())
    assert [day.day.day for day in days] == [20, 23, 24, 25, 26]
    assert [day.due for day in days] == [0, 1, 0, 0, 0]


def test_the_last_month_ends_today() -> None:
    ends = month_ends(date(2027, 2, 3), 4)
    assert ends == [date(2026, 11, 30), date(2026, 12, 31), date(2027, 1, 31), date(2027, 2, 3)]
    assert labels(ends) == ["26-11", "12", "27-01", "02"]


def test_a_first_grade_is_neither_up_nor_down() -> None:
    before = {(1, "safety"): "B", (2, "safety"): "C", (3, "safety"): "N"}
    after = {(1, "safety"): "C", (2, "safety"): "B", (3, "safety"): "D", (4, "safety"): "N"}
    assert moves(before, after) == Moves(up=1, down=1, rated=1)


@given(st.dictionaries(st.integers(1, 9), st.sampled_from("ABCDN")))
def test_nothing_moves_when_nothing_changed(grades: dict[int, str]) -> None:
    month = {(agency, "water"): grade for agency, grade in grades.items()}
    assert moves(month, month) == Moves(0, 0, 0)

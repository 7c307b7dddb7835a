"""The published rule about outages, without a database."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from market.rules.editions import OutageRule
from market.rules.outages import Down, Held, Moved, extension, merged, quarter_up

RULE = OutageRule()
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
moments = st.integers(-8 * 3600, 30 * 3600).map(lambda seconds: NOON + timedelta(seconds=seconds))
downs = st.lists(st.tuples(moments, st.integers(1, 6 * 3600)), max_size=6).map(
    lambda pairs: [Down(since, since + timedelta(seconds=length)) for since, length in pairs]
)


def down(begin: timedelta, end: timedelta | None) -> Down:
    return Down(NOON + begin, None if end is None else NOON + end)


def moved(*found: Down) -> Moved:
    verdict = extension(NOON, found, RULE)
    assert isinstance(verdict, Moved)
    return verdict


def test_the_worked_examples_of_the_published_rule() -> None:
    assert extension(NOON, [], RULE) is None
    assert extension(NOON, [down(-HOUR, -HOUR + 9 * MINUTE)], RULE) is None, "nine minutes are too short"
    assert extension(NOON, [down(-9 * HOUR, -4 * HOUR)], RULE) is None, "over before the last four hours"
    assert moved(down(-3 * HOUR, -3 * HOUR + 15 * MINUTE)).new_deadline == NOON + HOUR + 15 * MINUTE
    assert moved(down(-30 * MINUTE, -5 * MINUTE)).new_deadline == NOON + 4 * HOUR
    assert moved(down(-2 * MINUTE, 2 * MINUTE)).new_deadline == NOON + 4 * HOUR + 15 * MINUTE, "down at the deadline"
    assert moved(down(-HOUR, 3 * HOUR)).new_deadline == NOON + 7 * HOUR
    assert moved(down(-2 * HOUR, -2 * HOUR + 6 * MINUTE), down(-HOUR, -HOUR + 6 * MINUTE)).lost == 12 * MINUTE


def test_an_outage_that_lasts_holds_the_opening() -> None:
    assert extension(NOON, [down(-MINUTE, None)], RULE) is Held.NOT_OVER
    assert extension(NOON, [down(MINUTE, None)], RULE) is None, "it began after the deadline"


@given(moments, downs)
def test_never_earlier_and_always_four_hours_of_service(deadline: datetime, found: list[Down]) -> None:
    verdict = extension(deadline, found, RULE)
    if verdict is None:
        return
    assert isinstance(verdict, Moved)
    assert verdict.new_deadline > deadline
    assert verdict.new_deadline >= deadline + verdict.lost
    assert verdict.new_deadline - verdict.counted_until >= timedelta(hours=RULE.reopen_hours)
    assert verdict.new_deadline == quarter_up(verdict.new_deadline)


@given(moments, downs)
def test_the_same_outages_never_count_twice(deadline: datetime, found: list[Down]) -> None:
    verdict = extension(deadline, found, RULE)
    if isinstance(verdict, Moved):
        known = [one for one in found if one.until_at is not None and one.until_at <= verdict.counted_until]
        assert extension(verdict.new_deadline, known, RULE, verdict.counted_until) is None


@given(moments, downs)
def test_overlap_and_order_do_not_matter(deadline: datetime, found: list[Down]) -> None:
    assert extension(deadline, found, RULE) == extension(deadline, [*reversed(found), *found], RULE)
    ordered = merged(found)
    assert all(a.until_at is not None and a.until_at < b.since_at for a, b in itertools.pairwise(ordered))


@given(moments, downs)
def test_more_outage_never_means_an_earlier_deadline(deadline: datetime, found: list[Down]) -> None:
    whole, part = extension(deadline, found, RULE), extension(deadline, found[1:], RULE)
    if isinstance(part, Moved):
        assert isinstance(whole, Moved)
        assert whole.new_deadline >= part.new_deadline

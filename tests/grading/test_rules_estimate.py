"""The estimator: shares that hold, order that does not matter, marks that cannot pull down."""

from collections import defaultdict
from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.rules.estimate import Mark, Prior, Voice, estimate, hear
from tests.factories.grading import scheme

PRIOR = Prior(75.0, 1.0, 36.0)
RULES = scheme().estimator
SCALE = (80.0, 0.25, 0.20)


@st.composite
def marks(draw, most=25):
    count = draw(st.integers(0, most))
    return [
        Mark(
            key=n,
            value=draw(st.integers(0, 10_000)) / 100,
            age_months=draw(st.floats(0, 36)),
            reviewers=tuple(draw(st.sets(st.sampled_from("PQRSTUVW"), min_size=1, max_size=3))),
            client=draw(st.integers(1, 6)),
        )
        for n in range(count)
    ]


def spread(n: int, value: float, age: float = 0.0) -> Mark:
    """A mark by a reviewer and for a client of its own."""
    return Mark(n, value, age, (f"R{n}",), n)


def shares(found):
    """The largest share of one reviewer and of one client, and what each may be."""
    by_reviewer, by_client = defaultdict(list), defaultdict(list)
    for one in found.marks:
        by_client[one.mark.client].append(one.weight)
        for name in one.mark.reviewers:
            by_reviewer[name].append(one.weight / len(one.mark.reviewers))
    return (
        max((fsum(parts) / found.total for parts in by_reviewer.values()), default=0),
        max((fsum(parts) / found.total for parts in by_client.values()), default=0),
        max(0.25, 1 / max(len(by_reviewer), 1)),
        max(0.40, 1 / max(len(by_client), 1)),
    )


@given(marks())
def test_no_reviewer_and_no_client_exceeds_its_share_of_the_weight(given_marks):
    reviewer, client, most_reviewer, most_client = shares(estimate(given_marks, PRIOR, RULES))
    assert reviewer <= most_reviewer + 1e-6
    assert client <= most_client + 1e-6


@pytest.mark.parametrize("reviewers", [1, 2, 3])
def test_reviewers_who_are_too_few_for_a_quarter_each_hold_equal_parts(reviewers):
    even = [Mark(n, 80.0, 0.0, (f"R{n % reviewers}",), n) for n in range(20 * reviewers)]
    assert estimate(even, PRIOR, RULES).evidence == pytest.approx(20 * reviewers)
    uneven = even + [Mark(900 + n, 80.0, 0.0, ("R0",), 900 + n) for n in range(60)]
    found = estimate(uneven, PRIOR, RULES)
    assert shares(found)[0] <= 1 / reviewers + 1e-6
    assert found.caps_bind == (reviewers > 1)


@pytest.mark.parametrize("clients", [1, 2])
def test_clients_who_are_too_few_for_two_fifths_each_hold_equal_parts(clients):
    even = [Mark(n, 80.0, 0.0, (f"R{n}",), n % clients) for n in range(20)]
    assert estimate(even, PRIOR, RULES).evidence == pytest.approx(20)


def test_caps_do_nothing_where_nobody_dominates():
    found = estimate([spread(n, 80.0) for n in range(8)], PRIOR, RULES)
    assert {one.cap for one in found.marks} == {1.0}


@given(marks(), st.randoms())
def test_order_of_rows_never_matters(given_marks, dice):
    shuffled = given_marks.copy()
    dice.shuffle(shuffled)
    assert estimate(shuffled, PRIOR, RULES) == estimate(given_marks, PRIOR, RULES)


@given(st.lists(st.integers(0, 10_000), max_size=15), st.floats(0, 36), st.floats(0, 1))
def test_a_mark_at_or_above_the_score_never_lowers_it_while_no_cap_binds(values, age, up):
    before = estimate([spread(n, v / 100) for n, v in enumerate(values)], PRIOR, RULES)
    better = before.level + up * (100 - before.level)
    after = estimate([*(one.mark for one in before.marks), spread(99, better, age)], PRIOR, RULES)
    if not (before.caps_bind or after.caps_bind):
        assert after.level >= before.level - 1e-9


@given(marks())
def test_the_score_stays_between_the_lowest_and_the_highest_mark_or_level(given_marks):
    found = estimate(given_marks, PRIOR, RULES)
    values = [PRIOR.level, *(one.value for one in given_marks)]
    assert min(values) - 1e-9 <= found.level <= max(values) + 1e-9
    assert 5 < found.variance <= 36 + 5


def test_an_outlier_counts_less_than_an_ordinary_mark():
    found = estimate([*(spread(n, 85.0) for n in range(8)), spread(9, 20.0)], PRIOR, RULES)
    ordinary, outlier = found.marks[0], found.marks[-1]
    assert ordinary.robust == 1.0
    assert outlier.robust == pytest.approx(12 / 63, abs=0.01)


def test_one_captured_reviewer_cannot_make_the_others_look_like_outliers():
    captured = [Mark(n, 99.0, 0.0, ("CAPTURED",), n) for n in range(30)]
    honest = [spread(100 + n, 62.0) for n in range(6)]
    found = estimate([*captured, *honest], PRIOR, RULES)
    assert found.level < 77
    assert min(one.robust for one in found.marks if one.mark.key >= 100) > 0.7


def test_age_halves_the_weight_every_twelve_months():
    found = estimate([spread(1, 80), spread(2, 80, 12), spread(3, 80, 24)], PRIOR, RULES)
    assert [one.decay for one in found.marks] == [1.0, 0.5, 0.25]


def test_stars_are_one_witness_of_at_most_one_expert_mark():
    crowd = hear([Voice(n, 100.0, 0.0) for n in range(100)], PRIOR, RULES, SCALE)
    assert crowd is not None
    assert (crowd.weight, crowd.value) == (1.0, 80.0)
    base = [spread(n, 75.0) for n in range(8)]
    gain = estimate(base, PRIOR, RULES, crowd).level - estimate(base, PRIOR, RULES).level
    assert 0 < gain <= 0.5


def test_a_few_clients_weigh_less_and_silence_weighs_nothing():
    two = hear([Voice(1, 60.0, 0.0), Voice(2, 60.0, 12.0)], PRIOR, RULES, SCALE)
    assert two is not None
    assert two.weight == pytest.approx(0.3)
    assert two.value == 70.0
    assert hear([], PRIOR, RULES, SCALE) is None
